//! Operators and functions of arrays.

use super::build::*;
use super::pattern::like;
use super::{FuncDef, Return};
use repr::array::{Dimension, encode};
use repr::text::TextSettings;
use repr::{Arena, ArrayRef, Datum, EvalError, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = makers();
    table.extend(shapes());
    table.extend(changes());
    table.extend(searches());
    table.extend(quantifiers());
    table.extend(texts());
    table
}

fn array_out<'a>(
    elements: impl IntoIterator<Item = Datum<'a>>,
    dimensions: &[Dimension],
    arena: &'a Arena,
) -> Datum<'a> {
    Datum::Array(ArrayRef::from_encoded(arena.bytes(encode(elements, dimensions))))
}

fn makers() -> Vec<FuncDef> {
    let mut nested = func("array_of_arrays", "", &[ARRAY], ARRAY, array_of_arrays).variadic().never_null();
    nested.ret = Return::From(Box::new(|columns| columns[0].ty.clone()));
    vec![
        func("array_fill", "array_fill", &[ELEMENT, array_of(SqlType::Int4)], ARRAY, fill).called(),
        func(
            "array_fill_bounds",
            "array_fill",
            &[ELEMENT, array_of(SqlType::Int4), array_of(SqlType::Int4)],
            ARRAY,
            fill,
        )
        .called(),
        func("array_create", "", &[ELEMENT], ARRAY, |a, arena| Ok(list_out(a.iter().copied(), arena)))
            .variadic()
            .never_null()
            .infallible(),
        nested,
        func("array_index", "array_index", &[ARRAY, INT4], ELEMENT, |a, _| {
            let (array, at): (ArrayRef<'_>, i32) = (arg(a, 0)?, arg(a, 1)?);
            let [dimension] = array.dimensions()[..] else { return Ok(Datum::Null) };
            let offset = usize::try_from(i64::from(at) - i64::from(dimension.lower)).ok();
            Ok(offset.and_then(|offset| array.elements().nth(offset)).unwrap_or(Datum::Null))
        })
        .may_be_null()
        .infallible(),
        func("array_slice", "array_slice", &[ARRAY, INT4, INT4], ARRAY, slice).infallible(),
        func("array_index2", "array_index", &[ARRAY, INT4, INT4], ELEMENT, |a, _| {
            let array: ArrayRef<'_> = arg(a, 0)?;
            let [rows, columns] = array.dimensions()[..] else { return Ok(Datum::Null) };
            let offset = |at: i32, d: Dimension| {
                usize::try_from(i64::from(at) - i64::from(d.lower)).ok().filter(|o| *o < d.length as usize)
            };
            let place = offset(arg(a, 1)?, rows).zip(offset(arg(a, 2)?, columns));
            let at = place.map(|(row, column)| row * columns.length as usize + column);
            Ok(at.and_then(|at| array.elements().nth(at)).unwrap_or(Datum::Null))
        })
        .may_be_null()
        .infallible(),
    ]
}

/// `array[from:to]` of the first dimension, all of the others; subscripts of the result start at 1.
fn slice<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (array, from, to): (ArrayRef<'_>, i32, i32) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    let mut dimensions = array.dimensions();
    dimensions.iter_mut().skip(1).for_each(|dimension| dimension.lower = 1);
    let inner: usize = dimensions.iter().skip(1).map(|dimension| dimension.length as usize).product();
    let Some(first) = dimensions.first_mut() else { return Ok(array_out([], &[], arena)) };
    let lower = i64::from(first.lower);
    let start = (i64::from(from) - lower).max(0);
    let end = (i64::from(to) - lower + 1).min(i64::from(first.length));
    let Some(length) = u32::try_from(end - start).ok().filter(|length| *length > 0) else {
        return Ok(array_out([], &[], arena));
    };
    *first = Dimension { lower: 1, length };
    let elements = array.elements().skip(start as usize * inner).take(length as usize * inner);
    Ok(array_out(elements, &dimensions, arena))
}

/// The int4s of a one-dimensional array, none of them NULL.
fn integers(args: &[Datum<'_>], at: usize) -> Result<Vec<i32>, EvalError> {
    let null = || {
        let message = "dimension array or low bound array cannot be null";
        SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
    };
    let array: ArrayRef<'_> = optional(args, at)?.ok_or_else(null)?;
    if array.dimensions().len() > 1 {
        let error = SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
        return Err(error.detail("Dimension array must be one dimensional."));
    }
    let value = |datum| match datum {
        Datum::Int4(value) => Ok(value),
        _ => Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null")),
    };
    array.elements().map(value).collect()
}

/// `array_fill(value, lengths [, lower bounds])`
fn fill<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let lengths = integers(args, 1)?;
    let lowers = if args.len() > 2 { integers(args, 2)? } else { vec![1; lengths.len()] };
    if lowers.len() != lengths.len() {
        let error = SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
        return Err(error.detail("Low bound array has different size than dimensions array."));
    }
    let too_large = || {
        let message = "array size exceeds the maximum allowed (134217727)";
        SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
    };
    if lengths.len() > 6 {
        let message = format!("number of array dimensions ({}) exceeds the maximum allowed (6)", lengths.len());
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let count = lengths.iter().try_fold(1usize, |count, length| count.checked_mul(usize::try_from(*length).ok()?));
    let count = if lengths.is_empty() { 0 } else { count.ok_or_else(too_large)? };
    check_length(count.saturating_mul(8)).map_err(|_| too_large())?;
    if count == 0 {
        return Ok(array_out([], &[], arena));
    }
    let pairs = lowers.into_iter().zip(lengths);
    let dimensions: Vec<Dimension> = pairs.map(|(lower, length)| Dimension { lower, length: length as u32 }).collect();
    Ok(array_out(std::iter::repeat_n(args[0], count), &dimensions, arena))
}

fn mismatched() -> EvalError {
    let message = "multidimensional arrays must have array expressions with matching dimensions";
    SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

/// Arrays of the same dimensions as the rows of one with a dimension more.
fn array_of_arrays<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let arrays = (0..args.len()).map(|at| optional::<ArrayRef<'a>>(args, at));
    let arrays: Vec<Option<ArrayRef<'a>>> = arrays.collect::<Result<_, _>>()?;
    // NULLs count as arrays without elements, of which all or none are to be.
    if arrays.iter().flatten().all(|array| array.dimensions().is_empty()) {
        return Ok(array_out([], &[], arena));
    }
    let arrays: Vec<ArrayRef<'a>> = arrays.into_iter().collect::<Option<_>>().ok_or_else(mismatched)?;
    stacked(&arrays, arena).ok_or_else(mismatched)
}

/// Arrays as the elements of an array of one more dimension; none if their shapes differ.
pub(crate) fn stacked<'a>(arrays: &[ArrayRef<'a>], arena: &'a Arena) -> Option<Datum<'a>> {
    let inner = arrays.first()?.dimensions();
    if arrays.iter().any(|array| array.dimensions() != inner) {
        return None;
    }
    if inner.is_empty() {
        return Some(array_out([], &[], arena));
    }
    let mut dimensions = vec![Dimension { lower: 1, length: arrays.len() as u32 }];
    dimensions.extend(inner);
    Some(array_out(arrays.iter().flat_map(|array| array.elements()), &dimensions, arena))
}

/// The dimension with this number, from 1.
fn dimension(args: &[Datum<'_>]) -> Result<Option<Dimension>, EvalError> {
    let (array, at): (ArrayRef<'_>, i32) = (arg(args, 0)?, arg(args, 1)?);
    let dimensions = array.dimensions();
    Ok(usize::try_from(at).ok().and_then(|at| dimensions.get(at.checked_sub(1)?).copied()))
}

fn shapes() -> Vec<FuncDef> {
    let of_dimension =
        |name: &'static str, eval| func(name, name, &[ARRAY, INT4], INT4, eval).may_be_null().infallible();
    vec![
        of_dimension("array_length", |a, _| Ok(dimension(a)?.map_or(Datum::Null, |d| Datum::Int4(d.length as i32)))),
        of_dimension("array_lower", |a, _| Ok(dimension(a)?.map_or(Datum::Null, |d| Datum::Int4(d.lower)))),
        of_dimension("array_upper", |a, _| {
            Ok(dimension(a)?.map_or(Datum::Null, |d| Datum::Int4(d.lower + d.length as i32 - 1)))
        }),
        func("array_ndims", "array_ndims", &[ARRAY], INT4, |a, _| {
            let count = arg::<ArrayRef<'_>>(a, 0)?.dimensions().len() as i32;
            Ok(if count == 0 { Datum::Null } else { Datum::Int4(count) })
        })
        .may_be_null()
        .infallible(),
        func("array_dims", "array_dims", &[ARRAY], TEXT, |a, arena| {
            let dimensions = arg::<ArrayRef<'_>>(a, 0)?.dimensions();
            let shown = |d: &Dimension| format!("[{}:{}]", d.lower, i64::from(d.lower) + i64::from(d.length) - 1);
            let text: String = dimensions.iter().map(shown).collect();
            Ok(if dimensions.is_empty() { Datum::Null } else { text_out(text, arena) })
        })
        .may_be_null()
        .infallible(),
        func("cardinality", "cardinality", &[ARRAY], INT4, |a, _| {
            Ok(Datum::Int4(arg::<ArrayRef<'_>>(a, 0)?.elements().count() as i32))
        })
        .infallible(),
    ]
}

/// The elements and lower bound of the array that is searched, which has one dimension.
fn searched<'a>(args: &[Datum<'a>], doing: &str) -> Result<(Vec<Datum<'a>>, i32), EvalError> {
    list(args, 0).map_err(|_| SqlError::unsupported(format!("{doing} multidimensional arrays")))
}

/// The elements and lower bound of an array of one dimension, NULL being the empty array.
fn list<'a>(args: &[Datum<'a>], at: usize) -> Result<(Vec<Datum<'a>>, i32), EvalError> {
    let Some(array) = optional::<ArrayRef<'a>>(args, at)? else { return Ok((Vec::new(), 1)) };
    match array.dimensions()[..] {
        [] => Ok((Vec::new(), 1)),
        [only] => Ok((array.elements().collect(), only.lower)),
        _ => Err(SqlError::new(
            SqlState([b'2', b'2', b'0', b'0', b'0']),
            "argument must be empty or one-dimensional array",
        )),
    }
}

fn list_from<'a>(elements: Vec<Datum<'a>>, lower: i32, arena: &'a Arena) -> Datum<'a> {
    let dimension = Dimension { lower, length: elements.len() as u32 };
    let dimensions = if elements.is_empty() { &[][..] } else { &[dimension][..] };
    array_out(elements, dimensions, arena)
}

fn append<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (mut elements, lower) = list(args, 0)?;
    elements.push(args[1]);
    Ok(list_from(elements, lower, arena))
}

fn prepend<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (mut elements, lower) = list(args, 1)?;
    elements.insert(0, args[0]);
    Ok(list_from(elements, lower, arena))
}

fn concatenate<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (left, right) = (optional::<ArrayRef<'a>>(args, 0)?, optional::<ArrayRef<'a>>(args, 1)?);
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (Some(one), None) | (None, Some(one)) => return Ok(Datum::Array(one)),
        (None, None) => return Ok(Datum::Null),
    };
    let (a, b) = (left.dimensions(), right.dimensions());
    let mut dimensions = match (a.len(), b.len()) {
        (0, _) => return Ok(args[1]),
        (_, 0) => return Ok(args[0]),
        (m, n) if m == n && a[1..] == b[1..] => a,
        (m, n) if m == n + 1 && a[1..] == b[..] => a,
        (m, n) if n == m + 1 && b[1..] == a[..] => b,
        _ => return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays")),
    };
    let inner: u32 = dimensions[1..].iter().map(|d| d.length).product();
    let elements: Vec<Datum<'a>> = left.elements().chain(right.elements()).collect();
    dimensions[0].length = elements.len() as u32 / inner;
    Ok(array_out(elements, &dimensions, arena))
}

fn changes() -> Vec<FuncDef> {
    let kept = |name: &'static str, args: &[super::ArgType], eval| func(name, name, args, ARRAY, eval).called();
    vec![
        func("array_append", "array_append", &[ARRAY, ELEMENT], ARRAY, append).never_null(),
        func("array_prepend", "array_prepend", &[ELEMENT, ARRAY], ARRAY, prepend).never_null(),
        func("array_append_operator", "||", &[ARRAY, ELEMENT], ARRAY, append).never_null(),
        func("array_prepend_operator", "||", &[ELEMENT, ARRAY], ARRAY, prepend).never_null(),
        kept("array_cat", &[ARRAY, ARRAY], concatenate),
        func("array_cat_operator", "||", &[ARRAY, ARRAY], ARRAY, concatenate).called(),
        kept("array_remove", &[ARRAY, ELEMENT], |a, arena| {
            if a[0].is_null() {
                return Ok(Datum::Null);
            }
            let (elements, lower) = searched(a, "removing elements from")?;
            Ok(list_from(elements.into_iter().filter(|e| *e != a[1]).collect(), lower, arena))
        }),
        kept("array_replace", &[ARRAY, ELEMENT, ELEMENT], |a, arena| {
            let Some(array) = optional::<ArrayRef<'_>>(a, 0)? else { return Ok(Datum::Null) };
            let swapped = array.elements().map(|e| if e == a[1] { a[2] } else { e });
            Ok(array_out(swapped, &array.dimensions(), arena))
        }),
        func("trim_array", "trim_array", &[ARRAY, INT4], ARRAY, |a, arena| {
            let (array, n): (ArrayRef<'_>, i32) = (arg(a, 0)?, arg(a, 1)?);
            let mut dimensions = array.dimensions();
            let length = dimensions.first().map_or(0, |d| d.length);
            let kept = u32::try_from(n).ok().and_then(|n| length.checked_sub(n));
            let message = format!("number of elements to trim must be between 0 and {length}");
            let kept = kept.ok_or_else(|| SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message))?;
            if kept == 0 {
                return Ok(array_out([], &[], arena));
            }
            dimensions.iter_mut().for_each(|dimension| dimension.lower = 1);
            dimensions[0].length = kept;
            let count: u32 = dimensions.iter().map(|d| d.length).product();
            Ok(array_out(array.elements().take(count as usize), &dimensions, arena))
        }),
    ]
}

/// The positions, as subscripts, where an element equals the wanted one; NULL equals NULL here.
fn positions<'a>(args: &[Datum<'a>], from: i32) -> Result<impl Iterator<Item = i32> + 'a, EvalError> {
    let wanted = args[1];
    let (elements, lower) = searched(args, "searching for elements in")?;
    let all = elements.into_iter().zip(lower..);
    Ok(all.filter(move |(element, at)| *element == wanted && *at >= from).map(|(_, at)| at))
}

fn position<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    if args[0].is_null() {
        return Ok(Datum::Null);
    }
    let from = match args.get(2) {
        None => i32::MIN,
        Some(Datum::Int4(from)) => *from,
        Some(_) => return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "initial position must not be null")),
    };
    Ok(positions(args, from)?.next().map_or(Datum::Null, Datum::Int4))
}

fn elements_without_null<'a>(array: ArrayRef<'a>) -> Vec<Datum<'a>> {
    array.elements().filter(|element| !element.is_null()).collect()
}

/// Whether each element of `inner`, none of them NULL, is one of `outer`.
fn contains(outer: ArrayRef<'_>, inner: ArrayRef<'_>) -> bool {
    let found = elements_without_null(outer);
    inner.elements().all(|element| !element.is_null() && found.contains(&element))
}

fn searches() -> Vec<FuncDef> {
    vec![
        func("array_position", "array_position", &[ARRAY, ELEMENT], INT4, position).called(),
        func("array_position_from", "array_position", &[ARRAY, ELEMENT, INT4], INT4, position).called(),
        func("array_positions", "array_positions", &[ARRAY, ELEMENT], array_of(SqlType::Int4), |a, arena| {
            if a[0].is_null() {
                return Ok(Datum::Null);
            }
            Ok(list_out(positions(a, i32::MIN)?.map(Datum::Int4), arena))
        })
        .called(),
        func("arraycontains", "@>", &[ARRAY, ARRAY], BOOL, |a, _| Ok(Datum::Bool(contains(arg(a, 0)?, arg(a, 1)?))))
            .infallible(),
        func("arraycontained", "<@", &[ARRAY, ARRAY], BOOL, |a, _| Ok(Datum::Bool(contains(arg(a, 1)?, arg(a, 0)?))))
            .infallible(),
        func("arrayoverlap", "&&", &[ARRAY, ARRAY], BOOL, |a, _| {
            let right = elements_without_null(arg(a, 1)?);
            Ok(Datum::Bool(elements_without_null(arg(a, 0)?).iter().any(|element| right.contains(element))))
        })
        .infallible(),
    ]
}

/// `left op ANY (array)` (`decisive` is true) or `ALL` (`decisive` is false), in three-valued logic.
fn quantify<'a>(
    args: &[Datum<'a>],
    decisive: bool,
    test: impl Fn(Datum<'a>, Datum<'a>) -> Result<bool, EvalError>,
) -> Result<Datum<'a>, EvalError> {
    let Some(array) = optional::<ArrayRef<'a>>(args, 1)? else { return Ok(Datum::Null) };
    let mut unknown = false;
    for element in array.elements() {
        if element.is_null() || args[0].is_null() {
            unknown = true;
        } else if test(args[0], element)? == decisive {
            return Ok(Datum::Bool(decisive));
        }
    }
    Ok(if unknown { Datum::Null } else { Datum::Bool(!decisive) })
}

fn like_test<'a>(left: Datum<'a>, right: Datum<'a>) -> Result<bool, EvalError> {
    like(arg(&[left], 0)?, arg(&[right], 0)?)
}

fn quantifiers() -> Vec<FuncDef> {
    let entry = |name: &'static str, eval| func(name, name, &[ELEMENT, ARRAY], BOOL, eval).called().infallible();
    let text = |name: &'static str, eval| func(name, name, &[TEXT, array_of(SqlType::Text)], BOOL, eval).called();
    vec![
        entry("any_eq", |a, _| quantify(a, true, |l, r| Ok(l == r))),
        entry("any_ne", |a, _| quantify(a, true, |l, r| Ok(l != r))),
        entry("any_lt", |a, _| quantify(a, true, |l, r| Ok(l < r))),
        entry("any_le", |a, _| quantify(a, true, |l, r| Ok(l <= r))),
        entry("any_gt", |a, _| quantify(a, true, |l, r| Ok(l > r))),
        entry("any_ge", |a, _| quantify(a, true, |l, r| Ok(l >= r))),
        entry("all_eq", |a, _| quantify(a, false, |l, r| Ok(l == r))),
        entry("all_ne", |a, _| quantify(a, false, |l, r| Ok(l != r))),
        entry("all_lt", |a, _| quantify(a, false, |l, r| Ok(l < r))),
        entry("all_le", |a, _| quantify(a, false, |l, r| Ok(l <= r))),
        entry("all_gt", |a, _| quantify(a, false, |l, r| Ok(l > r))),
        entry("all_ge", |a, _| quantify(a, false, |l, r| Ok(l >= r))),
        text("any_like", |a, _| quantify(a, true, like_test)),
        text("all_like", |a, _| quantify(a, false, like_test)),
    ]
}

fn join<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let (Some(array), Some(delimiter)) = (optional::<ArrayRef<'a>>(args, 0)?, optional::<&str>(args, 1)?) else {
        return Ok(Datum::Null);
    };
    let null_text: Option<&str> = optional(args, 2)?;
    let shown = |datum: Datum<'_>| match datum {
        Datum::Null => null_text.map(str::to_string),
        other => {
            let mut text = String::new();
            repr::text::format(other, &SqlType::Text, settings, &mut text);
            Some(text)
        }
    };
    let parts: Vec<String> = array.elements().filter_map(shown).collect();
    check_length(parts.iter().map(|part| part.len() + delimiter.len()).sum())?;
    Ok(text_out(parts.join(delimiter), arena))
}

/// The parts of a text between delimiters, those that are a certain text being NULL; none for a NULL text. A NULL delimiter
/// divides into characters.
pub fn split_text<'a>(args: &[Datum<'a>]) -> Result<Option<Vec<Datum<'a>>>, EvalError> {
    let Some(text) = optional::<&'a str>(args, 0)? else { return Ok(None) };
    let null_text: Option<&str> = optional(args, 2)?;
    let value = |part: &'a str| if Some(part) == null_text { Datum::Null } else { Datum::Text(part) };
    if text.is_empty() {
        return Ok(Some(Vec::new()));
    }
    Ok(Some(match optional::<&str>(args, 1)? {
        None => text.char_indices().map(|(at, c)| value(&text[at..at + c.len_utf8()])).collect(),
        Some("") => vec![value(text)],
        Some(delimiter) => text.split(delimiter).map(value).collect(),
    }))
}

fn split<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    Ok(split_text(args)?.map_or(Datum::Null, |parts| list_out(parts, arena)))
}

fn texts() -> Vec<FuncDef> {
    let strings = || array_of(SqlType::Text);
    vec![
        session("array_to_text", "array_to_string", &[ARRAY, TEXT], TEXT, join).called(),
        session("array_to_text_null", "array_to_string", &[ARRAY, TEXT, TEXT], TEXT, join).called(),
        func("text_to_array", "string_to_array", &[TEXT, TEXT], strings(), split).called().infallible(),
        func("text_to_array_null", "string_to_array", &[TEXT, TEXT, TEXT], strings(), split).called().infallible(),
    ]
}
