//! Text forms of integers, floats, `numeric` and `oid`.

use super::invalid_syntax;
use crate::{Numeric, NumericRef, SqlError, SqlState, SqlType};
use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, Zero};
use std::fmt::Write;

/// Digits that a `numeric` may have before the decimal point.
const NUMERIC_WHOLE_DIGITS_MAX: i64 = 131_072;
/// Digits that a `numeric` may have after the decimal point.
pub const NUMERIC_SCALE_MAX: i64 = 16_383;

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b')
}

/// An optional sign and decimal digits.
pub fn parse_int<T: TryFrom<i128>>(text: &str, ty: &str) -> Result<T, SqlError> {
    let digits = trim(text);
    let bare = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_syntax(ty, text));
    }
    let value: Option<i128> = digits.parse().ok();
    value.and_then(|v| T::try_from(v).ok()).ok_or_else(|| {
        let message = format!("value \"{text}\" is out of range for type {ty}");
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}

/// An unsigned number; `-` is 0 for the `reg…` types, whose names are the planner's to resolve.
pub fn parse_oid(text: &str, ty: &SqlType) -> Result<u32, SqlError> {
    let digits = trim(text);
    if digits == "-" && *ty != SqlType::Oid {
        return Ok(0);
    }
    let value: Result<i64, _> = digits.parse();
    match value {
        Ok(v) if (0..=i64::from(u32::MAX)).contains(&v) => Ok(v as u32),
        Ok(v) if (i64::from(i32::MIN)..0).contains(&v) => Ok(v as i32 as u32),
        Ok(_) => {
            let message = format!("value \"{text}\" is out of range for type {ty}");
            Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message))
        }
        Err(_) => Err(match ty {
            SqlType::Regclass => {
                SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{text}\" does not exist"))
            }
            SqlType::Regtype => SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{text}\" does not exist")),
            SqlType::Regproc => {
                SqlError::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist"))
            }
            _ => invalid_syntax("oid", text),
        }),
    }
}

/// `float8` input: decimal notation, `NaN`, `Infinity`, `inf`.
pub fn parse_float8(text: &str) -> Result<f64, SqlError> {
    let word = trim(text);
    let value: f64 = parse_special_float(word)
        .or_else(|| is_decimal(word).then(|| word.parse().ok()).flatten())
        .ok_or_else(|| invalid_syntax("double precision", text))?;
    check_float(word, value.is_infinite(), value == 0.0, "double precision")?;
    Ok(value)
}

/// `float4` input.
pub fn parse_float4(text: &str) -> Result<f32, SqlError> {
    let word = trim(text);
    let value: f32 = parse_special_float(word)
        .map(|v| v as f32)
        .or_else(|| is_decimal(word).then(|| word.parse().ok()).flatten())
        .ok_or_else(|| invalid_syntax("real", text))?;
    check_float(word, value.is_infinite(), value == 0.0, "real")?;
    Ok(value)
}

fn check_float(word: &str, infinite: bool, zero: bool, ty: &str) -> Result<(), SqlError> {
    let mantissa = word.split(['e', 'E']).next().unwrap_or(word);
    let overflow = infinite && parse_special_float(word).is_none();
    let underflow = zero && mantissa.bytes().any(|b| b.is_ascii_digit() && b != b'0');
    if !overflow && !underflow {
        return Ok(());
    }
    let message = format!("\"{word}\" is out of range for type {ty}");
    Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message))
}

fn parse_special_float(word: &str) -> Option<f64> {
    let lower = word.to_ascii_lowercase();
    let (sign, name) = match lower.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    match name {
        "nan" => Some(f64::NAN),
        "inf" | "infinity" => Some(sign * f64::INFINITY),
        _ => None,
    }
}

/// Whether this is `[+-]digits[.digits][e[+-]digits]` with at least one digit before the exponent.
fn is_decimal(word: &str) -> bool {
    split_decimal(word).is_some()
}

/// Sign, whole digits, fraction digits, exponent.
fn split_decimal(word: &str) -> Option<(bool, &str, &str, i64)> {
    let (negative, rest) = match word.as_bytes().first()? {
        b'-' => (true, &word[1..]),
        b'+' => (false, &word[1..]),
        _ => (false, word),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let valid = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    valid.then_some((negative, whole, fraction, exponent))
}

fn parse_exponent(text: &str) -> Option<i64> {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Beyond the range of any type; the exact value no longer matters.
    Some(text.parse::<i64>().unwrap_or(if text.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 }))
}

/// `value overflows numeric format` (22003).
pub fn numeric_overflow() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

/// `numeric` input, without a modifier: the digits given after the point are its scale.
pub fn parse_numeric(text: &str) -> Result<Numeric, SqlError> {
    let word = trim(text);
    if let Some(special) = parse_special_float(word) {
        return Ok(match special {
            v if v.is_nan() => Numeric::NaN,
            v if v > 0.0 => Numeric::Infinity,
            _ => Numeric::NegInfinity,
        });
    }
    let (negative, whole, fraction, exponent) = split_decimal(word).ok_or_else(|| invalid_syntax("numeric", text))?;
    let significant = whole.trim_start_matches('0');
    let is_zero = significant.is_empty() && fraction.bytes().all(|b| b == b'0');
    if !is_zero && (significant.len() as i64).saturating_add(exponent) > NUMERIC_WHOLE_DIGITS_MAX {
        return Err(numeric_overflow());
    }
    let scale = (fraction.len() as i64).saturating_sub(exponent);
    if scale > NUMERIC_SCALE_MAX {
        return Err(numeric_overflow());
    }
    if is_zero && scale < 0 {
        return Ok(Numeric::Finite(BigDecimal::zero()));
    }
    let digits = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10).unwrap_or_default();
    let value = BigDecimal::new(if negative { -digits } else { digits }, scale);
    Ok(Numeric::Finite(round(&value, scale.max(0))))
}

/// Rounded to a scale, half away from zero.
pub fn round(value: &BigDecimal, scale: i64) -> BigDecimal {
    if value.fractional_digit_count() == scale {
        return value.clone();
    }
    value.with_scale_round(scale, RoundingMode::HalfUp)
}

/// The number as `numeric(precision, scale)` stores it: rounded; 22003 if it has too many digits then.
pub fn fit_numeric(value: Numeric, modifier: Option<(u16, i16)>) -> Result<Numeric, SqlError> {
    let Some((precision, scale)) = modifier else {
        return Ok(value);
    };
    let overflow =
        |detail: String| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").detail(detail);
    let Numeric::Finite(decimal) = value else {
        return match value {
            Numeric::NaN => Ok(value),
            _ => {
                let detail =
                    format!("A field with precision {precision}, scale {scale} cannot hold an infinite value.");
                Err(overflow(detail))
            }
        };
    };
    let rounded = round(&decimal, i64::from(scale));
    let whole = i64::from(precision) - i64::from(scale);
    if !rounded.is_zero() && rounded.digits() as i64 - rounded.fractional_digit_count() > whole {
        let bound = if whole == 0 { "1".to_string() } else { format!("10^{whole}") };
        let head =
            format!("A field with precision {precision}, scale {scale} must round to an absolute value less than");
        return Err(overflow(format!("{head} {bound}.")));
    }
    Ok(Numeric::Finite(rounded.with_scale(i64::from(scale.max(0)))))
}

/// Decimal digits.
pub fn format_int(value: i64, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// A number; 0 prints as `-` for the `reg…` types.
pub fn format_oid(value: u32, ty: &SqlType, out: &mut String) {
    if value == 0 && matches!(ty, SqlType::Regclass | SqlType::Regproc | SqlType::Regtype) {
        out.push('-');
    } else {
        format_int(i64::from(value), out);
    }
}

/// `float8` output: the shortest digits that read back the same, or 15 + `extra` significant ones if `extra` ≤ 0.
pub fn format_float8(value: f64, extra: i32, out: &mut String) {
    if !value.is_finite() {
        return format_special(value, out);
    }
    if extra > 0 {
        let (size, mut digits) = (value.abs(), format!("{value:e}"));
        if is_middle(&digits, value, size - size.next_down(), size.next_up() - size) {
            digits = format!("{value:.16e}");
        }
        format_scientific(&digits, 15, out);
    } else {
        format_rounded(value, (15 + extra).max(1) as usize, out);
    }
}

/// `float4` output.
pub fn format_float4(value: f32, extra: i32, out: &mut String) {
    if !value.is_finite() {
        return format_special(f64::from(value), out);
    }
    if extra > 0 {
        let (size, mut digits) = (value.abs(), format!("{value:e}"));
        let (below, above) = (f64::from(size - size.next_down()), f64::from(size.next_up() - size));
        if is_middle(&digits, value.into(), below, above) {
            digits = format!("{value:.8e}");
        }
        format_scientific(&digits, 6, out);
    } else {
        format_rounded(f64::from(value), (6 + extra).max(1) as usize, out);
    }
}

fn format_special(value: f64, out: &mut String) {
    out.push_str(if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    });
}

/// Whether the shortest digits of a float lie in the middle between it and a neighbour, `below` or `above` it so far away: what they read back as is a
/// matter of taste, and one more digit is shown. Only among great integers is such a middle a number of few digits.
fn is_middle(digits: &str, value: f64, below: f64, above: f64) -> bool {
    if !(16_777_216.0..1e30).contains(&value.abs()) || above < 2.0 {
        return false;
    }
    let Ok(Numeric::Finite(shown)) = parse_numeric(digits) else { return false };
    let distance = shown.abs() - BigDecimal::from(value.abs() as u128);
    let gap = if distance < BigDecimal::zero() { below } else { above };
    distance.abs() * BigDecimal::from(2) >= gap as u128
}

/// C's `%.*g`.
fn format_rounded(value: f64, digits: usize, out: &mut String) {
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format_scientific(&format!("{mantissa}e{exponent}"), digits as i32, out);
}

/// Reprints `d.ddde±x`: plain if -4 ≤ x < `plain_below`, else with a sign and at least two digits of exponent.
fn format_scientific(text: &str, plain_below: i32, out: &mut String) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..plain_below).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{mantissa}e{sign}{:02}", exponent.abs());
        return;
    }
    let (sign, bare) = match mantissa.strip_prefix('-') {
        Some(bare) => ("-", bare),
        None => ("", mantissa),
    };
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    out.push_str(sign);
    place_point(&digits, exponent + 1, out);
}

/// Prints `0.digits × 10^point` in plain notation.
fn place_point(digits: &str, point: i32, out: &mut String) {
    if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(digits);
        return;
    }
    let whole = point as usize;
    if digits.len() <= whole {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
    } else {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    }
}

/// `numeric` output: plain notation with as many digits after the point as its scale says.
pub fn format_numeric(value: NumericRef<'_>, out: &mut String) {
    format_owned_numeric(&value.to_numeric(), out);
}

/// The same for a number to compute with.
pub fn format_owned_numeric(value: &Numeric, out: &mut String) {
    match value {
        Numeric::NaN => out.push_str("NaN"),
        Numeric::Infinity => out.push_str("Infinity"),
        Numeric::NegInfinity => out.push_str("-Infinity"),
        Numeric::Finite(decimal) => format_decimal(decimal, out),
    }
}

fn format_decimal(decimal: &BigDecimal, out: &mut String) {
    let (digits, scale) = decimal.as_bigint_and_scale();
    let text = digits.magnitude().to_string();
    if digits.sign() == bigdecimal::num_bigint::Sign::Minus {
        out.push('-');
    }
    if scale <= 0 {
        out.push_str(&text);
        if !digits.is_zero() {
            out.extend(std::iter::repeat_n('0', scale.unsigned_abs() as usize));
        }
        return;
    }
    let scale = scale as usize;
    if text.len() > scale {
        let (whole, fraction) = text.split_at(text.len() - scale);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', scale - text.len()));
        out.push_str(&text);
    }
}
