//! Text forms of `interval`.

use super::datetime::push_fraction;
use super::{IntervalStyle, invalid_syntax};
use crate::datetime::{HOUR_US, MINUTE_US, SECOND_US};
use crate::{Interval, SqlError, SqlState};
use std::fmt::Write;

mod parse;

use parse::Wrong;
pub use parse::{Fields, Unit};

/// `1 year 2 mons 3 days 04:05:06.789`, `1-2 3 4:05:06`, `P1Y2M3DT4H5M6S`, `@ 1 minute ago`, in any mixture of units.
pub fn parse(text: &str, style: IntervalStyle) -> Result<Interval, SqlError> {
    parse_fields(text, None, style)
}

/// The same where declared fields (`DAY TO SECOND`) say what numbers without units are; see [`limit`] for what they cut off.
pub fn parse_fields(text: &str, fields: Option<Fields>, style: IntervalStyle) -> Result<Interval, SqlError> {
    parse::parse(text, fields, style).map_err(|wrong| match wrong {
        Wrong::Syntax => SqlError { code: SqlState::INVALID_DATETIME_FORMAT, ..invalid_syntax("interval", text) },
        Wrong::Field => {
            let message = format!("interval field value out of range: \"{text}\"");
            SqlError::new(SqlState::INTERVAL_FIELD_OVERFLOW, message)
        }
        Wrong::Whole => crate::datetime::interval_out_of_range(),
    })
}

/// An interval without what is finer than its declared last field, and with so many digits of a second.
pub fn limit(interval: Interval, last: Option<Unit>, digits: Option<u8>) -> Interval {
    let Interval { months, days, micros } = interval;
    let clock = |unit: i64| Interval { micros: micros / unit * unit, ..interval };
    let limited = match last {
        Some(Unit::Year) => Interval { months: months / 12 * 12, days: 0, micros: 0 },
        Some(Unit::Month) => Interval { months, days: 0, micros: 0 },
        Some(Unit::Day) => Interval { months, days, micros: 0 },
        Some(Unit::Hour) => clock(HOUR_US),
        Some(Unit::Minute) => clock(MINUTE_US),
        _ => interval,
    };
    Interval { micros: super::datetime::round_to(limited.micros, digits), ..limited }
}

/// An interval's parts as they are printed; all time parts have the same sign.
struct Shown {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

fn shown(interval: Interval) -> Shown {
    let months = i64::from(interval.months);
    let micros = interval.micros;
    Shown {
        years: months / 12,
        months: months % 12,
        days: i64::from(interval.days),
        hours: micros / HOUR_US,
        minutes: micros / MINUTE_US % 60,
        seconds: micros / SECOND_US % 60,
        micros: micros % SECOND_US,
    }
}

/// Prints an interval.
pub fn format(interval: Interval, style: IntervalStyle, out: &mut String) {
    let parts = shown(interval);
    match style {
        IntervalStyle::Postgres => format_postgres(interval, &parts, out),
        IntervalStyle::PostgresVerbose => format_verbose(interval, &parts, out),
        IntervalStyle::SqlStandard => format_sql(interval, &parts, out),
        IntervalStyle::Iso8601 => format_iso(interval, &parts, out),
    }
}

// Writing to a string cannot fail: results of `write!` are dropped below.

fn push_clock(parts: &Shown, width: usize, out: &mut String) {
    let (hours, minutes) = (parts.hours.abs(), parts.minutes.abs());
    let _ = write!(out, "{hours:0width$}:{minutes:02}:{:02}", parts.seconds.abs());
    push_fraction(parts.micros.abs(), out);
}

fn format_postgres(interval: Interval, parts: &Shown, out: &mut String) {
    let start = out.len();
    let mut negative = false;
    for (value, name) in [(parts.years, "year"), (parts.months, "mon"), (parts.days, "day")] {
        if value != 0 {
            let space = if out.len() > start { " " } else { "" };
            let plus = if negative && value > 0 { "+" } else { "" };
            let plural = if value == 1 { "" } else { "s" };
            let _ = write!(out, "{space}{plus}{value} {name}{plural}");
            negative = value < 0;
        }
    }
    if interval.micros != 0 || out.len() == start {
        if out.len() > start {
            out.push(' ');
        }
        match (interval.micros < 0, negative) {
            (true, _) => out.push('-'),
            (false, true) => out.push('+'),
            _ => {}
        }
        push_clock(parts, 2, out);
    }
}

fn format_verbose(interval: Interval, parts: &Shown, out: &mut String) {
    out.push('@');
    let mut ago = None;
    let units = [
        (parts.years, "year"),
        (parts.months, "mon"),
        (parts.days, "day"),
        (parts.hours, "hour"),
        (parts.minutes, "min"),
    ];
    let mut flip = |value: i64| if *ago.get_or_insert(value < 0) { -value } else { value };
    for (value, name) in units {
        if value != 0 {
            let value = flip(value);
            let _ = write!(out, " {value} {name}{}", if value == 1 { "" } else { "s" });
        }
    }
    if parts.seconds != 0 || parts.micros != 0 {
        let total = flip(parts.seconds * SECOND_US + parts.micros);
        let sign = if total < 0 { "-" } else { "" };
        let _ = write!(out, " {sign}{}", parts.seconds.abs());
        push_fraction(parts.micros.abs(), out);
        out.push_str(if total.abs() == SECOND_US { " sec" } else { " secs" });
    }
    if interval.months == 0 && interval.days == 0 && interval.micros == 0 {
        out.push_str(" 0");
    }
    if ago == Some(true) {
        out.push_str(" ago");
    }
}

fn format_sql(interval: Interval, parts: &Shown, out: &mut String) {
    let values = [i64::from(interval.months), parts.days, interval.micros];
    let negative = values.iter().any(|v| *v < 0);
    let positive = values.iter().any(|v| *v > 0);
    let has_day_time = parts.days != 0 || interval.micros != 0;
    let mixed = (negative && positive) || (interval.months != 0 && has_day_time);
    let (years, months, days) = (parts.years.abs(), parts.months.abs(), parts.days.abs());
    if !negative && !positive {
        out.push('0');
    } else if mixed {
        let sign = |value: i64| if value < 0 { '-' } else { '+' };
        let (s, d, t) = (sign(values[0]), sign(values[1]), sign(values[2]));
        let _ = write!(out, "{s}{years}-{months} {d}{days} {t}");
        push_clock(parts, 1, out);
    } else {
        if negative {
            out.push('-');
        }
        if interval.months != 0 {
            let _ = write!(out, "{years}-{months}");
            return;
        }
        if days != 0 {
            let _ = write!(out, "{days} ");
        }
        push_clock(parts, 1, out);
    }
}

fn format_iso(interval: Interval, parts: &Shown, out: &mut String) {
    if interval.months == 0 && interval.days == 0 && interval.micros == 0 {
        out.push_str("PT0S");
        return;
    }
    let part = |value: i64, letter: char, out: &mut String| {
        if value != 0 {
            let _ = write!(out, "{value}{letter}");
        }
    };
    out.push('P');
    part(parts.years, 'Y', out);
    part(parts.months, 'M', out);
    part(parts.days, 'D', out);
    if interval.micros != 0 {
        out.push('T');
        part(parts.hours, 'H', out);
        part(parts.minutes, 'M', out);
    }
    if parts.seconds != 0 || parts.micros != 0 {
        let sign = if interval.micros < 0 { "-" } else { "" };
        let _ = write!(out, "{sign}{}", parts.seconds.abs());
        push_fraction(parts.micros.abs(), out);
        out.push('S');
    }
}
