//! INSERT: rows for some columns of a table become whole rows of the right types.

use super::Cx;
use super::names::fold;
use super::on_conflict::on_conflict;
use super::returning::returning;
use super::select::whole;
use super::write::{Target, alias, column_position, is_default, target};
use crate::coerce::{Context, can_coerce};
use crate::parser::extension::ast::InsertStatement;
use crate::plan::{InsertPlan, Plan};
use crate::query::{ScalarPlace, plan_query, plan_scalar};
use expr::func::casts;
use expr::{LocalIds, RelExpr, ScalarExpr};
use repr::{ColumnType, RelationType, Row, RowPacker, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Expr, Ident, Query, SelectItem, SetExpr, Value, Visit, Visitor};
use std::ops::ControlFlow;

/// `INSERT`
pub(super) fn insert(cx: &mut Cx<'_>, s: &InsertStatement) -> Result<Plan, SqlError> {
    let target = target(cx, &s.table, "insert into")?;
    let columns = columns(&target, &s.columns)?;
    let values = match &s.source {
        None => RelExpr::unit().map(target.defaults.to_vec()),
        Some(query) => source(cx, &target, &columns, !s.columns.is_empty(), query)?,
    };
    let alias = alias(&target, &s.alias);
    let on_conflict = s.on_conflict.as_ref().map(|conflict| on_conflict(cx, &target, &alias, conflict)).transpose()?;
    let returning = returning(cx, target.item, &alias, target.desc, &s.returning)?;
    Ok(Plan::Insert(InsertPlan { table: target.item.id, values, on_conflict, returning }))
}

/// Positions of the columns that rows are given for, in the order of the rows.
fn columns(target: &Target<'_>, columns: &[Ident]) -> Result<Vec<usize>, SqlError> {
    if columns.is_empty() {
        return Ok((0..target.desc.arity()).collect());
    }
    let mut positions = Vec::with_capacity(columns.len());
    for column in columns {
        let name = fold(column);
        let position = column_position(target, &name)?;
        if positions.contains(&position) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        positions.push(position);
    }
    Ok(positions)
}

/// Whole rows from a source of rows. With an `explicit` list of columns there must be a value for each.
fn source(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    columns: &[usize],
    explicit: bool,
    query: &Query,
) -> Result<RelExpr, SqlError> {
    let Some(rows) = plain_values(query) else {
        return query_source(cx, target, columns, explicit, query);
    };
    if rows.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length"));
    }
    let columns = given_columns(columns, rows.first().map_or(0, |row| row.len()), explicit)?;
    let mut constants = Vec::new();
    let mut others = Vec::new();
    let mut ids = LocalIds::new();
    for row in rows {
        match values_row(cx, target, columns, row)? {
            ValuesRow::Constant(row) => constants.push(row),
            ValuesRow::Computed(mut rel) => {
                // Each row was planned alone, and may have named its subqueries as another did.
                ids.rename(&mut rel);
                others.push(rel);
            }
        }
    }
    let typ = row_type(target);
    if !constants.is_empty() {
        others.insert(0, RelExpr::constant(constants, typ.clone()));
    }
    Ok(RelExpr::union_all(others, typ))
}

/// The rows of a query that is VALUES and nothing else.
fn plain_values(query: &Query) -> Option<Vec<&[Expr]>> {
    let plain =
        query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
    match query.body.as_ref() {
        SetExpr::Values(values) if plain => Some(values.rows.iter().map(|row| row.content.as_slice()).collect()),
        _ => None,
    }
}

/// The columns that rows of this many values fill.
fn given_columns(columns: &[usize], values: usize, explicit: bool) -> Result<&[usize], SqlError> {
    let error = |message| Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    if values > columns.len() {
        return error("INSERT has more expressions than target columns");
    }
    if values < columns.len() && explicit {
        return error("INSERT has more target columns than expressions");
    }
    Ok(&columns[..values])
}

/// Types of the table's columns as rows come: NOT NULL is checked when they are written.
fn row_type(target: &Target<'_>) -> RelationType {
    let nullable = |typ: &ColumnType| ColumnType { nullable: true, ..typ.clone() };
    RelationType::new(target.desc.typ.columns.iter().map(nullable).collect())
}

/// One row of VALUES.
enum ValuesRow {
    /// Known now.
    Constant(Row),
    /// To be computed.
    Computed(RelExpr),
}

fn values_row(cx: &mut Cx<'_>, target: &Target<'_>, columns: &[usize], row: &[Expr]) -> Result<ValuesRow, SqlError> {
    if row.iter().any(has_subquery) {
        return select_row(cx, target, columns, row).map(ValuesRow::Computed);
    }
    let mut cells = target.defaults.to_vec();
    for (column, value) in columns.iter().zip(row) {
        if !is_default(value) {
            cells[*column] = assigned(cx, target, *column, value)?;
        }
    }
    Ok(match constant_row(&cells) {
        Some(row) => ValuesRow::Constant(row),
        None => ValuesRow::Computed(RelExpr::unit().map(cells)),
    })
}

fn constant_row(cells: &[ScalarExpr]) -> Option<Row> {
    let mut packer = RowPacker::new();
    for cell in cells {
        match cell {
            ScalarExpr::Literal(Ok(row), _) => packer.extend_row(row.as_ref()),
            _ => return None,
        }
    }
    Some(packer.finish())
}

fn has_subquery(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Finder).is_break()
}

/// A row of VALUES with subqueries in it, as a SELECT without FROM.
fn select_row(cx: &mut Cx<'_>, target: &Target<'_>, columns: &[usize], row: &[Expr]) -> Result<RelExpr, SqlError> {
    let given = columns.iter().zip(row).filter(|(_, value)| !is_default(value));
    let (columns, values): (Vec<usize>, Vec<&Expr>) = given.map(|(column, value)| (*column, value)).unzip();
    let mut query = super::select::parse_query("SELECT 1")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = values.into_iter().cloned().map(SelectItem::UnnamedExpr).collect();
    }
    query_source(cx, target, &columns, true, &query)
}

/// A value that is assigned to a column.
fn assigned(cx: &mut Cx<'_>, target: &Target<'_>, column: usize, value: &Expr) -> Result<ScalarExpr, SqlError> {
    let ty = &target.desc.typ.columns[column].ty;
    let place = ScalarPlace { relations: &[], expected: Some((ty, Context::Assignment)), clause: "VALUES" };
    let planned = plan_scalar(&mut cx.query, value, place);
    match planned {
        Err(error) if error.code == SqlState::DATATYPE_MISMATCH => {
            // The same again for the sake of the message: which type does it have?
            let place = ScalarPlace { expected: None, ..place };
            let given = plan_scalar(&mut cx.query, value, place)?.typ(&[]).ty;
            let mismatch = mismatch(&target.desc.names[column], ty, &given);
            Err(if given == *ty { error } else { mismatch.at(error.position) })
        }
        planned => planned,
    }
}

/// `column "a" is of type integer but expression is of type text`
fn mismatch(column: &str, wanted: &SqlType, given: &SqlType) -> SqlError {
    let (wanted, given) = (wanted.without_modifier(), given.without_modifier());
    let message = format!("column \"{column}\" is of type {wanted} but expression is of type {given}");
    let hint = "You will need to rewrite or cast the expression.";
    SqlError::new(SqlState::DATATYPE_MISMATCH, message).hint(hint)
}

/// Rows from a query.
fn query_source(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    columns: &[usize],
    explicit: bool,
    query: &Query,
) -> Result<RelExpr, SqlError> {
    let query = with_typed_literals(query, target, columns)?;
    let (rows, desc) = whole(plan_query(&mut cx.query, &query)?);
    let columns = given_columns(columns, desc.arity(), explicit)?;
    let mut cells = target.defaults.to_vec();
    for (i, (column, from)) in columns.iter().zip(&desc.typ.columns).enumerate() {
        let to = &target.desc.typ.columns[*column].ty;
        cells[*column] = assigned_column(i, &from.ty, to, &target.desc.names[*column])?;
    }
    let outputs = (desc.arity()..desc.arity() + cells.len()).collect();
    Ok(rows.map(cells).project(outputs))
}

/// Column `i` of the rows as a value of the table's column.
fn assigned_column(i: usize, from: &SqlType, to: &SqlType, name: &str) -> Result<ScalarExpr, SqlError> {
    let column = ScalarExpr::Column(i);
    let same_base = from.without_modifier() == to.without_modifier();
    if from == to || from.without_modifier() == *to {
        return Ok(column);
    }
    match casts::lookup(from, to) {
        Some((_, cast)) if same_base || can_coerce(from, to, Context::Assignment) => {
            Ok(cast.apply_in(column, to, casts::CastContext::Assignment))
        }
        None if same_base => Ok(column),
        _ => Err(mismatch(name, to, from)),
    }
}

/// A SELECT's strings, NULLs and parameters take the type of the column they are inserted into, if nothing else gives them one.
fn with_typed_literals(query: &Query, target: &Target<'_>, columns: &[usize]) -> Result<Query, SqlError> {
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(query) };
    for (item, column) in select.projection.iter_mut().zip(columns) {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { break };
        if is_untyped(expr) {
            let ty = target.desc.typ.columns[*column].ty.without_modifier();
            let untyped = std::mem::replace(expr, Expr::Value(Value::Null.into()));
            *expr = cast_to(untyped, &ty)?;
        }
    }
    Ok(query)
}

fn is_untyped(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => {
            matches!(value.value, Value::SingleQuotedString(_) | Value::Null | Value::Placeholder(_))
        }
        _ => false,
    }
}

fn cast_to(inner: Expr, ty: &SqlType) -> Result<Expr, SqlError> {
    match crate::parser::parse_expr(&format!("NULL::{ty}"))? {
        Expr::Cast { kind, data_type, format, .. } => {
            Ok(ast::Expr::Cast { kind, expr: Box::new(inner), data_type, format })
        }
        other => Err(SqlError::internal(format!("not a cast: {other}"))),
    }
}
