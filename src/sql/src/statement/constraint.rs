//! UNIQUE and PRIMARY KEY: what a table's rows must differ in. Each such constraint is kept by a unique index of its own.

use super::create_index::{NewIndex, free_name};
use super::names::{check_free, fold};
use crate::catalog::{CatalogItem, ItemName, SessionCatalog, Uniqueness};
use crate::parser::extension::print;
use crate::plan::{CreateItemPlan, UniqueConstraint};
use expr::ScalarExpr;
use repr::{RelationDesc, SqlError, SqlState};
use sqlparser::ast::{
    ColumnDef, ColumnOption, ConstraintCharacteristics, Expr, Ident, IndexColumn, NullsDistinctOption, TableConstraint,
};

/// A constraint as it was declared.
struct Declared<'a> {
    name: Option<&'a Ident>,
    columns: Vec<&'a Ident>,
    primary: bool,
}

/// The unique constraints of a table, the primary key first, whose columns are no longer nullable from here on.
pub(super) fn unique_constraints(
    table: &str,
    columns: &[ColumnDef],
    constraints: &[TableConstraint],
    desc: &mut RelationDesc,
) -> Result<Vec<UniqueConstraint>, SqlError> {
    let mut unique: Vec<UniqueConstraint> = Vec::new();
    let of_table = constraints.iter().map(of_table);
    for declared in columns.iter().flat_map(of_column).chain(of_table) {
        let constraint = resolve(declared?, desc)?;
        if constraint.primary && unique.iter().any(|earlier| earlier.primary) {
            let message = format!("multiple primary keys for table \"{table}\" are not allowed");
            return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        unique.push(constraint);
    }
    unique.sort_by_key(|constraint| !constraint.primary);
    for column in unique.iter().filter(|constraint| constraint.primary).flat_map(|constraint| &constraint.columns) {
        desc.typ.columns[*column].nullable = false;
    }
    // One index keeps what is said twice.
    let mut seen: Vec<Vec<usize>> = Vec::new();
    unique.retain(|constraint| {
        let again = constraint.name.is_none() && seen.contains(&constraint.columns);
        seen.push(constraint.columns.clone());
        !again
    });
    Ok(unique)
}

fn of_column(column: &ColumnDef) -> impl Iterator<Item = Result<Declared<'_>, SqlError>> {
    column.options.iter().filter_map(|option| {
        let (characteristics, primary) = match &option.option {
            ColumnOption::PrimaryKey(key) => (&key.characteristics, true),
            ColumnOption::Unique(unique) => (&unique.characteristics, false),
            _ => return None,
        };
        let declared = Declared { name: option.name.as_ref(), columns: vec![&column.name], primary };
        Some(check_characteristics(characteristics).map(|()| declared))
    })
}

fn of_table(constraint: &TableConstraint) -> Result<Declared<'_>, SqlError> {
    let (name, columns, include, characteristics, primary) = match constraint {
        TableConstraint::PrimaryKey(key) => (&key.name, &key.columns, &key.include, &key.characteristics, true),
        TableConstraint::Unique(key) => {
            if key.nulls_distinct == NullsDistinctOption::NotDistinct {
                return Err(SqlError::unsupported("UNIQUE NULLS NOT DISTINCT"));
            }
            (&key.name, &key.columns, &key.include, &key.characteristics, false)
        }
        other => return Err(unsupported(table_constraint(other))),
    };
    if !include.is_empty() {
        return Err(SqlError::unsupported("INCLUDE").hint("Leave it out: an index holds whole rows."));
    }
    check_characteristics(characteristics)?;
    let columns = columns.iter().map(key_column).collect::<Result<_, _>>()?;
    Ok(Declared { name: name.as_ref(), columns, primary })
}

fn key_column(column: &IndexColumn) -> Result<&Ident, SqlError> {
    match &column.column.expr {
        Expr::Identifier(ident) => Ok(ident),
        other => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("a key consists of columns, not of {other}"))),
    }
}

fn check_characteristics(characteristics: &Option<ConstraintCharacteristics>) -> Result<(), SqlError> {
    let Some(characteristics) = characteristics else { return Ok(()) };
    if characteristics.deferrable == Some(true) || characteristics.enforced == Some(false) {
        let hint = "Unique constraints are checked when a statement ends, and again when its transaction commits.";
        return Err(SqlError::unsupported(format!("{characteristics}")).hint(hint));
    }
    Ok(())
}

/// A constraint on columns by position.
fn resolve(declared: Declared<'_>, desc: &RelationDesc) -> Result<UniqueConstraint, SqlError> {
    let mut columns = Vec::with_capacity(declared.columns.len());
    for column in &declared.columns {
        let name = fold(column);
        let position = desc.position(&name).ok_or_else(|| {
            let message = format!("column \"{name}\" named in key does not exist");
            SqlError::new(SqlState::UNDEFINED_COLUMN, message)
        })?;
        if columns.contains(&position) {
            let kind = if declared.primary { "primary key" } else { "unique" };
            let message = format!("column \"{name}\" appears twice in {kind} constraint");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        columns.push(position);
    }
    Ok(UniqueConstraint { name: declared.name.map(fold), columns, primary: declared.primary })
}

/// The index that keeps a constraint of a table, to be created after it.
pub fn constraint_index(
    catalog: &dyn SessionCatalog,
    table: &CatalogItem,
    constraint: &UniqueConstraint,
) -> Result<CreateItemPlan, SqlError> {
    let desc = table.details.desc().ok_or_else(|| SqlError::internal("a constraint of what has no columns"))?;
    let columns: Vec<&str> = constraint.columns.iter().map(|column| desc.names[*column].as_str()).collect();
    let name = match &constraint.name {
        Some(item) => ItemName { item: item.clone(), ..table.name.clone() },
        None if constraint.primary => free_name(catalog, table, &[], "pkey")?,
        None => free_name(catalog, table, &columns, "key")?,
    };
    check_free(catalog, &name, false)?;
    NewIndex {
        name,
        on: table,
        key_exprs: columns.iter().map(|column| Expr::Identifier(print::exact_ident(column))).collect(),
        keys: constraint.columns.iter().copied().map(ScalarExpr::Column).collect(),
        cluster: catalog.active_cluster()?,
        unique: Some(if constraint.primary { Uniqueness::PrimaryKey } else { Uniqueness::Constraint }),
    }
    .plan(catalog, false)
}

fn table_constraint(constraint: &TableConstraint) -> &'static str {
    match constraint {
        TableConstraint::ForeignKey(_) => "FOREIGN KEY",
        TableConstraint::Check(_) => "CHECK",
        _ => "this table constraint",
    }
}

/// The error for an option of a column that is no constraint of ours.
pub(super) fn unsupported_option(option: &ColumnOption) -> SqlError {
    unsupported(match option {
        ColumnOption::ForeignKey(_) => "REFERENCES",
        ColumnOption::Check(_) => "CHECK",
        ColumnOption::Generated { .. } => "GENERATED",
        ColumnOption::Collation(_) => "COLLATE",
        _ => "this column option",
    })
}

fn unsupported(what: &str) -> SqlError {
    let hint = match what {
        "GENERATED" => "Leave the clause out and compute the column in a view.",
        _ => "Leave it out: tables have NOT NULL, DEFAULT, UNIQUE and PRIMARY KEY only.",
    };
    SqlError::unsupported(what).hint(hint)
}
