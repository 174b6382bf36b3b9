//! The plans of TPC-H's and Nexmark's queries are those of the golden files under `tests/plans`; `REWRITE=1` writes these again.

use std::path::Path;
use tests::freshet::Freshet;
use tests::queries::{Suite, folder};
use tokio_postgres::Client;

/// The optimized plan, then the physical one.
async fn plans(client: &Client, query: &str) -> String {
    let mut text = String::new();
    for stage in ["OPTIMIZED", "PHYSICAL"] {
        let explain = format!("EXPLAIN {stage} PLAN AS TEXT FOR {query}");
        let row = client.query_one(&explain, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        text += &format!("{stage}\n{}\n", row.get::<_, &str>(0));
    }
    text
}

/// What differs from the golden file, if anything.
fn compare(path: &Path, plans: &str) -> Option<String> {
    if std::env::var_os("REWRITE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(path, plans).expect("it can be written");
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    (golden != plans).then(|| format!("{} differs (REWRITE=1 accepts it); it is now\n{plans}", path.display()))
}

async fn check(suite: &'static str, queries: usize) {
    let suite = Suite::read(suite).expect("the queries are there");
    assert_eq!(suite.queries.len(), queries);
    let freshet = Freshet::start().await.expect("an environment starts");
    let client = freshet.connect().await.expect("it answers");
    client.batch_execute(&suite.schema).await.expect("the schema is sound");
    let mut failures = Vec::new();
    for (name, query) in &suite.queries {
        let plans = plans(&client, query).await;
        failures.extend(compare(&folder("plans").join(suite.name).join(format!("{name}.txt")), &plans));
        let view = format!("CREATE MATERIALIZED VIEW {name} AS {query}");
        client.batch_execute(&view).await.unwrap_or_else(|error| panic!("{name} is not maintained: {error:?}"));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tpch() {
    check("tpch", 22).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nexmark() {
    check("nexmark", 23).await;
}
