//! TPC-H's 22 queries as materialized views, made before the data, against PostgreSQL: after the load and after each of some random batches
//! of inserts, updates and deletes.

use crate::freshet::Freshet;
use crate::pg::Postgres;
use crate::queries::Suite;
use anyhow::{Context, bail};
use bytes::Bytes;
use futures::SinkExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fmt::Display;
use std::time::Instant;
use tokio_postgres::{Client, SimpleQueryMessage};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

/// What makes PostgreSQL answer in time, and Freshet find rows to change.
const INDEXES: &str =
    "CREATE INDEX lineitem_order ON lineitem (l_orderkey); CREATE INDEX orders_key ON orders (o_orderkey);";
const POSTGRES_INDEXES: &str =
    "CREATE INDEX ON lineitem (l_partkey, l_suppkey); CREATE INDEX ON partsupp (ps_partkey, ps_suppkey);
    CREATE INDEX ON orders (o_custkey); CREATE INDEX ON customer (c_custkey); CREATE INDEX ON part (p_partkey);
    CREATE INDEX ON supplier (s_suppkey); ANALYZE;";

/// How large, how often, from where chance starts.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Scale factor: 1 is a GB.
    pub scale: f64,
    /// Batches of changes after the load.
    pub batches: usize,
    /// Where chance starts.
    pub seed: u64,
}

/// Runs it; an error names the first view that differs.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let suite = Suite::read("tpch")?;
    let (postgres, freshet) = (Postgres::start().await?, Freshet::start().await?);
    let (expected, actual) = (postgres.client().await?, freshet.connect().await?);
    for client in [&expected, &actual] {
        client.batch_execute(&suite.schema).await?;
        client.batch_execute(INDEXES).await?;
    }
    for (name, query) in &suite.queries {
        actual.batch_execute(&format!("CREATE MATERIALIZED VIEW {name} AS {query}")).await.context(name.clone())?;
    }
    let started = Instant::now();
    load(&expected, options.scale).await?;
    expected.batch_execute(POSTGRES_INDEXES).await?;
    let loaded = Instant::now();
    load(&actual, options.scale).await?;
    compare(&suite, &expected, &actual, "after the load").await?;
    let seconds = (loaded - started).as_secs_f64();
    println!("loaded: PostgreSQL {seconds:.1} s, Freshet with all views {:.1} s", loaded.elapsed().as_secs_f64());
    let mut batches = Batches { random: StdRng::seed_from_u64(options.seed), orders: orders(options.scale), next: 0 };
    for batch in 1..=options.batches {
        for statement in batches.next() {
            for client in [&expected, &actual] {
                client.batch_execute(&statement).await.with_context(|| statement.clone())?;
            }
        }
        compare(&suite, &expected, &actual, &format!("after batch {batch} of seed {}", options.seed)).await?;
    }
    println!("22 views right after the load and after each of {} batches", options.batches);
    Ok(())
}

/// Orders of a scale factor; their keys are the eight first of every 32.
fn orders(scale: f64) -> i64 {
    (1_500_000.0 * scale) as i64
}

/// Fills the tables, in this order.
async fn load(client: &Client, scale: f64) -> anyhow::Result<()> {
    copy(client, "region", RegionGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "nation", NationGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "supplier", SupplierGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "customer", CustomerGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "part", PartGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "partsupp", PartSuppGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "orders", OrderGenerator::new(scale, 1, 1).iter()).await?;
    copy(client, "lineitem", LineItemGenerator::new(scale, 1, 1).iter()).await
}

/// Copies rows, which print as dbgen's do: with a bar after each column.
async fn copy(client: &Client, table: &str, rows: impl Iterator<Item = impl Display>) -> anyhow::Result<()> {
    let sink = client.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN (DELIMITER '|')")).await?;
    let mut sink = std::pin::pin!(sink);
    let mut chunk = String::new();
    for row in rows {
        let row = row.to_string();
        chunk += row.strip_suffix('|').unwrap_or(&row);
        chunk.push('\n');
        if chunk.len() > 1 << 16 {
            sink.send(Bytes::from(std::mem::take(&mut chunk))).await?;
        }
    }
    sink.send(Bytes::from(chunk)).await?;
    sink.finish().await?;
    Ok(())
}

/// Random changes, the same for both.
struct Batches {
    random: StdRng,
    orders: i64,
    next: i64,
}

impl Batches {
    fn next(&mut self) -> Vec<String> {
        let (gone, copied, changed) = (self.order_keys(), self.order_keys(), self.order_keys());
        self.next += 1;
        // Far above all keys there are.
        let shift = self.next * self.orders * 8;
        let factor = self.random.random_range(80..120);
        let (supplier, customer, part) = (self.below(1000), self.below(1000), self.below(1000));
        vec![
            format!("DELETE FROM lineitem WHERE l_orderkey IN ({gone})"),
            format!("DELETE FROM orders WHERE o_orderkey IN ({gone})"),
            format!(
                "INSERT INTO orders SELECT o_orderkey + {shift}, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority,
                 o_clerk, o_shippriority, o_comment FROM orders WHERE o_orderkey IN ({copied})"
            ),
            format!(
                "INSERT INTO lineitem SELECT l_orderkey + {shift}, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice,
                 l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode,
                 l_comment FROM lineitem WHERE l_orderkey IN ({copied})"
            ),
            format!("UPDATE lineitem SET l_quantity = l_quantity + 1, l_shipdate = l_shipdate + 7 WHERE l_orderkey IN ({changed})"),
            format!("UPDATE orders SET o_orderstatus = 'F', o_custkey = o_custkey + 1 WHERE o_orderkey IN ({changed})"),
            format!("UPDATE supplier SET s_acctbal = s_acctbal + 1, s_nationkey = (s_nationkey + 1) % 25 WHERE s_suppkey % 1000 = {supplier}"),
            format!("UPDATE customer SET c_acctbal = -c_acctbal WHERE c_custkey % 1000 = {customer}"),
            format!("UPDATE partsupp SET ps_supplycost = ps_supplycost * {factor} / 100, ps_availqty = ps_availqty + 1 WHERE ps_partkey % 1000 = {part}"),
            format!("UPDATE part SET p_size = (p_size + 1) % 50 WHERE p_partkey % 1000 = {part}"),
        ]
    }

    fn below(&mut self, n: i64) -> i64 {
        self.random.random_range(0..n)
    }

    /// Some keys of orders, most of which exist.
    fn order_keys(&mut self) -> String {
        let keys: Vec<String> = (0..10)
            .map(|_| {
                let order = self.below(self.orders);
                (order / 8 * 32 + order % 8 + 1).to_string()
            })
            .collect();
        keys.join(", ")
    }
}

async fn compare(suite: &Suite, expected: &Client, actual: &Client, when: &str) -> anyhow::Result<()> {
    for (name, query) in &suite.queries {
        let want = rows(expected, query).await.with_context(|| format!("{name} in PostgreSQL"))?;
        let got = rows(actual, &format!("SELECT * FROM {name}")).await.with_context(|| name.clone())?;
        if got != want {
            let missing: Vec<_> = want.iter().filter(|row| !got.contains(row)).take(3).collect();
            let surplus: Vec<_> = got.iter().filter(|row| !want.contains(row)).take(3).collect();
            bail!(
                "{name} differs {when}: {} rows for {}; missing {missing:?}; surplus {surplus:?}",
                got.len(),
                want.len()
            );
        }
    }
    Ok(())
}

/// The rows of a query, sorted; numbers without zeros at their end.
async fn rows(client: &Client, query: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for message in client.simple_query(query).await? {
        if let SimpleQueryMessage::Row(row) = message {
            rows.push((0..row.len()).map(|i| shown(row.get(i))).collect());
        }
    }
    rows.sort();
    Ok(rows)
}

fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_string() };
    let number = value.contains('.') && value.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let plain = if number { value.trim_end_matches('0').trim_end_matches('.') } else { value };
    plain.to_string()
}
