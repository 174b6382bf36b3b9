//! Maps: operators and functions.

use super::FuncDef;
use super::build::*;
use repr::{Arena, ArrayRef, Datum, EvalError, Row, RowRef, SqlType, map};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let texts = array_of(SqlType::Text);
    let test = |name: &str, sql: &str, args: &[super::ArgType], eval| func(name, sql, args, BOOL, eval).infallible();
    let mut build = func("map_create", "", &[TEXT, ELEMENT], MAP, create).variadic().never_null();
    build.ret = super::Return::From(Box::new(|columns| {
        SqlType::Map(Box::new(columns.get(1).map_or(SqlType::Text, |column| column.ty.clone())))
    }));
    let mut of_list = func("map_build", "map_build", &[LIST], MAP, |a, arena| {
        Ok(map_value(arg::<RowRef<'_>>(a, 0)?.iter().filter_map(pair), arena))
    })
    .infallible();
    of_list.ret = super::Return::From(Box::new(|columns| {
        let value = |pair: &SqlType| Some(pair.fields()?.get(1)?.1.ty.clone());
        let value = if let SqlType::List(pair) = &columns[0].ty { value(pair) } else { None };
        SqlType::Map(Box::new(value.unwrap_or(SqlType::Text)))
    }));
    vec![
        build,
        of_list,
        func(
            "map_get",
            "->",
            &[MAP, TEXT],
            ELEMENT,
            |a, _| Ok(map::get(arg(a, 0)?, arg(a, 1)?).unwrap_or(Datum::Null)),
        )
        .may_be_null()
        .infallible(),
        test("map_contains_key", "?", &[MAP, TEXT], |a, _| Ok(Datum::Bool(map::get(arg(a, 0)?, arg(a, 1)?).is_some()))),
        test("map_contains_any_keys", "?|", &[MAP, texts.clone()], |a, _| {
            let map = arg(a, 0)?;
            Ok(Datum::Bool(keys(a)?.into_iter().flatten().any(|key| map::get(map, key).is_some())))
        }),
        test("map_contains_all_keys", "?&", &[MAP, texts], |a, _| {
            let map = arg(a, 0)?;
            Ok(Datum::Bool(keys(a)?.into_iter().all(|key| key.is_some_and(|key| map::get(map, key).is_some()))))
        }),
        test("map_contains_map", "@>", &[MAP, MAP], |a, _| Ok(Datum::Bool(contains(arg(a, 0)?, arg(a, 1)?)))),
        test("map_contained_by_map", "<@", &[MAP, MAP], |a, _| Ok(Datum::Bool(contains(arg(a, 1)?, arg(a, 0)?)))),
        func("map_length", "map_length", &[MAP], INT4, |a, _| Ok(Datum::Int4(map::pairs(arg(a, 0)?).count() as i32)))
            .infallible(),
    ]
}

/// The key and the value of a record of both; none without a key.
fn pair(datum: Datum<'_>) -> Option<(&str, Datum<'_>)> {
    let Datum::Record(pair) = datum else { return None };
    let mut fields = pair.iter();
    match (fields.next()?, fields.next()?) {
        (Datum::Text(key), value) => Some((key, value)),
        _ => None,
    }
}

/// A map of these pairs, kept in the arena.
pub(crate) fn map_value<'a>(pairs: impl IntoIterator<Item = (&'a str, Datum<'a>)>, arena: &'a Arena) -> Datum<'a> {
    let row: Row = map::encode(pairs);
    Datum::Map(RowRef::from_encoded(arena.bytes(row.encoded().to_vec())))
}

/// A map of keys and values in turn.
fn create<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let mut pairs = Vec::new();
    for pair in args.chunks_exact(2) {
        match pair[0] {
            Datum::Text(key) => pairs.push((key, pair[1])),
            _ => return Err(invalid_parameter("the key of a map must not be NULL")),
        }
    }
    Ok(map_value(pairs, arena))
}

fn keys<'a>(args: &[Datum<'a>]) -> Result<Vec<Option<&'a str>>, EvalError> {
    let array: ArrayRef<'a> = arg(args, 1)?;
    Ok(array.elements().map(|datum| if let Datum::Text(key) = datum { Some(key) } else { None }).collect())
}

fn contains(outer: RowRef<'_>, inner: RowRef<'_>) -> bool {
    map::pairs(inner).all(|(key, value)| map::get(outer, key) == Some(value))
}
