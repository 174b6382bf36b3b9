//! Expressions of the present moment whose order is that of the moment.

use super::is_moment;
use crate::scalar::ScalarExpr;
use repr::interval::DAY_US;
use repr::{Datum, Interval, SqlType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The logical time's resolution.
const TICK_US: i64 = 1000;
/// Shifts beyond this, some 30,000 years, are no moments.
const SHIFT_US_MAX: i64 = 1 << 60;

/// The present moment, moved, cut to a unit, moved again: never decreasing, as time goes on. Microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    before: i64,
    unit: i64,
    after: i64,
}

impl Moment {
    /// The moment that an expression stands for, if it is such.
    pub fn of(expr: &ScalarExpr) -> Option<Moment> {
        if is_moment(expr) {
            return Some(Moment { before: 0, unit: TICK_US, after: 0 });
        }
        let ScalarExpr::Call { func, args } = expr else { return None };
        match (func.0.name, &args[..]) {
            (
                "mz_timestamp_to_timestamptz"
                | "mz_timestamp_to_timestamp"
                | "timestamptz_to_timestamp"
                | "timestamp_to_timestamptz"
                | "date_to_timestamp"
                | "date_to_timestamptz",
                [arg],
            ) => Moment::of(arg),
            ("timestamptz_to_mz_timestamp" | "timestamp_to_mz_timestamp" | "date_to_mz_timestamp", [arg]) => {
                Moment::of(arg)?.cut(TICK_US)
            }
            ("timestamptz_to_date" | "timestamp_to_date", [arg]) => Moment::of(arg)?.cut(DAY_US),
            ("timestamptz_trunc" | "timestamp_trunc", [field, arg]) => Moment::of(arg)?.cut(unit(text(field)?)?),
            ("timestamptz_zone" | "timestamp_zone", [zone, arg]) if is_utc(text(zone)?) => Moment::of(arg),
            (name, [left, right]) => Moment::of_sum(name, left, right),
            _ => None,
        }
    }

    fn of_sum(name: &str, left: &ScalarExpr, right: &ScalarExpr) -> Option<Moment> {
        match name {
            "timestamptz_pl_interval" | "timestamp_pl_interval" | "date_pl_interval" => {
                Moment::of(left)?.moved(interval(right)?)
            }
            "interval_pl_timestamptz" | "interval_pl_timestamp" | "interval_pl_date" => {
                Moment::of(right)?.moved(interval(left)?)
            }
            "timestamptz_mi_interval" | "timestamp_mi_interval" | "date_mi_interval" => {
                Moment::of(left)?.moved(-interval(right)?)
            }
            // They count in milliseconds, and fail rather than pass the ends of time.
            "mz_timestamp_pl_interval" => Moment::of(left)?.moved(interval(right)? / TICK_US * TICK_US),
            "mz_timestamp_mi_interval" => Moment::of(left)?.moved(-(interval(right)? / TICK_US * TICK_US)),
            "date_pli" => Moment::of(left)?.moved(days(right)?),
            "integer_pl_date" => Moment::of(right)?.moved(days(left)?),
            "date_mii" => Moment::of(left)?.moved(-days(right)?),
            _ => None,
        }
    }

    /// `difference compared with span`, as a moment that compares with a value; and whether the comparison is the other way round.
    pub fn of_difference(difference: &ScalarExpr, span: &ScalarExpr) -> Option<(Moment, bool, ScalarExpr)> {
        let ScalarExpr::Call { func, args } = difference else { return None };
        let [left, right] = &args[..] else { return None };
        let span = match func.0.name {
            "timestamptz_mi" | "timestamp_mi" => interval(span)?,
            "date_mi" => days(span)?,
            _ => return None,
        };
        match (super::is_temporal(left), super::is_temporal(right)) {
            // moment - value < span: moment - span < value
            (true, false) => Some((Moment::of(left)?.moved(-span)?, false, right.clone())),
            // value - moment < span: value < moment + span
            (false, true) => Some((Moment::of(right)?.moved(span)?, true, left.clone())),
            _ => None,
        }
    }

    fn moved(self, by: i64) -> Option<Moment> {
        let after = self.after.checked_add(by).filter(|after| after.abs() <= SHIFT_US_MAX)?;
        Some(Moment { after, ..self })
    }

    /// Cut to multiples of a unit since 2000.
    fn cut(self, unit: i64) -> Option<Moment> {
        if self.after % unit == 0 && unit % self.unit == 0 {
            return Some(Moment { unit, ..self });
        }
        // A unit of one tick cuts nothing off yet.
        let plain = self.unit == TICK_US && self.before == 0;
        plain.then_some(Moment { before: self.after, unit, after: 0 })
    }

    /// The first moments at which this one is at least, and more than, `value`.
    pub fn steps(&self, value: i128) -> (i128, i128) {
        let (before, unit, after) = (i128::from(self.before), i128::from(self.unit), i128::from(self.after));
        let target = value - after;
        let whole = target.div_euclid(unit) * unit;
        let at = if whole == target { whole } else { whole + unit };
        (at - before, whole + unit - before)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shift = |f: &mut fmt::Formatter<'_>, by: i64| match by {
            0 => Ok(()),
            by => {
                write!(f, " {} {}", if by < 0 { '-' } else { '+' }, span_text(by.abs()))
            }
        };
        if self.unit == TICK_US {
            f.write_str("mz_now()")?;
            return shift(f, self.before + self.after);
        }
        f.write_str("floor(mz_now()")?;
        shift(f, self.before)?;
        write!(f, ", {})", span_text(self.unit))?;
        shift(f, self.after)
    }
}

fn span_text(micros: i64) -> String {
    repr::text::to_string(Datum::Interval(Interval { months: 0, days: 0, micros }), &SqlType::Interval)
}

/// The one value of a literal that is not NULL.
fn literal(expr: &ScalarExpr) -> Option<Datum<'_>> {
    let ScalarExpr::Literal(Ok(row), _) = expr else { return None };
    row.iter().next().filter(|datum| !datum.is_null())
}

fn text(expr: &ScalarExpr) -> Option<&str> {
    match literal(expr)? {
        Datum::Text(text) => Some(text),
        _ => None,
    }
}

/// The microseconds of a literal interval that is as long at any time: without months.
fn interval(expr: &ScalarExpr) -> Option<i64> {
    match literal(expr)? {
        Datum::Interval(span) if span.months == 0 => {
            i64::try_from(span.total_us()).ok().filter(|us| us.abs() <= SHIFT_US_MAX)
        }
        _ => None,
    }
}

/// The microseconds of a literal number of days.
fn days(expr: &ScalarExpr) -> Option<i64> {
    match literal(expr)? {
        Datum::Int4(days) => i64::from(days).checked_mul(DAY_US).filter(|us| us.abs() <= SHIFT_US_MAX),
        _ => None,
    }
}

/// The length of the units that `date_trunc` cuts to and that are as long at any time.
fn unit(field: &str) -> Option<i64> {
    match field.to_ascii_lowercase().as_str() {
        "millisecond" | "milliseconds" | "ms" => Some(TICK_US),
        "second" | "seconds" | "sec" | "s" => Some(1_000_000),
        "minute" | "minutes" | "min" | "m" => Some(60_000_000),
        "hour" | "hours" | "hr" | "h" => Some(3_600_000_000),
        "day" | "days" | "d" => Some(DAY_US),
        _ => None,
    }
}

fn is_utc(zone: &str) -> bool {
    ["utc", "gmt", "z", "etc/utc"].contains(&zone.to_ascii_lowercase().as_str())
}
