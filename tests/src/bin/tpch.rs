//! `tpch [SCALE [BATCHES [SEED]]]`: TPC-H's queries, maintained, against PostgreSQL.

use tests::tpch::{Options, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let scale = args.next().map_or(Ok(0.1), |text| text.parse())?;
    let batches = args.next().map_or(Ok(50), |text| text.parse())?;
    let seed = args.next().map_or(Ok(1), |text| text.parse())?;
    run(Options { scale, batches, seed }).await
}
