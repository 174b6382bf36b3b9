//! SELECT with its time, and small queries that other statements stand for.

use super::Cx;
use crate::coerce::Context;
use crate::parser::Statement;
use crate::parser::extension::ast::{AsOf, SelectStatement};
use crate::plan::{Plan, SelectPlan, Signal, When};
use crate::query::{PlannedQuery, ScalarPlace, plan_query, plan_scalar};
use expr::{RelExpr, ScalarExpr};
use repr::{Datum, RelationDesc, Row, SqlError, SqlType};
use sqlparser::ast::{Expr, Query};

/// `SELECT`
pub(super) fn select(cx: &mut Cx<'_>, s: &SelectStatement) -> Result<Plan, SqlError> {
    let (query, signals) = super::signal::taken_out(&s.query)?;
    let planned = plan_query(&mut cx.query, &query)?;
    let when = when(cx, &s.as_of)?;
    Ok(select_plan(cx, planned, when, signals))
}

fn select_plan(cx: &mut Cx<'_>, planned: PlannedQuery, when: When, signals: Vec<(usize, Signal)>) -> Plan {
    let mut desc = planned.result_desc();
    for (column, _) in &signals {
        desc.typ.columns[*column].ty = SqlType::Bool;
    }
    let effects = std::mem::take(&mut cx.query.effects);
    Plan::Select(SelectPlan { source: planned.expr, when, finishing: planned.finishing, desc, effects, signals })
}

/// A query with its order, limit and projection in the plan, and its columns: what is written or followed, not returned.
pub(super) fn whole(planned: PlannedQuery) -> (RelExpr, RelationDesc) {
    let desc = planned.result_desc();
    let PlannedQuery { expr, finishing, .. } = planned;
    let limited = match (finishing.limit, finishing.offset) {
        (None, 0) => expr,
        (limit, offset) => expr.top_k(Vec::new(), finishing.order, limit.map(limit_literal), offset),
    };
    (limited.project(finishing.project), desc)
}

fn limit_literal(limit: u64) -> ScalarExpr {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    ScalarExpr::Literal(Ok(Row::pack([Datum::Int8(limit)])), SqlType::Int8.nullable(false))
}

/// When a read happens.
pub(super) fn when(cx: &mut Cx<'_>, as_of: &Option<AsOf>) -> Result<When, SqlError> {
    Ok(match as_of {
        None => When::Immediately,
        Some(AsOf::At(time)) => When::AtTimestamp(constant(cx, time, "AS OF", None)?),
        Some(AsOf::AtLeast(time)) => When::AtLeastTimestamp(constant(cx, time, "AS OF", None)?),
    })
}

/// An expression without columns.
pub(super) fn constant(
    cx: &mut Cx<'_>,
    expr: &Expr,
    clause: &'static str,
    expected: Option<&SqlType>,
) -> Result<ScalarExpr, SqlError> {
    let expected = expected.map(|ty| (ty, Context::Assignment));
    plan_scalar(&mut cx.query, expr, ScalarPlace { relations: &[], expected, clause })
}

/// The query that a text of our own making is.
pub(super) fn parse_query(text: &str) -> Result<Box<Query>, SqlError> {
    match crate::parser::parse(text)?.pop().map(|parsed| parsed.ast) {
        Some(Statement::Select(select)) => Ok(select.query),
        _ => Err(SqlError::internal(format!("not a query: {text}"))),
    }
}

/// Plans a query of our own making.
pub(super) fn plan_text(cx: &mut Cx<'_>, text: &str) -> Result<Plan, SqlError> {
    let query = parse_query(text)?;
    let planned = plan_query(&mut cx.query, &query)?;
    Ok(select_plan(cx, planned, When::Immediately, Vec::new()))
}
