//! Operators and functions of `jsonb`.

use super::FuncDef;
use super::build::*;
use repr::jsonb::{self, JsonValue};
use repr::text::json as text_form;
use repr::{Arena, ArrayRef, Datum, EvalError, JsonbRef, SqlType};

pub(super) mod build_json;
mod edit;
pub(super) mod populate;

pub use build_json::{has_names, of_type, text_of_type};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = access();
    table.extend(containment());
    table.extend(inspection());
    table.extend(build_json::table());
    table.extend(edit::table());
    table
}

fn named(stem: &str, args: &[super::ArgType], ret: super::ArgType, eval: super::EvalFn) -> FuncDef {
    let name = format!("jsonb_{stem}");
    func(format!("{name}_{}", args.len()), name, args, ret, eval)
}

/// A value as `->>` shows it: strings without quotes, `null` as NULL.
pub(crate) fn as_text<'a>(value: JsonbRef<'a>, arena: &'a Arena) -> Datum<'a> {
    match value.value() {
        JsonValue::Null => Datum::Null,
        JsonValue::String(text) => Datum::Text(text),
        _ => {
            let mut out = String::new();
            text_form::format(value, &mut out);
            text_out(out, arena)
        }
    }
}

fn field<'a>(value: JsonbRef<'a>, key: &str) -> Option<JsonbRef<'a>> {
    match value.value() {
        JsonValue::Object(pairs) => pairs.into_iter().find(|(k, _)| *k == key).map(|(_, v)| v),
        _ => None,
    }
}

/// The element at a position; negative ones count from the end. What is neither array nor object counts as its own only element.
fn element<'a>(value: JsonbRef<'a>, at: i64) -> Option<JsonbRef<'a>> {
    let elements = match value.value() {
        JsonValue::Array(elements) => elements,
        JsonValue::Object(_) => return None,
        _ => vec![value],
    };
    elements.get(position(at, elements.len())?).copied()
}

pub(super) fn position(at: i64, len: usize) -> Option<usize> {
    usize::try_from(if at < 0 { at + len as i64 } else { at }).ok()
}

/// The value at the end of a path of keys and positions.
fn at_path<'a, 'p>(value: JsonbRef<'a>, path: impl Iterator<Item = &'p str>) -> Option<JsonbRef<'a>> {
    let mut value = value;
    for step in path {
        value = match value.value() {
            JsonValue::Object(_) => field(value, step)?,
            JsonValue::Array(_) => element(value, step.trim().parse::<i32>().ok()?.into())?,
            _ => return None,
        };
    }
    Some(value)
}

/// The texts of a path; `None` if one is NULL.
pub(super) fn path_of<'a>(datums: impl Iterator<Item = Datum<'a>>) -> Option<Vec<&'a str>> {
    datums.map(|datum| if let Datum::Text(text) = datum { Some(text) } else { None }).collect()
}

fn get_field<'a>(args: &[Datum<'a>]) -> Result<Option<JsonbRef<'a>>, EvalError> {
    Ok(field(arg(args, 0)?, arg(args, 1)?))
}

fn get_element<'a>(args: &[Datum<'a>]) -> Result<Option<JsonbRef<'a>>, EvalError> {
    Ok(element(arg(args, 0)?, arg::<i32>(args, 1)?.into()))
}

fn get_path<'a>(args: &[Datum<'a>]) -> Result<Option<JsonbRef<'a>>, EvalError> {
    let path: ArrayRef<'a> = arg(args, 1)?;
    let Some(path) = path_of(path.elements()) else { return Ok(None) };
    Ok(at_path(arg(args, 0)?, path.into_iter()))
}

fn get_variadic_path<'a>(args: &[Datum<'a>]) -> Result<Option<JsonbRef<'a>>, EvalError> {
    let Some(path) = path_of(args[1..].iter().copied()) else { return Ok(None) };
    Ok(at_path(arg(args, 0)?, path.into_iter()))
}

fn json<'a>(value: Option<JsonbRef<'a>>) -> Datum<'a> {
    value.map_or(Datum::Null, Datum::Jsonb)
}

fn text<'a>(value: Option<JsonbRef<'a>>, arena: &'a Arena) -> Datum<'a> {
    value.map_or(Datum::Null, |value| as_text(value, arena))
}

fn access() -> Vec<FuncDef> {
    let texts = array_of(SqlType::Text);
    let entry =
        |name: &str, sql: &str, by, ret, eval| func(name, sql, &[JSONB, by], ret, eval).may_be_null().infallible();
    let mut table = vec![
        entry("jsonb_object_field", "->", TEXT, JSONB, |a, _| Ok(json(get_field(a)?))),
        entry("jsonb_array_element", "->", INT4, JSONB, |a, _| Ok(json(get_element(a)?))),
        entry("jsonb_object_field_text", "->>", TEXT, TEXT, |a, arena| Ok(text(get_field(a)?, arena))),
        entry("jsonb_array_element_text", "->>", INT4, TEXT, |a, arena| Ok(text(get_element(a)?, arena))),
        entry("jsonb_path", "#>", texts.clone(), JSONB, |a, _| Ok(json(get_path(a)?))),
        entry("jsonb_path_text", "#>>", texts, TEXT, |a, arena| Ok(text(get_path(a)?, arena))),
    ];
    let of_path = |def: FuncDef| def.variadic().may_be_null().infallible();
    table.extend([
        of_path(named("extract_path", &[JSONB, TEXT], JSONB, |a, _| Ok(json(get_variadic_path(a)?)))),
        of_path(named("extract_path_text", &[JSONB, TEXT], TEXT, |a, arena| Ok(text(get_variadic_path(a)?, arena)))),
    ]);
    table
}

/// Whether all of `inner` is in `outer`: pairs in objects, elements anywhere in arrays.
fn contains(outer: JsonbRef<'_>, inner: JsonbRef<'_>) -> bool {
    match (outer.value(), inner.value()) {
        (JsonValue::Object(_), JsonValue::Object(pairs)) => {
            pairs.into_iter().all(|(key, wanted)| field(outer, key).is_some_and(|found| contains(found, wanted)))
        }
        (JsonValue::Array(elements), JsonValue::Array(wanted)) => {
            wanted.into_iter().all(|wanted| elements.iter().any(|found| contains(*found, wanted)))
        }
        (JsonValue::Array(_) | JsonValue::Object(_), _) | (_, JsonValue::Array(_) | JsonValue::Object(_)) => false,
        _ => outer == inner,
    }
}

/// The same at the top, where an array contains a scalar that is its element.
fn contains_at_top(outer: JsonbRef<'_>, inner: JsonbRef<'_>) -> bool {
    let scalar = !matches!(inner.value(), JsonValue::Array(_) | JsonValue::Object(_));
    match outer.value() {
        JsonValue::Array(elements) if scalar => elements.contains(&inner),
        _ => contains(outer, inner),
    }
}

/// Whether a text is a key of an object, a string of an array, or the string itself.
fn exists(value: JsonbRef<'_>, wanted: &str) -> bool {
    match value.value() {
        JsonValue::Object(pairs) => pairs.iter().any(|(key, _)| *key == wanted),
        JsonValue::Array(elements) => {
            elements.iter().any(|element| matches!(element.value(), JsonValue::String(text) if text == wanted))
        }
        JsonValue::String(text) => text == wanted,
        _ => false,
    }
}

fn wanted<'a>(args: &[Datum<'a>]) -> Result<Vec<&'a str>, EvalError> {
    let array: ArrayRef<'a> = arg(args, 1)?;
    Ok(array.elements().filter_map(|datum| if let Datum::Text(text) = datum { Some(text) } else { None }).collect())
}

fn containment() -> Vec<FuncDef> {
    let texts = array_of(SqlType::Text);
    let entry = |name: &str, sql: &str, by, eval| func(name, sql, &[JSONB, by], BOOL, eval).infallible();
    vec![
        entry("jsonb_contains", "@>", JSONB, |a, _| Ok(Datum::Bool(contains_at_top(arg(a, 0)?, arg(a, 1)?)))),
        entry("jsonb_contained", "<@", JSONB, |a, _| Ok(Datum::Bool(contains_at_top(arg(a, 1)?, arg(a, 0)?)))),
        entry("jsonb_exists", "?", TEXT, |a, _| Ok(Datum::Bool(exists(arg(a, 0)?, arg(a, 1)?)))),
        entry("jsonb_exists_any", "?|", texts.clone(), |a, _| {
            let value = arg(a, 0)?;
            Ok(Datum::Bool(wanted(a)?.into_iter().any(|key| exists(value, key))))
        }),
        entry("jsonb_exists_all", "?&", texts, |a, _| {
            let value = arg(a, 0)?;
            Ok(Datum::Bool(wanted(a)?.into_iter().all(|key| exists(value, key))))
        }),
    ]
}

/// What `jsonb_typeof` calls a value.
pub(crate) fn kind(value: JsonbRef<'_>) -> &'static str {
    match value.value() {
        JsonValue::Null => "null",
        JsonValue::Bool(_) => "boolean",
        JsonValue::Number(_) => "number",
        JsonValue::String(_) => "string",
        JsonValue::Array(_) => "array",
        JsonValue::Object(_) => "object",
    }
}

/// Without object fields that are `null`, at any depth.
fn strip_nulls(value: JsonbRef<'_>, out: &mut Vec<u8>) {
    match value.value() {
        JsonValue::Array(elements) => {
            let mut body = Vec::new();
            elements.iter().for_each(|element| strip_nulls(*element, &mut body));
            jsonb::push_array(elements.len(), &body, out);
        }
        JsonValue::Object(pairs) => {
            let kept = pairs.into_iter().filter(|(_, value)| !matches!(value.value(), JsonValue::Null));
            let stripped = kept.map(|(key, value)| {
                let mut body = Vec::new();
                strip_nulls(value, &mut body);
                (key, body)
            });
            jsonb::push_object(stripped.collect(), out);
        }
        _ => out.extend_from_slice(value.encoded()),
    }
}

fn inspection() -> Vec<FuncDef> {
    vec![
        named("typeof", &[JSONB], TEXT, |a, _| Ok(Datum::Text(kind(arg(a, 0)?)))).infallible(),
        named("array_length", &[JSONB], INT4, |a, _| match arg::<JsonbRef<'_>>(a, 0)?.value() {
            JsonValue::Array(elements) => Ok(Datum::Int4(elements.len() as i32)),
            JsonValue::Object(_) => Err(invalid_parameter("cannot get array length of a non-array")),
            _ => Err(invalid_parameter("cannot get array length of a scalar")),
        }),
        named("strip_nulls", &[JSONB], JSONB, |a, arena| {
            let mut out = Vec::new();
            strip_nulls(arg(a, 0)?, &mut out);
            Ok(json_out(out, arena))
        })
        .infallible(),
        named("pretty", &[JSONB], TEXT, |a, arena| {
            let mut out = String::new();
            text_form::format_pretty(arg(a, 0)?, 0, &mut out);
            Ok(text_out(out, arena))
        })
        .infallible(),
    ]
}
