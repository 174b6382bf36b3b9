//! Definitions after a column has got another name or another default.
//!
//! What is stored names columns as they were called when it was made. If one is renamed, its relation's definition has the new name, and those who
//! read the relation go on with the old ones, as aliases: `from "[id]"."u7" b` becomes `from "[id]"."u7" b (id, price)`.

use super::names::{self, NameMap};
use super::{changed, id_name, print};
use crate::catalog::SessionCatalog;
use crate::parser::Statement;
use repr::{GlobalId, SqlError};
use sqlparser::ast::{
    ColumnOption, ColumnOptionDef, Expr, Ident, ObjectName, ObjectNamePart, TableAlias, TableAliasColumnDef, VisitMut,
    VisitorMut,
};
use std::ops::ControlFlow;

/// The definition of a table or view whose columns are called so from now on.
pub fn with_columns(create_sql: &str, columns: &[String]) -> Result<String, SqlError> {
    changed(create_sql, |definition| {
        let idents = columns.iter().map(|name| print::exact_ident(name));
        match definition {
            Statement::CreateTable(table) => {
                table.columns.iter_mut().zip(idents).for_each(|(column, name)| column.name = name);
            }
            Statement::CreateView(view) => view.columns = idents.collect(),
            _ => return Err(SqlError::unsupported("another name for a column of this kind of relation")),
        }
        Ok(())
    })
}

/// The definition of something that uses a relation, one of whose columns is now called otherwise; `columns` are the names it had.
pub fn after_rename(
    create_sql: &str,
    relation: GlobalId,
    columns: &[String],
    (old, new): (&str, &str),
) -> Result<String, SqlError> {
    changed(create_sql, |definition| match definition {
        Statement::CreateIndex(index) => {
            let mut renamer = Renamer { old, new };
            let _ = index.keys.iter_mut().try_for_each(|key| VisitMut::visit(key, &mut renamer)); // it never breaks off
            Ok(())
        }
        other => names::visit_definition(other, &mut Aliaser { relation: id_name(relation), columns }),
    })
}

/// A table's definition with another default for the column at a position.
pub fn with_default(
    create_sql: &str,
    position: usize,
    default: Option<&str>,
    catalog: &dyn SessionCatalog,
) -> Result<String, SqlError> {
    let default = default.map(crate::parser::parse_expr).transpose()?;
    changed(create_sql, |definition| {
        let Statement::CreateTable(table) = definition else {
            return Err(SqlError::unsupported("a default in anything but a table"));
        };
        if let Some(column) = table.columns.get_mut(position) {
            column.options.retain(|option| !matches!(option.option, ColumnOption::Default(_)));
            let option = default.map(|expr| ColumnOptionDef { name: None, option: ColumnOption::Default(expr) });
            column.options.extend(option);
        }
        super::resolve(catalog, definition).map(drop)
    })
}

/// Gives a relation's columns the names that they had.
struct Aliaser<'a> {
    relation: ObjectName,
    columns: &'a [String],
}

impl NameMap for Aliaser<'_> {
    fn item(&mut self, _: &mut ObjectName) -> Result<(), SqlError> {
        Ok(())
    }

    fn relation(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<(), SqlError> {
        if *name != self.relation {
            return Ok(());
        }
        let own_name = name.0.last().and_then(ObjectNamePart::as_ident).cloned().unwrap_or_else(|| Ident::new("t"));
        let plain = || TableAlias { explicit: true, name: own_name, columns: Vec::new(), at: None };
        let alias = alias.get_or_insert_with(plain);
        // An alias that names some of the columns leaves the others their own names.
        let column = |name: &String| TableAliasColumnDef { name: print::exact_ident(name), data_type: None };
        alias.columns.extend(self.columns.iter().skip(alias.columns.len()).map(column));
        Ok(())
    }

    fn function(&mut self, _: &mut ObjectName) -> Result<(), SqlError> {
        Ok(())
    }

    fn qualifier(&mut self, _: &mut Vec<Ident>) {}
}

/// Renames a column in expressions over one relation.
struct Renamer<'a> {
    old: &'a str,
    new: &'a str,
}

impl VisitorMut for Renamer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let ident = match expr {
            Expr::Identifier(ident) => Some(ident),
            Expr::CompoundIdentifier(idents) => idents.last_mut(),
            _ => None,
        };
        if let Some(ident) = ident.filter(|ident| crate::statement::names::fold(ident) == self.old) {
            *ident = print::exact_ident(self.new);
        }
        ControlFlow::Continue(())
    }
}
