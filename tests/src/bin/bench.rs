//! Measures Freshet beside PostgreSQL on the same machine, in one run, and prints a table.
//!
//! The binaries are those of the release build beside this program. Numbers of different runs do not compare: machines differ from hour to hour.

use anyhow::{Context, ensure};
use futures::StreamExt;
use std::process::Command;
use std::time::{Duration, Instant};
use tests::freshet::Freshet;
use tests::pg::Postgres;
use tests::queries::Suite;
use tokio_postgres::{Client, NoTls};

/// Rows of the table that is looked up in, as `pgbench -s 1` has them.
const ACCOUNTS: u32 = 100_000;
/// Rows of the snapshot.
const SNAPSHOT_ROWS: u32 = 1_000_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    println!("| what | Freshet | beside |\n|---|---|---|");
    if "lookup".contains(&filter) {
        lookups().await?;
    }
    if "insert".contains(&filter) {
        insert_to_subscribe().await?;
    }
    if "planning".contains(&filter) {
        planning().await?;
    }
    if "source".contains(&filter) {
        source().await?;
    }
    if "bank".contains(&filter) {
        bank().await?;
    }
    if "idle".contains(&filter) {
        idle().await?;
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What pgbench says: transactions a second and mean latency in milliseconds.
fn pgbench(mut command: Command) -> anyhow::Result<(f64, f64)> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let number = |label: &str| {
        let line = text.lines().find(|line| line.starts_with(label));
        let value = line.and_then(|line| line[label.len()..].split_whitespace().next()?.parse().ok());
        value.with_context(|| format!("pgbench says no {label:?}: {text}"))
    };
    Ok((number("tps = ")?, number("latency average = ")?))
}

/// Point lookups by an index, prepared, from 1 and 16 clients.
async fn lookups() -> anyhow::Result<()> {
    let postgres = Postgres::start().await?;
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    let create = "CREATE TABLE pgbench_accounts (aid int, bid int, abalance int, filler text)";
    client.batch_execute(create).await?;
    let insert =
        format!("INSERT INTO pgbench_accounts SELECT i, 1, 0, repeat(' ', 84) FROM generate_series(1, {ACCOUNTS}) i");
    client.batch_execute(&insert).await?;
    client.batch_execute("CREATE INDEX ON pgbench_accounts (aid)").await?;
    client.query("SELECT abalance FROM pgbench_accounts WHERE aid = 1", &[]).await?;
    let mut init = postgres.program("pgbench")?;
    init.args(["-i", "-q", "-s", "1", "postgres"]);
    ensure!(init.output()?.status.success(), "pgbench -i");
    let script = tempfile::NamedTempFile::new()?;
    let lookup = format!("\\set aid random(1, {ACCOUNTS})\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n");
    std::fs::write(script.path(), lookup)?;
    for clients in ["1", "16"] {
        let args = ["-n", "-M", "prepared", "-T", "10", "-c", clients, "-j", "1", "-f"];
        let mut peer = postgres.program("pgbench")?;
        peer.args(args).arg(script.path()).arg("postgres");
        let mut ours = postgres.program("pgbench")?;
        ours.args(args).arg(script.path());
        ours.args(["-h", "127.0.0.1", "-p", &freshet.sql_port.to_string(), "-U", "materialize", "materialize"]);
        let ((tps, latency), (peer_tps, peer_latency)) = (pgbench(ours)?, pgbench(peer)?);
        println!(
            "| point lookups, {clients} client(s) | {tps:.0}/s, {:.0} µs | PostgreSQL {peer_tps:.0}/s, {:.0} µs |",
            latency * 1000.0,
            peer_latency * 1000.0
        );
    }
    Ok(())
}

/// A one-row INSERT until its row arrives in a SUBSCRIBE.
async fn insert_to_subscribe() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let (writer, reader) = (freshet.connect().await?, freshet.connect().await?);
    writer
        .batch_execute("CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT a, count(*) FROM t GROUP BY a")
        .await?;
    let copy = reader.copy_out("COPY (SUBSCRIBE v) TO STDOUT").await?;
    tokio::pin!(copy);
    let (mut to_subscribe, mut to_commit) = (Vec::new(), Vec::new());
    for i in 0..200i32 {
        let started = Instant::now();
        writer.execute("INSERT INTO t VALUES ($1)", &[&i]).await?;
        to_commit.push(started.elapsed().as_secs_f64() * 1000.0);
        copy.next().await.context("the subscribe goes on")??;
        to_subscribe.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    println!("| INSERT of one row, acknowledged (median) | {:.1} ms | |", median(to_commit));
    println!("| INSERT of one row → view → SUBSCRIBE (median) | {:.1} ms | |", median(to_subscribe));
    Ok(())
}

/// How long TPC-H's queries and joins of 20 and 64 tables take to be planned: `EXPLAIN` until its answer, in both.
async fn planning() -> anyhow::Result<()> {
    let (postgres, freshet) = (Postgres::start().await?, Freshet::start().await?);
    let (peer, ours) = (postgres.client().await?, freshet.connect().await?);
    let suite = Suite::read("tpch")?;
    let chain = |tables: usize| {
        let from: Vec<_> = (0..tables).map(|i| format!("t{i}")).collect();
        let on: Vec<_> = (1..tables).map(|i| format!("t{}.b = t{i}.a", i - 1)).collect();
        format!("SELECT * FROM {} WHERE {}", from.join(", "), on.join(" AND "))
    };
    let tables: Vec<_> = (0..64).map(|i| format!("CREATE TABLE t{i} (a int, b int)")).collect();
    for client in [&peer, &ours] {
        client.batch_execute(&suite.schema).await?;
        client.batch_execute(&tables.join("; ")).await?;
    }
    let (mut of_ours, mut of_peer) = (Vec::new(), Vec::new());
    for (_, query) in &suite.queries {
        of_ours.push(explained(&ours, query).await?);
        of_peer.push(explained(&peer, query).await?);
    }
    let most = of_ours.iter().copied().fold(0.0, f64::max);
    println!(
        "| planning a TPC-H query: median (longest) | {:.1} ms ({most:.1} ms) | PostgreSQL {:.1} ms |",
        median(of_ours),
        median(of_peer)
    );
    for tables in [20, 64] {
        let (a, b) = (explained(&ours, &chain(tables)).await?, explained(&peer, &chain(tables)).await?);
        println!("| planning a join of {tables} tables | {a:.1} ms | PostgreSQL {b:.1} ms |");
    }
    Ok(())
}

/// Milliseconds of an EXPLAIN, the median of some.
async fn explained(client: &Client, query: &str) -> anyhow::Result<f64> {
    let explain = format!("EXPLAIN {query}");
    let mut times = Vec::new();
    for _ in 0..9 {
        let started = Instant::now();
        client.simple_query(&explain).await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(times))
}

async fn upstream_client(postgres: &Postgres) -> anyhow::Result<Client> {
    let (user, password) = (Postgres::USER, Postgres::PASSWORD);
    let config = format!("host=127.0.0.1 port={} user={user} password={password} dbname=postgres", postgres.port());
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A snapshot of a million rows into an indexed view, then upstream commits until the answer changes.
async fn source() -> anyhow::Result<()> {
    let postgres = Postgres::start().await?;
    let upstream = upstream_client(&postgres).await?;
    let fill = format!("INSERT INTO items SELECT i, i % 1000, 'item ' || i FROM generate_series(1, {SNAPSHOT_ROWS}) i");
    upstream.batch_execute("CREATE TABLE items (id int PRIMARY KEY, kind int, name text)").await?;
    upstream.batch_execute(&fill).await?;
    upstream.batch_execute("CREATE PUBLICATION p FOR ALL TABLES").await?;
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute(&format!("CREATE SECRET s AS '{}'", Postgres::PASSWORD)).await?;
    let (user, port) = (Postgres::USER, postgres.port());
    let connection = format!(
        "CREATE CONNECTION c TO POSTGRES (HOST '127.0.0.1', PORT {port}, USER '{user}', PASSWORD SECRET s, DATABASE 'postgres')"
    );
    client.batch_execute(&connection).await?;
    let started = Instant::now();
    client.batch_execute("CREATE SOURCE src FROM POSTGRES CONNECTION c (PUBLICATION 'p') FOR ALL TABLES").await?;
    client
        .batch_execute(
            "CREATE VIEW kinds AS SELECT kind, count(*) n FROM items GROUP BY kind; CREATE INDEX ON kinds (kind)",
        )
        .await?;
    let n: i64 = client.query_one("SELECT sum(n)::int8 FROM kinds", &[]).await?.get(0);
    let seconds = started.elapsed().as_secs_f64();
    ensure!(n == i64::from(SNAPSHOT_ROWS), "the snapshot has {n} rows");
    println!(
        "| CDC snapshot of {SNAPSHOT_ROWS} rows into an indexed view | {:.0} rows/s | |",
        f64::from(SNAPSHOT_ROWS) / seconds
    );
    let mut latencies = Vec::new();
    for i in 1..=50i64 {
        upstream.execute("INSERT INTO items VALUES ($1, 1, 'new')", &[&(SNAPSHOT_ROWS as i32 + i as i32)]).await?;
        let committed = Instant::now();
        let wanted = i64::from(SNAPSHOT_ROWS) / 1000 + i;
        while client.query_one("SELECT n FROM kinds WHERE kind = 1", &[]).await?.get::<_, i64>(0) != wanted {
            ensure!(committed.elapsed() < Duration::from_secs(30), "the answer never changes");
        }
        latencies.push(committed.elapsed().as_secs_f64() * 1000.0);
    }
    println!("| upstream commit → changed answer (median) | {:.0} ms | |", median(latencies));
    Ok(())
}

/// How soon after a load of pgbench the books are PostgreSQL's.
async fn bank() -> anyhow::Result<()> {
    let postgres = tests::bank::upstream().await?;
    let freshet = Freshet::start().await?;
    tests::bank::replicate(&freshet, &postgres).await?;
    let mut load = tests::bank::pgbench(&postgres, 15)?;
    tokio::task::spawn_blocking(move || load.wait()).await??;
    let settled = tests::bank::settle(&freshet, &postgres, Duration::from_secs(30)).await?;
    println!("| pgbench -c 4 ends → the sums are PostgreSQL's | {:.0} ms | |", settled.as_secs_f64() * 1000.0);
    Ok(())
}

/// Memory and CPU of an environment with a table, a view and an index, when nobody asks for anything.
async fn idle() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client
        .batch_execute(
            "CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT sum(a) FROM t; CREATE INDEX ON v (sum)",
        )
        .await?;
    client.batch_execute("INSERT INTO t VALUES (1)").await?;
    client.query("SELECT * FROM v", &[]).await?;
    drop(client);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (cpu, started) = (freshet.cpu_seconds(), Instant::now());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let share = (freshet.cpu_seconds() - cpu) / started.elapsed().as_secs_f64();
    println!("| idle: resident, all processes | {} MB | |", freshet.resident_bytes() >> 20);
    println!("| idle: share of a core | {:.1} % | |", share * 100.0);
    Ok(())
}
