//! `to_number`: a text is read by the places of a template.

use super::number_template::{Pattern, Piece, Sign, Template, understand};
use bigdecimal::BigDecimal;
use repr::text::number::{fit_numeric, parse_numeric};
use repr::{EvalError, Numeric, SqlError, SqlState};

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
