//! The process: takes controller connections, reconciles, hands commands to the workers and their answers back.
//!
//! LAW: after `InitializationComplete` exactly the dataflows run that the commands before it name. One that ran before under an
//! equal description is kept, with its arrangements; this is why environmentd can restart without anything being rebuilt.

use crate::gather::Gather;
use crate::metrics::METRICS;
use crate::worker::{self, WorkerCommand, WorkerEvent};
use dataflow::io::{IoEvent, Workers, run_workers};
use expr::DataflowDescription;
use persist::PersistClient;
use proto::compute::{ComputeCommand, ComputeResponse, Peek, PeekId};
use proto::controller::{Session, Sessions};
use repr::{Frontier, GlobalId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Why the process has no more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No controller connected for too long.
    Idle,
    /// Something broke.
    Failed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ended::Idle => "no controller",
            Ended::Failed => "a task failed",
        })
    }
}

type ComputeSession = Session<ComputeCommand, ComputeResponse>;
type ComputeSessions = Sessions<ComputeCommand, ComputeResponse>;

/// A dataflow that runs, with how far its exports were allowed to compact.
struct Installed {
    desc: Arc<DataflowDescription>,
    since: Frontier,
}

/// The state of the process.
pub struct Process {
    persist: PersistClient,
    queues: Vec<std_mpsc::Sender<WorkerCommand>>,
    workers: Workers,
    worker_events: mpsc::UnboundedReceiver<WorkerEvent>,
    io_events: mpsc::UnboundedReceiver<IoEvent>,
    io_sender: mpsc::UnboundedSender<IoEvent>,
    gather: Gather,
    /// By their first export.
    installed: BTreeMap<GlobalId, Installed>,
}

/// What happens next.
enum Event {
    Session(Option<ComputeSession>),
    Command(Option<ComputeCommand>),
    Worker(Option<WorkerEvent>),
    Io(Option<IoEvent>),
    Idle,
}

impl Process {
    /// Starts the workers.
    pub fn start(persist: PersistClient, count: usize) -> anyhow::Result<Self> {
        let (event_sender, worker_events) = mpsc::unbounded_channel();
        let (io_sender, io_events) = mpsc::unbounded_channel();
        let (queues, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| std_mpsc::channel()).unzip();
        let receivers = Mutex::new(receivers.into_iter().map(Some).collect::<Vec<_>>());
        let workers = run_workers(count, move |worker| {
            let receiver = receivers.lock().unwrap_or_else(PoisonError::into_inner)[worker.index()].take();
            if let Some(receiver) = receiver {
                worker::run(worker, &receiver, event_sender.clone());
            }
        });
        let workers = workers.map_err(anyhow::Error::msg)?;
        let gather = Gather::new(count);
        let installed = BTreeMap::new();
        Ok(Process { persist, queues, workers, worker_events, io_events, io_sender, gather, installed })
    }

    /// Serves controllers, one after the other; the newest wins.
    pub async fn run(mut self, mut sessions: ComputeSessions, idle_timeout: Duration) -> Ended {
        let mut session: Option<ComputeSession> = None;
        let mut idle_since = Instant::now();
        loop {
            match self.next(&mut sessions, &mut session, idle_since + idle_timeout).await {
                Event::Session(Some(new)) => session = self.welcome(new).await,
                Event::Command(Some(command)) => {
                    if let Some(response) = self.command(command) {
                        respond(&mut session, response).await;
                    }
                }
                Event::Command(None) => session = None,
                Event::Worker(Some(event)) => {
                    if let Some(response) = self.gather.worker(event) {
                        respond(&mut session, response).await;
                    }
                }
                Event::Io(Some(event)) => {
                    if let Some(response) = self.gather.io(event) {
                        respond(&mut session, response).await;
                    }
                }
                Event::Idle => return Ended::Idle,
                Event::Session(None) | Event::Worker(None) | Event::Io(None) => return Ended::Failed,
            }
            if session.is_some() {
                idle_since = Instant::now();
            }
        }
    }

    async fn next(
        &mut self,
        sessions: &mut ComputeSessions,
        session: &mut Option<ComputeSession>,
        idle: Instant,
    ) -> Event {
        let connected = session.is_some();
        let command = async {
            match session {
                Some(session) => session.commands.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            new = sessions.next() => Event::Session(new),
            command = command => Event::Command(command),
            event = self.worker_events.recv() => Event::Worker(event),
            event = self.io_events.recv() => Event::Io(event),
            () = tokio::time::sleep_until(idle), if !connected => Event::Idle,
        }
    }

    /// Takes a new controller: reads its history, keeps what is unchanged, tells it how far that is.
    async fn welcome(&mut self, mut session: ComputeSession) -> Option<ComputeSession> {
        let mut history = Vec::new();
        loop {
            match session.commands.recv().await {
                Some(ComputeCommand::InitializationComplete) => break,
                Some(command) => history.push(command),
                None => return None,
            }
        }
        for id in self.gather.take_peeks() {
            self.broadcast(|| WorkerCommand::Cancel(id));
        }
        let responses = self.reconcile(history);
        for response in responses {
            session.responses.send(response).await.ok()?;
        }
        Some(session)
    }

    fn reconcile(&mut self, history: Vec<ComputeCommand>) -> Vec<ComputeResponse> {
        let history = compact(history);
        let kept: BTreeSet<GlobalId> = history.iter().filter_map(|command| self.kept(command)).collect();
        let stale: Vec<_> = self.installed.keys().copied().filter(|id| !kept.contains(id)).collect();
        for id in stale {
            if let Some(installed) = self.installed.remove(&id) {
                exports(&installed.desc).for_each(|(id, _)| self.drop_export(id));
            }
        }
        // ORDER: what is kept is reported before anything new can be, so that the controller hears each frontier once.
        let mut responses: Vec<_> = self.gather.frontiers().collect();
        tracing::info!(kept = kept.len(), "a controller connected");
        for command in history {
            if self.kept(&command).is_some_and(|id| kept.contains(&id)) {
                continue;
            }
            responses.extend(self.command(command));
        }
        responses
    }

    /// The dataflow that already does what this command asks for.
    fn kept(&self, command: &ComputeCommand) -> Option<GlobalId> {
        let ComputeCommand::CreateDataflow(desc) = command else { return None };
        let (first, _) = exports(desc).next()?;
        let installed = self.installed.get(&first)?;
        let durable = exports(desc).all(|(id, _)| !id.is_transient());
        let same = DataflowDescription { as_of: installed.desc.as_of, ..(**desc).clone() } == *installed.desc;
        (durable && same && installed.since.less_equal(desc.as_of)).then_some(first)
    }

    fn command(&mut self, command: ComputeCommand) -> Option<ComputeResponse> {
        match command {
            ComputeCommand::CreateDataflow(desc) => self.create(*desc),
            ComputeCommand::AllowCompaction { id, since } => self.allow_compaction(id, since),
            ComputeCommand::Peek(peek) => self.peek(*peek),
            ComputeCommand::CancelPeek(id) => return self.cancel(id),
            ComputeCommand::InitializationComplete => (),
        }
        None
    }

    fn create(&mut self, desc: DataflowDescription) {
        let Some((first, _)) = exports(&desc).next() else { return };
        exports(&desc).for_each(|(id, index)| self.gather.create(id, index));
        let desc = Arc::new(desc);
        let mut ends = dataflow::io::connect(&desc, self.queues.len(), &self.persist, &self.io_sender).into_iter();
        self.installed.insert(first, Installed { desc: Arc::clone(&desc), since: Frontier::at(desc.as_of) });
        for queue in &self.queues {
            if let Some(io) = ends.next() {
                // A worker whose queue is closed has panicked, and the process aborts.
                let _ = queue.send(WorkerCommand::Create(Arc::clone(&desc), io));
            }
        }
        self.wake();
    }

    fn allow_compaction(&mut self, id: GlobalId, since: Frontier) {
        if since.is_done() {
            self.drop_export(id);
            self.installed.retain(|_, installed| exports(&installed.desc).all(|(export, _)| export != id));
            return;
        }
        for installed in self.installed.values_mut() {
            if installed.desc.index_exports.contains_key(&id) {
                installed.since = installed.since.join(since);
            }
        }
        self.broadcast(|| WorkerCommand::AllowCompaction(id, since));
    }

    fn drop_export(&mut self, id: GlobalId) {
        self.gather.drop_collection(id);
        self.broadcast(|| WorkerCommand::AllowCompaction(id, Frontier::DONE));
    }

    fn peek(&mut self, peek: Peek) {
        METRICS.peeks.inc();
        self.gather.peek(peek.id);
        let peek = Arc::new(peek);
        self.broadcast(|| WorkerCommand::Peek(Arc::clone(&peek)));
    }

    fn cancel(&mut self, id: PeekId) -> Option<ComputeResponse> {
        self.broadcast(|| WorkerCommand::Cancel(id));
        self.gather.cancel(id)
    }

    fn broadcast(&self, command: impl Fn() -> WorkerCommand) {
        for queue in &self.queues {
            let _ = queue.send(command());
        }
        self.wake();
    }

    fn wake(&self) {
        self.workers.threads.iter().for_each(std::thread::Thread::unpark);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Workers end when their queue is closed; a parked one would not notice before long.
        self.queues.clear();
        self.wake();
    }
}

/// Sends a response; a connection that broke is noticed when its commands end.
async fn respond(session: &mut Option<ComputeSession>, response: ComputeResponse) {
    if let Some(open) = session
        && open.responses.send(response).await.is_err()
    {
        *session = None;
    }
}

/// A dataflow's exports, and whether each is an index.
fn exports(desc: &DataflowDescription) -> impl Iterator<Item = (GlobalId, bool)> + '_ {
    let indexes = desc.index_exports.keys().map(|id| (*id, true));
    indexes.chain(desc.sink_exports.keys().map(|id| (*id, false)))
}

/// Leaves out what the history itself undoes: dataflows dropped again, peeks cancelled again.
fn compact(history: Vec<ComputeCommand>) -> Vec<ComputeCommand> {
    let mut dropped = BTreeSet::new();
    let mut canceled = BTreeSet::new();
    for command in &history {
        match command {
            ComputeCommand::AllowCompaction { id, since } if since.is_done() => drop(dropped.insert(*id)),
            ComputeCommand::CancelPeek(id) => drop(canceled.insert(*id)),
            _ => (),
        }
    }
    let wanted = |command: &ComputeCommand| match command {
        ComputeCommand::CreateDataflow(desc) => !exports(desc).all(|(id, _)| dropped.contains(&id)),
        ComputeCommand::AllowCompaction { id, .. } => !dropped.contains(id),
        ComputeCommand::Peek(peek) => !canceled.contains(&peek.id),
        ComputeCommand::CancelPeek(_) | ComputeCommand::InitializationComplete => false,
    };
    history.into_iter().filter(wanted).collect()
}
