//! Unique keys: sessions that write the same ones at once, COPY, and what a restart leaves of them.

use anyhow::ensure;
use futures::SinkExt;
use futures::future::try_join_all;
use std::io::Cursor;
use std::pin::pin;
use tests::freshet::Freshet;
use tokio_postgres::Client;

/// Sessions that race.
const SESSIONS: i32 = 6;
/// The keys that each of them tries to insert.
const KEYS: i32 = 20;

/// Inserts all keys one by one; how many were its own.
async fn insert_all(client: Client, session: i32) -> anyhow::Result<i64> {
    let mut own = 0;
    for key in 0..KEYS {
        match client.execute("INSERT INTO t VALUES ($1, $2)", &[&key, &session]).await {
            Ok(_) => own += 1,
            Err(error) => ensure!(error.code().is_some_and(|code| code.code() == "23505"), "{error:?}"),
        }
    }
    Ok(own)
}

async fn copy(client: &Client, lines: &str) -> Result<u64, tokio_postgres::Error> {
    let mut sink = pin!(client.copy_in("COPY t FROM STDIN").await?);
    sink.send(Cursor::new(lines.as_bytes().to_vec())).await?;
    sink.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_gets_a_key() -> anyhow::Result<()> {
    let mut freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY, by int)").await?;
    let mut racing = Vec::new();
    for session in 0..SESSIONS {
        racing.push(insert_all(freshet.connect().await?, session));
    }
    let own: Vec<i64> = try_join_all(racing).await?;
    ensure!(own.iter().sum::<i64>() == i64::from(KEYS), "{own:?}");
    let counts = "SELECT count(*), count(DISTINCT id) FROM t";
    let row = client.query_one(counts, &[]).await?;
    ensure!((row.get::<_, i64>(0), row.get::<_, i64>(1)) == (i64::from(KEYS), i64::from(KEYS)));

    ensure!(copy(&client, "100\t1\n101\t1\n").await? == 2);
    for lines in ["102\t1\n100\t1\n", "103\t1\n103\t1\n"] {
        let error = copy(&client, lines).await.expect_err("a key is there twice");
        ensure!(error.code().is_some_and(|code| code.code() == "23505"), "{error:?}");
    }
    drop(client);
    freshet.stop()?;
    freshet.restart().await?;
    let client = freshet.connect().await?;
    ensure!(client.query_one(counts, &[]).await?.get::<_, i64>(0) == i64::from(KEYS) + 2);
    let error = client.execute("INSERT INTO t VALUES (100, 2)", &[]).await.expect_err("the key is there");
    ensure!(error.code().is_some_and(|code| code.code() == "23505"), "{error:?}");
    Ok(())
}
