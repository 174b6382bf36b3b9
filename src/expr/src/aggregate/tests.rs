//! Aggregates against their definition.

use super::AggregateFunc;
use repr::{Arena, Datum, Row};

fn eval(func: &AggregateFunc, values: &[Datum<'_>]) -> String {
    let arena = Arena::new();
    let result = func.eval(values.iter().map(|value| (vec![*value], 1)), &arena);
    match result {
        Ok(datum) => Row::pack([datum]).iter().map(|d| format!("{d:?}")).collect(),
        Err(error) => error.code.to_string(),
    }
}

#[test]
fn sums_of_floats_are_exact() {
    let func = AggregateFunc::SumFloat8;
    assert_eq!(eval(&func, &[0.1, 0.2, 0.3].map(Datum::Float8)), "Float8(0.6)");
    assert_eq!(eval(&func, &[1e308, 1e308].map(Datum::Float8)), "22003");
    assert_eq!(eval(&func, &[f64::INFINITY, 1.0].map(Datum::Float8)), "Float8(inf)");
}

#[test]
fn variances_are_exact_until_the_last_step() {
    let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Datum::Float8);
    assert_eq!(eval(&AggregateFunc::VarPop(true), &values), "Float8(4.0)");
    assert_eq!(eval(&AggregateFunc::StddevPop(true), &values), "Float8(2.0)");
    assert_eq!(eval(&AggregateFunc::VarSamp(true), &values[..1]), "Null");
    let shifted = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0].map(Datum::Float8);
    assert_eq!(eval(&AggregateFunc::VarSamp(true), &shifted), "Float8(30.0)");
}

#[test]
fn sums_of_integers_widen_and_overflow() {
    assert_eq!(eval(&AggregateFunc::SumInt, &[i32::MAX, i32::MAX].map(Datum::Int4)), "Int8(4294967294)");
    assert_eq!(eval(&AggregateFunc::SumInt, &[]), "Null");
    assert_eq!(eval(&AggregateFunc::Count, &[Datum::Null, Datum::Int4(1)]), "Int8(1)");
}

#[test]
fn extremes_and_truth() {
    let values = [3, 1, 2].map(Datum::Int4);
    assert_eq!(eval(&AggregateFunc::Min, &values), "Int4(1)");
    assert_eq!(eval(&AggregateFunc::Max, &values), "Int4(3)");
    assert_eq!(eval(&AggregateFunc::BoolAnd, &[true, false].map(Datum::Bool)), "Bool(false)");
    assert_eq!(eval(&AggregateFunc::BoolOr, &[true, false].map(Datum::Bool)), "Bool(true)");
    assert_eq!(eval(&AggregateFunc::StringAgg, &[Datum::Null, Datum::Text("x")]), "Text(\"x\")");
}
