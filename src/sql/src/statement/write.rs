//! UPDATE, DELETE and TRUNCATE: rows are read, changed or taken away, and written in one commit.

use super::Cx;
use super::names::{fold, name_parts, resolve_relation};
use super::returning::returning;
use crate::catalog::{CatalogItem, ItemDetails};
use crate::parser::extension::ast::{DeleteStatement, UpdateStatement};
use crate::plan::{Plan, ReadThenWritePlan};
use crate::query::{PlannedRows, RowsQuery, plan_rows};
use expr::{RelExpr, ScalarExpr};
use repr::{ColumnName, RelationDesc, SqlError, SqlState, SqlType};
use sqlparser::ast::{Assignment, AssignmentTarget, Expr, Ident, ObjectName};

/// A table that SQL can write: its columns and their defaults.
pub(super) struct Target<'a> {
    /// The table.
    pub item: &'a CatalogItem,
    /// Its columns.
    pub desc: &'a RelationDesc,
    /// Their defaults.
    pub defaults: &'a [ScalarExpr],
}

/// Finds the table that a statement writes; `verb` as in "cannot insert into".
pub(super) fn target<'a>(cx: &Cx<'a>, name: &ObjectName, verb: &str) -> Result<Target<'a>, SqlError> {
    let item = resolve_relation(cx.catalog, name)?;
    let refuse = |what: &str, code| {
        let kind = item.details.kind().replace('-', " ");
        let error = SqlError::new(code, format!("cannot {verb} {kind} \"{}\"", item.name.item));
        Err(error.detail(what.to_string()))
    };
    match &item.details {
        ItemDetails::Table { desc, defaults } => Ok(Target { item, desc, defaults }),
        ItemDetails::SourceTable { .. } => refuse("Its rows come from a source.", SqlState::WRONG_OBJECT_TYPE),
        ItemDetails::SystemRelation { .. } => {
            refuse("System relations cannot be changed.", SqlState::INSUFFICIENT_PRIVILEGE)
        }
        _ => refuse("Only tables can be written.", SqlState::WRONG_OBJECT_TYPE),
    }
}

/// `column "a" of relation "t" does not exist`, or its position.
pub(super) fn column_position(target: &Target<'_>, name: &str) -> Result<usize, SqlError> {
    target.desc.position(name).ok_or_else(|| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", target.item.name.item);
        SqlError::new(SqlState::UNDEFINED_COLUMN, message)
    })
}

/// The name that a statement's target goes by.
pub(super) fn alias(target: &Target<'_>, alias: &Option<Ident>) -> String {
    alias.as_ref().map_or_else(|| target.item.name.item.clone(), fold)
}

/// `UPDATE`
pub(super) fn update(cx: &mut Cx<'_>, s: &UpdateStatement) -> Result<Plan, SqlError> {
    let target = target(cx, &s.table, "update")?;
    let alias = alias(&target, &s.alias);
    let assigned = assigned_columns(&target, &s.assignments)?;
    // `DEFAULT` is not an expression; those columns take their default after the rows are read.
    let exprs = assigned.iter().filter(|(_, expr)| !is_default(expr));
    let exprs: Vec<(&Expr, SqlType, ColumnName)> = exprs
        .map(|(column, expr)| (*expr, target.desc.typ.columns[*column].ty.clone(), target.desc.names[*column].clone()))
        .collect();
    let query = RowsQuery { target: (target.item.id, &alias), from: &s.from, selection: s.selection.as_ref(), exprs };
    let rows = plan_rows(&mut cx.query, &query)?;
    let assignments = new_row(&target, &assigned);
    let returning = returning(cx, target.item, &alias, target.desc, &s.returning)?;
    Ok(Plan::ReadThenWrite(read_then_write(&target, rows.expr, Some(assignments), returning)))
}

/// Each assigned column with its new value; several at once, as in `(a, b) = (1, 2)`, are taken apart.
pub(super) fn assigned_columns<'e>(
    target: &Target<'_>,
    assignments: &'e [Assignment],
) -> Result<Vec<(usize, &'e Expr)>, SqlError> {
    let mut assigned: Vec<(usize, &Expr)> = Vec::new();
    for assignment in assignments {
        for (name, value) in assignment_parts(assignment)? {
            let parts = name_parts(name)?;
            let column = column_position(target, parts.last().map(String::as_str).unwrap_or_default())?;
            if assigned.iter().any(|(earlier, _)| *earlier == column) {
                let message = format!("multiple assignments to same column \"{}\"", target.desc.names[column]);
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            assigned.push((column, value));
        }
    }
    Ok(assigned)
}

fn assignment_parts(assignment: &Assignment) -> Result<Vec<(&ObjectName, &Expr)>, SqlError> {
    match (&assignment.target, &assignment.value) {
        (AssignmentTarget::ColumnName(name), value) => Ok(vec![(name, value)]),
        (AssignmentTarget::Tuple(names), Expr::Tuple(values)) if names.len() == values.len() => {
            Ok(names.iter().zip(values).collect())
        }
        (AssignmentTarget::Tuple(names), Expr::Nested(value)) if names.len() == 1 => Ok(vec![(&names[0], value)]),
        (AssignmentTarget::Tuple(_), Expr::Tuple(_)) => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values"))
        }
        (AssignmentTarget::Tuple(_), _) => {
            Err(SqlError::unsupported("assignment of a row to several columns").hint("Assign each column by itself."))
        }
    }
}

/// Whether an expression is the word DEFAULT.
pub(super) fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// The new row, over the target's columns followed by one column for each assignment that is not DEFAULT.
fn new_row(target: &Target<'_>, assigned: &[(usize, &Expr)]) -> Vec<ScalarExpr> {
    let mut row: Vec<ScalarExpr> = (0..target.desc.arity()).map(ScalarExpr::Column).collect();
    let mut next = target.desc.arity();
    for (column, expr) in assigned {
        if is_default(expr) {
            row[*column] = target.defaults[*column].clone();
        } else {
            row[*column] = ScalarExpr::Column(next);
            next += 1;
        }
    }
    row
}

/// `DELETE`
pub(super) fn delete(cx: &mut Cx<'_>, s: &DeleteStatement) -> Result<Plan, SqlError> {
    let target = target(cx, &s.table, "delete from")?;
    let alias = alias(&target, &s.alias);
    let selection = s.selection.as_ref();
    let query = RowsQuery { target: (target.item.id, &alias), from: &s.using, selection, exprs: Vec::new() };
    let rows: PlannedRows = plan_rows(&mut cx.query, &query)?;
    let returning = returning(cx, target.item, &alias, target.desc, &s.returning)?;
    Ok(Plan::ReadThenWrite(read_then_write(&target, rows.expr, None, returning)))
}

/// `TRUNCATE`: deletes all rows.
pub(super) fn truncate(cx: &mut Cx<'_>, names: &[ObjectName]) -> Result<Plan, SqlError> {
    let mut plans: Vec<ReadThenWritePlan> = Vec::new();
    for name in names {
        let target = target(cx, name, "truncate")?;
        if plans.iter().all(|plan| plan.table != target.item.id) {
            let rows = RelExpr::get_global(target.item.id, target.desc.typ.clone());
            plans.push(read_then_write(&target, rows, None, None));
        }
    }
    Ok(Plan::Truncate(plans))
}

fn read_then_write(
    target: &Target<'_>,
    selection: RelExpr,
    assignments: Option<Vec<ScalarExpr>>,
    returning: Option<crate::plan::ReturningPlan>,
) -> ReadThenWritePlan {
    ReadThenWritePlan { table: target.item.id, selection, assignments, returning }
}
