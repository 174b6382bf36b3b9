//! `CREATE TABLE … AS`: a table with the columns and, once it is there, the rows of a query.

use super::Cx;
use super::create_table::create_table;
use super::names::fold;
use super::select::whole;
use crate::parser::Statement;
use crate::parser::extension::ast::{CreateTable, CreateTableAs};
use crate::parser::extension::print::exact_ident;
use crate::plan::{CreateTableAsPlan, Plan};
use crate::query::plan_query;
use repr::{RelationDesc, SqlError, SqlState, SqlType};

/// `CREATE TABLE … AS`
pub(super) fn create_table_as(cx: &mut Cx<'_>, s: &CreateTableAs) -> Result<Plan, SqlError> {
    let (rows, mut desc) = whole(plan_query(&mut cx.query, &s.query)?);
    if s.columns.len() > desc.arity() {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "too many column names were specified"));
    }
    for (name, given) in desc.names.iter_mut().zip(&s.columns) {
        *name = fold(given);
    }
    let table = CreateTable {
        name: s.name.clone(),
        temporary: s.temporary,
        if_not_exists: s.if_not_exists,
        ..definition(&desc)?
    };
    let Plan::CreateItem(create) = create_table(cx, &table)? else {
        return Err(SqlError::internal("a table that is no item"));
    };
    Ok(Plan::CreateTableAs(Box::new(CreateTableAsPlan { create, rows: s.with_data.then_some(rows) })))
}

/// What one would write to create an empty table of these columns.
fn definition(desc: &RelationDesc) -> Result<CreateTable, SqlError> {
    if let Some((name, _)) = desc.iter().find(|(_, typ)| matches!(typ.ty, SqlType::Record(_))) {
        let message = format!("column \"{name}\" has pseudo-type record");
        return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    }
    let columns: Vec<String> = desc.iter().map(|(name, typ)| format!("{} {}", exact_ident(name), typ.ty)).collect();
    let text = format!("CREATE TABLE t ({})", columns.join(", "));
    match crate::parser::parse(&text)?.pop().map(|parsed| parsed.ast) {
        Some(Statement::CreateTable(table)) => Ok(table),
        _ => Err(SqlError::internal(format!("not a table: {text}"))),
    }
}
