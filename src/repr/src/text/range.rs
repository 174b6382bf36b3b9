//! Text forms of ranges: `[1,5)`, `("2020-01-01 00:00:00",)`, `empty`.

use super::TextSettings;
use crate::range::{self, Bound};
use crate::types::RangeKind;
use crate::{Datum, RangeRef, RowPacker, RowRef, SqlError, SqlState, SqlType};

/// Appends a range.
pub fn parse(text: &str, kind: RangeKind, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
    let malformed = |detail: &str| {
        let message = format!("malformed range literal: \"{text}\"");
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
    };
    let trimmed = text.trim();
    if let Some(tail) = trimmed.get(..5).filter(|head| head.eq_ignore_ascii_case("empty")).map(|_| &trimmed[5..]) {
        if !tail.is_empty() {
            return Err(malformed("Junk after \"empty\" key word."));
        }
        out.push(Datum::Range(RangeRef::from_encoded(&range::encode(None))));
        return Ok(());
    }
    let lower_inclusive = trimmed.starts_with('[');
    let rest = trimmed.strip_prefix(['[', '(']).ok_or_else(|| malformed("Missing left parenthesis or bracket."))?;
    let (lower, rest) = bound(rest).ok_or_else(|| malformed("Unexpected end of input."))?;
    let rest = rest.strip_prefix(',').ok_or_else(|| malformed("Missing comma after lower bound."))?;
    let (upper, rest) = bound(rest).ok_or_else(|| malformed("Unexpected end of input."))?;
    if rest.starts_with(',') {
        return Err(malformed("Too many commas."));
    }
    let upper_inclusive = rest.starts_with(']');
    if !rest[1..].is_empty() {
        return Err(malformed("Junk after right parenthesis or bracket."));
    }
    let element = kind.element();
    let mut values = RowPacker::new();
    for value in [&lower, &upper] {
        match value {
            None => values.push(Datum::Null),
            Some(value) => super::parse(value, &element, settings, &mut values)?,
        }
    }
    let mut values = RowRef::from_encoded(values.encoded()).iter();
    let mut next = |inclusive| Bound::new(values.next().unwrap_or(Datum::Null), inclusive);
    let (lower, upper) = (next(lower_inclusive), next(upper_inclusive));
    let encoded = range::make(kind, lower, upper)?;
    out.push(Datum::Range(RangeRef::from_encoded(&encoded)));
    Ok(())
}

/// A bound up to a comma or bracket, and what follows; the bound is none if nothing stands there, all is none where the text ends inside it.
fn bound(text: &str) -> Option<(Option<String>, &str)> {
    if text.starts_with([',', ')', ']']) {
        return Some((None, text));
    }
    let (mut value, mut quoted) = (String::new(), false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '"' if quoted && chars.next_if(|(_, c)| *c == '"').is_some() => value.push('"'),
            '"' => quoted = !quoted,
            ',' | ')' | ']' | '(' | '[' if !quoted => return Some((Some(value), &text[at..])),
            c => value.push(c),
        }
    }
    None
}

/// Prints a range.
pub fn format(range: RangeRef<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    let Some((lower, upper)) = range.bounds() else { return out.push_str("empty") };
    let element = if let SqlType::Range(kind) = ty { kind.element() } else { SqlType::Text };
    let shown = |bound: Bound<'_>, out: &mut String| {
        let Some(value) = bound.value else { return };
        let mut text = String::new();
        super::format(value, &element, settings, &mut text);
        quote(&text, out);
    };
    out.push(if lower.inclusive { '[' } else { '(' });
    shown(lower, out);
    out.push(',');
    shown(upper, out);
    out.push(if upper.inclusive { ']' } else { ')' });
}

fn quote(text: &str, out: &mut String) {
    let special = |c: char| matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',') || c.is_ascii_whitespace();
    if !text.is_empty() && !text.contains(special) {
        return out.push_str(text);
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
}
