//! From a [`DataflowDescription`] to a running dataflow.

use crate::layout::{Errors, Rows};
use crate::traces::TraceManager;
use expr::{DataflowDescription, SinkDesc, SourceImport};
use repr::{Frontier, GlobalId, SqlError, Timestamp};
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use timely::dataflow::Scope;
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
    for id in desc.index_imports.keys() {
        if !traces.contains(*id) {
            return Err(SqlError::internal(format_args!("there is no index {id} to import")));
        }
    }
    let index = worker.next_dataflow_index();
    let tokens = Rc::new(Tokens::default());
    worker.dataflow_named::<Timestamp, _, _>(&desc.name, |_scope| {
        let _ = (&tokens, &io);
    });
    Ok(RunningDataflow { index, tokens })
}
