//! The client.
use crate::*;
use repr::{Frontier, RelationDesc, ShardId, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::watch;

/// Sends a transaction to the other processes; must not block.
pub type Publisher = Arc<dyn Fn(&Transaction) + Send + Sync>;

/// A cheap handle to the stores and to the cache of their states, one per process.
#[derive(Clone)]
pub struct PersistClient {}

/// One committed change, as it is pushed from the process that made it to all others.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Transaction {}

/// What is known of a shard.
#[derive(Clone, Debug)]
pub struct ShardInfo {
    /// The clock it follows.
    pub clock: ClockId,
    /// Its columns.
    pub desc: RelationDesc,
    /// Times at or after it can be read; done if the shard was dropped.
    pub since: Frontier,
    /// Times before it are final.
    pub upper: Frontier,
    /// How large it is.
    pub stats: ShardStats,
}

/// How large a shard is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Updates held, not consolidated.
    pub updates: u64,
    /// Bytes in parts and inline.
    pub bytes: u64,
    /// Parts in the blob store.
    pub parts: u64,
    /// Sorted runs that a reader has to look at.
    pub runs: u64,
}

impl PersistClient {
    /// Opens the stores.
    pub async fn open(_config: PersistConfig) -> Result<Self, PersistError> { todo!() }
    /// Stores in memory.
    pub fn memory() -> Self { todo!() }
    /// Stores given.
    pub fn with_stores(_blob: Arc<dyn Blob>, _consensus: Arc<dyn Consensus>, _settings: Settings) -> Self { todo!() }
    /// The log.
    pub fn consensus(&self) -> Arc<dyn Consensus> { todo!() }
    /// Called after each commit made through this client.
    pub fn set_publisher(&self, _f: Publisher) { todo!() }
    /// A pushed transaction arrived.
    pub fn receive(&self, _txn: Transaction) { todo!() }
    /// Whether pushes arrive.
    pub fn set_push_connected(&self, _connected: bool) { todo!() }
    /// Takes the clock.
    pub async fn open_clock(&self, _clock: &str, _epoch: u64) -> Result<ClockWriter, PersistError> { todo!() }
    /// A builder.
    pub fn batch_builder(&self, _shard: ShardId, _desc: &RelationDesc) -> BatchBuilder { todo!() }
    /// Linearizable.
    pub async fn clock_state(&self, _clock: &str) -> Result<Option<ClockState>, PersistError> { todo!() }
    /// The clock's upper.
    pub fn watch_clock(&self, _clock: &str) -> watch::Receiver<Frontier> { todo!() }
    /// Linearizable.
    pub async fn shard_state(&self, _shard: ShardId) -> Result<Option<ShardInfo>, PersistError> { todo!() }
    /// Waits until upper > as_of.
    pub async fn snapshot(&self, _shard: ShardId, _as_of: Timestamp) -> Result<Snapshot, PersistError> { todo!() }
    /// Changes after as_of.
    pub async fn listen(&self, _shard: ShardId, _as_of: Timestamp) -> Result<Listen, PersistError> { todo!() }
    /// Gives up history.
    pub async fn downgrade_since(&self, _sinces: &[(ShardId, Frontier)]) -> Result<(), PersistError> { todo!() }
    /// Creates shards.
    pub async fn create_shards(&self, _clock: &mut ClockWriter, _shards: &[(ShardId, RelationDesc)]) -> Result<(), PersistError> { todo!() }
    /// Deletes what no state names.
    pub async fn sweep_orphans(&self) -> Result<u64, PersistError> { todo!() }
}
