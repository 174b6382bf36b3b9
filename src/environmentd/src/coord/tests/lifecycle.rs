//! Time, restarts, fencing.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_one_a_millisecond_and_never_ahead_of_the_clock() {
    let f = Fixture::start().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    let statement = sql::parse("insert into t values (1)").unwrap().remove(0);
    let plan = sql::plan(&f.env.catalog().for_session(&context()), &statement, &Params::default()).unwrap();
    let mut last = 0;
    for _ in 0..20 {
        let write = f.env.prepare_write(&context(), &plan, None).await.unwrap();
        let time = f.env.commit(&context(), vec![write]).await.unwrap();
        assert!(time > last && time <= time::now_ms(), "{last} {time}");
        assert_eq!(f.env.0.oracle.read().await.max(time), f.env.0.oracle.last().max(time));
        last = time;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_read_what_changed_conflicts() {
    let f = Fixture::start().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    let table = f.env.catalog().user_entries().next().unwrap().item.id;
    let row = |n| vec![(Row::pack([repr::Datum::Int4(n)]), 1)];
    let write = |read_at| PendingWrite {
        writes: vec![(table, row(1))],
        read_at: Some(read_at),
        tables_read: [table].into(),
        ..PendingWrite::default()
    };
    let before = f.env.0.oracle.last();
    f.check("insert into t values (7)", "1 rows").await;
    let stale = f.env.commit(&context(), vec![write(before)]).await;
    assert!(matches!(stale, Err(CommitError::Conflict)));
    let fresh = f.env.commit(&context(), vec![write(f.env.0.oracle.last())]).await;
    assert!(fresh.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_outlives_environmentd() {
    let mut f = Fixture::start().await;
    f.check("create table t (a int not null, b text default 'x')", "CREATE TABLE").await;
    f.check("create schema s", "CREATE SCHEMA").await;
    f.check("create view s.v as select t.a, b from t", "CREATE VIEW").await;
    f.check("create index i on t (a)", "CREATE INDEX").await;
    f.check("create materialized view m as select count(*) as n from s.v", "CREATE MATERIALIZED VIEW").await;
    f.check("create cluster c (size '2')", "CREATE CLUSTER").await;
    f.check("create secret p as 'x'", "CREATE SECRET").await;
    f.check("create connection pg to postgres (host 'localhost', user 'u', password secret p, database 'd') with (validate = false)", "CREATE CONNECTION").await;
    f.check("create source g from load generator counter", "CREATE SOURCE").await;
    let listing = "select id, name, type from mz_objects where id like 'u%' order by id";
    let before = f.run(listing).await.unwrap();
    let id = f.env.environment_id().to_string();
    for _ in 0..2 {
        f = f.restart().await;
        f.check(listing, &before).await;
        assert_eq!(f.env.environment_id(), id);
    }
    f.check("insert into t (a) values (1)", "1 rows").await;
    f.check("drop schema s cascade", "DROP SCHEMA").await;
    f.check("drop cluster c", "DROP CLUSTER").await;
    f = f.restart().await;
    f.check("select name from mz_objects where id like 'u%' order by name", "g\ni\np\npg\nt").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_rolled_up() {
    let mut f = Fixture::start().await;
    for n in 0..70 {
        f.check(&format!("create view v{n} as select {n} as n"), "CREATE VIEW").await;
    }
    let log = f.persist.consensus().scan(&[("catalog".to_string(), 0)]).await.unwrap();
    assert!(log[0].len() < 64, "{} versions", log[0].len());
    f = f.restart().await;
    f.check("select n from v69", "69").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_environmentd_fences_the_older() {
    let f = Fixture::start().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    let newer = Fixture::open(f.persist.clone(), f.secrets.clone(), None).await;
    let reason = tokio::time::timeout(Duration::from_secs(10), f.env.failed()).await.unwrap();
    assert!(reason.contains("newer environmentd"), "{reason}");
    assert!(f.run("insert into t values (1)").await.is_err());
    newer.check("insert into t values (1)", "1 rows").await;
}
