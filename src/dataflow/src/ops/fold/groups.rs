//! The sorted values of each key, and any function of them: top-k.

use super::{Fold, RowMap};
use crate::ops::Output;
use crate::ops::group::GroupLogic;
use crate::ops::multiset::Multiset;
use differential_dataflow::consolidation::consolidate;
use repr::{Diff, Row, RowRef, Timestamp};
use std::collections::BTreeMap;

/// Values by key. The logic is called with a group's values before and after each change; if it reads only the first few, a
/// change costs no more than finding its place.
pub struct Groups {
    live: RowMap<Multiset>,
    pending: BTreeMap<Timestamp, Pending>,
    logic: GroupLogic,
}

/// Updates of a time. Consolidated whenever they have doubled, so that churn before a time is complete takes no memory.
#[derive(Default)]
struct Pending {
    updates: Vec<((Row, Row), Diff)>,
    consolidate_at: usize,
}

/// Updates from which on consolidation is worth its while.
const CONSOLIDATE_MIN: usize = 4096;

impl Groups {
    /// Nothing yet.
    pub fn new(logic: GroupLogic) -> Self {
        Groups { live: RowMap::default(), pending: BTreeMap::new(), logic }
    }

    fn evaluate(logic: &mut GroupLogic, key: RowRef<'_>, group: &Multiset, output: &mut Output<Row>) {
        if !group.is_empty() {
            logic(key, &mut group.iter(), output);
        }
    }
}

impl Fold for Groups {
    fn absorb(&mut self, time: Timestamp, key: Row, value: Row, diff: Diff) {
        let pending = self.pending.entry(time).or_default();
        pending.updates.push(((key, value), diff));
        if pending.updates.len() > pending.consolidate_at.max(CONSOLIDATE_MIN) {
            consolidate(&mut pending.updates);
            pending.consolidate_at = pending.updates.len() * 2;
        }
    }

    fn flush(&mut self, time: Timestamp, output: &mut Output<Row>) {
        let Some(Pending { mut updates, .. }) = self.pending.remove(&time) else { return };
        consolidate(&mut updates);
        let mut updates = updates.into_iter().peekable();
        while let Some(((key, value), diff)) = updates.next() {
            let group = self.live.entry(key.clone()).or_default();
            let mark = output.mark();
            Self::evaluate(&mut self.logic, key.as_ref(), group, output);
            output.negate_since(mark);
            group.update(value, diff);
            while let Some(((_, value), diff)) = updates.next_if(|((next, _), _)| *next == key) {
                group.update(value, diff);
            }
            Self::evaluate(&mut self.logic, key.as_ref(), group, output);
            output.consolidate_since(mark);
            if group.is_empty() {
                self.live.remove(&key);
            }
        }
    }
}
