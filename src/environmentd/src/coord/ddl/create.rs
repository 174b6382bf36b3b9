//! Items: tables, views, materialized views, indexes, secrets, connections. Sources are in `purify`.

use super::{Change, DdlOutcome, Environment, NewEntry, already_exists, done, new_shard, skipped, upstream};
use crate::catalog::replay;
use crate::catalog::store::CatalogStore;
use crate::controller::DataflowKind;
use crate::coord::committer::WriteRequest;
use crate::coord::dataflows::Maintained;
use crate::coord::write::evaluate;
use crate::session::SessionContext;
use repr::{Arena, Datum, Frontier, GlobalId, SqlError, SqlState};
use sql::catalog::{ItemDetails, Uniqueness};
use sql::plan::{CreateItemPlan, DropPlan, DropTarget, NewItem, UniqueConstraint};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The clock of tables that SQL writes.
pub const TABLE_CLOCK: &str = "env";

/// The clock of a materialized view.
pub fn view_clock(id: GlobalId) -> String {
    format!("view/{id}")
}

/// The clock of a source's tables.
pub fn source_clock(id: GlobalId) -> String {
    format!("source/{id}")
}

/// Fences older plans of the same view: raised when a view's plan changes while its shard stays.
pub const PLAN_VERSION: u64 = 1;

impl Environment {
    pub(super) async fn create_item(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        plan: CreateItemPlan,
    ) -> Result<DdlOutcome, SqlError> {
        let tag = tag(&plan.item);
        let mut change = self.begin(store);
        if let Some(replaced) = plan.replace {
            change.replace(replaced)?;
        }
        if let Some(existing) = change.catalog.by_name(&plan.name) {
            let error = already_exists(&existing.details, &plan.name);
            return if plan.if_not_exists { skipped(tag, error) } else { Err(error) };
        }
        change.add_temporary_schema(cx, &plan);
        change.check(&plan)?;
        let id = change.transaction.next_item();
        match plan.item {
            NewItem::Secret { .. } => self.create_secret(store, cx, change, id, plan).await?,
            NewItem::Connection { .. } => self.create_connection(store, cx, change, id, plan).await?,
            NewItem::Table { .. } => self.create_table(store, cx, change, id, plan).await?,
            NewItem::View { .. } | NewItem::Type(_) | NewItem::Function(_) => {
                self.create_plain(store, cx, change, id, plan).await?
            }
            NewItem::MaterializedView { .. } => self.create_materialized_view(store, cx, change, id, plan).await?,
            NewItem::Index { .. } => self.create_index(store, cx, change, id, plan).await?,
            NewItem::Source { .. } => self.create_source(store, cx, change, id, plan).await?,
            NewItem::SourceTable { .. } => return Err(SqlError::unsupported("CREATE TABLE … FROM SOURCE")),
        }
        done(tag)
    }

    async fn create_secret(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        let NewItem::Secret { value } = plan.item.clone() else { return Ok(()) };
        self.put_secret(cx, id, value)?;
        // The text of the statement holds the value: it is never kept.
        change.add(cx, new_entry(id, CreateItemPlan { create_sql: String::new(), ..plan }, None));
        self.finish(store, change).await?;
        Ok(())
    }

    /// Keeps a secret's value.
    pub(super) fn put_secret(
        &self,
        cx: &SessionContext,
        id: GlobalId,
        mut value: expr::ScalarExpr,
    ) -> Result<(), SqlError> {
        self.with_moment(cx, self.0.oracle.last(), |moment| moment.replace(&mut value));
        let row = evaluate(&[value], &[], &Arena::new())?;
        match row.iter().next() {
            Some(Datum::Bytes(bytes)) => Ok(self.0.secrets.put(id, bytes)?),
            Some(Datum::Text(text)) => Ok(self.0.secrets.put(id, text.as_bytes())?),
            _ => Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "secret value can not be null")),
        }
    }

    async fn create_connection(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        if let NewItem::Connection { details, validate: true } = &plan.item {
            upstream::connect(details, &self.0.secrets).await?;
        }
        change.add(cx, new_entry(id, plan, None));
        self.finish(store, change).await?;
        Ok(())
    }

    /// A table with the indexes of its constraints.
    async fn create_table(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        let NewItem::Table { unique, .. } = &plan.item else { return Ok(()) };
        let (unique, shard) = (unique.clone(), new_shard());
        let entry = new_entry(id, plan, Some(shard));
        change.shards.extend(entry.details.desc().map(|desc| (shard, desc.clone())));
        change.add(cx, entry);
        let indexes = change.add_constraints(cx, id, &unique)?;
        let planned = indexes.iter().map(|index| self.plan_maintained(&change.catalog, *index));
        let planned: Vec<Maintained> = planned.collect::<Result<_, _>>()?;
        // ORDER: the shard can be read before a session can see the table.
        self.0.controller.add_shard(id, shard, TABLE_CLOCK, Frontier::MIN, Frontier::MIN);
        let finished = match self.0.controller.hold(&BTreeSet::from([id])) {
            Ok(holds) => self.finish(store, change).await.map(|_| holds),
            Err(error) => Err(error),
        };
        match finished {
            Ok(holds) => {
                for index in planned {
                    self.0.controller.create_dataflow(index.cluster, DataflowKind::Index, index.at(holds.since()));
                }
                Ok(())
            }
            Err(error) => {
                self.0.controller.remove_shard(id);
                Err(error)
            }
        }
    }

    /// What is a definition and nothing more.
    async fn create_plain(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        change.add(cx, new_entry(id, plan, None));
        self.finish(store, change).await?;
        Ok(())
    }

    async fn create_index(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        let unique = matches!(plan.item, NewItem::Index { unique: Some(_), .. });
        change.add(cx, new_entry(id, plan, None));
        let planned = self.plan_maintained(&change.catalog, id)?;
        let holds = self.0.controller.hold(&planned.inputs)?;
        let as_of = if planned.inputs.is_empty() { self.0.oracle.last() } else { holds.since() };
        self.finish(store, change).await?;
        self.0.controller.create_dataflow(planned.cluster, DataflowKind::Index, planned.at(as_of));
        if !unique {
            return Ok(());
        }
        // ORDER: writes that were not held against the index are committed before its table is read.
        self.0.committer.write(WriteRequest::default()).await?;
        if let Err(error) = self.check_present_rows(cx, id).await {
            let plan =
                DropPlan { targets: vec![DropTarget::Item(id)], cascade: true, kind: "INDEX", missing: Vec::new() };
            self.drop_objects(store, cx, plan).await?;
            return Err(error);
        }
        Ok(())
    }

    async fn create_materialized_view(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        let shard = new_shard();
        let entry = new_entry(id, plan, Some(shard));
        let desc = entry.details.desc().cloned().unwrap_or_default();
        change.add(cx, entry);
        let planned = self.plan_maintained(&change.catalog, id)?;
        let holds = self.0.controller.hold(&planned.inputs)?;
        let as_of = if planned.inputs.is_empty() { self.0.oracle.last() } else { holds.since() };
        // ORDER: a shard that no catalog names is found and dropped at the next start; a catalog that names no shard is broken.
        let mut clock = self.0.persist.open_clock(&view_clock(id), PLAN_VERSION).await?;
        self.0.persist.create_shards(&mut clock, &[(shard, desc)]).await?;
        self.0.persist.downgrade_since(&[(shard, Frontier::at(as_of))]).await?;
        self.0.controller.add_shard(id, shard, &view_clock(id), Frontier::at(as_of), Frontier::MIN);
        if let Err(error) = self.finish(store, change).await {
            self.0.controller.remove_shard(id);
            return Err(error);
        }
        self.0.controller.create_dataflow(planned.cluster, DataflowKind::MaterializedView, planned.at(as_of));
        Ok(())
    }
}

impl Change {
    /// The unique indexes of a new table.
    fn add_constraints(
        &mut self,
        cx: &SessionContext,
        table: GlobalId,
        constraints: &[UniqueConstraint],
    ) -> Result<Vec<GlobalId>, SqlError> {
        let mut indexes = Vec::with_capacity(constraints.len());
        for constraint in constraints {
            let catalog = Arc::new(self.catalog.clone());
            let table = catalog.item(table).ok_or_else(|| SqlError::internal("a constraint of no table"))?;
            let plan = sql::statement::constraint_index(&catalog.for_session(cx), table, constraint)?;
            let id = self.transaction.next_item();
            self.add(cx, new_entry(id, plan, None));
            indexes.push(id);
        }
        Ok(indexes)
    }

    /// The schema of the session's first temporary object.
    fn add_temporary_schema(&mut self, cx: &SessionContext, plan: &CreateItemPlan) {
        let name = &plan.name;
        if let (true, Some(database)) = (name.is_temporary(), &name.database)
            && name.schema == crate::catalog::view::temporary_schema(cx.connection_id)
            && self.catalog.schema(Some(database), &name.schema).is_none()
        {
            self.add_schema(database, &name.schema, &cx.user);
        }
    }

    /// Makes room for a view or a function of the same name.
    fn replace(&mut self, replaced: GlobalId) -> Result<(), SqlError> {
        let Some(entry) = self.catalog.entry(replaced).cloned() else { return Ok(()) };
        if !matches!(entry.item.details, ItemDetails::View { .. } | ItemDetails::Function(_)) {
            let what = format!("\"{}\" is not a view", entry.item.name.item);
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, what));
        }
        self.check_unused(&entry)?;
        self.remove(&entry);
        Ok(())
    }

    /// Refuses to drop what others depend on.
    fn check_unused(&self, entry: &crate::catalog::Entry) -> Result<(), SqlError> {
        let users: Vec<_> = self.catalog.used_by(entry.item.id).filter_map(|id| self.catalog.item(id)).collect();
        if users.is_empty() { Ok(()) } else { Err(super::drop::still_used(&[&entry.item], &users, &self.catalog)) }
    }

    /// Checks that what the plan refers to is still there, and fit for it.
    fn check(&self, plan: &CreateItemPlan) -> Result<(), SqlError> {
        for id in &plan.depends_on {
            if self.catalog.item(*id).is_none() {
                let what = "an object that the statement refers to was dropped";
                return Err(SqlError::new(SqlState::UNDEFINED_TABLE, what));
            }
        }
        let schema = self.catalog.schema(plan.name.database.as_deref(), &plan.name.schema);
        if schema.is_none() {
            let what = format!("schema \"{}\" does not exist", plan.name.schema);
            return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, what));
        }
        let cluster = match &plan.item {
            NewItem::MaterializedView { cluster, .. }
            | NewItem::Index { cluster, .. }
            | NewItem::Source { cluster, .. } => cluster,
            _ => return Ok(()),
        };
        match self.catalog.cluster(*cluster) {
            Some(_) => Ok(()),
            None => Err(SqlError::new(SqlState::UNDEFINED_OBJECT, "the cluster was dropped")),
        }
    }
}

/// An entry from its plan.
fn new_entry(id: GlobalId, plan: CreateItemPlan, shard: Option<repr::ShardId>) -> NewEntry {
    NewEntry {
        id,
        details: replay::details(plan.item),
        name: plan.name,
        create_sql: plan.create_sql,
        depends_on: plan.depends_on,
        shard,
    }
}

fn tag(item: &NewItem) -> &'static str {
    match item {
        NewItem::Table { .. } | NewItem::SourceTable { .. } => "CREATE TABLE",
        NewItem::View { .. } => "CREATE VIEW",
        NewItem::MaterializedView { .. } => "CREATE MATERIALIZED VIEW",
        NewItem::Index { unique: Some(Uniqueness::Constraint | Uniqueness::PrimaryKey), .. } => "ALTER TABLE",
        NewItem::Index { .. } => "CREATE INDEX",
        NewItem::Secret { .. } => "CREATE SECRET",
        NewItem::Connection { .. } => "CREATE CONNECTION",
        NewItem::Source { .. } => "CREATE SOURCE",
        NewItem::Type(_) => "CREATE TYPE",
        NewItem::Function(_) => "CREATE FUNCTION",
    }
}
