//! Controllers: the intent. Which collections exist, how far back each can be read, which dataflow runs where, which source is read.
//!
//! ```text
//!            holds, peeks, subscribes                 one task each                 gRPC
//!  coord ───────────────────────────▶ Controller ◀──────────────────▶ replica task ◀────▶ computed
//!                                     (one mutex)  ◀────────────────▶ storage task ◀────▶ storaged
//!                                          │ every second: sinces
//!                                          ▼
//!                                       persist
//! ```
//!
//! LAW: nothing here is durable but shards and catalog; [`Controller::history`] derives from the intent the commands that a replica needs, so
//! that a crash of any process and a reconnect are one code path.
//! LAW: since(input) ≤ since(index), and since(input) ≤ upper(view) − 1, for every dependent index and view; see [`sinces`].

use crate::catalog::system::SourceState;
use persist::PersistClient;
use proto::compute::{ComputeCommand, Peek, PeekId};
use proto::storage::{IngestionDescription, StorageCommand};
use repr::{ClusterId, Frontier, GlobalId, ReplicaId, ShardId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

pub mod collections;
pub mod compute;
pub mod holds;
pub mod peeks;
pub mod replica;
pub mod sinces;
pub mod storage;
pub mod subscribes;

pub use compute::{DataflowGuard, DataflowKind};
pub use holds::ReadHolds;
pub use peeks::PeekStream;
pub use subscribes::{SubscribeChanges, SubscribeUpdates};

/// The intent of the environment. Cheap to clone.
#[derive(Clone)]
pub struct Controller(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    persist: PersistClient,
    /// In which environmentd's life we are; peeks are named by it.
    epoch: u64,
}

#[derive(Default)]
struct State {
    collections: BTreeMap<GlobalId, Collection>,
    dataflows: BTreeMap<GlobalId, Dataflow>,
    replicas: BTreeMap<ReplicaId, Replica>,
    peeks: BTreeMap<PeekId, PendingPeek>,
    subscribes: BTreeMap<GlobalId, PendingSubscribe>,
    next_peek: u64,
    next_transient: u64,
    ingestions: BTreeMap<GlobalId, IngestionDescription>,
    storage: Option<mpsc::UnboundedSender<StorageCommand>>,
    sources: BTreeMap<GlobalId, SourceState>,
}

/// Something that can be read at a time.
struct Collection {
    kind: CollectionKind,
    /// Times at or after it can be read.
    since: Frontier,
    /// Holds, by time.
    holds: BTreeMap<Timestamp, usize>,
}

enum CollectionKind {
    /// A shard; its upper is its clock's.
    Shard {
        shard: ShardId,
        /// As it was when the collection was added; the clock's receiver may know less at first.
        initial_upper: Frontier,
        upper: watch::Receiver<Frontier>,
        /// What persist was last told, or said.
        durable_since: Frontier,
    },
    /// An arrangement of a cluster, with its upper at each replica.
    Index { uppers: BTreeMap<ReplicaId, Frontier> },
}

/// A dataflow that runs on every replica of a cluster, named by what it exports.
struct Dataflow {
    cluster: ClusterId,
    kind: DataflowKind,
    desc: expr::DataflowDescription,
    /// Dropped by the user, but running while others import its index.
    dropped: bool,
    /// Of a view's sink: how far each replica is.
    uppers: BTreeMap<ReplicaId, Frontier>,
}

/// One replica process.
struct Replica {
    cluster: ClusterId,
    /// Its queue, while it is connected.
    commands: Option<mpsc::UnboundedSender<ComputeCommand>>,
    reason: Option<String>,
    changed_at: Timestamp,
    /// Ends its task when dropped.
    _stop: tokio_util::sync::DropGuard,
}

struct PendingPeek {
    cluster: ClusterId,
    peek: Peek,
    /// The replica whose answer is taken.
    winner: Option<ReplicaId>,
    delivery: peeks::Delivery,
}

struct PendingSubscribe {
    /// All times before it were delivered.
    frontier: Frontier,
    delivery: subscribes::Delivery,
}

impl Controller {
    /// A controller of nothing yet.
    pub fn new(persist: PersistClient, epoch: u64) -> Self {
        Controller(Arc::new(Shared { state: Mutex::default(), persist, epoch }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An identifier for a collection that lives as long as one statement.
    pub fn transient_id(&self) -> GlobalId {
        let mut state = self.lock();
        state.next_transient += 1;
        // The epoch keeps identifiers apart from those that an adopted replica still knows.
        GlobalId::Transient((self.0.epoch << 40) | state.next_transient)
    }
}

impl State {
    /// Sends a command to all connected replicas of a cluster; the others get it from the history.
    fn broadcast(&mut self, cluster: ClusterId, command: &ComputeCommand) {
        for replica in self.replicas.values().filter(|r| r.cluster == cluster) {
            if let Some(commands) = &replica.commands {
                // A closed queue means that the connection just ended: the history has it.
                let _ = commands.send(command.clone());
            }
        }
    }

    fn replicas_of(&self, cluster: ClusterId) -> BTreeSet<ReplicaId> {
        self.replicas.iter().filter(|(_, r)| r.cluster == cluster).map(|(id, _)| *id).collect()
    }
}
