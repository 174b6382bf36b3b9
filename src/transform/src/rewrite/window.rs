//! Filters on row numbers become top-k.
//!
//! `row_number() OVER (PARTITION BY g ORDER BY o) <= k` keeps the first k rows of each group: a top-k of the same groups and order, whose
//! ties break in the same way, finds them without looking at the others.
//!
//! LAW: the result has the same rows. Applied only where no function of the window looks at rows after the row at hand.

use crate::Context;
use expr::func::Func;
use expr::{ColumnOrder, RelExpr, ScalarExpr, WindowExpr, WindowFunc};
use repr::{Datum, SqlType};

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    expr.visit_post_mut(&mut |node| {
        if let RelExpr::Filter { input, predicates } = node
            && let RelExpr::Window { input, partition, order, functions } = &mut **input
        {
            limit(predicates, input, partition, order, functions);
            if predicates.is_empty()
                && let RelExpr::Filter { input, .. } = node
            {
                *node = input.take();
            }
        }
    });
}

/// Puts a top-k below the window if a predicate bounds a row number, and drops the predicate if that is all it says.
fn limit(
    predicates: &mut Vec<ScalarExpr>,
    input: &mut RelExpr,
    partition: &[usize],
    order: &[ColumnOrder],
    functions: &[WindowExpr],
) {
    if !functions.iter().all(WindowExpr::looks_back_only) {
        return;
    }
    let arity = input.arity();
    let is_number = |c: usize| c >= arity && functions[c - arity].func == WindowFunc::RowNumber;
    let found = predicates.iter().enumerate().find_map(|(at, p)| Some((at, bound(p, &is_number)?)));
    let Some((at, (rows, is_exact))) = found else { return };
    if rows < 1 || has_limit(input, rows) {
        return;
    }
    let rows_expr = ScalarExpr::literal(Datum::Int8(rows), SqlType::Int8);
    *input = input.take().top_k(partition.to_vec(), order.to_vec(), Some(rows_expr), 0);
    if is_exact {
        predicates.remove(at);
    }
}

/// The greatest row number that a predicate admits, and whether it admits all up to that.
fn bound(predicate: &ScalarExpr, is_number: &dyn Fn(usize) -> bool) -> Option<(i64, bool)> {
    let ScalarExpr::Call { func: Func(func), args } = predicate else { return None };
    let (column, literal, operator) = match (&args[..], func.sql_name) {
        ([ScalarExpr::Column(c), literal], operator) => (c, literal, operator),
        ([literal, ScalarExpr::Column(c)], ">=") => (c, literal, "<="),
        ([literal, ScalarExpr::Column(c)], ">") => (c, literal, "<"),
        ([literal, ScalarExpr::Column(c)], "=") => (c, literal, "="),
        _ => return None,
    };
    let value = match literal.as_literal()?.ok()? {
        Datum::Int2(v) => i64::from(v),
        Datum::Int4(v) => i64::from(v),
        Datum::Int8(v) => v,
        _ => return None,
    };
    match operator {
        _ if !is_number(*column) => None,
        "<=" => Some((value, true)),
        "<" => Some((value.checked_sub(1)?, true)),
        "=" => Some((value, value == 1)),
        _ => None,
    }
}

/// Whether the rows come from such a top-k already.
fn has_limit(mut input: &RelExpr, rows: i64) -> bool {
    while let RelExpr::Project { input: inner, .. } = input {
        input = inner;
    }
    let RelExpr::TopK { limit: Some(limit), offset: 0, .. } = input else { return false };
    matches!(limit.as_literal(), Some(Ok(Datum::Int8(n))) if n <= rows)
}
