//! Arithmetic and functions of dates, times and timestamps.
//!
//! `timestamptz` arithmetic and truncation run on the session's clock, which is UTC's in views; `timezone` (`AT TIME ZONE`) and the
//! three-argument `date_trunc` name the zone they use.

use super::FuncDef;
use super::build::*;
use super::casts::{at_local, date_to_micros};
use super::interval::negate;
use repr::datetime::{
    Civil, HOUR_US, MINUTE_US, SECOND_US, add_interval, add_interval_in, check_timestamp, civil_from_micros,
    date_from_days, days_from_civil, days_in_month, from_local, micros_from_civil, offset_at, timestamp_out_of_range,
    to_local, zone,
};
use repr::interval::DAY_US;
use repr::{Datum, EvalError, Interval, SqlError, SqlState, TimeTz};

mod fields;
mod truncate;
mod zones;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = dates();
    table.extend(timestamps());
    table.extend(times());
    table.extend(timetzs());
    table.extend(makers());
    table.extend(zones());
    table.extend(others());
    table.extend(fields::table());
    table.extend(truncate::table());
    table.extend(zones::table());
    table
}

pub(super) fn is_infinite(micros: i64) -> bool {
    micros == i64::MAX || micros == i64::MIN
}

fn date_out<'a>(days: Option<i64>) -> Result<Datum<'a>, EvalError> {
    let out_of_range = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range");
    days.and_then(date_from_days).map(Datum::Date).ok_or_else(out_of_range)
}

fn shift_date<'a>(days: i32, by: i64) -> Result<Datum<'a>, EvalError> {
    if days == i32::MAX || days == i32::MIN {
        return Ok(Datum::Date(days));
    }
    date_out(i64::from(days).checked_add(by))
}

fn date_and_time<'a>(date: i32, time: i64) -> Result<Datum<'a>, EvalError> {
    let midnight = date_to_micros(date)?;
    if is_infinite(midnight) {
        return Ok(Datum::Timestamp(midnight));
    }
    let sum = midnight.checked_add(time).and_then(check_timestamp);
    sum.map(Datum::Timestamp).ok_or_else(timestamp_out_of_range)
}

fn dates() -> Vec<FuncDef> {
    vec![
        func("date_pli", "+", &[DATE, INT4], DATE, |a, _| shift_date(arg(a, 0)?, arg::<i32>(a, 1)?.into()))
            .monotone(&[true, true]),
        func("integer_pl_date", "+", &[INT4, DATE], DATE, |a, _| shift_date(arg(a, 1)?, arg::<i32>(a, 0)?.into()))
            .monotone(&[true, true]),
        func("date_mii", "-", &[DATE, INT4], DATE, |a, _| shift_date(arg(a, 0)?, -i64::from(arg::<i32>(a, 1)?)))
            .monotone(&[true]),
        func("date_mi", "-", &[DATE, DATE], INT4, |a, _| {
            let (left, right): (i32, i32) = (arg(a, 0)?, arg(a, 1)?);
            if [left, right].iter().any(|d| *d == i32::MAX || *d == i32::MIN) {
                let message = "cannot subtract infinite dates";
                return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
            }
            int4_out(left.checked_sub(right))
        }),
        func("date_pl_interval", "+", &[DATE, INTERVAL], TIMESTAMP, |a, _| {
            add_interval(date_to_micros(arg(a, 0)?)?, arg(a, 1)?).map(Datum::Timestamp)
        })
        .monotone(&[true]),
        func("interval_pl_date", "+", &[INTERVAL, DATE], TIMESTAMP, |a, _| {
            add_interval(date_to_micros(arg(a, 1)?)?, arg(a, 0)?).map(Datum::Timestamp)
        }),
        func("date_mi_interval", "-", &[DATE, INTERVAL], TIMESTAMP, |a, _| {
            add_interval(date_to_micros(arg(a, 0)?)?, negate(arg(a, 1)?)?).map(Datum::Timestamp)
        })
        .monotone(&[true]),
        func("datetime_pl", "+", &[DATE, TIME], TIMESTAMP, |a, _| date_and_time(arg(a, 0)?, arg(a, 1)?))
            .monotone(&[true, true]),
        func("timedate_pl", "+", &[TIME, DATE], TIMESTAMP, |a, _| date_and_time(arg(a, 1)?, arg(a, 0)?)),
    ]
}

/// The difference in days and time.
fn subtract<'a>(a: i64, b: i64) -> Result<Datum<'a>, EvalError> {
    if is_infinite(a) || is_infinite(b) {
        let message = "cannot subtract infinite timestamps";
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
    }
    let micros = a.checked_sub(b).ok_or_else(repr::datetime::interval_out_of_range)?;
    Ok(Datum::Interval(Interval { months: 0, days: (micros / DAY_US) as i32, micros: micros % DAY_US }))
}

fn timestamps() -> Vec<FuncDef> {
    vec![
        func("timestamp_pl_interval", "+", &[TIMESTAMP, INTERVAL], TIMESTAMP, |a, _| {
            add_interval(arg(a, 0)?, arg(a, 1)?).map(Datum::Timestamp)
        })
        .monotone(&[true]),
        func("interval_pl_timestamp", "+", &[INTERVAL, TIMESTAMP], TIMESTAMP, |a, _| {
            add_interval(arg(a, 1)?, arg(a, 0)?).map(Datum::Timestamp)
        }),
        func("timestamp_mi_interval", "-", &[TIMESTAMP, INTERVAL], TIMESTAMP, |a, _| {
            add_interval(arg(a, 0)?, negate(arg(a, 1)?)?).map(Datum::Timestamp)
        })
        .monotone(&[true]),
        func("timestamp_mi", "-", &[TIMESTAMP, TIMESTAMP], INTERVAL, |a, _| subtract(arg(a, 0)?, arg(a, 1)?)),
        session("timestamptz_pl_interval", "+", &[TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, |a, _, settings| {
            add_interval_in(&settings.time_zone, arg(a, 0)?, arg(a, 1)?).map(Datum::Timestamptz)
        }),
        session("interval_pl_timestamptz", "+", &[INTERVAL, TIMESTAMPTZ], TIMESTAMPTZ, |a, _, settings| {
            add_interval_in(&settings.time_zone, arg(a, 1)?, arg(a, 0)?).map(Datum::Timestamptz)
        }),
        session("timestamptz_mi_interval", "-", &[TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, |a, _, settings| {
            add_interval_in(&settings.time_zone, arg(a, 0)?, negate(arg(a, 1)?)?).map(Datum::Timestamptz)
        }),
        func("timestamptz_mi", "-", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, |a, _| subtract(arg(a, 0)?, arg(a, 1)?)),
        func("timestamp_age", "age", &[TIMESTAMP, TIMESTAMP], INTERVAL, |a, _| age(arg(a, 0)?, arg(a, 1)?)),
        session("timestamptz_age", "age", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, |a, _, settings| {
            let zone = &settings.time_zone;
            age(to_local(zone, arg(a, 0)?), to_local(zone, arg(a, 1)?))
        }),
    ]
}

/// The difference in years, months and days as people count them.
fn age<'a>(a: i64, b: i64) -> Result<Datum<'a>, EvalError> {
    // The latest time there is counts as one that can be reckoned with, the earliest does not.
    if a == i64::MIN || b == i64::MIN {
        return Err(timestamp_out_of_range());
    }
    let (later, earlier) = (civil_from_micros(a.max(b)), civil_from_micros(a.min(b)));
    let mut micros = later.micros - earlier.micros;
    let mut days = i64::from(later.day) - i64::from(earlier.day);
    let mut months = i64::from(later.year - earlier.year) * 12 + i64::from(later.month) - i64::from(earlier.month);
    if micros < 0 {
        micros += DAY_US;
        days -= 1;
    }
    while days < 0 {
        days += i64::from(days_in_month(earlier.year, earlier.month));
        months -= 1;
    }
    let span = Interval { months: months as i32, days: days as i32, micros };
    Ok(Datum::Interval(if a < b { negate(span)? } else { span }))
}

fn times() -> Vec<FuncDef> {
    vec![
        func("time_pl_interval", "+", &[TIME, INTERVAL], TIME, |a, _| {
            Ok(shift_time(arg(a, 0)?, arg::<Interval>(a, 1)?.micros))
        })
        .infallible(),
        func("interval_pl_time", "+", &[INTERVAL, TIME], TIME, |a, _| {
            Ok(shift_time(arg(a, 1)?, arg::<Interval>(a, 0)?.micros))
        })
        .infallible(),
        func("time_mi_interval", "-", &[TIME, INTERVAL], TIME, |a, _| {
            Ok(shift_time(arg(a, 0)?, -(arg::<Interval>(a, 1)?.micros % DAY_US)))
        })
        .infallible(),
        func("time_scale", "", &[TIME, INT4], TIME, |a, _| Ok(Datum::Time(rounded(arg(a, 0)?, arg(a, 1)?))))
            .infallible(),
        func("timetz_scale", "", &[TIMETZ, INT4], TIMETZ, |a, _| {
            let time: TimeTz = arg(a, 0)?;
            Ok(Datum::TimeTz(TimeTz { micros: rounded(time.micros, arg(a, 1)?), ..time }))
        })
        .infallible(),
        func("time_mi_time", "-", &[TIME, TIME], INTERVAL, |a, _| {
            let micros = arg::<i64>(a, 0)? - arg::<i64>(a, 1)?;
            Ok(Datum::Interval(Interval { months: 0, days: 0, micros }))
        })
        .infallible(),
    ]
}

fn timetzs() -> Vec<FuncDef> {
    let shift = |a: &[Datum<'_>], time: usize, span: usize, sign: i64| -> Result<TimeTz, EvalError> {
        let (time, span): (TimeTz, Interval) = (arg(a, time)?, arg(a, span)?);
        Ok(TimeTz { micros: (time.micros + sign * (span.micros % DAY_US)).rem_euclid(DAY_US), ..time })
    };
    let moment = |a: &[Datum<'_>], date: usize, time: usize| -> Result<i64, EvalError> {
        let (midnight, time): (i64, TimeTz) = (date_to_micros(arg(a, date)?)?, arg(a, time)?);
        if is_infinite(midnight) {
            return Ok(midnight);
        }
        midnight.checked_add(time.utc_micros()).and_then(check_timestamp).ok_or_else(timestamp_out_of_range)
    };
    let eval = |f: Box<TimeTzEval>| super::Eval::Typed(Box::new(move |a, _| f(a)));
    let entry = |name: &str, sql: &str, args: &[super::ArgType], ty, f| {
        super::build::def(name.to_string(), sql.to_string(), args.to_vec(), super::Return::Type(ty), eval(f))
    };
    let (timetz, timestamptz) = (repr::SqlType::TimeTz, repr::SqlType::TIMESTAMPTZ);
    vec![
        entry(
            "timetz_pl_interval",
            "+",
            &[TIMETZ, INTERVAL],
            timetz.clone(),
            Box::new(move |a| shift(a, 0, 1, 1).map(Datum::TimeTz)),
        ),
        entry(
            "interval_pl_timetz",
            "+",
            &[INTERVAL, TIMETZ],
            timetz.clone(),
            Box::new(move |a| shift(a, 1, 0, 1).map(Datum::TimeTz)),
        ),
        entry(
            "timetz_mi_interval",
            "-",
            &[TIMETZ, INTERVAL],
            timetz.clone(),
            Box::new(move |a| shift(a, 0, 1, -1).map(Datum::TimeTz)),
        ),
        entry(
            "datetimetz_pl",
            "+",
            &[DATE, TIMETZ],
            timestamptz.clone(),
            Box::new(move |a| moment(a, 0, 1).map(Datum::Timestamptz)),
        ),
        entry(
            "timetzdate_pl",
            "+",
            &[TIMETZ, DATE],
            timestamptz.clone(),
            Box::new(move |a| moment(a, 1, 0).map(Datum::Timestamptz)),
        ),
        entry(
            "datetimetz_timestamptz_zone",
            "timestamptz",
            &[DATE, TIMETZ],
            timestamptz,
            Box::new(move |a| moment(a, 0, 1).map(Datum::Timestamptz)),
        ),
        entry(
            "timetz_zone",
            "timezone",
            &[TEXT, TIMETZ],
            timetz.clone(),
            Box::new(|a| {
                let (zone, time): (jiff::tz::TimeZone, TimeTz) = (zone(arg(a, 0)?)?, arg(a, 1)?);
                Ok(Datum::TimeTz(time.at_offset(offset_at(&zone, time.utc_micros()))))
            }),
        ),
        entry(
            "timetz_izone",
            "timezone",
            &[INTERVAL, TIMETZ],
            timetz,
            Box::new(|a| {
                let (offset, time): (i64, TimeTz) = (seconds_of_interval(arg(a, 0)?)?, arg(a, 1)?);
                Ok(Datum::TimeTz(time.at_offset(i32::try_from(offset).unwrap_or(0))))
            }),
        ),
    ]
}

/// An implementation over `timetz` that makes nothing.
type TimeTzEval = dyn for<'a> Fn(&[Datum<'a>]) -> Result<Datum<'a>, EvalError> + Send + Sync;

/// A time of the day with so many digits of a second, at most six.
fn rounded(micros: i64, digits: i32) -> i64 {
    let unit = 10i64.pow(6 - digits.clamp(0, 6) as u32);
    (micros + unit / 2) / unit * unit
}

fn shift_time<'a>(time: i64, by: i64) -> Datum<'a> {
    Datum::Time((time + by % DAY_US).rem_euclid(DAY_US))
}

/// Days since 2000-01-01; a negative year is BC.
fn make_days(year: i32, month: i32, day: i32) -> Result<i64, EvalError> {
    let invalid = || {
        let message = format!("date field value out of range: {year}-{month:02}-{day:02}");
        SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
    };
    let civil_year = if year < 0 { year.checked_add(1).ok_or_else(invalid)? } else { year };
    let valid = year != 0
        && civil_year.abs() < 6_000_000
        && (1..=12).contains(&month)
        && day >= 1
        && day as u32 <= days_in_month(civil_year, month as u32);
    if valid { Ok(days_from_civil(civil_year, month as u32, day as u32)) } else { Err(invalid()) }
}

fn make_micros(hour: i32, minute: i32, second: f64) -> Result<i64, EvalError> {
    let valid = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    if valid {
        let clock = i64::from(hour) * HOUR_US + i64::from(minute) * MINUTE_US;
        let micros = clock + (second * 1e6).round_ties_even() as i64;
        if micros <= DAY_US {
            return Ok(micros);
        }
    }
    let message = format!("time field value out of range: {hour}:{minute:02}:{second:02}");
    Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message))
}

fn make_timestamp(args: &[Datum<'_>]) -> Result<i64, EvalError> {
    let days = make_days(arg(args, 0)?, arg(args, 1)?, arg(args, 2)?)?;
    let micros = make_micros(arg(args, 3)?, arg(args, 4)?, arg(args, 5)?)?;
    repr::datetime::timestamp_from_parts(days, micros).ok_or_else(timestamp_out_of_range)
}

fn makers() -> Vec<FuncDef> {
    let parts = [INT4, INT4, INT4, INT4, INT4, FLOAT8];
    let with_zone = [INT4, INT4, INT4, INT4, INT4, FLOAT8, TEXT];
    vec![
        func("make_date", "make_date", &[INT4, INT4, INT4], DATE, |a, _| {
            date_out(Some(make_days(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)?))
        }),
        func("make_time", "make_time", &[INT4, INT4, FLOAT8], TIME, |a, _| {
            make_micros(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?).map(Datum::Time)
        }),
        func("make_timestamp", "make_timestamp", &parts, TIMESTAMP, |a, _| make_timestamp(a).map(Datum::Timestamp)),
        session("make_timestamptz", "make_timestamptz", &parts, TIMESTAMPTZ, |a, _, settings| {
            at_local(make_timestamp(a)?, settings).map(Datum::Timestamptz)
        }),
        session("datetimetz_timestamptz", "timestamptz", &[DATE, TIME], TIMESTAMPTZ, |a, _, settings| {
            match date_and_time(arg(a, 0)?, arg(a, 1)?)? {
                Datum::Timestamp(local) => at_local(local, settings).map(Datum::Timestamptz),
                other => Ok(other),
            }
        }),
        func("datetime_timestamp", "timestamp", &[DATE, TIME], TIMESTAMP, |a, _| date_and_time(arg(a, 0)?, arg(a, 1)?)),
        func("make_timestamptz_at", "make_timestamptz", &with_zone, TIMESTAMPTZ, |a, _| {
            Ok(Datum::Timestamptz(from_local(&zone(arg(a, 6)?)?, make_timestamp(a)?)))
        }),
        func("to_timestamp_float8", "to_timestamp", &[FLOAT8], TIMESTAMPTZ, |a, _| {
            let seconds: f64 = arg(a, 0)?;
            if seconds.is_infinite() {
                return Ok(Datum::Timestamptz(if seconds > 0.0 { i64::MAX } else { i64::MIN }));
            }
            let micros = (seconds * 1e6).round_ties_even() - repr::datetime::UNIX_EPOCH_US as f64;
            let fits = micros.abs() < 9.3e18;
            let found = fits.then_some(micros as i64).and_then(check_timestamp);
            let message = || format!("timestamp out of range: \"{seconds}\"");
            found.map(Datum::Timestamptz).ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message()))
        }),
        func("make_interval", "make_interval", &[INT4, INT4, INT4, INT4, INT4, INT4, FLOAT8], INTERVAL, make_interval),
    ]
}

fn make_interval<'a>(args: &[Datum<'a>], _: &'a repr::Arena) -> Result<Datum<'a>, EvalError> {
    let part = |at| arg::<i32>(args, at).map(i64::from);
    let months = part(0)? * 12 + part(1)?;
    let days = part(2)? * 7 + part(3)?;
    let seconds: f64 = arg(args, 6)?;
    let clock = part(4)? * HOUR_US + part(5)? * MINUTE_US;
    let micros = clock as f64 + (seconds * 1e6).round_ties_even();
    let span = i32::try_from(months).ok().zip(i32::try_from(days).ok());
    match span {
        Some((months, days)) if micros.abs() < 9.2e18 && seconds.abs() < 9.2e12 => {
            let micros = clock + (seconds * 1e6).round_ties_even() as i64;
            Ok(Datum::Interval(Interval { months, days, micros }))
        }
        _ => Err(repr::datetime::interval_out_of_range()),
    }
}

/// Seconds east of UTC of an interval that serves as a zone.
fn seconds_of_interval(span: Interval) -> Result<i64, EvalError> {
    if span.months != 0 || span.days != 0 {
        let text = repr::text::to_string(Datum::Interval(span), &repr::SqlType::Interval);
        return Err(invalid_parameter(format!("interval time zone \"{text}\" must not include months or days")));
    }
    Ok(span.micros / SECOND_US)
}

/// A time on the clock of another zone: what is infinite stays, whatever the zone is called.
fn moved(micros: i64, to: impl FnOnce(i64) -> Result<i64, EvalError>) -> Result<i64, EvalError> {
    if is_infinite(micros) {
        return Ok(micros);
    }
    check_timestamp(to(micros)?).ok_or_else(timestamp_out_of_range)
}

fn zones() -> Vec<FuncDef> {
    vec![
        func("timestamp_zone", "timezone", &[TEXT, TIMESTAMP], TIMESTAMPTZ, |a, _| {
            moved(arg(a, 1)?, |local| Ok(from_local(&zone(arg(a, 0)?)?, local))).map(Datum::Timestamptz)
        }),
        func("timestamptz_zone", "timezone", &[TEXT, TIMESTAMPTZ], TIMESTAMP, |a, _| {
            moved(arg(a, 1)?, |time| Ok(to_local(&zone(arg(a, 0)?)?, time))).map(Datum::Timestamp)
        }),
        func("timestamp_izone", "timezone", &[INTERVAL, TIMESTAMP], TIMESTAMPTZ, |a, _| {
            moved(arg(a, 1)?, |local| Ok(local.saturating_sub(seconds_of_interval(arg(a, 0)?)? * SECOND_US)))
                .map(Datum::Timestamptz)
        }),
        func("timestamptz_izone", "timezone", &[INTERVAL, TIMESTAMPTZ], TIMESTAMP, |a, _| {
            moved(arg(a, 1)?, |time| Ok(time.saturating_add(seconds_of_interval(arg(a, 0)?)? * SECOND_US)))
                .map(Datum::Timestamp)
        }),
    ]
}

fn others() -> Vec<FuncDef> {
    vec![
        func("date_finite", "isfinite", &[DATE], BOOL, |a, _| {
            let days: i32 = arg(a, 0)?;
            Ok(Datum::Bool(days != i32::MAX && days != i32::MIN))
        })
        .infallible(),
        func("timestamp_finite", "isfinite", &[TIMESTAMP], BOOL, |a, _| Ok(Datum::Bool(!is_infinite(arg(a, 0)?))))
            .infallible(),
        func("timestamptz_finite", "isfinite", &[TIMESTAMPTZ], BOOL, |a, _| Ok(Datum::Bool(!is_infinite(arg(a, 0)?))))
            .infallible(),
        func("interval_finite", "isfinite", &[INTERVAL], BOOL, |_, _| Ok(Datum::Bool(true))).infallible(),
        overlaps("timestamp", TIMESTAMP),
        overlaps("timestamptz", TIMESTAMPTZ),
        overlaps("time", TIME),
        overlaps("timetz", TIMETZ),
    ]
}

/// The microseconds of a civil time that was computed.
pub(super) fn civil_out(civil: Civil) -> Result<i64, EvalError> {
    micros_from_civil(&civil).ok_or_else(timestamp_out_of_range)
}

/// `(start, end) OVERLAPS (start, end)`: each pair in either order, the ends outside; an unknown end may leave the answer unknown.
fn overlaps(stem: &str, ty: super::ArgType) -> FuncDef {
    let args = [ty.clone(), ty.clone(), ty.clone(), ty];
    func(format!("overlaps_{stem}"), "overlaps", &args, BOOL, |a, _| {
        // NULL is greater than all others, so that it is the end of its pair.
        let pair = |a, b| if b < a { (b, a) } else { (a, b) };
        let (mut first, mut second) = (pair(a[0], a[1]), pair(a[2], a[3]));
        if first.0.is_null() || second.0.is_null() {
            return Ok(Datum::Null);
        }
        if second.0 < first.0 {
            (first, second) = (second, first);
        }
        if first.0 == second.0 {
            let known = !first.1.is_null() && !second.1.is_null();
            return Ok(if known { Datum::Bool(true) } else { Datum::Null });
        }
        Ok(match (first.1.is_null(), second.1.is_null()) {
            (false, _) if second.0 < first.1 => Datum::Bool(true),
            (false, false) => Datum::Bool(false),
            (true, _) | (_, true) => Datum::Null,
        })
    })
    .called()
    .infallible()
}
