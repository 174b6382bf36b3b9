//! Deleting: blobs that no state names any more, after a delay for readers of earlier states, and orphans.
//!
//! ORDER: write a blob, name it in a state, drop it from the state, delete it. A crash between any two leaves at most an orphan,
//! which [`sweep`] finds. The queue is in memory: what it held when a process ended has become orphans.

use crate::PersistError;
use crate::core::{Core, retry};
use crate::state::shard_key;
use repr::ShardId;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A deletion that failed is tried again after this.
const RETRY: Duration = Duration::from_secs(30);

/// Blobs to delete, each with the time from which it may be.
#[derive(Default)]
pub(crate) struct Garbage {
    queue: Mutex<Vec<(Instant, String)>>,
    /// Orphans that a sweep saw, and when it first did.
    suspects: Mutex<HashMap<String, Instant>>,
}

impl Garbage {
    fn queue(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Will delete blobs after a delay.
    pub fn add(&self, keys: impl IntoIterator<Item = String>, delay: Duration) {
        let due = Instant::now() + delay;
        self.queue().extend(keys.into_iter().map(|key| (due, key)));
    }

    fn take_due(&self) -> Vec<String> {
        let now = Instant::now();
        self.queue().extract_if(.., |(due, _)| *due <= now).map(|(_, key)| key).collect()
    }
}

impl Core {
    /// Deletes what is due.
    pub async fn collect_garbage(&self) {
        for key in self.garbage.take_due() {
            if let Err(error) = self.blob.delete(&key).await {
                tracing::warn!(%error, key, "cannot delete a blob, will try again");
                self.garbage.add([key], RETRY);
            }
        }
    }

    /// Deletes blobs that no state names: old enough that nobody is about to name them, and seen by an earlier sweep that is longer ago
    /// than readers of earlier states take. Returns how many.
    pub async fn sweep(&self) -> Result<u64, PersistError> {
        let listing = retry(|| self.blob.list("s")).await?;
        let old =
            listing.into_iter().filter(|blob| blob.modified.elapsed().is_ok_and(|age| age >= self.settings.orphan_age));
        let mut by_shard: HashMap<ShardId, Vec<String>> = HashMap::new();
        for blob in old {
            let Some(shard) = blob.key.split('/').next().and_then(|name| name.parse().ok()) else { continue };
            by_shard.entry(shard).or_default().push(blob.key);
        }
        let mut orphans = HashSet::new();
        for (shard, keys) in by_shard {
            // Read after the listing: a part that was named in between is named in this state.
            let state = self.read_shard(shard).await?;
            let named: HashSet<&str> = state.iter().flat_map(|state| state.blob_keys()).collect();
            orphans.extend(keys.into_iter().filter(|key| !named.contains(key.as_str())));
        }
        let due = self.garbage.confirm(orphans, self.settings.delete_delay);
        for key in &due {
            retry(|| self.blob.delete(key)).await?;
        }
        Ok(due.len() as u64)
    }

    /// Forgets the part of a shard's log that its rollup makes superfluous.
    pub async fn truncate_shard(&self, shard: ShardId, below: u64) -> Result<(), PersistError> {
        let range = [(shard_key(shard), below)];
        Ok(retry(|| self.consensus.truncate(&range)).await?)
    }
}

impl Garbage {
    /// Of these orphans those that were orphans `delay` ago already; remembers the others.
    fn confirm(&self, orphans: HashSet<String>, delay: Duration) -> Vec<String> {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        suspects.retain(|key, _| orphans.contains(key));
        for key in orphans {
            suspects.entry(key).or_insert_with(Instant::now);
        }
        suspects.extract_if(|_, since| since.elapsed() >= delay).map(|(key, _)| key).collect()
    }
}
