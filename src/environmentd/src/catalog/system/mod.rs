//! System relations: views over the catalog and the controllers' state, made when a query asks for them.
//!
//! Each is one line of a table: identifier, name, columns, and a function from [`SystemState`] to rows. One file per schema. Identifiers are
//! stored in users' views, so they never change: new relations take new ones.

use super::{Catalog, Entry, SYSTEM_ROLE};
use crate::catalog::sizes::ReplicaSizes;
use crate::coord::{Activity, SessionInfo};
use repr::{Frontier, GlobalId, RelationDesc, ReplicaId, Row, SqlType, Timestamp, VectorKind};
use sql::catalog::{CatalogItem, ItemDetails, ItemName};
use std::sync::Arc;

mod constraints;
mod described;
mod functions;
mod information_schema;
mod information_schema_empty;
mod mz_catalog;
mod mz_internal;
mod pg_catalog;
mod pg_empty;
mod pg_stat;
mod pg_type;
mod pg_types;
mod rows;

pub use constraints::of_table as constraints_of;
pub use functions::{function_name, function_oid};
pub use pg_catalog::expression_text;

/// What system relations are made of: one consistent picture of the environment.
pub struct SystemState {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// The database of the session that asks, for `information_schema` and `pg_class`.
    pub database: String,
    /// The schemas in which that session finds names, first ones first.
    pub search_path: Vec<String>,
    /// That session's variables which differ from their defaults.
    pub settings: Vec<(&'static str, String)>,
    /// The environment's identifier.
    pub environment_id: String,
    /// The sizes that replicas can have.
    pub sizes: ReplicaSizes,
    /// Connected sessions.
    pub sessions: Vec<(u32, SessionInfo, Activity)>,
    /// What is known of each source.
    pub sources: Vec<SourceState>,
    /// What is known of each replica.
    pub replicas: Vec<ReplicaState>,
    /// What is known of each maintained collection.
    pub collections: Vec<CollectionState>,
}

/// What is known of a source.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// The source.
    pub id: GlobalId,
    /// When its status last changed.
    pub changed_at: Timestamp,
    /// `starting`, `running`, `stalled`, `failed`
    pub status: &'static str,
    /// What went wrong.
    pub error: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
    /// What it did so far.
    pub statistics: SourceStatistics,
}

/// What a source did since its process started.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceStatistics {
    /// Upstream messages received.
    pub messages_received: u64,
    /// Upstream bytes received.
    pub bytes_received: u64,
    /// Updates committed.
    pub updates_committed: u64,
    /// Rows of the snapshot read so far.
    pub snapshot_rows: u64,
    /// Upstream position known to exist.
    pub offset_known: u64,
    /// Upstream position committed here.
    pub offset_committed: u64,
}

/// What is known of a replica.
#[derive(Clone, Debug)]
pub struct ReplicaState {
    /// The replica.
    pub id: ReplicaId,
    /// Whether it is connected.
    pub online: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Since when.
    pub changed_at: Timestamp,
}

/// What is known of a maintained collection: a table, source table, materialized view or index.
#[derive(Clone, Debug)]
pub struct CollectionState {
    /// Which.
    pub id: GlobalId,
    /// Times at or after it can be read.
    pub since: Frontier,
    /// Times before it are final.
    pub upper: Frontier,
    /// For an index or materialized view: the replicas, and whether each has caught up.
    pub hydrated: Vec<(ReplicaId, bool)>,
}

/// One line of the table of system relations.
pub struct SystemRelation {
    /// Its identifier, for ever: `s1001`.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// Its columns: `name type, name type?, …` where `?` marks a column that may be NULL.
    pub columns: &'static str,
    /// Its rows.
    pub rows: fn(&SystemState) -> Vec<Row>,
}

/// All schemas with their relations.
fn schemas() -> [(&'static str, &'static [SystemRelation]); 8] {
    [
        ("mz_catalog", mz_catalog::RELATIONS),
        ("mz_internal", mz_internal::RELATIONS),
        ("mz_internal", described::RELATIONS),
        ("pg_catalog", pg_catalog::RELATIONS),
        ("pg_catalog", pg_empty::RELATIONS),
        ("pg_catalog", pg_stat::RELATIONS),
        ("information_schema", information_schema::RELATIONS),
        ("information_schema", information_schema_empty::RELATIONS),
    ]
}

/// The rows of a system relation.
pub fn rows_of(id: GlobalId, state: &SystemState) -> Option<Vec<Row>> {
    let GlobalId::System(number) = id else { return None };
    let relation = schemas().into_iter().flat_map(|(_, relations)| relations).find(|r| r.id == number)?;
    Some((relation.rows)(state))
}

/// The catalog's entries of all system relations.
pub fn entries() -> impl Iterator<Item = Entry> {
    schemas().into_iter().flat_map(|(schema, relations)| relations.iter().map(move |r| entry(schema, r)))
}

fn entry(schema: &str, relation: &SystemRelation) -> Entry {
    let item = CatalogItem {
        id: GlobalId::System(relation.id),
        oid: oid_of(relation),
        name: ItemName { database: None, schema: schema.to_string(), item: relation.name.to_string() },
        owner: SYSTEM_ROLE.to_string(),
        create_sql: String::new(),
        depends_on: Vec::new(),
        details: ItemDetails::SystemRelation { desc: parse_columns(relation.columns) },
    };
    Entry { item, shard: None }
}

/// PostgreSQL's own oids where tools know them by heart (its `pg_class.dat`); else one derived from the identifier.
fn oid_of(relation: &SystemRelation) -> u32 {
    match class_oid(relation.name) {
        0 => 10_000 + relation.id as u32,
        oid => oid,
    }
}

/// PostgreSQL's oid of a catalog; 0 if there is no need to know it.
fn class_oid(name: &str) -> u32 {
    match name {
        "pg_class" => 1259,
        "pg_attribute" => 1249,
        "pg_type" => 1247,
        "pg_proc" => 1255,
        "pg_namespace" => 2615,
        "pg_database" => 1262,
        "pg_index" => 2610,
        "pg_attrdef" => 2604,
        "pg_constraint" => 2606,
        "pg_description" => 2609,
        "pg_am" => 2601,
        "pg_enum" => 3501,
        "pg_range" => 3541,
        "pg_authid" => 1260,
        "pg_operator" => 2617,
        "pg_opclass" => 2616,
        "pg_opfamily" => 2753,
        "pg_cast" => 2605,
        "pg_collation" => 3456,
        "pg_conversion" => 2607,
        "pg_language" => 2612,
        "pg_rewrite" => 2618,
        "pg_trigger" => 2620,
        "pg_extension" => 3079,
        "pg_tablespace" => 1213,
        _ => 0,
    }
}

fn parse_columns(columns: &str) -> RelationDesc {
    columns.split(", ").fold(RelationDesc::empty(), |desc, column| {
        let (name, ty) = column.split_once(' ').expect("a column is a name and a type");
        let nullable = ty.ends_with('?');
        desc.with(name, parse_type(ty.trim_end_matches('?')), nullable)
    })
}

fn parse_type(name: &str) -> SqlType {
    if let Some(element) = name.strip_suffix("[]") {
        return SqlType::Array(Box::new(parse_type(element)));
    }
    match name {
        "bool" => SqlType::Bool,
        "int2" => SqlType::Int2,
        "int4" => SqlType::Int4,
        "int8" => SqlType::Int8,
        "float4" => SqlType::Float4,
        "float8" => SqlType::Float8,
        "numeric" => SqlType::NUMERIC,
        "text" => SqlType::Text,
        "name" => SqlType::Name,
        "char" => SqlType::InternalChar,
        "oid" => SqlType::Oid,
        "regproc" => SqlType::Regproc,
        "int2vector" => SqlType::Vector(VectorKind::Int2),
        "oidvector" => SqlType::Vector(VectorKind::Oid),
        "timestamptz" => SqlType::TIMESTAMPTZ,
        "interval" => SqlType::Interval,
        "mz_timestamp" => SqlType::MzTimestamp,
        "jsonb" => SqlType::Jsonb,
        other => panic!("no type {other} in the table of system relations"),
    }
}
