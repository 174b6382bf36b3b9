//! Arithmetic and bits of integers and floats.

use super::FuncDef;
use super::build::*;
use repr::{Datum, EvalError, SqlError, SqlState};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = int2();
    table.extend(int4());
    table.extend(int8());
    table.extend(float4());
    table.extend(float8());
    table.extend(mixed_floats());
    table.extend(mz_timestamp());
    table
}

fn nonzero<T: Default + PartialEq>(divisor: T) -> Result<T, EvalError> {
    if divisor == T::default() { Err(division_by_zero()) } else { Ok(divisor) }
}

/// A shift as PostgreSQL's processors do it: by the count modulo the width.
fn shift_count(count: i32, bits: u32) -> u32 {
    (count as u32) % bits
}

fn int2() -> Vec<FuncDef> {
    let (one, two) = ([INT2], [INT2, INT2]);
    vec![
        func("int2pl", "+", &two, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_add(arg(a, 1)?)))
            .monotone(&[true, true]),
        func("int2mi", "-", &two, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_sub(arg(a, 1)?))).monotone(&[true]),
        func("int2mul", "*", &two, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_mul(arg(a, 1)?))),
        func("int2div", "/", &two, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_div(nonzero(arg(a, 1)?)?))),
        func("int2mod", "%", &two, INT2, |a, _| Ok(Datum::Int2(arg::<i16>(a, 0)?.wrapping_rem(nonzero(arg(a, 1)?)?)))),
        func("mod_int2", "mod", &two, INT2, |a, _| {
            Ok(Datum::Int2(arg::<i16>(a, 0)?.wrapping_rem(nonzero(arg(a, 1)?)?)))
        }),
        func("int2um", "-", &one, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_neg())),
        func("int2up", "+", &one, INT2, |a, _| Ok(a[0])).infallible(),
        func("int2abs", "abs", &one, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_abs())),
        func("int2abs_operator", "@", &one, INT2, |a, _| int2_out(arg::<i16>(a, 0)?.checked_abs())),
        func("int2and", "&", &two, INT2, |a, _| Ok(Datum::Int2(arg::<i16>(a, 0)? & arg::<i16>(a, 1)?))).infallible(),
        func("int2or", "|", &two, INT2, |a, _| Ok(Datum::Int2(arg::<i16>(a, 0)? | arg::<i16>(a, 1)?))).infallible(),
        func("int2xor", "#", &two, INT2, |a, _| Ok(Datum::Int2(arg::<i16>(a, 0)? ^ arg::<i16>(a, 1)?))).infallible(),
        func("int2not", "~", &one, INT2, |a, _| Ok(Datum::Int2(!arg::<i16>(a, 0)?))).infallible(),
        func("int2shl", "<<", &[INT2, INT4], INT2, |a, _| {
            Ok(Datum::Int2((i32::from(arg::<i16>(a, 0)?) << shift_count(arg(a, 1)?, 32)) as i16))
        })
        .infallible(),
        func("int2shr", ">>", &[INT2, INT4], INT2, |a, _| {
            Ok(Datum::Int2((i32::from(arg::<i16>(a, 0)?) >> shift_count(arg(a, 1)?, 32)) as i16))
        })
        .infallible(),
    ]
}

fn int4() -> Vec<FuncDef> {
    let (one, two) = ([INT4], [INT4, INT4]);
    vec![
        func("int4pl", "+", &two, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_add(arg(a, 1)?)))
            .monotone(&[true, true]),
        func("int4mi", "-", &two, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_sub(arg(a, 1)?))).monotone(&[true]),
        func("int4mul", "*", &two, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_mul(arg(a, 1)?))),
        func("int4div", "/", &two, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_div(nonzero(arg(a, 1)?)?))),
        func("int4mod", "%", &two, INT4, |a, _| Ok(Datum::Int4(arg::<i32>(a, 0)?.wrapping_rem(nonzero(arg(a, 1)?)?)))),
        func("mod_int4", "mod", &two, INT4, |a, _| {
            Ok(Datum::Int4(arg::<i32>(a, 0)?.wrapping_rem(nonzero(arg(a, 1)?)?)))
        }),
        func("int4um", "-", &one, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_neg())),
        func("int4up", "+", &one, INT4, |a, _| Ok(a[0])).infallible(),
        func("int4abs", "abs", &one, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_abs())),
        func("int4abs_operator", "@", &one, INT4, |a, _| int4_out(arg::<i32>(a, 0)?.checked_abs())),
        func("int4and", "&", &two, INT4, |a, _| Ok(Datum::Int4(arg::<i32>(a, 0)? & arg::<i32>(a, 1)?))).infallible(),
        func("int4or", "|", &two, INT4, |a, _| Ok(Datum::Int4(arg::<i32>(a, 0)? | arg::<i32>(a, 1)?))).infallible(),
        func("int4xor", "#", &two, INT4, |a, _| Ok(Datum::Int4(arg::<i32>(a, 0)? ^ arg::<i32>(a, 1)?))).infallible(),
        func("int4not", "~", &one, INT4, |a, _| Ok(Datum::Int4(!arg::<i32>(a, 0)?))).infallible(),
        func("int4shl", "<<", &two, INT4, |a, _| Ok(Datum::Int4(arg::<i32>(a, 0)? << shift_count(arg(a, 1)?, 32))))
            .infallible(),
        func("int4shr", ">>", &two, INT4, |a, _| Ok(Datum::Int4(arg::<i32>(a, 0)? >> shift_count(arg(a, 1)?, 32))))
            .infallible(),
        func("int4gcd", "gcd", &two, INT4, |a, _| {
            let gcd = gcd(i64::from(arg::<i32>(a, 0)?), i64::from(arg::<i32>(a, 1)?));
            int4_out(gcd.and_then(|v| i32::try_from(v).ok()))
        }),
        func("int4lcm", "lcm", &two, INT4, |a, _| {
            let lcm = lcm(i64::from(arg::<i32>(a, 0)?), i64::from(arg::<i32>(a, 1)?));
            int4_out(lcm.and_then(|v| i32::try_from(v).ok()))
        }),
    ]
}

fn int8() -> Vec<FuncDef> {
    let (one, two) = ([INT8], [INT8, INT8]);
    vec![
        func("int8pl", "+", &two, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_add(arg(a, 1)?)))
            .monotone(&[true, true]),
        func("int8mi", "-", &two, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_sub(arg(a, 1)?))).monotone(&[true]),
        func("int8mul", "*", &two, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_mul(arg(a, 1)?))),
        func("int8div", "/", &two, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_div(nonzero(arg(a, 1)?)?))),
        func("int8mod", "%", &two, INT8, |a, _| Ok(Datum::Int8(arg::<i64>(a, 0)?.wrapping_rem(nonzero(arg(a, 1)?)?)))),
        func("mod_int8", "mod", &two, INT8, |a, _| {
            Ok(Datum::Int8(arg::<i64>(a, 0)?.wrapping_rem(nonzero(arg(a, 1)?)?)))
        }),
        func("int8um", "-", &one, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_neg())),
        func("int8up", "+", &one, INT8, |a, _| Ok(a[0])).infallible(),
        func("int8abs", "abs", &one, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_abs())),
        func("int8abs_operator", "@", &one, INT8, |a, _| int8_out(arg::<i64>(a, 0)?.checked_abs())),
        func("int8and", "&", &two, INT8, |a, _| Ok(Datum::Int8(arg::<i64>(a, 0)? & arg::<i64>(a, 1)?))).infallible(),
        func("int8or", "|", &two, INT8, |a, _| Ok(Datum::Int8(arg::<i64>(a, 0)? | arg::<i64>(a, 1)?))).infallible(),
        func("int8xor", "#", &two, INT8, |a, _| Ok(Datum::Int8(arg::<i64>(a, 0)? ^ arg::<i64>(a, 1)?))).infallible(),
        func("int8not", "~", &one, INT8, |a, _| Ok(Datum::Int8(!arg::<i64>(a, 0)?))).infallible(),
        func("int8shl", "<<", &[INT8, INT4], INT8, |a, _| {
            Ok(Datum::Int8(arg::<i64>(a, 0)? << shift_count(arg(a, 1)?, 64)))
        })
        .infallible(),
        func("int8shr", ">>", &[INT8, INT4], INT8, |a, _| {
            Ok(Datum::Int8(arg::<i64>(a, 0)? >> shift_count(arg(a, 1)?, 64)))
        })
        .infallible(),
        func("int8gcd", "gcd", &two, INT8, |a, _| int8_out(gcd(arg(a, 0)?, arg(a, 1)?))),
        func("int8lcm", "lcm", &two, INT8, |a, _| int8_out(lcm(arg(a, 0)?, arg(a, 1)?))),
    ]
}

fn gcd(a: i64, b: i64) -> Option<i64> {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).ok()
}

fn lcm(a: i64, b: i64) -> Option<i64> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    (a / gcd(a, b)?).checked_mul(b)?.checked_abs()
}

/// A float result: 22003 if finite operands gave an infinity.
pub(crate) fn checked_float(result: f64, operands: &[f64]) -> Result<f64, EvalError> {
    if result.is_infinite() && operands.iter().all(|v| v.is_finite()) {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"));
    }
    Ok(result)
}

/// The same for products and quotients, where zero may be an underflow.
fn checked_product(result: f64, a: f64, b: f64, zero_if: bool) -> Result<f64, EvalError> {
    if result == 0.0 && !zero_if {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"));
    }
    checked_float(result, &[a, b])
}

fn add(a: f64, b: f64) -> Result<f64, EvalError> {
    checked_float(a + b, &[a, b])
}

fn subtract(a: f64, b: f64) -> Result<f64, EvalError> {
    checked_float(a - b, &[a, b])
}

pub(crate) fn multiply(a: f64, b: f64) -> Result<f64, EvalError> {
    checked_product(a * b, a, b, a == 0.0 || b == 0.0)
}

pub(crate) fn divide(a: f64, b: f64) -> Result<f64, EvalError> {
    if b == 0.0 && !a.is_nan() {
        return Err(division_by_zero());
    }
    checked_product(a / b, a, b, a == 0.0 || b.is_infinite())
}

fn wide(args: &[Datum<'_>], at: usize) -> Result<f64, EvalError> {
    match args[at] {
        Datum::Float4(v) => Ok(f64::from(v)),
        _ => arg(args, at),
    }
}

/// Computes in `float8` and narrows: for one operation that rounds as computing in `float4` does.
fn narrow<'a>(args: &[Datum<'a>], op: fn(f64, f64) -> Result<f64, EvalError>) -> Result<Datum<'a>, EvalError> {
    let (a, b) = (wide(args, 0)?, wide(args, 1)?);
    let result = op(a, b)?;
    let narrowed = result as f32;
    checked_float(f64::from(narrowed), &[a, b])?;
    if narrowed == 0.0 && result != 0.0 {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"));
    }
    Ok(Datum::Float4(narrowed))
}

fn float4() -> Vec<FuncDef> {
    let (one, two) = ([FLOAT4], [FLOAT4, FLOAT4]);
    vec![
        func("float4pl", "+", &two, FLOAT4, |a, _| narrow(a, add)),
        func("float4mi", "-", &two, FLOAT4, |a, _| narrow(a, subtract)),
        func("float4mul", "*", &two, FLOAT4, |a, _| narrow(a, multiply)),
        func("float4div", "/", &two, FLOAT4, |a, _| narrow(a, divide)),
        func("float4um", "-", &one, FLOAT4, |a, _| Ok(Datum::Float4(-arg::<f32>(a, 0)?))).infallible(),
        func("float4up", "+", &one, FLOAT4, |a, _| Ok(a[0])).infallible(),
        func("float4abs", "abs", &one, FLOAT4, |a, _| Ok(Datum::Float4(arg::<f32>(a, 0)?.abs()))).infallible(),
    ]
}

fn float8() -> Vec<FuncDef> {
    let (one, two) = ([FLOAT8], [FLOAT8, FLOAT8]);
    vec![
        func("float8pl", "+", &two, FLOAT8, |a, _| add(arg(a, 0)?, arg(a, 1)?).map(Datum::Float8)),
        func("float8mi", "-", &two, FLOAT8, |a, _| subtract(arg(a, 0)?, arg(a, 1)?).map(Datum::Float8)),
        func("float8mul", "*", &two, FLOAT8, |a, _| multiply(arg(a, 0)?, arg(a, 1)?).map(Datum::Float8)),
        func("float8div", "/", &two, FLOAT8, |a, _| divide(arg(a, 0)?, arg(a, 1)?).map(Datum::Float8)),
        func("float8um", "-", &one, FLOAT8, |a, _| Ok(Datum::Float8(-arg::<f64>(a, 0)?))).infallible(),
        func("float8up", "+", &one, FLOAT8, |a, _| Ok(a[0])).infallible(),
        func("float8abs", "abs", &one, FLOAT8, |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.abs()))).infallible(),
    ]
}

/// Both orders of `float4` and `float8`; overload resolution wants them.
fn mixed_floats() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for (stem, args) in [("float48", [FLOAT4, FLOAT8]), ("float84", [FLOAT8, FLOAT4])] {
        let entry = |name: &str, sql: &str, eval| func(format!("{stem}{name}"), sql, &args, FLOAT8, eval);
        table.extend([
            entry("pl", "+", |a, _| add(wide(a, 0)?, wide(a, 1)?).map(Datum::Float8)),
            entry("mi", "-", |a, _| subtract(wide(a, 0)?, wide(a, 1)?).map(Datum::Float8)),
            entry("mul", "*", |a, _| multiply(wide(a, 0)?, wide(a, 1)?).map(Datum::Float8)),
            entry("div", "/", |a, _| divide(wide(a, 0)?, wide(a, 1)?).map(Datum::Float8)),
        ]);
    }
    table
}

fn mz_timestamp() -> Vec<FuncDef> {
    vec![
        func("mz_timestamp_pl_interval", "+", &[MZ_TIMESTAMP, INTERVAL], MZ_TIMESTAMP, |a, _| {
            let span: repr::Interval = arg(a, 1)?;
            if span.months != 0 {
                return Err(invalid_parameter("cannot add months to mz_timestamp"));
            }
            let milliseconds = i64::try_from(span.total_us() / 1000).map_err(|_| out_of_range("mz_timestamp"))?;
            let sum = arg::<u64>(a, 0)?.checked_add_signed(milliseconds);
            sum.map(Datum::MzTimestamp).ok_or_else(|| out_of_range("mz_timestamp"))
        })
        .monotone(&[true]),
        func("mz_timestamp_mi_interval", "-", &[MZ_TIMESTAMP, INTERVAL], MZ_TIMESTAMP, |a, _| {
            let span: repr::Interval = arg(a, 1)?;
            if span.months != 0 {
                return Err(invalid_parameter("cannot subtract months from mz_timestamp"));
            }
            let milliseconds = i64::try_from(span.total_us() / 1000).map_err(|_| out_of_range("mz_timestamp"))?;
            let sum = arg::<u64>(a, 0)?.checked_add_signed(-milliseconds);
            sum.map(Datum::MzTimestamp).ok_or_else(|| out_of_range("mz_timestamp"))
        })
        .monotone(&[true]),
    ]
}
