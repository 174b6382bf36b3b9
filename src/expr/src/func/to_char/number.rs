//! `to_char` and `to_number` of numbers.
//!
//! A template is read once ([`super::number_template`]) and then walked by both directions: `to_char` writes a number's digits where the template has
//! places for them, `to_number` reads what stands there. What PostgreSQL does for templates that make little sense is part of what is promised.

use super::number_template::{Pattern, Piece, Sign, Template, understand};
use super::time::ordinal;
use crate::func::build::check_length;
use crate::func::casts::to_numeric;
use bigdecimal::{BigDecimal, Signed, ToPrimitive, Zero};
use repr::text::number::{fit_numeric, format_owned_numeric, parse_numeric, round};
use repr::{Datum, EvalError, Numeric, SqlError, SqlState};

/// Significant digits that floats are shown with.
const FLOAT4_DIGITS: usize = 6;
const FLOAT8_DIGITS: usize = 15;

/// A number as a template shows it: its sign, and its digits with the point.
struct Shown {
    negative: bool,
    digits: Vec<u8>,
    /// Blanks before the first digit: places of the template that the number does not fill.
    blanks: usize,
}

/// The text of a number.
pub fn to_char(value: Datum<'_>, template: &str) -> Result<String, EvalError> {
    check_length(template.len().saturating_mul(4))?;
    if template.is_empty() {
        return Ok(String::new());
    }
    let mut template = understand(template)?;
    if template.roman {
        return Ok(Writer::new(template.for_roman(), roman(value)?).write());
    }
    if template.scientific {
        return scientific(value, &template);
    }
    let text = match value {
        Datum::Float4(v) => float(f64::from(v), &mut template, FLOAT4_DIGITS),
        Datum::Float8(v) => float(v, &mut template, FLOAT8_DIGITS),
        value => exact(value, &mut template)?,
    };
    let number = shown(&text, &template);
    Ok(Writer::new(template, number).write())
}

fn int4_value(value: &BigDecimal) -> Option<i32> {
    value.to_i64().and_then(|value| i32::try_from(value).ok())
}

fn power_of_ten(exponent: usize) -> BigDecimal {
    BigDecimal::new(1.into(), -(exponent as i64))
}

/// An integer or a numeric, shifted by `V` and rounded.
fn exact(value: Datum<'_>, template: &mut Template) -> Result<String, EvalError> {
    template.whole += template.shift;
    let mut text = String::new();
    match to_numeric(value)? {
        Numeric::Finite(decimal) => {
            let shifted = &decimal * power_of_ten(template.shift);
            let out_of_range =
                |what| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{what} out of range"));
            match value {
                Datum::Int4(_) if template.shift > 0 && int4_value(&shifted).is_none() => {
                    return Err(out_of_range("integer"));
                }
                Datum::Int8(_) if template.shift > 0 && shifted.abs() > i64::MAX => {
                    return Err(out_of_range("bigint"));
                }
                _ => {}
            }
            let scale = template.fraction as i64;
            format_owned_numeric(&Numeric::Finite(round(&shifted, scale).with_scale(scale)), &mut text);
        }
        special => format_owned_numeric(&special, &mut text),
    }
    Ok(text)
}

/// A float with as many digits as are significant; digits beyond are taken from the template.
fn float(value: f64, template: &mut Template, digits: usize) -> String {
    let value = value * 10f64.powi(template.shift as i32);
    template.whole += template.shift;
    let shown = |fraction: usize| match value {
        v if v.is_nan() => "NaN".to_string(),
        f64::INFINITY => "Infinity".to_string(),
        f64::NEG_INFINITY => "-Infinity".to_string(),
        v => format!("{v:.fraction$}"),
    };
    let whole = shown(0).trim_start_matches('-').len();
    template.fraction = template.fraction.min(digits.saturating_sub(whole));
    shown(template.fraction)
}

/// The digits in their places; `#` where there are too many.
fn shown(text: &str, template: &Template) -> Shown {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let whole = digits.find('.').unwrap_or(digits.len());
    if whole > template.whole {
        let mut hashes = vec![b'#'; template.whole + template.fraction + 1];
        hashes[template.whole] = b'.';
        return Shown { negative, digits: hashes, blanks: 0 };
    }
    Shown { negative, digits: digits.as_bytes().to_vec(), blanks: template.whole - whole }
}

const ROMAN: [(i32, &str); 13] = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
];

fn roman(value: Datum<'_>) -> Result<Shown, EvalError> {
    let unsupported =
        |what| SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to integer"));
    let mut rest = match value {
        // What no integer holds has no Roman digits either.
        Datum::Float4(v) => v.round_ties_even() as i32,
        Datum::Float8(v) => v.round_ties_even() as i32,
        value => match to_numeric(value)? {
            Numeric::NaN => return Err(unsupported("NaN")),
            Numeric::Infinity | Numeric::NegInfinity => return Err(unsupported("infinity")),
            Numeric::Finite(decimal) => int4_value(&round(&decimal, 0))
                .ok_or_else(|| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?,
        },
    };
    let mut digits = String::new();
    if !(1..4000).contains(&rest) {
        digits = "#".repeat(15);
        rest = 0;
    }
    for (unit, letters) in ROMAN {
        while rest >= unit {
            digits.push_str(letters);
            rest -= unit;
        }
    }
    Ok(Shown { negative: false, digits: digits.into_bytes(), blanks: 0 })
}

fn scientific(value: Datum<'_>, template: &Template) -> Result<String, EvalError> {
    let is_float = matches!(value, Datum::Float4(_) | Datum::Float8(_));
    let decimal = match value {
        Datum::Float4(v) if !v.is_finite() => Numeric::NaN,
        Datum::Float8(v) if !v.is_finite() => Numeric::NaN,
        value => to_numeric(value)?,
    };
    let Numeric::Finite(decimal) = decimal else {
        let (whole, fraction) = (template.whole, template.fraction);
        return Ok(format!(" {}.{}", "#".repeat(whole), "#".repeat(fraction + 4)));
    };
    let mut exponent =
        if decimal.is_zero() { 0 } else { decimal.digits() as i64 - decimal.fractional_digit_count() - 1 };
    let mantissa = |exponent: i64| {
        let (digits, scale) = decimal.abs().into_bigint_and_exponent();
        round(&BigDecimal::new(digits, scale + exponent), template.fraction as i64)
    };
    let mut rounded = mantissa(exponent);
    // Of a numeric PostgreSQL shows 9.99 in one digit as 10e+00.
    if is_float && rounded >= 10 {
        exponent += 1;
        rounded = mantissa(exponent);
    }
    let mut text = String::new();
    format_owned_numeric(&Numeric::Finite(rounded.with_scale(template.fraction as i64)), &mut text);
    let sign = if decimal.is_negative() { '-' } else { ' ' };
    let direction = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{text}e{direction}{:02}", exponent.abs()))
}

/// Writes a number into the places of a template.
struct Writer {
    template: Template,
    number: Shown,
    out: Vec<u8>,
    /// The next digit.
    at: usize,
    /// How many places have been passed.
    places: usize,
    /// Whether the sign is written, or none is to be.
    signed: bool,
    /// Whether the place before had a digit.
    inside: bool,
    /// The number of the last place.
    count: isize,
    /// The last digit that `FM` leaves.
    last: Option<usize>,
}

impl Writer {
    fn new(mut template: Template, number: Shown) -> Self {
        let elsewhere = template.plus || template.minus;
        if !elsewhere {
            template.brackets &= number.negative || !template.fill;
            if template.sign == Sign::Leading(template.whole) {
                template.sign = Sign::Trailing;
            }
        }
        let signed = match elsewhere {
            true => !template.plus || template.minus,
            false => !number.negative && template.fill && template.sign == Sign::None,
        };
        let last = (template.fill && template.decimal).then(|| last_kept(&template, &number)).flatten();
        let widened = usize::from(!signed && number.blanks == 0);
        let count = (template.whole + template.fraction + widened) as isize - 1;
        Writer { template, number, out: Vec::new(), at: 0, places: 0, signed, inside: false, count, last }
    }

    fn write(mut self) -> String {
        for piece in std::mem::take(&mut self.template.pieces) {
            match piece {
                Piece::Literal(c) => self.out.extend(c.to_string().bytes()),
                Piece::Pattern(pattern) => self.pattern(pattern),
            }
        }
        // Where the digits ran out the text ends.
        let end = self.out.iter().position(|byte| *byte == 0).unwrap_or(self.out.len());
        self.out.truncate(end);
        String::from_utf8(self.out).unwrap_or_default()
    }

    fn sign_char(&self) -> u8 {
        if self.number.negative { b'-' } else { b'+' }
    }

    /// A character, or a blank in its place that `FM` leaves out.
    fn either(&mut self, shown: bool, c: u8) {
        match shown {
            true => self.out.push(c),
            false if !self.template.fill => self.out.push(b' '),
            false => {}
        }
    }

    fn pattern(&mut self, pattern: Pattern) {
        match pattern {
            Pattern::Nine | Pattern::Zero | Pattern::Point => self.place(pattern == Pattern::Zero),
            Pattern::Group => self.either(self.inside, b','),
            Pattern::Currency => self.out.push(b' '),
            Pattern::Minus => self.either(self.number.negative, b'-'),
            Pattern::Plus => self.either(!self.number.negative, b'+'),
            Pattern::Either => self.out.push(self.sign_char()),
            Pattern::Roman(upper) => {
                let digits = String::from_utf8_lossy(&self.number.digits).into_owned();
                let digits = if upper { digits } else { digits.to_lowercase() };
                let shown = if self.template.fill { digits } else { format!("{digits:>15}") };
                self.out.extend(shown.bytes());
            }
            Pattern::Ordinal(upper) => {
                let hashes = self.number.digits.first() == Some(&b'#');
                if !self.template.roman && !hashes && !self.number.negative && !self.template.decimal {
                    let digits = String::from_utf8_lossy(&self.number.digits);
                    self.out.extend(ordinal(&digits, upper).bytes());
                }
            }
            Pattern::Other => {}
        }
    }

    /// Whether the digit is the zero before the point of a number below one, which no `0` asks for.
    fn is_lone_zero(&self) -> bool {
        self.template.zero_from.is_none()
            && self.at == 0
            && self.number.digits.first() == Some(&b'0')
            && self.template.fraction != 0
    }

    fn keeps_only_point(&self) -> bool {
        self.last.is_some_and(|last| self.number.digits[last] == b'.')
    }

    /// The place of a digit or of the point.
    fn place(&mut self, zero: bool) {
        if self.template.roman {
            return;
        }
        self.inside = false;
        let zeros = self.template.zero_from.is_some_and(|from| from <= self.places);
        let number_begins = self.places >= self.number.blanks || self.template.zero_from == Some(self.places);
        if !self.signed && number_begins && (!self.is_lone_zero() || self.keeps_only_point()) {
            self.sign_before();
        }
        if self.places < self.number.blanks {
            match zeros {
                true => {
                    self.out.push(b'0');
                    self.inside = true;
                }
                false => self.either(false, b' '),
            }
        } else {
            self.digit(zero);
        }
        let end = self.count + isize::from(self.number.blanks > 0) + isize::from(self.template.decimal);
        if self.places as isize + 1 == end && self.last != Some(self.at) {
            self.sign_after();
        }
        self.places += 1;
    }

    fn sign_before(&mut self) {
        match self.template.sign {
            Sign::Leading(_) => self.out.push(self.sign_char()),
            Sign::Trailing => return,
            Sign::None if self.template.brackets => self.out.push(if self.number.negative { b'<' } else { b' ' }),
            Sign::None if self.number.negative => self.out.push(b'-'),
            Sign::None => self.either(false, b' '),
        }
        self.signed = true;
    }

    fn sign_after(&mut self) {
        if self.signed && self.template.brackets {
            self.out.push(if self.number.negative { b'>' } else { b' ' });
        } else if self.template.sign == Sign::Trailing {
            self.out.push(self.sign_char());
        }
    }

    /// The next digit, or the point.
    fn digit(&mut self, zero: bool) {
        let next = self.number.digits.get(self.at).copied();
        match next {
            Some(b'.') => self.out.push(b'.'),
            _ if self.last.is_some_and(|last| self.at > last) && !zero => {}
            _ if self.is_lone_zero() => match self.keeps_only_point() {
                true if self.template.fill => self.out.push(b'0'),
                _ => self.either(false, b' '),
            },
            next => {
                self.out.push(next.unwrap_or(0));
                self.inside = true;
            }
        }
        self.at += usize::from(next.is_some());
    }
}

/// Where the digits end that `FM` leaves: zeros at the end go, unless a `0` of the template stands there.
fn last_kept(template: &Template, number: &Shown) -> Option<usize> {
    let digits = &number.digits;
    let point = digits.iter().position(|c| *c == b'.')?;
    let kept = (point..digits.len()).rev().find(|i| *i == point || digits[*i] != b'0').unwrap_or(point);
    let zeros = template.zero_to.filter(|to| *to > number.blanks);
    Some(zeros.map_or(kept, |to| kept.max((digits.len() - 1).min(to - number.blanks))))
}

/// The number that a text shows by a template; none for an empty template.
pub fn to_number(text: &str, template: &str) -> Result<Option<Numeric>, EvalError> {
    if template.is_empty() {
        return Ok(None);
    }
    let template = understand(template)?;
    for (used, name) in [(template.scientific, "EEEE"), (template.roman, "RN")] {
        if used {
            let message = format!("\"{name}\" not supported for input");
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
    }
    let mut reader = Reader::new(&template, text);
    reader.read();
    let (scale, shown) = (reader.fraction, reader.number());
    let precision = template.whole + template.shift + scale;
    let modifier = (u16::try_from(precision).unwrap_or(u16::MAX), i16::try_from(scale).unwrap_or(i16::MAX));
    let value = fit_numeric(parse_numeric(&shown)?, Some(modifier))?;
    Ok(Some(match value {
        Numeric::Finite(decimal) if template.shift > 0 => {
            // The scale is that of a product with a power of ten, which has 16 digits at least.
            let scale = decimal.fractional_digit_count() + 16.max(template.shift as i64);
            Numeric::Finite((decimal * BigDecimal::new(1.into(), template.shift as i64)).with_scale(scale))
        }
        value => value,
    }))
}

/// Reads digits from the places of a template.
struct Reader<'a> {
    template: &'a Template,
    input: Vec<char>,
    at: usize,
    sign: char,
    digits: String,
    whole: usize,
    fraction: usize,
    point: bool,
}

impl<'a> Reader<'a> {
    fn new(template: &'a Template, text: &str) -> Self {
        let input = text.chars().collect();
        Reader { template, input, at: 0, sign: ' ', digits: String::new(), whole: 0, fraction: 0, point: false }
    }

    fn next(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }

    /// What was read, as a numeric is written.
    fn number(&self) -> String {
        format!("{}{}", self.sign, self.digits.strip_suffix('.').unwrap_or(&self.digits))
    }

    fn read(&mut self) {
        for piece in &self.template.pieces {
            if self.at >= self.input.len() {
                return;
            }
            match piece {
                Piece::Literal(_) => self.at += 1,
                Piece::Pattern(pattern) => self.pattern(*pattern),
            }
        }
    }

    fn pattern(&mut self, pattern: Pattern) {
        match pattern {
            Pattern::Nine | Pattern::Zero | Pattern::Point => {
                self.place(pattern != Pattern::Point);
                self.at += 1;
            }
            // Nothing has been written that a separator could be left out of.
            Pattern::Group if self.template.fill => {}
            Pattern::Group => self.at += usize::from(self.next() == Some(',')),
            Pattern::Currency => self.skip(1),
            Pattern::Ordinal(_) => {
                if self.sign != '-' && !self.template.decimal {
                    self.skip(2);
                }
            }
            Pattern::Minus => self.sign_or_skip(&['-']),
            Pattern::Plus => self.sign_or_skip(&['+']),
            Pattern::Either => self.sign_or_skip(&['-', '+']),
            Pattern::Roman(_) | Pattern::Other => {}
        }
    }

    fn sign_or_skip(&mut self, signs: &[char]) {
        match self.next() {
            Some(c) if signs.contains(&c) => {
                self.sign = c;
                self.at += 1;
            }
            _ => self.skip(1),
        }
    }

    /// Skips characters that are no part of a number.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.next().is_none_or(|c| "0123456789.,+-".contains(c)) {
                return;
            }
            self.at += 1;
        }
    }

    /// The place of a digit or of the point; what is left is the last character that belongs to it.
    fn place(&mut self, digit: bool) {
        self.at += usize::from(self.next() == Some(' '));
        if self.sign == ' ' && digit && self.whole + self.fraction == 0 {
            self.sign_before();
        }
        let Some(next) = self.next() else { return };
        let mut read = false;
        if next.is_ascii_digit() {
            if self.point && self.fraction == self.template.fraction {
                return;
            }
            self.digits.push(next);
            *(if self.point { &mut self.fraction } else { &mut self.whole }) += 1;
            read = true;
        } else if self.template.decimal && !self.point && next == '.' {
            self.digits.push('.');
            (self.point, read) = (true, true);
        }
        if self.sign == ' ' && self.whole + self.fraction > 0 {
            self.sign_after(read);
        }
    }

    fn sign_before(&mut self) {
        self.sign = match self.next() {
            Some('-') => '-',
            Some('+') => '+',
            Some('<') if self.template.brackets => '-',
            _ => return,
        };
        self.at += 1;
    }

    fn sign_after(&mut self, read: bool) {
        let anchored = self.template.sign != Sign::None;
        if anchored && read {
            if let Some(sign @ ('-' | '+')) = self.input.get(self.at + 1).copied() {
                self.sign = sign;
                self.at += 1;
            }
        } else if !anchored
            && !read
            && (self.template.plus || self.template.minus)
            && let Some(sign @ ('-' | '+')) = self.next()
        {
            self.sign = sign;
        }
    }
}
