//! Functions that belong to no family: rows, types, sizes.

use super::build::*;
use super::{FuncDef, Return};
use repr::{Datum, Row, RowRef, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut row = func("row", "row", &[ANY], ANY, |a, arena| {
        let packed = Row::pack(a.iter().copied());
        Ok(Datum::Record(RowRef::from_encoded(arena.bytes(packed.encoded().to_vec()))))
    })
    .variadic()
    .never_null()
    .infallible();
    row.ret = Return::From(Box::new(|columns| {
        let named = columns.iter().enumerate().map(|(i, column)| (format!("f{}", i + 1), column.clone()));
        SqlType::Record(named.collect())
    }));
    vec![
        row,
        func("mz_format_type", "mz_format_type", &[OID, INT4], TEXT, |a, arena| {
            let Some(oid) = optional::<u32>(a, 0)? else { return Ok(Datum::Null) };
            let typmod = optional::<i32>(a, 1)?;
            Ok(match repr::pg::from_oid(oid) {
                Some(ty) => text_out(ty.with_typmod(typmod.unwrap_or(-1)).to_string(), arena),
                None if oid == 0 => Datum::Text("-"),
                None => Datum::Null,
            })
        })
        .called()
        .infallible(),
        func("pg_size_pretty_int8", "pg_size_pretty", &[INT8], TEXT, |a, arena| {
            Ok(text_out(size_pretty(i128::from(arg::<i64>(a, 0)?)), arena))
        })
        .infallible(),
        func("pg_size_pretty_numeric", "pg_size_pretty", &[NUMERIC], TEXT, |a, arena| {
            let mut bytes = String::new();
            repr::text::number::format_numeric(arg(a, 0)?, &mut bytes);
            // As for a whole number of bytes, unless there are so few that their fraction is shown.
            let whole = bytes.split('.').next().and_then(|whole| whole.parse().ok());
            Ok(text_out(
                match whole {
                    Some(whole) if i128::abs(whole) >= BYTES_SHOWN_MAX => size_pretty(whole),
                    _ => format!("{bytes} bytes"),
                },
                arena,
            ))
        })
        .infallible(),
        func("mz_unknown_setting", "mz_unknown_setting", &[TEXT], TEXT, |a, _| {
            let name = arg::<&str>(a, 0)?;
            let message = format!("unrecognized configuration parameter \"{name}\"");
            Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message))
        }),
        func("pg_column_size", "pg_column_size", &[ANY], INT4, |a, _| {
            Ok(Datum::Int4(Row::pack([a[0]]).encoded().len() as i32))
        })
        .infallible(),
    ]
}

/// Fewer bytes are shown as such.
const BYTES_SHOWN_MAX: i128 = 10 * 1024;

/// Bytes in the unit that leaves at most five digits.
fn size_pretty(bytes: i128) -> String {
    let mut size = bytes;
    let units = ["kB", "MB", "GB", "TB", "PB"];
    if size.abs() < BYTES_SHOWN_MAX {
        return format!("{size} bytes");
    }
    // One bit more than wanted is kept, so that halves round away from zero.
    size /= 512;
    let mut unit = 0;
    while size.abs() >= 20 * 1024 - 1 && unit + 1 < units.len() {
        size /= 1024;
        unit += 1;
    }
    let rounded = (size + size.signum()) / 2;
    format!("{rounded} {}", units[unit])
}
