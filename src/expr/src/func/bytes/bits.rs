//! Bits and bytes of `bytea`, and what is done to it as to a text.

use super::super::FuncDef;
use super::super::build::*;
use super::bytes_out;
use repr::{Arena, Datum, EvalError, SqlError, SqlState};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = bits();
    table.extend(pieces());
    table
}

fn out_of_valid_range(at: i64, len: usize) -> EvalError {
    let message = format!("index {at} out of valid range, 0..{}", len as i64 - 1);
    SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

/// The byte and the bit in it, counted from the lowest, of a bit's number.
fn bit_place(value: &[u8], at: i64) -> Result<(usize, u32), EvalError> {
    let byte = usize::try_from(at / 8).ok().filter(|byte| at >= 0 && *byte < value.len());
    byte.map(|byte| (byte, (at % 8) as u32)).ok_or_else(|| out_of_valid_range(at, value.len() * 8))
}

fn bits() -> Vec<FuncDef> {
    vec![
        func("get_bit", "get_bit", &[BYTEA, INT8], INT4, |a, _| {
            let value: &[u8] = arg(a, 0)?;
            let (byte, bit) = bit_place(value, arg(a, 1)?)?;
            Ok(Datum::Int4(i32::from(value[byte] >> bit & 1)))
        }),
        func("set_bit", "set_bit", &[BYTEA, INT8, INT4], BYTEA, |a, arena| {
            let mut value = arg::<&[u8]>(a, 0)?.to_vec();
            let (byte, bit) = bit_place(&value, arg(a, 1)?)?;
            match arg::<i32>(a, 2)? {
                0 => value[byte] &= !(1 << bit),
                1 => value[byte] |= 1 << bit,
                _ => return Err(invalid_parameter("new bit must be 0 or 1")),
            }
            Ok(bytes_out(value, arena))
        }),
        func("set_byte", "set_byte", &[BYTEA, INT4, INT4], BYTEA, |a, arena| {
            let mut value = arg::<&[u8]>(a, 0)?.to_vec();
            let (at, byte): (i32, i32) = (arg(a, 1)?, arg(a, 2)?);
            let len = value.len();
            let place = usize::try_from(at).ok().and_then(|at| value.get_mut(at));
            *place.ok_or_else(|| out_of_valid_range(at.into(), len))? = byte as u8;
            Ok(bytes_out(value, arena))
        }),
        func("bytea_bit_count", "bit_count", &[BYTEA], INT8, |a, _| {
            Ok(Datum::Int8(arg::<&[u8]>(a, 0)?.iter().map(|byte| i64::from(byte.count_ones())).sum()))
        })
        .infallible(),
    ]
}

fn overlay<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (value, with, from): (&[u8], &[u8], i32) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    let len = optional(args, 3)?.unwrap_or(with.len() as i32);
    if from <= 0 {
        return Err(SqlError::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let clamp = |at: i64| at.clamp(0, value.len() as i64) as usize;
    let head = &value[..clamp(i64::from(from) - 1)];
    let tail = &value[clamp(i64::from(from) - 1 + i64::from(len))..];
    Ok(bytes_out([head, with, tail].concat(), arena))
}

fn trimmed<'a>(args: &[Datum<'a>], start: bool, end: bool) -> Result<Datum<'a>, EvalError> {
    let (mut value, set): (&'a [u8], &[u8]) = (arg(args, 0)?, arg(args, 1)?);
    while let (true, [first, rest @ ..]) = (start, value)
        && set.contains(first)
    {
        value = rest;
    }
    while let (true, [rest @ .., last]) = (end, value)
        && set.contains(last)
    {
        value = rest;
    }
    Ok(Datum::Bytes(value))
}

fn pieces() -> Vec<FuncDef> {
    let two = [BYTEA, BYTEA];
    let same = |name: &str, args: &[super::super::ArgType]| {
        func(name, "constant_time_eq", args, BOOL, |a, _| Ok(Datum::Bool(a[0] == a[1]))).infallible()
    };
    vec![
        func("byteaoverlay", "overlay", &[BYTEA, BYTEA, INT4, INT4], BYTEA, overlay),
        func("byteaoverlay_no_len", "overlay", &[BYTEA, BYTEA, INT4], BYTEA, overlay),
        func("byteatrim", "btrim", &two, BYTEA, |a, _| trimmed(a, true, true)).infallible(),
        func("bytealtrim", "ltrim", &two, BYTEA, |a, _| trimmed(a, true, false)).infallible(),
        func("byteartrim", "rtrim", &two, BYTEA, |a, _| trimmed(a, false, true)).infallible(),
        func("bytealike", "~~", &two, BOOL, |a, _| Ok(Datum::Bool(like(arg(a, 0)?, arg(a, 1)?)?))),
        func("byteanlike", "!~~", &two, BOOL, |a, _| Ok(Datum::Bool(!like(arg(a, 0)?, arg(a, 1)?)?))),
        same("constant_time_eq_bytea", &two),
        same("constant_time_eq_text", &[TEXT, TEXT]),
    ]
}

/// LIKE over bytes, as `pattern::like` does it over characters.
fn like(value: &[u8], pattern: &[u8]) -> Result<bool, EvalError> {
    // Each byte is one character of the same number: matching does not look at more.
    let wide = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    super::super::pattern::like(&wide(value), &wide(pattern))
}
