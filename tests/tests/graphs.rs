//! Recursive views over a graph whose edges come and go, against PostgreSQL's answers from scratch.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tests::freshet::Freshet;
use tests::pg::Postgres;
use tokio_postgres::Client;

const NODES: i32 = 24;
const ROUNDS: usize = 40;

/// What is reached from where.
const REACHABLE: &str = "WITH RECURSIVE reach (a, b) AS (
    SELECT a, b FROM edges
    UNION
    SELECT reach.a, edges.b FROM reach JOIN edges ON reach.b = edges.a)
  SELECT a, b FROM reach";

/// The least cost from each node to each, as far as it is no more than 12.
const SHORTEST: &str = "WITH RECURSIVE path (a, b, cost) AS (
    SELECT a, b, cost FROM edges
    UNION
    SELECT path.a, edges.b, path.cost + edges.cost FROM path JOIN edges ON path.b = edges.a WHERE path.cost + edges.cost <= 12)
  SELECT a, b, min(cost) AS cost FROM path GROUP BY a, b";

/// The same without a bound, as PostgreSQL cannot say it: costs that only fall until they are least.
const SETTLED: &str = "WITH MUTUALLY RECURSIVE path (a int, b int, cost int) AS (
    SELECT a, b, min(cost) FROM (
      SELECT a, b, cost FROM edges
      UNION ALL
      SELECT path.a, edges.b, path.cost + edges.cost FROM path JOIN edges ON path.b = edges.a) longer
    GROUP BY a, b)
  SELECT a, b, cost FROM path WHERE cost <= 12";

async fn sorted(client: &Client, query: &str) -> Vec<Vec<i32>> {
    let rows = client.query(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let mut rows: Vec<Vec<i32>> = rows.iter().map(|row| (0..row.len()).map(|i| row.get(i)).collect()).collect();
    rows.sort();
    rows
}

/// Some edges more, some fewer, and now and then a node without any.
fn change(random: &mut StdRng) -> String {
    let mut node = || random.random_range(0..NODES);
    let (a, b, c, d) = (node(), node(), node(), node());
    match random.random_range(0..5) {
        0 | 1 => format!("INSERT INTO edges VALUES ({a}, {b}, {}), ({c}, {d}, {})", 1 + a % 5, 1 + d % 5),
        2 => format!("DELETE FROM edges WHERE a = {a} AND b % 2 = {}", b % 2),
        3 => format!("UPDATE edges SET b = {b} WHERE a = {a}"),
        _ => format!("DELETE FROM edges WHERE a = {a} OR b = {a}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reachability_and_shortest_paths_follow_their_edges() {
    let (postgres, freshet) = (Postgres::start().await.expect("PostgreSQL"), Freshet::start().await.expect("Freshet"));
    let (expected, actual) = (postgres.client().await.expect("a client"), freshet.connect().await.expect("a client"));
    let edges = "CREATE TABLE edges (a int, b int, cost int);
        INSERT INTO edges SELECT n, (n * 7 + 3) % 24, 1 + n % 5 FROM generate_series(0, 23) n;";
    for client in [&expected, &actual] {
        client.batch_execute(edges).await.expect("edges");
    }
    for (name, query) in [("reachable", REACHABLE), ("shortest", SHORTEST), ("settled", SETTLED)] {
        actual.batch_execute(&format!("CREATE MATERIALIZED VIEW {name} AS {query}")).await.expect("a view");
    }
    let mut random = StdRng::seed_from_u64(5);
    for round in 0..ROUNDS {
        let statement = change(&mut random);
        for client in [&expected, &actual] {
            client.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
        let (reachable, shortest) = (sorted(&expected, REACHABLE).await, sorted(&expected, SHORTEST).await);
        assert_eq!(sorted(&actual, "SELECT * FROM reachable").await, reachable, "round {round}: {statement}");
        assert_eq!(sorted(&actual, "SELECT * FROM shortest").await, shortest, "round {round}: {statement}");
        assert_eq!(sorted(&actual, "SELECT * FROM settled").await, shortest, "round {round}: {statement}");
    }
}
