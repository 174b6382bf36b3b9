//! Cursors and prepared statements.

use super::names::fold;
use super::options::Options;
use super::{Cx, plan_statement};
use crate::parser::Statement;
use crate::parser::extension::ast::{FetchStatement, PrepareStatement};
use crate::plan::{DeclarePlan, ExecutePlan, FetchPlan, Plan, PreparePlan};
use crate::types::sql_type;
use repr::SqlError;
use sqlparser::ast::{Expr, Ident};

/// `DECLARE`
pub(super) fn declare(cx: &mut Cx<'_>, name: &Ident, inner: &Statement) -> Result<Plan, SqlError> {
    match plan_statement(cx, inner)? {
        inner @ (Plan::Select(_) | Plan::Subscribe(_)) => {
            Ok(Plan::Declare(DeclarePlan { name: fold(name), inner: Box::new(inner) }))
        }
        _ => Err(SqlError::unsupported("a cursor for anything but SELECT and SUBSCRIBE")),
    }
}

/// `FETCH`
pub(super) fn fetch(s: &FetchStatement) -> Result<Plan, SqlError> {
    let timeout = Options::new("FETCH", &s.options)?.duration("TIMEOUT")?;
    Ok(Plan::Fetch(FetchPlan { name: fold(&s.name), count: s.count, timeout }))
}

/// `PREPARE`: its text, which the session describes at once and plans whenever it is executed.
pub(super) fn prepare(cx: &Cx<'_>, s: &PrepareStatement) -> Result<Plan, SqlError> {
    let param_types = s.param_types.iter().map(|ty| sql_type(cx.catalog, ty)).collect::<Result<_, _>>()?;
    Ok(Plan::Prepare(PreparePlan { name: fold(&s.name), sql: inner_text(cx.sql)?, param_types }))
}

/// The text after `PREPARE name (types) AS`. Parsed again by itself, a statement's lines and columns count from its own beginning.
fn inner_text(sql: &str) -> Result<String, SqlError> {
    let parsed = crate::parser::parse(sql)?.pop().map(|parsed| (parsed.ast, parsed.lines));
    let Some((Statement::Prepare(prepare), lines)) = parsed else {
        return Err(SqlError::internal("PREPARE that is none"));
    };
    let (line, column) = prepare.start;
    let position = lines.position(sqlparser::tokenizer::Location { line, column }).unwrap_or(1);
    Ok(sql.chars().skip(position.saturating_sub(1) as usize).collect())
}

/// `EXECUTE`
pub(super) fn execute(cx: &mut Cx<'_>, name: &Ident, values: &[Expr]) -> Result<Plan, SqlError> {
    let constant = |value| super::select::constant(cx, value, "EXECUTE", None);
    let params = values.iter().map(constant).collect::<Result<_, _>>()?;
    Ok(Plan::Execute(ExecutePlan { name: fold(name), params }))
}
