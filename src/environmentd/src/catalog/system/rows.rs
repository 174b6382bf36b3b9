//! Short ways to make the values of system relations.

use crate::catalog::{Catalog, SYSTEM_ROLE};
use repr::{Datum, Frontier, Row, Timestamp};
use sql::catalog::{CatalogItem, Ingestion, ItemDetails};

/// Milliseconds between 1970-01-01 and 2000-01-01.
const EPOCH_DIFFERENCE_MS: i64 = 946_684_800_000;

/// The oid of what is built in, where nothing depends on it.
pub const SYSTEM_ROLE_OID: u32 = 10;

/// Text, or NULL.
pub fn text_or_null<S: AsRef<str> + ?Sized>(text: Option<&S>) -> Datum<'_> {
    text.map_or(Datum::Null, |text| Datum::Text(text.as_ref()))
}

/// A time as `timestamptz`.
pub fn timestamptz(ms: Timestamp) -> Datum<'static> {
    Datum::Timestamptz((ms as i64).saturating_sub(EPOCH_DIFFERENCE_MS).saturating_mul(1000))
}

/// A frontier as `mz_timestamp`; NULL when it is done.
pub fn frontier(frontier: Frontier) -> Datum<'static> {
    frontier.time().map_or(Datum::Null, Datum::MzTimestamp)
}

/// A counter as `int8`.
pub fn count(n: u64) -> Datum<'static> {
    Datum::Int8(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Rows of one value each.
pub fn no_rows<T>(_: &T) -> Vec<Row> {
    Vec::new()
}

/// The identifier of a role, `u1` or `s1`.
pub fn role_id(catalog: &Catalog, name: &str) -> String {
    match catalog.role(name) {
        Some(role) => format!("u{}", role.id),
        None => "s1".to_string(),
    }
}

/// The oid of a role.
pub fn role_oid(catalog: &Catalog, name: &str) -> u32 {
    if name == SYSTEM_ROLE { SYSTEM_ROLE_OID } else { catalog.role(name).map_or(SYSTEM_ROLE_OID, |role| role.oid) }
}

/// The identifier of an item's schema.
pub fn schema_id(catalog: &Catalog, item: &CatalogItem) -> String {
    let schema = catalog.schema(item.name.database.as_deref(), &item.name.schema);
    schema.map_or_else(String::new, |schema| schema.display_id())
}

/// The oid of an item's schema.
pub fn schema_oid(catalog: &Catalog, item: &CatalogItem) -> u32 {
    catalog.schema(item.name.database.as_deref(), &item.name.schema).map_or(0, |schema| schema.oid)
}

/// The cluster in which an item is maintained.
pub fn cluster_id(item: &CatalogItem) -> Option<String> {
    match &item.details {
        ItemDetails::Source { cluster, .. }
        | ItemDetails::MaterializedView { cluster, .. }
        | ItemDetails::Index { cluster, .. } => Some(cluster.to_string()),
        _ => None,
    }
}

/// What a source reads: `postgres`, `load-generator`.
pub fn source_type(ingestion: &Ingestion) -> &'static str {
    match ingestion {
        Ingestion::Postgres { .. } => "postgres",
        Ingestion::LoadGenerator(_) => "load-generator",
    }
}

/// Whether an item is a relation that a query can name.
pub fn is_relation(item: &CatalogItem) -> bool {
    item.details.desc().is_some()
}
