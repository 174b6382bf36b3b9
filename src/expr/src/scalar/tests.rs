//! Evaluation and simplification of scalar expressions.

use super::ScalarExpr;
use repr::{Arena, ColumnType, Datum, EvalError, SqlError, SqlState, SqlType};

fn int(value: i32) -> ScalarExpr {
    ScalarExpr::literal(Datum::Int4(value), SqlType::Int4)
}

fn truth(value: Option<bool>) -> ScalarExpr {
    ScalarExpr::literal(value.map_or(Datum::Null, Datum::Bool), SqlType::Bool)
}

fn division_by_zero() -> ScalarExpr {
    int(1).call_binary("int4div", int(0)).eq(int(1))
}

fn eval(expr: &ScalarExpr, datums: &[Datum<'_>]) -> Result<String, EvalError> {
    let arena = Arena::new();
    let values: Vec<Datum<'_>> = datums.to_vec();
    expr.eval(&values, &arena).map(|datum| format!("{datum:?}"))
}

fn check(expr: ScalarExpr, expected: &str) {
    let shown = |expr: &ScalarExpr| eval(expr, &[]).unwrap_or_else(|error| error.code.to_string());
    assert_eq!(shown(&expr), expected, "{expr:?}");
    let mut reduced = expr.clone();
    reduced.reduce(&[]);
    assert_eq!(shown(&reduced), expected, "{expr:?} reduced to {reduced:?}");
}

#[test]
fn logic_has_three_values_and_decides_over_errors() {
    let (t, f, n) = (Some(true), Some(false), None);
    for (a, b, and, or) in [
        (t, t, "Bool(true)", "Bool(true)"),
        (t, f, "Bool(false)", "Bool(true)"),
        (t, n, "Null", "Bool(true)"),
        (f, n, "Bool(false)", "Null"),
        (n, n, "Null", "Null"),
    ] {
        check(truth(a).and(truth(b)), and);
        check(truth(b).and(truth(a)), and);
        check(truth(a).or(truth(b)), or);
        check(truth(b).or(truth(a)), or);
    }
    check(division_by_zero().and(truth(f)), "Bool(false)");
    check(division_by_zero().or(truth(t)), "Bool(true)");
    check(division_by_zero().and(truth(n)), "22012");
    check(division_by_zero().and(truth(t)), "22012");
}

#[test]
fn branches_not_taken_are_not_evaluated() {
    check(truth(Some(false)).if_then_else(division_by_zero(), truth(None)), "Null");
    check(truth(None).if_then_else(division_by_zero(), truth(Some(true))), "Bool(true)");
    check(truth(Some(true)).if_then_else(division_by_zero(), truth(None)), "22012");
    check(ScalarExpr::Coalesce(vec![truth(None), truth(Some(true)), division_by_zero()]), "Bool(true)");
    check(ScalarExpr::Coalesce(vec![truth(None), division_by_zero(), truth(Some(true))]), "22012");
}

#[test]
fn strict_functions_pass_null_through() {
    check(int(1).call_binary("int4pl", ScalarExpr::null(SqlType::Int4)), "Null");
    check(ScalarExpr::null(SqlType::Int4).is_null(), "Bool(true)");
    check(int(1).is_null().not(), "Bool(true)");
}

#[test]
fn the_least_error_wins_whatever_the_order() {
    let error = |message: &str| ScalarExpr::error(SqlError::new(SqlState::DIVISION_BY_ZERO, message), SqlType::Bool);
    let message = |expr: &ScalarExpr| eval(expr, &[]).unwrap_err().message;
    assert_eq!(message(&error("a").and(error("b"))), "a");
    assert_eq!(message(&error("b").and(error("a"))), "a");
}

#[test]
fn reduce_simplifies() {
    let columns = [SqlType::Int4.nullable(false), SqlType::Bool.nullable(true)];
    let reduced = |mut expr: ScalarExpr| {
        expr.reduce(&columns);
        format!("{expr:?}")
    };
    let (a, p) = (|| ScalarExpr::column(0), || ScalarExpr::column(1));
    assert_eq!(reduced(a().is_null()), reduced(ScalarExpr::literal_false()));
    assert_eq!(reduced(p().and(ScalarExpr::literal_true())), "Column(1)");
    assert_eq!(reduced(p().and(p())), "Column(1)");
    assert_eq!(reduced(p().not().not()), "Column(1)");
    assert_eq!(reduced(p().and(ScalarExpr::literal_false())), reduced(ScalarExpr::literal_false()));
    assert_eq!(reduced(ScalarExpr::Coalesce(vec![a(), int(1)])), "Column(0)");
    assert_eq!(reduced(int(1).call_binary("int4pl", int(2))), reduced(int(3)));
    assert_eq!(
        reduced(a().call_binary("int4pl", ScalarExpr::null(SqlType::Int4))),
        reduced(ScalarExpr::null(SqlType::Int4))
    );
}

#[test]
fn types_follow_columns() {
    let columns = [SqlType::Int4.nullable(true), SqlType::Int4.nullable(false)];
    let sum = ScalarExpr::column(0).call_binary("int4pl", ScalarExpr::column(1));
    assert_eq!(sum.typ(&columns), SqlType::Int4.nullable(true));
    assert_eq!(ScalarExpr::column(1).is_null().typ(&columns), SqlType::Bool.nullable(false));
    assert_eq!(sum.columns().into_iter().collect::<Vec<_>>(), [0, 1]);
    let mut shifted = sum.clone();
    shifted.shift(3);
    assert_eq!(shifted.columns().into_iter().collect::<Vec<_>>(), [3, 4]);
    shifted.permute(&[9, 9, 9, 1, 0]);
    assert_eq!(shifted, ScalarExpr::column(1).call_binary("int4pl", ScalarExpr::column(0)));
}

#[test]
fn deep_expressions_do_not_overflow_the_stack() {
    let mut expr = int(0);
    for _ in 0..20_000 {
        expr = expr.call_binary("int4pl", int(1));
    }
    assert_eq!(eval(&expr, &[]), Ok("Int4(20000)".to_string()));
    expr.reduce(&[]);
    assert_eq!(expr, int(20_000));
}

#[test]
fn expressions_survive_the_wire() {
    let ty = ColumnType { ty: SqlType::Numeric(Some((10, 2))), nullable: false };
    let cast = ScalarExpr::call("limit(numeric(10,2))", vec![ScalarExpr::column(0)]);
    let json = serde_json::to_string(&cast).unwrap();
    assert_eq!(serde_json::from_str::<ScalarExpr>(&json).unwrap(), cast);
    assert_eq!(cast.typ(&[SqlType::NUMERIC.nullable(false)]), ty);
}
