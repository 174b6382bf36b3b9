//! Window functions: each partition's rows in order, and the rows around a change evaluated before and after it.
//!
//! ```text
//! changes ─▶ how far they reach before │ applied │ how far they reach after ─▶ regions
//!            regions evaluated before, taken away; evaluated after, added; what is the same cancels
//! ```
//!
//! Nothing is kept but the rows: what they showed before is evaluated again, where a change reaches.

mod reach;

use super::{Fold, RowMap};
use crate::ops::Output;
use crate::ops::group::GroupLogic;
use differential_dataflow::consolidation::consolidate;
use expr::window::{Evaluator, Partition, View, Windows};
use reach::{Before, Region, regions};
use repr::{Diff, Row, Timestamp};
use std::collections::BTreeMap;
use std::ops::Range;

/// Changes of so many rows in proportion to a partition's make that all of it is evaluated.
const SHARE: usize = 16;
/// Updates from which on consolidation of what waits is worth its while.
const CONSOLIDATE_MIN: usize = 4096;

/// Partitions by key; values are sorted rows.
pub struct WindowedRows {
    windows: Windows,
    live: RowMap<Partition>,
    pending: BTreeMap<Timestamp, Pending>,
}

/// Updates of a time; consolidated whenever they have doubled.
#[derive(Default)]
struct Pending {
    updates: Vec<((Row, Row), Diff)>,
    consolidate_at: usize,
}

impl WindowedRows {
    /// Nothing yet.
    pub fn new(windows: Windows) -> Self {
        WindowedRows { windows, live: RowMap::default(), pending: BTreeMap::new() }
    }
}

impl Fold for WindowedRows {
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
        let mut changes = Vec::new();
        while let Some(((key, value), diff)) = updates.next() {
            changes.push((value, diff));
            while let Some(((_, value), diff)) = updates.next_if(|((next, _), _)| *next == key) {
                changes.push((value, diff));
            }
            let partition = self.live.entry(key.clone()).or_default();
            let mark = output.mark();
            change(&self.windows, partition, std::mem::take(&mut changes), output);
            output.consolidate_since(mark);
            if partition.is_empty() {
                self.live.remove(&key);
            }
        }
    }
}

/// Applies changes, sorted by row and each row once, to a partition and emits how what it shows changes.
fn change(windows: &Windows, partition: &mut Partition, changes: Vec<(Row, Diff)>, output: &mut Output<Row>) {
    if partition.is_empty() {
        *partition = Partition::from_sorted(changes);
        return show(windows, partition, None, 1, output);
    }
    let few = changes.len() * SHARE < partition.size();
    let before = (few && partition.check().is_ok()).then(|| Before::of(&partition.view(windows), &changes));
    let Some(before) = before else {
        show(windows, partition, None, -1, output);
        apply(partition, &changes, 1);
        return show(windows, partition, None, 1, output);
    };
    apply(partition, &changes, 1);
    let regions = partition.check().ok().and_then(|()| regions(before, &partition.view(windows), &changes));
    show(windows, partition, regions.as_deref(), 1, output);
    apply(partition, &changes, -1);
    show(windows, partition, regions.as_deref(), -1, output);
    apply(partition, &changes, 1);
}

fn apply(partition: &mut Partition, changes: &[(Row, Diff)], sign: Diff) {
    changes.iter().for_each(|(row, diff)| partition.update(row, sign * diff));
}

/// Emits what a partition shows in some regions, or all of it, with this sign.
fn show(windows: &Windows, partition: &Partition, regions: Option<&[Region]>, sign: Diff, output: &mut Output<Row>) {
    if partition.is_empty() {
        return;
    }
    if let Err(error) = partition.check() {
        return output.errors.push((error, sign));
    }
    let view = partition.view(windows);
    let mut evaluator = Evaluator::new(&view);
    let mut evaluate = |range: Range<usize>| {
        evaluator.run(range, &mut |row| match row {
            Ok(row) => output.rows.push((row, sign)),
            Err(error) => output.errors.push((error, sign)),
        });
    };
    match regions {
        None => evaluate(0..view.len()),
        Some(regions) => regions.iter().for_each(|region| evaluate(positions(&view, region))),
    }
}

fn positions(view: &View<'_>, region: &Region) -> Range<usize> {
    let start = view.lower(&region.from);
    let end = region.to.as_ref().map_or(view.len(), |to| view.upper(to));
    start..end.max(start)
}

/// The same results, each time from the whole partition: for times that are not totally ordered.
pub fn windows_from_scratch(windows: Windows) -> GroupLogic {
    Box::new(move |_key, values, output| {
        let rows = values.map(|(row, count)| (row.to_row(), count)).collect();
        show(&windows, &Partition::from_sorted(rows), None, 1, output);
    })
}
