//! Work in the background: compaction, rollups, deletion, and reading clocks that nobody pushes.
//!
//! One task each for maintaining shards, deleting, and polling. They hold the core weakly and end with its last handle. A shard is
//! maintained by the processes that write it, when a change makes it necessary; nothing happens to a shard that does not change.

use crate::PersistError;
use crate::compact;
use crate::core::{Changed, Core};
use crate::state::{Change, ShardState};
use repr::ShardId;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Shards maintained at once: a large compaction does not keep small ones waiting.
const CONCURRENCY: usize = 2;
const JANITOR_INTERVAL_MAX: Duration = Duration::from_secs(10);
const JANITOR_INTERVAL_MIN: Duration = Duration::from_millis(20);

/// Shards that need work.
pub(crate) struct Maintenance {
    queue: mpsc::UnboundedSender<ShardId>,
    /// In the queue or being worked on; bounds the queue by the number of shards.
    pending: Mutex<HashSet<ShardId>>,
}

impl Maintenance {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<ShardId>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        (Maintenance { queue, pending: Mutex::default() }, receiver)
    }

    fn add(&self, shard: ShardId) {
        if self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(shard) {
            let _ = self.queue.send(shard); // without background tasks there is no maintenance
        }
    }

    fn done(&self, shard: ShardId) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&shard);
    }
}

/// Starts the background tasks on the present runtime.
pub(crate) fn spawn(core: &Arc<Core>, queue: mpsc::UnboundedReceiver<ShardId>) {
    tokio::spawn(maintain_shards(Arc::downgrade(core), queue));
    tokio::spawn(collect(Arc::downgrade(core)));
    tokio::spawn(poll(Arc::downgrade(core)));
}

async fn maintain_shards(core: Weak<Core>, mut queue: mpsc::UnboundedReceiver<ShardId>) {
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    while let Some(shard) = queue.recv().await {
        let (Some(core), Ok(permit)) = (core.upgrade(), Arc::clone(&permits).acquire_owned().await) else { return };
        tokio::spawn(async move {
            let result = core.maintain_now(shard).await;
            core.maintenance.done(shard);
            let state = core.cache().shard(shard);
            match (result, state) {
                // What was committed meanwhile may need work again.
                (Ok(()), Some(state)) => core.maintain(shard, &state),
                (Ok(()), None) => {}
                (Err(error), _) => {
                    tracing::warn!(%error, %shard, "cannot compact a shard, will try after its next change")
                }
            }
            drop(permit);
        });
    }
}

async fn collect(core: Weak<Core>) {
    while let Some(strong) = core.upgrade() {
        strong.collect_garbage().await;
        let interval = (strong.settings.delete_delay / 10).clamp(JANITOR_INTERVAL_MIN, JANITOR_INTERVAL_MAX);
        drop(strong);
        tokio::time::sleep(interval).await;
    }
}

/// Reads all clocks that somebody waits for, in one query: often while nothing is pushed, seldom otherwise.
async fn poll(core: Weak<Core>) {
    let mut all = false;
    while let Some(strong) = core.upgrade() {
        let clocks = strong.cache().clocks_to_read(all);
        if let Err(error) = strong.read_clocks(&clocks).await {
            tracing::warn!(%error, "cannot read the clocks");
        }
        let pushed = strong.push_connected.load(Ordering::Relaxed);
        let settings = &strong.settings;
        let interval = if pushed { settings.poll_interval_pushed } else { settings.poll_interval };
        all = tokio::time::timeout(interval, strong.poll_now.notified()).await.is_ok();
    }
}

impl Core {
    /// Queues a shard if its state needs work that falls to this process.
    pub fn maintain(&self, shard: ShardId, state: &ShardState) {
        let compacts = self.cache().is_written(shard) && compact::plan(state, &self.settings).is_some();
        if !state.dropped && (compacts || self.needs_rollup(state)) {
            self.maintenance.add(shard);
        }
    }

    fn needs_rollup(&self, state: &ShardState) -> bool {
        let newest = state.rollup.as_ref().map_or(0, |rollup| rollup.seqno);
        state.seqno - newest >= self.settings.rollup_versions
    }

    async fn maintain_now(self: &Arc<Self>, shard: ShardId) -> Result<(), PersistError> {
        let Some(state) = self.cache().shard(shard).filter(|state| !state.dropped) else { return Ok(()) };
        let written = self.cache().is_written(shard);
        if written && let Some(inputs) = compact::plan(&state, &self.settings) {
            compact::run(self, shard, &state, inputs).await?;
        }
        let Some(state) = self.cache().shard(shard) else { return Ok(()) };
        if !state.dropped && self.needs_rollup(&state) {
            self.roll_up(shard, &state).await?;
        }
        Ok(())
    }

    /// ORDER: write the rollup, name it, forget the log before it, delete the rollup before it (after the usual delay, because
    /// somebody may have read the old head just now).
    async fn roll_up(&self, shard: ShardId, state: &ShardState) -> Result<(), PersistError> {
        let rollup = self.write_rollup(shard, state).await?;
        let mut replaced = None;
        let changed = self.change_shard(shard, |now| {
            let newest = now.rollup.as_ref().map_or(0, |rollup| rollup.seqno);
            replaced = now.rollup.as_ref().map(|rollup| rollup.key.clone());
            (newest < rollup.seqno).then(|| Change::Rollup(rollup.clone()))
        });
        let delay = self.settings.delete_delay;
        match changed.await? {
            Changed::Yes => {
                self.truncate_shard(shard, rollup.seqno + 1).await?;
                self.garbage.add(replaced, delay);
            }
            Changed::No => self.garbage.add([rollup.key], delay),
            // Ours may be the one that is named; if not, it is an orphan.
            Changed::Unknown => {}
        }
        Ok(())
    }
}
