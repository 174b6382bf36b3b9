//! Sessions over the wire: the two protocols, transactions, cursors, cancel, bad input, restarts.

use anyhow::{Context, ensure};
use std::time::{Duration, Instant};
use tests::freshet::{Freshet, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::{Client, SimpleQueryMessage};

async fn rows(client: &Client, sql: &str) -> anyhow::Result<Vec<String>> {
    let messages = client.simple_query(sql).await.with_context(|| sql.to_string())?;
    let text = |message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|i| row.get(i).unwrap_or("NULL")).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    Ok(messages.into_iter().filter_map(text).collect())
}

async fn code(client: &Client, sql: &str) -> String {
    match client.batch_execute(sql).await {
        Ok(()) => "00000".to_string(),
        Err(error) => error.code().map_or_else(|| error.to_string(), |code| code.code().to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_transactions_and_cursors() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE t (a int, b text)").await?;
    let inserted = client.execute("INSERT INTO t VALUES ($1, $2), (2, NULL)", &[&1i32, &"one"]).await?;
    ensure!(inserted == 2);
    let row = client.query_one("SELECT a, b, a::int8 + 1 FROM t WHERE b = $1", &[&"one"]).await?;
    ensure!((row.get::<_, i32>(0), row.get::<_, &str>(1), row.get::<_, i64>(2)) == (1, "one", 2));

    client.batch_execute("BEGIN; INSERT INTO t VALUES (3, 'three'); ROLLBACK").await?;
    ensure!(rows(&client, "SELECT count(*) FROM t").await? == ["2"]);
    client.batch_execute("BEGIN; INSERT INTO t VALUES (3, 'three'); COMMIT").await?;
    ensure!(rows(&client, "SELECT a FROM t ORDER BY a DESC LIMIT 2").await? == ["3", "2"]);

    client.batch_execute("BEGIN").await?;
    ensure!(code(&client, "SELECT 1 / 0").await == "22012");
    ensure!(code(&client, "SELECT 1").await == "25P02");
    client.batch_execute("ROLLBACK").await?;

    client.batch_execute("BEGIN; DECLARE c CURSOR FOR SUBSCRIBE t").await?;
    ensure!(rows(&client, "FETCH 2 FROM c").await?.len() == 2);
    ensure!(rows(&client, "FETCH ALL c WITH (timeout = '1s')").await?.len() == 1);
    client.batch_execute("COMMIT").await?;

    ensure!(code(&client, "SELECT nothing FROM t").await == "42703");
    ensure!(code(&client, "SELECT * FROM nothing").await == "42P01");
    ensure!(code(&client, "SELECT 1 FROM (SELECT 2").await == "42601");
    ensure!(code(&client, "CREATE TABLE t (a int)").await == "42P07");
    Ok(())
}

/// A prepared lookup keeps its plan; whatever it was made for may change.
#[tokio::test(flavor = "multi_thread")]
async fn prepared_lookups_follow_the_catalog() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let (client, other) = (freshet.connect().await?, freshet.connect().await?);
    let create =
        "CREATE TABLE t (a int, b text); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (NULL, 'z')";
    client.batch_execute(create).await?;
    let prepared = client.prepare("SELECT b FROM t WHERE a = $1 AND b <> $2 LIMIT 5").await?;
    let look_up = async |a: Option<i32>, b: &str| -> anyhow::Result<Vec<String>> {
        let rows = client.query(&prepared, &[&a, &b]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    };
    for _ in 0..4 {
        ensure!(look_up(Some(1), "y").await? == ["x"] && look_up(Some(2), "y").await?.is_empty());
        ensure!(look_up(None, "").await?.is_empty() && look_up(Some(7), "").await?.is_empty());
    }
    other.batch_execute("INSERT INTO t VALUES (7, 'new')").await?;
    ensure!(look_up(Some(7), "").await? == ["new"], "what was acknowledged is read");
    client.batch_execute("BEGIN").await?;
    ensure!(look_up(Some(7), "").await? == ["new"]);
    other.batch_execute("DELETE FROM t WHERE a = 7; DROP INDEX i").await?;
    ensure!(look_up(Some(7), "").await? == ["new"], "a transaction reads at one time");
    client.batch_execute("COMMIT").await?;
    ensure!(look_up(Some(7), "").await?.is_empty() && look_up(Some(1), "").await? == ["x"]);
    client.batch_execute("CREATE SCHEMA s; CREATE TABLE s.t (a int, b text); INSERT INTO s.t VALUES (1, 's')").await?;
    client.batch_execute("CREATE INDEX ON s.t (a); SET search_path = s").await?;
    ensure!(look_up(Some(1), "").await? == ["s"] && look_up(Some(1), "").await? == ["s"]);
    other.batch_execute("DROP TABLE s.t").await?;
    let error = look_up(Some(1), "").await.expect_err("the table is gone");
    ensure!(format!("{error:?}").contains("relation \"t\" does not exist"), "{error:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_transaction_sees_one_time() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let (reader, writer) = (freshet.connect().await?, freshet.connect().await?);
    writer.batch_execute("CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM t").await?;
    reader.batch_execute("BEGIN").await?;
    ensure!(rows(&reader, "SELECT * FROM v").await? == ["0"]);
    writer.batch_execute("INSERT INTO t VALUES (1)").await?;
    ensure!(rows(&reader, "SELECT * FROM v").await? == ["0"]);
    ensure!(rows(&reader, "SELECT count(*) FROM t").await? == ["0"]);
    reader.batch_execute("COMMIT").await?;
    ensure!(rows(&reader, "SELECT * FROM v").await? == ["1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_a_view_come_and_go_with_their_row() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT 10 / a q FROM t").await?;
    client.batch_execute("CREATE INDEX ON v (q); INSERT INTO t VALUES (2), (0)").await?;
    ensure!(code(&client, "SELECT * FROM v").await == "22012");
    client.batch_execute("DELETE FROM t WHERE a = 0").await?;
    ensure!(rows(&client, "SELECT * FROM v").await? == ["5"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cross_join_stops_when_it_is_cancelled() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let (client, other) = (freshet.connect().await?, freshet.connect().await?);
    client.batch_execute("CREATE TABLE t (a int); INSERT INTO t SELECT * FROM generate_series(1, 100)").await?;
    let cancel = client.cancel_token();
    let query = tokio::spawn(async move {
        let tables = (0..10).map(|i| format!("t t{i}")).collect::<Vec<_>>().join(", ");
        code(&client, &format!("SELECT count(*) FROM {tables}")).await
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    cancel.cancel_query(tokio_postgres::NoTls).await?;
    let code = tokio::time::timeout(Duration::from_secs(10), query).await??;
    ensure!(code == "57014", "the query ended with {code}");
    ensure!(rows(&other, "SELECT count(*) FROM t").await? == ["100"]);
    let constants =
        "SELECT count(*) FROM generate_series(1, 10000) a, generate_series(1, 10000) b, generate_series(1, 10000) c";
    other.batch_execute("SET statement_timeout = '1s'").await?;
    let started = Instant::now();
    let result = other.batch_execute(constants).await;
    ensure!(result.is_err() && started.elapsed() < Duration::from_secs(10), "a time-out ends a constant query");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_harm_only_their_sender() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let startup = b"\0\0\0\x1a\0\x03\0\0user\0materialize\0\0";
    for seed in 0..200u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", freshet.sql_port)).await?;
        if seed % 4 != 0 {
            stream.write_all(startup).await?;
        }
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut bytes = Vec::new();
        for _ in 0..64 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push(state as u8);
        }
        if seed % 2 == 0 {
            bytes[0] = b"QPBDECHSX"[seed as usize % 9];
            bytes[1..5].copy_from_slice(&[0, 0, 0, 40]);
        }
        // The server may close the connection at any point.
        let _ = stream.write_all(&bytes).await;
        let _ = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut [0; 4096])).await;
    }
    let client = freshet.connect().await?;
    ensure!(rows(&client, "SELECT 1").await? == ["1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_after_a_stop_and_after_a_kill() -> anyhow::Result<()> {
    let mut freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT sum(a) FROM t").await?;
    client.batch_execute("CREATE INDEX i ON v (sum); CREATE SCHEMA s; CREATE VIEW s.w AS SELECT * FROM v").await?;
    for round in 1..=4i64 {
        let client = freshet.connect().await?;
        client.batch_execute(&format!("INSERT INTO t VALUES ({round})")).await?;
        drop(client);
        match round {
            1 => freshet.stop()?,
            2 => ensure!(freshet.signal(Process::Environmentd, libc::SIGKILL) == 1),
            _ => Process::ALL.into_iter().for_each(|process| {
                freshet.signal(process, libc::SIGKILL);
            }),
        }
        freshet.restart().await?;
        let client = freshet.connect().await?;
        ensure!(rows(&client, "SELECT * FROM s.w").await? == [(1..=round).sum::<i64>().to_string()]);
    }
    Ok(())
}

/// What `pg_stat_activity` says of a session: state, query, and whether its times are there.
async fn activity(client: &Client, pid: i32) -> anyhow::Result<Vec<String>> {
    let row = client
        .query_one(
            "SELECT state, query, (xact_start IS NOT NULL)::text, (query_start <= state_change)::text, application_name, \
             client_addr, wait_event FROM pg_stat_activity WHERE pid = $1",
            &[&pid],
        )
        .await?;
    Ok((0..7).map(|i| row.get::<_, Option<String>>(i).unwrap_or_default()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_seen_cancelled_and_ended() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let (watcher, watched) = (freshet.connect().await?, freshet.connect().await?);
    let pid: i32 = watched.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
    watched.batch_execute("SET application_name = 'watched'").await?;
    let waiting = |state: &str, query: &str, open: &str| {
        [state, query, open, "true", "watched", "127.0.0.1", "ClientRead"].map(str::to_string).to_vec()
    };
    ensure!(activity(&watcher, pid).await? == waiting("idle", "SET application_name = 'watched'", "false"));
    watched.batch_execute("BEGIN").await?;
    ensure!(activity(&watcher, pid).await? == waiting("idle in transaction", "BEGIN", "true"));
    ensure!(watched.batch_execute("SELECT 1/0").await.is_err());
    ensure!(activity(&watcher, pid).await? == waiting("idle in transaction (aborted)", "SELECT 1/0", "true"));
    watched.batch_execute("ROLLBACK").await?;
    let long = tokio::spawn(async move {
        let ended = watched
            .batch_execute("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r")
            .await;
        (watched, ended)
    });
    while activity(&watcher, pid).await?[0] != "active" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cancelled = watcher
        .query("SELECT pid, pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'watched'", &[]);
    let cancelled = cancelled.await?;
    ensure!(cancelled.len() == 1 && cancelled[0].get::<_, bool>(1));
    let (watched, ended) = long.await?;
    let code = ended.err().and_then(|error| error.code().map(|code| code.code().to_string()));
    ensure!(code.as_deref() == Some("57014"), "a cancelled query ends with {code:?}");
    ensure!(watched.query_one("SELECT 1", &[]).await?.get::<_, i32>(0) == 1);
    ensure!(watcher.query_one("SELECT pg_terminate_backend($1)", &[&pid]).await?.get::<_, bool>(0));
    let gone = watched.query_one("SELECT 1", &[]).await;
    ensure!(gone.is_err(), "a session that was ended goes on");
    tokio::time::timeout(Duration::from_secs(10), async {
        while !watched.is_closed() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await?;
    ensure!(!watcher.query_one("SELECT pg_terminate_backend(123)", &[]).await?.get::<_, bool>(0));
    let left: i64 = watcher.query_one("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", &[&pid]).await?.get(0);
    ensure!(left == 0, "an ended session is still shown");
    Ok(())
}
