//! The values of window functions for the rows at some positions of a partition.

use super::frame::{Parts, parts};
use super::partition::View;
use super::slide::{Slide, anew, operand};
use super::{Bound, Exclude, WindowExpr, WindowFunc};
use crate::aggregate::{Accum, AggregateFunc};
use repr::{Arena, Datum, EvalError, Row, RowPacker, RowRef, SqlError, SqlState};
use std::ops::Range;

/// Evaluates the functions of a window; rows next to each other are cheapest one after the other.
pub struct Evaluator<'a> {
    view: &'a View<'a>,
    /// The peers of the row at hand.
    peers: Range<usize>,
    states: Vec<State>,
    packer: RowPacker,
}

/// What one function keeps from row to row.
struct State {
    /// Before what the frame leaves out, and after it.
    slides: [Slide; 2],
    /// The last frame and its value.
    last: Option<(Parts, Row)>,
}

impl State {
    fn new(function: &WindowExpr) -> Self {
        let anchored = function.frame.start == Bound::Unbounded;
        State { slides: [Slide::new(function, anchored), Slide::new(function, false)], last: None }
    }
}

impl<'a> Evaluator<'a> {
    /// Of a partition.
    pub fn new(view: &'a View<'a>) -> Self {
        let states = view.windows().functions.iter().map(State::new).collect();
        Evaluator { view, peers: 0..0, states, packer: RowPacker::new() }
    }

    /// The rows at these positions with the functions' values appended; a row whose evaluation fails is an error instead.
    pub fn run(&mut self, range: Range<usize>, emit: &mut dyn FnMut(Result<Row, EvalError>)) {
        for position in range {
            if !self.peers.contains(&position) {
                self.peers = self.view.peers(position);
            }
            self.packer.clear();
            let row = self.view.row(position);
            self.packer.extend_row(row);
            let functions = 0..self.states.len();
            let failed = functions.map(|at| self.push(at, position, row)).find_map(Result::err);
            emit(failed.map_or_else(|| Ok(self.packer.take()), Err));
        }
    }

    fn push(&mut self, function: usize, position: usize, row: RowRef<'_>) -> Result<(), EvalError> {
        use WindowFunc::*;
        let (view, peers) = (self.view, &self.peers);
        let expr = &view.windows().functions[function];
        let datum = match &expr.func {
            RowNumber => Datum::Int8(position as i64 + 1),
            Rank => Datum::Int8(peers.start as i64 + 1),
            DenseRank => Datum::Int8(view.groups_before(peers.start) as i64 + 1),
            PercentRank if view.len() < 2 => Datum::Float8(0.0),
            PercentRank => Datum::Float8(peers.start as f64 / (view.len() - 1) as f64),
            CumeDist => Datum::Float8(peers.end as f64 / view.len() as f64),
            Ntile => ntile(view, expr, position)?,
            Lag => neighbour(view, expr, position, row, -1),
            Lead => neighbour(view, expr, position, row, 1),
            FirstValue => {
                let first = self.parts(expr, position)?.into_iter().flatten().next();
                first.map_or(Datum::Null, |at| operand(&expr.args[0], view.row(at)))
            }
            LastValue => {
                let last = self.parts(expr, position)?.into_iter().rev().find_map(|part| part.last());
                last.map_or(Datum::Null, |at| operand(&expr.args[0], view.row(at)))
            }
            NthValue => {
                let parts = self.parts(expr, position)?;
                let at = nth(operand(&expr.args[1], row))?.and_then(|n| nth_position(&parts, n));
                at.map_or(Datum::Null, |at| operand(&expr.args[0], view.row(at)))
            }
            IgnoringNulls(func) => self.ignoring_nulls(func, expr, position, row)?,
            Aggregate(func) => return self.push_aggregate(function, expr, func, position),
        };
        self.packer.push(datum);
        Ok(())
    }

    /// The value of a function that passes over rows where its first argument is NULL.
    fn ignoring_nulls<'b>(
        &self,
        func: &WindowFunc,
        expr: &'b WindowExpr,
        position: usize,
        row: RowRef<'b>,
    ) -> Result<Datum<'b>, EvalError>
    where
        'a: 'b,
    {
        let view = self.view;
        let value = |at: usize| operand(&expr.args[0], view.row(at));
        if let WindowFunc::Lag | WindowFunc::Lead = func {
            let at = match offset_of(expr, row) {
                None => return Ok(Datum::Null),
                Some(0) => Some(position),
                Some(by) => view.beyond_nulls(expr, position, if *func == WindowFunc::Lag { -by } else { by }),
            };
            let default = || expr.args.get(2).map_or(Datum::Null, |default| operand(default, row));
            return Ok(at.map_or_else(default, value));
        }
        let mut present = self.parts(expr, position)?.into_iter().flatten().filter(|at| !value(*at).is_null());
        let at = match func {
            WindowFunc::FirstValue => present.next(),
            WindowFunc::LastValue => present.next_back(),
            _ => nth(operand(&expr.args[1], row))?.and_then(|n| present.nth(n)),
        };
        Ok(at.map_or(Datum::Null, value))
    }

    fn parts(&self, expr: &WindowExpr, position: usize) -> Result<Parts, EvalError> {
        let frame = self.view.frame(&expr.frame, position, &self.peers)?;
        Ok(parts(frame, expr.frame.exclude, position, &self.peers))
    }

    fn push_aggregate(
        &mut self,
        function: usize,
        expr: &WindowExpr,
        func: &AggregateFunc,
        position: usize,
    ) -> Result<(), EvalError> {
        let parts = self.parts(expr, position)?;
        let state = &mut self.states[function];
        let value = match state.last.take() {
            Some((same, value)) if same == parts => value,
            _ => aggregate(self.view, function, expr, func, &mut state.slides, &parts)?,
        };
        self.packer.extend_row(value.as_ref());
        state.last = Some((parts, value));
        Ok(())
    }
}

/// The value of an aggregate over a frame, as a row of one value.
fn aggregate(
    view: &View<'_>,
    function: usize,
    expr: &WindowExpr,
    func: &AggregateFunc,
    slides: &mut [Slide; 2],
    parts: &Parts,
) -> Result<Row, EvalError> {
    let [before, kept, after] = parts;
    slides[0].move_to(view, function, before);
    if expr.frame.exclude != Exclude::NoOthers {
        slides[1].move_to(view, function, after);
    }
    match slides {
        [Slide::Sum(_, before), Slide::Sum(_, after)] => {
            let arena = Arena::new();
            if expr.frame.exclude == Exclude::NoOthers {
                return Ok(Row::pack([func.value(before, &arena)?]));
            }
            let mut sum: Accum = before.clone();
            sum.plus_equals(after);
            sum.plus_equals(&view.sum(function, kept.clone()));
            Ok(Row::pack([func.value(&sum, &arena)?]))
        }
        [Slide::Best(before), Slide::Best(after)] => {
            let kept = view.best(function, kept.clone());
            let kept = kept.as_ref().and_then(|row| row.iter().next()).unwrap_or(Datum::Null);
            let values = [before.value(), kept, after.value()];
            Ok(Row::pack([func.eval(values.map(|value| (vec![value], 1)), &Arena::new())?]))
        }
        _ => anew(view, expr, func, parts),
    }
}

/// The row so many rows away from this one; the default, if there is none.
fn neighbour<'a>(view: &View<'a>, expr: &'a WindowExpr, position: usize, row: RowRef<'a>, sign: i64) -> Datum<'a> {
    let Some(by) = offset_of(expr, row) else { return Datum::Null };
    match usize::try_from(position as i64 + sign * by) {
        Ok(at) if at < view.len() => operand(&expr.args[0], view.row(at)),
        _ => expr.args.get(2).map_or(Datum::Null, |default| operand(default, row)),
    }
}

/// By how many rows `lag` and `lead` look away from a row; none if that is NULL.
fn offset_of(expr: &WindowExpr, row: RowRef<'_>) -> Option<i64> {
    match expr.args.get(1).map(|offset| operand(offset, row)) {
        None => Some(1),
        Some(Datum::Int4(by)) => Some(by.into()),
        Some(_) => None,
    }
}

/// Larger buckets first, their sizes differing by one at most.
fn ntile<'a>(view: &View<'_>, expr: &WindowExpr, position: usize) -> Result<Datum<'a>, EvalError> {
    let buckets = match operand(&expr.args[0], view.row(0)) {
        Datum::Int4(n) if n > 0 => n as usize,
        Datum::Int4(_) => {
            let message = "argument of ntile must be greater than zero";
            return Err(SqlError::new(SqlState::INVALID_ARGUMENT_FOR_NTILE, message));
        }
        _ => return Ok(Datum::Null),
    };
    let (size, larger) = (view.len() / buckets, view.len() % buckets);
    let in_larger = larger * (size + 1);
    let bucket = if position < in_larger { position / (size + 1) } else { larger + (position - in_larger) / size };
    Ok(Datum::Int4(bucket as i32 + 1))
}

/// The second argument of `nth_value`, from 0.
fn nth(datum: Datum<'_>) -> Result<Option<usize>, EvalError> {
    match datum {
        Datum::Int4(n) if n > 0 => Ok(Some(n as usize - 1)),
        Datum::Int4(_) => {
            let message = "argument of nth_value must be greater than zero";
            Err(SqlError::new(SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE, message))
        }
        _ => Ok(None),
    }
}

fn nth_position(parts: &Parts, mut n: usize) -> Option<usize> {
    for part in parts {
        if n < part.len() {
            return Some(part.start + n);
        }
        n -= part.len();
    }
    None
}
