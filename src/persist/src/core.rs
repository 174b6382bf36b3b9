//! What all handles of a process share: the stores, the cache, and how they are read together.

use crate::cache::Cache;
use crate::clock::{ClockRecord, clock_key};
use crate::consensus::{CasOutcome, Versioned};
use crate::format::{self, Kind};
use crate::gc::Garbage;
use crate::maintenance::Maintenance;
use crate::state::{Change, Part, Rollup, ShardDiff, ShardState, shard_key};
use crate::{Blob, CompareAndSet, Consensus, ExternalError, PersistError, Publisher, Settings, Transaction};
use bytes::Bytes;
use repr::{Frontier, ShardId};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// Failing operations are tried that often; with the delays between, for some seven seconds.
const ATTEMPTS: u32 = 14;
const BACKOFF_MIN: Duration = Duration::from_millis(2);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// A shard is read again if its clock moved meanwhile; that often in a row, something else is wrong.
const READS_MAX: usize = 1000;
/// A rollup can be replaced while it is being looked up; that often in a row, it is missing.
const ROLLUP_ATTEMPTS: usize = 4;

/// Shared by all handles of a process.
pub(crate) struct Core {
    pub blob: Arc<dyn Blob>,
    pub consensus: Arc<dyn Consensus>,
    pub settings: Settings,
    /// Names this process in the keys of parts.
    pub writer: u64,
    pub publisher: RwLock<Option<Publisher>>,
    pub push_connected: AtomicBool,
    /// Wakes the poller: it shall read all clocks now.
    pub poll_now: Notify,
    pub garbage: Garbage,
    pub maintenance: Maintenance,
    cache: Mutex<Cache>,
}

/// Whether a shard was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Yes.
    Yes,
    /// No.
    No,
    /// An attempt got no answer, and now there is nothing to do: perhaps because it succeeded.
    Unknown,
}

/// How long to wait after so many failures.
pub(crate) fn backoff(failures: u32) -> Duration {
    BACKOFF_MIN.saturating_mul(1 << failures.min(16)).min(BACKOFF_MAX)
}

/// Waits before the next attempt, or gives up with the error.
pub(crate) async fn pause(failures: u32, error: ExternalError) -> Result<(), ExternalError> {
    if failures + 1 >= ATTEMPTS {
        return Err(error);
    }
    tracing::warn!(%error, "storage operation failed, trying again");
    tokio::time::sleep(backoff(failures)).await;
    Ok(())
}

/// Repeats an operation that may be repeated.
pub(crate) async fn retry<T, F: Future<Output = Result<T, ExternalError>>>(
    mut operation: impl FnMut() -> F,
) -> Result<T, ExternalError> {
    let mut failures = 0;
    loop {
        match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => pause(failures, error).await?,
        }
        failures += 1;
    }
}

impl Core {
    pub fn new(
        blob: Arc<dyn Blob>,
        consensus: Arc<dyn Consensus>,
        settings: Settings,
        maintenance: Maintenance,
    ) -> Self {
        Core {
            blob,
            consensus,
            settings,
            writer: rand::random(),
            publisher: RwLock::default(),
            push_connected: AtomicBool::new(false),
            poll_now: Notify::new(),
            garbage: Garbage::default(),
            maintenance,
            cache: Mutex::default(),
        }
    }

    /// The cache; never held across an await.
    pub fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key for a new part.
    pub fn part_key(&self, shard: ShardId) -> String {
        format!("{shard}/n{:016x}/p{}", self.writer, uuid::Uuid::new_v4())
    }

    /// Applies a transaction that was made here to the cache, and sends it to the other processes.
    pub fn publish(&self, txn: &Transaction) {
        self.receive(txn);
        let publisher = self.publisher.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(publish) = publisher {
            publish(txn);
        }
    }

    /// Applies a transaction to the cache. A malformed one is left out: the gap it leaves is noticed and read.
    pub fn receive(&self, txn: &Transaction) {
        let changed = self.cache().apply(txn);
        match changed {
            Ok(changed) => changed.iter().for_each(|(shard, state)| self.maintain(*shard, state)),
            Err(reason) => tracing::error!(reason, "ignoring a pushed transaction"),
        }
    }

    /// Reads the records of clocks that are newer than those known.
    pub async fn read_clocks(&self, clocks: &[(String, u64)]) -> Result<(), PersistError> {
        if clocks.is_empty() {
            return Ok(());
        }
        let ranges: Vec<_> = clocks.iter().map(|(clock, from)| (clock_key(clock), *from)).collect();
        let scans = retry(|| self.consensus.scan(&ranges)).await?;
        for ((clock, _), versions) in clocks.iter().zip(scans) {
            for version in versions {
                let record: ClockRecord = format::decode(Kind::Clock, &clock_key(clock), &version.data)?;
                self.cache().apply_record(clock, version.seqno, &Arc::new(record));
            }
        }
        Ok(())
    }

    /// The newest record of a clock, read now.
    pub async fn read_clock(&self, clock: &str) -> Result<Option<(u64, Arc<ClockRecord>)>, PersistError> {
        let known = self.cache().clock(clock);
        match known {
            Some((seqno, _)) => self.read_clocks(&[(clock.to_string(), seqno + 1)]).await?,
            None => {
                let key = clock_key(clock);
                let Some(head) = retry(|| self.consensus.head(&key)).await? else { return Ok(None) };
                let record: ClockRecord = format::decode(Kind::Clock, &key, &head.data)?;
                self.cache().apply_record(clock, head.seqno, &Arc::new(record));
            }
        }
        Ok(self.cache().clock(clock))
    }

    /// The shard's state, and its clock's upper, all writes before which the state contains.
    pub async fn current(&self, shard: ShardId) -> Result<(Arc<ShardState>, Frontier), PersistError> {
        for _ in 0..READS_MAX {
            let current = self.cache().current(shard);
            if let Some((state, upper)) = current {
                return if state.dropped { Err(PersistError::ShardDropped(shard)) } else { Ok((state, upper)) };
            }
            let state = self.read_shard(shard).await?.ok_or(PersistError::UnknownShard(shard))?;
            let known = self.cache().clock(&state.clock).is_some();
            if !known && self.read_clock(&state.clock).await?.is_none() {
                return Err(PersistError::UnknownClock(state.clock.clone()));
            }
        }
        Err(PersistError::Corrupt {
            what: shard_key(shard),
            reason: "its clock names versions that do not exist".into(),
        })
    }

    /// States of shards that were true at some time; only those that are not known are read.
    pub async fn any_states(&self, shards: &[ShardId]) -> Result<Vec<Option<Arc<ShardState>>>, PersistError> {
        let unknown: Vec<ShardId> = {
            let cache = self.cache();
            shards.iter().copied().filter(|shard| cache.shard(*shard).is_none()).collect()
        };
        if !unknown.is_empty() {
            self.read_shards(&unknown).await?;
        }
        let cache = self.cache();
        Ok(shards.iter().map(|shard| cache.shard(*shard)).collect())
    }

    /// The state of a shard, read now; `None` if it was never created.
    pub async fn read_shard(&self, shard: ShardId) -> Result<Option<Arc<ShardState>>, PersistError> {
        Ok(self.read_shards(&[shard]).await?.pop().flatten())
    }

    /// The states of shards, read now, in one round trip.
    pub async fn read_shards(&self, shards: &[ShardId]) -> Result<Vec<Option<Arc<ShardState>>>, PersistError> {
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let known: Vec<_> = {
            let mut cache = self.cache();
            shards.iter().map(|shard| cache.begin_read(*shard)).collect()
        };
        let from = |state: &Option<Arc<ShardState>>| state.as_ref().map_or(0, |state| state.seqno + 1);
        let ranges: Vec<_> =
            shards.iter().zip(&known).map(|(shard, (state, _))| (shard_key(*shard), from(state))).collect();
        let scans = retry(|| self.consensus.scan(&ranges)).await?;
        let mut states = Vec::with_capacity(shards.len());
        for ((shard, (known, ticket)), versions) in shards.iter().zip(known).zip(scans) {
            let state = self.rebuild(*shard, known, versions).await?;
            self.cache().install(*shard, state.as_ref(), ticket);
            states.push(state);
        }
        Ok(states)
    }

    /// The state after `versions`, from the one known before them or from a rollup.
    async fn rebuild(
        &self,
        shard: ShardId,
        known: Option<Arc<ShardState>>,
        mut versions: Vec<Versioned>,
    ) -> Result<Option<Arc<ShardState>>, PersistError> {
        let key = shard_key(shard);
        for _ in 0..ROLLUP_ATTEMPTS {
            let Some(first) = versions.first() else { return Ok(known) };
            let next = known.as_ref().map_or(0, |state| state.seqno + 1);
            let mut diffs = Vec::with_capacity(versions.len());
            for version in &versions {
                diffs.push((version.seqno, format::decode::<ShardDiff>(Kind::Diff, &key, &version.data)?));
            }
            if first.seqno <= next {
                return replay(&key, known, diffs).map(Some);
            }
            if let Some(base) = self.base(&key, &diffs).await? {
                return replay(&key, base, diffs).map(Some);
            }
            // The rollup was replaced by a newer one while we looked for it.
            let all = [(key.clone(), 0)];
            versions = retry(|| self.consensus.scan(&all)).await?.pop().unwrap_or_default();
        }
        Err(PersistError::Corrupt { what: key, reason: "its rollup is missing".into() })
    }

    /// What a truncated log starts from: `Some(None)` if it is complete in itself, `None` if its rollup is gone.
    async fn base(
        &self,
        key: &str,
        diffs: &[(u64, ShardDiff)],
    ) -> Result<Option<Option<Arc<ShardState>>>, PersistError> {
        let Some((_, head)) = diffs.last() else { return Ok(Some(None)) };
        if matches!(head.change, Change::Drop { .. }) {
            return Ok(Some(None));
        }
        let missing = || PersistError::Corrupt { what: key.to_string(), reason: "truncated without a rollup".into() };
        let rollup = head.rollup.as_ref().ok_or_else(missing)?;
        let Some(bytes) = retry(|| self.blob.get(&rollup.key)).await? else { return Ok(None) };
        let mut state: ShardState = format::decode(Kind::Rollup, &rollup.key, &bytes)?;
        state.rollup = Some(rollup.clone());
        Ok(Some(Some(Arc::new(state))))
    }

    /// States of shards that contain all that their clocks complete now, in at most two round trips; `None`: never created.
    pub async fn fresh_states(&self, shards: &[ShardId]) -> Result<Vec<Option<Arc<ShardState>>>, PersistError> {
        let mut states = self.any_states(shards).await?;
        let clocks: BTreeSet<&str> = states.iter().flatten().map(|state| state.clock.as_str()).collect();
        let next = |clock: &str| self.cache().clock(clock).map_or(0, |(seqno, _)| seqno + 1);
        let clocks: Vec<_> = clocks.into_iter().map(|clock| (clock.to_string(), next(clock))).collect();
        self.read_clocks(&clocks).await?;
        let stale: Vec<usize> = {
            let cache = self.cache();
            (0..shards.len()).filter(|i| states[*i].is_some() && cache.current(shards[*i]).is_none()).collect()
        };
        if !stale.is_empty() {
            let ids: Vec<ShardId> = stale.iter().map(|i| shards[*i]).collect();
            for (i, state) in stale.into_iter().zip(self.read_shards(&ids).await?) {
                states[i] = state;
            }
        }
        Ok(states)
    }

    /// Changes one shard, unless `change` finds nothing to do. `change` is asked again whenever the state turns out to be
    /// another one, or when it is not known whether the change happened.
    pub async fn change_shard(
        &self,
        shard: ShardId,
        mut change: impl FnMut(&ShardState) -> Option<Change>,
    ) -> Result<Changed, PersistError> {
        let mut state = self.any_states(&[shard]).await?.pop().flatten();
        let (mut failures, mut unknown) = (0, false);
        let nothing = |unknown| if unknown { Changed::Unknown } else { Changed::No };
        loop {
            let Some(before) = state.as_ref().filter(|state| !state.dropped) else { return Ok(nothing(unknown)) };
            let Some(change) = change(before) else { return Ok(nothing(unknown)) };
            let diff = before.diff(change);
            match self.consensus.compare_and_set(cas_shard(shard, before.seqno, &diff)).await {
                Ok(CasOutcome::Committed) => {
                    self.publish(&Transaction { clock: None, shards: vec![(shard, before.seqno + 1, diff)] });
                    return Ok(Changed::Yes);
                }
                Ok(CasOutcome::Mismatch(_)) => {}
                Err(error) => {
                    unknown |= error.is_indeterminate();
                    pause(failures, error).await?;
                    failures += 1;
                }
            }
            state = self.read_shard(shard).await?;
        }
    }

    /// A blob that a state names; `None` if it was deleted since.
    pub async fn fetch(&self, part: &Part) -> Result<Option<Bytes>, PersistError> {
        Ok(retry(|| self.blob.get(&part.key)).await?)
    }

    /// Writes a rollup of a state.
    pub async fn write_rollup(&self, shard: ShardId, state: &ShardState) -> Result<Rollup, PersistError> {
        let key = format!("{shard}/v{}/r{}", state.seqno, uuid::Uuid::new_v4());
        let bytes = format::encode(Kind::Rollup, state);
        retry(|| self.blob.put(&key, bytes.clone())).await?;
        Ok(Rollup { seqno: state.seqno, key })
    }
}

/// The change of a shard's log from version `seqno` to the next.
pub(crate) fn cas_shard(shard: ShardId, seqno: u64, diff: &ShardDiff) -> CompareAndSet {
    CompareAndSet { key: shard_key(shard), expected: Some(seqno), data: format::encode(Kind::Diff, diff) }
}

/// Applies what comes after `base`.
fn replay(
    key: &str,
    base: Option<Arc<ShardState>>,
    diffs: Vec<(u64, ShardDiff)>,
) -> Result<Arc<ShardState>, PersistError> {
    let corrupt = |reason: String| PersistError::Corrupt { what: key.to_string(), reason };
    let mut state = base;
    let complete = diffs.iter().rposition(|(_, diff)| matches!(diff.change, Change::Drop { .. })).unwrap_or(0);
    for (seqno, diff) in &diffs[complete..] {
        if state.as_ref().is_some_and(|state| *seqno <= state.seqno) {
            continue;
        }
        state = Some(Arc::new(ShardState::apply(state.as_deref(), *seqno, diff).map_err(corrupt)?));
    }
    state.ok_or_else(|| corrupt("an empty log".into()))
}
