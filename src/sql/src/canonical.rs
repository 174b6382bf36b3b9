//! Canonical SQL: item definitions with every name resolved, so that they plan the same for ever, whatever is renamed later.
//!
//! ```text
//! as typed       select b.id from bids b join public.items on item = items.id
//! as stored      select b.id from "[id]"."u7" b join "[id]"."u9" as items on item = items.id
//! as displayed   select b.id from materialize.public.bids b join materialize.public.items on item = items.id
//! ```
//!
//! Planning of `CREATE …` stores the second form; environmentd plans it again when it starts, and shows the third. A resolved name has two
//! parts, [`ID_MARK`] and the identifier; [`SessionCatalog::resolve`] takes it like any other name. Names of CTEs, aliases and columns stay as
//! they are: a relation that is called by its own name gets that name as an alias.

mod columns;
mod names;
#[cfg(test)]
mod tests;

pub use columns::{after_rename, with_columns, with_default};

use crate::catalog::{CatalogItem, ItemName, SessionCatalog, quote_ident};
use crate::parser::Statement;
use crate::parser::extension::ast::{EnumLabel, OptionValue, SourceFrom, TypeDefinition, WithOption};
use crate::parser::extension::print;
use crate::plan::SourceExport;
use repr::{GlobalId, SqlError};
use sqlparser::ast::{ColumnOption, Expr, Ident, ObjectName, Value};
use std::collections::BTreeSet;

/// The first part of a resolved name; no schema can be called so.
pub const ID_MARK: &str = "[id]";

/// A resolved name.
pub fn id_name(id: GlobalId) -> ObjectName {
    ObjectName::from(vec![Ident::with_quote('"', ID_MARK), Ident::with_quote('"', id.to_string())])
}

/// A full name that is read back as it is.
pub fn full_name(name: &ItemName) -> ObjectName {
    let parts = name.database.iter().chain([&name.schema, &name.item]);
    ObjectName::from(parts.map(|part| print::exact_ident(part)).collect::<Vec<_>>())
}

/// Resolves all names of items in a definition, and collects what they are; fails with 42P01 where there is none.
pub fn resolve(catalog: &dyn SessionCatalog, definition: &mut Statement) -> Result<BTreeSet<GlobalId>, SqlError> {
    let mut resolver = names::Resolver::new(catalog);
    names::visit_definition(definition, &mut resolver)?;
    Ok(resolver.into_ids())
}

/// A stored definition as people read it: identifiers are names again. What no longer exists or does not parse stays as it is.
pub fn display(create_sql: &str, catalog: &dyn SessionCatalog) -> String {
    display_with(create_sql, &[], catalog)
}

/// A stored definition as people read it; for a table with its constraints, which indexes keep (`CONSTRAINT t_pkey PRIMARY KEY (a)`).
pub fn display_with(create_sql: &str, constraints: &[String], catalog: &dyn SessionCatalog) -> String {
    crate::with_deep_stack(|| displayed(create_sql, constraints, catalog)).unwrap_or_else(|| create_sql.to_string())
}

fn displayed(create_sql: &str, constraints: &[String], catalog: &dyn SessionCatalog) -> Option<String> {
    let mut definition = crate::parser::parse(create_sql).ok()?.pop()?.ast;
    if let (Statement::CreateTable(table), false) = (&mut definition, constraints.is_empty()) {
        let columns = format!("CREATE TABLE t ({})", constraints.join(", "));
        let Statement::CreateTable(constrained) = crate::parser::parse(&columns).ok()?.pop()?.ast else { return None };
        table.constraints = constrained.constraints;
    }
    if let Statement::CreateTableFromSource(table) = &mut definition {
        table.options.clear();
    }
    if let Statement::CreateType(ty) = &mut definition
        && let TypeDefinition::Enum(labels) = &mut ty.definition
    {
        labels.iter_mut().for_each(|label| label.place = None);
    }
    names::visit_definition(&mut definition, &mut names::Namer { catalog, name: &|item| full_name(&item.name) })
        .ok()?;
    print::definition(&definition).map(crate::parser::frame::show)
}

/// The query of a stored view as people read it, with its relations called as `name` says; none if it is no view.
pub fn query(
    create_sql: &str,
    catalog: &dyn SessionCatalog,
    name: &dyn Fn(&CatalogItem) -> ObjectName,
) -> Option<String> {
    crate::with_deep_stack(|| {
        let mut definition = crate::parser::parse(create_sql).ok()?.pop()?.ast;
        names::visit_definition(&mut definition, &mut names::Namer { catalog, name }).ok()?;
        let Statement::CreateView(view) = definition else { return None };
        Some(crate::parser::frame::show(crate::parser::respell::restore(&view.query.to_string())))
    })
}

/// A name of these parts that is read back as it is.
pub fn name_of(parts: &[&str]) -> ObjectName {
    ObjectName::from(parts.iter().map(|part| print::exact_ident(part)).collect::<Vec<_>>())
}

/// The definition of a source's table, which plans to `NewItem::SourceTable` with the same `export`.
pub fn source_table_sql(name: &ItemName, source: GlobalId, export: &SourceExport) -> String {
    let column = |(name, typ): (&String, &repr::ColumnType)| {
        format!("{} {}{}", quote_ident_exact(name), typ.ty, if typ.nullable { "" } else { " NOT NULL" })
    };
    let columns: Vec<String> = export.desc.iter().map(column).collect();
    let reference = format!("{}.{}", quote_ident_exact(&export.schema), quote_ident_exact(&export.table));
    // A `SourceExport` is strings, numbers and lists of them: nothing in it can fail to be written.
    let details = serde_json::to_string(export).unwrap_or_default();
    format!(
        "CREATE TABLE {} ({}) FROM SOURCE {} (REFERENCE = {reference}) WITH (DETAILS = {})",
        full_name(name),
        columns.join(", "),
        id_name(source),
        print::quote_string(&details)
    )
}

/// A source's definition with the replication slot that was made for it, and without the choice of tables, which are items of their own.
pub fn source_with_slot(create_sql: &str, slot: &str) -> Result<String, SqlError> {
    let mut parsed = crate::parser::parse(create_sql)?;
    let Some(Statement::CreateSource(source)) = parsed.first_mut().map(|parsed| &mut parsed.ast) else {
        return Err(SqlError::internal("not the definition of a source"));
    };
    source.tables = crate::parser::extension::ast::SourceTables::None;
    if let SourceFrom::Postgres(_, options) = &mut source.from {
        options.retain(|option| option.name != "SLOT");
        options.push(WithOption { name: "SLOT", value: OptionValue::Text(slot.to_string()) });
    }
    Ok(source.to_string())
}

/// The default of a table's column, as PostgreSQL shows it; none if it has none.
pub fn column_default(create_sql: &str, position: usize) -> Option<String> {
    let Statement::CreateTable(table) = crate::parser::parse(create_sql).ok()?.pop()?.ast else { return None };
    let column = table.columns.get(position)?;
    let default = column.options.iter().find_map(|option| match &option.option {
        ColumnOption::Default(expr) => Some(expr),
        _ => None,
    })?;
    let ty = crate::types::builtin_type(&column.data_type);
    let text = matches!(default, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)));
    Some(match ty {
        Some(ty) if text => format!("{default}::{}", ty.without_modifier()),
        _ => default.to_string(),
    })
}

/// A definition under another name.
pub fn renamed(create_sql: &str, name: &ItemName) -> Result<String, SqlError> {
    changed(create_sql, |definition| {
        let full = full_name(name);
        match definition {
            Statement::CreateTable(s) => s.name = full,
            Statement::CreateTableFromSource(s) => s.name = full,
            Statement::CreateView(s) => s.name = full,
            Statement::CreateIndex(s) => s.name = Some(print::exact_ident(&name.item)),
            Statement::CreateSecret(s) => s.name = full,
            Statement::CreateConnection(s) => s.name = full,
            Statement::CreateSource(s) => s.name = full,
            _ => {}
        }
        Ok(())
    })
}

/// A definition that says to be maintained in a cluster of this name.
pub fn in_cluster(create_sql: &str, cluster: &str) -> Result<String, SqlError> {
    changed(create_sql, |definition| {
        let cluster = Some(print::exact_ident(cluster));
        match definition {
            Statement::CreateView(s) => s.cluster = cluster,
            Statement::CreateIndex(s) => s.cluster = cluster,
            Statement::CreateSource(s) => s.cluster = cluster,
            _ => {}
        }
        Ok(())
    })
}

/// The definition of an enum with other values, each with its place, in order.
pub fn with_labels(create_sql: &str, labels: &[(f32, String)]) -> Result<String, SqlError> {
    changed(create_sql, |definition| {
        let Statement::CreateType(ty) = definition else { return Ok(()) };
        let label = |(number, (place, text)): (usize, &(f32, String))| EnumLabel {
            text: text.clone(),
            place: (*place != number as f32).then_some(*place),
        };
        ty.definition = TypeDefinition::Enum((1..).zip(labels).map(label).collect());
        Ok(())
    })
}

fn changed(create_sql: &str, change: impl FnOnce(&mut Statement) -> Result<(), SqlError>) -> Result<String, SqlError> {
    let mut parsed = crate::parser::parse(create_sql)?;
    let definition = parsed.first_mut().map(|parsed| &mut parsed.ast);
    let definition = definition.ok_or_else(|| SqlError::internal("an empty definition"))?;
    change(definition)?;
    print::definition(definition).ok_or_else(|| SqlError::internal("not a definition"))
}

fn quote_ident_exact(name: &str) -> String {
    match print::exact_ident(name).quote_style {
        Some(_) => format!("\"{}\"", name.replace('"', "\"\"")),
        None => quote_ident(name),
    }
}
