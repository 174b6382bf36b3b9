//! pgbench's bank: a PostgreSQL under load, replicated in, whose books balance.

use crate::freshet::Freshet;
use crate::pg::Postgres;
use anyhow::{Context, ensure};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// The four sums, as text.
pub const BOOKS: &str = "SELECT a::text, t::text, b::text, h::text FROM books";
/// The same of PostgreSQL itself.
const UPSTREAM: &str = "SELECT (SELECT sum(abalance) FROM pgbench_accounts)::text, (SELECT sum(tbalance) FROM pgbench_tellers)::text, \
                        (SELECT sum(bbalance) FROM pgbench_branches)::text, (SELECT coalesce(sum(delta), 0) FROM pgbench_history)::text";

/// Runs a program to its end; an error with its own words if it fails.
pub fn run(mut command: std::process::Command) -> anyhow::Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A PostgreSQL with the bank of scale 1, ready to be replicated.
pub async fn upstream() -> anyhow::Result<Postgres> {
    let postgres = Postgres::start().await?;
    postgres.execute("CREATE DATABASE bank").await?;
    let mut init = postgres.program("pgbench")?;
    init.args(["-i", "-q", "-s", "1", "bank"]);
    run(init)?;
    let mut publish = postgres.program("psql")?;
    publish.args(["-q", "bank", "-c", "ALTER TABLE pgbench_history REPLICA IDENTITY FULL"]);
    publish.args(["-c", "CREATE PUBLICATION mz_source FOR ALL TABLES"]);
    run(publish)?;
    Ok(postgres)
}

/// Starts pgbench with four clients.
pub fn pgbench(postgres: &Postgres, seconds: u64) -> anyhow::Result<Child> {
    let mut command = postgres.program("pgbench")?;
    command.args(["-n", "-c", "4", "-T", &seconds.to_string(), "bank"]);
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// Attaches the bank, with a view and an index of its books and a materialized view of its branches.
pub async fn replicate(freshet: &Freshet, postgres: &Postgres) -> anyhow::Result<()> {
    let client = freshet.connect().await?;
    let (user, password, port) = (Postgres::USER, Postgres::PASSWORD, postgres.port());
    let statements = [
        format!("CREATE SECRET pgpass AS '{password}'"),
        format!(
            "CREATE CONNECTION pg TO POSTGRES (HOST '127.0.0.1', PORT {port}, USER '{user}', PASSWORD SECRET pgpass, DATABASE 'bank')"
        ),
        "CREATE SOURCE bank FROM POSTGRES CONNECTION pg (PUBLICATION 'mz_source') FOR ALL TABLES".into(),
        "CREATE VIEW books AS SELECT (SELECT sum(abalance) FROM pgbench_accounts) a, (SELECT sum(tbalance) FROM pgbench_tellers) t, \
         (SELECT sum(bbalance) FROM pgbench_branches) b, (SELECT coalesce(sum(delta), 0) FROM pgbench_history) h"
            .into(),
        "CREATE INDEX ON books (a)".into(),
        "CREATE MATERIALIZED VIEW branch_totals AS SELECT b.bid, b.bbalance, count(*) accounts, sum(a.abalance) total \
         FROM pgbench_branches b JOIN pgbench_accounts a USING (bid) GROUP BY b.bid, b.bbalance"
            .into(),
    ];
    for statement in statements {
        client.batch_execute(&statement).await.with_context(|| statement.clone())?;
    }
    Ok(())
}

/// The columns of a query's only row, as text.
pub async fn values(client: &Client, sql: &str) -> anyhow::Result<Vec<String>> {
    let row = client.query_one(sql, &[]).await?;
    Ok((0..row.len()).map(|column| row.get::<_, Option<String>>(column).unwrap_or_default()).collect())
}

/// Waits until Freshet's books are PostgreSQL's.
pub async fn settle(freshet: &Freshet, postgres: &Postgres, within: Duration) -> anyhow::Result<Duration> {
    let config = format!(
        "host=127.0.0.1 port={} user={} password={} dbname=bank",
        postgres.port(),
        Postgres::USER,
        Postgres::PASSWORD
    );
    let (source, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let wanted = values(&source, UPSTREAM).await?;
    let started = Instant::now();
    loop {
        let books = async { values(&freshet.connect().await?, BOOKS).await }.await;
        if books.as_ref().is_ok_and(|books| *books == wanted) {
            return Ok(started.elapsed());
        }
        ensure!(started.elapsed() < within, "Freshet has {books:?}, PostgreSQL {wanted:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
