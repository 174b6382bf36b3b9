//! SELECT: from a plan to rows.
//!
//! ```text
//!  what it reads ─▶ time, holds ─▶ session functions become literals ─▶ transform
//!      │ nothing but constants and system relations          ├─ constant ──────▶ rows
//!      └──────────────▶ interpreted on a blocking thread     ├─ one index ─────▶ peek
//!                                                            └─ else ─────────▶ temporary dataflow with one index ─▶ peek
//! ```

use super::Environment;
use super::block::{Block, Overlay};
use super::dataflows::Resolver;
use super::literals::Moment;
use super::result::RowStream;
use super::scan::Scan;
use super::timestamp::{Asked, ReadAt, ReadTransaction};
use crate::catalog::Catalog;
use crate::catalog::system::{self, SystemState};
use crate::controller::DataflowKind;
use crate::controller::peeks::PeekTarget;
use crate::session::SessionContext;
use expr::interpret::{Budget, interpret};
use expr::{DataflowDescription, Mfp, RelExpr, RowSetFinishing};
use repr::{ClusterId, Frontier, GlobalId, RelationDesc, Row, SqlError, SqlState};
use sql::catalog::{ItemDetails, SessionCatalog};
use sql::plan::When;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use transform::dataflow::{FastPath, Select};

/// Work that a query over constants and system relations may do: some ten seconds of a core, and a few GiB.
const INTERPRETER_BUDGET: u64 = 200_000_000;

/// A read that is to happen: where and when.
pub(super) struct Read {
    pub cluster: ClusterId,
    pub at: ReadAt,
}

/// What a read is planned with.
struct Planning<'a> {
    catalog: &'a Arc<Catalog>,
    moment: &'a Moment<'a>,
    system: Option<SystemState>,
}

impl Environment {
    /// Reads: chooses a time (or takes the transaction's), computes, and applies the finishing.
    pub async fn select(
        &self,
        cx: &SessionContext,
        source: &RelExpr,
        when: &When,
        finishing: &RowSetFinishing,
        block: Option<Block<'_>>,
    ) -> Result<RowStream, SqlError> {
        let catalog = self.catalog();
        let view = catalog.for_session(cx);
        let reads = source.depends_on();
        let shards = inputs(&catalog, reads.clone());
        let moment = self.moment(cx, &view, None);
        let asked = Asked::of(when, &moment)?;
        if shards.is_empty() {
            let timestamp = match asked {
                Asked::Present => block.and_then(|block| block.read.as_ref().map(ReadTransaction::timestamp)),
                Asked::At(time) | Asked::AtLeast(time) => Some(time),
            };
            let moment = self.moment(cx, &view, Some(timestamp.unwrap_or_else(|| self.0.oracle.last())));
            return self.select_here(cx, &catalog, &moment, source, finishing);
        }
        let mut source = source.clone();
        let txn = match block {
            None => None,
            Some(Block { read, tables_read, writes }) => {
                Overlay::of(writes, &shards).apply(&mut source, &catalog, &moment)?;
                tables_read.extend(self.tables_among(&shards));
                Some(read)
            }
        };
        let at = self.choose_time(cx.isolation, asked, &shards, txn).await?;
        self.0.oracle.wait_for(at.timestamp).await;
        let moment = self.moment(cx, &view, Some(at.timestamp));
        let cluster = view.active_cluster()?;
        let system = reads_system_relations(&catalog, reads).then(|| self.system_state(&catalog, cx));
        let mut read = Read { cluster, at };
        if let Some(scan) = Scan::of(&source, &catalog, |id| self.has_index(&catalog, cluster, id)) {
            self.check_cluster(&catalog, cluster)?;
            match self.scan(scan, read, finishing).await? {
                Ok(rows) => return Ok(rows),
                Err(unread) => read = unread,
            }
        }
        let planning = Planning { catalog: &catalog, moment: &moment, system };
        self.select_there(&planning, &read, &source, finishing)
    }

    /// Whether a cluster has an index on a relation that can be read.
    fn has_index(&self, catalog: &Arc<Catalog>, cluster: ClusterId, id: GlobalId) -> bool {
        let indexes = self.0.controller.readable_indexes();
        let resolver = Resolver { catalog, cluster, indexes, moment: None, system: None };
        !transform::dataflow::DataflowCatalog::indexes_on(&resolver, id).is_empty()
    }

    /// Answers from what environmentd knows itself.
    fn select_here(
        &self,
        cx: &SessionContext,
        catalog: &Arc<Catalog>,
        moment: &Moment<'_>,
        source: &RelExpr,
        finishing: &RowSetFinishing,
    ) -> Result<RowStream, SqlError> {
        let mut expr = source.clone();
        moment.replace_in_plan(&mut expr);
        // System relations are left as they are: the interpreter asks for those it needs.
        let cluster = ClusterId(0);
        let resolver = Resolver { catalog, cluster, indexes: BTreeSet::new(), moment: Some(moment), system: None };
        let optimized = transform::dataflow::optimize_query(expr, &resolver)?;
        if let RelExpr::Constant { rows, .. } = optimized {
            return Ok(RowStream::ready(finishing.finish(rows?)?));
        }
        let state = self.system_state(catalog, cx);
        let finishing = finishing.clone();
        Ok(RowStream::computed(move |cancel| run(&optimized, &state, &finishing, cancel)))
    }

    /// Answers through a replica.
    fn select_there(
        &self,
        planning: &Planning<'_>,
        read: &Read,
        source: &RelExpr,
        finishing: &RowSetFinishing,
    ) -> Result<RowStream, SqlError> {
        let mut expr = source.clone();
        planning.moment.replace_in_plan(&mut expr);
        let typ = expr.typ();
        let names = vec![String::from("?column?"); typ.arity()];
        let desc = RelationDesc::new(names, typ);
        let readable = self.0.controller.readable_indexes();
        // A second time without indexes, should one have been compacted or dropped meanwhile.
        for indexes in [readable, BTreeSet::new()] {
            let resolver = Resolver {
                catalog: planning.catalog,
                cluster: read.cluster,
                indexes,
                moment: Some(planning.moment),
                system: planning.system.as_ref(),
            };
            let (id, index) = (self.0.controller.transient_id(), self.0.controller.transient_id());
            let planned = transform::dataflow::select(expr.clone(), &desc, id, index, &resolver)?;
            if let Some(rows) = self.start_read(planning.catalog, read, planned, finishing)? {
                return Ok(rows);
            }
        }
        Err(SqlError::internal("a query cannot be answered with or without indexes"))
    }

    /// Starts what was planned; none if an index that it uses cannot be read at the time.
    fn start_read(
        &self,
        catalog: &Catalog,
        read: &Read,
        planned: Select,
        finishing: &RowSetFinishing,
    ) -> Result<Option<RowStream>, SqlError> {
        match planned {
            Select::Fast(FastPath::Constant(rows), _) => Ok(Some(RowStream::ready(finishing.finish(rows?)?))),
            Select::Fast(FastPath::PeekIndex { index, keys, mfp, .. }, _) => {
                self.check_cluster(catalog, read.cluster)?;
                self.peek(read, index, keys, mfp, finishing)
            }
            Select::Dataflow(description, _) => {
                self.check_cluster(catalog, read.cluster)?;
                self.run_and_peek(read, *description, finishing)
            }
        }
    }

    /// Reads an index; none if it cannot be read at the time.
    pub(super) fn peek(
        &self,
        read: &Read,
        index: GlobalId,
        keys: Option<Vec<Row>>,
        mfp: Mfp,
        finishing: &RowSetFinishing,
    ) -> Result<Option<RowStream>, SqlError> {
        let timestamp = read.at.timestamp;
        let Ok(mut holds) = self.0.controller.hold(&BTreeSet::from([index])) else { return Ok(None) };
        if holds.since() > timestamp {
            return Ok(None);
        }
        holds.downgrade(timestamp);
        let stream = self.0.controller.peek(self.target(read, index, keys, mfp, finishing));
        Ok(Some(RowStream::peek(stream, finishing.clone(), self.0.max_result_bytes, None, holds)))
    }

    fn run_and_peek(
        &self,
        read: &Read,
        mut description: DataflowDescription,
        finishing: &RowSetFinishing,
    ) -> Result<Option<RowStream>, SqlError> {
        let timestamp = read.at.timestamp;
        let inputs = description.source_imports.keys().chain(description.index_imports.keys()).copied().collect();
        let Ok(mut holds) = self.0.controller.hold(&inputs) else { return Ok(None) };
        // The shards are held since the time was chosen: only an index can be too new.
        let unreadable =
            |id: &GlobalId| read.at.holds.time(*id).is_none() && holds.time(*id).is_none_or(|since| since > timestamp);
        if inputs.iter().any(unreadable) {
            return Ok(None);
        }
        holds.downgrade(timestamp);
        description.as_of = timestamp;
        description.until = timestamp.checked_add(1).map_or(Frontier::DONE, Frontier::at);
        let Some((index, arity)) = description.index_exports.iter().map(|(id, i)| (*id, i.desc.arity())).next() else {
            return Err(SqlError::internal("a SELECT's dataflow exports no index"));
        };
        let dataflow = self.0.controller.run_dataflow(read.cluster, DataflowKind::Peek, description);
        let stream = self.0.controller.peek(self.target(read, index, None, Mfp::identity(arity), finishing));
        Ok(Some(RowStream::peek(stream, finishing.clone(), self.0.max_result_bytes, Some(dataflow), holds)))
    }

    fn target(
        &self,
        read: &Read,
        index: GlobalId,
        keys: Option<Vec<Row>>,
        mfp: Mfp,
        finishing: &RowSetFinishing,
    ) -> PeekTarget {
        PeekTarget {
            cluster: read.cluster,
            index,
            keys,
            timestamp: read.at.timestamp,
            mfp,
            finishing: finishing.clone(),
            max_result_bytes: self.0.max_result_bytes,
        }
    }

    /// Refuses to wait for a cluster that has no replicas at all.
    pub(super) fn check_cluster(&self, catalog: &Catalog, cluster: ClusterId) -> Result<(), SqlError> {
        if self.0.controller.has_replicas(cluster) {
            return Ok(());
        }
        let name = catalog.cluster(cluster).map_or("", |cluster| &cluster.name);
        let what = format!("CLUSTER \"{name}\" has no replicas available to service request");
        Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, what)
            .hint("Use SHOW CLUSTER REPLICAS to see them, and SET cluster = … to choose another cluster."))
    }
}

/// Interprets a query over system relations.
fn run(
    expr: &RelExpr,
    state: &SystemState,
    finishing: &RowSetFinishing,
    cancel: Arc<AtomicBool>,
) -> Result<Vec<Row>, SqlError> {
    let made = std::cell::RefCell::new(BTreeMap::new());
    let get = |id: GlobalId| {
        if let Some(rows) = made.borrow().get(&id) {
            return Ok(Arc::clone(rows));
        }
        let rows = system::rows_of(id, state).ok_or_else(|| SqlError::internal(format!("no rows for {id}")))?;
        let rows: Arc<Vec<_>> = Arc::new(rows.into_iter().map(|row| (row, 1)).collect());
        made.borrow_mut().insert(id, Arc::clone(&rows));
        Ok(rows)
    };
    let rows = interpret(expr, &get, &Budget::new(INTERPRETER_BUDGET).with_cancel(cancel))?;
    finishing.finish(rows)
}

/// The shards that relations are made of, through views.
pub(super) fn inputs(catalog: &Catalog, reads: BTreeSet<GlobalId>) -> BTreeSet<GlobalId> {
    let is_shard = |id: &GlobalId| catalog.entry(*id).is_some_and(|entry| entry.shard.is_some());
    through_views(catalog, reads).into_iter().filter(is_shard).collect()
}

fn reads_system_relations(catalog: &Catalog, reads: BTreeSet<GlobalId>) -> bool {
    through_views(catalog, reads).iter().any(|id| id.is_system())
}

/// The relations and what their views, if they are such, read in turn.
pub(super) fn through_views(catalog: &Catalog, reads: BTreeSet<GlobalId>) -> BTreeSet<GlobalId> {
    let mut queue: Vec<_> = reads.iter().copied().collect();
    let mut all = reads;
    while let Some(id) = queue.pop() {
        if let Some(ItemDetails::View { expr, .. }) = catalog.item(id).map(|item| &item.details) {
            queue.extend(expr.depends_on().into_iter().filter(|id| all.insert(*id)));
        }
    }
    all
}
