//! TPC-H's queries as materialized views follow random changes as PostgreSQL's answers do. `cargo xtask tpch` does the same at scale.

use tests::tpch::{Options, run};

#[tokio::test(flavor = "multi_thread")]
async fn views_follow_random_batches() {
    run(Options { scale: 0.005, batches: 4, seed: 7 }).await.unwrap_or_else(|error| panic!("{error:#}"));
}
