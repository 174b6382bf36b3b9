//! Commits: one atomic change of a clock and of any number of shards that follow it.
//!
//! A commit is one `compare_and_set_all`. If shards moved meanwhile (a since, a compaction) it is built again on their new states; if the
//! clock moved, the caller decides. An answer that never came is resolved by reading back: each attempt carries a token of its own in the
//! clock's record, all attempts aim at the same version of the clock, so at most one of them ever lands.

use crate::clock::{ClockRecord, clock_key};
use crate::consensus::{CasOutcome, Versioned};
use crate::core::{Core, cas_shard, pause, retry};
use crate::format::{self, Kind};
use crate::state::{Change, Run};
use crate::{Batch, ClockId, CompareAndSet, PersistError, Transaction};
use repr::{Frontier, ShardId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Attempts without an answer to the question who is ahead; each failed one means that somebody else made progress.
const MISMATCHES_MAX: usize = 1000;

/// Writes to the shards that follow a clock.
pub struct ClockWriter {
    core: Arc<Core>,
    clock: ClockId,
    epoch: u64,
    seqno: u64,
    record: Arc<ClockRecord>,
}

/// A change of any number of shards, and of the clock.
#[derive(Debug)]
pub struct Commit {
    /// The clock's upper afterwards; beyond the present one.
    pub new_upper: Frontier,
    /// The clock's position afterwards; `None`: as before.
    pub position: Option<Vec<u8>>,
    /// What to append; times lie in `[old upper, new_upper)`. Writes to shards that were dropped are left out.
    pub writes: Vec<(ShardId, Batch)>,
    /// Other consensus keys to change in the same transaction.
    pub also: Vec<CompareAndSet>,
}

impl Commit {
    /// Only advances the clock.
    pub fn advance(new_upper: Frontier) -> Self {
        Commit { new_upper, position: None, writes: Vec::new(), also: Vec::new() }
    }
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// All of it is durable.
    Committed,
    /// Nothing happened: the clock is elsewhere. [`ClockWriter::refresh`] goes there.
    UpperMismatch {
        /// Where it is.
        current: Frontier,
    },
    /// Nothing happened: a newer process holds the clock.
    Fenced {
        /// Its epoch.
        epoch: u64,
    },
    /// Nothing happened: one of the keys in `also` has another version.
    AlsoMismatch,
}

/// Runs to append, by shard.
type Writes = BTreeMap<ShardId, Vec<Arc<Run>>>;

/// One attempt at a commit.
struct Attempt {
    changes: Vec<CompareAndSet>,
    txn: Transaction,
    record: Arc<ClockRecord>,
}

impl ClockWriter {
    /// Takes a clock, or makes it.
    pub(crate) async fn open(core: Arc<Core>, clock: &str, epoch: u64) -> Result<Self, PersistError> {
        let mut failures = 0;
        loop {
            let known = core.read_clock(clock).await?;
            let (expected, record) = match known {
                None => (None, ClockRecord::first(epoch, rand::random())),
                Some((_, record)) if record.epoch > epoch => {
                    return Err(PersistError::Fenced { clock: clock.to_string(), epoch: record.epoch });
                }
                Some((seqno, record)) if record.epoch == epoch => {
                    return Ok(ClockWriter { core, clock: clock.to_string(), epoch, seqno, record });
                }
                Some((seqno, record)) => (Some(seqno), record.taken_by(epoch, rand::random())),
            };
            let change = CompareAndSet { key: clock_key(clock), expected, data: format::encode(Kind::Clock, &record) };
            let seqno = change.seqno();
            match core.consensus.compare_and_set(change).await {
                Ok(CasOutcome::Committed) => {
                    let clock = Some((clock.to_string(), seqno, Arc::new(record)));
                    core.publish(&Transaction { clock, shards: Vec::new() });
                }
                Ok(CasOutcome::Mismatch(_)) => {}
                Err(error) => {
                    pause(failures, error).await?;
                    failures += 1;
                }
            }
        }
    }

    /// The clock's name.
    pub fn clock(&self) -> &str {
        &self.clock
    }

    /// The clock's upper, as of the last commit or refresh.
    pub fn upper(&self) -> Frontier {
        self.record.upper
    }

    /// The clock's position.
    pub fn position(&self) -> &[u8] {
        &self.record.position
    }

    /// The writer's epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// One atomic change. An error leaves open whether it happened; [`ClockWriter::refresh`] tells by the upper.
    pub async fn commit(&mut self, commit: Commit) -> Result<CommitOutcome, PersistError> {
        if commit.new_upper <= self.record.upper {
            let (from, to) = (self.record.upper, commit.new_upper);
            return Err(PersistError::Usage(format!("clock {} cannot go from {from} to {to}", self.clock)));
        }
        let mut batches = Vec::with_capacity(commit.writes.len());
        let writes = self.stage(commit.writes, commit.new_upper, &mut batches).await?;
        let mut unknown = Vec::new();
        let outcome = self.run(commit.new_upper, commit.position, &writes, &commit.also, &mut unknown).await;
        // Parts of a commit that certainly did not happen are deleted with their batches.
        let happened = matches!(outcome, Ok(CommitOutcome::Committed));
        if happened || (outcome.is_err() && !unknown.is_empty()) {
            batches.into_iter().for_each(Batch::keep);
        }
        outcome
    }

    /// Reads the clock again.
    pub async fn refresh(&mut self) -> Result<(), PersistError> {
        let newest = self.core.read_clock(&self.clock).await?;
        let (seqno, record) = newest.ok_or_else(|| PersistError::UnknownClock(self.clock.clone()))?;
        if record.epoch > self.epoch {
            return Err(PersistError::Fenced { clock: self.clock.clone(), epoch: record.epoch });
        }
        (self.seqno, self.record) = (seqno, record);
        Ok(())
    }

    /// Checks what is to be written and moves what is large to parts.
    async fn stage(
        &self,
        writes: Vec<(ShardId, Batch)>,
        upper: Frontier,
        batches: &mut Vec<Batch>,
    ) -> Result<Writes, PersistError> {
        let shards: Vec<ShardId> = writes.iter().map(|(shard, _)| *shard).collect();
        let states = self.core.any_states(&shards).await?;
        let lower = self.record.upper.time().unwrap_or_default(); // a clock that is done has no greater upper
        let mut staged = Writes::new();
        for ((shard, mut batch), state) in writes.into_iter().zip(states) {
            let state = state.ok_or(PersistError::UnknownShard(shard))?;
            if batch.shard() != shard || (!state.dropped && state.clock != self.clock) {
                return Err(PersistError::Usage(format!("{batch:?} cannot be written to {shard} by {}", self.clock)));
            }
            batch.spill(&self.core, &state.desc).await?;
            staged.entry(shard).or_default().extend(batch.runs(lower, upper)?);
            batches.push(batch);
        }
        staged.retain(|_, runs| !runs.is_empty());
        Ok(staged)
    }

    async fn run(
        &mut self,
        upper: Frontier,
        position: Option<Vec<u8>>,
        writes: &Writes,
        also: &[CompareAndSet],
        unknown: &mut Vec<u128>,
    ) -> Result<CommitOutcome, PersistError> {
        let mut failures = 0;
        for _ in 0..MISMATCHES_MAX {
            let attempt = self.attempt(upper, position.clone(), writes, also).await?;
            match self.core.consensus.compare_and_set_all(&attempt.changes).await {
                Ok(CasOutcome::Committed) => {
                    self.committed(attempt.record, attempt.txn.shards);
                    return Ok(CommitOutcome::Committed);
                }
                Ok(CasOutcome::Mismatch(heads)) => {
                    if let Some(outcome) = self.mismatch(&attempt, &heads, also.len(), unknown).await? {
                        return Ok(outcome);
                    }
                }
                Err(error) => {
                    if error.is_indeterminate() {
                        unknown.push(attempt.record.token);
                    }
                    pause(failures, error).await?;
                    failures += 1;
                }
            }
        }
        Err(PersistError::Usage(format!("a commit of clock {} never gets its turn", self.clock)))
    }

    /// Builds the transaction on the states that are known.
    async fn attempt(
        &self,
        upper: Frontier,
        position: Option<Vec<u8>>,
        writes: &Writes,
        also: &[CompareAndSet],
    ) -> Result<Attempt, PersistError> {
        let shards: Vec<ShardId> = writes.keys().copied().collect();
        let states = self.core.any_states(&shards).await?;
        let mut changes = Vec::with_capacity(1 + writes.len() + also.len());
        let mut diffs = Vec::with_capacity(writes.len());
        for ((shard, runs), state) in writes.iter().zip(states) {
            let state = state.ok_or(PersistError::UnknownShard(*shard))?;
            if state.dropped {
                continue;
            }
            let diff = state.diff(Change::Append(runs.clone()));
            changes.push(cas_shard(*shard, state.seqno, &diff));
            diffs.push((*shard, state.seqno + 1, diff));
        }
        let wrote = diffs.iter().map(|(shard, seqno, _)| (*shard, *seqno)).collect();
        let record = Arc::new(self.record.advanced(upper, position, rand::random(), wrote));
        let data = format::encode(Kind::Clock, &*record);
        changes.insert(0, CompareAndSet { key: clock_key(&self.clock), expected: Some(self.seqno), data });
        changes.extend_from_slice(also);
        let clock = Some((self.clock.clone(), self.seqno + 1, Arc::clone(&record)));
        Ok(Attempt { changes, txn: Transaction { clock, shards: diffs }, record })
    }

    /// Finds out who was ahead; `None`: try again on the states that are known now.
    async fn mismatch(
        &mut self,
        attempt: &Attempt,
        heads: &[Option<Versioned>],
        also: usize,
        unknown: &[u128],
    ) -> Result<Option<CommitOutcome>, PersistError> {
        let moved = |i: usize| heads[i].as_ref().map(|head| head.seqno) != attempt.changes[i].expected;
        if moved(0) {
            if !unknown.is_empty() && self.landed(unknown).await? {
                return Ok(Some(CommitOutcome::Committed));
            }
            let newest = self.core.read_clock(&self.clock).await?;
            let (seqno, record) = newest.ok_or_else(|| PersistError::UnknownClock(self.clock.clone()))?;
            if record.epoch != self.epoch {
                return Ok(Some(CommitOutcome::Fenced { epoch: record.epoch }));
            }
            if record.upper != self.record.upper {
                return Ok(Some(CommitOutcome::UpperMismatch { current: record.upper }));
            }
            (self.seqno, self.record) = (seqno, record);
        }
        let shards = attempt.changes.len() - also;
        if (shards..attempt.changes.len()).any(moved) {
            return Ok(Some(CommitOutcome::AlsoMismatch));
        }
        let stale: Vec<ShardId> = (1..shards).filter(|i| moved(*i)).map(|i| attempt.txn.shards[i - 1].0).collect();
        self.core.read_shards(&stale).await?;
        Ok(None)
    }

    /// Whether one of the attempts without an answer made the clock's next version.
    async fn landed(&mut self, unknown: &[u128]) -> Result<bool, PersistError> {
        let key = clock_key(&self.clock);
        let next = self.seqno + 1;
        let range = [(key.clone(), next)];
        let versions = retry(|| self.core.consensus.scan(&range)).await?.pop().unwrap_or_default();
        let Some(version) = versions.first().filter(|version| version.seqno == next) else {
            // Truncated meanwhile: far too late to tell.
            return Err(PersistError::Storage(crate::ExternalError::indeterminate("the clock moved on")));
        };
        let record: ClockRecord = format::decode(Kind::Clock, &key, &version.data)?;
        let landed = unknown.contains(&record.token);
        if landed {
            self.committed(Arc::new(record), Vec::new());
        }
        Ok(landed)
    }

    /// ORDER: called once it is durable.
    fn committed(&mut self, record: Arc<ClockRecord>, shards: Vec<(ShardId, u64, crate::state::ShardDiff)>) {
        (self.seqno, self.record) = (self.seqno + 1, Arc::clone(&record));
        {
            let mut cache = self.core.cache();
            record.wrote.iter().for_each(|(shard, _)| cache.mark_written(*shard));
        }
        self.core.publish(&Transaction { clock: Some((self.clock.clone(), self.seqno, record)), shards });
        let kept = self.core.settings.clock_records_kept;
        if self.seqno.is_multiple_of(kept.max(1)) {
            let (core, range) = (Arc::clone(&self.core), [(clock_key(&self.clock), self.seqno.saturating_sub(kept))]);
            tokio::spawn(async move {
                if let Err(error) = retry(|| core.consensus.truncate(&range)).await {
                    tracing::warn!(%error, "cannot truncate a clock's log");
                }
            });
        }
    }
}
