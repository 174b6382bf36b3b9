//! Which rows a row's frame has, and which rows a change can reach.
//!
//! LAW: the ends of frames never move backward from a row to the next, so that aggregates slide and the rows that a change reaches are found
//! by bisection.

use super::partition::View;
use super::slide::operand;
use super::{Bound, Exclude, Frame, Offset, Units, WindowExpr, WindowFunc};
use crate::aggregate::{Accum, AggregateFunc};
use crate::scalar::ScalarExpr;
use repr::{Datum, EvalError, Row};
use std::ops::Range;

/// The positions of a row's frame: before what is left out, in the midst of it, after it.
pub(super) type Parts = [Range<usize>; 3];

impl View<'_> {
    /// The positions of a row's frame with nothing left out; `peers` are the row's.
    pub(super) fn frame(
        &self,
        frame: &Frame,
        position: usize,
        peers: &Range<usize>,
    ) -> Result<Range<usize>, EvalError> {
        let start = match &frame.start {
            Bound::Unbounded => 0,
            Bound::CurrentRow if frame.units == Units::Rows => position,
            Bound::CurrentRow => peers.start,
            Bound::Preceding(offset) => self.offset(frame.units, offset, position, peers, true, false)?,
            Bound::Following(offset) => self.offset(frame.units, offset, position, peers, false, false)?,
        };
        let end = match &frame.end {
            Bound::Unbounded => self.len(),
            Bound::CurrentRow if frame.units == Units::Rows => position + 1,
            Bound::CurrentRow => peers.end,
            Bound::Preceding(offset) => self.offset(frame.units, offset, position, peers, true, true)?,
            Bound::Following(offset) => self.offset(frame.units, offset, position, peers, false, true)?,
        };
        Ok(start..end.max(start))
    }

    fn offset(
        &self,
        units: Units,
        offset: &Offset,
        position: usize,
        peers: &Range<usize>,
        preceding: bool,
        is_end: bool,
    ) -> Result<usize, EvalError> {
        match (units, offset) {
            (Units::Rows, Offset::Count(count)) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                let at = position + usize::from(is_end);
                let at = if preceding { at.saturating_sub(count) } else { at.saturating_add(count) };
                Ok(at.min(self.len()))
            }
            (_, Offset::Count(count)) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                let group = self.groups_before(peers.start) + usize::from(is_end);
                let group = if preceding { group.saturating_sub(count) } else { group.saturating_add(count) };
                Ok(self.group_start(group))
            }
            (_, Offset::Value(value)) => {
                let column = self.windows().order.first().map_or(0, |order| order.column);
                let datum = self.datum(position, column);
                if datum.is_null() {
                    // NULLs are near each other and far from everything else.
                    return Ok(if is_end { peers.end } else { peers.start });
                }
                let offset = value.iter().next().unwrap_or(Datum::Null);
                super::offset::position(self, datum, offset, preceding, is_end)
            }
        }
    }
}

/// A frame without what it leaves out.
pub(super) fn parts(frame: Range<usize>, exclude: Exclude, position: usize, peers: &Range<usize>) -> Parts {
    let within = |at: usize| at.clamp(frame.start, frame.end);
    let out = match exclude {
        Exclude::NoOthers => return [frame.clone(), frame.end..frame.end, frame.end..frame.end],
        Exclude::CurrentRow => position..position + 1,
        Exclude::Group | Exclude::Ties => peers.clone(),
    };
    let kept = if exclude == Exclude::Ties { within(position)..within(position + 1) } else { frame.end..frame.end };
    [frame.start..within(out.start), kept, within(out.end)..frame.end]
}

/// How far a change reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the rows whose [`View::span`] holds it.
    Span,
    /// To all rows from it on, until the [`Carry`] is what it was; whether peers go together.
    Forward {
        /// Rows that are peers have the same value.
        peers: bool,
        /// To all rows if the number of rows changes.
        counted: bool,
    },
    /// To all rows, unless the [`Carry`] is what it was.
    All,
}

/// What the rows after some position need to know of those up to it: if it is the same before and after a change, so are they.
#[derive(Clone, Debug, PartialEq)]
pub enum Carry {
    /// Nothing that could be told.
    Unknown,
    /// A number of rows, or of groups of peers.
    Count(usize),
    /// A sum.
    Sum(Accum),
    /// A best value.
    Best(Option<Row>),
    /// A row.
    Row(Option<Row>),
}

impl WindowExpr {
    /// How far a change reaches.
    pub fn reach(&self) -> Reach {
        use WindowFunc::*;
        let plain = self.frame.exclude == Exclude::NoOthers;
        let rows = self.frame.units == Units::Rows;
        let literal = |at: usize| self.args.get(at).is_none_or(|arg| matches!(arg, ScalarExpr::Literal(..)));
        match (&self.func, &self.frame.start, &self.frame.end) {
            (RowNumber, ..) => Reach::Forward { peers: false, counted: false },
            (Ntile, ..) if literal(0) => Reach::Forward { peers: false, counted: true },
            (Rank | DenseRank, ..) => Reach::Forward { peers: true, counted: false },
            (PercentRank | CumeDist, ..) => Reach::Forward { peers: true, counted: true },
            (Ntile, ..) => Reach::All,
            (Lag | Lead, ..) => Reach::Span,
            (Aggregate(_), Bound::Unbounded, Bound::CurrentRow) if plain => {
                Reach::Forward { peers: !rows, counted: false }
            }
            (Aggregate(_), Bound::Unbounded, Bound::Unbounded) if plain => Reach::All,
            (FirstValue, Bound::Unbounded, Bound::CurrentRow | Bound::Unbounded) if plain => Reach::All,
            (LastValue, _, Bound::Unbounded) if plain && self.frame.start == Bound::Unbounded => Reach::All,
            _ => Reach::Span,
        }
    }
}

impl View<'_> {
    /// What rows at or after `position` need to know of those before it.
    pub fn carry(&self, function: usize, position: usize) -> Carry {
        use WindowFunc::*;
        let expr = &self.windows().functions[function];
        let row = |at: usize| (at < self.len()).then(|| self.row(at).to_row());
        match &expr.func {
            RowNumber | Rank => Carry::Count(position),
            DenseRank => Carry::Count(self.groups_before(position)),
            PercentRank | CumeDist | Ntile if expr.reach() != Reach::All => Carry::Count(position),
            FirstValue => Carry::Row(row(0)),
            LastValue => Carry::Row(row(self.len().wrapping_sub(1))),
            Aggregate(func) => {
                let end = if expr.reach() == Reach::All { self.len() } else { position };
                match func {
                    AggregateFunc::Min | AggregateFunc::Max => Carry::Best(self.best(function, 0..end)),
                    func if func.accumulable() => Carry::Sum(self.sum(function, 0..end)),
                    _ => Carry::Unknown,
                }
            }
            _ => Carry::Unknown,
        }
    }

    /// The position of the `by`th row after this one, or before it if `by` is negative, where a function's first argument is not NULL.
    pub(super) fn beyond_nulls(&self, expr: &WindowExpr, position: usize, by: i64) -> Option<usize> {
        let present = |at: &usize| !operand(&expr.args[0], self.row(*at)).is_null();
        let n = usize::try_from(by.unsigned_abs()).ok()?.checked_sub(1)?;
        match by < 0 {
            true => (0..position).rev().filter(present).nth(n),
            false => (position + 1..self.len()).filter(present).nth(n),
        }
    }

    /// Positions around a row that a change of must lie in, or next to, to reach the row. Neither end moves backward from a row to the next.
    pub fn span(&self, function: usize, position: usize) -> Result<Range<usize>, EvalError> {
        let expr = &self.windows().functions[function];
        let whole = 0..self.len();
        if let WindowFunc::Lag | WindowFunc::Lead = expr.func {
            let sign = if expr.func == WindowFunc::Lag { -1 } else { 1 };
            let Some(by) = constant_offset(expr) else { return Ok(whole) };
            let far = position as i64 + sign * by;
            let far = usize::try_from(far).unwrap_or(0).min(self.len());
            return Ok(far.min(position)..(far + 1).max(position + 1));
        }
        if let WindowFunc::IgnoringNulls(func) = &expr.func
            && let WindowFunc::Lag | WindowFunc::Lead = **func
        {
            let Some(by) = constant_offset(expr) else { return Ok(whole) };
            let by = if **func == WindowFunc::Lag { -by } else { by };
            let found = self.beyond_nulls(expr, position, by);
            let start = if by < 0 { found.unwrap_or(0) } else { position };
            let end = if by > 0 { found.map_or(self.len(), |at| at + 1) } else { position + 1 };
            return Ok(start..end);
        }
        let frame = &expr.frame;
        let peers = self.peers(position);
        let mut span = self.frame(frame, position, &peers)?;
        let plain = frame.exclude == Exclude::NoOthers;
        if expr.func == WindowFunc::LastValue && frame.start == Bound::Unbounded && plain && !span.is_empty() {
            span.start = span.end - 1;
        }
        if expr.func == WindowFunc::FirstValue && frame.end == Bound::Unbounded && plain && !span.is_empty() {
            span.end = span.start + 1;
        }
        for bound in [&frame.start, &frame.end] {
            if let Bound::Preceding(Offset::Value(offset)) | Bound::Following(Offset::Value(offset)) = bound {
                let column = self.windows().order.first().map_or(0, |order| order.column);
                let (value, offset) = (self.datum(position, column), offset.iter().next().unwrap_or(Datum::Null));
                span.start = super::offset::reach_back(self, value, offset).unwrap_or(span.start).min(span.start);
            }
        }
        let own = if matches!(frame.exclude, Exclude::Group | Exclude::Ties) { peers } else { position..position + 1 };
        Ok(span.start.min(own.start)..span.end.max(own.end))
    }
}

/// By how many rows `lag` and `lead` look away, if that is the same for all rows.
fn constant_offset(expr: &WindowExpr) -> Option<i64> {
    let Some(offset) = expr.args.get(1) else { return Some(1) };
    if !matches!(offset, ScalarExpr::Literal(..)) {
        return None;
    }
    match operand(offset, Row::empty().as_ref()) {
        Datum::Int4(by) => Some(by.into()),
        _ => Some(0),
    }
}
