//! The handle that everything outside this crate holds.

use crate::blob::{FileBlob, MemoryBlob};
use crate::clock::ClockRecord;
use crate::consensus::{CasOutcome, MemoryConsensus, SqliteConsensus};
use crate::core::{Core, cas_shard, pause};
use crate::format::{self, Kind};
use crate::maintenance::{self, Maintenance};
use crate::read;
use crate::select::{PartFilter, Selection};
use crate::state::{Change, ShardDiff, ShardState, shard_key};
use crate::{
    BatchBuilder, Blob, ClockId, ClockState, ClockWriter, CompareAndSet, Consensus, ExternalError, Listen,
    PersistConfig, PersistError, Settings, Snapshot,
};
use repr::{Frontier, RelationDesc, ShardId, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tokio::sync::watch;

/// Sends a transaction to the other processes. It is called on the path of a commit, and must not block.
pub type Publisher = Arc<dyn Fn(&Transaction) + Send + Sync>;

/// A cheap handle to the stores and to the cache of their states, one per process.
#[derive(Clone)]
pub struct PersistClient {
    core: Arc<Core>,
}

/// One committed change, as it is pushed from the process that made it to all others. Only a hint: whoever misses one notices the
/// gap and reads.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Transaction {
    /// The clock's new record and its number; none if only a shard's upkeep changed.
    pub(crate) clock: Option<(ClockId, u64, Arc<ClockRecord>)>,
    /// The new version of each shard and its number.
    pub(crate) shards: Vec<(ShardId, u64, ShardDiff)>,
}

impl Transaction {
    /// The clock that advanced, and to where.
    pub fn clock(&self) -> Option<(&str, Frontier)> {
        self.clock.as_ref().map(|(clock, _, record)| (clock.as_str(), record.upper))
    }

    /// The shards that changed.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + '_ {
        self.shards.iter().map(|(shard, _, _)| *shard)
    }
}

/// What is known of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardInfo {
    /// The clock it follows.
    pub clock: ClockId,
    /// Its columns.
    pub desc: RelationDesc,
    /// Times at or after it can be read; done if the shard was dropped. May lag behind what was asked of
    /// [`PersistClient::downgrade_since`] as long as nothing can be compacted.
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
    /// Bytes before compression.
    pub bytes: u64,
    /// Parts in the blob store.
    pub parts: u64,
    /// Runs that a reader has to look at.
    pub runs: u64,
}

impl PersistClient {
    /// Opens the stores. Data of a newer version is refused.
    pub async fn open(config: PersistConfig) -> Result<Self, PersistError> {
        let (metadata, blob) = (path_of(&config.metadata_url, "sqlite")?, path_of(&config.blob_url, "file")?);
        let open = tokio::task::spawn_blocking(move || {
            Ok::<_, PersistError>((FileBlob::open(blob)?, SqliteConsensus::open(metadata)?))
        });
        let (blob, consensus) = open.await.map_err(ExternalError::determinate)??;
        Ok(PersistClient::with_stores(Arc::new(blob), Arc::new(consensus), config.settings))
    }

    /// Uses stores in memory. Within a tokio runtime only: else nothing is compacted, and reads wait for this client's commits alone.
    pub fn memory() -> Self {
        let (blob, consensus) = (Arc::new(MemoryBlob::default()), Arc::new(MemoryConsensus::default()));
        PersistClient::with_stores(blob, consensus, Settings::default())
    }

    /// Uses these stores; see [`PersistClient::memory`].
    pub fn with_stores(blob: Arc<dyn Blob>, consensus: Arc<dyn Consensus>, settings: Settings) -> Self {
        let (maintenance, queue) = Maintenance::new();
        let core = Arc::new(Core::new(blob, consensus, settings, maintenance));
        if tokio::runtime::Handle::try_current().is_ok() {
            maintenance::spawn(&core, queue);
        }
        PersistClient { core }
    }

    /// The consensus underneath, for keys that are not persist's.
    pub fn consensus(&self) -> Arc<dyn Consensus> {
        Arc::clone(&self.core.consensus)
    }

    /// Has every change that is made through this client sent to the other processes.
    pub fn set_publisher(&self, publisher: Publisher) {
        *self.core.publisher.write().unwrap_or_else(PoisonError::into_inner) = Some(publisher);
    }

    /// A pushed transaction arrived. One's own, and any twice, do no harm.
    pub fn receive(&self, txn: Transaction) {
        self.core.receive(&txn);
    }

    /// Whether pushed transactions arrive. While they do not, clocks with waiting readers are polled; when they begin to, all
    /// clocks are read once.
    pub fn set_push_connected(&self, connected: bool) {
        self.core.push_connected.store(connected, Ordering::Relaxed);
        self.core.poll_now.notify_one();
    }

    /// Takes a clock for an epoch, and makes it, at upper 0, if it does not exist.
    ///
    /// # Errors
    /// [`PersistError::Fenced`] if it is held by a higher epoch.
    pub async fn open_clock(&self, clock: &str, epoch: u64) -> Result<ClockWriter, PersistError> {
        ClockWriter::open(Arc::clone(&self.core), clock, epoch).await
    }

    /// Builds a batch of any size for a shard of these columns.
    pub fn batch_builder(&self, shard: ShardId, desc: &RelationDesc) -> BatchBuilder {
        BatchBuilder::new(Arc::clone(&self.core), shard, desc)
    }

    /// The clock's newest record, read now.
    pub async fn clock_state(&self, clock: &str) -> Result<Option<ClockState>, PersistError> {
        let newest = self.core.read_clock(clock).await?;
        Ok(newest.map(|(seqno, record)| record.state(seqno)))
    }

    /// The clock's upper as it becomes known to this process. It need not exist yet.
    pub fn watch_clock(&self, clock: &str) -> watch::Receiver<Frontier> {
        self.core.cache().watch(clock)
    }

    /// What is known of a shard, read now; `None` if it was never created.
    pub async fn shard_state(&self, shard: ShardId) -> Result<Option<ShardInfo>, PersistError> {
        let Some(state) = self.core.read_shard(shard).await? else { return Ok(None) };
        let clock = self.core.read_clock(&state.clock).await?;
        let upper = match clock {
            _ if state.dropped => Frontier::DONE,
            Some((_, record)) => record.upper,
            None => return Err(PersistError::UnknownClock(state.clock.clone())),
        };
        let (clock, desc, since, stats) = (state.clock.clone(), state.desc.clone(), state.since, stats(&state));
        Ok(Some(ShardInfo { clock, desc, since, upper, stats }))
    }

    /// The content of a shard at a time; waits until that is complete.
    ///
    /// # Errors
    /// [`PersistError::Compacted`] if the time is before the shard's since.
    pub async fn snapshot(&self, shard: ShardId, as_of: Timestamp) -> Result<Snapshot, PersistError> {
        self.snapshot_of(shard, as_of, PartFilter::all()).await
    }

    /// As [`PersistClient::snapshot`], of the parts that are wanted.
    pub async fn snapshot_of(
        &self,
        shard: ShardId,
        as_of: Timestamp,
        wanted: PartFilter,
    ) -> Result<Snapshot, PersistError> {
        Snapshot::open(Arc::clone(&self.core), shard, as_of, wanted).await
    }

    /// How much [`PersistClient::snapshot_of`] would read now.
    pub async fn selection(
        &self,
        shard: ShardId,
        as_of: Timestamp,
        wanted: &PartFilter,
    ) -> Result<Selection, PersistError> {
        read::selection(&self.core, shard, as_of, wanted).await
    }

    /// The changes of a shard after a time, as they come.
    ///
    /// # Errors
    /// [`PersistError::Compacted`] if the time is before the shard's since, and later if the since overtakes the reader.
    pub async fn listen(&self, shard: ShardId, as_of: Timestamp) -> Result<Listen, PersistError> {
        self.listen_to(shard, as_of, PartFilter::all()).await
    }

    /// As [`PersistClient::listen`], to the parts that are wanted.
    pub async fn listen_to(
        &self,
        shard: ShardId,
        as_of: Timestamp,
        wanted: PartFilter,
    ) -> Result<Listen, PersistError> {
        Listen::open(Arc::clone(&self.core), shard, as_of, wanted).await
    }

    /// Gives up the history of shards before these frontiers, each on its own; [`Frontier::DONE`] drops the shard and its data. What would
    /// change nothing is not written: a frontier that is not later, and one before which no update has come to pass.
    pub async fn downgrade_since(&self, sinces: &[(ShardId, Frontier)]) -> Result<(), PersistError> {
        let mut todo = sinces.to_vec();
        let mut failures = 0;
        while !todo.is_empty() {
            let shards: Vec<ShardId> = todo.iter().map(|(shard, _)| *shard).collect();
            let states = self.core.fresh_states(&shards).await?;
            let known = todo.iter().zip(states).filter_map(|((shard, since), state)| Some((*shard, *since, state?)));
            let changes: Vec<_> =
                known.filter_map(|(shard, since, state)| Downgrade::new(shard, since, state)).collect();
            todo = changes.iter().map(|change| (change.shard, change.since)).collect();
            if let Err(error) = self.try_downgrade(&changes, &mut todo).await {
                pause(failures, error).await?;
                failures += 1;
            }
            let again: Vec<ShardId> = todo.iter().map(|(shard, _)| *shard).collect();
            self.core.read_shards(&again).await?;
        }
        Ok(())
    }

    /// One attempt; leaves in `todo` what has to be tried again.
    async fn try_downgrade(
        &self,
        changes: &[Downgrade],
        todo: &mut Vec<(ShardId, Frontier)>,
    ) -> Result<(), ExternalError> {
        if changes.is_empty() {
            return Ok(());
        }
        let requests: Vec<CompareAndSet> = changes.iter().map(Downgrade::request).collect();
        let outcomes = self.core.consensus.compare_and_set_each(&requests).await?;
        for (change, outcome) in changes.iter().zip(outcomes) {
            if outcome == CasOutcome::Committed {
                todo.retain(|(shard, _)| *shard != change.shard);
                self.downgraded(change);
            }
        }
        Ok(())
    }

    fn downgraded(&self, Downgrade { shard, state, diff, .. }: &Downgrade) {
        let seqno = state.seqno + 1;
        self.core.publish(&Transaction { clock: None, shards: vec![(*shard, seqno, diff.clone())] });
        if matches!(diff.change, Change::Drop { .. }) {
            let keys = state.blob_keys().map(str::to_string);
            self.core.garbage.add(keys, self.core.settings.delete_delay);
            let (core, shard) = (Arc::clone(&self.core), *shard);
            tokio::spawn(async move {
                if let Err(error) = core.truncate_shard(shard, seqno).await {
                    tracing::warn!(%error, %shard, "cannot truncate a dropped shard's log");
                }
            });
            return;
        }
        // Whoever only gives up history still has to keep the log short.
        let after = self.core.cache().shard(*shard);
        if let Some(after) = after {
            self.core.maintain(*shard, &after);
        }
    }

    /// Creates shards that follow the clock: empty up to its present upper, readable from time 0. Those that exist already, with the
    /// same columns, are left alone.
    pub async fn create_shards(
        &self,
        clock: &mut ClockWriter,
        shards: &[(ShardId, RelationDesc)],
    ) -> Result<(), PersistError> {
        let request = |(shard, desc): &(ShardId, RelationDesc)| {
            let change = Change::Create { clock: clock.clock().to_string(), desc: desc.clone() };
            let data = format::encode(Kind::Diff, &ShardDiff { change, rollup: None });
            CompareAndSet { key: shard_key(*shard), expected: None, data }
        };
        let requests: Vec<CompareAndSet> = shards.iter().map(request).collect();
        let mut failures = 0;
        while let Err(error) = self.core.consensus.compare_and_set_each(&requests).await {
            pause(failures, error).await?;
            failures += 1;
        }
        let ids: Vec<ShardId> = shards.iter().map(|(shard, _)| *shard).collect();
        let states = self.core.read_shards(&ids).await?;
        for ((shard, desc), state) in shards.iter().zip(states) {
            if !state.is_some_and(|state| state.clock == clock.clock() && state.desc == *desc) {
                return Err(PersistError::Usage(format!("shard {shard} exists already and is another one")));
            }
        }
        Ok(())
    }

    /// Deletes blobs that no state names; how many. For one process, now and then: a blob is deleted by the second call that
    /// finds it orphaned.
    pub async fn sweep_orphans(&self) -> Result<u64, PersistError> {
        self.core.sweep().await
    }
}

/// A change of a shard's since that is worth writing.
struct Downgrade {
    shard: ShardId,
    since: Frontier,
    state: Arc<ShardState>,
    diff: ShardDiff,
}

impl Downgrade {
    fn new(shard: ShardId, since: Frontier, state: Arc<ShardState>) -> Option<Self> {
        // With all updates before the present since, the contents at both are the same: the old promise costs nothing.
        let pointless = !since.is_done() && state.runs.iter().all(|(_, run)| run.upper <= state.since);
        if state.dropped || since <= state.since || pointless {
            return None;
        }
        let change = match since.is_done() {
            true => Change::Drop { clock: state.clock.clone() },
            false => Change::DowngradeSince(since),
        };
        let diff = state.diff(change);
        Some(Downgrade { shard, since, state, diff })
    }

    fn request(&self) -> CompareAndSet {
        cas_shard(self.shard, self.state.seqno, &self.diff)
    }
}

fn stats(state: &ShardState) -> ShardStats {
    let mut stats = ShardStats { runs: state.runs.len() as u64, ..Default::default() };
    for (_, run) in &state.runs {
        stats.updates += run.updates;
        stats.bytes += run.bytes;
        stats.parts += run.parts().len() as u64;
    }
    stats
}

/// The absolute path of `scheme:///path`.
fn path_of(url: &str, scheme: &str) -> Result<PathBuf, PersistError> {
    let invalid = |reason: String| PersistError::InvalidUrl { url: url.to_string(), reason };
    let (found, path) = url.split_once("://").ok_or_else(|| invalid(format!("expected {scheme}:///path")))?;
    if found != scheme {
        return Err(invalid(format!("{found} is not supported, expected {scheme}:///path")));
    }
    if path.is_empty() {
        return Err(invalid("the path is missing".into()));
    }
    std::path::absolute(path).map_err(|e| invalid(e.to_string()))
}
