//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use super::Cx;
use super::names::{check_free, cluster, cluster_ident, fold, new_name_of, wrong_kind};
use crate::canonical;
use crate::catalog::{ItemName, SessionCatalog};
use crate::parser::Statement;
use crate::parser::extension::ast::{CreateView, ObjectKind};
use crate::plan::{CreateItemPlan, NewItem, Plan};
use crate::query::plan_query;
use expr::func::Volatility;
use expr::visit::grow;
use expr::{RelExpr, ScalarExpr, Unmaterializable};
use repr::{GlobalId, RelationDesc, SqlError, SqlState, SqlType};
use sqlparser::ast::Ident;
use std::collections::BTreeSet;

/// `CREATE [MATERIALIZED] VIEW`
pub(super) fn create_view(cx: &mut Cx<'_>, s: &CreateView) -> Result<Plan, SqlError> {
    let name = new_name_of(cx.catalog, &s.name, s.temporary)?;
    let replace = replaced(cx.catalog, s, &name)?;
    if replace.is_none() {
        check_free(cx.catalog, &name, s.if_not_exists)?;
    }
    let (expr, desc) = body(cx, s)?;
    if let Some(crate::ItemDetails::View { desc: old, .. }) = replace.and_then(|id| Some(&cx.catalog.item(id)?.details))
    {
        check_replacement(old, &desc)?;
    }
    let (create_sql, depends_on) = stored(cx, s, &name)?;
    if !name.is_temporary() && uses_temporary(cx.catalog, &depends_on) {
        if s.materialized {
            let message = "materialized views must not use temporary tables or views";
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        // As in PostgreSQL, a view of temporary tables is temporary.
        return create_view(cx, &CreateView { temporary: true, ..s.clone() });
    }
    if replace.is_some_and(|id| depends_on.contains(&id)) {
        let message = format!("cannot replace view {} because it refers to itself", name.item);
        return Err(SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    }
    let item = if s.materialized {
        check_materializable(cx.catalog, &expr)?;
        NewItem::MaterializedView { expr, desc, cluster: cluster(cx.catalog, &s.cluster)? }
    } else {
        NewItem::View { expr, desc }
    };
    let depends_on = depends_on.into_iter().collect();
    Ok(Plan::CreateItem(CreateItemPlan { name, item, create_sql, depends_on, if_not_exists: s.if_not_exists, replace }))
}

fn uses_temporary(catalog: &dyn SessionCatalog, ids: &BTreeSet<GlobalId>) -> bool {
    ids.iter().filter_map(|id| catalog.item(*id)).any(|item| item.name.is_temporary())
}

/// The query of a view and its columns.
fn body(cx: &Cx<'_>, s: &CreateView) -> Result<(RelExpr, RelationDesc), SqlError> {
    let planned = plan_query(&mut cx.maintained(), &s.query)?;
    let mut desc = planned.result_desc();
    rename_columns(&mut desc, &s.columns)?;
    check_columns(&desc)?;
    Ok((planned.expr, desc))
}

/// The view that OR REPLACE replaces, if there is one.
fn replaced(catalog: &dyn SessionCatalog, s: &CreateView, name: &ItemName) -> Result<Option<GlobalId>, SqlError> {
    if !s.or_replace || !catalog.exists(name) {
        return Ok(None);
    }
    let full: Vec<String> = name.database.iter().chain([&name.schema, &name.item]).cloned().collect();
    let Some(item) = catalog.resolve(&full) else { return Ok(None) };
    let kind = if s.materialized { ObjectKind::MaterializedView } else { ObjectKind::View };
    if item.details.kind() == kind.item_kind() { Ok(Some(item.id)) } else { Err(wrong_kind(item, kind)) }
}

/// A view that replaces another keeps its columns; it may have more.
fn check_replacement(old: &RelationDesc, new: &RelationDesc) -> Result<(), SqlError> {
    let refuse = |message: String| Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    if new.arity() < old.arity() {
        return refuse("cannot drop columns from view".to_string());
    }
    for ((old_name, old), (name, new)) in old.iter().zip(new.iter()) {
        if old_name != name {
            return refuse(format!("cannot change name of view column \"{old_name}\" to \"{name}\"")).map_err(
                |error| error.hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead."),
            );
        }
        if old.ty != new.ty {
            let (old, new) = (&old.ty, &new.ty);
            return refuse(format!("cannot change data type of view column \"{name}\" from {old} to {new}"));
        }
    }
    Ok(())
}

fn rename_columns(desc: &mut RelationDesc, columns: &[Ident]) -> Result<(), SqlError> {
    if columns.len() > desc.arity() {
        let message = "CREATE VIEW specifies more column names than columns";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    for (name, column) in desc.names.iter_mut().zip(columns) {
        *name = fold(column);
    }
    Ok(())
}

/// Columns of a stored relation have different names and types that can be stored.
fn check_columns(desc: &RelationDesc) -> Result<(), SqlError> {
    for (i, (name, typ)) in desc.iter().enumerate() {
        if desc.names[..i].contains(name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        if let SqlType::Record(_) = typ.ty {
            let message = format!("column \"{name}\" has pseudo-type record");
            return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
    }
    Ok(())
}

/// The definition as it is stored, and what it refers to.
fn stored(cx: &Cx<'_>, s: &CreateView, name: &ItemName) -> Result<(String, BTreeSet<GlobalId>), SqlError> {
    let cluster = if s.materialized { cluster_ident(cx.catalog, cluster(cx.catalog, &s.cluster)?) } else { None };
    let name = canonical::full_name(name);
    let view = CreateView { name, or_replace: false, if_not_exists: false, cluster, ..s.clone() };
    let mut definition = Statement::CreateView(view);
    let ids = canonical::resolve(cx.catalog, &mut definition)?;
    let text = crate::parser::extension::print::definition(&definition);
    Ok((text.ok_or_else(|| SqlError::internal("a view without a definition"))?, ids))
}

/// Refuses what cannot be kept up to date: values that change with time or session, here or in a view that is used. A filter may compare
/// the present moment with what a row says, outside of recursions.
pub(super) fn check_materializable(catalog: &dyn SessionCatalog, expr: &RelExpr) -> Result<(), SqlError> {
    let mut todo = vec![expr];
    let mut seen = BTreeSet::new();
    while let Some(expr) = todo.pop() {
        check_relation(expr, false)?;
        for id in expr.depends_on().into_iter().filter(|id| seen.insert(*id)) {
            let details = catalog.item(id).map(|item| &item.details);
            if let Some(crate::ItemDetails::View { expr, .. }) = details {
                todo.push(expr);
            }
        }
    }
    Ok(())
}

fn check_relation(expr: &RelExpr, recursive: bool) -> Result<(), SqlError> {
    grow(|| match expr {
        RelExpr::LetRec { bindings, body } => {
            bindings.iter().try_for_each(|binding| check_relation(&binding.value, true))?;
            check_relation(body, recursive)
        }
        RelExpr::Filter { input, predicates } => {
            for predicate in predicates.iter().filter(|p| recursive || expr::temporal::bounds(p).is_none()) {
                check_scalar(predicate)?;
            }
            check_relation(input, recursive)
        }
        _ => {
            expr.scalars().into_iter().try_for_each(check_scalar)?;
            expr.children().into_iter().try_for_each(|child| check_relation(child, recursive))
        }
    })
}

/// Refuses an expression whose value changes with time or session.
pub(super) fn check_scalar(expr: &ScalarExpr) -> Result<(), SqlError> {
    let refuse = |what: &str, hint: &str| {
        let message = format!("cannot materialize call to {what}");
        Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message).hint(hint.to_string()))
    };
    match expr {
        ScalarExpr::Unmaterializable(what @ (Unmaterializable::MzNow | Unmaterializable::CurrentTimestamp)) => {
            let hint = "It can be compared in WHERE with what a row says: mz_now() < sent + INTERVAL '1 hour', outside of OR, CASE and \
                        recursion. Else call it in a query over the view.";
            refuse(unmaterializable_name(what), hint)
        }
        ScalarExpr::Unmaterializable(what) => {
            let hint = "Its value changes without any change of data. Call it in a query over the view instead.";
            refuse(unmaterializable_name(what), hint)
        }
        ScalarExpr::Call { func, .. } if func.0.volatility == Volatility::Volatile => {
            refuse(&format!("{}()", func.0.name), "Its value is different with every call.")
        }
        other => other.children().into_iter().try_for_each(check_scalar),
    }
}

fn unmaterializable_name(what: &Unmaterializable) -> &'static str {
    use Unmaterializable::*;
    match what {
        MzNow => "mz_now()",
        CurrentTimestamp => "now()",
        StatementTimestamp => "statement_timestamp()",
        RandomSeed => "random()",
        CurrentDatabase => "current_database()",
        CurrentSchema => "current_schema()",
        CurrentSchemasWithSystem | CurrentSchemasWithoutSystem => "current_schemas()",
        CurrentUser => "current_user",
        Version => "version()",
        MzVersion => "mz_version()",
        MzEnvironmentId => "mz_environment_id()",
        PgBackendPid => "pg_backend_pid()",
        PgPostmasterStartTime => "pg_postmaster_start_time()",
        TransactionId => "txid_current()",
        Parameter(..) => "a parameter",
    }
}
