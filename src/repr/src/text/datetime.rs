//! Text forms of `date`, `time`, `timestamp`, `timestamptz` and `mz_timestamp`.
//!
//! Reading happens in `fields`, which turns a text into civil fields in all the forms PostgreSQL accepts. What depends on
//! the present moment (`now`, `today`) is refused: reading a value never reads a clock.

use super::{DateOrder, DateStyle, TextSettings, invalid_syntax};
use crate::datetime::{
    Civil, HOUR_US, MINUTE_US, SECOND_US, UNIX_EPOCH_US, civil_from_days, civil_from_micros, date_from_days,
    days_from_civil, fixed, from_local, in_covered_years, iso_weekday, offset_at, timestamp_from_parts, to_local, zone,
};
use crate::interval::DAY_US;
use crate::{SqlError, SqlState, TimeTz};
use fields::{Fields, Moment, Zone};
use std::fmt::Write;

pub mod fields;

/// Names of months, from January.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Names of days, from Monday.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn out_of_range(text: &str) -> SqlError {
    let message = format!("date/time field value out of range: \"{text}\"");
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

fn bad_format(ty: &str, text: &str) -> SqlError {
    SqlError { code: SqlState::INVALID_DATETIME_FORMAT, ..invalid_syntax(ty, text) }
}

/// Days since 2000-01-01.
pub fn parse_date(text: &str, settings: &TextSettings) -> Result<i32, SqlError> {
    match fields::read(text, "date", settings.date_order)? {
        Moment::Infinity => Ok(i32::MAX),
        Moment::NegInfinity => Ok(i32::MIN),
        Moment::Epoch => Ok((-UNIX_EPOCH_US / DAY_US) as i32),
        Moment::Fields(fields) => {
            let days = fields.days.ok_or_else(|| bad_format("date", text))?;
            let too_far = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\""));
            date_from_days(days).ok_or_else(too_far)
        }
    }
}

/// Microseconds since midnight.
pub fn parse_time(text: &str) -> Result<i64, SqlError> {
    match fields::read(text, "time", DateOrder::Mdy)? {
        // What time it is in a zone with rules depends on the day.
        Moment::Fields(Fields { zone: Some(Zone::Named(zone)), days: None, .. }) if zone.to_fixed_offset().is_err() => {
            Err(bad_format("time", text))
        }
        Moment::Fields(Fields { time: Some(time), .. }) if time <= DAY_US => Ok(time),
        Moment::Fields(Fields { time: Some(_), .. }) => Err(out_of_range(text)),
        _ => Err(bad_format("time", text)),
    }
}

/// A time of the day with its zone; without one it is the session's.
pub fn parse_timetz(text: &str, settings: &TextSettings) -> Result<TimeTz, SqlError> {
    let ty = "time with time zone";
    let Moment::Fields(Fields { time: Some(micros), zone, days }) = fields::read(text, ty, settings.date_order)? else {
        return Err(bad_format(ty, text));
    };
    if micros > DAY_US {
        return Err(out_of_range(text));
    }
    let at = |zone: &jiff::tz::TimeZone| {
        let local = timestamp_from_parts(days.unwrap_or(0), micros)?;
        Some(offset_at(zone, from_local(zone, local)))
    };
    let offset = match zone {
        Some(Zone::Offset(offset)) => Some(offset),
        Some(Zone::Named(zone)) if days.is_some() || zone.to_fixed_offset().is_ok() => at(&zone),
        // The offset of a zone with rules depends on the day.
        Some(Zone::Named(_)) => return Err(bad_format(ty, text)),
        None => at(&settings.time_zone),
    };
    Ok(TimeTz { micros, offset: offset.ok_or_else(|| out_of_range(text))? })
}

/// `timetz` output: `04:05:06.789+02`.
pub fn format_timetz(time: TimeTz, out: &mut String) {
    format_time(time.micros, out);
    push_offset(time.offset, out);
}

/// Microseconds since 2000-01-01; a zone is read and ignored.
pub fn parse_timestamp(text: &str, settings: &TextSettings) -> Result<i64, SqlError> {
    parse_moment(text, "timestamp", settings, |_, local| local)
}

/// Microseconds since 2000-01-01 UTC; without a zone it is the session's.
pub fn parse_timestamptz(text: &str, settings: &TextSettings) -> Result<i64, SqlError> {
    parse_moment(text, "timestamp with time zone", settings, |found, local| match found {
        None => from_local(&settings.time_zone, local),
        Some(Zone::Offset(seconds)) => local - i64::from(*seconds) * SECOND_US,
        Some(Zone::Named(zone)) => from_local(zone, local),
    })
}

fn parse_moment(
    text: &str,
    ty: &str,
    settings: &TextSettings,
    place: impl Fn(Option<&Zone>, i64) -> i64,
) -> Result<i64, SqlError> {
    match fields::read(text, ty, settings.date_order)? {
        Moment::Infinity => Ok(i64::MAX),
        Moment::NegInfinity => Ok(i64::MIN),
        Moment::Epoch => Ok(-UNIX_EPOCH_US),
        Moment::Fields(fields) => {
            let days = fields.days.ok_or_else(|| bad_format(ty, text))?;
            let too_far =
                || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("timestamp out of range: \"{text}\""));
            let local = timestamp_from_parts(days, fields.time.unwrap_or(0)).ok_or_else(too_far)?;
            crate::datetime::check_timestamp(place(fields.zone.as_ref(), local)).ok_or_else(too_far)
        }
    }
}

/// A number of milliseconds since 1970, or a point in time as `timestamptz` reads it.
pub fn parse_mz_timestamp(text: &str, settings: &TextSettings) -> Result<u64, SqlError> {
    if let Ok(milliseconds) = text.trim().parse() {
        return Ok(milliseconds);
    }
    let invalid = || invalid_syntax("mz_timestamp", text);
    let micros = parse_timestamptz(text, settings).map_err(|_| invalid())?;
    let since_1970 = micros.checked_add(UNIX_EPOCH_US).ok_or_else(invalid)?;
    u64::try_from(since_1970.div_euclid(1000)).map_err(|_| invalid())
}

/// A timestamp rounded to so many digits of a second, half away from the epoch.
pub fn round_to(micros: i64, digits: Option<u8>) -> i64 {
    let Some(digits @ 0..6) = digits else {
        return micros;
    };
    if micros == i64::MAX || micros == i64::MIN {
        return micros;
    }
    let unit = 10i64.pow(u32::from(6 - digits));
    let half = if micros < 0 { -unit / 2 } else { unit / 2 };
    (micros + half) / unit * unit
}

/// Year as printed (1 BC is 1), and whether it is BC.
pub fn shown_year(year: i32) -> (i32, bool) {
    if year > 0 { (year, false) } else { (1 - year, true) }
}

/// `date` output.
pub fn format_date(days: i32, settings: &TextSettings, out: &mut String) {
    if days == i32::MAX || days == i32::MIN {
        out.push_str(if days == i32::MAX { "infinity" } else { "-infinity" });
        return;
    }
    let (year, month, day) = civil_from_days(i64::from(days));
    let style = if settings.date_style == DateStyle::Postgres { DateStyle::Postgres } else { settings.date_style };
    if style == DateStyle::Postgres {
        let (first, second) = if settings.date_order == DateOrder::Dmy { (day, month) } else { (month, day) };
        let _ = write!(out, "{first:02}-{second:02}-{:04}", shown_year(year).0);
    } else {
        write_date(year, month, day, settings, out);
    }
    push_era(year, out);
}

fn push_era(year: i32, out: &mut String) {
    if year <= 0 {
        out.push_str(" BC");
    }
}

fn write_date(year: i32, month: u32, day: u32, settings: &TextSettings, out: &mut String) {
    let (year, _) = shown_year(year);
    // Writing to a string cannot fail.
    let _ = match (settings.date_style, settings.date_order) {
        (DateStyle::Sql, DateOrder::Dmy) => write!(out, "{day:02}/{month:02}/{year:04}"),
        (DateStyle::Sql, _) => write!(out, "{month:02}/{day:02}/{year:04}"),
        (DateStyle::German, _) => write!(out, "{day:02}.{month:02}.{year:04}"),
        _ => write!(out, "{year:04}-{month:02}-{day:02}"),
    };
}

/// `time` output: `04:05:06.789`.
pub fn format_time(micros: i64, out: &mut String) {
    let (hours, minutes) = (micros / HOUR_US, micros / MINUTE_US % 60);
    let _ = write!(out, "{hours:02}:{minutes:02}:{:02}", micros / SECOND_US % 60);
    push_fraction(micros % SECOND_US, out);
}

/// `.789` for 789000 microseconds; nothing for 0.
pub fn push_fraction(micros: i64, out: &mut String) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// `timestamp` output.
pub fn format_timestamp(micros: i64, settings: &TextSettings, out: &mut String) {
    if !push_infinity(micros, out) {
        let civil = civil_from_micros(micros);
        write_civil(&civil, settings, None, out);
        push_era(civil.year, out);
    }
}

/// `timestamptz` output, on the session's clock.
pub fn format_timestamptz(micros: i64, settings: &TextSettings, out: &mut String) {
    if push_infinity(micros, out) {
        return;
    }
    let offset = offset_at(&settings.time_zone, micros);
    let civil = civil_from_micros(to_local(&settings.time_zone, micros));
    if settings.date_style == DateStyle::Iso {
        write_civil(&civil, settings, None, out);
        push_offset(offset, out);
    } else {
        write_civil(&civil, settings, Some(&zone_abbreviation(settings, micros)), out);
    }
    push_era(civil.year, out);
}

fn push_infinity(micros: i64, out: &mut String) -> bool {
    if micros != i64::MAX && micros != i64::MIN {
        return false;
    }
    out.push_str(if micros == i64::MAX { "infinity" } else { "-infinity" });
    true
}

/// What the session's clock calls its zone at a time: `CET`, or the offset where there is no name.
pub fn zone_abbreviation(settings: &TextSettings, micros: i64) -> String {
    let (covered, _) = in_covered_years(micros);
    let unix = covered.saturating_add(UNIX_EPOCH_US).div_euclid(SECOND_US);
    let named = jiff::Timestamp::from_second(unix).ok().map(|t| {
        let info = settings.time_zone.to_offset_info(t);
        info.abbreviation().to_string()
    });
    named.unwrap_or_else(|| {
        let mut text = String::new();
        push_offset(offset_at(&settings.time_zone, micros), &mut text);
        text
    })
}

/// `+HH[:MM[:SS]]`.
pub fn push_offset(seconds: i32, out: &mut String) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    let _ = write!(out, "{sign}{:02}", seconds / 3600);
    if seconds % 3600 != 0 {
        let _ = write!(out, ":{:02}", seconds / 60 % 60);
    }
    if seconds % 60 != 0 {
        let _ = write!(out, ":{:02}", seconds % 60);
    }
}

fn write_civil(civil: &Civil, settings: &TextSettings, zone: Option<&str>, out: &mut String) {
    if settings.date_style == DateStyle::Postgres {
        let weekday = WEEKDAYS[iso_weekday(days_from_civil(civil.year, civil.month, civil.day)) as usize - 1];
        let month = &MONTHS[civil.month as usize - 1][..3];
        let _ = match settings.date_order {
            DateOrder::Dmy => write!(out, "{} {:02} {month} ", &weekday[..3], civil.day),
            _ => write!(out, "{} {month} {:02} ", &weekday[..3], civil.day),
        };
        format_time(civil.micros, out);
        let _ = write!(out, " {:04}", shown_year(civil.year).0);
    } else {
        write_date(civil.year, civil.month, civil.day, settings, out);
        out.push(' ');
        format_time(civil.micros, out);
    }
    if let Some(zone) = zone {
        out.push(' ');
        out.push_str(zone);
    }
}

/// A zone as `SET TIME ZONE` takes it: a name, or hours east of UTC.
pub fn session_zone(text: &str) -> Result<jiff::tz::TimeZone, SqlError> {
    match text.trim().parse::<f64>() {
        Ok(hours) if hours.abs() < 16.0 => Ok(fixed((hours * 3600.0) as i32)),
        _ => zone(text),
    }
}
