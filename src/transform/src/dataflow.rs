//! From a query to what runs: a constant, a read of an index, or a dataflow.
//!
//! Views are inlined, unless the cluster has an index on them, which is read instead. What an object is imported from is decided
//! here: an index if there is one, else its shard, with as much of the plan's filtering and projecting as can be done while reading.

mod fast_path;
mod lookup;

pub use fast_path::FastPath;
pub use lookup::Lookup;

use crate::lower::{lower, with_mfp};
use crate::{OptimizeContext, TransformError, optimize};
use expr::plan::Key;
use expr::plan_key::comparable_key;
use expr::relation::Id;
use expr::visit::grow;
use expr::{
    BuildDesc, DataflowDescription, IndexDesc, LocalIds, Mfp, Plan, RelExpr, ScalarExpr, SinkConnection, SinkDesc,
    SourceImport,
};
use repr::{Frontier, GlobalId, RelationDesc};
use std::collections::{BTreeMap, BTreeSet};

/// How deep views may be nested.
const VIEW_DEPTH_MAX: usize = 256;

/// What planning a dataflow asks of the catalog; answers are those of one snapshot and one cluster.
pub trait DataflowCatalog {
    /// The query of a view that is kept nowhere (not of a materialized view).
    fn view(&self, id: GlobalId) -> Option<RelExpr>;

    /// The indexes on a relation in the cluster: each index's id, with its key as planned.
    fn indexes_on(&self, id: GlobalId) -> Vec<(GlobalId, IndexDesc)>;

    /// The shard of a table, source or materialized view.
    fn source(&self, id: GlobalId) -> Option<SourceImport>;

    /// About how many rows a relation has, if that is known.
    fn cardinality(&self, _id: GlobalId) -> Option<u64> {
        None
    }
}

/// A query, optimized and lowered, with what it imports.
#[derive(Clone, Debug)]
pub struct Query {
    /// The plan after optimizing: what `EXPLAIN OPTIMIZED PLAN` shows.
    pub optimized: RelExpr,
    /// The physical plan.
    pub plan: Plan,
    /// Shards that the plan reads.
    pub source_imports: BTreeMap<GlobalId, SourceImport>,
    /// Indexes that the plan reads.
    pub index_imports: BTreeMap<GlobalId, IndexDesc>,
}

/// What a SELECT needs.
#[derive(Clone, Debug)]
pub enum Select {
    /// No dataflow.
    Fast(FastPath, RelExpr),
    /// A dataflow that exports one index, to be peeked in full once.
    Dataflow(Box<DataflowDescription>, RelExpr),
}

/// Replaces views by their queries, again and again, except where an index on the view can be read.
pub fn inline_views(expr: &mut RelExpr, catalog: &dyn DataflowCatalog) -> Result<(), TransformError> {
    let mut ids = LocalIds::above(expr);
    inline(expr, catalog, &mut ids, &mut BTreeMap::new(), 0)
}

fn inline(
    expr: &mut RelExpr,
    catalog: &dyn DataflowCatalog,
    ids: &mut LocalIds,
    views: &mut BTreeMap<GlobalId, Option<RelExpr>>,
    depth: usize,
) -> Result<(), TransformError> {
    grow(|| {
        if let RelExpr::Get { id: Id::Global(id), .. } = expr {
            let read = |id: GlobalId| catalog.view(id).filter(|_| catalog.indexes_on(id).is_empty());
            let Some(mut query) = views.entry(*id).or_insert_with(|| read(*id)).clone() else { return Ok(()) };
            if depth > VIEW_DEPTH_MAX {
                return Err(TransformError::Internal(format!("view {id} is nested too deeply")));
            }
            ids.rename(&mut query);
            inline(&mut query, catalog, ids, views, depth + 1)?;
            *expr = query;
            return Ok(());
        }
        expr.children_mut().into_iter().try_for_each(|child| inline(child, catalog, ids, views, depth))
    })
}

/// Optimizes a query over the catalog's objects, without lowering it.
pub fn optimize_query(mut expr: RelExpr, catalog: &dyn DataflowCatalog) -> Result<RelExpr, TransformError> {
    inline_views(&mut expr, catalog)?;
    let mut options = OptimizeContext::default();
    for id in expr.depends_on() {
        let keys: Vec<Key> = catalog.indexes_on(id).into_iter().map(|(_, index)| index.key).collect();
        if !keys.is_empty() {
            options.indexes.insert(id, keys);
        }
        options.cardinalities.extend(catalog.cardinality(id).map(|rows| (id, rows)));
        if catalog.source(id).is_some_and(|source| source.monotonic) {
            options.monotonic.insert(id);
        }
    }
    optimize(expr, &options)
}

/// Optimizes and lowers a query, and finds its imports.
pub fn plan_query(expr: RelExpr, catalog: &dyn DataflowCatalog) -> Result<Query, TransformError> {
    finish_query(optimize_query(expr, catalog)?, catalog)
}

fn finish_query(optimized: RelExpr, catalog: &dyn DataflowCatalog) -> Result<Query, TransformError> {
    let mut indexes: BTreeMap<GlobalId, Vec<(GlobalId, IndexDesc)>> = BTreeMap::new();
    for id in optimized.depends_on() {
        let canonical = |(index_id, mut index): (GlobalId, IndexDesc)| {
            index.key = comparable_key(&index.key, &index.desc.typ.columns);
            (index_id, index)
        };
        let on = catalog.indexes_on(id).into_iter().map(canonical).collect::<Vec<_>>();
        if !on.is_empty() {
            indexes.insert(id, on);
        }
    }
    let keys = indexes.iter().map(|(id, on)| (*id, on.iter().map(|(_, index)| index.key.clone()).collect())).collect();
    let plan = lower(&optimized, &keys)?;
    let mut query = Query { optimized, plan, source_imports: BTreeMap::new(), index_imports: BTreeMap::new() };
    query.import(&indexes, catalog)?;
    query.push_into_sources();
    Ok(query)
}

impl Query {
    /// Finds an import for everything that the plan reads.
    fn import(
        &mut self,
        indexes: &BTreeMap<GlobalId, Vec<(GlobalId, IndexDesc)>>,
        catalog: &dyn DataflowCatalog,
    ) -> Result<(), TransformError> {
        for (id, keys) in reads(&self.plan) {
            let on = indexes.get(&id).map_or(&[][..], Vec::as_slice);
            for key in &keys {
                // Of several indexes with one key, any serves.
                if let Some((index_id, index)) = on.iter().find(|(_, index)| index.key == *key) {
                    self.index_imports.insert(*index_id, index.clone());
                }
            }
            if on.is_empty() {
                let source = catalog.source(id).ok_or(TransformError::Unknown(id))?;
                self.source_imports.insert(id, source);
            }
        }
        Ok(())
    }

    /// Where a shard is read in one place only, rows are filtered and projected as they are read.
    fn push_into_sources(&mut self) {
        let mut places: BTreeMap<GlobalId, usize> = BTreeMap::new();
        self.plan.visit_pre(&mut |node| {
            if let Plan::Get { id: Id::Global(id), key: None, .. } = node {
                *places.entry(*id).or_default() += 1;
            }
        });
        let sources = &mut self.source_imports;
        visit_gets(&mut self.plan, &mut |id, mfp| {
            if let Some(source) = sources.get_mut(&id)
                && places.get(&id) == Some(&1)
                && !mfp.is_identity()
            {
                let rest = Mfp::identity(mfp.projection.len());
                source.mfp = Some(std::mem::replace(mfp, rest));
            }
        });
    }

    /// A dataflow that computes this query as `id`; exports are to be added.
    fn into_description(self, name: String, id: GlobalId) -> DataflowDescription {
        DataflowDescription {
            name,
            source_imports: self.source_imports,
            index_imports: self.index_imports,
            objects_to_build: vec![BuildDesc { id, plan: self.plan }],
            index_exports: BTreeMap::new(),
            sink_exports: BTreeMap::new(),
            as_of: 0,
            until: Frontier::DONE,
        }
    }
}

/// What a plan reads: each object, with the keys of the arrangements of it that it uses.
fn reads(plan: &Plan) -> BTreeMap<GlobalId, BTreeSet<Key>> {
    let mut reads: BTreeMap<GlobalId, BTreeSet<Key>> = BTreeMap::new();
    plan.visit_pre(&mut |node| match node {
        Plan::Get { id: Id::Global(id), key, .. } => {
            reads.entry(*id).or_default().extend(key.iter().map(|(key, _)| key.clone()));
        }
        Plan::ArrangeBy { input, keys } => {
            if let Plan::Get { id: Id::Global(id), mfp, .. } = &**input
                && mfp.is_identity()
            {
                reads.entry(*id).or_default().extend(keys.iter().cloned());
            }
        }
        _ => {}
    });
    reads
}

fn visit_gets(plan: &mut Plan, f: &mut dyn FnMut(GlobalId, &mut Mfp)) {
    grow(|| {
        if let Plan::Get { id: Id::Global(id), key: None, mfp } = plan {
            f(*id, mfp);
        }
        plan.children_mut().into_iter().for_each(|child| visit_gets(child, f));
    });
}

/// Plans a SELECT: `id` names its result and `index_id` the index to peek, both transient, if it takes a dataflow.
pub fn select(
    expr: RelExpr,
    desc: &RelationDesc,
    id: GlobalId,
    index_id: GlobalId,
    catalog: &dyn DataflowCatalog,
) -> Result<Select, TransformError> {
    let optimized = optimize_query(expr, catalog)?;
    if let Some(fast) = fast_path::detect(&optimized, catalog) {
        return Ok(Select::Fast(fast, optimized));
    }
    let query = finish_query(optimized, catalog)?;
    let optimized = query.optimized.clone();
    let mut desc = desc.clone();
    desc.typ = fitted(&optimized, desc.typ);
    let mut description = query.into_description(format!("select {id}"), id);
    let columns = &desc.typ.columns;
    let key: Vec<_> = (0..columns.len()).map(ScalarExpr::Column).collect();
    let index = IndexDesc { on: id, key: comparable_key(&key, columns), desc };
    description.index_exports.insert(index_id, index);
    Ok(Select::Dataflow(Box::new(description), optimized))
}

/// The type that a description gives, if it has as many columns as the plan; else the plan's own.
fn fitted(expr: &RelExpr, typ: repr::RelationType) -> repr::RelationType {
    if typ.arity() == expr.arity() { typ } else { expr.typ() }
}

/// A dataflow that keeps an index; a view that has no other index in the cluster is computed for it.
pub fn index(
    name: String,
    index_id: GlobalId,
    index: IndexDesc,
    catalog: &dyn DataflowCatalog,
) -> Result<(DataflowDescription, RelExpr), TransformError> {
    let on = index.on;
    let get = RelExpr::get_global(on, index.desc.typ.clone());
    let query = plan_query(get, catalog)?;
    let optimized = query.optimized.clone();
    let key = comparable_key(&index.key, &index.desc.typ.columns);
    let imported = query.source_imports.contains_key(&on) || query.index_imports.values().any(|i| i.on == on);
    let mut description = query.into_description(name, on);
    if imported {
        // The collection itself is what the index arranges: there is nothing to build.
        description.objects_to_build.clear();
        description.source_imports.values_mut().for_each(|source| source.mfp = None);
    }
    description.index_exports.insert(index_id, IndexDesc { key, ..index });
    Ok((description, optimized))
}

/// A dataflow that writes a query's result, as `id`, to where `connection` says.
pub fn sink(
    name: String,
    id: GlobalId,
    expr: RelExpr,
    desc: RelationDesc,
    connection: SinkConnection,
    with_snapshot: bool,
    catalog: &dyn DataflowCatalog,
) -> Result<(DataflowDescription, RelExpr), TransformError> {
    let query = plan_query(expr, catalog)?;
    let optimized = query.optimized.clone();
    let mut description = query.into_description(name, id);
    description.sink_exports.insert(id, SinkDesc { from: id, desc, connection, with_snapshot });
    Ok((description, optimized))
}

/// The plan of a query as `EXPLAIN PHYSICAL PLAN` shows it: with what is pushed into sources still in the plan.
pub fn explained_plan(expr: RelExpr, catalog: &dyn DataflowCatalog) -> Result<Plan, TransformError> {
    let mut query = plan_query(expr, catalog)?;
    let sources = query.source_imports;
    visit_gets(&mut query.plan, &mut |id, mfp| {
        if let Some(pushed) = sources.get(&id).and_then(|s| s.mfp.as_ref()) {
            *mfp = crate::mfps::compose(pushed.clone(), mfp);
        }
    });
    Ok(with_mfp(query.plan, Mfp::identity(query.optimized.arity())))
}
