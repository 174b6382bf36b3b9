//! A filter on a clustered column reads the parts that can match, and no others; the answer is the same.

use anyhow::{Context, ensure};
use tests::freshet::Freshet;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Parts in all, and parts that are read.
async fn parts(client: &Client, query: &str) -> anyhow::Result<(u64, u64)> {
    let messages = client.simple_query(&format!("EXPLAIN FILTER PUSHDOWN FOR {query}")).await?;
    let row = messages.iter().find_map(|m| if let SimpleQueryMessage::Row(row) = m { Some(row) } else { None });
    let row = row.context("one source, one row")?;
    let number = |name: &str| anyhow::Ok(row.get(name).context(name.to_string())?.parse()?);
    Ok((number("Total Parts")?, number("Selected Parts")?))
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_cannot_match_are_not_read() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE big (id int, at timestamp, pad text)").await?;
    for batch in 0..4 {
        let (first, last) = (batch * 50_000 + 1, (batch + 1) * 50_000);
        let insert = format!(
            "INSERT INTO big SELECT g, TIMESTAMP '2024-01-01' + g * INTERVAL '1 minute', repeat('x', 300) FROM generate_series({first}, {last}) g"
        );
        client.batch_execute(&insert).await?;
    }
    let all = parts(&client, "SELECT * FROM big").await?;
    ensure!(all.0 >= 4 && all.0 == all.1, "without a filter all parts are read: {all:?}");
    for (filter, matching) in [
        ("id BETWEEN 1000 AND 2000", 1001),
        ("id = 199999 OR id < 0", 1),
        ("at::date = '2024-01-03'", 1440),
        ("id > 200000", 0),
        ("id IS NULL", 0),
    ] {
        let query = format!("SELECT * FROM big WHERE {filter}");
        let (total, selected) = parts(&client, &query).await?;
        ensure!(selected < total, "{filter} reads {selected} of {total} parts");
        let count: i64 = client.query_one(&format!("SELECT count(*) FROM ({query}) q"), &[]).await?.get(0);
        ensure!(count == matching, "{filter} gives {count} rows");
    }
    Ok(())
}
