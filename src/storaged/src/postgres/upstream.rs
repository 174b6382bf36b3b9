//! What the upstream's catalog says of the publication and its tables, and whether that fits the source.

use super::connect::query_error;
use super::table_name;
use crate::ingestion::SourceError;
use proto::storage::{IngestionExport, PostgresIngestion};
use repr::{GlobalId, SqlType};
use std::collections::BTreeMap;
use tokio_postgres::{Client, Row};

/// From this oid on types are users' own: enums, domains and the like, of which only the text is known.
const FIRST_USER_OID: u32 = 16384;

/// What upstream sends of an old row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// All of it.
    Full,
    /// These columns.
    Key(Vec<String>),
    /// Nothing; it then refuses updates and deletes.
    Nothing,
}

/// One upstream table.
#[derive(Clone, Debug)]
pub struct UpstreamTable {
    pub identity: Identity,
    /// Its rows are in partitions.
    pub partitioned: bool,
    /// Rows that the publication leaves out: a condition.
    pub row_filter: Option<String>,
}

/// The upstream, inspected.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Identifies the database cluster.
    pub system: u64,
    /// By oid.
    pub tables: BTreeMap<u32, UpstreamTable>,
}

/// A column as upstream describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamColumn {
    pub name: String,
    pub type_oid: u32,
    pub typmod: i32,
}

/// Reads what matters of the upstream's catalog, and says what is wrong with it.
pub async fn inspect(
    client: &Client,
    connection: &PostgresIngestion,
    exports: &BTreeMap<GlobalId, IngestionExport>,
) -> Result<Upstream, SourceError> {
    const SYSTEM: &str = "SELECT system_identifier::int8, current_setting('wal_level') FROM pg_control_system()";
    let row = client.query_one(SYSTEM, &[]).await.map_err(|error| query_error(&error))?;
    if row.get::<_, &str>(1) != "logical" {
        let message = format!("wal_level is {}, but logical replication needs logical", row.get::<_, &str>(1));
        return Err(SourceError::failed(message).hint("set wal_level = logical upstream and restart the server"));
    }
    let system = row.get::<_, i64>(0) as u64;
    let published = published(client, &connection.publication).await?;
    let oids: Vec<u32> = exports.values().map(|export| export.oid).collect();
    let present = present(client, &oids).await?;
    let columns = columns(client, &oids).await?;
    let mut tables = BTreeMap::new();
    for export in exports.values() {
        let name = table_name(&export.schema, &export.table);
        let Some(row) = present.get(&export.oid) else {
            let error = SourceError::failed(format!("table {name} was dropped upstream"));
            return Err(error.hint("drop the source's table, or the source"));
        };
        let Some(row_filter) = published.get(&(row.get("nspname"), row.get("relname"))) else {
            let publication = &connection.publication;
            let error = SourceError::failed(format!("table {name} is not in the publication \"{publication}\""));
            return Err(error.hint(format!("ALTER PUBLICATION {publication} ADD TABLE {name}")));
        };
        let none = Vec::new();
        map_columns(export, columns.get(&export.oid).unwrap_or(&none))?;
        let partitioned = row.get::<_, i8>("relkind") as u8 == b'p';
        tables
            .insert(export.oid, UpstreamTable { identity: identity(row), partitioned, row_filter: row_filter.clone() });
    }
    Ok(Upstream { system, tables })
}

/// The publication's tables by schema and name, with their row filters (which came with PostgreSQL 15).
async fn published(
    client: &Client,
    publication: &str,
) -> Result<BTreeMap<(String, String), Option<String>>, SourceError> {
    let exists = client.query_opt("SELECT 1 FROM pg_publication WHERE pubname = $1", &[&publication]).await;
    if exists.map_err(|error| query_error(&error))?.is_none() {
        let error = SourceError::failed(format!("publication \"{publication}\" does not exist upstream"));
        return Err(error.hint(format!("CREATE PUBLICATION {publication} FOR TABLE ...")));
    }
    const TABLES: &str = "SELECT schemaname::text, tablename::text, to_jsonb(p)->>'rowfilter' \
         FROM pg_publication_tables p WHERE pubname = $1";
    let rows = client.query(TABLES, &[&publication]).await.map_err(|error| query_error(&error))?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

async fn present(client: &Client, oids: &[u32]) -> Result<BTreeMap<u32, Row>, SourceError> {
    const TABLES: &str = "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind, c.relreplident, \
             ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) \
                   WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END \
                   ORDER BY a.attnum) AS key \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY($1)";
    let rows = client.query(TABLES, &[&oids]).await.map_err(|error| query_error(&error))?;
    Ok(rows.into_iter().map(|row| (row.get(0), row)).collect())
}

async fn columns(client: &Client, oids: &[u32]) -> Result<BTreeMap<u32, Vec<UpstreamColumn>>, SourceError> {
    const COLUMNS: &str = "SELECT attrelid, attname::text, atttypid, atttypmod FROM pg_attribute \
         WHERE attrelid = ANY($1) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum";
    let rows = client.query(COLUMNS, &[&oids]).await.map_err(|error| query_error(&error))?;
    let mut columns = BTreeMap::<u32, Vec<_>>::new();
    for row in rows {
        let column = UpstreamColumn { name: row.get(1), type_oid: row.get(2), typmod: row.get(3) };
        columns.entry(row.get(0)).or_default().push(column);
    }
    Ok(columns)
}

fn identity(row: &Row) -> Identity {
    let key: Vec<String> = row.get("key");
    match row.get::<_, i8>("relreplident") as u8 {
        b'f' => Identity::Full,
        b'd' | b'i' if !key.is_empty() => Identity::Key(key),
        _ => Identity::Nothing,
    }
}

/// For each of the export's columns the upstream column's index; says so if one is gone or has another type.
pub fn map_columns(export: &IngestionExport, upstream: &[UpstreamColumn]) -> Result<Vec<usize>, SourceError> {
    let table = table_name(&export.schema, &export.table);
    let changed = |what: String| {
        SourceError::failed(format!("the schema of {table} changed upstream: {what}"))
            .hint("drop the source and create it again to take over the new schema")
    };
    let mut indexes = Vec::with_capacity(export.columns.len());
    for (name, column) in export.columns.iter().zip(&export.desc.typ.columns) {
        let Some(index) = upstream.iter().position(|c| c.name == *name) else {
            return Err(changed(format!("column \"{name}\" was dropped")));
        };
        if !fits(&column.ty, &upstream[index]) {
            let now = repr::pg::from_oid(upstream[index].type_oid).map(|ty| ty.with_typmod(upstream[index].typmod));
            let now = now.map_or_else(|| "another type".to_string(), |ty| ty.to_string());
            return Err(changed(format!("column \"{name}\" was {} and is {now}", column.ty)));
        }
        indexes.push(index);
    }
    Ok(indexes)
}

/// Whether a column of our type can hold what upstream sends.
fn fits(ty: &SqlType, upstream: &UpstreamColumn) -> bool {
    // Everything has a text; whether a user's own type reads as ours, only its values tell.
    if *ty == SqlType::Text || upstream.type_oid >= FIRST_USER_OID {
        return true;
    }
    let Some(theirs) = repr::pg::from_oid(upstream.type_oid) else { return false };
    let theirs = theirs.with_typmod(upstream.typmod);
    *ty == theirs || *ty == theirs.without_modifier()
}
