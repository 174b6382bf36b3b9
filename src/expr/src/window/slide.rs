//! Aggregates over ranges of a partition that move on from row to row.
//!
//! Sums take back what leaves a range. Minima and maxima keep the values that can still become the best: each is worse than the one
//! before it and better than all rows after it. Everything else is computed anew for each range.

use super::partition::{Part, View};
use super::{WindowExpr, WindowFunc};
use crate::aggregate::{Accum, AggregateFunc};
use crate::scalar::ScalarExpr;
use repr::{Datum, Diff, EvalError, Row, RowRef};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Range;

/// Rows that may come and go one by one before summing blocks anew is considered.
const STEPS_MAX: usize = 512;

/// What rows add up to for a function.
#[derive(Debug)]
pub(super) enum Summary {
    /// The function does not add up.
    None,
    /// Of a sum.
    Sum(Accum),
    /// Of a minimum or maximum: the best value, if there is one.
    Best(Option<Row>),
}

impl Summary {
    pub(super) fn of<'a>(function: &WindowExpr, rows: impl Iterator<Item = (RowRef<'a>, Diff)>) -> Summary {
        let WindowFunc::Aggregate(func) = &function.func else { return Summary::None };
        if func.accumulable() {
            let mut sum = Accum::Zero;
            rows.for_each(|(row, copies)| add(&mut sum, function, func, row, copies));
            return Summary::Sum(sum);
        }
        let Some(wanted) = wanted(func) else { return Summary::None };
        let mut best: Option<Row> = None;
        for (row, _) in rows {
            if let Some(value) = counted_value(function, row) {
                keep_better(&mut best, value, wanted);
            }
        }
        Summary::Best(best)
    }
}

/// Which of two values an extreme prefers.
fn wanted(func: &AggregateFunc) -> Option<Ordering> {
    match func {
        AggregateFunc::Min => Some(Ordering::Less),
        AggregateFunc::Max => Some(Ordering::Greater),
        _ => None,
    }
}

/// The value of an argument: a column or a constant.
pub(super) fn operand<'a>(expr: &'a ScalarExpr, row: RowRef<'a>) -> Datum<'a> {
    match expr {
        ScalarExpr::Column(column) => row.iter().nth(*column).unwrap_or(Datum::Null),
        ScalarExpr::Literal(Ok(value), _) => value.iter().next().unwrap_or(Datum::Null),
        _ => {
            debug_assert!(false, "arguments of window functions are columns and constants: {expr:?}");
            Datum::Null
        }
    }
}

/// Whether an aggregate's filter lets a row count.
fn counts(function: &WindowExpr, row: RowRef<'_>) -> bool {
    function.filter.as_ref().is_none_or(|filter| operand(filter, row).is_true())
}

/// The value that an extreme takes from a row, unless that is NULL or left out.
fn counted_value<'a>(function: &'a WindowExpr, row: RowRef<'a>) -> Option<Datum<'a>> {
    let value = operand(function.args.first()?, row);
    (!value.is_null() && counts(function, row)).then_some(value)
}

fn add(sum: &mut Accum, function: &WindowExpr, func: &AggregateFunc, row: RowRef<'_>, copies: Diff) {
    if counts(function, row) {
        let args: Vec<Datum<'_>> = function.args.iter().map(|arg| operand(arg, row)).collect();
        let added = func.accumulate(&args, copies);
        debug_assert!(added.is_ok(), "{added:?}");
        sum.plus_equals(&added.unwrap_or_default());
    }
}

/// Whether `value` comes before `other`; of values that SQL calls equal, the encoding decides.
fn is_better(value: Datum<'_>, other: &Row, wanted: Ordering) -> bool {
    let old = other.iter().next().unwrap_or(Datum::Null);
    value.cmp(&old).then_with(|| Row::pack([value]).cmp(other)) == wanted
}

fn keep_better(best: &mut Option<Row>, value: Datum<'_>, wanted: Ordering) {
    if best.as_ref().is_none_or(|best| is_better(value, best, wanted)) {
        *best = Some(Row::pack([value]));
    }
}

impl View<'_> {
    /// The sum of an accumulable aggregate over a range.
    pub(super) fn sum(&self, function: usize, range: Range<usize>) -> Accum {
        let expr = &self.windows().functions[function];
        let mut sum = Accum::Zero;
        let WindowFunc::Aggregate(func) = &expr.func else { return sum };
        self.parts(range, &mut |part| match part {
            Part::Row(row, copies) => add(&mut sum, expr, func, row, copies),
            Part::Block(block) => {
                if let Summary::Sum(of_block) = self.summary(block, function) {
                    sum.plus_equals(of_block);
                }
            }
        });
        sum
    }

    /// The best value of a minimum or maximum over a range.
    pub(super) fn best(&self, function: usize, range: Range<usize>) -> Option<Row> {
        let expr = &self.windows().functions[function];
        let WindowFunc::Aggregate(func) = &expr.func else { return None };
        let wanted = wanted(func)?;
        let mut best = None;
        self.parts(range, &mut |part| match part {
            Part::Row(row, _) => {
                if let Some(value) = counted_value(expr, row) {
                    keep_better(&mut best, value, wanted);
                }
            }
            Part::Block(block) => {
                if let Summary::Best(Some(of_block)) = self.summary(block, function)
                    && let Some(value) = of_block.iter().next()
                {
                    keep_better(&mut best, value, wanted);
                }
            }
        });
        best
    }
}

/// One aggregate over one range that moves.
pub(super) enum Slide {
    /// An accumulable aggregate.
    Sum(Range<usize>, Accum),
    /// A minimum or maximum.
    Best(Best),
    /// Any other: nothing is kept.
    Anew,
}

impl Slide {
    /// Of a function; the ranges of an `anchored` one all start with the partition.
    pub(super) fn new(function: &WindowExpr, anchored: bool) -> Slide {
        match &function.func {
            WindowFunc::Aggregate(func) if func.accumulable() => Slide::Sum(0..0, Accum::Zero),
            WindowFunc::Aggregate(func) => match wanted(func) {
                Some(wanted) => Slide::Best(Best { range: 0..0, kept: VecDeque::new(), wanted, anchored }),
                None => Slide::Anew,
            },
            _ => Slide::Anew,
        }
    }

    /// Moves to another range.
    pub(super) fn move_to(&mut self, view: &View<'_>, function: usize, to: &Range<usize>) {
        match self {
            Slide::Sum(range, sum) => {
                move_sum(view, function, range, sum, to);
                *range = to.clone();
            }
            Slide::Best(best) => best.move_to(view, function, to),
            Slide::Anew => {}
        }
    }
}

fn move_sum(view: &View<'_>, function: usize, from: &Range<usize>, sum: &mut Accum, to: &Range<usize>) {
    let steps = from.start.abs_diff(to.start) + from.end.abs_diff(to.end);
    let apart = to.start >= from.end || from.start >= to.end;
    if apart || steps > STEPS_MAX.max(to.len()) || (steps > STEPS_MAX && view.has_blocks()) {
        *sum = view.sum(function, to.clone());
        return;
    }
    let mut change = |range: Range<usize>, sign: Diff| {
        if !range.is_empty() {
            let mut part = view.sum(function, range);
            part.multiply(sign);
            sum.plus_equals(&part);
        }
    };
    change(from.start..to.start, -1);
    change(to.start..from.start, 1);
    change(from.end..to.end, 1);
    change(to.end..from.end, -1);
}

/// A minimum or maximum over a range that mostly moves forward.
pub(super) struct Best {
    range: Range<usize>,
    /// Values that are better than all after them, with their positions; the first is the best.
    kept: VecDeque<(usize, Row)>,
    wanted: Ordering,
    /// Whether nothing ever leaves at the front, so that only the best need be kept.
    anchored: bool,
}

impl Best {
    /// The best value.
    pub(super) fn value(&self) -> Datum<'_> {
        self.kept.front().and_then(|(_, value)| value.iter().next()).unwrap_or(Datum::Null)
    }

    fn move_to(&mut self, view: &View<'_>, function: usize, to: &Range<usize>) {
        let backward = to.start < self.range.start || to.end < self.range.end;
        let apart = to.start >= self.range.end;
        let far = to.end.saturating_sub(self.range.end) > STEPS_MAX && view.has_blocks();
        if backward || apart || far {
            self.fill(view, function, to);
        } else {
            while self.kept.front().is_some_and(|(position, _)| *position < to.start) {
                self.kept.pop_front();
            }
            (self.range.end..to.end).for_each(|position| self.push(view, function, position));
        }
        self.range = to.clone();
    }

    fn push(&mut self, view: &View<'_>, function: usize, position: usize) {
        let Some(value) = counted_value(&view.windows().functions[function], view.row(position)) else { return };
        if self.anchored && self.kept.front().is_some_and(|(_, best)| !is_better(value, best, self.wanted)) {
            return;
        }
        while self.kept.back().is_some_and(|(_, kept)| !is_better_kept(kept, value, self.wanted)) {
            self.kept.pop_back();
        }
        self.kept.push_back((position, Row::pack([value])));
    }

    /// Starts anew: from the end, so that blocks without a better value are passed over.
    fn fill(&mut self, view: &View<'_>, function: usize, to: &Range<usize>) {
        self.kept.clear();
        if self.anchored {
            self.kept.extend(view.best(function, to.clone()).map(|best| (0, best)));
            return;
        }
        let expr = &view.windows().functions[function];
        let mut end = to.end;
        while end > to.start {
            let (block, of_block) = view.block_range(end - 1);
            let start = of_block.start.max(to.start);
            let whole = start == of_block.start && end == of_block.end && view.has_blocks();
            if !(whole && self.nothing_better(view.summary(block, function))) {
                for position in (start..end).rev() {
                    if let Some(value) = counted_value(expr, view.row(position))
                        && self.kept.front().is_none_or(|(_, best)| is_better(value, best, self.wanted))
                    {
                        self.kept.push_front((position, Row::pack([value])));
                    }
                }
            }
            end = start;
        }
    }

    fn nothing_better(&self, summary: &Summary) -> bool {
        match (summary, self.kept.front()) {
            (Summary::Best(Some(of_block)), Some((_, best))) => {
                !of_block.iter().next().is_some_and(|value| is_better(value, best, self.wanted))
            }
            (Summary::Best(None), _) => true,
            _ => false,
        }
    }
}

/// Whether a kept value stays better than a new one.
fn is_better_kept(kept: &Row, value: Datum<'_>, wanted: Ordering) -> bool {
    let old = kept.iter().next().unwrap_or(Datum::Null);
    old.cmp(&value).then_with(|| kept.cmp(&Row::pack([value]))) == wanted
}

/// The value of an aggregate that does not add up, over the rows of some ranges.
pub(super) fn anew(
    view: &View<'_>,
    function: &WindowExpr,
    func: &AggregateFunc,
    ranges: &[Range<usize>],
) -> Result<Row, EvalError> {
    let arena = repr::Arena::new();
    let mut rows: Vec<(Vec<Datum<'_>>, Diff)> = Vec::new();
    let positions = ranges.iter().flat_map(Clone::clone);
    for row in positions.map(|position| view.row(position)).filter(|row| counts(function, *row)) {
        rows.push((function.args.iter().map(|arg| operand(arg, row)).collect(), 1));
    }
    Ok(Row::pack([func.eval(rows, &arena)?]))
}
