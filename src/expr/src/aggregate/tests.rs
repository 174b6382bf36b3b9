//! Aggregates: answers as PostgreSQL gives them, whatever comes and goes.

use super::table::{self, AggregateDef, candidates};
use super::{Accum, AggregateExpr, AggregateFunc};
use crate::func::ArgType;
use crate::scalar::ScalarExpr;
use repr::text::{TextSettings, parse, to_string};
use repr::{Arena, Datum, Diff, Row, RowPacker, SqlType};

fn value(text: &str, ty: &SqlType) -> Row {
    if text == "NULL" {
        return Row::pack([Datum::Null]);
    }
    let mut packer = RowPacker::new();
    parse(text, ty, &TextSettings::DEFAULT, &mut packer).unwrap();
    packer.finish()
}

/// The aggregate of one argument of this very type.
fn of_type(name: &str, ty: &SqlType) -> AggregateFunc {
    let exact = |def: &&'static AggregateDef| def.args == [ArgType::Exact(ty.clone())];
    let any = |def: &&'static AggregateDef| def.args == [ArgType::Element] || def.args == [ArgType::Any];
    let all = candidates(name);
    let def = all.iter().copied().find(exact).or_else(|| all.iter().copied().find(any));
    (def.unwrap_or_else(|| panic!("no {name}({ty})")).make)(std::slice::from_ref(ty))
}

#[test]
fn declared_results_are_those_of_plans() {
    for def in table::all() {
        let exact = def.args.iter().map(|arg| if let ArgType::Exact(ty) = arg { Some(ty.clone()) } else { None });
        let (Some(types), ArgType::Exact(ret)) = (exact.collect::<Option<Vec<_>>>(), &def.ret) else { continue };
        let columns: Vec<_> = types.iter().map(|ty| def.over.clone().unwrap_or(ty.clone()).nullable(true)).collect();
        let args = (0..columns.len()).map(ScalarExpr::Column).collect();
        let (func, filter, distinct) = ((def.make)(&types), None, false);
        let (order, order_exprs) = (Vec::new(), Vec::new());
        let aggregate = AggregateExpr { func, args, filter, distinct, order, order_exprs };
        assert_eq!(aggregate.typ(&columns).ty, *ret, "{}{types:?}", def.sql_name);
    }
}

fn answer(name: &str, ty: &SqlType, rows: &[(Row, Diff)]) -> String {
    let func = of_type(name, ty);
    let arena = Arena::new();
    let unpacked = rows.iter().map(|(row, diff)| (row.unpack(), *diff));
    let result = func.eval(unpacked, &arena);
    match result {
        Ok(Datum::Null) => "NULL".to_string(),
        Ok(datum) => to_string(datum, ty),
        Err(error) => format!("{} {}", error.code, error.message),
    }
}

/// Checks an aggregate over values, in this order and others, and after rows came and went.
fn check(name: &str, ty: &str, values: &[&str], expected: &str) {
    let ty = SqlType::from_format(ty).unwrap();
    let mut rows: Vec<(Row, Diff)> = values.iter().map(|text| (value(text, &ty), 1)).collect();
    assert_eq!(answer(name, &ty, &rows), expected, "{name} of {values:?}");
    rows.reverse();
    assert_eq!(answer(name, &ty, &rows), expected, "{name} of {values:?} reversed");
    let func = of_type(name, &ty);
    if func.accumulable() {
        check_retraction(&func, &rows, &ty, expected);
    }
}

fn check_retraction(func: &AggregateFunc, rows: &[(Row, Diff)], ty: &SqlType, expected: &str) {
    let extra = ["1e10", "0.000000001", "NaN", "Infinity", "t", "1 mon", "12345"];
    let mut accum = Accum::new(func);
    let mut noise = Vec::new();
    for text in extra {
        let mut packer = RowPacker::new();
        if parse(text, ty, &TextSettings::DEFAULT, &mut packer).is_ok() {
            noise.push(packer.finish());
        }
    }
    noise.iter().for_each(|row| accum.add(func, row.as_ref(), 3));
    rows.iter().for_each(|(row, diff)| accum.add(func, row.as_ref(), *diff));
    noise.iter().for_each(|row| accum.add(func, row.as_ref(), -3));
    let mut packer = RowPacker::new();
    let shown = match func.finish(&accum, &mut packer) {
        Ok(()) => match packer.finish().unpack()[0] {
            Datum::Null => "NULL".to_string(),
            datum => to_string(datum, ty),
        },
        Err(error) => format!("{} {}", error.code, error.message),
    };
    assert_eq!(shown, expected, "{func:?} after rows came and went");
    rows.iter().for_each(|(row, diff)| accum.add(func, row.as_ref(), -diff));
    assert!(accum.is_zero(), "{func:?} leaves {accum:?}");
    let mut doubled = func.accumulate(&rows.first().map_or(vec![Datum::Null], |(row, _)| row.unpack()), 1).unwrap();
    let half = doubled.clone();
    doubled.multiply(2);
    let mut sum = half.clone();
    sum.plus_equals(&half);
    assert_eq!(doubled, sum, "{func:?} is linear");
}

#[test]
fn sums_and_averages() {
    for (name, ty, values, expected) in [
        ("sum", "integer", &["1", "2", "NULL"][..], "3"),
        ("sum", "integer", &["NULL"], "NULL"),
        ("sum", "integer", &[], "NULL"),
        ("sum", "integer", &["2147483647", "2147483647"], "4294967294"),
        ("sum", "bigint", &["9223372036854775807", "1"], "9223372036854775808"),
        ("sum", "numeric", &["1.10", "2.205", "-0.5"], "2.805"),
        ("sum", "numeric", &["1.10", "NaN"], "NaN"),
        ("sum", "numeric", &["Infinity", "1"], "Infinity"),
        ("sum", "numeric", &["Infinity", "-Infinity"], "NaN"),
        ("sum", "double precision", &["0.1", "0.2", "0.3", "-0.6"], "2.7755575615628914e-17"),
        ("sum", "double precision", &["1e308", "1e308", "-1e308"], "1e+308"),
        ("sum", "double precision", &["1e308", "1e308"], "22003 value out of range: overflow"),
        ("sum", "double precision", &["Infinity", "-Infinity"], "NaN"),
        ("sum", "double precision", &["5e-324", "1", "-1"], "5e-324"),
        ("sum", "real", &["0.1", "0.2"], "0.3"),
        ("sum", "interval", &["1 mon", "2 days", "-01:00:00"], "1 mon 2 days -01:00:00"),
        ("avg", "integer", &["1", "2"], "1.5000000000000000"),
        ("avg", "smallint", &["1", "2", "2"], "1.6666666666666667"),
        ("avg", "bigint", &["1000000", "1000001"], "1000000.500000000000"),
        ("avg", "numeric", &["1.10", "2.205"], "1.6525000000000000"),
        ("avg", "double precision", &["1", "2", "4"], "2.3333333333333335"),
        ("avg", "double precision", &["-1", "-2", "-4"], "-2.3333333333333335"),
        ("avg", "interval", &["1 mon", "2 days"], "16 days"),
        ("count", "integer", &["1", "NULL", "2"], "2"),
        ("count", "integer", &[], "0"),
        ("bool_and", "boolean", &["t", "f"], "f"),
        ("bool_and", "boolean", &["t", "NULL"], "t"),
        ("every", "boolean", &[], "NULL"),
        ("bool_or", "boolean", &["f", "t"], "t"),
    ] {
        check(name, ty, values, expected);
    }
}

#[test]
fn spreads() {
    for (name, ty, values, expected) in [
        ("var_samp", "numeric", &["1", "2", "4"][..], "2.3333333333333333"),
        ("var_pop", "numeric", &["1", "2", "4"], "1.5555555555555556"),
        ("stddev", "numeric", &["1", "2", "4"], "1.5275252316519467"),
        ("stddev_pop", "numeric", &["1", "2", "4"], "1.2472191289246471"),
        ("variance", "numeric", &["1.10", "2.205", "7.5"], "11.7030083333333333"),
        ("stddev", "numeric", &["5"], "NULL"),
        ("stddev_pop", "numeric", &["5"], "0"),
        ("var_samp", "double precision", &["1", "2", "4"], "2.3333333333333335"),
        ("stddev", "double precision", &["1", "2", "4"], "1.5275252316519468"),
        ("var_pop", "double precision", &["5"], "0"),
        ("var_pop", "double precision", &["Infinity", "1"], "NaN"),
        ("stddev_samp", "double precision", &["1"], "NULL"),
    ] {
        check(name, ty, values, expected);
    }
}

#[test]
fn extremes() {
    check("min", "integer", &["3", "1", "NULL"], "1");
    check("max", "integer", &["3", "1", "NULL"], "3");
    check("max", "text", &["b", "a"], "b");
    check("max", "double precision", &["NaN", "Infinity"], "NaN");
    check("min", "numeric", &["1.0", "1.00"], "1.0");
    check("max", "numeric", &[], "NULL");
}

#[test]
fn collections() {
    let arena = Arena::new();
    let rows = |values: &[(Datum<'static>, Datum<'static>, Diff)]| -> Vec<(Vec<Datum<'static>>, Diff)> {
        values.iter().map(|(a, b, diff)| (vec![*a, *b], *diff)).collect()
    };
    let text = Datum::Text;
    let joined = AggregateFunc::StringAgg
        .eval(rows(&[(text("a"), text(","), 2), (Datum::Null, text(","), 1), (text("b"), text(";"), 1)]), &arena)
        .unwrap();
    assert_eq!(joined, text("a,a;b"));
    let listed = AggregateFunc::ArrayAgg(SqlType::Int4)
        .eval(vec![(vec![Datum::Int4(1)], 1), (vec![Datum::Null], 1)], &arena)
        .unwrap();
    assert_eq!(to_string(listed, &SqlType::Array(Box::new(SqlType::Int4))), "{1,NULL}");
    let empty = AggregateFunc::ArrayAgg(SqlType::Int4).eval(Vec::new(), &arena).unwrap();
    assert!(empty.is_null());
    let negative = AggregateFunc::Min.eval(vec![(vec![Datum::Int4(1)], -1)], &arena);
    assert_eq!(negative.unwrap_err().code.as_str(), "XX000");
    let negative = AggregateFunc::Count.eval(vec![(vec![], -1)], &arena);
    assert_eq!(negative.unwrap_err().code.as_str(), "XX000");
}
