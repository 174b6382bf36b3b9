//! Refuses reserved words where a name must stand, which sqlparser lets pass: `SELECT FROM WHERE`.
//!
//! A walk over what was parsed; the error is the one that PostgreSQL gives at the word.

use super::keywords::{Category, category, may_name_column};
use sqlparser::ast::{Expr, Ident, ObjectName, Query, TableAlias, TableFactor, Visit, Visitor};
use sqlparser::parser::ParserError;
use std::ops::ControlFlow;

/// Reserved words that are values, and DEFAULT, which the statements that know it tell from a name.
const VALUES: [&str; 11] = [
    "CURRENT_CATALOG",
    "CURRENT_DATE",
    "CURRENT_ROLE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DEFAULT",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "SESSION_USER",
    "USER",
];

/// Fails at the first word of a query that must not be a name.
pub(crate) fn check<V: Visit>(parsed: &V) -> Result<(), ParserError> {
    match parsed.visit(&mut Checker) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(word) => Err(refused(&word)),
    }
}

/// Fails if the first part of a name must not be one.
pub(crate) fn check_name(name: &ObjectName) -> Result<(), ParserError> {
    match name.0.first().and_then(|part| part.as_ident()) {
        Some(first) if is_refused(first) => Err(refused(first)),
        _ => Ok(()),
    }
}

/// Fails if a word must not be the name of a column.
pub(crate) fn check_ident(ident: &Ident) -> Result<(), ParserError> {
    if is_refused(ident) { Err(refused(ident)) } else { Ok(()) }
}

fn refused(word: &Ident) -> ParserError {
    let start = word.span.start;
    ParserError::ParserError(format!(
        "Expected: a name, found: {} at Line: {}, Column: {}",
        word.value, start.line, start.column
    ))
}

fn is_refused(ident: &Ident) -> bool {
    ident.quote_style.is_none() && !may_name_column(&ident.value)
}

struct Checker;

type Flow = ControlFlow<Ident>;

fn refuse(ident: &Ident) -> Flow {
    if is_refused(ident) { ControlFlow::Break(ident.clone()) } else { ControlFlow::Continue(()) }
}

fn alias(alias: Option<&TableAlias>) -> Flow {
    let Some(alias) = alias else { return ControlFlow::Continue(()) };
    refuse(&alias.name)?;
    alias.columns.iter().try_for_each(|column| refuse(&column.name))
}

impl Visitor for Checker {
    type Break = Ident;

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        query.with.iter().flat_map(|with| &with.cte_tables).try_for_each(|cte| alias(Some(&cte.alias)))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Flow {
        match factor {
            TableFactor::Table { name, alias: called, args, .. } => {
                match name.0.first().and_then(|part| part.as_ident()) {
                    Some(first) if args.is_none() => refuse(first)?,
                    _ => {}
                }
                alias(called.as_ref())
            }
            TableFactor::Derived { alias: called, .. }
            | TableFactor::Function { alias: called, .. }
            | TableFactor::NestedJoin { alias: called, .. } => alias(called.as_ref()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        let first = match expr {
            Expr::Identifier(ident) => ident,
            Expr::CompoundIdentifier(parts) => match parts.first() {
                Some(first) => first,
                None => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        let reserved = first.quote_style.is_none() && category(&first.value) == Some(Category::Reserved);
        if reserved && !VALUES.iter().any(|word| first.value.eq_ignore_ascii_case(word)) {
            return ControlFlow::Break(first.clone());
        }
        ControlFlow::Continue(())
    }
}
