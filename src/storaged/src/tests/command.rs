//! storaged as environmentd sees it: sessions, commands, responses.

use super::fixture::{contents, stores};
use crate::{Config, Server, serve_with};
use persist::{PersistClient, PersistConfig, Settings};
use proto::Hello;
use proto::controller::{Connection, connect};
use proto::storage::{
    IngestionConnection, IngestionDescription, IngestionExport, SourceStatus, StorageCommand, StorageResponse,
};
use repr::{GlobalId, RelationDesc, ShardId, SqlType};
use std::time::Duration;

const COUNTER: GlobalId = GlobalId::User(5);
const SHARD: ShardId = ShardId([5; 16]);

async fn server(persist: &PersistClient, idle_timeout: Duration) -> Server {
    let local = "127.0.0.1:0".parse().expect("an address");
    let config = Config {
        controller_listen_addr: local,
        storage_listen_addr: local,
        internal_http_listen_addr: local,
        // The stores are given.
        persist: PersistConfig { metadata_url: String::new(), blob_url: String::new(), settings: Settings::default() },
        token: "secret".into(),
        idle_timeout,
        scratch_directory: std::env::temp_dir(),
        state_bytes_max: 1 << 20,
    };
    serve_with(config, persist.clone()).await.expect("starts")
}

async fn session(server: &Server, epoch: u64) -> Connection<StorageCommand, StorageResponse> {
    let addr = server.controller_addr().to_string();
    connect(&addr, &Hello::new("secret", epoch)).await.expect("connects")
}

fn run_counter(epoch: u64, max_cardinality: Option<u64>) -> StorageCommand {
    let export = IngestionExport {
        shard: SHARD,
        desc: RelationDesc::empty().with("counter", SqlType::Int8, false),
        schema: String::new(),
        table: String::new(),
        oid: 0,
        columns: vec!["counter".into()],
        identity: Vec::new(),
    };
    StorageCommand::RunIngestion(Box::new(IngestionDescription {
        id: COUNTER,
        epoch,
        clock: "source/u5".into(),
        connection: IngestionConnection::Counter { tick_ms: 10, max_cardinality },
        exports: [(COUNTER, export)].into(),
    }))
}

async fn until(
    connection: &mut Connection<StorageCommand, StorageResponse>,
    what: impl Fn(&StorageResponse) -> bool,
) -> StorageResponse {
    let wait = async {
        loop {
            let response = connection.responses.recv().await.expect("a response");
            if what(&response) {
                return response;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("in time")
}

fn running(response: &StorageResponse) -> bool {
    matches!(response, StorageResponse::Status { id: COUNTER, status: SourceStatus::Running, .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_counts_across_sessions_and_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let persist = stores(folder.path()).await;
    let first = server(&persist, Duration::from_secs(60)).await;
    let mut connection = session(&first, 1).await;
    for command in [run_counter(1, Some(3)), StorageCommand::InitializationComplete] {
        connection.commands.send(command).await.expect("sent");
    }
    until(&mut connection, running).await;
    until(&mut connection, |r| matches!(r, StorageResponse::Frontier { .. })).await;
    // A new environmentd: the source goes on under its epoch, and is reported again.
    let mut connection = session(&first, 2).await;
    connection.commands.send(run_counter(2, Some(3))).await.expect("sent");
    connection.commands.send(StorageCommand::InitializationComplete).await.expect("sent");
    until(&mut connection, running).await;
    let busy = |r: &StorageResponse| matches!(r, StorageResponse::Statistics { updates_committed, .. } if *updates_committed > 20);
    until(&mut connection, busy).await;
    let epoch = persist.clock_state("source/u5").await.expect("answers").expect("exists").epoch;
    assert_eq!(epoch, 2);
    drop(first);
    // A new process goes on where the old one ended.
    let second = server(&stores(folder.path()).await, Duration::from_secs(60)).await;
    let before = contents(&persist, SHARD).await;
    assert_eq!(before.len(), 3);
    let mut connection = session(&second, 3).await;
    connection.commands.send(run_counter(3, Some(3))).await.expect("sent");
    until(&mut connection, busy).await;
    let after = contents(&persist, SHARD).await;
    assert_eq!(after.len(), 3);
    assert!(after.keys().all(|row| !before.contains_key(row)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_named_again_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let persist = stores(folder.path()).await;
    let server = server(&persist, Duration::from_secs(60)).await;
    let mut connection = session(&server, 1).await;
    connection.commands.send(run_counter(1, None)).await.expect("sent");
    until(&mut connection, running).await;
    let connection = session(&server, 1).await;
    connection.commands.send(StorageCommand::InitializationComplete).await.expect("sent");
    // The clock stands still once the source is stopped.
    let mut last = None;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let state = persist.clock_state("source/u5").await.expect("answers");
        if state == last {
            break;
        }
        last = state;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(persist.clock_state("source/u5").await.expect("answers"), last);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_controller_it_ends() {
    let mut server = server(&PersistClient::memory(), Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_secs(10), server.idle()).await.expect("ends");
}
