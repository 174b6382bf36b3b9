//! Text forms of `jsonb`.

use super::number::{format_numeric, parse_numeric};
use crate::jsonb::{self, JsonValue};
use crate::{JsonbRef, Numeric, SqlError, SqlState};
use std::fmt::Write;

/// How deep arrays and objects may nest, as readers recurse.
const DEPTH_MAX: usize = 512;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether numbers and characters that a `jsonb` cannot hold are taken for others: as long as only the text counts.
    lenient: bool,
}

/// Fails where a text is not JSON.
pub fn check(text: &str) -> Result<(), SqlError> {
    read(Parser { text, at: 0, lenient: true }).map(drop)
}

/// The encoding of the value that a JSON text stands for.
pub fn parse(text: &str) -> Result<Vec<u8>, SqlError> {
    read(Parser { text, at: 0, lenient: false })
}

/// What a string of JSON, with its quotes, says; fails if it has a character that no text has.
pub fn unquote(quoted: &str) -> Result<String, SqlError> {
    Parser { text: quoted, at: 0, lenient: false }.string()
}

fn read(mut parser: Parser<'_>) -> Result<Vec<u8>, SqlError> {
    let mut out = Vec::with_capacity(parser.text.len());
    parser.value(0, &mut out)?;
    parser.skip_blanks();
    if parser.at < parser.text.len() {
        return Err(parser.unexpected("Expected end of input"));
    }
    Ok(out)
}

fn invalid(detail: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json").detail(detail)
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The error for what stands here, in PostgreSQL's words.
    fn unexpected(&self, expected: &str) -> SqlError {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return invalid("The input string ended unexpectedly.");
        };
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.') || !c.is_ascii();
        let len = match first {
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            '"' => rest[1..].find('"').map_or(rest.len(), |at| at + 2),
            c => c.len_utf8(),
        };
        let token = &rest[..len];
        let known = matches!(token, "true" | "false" | "null")
            || matches!(first, '{' | '}' | '[' | ']' | ',' | ':' | '"')
            || (matches!(first, '-' | '0'..='9') && parse_numeric(token).is_ok());
        invalid(if known {
            format!("{expected}, but found \"{token}\".")
        } else {
            format!("Token \"{token}\" is invalid.")
        })
    }

    fn value(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<(), SqlError> {
        if depth > DEPTH_MAX {
            let message = "JSON value is nested too deeply";
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, message));
        }
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(depth, out),
            Some(b'[') => self.array(depth, out),
            Some(b'"') => {
                let text = self.string()?;
                jsonb::push_string(&text, out);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(out),
            _ => self.word(out),
        }
    }

    fn word(&mut self, out: &mut Vec<u8>) -> Result<(), SqlError> {
        let rest = &self.text[self.at..];
        let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        match &rest[..len] {
            "null" => jsonb::push_null(out),
            "true" => jsonb::push_bool(true, out),
            "false" => jsonb::push_bool(false, out),
            _ => return Err(self.unexpected("Expected JSON value")),
        }
        self.at += len;
        Ok(())
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Result<(), SqlError> {
        let rest = &self.text[self.at..];
        let accept = |c: char| c.is_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
        let token = &rest[..rest.find(|c| !accept(c)).unwrap_or(rest.len())];
        let bare = token.strip_prefix('-').unwrap_or(token);
        let whole = bare.split(['.', 'e', 'E']).next().unwrap_or(bare);
        let fraction_empty = bare.split_once('.').is_some_and(|(_, f)| !f.starts_with(|c: char| c.is_ascii_digit()));
        let valid = bare.starts_with(|c: char| c.is_ascii_digit())
            && !(whole.len() > 1 && whole.starts_with('0'))
            && !fraction_empty;
        let token_error = || invalid(format!("Token \"{token}\" is invalid."));
        if !valid {
            return Err(token_error());
        }
        let number = match parse_numeric(token) {
            Err(error) if error.code == SqlState::NUMERIC_VALUE_OUT_OF_RANGE => match self.lenient {
                true => Numeric::zero(),
                false => return Err(error),
            },
            number => number.map_err(|_| token_error())?,
        };
        jsonb::push_number(&number.encode(), out);
        self.at += token.len();
        Ok(())
    }

    fn string(&mut self) -> Result<String, SqlError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(control) => {
                    return Err(invalid(format!("Character with value 0x{control:02x} must be escaped.")));
                }
                None => return Err(invalid("The input string ended unexpectedly.")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SqlError> {
        let letter = self.text[self.at + 1..].chars().next();
        self.at += 1 + letter.map_or(0, char::len_utf8);
        Ok(match letter {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode_escape(),
            Some(c) => return Err(invalid(format!("Escape sequence \"\\{c}\" is invalid."))),
            None => return Err(invalid("The input string ended unexpectedly.")),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, SqlError> {
        let unit = self.hex4()?;
        if unit == 0 && self.lenient {
            return Ok(' ');
        }
        if unit == 0 {
            let error = SqlError::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence");
            return Err(error.detail("\\u0000 cannot be converted to text."));
        }
        let high = (0xD800..0xDC00).contains(&unit);
        if !high {
            let alone = || invalid("Unicode low surrogate must follow a high surrogate.");
            return char::from_u32(unit).ok_or_else(alone);
        }
        let alone = || invalid("Unicode low surrogate must follow a high surrogate.");
        if !self.text[self.at..].starts_with("\\u") {
            return Err(alone());
        }
        self.at += 2;
        let low = self.hex4()?;
        if !(0xDC00..0xE000).contains(&low) {
            return Err(alone());
        }
        char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).ok_or_else(alone)
    }

    fn hex4(&mut self) -> Result<u32, SqlError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| invalid("\"\\u\" must be followed by four hexadecimal digits."))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| invalid("\"\\u\" must be followed by four hexadecimal digits."))
    }

    fn array(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<(), SqlError> {
        self.at += 1;
        let mut elements = Vec::new();
        let mut count = 0;
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.value(depth + 1, &mut elements)?;
                count += 1;
                self.skip_blanks();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break self.at += 1,
                    _ => return Err(self.unexpected("Expected \",\" or \"]\"")),
                }
            }
        }
        jsonb::push_array(count, &elements, out);
        Ok(())
    }

    fn object(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<(), SqlError> {
        self.at += 1;
        let mut pairs = Vec::new();
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                pairs.push(self.pair(depth)?);
                self.skip_blanks();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break self.at += 1,
                    _ => return Err(self.unexpected("Expected \",\" or \"}\"")),
                }
            }
        }
        jsonb::push_object(pairs, out);
        Ok(())
    }

    fn pair(&mut self, depth: usize) -> Result<(String, Vec<u8>), SqlError> {
        self.skip_blanks();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("Expected string"));
        }
        let key = self.string()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("Expected \":\""));
        }
        self.at += 1;
        let mut value = Vec::new();
        self.value(depth + 1, &mut value)?;
        Ok((key, value))
    }
}

/// Prints a value on one line, as `jsonb` does: a blank after each comma and colon.
pub fn format(value: JsonbRef<'_>, out: &mut String) {
    match value.value() {
        JsonValue::Null => out.push_str("null"),
        JsonValue::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        JsonValue::Number(v) => format_numeric(v, out),
        JsonValue::String(v) => quote(v, out),
        JsonValue::Array(elements) => {
            out.push('[');
            for (i, element) in elements.into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                format(element, out);
            }
            out.push(']');
        }
        JsonValue::Object(pairs) => {
            out.push('{');
            for (i, (key, value)) in pairs.into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                quote(key, out);
                out.push_str(": ");
                format(value, out);
            }
            out.push('}');
        }
    }
}

/// Prints a value on many lines, indented by four blanks a level (`jsonb_pretty`).
pub fn format_pretty(value: JsonbRef<'_>, indent: usize, out: &mut String) {
    let new_line = |indent: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * 4));
    };
    match value.value() {
        JsonValue::Array(elements) => {
            out.push('[');
            for (i, element) in elements.into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                new_line(indent + 1, out);
                format_pretty(element, indent + 1, out);
            }
            new_line(indent, out);
            out.push(']');
        }
        JsonValue::Object(pairs) => {
            out.push('{');
            for (i, (key, value)) in pairs.into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                new_line(indent + 1, out);
                quote(key, out);
                out.push_str(": ");
                format_pretty(value, indent + 1, out);
            }
            new_line(indent, out);
            out.push('}');
        }
        _ => format(value, out),
    }
}

/// Prints a JSON string.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
