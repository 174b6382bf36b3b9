//! Changing JSON values: `||`, `-`, `#-`, `jsonb_set`, `jsonb_insert`.

use super::super::FuncDef;
use super::super::build::*;
use super::{path_of, position};
use repr::jsonb::{self, JsonValue};
use repr::{Arena, ArrayRef, Datum, EvalError, JsonbRef, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let texts = || array_of(SqlType::Text);
    let set = [JSONB, texts(), JSONB];
    let set_or_not = [JSONB, texts(), JSONB, BOOL];
    vec![
        func("jsonb_concat", "||", &[JSONB, JSONB], JSONB, |a, arena| {
            Ok(json_out(concatenate(arg(a, 0)?, arg(a, 1)?), arena))
        })
        .infallible(),
        func("jsonb_delete", "-", &[JSONB, TEXT], JSONB, |a, arena| {
            Ok(json_out(delete_keys(arg(a, 0)?, &[arg(a, 1)?])?, arena))
        }),
        func("jsonb_delete_idx", "-", &[JSONB, INT4], JSONB, |a, arena| {
            Ok(json_out(delete_element(arg(a, 0)?, arg::<i32>(a, 1)?.into())?, arena))
        }),
        func("jsonb_delete_array", "-", &[JSONB, texts()], JSONB, |a, arena| {
            let keys: ArrayRef<'_> = one_dimensional(arg(a, 1)?)?;
            let keys: Vec<&str> =
                keys.elements().filter_map(|d| if let Datum::Text(key) = d { Some(key) } else { None }).collect();
            Ok(json_out(delete_keys(arg(a, 0)?, &keys)?, arena))
        }),
        func("jsonb_delete_path", "#-", &[JSONB, texts()], JSONB, |a, arena| edit(a, Edit::Delete, arena)),
        func("jsonb_set", "jsonb_set", &set, JSONB, |a, arena| edit(a, Edit::Set(arg(a, 2)?, true), arena)),
        func("jsonb_set_create", "jsonb_set", &set_or_not, JSONB, |a, arena| {
            edit(a, Edit::Set(arg(a, 2)?, arg(a, 3)?), arena)
        }),
        func("jsonb_insert", "jsonb_insert", &set, JSONB, |a, arena| edit(a, Edit::Insert(arg(a, 2)?, false), arena)),
        func("jsonb_insert_after", "jsonb_insert", &set_or_not, JSONB, |a, arena| {
            edit(a, Edit::Insert(arg(a, 2)?, arg(a, 3)?), arena)
        }),
        func("jsonb_set_lax", "jsonb_set_lax", &[JSONB, texts(), JSONB, BOOL, TEXT], JSONB, set_lax).called(),
    ]
}

/// `jsonb_set`, where a NULL value means what the last argument says.
fn set_lax<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    if args[0].is_null() || args[1].is_null() || args[3].is_null() {
        return Ok(Datum::Null);
    }
    let create = arg(args, 3)?;
    match (optional(args, 2)?, optional(args, 4)?.unwrap_or("")) {
        (Some(value), _) => edit(args, Edit::Set(value, create), arena),
        (None, "use_json_null") => {
            let mut null = Vec::new();
            jsonb::push_null(&mut null);
            edit(args, Edit::Set(JsonbRef::from_encoded(arena.bytes(null)), create), arena)
        }
        (None, "delete_key") => edit(args, Edit::Delete, arena),
        (None, "return_target") => Ok(args[0]),
        (None, "raise_exception") => {
            let error = SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "JSON value must not be null");
            let detail = "Exception was raised because null_value_treatment is \"raise_exception\".";
            let hint =
                "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.";
            Err(error.detail(detail).hint(hint))
        }
        _ => Err(invalid_parameter(
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
        )),
    }
}

/// A list of keys or a path: no matrix.
fn one_dimensional(array: ArrayRef<'_>) -> Result<ArrayRef<'_>, EvalError> {
    if array.dimensions().len() > 1 {
        return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    Ok(array)
}

fn array_of_values(elements: &[JsonbRef<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    elements.iter().for_each(|element| body.extend_from_slice(element.encoded()));
    let mut out = Vec::new();
    jsonb::push_array(elements.len(), &body, &mut out);
    out
}

fn object_of_values(pairs: Vec<(&str, JsonbRef<'_>)>) -> Vec<u8> {
    let mut out = Vec::new();
    jsonb::push_object(pairs.into_iter().map(|(key, value)| (key, value.encoded())).collect(), &mut out);
    out
}

/// Two objects merge, the right one winning; else both sides are arrays, made of one value if need be.
fn concatenate(left: JsonbRef<'_>, right: JsonbRef<'_>) -> Vec<u8> {
    match (left.value(), right.value()) {
        (JsonValue::Object(mut pairs), JsonValue::Object(others)) => {
            pairs.extend(others);
            object_of_values(pairs)
        }
        (first, second) => {
            let mut all = match first {
                JsonValue::Array(elements) => elements,
                _ => vec![left],
            };
            match second {
                JsonValue::Array(elements) => all.extend(elements),
                _ => all.push(right),
            }
            array_of_values(&all)
        }
    }
}

fn delete_keys(value: JsonbRef<'_>, keys: &[&str]) -> Result<Vec<u8>, EvalError> {
    match value.value() {
        JsonValue::Object(pairs) => {
            Ok(object_of_values(pairs.into_iter().filter(|(key, _)| !keys.contains(key)).collect()))
        }
        JsonValue::Array(elements) => {
            let named = |e: &JsonbRef<'_>| matches!(e.value(), JsonValue::String(text) if keys.contains(&text));
            let kept: Vec<_> = elements.into_iter().filter(|element| !named(element)).collect();
            Ok(array_of_values(&kept))
        }
        _ => Err(invalid_parameter("cannot delete from scalar")),
    }
}

fn delete_element(value: JsonbRef<'_>, at: i64) -> Result<Vec<u8>, EvalError> {
    match value.value() {
        JsonValue::Array(mut elements) => {
            if let Some(at) = position(at, elements.len()).filter(|at| *at < elements.len()) {
                elements.remove(at);
            }
            Ok(array_of_values(&elements))
        }
        JsonValue::Object(_) => Err(invalid_parameter("cannot delete from object using integer index")),
        _ => Err(invalid_parameter("cannot delete from scalar")),
    }
}

/// What happens at the end of a path.
#[derive(Clone, Copy)]
enum Edit<'a> {
    Delete,
    /// The new value, and whether to add what is not there.
    Set(JsonbRef<'a>, bool),
    /// The new value, and whether it goes after the element at the path.
    Insert(JsonbRef<'a>, bool),
}

fn edit<'a>(args: &[Datum<'a>], edit: Edit<'_>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let value: JsonbRef<'a> = arg(args, 0)?;
    let steps: ArrayRef<'a> = one_dimensional(arg(args, 1)?)?;
    let empty = match value.value() {
        JsonValue::Array(elements) => elements.is_empty(),
        JsonValue::Object(pairs) => pairs.is_empty(),
        _ => {
            let verb = if matches!(edit, Edit::Delete) { "delete path in" } else { "set path in" };
            return Err(invalid_parameter(format!("cannot {verb} scalar")));
        }
    };
    if empty && matches!(edit, Edit::Delete | Edit::Set(_, false)) {
        return Ok(args[0]);
    }
    let Some(path) = path_of(steps.elements()) else {
        return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "path element must not be null"));
    };
    if path.is_empty() {
        return Ok(args[0]);
    }
    Ok(json_out(edit_at(value, &path, 1, edit)?, arena))
}

fn edit_at(value: JsonbRef<'_>, path: &[&str], depth: usize, edit: Edit<'_>) -> Result<Vec<u8>, EvalError> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(value.encoded().to_vec());
    };
    match value.value() {
        JsonValue::Object(pairs) => edit_object(pairs, step, rest, depth, edit),
        JsonValue::Array(elements) => {
            let at: i64 = step.trim().parse::<i32>().map(i64::from).map_err(|_| {
                let message = format!("path element at position {depth} is not an integer: \"{step}\"");
                SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
            })?;
            edit_array(elements, at, rest, depth, edit)
        }
        _ => Ok(value.encoded().to_vec()),
    }
}

fn edit_object(
    pairs: Vec<(&str, JsonbRef<'_>)>,
    step: &str,
    rest: &[&str],
    depth: usize,
    edit: Edit<'_>,
) -> Result<Vec<u8>, EvalError> {
    let found = pairs.iter().any(|(key, _)| *key == step);
    let mut edited: Vec<(&str, Vec<u8>)> = Vec::with_capacity(pairs.len() + 1);
    for (key, value) in pairs {
        match edit {
            _ if key != step => edited.push((key, value.encoded().to_vec())),
            _ if !rest.is_empty() => edited.push((key, edit_at(value, rest, depth + 1, edit)?)),
            Edit::Delete => {}
            Edit::Set(new, _) => edited.push((key, new.encoded().to_vec())),
            Edit::Insert(..) => {
                let error = invalid_parameter("cannot replace existing key");
                return Err(error.hint("Try using the function jsonb_set to replace key value."));
            }
        }
    }
    if !found && rest.is_empty() {
        match edit {
            Edit::Set(new, true) | Edit::Insert(new, _) => edited.push((step, new.encoded().to_vec())),
            Edit::Set(_, false) | Edit::Delete => {}
        }
    }
    let mut out = Vec::new();
    jsonb::push_object(edited, &mut out);
    Ok(out)
}

fn edit_array(
    elements: Vec<JsonbRef<'_>>,
    at: i64,
    rest: &[&str],
    depth: usize,
    edit: Edit<'_>,
) -> Result<Vec<u8>, EvalError> {
    let len = elements.len();
    let mut edited: Vec<Vec<u8>> = elements.iter().map(|element| element.encoded().to_vec()).collect();
    match position(at, len).filter(|at| *at < len) {
        Some(found) if !rest.is_empty() => edited[found] = edit_at(elements[found], rest, depth + 1, edit)?,
        Some(found) => match edit {
            Edit::Delete => _ = edited.remove(found),
            Edit::Set(new, _) => edited[found] = new.encoded().to_vec(),
            Edit::Insert(new, after) => edited.insert(found + usize::from(after), new.encoded().to_vec()),
        },
        None if rest.is_empty() => {
            // Beyond either end new elements go to that end.
            let end = if at < 0 { 0 } else { len };
            match edit {
                Edit::Set(new, true) | Edit::Insert(new, _) => edited.insert(end, new.encoded().to_vec()),
                Edit::Set(_, false) | Edit::Delete => {}
            }
        }
        None => {}
    }
    let mut out = Vec::new();
    jsonb::push_array(edited.len(), &edited.concat(), &mut out);
    Ok(out)
}
