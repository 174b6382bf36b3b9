//! Runs dataflows over scripted inputs and reads their indexes at every time.

use crate::layout::{Errors, Rows};
use crate::{DataflowIo, PeekStep, RunningDataflow, TraceManager, render, timely_config};
use differential_dataflow::AsCollection;
use differential_dataflow::input::InputSession;
use expr::plan::Key;
use expr::{BuildDesc, DataflowDescription, IndexDesc, Plan, ScalarExpr, SinkConnection, SinkDesc, SourceImport};
use repr::{Diff, Frontier, GlobalId, RelationDesc, Row, ShardId, SqlError, Timestamp};
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use timely::dataflow::Scope;
use timely::dataflow::operators::vec::{Filter, Map};
use timely::worker::Worker;

/// A collection's contents at a time, sorted, or the first error.
pub type Contents = Result<Vec<(Row, Diff)>, SqlError>;
/// Updates of inputs.
pub type Updates = Vec<(GlobalId, Row, Diff)>;

pub const IN: [GlobalId; 3] = [GlobalId::User(1), GlobalId::User(2), GlobalId::User(3)];
pub const BUILT: GlobalId = GlobalId::User(10);
pub const INDEX: GlobalId = GlobalId::User(11);

type Session = Rc<RefCell<Option<InputSession<Timestamp, Row, Diff>>>>;

/// Inputs that the test feeds, and outputs that it reads.
#[derive(Default)]
pub struct TestIo {
    pub inputs: BTreeMap<GlobalId, Vec<Session>>,
    pub output: Rc<RefCell<Vec<(Row, Timestamp, Diff)>>>,
}

/// Closes an input when the dataflow ends.
struct Close(Session);
impl Drop for Close {
    fn drop(&mut self) {
        *self.0.borrow_mut() = None;
    }
}

impl DataflowIo for TestIo {
    fn import_shard<'s>(
        &mut self,
        scope: Scope<'s, Timestamp>,
        id: GlobalId,
        _import: &SourceImport,
        as_of: Timestamp,
        until: Frontier,
    ) -> (Rows<'s, Timestamp>, Errors<'s, Timestamp>, Box<dyn Any>) {
        let mut session = InputSession::new();
        let rows = session.to_collection(scope).inner;
        let rows = rows.map(move |(row, time, diff)| (row, std::cmp::max(time, as_of), diff));
        let rows = rows.filter(move |(_, time, _)| until.is_beyond(*time)).as_collection();
        let session: Session = Rc::new(RefCell::new(Some(session)));
        self.inputs.entry(id).or_default().push(session.clone());
        let errors = differential_dataflow::collection::concatenate(scope, []);
        (rows, errors, Box::new(Close(session)))
    }

    fn export_sink<'s>(
        &mut self,
        _scope: Scope<'s, Timestamp>,
        _id: GlobalId,
        _sink: &SinkDesc,
        rows: Rows<'s, Timestamp>,
        _errors: Errors<'s, Timestamp>,
        _as_of: Timestamp,
        _until: Frontier,
    ) -> Box<dyn Any> {
        let output = self.output.clone();
        rows.inspect(move |(row, time, diff)| output.borrow_mut().push((row.clone(), *time, *diff)));
        Box::new(())
    }
}

/// The plan over the inputs, indexed by its first column.
pub fn description(plan: &Plan, as_of: Timestamp, until: Frontier) -> DataflowDescription {
    let import =
        || SourceImport { shard: ShardId([0; 16]), desc: RelationDesc::default(), mfp: None, monotonic: false };
    DataflowDescription {
        name: "test".to_string(),
        source_imports: IN.iter().map(|id| (*id, import())).collect(),
        index_imports: BTreeMap::new(),
        objects_to_build: vec![BuildDesc { id: BUILT, plan: plan.clone() }],
        index_exports: BTreeMap::from([(INDEX, index(BUILT, vec![ScalarExpr::Column(0)]))]),
        sink_exports: BTreeMap::new(),
        as_of,
        until,
    }
}

/// A sink of the built collection.
pub fn sink() -> SinkDesc {
    SinkDesc { from: BUILT, desc: RelationDesc::default(), connection: SinkConnection::Subscribe, with_snapshot: true }
}

pub fn index(on: GlobalId, key: Key) -> IndexDesc {
    IndexDesc { on, key, desc: RelationDesc::default() }
}

/// One worker of a test.
pub struct TestWorker<'a> {
    pub worker: &'a mut Worker,
    pub traces: TraceManager,
    pub io: TestIo,
    pub running: Vec<RunningDataflow>,
}

impl TestWorker<'_> {
    pub fn create(&mut self, desc: &DataflowDescription) {
        let running = render(self.worker, desc, &mut self.traces, &mut self.io).expect("renders");
        self.running.push(running);
    }

    /// Feeds this worker's part of the updates.
    pub fn feed(&mut self, time: Timestamp, updates: &Updates) {
        let (index, peers) = (self.worker.index(), self.worker.peers());
        for (at, (id, row, diff)) in updates.iter().enumerate() {
            if at % peers == index {
                self.each_input(|input, session| {
                    if input == *id {
                        session.update_at(row.clone(), time, *diff);
                    }
                });
            }
        }
    }

    pub fn advance_to(&mut self, time: Timestamp) {
        self.each_input(|_, session| {
            session.advance_to(time);
            session.flush();
        });
    }

    fn each_input(&mut self, mut f: impl FnMut(GlobalId, &mut InputSession<Timestamp, Row, Diff>)) {
        for (id, sessions) in &self.io.inputs {
            for session in sessions {
                if let Some(session) = session.borrow_mut().as_mut() {
                    f(*id, session);
                }
            }
        }
    }

    /// Steps until the index is complete at `time`.
    pub fn wait(&mut self, id: GlobalId, time: Timestamp) {
        while !self.traces.upper(id).expect("there is such an index").is_beyond(time) {
            self.worker.step();
        }
        self.traces.maintain();
    }

    /// This worker's part of the index, in small slices.
    pub fn peek(&mut self, id: GlobalId, keys: Option<Vec<Row>>, time: Timestamp) -> Contents {
        let mut cursor = self.traces.peek(id, keys, time)?;
        let mut rows = Vec::new();
        loop {
            let mut fuel = 3;
            let step = cursor.step(&mut fuel, &mut |_key, row, count| {
                rows.push((row.to_row(), count));
                Ok(ControlFlow::Continue(()))
            })?;
            if step == PeekStep::Done {
                return Ok(rows);
            }
        }
    }

    pub fn shut_down(mut self) {
        let ids: Vec<GlobalId> = self.traces.ids().collect();
        ids.into_iter().for_each(|id| self.traces.allow_compaction(id, Frontier::DONE));
        self.running.drain(..).for_each(|running| running.shut_down(self.worker));
        // A dataflow that was read by another ends in order, together with the other workers.
        let start = std::time::Instant::now();
        while self.worker.has_dataflows() {
            self.worker.step();
            assert!(start.elapsed().as_secs() < 10, "dataflows do not end");
        }
    }
}

/// Runs `f` on each worker and puts together what each answers at each time.
pub fn on_workers(
    workers: usize,
    f: impl Fn(&mut TestWorker<'_>) -> Vec<(Timestamp, Contents)> + Send + Sync + 'static,
) -> BTreeMap<Timestamp, Contents> {
    let answers: Arc<Mutex<BTreeMap<Timestamp, Contents>>> = Arc::default();
    let shared = answers.clone();
    let guards = timely::execute(timely_config(workers), move |worker| {
        let mut test = TestWorker { worker, traces: TraceManager::new(), io: TestIo::default(), running: Vec::new() };
        for (time, part) in f(&mut test) {
            let mut answers = shared.lock().expect("no worker panicked");
            let all = answers.entry(time).or_insert(Ok(Vec::new()));
            *all = match (std::mem::replace(all, Ok(Vec::new())), part) {
                (Err(a), Err(b)) => Err(a.min(b)),
                (Err(error), _) | (_, Err(error)) => Err(error),
                (Ok(mut a), Ok(b)) => {
                    a.extend(b);
                    Ok(a)
                }
            };
        }
        test.shut_down();
    })
    .expect("timely starts");
    for result in guards.join() {
        result.expect("worker");
    }
    let mut answers = answers.lock().expect("all are done");
    for rows in answers.values_mut().flatten() {
        differential_dataflow::consolidation::consolidate(rows);
    }
    std::mem::take(&mut answers)
}

/// The plan's contents at every time of the script (which starts at time 1), from an index kept through all of it.
pub fn maintain(workers: usize, plan: &Plan, script: &[Updates], together: usize) -> BTreeMap<Timestamp, Contents> {
    let (desc, script) = (description(plan, 1, Frontier::DONE), script.to_vec());
    on_workers(workers, move |test| {
        test.create(&desc);
        let mut answers = Vec::new();
        let mut time = 0;
        for updates in script.chunks(together) {
            let first = time + 1;
            for updates in updates {
                time += 1;
                test.feed(time, updates);
            }
            test.advance_to(time + 1);
            test.wait(INDEX, time);
            answers.extend((first..=time).map(|at| (at, test.peek(INDEX, None, at))));
            test.traces.allow_compaction(INDEX, Frontier::at(time));
        }
        answers
    })
}
