//! EXPLAIN.

use super::Cx;
use super::names::resolve_kind;
use crate::catalog::{CatalogItem, ItemDetails};
use crate::parser::Statement;
use crate::parser::extension::ast::{CreateView, ExplainStatement, Explained};
use crate::plan::{ExplainPlan, Plan};
use crate::query::{PlannedQuery, plan_query};
use expr::{RelExpr, RowSetFinishing};
use repr::{RelationDesc, SqlError};

/// `EXPLAIN`
pub(super) fn explain(cx: &mut Cx<'_>, s: &ExplainStatement) -> Result<Plan, SqlError> {
    let planned = match &s.of {
        Explained::Statement(statement) => explained_statement(cx, statement)?,
        Explained::Object(kind, name) => explained_item(cx, resolve_kind(cx.catalog, name, *kind)?)?,
    };
    let PlannedQuery { expr: query, raw, finishing, desc } = planned;
    Ok(Plan::Explain(ExplainPlan { stage: s.stage, json: s.json, raw, query, finishing, desc }))
}

fn explained_statement(cx: &mut Cx<'_>, statement: &Statement) -> Result<PlannedQuery, SqlError> {
    match statement {
        Statement::Select(select) => plan_query(&mut cx.query, &select.query),
        Statement::CreateView(view) => plan_query(&mut cx.maintained(), &view.query),
        _ => Err(SqlError::unsupported("EXPLAIN of anything but a query or a view")),
    }
}

/// The plan of an item, as it is stored; the typed plan is made anew from its definition.
fn explained_item(cx: &Cx<'_>, item: &CatalogItem) -> Result<PlannedQuery, SqlError> {
    match &item.details {
        ItemDetails::View { expr, desc } | ItemDetails::MaterializedView { expr, desc, .. } => {
            let raw = match stored_view(item)? {
                Some(view) => plan_query(&mut cx.maintained(), &view.query)?.raw,
                None => String::new(),
            };
            Ok(planned(expr.clone(), raw, desc.clone()))
        }
        ItemDetails::Index { on, keys, .. } => {
            let on = cx.catalog.item(*on).ok_or_else(|| SqlError::internal("an index on nothing"))?;
            let desc = on.details.desc().cloned().unwrap_or_default();
            let get = RelExpr::get_global(on.id, desc.typ.clone());
            let raw = format!("Index on {}\n", on.name);
            Ok(planned(get.arrange_by(vec![keys.clone()]), raw, desc))
        }
        _ => Err(SqlError::unsupported("EXPLAIN of this item")),
    }
}

fn planned(expr: RelExpr, raw: String, desc: RelationDesc) -> PlannedQuery {
    PlannedQuery { expr, raw, finishing: RowSetFinishing::trivial(desc.arity()), desc }
}

fn stored_view(item: &CatalogItem) -> Result<Option<CreateView>, SqlError> {
    match crate::parser::parse(&item.create_sql)?.pop().map(|parsed| parsed.ast) {
        Some(Statement::CreateView(view)) => Ok(Some(view)),
        _ => Ok(None),
    }
}
