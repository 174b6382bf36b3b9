//! `to_char` and `to_number` of numbers.

use super::time::ordinal;
use crate::func::build::{check_length, invalid_parameter};
use bigdecimal::Signed;
use repr::text::number::{format_owned_numeric, parse_numeric, round};
use repr::{EvalError, Numeric, SqlError, SqlState};

/// Where a sign goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Sign {
    /// Before the first digit, in a blank of its own.
    #[default]
    Default,
    /// `S` before: anchored to the number.
    Leading,
    /// `S` after.
    Trailing,
    /// `PR`: in angle brackets.
    Brackets,
    /// `MI`, `PL`, `SG` say where it goes.
    Elsewhere,
}

/// A piece of a number template.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Nine,
    Zero,
    Point,
    Group,
    Minus,
    Plus,
    Either,
    Currency,
    Ordinal(bool),
    Literal(char),
}

/// A template, understood.
#[derive(Default)]
struct Template {
    pieces: Vec<Piece>,
    whole: usize,
    fraction: usize,
    /// Digits before the point from the first `0` on.
    zero_from: Option<usize>,
    fraction_zeros: usize,
    fill: bool,
    sign: Sign,
    roman: Option<bool>,
    scientific: bool,
    shift: usize,
}

fn syntax(message: &str) -> EvalError {
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

fn understand(template: &str) -> Result<Template, EvalError> {
    let mut out = Template::default();
    let mut rest = template;
    let (mut after_point, mut after_shift) = (false, false);
    while let Some(first) = rest.chars().next() {
        let head = |word: &str| rest.get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
        let mut len = first.len_utf8();
        if head("FM") {
            (out.fill, len) = (true, 2);
        } else if head("PR") {
            (out.sign, len) = (Sign::Brackets, 2);
        } else if head("MI") {
            out.pieces.push(Piece::Minus);
            (out.sign, len) = (Sign::Elsewhere, 2);
        } else if head("PL") {
            out.pieces.push(Piece::Plus);
            len = 2;
        } else if head("SG") {
            out.pieces.push(Piece::Either);
            (out.sign, len) = (Sign::Elsewhere, 2);
        } else if head("TH") {
            out.pieces.push(Piece::Ordinal(rest.starts_with('T')));
            len = 2;
        } else if head("RN") {
            (out.roman, len) = (Some(rest.starts_with('R')), 2);
        } else if head("EEEE") {
            (out.scientific, len) = (true, 4);
        } else {
            match first {
                '9' | '0' if after_shift => {
                    out.pieces.push(if first == '0' { Piece::Zero } else { Piece::Nine });
                    out.whole += 1;
                    out.shift += 1;
                }
                '9' | '0' => {
                    out.pieces.push(if first == '0' { Piece::Zero } else { Piece::Nine });
                    if after_point {
                        out.fraction += 1;
                        out.fraction_zeros = if first == '0' { out.fraction } else { out.fraction_zeros };
                    } else {
                        out.whole += 1;
                        out.zero_from = out.zero_from.or((first == '0').then_some(out.whole));
                    }
                }
                '.' | 'D' | 'd' => {
                    if after_point {
                        return Err(syntax("multiple decimal points"));
                    }
                    after_point = true;
                    out.pieces.push(Piece::Point);
                }
                ',' | 'G' | 'g' => out.pieces.push(Piece::Group),
                'S' | 's' => out.sign = if out.whole + out.fraction == 0 { Sign::Leading } else { Sign::Trailing },
                'V' | 'v' => after_shift = true,
                'L' | 'l' => out.pieces.push(Piece::Currency),
                '"' => len = quoted(rest, &mut out.pieces),
                '\\' if rest[1..].starts_with('"') => {
                    out.pieces.push(Piece::Literal('"'));
                    len = 2;
                }
                other => out.pieces.push(Piece::Literal(other)),
            }
        }
        rest = &rest[len..];
    }
    Ok(out)
}

/// Text in double quotes, in which a backslash takes the next character as it is; how long it is with its quotes.
fn quoted(text: &str, pieces: &mut Vec<Piece>) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return at + 1,
            '\\' => pieces.extend(chars.next().map(|(_, c)| Piece::Literal(c))),
            c => pieces.push(Piece::Literal(c)),
        }
    }
    text.len()
}

const ROMAN: [(u32, &str); 13] = [
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

fn roman(digits: &str, upper: bool, fill: bool) -> String {
    let value: u32 = digits.parse().unwrap_or(0);
    let text = if (1..4000).contains(&value) {
        let mut rest = value;
        let mut out = String::new();
        for (unit, letters) in ROMAN {
            while rest >= unit {
                out.push_str(letters);
                rest -= unit;
            }
        }
        out
    } else {
        "#".repeat(15)
    };
    let text = if upper { text } else { text.to_lowercase() };
    if fill { text } else { format!("{text:>15}") }
}

/// Digits of a float that mean something, as `to_char` counts them.
pub const FLOAT4_DIGITS: usize = 6;
/// The same for `float8`.
pub const FLOAT8_DIGITS: usize = 15;

/// How many digits are shown after the point, when there are so many before it.
fn shown_fraction(template: &Template, whole: usize, digits: Option<usize>) -> usize {
    digits.map_or(template.fraction, |digits| template.fraction.min(digits.saturating_sub(whole)))
}

/// The text of a number; of a float it has so many `digits` at most.
pub fn to_char(value: &Numeric, template: &str, digits: Option<usize>) -> Result<String, EvalError> {
    check_length(template.len().saturating_mul(4))?;
    let template = understand(template)?;
    let Numeric::Finite(decimal) = value else { return Ok(not_finite(value, &template, digits)) };
    if template.scientific {
        return Ok(scientific(decimal, &template));
    }
    let shifted = decimal * bigdecimal::BigDecimal::new(1.into(), -(template.shift as i64));
    let shown = shown_fraction(&template, round(&shifted, 0).abs().digits() as usize, digits);
    let rounded = round(&shifted, shown as i64);
    let negative = rounded.is_negative();
    let mut text = String::new();
    format_owned_numeric(&Numeric::Finite(rounded.abs().with_scale(shown as i64)), &mut text);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if let Some(upper) = template.roman {
        return Ok(roman(whole, upper, template.fill));
    }
    let whole = if whole == "0" && template.whole > 0 { "" } else { whole };
    let fits = whole.len() <= template.whole;
    if !fits {
        let (whole, fraction) = ("#".repeat(template.whole), "#".repeat(shown));
        return Ok(place(&template, &whole, Some(&fraction), negative));
    }
    let whole = format!("{whole:>width$}", width = template.whole);
    let has_point = shown > 0 || template.fraction == 0;
    Ok(place(&template, &whole, has_point.then_some(fraction), negative))
}

/// What is no number: in the place of the digits before the point, if there is room.
fn not_finite(value: &Numeric, template: &Template, digits: Option<usize>) -> String {
    if template.scientific {
        return format!(" #.{}", "#".repeat(template.fraction + "e+00".len()));
    }
    let name = if *value == Numeric::NaN { "NaN" } else { "Infinity" };
    let negative = *value == Numeric::NegInfinity;
    if name.len() > template.whole {
        let (whole, fraction) = ("#".repeat(template.whole), "#".repeat(shown_fraction(template, name.len(), digits)));
        return place(template, &whole, Some(&fraction), negative);
    }
    place(template, &format!("{name:>width$}", width = template.whole), None, negative)
}

fn scientific(value: &bigdecimal::BigDecimal, template: &Template) -> String {
    use bigdecimal::Zero;
    let sign = if value.is_negative() {
        "-"
    } else if template.fill {
        ""
    } else {
        " "
    };
    let mut exponent = if value.is_zero() { 0 } else { value.digits() as i64 - value.fractional_digit_count() - 1 };
    let mantissa = |exponent: i64| {
        let (digits, scale) = value.abs().into_bigint_and_exponent();
        round(&bigdecimal::BigDecimal::new(digits, scale + exponent), template.fraction as i64)
    };
    let mut shown = mantissa(exponent);
    if shown >= 10 {
        exponent += 1;
        shown = mantissa(exponent);
    }
    let mut text = String::new();
    format_owned_numeric(&Numeric::Finite(shown.with_scale(template.fraction as i64)), &mut text);
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{text}e{direction}{:02}", exponent.abs())
}

/// Puts digits, separators and signs where the template has them; without a fraction the point goes too.
fn place(template: &Template, whole: &str, fraction: Option<&str>, negative: bool) -> String {
    let mut out = String::new();
    let (mut at, mut fraction_at) = (0, 0);
    let mut started = false;
    let mut first_digit = None;
    let mut digits_start = None;
    let mut whole_digits: Vec<char> = whole.chars().collect();
    let zero_from = template.zero_from.unwrap_or(usize::MAX);
    for (i, digit) in whole_digits.iter_mut().enumerate() {
        if *digit == ' ' && i + 1 >= zero_from {
            *digit = '0';
        }
    }
    let shown_fraction = kept_fraction(template, fraction.unwrap_or(""));
    let none = whole_digits.iter().all(|c| *c == ' ');
    let has_point = fraction.is_some() && template.fraction > 0;
    if none
        && (template.fraction == 0 || (template.fill && shown_fraction.is_empty()))
        && let Some(last) = whole_digits.last_mut()
    {
        *last = '0';
    }
    for piece in &template.pieces {
        if matches!(piece, Piece::Nine | Piece::Zero | Piece::Point) {
            digits_start.get_or_insert(out.len());
        }
        match piece {
            Piece::Nine | Piece::Zero if at < whole_digits.len() => {
                let digit = whole_digits[at];
                at += 1;
                if digit != ' ' {
                    first_digit.get_or_insert(out.len());
                    started = true;
                    out.push(digit);
                } else if !template.fill {
                    out.push(' ');
                }
            }
            Piece::Nine | Piece::Zero => {
                if let Some(digit) = shown_fraction.chars().nth(fraction_at) {
                    out.push(digit);
                }
                fraction_at += 1;
            }
            Piece::Point if !has_point => {}
            Piece::Point => {
                first_digit.get_or_insert(out.len());
                started = true;
                out.push('.');
            }
            Piece::Group if started => out.push(','),
            Piece::Group if !template.fill => out.push(' '),
            Piece::Group => {}
            Piece::Minus if negative => out.push('-'),
            Piece::Plus if !negative => out.push('+'),
            Piece::Either => out.push(if negative { '-' } else { '+' }),
            Piece::Minus | Piece::Plus if !template.fill => out.push(' '),
            Piece::Minus | Piece::Plus => {}
            Piece::Currency if !template.fill => out.push(' '),
            Piece::Currency => {}
            Piece::Ordinal(upper) => {
                let decimal = template.pieces.contains(&Piece::Point);
                if !negative && !decimal && !whole.contains('#') {
                    out.push_str(&ordinal(whole, *upper));
                }
            }
            Piece::Literal(c) => out.push(*c),
        }
    }
    sign(template, out, first_digit.unwrap_or(0), digits_start.unwrap_or(0), negative)
}

/// The digits after the point: `FM` drops trailing zeros that no `0` asks for.
fn kept_fraction(template: &Template, fraction: &str) -> String {
    if !template.fill {
        return fraction.to_string();
    }
    let mut kept = fraction.len();
    while kept > template.fraction_zeros && fraction.as_bytes()[kept - 1] == b'0' {
        kept -= 1;
    }
    fraction[..kept].to_string()
}

fn sign(template: &Template, mut out: String, first_digit: usize, digits_start: usize, negative: bool) -> String {
    match template.sign {
        Sign::Default => match (negative, template.fill) {
            (true, _) => out.insert(first_digit, '-'),
            (false, false) => out.insert(digits_start, ' '),
            (false, true) => {}
        },
        Sign::Leading => out.insert(first_digit, if negative { '-' } else { '+' }),
        Sign::Trailing => out.push(if negative { '-' } else { '+' }),
        Sign::Brackets => match (negative, template.fill) {
            (true, _) => {
                out.insert(first_digit, '<');
                out.push('>');
            }
            (false, false) => out = format!(" {out} "),
            (false, true) => {}
        },
        Sign::Elsewhere => {}
    }
    out
}

/// The number that a text shows by a template: its digits, point and sign.
pub fn to_number(text: &str, template: &str) -> Result<Numeric, EvalError> {
    understand(template)?;
    let negative = text.contains('-') || (text.contains('<') && text.contains('>'));
    let digits: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    if !digits.contains(|c: char| c.is_ascii_digit()) {
        let message = format!("invalid input syntax for type numeric: \"{}\"", text.trim());
        return Err(SqlError { code: SqlState::INVALID_TEXT_REPRESENTATION, ..invalid_parameter(message) });
    }
    parse_numeric(&format!("{}{digits}", if negative { "-" } else { "" }))
}
