//! Text forms of `bytea`.

use super::{ByteaOutput, invalid_syntax};
use crate::{SqlError, SqlState};

/// Reads `\x` and hexadecimal digits, or the escape form: `\\`, `\ooo`, and plain bytes.
pub fn parse(text: &str) -> Result<Vec<u8>, SqlError> {
    match text.strip_prefix("\\x") {
        Some(digits) => parse_hex(digits),
        None => parse_escape(text),
    }
}

/// Pairs of hexadecimal digits, blanks between pairs allowed.
pub fn parse_hex(digits: &str) -> Result<Vec<u8>, SqlError> {
    let mut out = Vec::with_capacity(digits.len() / 2);
    let mut chars = digits.chars();
    let value = |c: char| {
        let message = format!("invalid hexadecimal digit: \"{c}\"");
        c.to_digit(16).ok_or_else(|| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
    };
    while let Some(c) = chars.next() {
        if c.is_ascii_whitespace() {
            continue;
        }
        let high = value(c)?;
        let odd = "invalid hexadecimal data: odd number of digits";
        let next = chars.next().ok_or_else(|| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, odd))?;
        out.push((high << 4 | value(next)?) as u8);
    }
    Ok(out)
}

/// Reads the escape form.
pub fn parse_escape(text: &str) -> Result<Vec<u8>, SqlError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match (byte, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                out.push(b'\\');
                tail
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            (b'\\', _) => {
                let mut error = invalid_syntax("bytea", text);
                error.message = "invalid input syntax for type bytea".to_string();
                return Err(error);
            }
            _ => {
                out.push(byte);
                tail
            }
        };
    }
    Ok(out)
}

/// Prints bytes.
pub fn format(bytes: &[u8], style: ByteaOutput, out: &mut String) {
    match style {
        ByteaOutput::Hex => {
            out.push_str("\\x");
            out.push_str(&hex::encode(bytes));
        }
        ByteaOutput::Escape => format_escape(bytes, out),
    }
}

/// Prints the escape form.
pub fn format_escape(bytes: &[u8], out: &mut String) {
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
}
