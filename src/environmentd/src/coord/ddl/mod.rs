//! CREATE and DROP: one statement at a time, each one transaction of the catalog, then its effects.
//!
//! ```text
//!  plan ─▶ checked against the newest catalog ─▶ records, changed copy ─▶ committer ─▶ published ─▶ controller, orchestrator, secrets
//! ```
//!
//! A crash after the commit is made good by the next start, which derives the same effects from the catalog.

use super::committer::CatalogRequest;
use super::{DdlOutcome, Environment};
use crate::catalog::record::{Item, Record};
use crate::catalog::store::{CatalogStore, CatalogTransaction};
use crate::catalog::{Catalog, Entry, replay};
use crate::session::SessionContext;
use repr::{GlobalId, RelationDesc, ShardId, SqlError, SqlState, Timestamp};
use sql::catalog::{ItemDetails, ItemName};
use sql::plan::Plan;
use std::sync::Arc;

mod alter;
mod columns;
mod containers;
mod create;
mod drop;
pub(super) mod ingestion;
mod purify;
mod roles;
mod upstream;

pub(super) use containers::service_name;
pub(super) use create::{PLAN_VERSION, TABLE_CLOCK, source_clock, view_clock};

/// A change of the catalog in the making.
pub(super) struct Change {
    pub(super) transaction: CatalogTransaction,
    catalog: Catalog,
    /// Shards on the environment's clock to create with it.
    shards: Vec<(ShardId, RelationDesc)>,
}

impl Environment {
    /// Runs a `CREATE` or `DROP` plan; returns when its effect is durable and visible.
    pub async fn execute_ddl(&self, cx: &SessionContext, plan: Plan) -> Result<DdlOutcome, SqlError> {
        let mut store = self.0.store.lock().await;
        match plan {
            Plan::CreateDatabase(plan) => self.create_database(&mut store, cx, plan).await,
            Plan::CreateSchema(plan) => self.create_schema(&mut store, cx, plan).await,
            Plan::CreateCluster(plan) => self.create_cluster(&mut store, cx, plan).await,
            Plan::CreateItem(plan) => self.create_item(&mut store, cx, plan).await,
            Plan::Drop(plan) => self.drop_objects(&mut store, cx, plan).await,
            Plan::Alter(plan) => self.alter(&mut store, cx, plan).await,
            Plan::Comment(plan) => self.comment(&mut store, plan).await,
            Plan::CreateRole(name) => self.create_role(&mut store, name).await,
            Plan::DropRoles(names, if_exists) => self.drop_roles(&mut store, cx, names, if_exists).await,
            Plan::CheckRoles(tag, names) => self.check_roles(tag, &names),
            _ => Err(SqlError::unsupported("this statement")),
        }
    }

    fn begin(&self, store: &CatalogStore) -> Change {
        Change::new(store.begin(), self.catalog().as_ref().clone())
    }

    /// Makes a change durable and visible.
    async fn finish(&self, store: &mut CatalogStore, change: Change) -> Result<(Arc<Catalog>, Timestamp), SqlError> {
        let proposal = store.propose(&change.transaction);
        let request = CatalogRequest { change: proposal, shards: change.shards };
        let time = self.0.committer.catalog(request).await?;
        store.committed(&change.transaction).await;
        let catalog = Arc::new(change.catalog);
        self.0.catalog.store(catalog.clone());
        Ok((catalog, time))
    }
}

impl Change {
    /// No change yet.
    pub(super) fn new(transaction: CatalogTransaction, catalog: Catalog) -> Self {
        Change { transaction, catalog, shards: Vec::new() }
    }

    /// Adds an item: its record and its entry.
    fn add(&mut self, cx: &SessionContext, new: NewEntry) -> Item {
        let item = Item {
            id: new.id,
            oid: self.transaction.next_oid(),
            database: new.name.database.clone().unwrap_or_default(),
            schema: new.name.schema.clone(),
            name: new.name.item.clone(),
            item_kind: new.details.kind().to_string(),
            owner: cx.user.clone(),
            create_sql: new.create_sql,
            shard: new.shard,
        };
        self.transaction.put(Record::Item(item.clone()));
        self.catalog.insert(replay::entry(&item, new.details, new.depends_on));
        item
    }

    /// Removes an item.
    fn remove(&mut self, entry: &Entry) {
        self.forget_comments(entry.item.oid);
        self.transaction.remove_item(entry.item.id);
        self.catalog.remove(entry.item.id);
    }

    /// Puts a record that is not an item's.
    pub(super) fn put(&mut self, record: Record) {
        self.catalog.put(&record);
        self.transaction.put(record);
    }

    /// Removes a record that is not an item's.
    fn unput(&mut self, record: &Record) {
        self.catalog.unput(record);
        self.transaction.remove(record);
    }
}

/// An item to be added.
struct NewEntry {
    id: GlobalId,
    name: ItemName,
    details: ItemDetails,
    create_sql: String,
    depends_on: Vec<GlobalId>,
    shard: Option<ShardId>,
}

/// The outcome of a statement that has no notices.
fn done(tag: impl Into<String>) -> Result<DdlOutcome, SqlError> {
    Ok(DdlOutcome { tag: tag.into(), notices: Vec::new() })
}

/// The outcome of a statement that found what it wanted to create.
fn skipped(tag: impl Into<String>, existing: SqlError) -> Result<DdlOutcome, SqlError> {
    let notice = SqlError::new(existing.code, format!("{}, skipping", existing.message));
    Ok(DdlOutcome { tag: tag.into(), notices: vec![notice] })
}

/// A new shard's name.
fn new_shard() -> ShardId {
    ShardId(uuid::Uuid::new_v4().into_bytes())
}

/// `relation "t" already exists`
fn already_exists(details: &ItemDetails, name: &ItemName) -> SqlError {
    let (code, what) = match details {
        ItemDetails::Secret => (SqlState::DUPLICATE_OBJECT, "secret"),
        ItemDetails::Connection(_) => (SqlState::DUPLICATE_OBJECT, "connection"),
        ItemDetails::Type(_) => (SqlState::DUPLICATE_OBJECT, "type"),
        ItemDetails::Function(_) => (SqlState::DUPLICATE_FUNCTION, "function"),
        _ => (SqlState::DUPLICATE_TABLE, "relation"),
    };
    SqlError::new(code, format!("{what} \"{}\" already exists", name.item))
}
