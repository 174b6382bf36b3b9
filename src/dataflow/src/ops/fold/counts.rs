//! A count per key, and what a count stands for: DISTINCT and threshold.

use super::{Fold, RowMap};
use crate::ops::Output;
use repr::{Diff, Row, RowRef, Timestamp};
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

/// From a key and its count, never 0, to results.
pub type CountLogic = Box<dyn FnMut(RowRef<'_>, Diff, &mut Output<Row>)>;

/// How often each key occurs; values are ignored.
pub struct Counts {
    live: RowMap<Diff>,
    pending: BTreeMap<Timestamp, RowMap<Diff>>,
    logic: CountLogic,
}

impl Counts {
    /// Nothing yet.
    pub fn new(logic: CountLogic) -> Self {
        Counts { live: RowMap::default(), pending: BTreeMap::new(), logic }
    }

    fn emit(&mut self, key: RowRef<'_>, before: Diff, after: Diff, output: &mut Output<Row>) {
        let mark = output.mark();
        if before != 0 {
            (self.logic)(key, before, output);
            output.negate_since(mark);
        }
        if after != 0 {
            (self.logic)(key, after, output);
        }
        output.consolidate_since(mark);
    }
}

impl Fold for Counts {
    fn absorb(&mut self, time: Timestamp, key: Row, _value: Row, diff: Diff) {
        *self.pending.entry(time).or_default().entry(key).or_default() += diff;
    }

    fn flush(&mut self, time: Timestamp, output: &mut Output<Row>) {
        let Some(changes) = self.pending.remove(&time) else { return };
        for (key, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
            let before = self.live.get(&key).copied().unwrap_or_default();
            self.emit(key.as_ref(), before, before + change, output);
            match self.live.entry(key) {
                Entry::Vacant(entry) => _ = entry.insert(change),
                Entry::Occupied(entry) if before + change == 0 => _ = entry.remove(),
                Entry::Occupied(mut entry) => *entry.get_mut() += change,
            }
        }
    }
}
