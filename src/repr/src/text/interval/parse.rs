//! From the text of an interval to its parts, as PostgreSQL's `DecodeInterval` and `DecodeISO8601Interval` read it.

use super::super::IntervalStyle;
use crate::Interval;
use crate::datetime::{HOUR_US, MINUTE_US, SECOND_US};
use crate::interval::DAY_US;

/// Units are known by their first letters.
const UNIT_LETTERS: usize = 10;

/// A unit of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// 1000 years.
    Millennium,
    /// 100 years.
    Century,
    /// 10 years.
    Decade,
    /// 12 months.
    Year,
    /// A month.
    Month,
    /// 7 days.
    Week,
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// A second.
    Second,
    /// 1000 microseconds.
    Millisecond,
    /// A microsecond.
    Microsecond,
}

/// Why a text is no interval.
#[derive(Debug, PartialEq)]
pub enum Wrong {
    /// It is none.
    Syntax,
    /// A part is too large.
    Field,
    /// The whole is too large.
    Whole,
}

/// The fields that a declaration such as `DAY TO SECOND` admits: the first and the last.
pub type Fields = (Unit, Unit);

fn unit(word: &str) -> Option<Unit> {
    let end = word.char_indices().nth(UNIT_LETTERS).map_or(word.len(), |(at, _)| at);
    Some(match &word[..end] {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
        "dec" | "decs" | "decade" | "decades" => Unit::Decade,
        "c" | "cent" | "century" | "centuries" => Unit::Century,
        "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
        _ => return None,
    })
}

/// Which parts a text has set: one bit each.
mod part {
    pub const MICROSECOND: u16 = 1;
    pub const MILLISECOND: u16 = 2;
    pub const SECOND: u16 = 4;
    pub const ALL_SECONDS: u16 = MICROSECOND | MILLISECOND | SECOND;
    pub const MINUTE: u16 = 8;
    pub const HOUR: u16 = 16;
    pub const TIME: u16 = ALL_SECONDS | MINUTE | HOUR;
    pub const DAY: u16 = 32;
    pub const WEEK: u16 = 64;
    pub const MONTH: u16 = 128;
    pub const YEAR: u16 = 256;
    pub const DECADE: u16 = 512;
    pub const CENTURY: u16 = 1024;
    pub const MILLENNIUM: u16 = 2048;
}

/// What has been added up so far.
#[derive(Default)]
struct Sum {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

impl Sum {
    fn years(&mut self, value: i64, scale: i32) -> Option<()> {
        let years = i32::try_from(value).ok()?.checked_mul(scale)?;
        self.years = self.years.checked_add(years)?;
        Some(())
    }

    fn months(&mut self, value: i64) -> Option<()> {
        self.months = self.months.checked_add(i32::try_from(value).ok()?)?;
        Some(())
    }

    fn days(&mut self, value: i64, scale: i32) -> Option<()> {
        let days = i32::try_from(value).ok()?.checked_mul(scale)?;
        self.days = self.days.checked_add(days)?;
        Some(())
    }

    fn micros(&mut self, value: i64, fraction: f64, scale: i64) -> Option<()> {
        self.micros = self.micros.checked_add(value.checked_mul(scale)?)?;
        self.fraction_of_time(fraction, scale)
    }

    fn fraction_of_time(&mut self, fraction: f64, scale: i64) -> Option<()> {
        let scaled = fraction * scale as f64;
        let whole = scaled as i64;
        let rest = scaled - whole as f64;
        let rounded = whole + i64::from(rest > 0.5) - i64::from(rest < -0.5);
        self.micros = self.micros.checked_add(rounded)?;
        Some(())
    }

    fn fraction_of_days(&mut self, fraction: f64, scale: i32) -> Option<()> {
        let scaled = fraction * f64::from(scale);
        let whole = scaled as i32;
        self.days = self.days.checked_add(whole)?;
        self.fraction_of_time(scaled - f64::from(whole), DAY_US)
    }

    fn fraction_of_years(&mut self, fraction: f64, scale: i32) -> Option<()> {
        let months = (fraction * f64::from(scale) * 12.0).round_ties_even() as i32;
        self.months = self.months.checked_add(months)?;
        Some(())
    }

    /// Adds `value.fraction` units; which parts that sets.
    fn add(&mut self, value: i64, fraction: f64, unit: Unit) -> Option<u16> {
        match unit {
            Unit::Microsecond => self.micros(value, fraction, 1)?,
            Unit::Millisecond => self.micros(value, fraction, 1000)?,
            Unit::Second => self.micros(value, fraction, SECOND_US)?,
            Unit::Minute => self.micros(value, fraction, MINUTE_US)?,
            Unit::Hour => self.micros(value, fraction, HOUR_US)?,
            Unit::Day => self.days(value, 1).and_then(|()| self.fraction_of_time(fraction, DAY_US))?,
            Unit::Week => self.days(value, 7).and_then(|()| self.fraction_of_days(fraction, 7))?,
            Unit::Month => self.months(value).and_then(|()| self.fraction_of_days(fraction, 30))?,
            Unit::Year => self.years(value, 1).and_then(|()| self.fraction_of_years(fraction, 1))?,
            Unit::Decade => self.years(value, 10).and_then(|()| self.fraction_of_years(fraction, 10))?,
            Unit::Century => self.years(value, 100).and_then(|()| self.fraction_of_years(fraction, 100))?,
            Unit::Millennium => self.years(value, 1000).and_then(|()| self.fraction_of_years(fraction, 1000))?,
        }
        Some(match unit {
            Unit::Microsecond => part::MICROSECOND,
            Unit::Millisecond => part::MILLISECOND,
            Unit::Second if fraction == 0.0 => part::SECOND,
            Unit::Second => part::ALL_SECONDS,
            Unit::Minute => part::MINUTE,
            Unit::Hour => part::HOUR,
            Unit::Day => part::DAY,
            Unit::Week => part::WEEK,
            Unit::Month => part::MONTH,
            Unit::Year => part::YEAR,
            Unit::Decade => part::DECADE,
            Unit::Century => part::CENTURY,
            Unit::Millennium => part::MILLENNIUM,
        })
    }

    fn negate(&mut self) -> Option<()> {
        self.years = self.years.checked_neg()?;
        self.months = self.months.checked_neg()?;
        self.days = self.days.checked_neg()?;
        self.micros = self.micros.checked_neg()?;
        Some(())
    }

    fn finish(self) -> Result<Interval, Wrong> {
        let months = i64::from(self.years) * 12 + i64::from(self.months);
        let months = i32::try_from(months).map_err(|_| Wrong::Whole)?;
        Ok(Interval { months, days: self.days, micros: self.micros })
    }
}

/// Reads an interval; `fields` says what a number without a unit is.
pub fn parse(text: &str, fields: Option<Fields>, style: IntervalStyle) -> Result<Interval, Wrong> {
    match parse_words(text, fields, style) {
        Err(Wrong::Syntax) => parse_iso(text),
        other => other,
    }
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    /// Digits and colons, perhaps a fraction.
    Time(&'a str),
    /// Digits, perhaps a fraction, or years and months.
    Number(&'a str),
    /// The same with a sign, or a time with one.
    Signed(bool, &'a str),
    Word(String),
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let span = |text: &str, accept: &dyn Fn(char) -> bool| text.find(|c| !accept(c)).unwrap_or(text.len());
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() || first == '.' {
            let digits = span(rest, &|c| c.is_ascii_digit());
            let timed = rest[digits..].starts_with(':');
            let len = match rest[digits..].chars().next() {
                Some(':') => span(rest, &|c| c.is_ascii_digit() || matches!(c, ':' | '.')),
                Some(delimiter @ ('-' | '/' | '.')) => {
                    digits + 1 + span(&rest[digits + 1..], &|c| c.is_ascii_digit() || c == delimiter)
                }
                _ => digits,
            };
            tokens.push(if timed { Token::Time(&rest[..len]) } else { Token::Number(&rest[..len]) });
            rest = &rest[len..];
        } else if first.is_ascii_alphabetic() {
            let len = span(rest, &|c| c.is_ascii_alphabetic());
            tokens.push(Token::Word(rest[..len].to_ascii_lowercase()));
            rest = &rest[len..];
        } else if matches!(first, '+' | '-') {
            rest = rest[1..].trim_start();
            let len = span(rest, &|c| c.is_ascii_digit() || matches!(c, ':' | '.' | '-'));
            if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                return Err(Wrong::Syntax);
            }
            tokens.push(Token::Signed(first == '-', &rest[..len]));
            rest = &rest[len..];
        } else if first.is_whitespace() || first.is_ascii_punctuation() {
            rest = &rest[1.max(first.len_utf8())..];
        } else {
            return Err(Wrong::Syntax);
        }
    }
    Ok(tokens)
}

/// Units stand behind their numbers, so the text is read from its end.
struct Words {
    sum: Sum,
    fields: Option<Fields>,
    /// What the next number is.
    unit: Option<Unit>,
    /// Whether a unit still waits for its number.
    open: bool,
    set: u16,
    /// Whether one sign at the beginning counts for all, as in SQL's standard.
    all_negative: bool,
}

fn parse_words(text: &str, fields: Option<Fields>, style: IntervalStyle) -> Result<Interval, Wrong> {
    let tokens = tokens(text)?;
    let one_sign = matches!(tokens.first(), Some(Token::Signed(true, _)))
        && !tokens[1..].iter().any(|token| matches!(token, Token::Signed(..)));
    let all_negative = style == IntervalStyle::SqlStandard && one_sign;
    let mut words = Words { sum: Sum::default(), fields, unit: None, open: false, set: 0, all_negative };
    let mut ago = false;
    for token in tokens.iter().rev() {
        match token {
            Token::Time(time) => words.time(false, time)?,
            Token::Signed(negative, time) if time.contains(':') => words.time(*negative, time)?,
            Token::Signed(negative, number) => words.number(*negative, number)?,
            Token::Number(number) => words.number(false, number)?,
            Token::Word(word) if word == "ago" => ago = true,
            Token::Word(word) => {
                if words.open {
                    return Err(Wrong::Syntax);
                }
                words.unit = Some(unit(word).ok_or(Wrong::Syntax)?);
                words.open = true;
            }
        }
    }
    if words.set == 0 || words.open {
        return Err(Wrong::Syntax);
    }
    if ago {
        words.sum.negate().ok_or(Wrong::Field)?;
    }
    words.sum.finish()
}

impl Words {
    fn mark(&mut self, parts: u16) -> Result<(), Wrong> {
        if self.set & parts != 0 {
            return Err(Wrong::Syntax);
        }
        self.set |= parts;
        self.open = false;
        Ok(())
    }

    fn time(&mut self, negative: bool, text: &str) -> Result<(), Wrong> {
        let micros = time(text, self.fields == Some((Unit::Minute, Unit::Second)))?;
        let micros = if negative || self.all_negative { -micros } else { micros };
        self.sum.micros = self.sum.micros.checked_add(micros).ok_or(Wrong::Field)?;
        self.unit = Some(Unit::Day);
        self.mark(part::TIME)
    }

    fn number(&mut self, negative: bool, text: &str) -> Result<(), Wrong> {
        let unit = *self.unit.get_or_insert(self.fields.map_or(Unit::Second, |(_, last)| last));
        let negative = negative || self.all_negative;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let signed = |digits: &str| -> Result<i64, Wrong> {
            let text = if digits.is_empty() { "0" } else { digits };
            format!("{}{text}", if negative { "-" } else { "" }).parse().map_err(|_| Wrong::Field)
        };
        let value = signed(&text[..digits])?;
        let (value, fraction, unit) = if let Some(months) = text[digits..].strip_prefix('-') {
            if months.is_empty() || !months.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Wrong::Syntax);
            }
            let months = signed(months).ok().filter(|months| months.abs() < 12).ok_or(Wrong::Field)?;
            let total = value.checked_mul(12).and_then(|years| years.checked_add(months)).ok_or(Wrong::Field)?;
            (total, 0.0, Unit::Month)
        } else if let Some(fraction) = text[digits..].strip_prefix('.') {
            if !fraction.bytes().all(|b| b.is_ascii_digit()) || (fraction.is_empty() && digits == 0) {
                return Err(Wrong::Syntax);
            }
            let fraction = format!("0.{fraction}0").parse::<f64>().unwrap_or(0.0);
            (value, if negative { -fraction } else { fraction }, unit)
        } else if digits == text.len() {
            (value, 0.0, unit)
        } else {
            return Err(Wrong::Syntax);
        };
        // Before hours stand days.
        self.unit = Some(if unit == Unit::Hour { Unit::Day } else { unit });
        let parts = self.sum.add(value, fraction, unit).ok_or(Wrong::Field)?;
        self.mark(parts)
    }
}

/// `hh:mm[:ss[.fff]]`, or `mm:ss[.fff]` where a fraction or the declared fields say so.
fn time(text: &str, minutes_first: bool) -> Result<i64, Wrong> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let fraction_digits = fraction.unwrap_or("");
    if !fraction_digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Wrong::Syntax);
    }
    let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<i64>().map_err(|_| Wrong::Field) };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [m, s] if fraction.is_some() || minutes_first => (0, number(m)?, number(s)?),
        [h, m] => (number(h)?, number(m)?, 0),
        [h, m, s] => (number(h)?, number(m)?, number(s)?),
        _ => return Err(Wrong::Syntax),
    };
    if minutes > 59 || seconds > 60 {
        return Err(Wrong::Field);
    }
    let rest =
        minutes * MINUTE_US + seconds * SECOND_US + super::super::datetime::fields::fraction_micros(fraction_digits);
    hours.checked_mul(HOUR_US).and_then(|hours| hours.checked_add(rest)).ok_or(Wrong::Field)
}

/// The whole part and the fraction of the float at the head of a text, the text of its digits, and what follows.
fn float(text: &str) -> Result<(i64, f64, &str, &str), Wrong> {
    let mut len = usize::from(text.starts_with(['-', '+']));
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    len += digits(&text[len..]);
    if text[len..].starts_with('.') {
        len += 1 + digits(&text[len + 1..]);
    }
    if let Some(exponent) = text[len..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['-', '+']));
        let count = digits(&exponent[sign..]);
        len += if count > 0 { 1 + sign + count } else { 0 };
    }
    let value: f64 = text[..len].parse().map_err(|_| Wrong::Syntax)?;
    if value.abs() > 1e15 {
        return Err(Wrong::Field);
    }
    Ok((value.trunc() as i64, value.fract(), &text[..len], &text[len..]))
}

/// How many digits a number has before its point.
fn whole_digits(text: &str) -> usize {
    text.trim_start_matches('-').bytes().take_while(u8::is_ascii_digit).count()
}

/// ISO 8601: designators (`P1Y2M3DT4H5M6S`), or the alternative forms `P0001-02-03T04:05:06` and `P00010203T040506`.
fn parse_iso(text: &str) -> Result<Interval, Wrong> {
    let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(Wrong::Syntax)?;
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    let mut sum = Sum::default();
    iso_date(date, &mut sum)?;
    if let Some(time) = time {
        iso_time(time, &mut sum)?;
    }
    sum.finish()
}

fn iso_date(mut text: &str, sum: &mut Sum) -> Result<(), Wrong> {
    let mut first = true;
    while !text.is_empty() {
        let (value, fraction, number, rest) = float(text)?;
        let designator = rest.chars().next();
        let unit = match designator {
            Some('Y') => Unit::Year,
            Some('M') => Unit::Month,
            Some('W') => Unit::Week,
            Some('D') => Unit::Day,
            None if whole_digits(number) == 8 && first => {
                let parts = [(value / 10_000, 0.0, Unit::Year), (value / 100 % 100, 0.0, Unit::Month)];
                return add_all(sum, parts.into_iter().chain([(value % 100, fraction, Unit::Day)]));
            }
            None | Some('-') if first => return iso_alternative(text, '-', &[Unit::Year, Unit::Month, Unit::Day], sum),
            _ => return Err(Wrong::Syntax),
        };
        sum.add(value, fraction, unit).ok_or(Wrong::Field)?;
        (text, first) = (&rest[1..], false);
    }
    Ok(())
}

fn iso_time(mut text: &str, sum: &mut Sum) -> Result<(), Wrong> {
    let mut first = true;
    while !text.is_empty() {
        let (value, fraction, number, rest) = float(text)?;
        let unit = match rest.chars().next() {
            Some('H') => Unit::Hour,
            Some('M') => Unit::Minute,
            Some('S') => Unit::Second,
            None if whole_digits(number) == 6 && first => {
                let parts = [(value / 10_000, 0.0, Unit::Hour), (value / 100 % 100, 0.0, Unit::Minute)];
                return add_all(sum, parts.into_iter().chain([(value % 100, fraction, Unit::Second)]));
            }
            None | Some(':') if first => {
                return iso_alternative(text, ':', &[Unit::Hour, Unit::Minute, Unit::Second], sum);
            }
            _ => return Err(Wrong::Syntax),
        };
        sum.add(value, fraction, unit).ok_or(Wrong::Field)?;
        (text, first) = (&rest[1..], false);
    }
    Ok(())
}

fn add_all(sum: &mut Sum, parts: impl IntoIterator<Item = (i64, f64, Unit)>) -> Result<(), Wrong> {
    for (value, fraction, unit) in parts {
        sum.add(value, fraction, unit).ok_or(Wrong::Field)?;
    }
    Ok(())
}

fn iso_alternative(mut text: &str, separator: char, units: &[Unit], sum: &mut Sum) -> Result<(), Wrong> {
    for unit in units {
        let (value, fraction, _, rest) = float(text)?;
        sum.add(value, fraction, *unit).ok_or(Wrong::Field)?;
        if rest.is_empty() {
            return Ok(());
        }
        text = rest.strip_prefix(separator).ok_or(Wrong::Syntax)?;
    }
    Err(Wrong::Syntax)
}
