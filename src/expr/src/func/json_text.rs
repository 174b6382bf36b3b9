//! Operators and functions of `json`, which keep what they take out of a text as it was written.

use super::build::*;
use super::json::{path_of, position};
use super::{ArgType, EvalFn, FuncDef};
use repr::json::{self, Kind};
use repr::text::json as text_form;
use repr::{Arena, ArrayRef, Datum, EvalError, JsonbRef, SqlType};
use std::borrow::Cow;

mod build_text;

pub use build_text::{push, push_string, push_typed};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = access();
    table.extend(inspection());
    table.extend(build_text::table());
    table.extend([
        func("json_to_jsonb", "", &[JSON], JSONB, |a, arena| Ok(json_out(text_form::parse(arg(a, 0)?)?, arena))),
        func("jsonb_to_json", "", &[JSONB], JSON, |a, arena| {
            let mut out = String::new();
            text_form::format(arg::<JsonbRef<'_>>(a, 0)?, &mut out);
            Ok(text_value(out, arena))
        })
        .infallible(),
    ]);
    table
}

/// A JSON text, kept in the arena.
pub(crate) fn text_value<'a>(text: String, arena: &'a Arena) -> Datum<'a> {
    Datum::Json(arena.text(text))
}

/// A value as `->>` shows it: strings without quotes, `null` as NULL.
pub(crate) fn as_text<'a>(value: &'a str, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    match json::kind(value) {
        Kind::Null => Ok(Datum::Null),
        Kind::String => Ok(text_out(text_form::unquote(value)?, arena)),
        _ => Ok(Datum::Text(value)),
    }
}

/// Whether a key as it is written is this one.
fn is_key(written: &str, key: &str) -> bool {
    match written.contains('\\') {
        true => text_form::unquote(written).is_ok_and(|unquoted| unquoted == key),
        false => written.len() == key.len() + 2 && &written[1..written.len() - 1] == key,
    }
}

/// The last member of a key counts.
fn field<'a>(value: &'a str, key: &str) -> Option<&'a str> {
    json::members(value)?.into_iter().rev().find(|(written, _)| is_key(written, key)).map(|(_, value)| value)
}

fn element(value: &str, at: i64) -> Option<&str> {
    let elements = json::elements(value)?;
    elements.get(position(at, elements.len())?).copied()
}

fn at_path<'a, 'p>(mut value: &'a str, path: impl Iterator<Item = &'p str>) -> Option<&'a str> {
    for step in path {
        value = match json::kind(value) {
            Kind::Object => field(value, step)?,
            Kind::Array => element(value, step.trim().parse::<i32>().ok()?.into())?,
            _ => return None,
        };
    }
    Some(value)
}

fn get_field<'a>(args: &[Datum<'a>]) -> Result<Option<&'a str>, EvalError> {
    Ok(field(arg(args, 0)?, arg(args, 1)?))
}

fn get_element<'a>(args: &[Datum<'a>]) -> Result<Option<&'a str>, EvalError> {
    Ok(element(arg(args, 0)?, arg::<i32>(args, 1)?.into()))
}

fn get_path<'a>(args: &[Datum<'a>]) -> Result<Option<&'a str>, EvalError> {
    let Some(path) = path_of(arg::<ArrayRef<'a>>(args, 1)?.elements()) else { return Ok(None) };
    Ok(at_path(arg(args, 0)?, path.into_iter()))
}

fn get_variadic_path<'a>(args: &[Datum<'a>]) -> Result<Option<&'a str>, EvalError> {
    let Some(path) = path_of(args[1..].iter().copied()) else { return Ok(None) };
    Ok(at_path(arg(args, 0)?, path.into_iter()))
}

fn shown<'a>(value: Option<&'a str>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    value.map_or(Ok(Datum::Null), |value| as_text(value, arena))
}

fn json_value<'a>(value: Option<&'a str>) -> Datum<'a> {
    value.map_or(Datum::Null, Datum::Json)
}

fn access() -> Vec<FuncDef> {
    let texts = || array_of(SqlType::Text);
    let value = |name: &str, sql: &str, by: ArgType, eval: EvalFn| {
        func(name, sql, &[JSON, by], JSON, eval).may_be_null().infallible()
    };
    let text =
        |name: &str, sql: &str, by: ArgType, eval: EvalFn| func(name, sql, &[JSON, by], TEXT, eval).may_be_null();
    vec![
        value("json_object_field", "->", TEXT, |a, _| Ok(json_value(get_field(a)?))),
        value("json_array_element", "->", INT4, |a, _| Ok(json_value(get_element(a)?))),
        value("json_path", "#>", texts(), |a, _| Ok(json_value(get_path(a)?))),
        value("json_extract_path_2", "json_extract_path", TEXT, |a, _| Ok(json_value(get_variadic_path(a)?)))
            .variadic(),
        text("json_object_field_text", "->>", TEXT, |a, arena| shown(get_field(a)?, arena)),
        text("json_array_element_text", "->>", INT4, |a, arena| shown(get_element(a)?, arena)),
        text("json_path_text", "#>>", texts(), |a, arena| shown(get_path(a)?, arena)),
        text("json_extract_path_text_2", "json_extract_path_text", TEXT, |a, arena| {
            shown(get_variadic_path(a)?, arena)
        })
        .variadic(),
    ]
}

fn inspection() -> Vec<FuncDef> {
    vec![
        func("json_typeof", "json_typeof", &[JSON], TEXT, |a, _| {
            Ok(Datum::Text(match json::kind(arg(a, 0)?) {
                Kind::Null => "null",
                Kind::Bool => "boolean",
                Kind::Number => "number",
                Kind::String => "string",
                Kind::Array => "array",
                Kind::Object => "object",
            }))
        })
        .infallible(),
        func("json_array_length", "json_array_length", &[JSON], INT4, |a, _| {
            let value: &str = arg(a, 0)?;
            match json::elements(value) {
                Some(elements) => Ok(Datum::Int4(elements.len() as i32)),
                None if json::kind(value) == Kind::Object => {
                    Err(invalid_parameter("cannot get array length of a non-array"))
                }
                None => Err(invalid_parameter("cannot get array length of a scalar")),
            }
        }),
        func("json_strip_nulls", "json_strip_nulls", &[JSON], JSON, |a, arena| {
            let mut out = String::new();
            strip_nulls(arg(a, 0)?, &mut out);
            Ok(text_value(out, arena))
        })
        .infallible(),
    ]
}

/// Without members that are `null`, at any depth, and without blanks.
fn strip_nulls(value: &str, out: &mut String) {
    if let Some(elements) = json::elements(value) {
        out.push('[');
        for (i, element) in elements.into_iter().enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            strip_nulls(element, out);
        }
        out.push(']');
    } else if let Some(members) = json::members(value) {
        out.push('{');
        let kept = members.into_iter().filter(|(_, value)| json::kind(value) != Kind::Null);
        for (i, (key, value)) in kept.enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            push_plain(key, out);
            out.push(':');
            strip_nulls(value, out);
        }
        out.push('}');
    } else {
        push_plain(value, out);
    }
}

/// A scalar, strings with no more escapes than they need.
fn push_plain(value: &str, out: &mut String) {
    let value = value.trim();
    match json::kind(value) {
        Kind::String => match text_form::unquote(value) {
            Ok(text) => push_string(&text, out),
            Err(_) => out.push_str(value),
        },
        _ => out.push_str(value),
    }
}

/// The elements of an array for a table function of this name.
pub(crate) fn elements<'a>(args: &[Datum<'a>], function: &str) -> Result<Vec<&'a str>, EvalError> {
    let value: &str = arg(args, 0)?;
    json::elements(value).ok_or_else(|| match json::kind(value) {
        Kind::Object => invalid_parameter(format!("cannot call {function} on a non-array")),
        _ => invalid_parameter(format!("cannot call {function} on a scalar")),
    })
}

/// The members of an object for a table function of this name, keys without quotes.
pub(crate) fn members<'a>(args: &[Datum<'a>], function: &str) -> Result<Vec<(Cow<'a, str>, &'a str)>, EvalError> {
    let value: &str = arg(args, 0)?;
    let keys_only = function == "json_object_keys";
    let members = json::members(value).ok_or_else(|| match (json::kind(value), keys_only) {
        (Kind::Array, true) => invalid_parameter(format!("cannot call {function} on an array")),
        (Kind::Array, false) => invalid_parameter("cannot deconstruct an array as an object"),
        (_, true) => invalid_parameter(format!("cannot call {function} on a scalar")),
        (_, false) => invalid_parameter("cannot deconstruct a scalar"),
    })?;
    let unquoted = |(key, value): (&'a str, &'a str)| {
        let plain = !key.contains('\\');
        let key = if plain { Cow::Borrowed(&key[1..key.len() - 1]) } else { text_form::unquote(key)?.into() };
        Ok((key, value))
    };
    members.into_iter().map(unquoted).collect()
}
