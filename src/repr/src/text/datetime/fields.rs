//! From a date or time as people write it to civil fields.
//!
//! A text is cut into fields (a date with its separators, a time with its colons, a word, a bare number, an offset); each
//! is then understood by what is known so far, as PostgreSQL's `DecodeDateTime` does.

use super::{MONTHS, WEEKDAYS, bad_format, out_of_range};
use crate::datetime::{HOUR_US, MINUTE_US, SECOND_US};
use crate::datetime::{JULIAN_EPOCH, abbreviation, days_from_civil, days_in_month, parse_offset, zone};
use crate::interval::DAY_US;
use crate::text::DateOrder;
use crate::{SqlError, SqlState};
use jiff::tz::TimeZone;

/// What a text stands for.
pub enum Moment {
    /// `infinity`
    Infinity,
    /// `-infinity`
    NegInfinity,
    /// `epoch`: 1970-01-01
    Epoch,
    /// Anything else.
    Fields(Fields),
}

/// A zone that a text names.
pub enum Zone {
    /// Seconds east of UTC.
    Offset(i32),
    /// One with rules.
    Named(TimeZone),
}

/// What a text says.
#[derive(Default)]
pub struct Fields {
    /// Days since 2000-01-01.
    pub days: Option<i64>,
    /// Microseconds since midnight; a leap second or 24:00 may reach into the next day.
    pub time: Option<i64>,
    /// The zone.
    pub zone: Option<Zone>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field<'a> {
    /// Digits, letters and the separators between them.
    Date(&'a str),
    /// Digits and colons, perhaps a fraction.
    Time(&'a str),
    /// Digits, perhaps a fraction.
    Number(&'a str),
    /// Letters; zone names have more.
    Word(&'a str),
    /// Sign and digits.
    Offset(&'a str),
}

/// Cuts a text into fields; `None` at a character that belongs to none.
fn split(text: &str) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (field, len) = match first {
            c if c.is_whitespace() || c == ',' => (None, c.len_utf8()),
            '0'..='9' => number_field(rest),
            '.' => word(rest, |c| c.is_ascii_digit() || c == '.').map(Field::Number),
            '+' | '-' => signed_field(rest)?,
            c if c.is_ascii_alphabetic() => word_field(rest),
            '(' | ')' | '"' | '[' | ']' => (None, 1),
            _ => return None,
        };
        fields.extend(field);
        rest = &rest[len..];
    }
    Some(fields)
}

fn span(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

struct Cut<'a>(&'a str);

impl<'a> Cut<'a> {
    fn map(self, field: fn(&'a str) -> Field<'a>) -> (Option<Field<'a>>, usize) {
        (Some(field(self.0)), self.0.len())
    }
}

fn word(text: &str, accept: impl Fn(char) -> bool) -> Cut<'_> {
    Cut(&text[..span(text, accept).max(1)])
}

fn number_field(text: &str) -> (Option<Field<'_>>, usize) {
    let digits = span(text, |c| c.is_ascii_digit());
    match text[digits..].chars().next() {
        Some(':') => word(text, |c| c.is_ascii_digit() || c == ':' || c == '.').map(Field::Time),
        Some(separator @ ('-' | '/' | '.')) => match date_len(text, digits, separator) {
            Some(len) => (Some(Field::Date(&text[..len])), len),
            None => word(text, |c| c.is_ascii_digit() || c == '.').map(Field::Number),
        },
        _ => (Some(Field::Number(&text[..digits])), digits),
    }
}

/// Length of `part separator part [separator digits]`, where a part is digits or a month's name.
fn date_len(text: &str, first: usize, separator: char) -> Option<usize> {
    let part = |text: &str| {
        let digits = span(text, |c| c.is_ascii_digit());
        if digits > 0 { digits } else { span(text, |c| c.is_ascii_alphabetic()) }
    };
    let second = part(&text[first + 1..]);
    if second == 0 {
        return None;
    }
    let end = first + 1 + second;
    let third = text[end..].strip_prefix(separator).map_or(0, |tail| span(tail, |c| c.is_ascii_digit()));
    match (separator, third) {
        ('.', 0) => None,
        (_, 0) => Some(end),
        (_, third) => Some(end + 1 + third),
    }
}

fn signed_field(text: &str) -> Option<(Option<Field<'_>>, usize)> {
    let tail = &text[1..];
    match tail.chars().next()? {
        c if c.is_ascii_digit() => {
            let len = 1 + span(tail, |c| c.is_ascii_digit() || c == ':');
            Some((Some(Field::Offset(&text[..len])), len))
        }
        c if c.is_ascii_alphabetic() => {
            let len = 1 + span(tail, |c| c.is_ascii_alphabetic());
            Some((Some(Field::Word(&text[..len])), len))
        }
        _ => None,
    }
}

fn word_field(text: &str) -> (Option<Field<'_>>, usize) {
    let letters = span(text, |c| c.is_ascii_alphabetic());
    let separator = text[letters..].chars().next();
    if let Some(separator @ ('-' | '/' | '.')) = separator
        && month(&text[..letters]).is_some()
        && let Some(len) = date_len(text, letters, separator)
    {
        return (Some(Field::Date(&text[..len])), len);
    }
    let digits_or_sign = separator.is_some_and(|c| matches!(c, '+' | '-') || c.is_ascii_digit());
    if matches!(separator, Some('/' | '_')) || (digits_or_sign && may_be_zone(&text[..letters])) {
        return word(text, |c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+')).map(Field::Word);
    }
    let len = if separator == Some('.') { letters + 1 } else { letters };
    (Some(Field::Word(&text[..letters])), len)
}

/// Whether a word may be the beginning of a zone's name that goes on with digits: `EST5EDT`, `GMT+3`.
fn may_be_zone(word: &str) -> bool {
    word.len() >= 3 && !word.eq_ignore_ascii_case("julian") && month(word).is_none() && !is_weekday(word)
}

fn month(word: &str) -> Option<u32> {
    let lower = word.to_ascii_lowercase();
    let at = MONTHS.iter().position(|name| {
        let name = name.to_ascii_lowercase();
        lower == name || lower == name[..3] || (lower == "sept" && name == "september")
    })?;
    Some(at as u32 + 1)
}

fn is_weekday(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let longer = ["tues", "wednes", "weds", "thur", "thurs"];
    let named = |name: &&str| lower == name.to_ascii_lowercase() || lower == name[..3].to_ascii_lowercase();
    WEEKDAYS.iter().any(named) || longer.contains(&lower.as_str())
}

/// What is understood so far.
struct Reader<'a> {
    text: &'a str,
    ty: &'a str,
    order: DateOrder,
    year: Option<(i32, usize)>,
    month: Option<u32>,
    day: Option<u32>,
    julian: Option<i64>,
    day_of_year: Option<i64>,
    loose: Vec<&'a str>,
    time: Option<i64>,
    afternoon: Option<bool>,
    before_christ: bool,
    expect_time: bool,
    expect_julian: bool,
    /// The unit that a letter has announced: `Y2001M12D27`.
    expect_unit: Option<char>,
    hour: Option<i64>,
    zone: Option<Zone>,
}

/// Understands a text; `ty` is for messages.
pub fn read(text: &str, ty: &str, order: DateOrder) -> Result<Moment, SqlError> {
    let fields = split(text).ok_or_else(|| bad_format(ty, text))?;
    if let [Field::Word(word)] = fields[..] {
        match word.to_ascii_lowercase().as_str() {
            "infinity" => return Ok(Moment::Infinity),
            "-infinity" => return Ok(Moment::NegInfinity),
            "epoch" => return Ok(Moment::Epoch),
            "now" | "today" | "tomorrow" | "yesterday" => {
                return Err(SqlError::unsupported(format!("date/time input \"{word}\"")));
            }
            _ => {}
        }
    }
    let mut reader = Reader {
        text,
        ty,
        order,
        year: None,
        month: None,
        day: None,
        julian: None,
        day_of_year: None,
        loose: Vec::new(),
        time: None,
        afternoon: None,
        before_christ: false,
        expect_time: ty == "time" || ty == "time with time zone",
        expect_julian: false,
        expect_unit: None,
        hour: None,
        zone: None,
    };
    for field in fields {
        reader.take(field)?;
    }
    reader.finish().map(Moment::Fields)
}

impl<'a> Reader<'a> {
    fn bad(&self) -> SqlError {
        bad_format(self.ty, self.text)
    }

    fn overflow(&self) -> SqlError {
        out_of_range(self.text)
    }

    fn overflow_of_month_or_day(&self) -> SqlError {
        self.overflow().hint("Perhaps you need a different \"datestyle\" setting.")
    }

    fn take(&mut self, field: Field<'a>) -> Result<(), SqlError> {
        match field {
            Field::Date(date) => self.take_date(date),
            Field::Time(time) => self.set_time(time),
            Field::Number(number) => self.take_number(number),
            Field::Word(word) => self.take_word(word),
            Field::Offset(offset) => self.take_offset(offset),
        }
    }

    fn take_offset(&mut self, offset: &'a str) -> Result<(), SqlError> {
        if self.zone.is_some() && !matches!(self.zone, Some(Zone::Offset(0))) {
            return Err(self.bad());
        }
        let displacement = || {
            let message = format!("time zone displacement out of range: \"{}\"", self.text);
            SqlError::new(SqlState::INVALID_TIME_ZONE_DISPLACEMENT, message)
        };
        self.zone = Some(Zone::Offset(parse_offset(offset).ok_or_else(displacement)?));
        Ok(())
    }

    fn take_word(&mut self, word: &'a str) -> Result<(), SqlError> {
        if let Some(month) = month(word) {
            if self.month.replace(month).is_some() {
                return Err(self.bad());
            }
            return Ok(());
        }
        if is_weekday(word) {
            return Ok(());
        }
        match word.to_ascii_lowercase().as_str() {
            "am" => self.afternoon = Some(false),
            "pm" => self.afternoon = Some(true),
            "ad" => {}
            "bc" => self.before_christ = true,
            "t" => self.expect_time = true,
            unit @ ("y" | "m" | "mm" | "d" | "h" | "s") => self.expect_unit = unit.chars().next(),
            "j" | "jd" | "julian" => self.expect_julian = true,
            "at" | "on" => {}
            "allballs" => {
                self.time = Some(0);
                self.zone = Some(Zone::Offset(0));
            }
            _ => self.zone = Some(self.named_zone(word)?),
        }
        Ok(())
    }

    fn named_zone(&self, word: &str) -> Result<Zone, SqlError> {
        if self.zone.is_some() || (self.time.is_none() && self.year.is_none() && self.loose.is_empty()) {
            return Err(self.bad());
        }
        if let Some(seconds) = abbreviation(word) {
            return Ok(Zone::Offset(seconds));
        }
        match zone(word) {
            Ok(zone) => Ok(Zone::Named(zone)),
            Err(error) if word.contains('/') => Err(error),
            Err(_) => Err(self.bad()),
        }
    }

    fn take_number(&mut self, number: &'a str) -> Result<(), SqlError> {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if let Some(unit) = self.expect_unit.take() {
            return self.set_unit(unit, whole, fraction);
        }
        if std::mem::take(&mut self.expect_julian) {
            let julian: u32 = whole.parse().map_err(|_| self.overflow())?;
            self.julian = Some(i64::from(julian) - JULIAN_EPOCH);
            if !fraction.is_empty() {
                let part: f64 = format!("0.{fraction}").parse().map_err(|_| self.bad())?;
                self.time = Some((part * DAY_US as f64).round_ties_even() as i64);
            }
            return Ok(());
        }
        let have_date = self.have_date();
        let compact = self.expect_time && matches!(whole.len(), 4 | 6);
        if compact || (have_date && self.time.is_none() && matches!(whole.len(), 4 | 6)) {
            return self.set_compact_time(whole, fraction);
        }
        if whole.len() == 8 && self.loose.is_empty() && self.month.is_none() {
            return self.set_ymd(&whole[..4], &whole[4..6], &whole[6..]);
        }
        if whole.len() == 6 && self.loose.is_empty() && self.month.is_none() {
            return self.set_ymd(&whole[..2], &whole[2..4], &whole[4..]);
        }
        if !fraction.is_empty() && fraction.len() == 3 && whole.len() >= 4 {
            self.year = Some((whole.parse().map_err(|_| self.bad())?, whole.len()));
            self.day_of_year = fraction.parse().ok();
            return Ok(());
        }
        if !fraction.is_empty() {
            return Err(self.bad());
        }
        self.loose.push(whole);
        Ok(())
    }

    fn set_ymd(&mut self, year: &str, month: &str, day: &str) -> Result<(), SqlError> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| self.bad());
        let (y, m, d) = (number(year)?, number(month)?, number(day)?);
        if self.year.is_some() || self.day.is_some() || self.month.is_some() {
            return Err(self.bad());
        }
        let y = i32::try_from(y).map_err(|_| self.overflow())?;
        (self.year, self.month, self.day) = (Some((y, year.len())), Some(m), Some(d));
        Ok(())
    }

    fn have_date(&self) -> bool {
        self.julian.is_some() || (self.day.is_some() && self.month.is_some() && self.year.is_some())
    }

    fn set_unit(&mut self, unit: char, whole: &'a str, fraction: &str) -> Result<(), SqlError> {
        let number: u32 = whole.parse().map_err(|_| self.overflow())?;
        let clock = |scale: i64| i64::from(number) * scale;
        match unit {
            'y' => self.year = Some((i32::try_from(number).map_err(|_| self.overflow())?, whole.len())),
            'm' if self.month.is_none() && self.hour.is_none() => self.month = Some(number),
            'd' => self.day = Some(number),
            'h' => {
                self.hour = Some(number.into());
                self.time = Some(self.time.unwrap_or(0) + clock(HOUR_US));
            }
            'm' => self.time = Some(self.time.unwrap_or(0) + clock(MINUTE_US)),
            _ => self.time = Some(self.time.unwrap_or(0) + clock(SECOND_US) + fraction_micros(fraction)),
        }
        if self.time.is_some_and(|time| time > DAY_US) { Err(self.overflow()) } else { Ok(()) }
    }

    fn take_date(&mut self, date: &'a str) -> Result<(), SqlError> {
        // A number with an offset behind it looks like a date: `J2452271-08`, `20011227 040506-08`.
        let one_dash = date.find('-').filter(|at| !date[at + 1..].contains('-'));
        if let Some(at) = one_dash.filter(|at| date[..*at].bytes().all(|b| b.is_ascii_digit()))
            && (self.expect_julian || ((self.have_date() || self.expect_time) && matches!(at, 4 | 6)))
        {
            self.take_number(&date[..at])?;
            return self.take_offset(&date[at..]);
        }
        let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
        if let Some(at) = parts.iter().position(|part| month(part).is_some()) {
            if self.month.is_some() {
                return Err(self.bad());
            }
            self.month = month(parts[at]);
            self.loose.extend(parts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, part)| *part));
            return Ok(());
        }
        if let [year, day] = parts[..]
            && day.len() == 3
            && year.len() >= 4
            && date.contains('-')
        {
            self.year = Some((year.parse().map_err(|_| self.bad())?, year.len()));
            self.day_of_year = day.parse().ok();
            return Ok(());
        }
        let [a, b, c] = parts[..] else {
            return Err(self.bad());
        };
        if a.len() >= 3 {
            return self.set_ymd(a, b, c);
        }
        match self.order {
            DateOrder::Ymd => self.set_ymd(a, b, c),
            DateOrder::Dmy => self.set_ymd(c, b, a),
            DateOrder::Mdy => self.set_ymd(c, a, b),
        }
    }

    fn set_compact_time(&mut self, whole: &str, fraction: &str) -> Result<(), SqlError> {
        self.expect_time = false;
        let spread = match whole.len() {
            4 => format!("{}:{}:00", &whole[..2], &whole[2..]),
            6 => format!("{}:{}:{}", &whole[..2], &whole[2..4], &whole[4..]),
            _ => return Err(self.bad()),
        };
        let text = if fraction.is_empty() { spread } else { format!("{spread}.{fraction}") };
        self.set_time(&text)
    }

    fn set_time(&mut self, time: &str) -> Result<(), SqlError> {
        self.expect_time = false;
        if self.time.is_some() {
            return Err(self.bad());
        }
        let mut parts = time.split(':');
        let number = |part: Option<&str>| part.map_or(Ok(0), str::parse::<i64>).map_err(|_| self.bad());
        let hours = number(parts.next())?;
        let minutes = number(parts.next().map(|m| m.split('.').next().unwrap_or(m)))?;
        let seconds = parts.next().unwrap_or("0");
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let seconds = number(Some(whole))?;
        if parts.next().is_some() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.bad());
        }
        if hours > 24 || minutes > 59 || seconds > 60 {
            return Err(self.overflow());
        }
        let micros = hours * HOUR_US + minutes * MINUTE_US + seconds * SECOND_US + fraction_micros(fraction);
        if hours == 24 && micros > DAY_US {
            return Err(self.overflow());
        }
        self.time = Some(micros);
        Ok(())
    }

    fn finish(mut self) -> Result<Fields, SqlError> {
        let only_time = self.ty == "time" || self.ty == "time with time zone";
        if self.expect_julian || self.expect_unit.is_some() || (self.expect_time && !only_time) {
            return Err(self.bad());
        }
        self.place_loose()?;
        if let Some(afternoon) = self.afternoon {
            let time = self.time.ok_or_else(|| self.bad())?;
            if time >= 13 * HOUR_US {
                return Err(self.overflow());
            }
            self.time = Some(time % (12 * HOUR_US) + if afternoon { 12 * HOUR_US } else { 0 });
        }
        let days = self.resolve_days()?;
        Ok(Fields { days, time: self.time, zone: self.zone })
    }

    /// Gives bare numbers their meaning: the longer one is the year, the others follow the order of the session.
    fn place_loose(&mut self) -> Result<(), SqlError> {
        let loose = std::mem::take(&mut self.loose);
        match (loose[..].len(), self.month) {
            (0, _) => Ok(()),
            (2, Some(_)) if self.year.is_none() && self.day.is_none() => {
                let year_first = loose[0].len() >= 3 || (self.order == DateOrder::Ymd && loose[1].len() < 3);
                let (year, day) = if year_first { (loose[0], loose[1]) } else { (loose[1], loose[0]) };
                self.year = Some((year.parse().map_err(|_| self.overflow())?, year.len()));
                self.day = Some(day.parse().map_err(|_| self.overflow())?);
                Ok(())
            }
            (3, None) if self.year.is_none() => match self.order {
                _ if loose[0].len() >= 3 => self.set_ymd(loose[0], loose[1], loose[2]),
                DateOrder::Ymd => self.set_ymd(loose[0], loose[1], loose[2]),
                DateOrder::Dmy => self.set_ymd(loose[2], loose[1], loose[0]),
                DateOrder::Mdy => self.set_ymd(loose[2], loose[0], loose[1]),
            },
            (1, None) if self.afternoon.is_some() && self.time.is_none() => {
                let hours: u8 = loose[0].parse().map_err(|_| self.bad())?;
                self.time = Some(i64::from(hours) * HOUR_US); // `4 pm`
                Ok(())
            }
            _ => Err(self.bad()),
        }
    }

    fn resolve_days(&self) -> Result<Option<i64>, SqlError> {
        if let Some(days) = self.julian {
            return Ok(Some(days));
        }
        let Some((year, digits)) = self.year else {
            let partial = self.month.is_some() || self.day.is_some();
            return if partial { Err(self.bad()) } else { Ok(None) };
        };
        let year = match (self.before_christ, digits) {
            (true, _) if year <= 0 => return Err(self.overflow()),
            (true, _) => 1 - year,
            (false, 1 | 2) if year < 70 => year + 2000,
            (false, 1 | 2) => year + 1900,
            (false, _) if year == 0 => return Err(self.overflow()),
            _ => year,
        };
        if year.abs() > 6_000_000 {
            return Err(self.overflow());
        }
        if let Some(day) = self.day_of_year {
            return Ok(Some(days_from_civil(year, 1, 1) + day - 1));
        }
        let (Some(month), Some(day)) = (self.month, self.day) else {
            return Err(self.bad());
        };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(self.overflow_of_month_or_day());
        }
        if day > days_in_month(year, month) {
            return Err(self.overflow());
        }
        Ok(Some(days_from_civil(year, month, day)))
    }
}

/// Microseconds of the digits after a decimal point, rounded.
pub fn fraction_micros(digits: &str) -> i64 {
    let mut value = 0;
    for i in 0..6 {
        value = value * 10 + digits.as_bytes().get(i).map_or(0, |b| i64::from(b - b'0'));
    }
    value + i64::from(digits.as_bytes().get(6).is_some_and(|b| *b >= b'5'))
}
