//! Functions that belong to a type, made when they are first named: `text_to(integer[])`, `limit(numeric(10,2))`.
//!
//! The type is part of the unique name, so that a stored plan names the function completely.

use super::build::{arg, def, json_out, numeric_out, optional};
use super::json::build_json;
use super::{ArgType, DEFAULT_SETTINGS, Eval, Func, FuncDef, Nulls, Return, SessionEval, TypedEval, casts, session};
use crate::scalar::ScalarExpr;
use repr::text::{self, TextSettings, number, string};
use repr::{Arena, ArrayRef, Datum, EvalError, Numeric, RowPacker, RowRef, SqlType, array};
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

/// What names a type in a function's name: as `format_type` prints it, and all of an enum, whose name alone says nothing.
pub(super) fn type_key(ty: &SqlType) -> String {
    match ty {
        SqlType::Array(element) => format!("{}[]", type_key(element)),
        // An enum is a few strings and numbers, which can be written.
        SqlType::Enum(ty) => format!("enum{}", serde_json::to_string(&**ty).unwrap_or_default()),
        other => other.to_string(),
    }
}

/// The type that [`type_key`] names.
fn type_of_key(key: &str) -> Option<SqlType> {
    if let Some(json) = key.strip_prefix("enum").filter(|json| json.starts_with('{')) {
        return match json.strip_suffix("[]") {
            Some(_) => Some(SqlType::Array(Box::new(type_of_key(key.strip_suffix("[]")?)?))),
            None => Some(SqlType::Enum(serde_json::from_str(json).ok()?)),
        };
    }
    SqlType::from_format(key)
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
        "to_json" => to_json(name, inner),
        "text_to" => {
            let ty = type_of_key(inner)?;
            let eval = Eval::Session(text_to(ty.clone()));
            Some(def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(ty), eval))
        }
        "limit" => of_type(limit),
        "truncate" => of_type(truncate),
        "array_cast" => array_cast(name, inner, &DEFAULT_SETTINGS),
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

/// `array_cast(from:to)`: casts each element, as an explicit cast of its type does in a session.
pub(super) fn array_cast(name: &str, inner: &str, settings: &TextSettings) -> Option<FuncDef> {
    let (from, to) = split_keys(inner)?;
    let (_, cast) = casts::lookup(&from, &to)?;
    let mut element = cast.apply(ScalarExpr::Column(0), &to);
    session::bind(&mut element, settings);
    let element: &'static ScalarExpr = Box::leak(Box::new(element));
    let eval: SessionEval = Box::new(move |args, arena, _| {
        let source: ArrayRef<'_> = arg(args, 0)?;
        let cast = source.elements().map(|datum| element.eval(&[datum], arena)).collect::<Result<Vec<_>, _>>()?;
        let encoded = array::encode(cast, &source.dimensions());
        Ok(Datum::Array(ArrayRef::from_encoded(arena.bytes(encoded))))
    });
    let ret = Return::Type(SqlType::Array(Box::new(to)));
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Session(eval));
    made.fallible = element.could_error();
    Some(made)
}

/// `to_json(type)`: JSON of a type's values, with the names of its fields.
fn to_json(name: &str, inner: &str) -> Option<FuncDef> {
    let ty: SqlType = serde_json::from_str(inner).ok()?;
    let eval: SessionEval = Box::new(move |args, arena, settings| {
        let mut out = Vec::new();
        build_json::push_typed(args[0], &ty, settings, &mut out);
        Ok(json_out(out, arena))
    });
    let ret = Return::Type(SqlType::Jsonb);
    Some(def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Session(eval)).infallible())
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
    let ret = Return::From(Box::new(move |columns| match &columns[0].ty {
        SqlType::Record(fields) => fields.get(at).map_or(SqlType::Text, |(_, column)| column.ty.clone()),
        _ => SqlType::Text,
    }));
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Typed(eval)).infallible();
    made.nulls = Nulls::StrictMayReturnNull;
    Some(made)
}
