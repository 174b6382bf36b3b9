//! Table functions.

use super::TableFunc;
use super::table::candidates;
use crate::func::ArgType;
use crate::func::casts::{self, CastContext};
use repr::text::{TextSettings, parse, to_string};
use repr::{Arena, Datum, RowPacker, SqlType};

/// Whether arguments of these types become those declared by implicit casts.
fn fits(declared: &[ArgType], types: &[SqlType]) -> bool {
    let fits = |(arg, ty): (&ArgType, &SqlType)| match (arg, ty) {
        (ArgType::Exact(to), from) => matches!(casts::lookup(from, to), Some((CastContext::Implicit, _))),
        (ArgType::ArrayOfElement, ty) => matches!(ty, SqlType::Array(_)),
        _ => true,
    };
    declared.len() == types.len() && declared.iter().zip(types).all(fits)
}

fn check(name: &str, args: &[(&str, &str)], expected: &str) {
    let types: Vec<SqlType> = args.iter().map(|(_, ty)| SqlType::from_format(ty).unwrap()).collect();
    let def =
        candidates(name).into_iter().find(|def| fits(def.args, &types)).unwrap_or_else(|| panic!("no {name}{types:?}"));
    let exact = |(arg, ty): (&ArgType, &SqlType)| if let ArgType::Exact(ty) = arg { ty.clone() } else { ty.clone() };
    let wanted: Vec<SqlType> = def.args.iter().zip(&types).map(exact).collect();
    let func = (def.make)(&wanted, &vec![None; wanted.len()]).unwrap();
    let mut packer = RowPacker::new();
    for ((text, _), ty) in args.iter().zip(&wanted) {
        match *text {
            "NULL" => packer.push(Datum::Null),
            text => parse(text, ty, &TextSettings::DEFAULT, &mut packer).unwrap(),
        }
    }
    let row = packer.finish();
    let arena = Arena::new();
    let columns = func.columns();
    let shown = match func.eval(&row.unpack(), &arena) {
        Err(error) => format!("{} {}", error.code, error.message),
        Ok(rows) => {
            let show = |(row, diff): (repr::Row, i64)| {
                assert_eq!(row.iter().count(), columns.len());
                let value = |(datum, (_, column)): (Datum<'_>, &(String, repr::ColumnType))| {
                    assert!(column.nullable || !datum.is_null());
                    if datum.is_null() { "NULL".to_string() } else { to_string(datum, &column.ty) }
                };
                let values: Vec<String> = row.iter().zip(&columns).map(value).collect();
                values.join("|") + &if diff == 1 { String::new() } else { format!("*{diff}") }
            };
            rows.take(5).map(show).collect::<Vec<_>>().join(" ")
        }
    };
    assert_eq!(shown, expected, "{name}{args:?}");
}

#[test]
fn series() {
    check("generate_series", &[("1", "integer"), ("3", "integer")], "1 2 3");
    check("generate_series", &[("3", "integer"), ("1", "integer"), ("-1", "integer")], "3 2 1");
    check("generate_series", &[("3", "integer"), ("1", "integer")], "");
    check("generate_series", &[("1", "integer"), ("NULL", "integer")], "");
    check(
        "generate_series",
        &[("9223372036854775806", "bigint"), ("9223372036854775807", "bigint")],
        "9223372036854775806 9223372036854775807",
    );
    check("generate_series", &[("1", "integer"), ("1000000000", "bigint")], "1 2 3 4 5");
    check(
        "generate_series",
        &[("1", "integer"), ("2", "integer"), ("0", "integer")],
        "22023 step size cannot equal zero",
    );
    check("generate_series", &[("1.0", "numeric"), ("2", "integer"), ("0.5", "numeric")], "1.0 1.5 2.0");
    let (start, stop) = (("2024-01-31", "timestamp"), ("2024-03-31", "timestamp"));
    let expected = "2024-01-31 00:00:00 2024-02-29 00:00:00 2024-03-29 00:00:00";
    check("generate_series", &[start, stop, ("1 mon", "interval")], expected);
    check("generate_series", &[start, stop, ("0", "interval")], "22023 step size cannot equal zero");
}

#[test]
fn unnesting() {
    check("unnest", &[("{1,NULL,3}", "integer[]")], "1 NULL 3");
    check("unnest", &[("{{1,2},{3,4}}", "integer[]")], "1 2 3 4");
    check("generate_subscripts", &[("[2:4]={1,2,3}", "integer[]"), ("1", "integer")], "2 3 4");
    check("jsonb_array_elements", &[("[1,{\"a\":2}]", "jsonb")], "1 {\"a\": 2}");
    check("jsonb_array_elements_text", &[("[\"x\",null]", "jsonb")], "x NULL");
    check("jsonb_array_elements", &[("{}", "jsonb")], "22023 cannot extract elements from an object");
    check("jsonb_each", &[("{\"b\":1,\"a\":null}", "jsonb")], "a|null b|1");
    check("jsonb_each_text", &[("{\"b\":1,\"a\":null}", "jsonb")], "a|NULL b|1");
    check("jsonb_object_keys", &[("{\"b\":1,\"a\":null}", "jsonb")], "a b");
    check("regexp_split_to_table", &[("a1b22c", "text"), ("[0-9]+", "text")], "a b c");
}

#[test]
fn guards_and_repetition() {
    let arena = Arena::new();
    let guard = |count| TableFunc::GuardSubquerySize.eval(&[Datum::Int8(count)], &arena).map(Iterator::count);
    assert_eq!(guard(1), Ok(1));
    assert_eq!(guard(2).unwrap_err().code.as_str(), "21000");
    let repeated: Vec<_> = TableFunc::Repeat.eval(&[Datum::Int8(-3)], &arena).unwrap().collect();
    assert_eq!(repeated, [(repr::Row::empty(), -3)]);
}

#[test]
fn functions_side_by_side_and_numbered() {
    let arena = Arena::new();
    let series = || TableFunc::GenerateSeries(SqlType::Int4);
    let show = |func: TableFunc, args: &[Option<i32>]| -> Vec<String> {
        let args: Vec<_> = args.iter().map(|a| a.map_or(Datum::Null, Datum::Int4)).collect();
        let rows = func.eval(&args, &arena).unwrap();
        rows.map(|(row, _)| row.iter().map(|d| format!("{d:?} ")).collect()).collect()
    };
    let both = || TableFunc::RowsFrom(vec![(series(), 2), (TableFunc::Value(SqlType::Int4.nullable(true)), 1)]);
    let args = [Some(1), Some(2), None];
    assert_eq!(show(both(), &args), ["Int4(1) Null ", "Int4(2) Null "]);
    assert_eq!(show(both(), &[None, Some(2), Some(7)]), ["Null Int4(7) "]);
    let numbered = TableFunc::WithOrdinality(Box::new(both()));
    assert_eq!(show(numbered.clone(), &args), ["Int4(1) Null Int8(1) ", "Int4(2) Null Int8(2) "]);
    let names: Vec<_> = numbered.columns().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["generate_series", "value", "ordinality"]);
}
