//! computed in process: real workers and protocol, stores in memory.

use crate::{Config, Server, serve_with};
use expr::plan::JoinPlan;
use expr::{
    BuildDesc, DataflowDescription, Id, IndexDesc, Mfp, Plan, RowSetFinishing, ScalarExpr, SinkConnection, SinkDesc,
    SourceImport,
};
use persist::{Batch, ClockWriter, Commit, CommitOutcome, PersistClient, Update};
use proto::Hello;
use proto::compute::{ComputeCommand, ComputeResponse, Peek, PeekId, PeekResponse, SubscribeResponse};
use proto::controller::{Connection, connect};
use repr::{Datum, Diff, Frontier, GlobalId, RelationDesc, Row, ShardId, SqlType, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

const TABLE: GlobalId = GlobalId::User(1);
const INDEX: GlobalId = GlobalId::User(2);
const VIEW: GlobalId = GlobalId::User(3);
const SUBSCRIBE: GlobalId = GlobalId::Transient(4);
const TABLE_SHARD: ShardId = ShardId([1; 16]);
const VIEW_SHARD: ShardId = ShardId([3; 16]);

type Controller = Connection<ComputeCommand, ComputeResponse>;

fn desc() -> RelationDesc {
    RelationDesc::empty().with("key", SqlType::Int8, false).with("value", SqlType::Int8, false)
}

fn row(key: i64, value: i64) -> Row {
    Row::pack([Datum::Int8(key), Datum::Int8(value)])
}

async fn start(persist: &PersistClient, workers: usize) -> (Server, Controller) {
    let config = Config {
        controller_listen_addr: ([127, 0, 0, 1], 0).into(),
        internal_http_listen_addr: ([127, 0, 0, 1], 0).into(),
        metadata_url: String::new(),
        blob_url: String::new(),
        storage_addr: None,
        workers,
        token: "token".into(),
        idle_timeout: Duration::from_secs(60),
    };
    let server = serve_with(config, persist.clone()).await.expect("computed starts");
    let controller = attach(&server).await;
    (server, controller)
}

async fn attach(server: &Server) -> Controller {
    connect(&server.controller_addr.to_string(), &Hello::new("token", 1)).await.expect("computed answers")
}

async fn table(persist: &PersistClient) -> ClockWriter {
    let mut clock = persist.open_clock("env", 1).await.expect("the clock opens");
    persist.create_shards(&mut clock, &[(TABLE_SHARD, desc())]).await.expect("the shard is created");
    clock
}

async fn write(clock: &mut ClockWriter, time: Timestamp, updates: &[(Row, Diff)]) {
    let updates = updates.iter().map(|(row, diff)| Update::row(row.clone(), time, *diff)).collect();
    let writes = vec![(TABLE_SHARD, Batch::inline(TABLE_SHARD, updates))];
    let commit = Commit { writes, ..Commit::advance(Frontier::at(time + 1)) };
    assert_eq!(clock.commit(commit).await.expect("the commit succeeds"), CommitOutcome::Committed);
}

fn dataflow(as_of: Timestamp) -> DataflowDescription {
    let import = SourceImport { shard: TABLE_SHARD, desc: desc(), mfp: None, monotonic: false };
    DataflowDescription {
        name: "test".into(),
        source_imports: BTreeMap::from([(TABLE, import)]),
        index_imports: BTreeMap::new(),
        objects_to_build: Vec::new(),
        index_exports: BTreeMap::new(),
        sink_exports: BTreeMap::new(),
        as_of,
        until: Frontier::DONE,
    }
}

fn index(as_of: Timestamp) -> ComputeCommand {
    let key = vec![ScalarExpr::Column(0)];
    let mut dataflow = dataflow(as_of);
    dataflow.index_exports.insert(INDEX, IndexDesc { on: TABLE, key, desc: desc() });
    ComputeCommand::CreateDataflow(Box::new(dataflow))
}

/// Rows of the table joined with themselves by key: (key, value, key, value).
fn self_join() -> Plan {
    let get = |id| Plan::Get { id: Id::Global(id), key: None, mfp: Mfp::identity(2) };
    let key = vec![ScalarExpr::Column(0)];
    let arranged = Plan::ArrangeBy { input: Box::new(get(TABLE)), keys: vec![key.clone()] };
    let stage = expr::plan::JoinStage { input: 1, lookup_key: key.clone(), stream_key: key, mfp: Mfp::identity(4) };
    let plan = JoinPlan::Linear { start: 0, initial: Mfp::identity(2), stages: vec![stage] };
    Plan::Join { inputs: vec![get(TABLE), arranged], plan }
}

fn sink(as_of: Timestamp, id: GlobalId, connection: SinkConnection) -> ComputeCommand {
    let wide = desc().with("key2", SqlType::Int8, false).with("value2", SqlType::Int8, false);
    let built = GlobalId::Transient(99);
    let mut dataflow = dataflow(as_of);
    dataflow.objects_to_build.push(BuildDesc { id: built, plan: self_join() });
    dataflow.sink_exports.insert(id, SinkDesc { from: built, desc: wide, connection, with_snapshot: true });
    ComputeCommand::CreateDataflow(Box::new(dataflow))
}

fn peek(id: u128, keys: Option<Vec<Row>>, timestamp: Timestamp, finishing: RowSetFinishing) -> ComputeCommand {
    let mfp = Mfp::identity(2);
    let max_result_bytes = 1 << 30;
    ComputeCommand::Peek(Box::new(Peek {
        id: PeekId(id),
        index: INDEX,
        keys,
        timestamp,
        mfp,
        finishing,
        max_result_bytes,
    }))
}

async fn next(controller: &mut Controller) -> ComputeResponse {
    let response = tokio::time::timeout(Duration::from_secs(60), controller.responses.recv()).await;
    response.expect("computed answers in time").expect("computed is connected")
}

async fn answer(controller: &mut Controller, id: u128) -> Vec<(Row, Diff)> {
    let mut all = Vec::new();
    loop {
        match next(controller).await {
            ComputeResponse::Peek(peek, PeekResponse::Rows { rows, done }) if peek == PeekId(id) => {
                all.extend(rows);
                if done {
                    all.sort();
                    return all;
                }
            }
            ComputeResponse::Peek(_, other) => panic!("the peek fails: {other:?}"),
            _ => (),
        }
    }
}

async fn send(controller: &Controller, commands: impl IntoIterator<Item = ComputeCommand>) {
    for command in commands {
        controller.commands.send(command).await.expect("computed is connected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_answers_lookups_scans_and_limits() {
    for workers in [1, 2] {
        let persist = PersistClient::memory();
        let mut clock = table(&persist).await;
        write(&mut clock, 10, &[(row(1, 10), 1), (row(2, 20), 1), (row(3, 30), 2)]).await;
        let (_server, mut controller) = start(&persist, workers).await;
        send(&controller, [index(10), ComputeCommand::InitializationComplete]).await;
        send(&controller, [peek(1, None, 10, RowSetFinishing::trivial(2))]).await;
        assert_eq!(answer(&mut controller, 1).await, [(row(1, 10), 1), (row(2, 20), 1), (row(3, 30), 2)]);

        write(&mut clock, 20, &[(row(2, 20), -1), (row(2, 21), 1)]).await;
        let keys = vec![Row::pack([Datum::Int8(2)]), Row::pack([Datum::Int8(7)])];
        send(&controller, [peek(2, Some(keys), 20, RowSetFinishing::trivial(2))]).await;
        assert_eq!(answer(&mut controller, 2).await, [(row(2, 21), 1)]);

        let limited = RowSetFinishing { limit: Some(1), ..RowSetFinishing::trivial(2) };
        send(&controller, [peek(3, None, 20, limited)]).await;
        assert!(!answer(&mut controller, 3).await.is_empty());
    }
}

/// Each would wait for the worker to wake by itself, after a second, if it were parked with a peek in hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_peek_of_what_is_complete_waits_for_nothing() {
    let persist = PersistClient::memory();
    let mut clock = table(&persist).await;
    write(&mut clock, 10, &[(row(1, 10), 1)]).await;
    let (_server, mut controller) = start(&persist, 1).await;
    send(&controller, [index(10), ComputeCommand::InitializationComplete]).await;
    send(&controller, [peek(0, None, 10, RowSetFinishing::trivial(2))]).await;
    answer(&mut controller, 0).await;
    let started = std::time::Instant::now();
    for id in 1..=20 {
        send(&controller, [peek(id, None, 10, RowSetFinishing::trivial(2))]).await;
        assert_eq!(answer(&mut controller, id).await, [(row(1, 10), 1)]);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?} for 20 peeks", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_view_repairs_its_shard_and_goes_on() {
    let persist = PersistClient::memory();
    let mut clock = table(&persist).await;
    let mut view_clock = persist.open_clock("view/u3", 1).await.expect("the clock opens");
    let wide = desc().with("key2", SqlType::Int8, false).with("value2", SqlType::Int8, false);
    persist.create_shards(&mut view_clock, &[(VIEW_SHARD, wide)]).await.expect("the shard is created");
    let view = SinkConnection::MaterializedView { shard: VIEW_SHARD, plan_version: 1 };
    let wide_row = |key, value| Row::pack([key, value, key, value].map(Datum::Int8));
    for (round, time) in [(0, 10), (1, 20), (2, 30)] {
        write(&mut clock, time, &[(row(round, time as i64), 1)]).await;
        let as_of = if round == 0 { time } else { time - 10 };
        let (_server, controller) = start(&persist, 2).await;
        send(&controller, [sink(as_of, VIEW, view.clone()), ComputeCommand::InitializationComplete]).await;
        let mut snapshot = persist.snapshot(VIEW_SHARD, time).await.expect("the view can be read");
        let mut contents = BTreeMap::new();
        while let Some(updates) = snapshot.next().await.expect("the view can be read") {
            for update in updates {
                *contents.entry(update.data.expect("no errors")).or_insert(0) += update.diff;
            }
        }
        contents.retain(|_, diff| *diff != 0);
        let expected = (0..=round).map(|r| (wide_row(r, 10 * (r + 1)), 1));
        assert_eq!(contents, expected.collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscribe_reports_each_time_whole() {
    let persist = PersistClient::memory();
    let mut clock = table(&persist).await;
    write(&mut clock, 10, &[(row(1, 10), 1)]).await;
    let (_server, mut controller) = start(&persist, 2).await;
    let subscribe = sink(10, SUBSCRIBE, SinkConnection::Subscribe);
    send(&controller, [ComputeCommand::InitializationComplete, subscribe]).await;
    write(&mut clock, 20, &[(row(1, 10), -1), (row(1, 11), 1)]).await;
    let mut updates = Vec::new();
    let mut at = Frontier::at(10);
    while at < Frontier::at(21) {
        if let ComputeResponse::Subscribe(SUBSCRIBE, SubscribeResponse::Batch { lower, upper, updates: more, error }) =
            next(&mut controller).await
        {
            assert_eq!((lower, error), (at, None));
            updates.extend(more);
            at = upper;
        }
    }
    let wide_row = |value| Row::pack([1, value, 1, value].map(Datum::Int8));
    let mut expected = vec![(10, wide_row(10), 1), (20, wide_row(10), -1), (20, wide_row(11), 1)];
    updates.sort();
    expected.sort();
    assert_eq!(updates, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_controller_finds_unchanged_dataflows_running() {
    let persist = PersistClient::memory();
    let mut clock = table(&persist).await;
    write(&mut clock, 10, &[(row(1, 10), 1)]).await;
    let (server, mut controller) = start(&persist, 2).await;
    send(&controller, [index(10), ComputeCommand::InitializationComplete]).await;
    send(&controller, [peek(1, None, 10, RowSetFinishing::trivial(2))]).await;
    answer(&mut controller, 1).await;
    drop(controller);

    write(&mut clock, 20, &[(row(2, 20), 1)]).await;
    let mut controller = attach(&server).await;
    send(&controller, [index(20), ComputeCommand::InitializationComplete]).await;
    // The frontier is told at once: nothing is built again.
    assert!(matches!(next(&mut controller).await, ComputeResponse::Frontier { id: INDEX, .. }));
    send(&controller, [peek(2, None, 20, RowSetFinishing::trivial(2))]).await;
    assert_eq!(answer(&mut controller, 2).await, [(row(1, 10), 1), (row(2, 20), 1)]);
    drop(controller);

    let mut controller = attach(&server).await;
    send(&controller, [ComputeCommand::InitializationComplete]).await;
    send(&controller, [peek(3, None, 20, RowSetFinishing::trivial(2))]).await;
    loop {
        match next(&mut controller).await {
            ComputeResponse::Peek(PeekId(3), PeekResponse::Error(_)) => break,
            ComputeResponse::Peek(_, other) => panic!("the index should be gone: {other:?}"),
            _ => (),
        }
    }
}
