//! Ordered-set aggregates: what stands at a fraction of the sorted values, and which value is the most frequent.

use crate::func::build::{arg, check_length};
use crate::func::interval;
use repr::{Arena, ArrayRef, Datum, EvalError, SqlError, SqlState};

/// Sorted values with how many there are of each.
type Counted<'a> = Vec<(Datum<'a>, u64)>;

/// The value or values at the fractions that the first argument says, of the second argument's values, which come sorted; between
/// two of them if `continuous`.
pub(super) fn percentiles<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    many: bool,
    continuous: bool,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut fractions = Datum::Null;
    let mut values: Counted<'a> = Vec::new();
    for (args, count) in rows {
        let [fraction, value] = args[..] else { return Err(SqlError::internal("a percentile wants two arguments")) };
        fractions = fraction;
        if !value.is_null() {
            values.push((value, count as u64));
        }
    }
    let total = values.iter().map(|(_, count)| count).sum();
    let at = |fraction: Datum<'a>| match fraction {
        Datum::Null => Ok(Datum::Null),
        fraction => percentile(&values, total, check(arg(&[fraction], 0)?)?, continuous),
    };
    if !many || fractions.is_null() {
        return at(fractions);
    }
    let fractions: ArrayRef<'a> = arg(&[fractions], 0)?;
    let results = fractions.elements().map(at).collect::<Result<Vec<_>, _>>()?;
    if total == 0 {
        return Ok(Datum::Null);
    }
    check_length(results.len().saturating_mul(size_of::<Datum<'_>>()))?;
    let encoded = repr::array::encode(results, &fractions.dimensions());
    Ok(Datum::Array(ArrayRef::from_encoded(arena.bytes(encoded))))
}

fn check(fraction: f64) -> Result<f64, EvalError> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(fraction);
    }
    let message = format!("percentile value {fraction} is not between 0 and 1");
    Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message))
}

fn percentile<'a>(values: &Counted<'a>, total: u64, fraction: f64, continuous: bool) -> Result<Datum<'a>, EvalError> {
    if total == 0 {
        return Ok(Datum::Null);
    }
    if !continuous {
        let row = (fraction * total as f64).ceil() as u64;
        return Ok(nth(values, row.saturating_sub(1)));
    }
    let place = fraction * (total - 1) as f64;
    let (low, high) = (nth(values, place.floor() as u64), nth(values, place.ceil() as u64));
    let part = place - place.floor();
    match (low, high) {
        (low, _) if part == 0.0 => Ok(low),
        (Datum::Float8(low), Datum::Float8(high)) => Ok(Datum::Float8(low + part * (high - low))),
        (Datum::Interval(low), Datum::Interval(high)) => {
            let step = interval::multiply(interval::add(high, interval::negate(low)?)?, part)?;
            interval::add(low, step).map(Datum::Interval)
        }
        (low, _) => Err(SqlError::internal(format!("no value between {low:?} and the next"))),
    }
}

/// The value at a position from 0; there are more.
fn nth<'a>(values: &Counted<'a>, position: u64) -> Datum<'a> {
    let mut before = 0;
    for (value, count) in values {
        before += count;
        if position < before {
            return *value;
        }
    }
    values.last().map_or(Datum::Null, |(value, _)| *value)
}

/// The most frequent of the sorted values, the first of several.
pub(super) fn mode<'a>(rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>) -> Datum<'a> {
    let (mut best, mut most) = (Datum::Null, 0);
    let (mut present, mut seen) = (Datum::Null, 0usize);
    for (args, count) in rows {
        let value = args.first().copied().unwrap_or(Datum::Null);
        if value.is_null() {
            continue;
        }
        seen = if present == value { seen + count } else { count };
        present = value;
        if seen > most {
            (best, most) = (value, seen);
        }
    }
    best
}
