//! RETURNING: what a write gives back for each row, over the columns of its table.

use super::Cx;
use crate::catalog::CatalogItem;
use crate::plan::ReturningPlan;
use crate::query::{ScalarPlace, column_name, plan_scalar};
use crate::statement::names::{dotted, fold};
use expr::ScalarExpr;
use repr::{RelationDesc, RelationType, SqlError, SqlState};
use sqlparser::ast::{Expr, SelectItem, SelectItemQualifiedWildcardKind};

/// Plans `RETURNING` over the table called `alias`; none without items.
pub(super) fn returning(
    cx: &mut Cx<'_>,
    table: &CatalogItem,
    alias: &str,
    desc: &RelationDesc,
    items: &[SelectItem],
) -> Result<Option<ReturningPlan>, SqlError> {
    if items.is_empty() {
        return Ok(None);
    }
    let mut names = Vec::new();
    let mut exprs = Vec::new();
    for item in items {
        match item {
            SelectItem::Wildcard(_) => star(desc, &mut names, &mut exprs),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _)
                if dotted(name) == alias || dotted(name) == table.name.item =>
            {
                star(desc, &mut names, &mut exprs);
            }
            SelectItem::UnnamedExpr(expr) => {
                names.push(column_name(expr));
                exprs.push(returned(cx, expr, alias, desc)?);
            }
            SelectItem::ExprWithAlias { expr, alias: name } => {
                names.push(fold(name));
                exprs.push(returned(cx, expr, alias, desc)?);
            }
            other => {
                let message = format!("missing FROM-clause entry for {other}");
                return Err(SqlError::new(SqlState::UNDEFINED_TABLE, message));
            }
        }
    }
    let types = exprs.iter().map(|expr| expr.typ(&desc.typ.columns)).collect();
    Ok(Some(ReturningPlan { exprs, desc: RelationDesc::new(names, RelationType::new(types)) }))
}

fn star(desc: &RelationDesc, names: &mut Vec<String>, exprs: &mut Vec<ScalarExpr>) {
    names.extend(desc.names.iter().cloned());
    exprs.extend((0..desc.arity()).map(ScalarExpr::Column));
}

fn returned(cx: &mut Cx<'_>, expr: &Expr, alias: &str, desc: &RelationDesc) -> Result<ScalarExpr, SqlError> {
    let place = ScalarPlace { relations: &[(alias, desc)], expected: None, clause: "RETURNING" };
    plan_scalar(&mut cx.query, expr, place)
}
