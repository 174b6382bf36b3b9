//! `pg_cancel_backend(pid)` and `pg_terminate_backend(pid)`. Planning and evaluation have no effects; so the query gives the process ids, and
//! who runs the statement signals those sessions. That is possible where the call is an output of the whole statement.

use crate::plan::Signal;
use repr::SqlError;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query, Select, SelectItem, SetExpr,
};
use std::borrow::Cow;

const FUNCTIONS: [(&str, Signal); 2] =
    [("pg_cancel_backend", Signal::Cancel), ("pg_terminate_backend", Signal::Terminate)];

/// The query with the arguments of such calls in their places, and which of its outputs they are.
pub(super) fn taken_out(query: &Query) -> Result<(Cow<'_, Query>, Vec<(usize, Signal)>), SqlError> {
    let SetExpr::Select(select) = &*query.body else { return Ok((Cow::Borrowed(query), Vec::new())) };
    let mut projection = select.projection.clone();
    let mut signals = Vec::new();
    for (position, item) in projection.iter_mut().enumerate() {
        if let Some(signal) = take(item)? {
            signals.push((position, signal));
        }
    }
    if signals.is_empty() {
        return Ok((Cow::Borrowed(query), signals));
    }
    let counts = |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { .. } | SelectItem::UnnamedExpr(_));
    if let Some(star) = projection.iter().find(|item| !counts(item)) {
        return Err(SqlError::unsupported(format!("{star} beside a call that signals sessions")));
    }
    let select = Select { projection, ..(**select).clone() };
    Ok((Cow::Owned(Query { body: Box::new(SetExpr::Select(Box::new(select))), ..query.clone() }), signals))
}

/// Puts the process id in the place of a call.
fn take(item: &mut SelectItem) -> Result<Option<Signal>, SqlError> {
    let (expr, alias) = match &*item {
        SelectItem::UnnamedExpr(expr) => (expr, None),
        SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.clone())),
        _ => return Ok(None),
    };
    let Some((name, signal, argument)) = call(expr) else { return Ok(None) };
    let expr = crate::parser::parse_expr(&format!("CAST(({argument}) AS int4)"))?;
    *item = SelectItem::ExprWithAlias { expr, alias: alias.unwrap_or_else(|| Ident::new(name)) };
    Ok(Some(signal))
}

fn call(expr: &Expr) -> Option<(&'static str, Signal, &Expr)> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else { return None };
    let called = crate::query::function_name(name).ok()?;
    let (name, signal) = FUNCTIONS.into_iter().find(|(known, _)| *known == called)?;
    match &list.args[..] {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] => Some((name, signal, argument)),
        _ => None,
    }
}
