//! Frames of RANGE with offsets: where the rows begin whose ordering value is so far from the present row's.
//!
//! Follows PostgreSQL's `in_range` functions: sums that no value can hold lie beyond all values, NaN is greatest, an infinite offset from an
//! infinity of the other direction reaches everything.
//!
//! A month before March 30 and one before March 31 are the same day, so that the earlier of two moments may give the later sum. As in
//! PostgreSQL the ends of frames do not move backward there: each is at or after those of all rows before.

use super::partition::View;
use crate::func::interval::{add as add_intervals, negate as negate_interval};
use crate::func::numeric::{add as add_numerics, negate as negate_numeric};
use crate::relation::ColumnOrder;
use crate::sort_key::{AFTER_VALUES, BEFORE_VALUES, push_column};
use repr::datetime::add_interval;
use repr::interval::DAY_US;
use repr::{Arena, Datum, EvalError, Interval, Numeric, SqlError, SqlState, SqlType, TimeTz};

/// A value that ordering values are compared with.
enum Edge<'a> {
    /// Less than all values.
    Below,
    /// This one.
    At(Datum<'a>),
    /// Greater than all values.
    Above,
}

/// What a bound asks for, in terms of ascending values.
#[derive(Clone, Copy)]
struct Ask {
    /// Whether the offset is added.
    add: bool,
    /// Whether values up to the sum are wanted; else those from it on.
    up_to: bool,
}

/// Whether an offset may serve as a distance between values of this type: it must not be negative or NaN.
pub fn check(ordered: &SqlType, offset: Datum<'_>) -> Result<(), EvalError> {
    let bad = match offset {
        Datum::Int8(v) => v < 0,
        Datum::Float8(v) => v < 0.0 || v.is_nan(),
        Datum::Numeric(v) => match v.to_numeric() {
            Numeric::Finite(v) => v.sign() == bigdecimal::num_bigint::Sign::Minus,
            Numeric::Infinity => false,
            Numeric::NaN | Numeric::NegInfinity => true,
        },
        // A time of day knows no months and days.
        Datum::Interval(v) if matches!(ordered, SqlType::Time | SqlType::TimeTz) => v.micros < 0,
        Datum::Interval(v) => v.total_us() < 0,
        _ => false,
    };
    if !bad {
        return Ok(());
    }
    let message = "invalid preceding or following size in window function";
    Err(SqlError::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, message))
}

/// Where a frame starts, or ends (exclusively), whose bound is `offset` before or after a row with this ordering value.
pub(super) fn position(
    view: &View<'_>,
    value: Datum<'_>,
    offset: Datum<'_>,
    preceding: bool,
    is_end: bool,
) -> Result<usize, EvalError> {
    let Some(order) = view.windows().order.first() else { return Ok(if is_end { view.len() } else { 0 }) };
    let mut found = own_position(view, order, value, offset, preceding, is_end)?;
    if let Some(day) = clipped_day(value, offset) {
        for days in 0..CLIPPED_DAYS_MAX {
            let end = day_start(view, order, value, day, days);
            let earlier = end.checked_sub(1).map(|at| view.datum(at, order.column)).filter(|datum| !datum.is_null());
            if let Some(earlier) = earlier {
                found = found.max(own_position(view, order, earlier, offset, preceding, is_end)?);
            }
        }
    }
    Ok(found)
}

/// Days at the end of a month that another month may not have.
const CLIPPED_DAYS_MAX: i64 = 3;

/// The first position of the rows before this one in order that its frame's ends may depend on.
pub(super) fn reach_back(view: &View<'_>, value: Datum<'_>, offset: Datum<'_>) -> Option<usize> {
    let order = view.windows().order.first()?;
    Some(day_start(view, order, value, clipped_day(value, offset)?, CLIPPED_DAYS_MAX))
}

/// The day of a moment, from which months are counted, so that days may be cut off.
fn clipped_day(value: Datum<'_>, offset: Datum<'_>) -> Option<i64> {
    let (Datum::Timestamp(micros) | Datum::Timestamptz(micros), Datum::Interval(by)) = (value, offset) else {
        return None;
    };
    let finite = micros != i64::MAX && micros != i64::MIN;
    (finite && by.months != 0).then(|| micros.div_euclid(DAY_US))
}

/// Where, in order, the rows of a day begin, or of one so many days before it.
fn day_start(view: &View<'_>, order: &ColumnOrder, like: Datum<'_>, day: i64, days: i64) -> usize {
    // Descending, a day begins with its last moment: before the next midnight.
    let midnight = (if order.desc { day + 1 + days } else { day - days }).saturating_mul(DAY_US);
    let datum = if let Datum::Timestamp(_) = like { Datum::Timestamp(midnight) } else { Datum::Timestamptz(midnight) };
    let mut bytes = Vec::new();
    push_column(order, datum, &mut bytes);
    if order.desc { view.upper(&bytes) } else { view.lower(&bytes) }
}

/// Where a row's own value and offset say that its frame starts or ends.
fn own_position(
    view: &View<'_>,
    order: &ColumnOrder,
    value: Datum<'_>,
    offset: Datum<'_>,
    preceding: bool,
    is_end: bool,
) -> Result<usize, EvalError> {
    let arena = Arena::new();
    let ask = Ask { add: preceding == order.desc, up_to: is_end != order.desc };
    Ok(match edge(value, offset, ask, &arena)? {
        Edge::At(datum) => {
            let mut bytes = Vec::new();
            push_column(order, datum, &mut bytes);
            if is_end { view.upper(&bytes) } else { view.lower(&bytes) }
        }
        Edge::Below if !order.desc => view.lower(BEFORE_VALUES),
        Edge::Above if order.desc => view.lower(BEFORE_VALUES),
        Edge::Below | Edge::Above => view.lower(AFTER_VALUES),
    })
}

fn edge<'a>(value: Datum<'a>, offset: Datum<'a>, ask: Ask, arena: &'a Arena) -> Result<Edge<'a>, EvalError> {
    Ok(match (value, offset) {
        (Datum::Int2(v), Datum::Int8(by)) => integer(v.into(), by, ask, |sum| i16::try_from(sum).map(Datum::Int2).ok()),
        (Datum::Int4(v), Datum::Int8(by)) => integer(v.into(), by, ask, |sum| i32::try_from(sum).map(Datum::Int4).ok()),
        (Datum::Int8(v), Datum::Int8(by)) => integer(v.into(), by, ask, |sum| i64::try_from(sum).map(Datum::Int8).ok()),
        (Datum::Float4(v), Datum::Float8(by)) => Edge::At(Datum::Float4(to_f32(float(v.into(), by, ask), ask))),
        (Datum::Float8(v), Datum::Float8(by)) => Edge::At(Datum::Float8(float(v, by, ask))),
        (Datum::Numeric(v), Datum::Numeric(by)) => {
            let sum = numeric(v.to_numeric(), by.to_numeric(), ask)?;
            Edge::At(crate::func::build::numeric_out(&sum, arena))
        }
        (Datum::Date(v), Datum::Interval(by)) => date(v, by, ask)?,
        (Datum::Time(v), Datum::Interval(by)) => integer(v.into(), by.micros, ask, |sum| {
            (0..=DAY_US.into()).contains(&sum).then_some(Datum::Time(sum as i64))
        }),
        (Datum::TimeTz(v), Datum::Interval(by)) => {
            // Sums do not begin anew at midnight; none is further than some days from any time.
            let by = by.micros.min(4 * DAY_US);
            let micros = if ask.add { v.micros + by } else { v.micros - by };
            Edge::At(Datum::TimeTz(TimeTz { micros, ..v }))
        }
        (Datum::Timestamp(v), Datum::Interval(by)) => Edge::At(Datum::Timestamp(moment(v, by, ask)?)),
        (Datum::Timestamptz(v), Datum::Interval(by)) => Edge::At(Datum::Timestamptz(moment(v, by, ask)?)),
        (Datum::Interval(v), Datum::Interval(by)) => Edge::At(Datum::Interval(add_intervals(v, signed(by, ask)?)?)),
        _ => return Err(SqlError::internal(format!("an offset {offset:?} from {value:?}"))),
    })
}

fn integer<'a>(value: i128, by: i64, ask: Ask, fit: impl Fn(i128) -> Option<Datum<'a>>) -> Edge<'a> {
    let sum = if ask.add { value + i128::from(by) } else { value - i128::from(by) };
    match fit(sum) {
        Some(datum) => Edge::At(datum),
        None if ask.add => Edge::Above,
        None => Edge::Below,
    }
}

/// The infinity that lets all but NaN into the frame.
fn everything(ask: Ask) -> f64 {
    if ask.up_to { f64::INFINITY } else { f64::NEG_INFINITY }
}

fn float(value: f64, by: f64, ask: Ask) -> f64 {
    let opposite = if ask.add { f64::NEG_INFINITY } else { f64::INFINITY };
    if by.is_infinite() && value == opposite {
        return everything(ask);
    }
    if ask.add { value + by } else { value - by }
}

/// The float4 that divides float4s as this value does.
fn to_f32(value: f64, ask: Ask) -> f32 {
    let near = value as f32;
    if ask.up_to && f64::from(near) > value {
        near.next_down()
    } else if !ask.up_to && f64::from(near) < value {
        near.next_up()
    } else {
        near
    }
}

fn numeric(value: Numeric, by: Numeric, ask: Ask) -> Result<Numeric, EvalError> {
    match (&value, &by, ask.add) {
        (Numeric::Infinity, Numeric::Infinity, false) | (Numeric::NegInfinity, Numeric::Infinity, true) => {
            Ok(if ask.up_to { Numeric::Infinity } else { Numeric::NegInfinity })
        }
        _ => add_numerics(value, if ask.add { by } else { negate_numeric(by) }),
    }
}

fn signed(by: Interval, ask: Ask) -> Result<Interval, EvalError> {
    if ask.add { Ok(by) } else { negate_interval(by) }
}

fn moment(value: i64, by: Interval, ask: Ask) -> Result<i64, EvalError> {
    if value == i64::MAX || value == i64::MIN { Ok(value) } else { add_interval(value, signed(by, ask)?) }
}

/// Dates are compared as the midnights that they begin with.
fn date<'a>(value: i32, by: Interval, ask: Ask) -> Result<Edge<'a>, EvalError> {
    if value == i32::MAX || value == i32::MIN {
        return Ok(Edge::At(Datum::Date(value)));
    }
    let micros = add_interval(i64::from(value) * DAY_US, signed(by, ask)?)?;
    let begun = micros.div_euclid(DAY_US);
    let day = if ask.up_to || micros.rem_euclid(DAY_US) == 0 { begun } else { begun + 1 };
    Ok(match i32::try_from(day) {
        Ok(day) => Edge::At(Datum::Date(day)),
        Err(_) if day > 0 => Edge::Above,
        Err(_) => Edge::Below,
    })
}
