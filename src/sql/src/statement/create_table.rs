//! CREATE TABLE: columns, their types, NOT NULL, defaults and keys.

use super::Cx;
use super::constraint::{unique_constraints, unsupported_option};
use super::names::{check_free, fold, new_name_of};
use crate::canonical;
use crate::catalog::SessionCatalog;
use crate::coerce::Context;
use crate::parser::Statement;
use crate::parser::extension::ast::CreateTable;
use crate::parser::extension::print;
use crate::plan::{CreateItemPlan, NewItem, Plan};
use crate::query::{ScalarPlace, plan_scalar};
use crate::types::sql_type;
use expr::ScalarExpr;
use repr::{ColumnType, Datum, RelationDesc, RelationType, Row, SqlError, SqlState, SqlType};
use sqlparser::ast::{ColumnDef, ColumnOption, ColumnOptionDef};

/// As many columns as PostgreSQL admits.
const COLUMNS_MAX: usize = 1600;

/// `CREATE TABLE`
pub(super) fn create_table(cx: &mut Cx<'_>, s: &CreateTable) -> Result<Plan, SqlError> {
    let name = new_name_of(cx.catalog, &s.name, s.temporary)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    let mut desc = columns(cx.catalog, &s.columns)?;
    let unique = unique_constraints(&name.item, &s.columns, &s.constraints, &mut desc)?;
    let defaults = defaults(cx, &s.columns, &desc)?;
    let stored = CreateTable {
        name: canonical::full_name(&name),
        if_not_exists: false,
        temporary: s.temporary,
        columns: stored_columns(&s.columns, &desc),
        constraints: Vec::new(),
    };
    let mut stored = Statement::CreateTable(stored);
    let depends_on = canonical::resolve(cx.catalog, &mut stored)?.into_iter().collect();
    let create_sql = print::definition(&stored).ok_or_else(|| SqlError::internal("a table without a definition"))?;
    Ok(Plan::CreateItem(CreateItemPlan {
        name,
        item: NewItem::Table { desc, defaults, unique },
        create_sql,
        depends_on,
        if_not_exists: s.if_not_exists,
        replace: None,
    }))
}

/// Columns as the catalog keeps them: keys are kept by their indexes.
fn stored_columns(columns: &[ColumnDef], desc: &RelationDesc) -> Vec<ColumnDef> {
    let stored = |(column, typ): (&ColumnDef, &ColumnType)| {
        let mut column = column.clone();
        let is_default = |option: &ColumnOptionDef| matches!(option.option, ColumnOption::Default(_));
        column.options.retain(is_default);
        if !typ.nullable {
            column.options.insert(0, ColumnOptionDef { name: None, option: ColumnOption::NotNull });
        }
        column
    };
    columns.iter().zip(&desc.typ.columns).map(stored).collect()
}

/// The description of a table's columns.
pub(super) fn columns(catalog: &dyn SessionCatalog, columns: &[ColumnDef]) -> Result<RelationDesc, SqlError> {
    if columns.len() > COLUMNS_MAX {
        let message = format!("tables can have at most {COLUMNS_MAX} columns");
        return Err(SqlError::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    let mut types = Vec::with_capacity(columns.len());
    for column in columns {
        let name = fold(&column.name);
        if names.contains(&name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        names.push(name);
        types.push(column_type(catalog, column)?);
    }
    Ok(RelationDesc::new(names, RelationType::new(types)))
}

fn column_type(catalog: &dyn SessionCatalog, column: &ColumnDef) -> Result<ColumnType, SqlError> {
    let ty = sql_type(catalog, &column.data_type)?;
    if let SqlType::Record(_) = ty {
        let message = format!("column \"{}\" has pseudo-type record", fold(&column.name));
        return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    }
    let mut nullable = true;
    for option in &column.options {
        match &option.option {
            ColumnOption::NotNull => nullable = false,
            ColumnOption::Null | ColumnOption::Default(_) | ColumnOption::Unique(_) | ColumnOption::PrimaryKey(_) => {}
            other => return Err(unsupported_option(other)),
        }
    }
    Ok(ty.nullable(nullable))
}

fn defaults(cx: &mut Cx<'_>, columns: &[ColumnDef], desc: &RelationDesc) -> Result<Vec<ScalarExpr>, SqlError> {
    let typed = columns.iter().zip(desc.iter());
    typed.map(|(column, (name, typ))| default(cx, column, name, &typ.ty)).collect()
}

fn default(cx: &mut Cx<'_>, column: &ColumnDef, name: &str, ty: &SqlType) -> Result<ScalarExpr, SqlError> {
    let mut given = column.options.iter().filter_map(|option| match &option.option {
        ColumnOption::Default(expr) => Some(expr),
        _ => None,
    });
    let Some(expr) = given.next() else {
        return Ok(ScalarExpr::Literal(Ok(Row::pack([Datum::Null])), ty.clone().nullable(true)));
    };
    if given.next().is_some() {
        let message = format!("multiple default values specified for column \"{name}\"");
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    let place =
        ScalarPlace { relations: &[], expected: Some((ty, Context::Assignment)), clause: "DEFAULT expressions" };
    plan_scalar(&mut cx.maintained(), expr, place).map_err(|error| default_error(error, name, ty))
}

/// In the words that PostgreSQL has for defaults.
fn default_error(error: SqlError, name: &str, ty: &SqlType) -> SqlError {
    match error.code {
        SqlState::UNDEFINED_COLUMN => {
            let message = "cannot use column reference in DEFAULT expression";
            SqlError { message: message.to_string(), code: SqlState::FEATURE_NOT_SUPPORTED, ..error }
        }
        SqlState::CANNOT_COERCE | SqlState::DATATYPE_MISMATCH => {
            let message = format!("column \"{name}\" is of type {ty} but default expression is of another type");
            let hint = "You will need to rewrite or cast the expression.";
            SqlError::new(SqlState::DATATYPE_MISMATCH, message).hint(hint).at(error.position)
        }
        _ => error,
    }
}
