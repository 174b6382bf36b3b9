//! What this process knows of clocks and shards, kept current by its own commits, by pushed transactions and by reads.
//!
//! The law: a shard's state counts as *current* only if it contains every write that the clock's cached record, or any record before it,
//! names. Two things make that so:
//!
//! * Records that arrive without a gap raise `required` of each shard they name, cached or being read just now.
//! * After a gap in a clock's records any of its followers may have changed. Gaps are numbered; a shard's state is current
//!   only if reading it began after the last gap of its clock.
//!
//! ORDER: a transaction's shard changes are applied before its clock record, under one lock; so whoever is woken by the clock finds
//! the shards.

#[cfg(test)]
mod tests;

use crate::clock::ClockRecord;
use crate::state::{ShardDiff, ShardState};
use crate::{ClockId, Transaction};
use repr::{Frontier, ShardId};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Clocks and shards by name.
#[derive(Default)]
pub(crate) struct Cache {
    clocks: HashMap<ClockId, ClockEntry>,
    shards: HashMap<ShardId, ShardEntry>,
    /// Number of the last gap of any clock.
    gaps: u64,
}

struct ClockEntry {
    newest: Option<(u64, Arc<ClockRecord>)>,
    /// Number of this clock's last gap.
    gap: u64,
    upper: watch::Sender<Frontier>,
}

/// A shard, from the moment somebody begins to read it.
#[derive(Default)]
struct ShardEntry {
    state: Option<Arc<ShardState>>,
    /// The newest version that a clock's record named.
    required: u64,
    /// Number of the last gap when the reading that gave `state` began.
    checked: u64,
    /// Whether this process writes it, and therefore compacts it.
    written: bool,
}

impl Default for ClockEntry {
    fn default() -> Self {
        ClockEntry { newest: None, gap: 0, upper: watch::Sender::new(Frontier::MIN) }
    }
}

impl Cache {
    /// The clock's newest known record.
    pub fn clock(&self, clock: &str) -> Option<(u64, Arc<ClockRecord>)> {
        self.clocks.get(clock)?.newest.clone()
    }

    /// The clock's upper, as it becomes known.
    pub fn watch(&mut self, clock: &str) -> watch::Receiver<Frontier> {
        self.clocks.entry(clock.to_string()).or_default().upper.subscribe()
    }

    /// Each clock with the number of the next record to read: all, or those that somebody watches.
    pub fn clocks_to_read(&self, all: bool) -> Vec<(ClockId, u64)> {
        let wanted = self.clocks.iter().filter(|(_, entry)| all || entry.upper.receiver_count() > 0);
        let next = |entry: &ClockEntry| entry.newest.as_ref().map_or(0, |(seqno, _)| seqno + 1);
        wanted.map(|(clock, entry)| (clock.clone(), next(entry))).collect()
    }

    /// Takes note of a record; one that is not newer is ignored.
    pub fn apply_record(&mut self, clock: &str, seqno: u64, record: &Arc<ClockRecord>) {
        if !self.clocks.contains_key(clock) {
            self.clocks.insert(clock.to_string(), ClockEntry::default());
        }
        let Some(entry) = self.clocks.get_mut(clock) else { return };
        let expected = entry.newest.as_ref().map(|(newest, _)| newest + 1);
        if expected.is_some_and(|expected| seqno < expected) {
            return;
        }
        if expected != Some(seqno) {
            self.gaps += 1;
            entry.gap = self.gaps;
        }
        for (shard, seqno) in &record.wrote {
            if let Some(shard) = self.shards.get_mut(shard) {
                shard.required = shard.required.max(*seqno);
            }
        }
        entry.newest = Some((seqno, Arc::clone(record)));
        // ORDER: last, so that whoever wakes up finds the rest done.
        entry.upper.send_if_modified(|upper| std::mem::replace(upper, record.upper) != record.upper);
    }

    /// Takes note of a transaction; the states that changed of shards that this process writes. The error names a version that
    /// contradicts the state it follows.
    pub fn apply(&mut self, txn: &Transaction) -> Result<Vec<(ShardId, Arc<ShardState>)>, String> {
        let mut changed = Vec::new();
        for (shard, seqno, diff) in &txn.shards {
            let Some(entry) = self.shards.get_mut(shard) else { continue };
            if entry.apply(*seqno, diff)? && entry.written {
                changed.extend(entry.state.clone().map(|state| (*shard, state)));
            }
        }
        if let Some((clock, seqno, record)) = &txn.clock {
            self.apply_record(clock, *seqno, record);
        }
        Ok(changed)
    }

    /// A state of the shard that was true at some time.
    pub fn shard(&self, shard: ShardId) -> Option<Arc<ShardState>> {
        self.shards.get(&shard)?.state.clone()
    }

    /// The shard's state, and its clock's upper, all writes before which the state contains; `None` if it must be read.
    pub fn current(&self, shard: ShardId) -> Option<(Arc<ShardState>, Frontier)> {
        let entry = self.shards.get(&shard)?;
        let state = entry.state.as_ref()?;
        let clock = self.clocks.get(&state.clock)?;
        let (_, record) = clock.newest.as_ref()?;
        let current = state.seqno >= entry.required && entry.checked >= clock.gap;
        (current || state.dropped).then(|| (Arc::clone(state), record.upper))
    }

    /// To be called before a shard is read: what is known, and the ticket for [`Cache::install`].
    pub fn begin_read(&mut self, shard: ShardId) -> (Option<Arc<ShardState>>, u64) {
        (self.shards.entry(shard).or_default().state.clone(), self.gaps)
    }

    /// A shard was read; `None`: it does not exist.
    pub fn install(&mut self, shard: ShardId, state: Option<&Arc<ShardState>>, ticket: u64) {
        let entry = self.shards.entry(shard).or_default();
        match state {
            Some(state) => {
                if entry.state.as_ref().is_none_or(|known| known.seqno < state.seqno) {
                    entry.state = Some(Arc::clone(state));
                }
                entry.checked = entry.checked.max(ticket);
            }
            None if entry.state.is_none() => drop(self.shards.remove(&shard)),
            None => {}
        }
    }

    /// This process wrote the shard.
    pub fn mark_written(&mut self, shard: ShardId) {
        if let Some(entry) = self.shards.get_mut(&shard) {
            entry.written = true;
        }
    }

    /// Whether this process wrote the shard.
    pub fn is_written(&self, shard: ShardId) -> bool {
        self.shards.get(&shard).is_some_and(|entry| entry.written)
    }
}

impl ShardEntry {
    /// Applies the next version; `false` if it is not the next.
    fn apply(&mut self, seqno: u64, diff: &ShardDiff) -> Result<bool, String> {
        self.required = self.required.max(seqno);
        let Some(state) = &self.state else { return Ok(false) };
        if seqno != state.seqno + 1 {
            return Ok(false);
        }
        self.state = Some(Arc::new(ShardState::apply(Some(state), seqno, diff)?));
        Ok(true)
    }
}
