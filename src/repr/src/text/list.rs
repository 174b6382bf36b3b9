//! Text forms of lists: `{1,NULL,"a b"}`, nested for lists of lists, which need not be of one length.

use super::TextSettings;
use super::array::quote_element;
use crate::{Datum, RowPacker, RowRef, SqlError, SqlState, SqlType};

/// Appends a list of an element type.
pub fn parse(text: &str, element: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
    let (mut scanner, mut elements) = (Scanner::new(text, "list"), RowPacker::new());
    scanner.expect('{')?;
    let mut more = !scanner.take('}');
    while more {
        scanner.value(element, settings, &mut elements)?;
        more = !scanner.take('}');
        if more {
            scanner.expect(',')?;
        }
    }
    scanner.finish()?;
    out.push(Datum::List(RowRef::from_encoded(elements.encoded())));
    Ok(())
}

/// Prints a list.
pub fn format(list: RowRef<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    let element = if let SqlType::List(element) = ty { element } else { &SqlType::Text };
    out.push('{');
    for (i, datum) in list.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        format_item(datum, element, settings, out);
    }
    out.push('}');
}

/// Prints an element of a list or a value of a map; lists and maps in it need no quotes.
pub(super) fn format_item(datum: Datum<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    match datum {
        Datum::Null => out.push_str("NULL"),
        Datum::List(_) | Datum::Map(_) => super::format(datum, ty, settings, out),
        datum => {
            let mut text = String::new();
            super::format(datum, ty, settings, &mut text);
            quote_element(&text, out);
        }
    }
}

/// Reads the text of a list or a map piece by piece.
pub(super) struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
    what: &'static str,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str, what: &'static str) -> Self {
        Scanner { text, rest: text.trim_start(), what }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn malformed(&self, detail: &str) -> SqlError {
        let message = format!("invalid input syntax for type {}: \"{}\"", self.what, self.text);
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
    }

    /// Takes a character that may stand here, and the blanks behind it.
    pub fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    pub fn expect(&mut self, wanted: char) -> Result<(), SqlError> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = self.peek().map_or("the end".to_string(), |c| format!("\"{c}\""));
        Err(self.malformed(&format!("Expected \"{wanted}\", found {found}.")))
    }

    pub fn finish(self) -> Result<(), SqlError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("Junk after closing right brace.")) }
    }

    /// The text of an item up to one of `ends`, unquoted; nothing for an unquoted NULL.
    pub fn item(&mut self, ends: &[char]) -> Result<Option<String>, SqlError> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let (text, rest) = quoted_text(quoted).ok_or_else(|| self.malformed("Unterminated quoted string."))?;
            self.rest = rest.trim_start();
            return Ok(Some(text));
        }
        let end = self.rest.find(ends).ok_or_else(|| self.malformed("Unexpected end of input."))?;
        let text = self.rest[..end].trim_end();
        if text.is_empty() || text.contains(['{', '"']) {
            let found = self.peek().map(String::from).unwrap_or_default();
            return Err(self.malformed(&format!("Unexpected \"{found}\" character.")));
        }
        self.rest = &self.rest[end..];
        Ok((!text.eq_ignore_ascii_case("null")).then(|| text.to_string()))
    }

    /// Appends the value of a type that stands here, up to a comma or a closing brace.
    pub fn value(&mut self, ty: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
        let braces = matches!(ty, SqlType::List(_) | SqlType::Map(_) | SqlType::Array(_)) && self.peek() == Some('{');
        match if braces { Some(self.braced()?) } else { self.item(&[',', '}'])? } {
            None => out.push(Datum::Null),
            Some(text) => super::parse(&text, ty, settings, out)?,
        }
        Ok(())
    }

    /// The text of a value in braces: all of it, braces in balance.
    fn braced(&mut self) -> Result<String, SqlError> {
        let (mut depth, mut quoted, mut escaped) = (0, false, false);
        for (at, c) in self.rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                '{' if !quoted => depth += 1,
                '}' if !quoted && depth == 1 => {
                    let (text, rest) = self.rest.split_at(at + 1);
                    self.rest = rest.trim_start();
                    return Ok(text.to_string());
                }
                '}' if !quoted => depth -= 1,
                _ => {}
            }
        }
        Err(self.malformed("Unexpected end of input."))
    }
}

/// A text after its opening quote, and what follows the closing one.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}
