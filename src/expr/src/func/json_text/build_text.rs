//! From any value to a JSON text, with the blanks that PostgreSQL puts between its parts.

use super::super::json::build_json::iso_timestamp;
use super::super::{ArgType, FuncDef};
use super::text_value;
use crate::func::build::*;
use repr::array::Dimension;
use repr::text::{self, TextSettings};
use repr::{Arena, ArrayRef, Datum, EvalError, Numeric, RowRef, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let texts = || array_of(SqlType::Text);
    let entry = |name: &str, sql: &str, args: &[ArgType], eval: SessionFn| session(name, sql, args, JSON, eval);
    vec![
        entry("to_json", "to_json", &[ANY], plain).infallible(),
        entry("row_to_json", "row_to_json", &[ANY], plain).infallible(),
        entry("array_to_json", "array_to_json", &[ARRAY], plain).infallible(),
        entry("json_build_array_1", "json_build_array", &[ANY], build_array).variadic().never_null().infallible(),
        entry("json_build_array_0", "json_build_array", &[], build_array).infallible(),
        entry("json_build_object_1", "json_build_object", &[ANY], build_object).variadic().never_null(),
        entry("json_build_object_0", "json_build_object", &[], build_object).infallible(),
        entry("json_object_1", "json_object", &[texts()], object_of_pairs),
        entry("json_object_2", "json_object", &[texts(), texts()], object_of_keys),
    ]
}

fn plain<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let mut out = String::new();
    push(args[0], settings, &mut out);
    Ok(text_value(out, arena))
}

/// Appends the JSON form of a value of a type, with the names of its fields.
pub fn push_typed(datum: Datum<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    match (datum, ty) {
        (Datum::Record(record), ty) if ty.fields().is_some_and(|fields| !fields.is_empty()) => {
            let fields = ty.fields().unwrap_or_default();
            out.push('{');
            for (i, (datum, (name, column))) in record.iter().zip(fields).enumerate() {
                push_name(i, name, out);
                push_typed(datum, &column.ty, settings, out);
            }
            out.push('}');
        }
        (Datum::Array(array), SqlType::Array(element)) => {
            push_array(&array.dimensions(), &mut array.elements(), element, settings, out);
        }
        (datum, _) => push(datum, settings, out),
    }
}

fn push_name(i: usize, name: &str, out: &mut String) {
    out.push_str(if i > 0 { "," } else { "" });
    push_string(name, out);
    out.push(':');
}

/// Appends the JSON form of a value; times have the session's zone.
pub fn push(datum: Datum<'_>, settings: &TextSettings, out: &mut String) {
    match datum {
        Datum::Null => out.push_str("null"),
        Datum::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_) | Datum::Uint2(_) | Datum::Uint4(_) | Datum::Uint8(_) => {
            text::format(datum, &SqlType::Text, settings, out);
        }
        Datum::Numeric(v) if matches!(v.to_numeric(), Numeric::Finite(_)) => {
            text::format(datum, &SqlType::Text, settings, out);
        }
        Datum::Float4(v) if v.is_finite() => text::format(datum, &SqlType::Text, settings, out),
        Datum::Float8(v) if v.is_finite() => text::format(datum, &SqlType::Text, settings, out),
        Datum::Text(v) => push_string(v, out),
        Datum::Json(v) => out.push_str(v),
        Datum::Jsonb(v) => text::json::format(v, out),
        Datum::Timestamp(_) | Datum::Timestamptz(_) => push_string(&iso_timestamp(datum, settings), out),
        Datum::Array(v) => push_array(&v.dimensions(), &mut v.elements(), &SqlType::Text, settings, out),
        Datum::Record(v) => push_record(v, settings, out),
        Datum::List(v) => {
            out.push('[');
            for (i, element) in v.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                push(element, settings, out);
            }
            out.push(']');
        }
        Datum::Map(v) => {
            out.push('{');
            for (i, (key, value)) in repr::map::pairs(v).enumerate() {
                push_name(i, key, out);
                push(value, settings, out);
            }
            out.push('}');
        }
        other => push_string(&text::to_string(other, &SqlType::Text), out),
    }
}

fn push_record(record: RowRef<'_>, settings: &TextSettings, out: &mut String) {
    out.push('{');
    for (i, datum) in record.iter().enumerate() {
        push_name(i, &format!("f{}", i + 1), out);
        push(datum, settings, out);
    }
    out.push('}');
}

/// Arrays of several dimensions become arrays of arrays.
fn push_array<'a>(
    dimensions: &[Dimension],
    elements: &mut dyn Iterator<Item = Datum<'a>>,
    element: &SqlType,
    settings: &TextSettings,
    out: &mut String,
) {
    out.push('[');
    if let Some((dimension, inner)) = dimensions.split_first() {
        for i in 0..dimension.length {
            out.push_str(if i > 0 { "," } else { "" });
            match inner.is_empty() {
                true => push_typed(elements.next().unwrap_or(Datum::Null), element, settings, out),
                false => push_array(inner, elements, element, settings, out),
            }
        }
    }
    out.push(']');
}

/// Appends a string with its quotes.
pub fn push_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn build_array<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let mut out = "[".to_string();
    for (i, datum) in args.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        push(*datum, settings, &mut out);
    }
    out.push(']');
    Ok(text_value(out, arena))
}

fn build_object<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    if args.len() % 2 == 1 {
        let error = invalid_parameter("argument list must have even number of elements");
        let hint = "The arguments of json_build_object() must consist of alternating keys and values.";
        return Err(error.hint(hint));
    }
    let mut out = "{".to_string();
    for (i, pair) in args.chunks(2).enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        match pair[0] {
            Datum::Null => {
                let error = invalid_parameter(format!("argument {} cannot be null", 2 * i + 1));
                return Err(error.hint("Object keys should be text."));
            }
            Datum::Array(_) | Datum::Record(_) | Datum::Json(_) | Datum::Jsonb(_) => {
                return Err(invalid_parameter("key value must be scalar, not array, composite, or json"));
            }
            Datum::Bool(v) => push_string(if v { "true" } else { "false" }, &mut out),
            other => push_string(&text::to_string(other, &SqlType::Text), &mut out),
        }
        out.push_str(" : ");
        push(pair[1], settings, &mut out);
    }
    out.push('}');
    Ok(text_value(out, arena))
}

/// `json_object('{key, value, …}')`, `json_object('{{key, value}, …}')`
fn object_of_pairs<'a>(args: &[Datum<'a>], arena: &'a Arena, _: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let array: ArrayRef<'a> = arg(args, 0)?;
    super::super::json::build_json::check_pairs(array)?;
    let elements: Vec<Datum<'a>> = array.elements().collect();
    object(elements.chunks(2).map(|pair| (pair[0], pair[1])), arena)
}

/// `json_object(keys, values)`
fn object_of_keys<'a>(args: &[Datum<'a>], arena: &'a Arena, _: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let (keys, values): (ArrayRef<'a>, ArrayRef<'a>) = (arg(args, 0)?, arg(args, 1)?);
    super::super::json::build_json::check_keys(keys, values)?;
    object(keys.elements().zip(values.elements()), arena)
}

fn object<'a>(pairs: impl Iterator<Item = (Datum<'a>, Datum<'a>)>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let mut out = "{".to_string();
    for (i, (key, value)) in pairs.enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        let Datum::Text(key) = key else {
            return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key"));
        };
        push_string(key, &mut out);
        out.push_str(" : ");
        push(value, &TextSettings::DEFAULT, &mut out);
    }
    out.push('}');
    Ok(text_value(out, arena))
}
