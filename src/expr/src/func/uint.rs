//! Arithmetic and bits of the integers without a sign, and SeaHash, whose results they are.

use super::build::*;
use super::{ArgType, FuncDef};
use repr::{Datum, EvalError};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for (stem, ty) in [("uint2", UINT2), ("uint4", UINT4), ("uint8", UINT8)] {
        table.extend(arithmetic(stem, &ty));
        table.extend(bits(stem, &ty));
    }
    table
}

/// An argument of any of the types.
fn wide(args: &[Datum<'_>], at: usize) -> Result<u64, EvalError> {
    match args[at] {
        Datum::Uint2(v) => Ok(v.into()),
        Datum::Uint4(v) => Ok(v.into()),
        _ => arg(args, at),
    }
}

/// A result of the type that the first argument has; 22003 if it does not fit.
fn narrow<'a>(args: &[Datum<'a>], value: Option<u64>) -> Result<Datum<'a>, EvalError> {
    let (fitting, name) = match args[0] {
        Datum::Uint2(_) => (value.and_then(|v| v.try_into().ok()).map(Datum::Uint2), "uint2"),
        Datum::Uint4(_) => (value.and_then(|v| v.try_into().ok()).map(Datum::Uint4), "uint4"),
        _ => (value.map(Datum::Uint8), "uint8"),
    };
    fitting.ok_or_else(|| out_of_range(name))
}

fn divisor(args: &[Datum<'_>]) -> Result<u64, EvalError> {
    match wide(args, 1)? {
        0 => Err(division_by_zero()),
        divisor => Ok(divisor),
    }
}

fn arithmetic(stem: &str, ty: &ArgType) -> Vec<FuncDef> {
    let two = [ty.clone(), ty.clone()];
    let entry = |name: &str, sql: &str, eval| func(format!("{stem}{name}"), sql, &two, ty.clone(), eval);
    vec![
        entry("pl", "+", |a, _| narrow(a, wide(a, 0)?.checked_add(wide(a, 1)?))).monotone(&[true, true]),
        entry("mi", "-", |a, _| narrow(a, wide(a, 0)?.checked_sub(wide(a, 1)?))).monotone(&[true]),
        entry("mul", "*", |a, _| narrow(a, wide(a, 0)?.checked_mul(wide(a, 1)?))).monotone(&[true, true]),
        entry("div", "/", |a, _| narrow(a, Some(wide(a, 0)? / divisor(a)?))).monotone(&[true]),
        entry("mod", "%", |a, _| narrow(a, Some(wide(a, 0)? % divisor(a)?))),
        entry("mod_function", "mod", |a, _| narrow(a, Some(wide(a, 0)? % divisor(a)?))),
        func(format!("{stem}up"), "+", std::slice::from_ref(ty), ty.clone(), |a, _| Ok(a[0])).infallible(),
    ]
}

fn bits(stem: &str, ty: &ArgType) -> Vec<FuncDef> {
    let (one, two, shift) = ([ty.clone()], [ty.clone(), ty.clone()], [ty.clone(), INT4]);
    let entry = |name: &str, sql: &str, args: &[ArgType], eval| {
        func(format!("{stem}{name}"), sql, args, ty.clone(), eval).infallible()
    };
    vec![
        entry("and", "&", &two, |a, _| narrow(a, Some(wide(a, 0)? & wide(a, 1)?))),
        entry("or", "|", &two, |a, _| narrow(a, Some(wide(a, 0)? | wide(a, 1)?))),
        entry("xor", "#", &two, |a, _| narrow(a, Some(wide(a, 0)? ^ wide(a, 1)?))),
        entry("not", "~", &one, |a, _| narrow(a, Some(!wide(a, 0)? & mask(a[0])))),
        entry("shl", "<<", &shift, |a, _| narrow(a, Some((wide(a, 0)? << shift_count(a)?) & mask(a[0])))),
        entry("shr", ">>", &shift, |a, _| narrow(a, Some(wide(a, 0)? >> shift_count(a)?))),
    ]
}

/// All bits of a value's type.
fn mask(datum: Datum<'_>) -> u64 {
    match datum {
        Datum::Uint2(_) => u16::MAX.into(),
        Datum::Uint4(_) => u32::MAX.into(),
        _ => u64::MAX,
    }
}

/// As processors shift: by the count modulo the width.
fn shift_count(args: &[Datum<'_>]) -> Result<u32, EvalError> {
    let width = if matches!(args[0], Datum::Uint8(_)) { 64 } else { 32 };
    Ok((arg::<i32>(args, 1)? as u32) % width)
}
