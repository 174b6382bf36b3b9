//! A live PostgreSQL under pgbench, replicated in: every answer is consistent, whatever is killed.

use anyhow::{Context, ensure};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};
use tests::bank::{BOOKS, pgbench, replicate, run, settle, upstream, values};
use tests::freshet::{Freshet, Process};
use tokio_postgres::Client;

/// Reads the books until pgbench ends; every answer balances. Connections may break while processes are killed.
async fn watch(freshet: &Freshet, pgbench: &mut Child) -> anyhow::Result<usize> {
    let mut reads = 0;
    let mut client = None;
    while pgbench.try_wait()?.is_none() {
        let open = match client.take() {
            Some(client) => client,
            None => match freshet.connect().await {
                Ok(client) => client,
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        if let Ok(Ok(books)) = tokio::time::timeout(Duration::from_secs(30), values(&open, BOOKS)).await {
            ensure!(books.iter().all(|sum| *sum == books[0]), "the books do not balance: {books:?}");
            reads += 1;
            client = Some(open);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(reads)
}

async fn check_view(freshet: &Freshet) -> anyhow::Result<()> {
    let client = freshet.connect().await?;
    let differences = "SELECT count(*)::text FROM branch_totals WHERE total <> bbalance OR accounts <> 100000";
    ensure!(values(&client, differences).await? == ["0"], "the view and its sources differ");
    Ok(())
}

/// Follows the books; at every complete time they balance. Returns how many times it saw.
async fn subscribe(client: Client, seconds: u64) -> anyhow::Result<usize> {
    let copy = client.copy_out("COPY (SUBSCRIBE books WITH (PROGRESS)) TO STDOUT").await?;
    tokio::pin!(copy);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let (mut text, mut row, mut times) = (String::new(), None::<Vec<String>>, 0);
    // By time: differences and rows.
    let mut pending: BTreeMap<String, Vec<(i64, Vec<String>)>> = BTreeMap::new();
    while let Ok(Some(chunk)) = tokio::time::timeout_at(deadline, copy.next()).await {
        text.push_str(std::str::from_utf8(&chunk?)?);
        while let Some((line, rest)) = text.split_once('\n') {
            let fields: Vec<String> = line.split('\t').map(str::to_string).collect();
            if fields[1] == "t" {
                for (time, updates) in std::mem::take(&mut pending) {
                    apply(&mut row, updates)?;
                    let books = row.as_ref().context("the books are there at every time")?;
                    ensure!(books.iter().all(|sum| *sum == books[0]), "at {time}: {books:?}");
                    times += 1;
                }
            } else {
                pending.entry(fields[0].clone()).or_default().push((fields[2].parse()?, fields[3..].to_vec()));
            }
            text = rest.to_string();
        }
    }
    Ok(times)
}

fn apply(row: &mut Option<Vec<String>>, updates: Vec<(i64, Vec<String>)>) -> anyhow::Result<()> {
    let (gone, came): (Vec<_>, Vec<_>) = updates.into_iter().partition(|(diff, _)| *diff < 0);
    for (_, old) in gone {
        ensure!(row.take() == Some(old), "a row goes that was not there");
    }
    for (_, new) in came {
        ensure!(row.replace(new).is_none(), "two rows at one time");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_balance_at_every_time() -> anyhow::Result<()> {
    let postgres = upstream().await?;
    let freshet = Freshet::start().await?;
    replicate(&freshet, &postgres).await?;
    // The very first read waits for the snapshot; without it the sums would be NULL.
    let first = values(&freshet.connect().await?, BOOKS).await?;
    ensure!(first == ["0", "0", "0", "0"], "the first read sees {first:?}");
    let mut load = pgbench(&postgres, 10)?;
    let follower = tokio::spawn(subscribe(freshet.connect().await?, 10));
    let reads = watch(&freshet, &mut load).await?;
    let times = follower.await??;
    settle(&freshet, &postgres, Duration::from_secs(20)).await?;
    check_view(&freshet).await?;
    ensure!(reads > 10 && times > 10, "{reads} reads and {times} times are too few to show anything");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_processes_are_killed_or_stopped() -> anyhow::Result<()> {
    let postgres = upstream().await?;
    let mut freshet = Freshet::start().await?;
    replicate(&freshet, &postgres).await?;
    let mut load = pgbench(&postgres, 50)?;
    for victims in [&[Process::Storaged][..], &[Process::Computed], &[Process::Environmentd], &Process::ALL] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        for victim in victims {
            ensure!(freshet.signal(*victim, libc::SIGKILL) > 0, "{} runs", victim.name());
        }
        if victims.contains(&Process::Environmentd) {
            freshet.restart().await?;
        }
    }
    for paused in Process::ALL {
        freshet.signal(paused, libc::SIGSTOP);
        tokio::time::sleep(Duration::from_secs(10)).await;
        freshet.signal(paused, libc::SIGCONT);
    }
    watch(&freshet, &mut load).await?;
    settle(&freshet, &postgres, Duration::from_secs(60)).await?;
    check_view(&freshet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn truncate_empties_the_table_in_its_transaction() -> anyhow::Result<()> {
    let postgres = upstream().await?;
    let freshet = Freshet::start().await?;
    replicate(&freshet, &postgres).await?;
    let mut load = postgres.program("pgbench")?;
    load.args(["-c", "1", "-t", "50", "bank"]);
    run(load)?;
    let client = freshet.connect().await?;
    let started = Instant::now();
    // pgbench without -n truncates the history first, then makes 50 transactions.
    while values(&client, "SELECT count(*)::text FROM pgbench_history").await? != ["50"] {
        ensure!(started.elapsed() < Duration::from_secs(30), "the history never has exactly 50 rows");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
