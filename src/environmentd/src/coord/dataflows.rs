//! What `transform` asks of the catalog, and the dataflows of indexes and materialized views.

use super::Environment;
use super::ddl::PLAN_VERSION;
use super::literals::Moment;
use crate::catalog::Catalog;
use crate::catalog::system::{self, SystemState};
use expr::{DataflowDescription, IndexDesc, RelExpr, SinkConnection, SourceImport};
use repr::{ClusterId, GlobalId, SqlError, Timestamp};
use sql::catalog::ItemDetails;
use std::collections::BTreeSet;
use transform::dataflow::DataflowCatalog;

/// One snapshot of the catalog, for one cluster and one statement.
pub(super) struct Resolver<'a> {
    /// The snapshot.
    pub catalog: &'a Catalog,
    /// Where it will run.
    pub cluster: ClusterId,
    /// The indexes that can be used.
    pub indexes: BTreeSet<GlobalId>,
    /// What session functions in views mean; none in what is maintained, where there can be none.
    pub moment: Option<&'a Moment<'a>>,
    /// What system relations hold, where they become constants of a dataflow.
    pub system: Option<&'a SystemState>,
}

impl Resolver<'_> {
    fn constant(&self, id: GlobalId) -> Option<RelExpr> {
        let desc = self.catalog.item(id)?.details.desc()?;
        let rows = system::rows_of(id, self.system?)?;
        Some(RelExpr::constant(rows, desc.typ.clone()))
    }
}

impl DataflowCatalog for Resolver<'_> {
    fn view(&self, id: GlobalId) -> Option<RelExpr> {
        match &self.catalog.item(id)?.details {
            ItemDetails::View { expr, .. } => {
                let mut expr = expr.clone();
                if let Some(moment) = self.moment {
                    moment.replace_in_plan(&mut expr);
                }
                Some(expr)
            }
            ItemDetails::SystemRelation { .. } => self.constant(id),
            _ => None,
        }
    }

    fn indexes_on(&self, id: GlobalId) -> Vec<(GlobalId, IndexDesc)> {
        let Some(desc) = self.catalog.item(id).and_then(|item| item.details.desc()) else { return Vec::new() };
        let index = |user: GlobalId| match &self.catalog.item(user)?.details {
            ItemDetails::Index { on, keys, cluster, .. } if *on == id && *cluster == self.cluster => {
                let index = IndexDesc { on: id, key: keys.clone(), desc: desc.clone() };
                self.indexes.contains(&user).then_some((user, index))
            }
            _ => None,
        };
        self.catalog.used_by(id).filter_map(index).collect()
    }

    fn source(&self, id: GlobalId) -> Option<SourceImport> {
        let entry = self.catalog.entry(id)?;
        let desc = entry.item.details.desc()?.clone();
        Some(SourceImport { shard: entry.shard?, desc, mfp: None, monotonic: false })
    }
}

/// A dataflow that is kept for an item, but for its as-of.
pub(super) struct Maintained {
    /// Where it runs.
    pub cluster: ClusterId,
    /// What it reads: shards and indexes.
    pub inputs: BTreeSet<GlobalId>,
    desc: DataflowDescription,
}

impl Maintained {
    /// The dataflow from a time on.
    pub fn at(mut self, as_of: Timestamp) -> DataflowDescription {
        self.desc.as_of = as_of;
        self.desc
    }
}

impl Environment {
    /// The dataflow of an index or materialized view. It uses only indexes that are older than itself, so that every start plans the same.
    pub(super) fn plan_maintained(&self, catalog: &Catalog, id: GlobalId) -> Result<Maintained, SqlError> {
        let entry = catalog.entry(id).ok_or_else(|| SqlError::internal("an item that is not there"))?;
        refuse_system_relations(catalog, id)?;
        let (name, shard) = (entry.item.name.to_string(), entry.shard);
        let older = |other: &&std::sync::Arc<crate::catalog::Entry>| other.item.id < id;
        let indexes = catalog.user_entries().filter(older).map(|entry| entry.item.id).collect();
        let resolver = |cluster| Resolver { catalog, cluster, indexes, moment: None, system: None };
        let (cluster, (desc, _)) = match &entry.item.details {
            ItemDetails::Index { on, keys, cluster, .. } => {
                let desc = catalog.item(*on).and_then(|item| item.details.desc()).cloned().unwrap_or_default();
                let index = IndexDesc { on: *on, key: keys.clone(), desc };
                (*cluster, transform::dataflow::index(name, id, index, &resolver(*cluster))?)
            }
            ItemDetails::MaterializedView { expr, desc, cluster } => {
                let shard = shard.ok_or_else(|| SqlError::internal("a materialized view without its shard"))?;
                let to = SinkConnection::MaterializedView { shard, plan_version: PLAN_VERSION };
                let (expr, desc) = (expr.clone(), desc.clone());
                (*cluster, transform::dataflow::sink(name, id, expr, desc, to, true, &resolver(*cluster))?)
            }
            _ => return Err(SqlError::internal("only indexes and materialized views are maintained")),
        };
        let inputs = desc.source_imports.keys().chain(desc.index_imports.keys()).copied().collect();
        Ok(Maintained { cluster, inputs, desc })
    }
}

/// Refuses to maintain what depends on system relations: they are made when they are asked for.
fn refuse_system_relations(catalog: &Catalog, id: GlobalId) -> Result<(), SqlError> {
    let mut queue = vec![id];
    let mut seen = BTreeSet::new();
    while let Some(id) = queue.pop() {
        let Some(item) = catalog.item(id) else { continue };
        if let ItemDetails::SystemRelation { .. } = item.details {
            let what = format!("an index or materialized view over the system relation {}", item.name);
            return Err(SqlError::unsupported(what).hint("Query it directly, or through a view."));
        }
        queue.extend(item.depends_on.iter().copied().filter(|id| seen.insert(*id)));
    }
    Ok(())
}
