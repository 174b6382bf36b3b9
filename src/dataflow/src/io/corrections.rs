//! Updates still to be written, consolidated as they come: what a collection should hold minus what it holds.

use persist::Update;
use repr::{Frontier, Timestamp};

/// A multiset of updates that may cancel each other.
#[derive(Default)]
pub(super) struct Corrections {
    updates: Vec<Update>,
    /// Length after the last consolidation; the next one comes when it has doubled.
    settled: usize,
}

/// Fewer updates than this are not worth consolidating.
const SETTLE_MIN: usize = 1024;

impl Corrections {
    /// Adds updates.
    pub(super) fn add(&mut self, updates: impl IntoIterator<Item = Update>) {
        self.updates.extend(updates);
        if self.updates.len() > (2 * self.settled).max(SETTLE_MIN) {
            consolidate(&mut self.updates);
            self.settled = self.updates.len();
        }
    }

    /// Adds the opposite of updates.
    pub(super) fn subtract(&mut self, updates: impl IntoIterator<Item = Update>) {
        self.add(updates.into_iter().map(|u| Update { diff: -u.diff, ..u }));
    }

    /// Takes all updates before `upper`, at `lower` or later, consolidated and sorted by time.
    pub(super) fn take(&mut self, lower: Timestamp, upper: Frontier) -> Vec<Update> {
        let mut taken: Vec<Update> = self.updates.extract_if(.., |u| upper.is_beyond(u.time)).collect();
        self.settled = self.settled.min(self.updates.len());
        taken.iter_mut().for_each(|u| u.time = u.time.max(lower));
        consolidate(&mut taken);
        taken.sort_by_key(|u| u.time);
        taken
    }
}

/// Sorts and adds up equal updates.
pub(super) fn consolidate(updates: &mut Vec<Update>) {
    updates.sort_unstable_by(|a, b| (a.time, &a.data).cmp(&(b.time, &b.data)));
    updates.dedup_by(|next, kept| {
        let same = next.time == kept.time && next.data == kept.data;
        if same {
            kept.diff += next.diff;
        }
        same
    });
    updates.retain(|u| u.diff != 0);
}
