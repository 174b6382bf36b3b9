//! Lists: operators and functions.

use super::FuncDef;
use super::build::*;
use repr::{Arena, Datum, EvalError, Row, RowRef};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = access();
    for (names, args, eval) in [
        (["list_cat", "list_cat_operator"], [LIST, LIST], concatenate as super::EvalFn),
        (["list_append", "list_append_operator"], [LIST, ELEMENT], append),
        (["list_prepend", "list_prepend_operator"], [ELEMENT, LIST], prepend),
    ] {
        let [function, operator] = names;
        table.push(func(function, function, &args, LIST, eval).called());
        table.push(func(operator, "||", &args, LIST, eval).called());
    }
    table
}

/// A list of these values, kept in the arena.
pub(crate) fn list_value<'a>(values: impl IntoIterator<Item = Datum<'a>>, arena: &'a Arena) -> Datum<'a> {
    Datum::List(RowRef::from_encoded(arena.bytes(Row::pack(values).encoded().to_vec())))
}

/// The elements; none of NULL.
fn elements<'a>(args: &[Datum<'a>], at: usize) -> Result<Vec<Datum<'a>>, EvalError> {
    Ok(optional::<RowRef<'a>>(args, at)?.map(|list| list.iter().collect()).unwrap_or_default())
}

fn made<'a>(mut values: Vec<Datum<'a>>, more: Vec<Datum<'a>>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    values.extend(more);
    check_length(values.len().saturating_mul(size_of::<Datum<'_>>()))?;
    Ok(list_value(values, arena))
}

/// NULL counts as a list without elements, but two of them are NULL.
fn concatenate<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    if args.iter().all(Datum::is_null) {
        return Ok(Datum::Null);
    }
    made(elements(args, 0)?, elements(args, 1)?, arena)
}

fn append<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    made(elements(args, 0)?, vec![args[1]], arena)
}

fn prepend<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    made(vec![args[0]], elements(args, 1)?, arena)
}

fn access() -> Vec<FuncDef> {
    vec![
        func("list_create", "", &[ELEMENT], LIST, |a, arena| Ok(list_value(a.iter().copied(), arena)))
            .variadic()
            .never_null()
            .infallible(),
        func("list_index", "list_index", &[LIST, INT8], ELEMENT, |a, _| {
            let at = usize::try_from(arg::<i64>(a, 1)?).ok().and_then(|at| at.checked_sub(1));
            let list: RowRef<'_> = arg(a, 0)?;
            Ok(at.and_then(|at| list.iter().nth(at)).unwrap_or(Datum::Null))
        })
        .may_be_null()
        .infallible(),
        func("list_slice", "list_slice", &[LIST, INT8, INT8], LIST, |a, arena| {
            let (from, to): (i64, i64) = (arg(a, 1)?, arg(a, 2)?);
            let list: RowRef<'_> = arg(a, 0)?;
            let inside = |(at, _): &(i64, Datum<'_>)| from <= *at && *at <= to;
            Ok(list_value((1..).zip(list.iter()).filter(inside).map(|(_, datum)| datum), arena))
        })
        .infallible(),
        func("list_length", "list_length", &[LIST], INT4, |a, _| {
            Ok(Datum::Int4(arg::<RowRef<'_>>(a, 0)?.iter().count() as i32))
        })
        .infallible(),
        func("list_length_max", "list_length_max", &[LIST, INT8], INT4, |a, _| {
            let layer: i64 = arg(a, 1)?;
            if layer < 1 {
                return Err(invalid_parameter(format!("invalid layer: {layer}; must use value within [1, …]")));
            }
            Ok(length_max(a[0], layer).map_or(Datum::Null, |length| Datum::Int4(length as i32)))
        })
        .may_be_null(),
        func("list_remove", "list_remove", &[LIST, ELEMENT], LIST, |a, arena| {
            if a[0].is_null() {
                return Ok(Datum::Null);
            }
            Ok(list_value(elements(a, 0)?.into_iter().filter(|datum| *datum != a[1]), arena))
        })
        .called()
        .infallible(),
        func("list_contains", "@>", &[LIST, LIST], BOOL, |a, _| contains(a, 0, 1)).infallible(),
        func("list_contained", "<@", &[LIST, LIST], BOOL, |a, _| contains(a, 1, 0)).infallible(),
    ]
}

/// The greatest length of the lists of a layer, 1 being the list itself.
fn length_max(datum: Datum<'_>, layer: i64) -> Option<usize> {
    let Datum::List(list) = datum else { return None };
    if layer == 1 {
        return Some(list.iter().count());
    }
    list.iter().filter_map(|element| length_max(element, layer - 1)).max()
}

/// Whether every element of one list is in the other; NULL is in none.
fn contains<'a>(args: &[Datum<'a>], outer: usize, inner: usize) -> Result<Datum<'a>, EvalError> {
    let (all, wanted) = (elements(args, outer)?, elements(args, inner)?);
    Ok(Datum::Bool(wanted.iter().all(|datum| !datum.is_null() && all.contains(datum))))
}
