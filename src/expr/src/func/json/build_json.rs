//! From any value to JSON.

use super::super::FuncDef;
use super::super::build::*;
use repr::array::Dimension;
use repr::datetime::{offset_at, to_local};
use repr::jsonb;
use repr::text::datetime::push_offset;
use repr::text::{self, TextSettings, datetime};
use repr::{Arena, ArrayRef, Datum, EvalError, Numeric, NumericRef, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let entry = |stem: &str, args: &[super::super::ArgType], eval| {
        let name = format!("jsonb_{stem}");
        session(&format!("{name}_{}", args.len()), &name, args, JSONB, eval)
    };
    vec![
        session("to_jsonb", "to_jsonb", &[ANY], JSONB, to_json).infallible(),
        entry("build_array", &[ANY], build_array).variadic().never_null(),
        entry("build_array", &[], build_array).infallible(),
        entry("build_object", &[ANY], build_object).variadic().never_null(),
        entry("build_object", &[], build_object).infallible(),
        entry("object", &[texts()], object_of_pairs),
        entry("object", &[texts(), texts()], object_of_keys),
    ]
}

fn texts() -> super::super::ArgType {
    super::super::ArgType::Exact(SqlType::Array(Box::new(SqlType::Text)))
}

fn subscript_error(message: &str) -> Result<(), EvalError> {
    Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message))
}

/// Whether an array is one of keys and values in turn, or of pairs of them.
pub fn check_pairs(array: ArrayRef<'_>) -> Result<(), EvalError> {
    match array.dimensions()[..] {
        [one] if one.length % 2 != 0 => subscript_error("array must have even number of elements"),
        [_, two] if two.length != 2 => subscript_error("array must have two columns"),
        [] | [_] | [_, _] => Ok(()),
        _ => subscript_error("wrong number of array subscripts"),
    }
}

/// Whether there is a value for every key.
pub fn check_keys(keys: ArrayRef<'_>, values: ArrayRef<'_>) -> Result<(), EvalError> {
    if keys.dimensions().len() > 1 || values.dimensions().len() > 1 {
        return subscript_error("wrong number of array subscripts");
    }
    if keys.elements().count() != values.elements().count() {
        return subscript_error("mismatched array dimensions");
    }
    Ok(())
}

/// `jsonb_object('{key, value, …}')`, `jsonb_object('{{key, value}, …}')`
fn object_of_pairs<'a>(args: &[Datum<'a>], arena: &'a Arena, _: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let array: ArrayRef<'a> = arg(args, 0)?;
    check_pairs(array)?;
    let elements: Vec<Datum<'a>> = array.elements().collect();
    object(elements.chunks(2).map(|pair| (pair[0], pair[1])), arena)
}

/// `jsonb_object(keys, values)`
fn object_of_keys<'a>(args: &[Datum<'a>], arena: &'a Arena, _: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let (keys, values): (ArrayRef<'a>, ArrayRef<'a>) = (arg(args, 0)?, arg(args, 1)?);
    check_keys(keys, values)?;
    object(keys.elements().zip(values.elements()), arena)
}

fn object<'a>(pairs: impl Iterator<Item = (Datum<'a>, Datum<'a>)>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let pair = |(key, value): (Datum<'a>, Datum<'a>)| {
        let Datum::Text(key) = key else {
            return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key"));
        };
        let mut encoded = Vec::new();
        push(value, &super::super::DEFAULT_SETTINGS, &mut encoded);
        Ok((key, encoded))
    };
    let mut out = Vec::new();
    jsonb::push_object(pairs.map(pair).collect::<Result<_, _>>()?, &mut out);
    Ok(json_out(out, arena))
}

fn to_json<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let mut out = Vec::new();
    push(args[0], settings, &mut out);
    Ok(json_out(out, arena))
}

/// Whether a type's values have names that only the type knows: those of a record's fields.
pub fn has_names(ty: &SqlType) -> bool {
    match ty {
        SqlType::Array(element) => has_names(element),
        ty => ty.fields().is_some_and(|fields| !fields.is_empty()),
    }
}

/// The function that makes JSON of values of a type, with the names of fields.
pub fn of_type(ty: &SqlType) -> String {
    // A type is names and numbers, which can be written.
    format!("to_jsonb({})", serde_json::to_string(ty).unwrap_or_default())
}

/// The same for a JSON text.
pub fn text_of_type(ty: &SqlType) -> String {
    format!("to_json({})", serde_json::to_string(ty).unwrap_or_default())
}

/// Appends the JSON form of a value of a type.
pub fn push_typed(datum: Datum<'_>, ty: &SqlType, settings: &TextSettings, out: &mut Vec<u8>) {
    match (datum, ty) {
        (Datum::Record(record), ty) if ty.fields().is_some_and(|fields| !fields.is_empty()) => {
            let fields = ty.fields().unwrap_or_default();
            let field = |(datum, (name, column)): (Datum<'_>, &(String, repr::ColumnType))| {
                let mut value = Vec::new();
                push_typed(datum, &column.ty, settings, &mut value);
                (name.clone(), value)
            };
            jsonb::push_object(record.iter().zip(fields).map(field).collect(), out);
        }
        (Datum::Array(array), SqlType::Array(element)) if has_names(element) => {
            let mut body = Vec::new();
            let mut count = 0;
            for datum in array.elements() {
                push_typed(datum, element, settings, &mut body);
                count += 1;
            }
            jsonb::push_array(count, &body, out);
        }
        (datum, _) => push(datum, settings, out),
    }
}

/// Appends the JSON form of a value; times have the session's zone.
pub fn push(datum: Datum<'_>, settings: &TextSettings, out: &mut Vec<u8>) {
    match datum {
        Datum::Null => jsonb::push_null(out),
        Datum::Bool(v) => jsonb::push_bool(v, out),
        Datum::Int2(v) => push_number(&Numeric::Finite(v.into()), out),
        Datum::Int4(v) => push_number(&Numeric::Finite(v.into()), out),
        Datum::Int8(v) => push_number(&Numeric::Finite(v.into()), out),
        Datum::Numeric(v) => push_numeric(v, out),
        Datum::Float4(v) if v.is_finite() => push_float(datum, out),
        Datum::Float8(v) if v.is_finite() => push_float(datum, out),
        Datum::Uint2(v) => push_number(&Numeric::Finite(v.into()), out),
        Datum::Uint4(v) => push_number(&Numeric::Finite(v.into()), out),
        Datum::Uint8(v) => push_number(&Numeric::Finite(v.into()), out),
        Datum::Text(v) => jsonb::push_string(v, out),
        Datum::Jsonb(v) => out.extend_from_slice(v.encoded()),
        // What is too large or deep for a `jsonb` stays a string.
        Datum::Json(v) => match text::json::parse(v) {
            Ok(value) => out.extend_from_slice(&value),
            Err(_) => jsonb::push_string(v, out),
        },
        Datum::Timestamp(_) | Datum::Timestamptz(_) => jsonb::push_string(&iso_timestamp(datum, settings), out),
        Datum::List(v) => {
            let (mut body, mut count) = (Vec::new(), 0);
            for element in v.iter() {
                push(element, settings, &mut body);
                count += 1;
            }
            jsonb::push_array(count, &body, out);
        }
        Datum::Map(v) => {
            let pair = |(key, value)| {
                let mut encoded = Vec::new();
                push(value, settings, &mut encoded);
                (key, encoded)
            };
            jsonb::push_object(repr::map::pairs(v).map(pair).collect(), out);
        }
        Datum::Array(v) => push_array(&v.dimensions(), &mut v.elements(), settings, out),
        Datum::Record(v) => {
            let field = |(i, datum): (usize, Datum<'_>)| {
                let mut value = Vec::new();
                push(datum, settings, &mut value);
                (format!("f{}", i + 1), value)
            };
            jsonb::push_object(v.iter().enumerate().map(field).collect(), out);
        }
        other => jsonb::push_string(&text::to_string(other, &SqlType::Text), out),
    }
}

fn push_number(value: &Numeric, out: &mut Vec<u8>) {
    jsonb::push_number(&value.encode(), out);
}

fn push_numeric(value: NumericRef<'_>, out: &mut Vec<u8>) {
    match value.to_numeric() {
        Numeric::Finite(_) => jsonb::push_number(value.encoded(), out),
        _ => jsonb::push_string(&text::to_string(Datum::Numeric(value), &SqlType::NUMERIC), out),
    }
}

fn push_float(datum: Datum<'_>, out: &mut Vec<u8>) {
    let text = text::to_string(datum, &SqlType::Float8);
    match text::number::parse_numeric(&text) {
        Ok(number) => push_number(&number, out),
        Err(_) => jsonb::push_string(&text, out),
    }
}

/// ISO 8601 with a `T`; what has a time zone has the session's.
pub fn iso_timestamp(datum: Datum<'_>, settings: &TextSettings) -> String {
    let (micros, zone) = match datum {
        Datum::Timestamp(v) | Datum::Timestamptz(v @ (i64::MAX | i64::MIN)) => (v, String::new()),
        Datum::Timestamptz(v) => {
            let (seconds, mut zone) = (offset_at(&settings.time_zone, v), String::new());
            push_offset(seconds, &mut zone);
            zone.push_str(if seconds % 3600 == 0 { ":00" } else { "" });
            (to_local(&settings.time_zone, v), zone)
        }
        _ => return String::new(),
    };
    let mut text = String::new();
    datetime::format_timestamp(micros, &text::TextSettings::DEFAULT, &mut text);
    if text.contains("infinity") {
        return text;
    }
    let (date, time) = text.split_once(' ').unwrap_or((&text, ""));
    let (time, era) = time.split_once(' ').map_or((time, ""), |(time, _)| (time, " BC"));
    format!("{date}T{time}{zone}{era}")
}

/// Arrays of several dimensions become arrays of arrays.
fn push_array<'a>(
    dimensions: &[Dimension],
    elements: &mut dyn Iterator<Item = Datum<'a>>,
    settings: &TextSettings,
    out: &mut Vec<u8>,
) {
    let Some((dimension, inner)) = dimensions.split_first() else {
        return jsonb::push_array(0, &[], out);
    };
    let mut body = Vec::new();
    for _ in 0..dimension.length {
        if inner.is_empty() {
            push(elements.next().unwrap_or(Datum::Null), settings, &mut body);
        } else {
            push_array(inner, elements, settings, &mut body);
        }
    }
    jsonb::push_array(dimension.length as usize, &body, out);
}

fn build_array<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let mut body = Vec::new();
    args.iter().for_each(|datum| push(*datum, settings, &mut body));
    let mut out = Vec::new();
    jsonb::push_array(args.len(), &body, &mut out);
    Ok(json_out(out, arena))
}

fn build_object<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    if args.len() % 2 == 1 {
        let error = invalid_parameter("argument list must have even number of elements");
        let hint = "The arguments of jsonb_build_object() must consist of alternating keys and values.";
        return Err(error.hint(hint));
    }
    let mut pairs = Vec::new();
    for (i, pair) in args.chunks(2).enumerate() {
        let key = match pair[0] {
            Datum::Null => {
                let message = format!("argument {}: key must not be null", 2 * i + 1);
                return Err(invalid_parameter(message));
            }
            Datum::Array(_) | Datum::Record(_) | Datum::Jsonb(_) => {
                return Err(invalid_parameter("key value must be scalar, not array, composite, or json"));
            }
            Datum::Bool(v) => v.to_string(),
            other => text::to_string(other, &SqlType::Text),
        };
        let mut value = Vec::new();
        push(pair[1], settings, &mut value);
        pairs.push((key, value));
    }
    let mut out = Vec::new();
    jsonb::push_object(pairs, &mut out);
    Ok(json_out(out, arena))
}
