//! `to_char` of timestamps and intervals.

use super::template::{Pattern, Piece, cut};
use crate::func::build::{check_length, invalid_parameter};
use repr::datetime::{
    Civil, HOUR_US, JULIAN_EPOCH, MINUTE_US, SECOND_US, civil_from_micros, day_of_year, days_from_civil, iso_week,
    iso_weekday, offset_at, to_local,
};
use repr::text::TextSettings;
use repr::text::datetime::{MONTHS, WEEKDAYS, shown_year, zone_abbreviation};
use repr::{EvalError, Interval, SqlError, SqlState};

const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// What a template can show.
struct Moment {
    /// Of a date; none for intervals.
    days: Option<i64>,
    civil: Civil,
    /// Negative in some intervals.
    month: i64,
    /// Hours may exceed a day in intervals, and all may be negative.
    hours: i64,
    micros: i64,
    /// Seconds east of UTC and the zone's abbreviation, of a time that has a zone.
    zone: Option<(i32, String)>,
}

/// The text of a timestamp; none if it is infinite.
pub fn timestamp_to_char(micros: i64, template: &str) -> Result<Option<String>, EvalError> {
    moment_to_char(micros, template, None)
}

/// The text of a time on a session's clock; none if it is infinite.
pub fn timestamptz_to_char(micros: i64, template: &str, settings: &TextSettings) -> Result<Option<String>, EvalError> {
    if micros == i64::MAX || micros == i64::MIN {
        return Ok(None);
    }
    let zone = (offset_at(&settings.time_zone, micros), zone_abbreviation(settings, micros));
    moment_to_char(to_local(&settings.time_zone, micros), template, Some(zone))
}

fn moment_to_char(micros: i64, template: &str, zone: Option<(i32, String)>) -> Result<Option<String>, EvalError> {
    if micros == i64::MAX || micros == i64::MIN || template.is_empty() {
        return Ok(None);
    }
    let civil = civil_from_micros(micros);
    let days = days_from_civil(civil.year, civil.month, civil.day);
    let month = i64::from(civil.month);
    let moment = Moment { days: Some(days), civil, month, hours: civil.hour(), micros: civil.micros, zone };
    print(&moment, template).map(Some)
}

/// The text of an interval; none for an empty template.
pub fn interval_to_char(span: Interval, template: &str) -> Result<Option<String>, EvalError> {
    if template.is_empty() {
        return Ok(None);
    }
    let (year, month) = (span.months / 12, i64::from(span.months % 12));
    let civil = Civil { year, month: month.unsigned_abs() as u32, day: span.days as u32, micros: span.micros };
    let moment = Moment { days: None, civil, month, hours: span.micros / HOUR_US, micros: span.micros, zone: None };
    print(&moment, template).map(Some)
}

fn print(moment: &Moment, template: &str) -> Result<String, EvalError> {
    check_length(template.len().saturating_mul(8))?;
    let mut out = String::new();
    for piece in cut(template) {
        match piece {
            Piece::Literal(c) | Piece::Quoted(c) => out.push(c),
            Piece::Exact => {}
            Piece::Pattern(pattern) => {
                let mut text = moment.show(&pattern)?;
                if let Some(upper) = pattern.ordinal {
                    text.push_str(&ordinal(&text, upper));
                }
                out.push_str(&text);
            }
        }
    }
    Ok(out)
}

/// `st`, `nd`, `rd` or `th`.
pub fn ordinal(number: &str, upper: bool) -> String {
    let digits = number.as_bytes();
    let teen = digits.len() >= 2 && digits[digits.len() - 2] == b'1';
    let suffix = match (digits.last(), teen) {
        (Some(b'1'), false) => "st",
        (Some(b'2'), false) => "nd",
        (Some(b'3'), false) => "rd",
        _ => "th",
    };
    if upper { suffix.to_uppercase() } else { suffix.to_string() }
}

/// A number with leading zeros up to a width, unless they are switched off; a sign comes on top.
fn padded(value: i64, width: usize, pattern: &Pattern) -> String {
    let width = width + usize::from(value < 0);
    if pattern.fill { value.to_string() } else { format!("{value:0width$}") }
}

/// The first digits of a part of a second.
fn fraction(clock: i64, digits: u32) -> String {
    let width = digits as usize;
    format!("{:0width$}", clock % SECOND_US / 10i64.pow(6 - digits))
}

/// A name in the case of the pattern: `MONTH`, `Month` or `month`.
fn cased(name: &str, pattern: &Pattern) -> String {
    let mut letters = pattern.written.chars();
    match (letters.next().is_some_and(char::is_uppercase), letters.next().is_some_and(char::is_uppercase)) {
        (true, true) => name.to_uppercase(),
        (true, false) => name.to_string(),
        _ => name.to_lowercase(),
    }
}

fn blank_padded(name: String, pattern: &Pattern) -> String {
    if pattern.fill || pattern.translated { name } else { format!("{name:<9}") }
}

fn half_day(hours: i64, pattern: &Pattern) -> String {
    let text = match (hours % 24 >= 12, pattern.name.contains('.')) {
        (true, true) => "P.M.",
        (true, false) => "PM",
        (false, true) => "A.M.",
        (false, false) => "AM",
    };
    if pattern.written.starts_with(char::is_lowercase) { text.to_lowercase() } else { text.to_string() }
}

impl Moment {
    fn show(&self, pattern: &Pattern) -> Result<String, EvalError> {
        let clock = self.micros;
        Ok(match pattern.name {
            "HH24" => padded(self.hours, 2, pattern),
            "HH" | "HH12" => {
                let hours = self.hours % 12;
                let width = if self.hours < 0 && hours == 0 { 3 } else { 2 };
                padded(if hours == 0 { 12 } else { hours }, width, pattern)
            }
            "MI" => padded(clock / MINUTE_US % 60, 2, pattern),
            "SS" => padded(clock / SECOND_US % 60, 2, pattern),
            "MS" | "FF3" => fraction(clock, 3),
            "US" | "FF6" => fraction(clock, 6),
            "FF1" => fraction(clock, 1),
            "FF2" => fraction(clock, 2),
            "FF4" => fraction(clock, 4),
            "FF5" => fraction(clock, 5),
            "SSSS" | "SSSSS" => (clock / SECOND_US).to_string(),
            "AM" | "PM" | "A.M." | "P.M." => half_day(self.hours, pattern),
            "MM" => padded(self.month, 2, pattern),
            "DD" if self.days.is_none() && !pattern.fill => format!("{:02}", self.civil.day as i32),
            "DD" => padded(i64::from(self.civil.day as i32), 2, pattern),
            "CC" => padded(self.century(), 2, pattern),
            "YYYY" => padded(self.year(), 4, pattern),
            "YYY" => padded(self.year() % 1000, 3, pattern),
            "YY" => padded(self.year() % 100, 2, pattern),
            "Y" => padded(self.year() % 10, 1, pattern),
            "Y,YYY" => format!("{},{:03}", self.year() / 1000, self.year() % 1000),
            _ => return self.show_date(pattern),
        })
    }

    /// Centuries count from 1 and backwards from -1; those of an interval from 0.
    fn century(&self) -> i64 {
        let year = i64::from(self.civil.year);
        match self.days {
            None => year / 100,
            Some(_) if year > 0 => (year - 1) / 100 + 1,
            Some(_) => year / 100 - 1,
        }
    }

    fn year(&self) -> i64 {
        match self.days {
            Some(_) => i64::from(shown_year(self.civil.year).0),
            None => i64::from(self.civil.year),
        }
    }

    /// Patterns that only dates have.
    fn show_date(&self, pattern: &Pattern) -> Result<String, EvalError> {
        let Some(days) = self.days else {
            let message = "invalid format specification for an interval value";
            let error = SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message);
            return Err(error.hint("Intervals are not tied to specific calendar dates."));
        };
        let month = MONTHS[self.civil.month as usize - 1];
        let weekday = WEEKDAYS[iso_weekday(days) as usize - 1];
        let (iso_year, week) = iso_week(days);
        let iso_year = i64::from(shown_year(iso_year).0);
        Ok(match pattern.name {
            "MONTH" => blank_padded(cased(month, pattern), pattern),
            "MON" => cased(&month[..3], pattern),
            "DAY" => blank_padded(cased(weekday, pattern), pattern),
            "DY" => cased(&weekday[..3], pattern),
            "RM" => {
                let text = cased(&ROMAN[self.civil.month as usize - 1].to_uppercase(), pattern);
                let text = if pattern.written.starts_with('r') { text.to_lowercase() } else { text };
                if pattern.fill { text } else { format!("{text:<4}") }
            }
            "DDD" => padded(day_of_year(days), 3, pattern),
            "IDDD" => padded((week - 1) * 7 + iso_weekday(days), 3, pattern),
            "D" => (iso_weekday(days) % 7 + 1).to_string(),
            "ID" => iso_weekday(days).to_string(),
            "W" => ((i64::from(self.civil.day) - 1) / 7 + 1).to_string(),
            "WW" => padded((day_of_year(days) - 1) / 7 + 1, 2, pattern),
            "IW" => padded(week, 2, pattern),
            "IYYY" => padded(iso_year, 4, pattern),
            "IYY" => padded(iso_year % 1000, 3, pattern),
            "IY" => padded(iso_year % 100, 2, pattern),
            "I" => padded(iso_year % 10, 1, pattern),
            "Q" => ((self.civil.month - 1) / 3 + 1).to_string(),
            "J" => (days + JULIAN_EPOCH).to_string(),
            "AD" | "BC" | "A.D." | "B.C." => self.era(pattern),
            "TZ" | "TZH" | "TZM" | "OF" => self.zone(pattern),
            other => return Err(invalid_parameter(format!("date format is not recognized: \"{other}\""))),
        })
    }

    fn zone(&self, pattern: &Pattern) -> String {
        let (offset, abbreviation) = self.zone.as_ref().map_or((0, ""), |(offset, text)| (*offset, text.as_str()));
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
        match pattern.name {
            "TZ" if pattern.written.starts_with('t') => abbreviation.to_lowercase(),
            "TZ" => abbreviation.to_string(),
            "TZH" => format!("{sign}{hours:02}"),
            "TZM" => format!("{minutes:02}"),
            _ if minutes == 0 => format!("{sign}{hours:02}"),
            _ => format!("{sign}{hours:02}:{minutes:02}"),
        }
    }

    fn era(&self, pattern: &Pattern) -> String {
        let text = match (self.civil.year <= 0, pattern.name.contains('.')) {
            (true, true) => "B.C.",
            (true, false) => "BC",
            (false, true) => "A.D.",
            (false, false) => "AD",
        };
        if pattern.written.starts_with(char::is_lowercase) { text.to_lowercase() } else { text.to_string() }
    }
}
