//! The PostgreSQL source.

use super::fixture::{Fixture, SLOT, contents};
use persist::{ListenEvent, PersistClient};
use proto::storage::SourceStatus;
use repr::{Datum, ShardId};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_what_follows_it() {
    let fixture = Fixture::new(
        "CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric(10,2));
         INSERT INTO t VALUES (1, 'one', 1.5), (2, E'tab\\tnew\\nline\\\\', NULL), (3, 'three', -0.01);
         CREATE TABLE e (a bigint, b timestamptz);",
    )
    .await;
    let _source = fixture.run();
    fixture.settles("t", &["1|one|1.50", "2|tab\tnew\nline\\|NULL", "3|three|-0.01"]).await;
    fixture.settles("e", &[]).await;
    fixture.execute("INSERT INTO t VALUES (4, 'four', 4); DELETE FROM t WHERE id = 2").await;
    fixture.settles("t", &["1|one|1.50", "3|three|-0.01", "4|four|4.00"]).await;
    fixture.execute("UPDATE t SET name = 'eins', amount = NULL WHERE id = 1; UPDATE t SET id = 5 WHERE id = 4").await;
    fixture.settles("t", &["1|eins|NULL", "3|three|-0.01", "5|four|4.00"]).await;
    fixture.execute("INSERT INTO e VALUES (1, '2024-02-29 12:00+00'), (1, '2024-02-29 12:00+00')").await;
    fixture.settles("e", &["1|2024-02-29 12:00:00+00 x2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_without_a_key_and_full_identity() {
    let fixture = Fixture::new(
        "CREATE TABLE f (a int, b text); ALTER TABLE f REPLICA IDENTITY FULL;
         INSERT INTO f VALUES (1, 'x'), (1, 'x'), (2, NULL);
         CREATE TABLE k (a int, b int, PRIMARY KEY (a, b)); INSERT INTO k VALUES (1, 1), (1, 2);",
    )
    .await;
    let _source = fixture.run();
    fixture.settles("f", &["1|x x2", "2|NULL"]).await;
    fixture.execute("DELETE FROM f WHERE ctid IN (SELECT min(ctid) FROM f WHERE a = 1)").await;
    fixture.execute("UPDATE f SET b = 'y' WHERE a = 2").await;
    fixture.settles("f", &["1|x", "2|y"]).await;
    fixture.execute("UPDATE k SET b = 3 WHERE b = 2; DELETE FROM k WHERE b = 1; UPDATE k SET a = a").await;
    fixture.settles("k", &["1|3"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_that_do_not_change_are_kept() {
    let large = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i)";
    let fixture = Fixture::new(&format!(
        "CREATE TABLE d (id int PRIMARY KEY, v text, n int); INSERT INTO d VALUES (1, {large}, 1);
         CREATE TABLE f (id int, v text, n int); ALTER TABLE f REPLICA IDENTITY FULL; INSERT INTO f VALUES (1, {large}, 1);"
    ))
    .await;
    let _source = fixture.run();
    for table in ["d", "f"] {
        fixture.settles_as(table, &format!("SELECT id||'|'||v||'|'||n FROM {table}")).await;
        fixture.execute(&format!("UPDATE {table} SET n = n + 1")).await;
        fixture.settles_as(table, &format!("SELECT id||'|'||v||'|'||n FROM {table}")).await;
        fixture.execute(&format!("UPDATE {table} SET id = 2; UPDATE {table} SET v = 'short'")).await;
        fixture.settles(table, &["2|short|2"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn truncate_takes_all_that_was_there() {
    let fixture = Fixture::new(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 1000) i;
         CREATE TABLE u (id int); INSERT INTO u VALUES (1);",
    )
    .await;
    let _source = fixture.run();
    fixture.settles("u", &["1"]).await;
    fixture.execute("INSERT INTO t VALUES (0, 'v'); UPDATE t SET v = 'w' WHERE id < 10").await;
    fixture
        .execute("BEGIN; INSERT INTO t VALUES (-1, 'x'); TRUNCATE t, u; INSERT INTO t VALUES (7, 'new'); COMMIT")
        .await;
    fixture.settles("t", &["7|new"]).await;
    fixture.settles("u", &[]).await;
    fixture.execute("UPDATE t SET v = 'newer'; INSERT INTO u VALUES (2)").await;
    fixture.settles("t", &["7|newer"]).await;
    fixture.settles("u", &["2"]).await;
}

/// The sum of all changes of amounts at each time: money moves, none is made.
async fn imbalances(persist: &PersistClient, shards: [ShardId; 2], since: u64) -> BTreeMap<u64, i64> {
    let upper = persist.clock_state("source/u1").await.expect("answers").expect("exists").upper;
    let mut sums = BTreeMap::new();
    for shard in shards {
        let mut listen = persist.listen(shard, since).await.expect("listens");
        loop {
            match listen.next().await.expect("goes on") {
                ListenEvent::Updates(updates) => {
                    for update in updates.into_iter().filter(|update| upper.is_beyond(update.time)) {
                        let row = update.data.expect("a row");
                        let Some(Datum::Int4(amount)) = row.iter().nth(1) else { panic!("an amount") };
                        *sums.entry(update.time).or_default() += i64::from(amount) * update.diff;
                    }
                }
                ListenEvent::Progress(reached) if reached >= upper => break,
                ListenEvent::Progress(_) => {}
            }
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transaction_counts_once_whatever_is_killed() {
    let mut fixture = Fixture::new(
        "CREATE TABLE a (id int PRIMARY KEY, amount int NOT NULL); INSERT INTO a SELECT i, 0 FROM generate_series(1, 100) i;
         CREATE TABLE b (id int PRIMARY KEY, amount int NOT NULL); INSERT INTO b SELECT i, 0 FROM generate_series(1, 100) i;
         CREATE TABLE log (id serial, amount int);",
    )
    .await;
    let transfers = async |upstream: &tests::pg::Postgres, n: usize| {
        let client = upstream.client().await.expect("connects");
        for i in 0..n {
            let (from, to, amount) = (i * 7 % 100 + 1, i * 13 % 100 + 1, i % 50);
            let sql = format!(
                "BEGIN; UPDATE a SET amount = amount - {amount} WHERE id = {from};
                 UPDATE b SET amount = amount + {amount} WHERE id = {to};
                 INSERT INTO log (amount) VALUES ({amount}); COMMIT"
            );
            client.batch_execute(&sql).await.expect("transfers");
        }
    };
    let mut source = fixture.run();
    fixture.status(SourceStatus::Running).await;
    let shards = [fixture.export("a").shard, fixture.export("b").shard];
    let begun = fixture.context.persist.clock_state("source/u1").await.expect("answers").expect("exists").upper;
    let begun = begun.last_complete().expect("a time");
    for round in 0..5 {
        transfers(&fixture.upstream, 100).await;
        // Dropping ends the source's tasks wherever they are, as a crash does.
        drop(source);
        if round % 2 == 0 {
            fixture.new_process().await;
        }
        fixture.description.epoch += 1;
        source = fixture.run();
        transfers(&fixture.upstream, 20).await;
    }
    fixture.upstream.stop();
    fixture.upstream.resume().await.expect("starts again");
    transfers(&fixture.upstream, 50).await;
    for table in ["a", "b", "log"] {
        fixture.settles_as(table, &format!("SELECT id||'|'||amount FROM {table}")).await;
    }
    let imbalances = imbalances(&fixture.context.persist, shards, begun).await;
    assert!(imbalances.len() > 10, "{} commits", imbalances.len());
    assert!(imbalances.values().all(|sum| *sum == 0), "{imbalances:?}");
    drop(source);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_mended() {
    let mut fixture = Fixture::new("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    fixture.connection().password = Some("guess".into());
    let source = fixture.run();
    let error = fixture.status(SourceStatus::Stalled).await.expect("an error");
    assert!(error.contains("password authentication failed"), "{error}");
    source.stop().await;
    fixture.connection().password = Some(tests::pg::Postgres::PASSWORD.into());
    fixture.connection().publication = "q".into();
    let source = fixture.run();
    let error = fixture.status(SourceStatus::Failed).await.expect("an error");
    assert_eq!(error, "publication \"q\" does not exist upstream");
    fixture.execute("CREATE PUBLICATION q FOR ALL TABLES").await;
    fixture.status(SourceStatus::Running).await;
    fixture.settles("t", &["1"]).await;
    source.release().await;
    let client = fixture.upstream.client().await.expect("connects");
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1";
    for _ in 0..100 {
        if client.query_one(slots, &[&SLOT]).await.expect("runs").get::<_, i64>(0) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the slot is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_goes_on_while_upstream_is_down() {
    let mut fixture = Fixture::new("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    let _source = fixture.run();
    fixture.status(SourceStatus::Running).await;
    fixture.upstream.stop();
    fixture.status(SourceStatus::Stalled).await;
    let persist = fixture.context.persist.clone();
    let mut clock = persist.watch_clock("source/u1");
    let mut env = persist.open_clock("env", 1).await.expect("opens");
    let now = crate::report::now_ms();
    env.commit(persist::Commit::advance(repr::Frontier::at(now + 1))).await.expect("commits");
    let follows = clock.wait_for(|upper| upper.is_beyond(now));
    tokio::time::timeout(Duration::from_secs(5), follows).await.expect("in time").expect("alive");
    fixture.upstream.resume().await.expect("starts");
    fixture.execute("INSERT INTO t VALUES (2)").await;
    fixture.settles("t", &["1", "2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_are_errors_until_they_go() {
    let mut fixture =
        Fixture::new("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 1)").await;
    let source = fixture.run();
    fixture.settles("t", &["1|1"]).await;
    fixture.execute("ALTER TABLE t ALTER n DROP NOT NULL; INSERT INTO t VALUES (2, NULL), (3, NULL)").await;
    let error = "error: source table public.t, column n: null value in a column that was NOT NULL";
    fixture.settles("t", &["1|1", error, error]).await;
    fixture.execute("UPDATE t SET n = 2 WHERE id = 2").await;
    fixture.settles("t", &["1|1", "2|2", error]).await;
    // Also after a restart the error is found by its key.
    source.stop().await;
    fixture.new_process().await;
    let _source = fixture.run();
    fixture.execute("DELETE FROM t WHERE id = 3").await;
    fixture.settles("t", &["1|1", "2|2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_changes_are_noticed() {
    let mut fixture = Fixture::new("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)").await;
    let _source = fixture.run();
    fixture.settles("t", &["1|1"]).await;
    fixture.execute("ALTER TABLE t ADD COLUMN more text DEFAULT 'x'; INSERT INTO t VALUES (2, 2)").await;
    fixture.settles("t", &["1|1", "2|2"]).await;
    fixture.execute("ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET n = 3 WHERE id = 2").await;
    fixture.settles("t", &["1|1", "2|3"]).await;
    fixture.execute("ALTER TABLE t ALTER n TYPE bigint; INSERT INTO t VALUES (3, 3)").await;
    let error = fixture.status(SourceStatus::Failed).await.expect("an error");
    assert_eq!(error, "the schema of public.t changed upstream: column \"n\" was integer and is bigint");
    fixture.settles("t", &["1|1", "2|3"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_transaction_and_a_state_beyond_memory() {
    let mut fixture = Fixture::new(
        "CREATE TABLE t (id int PRIMARY KEY, v text);
         INSERT INTO t SELECT i, repeat('v', 20) FROM generate_series(1, 300000) i;",
    )
    .await;
    fixture.context.state_bytes_max = 8 << 20;
    let started = Instant::now();
    let _source = fixture.run();
    fixture.status(SourceStatus::Running).await;
    eprintln!("snapshot and state of 300000 rows: {:?}", started.elapsed());
    let started = Instant::now();
    fixture.execute("UPDATE t SET v = repeat('w', 20); DELETE FROM t WHERE id % 3 > 0").await;
    let shard = fixture.export("t").shard;
    while contents(&fixture.context.persist, shard).await.len() != 100_000 {
        assert!(started.elapsed() < Duration::from_secs(120), "not all rows come");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("500000 changes: {:?}", started.elapsed());
    fixture.settles_as("t", "SELECT id||'|'||v FROM t").await;
}
