//! Aggregates of each key: sums and counts as accumulators, minima and the like over sorted arguments.
//!
//! A change costs what it changes: `sum` over a group of any size adds to an accumulator; `max` finds its place in the sorted
//! arguments and reads the last. Only aggregates that show every argument (`array_agg`) read the whole group.

use super::{Fold, RowMap};
use crate::ops::Output;
use crate::ops::errors::negative_count;
use crate::ops::group::GroupLogic;
use crate::ops::multiset::Multiset;
use crate::render::sort_key::row_of;
use expr::aggregate::Accum;
use expr::{AggregateExpr, AggregateFunc};
use repr::{Datum, Diff, EvalError, Row, RowPacker, RowRef, Timestamp};
use std::collections::BTreeMap;

/// From a key and the aggregates' values to results.
pub type ResultLogic = Box<dyn FnMut(RowRef<'_>, RowRef<'_>, &mut Output<Row>)>;

/// How an aggregate is maintained.
#[derive(Clone, Debug)]
pub struct Spec {
    func: AggregateFunc,
    distinct: bool,
    /// Whether accumulators suffice; else arguments are kept, sorted.
    accumulable: bool,
}

impl Spec {
    /// The way that suits the aggregate.
    pub fn new(aggregate: &AggregateExpr) -> Self {
        let func = aggregate.func.clone();
        Spec { accumulable: func.accumulable(), func, distinct: aggregate.distinct }
    }

    /// Whether its arguments come as sorted rows.
    pub fn is_sorted(&self) -> bool {
        !self.accumulable
    }

    /// Whether arguments with a NULL first never count.
    fn skips_null(&self) -> bool {
        matches!(self.func, AggregateFunc::Min | AggregateFunc::Max | AggregateFunc::StringAgg)
    }

    fn state(&self) -> State {
        match (self.accumulable, self.distinct) {
            (true, false) => State::Accum(Accum::new(&self.func)),
            (true, true) => State::DistinctAccum(Multiset::default(), Accum::new(&self.func)),
            (false, _) => State::Sorted(Multiset::default()),
        }
    }

    fn change(&self) -> Change {
        if self.accumulable && !self.distinct {
            Change::Accum(Accum::new(&self.func))
        } else {
            Change::Rows(Vec::new())
        }
    }
}

/// What is kept for one aggregate of one key.
enum State {
    Accum(Accum),
    /// Distinct arguments with their counts; the accumulator has each once.
    DistinctAccum(Multiset, Accum),
    Sorted(Multiset),
}

/// How one aggregate of one key changes at a time.
enum Change {
    Accum(Accum),
    Rows(Vec<(Row, Diff)>),
}

/// Rows of a group and all its aggregates.
struct Group {
    count: Diff,
    states: Vec<State>,
}

/// Changes of a group at a time.
struct GroupChange {
    count: Diff,
    changes: Vec<Change>,
}

impl GroupChange {
    fn new(specs: &[Spec]) -> Self {
        GroupChange { count: 0, changes: specs.iter().map(Spec::change).collect() }
    }

    /// Adds a row's arguments: for each aggregate NULL, or the arguments as an opaque byte string.
    fn add(&mut self, specs: &[Spec], arguments: RowRef<'_>, diff: Diff) {
        self.count += diff;
        for ((spec, change), argument) in specs.iter().zip(&mut self.changes).zip(arguments.iter()) {
            let Datum::Bytes(bytes) = argument else { continue };
            let args = RowRef::from_encoded(bytes);
            match change {
                Change::Accum(accum) => accum.add(&spec.func, args, diff),
                Change::Rows(rows) => {
                    let shown = if spec.is_sorted() { row_of(args) } else { args };
                    if !(spec.skips_null() && shown.iter().next().is_some_and(|datum| datum.is_null())) {
                        rows.push((args.to_row(), diff));
                    }
                }
            }
        }
    }
}

impl Group {
    fn new(specs: &[Spec]) -> Self {
        Group { count: 0, states: specs.iter().map(Spec::state).collect() }
    }

    fn apply(&mut self, specs: &[Spec], change: GroupChange) {
        self.count += change.count;
        for ((spec, state), change) in specs.iter().zip(&mut self.states).zip(change.changes) {
            match (state, change) {
                (State::Accum(state), Change::Accum(change)) => state.plus(&change),
                (State::DistinctAccum(seen, state), Change::Rows(rows)) => {
                    rows.into_iter().for_each(|(row, diff)| add_distinct(&spec.func, seen, state, row, diff));
                }
                (State::Sorted(state), Change::Rows(rows)) => {
                    rows.into_iter().for_each(|(row, diff)| _ = state.update(row, diff));
                }
                _ => unreachable!("state and change are made of the same spec"),
            }
        }
    }

    /// Whether nothing is left of it.
    fn is_empty(&self) -> bool {
        self.count == 0
            && self.states.iter().all(|state| match state {
                State::Accum(accum) => accum.is_zero(),
                State::DistinctAccum(seen, _) => seen.is_empty(),
                State::Sorted(values) => values.is_empty(),
            })
    }

    /// The aggregates' values, if the group has rows.
    fn finish(&self, specs: &[Spec], packer: &mut RowPacker) -> Result<bool, EvalError> {
        if self.is_empty() {
            return Ok(false);
        }
        if self.count <= 0 {
            return Err(negative_count("a group"));
        }
        packer.clear();
        for (spec, state) in specs.iter().zip(&self.states) {
            match state {
                State::Accum(accum) | State::DistinctAccum(_, accum) => spec.func.finish(accum, packer)?,
                State::Sorted(values) => finish_sorted(spec, values, packer)?,
            }
        }
        Ok(true)
    }
}

/// Each argument counts once as long as there is at least one of it.
fn add_distinct(func: &AggregateFunc, seen: &mut Multiset, accum: &mut Accum, row: Row, diff: Diff) {
    let before = seen.update(row.clone(), diff);
    let change = Diff::from(before + diff > 0) - Diff::from(before > 0);
    if change != 0 {
        accum.add(func, row.as_ref(), change);
    }
}

fn finish_sorted(spec: &Spec, values: &Multiset, packer: &mut RowPacker) -> Result<(), EvalError> {
    let first = match spec.func {
        AggregateFunc::Min => values.iter().next(),
        AggregateFunc::Max => values.iter().next_back(),
        _ => {
            let mut rows = Vec::new();
            for (sorted, count) in values.iter() {
                let count = u64::try_from(count).map_err(|_| negative_count("an aggregate"))?;
                rows.push((row_of(sorted), if spec.distinct { 1 } else { count }));
            }
            return spec.func.eval_sorted(rows, packer);
        }
    };
    match first {
        Some((_, count)) if count < 0 => return Err(negative_count("an aggregate")),
        Some((sorted, _)) => packer.extend(row_of(sorted).iter().take(1)),
        None => packer.push(Datum::Null),
    }
    Ok(())
}

/// Aggregates by key.
pub struct Aggregates {
    specs: Vec<Spec>,
    live: RowMap<Group>,
    pending: BTreeMap<Timestamp, RowMap<GroupChange>>,
    emitter: Emitter,
}

/// Emits what a group shows.
struct Emitter {
    results: ResultLogic,
    packer: RowPacker,
}

impl Emitter {
    fn emit(&mut self, specs: &[Spec], key: RowRef<'_>, group: &Group, output: &mut Output<Row>) {
        match group.finish(specs, &mut self.packer) {
            Ok(true) => (self.results)(key, RowRef::from_encoded(self.packer.encoded()), output),
            Ok(false) => {}
            Err(error) => output.err(error),
        }
    }
}

impl Aggregates {
    /// Nothing yet.
    pub fn new(specs: Vec<Spec>, results: ResultLogic) -> Self {
        let emitter = Emitter { results, packer: RowPacker::new() };
        Aggregates { specs, live: RowMap::default(), pending: BTreeMap::new(), emitter }
    }
}

impl Fold for Aggregates {
    fn absorb(&mut self, time: Timestamp, key: Row, value: Row, diff: Diff) {
        let changes = self.pending.entry(time).or_default();
        let change = changes.entry(key).or_insert_with(|| GroupChange::new(&self.specs));
        change.add(&self.specs, value.as_ref(), diff);
    }

    fn flush(&mut self, time: Timestamp, output: &mut Output<Row>) {
        let Aggregates { specs, live, pending, emitter } = self;
        for (key, change) in pending.remove(&time).into_iter().flatten() {
            let group = live.entry(key.clone()).or_insert_with(|| Group::new(specs));
            let mark = output.mark();
            emitter.emit(specs, key.as_ref(), group, output);
            output.negate_since(mark);
            group.apply(specs, change);
            emitter.emit(specs, key.as_ref(), group, output);
            output.consolidate_since(mark);
            if group.is_empty() {
                live.remove(&key);
            }
        }
    }
}

/// The same results, each time from the whole group: for times that are not totally ordered.
pub fn aggregates_from_scratch(specs: Vec<Spec>, results: ResultLogic) -> GroupLogic {
    let mut emitter = Emitter { results, packer: RowPacker::new() };
    Box::new(move |key, values, output| {
        let (mut group, mut change) = (Group::new(&specs), GroupChange::new(&specs));
        values.for_each(|(value, count)| change.add(&specs, value, count));
        group.apply(&specs, change);
        emitter.emit(&specs, key, &group, output);
    })
}
