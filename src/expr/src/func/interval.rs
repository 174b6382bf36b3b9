//! Arithmetic of `interval`.

use super::FuncDef;
use super::build::*;
use repr::datetime::interval_out_of_range;
use repr::interval::DAY_US;
use repr::text::interval::Unit;
use repr::{Datum, EvalError, Interval};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let two = [INTERVAL, INTERVAL];
    vec![
        func("interval_pl", "+", &two, INTERVAL, |a, _| add(arg(a, 0)?, arg(a, 1)?).map(Datum::Interval)),
        func("interval_mi", "-", &two, INTERVAL, |a, _| add(arg(a, 0)?, negate(arg(a, 1)?)?).map(Datum::Interval)),
        func("interval_um", "-", &[INTERVAL], INTERVAL, |a, _| negate(arg(a, 0)?).map(Datum::Interval)),
        func("interval_up", "+", &[INTERVAL], INTERVAL, |a, _| Ok(a[0])).infallible(),
        func("interval_mul", "*", &[INTERVAL, FLOAT8], INTERVAL, |a, _| {
            multiply(arg(a, 0)?, arg(a, 1)?).map(Datum::Interval)
        }),
        func("mul_d_interval", "*", &[FLOAT8, INTERVAL], INTERVAL, |a, _| {
            multiply(arg(a, 1)?, arg(a, 0)?).map(Datum::Interval)
        }),
        func("interval_div", "/", &[INTERVAL, FLOAT8], INTERVAL, |a, _| {
            divide(arg(a, 0)?, arg(a, 1)?).map(Datum::Interval)
        }),
        func("interval_limit", "", &[INTERVAL, TEXT, INT4], INTERVAL, |a, _| {
            let last = match arg::<&str>(a, 1)? {
                "year" => Unit::Year,
                "month" => Unit::Month,
                "day" => Unit::Day,
                "hour" => Unit::Hour,
                "minute" => Unit::Minute,
                _ => Unit::Second,
            };
            let digits = u8::try_from(arg::<i32>(a, 2)?).ok();
            Ok(Datum::Interval(repr::text::interval::limit(arg(a, 0)?, Some(last), digits)))
        })
        .infallible(),
        func("justify_hours", "justify_hours", &[INTERVAL], INTERVAL, |a, _| {
            justify(arg(a, 0)?, false, true).map(Datum::Interval)
        }),
        func("justify_days", "justify_days", &[INTERVAL], INTERVAL, |a, _| {
            justify(arg(a, 0)?, true, false).map(Datum::Interval)
        }),
        func("justify_interval", "justify_interval", &[INTERVAL], INTERVAL, |a, _| {
            justify(arg(a, 0)?, true, true).map(Datum::Interval)
        }),
    ]
}

/// The sum, part by part.
pub(crate) fn add(a: Interval, b: Interval) -> Result<Interval, EvalError> {
    let sum = (|| {
        Some(Interval {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    })();
    sum.ok_or_else(interval_out_of_range)
}

/// The opposite, part by part.
pub(crate) fn negate(a: Interval) -> Result<Interval, EvalError> {
    let negated = (|| {
        Some(Interval { months: a.months.checked_neg()?, days: a.days.checked_neg()?, micros: a.micros.checked_neg()? })
    })();
    negated.ok_or_else(interval_out_of_range)
}

/// Rounds to microseconds of a second, as the parts that cascade down are.
fn round_seconds(seconds: f64) -> f64 {
    (seconds * 1_000_000.0).round_ties_even() / 1_000_000.0
}

/// Each part scaled; what is left of months flows to days (30 a month), what is left of days to time.
fn scale(span: Interval, op: impl Fn(f64) -> f64) -> Result<Interval, EvalError> {
    let whole = |value: f64| {
        // What is cut off by the conversion may lie beyond the range.
        let in_range = value > f64::from(i32::MIN) - 1.0 && value < f64::from(i32::MAX) + 1.0;
        if in_range { Ok(value as i32) } else { Err(interval_out_of_range()) }
    };
    let (months, days) = (op(f64::from(span.months)), op(f64::from(span.days)));
    let (result_months, mut result_days) = (whole(months)?, whole(days)?);
    let month_rest_days = round_seconds((months - f64::from(result_months)) * 30.0);
    let mut seconds = (days - f64::from(result_days) + month_rest_days.fract()) * 86_400.0;
    seconds = round_seconds(seconds);
    if seconds.abs() >= 86_400.0 {
        result_days = result_days.checked_add((seconds / 86_400.0) as i32).ok_or_else(interval_out_of_range)?;
        seconds -= (seconds / 86_400.0).trunc() * 86_400.0;
    }
    result_days = result_days.checked_add(month_rest_days as i32).ok_or_else(interval_out_of_range)?;
    let micros = (op(span.micros as f64) + seconds * 1_000_000.0).round_ties_even();
    if micros.is_nan() || micros.abs() >= 9.223_372_036_854_775e18 {
        return Err(interval_out_of_range());
    }
    Ok(Interval { months: result_months, days: result_days, micros: micros as i64 })
}

/// `span * factor`
pub(crate) fn multiply(span: Interval, factor: f64) -> Result<Interval, EvalError> {
    scale(span, |part| part * factor)
}

/// `span / divisor`
pub(crate) fn divide(span: Interval, divisor: f64) -> Result<Interval, EvalError> {
    if divisor == 0.0 {
        return Err(division_by_zero());
    }
    scale(span, |part| part / divisor)
}

/// Moves whole days from time to days, and whole months from days to months, leaving all parts with one sign.
fn justify(span: Interval, to_months: bool, to_days: bool) -> Result<Interval, EvalError> {
    let Interval { months, days, micros } = span;
    let (mut months, mut days, mut micros) = (i64::from(months), i64::from(days), micros);
    if to_days {
        days += micros / DAY_US;
        micros %= DAY_US;
    }
    if to_months {
        months += days / 30;
        days %= 30;
    }
    if to_months {
        let rest_negative = days < 0 || (days == 0 && micros < 0 && to_days);
        let rest_positive = days > 0 || (days == 0 && micros > 0 && to_days);
        if months > 0 && rest_negative {
            (months, days) = (months - 1, days + 30);
        } else if months < 0 && rest_positive {
            (months, days) = (months + 1, days - 30);
        }
    }
    if to_days {
        if days > 0 && micros < 0 {
            (days, micros) = (days - 1, micros + DAY_US);
        } else if days < 0 && micros > 0 {
            (days, micros) = (days + 1, micros - DAY_US);
        }
    }
    let result = (|| Some(Interval { months: i32::try_from(months).ok()?, days: i32::try_from(days).ok()?, micros }))();
    result.ok_or_else(interval_out_of_range)
}
