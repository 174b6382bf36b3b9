//! Keys: what groups are, what joins compare, what arrangements are keyed by.
//!
//! LAW: two values are the same key if and only if SQL calls them equal. Values are compared by their encoding, so those of types
//! whose equal values can differ in it are brought to canonical form first (see `SqlType::needs_canonical_key`). All values of
//! `numeric(p,s)` have one form, and groups show it; but it is not that of `numeric` or of another scale, so what is compared
//! beyond one collection, as joins and lookups do, is brought to canonical form all the same.

use crate::func::by_name;
use crate::relation_scalars::scalar_type;
use crate::scalar::ScalarExpr;
use repr::ColumnType;

/// The unique name of the function that brings its argument to canonical form.
pub const CANONICAL: &str = "canonical";

/// `expr` as a key over these columns, among keys of the same expression.
pub fn canonical(expr: ScalarExpr, columns: &[ColumnType]) -> ScalarExpr {
    let needed = scalar_type(&expr, columns).ty.needs_canonical_key();
    if needed { wrapped(expr) } else { expr }
}

/// `expr` as a key over these columns, among keys of any expression of the type, whatever its modifier.
pub fn comparable(expr: ScalarExpr, columns: &[ColumnType]) -> ScalarExpr {
    let needed = scalar_type(&expr, columns).ty.without_modifier().needs_canonical_key();
    if needed { wrapped(expr) } else { expr }
}

/// `exprs` as a key over these columns, among keys of any expressions of the types.
pub fn comparable_key(exprs: &[ScalarExpr], columns: &[ColumnType]) -> Vec<ScalarExpr> {
    exprs.iter().map(|e| comparable(e.clone(), columns)).collect()
}

fn wrapped(expr: ScalarExpr) -> ScalarExpr {
    if matches!(&expr, ScalarExpr::Call { func, .. } if func.0.name == CANONICAL) {
        return expr;
    }
    match by_name(CANONICAL) {
        Some(func) => ScalarExpr::Call { func, args: vec![expr] },
        None => expr,
    }
}

/// `exprs` as a key over these columns.
pub fn canonical_key(exprs: &[ScalarExpr], columns: &[ColumnType]) -> Vec<ScalarExpr> {
    exprs.iter().map(|e| canonical(e.clone(), columns)).collect()
}

/// What a key expression is the canonical form of.
pub fn without_canonical(expr: &ScalarExpr) -> &ScalarExpr {
    match expr {
        ScalarExpr::Call { func, args } if func.0.name == CANONICAL && args.len() == 1 => &args[0],
        other => other,
    }
}
