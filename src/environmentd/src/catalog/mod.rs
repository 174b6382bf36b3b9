//! The catalog: which objects exist, as an immutable snapshot that statements share.
//!
//! ```text
//! consensus "catalog" ──load──▶ records ──replay: sql::plan of each create_sql──▶ Catalog ──for_session──▶ SessionCatalogView
//! ```
//!
//! A DDL statement makes a changed copy ([`Catalog`] is cheap to clone: its items are shared), writes the records that differ, and only then
//! publishes the copy. Names are unique; an item's identifier never changes and is never used again.

use crate::session::SessionContext;
use repr::{ClusterId, GlobalId, ShardId};
use sql::catalog::{CatalogItem, ItemName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub mod record;
pub mod replay;
pub mod secrets;
pub mod sizes;
pub mod store;
pub mod system;
pub mod view;

pub use record::{Cluster, Comment, Database, Record, Replica, Role, Schema};
pub use view::SessionCatalogView;

/// The database of a fresh environment.
pub const DEFAULT_DATABASE: &str = "materialize";
/// The schema of a fresh database.
pub const DEFAULT_SCHEMA: &str = "public";
/// The role of a fresh environment.
pub const DEFAULT_ROLE: &str = "materialize";
/// The cluster of a fresh environment.
pub const DEFAULT_CLUSTER: &str = "quickstart";
/// Who owns what is built in.
pub const SYSTEM_ROLE: &str = "mz_system";
/// The schemas that no database owns, in the order of their identifiers.
pub const SYSTEM_SCHEMAS: [&str; 5] =
    ["mz_catalog", "mz_internal", "mz_introspection", "pg_catalog", "information_schema"];

/// One item, with what planning does not need to know of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What planning sees.
    pub item: CatalogItem,
    /// Where its rows are, if they are kept.
    pub shard: Option<ShardId>,
}

/// One version of the catalog; never changes, a DDL statement makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    databases: BTreeMap<String, Database>,
    schemas: BTreeMap<(Option<String>, String), Schema>,
    roles: BTreeMap<String, Role>,
    clusters: BTreeMap<ClusterId, Cluster>,
    replicas: BTreeMap<repr::ReplicaId, Replica>,
    items: BTreeMap<GlobalId, Arc<Entry>>,
    names: BTreeMap<ItemName, GlobalId>,
    used_by: BTreeMap<GlobalId, BTreeSet<GlobalId>>,
    comments: BTreeMap<(u32, i32), Comment>,
}

impl Catalog {
    /// A catalog of only what is built in.
    pub fn builtin() -> Self {
        let mut catalog = Catalog::default();
        for (position, name) in SYSTEM_SCHEMAS.iter().enumerate() {
            let id = position as u64 + 1;
            let oid = if *name == "pg_catalog" { 11 } else { 6000 + id as u32 };
            let schema = Schema { id, oid, database: None, name: name.to_string(), owner: SYSTEM_ROLE.to_string() };
            catalog.schemas.insert((None, schema.name.clone()), schema);
        }
        for entry in system::entries() {
            catalog.insert(entry);
        }
        catalog
    }

    /// The catalog as a session sees it, for `sql::plan`.
    pub fn for_session(self: &Arc<Self>, cx: &SessionContext) -> SessionCatalogView {
        SessionCatalogView::new(self.clone(), cx)
    }

    /// An item.
    pub fn entry(&self, id: GlobalId) -> Option<&Arc<Entry>> {
        self.items.get(&id)
    }

    /// An item as planning sees it.
    pub fn item(&self, id: GlobalId) -> Option<&CatalogItem> {
        self.items.get(&id).map(|entry| &entry.item)
    }

    /// The item of a full name.
    pub fn by_name(&self, name: &ItemName) -> Option<&CatalogItem> {
        self.item(*self.names.get(name)?)
    }

    /// All items, oldest first within built-in and user items.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.items.values()
    }

    /// All items that users made, oldest first.
    pub fn user_entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.items.values().filter(|entry| entry.item.id.is_user())
    }

    /// The items that refer to this one directly.
    pub fn used_by(&self, id: GlobalId) -> impl Iterator<Item = GlobalId> + '_ {
        self.used_by.get(&id).into_iter().flatten().copied()
    }

    /// All databases.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.values()
    }

    /// A database.
    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases.get(name)
    }

    /// Whether there is such a database.
    pub fn has_database(&self, name: &str) -> bool {
        self.databases.contains_key(name)
    }

    /// All schemas.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.values()
    }

    /// A schema; system schemas belong to no database.
    pub fn schema(&self, database: Option<&str>, name: &str) -> Option<&Schema> {
        self.schemas.get(&(database.map(str::to_string), name.to_string()))
    }

    /// All roles.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// A role.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// All clusters.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.values()
    }

    /// A cluster.
    pub fn cluster(&self, id: ClusterId) -> Option<&Cluster> {
        self.clusters.get(&id)
    }

    /// The cluster of a name.
    pub fn cluster_by_name(&self, name: &str) -> Option<&Cluster> {
        self.clusters.values().find(|cluster| cluster.name == name)
    }

    /// All replicas.
    pub fn replicas(&self) -> impl Iterator<Item = &Replica> {
        self.replicas.values()
    }

    /// The replicas of a cluster.
    pub fn replicas_of(&self, cluster: ClusterId) -> impl Iterator<Item = &Replica> {
        self.replicas.values().filter(move |replica| replica.cluster == cluster)
    }

    /// All comments.
    pub fn comments(&self) -> impl Iterator<Item = &Comment> {
        self.comments.values()
    }

    /// The comments on an object and its columns.
    pub fn comments_on(&self, oid: u32) -> impl Iterator<Item = &Comment> {
        self.comments.range((oid, 0)..=(oid, i32::MAX)).map(|(_, comment)| comment)
    }

    /// With one more item, or another definition of it.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let id = entry.item.id;
        self.remove(id);
        for dependency in &entry.item.depends_on {
            self.used_by.entry(*dependency).or_default().insert(id);
        }
        self.names.insert(entry.item.name.clone(), id);
        self.items.insert(id, Arc::new(entry));
    }

    /// Without an item.
    pub(crate) fn remove(&mut self, id: GlobalId) {
        let Some(entry) = self.items.remove(&id) else { return };
        self.names.remove(&entry.item.name);
        for dependency in &entry.item.depends_on {
            if let Some(users) = self.used_by.get_mut(dependency) {
                users.remove(&id);
            }
        }
    }

    /// With what a record other than an item's says.
    pub(crate) fn put(&mut self, record: &Record) {
        match record {
            Record::Database(r) => drop(self.databases.insert(r.name.clone(), r.clone())),
            Record::Schema(r) => drop(self.schemas.insert((r.database.clone(), r.name.clone()), r.clone())),
            Record::Role(r) => drop(self.roles.insert(r.name.clone(), r.clone())),
            Record::Cluster(r) => drop(self.clusters.insert(r.id, r.clone())),
            Record::Replica(r) => drop(self.replicas.insert(r.id, r.clone())),
            Record::Comment(r) => drop(self.comments.insert((r.oid, r.column), r.clone())),
            Record::Item(_) | Record::Setting { .. } | Record::Counter { .. } => {}
        }
    }

    /// Without what a record other than an item's said.
    pub(crate) fn unput(&mut self, record: &Record) {
        match record {
            Record::Database(r) => drop(self.databases.remove(&r.name)),
            Record::Schema(r) => drop(self.schemas.remove(&(r.database.clone(), r.name.clone()))),
            Record::Role(r) => drop(self.roles.remove(&r.name)),
            Record::Cluster(r) => drop(self.clusters.remove(&r.id)),
            Record::Replica(r) => drop(self.replicas.remove(&r.id)),
            Record::Item(r) => self.remove(r.id),
            Record::Comment(r) => drop(self.comments.remove(&(r.oid, r.column))),
            Record::Setting { .. } | Record::Counter { .. } => {}
        }
    }
}
