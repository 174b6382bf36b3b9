//! Filters on the present moment: rows of a maintained view come and go without any change of data, also across restarts.

use anyhow::ensure;
use std::time::{Duration, Instant};
use tests::freshet::Freshet;
use tokio_postgres::Client;

async fn ids(client: &Client, relation: &str) -> anyhow::Result<Vec<i32>> {
    let rows = client.query(&format!("SELECT id FROM {relation} ORDER BY id"), &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Waits until the relation shows just these.
async fn shows(client: &Client, relation: &str, wanted: &[i32]) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = ids(client, relation).await?;
        if found == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{relation} shows {found:?} rather than {wanted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_and_go_as_time_goes_on() -> anyhow::Result<()> {
    let mut freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client
        .batch_execute(
            "CREATE TABLE events (id int, starts timestamptz, ends timestamptz);
             CREATE MATERIALIZED VIEW kept AS SELECT id FROM events WHERE starts <= now() AND mz_now() < ends;
             CREATE VIEW seen AS SELECT id FROM events WHERE starts <= now() AND now() < ends;
             CREATE INDEX ON seen (id)",
        )
        .await?;
    client
        .batch_execute(
            "INSERT INTO events VALUES
               (1, now() - INTERVAL '1 hour', now() + INTERVAL '3 seconds'),
               (2, now() + INTERVAL '3 seconds', now() + INTERVAL '1 hour'),
               (3, now() - INTERVAL '1 hour', '2999-01-01')",
        )
        .await?;
    for relation in ["kept", "seen"] {
        ensure!(ids(&client, relation).await? == [1, 3], "at first 1 and 3 are in {relation}");
    }
    for relation in ["kept", "seen"] {
        shows(&client, relation, &[2, 3]).await?;
    }
    client.batch_execute("DELETE FROM events WHERE id = 3").await?;
    ensure!(ids(&client, "kept").await? == [2]);
    let later = "INSERT INTO events VALUES (4, now() + INTERVAL '2 seconds', '2999-01-01'), (5, '-infinity', now() + INTERVAL '2 seconds')";
    client.batch_execute(later).await?;
    freshet.stop()?;
    freshet.restart().await?;
    let client = freshet.connect().await?;
    for relation in ["kept", "seen"] {
        shows(&client, relation, &[2, 4]).await?;
    }
    Ok(())
}
