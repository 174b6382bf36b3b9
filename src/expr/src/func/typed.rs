//! Functions that belong to a type, made when they are first named: `text_to(integer[])`, `limit(numeric(10,2))`.
//!
//! The type is part of the unique name, so that a stored plan names the function completely.

use super::build::{arg, def, json_out, numeric_out, optional};
use super::json::{build_json, populate};
use super::list::list_value;
use super::map::map_value;
use super::{
    ArgType, DEFAULT_SETTINGS, Eval, Func, FuncDef, Nulls, Return, SessionEval, TypedEval, casts, json_text, session,
};
use crate::scalar::ScalarExpr;
use repr::text::{self, TextSettings, number, string};
use repr::{Arena, ArrayRef, Datum, EvalError, Numeric, Row, RowPacker, RowRef, SqlType, array, map};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Functions made so far. It grows with the number of types that plans have ever named, and a function is small.
static MADE: LazyLock<Mutex<HashMap<String, Func>>> = LazyLock::new(Mutex::default);

/// The function of this name, if it is a known stem with a type it takes.
pub fn by_name(name: &str) -> Option<Func> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(func) = made.get(name) {
        return Some(*func);
    }
    drop(made);
    let func = Func(Box::leak(Box::new(make(name)?)));
    made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Some(*made.entry(name.to_string()).or_insert(func))
}

/// What names a type in a function's name: as `format_type` prints it, and all of a type whose name alone says nothing.
pub(super) fn type_key(ty: &SqlType) -> String {
    match named_within(ty) {
        // A type is strings and numbers, which can be written.
        true => format!("type{}", serde_json::to_string(ty).unwrap_or_default()),
        false => ty.to_string(),
    }
}

/// Whether a type's name alone does not say all of it.
fn named_within(ty: &SqlType) -> bool {
    match ty {
        SqlType::Array(inner) | SqlType::List(inner) | SqlType::Map(inner) => named_within(inner),
        SqlType::Record(fields) => !fields.is_empty(),
        SqlType::Enum(_) | SqlType::Composite(_) => true,
        _ => false,
    }
}

/// The type that [`type_key`] names.
fn type_of_key(key: &str) -> Option<SqlType> {
    match key.strip_prefix("type{") {
        Some(_) => serde_json::from_str(&key["type".len()..]).ok(),
        None => SqlType::from_format(key),
    }
}

/// Two types' keys with a colon between.
fn split_keys(keys: &str) -> Option<(SqlType, SqlType)> {
    keys.match_indices(':').find_map(|(at, _)| Some((type_of_key(&keys[..at])?, type_of_key(&keys[at + 1..])?)))
}

fn make(name: &str) -> Option<FuncDef> {
    let (stem, inner) = name.strip_suffix(')')?.split_once('(')?;
    let of_type = |eval: fn(SqlType) -> TypedEval| {
        let ty = type_of_key(inner)?;
        Some(def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(ty.clone()), Eval::Typed(eval(ty))))
    };
    match stem {
        "relabel" => of_type(|_| Box::new(|args, _| Ok(args[0]))).map(FuncDef::infallible),
        "in_session" => session::make(name, inner),
        "spread" => spread(name, inner),
        "to_json" | "to_jsonb" => to_json(name, stem, inner),
        "from_json" => from_json(name, inner),
        "text_to" => {
            let ty = type_of_key(inner)?;
            let eval = Eval::Session(text_to(ty.clone()));
            Some(def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(ty), eval))
        }
        "limit" => of_type(limit),
        "truncate" => of_type(truncate),
        "array_cast" | "list_cast" | "array_to_list" | "map_cast" => {
            elements_cast(name, stem, inner, &DEFAULT_SETTINGS)
        }
        "record_cast" => record_cast(name, inner, &DEFAULT_SETTINGS),
        "field" => field(name, inner.parse().ok()?),
        "named_row" => named_row(name, serde_json::from_str(inner).ok()?),
        _ => None,
    }
}

/// What a type's input function reads.
fn text_to(ty: SqlType) -> SessionEval {
    Box::new(move |args, arena, settings| {
        let mut packer = RowPacker::new();
        text::parse(arg(args, 0)?, &ty, settings, &mut packer)?;
        Ok(first(packer, arena))
    })
}

/// The first value of what was packed, kept in the arena.
fn first<'a>(packer: RowPacker, arena: &'a Arena) -> Datum<'a> {
    let bytes = arena.bytes(packer.encoded().to_vec());
    RowRef::from_encoded(bytes).iter().next().unwrap_or(Datum::Null)
}

/// A value made to fit a type's modifier: rounded, or refused if it is too long or too large.
fn limit(ty: SqlType) -> TypedEval {
    Box::new(move |args, arena| match args[0] {
        Datum::Text(v) => string::fit(v, &ty).map(Datum::Text),
        other => limit_other(other, &ty, arena),
    })
}

/// The same by an explicit cast: texts are cut.
fn truncate(ty: SqlType) -> TypedEval {
    Box::new(move |args, arena| match args[0] {
        Datum::Text(v) => Ok(Datum::Text(string::truncate(v, &ty))),
        other => limit_other(other, &ty, arena),
    })
}

fn limit_other<'a>(datum: Datum<'a>, ty: &SqlType, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    Ok(match (datum, ty) {
        (Datum::Numeric(v), SqlType::Numeric(modifier @ Some(_))) => {
            let value: Numeric = v.to_numeric();
            numeric_out(&number::fit_numeric(value, *modifier)?, arena)
        }
        (Datum::Timestamp(v), SqlType::Timestamp(digits)) => Datum::Timestamp(text::datetime::round_to(v, *digits)),
        (Datum::Timestamptz(v), SqlType::Timestamptz(digits)) => {
            Datum::Timestamptz(text::datetime::round_to(v, *digits))
        }
        (other, _) => other,
    })
}

/// The cast between two types as an expression over the one column of a row, as an explicit cast does it in a session.
fn cast_expr(from: &SqlType, to: &SqlType, settings: &TextSettings) -> Option<&'static ScalarExpr> {
    let (_, cast) = casts::lookup(from, to)?;
    let mut expr = cast.apply(ScalarExpr::Column(0), to);
    session::bind(&mut expr, settings);
    Some(Box::leak(Box::new(expr)))
}

/// `array_cast(from:to)`, `list_cast(from:to)`, `map_cast(from:to)`: casts each element; `array_to_list(from:to)` likewise.
pub(super) fn elements_cast(name: &str, stem: &str, inner: &str, settings: &TextSettings) -> Option<FuncDef> {
    let (from, to) = split_keys(inner)?;
    let element = cast_expr(&from, &to, settings)?;
    let (eval, ret): (SessionEval, SqlType) = match stem {
        "array_cast" => (
            Box::new(move |args, arena, _| {
                let source: ArrayRef<'_> = arg(args, 0)?;
                let elements = source.elements().map(|datum| element.eval(&[datum], arena));
                let encoded = array::encode(elements.collect::<Result<Vec<_>, _>>()?, &source.dimensions());
                Ok(Datum::Array(ArrayRef::from_encoded(arena.bytes(encoded))))
            }),
            SqlType::Array(Box::new(to)),
        ),
        "map_cast" => (
            Box::new(move |args, arena, _| {
                let pairs = map::pairs(arg(args, 0)?).map(|(key, datum)| Ok((key, element.eval(&[datum], arena)?)));
                Ok(map_value(pairs.collect::<Result<Vec<_>, EvalError>>()?, arena))
            }),
            SqlType::Map(Box::new(to)),
        ),
        _ => (
            Box::new(move |args, arena, _| {
                let elements: Vec<Datum<'_>> = match args[0] {
                    Datum::Array(array) => array.elements().collect(),
                    _ => arg::<RowRef<'_>>(args, 0)?.iter().collect(),
                };
                let elements = elements.into_iter().map(|datum| element.eval(&[datum], arena));
                Ok(list_value(elements.collect::<Result<Vec<_>, _>>()?, arena))
            }),
            SqlType::List(Box::new(to)),
        ),
    };
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(ret), Eval::Session(eval));
    made.fallible = element.could_error();
    Some(made)
}

/// `record_cast(from:to)`: casts each field.
pub(super) fn record_cast(name: &str, inner: &str, settings: &TextSettings) -> Option<FuncDef> {
    let (from, to) = split_keys(inner)?;
    let pairs = from.fields()?.iter().zip(to.fields()?);
    let fields = pairs.map(|((_, from), (_, to))| cast_expr(&from.ty, &to.ty, settings));
    let fields: Vec<&'static ScalarExpr> = fields.collect::<Option<_>>()?;
    let fallible = fields.iter().any(|field| field.could_error());
    let eval: SessionEval = Box::new(move |args, arena, _| {
        let record: RowRef<'_> = arg(args, 0)?;
        let values = record.iter().zip(&fields).map(|(datum, field)| field.eval(&[datum], arena));
        let row = Row::pack(values.collect::<Result<Vec<_>, _>>()?);
        Ok(Datum::Record(RowRef::from_encoded(arena.bytes(row.encoded().to_vec()))))
    });
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(to), Eval::Session(eval));
    made.fallible = fallible;
    Some(made)
}

/// `to_json(type)`, `to_jsonb(type)`: JSON of a type's values, with the names of its fields.
fn to_json(name: &str, stem: &str, inner: &str) -> Option<FuncDef> {
    let ty: SqlType = serde_json::from_str(inner).ok()?;
    let (eval, ret): (SessionEval, SqlType) = match stem {
        "to_json" => (
            Box::new(move |args, arena, settings| {
                let mut out = String::new();
                json_text::push_typed(args[0], &ty, settings, &mut out);
                Ok(json_text::text_value(out, arena))
            }),
            SqlType::Json,
        ),
        _ => (
            Box::new(move |args, arena, settings| {
                let mut out = Vec::new();
                build_json::push_typed(args[0], &ty, settings, &mut out);
                Ok(json_out(out, arena))
            }),
            SqlType::Jsonb,
        ),
    };
    let made = def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(ret), Eval::Session(eval));
    Some(made.infallible())
}

/// `from_json(type)`: the value of a type that a JSON value is read as; the JSON `null` is NULL.
fn from_json(name: &str, inner: &str) -> Option<FuncDef> {
    let ty: SqlType = serde_json::from_str(inner).ok()?;
    let ret = Return::Type(ty.clone());
    let eval: SessionEval = Box::new(move |args, arena, settings| {
        let mut packer = RowPacker::new();
        populate::push(arg(args, 0)?, &ty, settings, &mut packer)?;
        Ok(first(packer, arena))
    });
    let made = def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Session(eval));
    Some(made.may_be_null())
}

/// `spread(function)`: a variadic function whose last argument is an array of its variable arguments.
fn spread(name: &str, inner: &str) -> Option<FuncDef> {
    let func = super::by_name(inner).filter(|func| func.0.variadic)?;
    let strict = matches!(func.0.nulls, Nulls::Strict | Nulls::StrictMayReturnNull);
    // Without variable arguments at all, `format` has its template left.
    let keeps_null = func.0.name == "text_format";
    let eval: SessionEval = Box::new(move |args, arena, settings| {
        let Some((last, fixed)) = args.split_last() else { return Ok(Datum::Null) };
        let mut all = fixed.to_vec();
        match last {
            Datum::Null if keeps_null => {}
            Datum::Null => return Ok(Datum::Null),
            last => all.extend(arg::<ArrayRef<'_>>(&[*last], 0)?.elements()),
        }
        if strict && all.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        session::call(func, &all, arena, settings)
    });
    let ret = Return::From(Box::new(move |columns| match &func.0.ret {
        Return::Type(ty) => ty.clone(),
        Return::From(f) => f(columns),
    }));
    let args = vec![ArgType::Any];
    let mut made = def(name.to_string(), String::new(), args, ret, Eval::Session(eval)).called();
    made.variadic = true;
    Some(made)
}

/// The name of the function that makes a record of fields with these names.
pub fn row_with_names(names: &[&str]) -> String {
    format!("named_row({})", serde_json::to_string(names).unwrap_or_default())
}

/// `named_row(names)`: `row`, with names for its fields.
fn named_row(name: &str, names: Vec<String>) -> Option<FuncDef> {
    let row = super::by_name("row")?;
    let eval: TypedEval = Box::new(move |args, arena| session::call(row, args, arena, &DEFAULT_SETTINGS));
    let ret = Return::From(Box::new(move |columns| {
        SqlType::Record(names.iter().cloned().zip(columns.iter().cloned()).collect())
    }));
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Typed(eval)).infallible();
    (made.variadic, made.nulls) = (row.0.variadic, row.0.nulls);
    Some(made)
}

/// `field(i)`: a record's field, from 0.
fn field(name: &str, at: usize) -> Option<FuncDef> {
    let eval: TypedEval = Box::new(move |args, _| {
        let record: Option<RowRef<'_>> = optional(args, 0)?;
        Ok(record.and_then(|record| record.iter().nth(at)).unwrap_or(Datum::Null))
    });
    let ret = Return::From(Box::new(move |columns| {
        let ty = &columns[0].ty;
        ty.fields().and_then(|fields| fields.get(at)).map_or(SqlType::Text, |(_, column)| column.ty.clone())
    }));
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Typed(eval)).infallible();
    made.nulls = Nulls::StrictMayReturnNull;
    Some(made)
}
