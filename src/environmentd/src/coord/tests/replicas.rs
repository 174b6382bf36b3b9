//! Reads and writes through a replica.

use super::*;
use sql::plan::SubscribePlan;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read() {
    let f = Fixture::start_with_replica().await;
    f.check("create table t (a int not null, b text)", "CREATE TABLE").await;
    f.check("insert into t values (1, 'x'), (2, 'y'), (3, null)", "3 rows").await;
    f.check("select * from t order by a desc", "3|NULL\n2|y\n1|x").await;
    f.check("select count(*), sum(a) from t", "3|6").await;
    f.check("update t set b = 'z' where a > 1", "2 rows").await;
    f.check("delete from t where a = 3", "1 rows").await;
    f.check("insert into t select a + 10, b from t", "2 rows").await;
    f.check("select * from t order by a limit 3", "1|x\n2|z\n11|x").await;
    f.check("select t.a, o.name from t join mz_tables o on o.name = 't' where t.a = 1", "1|t").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_and_views_are_kept_up_to_date() {
    let f = Fixture::start_with_replica().await;
    f.check("create table t (k int not null, v int)", "CREATE TABLE").await;
    f.check("insert into t values (1, 10), (1, 20), (2, 5)", "3 rows").await;
    f.check("create view sums as select k, sum(v) as s from t group by k", "CREATE VIEW").await;
    f.check("create index on sums (k)", "CREATE INDEX").await;
    f.check("create materialized view m as select max(s) as most from sums", "CREATE MATERIALIZED VIEW").await;
    for n in 1..=20 {
        f.check(&format!("insert into t values (3, {n})"), "1 rows").await;
        let sum = n * (n + 1) / 2;
        f.check("select s from sums where k = 3", &sum.to_string()).await;
        f.check("select most from m", &sum.max(30).to_string()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_reads_at_one_time() {
    let f = Fixture::start_with_replica().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    f.check("insert into t values (1)", "1 rows").await;
    let mut txn = None;
    assert_eq!(read_in(&f.env, "select * from t", &mut txn).await, "1");
    f.check("insert into t values (2)", "1 rows").await;
    assert_eq!(read_in(&f.env, "select * from t", &mut txn).await, "1");
    f.check("select count(*) from t", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_is_replaced() {
    let f = Fixture::start_with_replica().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    f.check("create materialized view m as select count(*) as n from t", "CREATE MATERIALIZED VIEW").await;
    f.check("create index on t (a)", "CREATE INDEX").await;
    f.check("insert into t values (1)", "1 rows").await;
    f.check("select n from m", "1").await;
    f.orchestrator.as_ref().unwrap().kill("compute-r1");
    f.check("insert into t values (2)", "1 rows").await;
    let f = f.restart().await;
    f.check("select n from m", "2").await;
    f.check("select a from t where a = 2", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscribe_follows_in_order_and_not_ahead_of_reads() {
    let f = Fixture::start_with_replica().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    f.check("insert into t values (1)", "1 rows").await;
    let statement = sql::parse("subscribe t with (progress)").unwrap().remove(0);
    let plan = sql::plan(&f.env.catalog().for_session(&context()), &statement, &Params::default()).unwrap();
    let Plan::Subscribe(plan) = plan else { panic!("not a subscribe") };
    let mut stream = f.env.subscribe(&context(), &plan, None).await.unwrap();
    let mut seen = Vec::new();
    while seen.is_empty() {
        seen.extend(changes(&f.env, &mut stream, &plan).await);
    }
    f.check("insert into t values (2)", "1 rows").await;
    f.check("delete from t where a = 1", "1 rows").await;
    while seen.len() < 3 {
        seen.extend(changes(&f.env, &mut stream, &plan).await);
    }
    assert_eq!(seen, ["1|1", "1|2", "-1|1"]);
}

/// The next changes, without their times, which are checked.
async fn changes(env: &Environment, stream: &mut SubscribeStream, plan: &SubscribePlan) -> Vec<String> {
    let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("progress");
    let lines = table(&next.unwrap().expect("a subscribe goes on"), &plan.output_desc);
    let mut changes = Vec::new();
    for line in lines.lines() {
        let parts: Vec<_> = line.splitn(3, '|').collect();
        assert!(parts[0].parse::<u64>().unwrap() <= env.0.oracle.last() + 1, "{line}");
        if parts[1] == "f" {
            changes.push(parts[2].to_string());
        }
    }
    changes
}
