//! `IS NOT DISTINCT FROM` as equivalence classes, so that joins by it are no products.
//!
//! LAW: where neither side is NULL it is `=`; else `a` and `b` are not distinct if and only if `a IS NULL` equals `b IS NULL` and
//! `coalesce(a, d)` equals `coalesce(b, d)`, for any constant `d` of their type.

use expr::ScalarExpr;
use repr::{ColumnType, SqlType};

/// The sides of a predicate that is true if they are equal or both NULL, and never NULL.
fn sides(predicate: &ScalarExpr) -> Option<(&ScalarExpr, &ScalarExpr)> {
    match predicate {
        ScalarExpr::Call { func, args } if func.0.name == "is_not_distinct_from" => pair(args),
        ScalarExpr::Call { func, args } if func.0.name == "not" => match &args[..] {
            [ScalarExpr::Call { func, args }] if func.0.name == "is_distinct_from" => pair(args),
            _ => None,
        },
        ScalarExpr::Coalesce(operands) => {
            let [equal, ScalarExpr::And(both)] = &operands[..] else { return None };
            let (a, b) = equal.as_equality()?;
            let [a_null, b_null] = &both[..] else { return None };
            (null_test_of(a_null)? == a && null_test_of(b_null)? == b).then_some((a, b))
        }
        _ => None,
    }
}

fn pair(args: &[ScalarExpr]) -> Option<(&ScalarExpr, &ScalarExpr)> {
    if let [a, b] = args { Some((a, b)) } else { None }
}

fn null_test_of(expr: &ScalarExpr) -> Option<&ScalarExpr> {
    match expr {
        ScalarExpr::Call { func, args } if func.0.name == "is_null" => args.first(),
        _ => None,
    }
}

/// The classes that say the same as a predicate, if it is of this kind; each of two members, one for each side.
pub fn classes(predicate: &ScalarExpr, columns: &[ColumnType]) -> Option<Vec<[ScalarExpr; 2]>> {
    let (a, b) = sides(predicate)?;
    let (a_type, b_type) = (a.typ(columns), b.typ(columns));
    if a_type.ty.without_modifier() != b_type.ty.without_modifier() {
        return None;
    }
    if !a_type.nullable || !b_type.nullable {
        return Some(vec![[a.clone(), b.clone()]]);
    }
    let filler = filler(&a_type.ty)?;
    let filled = |e: &ScalarExpr| ScalarExpr::Coalesce(vec![e.clone(), filler.clone()]);
    Some(vec![[filled(a), filled(b)], [a.clone().is_null(), b.clone().is_null()]])
}

/// Some constant of a type; the same for all modifiers of it, so that both sides are filled alike.
fn filler(ty: &SqlType) -> Option<ScalarExpr> {
    Some(ScalarExpr::Literal(Ok(repr::filler::filler(ty)?), ty.without_modifier().nullable(false)))
}

/// Whether these classes say that equal values in them mean equal values of `column`, NULL included, here and in what `place` maps to.
pub fn look_up(column: usize, classes: &[Vec<ScalarExpr>], place: &dyn Fn(&ScalarExpr) -> ScalarExpr) -> bool {
    let has_twin = |wanted: &dyn Fn(&ScalarExpr) -> bool| {
        classes.iter().any(|class| class.iter().any(|m| wanted(m) && class.contains(&place(m))))
    };
    let plain = ScalarExpr::Column(column);
    let filled =
        |m: &ScalarExpr| matches!(m, ScalarExpr::Coalesce(o) if o.len() == 2 && o[0] == plain && o[1].is_literal());
    let tested = |m: &ScalarExpr| null_test_of(m) == Some(&plain);
    has_twin(&|m| *m == plain) || (has_twin(&filled) && has_twin(&tested))
}
