//! Functions that depend on a session: on its time zone, and on how it writes dates, intervals, floats and `bytea`.
//!
//! Evaluation knows no session. An entry whose implementation is [`Eval::Session`] uses the defaults, UTC and ISO; a plan that is made for a
//! session with other settings names `in_session(settings|function)` instead, so that the plan says all that it depends on.

use super::build::def;
use super::{Eval, Func, FuncDef, Return, TypedEval, typed};
use crate::scalar::ScalarExpr;
use repr::text::TextSettings;
use repr::{Arena, ColumnType, Datum, EvalError};

/// Makes an expression depend on a session's settings where it depends on any.
pub fn bind(expr: &mut ScalarExpr, settings: &TextSettings) {
    let key = settings.key();
    if key == super::DEFAULT_SETTINGS.key() {
        return;
    }
    expr.visit_mut_post(&mut |node| {
        if let ScalarExpr::Call { func, .. } = node
            && let Some(bound) = bound(*func, &key)
        {
            *func = bound;
        }
    });
}

fn bound(func: Func, key: &str) -> Option<Func> {
    let inner = func.0.name;
    let depends = matches!(func.0.eval, Eval::Session(_)) && !inner.starts_with("in_session(");
    depends.then(|| super::by_name(&format!("in_session({key}|{inner})"))).flatten()
}

/// `in_session(settings|function)`
pub(super) fn make(name: &str, inner: &str) -> Option<FuncDef> {
    let at = inner.match_indices('|').nth(5)?.0;
    let settings = TextSettings::from_key(&inner[..at])?;
    let inner = &inner[at + 1..];
    // Casts of what has parts use the session's settings for these.
    match inner.strip_suffix(')').and_then(|inner| inner.split_once('(')) {
        Some((stem @ ("array_cast" | "list_cast" | "array_to_list" | "map_cast"), pair)) => {
            return typed::elements_cast(name, stem, pair, &settings);
        }
        Some(("record_cast", pair)) => return typed::record_cast(name, pair, &settings),
        _ => {}
    }
    let func = super::by_name(inner)?;
    let eval: TypedEval = Box::new(move |args, arena| call(func, args, arena, &settings));
    let ret = move |columns: &[ColumnType]| match &func.0.ret {
        Return::Type(ty) => ty.clone(),
        Return::From(f) => f(columns),
    };
    let (args, ret) = (func.0.args.to_vec(), Return::From(Box::new(ret)));
    let mut made = def(name.to_string(), String::new(), args, ret, Eval::Typed(eval));
    (made.variadic, made.nulls) = (func.0.variadic, func.0.nulls);
    (made.volatility, made.fallible) = (func.0.volatility, func.0.fallible);
    Some(made)
}

/// Calls a function with these settings.
pub(super) fn call<'a>(
    func: Func,
    args: &[Datum<'a>],
    arena: &'a Arena,
    settings: &TextSettings,
) -> Result<Datum<'a>, EvalError> {
    match &func.0.eval {
        Eval::Session(f) => f(args, arena, settings),
        Eval::Plain(_) | Eval::Typed(_) => func.0.call(args, arena),
    }
}
