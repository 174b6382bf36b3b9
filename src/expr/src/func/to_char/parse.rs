//! `to_timestamp` and `to_date` of a text and a template, as PostgreSQL's `do_to_timestamp` reads them.

use super::template::{Pattern, Piece, cut};
use repr::datetime::{
    HOUR_US, JULIAN_EPOCH, MINUTE_US, SECOND_US, civil_from_days, days_from_civil, days_in_month, is_leap, iso_weekday,
    timestamp_from_parts,
};
use repr::text::datetime::{MONTHS, WEEKDAYS, round_to};
use repr::{EvalError, SqlError, SqlState};

/// Months in Roman numerals, so that none comes before one that it is the beginning of.
const ROMAN: [&str; 12] = ["XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"];

/// What the text has said so far; 0 where it has said nothing.
#[derive(Default)]
struct Parts {
    year: i32,
    /// How many digits the year's pattern has.
    year_digits: usize,
    century: i32,
    before_christ: i32,
    month: i32,
    week: i32,
    week_of_month: i32,
    day: i32,
    day_of_year: i32,
    /// From Sunday, 1.
    weekday: i32,
    julian: i32,
    hour: i32,
    twelve_hours: bool,
    afternoon: i32,
    minute: i32,
    second: i32,
    second_of_day: i32,
    millis: i32,
    micros: i32,
    /// Digits of a second that `FF1` to `FF6` keep.
    digits: Option<u8>,
    zone_sign: i32,
    zone_hours: i32,
    zone_minutes: i32,
    /// Whether patterns of the ISO week calendar were used, or others.
    iso: Option<bool>,
}

fn bad_format(message: String) -> EvalError {
    SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

/// Reads a text: microseconds since 2000-01-01 on the civil clock, and seconds east of UTC if the text says a zone.
pub fn parse(text: &str, template: &str) -> Result<(i64, Option<i64>), EvalError> {
    let pieces = cut(template);
    let mut reader = Reader { rest: text, before: ' ', skipped: 0, exact: false, parts: Parts::default() };
    for (i, piece) in pieces.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        let field = matches!(piece, Piece::Pattern(_));
        if !reader.exact && (field || i == 0) {
            reader.skip_blanks();
        }
        match piece {
            Piece::Exact => reader.exact = true,
            Piece::Literal(c) if c.is_whitespace() || is_separator(*c) => reader.separator(),
            Piece::Literal(_) | Piece::Quoted(_) => reader.any_character(),
            Piece::Pattern(pattern) => {
                let slurps = pattern.fill || pattern.ordinal.is_some() || digits_end(&pieces[i + 1..]);
                reader.field(pattern, slurps)?;
                if !reader.exact {
                    reader.skipped = 0;
                    reader.skip_blanks();
                }
            }
        }
    }
    reader.parts.finish(text)
}

/// Whether what follows cannot be a digit, so that a number goes on for as long as there are digits.
fn digits_end(rest: &[Piece]) -> bool {
    match rest.first() {
        None | Some(Piece::Exact) => true,
        Some(Piece::Pattern(pattern)) => !is_numeric(pattern.name),
        Some(Piece::Literal(c) | Piece::Quoted(c)) => !c.is_ascii_digit(),
    }
}

fn is_numeric(name: &str) -> bool {
    !matches!(name, "AD" | "BC" | "A.D." | "B.C." | "AM" | "PM" | "A.M." | "P.M." | "DAY" | "DY" | "MON" | "MONTH")
        && !matches!(name, "RM" | "TZ" | "TZH" | "OF")
}

fn is_separator(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_alphanumeric()
}

struct Reader<'t> {
    rest: &'t str,
    /// The last character that was skipped.
    before: char,
    /// How many characters were skipped beyond those of the template.
    skipped: i32,
    exact: bool,
    parts: Parts,
}

impl<'t> Reader<'t> {
    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        if let Some(c) = chars.next() {
            self.before = c;
            self.rest = chars.as_str();
        }
    }

    fn skip_blanks(&mut self) {
        while self.rest.starts_with(|c: char| c.is_ascii_whitespace()) {
            self.skip();
            self.skipped += 1;
        }
    }

    /// A blank or separator of the template stands for one of the text, or for nothing.
    fn separator(&mut self) {
        if self.exact {
            return self.skip();
        }
        self.skipped -= 1;
        if self.rest.starts_with(|c: char| c.is_ascii_whitespace() || is_separator(c)) {
            self.skip();
            self.skipped += 1;
        }
    }

    /// Other text of the template stands for any one character.
    fn any_character(&mut self) {
        if !self.exact && self.skipped > 0 {
            self.skipped -= 1;
        } else {
            self.skip();
        }
    }

    /// A number of so many digits, or of as many as there are; and how many characters it took.
    fn number(&mut self, pattern: &Pattern, len: usize, slurps: bool) -> Result<(i32, usize), EvalError> {
        let name = pattern.name;
        let start = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let blanks = self.rest.len() - start.len();
        let shown: String = start.chars().take(len).collect();
        let invalid = |detail: &str| bad_format(format!("invalid value \"{shown}\" for \"{name}\"")).detail(detail);
        let fixed_width = "If your source string is not fixed-width, try using the \"FM\" modifier.";
        let field = if slurps { start } else { shown.as_str() };
        if !slurps && shown.chars().count() < len {
            let error = bad_format(format!("source string too short for \"{name}\" formatting field"));
            let detail = format!("Field requires {len} characters, but only {} remain.", shown.chars().count());
            return Err(error.detail(detail).hint(fixed_width));
        }
        let sign = usize::from(field.starts_with(['-', '+']));
        let digits = field[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let used = if digits == 0 { 0 } else { sign + digits };
        if !slurps && used > 0 && used < len {
            let detail = format!("Field requires {len} characters, but only {used} could be parsed.");
            return Err(invalid(&detail).hint(fixed_width));
        }
        if used == 0 {
            return Err(invalid("Value must be an integer."));
        }
        let value = field[..used].parse().map_err(|_| {
            let message = format!("value for \"{name}\" in source string is out of range");
            let detail = format!("Value must be in the range {} to {}.", i32::MIN, i32::MAX);
            SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message).detail(detail)
        })?;
        self.rest = &start[used..];
        Ok((value, blanks + used))
    }

    /// The first of these words that the text begins with, in any case.
    fn word(&mut self, words: &[&str], name: &str) -> Result<i32, EvalError> {
        let begins = |word: &&str| self.rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        if let Some(at) = words.iter().position(begins) {
            self.rest = &self.rest[words[at].len()..];
            return Ok(at as i32);
        }
        let shown = self.rest.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or("");
        let error = bad_format(format!("invalid value \"{shown}\" for \"{name}\""));
        Err(error.detail("The given value did not match any of the allowed values for this field."))
    }

    fn field(&mut self, pattern: &Pattern, slurps: bool) -> Result<(), EvalError> {
        let name = pattern.name;
        self.parts.set_calendar(name)?;
        let own = name.len();
        match name {
            "HH24" | "HH" | "HH12" => {
                let hour = self.number(pattern, 2, slurps)?.0;
                set(&mut self.parts.hour, hour, name)?;
                self.parts.twelve_hours |= name != "HH24";
            }
            "MI" => self.set_number(pattern, own, slurps, |p| &mut p.minute)?,
            "SS" => self.set_number(pattern, own, slurps, |p| &mut p.second)?,
            "SSSS" | "SSSSS" => self.set_number(pattern, own, slurps, |p| &mut p.second_of_day)?,
            "MS" => {
                let (value, len) = self.number(pattern, 3, slurps)?;
                set(&mut self.parts.millis, scaled(value, len, 3), name)?;
            }
            "US" | "FF1" | "FF2" | "FF3" | "FF4" | "FF5" | "FF6" => self.fraction(pattern, slurps)?,
            "DD" => self.set_number(pattern, own, slurps, |p| &mut p.day)?,
            "DDD" => self.set_number(pattern, own, slurps, |p| &mut p.day_of_year)?,
            "IDDD" => self.set_number(pattern, 3, slurps, |p| &mut p.day_of_year)?,
            "D" => self.set_number(pattern, own, slurps, |p| &mut p.weekday)?,
            "ID" => {
                let day = self.number(pattern, 1, slurps)?.0;
                set(&mut self.parts.weekday, if day >= 7 { 1 } else { day + 1 }, name)?;
            }
            "WW" | "IW" => self.set_number(pattern, own, slurps, |p| &mut p.week)?,
            "W" => self.set_number(pattern, own, slurps, |p| &mut p.week_of_month)?,
            "MM" => self.set_number(pattern, own, slurps, |p| &mut p.month)?,
            "CC" => self.set_number(pattern, own, slurps, |p| &mut p.century)?,
            "J" => self.set_number(pattern, own, slurps, |p| &mut p.julian)?,
            "Q" => _ = self.number(pattern, own, slurps)?,
            "YYYY" | "IYYY" | "YYY" | "IYY" | "YY" | "IY" | "Y" | "I" => self.year(pattern, slurps)?,
            _ => return self.named_field(pattern, slurps),
        }
        self.skip_ordinal(pattern);
        Ok(())
    }

    fn named_field(&mut self, pattern: &Pattern, slurps: bool) -> Result<(), EvalError> {
        let name = pattern.name;
        match name {
            "AM" | "PM" | "A.M." | "P.M." => {
                let words = if name.contains('.') { ["A.M.", "P.M."] } else { ["AM", "PM"] };
                let afternoon = self.word(&words, name)?;
                set(&mut self.parts.afternoon, afternoon, name)?;
                self.parts.twelve_hours = true;
            }
            "AD" | "BC" | "A.D." | "B.C." => {
                let words = if name.contains('.') { ["A.D.", "B.C."] } else { ["AD", "BC"] };
                let before_christ = self.word(&words, name)?;
                set(&mut self.parts.before_christ, before_christ, name)?;
            }
            "MONTH" => self.month(&MONTHS, pattern)?,
            "MON" => self.month(&MONTHS.map(|month| &month[..3]), pattern)?,
            "RM" => {
                let month = 12 - self.word(&ROMAN, name)?;
                set(&mut self.parts.month, month, name)?;
            }
            "DAY" | "DY" => {
                let names = WEEKDAYS.map(|day| if name == "DY" { &day[..3] } else { day });
                let day = (self.word(&names, name)? + 1) % 7 + 1;
                set(&mut self.parts.weekday, day, name)?;
            }
            "Y,YYY" => self.year_with_comma(name)?,
            "TZH" => {
                let sign = self.rest.chars().next().filter(|c| matches!(c, '+' | '-' | ' '));
                let minus = sign.map_or(self.skipped > 0 && self.before == '-', |c| c == '-');
                if sign.is_some() {
                    self.skip();
                }
                self.parts.zone_sign = if minus { -1 } else { 1 };
                self.set_number(pattern, 2, slurps, |p| &mut p.zone_hours)?;
            }
            "TZM" => {
                if self.parts.zone_sign == 0 {
                    self.parts.zone_sign = 1;
                }
                self.set_number(pattern, 2, slurps, |p| &mut p.zone_minutes)?;
            }
            other => {
                let message = format!("formatting field \"{other}\" is only supported in to_char");
                return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        self.skip_ordinal(pattern);
        Ok(())
    }

    fn skip_ordinal(&mut self, pattern: &Pattern) {
        if pattern.ordinal.is_some() {
            self.skip();
            self.skip();
        }
    }

    fn set_number(
        &mut self,
        pattern: &Pattern,
        len: usize,
        slurps: bool,
        part: fn(&mut Parts) -> &mut i32,
    ) -> Result<(), EvalError> {
        let value = self.number(pattern, len, slurps)?.0;
        set(part(&mut self.parts), value, pattern.name)
    }

    fn month(&mut self, names: &[&str], pattern: &Pattern) -> Result<(), EvalError> {
        let month = self.word(names, pattern.name)? + 1;
        // Messages name the pattern as it is usually written.
        let name = if pattern.written.chars().any(char::is_lowercase) { &pattern.written } else { pattern.name };
        set(&mut self.parts.month, month, name)
    }

    fn fraction(&mut self, pattern: &Pattern, slurps: bool) -> Result<(), EvalError> {
        let digits = pattern.name.strip_prefix("FF").and_then(|n| n.parse::<u8>().ok());
        self.parts.digits = digits.or(self.parts.digits);
        let (value, len) = self.number(pattern, digits.map_or(6, usize::from), slurps)?;
        set(&mut self.parts.micros, scaled(value, len, 6), pattern.name)
    }

    fn year(&mut self, pattern: &Pattern, slurps: bool) -> Result<(), EvalError> {
        let width = pattern.name.len();
        let (mut year, len) = self.number(pattern, width, slurps)?;
        if width < 4 && len < 4 {
            year = near_2020(year);
        }
        self.parts.year_digits = width;
        set(&mut self.parts.year, year, pattern.name)
    }

    fn year_with_comma(&mut self, name: &str) -> Result<(), EvalError> {
        let parsed = self.rest.split_once(',').and_then(|(thousands, tail)| {
            let digits = tail.bytes().take(3).take_while(u8::is_ascii_digit).count();
            let year: i32 = tail[..digits].parse().ok()?;
            let thousands: i32 = thousands.trim().parse().ok()?;
            Some((thousands.checked_mul(1000)?.checked_add(year)?, &tail[digits..]))
        });
        let invalid = || bad_format(format!("invalid value \"{}\" for \"{name}\"", self.rest));
        let (year, rest) = parsed.ok_or_else(invalid)?;
        self.rest = rest;
        self.parts.year_digits = 4;
        set(&mut self.parts.year, year, name)
    }
}

/// Sets a part, unless it has been set to something else.
fn set(part: &mut i32, value: i32, name: &str) -> Result<(), EvalError> {
    if *part != 0 && *part != value {
        let error = bad_format(format!("conflicting values for \"{name}\" field in formatting string"));
        return Err(error.detail("This value contradicts a previous setting for the same field type."));
    }
    *part = value;
    Ok(())
}

/// The digits after a decimal point, `len` of them, as a number of `width` digits.
fn scaled(value: i32, len: usize, width: usize) -> i32 {
    value.saturating_mul(10i32.pow(width.saturating_sub(len) as u32))
}

/// A year of less than four digits as the one nearest to 2020.
fn near_2020(year: i32) -> i32 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

/// Days since 2000-01-01 of the Monday of an ISO week.
fn iso_week_start(year: i32, week: i32) -> i64 {
    let fourth = days_from_civil(year, 1, 4);
    fourth - (iso_weekday(fourth) - 1) + (i64::from(week) - 1) * 7
}

impl Parts {
    fn set_calendar(&mut self, name: &str) -> Result<(), EvalError> {
        let iso = match name {
            "IYYY" | "IYY" | "IY" | "I" | "IDDD" | "ID" | "IW" => true,
            "YYYY" | "YYY" | "YY" | "Y" | "Y,YYY" | "DDD" | "DD" | "D" | "WW" | "W" | "MM" | "MON" | "MONTH" | "RM" => {
                false
            }
            _ => return Ok(()),
        };
        if *self.iso.get_or_insert(iso) == iso {
            return Ok(());
        }
        let hint = "Do not mix Gregorian and ISO week date conventions in a formatting template.";
        Err(bad_format("invalid combination of date conventions".to_string()).hint(hint))
    }

    fn clock(&self) -> Result<Option<i64>, EvalError> {
        let of_day = self.second_of_day;
        let or = |part: i32, default: i32| if part != 0 { part } else { default };
        let mut hour = or(self.hour, of_day / 3600);
        let (minute, second) = (or(self.minute, of_day / 60 % 60), or(self.second, of_day % 60));
        if self.twelve_hours {
            if !(1..=12).contains(&hour) {
                let error = bad_format(format!("hour \"{hour}\" is invalid for the 12-hour clock"));
                return Err(error.hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = hour % 12 + 12 * self.afternoon;
        }
        let fraction = i64::from(self.millis) * 1000 + i64::from(self.micros);
        let valid = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        if !valid || !(0..SECOND_US).contains(&fraction) {
            return Ok(None);
        }
        let whole = i64::from(hour) * HOUR_US + i64::from(minute) * MINUTE_US + i64::from(second) * SECOND_US;
        Ok(Some(whole + fraction))
    }

    fn finish(&self, text: &str) -> Result<(i64, Option<i64>), EvalError> {
        let out_of_range = || {
            let message = format!("date/time field value out of range: \"{text}\"");
            SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
        };
        let clock = self.clock()?;
        let days = self.days()?.ok_or_else(out_of_range)?;
        let local = timestamp_from_parts(days, clock.ok_or_else(out_of_range)?).ok_or_else(out_of_range)?;
        let local = round_to(local, self.digits);
        if self.zone_sign == 0 {
            return Ok((local, None));
        }
        if !(0..16).contains(&self.zone_hours) || !(0..60).contains(&self.zone_minutes) {
            return Err(out_of_range());
        }
        let east = self.zone_sign * (self.zone_hours * 3600 + self.zone_minutes * 60);
        Ok((local, Some(i64::from(east))))
    }

    /// The astronomical year, and whether the text said any.
    fn civil_year(&self) -> (i32, bool) {
        let century = if self.before_christ != 0 { self.century.wrapping_neg() } else { self.century };
        if self.year != 0 && self.century != 0 && self.year_digits <= 2 {
            let year = self.year % 100;
            let year = match (year, century >= 0) {
                (0, true) => century.saturating_mul(100),
                (0, false) => century.saturating_mul(100).saturating_add(1),
                (year, true) => (century - 1).saturating_mul(100).saturating_add(year),
                (year, false) => (century + 1).saturating_mul(100).saturating_sub(year).saturating_add(1),
            };
            return (year, true);
        }
        if self.year != 0 {
            let year = if self.before_christ != 0 { self.year.wrapping_neg() } else { self.year };
            return (if year < 0 { year.wrapping_add(1) } else { year }, true);
        }
        match century {
            0 => (0, false),
            1.. => ((century - 1).saturating_mul(100).saturating_add(1), true),
            _ => (century.saturating_mul(100).saturating_add(1), true),
        }
    }

    /// Days since 2000-01-01; none out of range.
    fn days(&self) -> Result<Option<i64>, EvalError> {
        let (mut year, mut has_year) = self.civil_year();
        if year.abs() > 6_000_000 {
            return Ok(None);
        }
        let (mut month, mut day) = (1, 1);
        let (mut has_month, mut has_day) = (false, false);
        let mut whole_date = |days: i64| {
            let civil = civil_from_days(days);
            (year, month, day) = (civil.0, civil.1 as i32, civil.2 as i32);
            (has_year, has_month, has_day) = (true, true, true);
        };
        if self.julian != 0 {
            whole_date(i64::from(self.julian) - JULIAN_EPOCH);
        }
        let mut day_of_year = self.day_of_year;
        if self.week != 0 && self.iso == Some(true) {
            let weekday = if self.weekday == 0 { 0 } else { (self.weekday + 5) % 7 };
            let (start_year, _) = self.civil_year();
            whole_date(iso_week_start(start_year, self.week) + i64::from(weekday));
        } else if self.week != 0 {
            day_of_year = (self.week - 1).saturating_mul(7).saturating_add(1);
        }
        let day_in_month = if self.week_of_month != 0 {
            (self.week_of_month - 1).saturating_mul(7).saturating_add(1)
        } else {
            self.day
        };
        if day_in_month != 0 {
            (day, has_day) = (day_in_month, true);
        }
        if self.month != 0 {
            (month, has_month) = (self.month, true);
        }
        if day_of_year != 0 && (month <= 1 || day <= 1) {
            if year == 0 && self.before_christ == 0 {
                return Err(bad_format("cannot calculate day of year without year information".to_string()));
            }
            if self.iso == Some(true) {
                return Ok(Some(iso_week_start(year, 1) + i64::from(day_of_year) - 1));
            }
            let Some((m, d)) = month_and_day(year, day_of_year) else { return Ok(None) };
            month = if month <= 1 { m } else { month };
            day = if day <= 1 { d } else { day };
            (has_month, has_day) = (true, true);
        }
        let plausible = (!has_month || (1..=12).contains(&month)) && (!has_day || (1..=31).contains(&day));
        let complete = has_year && has_month && has_day;
        if !plausible || (complete && day > days_in_month(year, month as u32) as i32) {
            return Ok(None);
        }
        Ok(Some(days_from_civil(year, month as u32, 1) + i64::from(day) - 1))
    }
}

/// Month and day of a day of the year, from 1.
fn month_and_day(year: i32, day_of_year: i32) -> Option<(i32, i32)> {
    if !(1..=365 + i32::from(is_leap(year))).contains(&day_of_year) {
        return None;
    }
    let (_, month, day) = civil_from_days(days_from_civil(year, 1, 1) + i64::from(day_of_year) - 1);
    Some((month as i32, day as i32))
}
