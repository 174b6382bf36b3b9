//! Between timely's workers and the world outside: shards that dataflows read, outputs that they write.
//!
//! `computed` calls [`connect`] once per dataflow: it starts a task for each shard that is read and each output, and returns one
//! [`WorkerIo`] per worker, which [`crate::render`] asks for its ends.
//!
//! ```text
//!   persist ──task──▶ Mailbox per worker ──operator──▶ dataflow ──operator──▶ queue ──task──▶ persist, environmentd
//! ```
//!
//! Mailboxes are bounded: a worker that is behind holds up the task that reads for it, not memory.

mod corrections;
mod mailbox;
mod sink;
mod source;
mod subscribe;
mod view;
mod workers;

pub use workers::{Worker, Workers, run_workers};

use crate::layout::{Errors, Rows};
use crate::render::DataflowIo;
use expr::{DataflowDescription, SinkConnection, SinkDesc, SourceImport};
use mailbox::Mailbox;
use persist::{PersistClient, Update};
use proto_types::SubscribeBatch;
use repr::{Frontier, GlobalId, SqlError, Timestamp};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use timely::dataflow::Scope;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What the tasks of dataflows tell.
#[derive(Debug)]
pub enum IoEvent {
    /// An output is complete up to here.
    Frontier(GlobalId, Frontier),
    /// More of a subscribe.
    Subscribe(GlobalId, SubscribeBatch),
    /// A dataflow cannot go on: what it needed is gone.
    Failed(GlobalId, SqlError),
}

/// Types that mirror the protocol's, so that this crate does not depend on it.
pub mod proto_types {
    use repr::{Diff, Frontier, Row, SqlError, Timestamp};

    /// All updates with `lower <= time < upper`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SubscribeBatch {
        /// The previous batch's upper.
        pub lower: Frontier,
        /// Complete up to here.
        pub upper: Frontier,
        /// Consolidated, sorted by time.
        pub updates: Vec<(Timestamp, Row, Diff)>,
        /// An error at a time of this batch.
        pub error: Option<SqlError>,
    }
}

/// From a shard's task to a worker.
pub(crate) enum ImportMessage {
    /// Updates, at the as-of or later.
    Updates(Vec<Update>),
    /// Nothing before this frontier follows.
    Frontier(Frontier),
}

/// From a worker to an output's task.
pub(crate) enum SinkMessage {
    /// Updates, neither sorted nor consolidated.
    Updates(Vec<Update>),
    /// The worker's input is complete up to here.
    Frontier(usize, Frontier),
    /// The dataflow was dropped; what a frontier says after this means nothing.
    Closed,
}

/// One worker's ends of a dataflow's inputs and outputs.
pub struct WorkerIo {
    imports: BTreeMap<GlobalId, Arc<Mailbox<ImportMessage>>>,
    sinks: BTreeMap<GlobalId, mpsc::UnboundedSender<SinkMessage>>,
    /// Ends the reading tasks once the last worker is done with the dataflow.
    tasks: Arc<Tasks>,
}

/// Tasks that end with their dataflow.
struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Starts the tasks of a dataflow and returns each worker's ends. To be called inside a tokio runtime.
pub fn connect(
    desc: &DataflowDescription,
    workers: usize,
    persist: &PersistClient,
    events: &mpsc::UnboundedSender<IoEvent>,
) -> Vec<WorkerIo> {
    let mut tasks = Vec::new();
    let mut ends: Vec<(BTreeMap<_, _>, BTreeMap<_, _>)> = (0..workers).map(|_| Default::default()).collect();
    let owner = desc.sink_exports.keys().chain(desc.index_exports.keys()).next().copied();
    for (id, import) in &desc.source_imports {
        let mailboxes: Vec<_> = (0..workers).map(|_| Arc::new(Mailbox::default())).collect();
        for (end, mailbox) in ends.iter_mut().zip(&mailboxes) {
            end.0.insert(*id, Arc::clone(mailbox));
        }
        let feed = source::Feed::new(persist.clone(), import, desc.as_of, desc.until, mailboxes);
        let events = events.clone();
        let task = tokio::spawn(async move {
            if let (Err(error), Some(owner)) = (feed.run().await, owner) {
                let _ = events.send(IoEvent::Failed(owner, error.into()));
            }
        });
        tasks.push(task.abort_handle());
    }
    for (id, sink) in &desc.sink_exports {
        let (sender, messages) = mpsc::unbounded_channel();
        spawn_sink(*id, sink, desc.as_of, workers, persist, messages, events.clone());
        ends.iter_mut().for_each(|end| drop(end.1.insert(*id, sender.clone())));
    }
    let tasks = Arc::new(Tasks(tasks));
    ends.into_iter().map(|(imports, sinks)| WorkerIo { imports, sinks, tasks: Arc::clone(&tasks) }).collect()
}

fn spawn_sink(
    id: GlobalId,
    sink: &SinkDesc,
    as_of: Timestamp,
    workers: usize,
    persist: &PersistClient,
    messages: mpsc::UnboundedReceiver<SinkMessage>,
    events: mpsc::UnboundedSender<IoEvent>,
) {
    let input = sink::Gathered::new(messages, workers);
    match &sink.connection {
        SinkConnection::Subscribe => {
            tokio::spawn(subscribe::run(id, input, as_of, sink.with_snapshot, events));
        }
        SinkConnection::MaterializedView { shard, plan_version } => {
            let view = view::View { id, shard: *shard, desc: sink.desc.clone(), version: *plan_version };
            tokio::spawn(view.run(persist.clone(), input, events));
        }
    }
}

impl DataflowIo for WorkerIo {
    fn import_shard<'s>(
        &mut self,
        scope: Scope<'s, Timestamp>,
        id: GlobalId,
        import: &SourceImport,
        as_of: Timestamp,
        until: Frontier,
    ) -> (Rows<'s, Timestamp>, Errors<'s, Timestamp>, Box<dyn Any>) {
        let mailbox = self.imports.remove(&id).expect("`connect` made a mailbox for every import of the description");
        let (rows, errors, token) = source::build(scope, id, import.mfp.clone(), as_of, until, mailbox);
        (rows, errors, Box::new((token, Arc::clone(&self.tasks))))
    }

    fn export_sink<'s>(
        &mut self,
        _scope: Scope<'s, Timestamp>,
        id: GlobalId,
        _sink: &SinkDesc,
        rows: Rows<'s, Timestamp>,
        errors: Errors<'s, Timestamp>,
        _as_of: Timestamp,
        _until: Frontier,
    ) -> Box<dyn Any> {
        let queue = self.sinks.remove(&id).expect("`connect` made a queue for every sink of the description");
        sink::build(id, rows, errors, queue)
    }
}
