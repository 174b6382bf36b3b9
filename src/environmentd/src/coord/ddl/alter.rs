//! ALTER: names, owners, secrets. Definitions name other objects by identifier, so that nothing else changes when one is renamed.

use super::{Change, DdlOutcome, Environment, already_exists, done, skipped};
use crate::catalog::record::{Item, Record, Schema};
use crate::catalog::store::CatalogStore;
use crate::catalog::view::{is_system_schema, no_database};
use crate::catalog::{Catalog, Entry, replay};
use crate::session::SessionContext;
use repr::{ClusterId, GlobalId, SqlError, SqlState};
use sql::catalog::{ItemDetails, ItemName};
use sql::plan::{AlterPlan, Alteration, DropTarget};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Environment {
    pub(super) async fn alter(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        plan: AlterPlan,
    ) -> Result<DdlOutcome, SqlError> {
        let tag = format!("ALTER {}", plan.kind);
        let target = match plan.target {
            Ok(target) => target,
            Err(missing) => {
                let missing = missing.trim_end_matches(", skipping");
                return skipped(tag, SqlError::new(SqlState::UNDEFINED_TABLE, missing));
            }
        };
        if let (DropTarget::Item(id), Alteration::Secret(value)) = (&target, &plan.change) {
            self.put_secret(cx, *id, value.clone())?;
            return done(tag);
        }
        if matches!(plan.change, Alteration::Nothing) {
            return done(tag);
        }
        let mut change = self.begin(store);
        match plan.change {
            Alteration::Rename(name) => change.rename(cx, target, name)?,
            Alteration::RenameColumn(old, new) => change.rename_column(target, &old, &new)?,
            Alteration::Default(column, default) => change.set_default(target, &column, default.as_deref())?,
            Alteration::Owner(owner) => change.give(target, owner)?,
            Alteration::Schema(database, schema) => change.move_item(target, database, schema)?,
            Alteration::Labels(labels) => change.set_labels(target, labels)?,
            Alteration::Secret(_) | Alteration::Nothing => {
                return Err(SqlError::internal("an alteration that changes no record"));
            }
        }
        self.finish(store, change).await?;
        done(tag)
    }
}

pub(super) fn gone() -> SqlError {
    SqlError::new(SqlState::UNDEFINED_TABLE, "the object was dropped by another session")
}

impl Change {
    fn rename(&mut self, cx: &SessionContext, target: DropTarget, name: String) -> Result<(), SqlError> {
        match target {
            DropTarget::Item(id) => {
                let entry = self.catalog.entry(id).ok_or_else(gone)?;
                let name = ItemName { item: name, ..entry.item.name.clone() };
                self.rename_item(id, name)
            }
            DropTarget::Schema(database, schema) => self.rename_schema(&database, &schema, name),
            DropTarget::Database(database) => self.rename_database(cx, &database, name),
            DropTarget::Cluster(id) => self.rename_cluster(id, name),
        }
    }

    fn rename_item(&mut self, id: GlobalId, name: ItemName) -> Result<(), SqlError> {
        if let Some(existing) = self.catalog.by_name(&name) {
            return Err(already_exists(&existing.details, &name));
        }
        let mut entry = self.catalog.entry(id).ok_or_else(gone)?.as_ref().clone();
        entry.item.name = name;
        if !entry.item.create_sql.is_empty() {
            entry.item.create_sql = sql::canonical::renamed(&entry.item.create_sql, &entry.item.name)?;
        }
        self.update(entry);
        Ok(())
    }

    fn rename_schema(&mut self, database: &str, schema: &str, name: String) -> Result<(), SqlError> {
        let old = self.schema(database, schema)?;
        if is_system_schema(schema) || is_system_schema(&name) || name.starts_with("pg_") || name.starts_with("mz_") {
            let what = format!("unacceptable schema name \"{name}\"");
            return Err(SqlError::new(SqlState::INVALID_NAME, what)
                .detail("The prefixes \"mz_\" and \"pg_\" are reserved for system schemas."));
        }
        if self.catalog.schema(Some(database), &name).is_some() {
            return Err(SqlError::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{name}\" already exists")));
        }
        self.replace_record(Record::Schema(old.clone()), Record::Schema(Schema { name: name.clone(), ..old }));
        self.rename_items(|item| {
            (item.database.as_deref() == Some(database) && item.schema == schema)
                .then(|| ItemName { schema: name.clone(), ..item.clone() })
        })
    }

    fn rename_database(&mut self, cx: &SessionContext, database: &str, name: String) -> Result<(), SqlError> {
        if cx.database == database {
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "current database cannot be renamed"));
        }
        if self.catalog.has_database(&name) {
            return Err(SqlError::new(SqlState::DUPLICATE_DATABASE, format!("database \"{name}\" already exists")));
        }
        let old = self.catalog.database(database).cloned().ok_or_else(|| no_database(database))?;
        let new = crate::catalog::Database { name: name.clone(), ..old.clone() };
        self.replace_record(Record::Database(old), Record::Database(new));
        let inside: Vec<Schema> =
            self.catalog.schemas().filter(|s| s.database.as_deref() == Some(database)).cloned().collect();
        for schema in inside {
            let moved = Schema { database: Some(name.clone()), ..schema.clone() };
            self.replace_record(Record::Schema(schema), Record::Schema(moved));
        }
        self.rename_items(|item| {
            (item.database.as_deref() == Some(database))
                .then(|| ItemName { database: Some(name.clone()), ..item.clone() })
        })
    }

    fn rename_cluster(&mut self, id: ClusterId, name: String) -> Result<(), SqlError> {
        if self.catalog.cluster_by_name(&name).is_some() {
            return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, format!("cluster \"{name}\" already exists")));
        }
        let old = self.catalog.cluster(id).cloned().ok_or_else(gone)?;
        let new = crate::catalog::Cluster { name: name.clone(), ..old.clone() };
        self.replace_record(Record::Cluster(old), Record::Cluster(new));
        for entry in self.entries(|entry| cluster_of(entry) == Some(id)) {
            let create_sql = sql::canonical::in_cluster(&entry.item.create_sql, &name)?;
            let item = sql::CatalogItem { create_sql, ..entry.item };
            self.update(Entry { item, ..entry });
        }
        Ok(())
    }

    /// Renames all items for which there is a new name.
    fn rename_items(&mut self, new_name: impl Fn(&ItemName) -> Option<ItemName>) -> Result<(), SqlError> {
        for entry in self.entries(|entry| new_name(&entry.item.name).is_some()) {
            if let Some(name) = new_name(&entry.item.name) {
                self.rename_item(entry.item.id, name)?;
            }
        }
        Ok(())
    }

    fn entries(&self, keep: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        self.catalog.user_entries().filter(|entry| keep(entry)).map(|entry| entry.as_ref().clone()).collect()
    }

    /// Other values of an enum. What was planned with the type, at any distance, is planned again.
    fn set_labels(&mut self, target: DropTarget, labels: Vec<(f32, String)>) -> Result<(), SqlError> {
        let DropTarget::Item(id) = target else { return Err(SqlError::internal("only an item has values")) };
        let mut entry = self.catalog.entry(id).ok_or_else(gone)?.as_ref().clone();
        entry.item.create_sql = sql::canonical::with_labels(&entry.item.create_sql, &labels)?;
        entry.item.details = ItemDetails::enum_type(&entry.item.name, labels).with_oid(entry.item.oid);
        self.update(entry);
        let (mut dependents, mut queue) = (BTreeSet::new(), vec![id]);
        while let Some(id) = queue.pop() {
            queue.extend(self.catalog.used_by(id).filter(|user| dependents.insert(*user)));
        }
        let records: Vec<Item> = dependents.iter().filter_map(|id| Some(record(self.catalog.entry(*id)?))).collect();
        dependents.iter().for_each(|id| self.catalog.remove(*id));
        // What depends on something is younger than it.
        for item in records {
            let planned = replay::plan_entry(&Arc::new(self.catalog.clone()), &item)?;
            self.catalog.insert(planned);
        }
        Ok(())
    }

    fn schema(&self, database: &str, schema: &str) -> Result<Schema, SqlError> {
        let missing = || SqlError::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist"));
        self.catalog.schema(Some(database), schema).cloned().ok_or_else(missing)
    }

    fn give(&mut self, target: DropTarget, owner: String) -> Result<(), SqlError> {
        require_role(&self.catalog, &owner)?;
        match target {
            DropTarget::Item(id) => {
                let belonging = self.indexes_of(id);
                for id in std::iter::once(id).chain(belonging) {
                    let mut entry = self.catalog.entry(id).ok_or_else(gone)?.as_ref().clone();
                    entry.item.owner = owner.clone();
                    self.update(entry);
                }
            }
            DropTarget::Schema(database, schema) => {
                let old = self.schema(&database, &schema)?;
                self.put(Record::Schema(Schema { owner, ..old }));
            }
            DropTarget::Database(name) => {
                let old = self.catalog.database(&name).cloned().ok_or_else(|| no_database(&name))?;
                self.put(Record::Database(crate::catalog::Database { owner, ..old }));
            }
            DropTarget::Cluster(id) => {
                let old = self.catalog.cluster(id).cloned().ok_or_else(gone)?;
                self.put(Record::Cluster(crate::catalog::Cluster { owner, ..old }));
            }
        }
        Ok(())
    }

    fn move_item(&mut self, target: DropTarget, database: String, schema: String) -> Result<(), SqlError> {
        let DropTarget::Item(id) = target else { return Err(SqlError::internal("only items are in schemas")) };
        self.schema(&database, &schema)?;
        let here = self.catalog.entry(id).ok_or_else(gone)?.item.name.clone();
        if here.database.as_ref() == Some(&database) && here.schema == schema {
            return Ok(());
        }
        for id in std::iter::once(id).chain(self.indexes_of(id)) {
            let item = self.catalog.entry(id).ok_or_else(gone)?.item.name.item.clone();
            self.rename_item(id, ItemName { database: Some(database.clone()), schema: schema.clone(), item })?;
        }
        Ok(())
    }

    /// The indexes of a relation: they go where it goes.
    fn indexes_of(&self, id: GlobalId) -> Vec<GlobalId> {
        let is_index = |user: &GlobalId| {
            let details = self.catalog.item(*user).map(|item| &item.details);
            matches!(details, Some(ItemDetails::Index { on, .. }) if *on == id)
        };
        self.catalog.used_by(id).filter(is_index).collect()
    }

    /// An item's record and entry as they are from now on.
    pub(super) fn update(&mut self, entry: Entry) {
        self.transaction.put(Record::Item(record(&entry)));
        self.catalog.insert(entry);
    }

    /// A record of another name; its identifier stays.
    fn replace_record(&mut self, old: Record, new: Record) {
        self.catalog.unput(&old);
        self.put(new);
    }
}

/// An entry's record.
pub(super) fn record(entry: &Entry) -> Item {
    let (item, name) = (&entry.item, &entry.item.name);
    Item {
        id: item.id,
        oid: item.oid,
        database: name.database.clone().unwrap_or_default(),
        schema: name.schema.clone(),
        name: name.item.clone(),
        item_kind: item.details.kind().to_string(),
        owner: item.owner.clone(),
        create_sql: item.create_sql.clone(),
        shard: entry.shard,
    }
}

fn cluster_of(entry: &Entry) -> Option<ClusterId> {
    match &entry.item.details {
        ItemDetails::Index { cluster, .. }
        | ItemDetails::MaterializedView { cluster, .. }
        | ItemDetails::Source { cluster, .. } => Some(*cluster),
        _ => None,
    }
}

/// `role "r" does not exist`
pub(super) fn require_role(catalog: &Catalog, role: &str) -> Result<(), SqlError> {
    match catalog.role(role) {
        Some(_) => Ok(()),
        None => Err(SqlError::new(SqlState::UNDEFINED_OBJECT, format!("role \"{role}\" does not exist"))),
    }
}
