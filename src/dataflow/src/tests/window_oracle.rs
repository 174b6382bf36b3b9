//! What window functions mean: each value by its definition, from all rows of the partition.

use super::oracle::{compare, pack};
use expr::relation::ColumnOrder;
use expr::window::{Bound, Exclude, Offset, Units};
use expr::{ScalarExpr, WindowExpr, WindowFunc};
use repr::{Arena, Datum, Diff, Row, SqlError};
use std::collections::BTreeMap;

type Rows = Vec<(Row, Diff)>;

/// The rows with the functions' values appended.
pub fn windows(
    rows: Rows,
    partition: &[usize],
    order: &[ColumnOrder],
    functions: &[WindowExpr],
) -> Result<Rows, SqlError> {
    let key: Vec<ScalarExpr> = partition.iter().map(|column| ScalarExpr::Column(*column)).collect();
    let mut partitions: BTreeMap<Row, Vec<Row>> = BTreeMap::new();
    for (row, diff) in rows {
        if diff < 0 {
            return Err(SqlError::internal("negative"));
        }
        partitions.entry(pack(&key, &row)?).or_default().extend(std::iter::repeat_n(row, diff as usize));
    }
    let mut out = Vec::new();
    for mut rows in partitions.into_values() {
        rows.sort_by(|a, b| compare(order, &a.unpack(), &b.unpack()).then_with(|| a.cmp(b)));
        for at in 0..rows.len() {
            let mut row = rows[at].unpack();
            let values = functions.iter().map(|f| value(f, &rows, at, order)).collect::<Result<Vec<_>, _>>()?;
            row.extend(values.iter().flat_map(Row::iter));
            out.push((Row::pack(row), 1));
        }
    }
    Ok(out)
}

fn peers(rows: &[Row], at: usize, other: usize, order: &[ColumnOrder]) -> bool {
    compare(order, &rows[at].unpack(), &rows[other].unpack()).is_eq()
}

fn arg(function: &WindowExpr, at: usize, row: &Row) -> Result<Row, SqlError> {
    pack(std::slice::from_ref(&function.args[at]), row)
}

fn int(row: &Row) -> Option<i64> {
    match row.iter().next() {
        Some(Datum::Int4(n)) => Some(n.into()),
        Some(Datum::Int8(n)) => Some(n),
        _ => None,
    }
}

/// `lag`, or `lead` if not `back`; perhaps only over the rows whose value is not NULL.
fn shifted(function: &WindowExpr, back: bool, rows: &[Row], at: usize, known: bool) -> Result<Row, SqlError> {
    let by = if function.args.len() > 1 { int(&arg(function, 1, &rows[at])?) } else { Some(1) };
    let Some(by) = by else { return Ok(Row::pack([Datum::Null])) };
    let by = if back { -by } else { by };
    let counts = |place: &usize| !known || arg(function, 0, &rows[*place]).is_ok_and(|v| !v.unpack()[0].is_null());
    let found = match by {
        0 => Some(at),
        1.. => (at + 1..rows.len()).filter(counts).nth(by as usize - 1),
        _ => (0..at).rev().filter(counts).nth(by.unsigned_abs() as usize - 1),
    };
    match found {
        Some(place) => arg(function, 0, &rows[place]),
        None if function.args.len() > 2 => arg(function, 2, &rows[at]),
        None => Ok(Row::pack([Datum::Null])),
    }
}

fn value(function: &WindowExpr, rows: &[Row], at: usize, order: &[ColumnOrder]) -> Result<Row, SqlError> {
    use WindowFunc::*;
    let before = |other: &usize| compare(order, &rows[*other].unpack(), &rows[at].unpack()).is_lt();
    let rank = (0..rows.len()).filter(before).count();
    let one = |datum: Datum<'_>| Row::pack([datum]);
    let frame = frame(function, rows, at, order);
    let of = |place: Option<&usize>| place.map_or(Ok(one(Datum::Null)), |place| arg(function, 0, &rows[*place]));
    Ok(match &function.func {
        RowNumber => one(Datum::Int8(at as i64 + 1)),
        Rank => one(Datum::Int8(rank as i64 + 1)),
        DenseRank => {
            let firsts = (0..rank).filter(|other| *other == 0 || !peers(rows, *other, other - 1, order));
            one(Datum::Int8(firsts.count() as i64 + 1))
        }
        PercentRank => one(Datum::Float8(rank as f64 / (rows.len() - 1).max(1) as f64)),
        CumeDist => {
            let upto = (0..rows.len()).filter(|other| before(other) || peers(rows, at, *other, order)).count();
            one(Datum::Float8(upto as f64 / rows.len() as f64))
        }
        Ntile => match int(&arg(function, 0, &rows[0])?) {
            Some(n) => {
                let sizes = (0..n as usize).map(|b| rows.len() / n as usize + usize::from(b < rows.len() % n as usize));
                let mut end = 0;
                let bucket = sizes.into_iter().position(|size| {
                    end += size;
                    at < end
                });
                one(Datum::Int4(bucket.expect("all rows are in one") as i32 + 1))
            }
            None => one(Datum::Null),
        },
        Lag | Lead => shifted(function, function.func == Lag, rows, at, false)?,
        IgnoringNulls(inner) if matches!(**inner, Lag | Lead) => shifted(function, **inner == Lag, rows, at, true)?,
        IgnoringNulls(inner) => {
            let known = |place: &usize| arg(function, 0, &rows[*place]).is_ok_and(|value| !value.unpack()[0].is_null());
            let frame: Vec<usize> = frame.into_iter().filter(known).collect();
            match **inner {
                FirstValue => of(frame.first())?,
                LastValue => of(frame.last())?,
                _ => of(int(&arg(function, 1, &rows[at])?).and_then(|n| frame.get(n as usize - 1)))?,
            }
        }
        FirstValue => of(frame.first())?,
        LastValue => of(frame.last())?,
        NthValue => {
            let n = int(&arg(function, 1, &rows[at])?);
            of(n.and_then(|n| frame.get(n as usize - 1)))?
        }
        Aggregate(func) => {
            let mut args = Vec::new();
            for place in &frame {
                let counts = match &function.filter {
                    Some(filter) => pack(std::slice::from_ref(filter), &rows[*place])?.iter().all(|d| d.is_true()),
                    None => true,
                };
                if counts {
                    args.push(pack(&function.args, &rows[*place])?);
                }
            }
            let arena = Arena::new();
            one(func.eval(args.iter().map(|row| (row.unpack(), 1)), &arena)?)
        }
    })
}

/// The places of the rows in the frame, in order.
fn frame(function: &WindowExpr, rows: &[Row], at: usize, order: &[ColumnOrder]) -> Vec<usize> {
    let frame = &function.frame;
    let inside = |other: &usize| {
        let from = distance(frame.units, rows, at, *other, order);
        let count = |offset: &Offset| match offset {
            Offset::Count(n) => *n as i64,
            Offset::Value(row) => int(row).expect("an integer"),
        };
        // NULLs are near each other and far from everything else.
        let (later, earlier) = match peers(rows, at, *other, order) {
            true => (true, true),
            false => (at < *other, at > *other),
        };
        let after_start = match &frame.start {
            Bound::Unbounded => true,
            Bound::CurrentRow => from.map_or(later, |d| d >= 0),
            Bound::Preceding(n) => from.map_or(later, |d| d >= -count(n)),
            Bound::Following(n) => from.map_or(later, |d| d >= count(n)),
        };
        let before_end = match &frame.end {
            Bound::Unbounded => true,
            Bound::CurrentRow => from.map_or(earlier, |d| d <= 0),
            Bound::Preceding(n) => from.map_or(earlier, |d| d <= -count(n)),
            Bound::Following(n) => from.map_or(earlier, |d| d <= count(n)),
        };
        after_start && before_end
    };
    let kept = |other: &usize| match frame.exclude {
        Exclude::NoOthers => true,
        Exclude::CurrentRow => *other != at,
        Exclude::Group => !peers(rows, at, *other, order),
        Exclude::Ties => *other == at || !peers(rows, at, *other, order),
    };
    (0..rows.len()).filter(inside).filter(kept).collect()
}

/// How far a row is from another in a frame's units; none where an ordering value is NULL.
fn distance(units: Units, rows: &[Row], at: usize, other: usize, order: &[ColumnOrder]) -> Option<i64> {
    match units {
        Units::Rows => Some(other as i64 - at as i64),
        Units::Groups => {
            let (low, high) = (at.min(other), at.max(other));
            let steps = (low..high).filter(|place| !peers(rows, *place, place + 1, order)).count() as i64;
            Some(if at <= other { steps } else { -steps })
        }
        Units::Range => match order {
            [only] => {
                let value = |place: usize| rows[place].iter().nth(only.column).and_then(|d| int(&Row::pack([d])));
                let distance = value(other)? - value(at)?;
                Some(if only.desc { -distance } else { distance })
            }
            // Without offsets only the sign matters.
            _ if peers(rows, at, other, order) => Some(0),
            _ => Some(if other > at { 1 } else { -1 }),
        },
    }
}
