//! `date_trunc` and `date_bin`.

use super::super::FuncDef;
use super::super::build::*;
use super::fields::{Field, unsupported};
use super::{civil_out, is_infinite};
use repr::datetime::{
    Civil, HOUR_US, MINUTE_US, SECOND_US, check_timestamp, civil_from_micros, from_local, iso_weekday,
    timestamp_out_of_range, to_local, zone,
};
use repr::interval::DAY_US;
use repr::{Datum, EvalError, Interval, SqlError, SqlState};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    vec![
        func("timestamp_trunc", "date_trunc", &[TEXT, TIMESTAMP], TIMESTAMP, |a, _| {
            truncate(arg(a, 0)?, arg(a, 1)?, "timestamp without time zone").map(Datum::Timestamp)
        })
        .monotone(&[false, true]),
        session("timestamptz_trunc", "date_trunc", &[TEXT, TIMESTAMPTZ], TIMESTAMPTZ, |a, _, settings| {
            let local = to_local(&settings.time_zone, arg(a, 1)?);
            let truncated = truncate(arg(a, 0)?, local, "timestamp with time zone")?;
            Ok(Datum::Timestamptz(from_local(&settings.time_zone, truncated)))
        }),
        func("timestamptz_trunc_zone", "date_trunc", &[TEXT, TIMESTAMPTZ, TEXT], TIMESTAMPTZ, |a, _| {
            let zone = zone(arg(a, 2)?)?;
            let local = to_local(&zone, arg(a, 1)?);
            let truncated = truncate(arg(a, 0)?, local, "timestamp with time zone")?;
            Ok(Datum::Timestamptz(from_local(&zone, truncated)))
        }),
        func("interval_trunc", "date_trunc", &[TEXT, INTERVAL], INTERVAL, |a, _| {
            truncate_interval(arg(a, 0)?, arg(a, 1)?).map(Datum::Interval)
        }),
        func("timestamp_bin", "date_bin", &[INTERVAL, TIMESTAMP, TIMESTAMP], TIMESTAMP, |a, _| {
            bin(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?).map(Datum::Timestamp)
        })
        .monotone(&[false, true]),
        func("timestamptz_bin", "date_bin", &[INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ], TIMESTAMPTZ, |a, _| {
            bin(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?).map(Datum::Timestamptz)
        })
        .monotone(&[false, true]),
    ]
}

/// The first year, month and day of the century and the like that a year is in; centuries begin with their year 1.
fn first_year(field: Field, year: i32) -> i32 {
    let block = |length: i32| (year - 1).div_euclid(length) * length + 1;
    match field {
        Field::Millennium => block(1000),
        Field::Century => block(100),
        Field::Decade => year.div_euclid(10) * 10,
        _ => year,
    }
}

/// The unit of this name; some fields that can be extracted are no units.
fn unit(name: &str, ty: &str) -> Result<Field, EvalError> {
    use Field::{DayOfWeek, DayOfYear, Epoch, IsoDayOfWeek, IsoYear, Julian};
    match Field::of(name, ty)? {
        DayOfWeek | IsoDayOfWeek | DayOfYear | IsoYear | Epoch | Julian => {
            Err(invalid_parameter(format!("unit \"{name}\" not recognized for type {ty}")))
        }
        field => Ok(field),
    }
}

fn truncate(name: &str, micros: i64, ty: &str) -> Result<i64, EvalError> {
    // What is infinite is truncated to itself, whatever the unit is called.
    if is_infinite(micros) {
        return Ok(micros);
    }
    let field = unit(name, ty)?;
    let to = |unit: i64| Ok(micros - micros.rem_euclid(unit));
    let civil = civil_from_micros(micros);
    let start = |year, month| civil_out(Civil { year, month, day: 1, micros: 0 });
    match field {
        Field::Microseconds => Ok(micros),
        Field::Milliseconds => to(1000),
        Field::Second => to(SECOND_US),
        Field::Minute => to(MINUTE_US),
        Field::Hour => to(HOUR_US),
        Field::Day => to(DAY_US),
        Field::Week => {
            let days = micros.div_euclid(DAY_US);
            let monday = days - (iso_weekday(days) - 1);
            check_timestamp(monday * DAY_US).ok_or_else(timestamp_out_of_range)
        }
        Field::Month => start(civil.year, civil.month),
        Field::Quarter => start(civil.year, (civil.month - 1) / 3 * 3 + 1),
        Field::Year | Field::Decade | Field::Century | Field::Millennium => start(first_year(field, civil.year), 1),
        _ => Err(unsupported(name, ty)),
    }
}

fn truncate_interval(name: &str, span: Interval) -> Result<Interval, EvalError> {
    let field = unit(name, "interval")?;
    let months = |unit: i32| Interval { months: span.months / unit * unit, days: 0, micros: 0 };
    let clock = |unit: i64| Interval { micros: span.micros / unit * unit, ..span };
    Ok(match field {
        Field::Millennium => months(12_000),
        Field::Century => months(1200),
        Field::Decade => months(120),
        Field::Year => months(12),
        Field::Quarter => months(3),
        Field::Month => months(1),
        Field::Day => Interval { micros: 0, ..span },
        Field::Hour => clock(HOUR_US),
        Field::Minute => clock(MINUTE_US),
        Field::Second => clock(SECOND_US),
        Field::Milliseconds => clock(1000),
        Field::Microseconds => span,
        Field::Week => {
            let error = unsupported(name, "interval");
            return Err(error.detail("Months usually have fractional weeks."));
        }
        _ => return Err(unsupported(name, "interval")),
    })
}

/// The start of the stretch of `stride`, counted from `origin`, that a time is in.
fn bin(stride: Interval, micros: i64, origin: i64) -> Result<i64, EvalError> {
    if is_infinite(micros) {
        return Ok(micros);
    }
    if is_infinite(origin) {
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "origin out of range"));
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let stride = i64::try_from(stride.total_us()).map_err(|_| repr::datetime::interval_out_of_range())?;
    if stride <= 0 {
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "stride must be greater than zero"));
    }
    let distance = i128::from(micros) - i128::from(origin);
    let start = i128::from(micros) - distance.rem_euclid(i128::from(stride));
    i64::try_from(start).ok().and_then(check_timestamp).ok_or_else(timestamp_out_of_range)
}
