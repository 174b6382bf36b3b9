//! Several processes on one directory: with polling, with push, with pushes that get lost; and after a restart.

use super::*;
use crate::{PersistConfig, Transaction};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn open(directory: &Path) -> PersistClient {
    let config = PersistConfig {
        metadata_url: format!("sqlite://{}/metadata.db", directory.display()),
        blob_url: format!("file://{}/blob", directory.display()),
        settings: hasty(),
    };
    PersistClient::open(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reopened_from_disk() {
    let directory = tempfile::tempdir().unwrap();
    {
        let client = open(directory.path()).await;
        let mut clock = setup(&client).await;
        for time in 0..50 {
            let updates = (0..20).map(|k| update(k, time, 1)).collect();
            write(&mut clock, time + 1, shard(1), updates).await;
        }
    }
    let client = open(directory.path()).await;
    assert_eq!(content(&client, shard(1), 49).await.unwrap(), (0..20).map(|k| update(k, 49, 50)).collect::<Vec<_>>());
    let mut clock = client.open_clock("env", 2).await.unwrap();
    assert_eq!(clock.upper(), Frontier::at(50));
    write(&mut clock, 51, shard(1), vec![update(0, 50, -50)]).await;
    assert_eq!(content(&client, shard(1), 50).await.unwrap().len(), 19);
}

/// One process writes and counts, the other hears every step.
async fn hears_all(writer: PersistClient, reader: PersistClient) {
    let mut clock = setup(&writer).await;
    let mut listen = reader.listen(shard(1), 0).await.unwrap();
    let writing = tokio::spawn(async move {
        for time in 1..100 {
            write(&mut clock, time + 1, shard(1), vec![update(time as i64, time, 1)]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        clock
    });
    let heard = changes(&mut listen, 100).await.unwrap();
    assert_eq!(heard, (1..100).map(|time| update(time as i64, time, 1)).collect::<Vec<_>>());
    let clock = writing.await.unwrap();
    assert_eq!(reader.clock_state("env").await.unwrap().unwrap().upper, clock.upper());
}

#[tokio::test(flavor = "multi_thread")]
async fn polling() {
    let directory = tempfile::tempdir().unwrap();
    hears_all(open(directory.path()).await, open(directory.path()).await).await;
}

/// Delivers what `keep` lets through, as bytes.
fn connect(from: &PersistClient, to: &PersistClient, keep: impl Fn(usize) -> bool + Send + Sync + 'static) {
    let (to, count) = (to.clone(), AtomicUsize::new(0));
    from.set_publisher(Arc::new(move |txn: &Transaction| {
        if keep(count.fetch_add(1, Ordering::Relaxed)) {
            let bytes = postcard::to_stdvec(txn).unwrap();
            to.receive(postcard::from_bytes(&bytes).unwrap());
        }
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, reader) = (open(directory.path()).await, open(directory.path()).await);
    connect(&writer, &reader, |_| true);
    reader.set_push_connected(true);
    hears_all(writer, reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_with_losses() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, reader) = (open(directory.path()).await, open(directory.path()).await);
    connect(&writer, &reader, |n| n % 3 != 1);
    reader.set_push_connected(true);
    hears_all(writer, reader).await;
}

/// Whoever gives up history need not have heard of the latest commits.
#[tokio::test(flavor = "multi_thread")]
async fn since_of_shards_that_another_process_writes() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, controller) = (open(directory.path()).await, open(directory.path()).await);
    let mut clock = setup(&writer).await;
    for time in 1..20 {
        write(&mut clock, time + 1, shard(1), vec![update(1, time, 1)]).await;
        controller.downgrade_since(&[(shard(1), Frontier::at(time))]).await.unwrap();
        let since = writer.shard_state(shard(1)).await.unwrap().unwrap().since;
        assert_eq!(since, Frontier::at(time));
    }
}

/// How fast large batches are built, committed and read back. Run by hand: `--ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn throughput() {
    const ROWS: i64 = 1_000_000;
    let directory = tempfile::tempdir().unwrap();
    let config = PersistConfig {
        metadata_url: format!("sqlite://{}/metadata.db", directory.path().display()),
        blob_url: format!("file://{}/blob", directory.path().display()),
        settings: Settings::default(),
    };
    let client = PersistClient::open(config).await.unwrap();
    let desc = RelationDesc::empty()
        .with("aid", SqlType::Int4, false)
        .with("bid", SqlType::Int4, true)
        .with("abalance", SqlType::Int4, true)
        .with("filler", SqlType::Char(Some(84)), true);
    let mut clock = client.open_clock("env", 1).await.unwrap();
    client.create_shards(&mut clock, &[(shard(1), desc.clone())]).await.unwrap();
    let begun = std::time::Instant::now();
    let filler = " ".repeat(84);
    let mut builder = client.batch_builder(shard(1), &desc);
    for aid in 0..ROWS as i32 {
        let row = [Datum::Int4(aid), Datum::Int4(aid / 100_000), Datum::Int4(0), Datum::Text(&filler)];
        builder.add(Update::row(Row::pack(row), 1, 1)).await.unwrap();
    }
    let batch = builder.finish().await.unwrap();
    let built = begun.elapsed();
    let big = Commit { writes: vec![(shard(1), batch)], ..Commit::advance(Frontier::at(10)) };
    assert_eq!(clock.commit(big).await.unwrap(), CommitOutcome::Committed);
    let begun = std::time::Instant::now();
    let mut snapshot = client.snapshot(shard(1), 9).await.unwrap();
    let mut rows = 0;
    while let Some(chunk) = snapshot.next().await.unwrap() {
        rows += chunk.len() as i64;
    }
    assert_eq!(rows, ROWS);
    let read = begun.elapsed();
    let begun = std::time::Instant::now();
    const COMMITS: u64 = 500;
    for i in 0..COMMITS {
        let row = Row::pack([Datum::Int4(1), Datum::Int4(1), Datum::Int4(i as i32), Datum::Text(&filler)]);
        write(&mut clock, 11 + i, shard(1), vec![Update::row(row, 10 + i, 1)]).await;
    }
    let per_commit = begun.elapsed() / COMMITS as u32;
    println!("{ROWS} rows: built in {built:?}, read in {read:?}; a small commit takes {per_commit:?}");
}
