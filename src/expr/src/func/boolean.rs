//! Logic of one operand, and NULL tests. `AND`, `OR`, `COALESCE` and `CASE` are kinds of expressions, not functions.

use super::FuncDef;
use super::build::*;
use repr::Datum;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let test = |name: &str, eval| func(name, "", &[BOOL], BOOL, eval).never_null().infallible();
    vec![
        func("not", "", &[BOOL], BOOL, |a, _| Ok(Datum::Bool(!arg::<bool>(a, 0)?))).infallible(),
        func("is_null", "", &[ANY], BOOL, |a, _| Ok(Datum::Bool(a[0].is_null()))).never_null().infallible(),
        func("is_not_null", "", &[ANY], BOOL, |a, _| Ok(Datum::Bool(!a[0].is_null()))).never_null().infallible(),
        test("is_true", |a, _| Ok(Datum::Bool(a[0].is_true()))),
        test("is_not_true", |a, _| Ok(Datum::Bool(!a[0].is_true()))),
        test("is_false", |a, _| Ok(Datum::Bool(a[0] == Datum::Bool(false)))),
        test("is_not_false", |a, _| Ok(Datum::Bool(a[0] != Datum::Bool(false)))),
        func("booleq_function", "booleq", &[BOOL, BOOL], BOOL, |a, _| Ok(Datum::Bool(a[0] == a[1]))).infallible(),
        func("boolne_function", "boolne", &[BOOL, BOOL], BOOL, |a, _| Ok(Datum::Bool(a[0] != a[1]))).infallible(),
        func("num_nulls", "num_nulls", &[ANY], INT4, |a, _| {
            Ok(Datum::Int4(a.iter().filter(|d| d.is_null()).count() as i32))
        })
        .variadic()
        .never_null()
        .infallible(),
        func("num_nonnulls", "num_nonnulls", &[ANY], INT4, |a, _| {
            Ok(Datum::Int4(a.iter().filter(|d| !d.is_null()).count() as i32))
        })
        .variadic()
        .never_null()
        .infallible(),
    ]
}
