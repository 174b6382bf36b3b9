//! ORDER BY, LIMIT, OFFSET: of whole queries and of subqueries.

use super::Output;
use super::planner::{Clause, Planner, fold};
use crate::coerce::{Context, constant};
use crate::hir::{HirOrder, HirRel};
use expr::ScalarExpr;
use repr::{Arena, Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Expr, LimitClause, OrderByKind, OrderByOptions, OrderBySort};

/// A query's rows, and what ORDER BY and LIMIT ask for, not yet done.
pub(crate) struct Ordered {
    /// The rows; they may have columns that only order.
    pub rel: HirRel,
    /// The visible columns.
    pub output: Output,
    /// The order.
    pub order: Vec<HirOrder>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// After skipping so many.
    pub offset: u64,
}

/// LIMIT, OFFSET and FETCH.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At most so many rows.
    pub limit: Option<u64>,
    /// After skipping so many.
    pub offset: u64,
    /// And those that the order does not tell from the last.
    pub ties: bool,
}

impl Ordered {
    /// As a relation: an order alone means nothing there, with a limit it chooses rows.
    pub fn into_relation(self) -> (HirRel, Output) {
        if self.limit.is_none() && self.offset == 0 {
            return (self.rel, self.output);
        }
        let limit = self.limit.map(|n| constant(Datum::Int8(i64::try_from(n).unwrap_or(i64::MAX)), SqlType::Int8));
        let (order, offset) = (self.order, self.offset);
        let rel = HirRel::TopK { input: Box::new(self.rel), group: Vec::new(), order, limit, offset };
        (rel, self.output)
    }
}

/// Whether an item orders descending, and where it puts NULL.
pub(crate) fn direction(options: &OrderByOptions) -> Result<(bool, bool), SqlError> {
    let desc = match &options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(operator)) => match operator.to_string().trim_start_matches("pg_catalog.") {
            "<" => false,
            ">" => true,
            other => {
                let message = format!("operator {other} is not a valid ordering operator");
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
        },
    };
    Ok((desc, options.nulls_first.unwrap_or(desc)))
}

/// The items of an ORDER BY.
pub(crate) fn order_items(order_by: Option<&ast::OrderBy>) -> Result<&[ast::OrderByExpr], SqlError> {
    match order_by.map(|o| &o.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(items)) => Ok(items),
        Some(OrderByKind::All(_)) => Err(SqlError::unsupported("ORDER BY ALL")),
    }
}

/// The position that a bare number in ORDER BY, GROUP BY or DISTINCT ON means; other constants are refused.
pub(crate) fn ordinal(expr: &Expr, count: usize, clause: &str) -> Result<Option<usize>, SqlError> {
    let Expr::Value(value) = expr else { return Ok(None) };
    match &value.value {
        ast::Value::Number(digits, _) => match digits.parse::<usize>() {
            Ok(n) if (1..=count).contains(&n) => Ok(Some(n - 1)),
            Ok(n) => {
                let message = format!("{clause} position {n} is not in select list");
                Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message))
            }
            Err(_) => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("non-integer constant in {clause}"))),
        },
        ast::Value::Placeholder(_) => Ok(None),
        ast::Value::Null | ast::Value::Boolean(_) => Ok(None),
        _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("non-integer constant in {clause}"))),
    }
}

/// The output column that a bare name in ORDER BY means.
pub(crate) fn output_named<'a, T: PartialEq>(
    names: impl Iterator<Item = (&'a String, T)>,
    expr: &Expr,
    clause: &str,
) -> Result<Option<T>, SqlError> {
    let Expr::Identifier(ident) = expr else { return Ok(None) };
    let name = fold(ident);
    let mut found = None;
    for (_, value) in names.filter(|(n, _)| **n == name) {
        match &found {
            Some(before) if *before != value => {
                return Err(SqlError::new(SqlState::AMBIGUOUS_COLUMN, format!("{clause} \"{name}\" is ambiguous")));
            }
            _ => found = Some(value),
        }
    }
    Ok(found)
}

impl Planner<'_, '_> {
    /// ORDER BY over a set operation or VALUES: output columns only.
    pub fn order_by_output(&mut self, output: &Output, items: &[ast::OrderByExpr]) -> Result<Vec<HirOrder>, SqlError> {
        let mut order = Vec::new();
        for item in items {
            let (desc, nulls_first) = direction(&item.options)?;
            let by_position = ordinal(&item.expr, output.cols.len(), "ORDER BY")?.map(|i| output.cols[i]);
            let named = output.names.iter().zip(output.cols.iter().copied());
            let col = match by_position {
                Some(col) => Some(col),
                None => output_named(named, &item.expr, "ORDER BY")?,
            };
            let Some(col) = col else {
                let error = match &item.expr {
                    Expr::Identifier(ident) => crate::scope::no_column(&[fold(ident)]),
                    _ => {
                        SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                            .detail("Only result column names can be used, not expressions or functions.")
                            .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                    }
                };
                return Err(error.at(self.position(&item.expr)));
            };
            order.push(HirOrder { col, desc, nulls_first });
        }
        Ok(order)
    }

    /// LIMIT, OFFSET and FETCH: numbers that are known now.
    pub fn limits(&mut self, query: &ast::Query) -> Result<Limits, SqlError> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref().map(|o| &o.value))
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                    .hint("Use separate LIMIT and OFFSET clauses."));
            }
            Some(_) => return Err(SqlError::unsupported("LIMIT BY")),
        };
        let mut limit = limit.map(|e| self.row_count(e, "LIMIT")).transpose()?.flatten();
        let offset = offset.map(|e| self.row_count(e, "OFFSET")).transpose()?.flatten().unwrap_or(0);
        if let Some(fetch) = &query.fetch {
            if fetch.percent {
                return Err(SqlError::unsupported("FETCH … PERCENT"));
            }
            if fetch.with_ties && query.order_by.is_none() {
                let message = "WITH TIES cannot be specified without ORDER BY clause";
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            limit = match &fetch.quantity {
                Some(expr) => self.row_count(expr, "FETCH")?,
                None => Some(1),
            };
        }
        let ties = limit.is_some() && query.fetch.as_ref().is_some_and(|fetch| fetch.with_ties);
        Ok(Limits { limit, offset, ties })
    }

    fn row_count(&mut self, expr: &Expr, clause: &'static str) -> Result<Option<u64>, SqlError> {
        self.push_frame(Default::default(), Clause::bare(clause));
        let hidden: Vec<bool> = self.frames.iter_mut().map(|f| std::mem::replace(&mut f.visible, false)).collect();
        let planned = self.operand(expr).and_then(|o| self.coerce(o, &SqlType::Int8, Context::Assignment));
        self.frames.iter_mut().zip(hidden).for_each(|(f, visible)| f.visible = visible);
        self.frames.pop();
        let planned = planned.map_err(|e| match e.code {
            SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE => {
                let message = format!("argument of {clause} must not contain variables");
                SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(e.position)
            }
            _ => e,
        })?;
        if has_open_parameter(&planned) {
            return Ok(None); // The query is only described; its parameters have no values.
        }
        let arena = Arena::new();
        match planned.eval(&[], &arena)? {
            Datum::Null => Ok(None),
            Datum::Int8(n) => u64::try_from(n).map(Some).map_err(|_| negative(clause)),
            _ => Err(SqlError::internal("a row count that is no number")),
        }
    }
}

fn negative(clause: &str) -> SqlError {
    match clause {
        "OFFSET" => SqlError::new(SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET must not be negative"),
        _ => SqlError::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative"),
    }
}

/// Whether an expression contains a parameter without a value.
fn has_open_parameter(expr: &ScalarExpr) -> bool {
    match expr {
        ScalarExpr::Literal(Err(error), _) => error.code == SqlState::UNDEFINED_PARAMETER,
        _ => crate::hir::operands(expr).into_iter().any(has_open_parameter),
    }
}
