//! SQL/JSON paths (ISO 9075-2) over `jsonb`: `jsonb_path_query`, `jsonb_path_exists` and their like, `@?` and `@@`.
//!
//! A path is a text here, not a type: `parse` reads it, `eval` finds what it leads to.

mod eval;
mod parse;

use super::FuncDef;
use super::build::*;
use eval::Evaluation;
use repr::jsonb::{self, JsonValue};
use repr::{Arena, Datum, EvalError, JsonbRef, Numeric};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A path.
pub struct Path {
    strict: bool,
    body: Expr,
}

/// What gives a sequence of values.
enum Expr {
    /// `$`
    Root,
    /// `@`
    Current,
    /// `last`, inside of a subscript
    Last,
    /// `$name`
    Variable(String),
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    /// What steps lead to.
    Steps(Box<Expr>, Vec<Step>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    /// Whether a predicate is true, as a value.
    Predicate(Box<Predicate>),
}

#[derive(Clone, Copy)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// One step of a path.
enum Step {
    /// `.key`
    Key(String),
    /// `.*`
    AnyKey,
    /// `[*]`
    AnyElement,
    /// `[1, 2 to last]`
    Elements(Vec<(Expr, Option<Expr>)>),
    /// `.**{from to to}`
    AnyLevel(Bound, Bound),
    /// `? (predicate)`
    Filter(Box<Predicate>),
    /// `.method()`
    Method(Method),
}

/// A level below a value.
#[derive(Clone, Copy)]
enum Bound {
    At(u32),
    Last,
}

#[derive(Clone, Copy)]
enum Method {
    Type,
    Size,
    Double,
    Ceiling,
    Floor,
    Abs,
    KeyValue,
}

impl Method {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "type" => Method::Type,
            "size" => Method::Size,
            "double" => Method::Double,
            "ceiling" => Method::Ceiling,
            "floor" => Method::Floor,
            "abs" => Method::Abs,
            "keyvalue" => Method::KeyValue,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Compare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// What is true, false or unknown of a value.
enum Predicate {
    And(Box<Predicate>, Box<Predicate>),
    Or(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
    IsUnknown(Box<Predicate>),
    Exists(Expr),
    Compare(Compare, Expr, Expr),
    StartsWith(Expr, Expr),
    LikeRegex { value: Expr, pattern: String, flags: String },
}

/// Paths that a thread keeps; beyond it all are forgotten and read again as needed.
const PARSED_MAX: usize = 64;

thread_local! {
    /// Reading a path may cost more than following it; a memo of a pure function.
    static PARSED: RefCell<HashMap<String, Rc<Path>>> = RefCell::default();
}

fn parsed(text: &str) -> Result<Rc<Path>, EvalError> {
    if let Some(found) = PARSED.with_borrow(|parsed| parsed.get(text).cloned()) {
        return Ok(found);
    }
    let path = Rc::new(parse::parse(text)?);
    PARSED.with_borrow_mut(|all| {
        if all.len() >= PARSED_MAX {
            all.clear();
        }
        all.insert(text.to_string(), path.clone());
    });
    Ok(path)
}

/// What a path with variables leads to from a value; with `silent`, nothing where it fails.
pub(crate) fn query<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Vec<JsonbRef<'a>>, EvalError> {
    let silent = optional(args, 3)?.unwrap_or(false);
    match follow(args, arena) {
        Err(error) if silent && is_suppressible(&error) => Ok(Vec::new()),
        found => found,
    }
}

/// Whether `silent` hides an error: one of the data, not of the path.
fn is_suppressible(error: &EvalError) -> bool {
    error.code.as_str().starts_with("22")
}

fn follow<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Vec<JsonbRef<'a>>, EvalError> {
    let path = parsed(arg(args, 1)?)?;
    let variables: Option<JsonbRef<'a>> = optional(args, 2)?;
    if variables.is_some_and(|variables| !matches!(variables.value(), JsonValue::Object(_))) {
        let error = invalid_parameter("\"vars\" argument is not an object");
        return Err(error.detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
    }
    Evaluation { root: arg(args, 0)?, variables, strict: path.strict, arena }.all(&path.body)
}

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for count in 2..=4 {
        let args = &[JSONB, TEXT, JSONB, BOOL][..count];
        let entry = |stem: &str, ret, eval: super::EvalFn| func(format!("{stem}_{count}"), stem, args, ret, eval);
        table.extend([
            entry("jsonb_path_exists", BOOL, exists).may_be_null(),
            entry("jsonb_path_match", BOOL, matches).may_be_null(),
            entry("jsonb_path_query_array", JSONB, |a, arena| {
                let (mut body, found) = (Vec::new(), query(a, arena)?);
                found.iter().for_each(|value| body.extend_from_slice(value.encoded()));
                let mut out = Vec::new();
                jsonb::push_array(found.len(), &body, &mut out);
                Ok(json_out(out, arena))
            }),
            entry("jsonb_path_query_first", JSONB, |a, arena| {
                Ok(query(a, arena)?.first().map_or(Datum::Null, |value| Datum::Jsonb(*value)))
            })
            .may_be_null(),
        ]);
    }
    let operator =
        |name: &str, sql: &str, eval: super::EvalFn| func(name, sql, &[JSONB, TEXT], BOOL, eval).may_be_null();
    table.push(operator("jsonb_path_exists_operator", "@?", |a, arena| suppressed(exists(a, arena))));
    table.push(operator("jsonb_path_match_operator", "@@", |a, arena| suppressed(matches(a, arena))));
    table
}

fn suppressed<'a>(result: Result<Datum<'a>, EvalError>) -> Result<Datum<'a>, EvalError> {
    match result {
        Err(error) if is_suppressible(&error) => Ok(Datum::Null),
        result => result,
    }
}

fn exists<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let silent = optional(args, 3)?.unwrap_or(false);
    match follow(args, arena) {
        Err(error) if silent && is_suppressible(&error) => Ok(Datum::Null),
        found => Ok(Datum::Bool(!found?.is_empty())),
    }
}

fn matches<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let silent = optional(args, 3)?.unwrap_or(false);
    match query(args, arena)?[..] {
        [one] if matches!(one.value(), JsonValue::Null) => Ok(Datum::Null),
        [one] if let JsonValue::Bool(value) = one.value() => Ok(Datum::Bool(value)),
        _ if silent => Ok(Datum::Null),
        _ => Err(repr::SqlError::new(eval::SINGLETON_REQUIRED, "single boolean result is expected")),
    }
}
