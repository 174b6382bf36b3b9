//! Text forms of booleans, character types and `uuid`.

use super::invalid_syntax;
use crate::{SqlError, SqlState, SqlType};
use std::fmt::Write;

/// The longest `name`, in bytes.
const NAME_BYTES: usize = 63;

/// No text holds a NUL character.
pub fn invalid_nul() -> SqlError {
    SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": 0x00")
}

/// `t`, `true`, `y`, `yes`, `on`, `1` and their opposites, any case, unambiguous prefixes too.
pub fn parse_bool(text: &str) -> Result<bool, SqlError> {
    let word = text.trim_matches(|c: char| c.is_ascii_whitespace()).to_ascii_lowercase();
    let prefix_of = |whole: &str, least: usize| word.len() >= least && whole.starts_with(word.as_str());
    if prefix_of("true", 1) || prefix_of("yes", 1) || word == "on" || word == "1" {
        Ok(true)
    } else if prefix_of("false", 1) || prefix_of("no", 1) || prefix_of("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(invalid_syntax("boolean", text))
    }
}

/// The text as `varchar(n)` or `char(n)` stores it: 22001 if it is too long by more than blanks; `char` loses trailing blanks.
pub fn fit<'a>(text: &'a str, ty: &SqlType) -> Result<&'a str, SqlError> {
    let cut = truncate(text, ty);
    let excess = &text[cut.len()..];
    if excess.bytes().all(|b| b == b' ') {
        return Ok(cut);
    }
    Err(SqlError::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, format!("value too long for type {ty}")))
}

/// The text cut to the characters that the type holds, as explicit casts do; `char` loses trailing blanks.
pub fn truncate<'a>(text: &'a str, ty: &SqlType) -> &'a str {
    let cut = match ty {
        SqlType::Varchar(Some(n)) | SqlType::Char(Some(n)) => first_chars(text, *n as usize),
        _ => text,
    };
    if matches!(ty, SqlType::Char(_)) { cut.trim_end_matches(' ') } else { cut }
}

/// The first `count` characters.
pub fn first_chars(text: &str, count: usize) -> &str {
    if text.len() <= count {
        return text;
    }
    text.char_indices().nth(count).map_or(text, |(at, _)| &text[..at])
}

/// As much of the text as a `name` holds.
pub fn truncate_name(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What `"char"` keeps of a text.
pub fn first_char(text: &str) -> &str {
    first_chars(text, 1)
}

/// Prints a text; `char(n)` is padded here, as values are kept without trailing blanks.
pub fn format(text: &str, ty: &SqlType, out: &mut String) {
    out.push_str(text);
    if let SqlType::Char(Some(n)) = ty {
        let missing = (*n as usize).saturating_sub(text.chars().count());
        out.extend(std::iter::repeat_n(' ', missing));
    }
}

/// 32 hexadecimal digits, with a hyphen after any group of four, perhaps in braces.
pub fn parse_uuid(text: &str) -> Result<[u8; 16], SqlError> {
    let invalid = || invalid_syntax("uuid", text);
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(invalid)?,
        None => text,
    };
    let mut digits = 0;
    let mut value = 0u128;
    let mut after_hyphen = true;
    for c in inner.chars() {
        if c == '-' && digits % 4 == 0 && !after_hyphen {
            after_hyphen = true;
            continue;
        }
        let digit = c.to_digit(16).filter(|_| digits < 32).ok_or_else(invalid)?;
        value = value << 4 | u128::from(digit);
        digits += 1;
        after_hyphen = false;
    }
    if digits == 32 && !after_hyphen { Ok(value.to_be_bytes()) } else { Err(invalid()) }
}

/// Lower case, hyphens after 8, 12, 16 and 20 digits.
pub fn format_uuid(bytes: [u8; 16], out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", uuid::Uuid::from_bytes(bytes).hyphenated());
}
