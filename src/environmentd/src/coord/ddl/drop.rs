//! DROP: what goes, what stands in the way, and what is freed.

use super::containers::service_name;
use super::{DdlOutcome, Environment};
use crate::catalog::record::Record;
use crate::catalog::store::CatalogStore;
use crate::catalog::{Catalog, Entry};
use crate::session::SessionContext;
use repr::{ClusterId, Frontier, GlobalId, ShardId, SqlError, SqlState};
use sql::catalog::{CatalogItem, ItemDetails};
use sql::plan::{DropPlan, DropTarget};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many objects a notice lists, as in PostgreSQL.
const CASCADE_LINES_MAX: usize = 100;

/// Everything that a statement drops.
#[derive(Default)]
struct Dropped {
    items: Vec<Arc<Entry>>,
    records: Vec<Record>,
    clusters: Vec<ClusterId>,
}

impl Environment {
    pub(super) async fn drop_objects(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        plan: DropPlan,
    ) -> Result<DdlOutcome, SqlError> {
        let notices = plan.missing.iter().map(|what| SqlError::new(SqlState::UNDEFINED_TABLE, what.clone())).collect();
        let mut outcome = DdlOutcome { tag: format!("DROP {}", plan.kind), notices };
        if plan.targets.is_empty() {
            return Ok(outcome);
        }
        let before = self.catalog();
        let dropped = collect(&before, cx, &plan)?;
        outcome.notices.extend(cascade_notice(&dropped, &plan.targets));
        let mut change = self.begin(store);
        // Dependents first, so that nothing ever refers to what is gone.
        for entry in dropped.items.iter().rev() {
            change.remove(entry);
        }
        for record in &dropped.records {
            match record {
                Record::Schema(schema) => change.forget_comments(schema.oid),
                Record::Database(database) => change.forget_comments(database.oid),
                _ => {}
            }
            change.unput(record);
        }
        self.finish(store, change).await?;
        self.free(&before, &dropped).await;
        Ok(outcome)
    }

    /// Drops the temporary objects of one session, or of all that ever were.
    pub async fn drop_temporary(&self, cx: &SessionContext, session: Option<u32>) -> Result<(), SqlError> {
        let own = session.map(crate::catalog::view::temporary_schema);
        let wanted = |name: &str| match &own {
            Some(own) => name == own,
            None => name.starts_with(sql::catalog::TEMPORARY_PREFIX),
        };
        let catalog = self.catalog();
        let schemas = catalog.schemas().filter(|schema| wanted(&schema.name));
        let targets: Vec<_> =
            schemas.filter_map(|s| Some(DropTarget::Schema(s.database.clone()?, s.name.clone()))).collect();
        if targets.is_empty() {
            return Ok(());
        }
        let plan = DropPlan { targets, cascade: true, kind: "SCHEMA", missing: Vec::new() };
        let mut store = self.0.store.lock().await;
        self.drop_objects(&mut store, cx, plan).await.map(drop)
    }

    /// What dropping means for replicas, storaged, shards, secrets and services.
    async fn free(&self, before: &Catalog, dropped: &Dropped) {
        let mut shards: Vec<(ShardId, Frontier)> = Vec::new();
        for entry in dropped.items.iter().rev() {
            let id = entry.item.id;
            match &entry.item.details {
                ItemDetails::Index { .. } | ItemDetails::MaterializedView { .. } => {
                    self.0.controller.drop_dataflow(id);
                }
                ItemDetails::Source { .. } => self.0.controller.drop_ingestion(id),
                ItemDetails::SourceTable { source, .. } => self.changed_source(*source),
                ItemDetails::Secret => {
                    if let Err(error) = self.0.secrets.remove(id) {
                        tracing::warn!(%id, %error, "the value of a dropped secret stays");
                    }
                }
                _ => {}
            }
            if let Some(shard) = entry.shard {
                self.0.controller.remove_shard(id);
                shards.push((shard, Frontier::DONE));
            }
        }
        // A shard that is not freed now is found at the next start.
        if let Err(error) = self.0.persist.downgrade_since(&shards).await {
            tracing::warn!(%error, "dropped shards stay until the next start");
        }
        for replica in dropped.clusters.iter().flat_map(|cluster| before.replicas_of(*cluster)) {
            self.0.controller.remove_replica(replica.id);
            if let Some(orchestrator) = &self.0.orchestrator {
                orchestrator.drop_service(&service_name(replica)).await;
            }
        }
    }

    /// A source lost a table: reads it on without it.
    fn changed_source(&self, source: GlobalId) {
        let catalog = self.catalog();
        match super::ingestion::describe(&catalog, source, &self.0.secrets, self.0.epoch) {
            Ok(Some(description)) => self.0.controller.run_ingestion(description),
            Ok(None) => {}
            Err(error) => tracing::warn!(%source, %error, "a source cannot be changed"),
        }
    }
}

/// Says what a CASCADE takes along that was not named and does not go by itself.
fn cascade_notice(dropped: &Dropped, targets: &[DropTarget]) -> Option<SqlError> {
    let named = |item: &CatalogItem| targets.contains(&DropTarget::Item(item.id));
    let belongs = |item: &CatalogItem| item.depends_on.iter().any(|owner| belongs_to(item, *owner));
    let items = dropped.items.iter().map(|entry| &entry.item).filter(|item| !named(item) && !belongs(item));
    let lines: Vec<String> = items.map(|item| format!("drop cascades to {}", described(item))).collect();
    let notice = |what: String| SqlError::new(SqlState::SUCCESSFUL_COMPLETION, what);
    match &lines[..] {
        [] => None,
        [line] => Some(notice(line.clone())),
        lines => {
            let what = notice(format!("drop cascades to {} other objects", lines.len()));
            Some(what.detail(lines[..lines.len().min(CASCADE_LINES_MAX)].join("\n")))
        }
    }
}

/// Finds all that goes, dependencies before dependents, or says what stands in the way.
fn collect(catalog: &Catalog, cx: &SessionContext, plan: &DropPlan) -> Result<Dropped, SqlError> {
    let mut dropped = Dropped::default();
    let mut roots = BTreeSet::new();
    let mut cascade = plan.cascade;
    for target in &plan.targets {
        match target {
            DropTarget::Item(id) => drop(roots.insert(*id)),
            DropTarget::Schema(database, name) => {
                let items = in_schema(catalog, database, Some(name));
                refuse_if_any(catalog, &items, plan.cascade, &format!("schema {name}"))?;
                roots.extend(items);
                cascade = true;
                let schema = catalog.schema(Some(database), name).cloned();
                dropped.records.extend(schema.map(Record::Schema));
            }
            DropTarget::Database(name) => {
                if *name == cx.database {
                    let what = "cannot drop the currently open database";
                    return Err(SqlError::new(SqlState::OBJECT_IN_USE, what));
                }
                roots.extend(in_schema(catalog, name, None));
                cascade = true;
                let schemas = catalog.schemas().filter(|schema| schema.database.as_ref() == Some(name));
                dropped.records.extend(schemas.cloned().map(Record::Schema));
                dropped.records.extend(catalog.database(name).cloned().map(Record::Database));
            }
            DropTarget::Cluster(id) => {
                let items = in_cluster(catalog, *id);
                let name = catalog.cluster(*id).map_or_else(String::new, |cluster| cluster.name.clone());
                refuse_if_any(catalog, &items, plan.cascade, &format!("cluster {name}"))?;
                roots.extend(items);
                dropped.records.extend(catalog.replicas_of(*id).cloned().map(Record::Replica));
                dropped.records.extend(catalog.cluster(*id).cloned().map(Record::Cluster));
                dropped.clusters.push(*id);
            }
        }
    }
    for id in &roots {
        refuse_system(catalog, *id)?;
    }
    dropped.items = with_dependents(catalog, &roots, cascade)?;
    Ok(dropped)
}

fn refuse_system(catalog: &Catalog, id: GlobalId) -> Result<(), SqlError> {
    match catalog.item(id) {
        Some(item) if id.is_system() => {
            let what = format!("cannot drop {}: it is required by the system", item.name);
            Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, what))
        }
        Some(_) => Ok(()),
        None => Err(SqlError::new(SqlState::UNDEFINED_TABLE, "the object was dropped by another session")),
    }
}

/// The items of a schema, or of all schemas of a database.
fn in_schema(catalog: &Catalog, database: &str, schema: Option<&String>) -> Vec<GlobalId> {
    let inside = |entry: &&Arc<Entry>| {
        let name = &entry.item.name;
        name.database.as_deref() == Some(database) && schema.is_none_or(|schema| name.schema == *schema)
    };
    catalog.user_entries().filter(inside).map(|entry| entry.item.id).collect()
}

/// The items that a cluster maintains.
fn in_cluster(catalog: &Catalog, id: ClusterId) -> Vec<GlobalId> {
    let inside = |entry: &&Arc<Entry>| match &entry.item.details {
        ItemDetails::Index { cluster, .. }
        | ItemDetails::MaterializedView { cluster, .. }
        | ItemDetails::Source { cluster, .. } => *cluster == id,
        _ => false,
    };
    catalog.user_entries().filter(inside).map(|entry| entry.item.id).collect()
}

fn refuse_if_any(catalog: &Catalog, items: &[GlobalId], cascade: bool, what: &str) -> Result<(), SqlError> {
    if cascade || items.is_empty() {
        return Ok(());
    }
    let depends = |id: &GlobalId| catalog.item(*id).map(|item| format!("{} depends on {what}", described(item)));
    Err(in_use(what, items.iter().filter_map(depends).collect()))
}

/// Whether an item goes with what it depends on, without CASCADE: indexes, and the tables of a source.
fn belongs_to(item: &CatalogItem, owner: GlobalId) -> bool {
    match &item.details {
        ItemDetails::Index { on, .. } => *on == owner,
        ItemDetails::SourceTable { source, .. } => *source == owner,
        _ => false,
    }
}

/// The roots and all that depends on them; what does not belong to them needs `cascade`.
fn with_dependents(catalog: &Catalog, roots: &BTreeSet<GlobalId>, cascade: bool) -> Result<Vec<Arc<Entry>>, SqlError> {
    let mut all = roots.clone();
    let mut queue: Vec<_> = roots.iter().copied().collect();
    let mut foreign = Vec::new();
    while let Some(id) = queue.pop() {
        for user in catalog.used_by(id) {
            let Some(item) = catalog.item(user) else { continue };
            if all.insert(user) {
                if !belongs_to(item, id) {
                    foreign.push(item);
                }
                queue.push(user);
            }
        }
    }
    if !cascade && !foreign.is_empty() {
        let targets: Vec<_> = roots.iter().filter_map(|id| catalog.item(*id)).collect();
        return Err(still_used(&targets, &foreign, catalog));
    }
    Ok(all.into_iter().filter_map(|id| catalog.entry(id).cloned()).collect())
}

/// `cannot drop table t because other objects depend on it`, with a line for each of them.
pub(super) fn still_used(targets: &[&CatalogItem], users: &[&CatalogItem], catalog: &Catalog) -> SqlError {
    let line = |user: &&CatalogItem| {
        let on = user.depends_on.iter().filter_map(|id| catalog.item(*id));
        let on = on.into_iter().find(|item| targets.iter().any(|t| t.id == item.id) || !item.id.is_system());
        format!("{} depends on {}", described(user), on.map_or_else(String::new, described))
    };
    let what = match targets {
        [target] => described(target),
        _ => "desired object(s)".to_string(),
    };
    in_use(&what, users.iter().map(line).collect())
}

fn in_use(what: &str, lines: Vec<String>) -> SqlError {
    SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {what} because other objects depend on it"),
    )
    .detail(lines.join("\n"))
    .hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

/// `materialized view v`
fn described(item: &CatalogItem) -> String {
    format!("{} {}", item.details.kind().replace('-', " "), sql::catalog::quote_ident(&item.name.item))
}
