//! Functions that belong to a type, made when they are first named: `text_to(integer[])`, `limit(numeric(10,2))`.
//!
//! The type is part of the unique name, so that a stored plan names the function completely.

use super::build::{arg, def, numeric_out, optional};
use super::{ArgType, Eval, Func, FuncDef, Nulls, Return, TypedEval, casts};
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

fn make(name: &str) -> Option<FuncDef> {
    let (stem, inner) = name.strip_suffix(')')?.split_once('(')?;
    let of_type = |eval: fn(SqlType) -> TypedEval| {
        let ty = SqlType::from_format(inner)?;
        Some(def(name.to_string(), String::new(), vec![ArgType::Any], Return::Type(ty.clone()), Eval::Typed(eval(ty))))
    };
    match stem {
        "relabel" => of_type(|_| Box::new(|args, _| Ok(args[0]))).map(FuncDef::infallible),
        "text_to" => of_type(text_to),
        "limit" => of_type(limit),
        "truncate" => of_type(truncate),
        "array_cast" => array_cast(name, inner),
        "field" => field(name, inner.parse().ok()?),
        _ => None,
    }
}

/// What a type's input function reads.
fn text_to(ty: SqlType) -> TypedEval {
    Box::new(move |args, arena| {
        let mut packer = RowPacker::new();
        text::parse(arg(args, 0)?, &ty, &TextSettings::DEFAULT, &mut packer)?;
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

/// `array_cast(from:to)`: casts each element, as an explicit cast of its type does.
fn array_cast(name: &str, inner: &str) -> Option<FuncDef> {
    let (from, to) = inner.split_once(':')?;
    let (from, to) = (SqlType::from_format(from)?, SqlType::from_format(to)?);
    let (_, cast) = casts::lookup(&from, &to)?;
    let element = cast.apply(ScalarExpr::Column(0), &to);
    let element: &'static ScalarExpr = Box::leak(Box::new(element));
    let eval: TypedEval = Box::new(move |args, arena| {
        let source: ArrayRef<'_> = arg(args, 0)?;
        let cast = source.elements().map(|datum| element.eval(&[datum], arena)).collect::<Result<Vec<_>, _>>()?;
        let encoded = array::encode(cast, &source.dimensions());
        Ok(Datum::Array(ArrayRef::from_encoded(arena.bytes(encoded))))
    });
    let ret = Return::Type(SqlType::Array(Box::new(to)));
    let mut made = def(name.to_string(), String::new(), vec![ArgType::Any], ret, Eval::Typed(eval));
    made.fallible = element.could_error();
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
