//! Comparisons: one implementation over SQL's order of values, registered for each type as PostgreSQL has them.

use super::build::*;
use super::{ArgType, FuncDef};
use repr::datetime::from_local;
use repr::interval::DAY_US;
use repr::text::TextSettings;
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
    ("timetz_", SqlType::TimeTz),
    ("timestamp_", SqlType::Timestamp(None)),
    ("timestamptz_", SqlType::Timestamptz(None)),
    ("interval_", SqlType::Interval),
    ("uuid_", SqlType::Uuid),
    ("jsonb_", SqlType::Jsonb),
    ("oid", SqlType::Oid),
    ("uint2", SqlType::Uint2),
    ("uint4", SqlType::Uint4),
    ("uint8", SqlType::Uint8),
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
    table.extend(family("range_", RANGE));
    table.extend(family("list_", LIST));
    table.extend(family("map_", MAP));
    table.extend(family("enum_", ENUM));
    table.extend(mixed_times());
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
            // Of equal ones the first: backwards, since `max_by` takes the last.
            Ok(a.iter().rev().filter(|d| !d.is_null()).max().copied().unwrap_or(Datum::Null))
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

/// Dates and timestamps with each other: a date is compared where it could not be converted.
fn mixed_times() -> Vec<FuncDef> {
    let mut table = Vec::new();
    let types = [("date", DATE), ("timestamp", TIMESTAMP), ("timestamptz", TIMESTAMPTZ)];
    for (left, a) in &types {
        for (right, b) in types.iter().filter(|(right, _)| right != left) {
            let args = [a.clone(), b.clone()];
            let mut entry = |name: &str, sql: &str, eval: SessionFn| {
                table.push(session(&format!("{left}_{name}_{right}"), sql, &args, BOOL, eval).infallible());
            };
            entry("eq", "=", |a, _, settings| Ok(Datum::Bool(compare_times(a, settings).is_eq())));
            entry("ne", "<>", |a, _, settings| Ok(Datum::Bool(compare_times(a, settings).is_ne())));
            entry("lt", "<", |a, _, settings| Ok(Datum::Bool(compare_times(a, settings).is_lt())));
            entry("le", "<=", |a, _, settings| Ok(Datum::Bool(compare_times(a, settings).is_le())));
            entry("gt", ">", |a, _, settings| Ok(Datum::Bool(compare_times(a, settings).is_gt())));
            entry("ge", ">=", |a, _, settings| Ok(Datum::Bool(compare_times(a, settings).is_ge())));
        }
    }
    table
}

fn compare_times(args: &[Datum<'_>], settings: &TextSettings) -> std::cmp::Ordering {
    let zoned = args.iter().any(|datum| matches!(datum, Datum::Timestamptz(_)));
    let micros = |datum| {
        let local = match datum {
            // Wider than a timestamp: dates reach further.
            Datum::Date(i32::MAX) => i128::MAX,
            Datum::Date(i32::MIN) => i128::MIN,
            Datum::Date(days) => i128::from(days) * i128::from(DAY_US),
            Datum::Timestamp(i64::MAX) | Datum::Timestamptz(i64::MAX) => i128::MAX,
            Datum::Timestamp(i64::MIN) | Datum::Timestamptz(i64::MIN) => i128::MIN,
            Datum::Timestamp(micros) => i128::from(micros),
            Datum::Timestamptz(micros) => return i128::from(micros),
            _ => 0,
        };
        match i64::try_from(local) {
            Ok(local) if zoned => i128::from(from_local(&settings.time_zone, local)),
            _ => local,
        }
    };
    micros(args[0]).cmp(&micros(args[1]))
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
