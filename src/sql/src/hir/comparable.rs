//! Whether what a plan groups, sorts and compares has an equality: `json` has none.

use super::{HirRel, SetKind};
use expr::ScalarExpr;
use repr::{ColumnType, SqlError, SqlState, SqlType};

/// Fails (42883) where a plan, its subqueries included, wants an equality or an order of a type that has none.
pub(crate) fn check(rel: &HirRel, types: &[ColumnType]) -> Result<(), SqlError> {
    rel.subqueries().into_iter().try_for_each(|subquery| check(&subquery.rel, types))?;
    rel.inputs().into_iter().try_for_each(|input| check(input, types))?;
    let column = |id: &usize| equality(&types[*id].ty);
    let order = |id: &usize| ordering(&types[*id].ty);
    let expr = |expr: &ScalarExpr| equality(&expr.typ(types).ty);
    match rel {
        HirRel::Reduce { keys, aggregates, .. } => {
            keys.iter().try_for_each(|(_, key)| expr(key))?;
            for (_, aggregate) in aggregates {
                aggregate.args.iter().filter(|_| aggregate.distinct).try_for_each(expr)?;
                aggregate.order_exprs.iter().try_for_each(|by| ordering(&by.typ(types).ty))?;
            }
            Ok(())
        }
        HirRel::Distinct { input } => input.cols().iter().try_for_each(column),
        HirRel::SetOp { kind, all, left, .. } if !all || *kind != SetKind::Union => {
            left.cols().iter().try_for_each(column)
        }
        HirRel::TopK { group, order: by, .. } | HirRel::Window { partition: group, order: by, .. } => {
            group.iter().try_for_each(column)?;
            by.iter().try_for_each(|key| order(&key.col))
        }
        _ => Ok(()),
    }
}

fn missing(what: &str, ty: &SqlType) -> SqlError {
    let ty = ty.without_modifier();
    SqlError::new(SqlState::UNDEFINED_FUNCTION, format!("could not identify an {what} operator for type {ty}"))
}

fn equality(ty: &SqlType) -> Result<(), SqlError> {
    if ty.has_equality() { Ok(()) } else { Err(missing("equality", ty)) }
}

/// Fails (42883) if a type has no order.
pub(crate) fn ordering(ty: &SqlType) -> Result<(), SqlError> {
    let hint = "Use an explicit ordering operator or modify the query.";
    if ty.has_equality() { Ok(()) } else { Err(missing("ordering", ty).hint(hint)) }
}
