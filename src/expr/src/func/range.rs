//! Operators and functions of ranges.

use super::build::*;
use super::{EvalFn, FuncDef};
use repr::range::{Bound, Bounds, encode, make};
use repr::{Arena, Datum, EvalError, RangeKind, RangeRef, SqlError, SqlState};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = makers();
    table.extend(bounds());
    table.extend(relations());
    table.extend(operations());
    table
}

/// The flags of `[)` and its like.
fn flags(text: &str) -> Result<(bool, bool), EvalError> {
    match text {
        "[)" => Ok((true, false)),
        "[]" => Ok((true, true)),
        "(]" => Ok((false, true)),
        "()" => Ok((false, false)),
        _ => {
            let error = SqlError::new(SqlState::SYNTAX_ERROR, "invalid range bound flags");
            Err(error.hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."))
        }
    }
}

fn construct<'a>(kind: RangeKind, args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let flags = match args.get(2) {
        None => (true, false),
        Some(Datum::Null) => {
            let message = "range constructor flags argument must not be null";
            return Err(SqlError::new(SqlState::DATA_EXCEPTION, message));
        }
        Some(_) => flags(arg(args, 2)?)?,
    };
    Ok(range_out(make(kind, Bound::new(args[0], flags.0), Bound::new(args[1], flags.1))?, arena))
}

fn makers() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for kind in RangeKind::ALL {
        let (name, element) = (kind.name(), super::ArgType::Exact(kind.element()));
        let range = super::ArgType::Exact(repr::SqlType::Range(kind));
        let eval: super::EvalFn = match kind {
            RangeKind::Int4 => |a, arena| construct(RangeKind::Int4, a, arena),
            RangeKind::Int8 => |a, arena| construct(RangeKind::Int8, a, arena),
            RangeKind::Num => |a, arena| construct(RangeKind::Num, a, arena),
            RangeKind::Date => |a, arena| construct(RangeKind::Date, a, arena),
            RangeKind::Ts => |a, arena| construct(RangeKind::Ts, a, arena),
            RangeKind::Tstz => |a, arena| construct(RangeKind::Tstz, a, arena),
        };
        let two = [element.clone(), element.clone()];
        let three = [element.clone(), element, TEXT];
        table.push(func(format!("{name}_2"), name, &two, range.clone(), eval).never_null());
        table.push(func(format!("{name}_3"), name, &three, range, eval).never_null());
    }
    table
}

fn bounds() -> Vec<FuncDef> {
    let flag = |name: &'static str, eval| func(format!("range_{name}"), name, &[RANGE], BOOL, eval).infallible();
    let value = |name: &str, sql: &str, eval| func(name, sql, &[RANGE], ELEMENT, eval).may_be_null().infallible();
    vec![
        value("range_lower", "lower", |a, _| {
            Ok(arg::<RangeRef<'_>>(a, 0)?.bounds().and_then(|(lower, _)| lower.value).unwrap_or(Datum::Null))
        }),
        value("range_upper", "upper", |a, _| {
            Ok(arg::<RangeRef<'_>>(a, 0)?.bounds().and_then(|(_, upper)| upper.value).unwrap_or(Datum::Null))
        }),
        flag("isempty", |a, _| Ok(Datum::Bool(arg::<RangeRef<'_>>(a, 0)?.bounds().is_none()))),
        flag("lower_inc", |a, _| {
            Ok(Datum::Bool(arg::<RangeRef<'_>>(a, 0)?.bounds().is_some_and(|(lower, _)| lower.inclusive)))
        }),
        flag("upper_inc", |a, _| {
            Ok(Datum::Bool(arg::<RangeRef<'_>>(a, 0)?.bounds().is_some_and(|(_, upper)| upper.inclusive)))
        }),
        flag("lower_inf", |a, _| {
            Ok(Datum::Bool(arg::<RangeRef<'_>>(a, 0)?.bounds().is_some_and(|(lower, _)| lower.value.is_none())))
        }),
        flag("upper_inf", |a, _| {
            Ok(Datum::Bool(arg::<RangeRef<'_>>(a, 0)?.bounds().is_some_and(|(_, upper)| upper.value.is_none())))
        }),
    ]
}

/// Whether all of `inner` is in `outer`.
fn contains(outer: RangeRef<'_>, inner: RangeRef<'_>) -> bool {
    match (outer.bounds(), inner.bounds()) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some((a, b)), Some((c, d))) => a.cmp_lower(&c).is_le() && b.cmp_upper(&d).is_ge(),
    }
}

fn contains_value(range: RangeRef<'_>, value: Datum<'_>) -> bool {
    range.bounds().is_some_and(|(lower, upper)| lower.admits_above(value) && upper.admits_below(value))
}

/// Whether an upper bound lies before a lower one, with nothing of both ranges in common.
fn ends_before(upper: Bound<'_>, lower: Bound<'_>) -> bool {
    match (upper.value, lower.value) {
        (Some(upper_value), Some(lower_value)) => {
            upper_value < lower_value || (upper_value == lower_value && !(upper.inclusive && lower.inclusive))
        }
        _ => false,
    }
}

/// Whether an upper bound and a lower one touch without anything between or in common.
fn touches(upper: Bound<'_>, lower: Bound<'_>) -> bool {
    let same = matches!((upper.value, lower.value), (Some(a), Some(b)) if a == b);
    same && upper.inclusive != lower.inclusive
}

fn adjacent((a, b): Bounds<'_>, (c, d): Bounds<'_>) -> bool {
    touches(b, c) || touches(d, a)
}

fn overlaps((a, b): Bounds<'_>, (c, d): Bounds<'_>) -> bool {
    !ends_before(b, c) && !ends_before(d, a)
}

/// A test of two ranges that is false if either is empty.
fn both<'a>(args: &[Datum<'a>], test: fn(Bounds<'a>, Bounds<'a>) -> bool) -> Result<Datum<'a>, EvalError> {
    let (left, right): (RangeRef<'a>, RangeRef<'a>) = (arg(args, 0)?, arg(args, 1)?);
    Ok(Datum::Bool(left.bounds().zip(right.bounds()).is_some_and(|(left, right)| test(left, right))))
}

fn relations() -> Vec<FuncDef> {
    let two = [RANGE, RANGE];
    let entry = |name: &str, sql: &str, eval| func(name, sql, &two, BOOL, eval).infallible();
    let mut table = vec![
        entry("range_contains", "@>", |a, _| Ok(Datum::Bool(contains(arg(a, 0)?, arg(a, 1)?)))),
        entry("range_contained_by", "<@", |a, _| Ok(Datum::Bool(contains(arg(a, 1)?, arg(a, 0)?)))),
        func("range_contains_elem", "@>", &[RANGE, ELEMENT], BOOL, |a, _| {
            Ok(Datum::Bool(contains_value(arg(a, 0)?, a[1])))
        })
        .infallible(),
        func("elem_contained_by_range", "<@", &[ELEMENT, RANGE], BOOL, |a, _| {
            Ok(Datum::Bool(contains_value(arg(a, 1)?, a[0])))
        })
        .infallible(),
        entry("range_overlaps", "&&", |a, _| both(a, overlaps)),
        entry("range_adjacent", "-|-", |a, _| both(a, adjacent)),
        entry("range_before", "<<", |a, _| both(a, |(_, upper), (lower, _)| ends_before(upper, lower))),
        entry("range_after", ">>", |a, _| both(a, |(lower, _), (_, upper)| ends_before(upper, lower))),
        entry("range_overleft", "&<", |a, _| both(a, |(_, a), (_, b)| a.cmp_upper(&b).is_le())),
        entry("range_overright", "&>", |a, _| both(a, |(a, _), (b, _)| a.cmp_lower(&b).is_ge())),
    ];
    // Each also has a name of its own.
    let named = |(name, eval): (&str, EvalFn)| entry(&format!("{name}_function"), name, eval);
    table.extend(NAMED.map(named));
    table
}

const NAMED: [(&str, EvalFn); 8] = [
    ("range_contains", |a, _| Ok(Datum::Bool(contains(arg(a, 0)?, arg(a, 1)?)))),
    ("range_contained_by", |a, _| Ok(Datum::Bool(contains(arg(a, 1)?, arg(a, 0)?)))),
    ("range_overlaps", |a, _| both(a, overlaps)),
    ("range_adjacent", |a, _| both(a, adjacent)),
    ("range_before", |a, _| both(a, |(_, upper), (lower, _)| ends_before(upper, lower))),
    ("range_after", |a, _| both(a, |(lower, _), (_, upper)| ends_before(upper, lower))),
    ("range_overleft", |a, _| both(a, |(_, a), (_, b)| a.cmp_upper(&b).is_le())),
    ("range_overright", |a, _| both(a, |(a, _), (b, _)| a.cmp_lower(&b).is_ge())),
];

fn lesser_lower<'a>(a: Bound<'a>, b: Bound<'a>) -> Bound<'a> {
    // Of equal bounds that are written differently PostgreSQL keeps the second's.
    if a.cmp_lower(&b).is_lt() { a } else { b }
}

fn greater_lower<'a>(a: Bound<'a>, b: Bound<'a>) -> Bound<'a> {
    if a.cmp_lower(&b).is_ge() { a } else { b }
}

fn lesser_upper<'a>(a: Bound<'a>, b: Bound<'a>) -> Bound<'a> {
    if a.cmp_upper(&b).is_le() { a } else { b }
}

fn greater_upper<'a>(a: Bound<'a>, b: Bound<'a>) -> Bound<'a> {
    if a.cmp_upper(&b).is_gt() { a } else { b }
}

/// The least range that holds both.
pub fn merge<'a>(left: RangeRef<'a>, right: RangeRef<'a>) -> Vec<u8> {
    encode(match (left.bounds(), right.bounds()) {
        (None, other) | (other, None) => other,
        (Some((a, b)), Some((c, d))) => Some((lesser_lower(a, c), greater_upper(b, d))),
    })
}

fn union(left: RangeRef<'_>, right: RangeRef<'_>) -> Result<Vec<u8>, EvalError> {
    let apart = |(a, b)| !overlaps(a, b) && !adjacent(a, b);
    if left.bounds().zip(right.bounds()).is_some_and(apart) {
        let message = "result of range union would not be contiguous";
        return Err(SqlError::new(SqlState::DATA_EXCEPTION, message));
    }
    Ok(merge(left, right))
}

/// What both ranges have in common.
pub fn intersection(left: RangeRef<'_>, right: RangeRef<'_>) -> Vec<u8> {
    let common = left.bounds().zip(right.bounds()).filter(|(a, b)| overlaps(*a, *b));
    encode(common.map(|((a, b), (c, d))| (greater_lower(a, c), lesser_upper(b, d))))
}

fn difference(left: RangeRef<'_>, right: RangeRef<'_>) -> Result<Vec<u8>, EvalError> {
    let (Some((a, b)), Some((c, d))) = (left.bounds(), right.bounds()) else { return Ok(left.encoded().to_vec()) };
    if !overlaps((a, b), (c, d)) {
        return Ok(left.encoded().to_vec());
    }
    let (before, after) = (a.cmp_lower(&c).is_lt(), b.cmp_upper(&d).is_gt());
    match (before, after) {
        (true, true) => {
            let message = "result of range difference would not be contiguous";
            Err(SqlError::new(SqlState::DATA_EXCEPTION, message))
        }
        (true, false) => Ok(encode(Some((a, flipped(c))))),
        (false, true) => Ok(encode(Some((flipped(d), b)))),
        (false, false) => Ok(encode(None)),
    }
}

/// The bound of the other side of the same place.
fn flipped(bound: Bound<'_>) -> Bound<'_> {
    Bound { inclusive: !bound.inclusive, ..bound }
}

fn operations() -> Vec<FuncDef> {
    let two = [RANGE, RANGE];
    let entry = |name: &str, sql: &str, eval| func(name, sql, &two, RANGE, eval);
    vec![
        entry("range_union", "+", |a, arena| Ok(range_out(union(arg(a, 0)?, arg(a, 1)?)?, arena))),
        entry("range_intersect", "*", |a, arena| Ok(range_out(intersection(arg(a, 0)?, arg(a, 1)?), arena))),
        entry("range_minus", "-", |a, arena| Ok(range_out(difference(arg(a, 0)?, arg(a, 1)?)?, arena))),
        entry("range_minus_function", "range_minus", |a, arena| {
            Ok(range_out(difference(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        entry("range_merge", "range_merge", |a, arena| Ok(range_out(merge(arg(a, 0)?, arg(a, 1)?), arena))),
    ]
}
