//! From a [`DataflowDescription`] to a running dataflow.
//!
//! Imports are brought in, plans rendered in order, indexes and sinks exported. A collection is a [`bundle::Bundle`]: rows,
//! errors, and arrangements of the rows.

mod bundle;
mod eval;
mod join;
mod plan;
mod recursion;
mod reduce;
pub(crate) mod sort_key;
mod temporal;
mod time;
mod top_k;
mod window;

pub(crate) use eval::Buffers;

use crate::layout::{Errors, Rows};
use crate::ops::{arrange, errors};
use crate::traces::{IndexTraces, TraceManager};
use bundle::{Arranged, Bundle};
use differential_dataflow::AsCollection;
use differential_dataflow::trace::TraceReader;
use expr::relation::Id;
use expr::{DataflowDescription, IndexDesc, SinkDesc, SourceImport};
use plan::Context;
use repr::{Frontier, GlobalId, Row, SqlError, Timestamp};
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use timely::dataflow::Scope;
use timely::progress::Antichain;
use timely::worker::Worker;

/// What a dataflow reads and writes outside timely.
pub trait DataflowIo {
    /// The contents of a shard through `import.mfp`, with times advanced to `as_of`, without times at or after `until`; the
    /// frontier becomes empty once it reaches `until`. Errors of the mfp are among the errors.
    ///
    /// The token keeps it going; once it is dropped, no more data comes and the frontier becomes empty.
    fn import_shard<'s>(
        &mut self,
        scope: Scope<'s, Timestamp>,
        id: GlobalId,
        import: &SourceImport,
        as_of: Timestamp,
        until: Frontier,
    ) -> (Rows<'s, Timestamp>, Errors<'s, Timestamp>, Box<dyn Any>);

    /// Takes a collection out. Neither rows nor errors are exchanged or consolidated, and no time is before `as_of`.
    ///
    /// The token is dropped before those of the imports: what the frontiers do after that means nothing.
    fn export_sink<'s>(
        &mut self,
        scope: Scope<'s, Timestamp>,
        id: GlobalId,
        sink: &SinkDesc,
        rows: Rows<'s, Timestamp>,
        errors: Errors<'s, Timestamp>,
        as_of: Timestamp,
        until: Frontier,
    ) -> Box<dyn Any>;
}

/// What keeps a dataflow going. Dropping it ends sinks first, imports after: the dataflow then drains and removes itself.
#[derive(Default)]
pub struct Tokens {
    sinks: RefCell<Vec<Box<dyn Any>>>,
    imports: RefCell<Vec<Box<dyn Any>>>,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        // ORDER: a sink must not take the empty frontier of a closing import for the end of its input.
        self.sinks.borrow_mut().clear();
        self.imports.borrow_mut().clear();
    }
}

/// A dataflow on one worker. Dropping it lets it end in order; dataflows that import its indexes keep it alive until they end.
pub struct RunningDataflow {
    index: usize,
    tokens: Rc<Tokens>,
}

impl RunningDataflow {
    /// Ends the dataflow at once, unless one that imports its indexes still runs: then it ends after that.
    ///
    /// Its indexes should have been dropped from the [`TraceManager`] before.
    pub fn shut_down(self, worker: &mut Worker) {
        if let Ok(tokens) = Rc::try_unwrap(self.tokens) {
            drop(tokens);
            worker.drop_dataflow(self.index);
        }
    }
}

/// Builds the dataflow on this worker; every worker builds the same ones in the same order. It errs before anything is built.
pub fn render(
    worker: &mut Worker,
    desc: &DataflowDescription,
    traces: &mut TraceManager,
    io: &mut dyn DataflowIo,
) -> Result<RunningDataflow, SqlError> {
    check_imports(desc, traces)?;
    let index = worker.next_dataflow_index();
    let tokens = Rc::new(Tokens::default());
    worker.dataflow_named::<Timestamp, _, _>(&desc.name, |scope| {
        let mut context = Context::new(scope, desc.as_of, desc.until);
        import_all(&mut context, desc, traces, io, &tokens);
        for build in &desc.objects_to_build {
            let bundle = context.plan(&build.plan);
            context.bind(Id::Global(build.id), bundle);
        }
        for (id, index) in &desc.index_exports {
            export_index(&mut context, *id, index, desc, traces, &tokens);
        }
        for (id, sink) in &desc.sink_exports {
            let Some(bundle) = context.bound(Id::Global(sink.from)) else { continue };
            let (rows, errors) = (bundle.rows(), bundle.errors.clone());
            let token = io.export_sink(scope, *id, sink, rows, errors, desc.as_of, desc.until);
            tokens.sinks.borrow_mut().push(token);
        }
    });
    Ok(RunningDataflow { index, tokens })
}

/// Whether all that is imported can be read at the as-of, and all that is used is there: the same on every worker.
fn check_imports(desc: &DataflowDescription, traces: &mut TraceManager) -> Result<(), SqlError> {
    for id in desc.index_imports.keys() {
        let since = traces.since(*id).ok_or_else(|| SqlError::internal(format_args!("there is no index {id}")))?;
        if !since.less_equal(desc.as_of) {
            let as_of = desc.as_of;
            return Err(SqlError::internal(format_args!("index {id} is compacted to {since}, beyond {as_of}")));
        }
    }
    let mut known: Vec<GlobalId> = desc.source_imports.keys().copied().collect();
    known.extend(desc.index_imports.values().map(|index| index.on));
    for build in &desc.objects_to_build {
        if let Some(id) = build.plan.depends_on().into_iter().find(|id| !known.contains(id)) {
            return Err(SqlError::internal(format_args!("{} reads {id}, which is not imported", build.id)));
        }
        plan::check(&build.plan)?;
        known.push(build.id);
    }
    let exported = desc.index_exports.values().map(|index| index.on).chain(desc.sink_exports.values().map(|s| s.from));
    match exported.into_iter().find(|id| !known.contains(id)) {
        Some(id) => Err(SqlError::internal(format_args!("{id} is exported, but not built"))),
        None => Ok(()),
    }
}

fn import_all<'s>(
    context: &mut Context<'s, Timestamp>,
    desc: &DataflowDescription,
    traces: &mut TraceManager,
    io: &mut dyn DataflowIo,
    tokens: &Tokens,
) {
    for (id, import) in &desc.source_imports {
        let (rows, errors, token) = io.import_shard(context.scope, *id, import, desc.as_of, desc.until);
        tokens.imports.borrow_mut().push(token);
        context.bind(Id::Global(*id), Bundle::new(rows, errors));
    }
    for (id, index) in &desc.index_imports {
        let traces = traces.get(*id).expect("check_imports saw it");
        let bundle = import_index(context, *id, index, traces, tokens);
        context.bind_or_merge(Id::Global(index.on), bundle);
    }
}

fn import_index<'s>(
    context: &Context<'s, Timestamp>,
    id: GlobalId,
    index: &IndexDesc,
    traces: &IndexTraces,
    tokens: &Tokens,
) -> Bundle<'s, Timestamp> {
    let (scope, as_of, until) = (context.scope, context.as_of, context.until);
    let (rows, rows_token) = arrange::import(scope, &traces.rows, &format!("Index {id}"), as_of, until);
    let (errors, errors_token) = arrange::import(scope, &traces.errors, &format!("Index {id} errors"), as_of, until);
    tokens.imports.borrow_mut().extend([rows_token, errors_token, Box::new(traces.keep.clone())]);
    Bundle {
        rows: None,
        errors: errors.as_collection(|key, _| errors::unpack(key)),
        arranged: vec![Arranged { key: index.key.clone(), seen: rows, agent: None }],
    }
}

fn export_index<'s>(
    context: &mut Context<'s, Timestamp>,
    id: GlobalId,
    index: &IndexDesc,
    desc: &DataflowDescription,
    traces: &mut TraceManager,
    tokens: &Rc<Tokens>,
) {
    let same = |other: &IndexDesc| other.on == index.on && other.key == index.key;
    if let Some((other, _)) = desc.index_imports.iter().find(|(_, other)| same(other)) {
        // The same arrangement under another name.
        let shared = traces.get(*other).expect("check_imports saw it").clone();
        return traces.insert(id, shared);
    }
    let Some(bundle) = context.bound_mut(Id::Global(index.on)) else { return };
    bundle.arrange(&index.key);
    let arranged = bundle.arrangement(&index.key).and_then(|arranged| arranged.agent.clone());
    let packed = bundle.errors.clone().inner;
    let packed = timely::dataflow::operators::vec::Map::map(packed, |(error, time, diff)| {
        ((errors::pack(&error), Row::empty()), time, diff)
    });
    let errors = arrange::arrange(packed.as_collection(), "Arrange errors").agent;
    let Some(rows) = arranged else { return };
    let mut index = IndexTraces { rows, errors, keep: tokens.clone() };
    let since = Antichain::from_elem(desc.as_of);
    index.rows.set_logical_compaction(since.borrow());
    index.errors.set_logical_compaction(since.borrow());
    traces.insert(id, index);
}
