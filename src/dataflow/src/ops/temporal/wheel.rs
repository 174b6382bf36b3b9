//! Updates that wait for their time.
//!
//! ```text
//!  near: one list for each time │ far: one list for each bucket of times, consolidated as it doubles
//!  ─────────────────────────────┼──────────────┬──────────────┬─────▶
//!                            near_end
//! ```
//!
//! Time passing costs what is due, not what waits: a far bucket is taken apart once, when its first time comes. Updates that cancel before
//! their time take no room for long.

use differential_dataflow::consolidation::{consolidate, consolidate_updates};
use repr::{Diff, Frontier, Row, Timestamp};
use std::collections::BTreeMap;

/// A far bucket spans 2¹⁴ ms, some sixteen seconds.
const BUCKET_BITS: u32 = 14;
/// Buckets with less than this are not worth consolidating.
const CONSOLIDATE_MIN: usize = 1024;

/// Updates by time.
#[derive(Default)]
pub struct Wheel {
    near: BTreeMap<Timestamp, Vec<(Row, Diff)>>,
    /// Times before it are near.
    near_end: Timestamp,
    far: BTreeMap<u64, Bucket>,
}

#[derive(Default)]
struct Bucket {
    updates: Vec<(Row, Timestamp, Diff)>,
    /// How many there were when they last were consolidated.
    distinct: usize,
}

impl Wheel {
    /// Adds an update.
    pub fn insert(&mut self, time: Timestamp, row: Row, diff: Diff) {
        if time < self.near_end {
            self.near.entry(time).or_default().push((row, diff));
            return;
        }
        let bucket = self.far.entry(time >> BUCKET_BITS).or_default();
        bucket.updates.push((row, time, diff));
        if bucket.updates.len() > CONSOLIDATE_MIN.max(2 * bucket.distinct) {
            consolidate_updates(&mut bucket.updates);
            bucket.distinct = bucket.updates.len();
        }
    }

    /// Takes the updates of times before `frontier`, time by time, consolidated; stops after the time with which there are `enough`.
    pub fn take_before(&mut self, frontier: Frontier, enough: usize) -> Vec<(Timestamp, Vec<(Row, Diff)>)> {
        let (mut due, mut count) = (Vec::new(), 0);
        while count < enough && self.next_time().is_some_and(|time| frontier.is_beyond(time)) {
            let Some((time, mut updates)) = self.near.pop_first() else {
                self.open_bucket();
                continue;
            };
            consolidate(&mut updates);
            count += updates.len().max(1);
            due.push((time, updates));
        }
        due
    }

    /// How many updates wait.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.near.values().map(Vec::len).sum::<usize>() + self.far.values().map(|b| b.updates.len()).sum::<usize>()
    }

    /// A time that no update is before; none if there is no update.
    pub fn next_time(&self) -> Option<Timestamp> {
        let far = || self.far.keys().next().map(|bucket| bucket << BUCKET_BITS);
        self.near.keys().next().copied().or_else(far)
    }

    /// Makes the first far bucket near, once nothing else is.
    fn open_bucket(&mut self) {
        let Some((bucket, Bucket { mut updates, .. })) = self.far.pop_first() else { return };
        consolidate_updates(&mut updates);
        self.near_end = (bucket + 1).saturating_mul(1 << BUCKET_BITS);
        for (row, time, diff) in updates {
            self.near.entry(time).or_default().push((row, diff));
        }
    }
}
