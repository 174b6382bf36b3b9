//! `to_timestamp` and `to_date` of a text and a template.

use super::template::{Piece, cut};
use repr::datetime::{
    HOUR_US, JULIAN_EPOCH, MINUTE_US, SECOND_US, days_from_civil, days_in_month, timestamp_from_parts,
};
use repr::text::datetime::{MONTHS, WEEKDAYS};
use repr::{EvalError, SqlError, SqlState};

/// What the text has said so far.
#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    julian: Option<i64>,
    hour: i64,
    half: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    seconds_of_day: Option<i64>,
    before_christ: bool,
    zone_sign: i64,
    zone_seconds: i64,
}

fn bad_value(name: &str, text: &str) -> EvalError {
    let shown: String = text.chars().take(name.len()).collect();
    let message = format!("invalid value \"{shown}\" for \"{name}\"");
    SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

/// A number of at most so many digits at the head of the text.
fn digits(text: &mut &str, width: usize, name: &str) -> Result<i64, EvalError> {
    let trimmed = text.trim_start();
    let sign = usize::from(trimmed.starts_with(['-', '+']) && name.starts_with('Y'));
    let len = trimmed[sign..].bytes().take(width).take_while(u8::is_ascii_digit).count() + sign;
    let value = trimmed[..len].parse().map_err(|_| bad_value(name, trimmed))?;
    *text = &trimmed[len..];
    Ok(value)
}

/// The first of these words that the text begins with, in any case; whole words before their three letters.
fn word(text: &mut &str, words: &[&str], name: &str) -> Result<usize, EvalError> {
    let trimmed = text.trim_start();
    for short in [false, true] {
        for (i, word) in words.iter().enumerate() {
            let wanted = if short { &word[..word.len().min(3)] } else { word };
            if trimmed.get(..wanted.len()).is_some_and(|head| head.eq_ignore_ascii_case(wanted)) {
                *text = &trimmed[wanted.len()..];
                return Ok(i);
            }
        }
    }
    let error = bad_value(name, trimmed);
    Err(error.detail("The given value did not match any of the allowed values for this field."))
}

/// Microseconds since 2000-01-01 UTC of a text read by a template.
pub fn parse(text: &str, template: &str) -> Result<i64, EvalError> {
    let mut parts = Parts { zone_sign: 1, ..Parts::default() };
    let mut rest = text;
    let pieces = cut(template);
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(c) if c.is_alphanumeric() => {
                // A letter of the template stands for any one character.
                rest = rest.chars().next().map_or("", |first| &rest[first.len_utf8()..]);
            }
            Piece::Literal(_) => {
                let trimmed = rest.trim_start();
                let separator = trimmed.chars().next().filter(|c| !c.is_alphanumeric() && !matches!(c, '+' | '-'));
                let separator = separator.or_else(|| trimmed.chars().next().filter(|c| *piece == Piece::Literal(*c)));
                rest = separator.map_or(trimmed, |c| &trimmed[c.len_utf8()..]);
            }
            Piece::Pattern(pattern) => {
                let adjacent = matches!(pieces.get(i + 1), Some(Piece::Pattern(_)));
                parts.take(pattern.name, &mut rest, adjacent)?;
                if pattern.ordinal.is_some() {
                    rest = rest.get(2..).unwrap_or("");
                }
            }
        }
    }
    parts.finish(text)
}

/// A two- or three-digit year as the one nearest to 2020.
fn near_2020(year: i64, digits: usize) -> i64 {
    match digits {
        4.. => year,
        _ if year < 70 => year + 2000,
        _ if year < 100 => year + 1900,
        _ if year < 520 => year + 2000,
        _ => year + 1000,
    }
}

impl Parts {
    fn take(&mut self, name: &str, rest: &mut &str, adjacent: bool) -> Result<(), EvalError> {
        let fraction = |rest: &mut &str, width: usize| -> Result<i64, EvalError> {
            let before = rest.trim_start().len();
            let value = digits(rest, width, name)?;
            let read = before - rest.len();
            Ok(value * 10i64.pow(6 - read.min(6) as u32))
        };
        match name {
            "YYYY" | "IYYY" => {
                let before = rest.trim_start().len();
                let year = digits(rest, if adjacent { 4 } else { 9 }, name)?;
                self.year = Some(near_2020(year, before - rest.len()));
            }
            "YYY" | "YY" | "Y" | "IYY" | "IY" | "I" => {
                let before = rest.trim_start().len();
                let year = digits(rest, if adjacent { name.len() } else { 4 }, name)?;
                self.year = Some(near_2020(year, before - rest.len()));
            }
            "Y,YYY" => {
                let thousands = digits(rest, 3, name)?;
                *rest = rest.strip_prefix(',').unwrap_or(rest);
                self.year = Some(thousands * 1000 + digits(rest, 3, name)?);
            }
            "MM" => self.month = Some(digits(rest, 2, name)?),
            "MONTH" | "MON" => self.month = Some(word(rest, &MONTHS, name)? as i64 + 1),
            "RM" => {
                let roman = ["XII", "XI", "X", "IX", "VIII", "VII", "VI", "IV", "V", "III", "II", "I"];
                let values = [12, 11, 10, 9, 8, 7, 6, 4, 5, 3, 2, 1];
                self.month = Some(values[word(rest, &roman, name)?]);
            }
            "DD" => self.day = Some(digits(rest, 2, name)?),
            "DDD" => self.day_of_year = Some(digits(rest, 3, name)?),
            "DAY" | "DY" => _ = word(rest, &WEEKDAYS, name)?,
            "J" => self.julian = Some(digits(rest, 8, name)?),
            "HH24" | "HH" | "HH12" => self.hour = digits(rest, 2, name)?,
            "MI" => self.minute = digits(rest, 2, name)?,
            "SS" => self.second = digits(rest, 2, name)?,
            "SSSS" | "SSSSS" => self.seconds_of_day = Some(digits(rest, 5, name)?),
            "MS" => self.micros = fraction(rest, 3)?,
            "US" => self.micros = fraction(rest, 6)?,
            "FF1" | "FF2" | "FF3" | "FF4" | "FF5" | "FF6" => self.micros = fraction(rest, 6)?,
            "AM" | "PM" | "A.M." | "P.M." => {
                let at = word(rest, &["A.M.", "P.M.", "AM", "PM"], name)?;
                self.half = Some(at % 2 == 1);
            }
            "AD" | "BC" | "A.D." | "B.C." => {
                self.before_christ = word(rest, &["A.D.", "B.C.", "AD", "BC"], name)? % 2 == 1;
            }
            "TZH" => {
                let trimmed = rest.trim_start();
                self.zone_sign = if trimmed.starts_with('-') { -1 } else { 1 };
                *rest = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
                self.zone_seconds += digits(rest, 2, name)? * 3600;
            }
            "TZM" => self.zone_seconds += digits(rest, 2, name)? * 60,
            "Q" | "D" | "ID" | "W" => _ = digits(rest, 1, name)?,
            "WW" | "CC" => _ = digits(rest, 2, name)?,
            other => {
                let message = format!("formatting field \"{other}\" is only supported in to_char");
                return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        Ok(())
    }

    fn finish(&self, text: &str) -> Result<i64, EvalError> {
        let out_of_range = || {
            let message = format!("date/time field value out of range: \"{text}\"");
            SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
        };
        let mut hour = self.hour;
        if let Some(afternoon) = self.half {
            if !(1..=12).contains(&hour) {
                let message = format!("hour \"{hour}\" is invalid for the 12-hour clock");
                let error = SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message);
                return Err(error.hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return Err(out_of_range());
        }
        let days = self.days().ok_or_else(out_of_range)?;
        let clock = hour * HOUR_US + self.minute * MINUTE_US + self.second * SECOND_US + self.micros;
        let clock = self.seconds_of_day.map_or(clock, |seconds| seconds * SECOND_US + self.micros);
        let zone = self.zone_sign * self.zone_seconds * SECOND_US;
        timestamp_from_parts(days, clock - zone).ok_or_else(out_of_range)
    }

    fn days(&self) -> Option<i64> {
        if let Some(julian) = self.julian {
            return Some(julian - JULIAN_EPOCH);
        }
        let year = self.year.unwrap_or(if self.before_christ { 1 } else { 0 });
        // Without a year it is the year 1 BC, as PostgreSQL has it.
        let year = i32::try_from(if self.before_christ { 1 - year } else { year }).ok()?;
        if year.abs() > 6_000_000 {
            return None;
        }
        if let Some(day) = self.day_of_year {
            return Some(days_from_civil(year, 1, 1) + day - 1);
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let valid = (1..=12).contains(&month) && day >= 1 && day <= i64::from(days_in_month(year, month as u32));
        valid.then(|| days_from_civil(year, month as u32, day as u32))
    }
}
