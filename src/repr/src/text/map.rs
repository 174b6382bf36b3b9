//! Text forms of maps: `{a=>1,"b c"=>NULL}`.

use super::TextSettings;
use super::list::{Scanner, format_item};
use crate::{Datum, RowPacker, RowRef, SqlError, SqlState, SqlType, map};

/// Appends a map to values of a type.
pub fn parse(text: &str, value: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
    let mut scanner = Scanner::new(text, "map");
    let (mut keys, mut values) = (Vec::new(), RowPacker::new());
    scanner.expect('{')?;
    let mut more = !scanner.take('}');
    while more {
        let key = scanner.item(&['=', ',', '}'])?.ok_or_else(null_key)?;
        keys.push(key);
        scanner.expect('=')?;
        scanner.expect('>')?;
        scanner.value(value, settings, &mut values)?;
        more = !scanner.take('}');
        if more {
            scanner.expect(',')?;
        }
    }
    scanner.finish()?;
    let values = RowRef::from_encoded(values.encoded()).iter();
    let row = map::encode(keys.iter().map(String::as_str).zip(values));
    out.push(Datum::Map(row.as_ref()));
    Ok(())
}

fn null_key() -> SqlError {
    SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "the key of a map must not be NULL")
}

/// Prints a map.
pub fn format(map: RowRef<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    let value = if let SqlType::Map(value) = ty { value } else { &SqlType::Text };
    out.push('{');
    for (i, (key, datum)) in map::pairs(map).enumerate() {
        if i > 0 {
            out.push(',');
        }
        format_key(key, out);
        out.push_str("=>");
        format_item(datum, value, settings, out);
    }
    out.push('}');
}

fn format_key(key: &str, out: &mut String) {
    if key.contains(['=', '>']) {
        out.push('"');
        out.push_str(&key.replace('\\', "\\\\").replace('"', "\\\""));
        out.push('"');
    } else {
        super::array::quote_element(key, out);
    }
}
