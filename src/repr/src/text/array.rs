//! Text forms of arrays.

use super::{TextSettings, parse as parse_element};
use crate::array::{Dimension, encode, encode_vector};
use crate::{ArrayRef, Datum, RowPacker, RowRef, SqlError, SqlState, SqlType, VectorKind};

/// As many dimensions as PostgreSQL has.
const DIMENSIONS_MAX: usize = 6;

struct Parser<'a, 's> {
    text: &'a str,
    at: usize,
    element: &'a SqlType,
    settings: &'s TextSettings,
    lengths: Vec<Option<u32>>,
    /// How many dimensions there are, known once the first element or the first empty array is met.
    depth: Option<usize>,
    elements: RowPacker,
}

/// Appends an array: `{1,NULL,"a b"}`, nested for more dimensions, perhaps with bounds: `[0:1]={1,2}`.
pub fn parse(text: &str, element: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
    let mut element = element;
    while let SqlType::Array(inner) = element {
        element = inner;
    }
    let mut parser =
        Parser { text, at: 0, element, settings, lengths: Vec::new(), depth: None, elements: RowPacker::new() };
    let bounds = parser.bounds()?;
    parser.skip_blanks();
    if parser.peek() != Some('{') {
        let detail = if bounds.is_some() {
            "Array contents must start with \"{\"."
        } else {
            "Array value must start with \"{\" or dimension information."
        };
        return Err(parser.malformed(detail));
    }
    parser.level(0)?;
    parser.skip_blanks();
    if parser.at < text.len() {
        return Err(parser.malformed("Junk after closing right brace."));
    }
    let dimensions = parser.dimensions(bounds)?;
    let elements = RowRef::from_encoded(parser.elements.encoded()).iter();
    out.push(Datum::Array(ArrayRef::from_encoded(&encode(elements, &dimensions))));
    Ok(())
}

impl<'a> Parser<'a, '_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn malformed(&self, detail: &str) -> SqlError {
        let message = format!("malformed array literal: \"{}\"", self.text);
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
    }

    /// `[lower:upper]…=`, where it stands.
    fn bounds(&mut self) -> Result<Option<Vec<Dimension>>, SqlError> {
        self.skip_blanks();
        if self.peek() != Some('[') {
            return Ok(None);
        }
        let (head, _) = self.text[self.at..]
            .split_once('=')
            .ok_or_else(|| self.malformed("Missing \"=\" after array dimensions."))?;
        let mut dimensions = Vec::new();
        for part in head.trim().split_terminator(']') {
            let inner =
                part.trim().strip_prefix('[').ok_or_else(|| self.malformed("Missing array dimension value."))?;
            let (lower, upper) = inner.split_once(':').unwrap_or(("1", inner));
            let number = |text: &str| text.trim().parse::<i32>();
            let (Ok(lower), Ok(upper)) = (number(lower), number(upper)) else {
                return Err(self.malformed("Missing array dimension value."));
            };
            if upper < lower {
                let message = "upper bound cannot be less than lower bound";
                return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
            }
            dimensions.push(Dimension { lower, length: upper.abs_diff(lower).saturating_add(1) });
        }
        self.at += head.len() + 1;
        Ok(Some(dimensions))
    }

    /// One `{…}` at nesting level `level`.
    fn level(&mut self, level: usize) -> Result<(), SqlError> {
        if level >= DIMENSIONS_MAX {
            let message = format!("number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})");
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        self.at += 1;
        if self.lengths.len() == level {
            self.lengths.push(None);
        }
        let mut count = 0;
        self.skip_blanks();
        if self.peek() == Some('}') {
            // An array without elements is written without inner braces.
            if level > 0 {
                return Err(self.malformed("Unexpected \"}\" character."));
            }
            self.at += 1;
            self.check_depth(level + 1)?;
        } else {
            loop {
                self.skip_blanks();
                if self.peek() == Some('{') {
                    self.level(level + 1)?;
                } else {
                    self.check_depth(level + 1)?;
                    self.element()?;
                }
                count += 1;
                self.skip_blanks();
                match self.peek() {
                    Some(',') => self.at += 1,
                    Some('}') => break self.at += 1,
                    Some(c) => return Err(self.malformed(&format!("Unexpected \"{c}\" character."))),
                    None => return Err(self.malformed("Unexpected end of input.")),
                }
            }
        }
        match self.lengths[level] {
            Some(length) if length != count => {
                Err(self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions."))
            }
            _ => {
                self.lengths[level] = Some(count);
                Ok(())
            }
        }
    }

    fn check_depth(&mut self, depth: usize) -> Result<(), SqlError> {
        if *self.depth.get_or_insert(depth) == depth {
            return Ok(());
        }
        Err(self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions."))
    }

    fn element(&mut self) -> Result<(), SqlError> {
        // An escaped character makes another word of NULL, as quotes do.
        let (text, quoted) = if self.peek() == Some('"') { (self.quoted()?, true) } else { self.bare()? };
        if !quoted && text.eq_ignore_ascii_case("null") {
            self.elements.push(Datum::Null);
            return Ok(());
        }
        parse_element(&text, self.element, self.settings, &mut self.elements)
    }

    fn quoted(&mut self) -> Result<String, SqlError> {
        let mut text = String::new();
        let mut chars = self.text[self.at + 1..].char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += offset + 2;
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                c => text.push(c),
            }
        }
        Err(self.malformed("Unexpected end of input."))
    }

    /// What stands without quotes, and whether a part of it is escaped.
    fn bare(&mut self) -> Result<(String, bool), SqlError> {
        let mut text = String::new();
        let mut escaped = false;
        let mut keep = 0; // length up to the last character that trimming must keep
        let mut chars = self.text[self.at..].char_indices();
        let mut end = self.text.len();
        while let Some((offset, c)) = chars.next() {
            match c {
                ',' | '}' => {
                    end = self.at + offset;
                    break;
                }
                '{' | '"' => return Err(self.malformed(&format!("Unexpected \"{c}\" character."))),
                '\\' => {
                    text.extend(chars.next().map(|(_, c)| c));
                    keep = text.len();
                    escaped = true;
                }
                c => {
                    text.push(c);
                    if !c.is_whitespace() {
                        keep = text.len();
                    }
                }
            }
        }
        text.truncate(keep);
        self.at = end;
        if text.is_empty() {
            let found = self
                .peek()
                .map_or("Unexpected end of input.".to_string(), |c| format!("Unexpected \"{c}\" character."));
            return Err(self.malformed(&found));
        }
        Ok((text, escaped))
    }

    fn dimensions(&self, bounds: Option<Vec<Dimension>>) -> Result<Vec<Dimension>, SqlError> {
        let depth = self.depth.unwrap_or(0);
        let lengths: Vec<u32> = self.lengths.iter().take(depth).map(|l| l.unwrap_or(0)).collect();
        if lengths.contains(&0) {
            return Ok(Vec::new());
        }
        match bounds {
            None => Ok(lengths.into_iter().map(|length| Dimension { lower: 1, length }).collect()),
            Some(bounds) if bounds.iter().map(|b| b.length).eq(lengths.iter().copied()) => Ok(bounds),
            Some(_) => Err(self.malformed("Specified array dimensions do not match array contents.")),
        }
    }
}

/// Appends a vector: numbers with blanks between.
pub fn parse_vector(
    text: &str,
    kind: VectorKind,
    settings: &TextSettings,
    out: &mut RowPacker,
) -> Result<(), SqlError> {
    let mut elements = RowPacker::new();
    for word in text.split_ascii_whitespace() {
        parse_element(word, kind.element(), settings, &mut elements)?;
    }
    let elements = RowRef::from_encoded(elements.encoded()).iter();
    out.push(Datum::Array(ArrayRef::from_encoded(&encode_vector(elements))));
    Ok(())
}

fn format_vector(vector: ArrayRef<'_>, kind: VectorKind, settings: &TextSettings, out: &mut String) {
    for (i, element) in vector.elements().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        super::format(element, kind.element(), settings, out);
    }
}

/// Prints an array or vector.
pub fn format(array: ArrayRef<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    if let SqlType::Vector(kind) = ty {
        return format_vector(array, *kind, settings, out);
    }
    let mut element = ty;
    while let SqlType::Array(inner) = element {
        element = inner;
    }
    let dimensions = array.dimensions();
    if dimensions.is_empty() {
        out.push_str("{}");
        return;
    }
    if dimensions.iter().any(|d| d.lower != 1) {
        for d in &dimensions {
            out.push_str(&format!("[{}:{}]", d.lower, i64::from(d.lower) + i64::from(d.length) - 1));
        }
        out.push('=');
    }
    let mut elements = array.elements();
    format_level(&dimensions, &mut elements, element, settings, out);
}

fn format_level<'a>(
    dimensions: &[Dimension],
    elements: &mut dyn Iterator<Item = Datum<'a>>,
    ty: &SqlType,
    settings: &TextSettings,
    out: &mut String,
) {
    let Some((dimension, inner)) = dimensions.split_first() else {
        match elements.next() {
            None | Some(Datum::Null) => out.push_str("NULL"),
            Some(datum) => {
                let mut text = String::new();
                super::format(datum, ty, settings, &mut text);
                quote_element(&text, out);
            }
        }
        return;
    };
    out.push('{');
    for i in 0..dimension.length {
        if i > 0 {
            out.push(',');
        }
        format_level(inner, elements, ty, settings, out);
    }
    out.push('}');
}

pub(super) fn quote_element(text: &str, out: &mut String) {
    let special = |c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace() || c == '\x0b';
    if !text.is_empty() && !text.eq_ignore_ascii_case("null") && !text.contains(special) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}
