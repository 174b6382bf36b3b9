//! Comparisons: one implementation over SQL's order of values, registered for each type as PostgreSQL has them.

use super::build::*;
use super::{ArgType, FuncDef};
use repr::{Datum, SqlType};

/// The stem of PostgreSQL's names for the comparisons of a type, and the type.
const TYPES: &[(&str, SqlType)] = &[
    ("bool", SqlType::Bool),
    ("int2", SqlType::Int2),
    ("int4", SqlType::Int4),
    ("int8", SqlType::Int8),
    ("float4", SqlType::Float4),
    ("float8", SqlType::Float8),
    ("numeric_", SqlType::Numeric(None)),
    ("text_", SqlType::Text),
    ("bpchar", SqlType::Char(None)),
    ("name", SqlType::Name),
    ("char", SqlType::InternalChar),
    ("bytea", SqlType::Bytea),
    ("date_", SqlType::Date),
    ("time_", SqlType::Time),
    ("timestamp_", SqlType::Timestamp(None)),
    ("timestamptz_", SqlType::Timestamptz(None)),
    ("interval_", SqlType::Interval),
    ("uuid_", SqlType::Uuid),
    ("jsonb_", SqlType::Jsonb),
    ("oid", SqlType::Oid),
    ("mz_timestamp_", SqlType::MzTimestamp),
    ("record_", SqlType::Record(Vec::new())),
];

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = family("", ELEMENT);
    for (stem, ty) in TYPES {
        table.extend(family(stem, ArgType::Exact(ty.clone())));
    }
    table.extend(family("array_", ARRAY));
    table.extend(mixed_floats());
    table.extend([
        func("btcmp", "", &[ELEMENT, ELEMENT], INT4, |a, _| Ok(Datum::Int4(a[0].cmp(&a[1]) as i32))).infallible(),
        func("is_distinct_from", "", &[ELEMENT, ELEMENT], BOOL, |a, _| Ok(Datum::Bool(a[0] != a[1])))
            .never_null()
            .infallible(),
        func("is_not_distinct_from", "", &[ELEMENT, ELEMENT], BOOL, |a, _| Ok(Datum::Bool(a[0] == a[1])))
            .never_null()
            .infallible(),
        func("greatest", "greatest", &[ELEMENT], ELEMENT, |a, _| {
            Ok(a.iter().filter(|d| !d.is_null()).max().copied().unwrap_or(Datum::Null))
        })
        .variadic()
        .called()
        .infallible(),
        func("least", "least", &[ELEMENT], ELEMENT, |a, _| {
            Ok(a.iter().filter(|d| !d.is_null()).min().copied().unwrap_or(Datum::Null))
        })
        .variadic()
        .called()
        .infallible(),
        func("nullif", "nullif", &[ELEMENT, ELEMENT], ELEMENT, |a, _| {
            Ok(if a[0] == a[1] { Datum::Null } else { a[0] })
        })
        .called()
        .infallible(),
        func("canonical", "", &[ANY], ANY, |a, arena| Ok(repr::row::canonical(a[0], arena))).infallible(),
    ]);
    table
}

/// The six comparisons of one type.
fn family(stem: &str, ty: ArgType) -> Vec<FuncDef> {
    let args = [ty.clone(), ty];
    let entry = |name: &str, sql: &str, eval| func(format!("{stem}{name}"), sql, &args, BOOL, eval).infallible();
    vec![
        entry("eq", "=", |a, _| Ok(Datum::Bool(a[0] == a[1]))),
        entry("ne", "<>", |a, _| Ok(Datum::Bool(a[0] != a[1]))),
        entry("lt", "<", |a, _| Ok(Datum::Bool(a[0] < a[1]))),
        entry("le", "<=", |a, _| Ok(Datum::Bool(a[0] <= a[1]))),
        entry("gt", ">", |a, _| Ok(Datum::Bool(a[0] > a[1]))),
        entry("ge", ">=", |a, _| Ok(Datum::Bool(a[0] >= a[1]))),
    ]
}

/// Both orders of `float4` and `float8`: overload resolution wants them, as `int8 = float4` compares in `float8`.
fn mixed_floats() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for (stem, args) in [("float48", [FLOAT4, FLOAT8]), ("float84", [FLOAT8, FLOAT4])] {
        let entry = |name: &str, sql: &str, eval| func(format!("{stem}{name}"), sql, &args, BOOL, eval).infallible();
        table.extend([
            entry("eq", "=", |a, _| Ok(Datum::Bool(compare_mixed(a).is_eq()))),
            entry("ne", "<>", |a, _| Ok(Datum::Bool(compare_mixed(a).is_ne()))),
            entry("lt", "<", |a, _| Ok(Datum::Bool(compare_mixed(a).is_lt()))),
            entry("le", "<=", |a, _| Ok(Datum::Bool(compare_mixed(a).is_le()))),
            entry("gt", ">", |a, _| Ok(Datum::Bool(compare_mixed(a).is_gt()))),
            entry("ge", ">=", |a, _| Ok(Datum::Bool(compare_mixed(a).is_ge()))),
        ]);
    }
    table
}

fn compare_mixed(args: &[Datum<'_>]) -> std::cmp::Ordering {
    fn wide(datum: Datum<'_>) -> Datum<'_> {
        match datum {
            Datum::Float4(v) => Datum::Float8(f64::from(v)),
            other => other,
        }
    }
    wide(args[0]).cmp(&wide(args[1]))
}
