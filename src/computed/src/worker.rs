//! One worker thread: takes commands, steps timely, answers peeks in slices, reports frontiers.

use crate::metrics::METRICS;
use crate::peek::PendingPeek;
use dataflow::io::{Worker, WorkerIo};
use dataflow::{RunningDataflow, TraceManager};
use expr::DataflowDescription;
use proto::compute::{Peek, PeekId};
use repr::{Diff, Frontier, GlobalId, Row, SqlError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// To a worker. All workers get the same commands in the same order; each its own ends of a dataflow.
pub enum WorkerCommand {
    /// Render a dataflow.
    Create(Arc<DataflowDescription>, WorkerIo),
    /// A since may advance; `DONE` drops the export.
    AllowCompaction(GlobalId, Frontier),
    /// Read an index.
    Peek(Arc<Peek>),
    /// Stop reading.
    Cancel(PeekId),
}

/// From a worker.
pub enum WorkerEvent {
    /// An index is complete on this worker up to here.
    Frontier(usize, GlobalId, Frontier),
    /// Part of this worker's answer; the last one says so.
    Peek(PeekId, PeekPart),
    /// A dataflow could not be rendered.
    Failed(GlobalId, SqlError),
}

/// Part of one worker's answer to a peek.
pub enum PeekPart {
    /// Rows; `true` with the last.
    Rows(Vec<(Row, Diff)>, bool),
    /// The worker's answer is this error.
    Error(SqlError),
}

/// How long an idle worker sleeps at most. Commands and data wake it at once; this bounds the damage of a wake-up that is lost.
const PARK: Duration = Duration::from_secs(1);
/// Values of arrangements that peeks may visit between two steps: about a millisecond.
const PEEK_FUEL: usize = 10_000;

struct Installed {
    running: Option<RunningDataflow>,
    exports: BTreeSet<GlobalId>,
}

/// The state of one worker.
pub struct State<'w> {
    worker: &'w mut Worker,
    traces: TraceManager,
    dataflows: Vec<Installed>,
    peeks: Vec<PendingPeek>,
    reported: BTreeMap<GlobalId, Frontier>,
    events: UnboundedSender<WorkerEvent>,
}

/// Runs until the command queue is closed.
pub fn run(worker: &mut Worker, commands: &Receiver<WorkerCommand>, events: UnboundedSender<WorkerEvent>) {
    let mut state = State {
        worker,
        traces: TraceManager::new(),
        dataflows: Vec::new(),
        peeks: Vec::new(),
        reported: BTreeMap::new(),
        events,
    };
    loop {
        loop {
            match commands.try_recv() {
                Ok(command) => state.handle(command),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return state.end(),
            }
        }
        // ORDER: peeks before parking. What a peek waits for may be complete already, and then nothing else would wake the worker.
        state.read();
        state.step();
    }
}

impl State<'_> {
    fn handle(&mut self, command: WorkerCommand) {
        match command {
            WorkerCommand::Create(desc, io) => self.create(&desc, io),
            WorkerCommand::AllowCompaction(id, since) => self.allow_compaction(id, since),
            WorkerCommand::Peek(peek) => {
                let pending = PendingPeek::new(peek, self.worker.index(), self.worker.peers());
                self.peeks.push(pending);
            }
            WorkerCommand::Cancel(id) => self.peeks.retain(|peek| peek.id() != id),
        }
    }

    fn create(&mut self, desc: &DataflowDescription, mut io: WorkerIo) {
        let exports: BTreeSet<GlobalId> = desc.index_exports.keys().chain(desc.sink_exports.keys()).copied().collect();
        match dataflow::render(self.worker, desc, &mut self.traces, &mut io) {
            Ok(running) => {
                METRICS.dataflows.inc();
                self.dataflows.push(Installed { running: Some(running), exports });
            }
            Err(error) => {
                for id in exports {
                    let _ = self.events.send(WorkerEvent::Failed(id, error.clone()));
                }
            }
        }
    }

    fn allow_compaction(&mut self, id: GlobalId, since: Frontier) {
        self.traces.allow_compaction(id, since);
        if !since.is_done() {
            return;
        }
        self.reported.remove(&id);
        for installed in &mut self.dataflows {
            installed.exports.remove(&id);
            if installed.exports.is_empty()
                && let Some(running) = installed.running.take()
            {
                METRICS.dataflows.dec();
                running.shut_down(self.worker);
            }
        }
        self.dataflows.retain(|installed| installed.running.is_some());
    }

    /// One step of timely, and what there is to report.
    fn step(&mut self) {
        let park = if self.peeks.iter().any(PendingPeek::is_reading) { Duration::ZERO } else { PARK };
        let started = Instant::now();
        let worked = self.worker.step_or_park(Some(park));
        if worked {
            METRICS.step_seconds.observe(started.elapsed().as_secs_f64());
        }
        self.traces.maintain();
        self.report();
    }

    fn report(&mut self) {
        let ids: Vec<GlobalId> = self.traces.ids().collect();
        for id in ids {
            let Some(upper) = self.traces.upper(id) else { continue };
            if self.reported.insert(id, upper) != Some(upper) {
                let _ = self.events.send(WorkerEvent::Frontier(self.worker.index(), id, upper));
            }
        }
    }

    fn read(&mut self) {
        let mut fuel = PEEK_FUEL;
        let (traces, events) = (&mut self.traces, &self.events);
        self.peeks.retain_mut(|peek| {
            let id = peek.id();
            !peek.advance(traces, &mut fuel, &mut |part| drop(events.send(WorkerEvent::Peek(id, part))))
        });
    }

    /// Drops all dataflows; their tasks end with them.
    fn end(mut self) {
        self.traces = TraceManager::new();
        for running in self.dataflows.drain(..).filter_map(|installed| installed.running) {
            running.shut_down(self.worker);
        }
    }
}
