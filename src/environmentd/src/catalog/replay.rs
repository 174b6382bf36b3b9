//! From records to a catalog: every item is planned again from its canonical SQL, oldest first, so that what it refers to is there.

use super::record::{Item, Record};
use super::{Catalog, DEFAULT_CLUSTER, DEFAULT_DATABASE, DEFAULT_SCHEMA, Entry, SYSTEM_ROLE};
use crate::session::{Isolation, SessionContext, Vars};
use repr::{GlobalId, SqlError};
use sql::catalog::{CatalogItem, ItemDetails, ItemName};
use sql::plan::{CreateItemPlan, NewItem, Params, Plan};
use std::sync::Arc;

/// Why a stored item does not plan.
#[derive(Debug, thiserror::Error)]
#[error("the catalog's {kind} {name} ({id}) cannot be planned: {error}")]
pub struct ReplayError {
    id: GlobalId,
    kind: String,
    name: String,
    error: Box<SqlError>,
}

/// The context in which stored SQL is planned; its names are resolved already.
pub fn system_context() -> SessionContext {
    SessionContext {
        connection_id: 0,
        user: SYSTEM_ROLE.to_string(),
        database: DEFAULT_DATABASE.to_string(),
        search_path: vec![DEFAULT_SCHEMA.to_string()],
        cluster: DEFAULT_CLUSTER.to_string(),
        vars: Vars::default(),
        isolation: Isolation::StrictSerializable,
        now_us: 0,
        statement_us: 0,
    }
}

/// The catalog that these records describe.
pub fn replay<'a>(records: impl Iterator<Item = &'a Record>) -> Result<Catalog, ReplayError> {
    let mut catalog = Catalog::builtin();
    let mut items = Vec::new();
    for record in records {
        match record {
            Record::Item(item) => items.push(item),
            other => catalog.put(other),
        }
    }
    items.sort_by_key(|item| item.id);
    let mut catalog = Arc::new(catalog);
    for item in items {
        let entry = plan_entry(&catalog, item).map_err(|error| ReplayError {
            id: item.id,
            kind: item.item_kind.clone(),
            name: name_of(item).to_string(),
            error: Box::new(error),
        })?;
        Arc::make_mut(&mut catalog).insert(entry);
    }
    Ok(Arc::unwrap_or_clone(catalog))
}

/// The catalog entry of a record, planned against what is there.
pub fn plan_entry(catalog: &Arc<Catalog>, item: &Item) -> Result<Entry, SqlError> {
    if item.create_sql.is_empty() {
        return Ok(entry(item, ItemDetails::Secret, Vec::new()));
    }
    let view = catalog.for_session(&system_context());
    let statements = sql::parse(&item.create_sql)?;
    let [statement] = statements.as_slice() else {
        return Err(SqlError::internal("a definition is exactly one statement"));
    };
    match sql::plan(&view, statement, &Params::default())? {
        Plan::CreateItem(CreateItemPlan { item: new, depends_on, .. }) => Ok(entry(item, details(new), depends_on)),
        _ => Err(SqlError::internal("a definition creates an item")),
    }
}

/// An entry from a record and what was planned.
pub fn entry(item: &Item, details: ItemDetails, depends_on: Vec<GlobalId>) -> Entry {
    let item_of_plan = CatalogItem {
        id: item.id,
        oid: item.oid,
        name: name_of(item),
        owner: item.owner.clone(),
        create_sql: item.create_sql.clone(),
        depends_on,
        details: details.with_oid(item.oid),
    };
    Entry { item: item_of_plan, shard: item.shard }
}

fn name_of(item: &Item) -> ItemName {
    ItemName { database: Some(item.database.clone()), schema: item.schema.clone(), item: item.name.clone() }
}

/// What a planned item is in the catalog.
pub fn details(new: NewItem) -> ItemDetails {
    match new {
        NewItem::Table { desc, defaults, .. } => ItemDetails::Table { desc, defaults },
        NewItem::View { expr, desc } => ItemDetails::View { expr, desc },
        NewItem::MaterializedView { expr, desc, cluster } => ItemDetails::MaterializedView { expr, desc, cluster },
        NewItem::Index { on, keys, cluster, unique } => ItemDetails::Index { on, keys, cluster, unique },
        NewItem::Secret { .. } => ItemDetails::Secret,
        NewItem::Connection { details, .. } => ItemDetails::Connection(details),
        NewItem::Source { ingestion, desc, cluster, .. } => ItemDetails::Source { desc, ingestion, cluster },
        NewItem::SourceTable { source, export } => ItemDetails::SourceTable { source, export },
        NewItem::Type(ty) => ItemDetails::Type(ty),
        NewItem::Function(function) => ItemDetails::Function(function),
    }
}
