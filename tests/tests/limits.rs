//! Statements at and beyond the limits: nested as deep, chained as long, as large as anybody writes them. Each is answered or refused with a
//! clear error, and other sessions go on.

use std::time::Duration;
use tests::freshet::Freshet;
use tokio_postgres::{Client, SimpleQueryMessage};

const NESTED: usize = 500;

/// `inner`, `NESTED` times between `before` and `after`.
fn nested(before: &str, inner: &str, after: &str) -> String {
    format!("{}{inner}{}", before.repeat(NESTED), after.repeat(NESTED))
}

fn chain(operand: impl Fn(usize) -> String, operator: &str, length: usize) -> String {
    (0..length).map(operand).collect::<Vec<_>>().join(operator)
}

/// The first value, or the SQLSTATE.
async fn answer(client: &Client, sql: &str) -> String {
    let shown = || sql.chars().take(80).collect::<String>();
    let answer = tokio::time::timeout(Duration::from_secs(60), client.simple_query(sql)).await;
    match answer.unwrap_or_else(|_| panic!("no answer within a minute: {}", shown())) {
        Ok(messages) => {
            let first = messages.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_string()),
                _ => None,
            });
            first.unwrap_or_default()
        }
        Err(error) => error.code().unwrap_or_else(|| panic!("{error}: {}", shown())).code().to_string(),
    }
}

async fn fixture() -> (Freshet, Client) {
    let freshet = Freshet::start().await.expect("an environment starts");
    let client = freshet.connect().await.expect("it answers");
    (freshet, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_of_five_hundred_is_answered() {
    let (_freshet, client) = fixture().await;
    let ctes = chain(
        |i| {
            if i == 0 { "c0 AS (SELECT 1 AS x)".into() } else { format!("c{i} AS (SELECT x + 1 AS x FROM c{})", i - 1) }
        },
        ", ",
        NESTED,
    );
    let from = (0..NESTED).fold("SELECT 1 AS x".to_string(), |query, i| format!("SELECT x FROM ({query}) t{i}"));
    let with =
        (0..NESTED).fold("SELECT 1 AS x".to_string(), |query, i| format!("WITH w{i} AS ({query}) SELECT x FROM w{i}"));
    for (sql, expected) in [
        (format!("SELECT {}", nested("(", "1", ")")), "1"),
        (format!("SELECT {}", nested("(SELECT ", "1", ")")), "1"),
        (format!("SELECT {}", nested("CAST(", "1", " AS int8)")), "1"),
        (format!("SELECT 1{}", "::int8::int4".repeat(NESTED / 2)), "1"),
        (format!("SELECT {}", nested("abs(", "-1", ")")), "1"),
        (format!("SELECT {}", nested("NOT ", "true", "")), "t"),
        (format!("SELECT {}", nested("CASE WHEN true THEN ", "1", " END")), "1"),
        (format!("SELECT 1 WHERE {}", nested("EXISTS (SELECT 1 WHERE ", "true", ")")), "1"),
        (format!("WITH {ctes} SELECT * FROM c{}", NESTED - 1), "500"),
        (from, "1"),
        (with, "1"),
    ] {
        assert_eq!(answer(&client, &sql).await, expected, "{}", &sql[..80]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_chains_and_large_statements_are_answered() {
    let (_freshet, client) = fixture().await;
    let rows = chain(|i| format!("({i}, '{}')", "x".repeat(40)), ", ", 100_000);
    for (sql, expected) in [
        (format!("SELECT {}", chain(|_| "1".into(), " + ", 4_900)), "4900"),
        (format!("SELECT {} FROM (SELECT 3 AS x) t", chain(|i| format!("x = {i}"), " OR ", 2_400)), "t"),
        (format!("SELECT x IN ({}) FROM (SELECT 3 AS x) t", chain(|i| i.to_string(), ", ", 20_000)), "t"),
        (format!("SELECT count(*) FROM ({}) t", chain(|_| "SELECT 1".into(), " UNION ALL ", 1_000)), "1000"),
        (format!("SELECT length('{}')", "x".repeat(5_000_000)), "5000000"),
        (format!("SELECT count(*) FROM (VALUES {rows}) v"), "100000"),
    ] {
        assert_eq!(answer(&client, &sql).await, expected, "{}", &sql[..80]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_deep_or_too_long_is_refused() {
    let (freshet, client) = fixture().await;
    for sql in [
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT {}", chain(|_| "1".into(), " + ", 100_000)),
        format!("SELECT '{}{}'::jsonb", "[".repeat(100_000), "]".repeat(100_000)),
        format!("SELECT {}1", "- ".repeat(100_000)),
    ] {
        let code = answer(&client, &sql).await;
        assert!(["54001", "54000"].contains(&code.as_str()), "{code}: {}", &sql[..80]);
    }
    let other = freshet.connect().await.expect("it still answers");
    assert_eq!(answer(&other, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_of_many_tables_are_planned() {
    let (_freshet, client) = fixture().await;
    let tables =
        chain(|i| format!("CREATE TABLE t{i} (a int, b int); INSERT INTO t{i} VALUES ({i}, {})", i + 1), "; ", 64);
    client.batch_execute(&tables).await.expect("tables");
    for joined in [20, 64] {
        let from = chain(|i| format!("t{i}"), ", ", joined);
        let linked = chain(|i| format!("t{i}.b = t{}.a", i + 1), " AND ", joined - 1);
        let starred = chain(|i| format!("t0.a <= t{}.a", i + 1), " AND ", joined - 1);
        let query = format!("SELECT count(*) FROM {from} WHERE {linked}");
        assert_eq!(answer(&client, &query).await, "1", "a chain of {joined}");
        let plan = answer(&client, &format!("EXPLAIN SELECT * FROM {from} WHERE {starred}")).await;
        assert!(plan.contains("Join"), "a star of {joined}: {plan}");
    }
    let nested = (1..100)
        .fold("SELECT a FROM t0".to_string(), |query, i| format!("SELECT a FROM t{} WHERE a IN ({query})", i % 64));
    assert!(answer(&client, &format!("EXPLAIN {nested}")).await.contains("Join"));
}
