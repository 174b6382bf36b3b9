//! Text forms of `interval`.

use super::datetime::fields::fraction_micros;
use super::datetime::push_fraction;
use super::{IntervalStyle, invalid_syntax};
use crate::datetime::{HOUR_US, MINUTE_US, SECOND_US};
use crate::interval::DAY_US;
use crate::{Interval, SqlError, SqlState};
use std::fmt::Write;

/// A unit of an interval: how many months, days or microseconds one is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Months(i64),
    Days(i64),
    Micros(i64),
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" | "microsecon" => {
            Unit::Micros(1)
        }
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" | "millisecon" => {
            Unit::Micros(1000)
        }
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Micros(SECOND_US),
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Micros(MINUTE_US),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Micros(HOUR_US),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "mon" | "mons" | "month" | "months" => Unit::Months(1),
        "quarter" | "quarters" | "qtr" => Unit::Months(3),
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Months(12),
        "dec" | "decs" | "decade" | "decades" => Unit::Months(120),
        "c" | "cent" | "century" | "centuries" => Unit::Months(1200),
        "mil" | "mils" | "millennium" | "millennia" => Unit::Months(12_000),
        _ => return None,
    })
}

/// A sum in parts that are wider than an interval's.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i64,
}

impl Sum {
    /// Adds `whole.fraction` units; `None` on overflow. Fractions flow from months to days to microseconds, those of
    /// years and longer units to months alone.
    fn add(&mut self, whole: i64, fraction: f64, unit: Unit) -> Option<()> {
        match unit {
            Unit::Months(n) => {
                self.months = self.months.checked_add(whole.checked_mul(n)?)?;
                if n == 1 {
                    self.add_fraction_of_days(fraction * 30.0)?;
                } else {
                    self.months = self.months.checked_add((fraction * n as f64).round_ties_even() as i64)?;
                }
            }
            Unit::Days(n) => {
                self.days = self.days.checked_add(whole.checked_mul(n)?)?;
                self.add_fraction_of_days(fraction * n as f64)?;
            }
            Unit::Micros(n) => {
                self.micros = self.micros.checked_add(whole.checked_mul(n)?)?;
                self.micros = self.micros.checked_add((fraction * n as f64).round_ties_even() as i64)?;
            }
        }
        Some(())
    }

    fn add_fraction_of_days(&mut self, days: f64) -> Option<()> {
        self.days = self.days.checked_add(days.trunc() as i64)?;
        self.micros = self.micros.checked_add((days.fract() * DAY_US as f64).round_ties_even() as i64)?;
        Some(())
    }

    fn negate(&mut self) {
        (self.months, self.days, self.micros) = (-self.months, -self.days, -self.micros);
    }

    fn finish(self) -> Option<Interval> {
        let (months, days) = (i32::try_from(self.months).ok()?, i32::try_from(self.days).ok()?);
        Some(Interval { months, days, micros: self.micros })
    }
}

/// Why a text is no interval.
enum Wrong {
    Syntax,
    Range,
}

/// `1 year 2 mons 3 days 04:05:06.789`, `1-2 3 4:05:06`, `P1Y2M3DT4H5M6S`, `@ 1 minute ago`, in any mixture of units.
pub fn parse(text: &str) -> Result<Interval, SqlError> {
    let trimmed = text.trim();
    let iso = trimmed
        .strip_prefix(['P', 'p'])
        .filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'T' | 't')));
    let parsed = match iso {
        Some(rest) => parse_iso(rest),
        None => parse_words(trimmed),
    };
    parsed.and_then(|sum| sum.finish().ok_or(Wrong::Range)).map_err(|wrong| match wrong {
        Wrong::Syntax => SqlError { code: SqlState::INVALID_DATETIME_FORMAT, ..invalid_syntax("interval", text) },
        Wrong::Range => {
            let message = format!("interval field value out of range: \"{text}\"");
            SqlError::new(SqlState::INTERVAL_FIELD_OVERFLOW, message)
        }
    })
}

/// Sign, whole part, fraction of `[+-]digits[.digits]`; the fraction carries the sign.
fn number(text: &str) -> Result<(i64, f64), Wrong> {
    let (sign, bare) = match text.strip_prefix('-') {
        Some(bare) => (-1, bare),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(Wrong::Syntax);
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| Wrong::Range)? };
    let fraction: f64 = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().unwrap_or(0.0) };
    Ok((sign * whole, sign as f64 * fraction))
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Number(&'a str),
    Time(&'a str),
    YearMonth(&'a str),
    Word(String),
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() || matches!(first, '@' | ',') {
            rest = &rest[first.len_utf8()..];
        } else if first.is_ascii_alphabetic() {
            let len = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..len].to_ascii_lowercase()));
            rest = &rest[len..];
        } else if first.is_ascii_digit() || matches!(first, '+' | '-' | '.') {
            let accept = |c: char| c.is_ascii_digit() || matches!(c, '.' | ':');
            let mut len = rest[1..].find(|c| !accept(c)).map_or(rest.len(), |at| at + 1);
            let mut dashed = false;
            if rest[len..].starts_with('-') && rest[len + 1..].starts_with(|c: char| c.is_ascii_digit()) {
                dashed = true;
                len += 1;
                len += rest[len..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - len);
            }
            let token = &rest[..len];
            tokens.push(match (dashed, token.contains(':')) {
                (true, _) => Token::YearMonth(token),
                (false, true) => Token::Time(token),
                (false, false) => Token::Number(token),
            });
            rest = &rest[len..];
        } else {
            return Err(Wrong::Syntax);
        }
    }
    Ok(tokens)
}

fn parse_words(text: &str) -> Result<Sum, Wrong> {
    let tokens = tokens(text)?;
    let mut sum = Sum::default();
    let mut used = Vec::new();
    let mut ago = false;
    let mut at = 0;
    while at < tokens.len() {
        match (&tokens[at], tokens.get(at + 1)) {
            (Token::Number(n), Some(Token::Word(word))) if word != "ago" => {
                let unit = unit(word).ok_or(Wrong::Syntax)?;
                if used.contains(&unit) {
                    return Err(Wrong::Syntax);
                }
                used.push(unit);
                let (whole, fraction) = number(n)?;
                sum.add(whole, fraction, unit).ok_or(Wrong::Range)?;
                at += 1;
            }
            (Token::Number(n), next) => {
                let unit = if matches!(next, Some(Token::Time(_))) { Unit::Days(1) } else { Unit::Micros(SECOND_US) };
                let (whole, fraction) = number(n)?;
                sum.add(whole, fraction, unit).ok_or(Wrong::Range)?;
            }
            (Token::YearMonth(text), _) => add_year_month(text, &mut sum)?,
            (Token::Time(text), _) => {
                let time = parse_time(text)?;
                sum.micros = sum.micros.checked_add(time).ok_or(Wrong::Range)?;
            }
            (Token::Word(word), None) if word == "ago" && at > 0 => ago = true,
            (Token::Word(_), _) => return Err(Wrong::Syntax),
        }
        at += 1;
    }
    if tokens.is_empty() {
        return Err(Wrong::Syntax);
    }
    if ago {
        sum.negate();
    }
    Ok(sum)
}

fn add_year_month(text: &str, sum: &mut Sum) -> Result<(), Wrong> {
    let (sign, bare) = match text.strip_prefix('-') {
        Some(bare) => (-1, bare),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (years, months) = bare.split_once('-').ok_or(Wrong::Syntax)?;
    let number = |text: &str| text.parse::<i64>().map_err(|_| Wrong::Syntax);
    let (years, months) = (number(years)?, number(months)?);
    if months > 11 {
        return Err(Wrong::Range);
    }
    let total = years.checked_mul(12).and_then(|m| m.checked_add(months)).ok_or(Wrong::Range)?;
    sum.months = sum.months.checked_add(sign * total).ok_or(Wrong::Range)?;
    Ok(())
}

/// `[+-]hh:mm[:ss[.fff]]`, or `mm:ss.fff`.
fn parse_time(text: &str) -> Result<i64, Wrong> {
    let (sign, bare) = match text.strip_prefix('-') {
        Some(bare) => (-1, bare),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (clock, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<i64>().map_err(|_| Wrong::Syntax) };
    let (hours, minutes, seconds) = match (&parts[..], fraction.is_empty()) {
        ([h, m], true) => (number(h)?, number(m)?, 0),
        ([m, s], false) => (0, number(m)?, number(s)?),
        ([h, m, s], _) => (number(h)?, number(m)?, number(s)?),
        _ => return Err(Wrong::Syntax),
    };
    if minutes > 59 || seconds > 60 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(if minutes > 59 || seconds > 60 { Wrong::Range } else { Wrong::Syntax });
    }
    let rest = minutes * MINUTE_US + seconds * SECOND_US + fraction_micros(fraction);
    let total = hours.checked_mul(HOUR_US).and_then(|h| h.checked_add(rest)).ok_or(Wrong::Range)?;
    Ok(sign * total)
}

/// What follows the `P` of ISO 8601: designators, or the alternative form `0001-02-03T04:05:06`.
fn parse_iso(text: &str) -> Result<Sum, Wrong> {
    let mut sum = Sum::default();
    let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
    if date.contains('-') && !date.starts_with('-') && !date.contains(|c: char| c.is_ascii_alphabetic()) {
        let parts: Vec<&str> = date.split('-').collect();
        for (part, unit) in parts.iter().zip([Unit::Months(12), Unit::Months(1), Unit::Days(1)]) {
            let (whole, fraction) = number(part)?;
            sum.add(whole, fraction, unit).ok_or(Wrong::Range)?;
        }
    } else {
        add_designated(date, false, &mut sum)?;
    }
    match time {
        Some("") => return Err(Wrong::Syntax),
        Some(time) if time.contains(':') => {
            sum.micros = sum.micros.checked_add(parse_time(time)?).ok_or(Wrong::Range)?;
        }
        Some(time) => add_designated(time, true, &mut sum)?,
        None if date.is_empty() => return Err(Wrong::Syntax),
        None => {}
    }
    Ok(sum)
}

fn add_designated(mut text: &str, in_time: bool, sum: &mut Sum) -> Result<(), Wrong> {
    while !text.is_empty() {
        let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(Wrong::Syntax)?;
        let (whole, fraction) = number(&text[..at])?;
        let unit = match (text.as_bytes()[at].to_ascii_uppercase(), in_time) {
            (b'Y', false) => Unit::Months(12),
            (b'M', false) => Unit::Months(1),
            (b'W', false) => Unit::Days(7),
            (b'D', false) => Unit::Days(1),
            (b'H', true) => Unit::Micros(HOUR_US),
            (b'M', true) => Unit::Micros(MINUTE_US),
            (b'S', true) => Unit::Micros(SECOND_US),
            _ => return Err(Wrong::Syntax),
        };
        sum.add(whole, fraction, unit).ok_or(Wrong::Range)?;
        text = &text[at + 1..];
    }
    Ok(())
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
