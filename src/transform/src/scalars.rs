//! What rewrites do to scalar expressions.

use expr::func::ArgType;
use expr::visit::grow;
use expr::{Func, Mfp, ScalarExpr};
use repr::{ColumnType, Datum, SqlType};
use std::collections::BTreeSet;

/// Replaces column `c` by column `place(c)`.
pub fn remap(expr: &ScalarExpr, place: &dyn Fn(usize) -> usize) -> ScalarExpr {
    let mut out = expr.clone();
    out.visit_mut_post(&mut |e| {
        if let ScalarExpr::Column(c) = e {
            *c = place(*c);
        }
    });
    out
}

/// As [`remap`], for several.
pub fn remap_all(exprs: &[ScalarExpr], place: &dyn Fn(usize) -> usize) -> Vec<ScalarExpr> {
    exprs.iter().map(|e| remap(e, place)).collect()
}

/// Replaces column `c` by what `value` gives for it, if anything.
pub fn substitute(expr: &ScalarExpr, value: &dyn Fn(usize) -> Option<ScalarExpr>) -> ScalarExpr {
    let mut out = expr.clone();
    out.visit_mut_post(&mut |e| {
        if let ScalarExpr::Column(c) = e
            && let Some(replacement) = value(*c)
        {
            *e = replacement;
        }
    });
    out
}

/// All columns used by these expressions.
pub fn support<'a>(exprs: impl IntoIterator<Item = &'a ScalarExpr>) -> BTreeSet<usize> {
    exprs.into_iter().flat_map(|e| e.columns()).collect()
}

/// How many nodes an expression has.
pub fn size(expr: &ScalarExpr) -> usize {
    let mut size = 0;
    expr.visit(&mut |_| size += 1);
    size
}

/// Splits conjunctions, takes what all branches of a disjunction say out of it, drops `true`, and drops repetitions; the order of the
/// rest stays.
pub fn conjuncts(predicates: Vec<ScalarExpr>) -> Vec<ScalarExpr> {
    fn split(predicate: ScalarExpr, out: &mut Vec<ScalarExpr>) {
        grow(|| match predicate {
            ScalarExpr::And(operands) => operands.into_iter().for_each(|o| split(o, out)),
            ScalarExpr::Or(branches) => factor(branches).into_iter().for_each(|p| {
                if !out.contains(&p) {
                    out.push(p);
                }
            }),
            // A predicate cannot tell NULL from false.
            ScalarExpr::Coalesce(mut operands)
                if operands.len() == 2 && literal_bool(&operands[1]) == Some(Some(false)) =>
            {
                split(operands.swap_remove(0), out);
            }
            other if literal_bool(&other) == Some(Some(true)) || out.contains(&other) => {}
            other => out.push(other),
        });
    }
    let mut out = Vec::new();
    predicates.into_iter().for_each(|p| split(p, &mut out));
    out
}

/// `(a AND b) OR (a AND c)` as `a`, `b OR c`.
fn factor(branches: Vec<ScalarExpr>) -> Vec<ScalarExpr> {
    let parts: Vec<Vec<ScalarExpr>> = branches.iter().map(|b| conjuncts(vec![b.clone()])).collect();
    let mut common = parts.first().cloned().unwrap_or_default();
    common.retain(|p| parts.iter().all(|of_branch| of_branch.contains(p)));
    if common.is_empty() {
        return vec![ScalarExpr::Or(branches)];
    }
    let rest = |of_branch: Vec<ScalarExpr>| {
        ScalarExpr::conjunction(of_branch.into_iter().filter(|p| !common.contains(p)).collect())
    };
    let rest: Vec<ScalarExpr> = parts.into_iter().map(rest).collect();
    // A branch with nothing left is true wherever what they share is.
    if !rest.iter().any(ScalarExpr::is_literal_true) {
        common.push(ScalarExpr::Or(rest));
    }
    common
}

/// A literal's truth: `Some(None)` is NULL.
pub fn literal_bool(expr: &ScalarExpr) -> Option<Option<bool>> {
    let ScalarExpr::Literal(Ok(row), _) = expr else { return None };
    match row.iter().next()? {
        Datum::Bool(b) => Some(Some(b)),
        Datum::Null => Some(None),
        _ => None,
    }
}

/// `expr IS NOT NULL`.
pub fn is_not_null(expr: ScalarExpr) -> ScalarExpr {
    expr.call_unary("is_not_null")
}

/// Whether values of this type that are equal are the same in every respect.
pub fn equal_is_same(ty: &SqlType) -> bool {
    !ty.needs_canonical_key()
}

/// `a = b` for two expressions of one type, by the operator that SQL has for it, so that it is the same predicate if a user wrote it.
pub fn equality(a: ScalarExpr, b: ScalarExpr, columns: &[ColumnType]) -> ScalarExpr {
    let wanted = [a.typ(columns).ty.without_modifier(), b.typ(columns).ty.without_modifier()];
    let exact = |f: &Func| {
        f.0.args.len() == 2 && f.0.args.iter().zip(&wanted).all(|(arg, ty)| *arg == ArgType::Exact(ty.clone()))
    };
    match expr::func::candidates("=").into_iter().find(exact) {
        Some(func) => ScalarExpr::Call { func, args: vec![a, b] },
        None => a.eq(b),
    }
}

/// The input columns that an Mfp's output depends on.
pub fn mfp_demand(mfp: &Mfp) -> BTreeSet<usize> {
    let mut demand: BTreeSet<usize> = mfp.projection.iter().copied().collect();
    demand.extend(support(mfp.predicates.iter().map(|(_, p)| p)));
    for (i, expr) in mfp.expressions.iter().enumerate().rev() {
        if demand.remove(&(mfp.input_arity + i)) {
            demand.extend(expr.columns());
        }
    }
    demand
}

/// The same Mfp over an input of `arity` columns, where the old column `c` stands at `place(c)`.
pub fn mfp_over(mfp: &Mfp, arity: usize, place: &dyn Fn(usize) -> usize) -> Mfp {
    let old = mfp.input_arity;
    let place = |c: usize| if c < old { place(c) } else { c - old + arity };
    Mfp {
        input_arity: arity,
        expressions: remap_all(&mfp.expressions, &place),
        predicates: mfp.predicates.iter().map(|(at, p)| (at - old + arity, remap(p, &place))).collect(),
        projection: mfp.projection.iter().map(|c| place(*c)).collect(),
    }
}
