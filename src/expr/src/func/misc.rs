//! Functions that belong to no family: rows, types, sizes.

use super::build::*;
use super::{FuncDef, Return};
use bigdecimal::{BigDecimal, Signed};
use repr::text::number::format_owned_numeric;
use repr::{Datum, Numeric, Row, RowRef, SqlError, SqlState, SqlType};

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
            Ok(text_out(size_pretty(Numeric::Finite(arg::<i64>(a, 0)?.into())), arena))
        })
        .infallible(),
        func("pg_size_pretty_numeric", "pg_size_pretty", &[NUMERIC], TEXT, |a, arena| {
            Ok(text_out(size_pretty(arg(a, 0)?), arena))
        })
        .infallible(),
        func("host", "host", &[TEXT], TEXT, |a, _| {
            let address: &str = arg(a, 0)?;
            let host = address.split_once('/').map_or(address, |(host, _)| host);
            match host.parse::<std::net::IpAddr>() {
                Ok(_) => Ok(Datum::Text(host)),
                Err(_) => Err(repr::text::invalid_syntax("inet", address)),
            }
        }),
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

/// Bytes in the unit that leaves at most five digits; each unit with the size up to which it serves.
const SIZE_UNITS: [(&str, i64); 6] =
    [("bytes", 10 * 1024), ("kB", SIZE_MAX), ("MB", SIZE_MAX), ("GB", SIZE_MAX), ("TB", SIZE_MAX), ("PB", i64::MAX)];
/// One bit more than shown is kept, so that halves round away from zero.
const SIZE_MAX: i64 = 20 * 1024 - 1;

fn size_pretty(bytes: Numeric) -> String {
    let mut size = match bytes {
        Numeric::Finite(size) => size,
        Numeric::NaN => return "NaN PB".to_string(),
        Numeric::Infinity => return "Infinity PB".to_string(),
        Numeric::NegInfinity => return "-Infinity PB".to_string(),
    };
    let mut unit = 0;
    while unit + 1 < SIZE_UNITS.len() && size.abs() >= SIZE_UNITS[unit].1 {
        let divisor = if unit == 0 { 512 } else { 1024 };
        size = (size / BigDecimal::from(divisor)).with_scale(0);
        unit += 1;
    }
    if unit > 0 {
        let away = if size.is_negative() { -1 } else { 1 };
        size = ((size + BigDecimal::from(away)) / BigDecimal::from(2)).with_scale(0);
    }
    let mut text = String::new();
    format_owned_numeric(&Numeric::Finite(size), &mut text);
    format!("{text} {}", SIZE_UNITS[unit].0)
}
