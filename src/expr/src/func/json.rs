//! Filled in next.

use super::FuncDef;
use super::build::*;
use repr::jsonb::JsonValue;
use repr::{Arena, Datum, JsonbRef};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    Vec::new()
}

/// A value as `->>` shows it: strings without quotes, `null` as NULL.
pub(crate) fn as_text<'a>(value: JsonbRef<'a>, arena: &'a Arena) -> Datum<'a> {
    match value.value() {
        JsonValue::Null => Datum::Null,
        JsonValue::String(text) => Datum::Text(text),
        _ => {
            let mut out = String::new();
            repr::text::json::format(value, &mut out);
            text_out(out, arena)
        }
    }
}
