//! Calendar maths: days and microseconds since 2000-01-01 to and from civil dates, and what time zones do to them.
//!
//! The calendar is the proleptic Gregorian one, with astronomical years inside (year 0 is 1 BC). Zones come from the
//! tz database; beyond the years it covers, its rules repeat with the calendar's cycle of 400 years.

use crate::interval::DAY_US;
use crate::{Interval, SqlError, SqlState};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// Microseconds of a second.
pub const SECOND_US: i64 = 1_000_000;
/// Microseconds of a minute.
pub const MINUTE_US: i64 = 60 * SECOND_US;
/// Microseconds of an hour.
pub const HOUR_US: i64 = 60 * MINUTE_US;
/// Days from 1970-01-01 to 2000-01-01.
pub const UNIX_EPOCH_DAYS: i64 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
pub const UNIX_EPOCH_US: i64 = UNIX_EPOCH_DAYS * DAY_US;
/// The Julian day number of 2000-01-01.
pub const JULIAN_EPOCH: i64 = 2_451_545;

const CYCLE_DAYS: i64 = 146_097; // 400 years
const DATE_MIN: i64 = -JULIAN_EPOCH; // 4714-11-24 BC
const DATE_END: i64 = 2_145_031_949; // the day after 5874897-12-31
const TIMESTAMP_MIN: i64 = -211_813_488_000_000_000; // 4714-11-24 BC
const TIMESTAMP_END: i64 = 9_223_371_331_200_000_000; // 294277-01-01

/// A civil date and time, without a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year: 0 is 1 BC.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// Microseconds since midnight.
    pub micros: i64,
}

impl Civil {
    /// Hour of the day.
    pub fn hour(&self) -> i64 {
        self.micros / HOUR_US
    }

    /// Minute of the hour.
    pub fn minute(&self) -> i64 {
        self.micros / MINUTE_US % 60
    }

    /// Second of the minute.
    pub fn second(&self) -> i64 {
        self.micros / SECOND_US % 60
    }

    /// Microsecond of the second.
    pub fn micro(&self) -> i64 {
        self.micros % SECOND_US
    }
}

/// Whether February has 29 days.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, 1 to 12.
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 2000-01-01, not range-checked. Method: Howard Hinnant, "chrono-compatible low-level date algorithms".
pub fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * CYCLE_DAYS + day_of_era - 719_468 - UNIX_EPOCH_DAYS
}

/// Year, month and day; the inverse of [`days_from_civil`].
pub fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let shifted = days + UNIX_EPOCH_DAYS + 719_468;
    let era = shifted.div_euclid(CYCLE_DAYS);
    let day_of_era = shifted.rem_euclid(CYCLE_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    ((year_of_era + era * 400 + i64::from(month <= 2)) as i32, month, day)
}

/// A finite timestamp's civil form.
pub fn civil_from_micros(micros: i64) -> Civil {
    let (year, month, day) = civil_from_days(micros.div_euclid(DAY_US));
    Civil { year, month, day, micros: micros.rem_euclid(DAY_US) }
}

/// Days since 2000-01-01 of a valid civil date; `None` out of a date's range.
pub fn date_from_days(days: i64) -> Option<i32> {
    (DATE_MIN..DATE_END).contains(&days).then_some(days as i32)
}

/// Microseconds of days and time; `None` out of a timestamp's range.
pub fn timestamp_from_parts(days: i64, micros: i64) -> Option<i64> {
    check_timestamp(days.checked_mul(DAY_US)?.checked_add(micros)?)
}

/// Microseconds of a civil time; `None` out of a timestamp's range.
pub fn micros_from_civil(civil: &Civil) -> Option<i64> {
    timestamp_from_parts(days_from_civil(civil.year, civil.month, civil.day), civil.micros)
}

/// The same, if it is in a finite timestamp's range.
pub fn check_timestamp(micros: i64) -> Option<i64> {
    (TIMESTAMP_MIN..TIMESTAMP_END).contains(&micros).then_some(micros)
}

/// ISO 8601 day of the week: Monday is 1, Sunday 7.
pub fn iso_weekday(days: i64) -> i64 {
    (days + 5).rem_euclid(7) + 1 // 2000-01-01 was a Saturday
}

/// Day of the year, from 1.
pub fn day_of_year(days: i64) -> i64 {
    let (year, _, _) = civil_from_days(days);
    days - days_from_civil(year, 1, 1) + 1
}

/// ISO 8601 year and week.
pub fn iso_week(days: i64) -> (i32, i64) {
    let thursday = days - iso_weekday(days) + 4;
    let (year, _, _) = civil_from_days(thursday);
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

/// The error for a time that no date or timestamp can hold.
pub fn timestamp_out_of_range() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// The error for a span that no interval can hold.
pub fn interval_out_of_range() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range")
}

/// Adds months (the day is clipped to the month's last), then days, then microseconds, on the civil clock.
pub fn add_interval(micros: i64, interval: Interval) -> Result<i64, SqlError> {
    if micros == i64::MAX || micros == i64::MIN {
        return Ok(micros);
    }
    let shifted = add_months(micros, interval.months).and_then(|t| add_days(t, interval.days));
    let sum = shifted.and_then(|t| t.checked_add(interval.micros)).and_then(check_timestamp);
    sum.ok_or_else(timestamp_out_of_range)
}

/// Adds months, then days on the clock of `zone`, then microseconds of absolute time, as `timestamptz + interval` does.
pub fn add_interval_in(zone: &TimeZone, micros: i64, interval: Interval) -> Result<i64, SqlError> {
    if micros == i64::MAX || micros == i64::MIN {
        return Ok(micros);
    }
    let mut time = micros;
    if interval.months != 0 || interval.days != 0 {
        let local = to_local(zone, micros);
        let shifted = add_months(local, interval.months).and_then(|t| add_days(t, interval.days));
        time = from_local(zone, shifted.ok_or_else(timestamp_out_of_range)?);
    }
    time.checked_add(interval.micros).and_then(check_timestamp).ok_or_else(timestamp_out_of_range)
}

fn add_months(micros: i64, months: i32) -> Option<i64> {
    if months == 0 {
        return Some(micros);
    }
    let civil = civil_from_micros(micros);
    let total = i64::from(civil.year) * 12 + i64::from(civil.month) - 1 + i64::from(months);
    let year = i32::try_from(total.div_euclid(12)).ok()?;
    let month = total.rem_euclid(12) as u32 + 1;
    let day = civil.day.min(days_in_month(year, month));
    micros_from_civil(&Civil { year, month, day, micros: civil.micros })
}

fn add_days(micros: i64, days: i32) -> Option<i64> {
    let sum = i128::from(micros) + i128::from(days) * i128::from(DAY_US);
    check_timestamp(i64::try_from(sum).ok()?)
}

/// `micros` brought by whole calendar cycles into the years that the zone database covers, and what to add to get back.
pub(crate) fn in_covered_years(micros: i64) -> (i64, i64) {
    // From before the first time that there is, so that what is oldest has each zone's oldest offset.
    let covered = -6_720 * 366 * DAY_US..7_000 * 365 * DAY_US;
    if covered.contains(&micros) {
        return (micros, 0);
    }
    let cycle = CYCLE_DAYS * DAY_US;
    let base = micros.rem_euclid(cycle);
    (base, micros - base)
}

/// The offset from UTC, in seconds east, that `zone` has at `micros` (UTC).
pub fn offset_at(zone: &TimeZone, micros: i64) -> i32 {
    zone.to_offset(instant(micros)).seconds()
}

/// A time (UTC) in whole seconds as time zones know it; one in a year beyond theirs as the same day of a year within.
pub fn instant(micros: i64) -> jiff::Timestamp {
    let (covered, _) = in_covered_years(micros);
    let unix = covered.div_euclid(SECOND_US) + UNIX_EPOCH_DAYS * 86_400;
    jiff::Timestamp::from_second(unix).unwrap_or_default()
}

/// The civil clock of `zone` at a time in UTC; infinities stay.
pub fn to_local(zone: &TimeZone, micros: i64) -> i64 {
    if micros == i64::MAX || micros == i64::MIN || *zone == TimeZone::UTC {
        return micros;
    }
    micros.saturating_add(i64::from(offset_at(zone, micros)) * SECOND_US)
}

/// The time in UTC when the clock of `zone` shows `local`; infinities stay.
///
/// A time that a clock skips is read with the offset before the gap, one that it shows twice as the second.
pub fn from_local(zone: &TimeZone, local: i64) -> i64 {
    if local == i64::MAX || local == i64::MIN || *zone == TimeZone::UTC {
        return local;
    }
    let (covered, _) = in_covered_years(local);
    let civil = civil_from_micros(covered);
    let second = jiff::civil::DateTime::new(
        civil.year as i16,
        civil.month as i8,
        civil.day as i8,
        civil.hour() as i8,
        civil.minute() as i8,
        civil.second() as i8,
        0,
    );
    let offset = second.map_or(Offset::UTC, |t| match zone.to_ambiguous_timestamp(t).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } => before,
        AmbiguousOffset::Fold { after, .. } => after,
    });
    local.saturating_sub(i64::from(offset.seconds()) * SECOND_US)
}

/// The time zone of this name: of the tz database, a common abbreviation, or a POSIX offset (`UTC+3` is *west*).
pub fn zone(name: &str) -> Result<TimeZone, SqlError> {
    let trimmed = name.trim();
    if let Some(seconds) = abbreviation(trimmed) {
        return Ok(fixed(seconds));
    }
    let looks_like_name = trimmed.starts_with(|c: char| c.is_ascii_alphabetic());
    if looks_like_name && let Ok(zone) = TimeZone::get(trimmed) {
        return Ok(zone);
    }
    if let Some(seconds) = posix_offset(trimmed) {
        return Ok(fixed(-seconds));
    }
    if looks_like_name && let Ok(zone) = TimeZone::posix(trimmed) {
        return Ok(zone);
    }
    Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized")))
}

/// The zone with one offset for ever, in seconds east of UTC.
pub fn fixed(seconds: i32) -> TimeZone {
    Offset::from_seconds(seconds)
        .map_or(TimeZone::UTC, |offset| if seconds == 0 { TimeZone::UTC } else { TimeZone::fixed(offset) })
}

/// Letters, sign, hours and perhaps minutes: the seconds after the letters.
fn posix_offset(name: &str) -> Option<i32> {
    let rest = match name.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => name.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    parse_offset(rest)
}

/// `+HH`, `-HH:MM`, `+HHMM`, `+HH:MM:SS`, the sign being optional: seconds.
pub fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let number = |part: &str| (part.len() <= 2).then(|| part.parse::<i32>().ok()).flatten();
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if !first.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match first.len() {
        1 | 2 => (number(first)?, parts.next().map_or(Some(0), number)?),
        3 | 4 => (number(&first[..first.len() - 2])?, number(&first[first.len() - 2..])?),
        _ => return None,
    };
    let seconds = parts.next().map_or(Some(0), number)?;
    let valid = parts.next().is_none() && hours < 16 && minutes < 60 && seconds < 60;
    valid.then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// Seconds east of UTC of the zone abbreviations in PostgreSQL's default set that people use most.
pub fn abbreviation(name: &str) -> Option<i32> {
    let quarters = match name.to_ascii_lowercase().as_str() {
        "utc" | "gmt" | "z" | "zulu" | "uct" | "wet" => 0,
        "cet" | "west" | "bst" | "met" => 4,
        "cest" | "eet" | "mest" | "cat" | "sast" => 8,
        "eest" | "msk" | "eat" => 12,
        "msd" | "gst" => 16,
        "ist" => 22,
        "hkt" | "sgt" | "awst" | "pht" => 32,
        "jst" | "kst" => 36,
        "acst" => 38,
        "aest" => 40,
        "acdt" => 42,
        "aedt" => 44,
        "nzst" => 48,
        "nzdt" => 52,
        "art" | "adt" | "brt" => -12,
        "ast" | "edt" => -16,
        "est" | "cdt" => -20,
        "cst" | "mdt" => -24,
        "mst" | "pdt" => -28,
        "pst" | "akdt" => -32,
        "akst" | "hdt" => -36,
        "hst" => -40,
        "nst" => -14,
        "ndt" => -10,
        _ => return None,
    };
    Some(quarters * 900)
}
