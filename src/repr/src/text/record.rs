//! Text forms of records: `(1,"a b",)`.

use super::TextSettings;
use crate::{ColumnName, ColumnType, Datum, RowPacker, RowRef, SqlError, SqlState, SqlType};

/// Appends a record of these fields; nothing between commas is NULL.
pub fn parse(
    text: &str,
    fields: &[(ColumnName, ColumnType)],
    settings: &TextSettings,
    out: &mut RowPacker,
) -> Result<(), SqlError> {
    let malformed = |detail: &str| {
        let message = format!("malformed record literal: \"{text}\"");
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
    };
    let inner = text.trim().strip_prefix('(').ok_or_else(|| malformed("Missing left parenthesis."))?;
    let mut values = RowPacker::new();
    let mut rest = inner;
    for (i, (_, column)) in fields.iter().enumerate() {
        if i > 0 {
            rest = rest.strip_prefix(',').ok_or_else(|| malformed("Too few columns."))?;
        }
        let (value, tail) = field(rest).ok_or_else(|| malformed("Unexpected end of input."))?;
        match value {
            None => values.push(Datum::Null),
            Some(value) => super::parse(&value, &column.ty, settings, &mut values)?,
        }
        rest = tail;
    }
    match rest.strip_prefix(')') {
        Some("") => {}
        Some(_) => return Err(malformed("Junk after right parenthesis.")),
        None => return Err(malformed("Too many columns.")),
    }
    out.push(Datum::Record(RowRef::from_encoded(values.encoded())));
    Ok(())
}

/// One field up to a comma or parenthesis, and what follows; `None` where the text ends inside it.
fn field(text: &str) -> Option<(Option<String>, &str)> {
    let mut value = String::new();
    let mut present = false;
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.next_if(|(_, c)| *c == '"').is_some() => value.push('"'),
            '"' => {
                quoted = !quoted;
                present = true;
            }
            '\\' => {
                value.push(chars.next()?.1);
                present = true;
            }
            ',' | ')' if !quoted => return Some((present.then_some(value), &text[at..])),
            c => {
                value.push(c);
                present = true;
            }
        }
    }
    None
}

/// Prints a record.
pub fn format(record: RowRef<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    let fields = ty.fields().unwrap_or_default();
    out.push('(');
    for (i, datum) in record.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if datum.is_null() {
            continue;
        }
        let mut text = String::new();
        super::format(datum, fields.get(i).map_or(&SqlType::Text, |(_, column)| &column.ty), settings, &mut text);
        quote_field(&text, out);
    }
    out.push(')');
}

fn quote_field(text: &str, out: &mut String) {
    let special = |c: char| matches!(c, '(' | ')' | ',' | '"' | '\\') || c.is_ascii_whitespace() || c == '\x0b';
    if !text.is_empty() && !text.contains(special) {
        out.push_str(text);
        return;
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
