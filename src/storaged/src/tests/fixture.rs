//! A PostgreSQL upstream, stores, and what a source made of one in the other.

use crate::ingestion::{Context, Ingestion};
use crate::report::Reports;
use persist::{PersistClient, PersistConfig, Settings};
use proto::storage::{
    IngestionConnection, IngestionDescription, IngestionExport, PostgresIngestion, SourceStatus, StorageResponse,
};
use repr::text::TextSettings;
use repr::{DataflowError, GlobalId, RelationDesc, Row, ShardId, SqlType};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::pg::Postgres;
use tokio::sync::mpsc;

pub const SOURCE: GlobalId = GlobalId::User(1);
pub const SLOT: &str = "freshet_test";
const PATIENCE: Duration = Duration::from_secs(60);

/// Stores on disk, as a process finds them.
pub async fn stores(folder: &Path) -> PersistClient {
    let metadata_url = format!("sqlite://{}", folder.join("metadata.db").display());
    let blob_url = format!("file://{}", folder.join("blob").display());
    let config = PersistConfig { metadata_url, blob_url, settings: Settings::default() };
    PersistClient::open(config).await.expect("the stores open")
}

/// An upstream and the stores of a source that follows it.
pub struct Fixture {
    pub upstream: Postgres,
    pub folder: TempDir,
    pub context: Context,
    pub description: IngestionDescription,
    responses: mpsc::Receiver<StorageResponse>,
}

impl Fixture {
    /// Runs `sql` upstream, which makes tables, and publishes all of them.
    pub async fn new(sql: &str) -> Self {
        let upstream = Postgres::start().await.expect("PostgreSQL starts");
        upstream.execute(sql).await.expect("tables are made");
        upstream.execute("CREATE PUBLICATION p FOR ALL TABLES").await.expect("a publication is made");
        let folder = tempfile::tempdir().expect("a folder");
        let description = describe(&upstream).await;
        let (context, responses) = context(folder.path()).await;
        Fixture { upstream, folder, context, description, responses }
    }

    /// As a new process finds it.
    pub async fn new_process(&mut self) {
        (self.context, self.responses) = context(self.folder.path()).await;
    }

    pub fn run(&self) -> Ingestion {
        Ingestion::spawn(&self.context, self.description.clone())
    }

    pub async fn execute(&self, sql: &str) {
        self.upstream.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub fn connection(&mut self) -> &mut PostgresIngestion {
        match &mut self.description.connection {
            IngestionConnection::Postgres(connection) => connection,
            IngestionConnection::Counter { .. } => panic!("not a counter"),
        }
    }

    pub fn export(&self, table: &str) -> &IngestionExport {
        self.description.exports.values().find(|export| export.table == table).expect("a table of the source")
    }

    /// Waits until the source says this of itself; gives its error.
    pub async fn status(&mut self, wanted: SourceStatus) -> Option<String> {
        let wait = async {
            loop {
                match self.responses.recv().await.expect("reports go on") {
                    StorageResponse::Status { status, error, .. } if status == wanted => return error,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the status comes in time")
    }

    /// What the table is now: rows as text, sorted.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        let export = self.export(table);
        let contents = contents(&self.context.persist, export.shard).await;
        let line = |(data, diff): (Result<Row, DataflowError>, i64)| match data {
            Ok(row) => {
                format!("{}{}", text(&row, &export.desc), if diff == 1 { "".into() } else { format!(" x{diff}") })
            }
            Err(error) => format!("error: {error}"),
        };
        let mut rows: Vec<_> = contents.into_iter().map(line).collect();
        rows.sort();
        rows
    }

    /// Waits until the table's rows are these.
    pub async fn settles(&self, table: &str, expected: &[&str]) {
        let started = Instant::now();
        loop {
            let rows = self.rows(table).await;
            if rows == expected {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{table} has {rows:?}, expected {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the table's rows are what a query upstream says, one text a row.
    pub async fn settles_as(&self, table: &str, query: &str) {
        let client = self.upstream.client().await.expect("connects");
        let rows = client.query(query, &[]).await.expect("the query runs");
        let mut expected: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        expected.sort();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        self.settles(table, &expected).await;
    }
}

async fn context(folder: &Path) -> (Context, mpsc::Receiver<StorageResponse>) {
    let reports = Reports::default();
    let (sender, responses) = mpsc::channel(10_000);
    let forward = reports.clone();
    tokio::spawn(async move { forward.send_to(sender).await });
    let persist = stores(folder).await;
    let context = Context { persist, reports, scratch_directory: folder.to_path_buf(), state_bytes_max: 64 << 20 };
    (context, responses)
}

/// All tables of the upstream, as environmentd would describe them.
async fn describe(upstream: &Postgres) -> IngestionDescription {
    let client = upstream.client().await.expect("connects");
    let tables = "SELECT c.oid, c.relname::text, c.relreplident FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                  WHERE nspname = 'public' AND relkind = 'r' ORDER BY relname";
    let mut exports = BTreeMap::new();
    for (number, table) in client.query(tables, &[]).await.expect("tables").iter().enumerate() {
        let oid: u32 = table.get(0);
        let columns = "SELECT attname::text, atttypid, atttypmod, attnotnull, EXISTS (SELECT 1 FROM pg_index \
                           WHERE indrelid = attrelid AND indisprimary AND attnum = ANY(indkey)) \
                       FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        let (mut desc, mut identity) = (RelationDesc::empty(), Vec::new());
        for (position, column) in client.query(columns, &[&oid]).await.expect("columns").iter().enumerate() {
            let ty = repr::pg::from_oid(column.get(1)).unwrap_or(SqlType::Text).with_typmod(column.get(2));
            desc = desc.with(column.get(0), ty, !column.get::<_, bool>(3));
            if table.get::<_, i8>(2) as u8 == b'f' || column.get(4) {
                identity.push(position);
            }
        }
        let mut shard = [7; 16];
        shard[0] = number as u8;
        let export = IngestionExport {
            shard: ShardId(shard),
            columns: desc.names.clone(),
            desc,
            schema: "public".into(),
            table: table.get(1),
            oid,
            identity,
        };
        exports.insert(GlobalId::User(10 + number as u64), export);
    }
    let connection = IngestionConnection::Postgres(PostgresIngestion {
        host: "127.0.0.1".into(),
        port: upstream.port(),
        user: Postgres::USER.into(),
        password: Some(Postgres::PASSWORD.into()),
        database: "postgres".into(),
        ssl_mode: "prefer".into(),
        ssl_certificate_authority: None,
        publication: "p".into(),
        slot: SLOT.into(),
    });
    IngestionDescription { id: SOURCE, epoch: 1, clock: "source/u1".into(), connection, exports }
}

/// What a shard holds at the last complete time; nothing before there is one.
pub async fn contents(persist: &PersistClient, shard: ShardId) -> BTreeMap<Result<Row, DataflowError>, i64> {
    let mut sums = BTreeMap::new();
    let state = persist.shard_state(shard).await.expect("the stores answer");
    let Some(as_of) = state.and_then(|state| state.upper.last_complete()) else { return sums };
    let mut snapshot = persist.snapshot(shard, as_of).await.expect("a snapshot");
    while let Some(updates) = snapshot.next().await.expect("its rows") {
        for update in updates {
            *sums.entry(update.data).or_insert(0) += update.diff;
        }
    }
    sums.retain(|_, diff| *diff != 0);
    sums
}

fn text(row: &Row, desc: &RelationDesc) -> String {
    let mut line = String::new();
    for (index, (datum, column)) in row.iter().zip(&desc.typ.columns).enumerate() {
        if index > 0 {
            line.push('|');
        }
        if datum.is_null() {
            line.push_str("NULL");
        } else {
            repr::text::format(datum, &column.ty, &TextSettings::default(), &mut line);
        }
    }
    line
}
