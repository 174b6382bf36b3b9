//! Mathematical functions of `float8` and `numeric`.

use super::FuncDef;
use super::build::*;
use super::number::checked_float;
use repr::{Datum, EvalError, Numeric, SqlError, SqlState};

mod decimal;
mod degrees;

pub(crate) use decimal::sqrt_to_scale;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = floats();
    table.extend(trigonometry());
    table.extend(degrees::table());
    table.extend(numerics());
    table.extend(buckets());
    table
}

const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

fn float_out<'a>(result: f64, operands: &[f64]) -> Result<Datum<'a>, EvalError> {
    checked_float(result, operands).map(Datum::Float8)
}

fn input_out_of_range() -> EvalError {
    out_of_range_of("input is out of range")
}

fn floats() -> Vec<FuncDef> {
    let one = [FLOAT8];
    let plain = |name: &str, sql: &str, eval| func(name, sql, &[FLOAT8], FLOAT8, eval).infallible();
    vec![
        plain("dceil", "ceil", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.ceil()))),
        plain("dceiling", "ceiling", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.ceil()))),
        plain("dfloor", "floor", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.floor()))),
        plain("dround", "round", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.round_ties_even()))),
        plain("dtrunc", "trunc", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.trunc()))),
        plain("dcbrt", "cbrt", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.cbrt()))),
        plain("dsign", "sign", |a, _| {
            let v: f64 = arg(a, 0)?;
            Ok(Datum::Float8(f64::from(i8::from(v > 0.0) - i8::from(v < 0.0))))
        }),
        func("degrees", "degrees", &one, FLOAT8, |a, _| {
            let angle: f64 = arg(a, 0)?;
            float_out(angle / RADIANS_PER_DEGREE, &[angle])
        }),
        func("radians", "radians", &one, FLOAT8, |a, _| {
            let angle: f64 = arg(a, 0)?;
            let radians = angle * RADIANS_PER_DEGREE;
            if radians == 0.0 && angle != 0.0 {
                Err(out_of_range_of("value out of range: underflow"))
            } else {
                Ok(Datum::Float8(radians))
            }
        }),
        func("pi", "pi", &[], FLOAT8, |_, _| Ok(Datum::Float8(std::f64::consts::PI))).infallible(),
        func("dsqrt", "sqrt", &one, FLOAT8, |a, _| {
            let v: f64 = arg(a, 0)?;
            if v < 0.0 { Err(negative_root()) } else { Ok(Datum::Float8(v.sqrt())) }
        }),
        func("dexp", "exp", &one, FLOAT8, |a, _| {
            let v: f64 = arg(a, 0)?;
            let result = v.exp();
            if result == 0.0 && v.is_finite() {
                return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"));
            }
            float_out(result, &[v])
        }),
        func("dln", "ln", &one, FLOAT8, |a, _| Ok(Datum::Float8(logarithm_argument(arg(a, 0)?)?.ln()))),
        func("dlog10", "log10", &one, FLOAT8, |a, _| Ok(Datum::Float8(logarithm_argument(arg(a, 0)?)?.log10()))),
        func("dlog", "log", &one, FLOAT8, |a, _| Ok(Datum::Float8(logarithm_argument(arg(a, 0)?)?.log10()))),
        func("dpower", "power", &[FLOAT8, FLOAT8], FLOAT8, |a, _| power(arg(a, 0)?, arg(a, 1)?)),
        func("dpow", "pow", &[FLOAT8, FLOAT8], FLOAT8, |a, _| power(arg(a, 0)?, arg(a, 1)?)),
        func("dpow_operator", "^", &[FLOAT8, FLOAT8], FLOAT8, |a, _| power(arg(a, 0)?, arg(a, 1)?)),
        func("dsqrt_operator", "|/", &one, FLOAT8, |a, _| {
            let v: f64 = arg(a, 0)?;
            if v < 0.0 { Err(negative_root()) } else { Ok(Datum::Float8(v.sqrt())) }
        }),
        plain("dabs_operator", "@", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.abs()))),
        func("float4abs_operator", "@", &[FLOAT4], FLOAT4, |a, _| Ok(Datum::Float4(arg::<f32>(a, 0)?.abs())))
            .infallible(),
        plain("dcbrt_operator", "||/", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.cbrt()))),
    ]
}

/// 22003 with a message of its own.
fn out_of_range_of(message: &str) -> EvalError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

fn negative_root() -> EvalError {
    let message = "cannot take square root of a negative number";
    SqlError::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

fn bad_power(message: &str) -> EvalError {
    SqlError::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

fn zero_to_negative() -> EvalError {
    bad_power("zero raised to a negative power is undefined")
}

fn complex_power() -> EvalError {
    bad_power("a negative number raised to a non-integer power yields a complex result")
}

fn bad_logarithm(zero: bool) -> EvalError {
    let what = if zero { "zero" } else { "a negative number" };
    SqlError::new(SqlState::INVALID_ARGUMENT_FOR_LOGARITHM, format!("cannot take logarithm of {what}"))
}

fn logarithm_argument(value: f64) -> Result<f64, EvalError> {
    if value <= 0.0 { Err(bad_logarithm(value == 0.0)) } else { Ok(value) }
}

fn power<'a>(base: f64, exponent: f64) -> Result<Datum<'a>, EvalError> {
    if base == 0.0 && exponent < 0.0 {
        return Err(zero_to_negative());
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return Err(complex_power());
    }
    let result = base.powf(exponent);
    if result == 0.0 && base != 0.0 && base.is_finite() && exponent.is_finite() {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"));
    }
    float_out(result, &[base, exponent])
}

/// `value` where it lies in `[-1, 1]` or is NaN.
fn unit(value: f64) -> Result<f64, EvalError> {
    if value.abs() > 1.0 { Err(input_out_of_range()) } else { Ok(value) }
}

/// `value` unless it is infinite.
fn finite(value: f64) -> Result<f64, EvalError> {
    if value.is_infinite() { Err(input_out_of_range()) } else { Ok(value) }
}

fn trigonometry() -> Vec<FuncDef> {
    let entry = |name: &'static str, eval| func(name, name, &[FLOAT8], FLOAT8, eval);
    vec![
        entry("sin", |a, _| Ok(Datum::Float8(finite(arg(a, 0)?)?.sin()))),
        entry("cos", |a, _| Ok(Datum::Float8(finite(arg(a, 0)?)?.cos()))),
        entry("tan", |a, _| Ok(Datum::Float8(finite(arg(a, 0)?)?.tan()))),
        entry("cot", |a, _| Ok(Datum::Float8(1.0 / finite(arg(a, 0)?)?.tan()))),
        entry("asin", |a, _| Ok(Datum::Float8(unit(arg(a, 0)?)?.asin()))),
        entry("acos", |a, _| Ok(Datum::Float8(unit(arg(a, 0)?)?.acos()))),
        entry("atan", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.atan()))),
        func("atan2", "atan2", &[FLOAT8, FLOAT8], FLOAT8, |a, _| {
            Ok(Datum::Float8(arg::<f64>(a, 0)?.atan2(arg(a, 1)?)))
        }),
        entry("sinh", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.sinh()))),
        entry("cosh", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.cosh()))),
        entry("tanh", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.tanh()))),
        entry("asinh", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.asinh()))),
        entry("acosh", |a, _| {
            let v: f64 = arg(a, 0)?;
            if v < 1.0 { Err(input_out_of_range()) } else { Ok(Datum::Float8(v.acosh())) }
        }),
        entry("atanh", |a, _| Ok(Datum::Float8(unit(arg(a, 0)?)?.atanh()))),
    ]
}

fn numerics() -> Vec<FuncDef> {
    let (one, two) = ([NUMERIC], [NUMERIC, NUMERIC]);
    vec![
        func("numeric_sqrt", "sqrt", &one, NUMERIC, |a, arena| Ok(numeric_out(&decimal::sqrt(arg(a, 0)?)?, arena))),
        func("numeric_exp", "exp", &one, NUMERIC, |a, arena| Ok(numeric_out(&decimal::exp(arg(a, 0)?)?, arena))),
        func("numeric_ln", "ln", &one, NUMERIC, |a, arena| Ok(numeric_out(&decimal::ln(arg(a, 0)?)?, arena))),
        func("numeric_log10", "log10", &one, NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::log(Numeric::Finite(10.into()), arg(a, 0)?)?, arena))
        }),
        func("numeric_log1", "log", &one, NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::log(Numeric::Finite(10.into()), arg(a, 0)?)?, arena))
        }),
        func("numeric_log", "log", &two, NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::log(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("numeric_power", "power", &two, NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::power(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("numeric_pow", "pow", &two, NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::power(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("numeric_pow_operator", "^", &two, NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::power(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("numeric_inc", "numeric_inc", &one, NUMERIC, |a, arena| {
            Ok(numeric_out(&super::numeric::add(arg(a, 0)?, Numeric::Finite(1.into()))?, arena))
        }),
        func("numeric_fac", "factorial", &[INT8], NUMERIC, |a, arena| {
            Ok(numeric_out(&decimal::factorial(arg(a, 0)?)?, arena))
        }),
    ]
}

fn bucket_error(message: &str) -> EvalError {
    SqlError::new(SqlState([b'2', b'2', b'0', b'1', b'G']), message)
}

/// The bucket, from 1, of `at` in `[0, 1)` of the way; 0 before, `count + 1` after.
fn bucket<'a>(before: bool, after: bool, count: i32, part: impl FnOnce() -> i64) -> Result<Datum<'a>, EvalError> {
    if count <= 0 {
        return Err(bucket_error("count must be greater than zero"));
    }
    let bucket = match (before, after) {
        (true, _) => Some(0),
        (_, true) => count.checked_add(1),
        _ => i32::try_from(part() + 1).ok(),
    };
    int4_out(bucket)
}

fn buckets() -> Vec<FuncDef> {
    vec![
        func("width_bucket_array", "width_bucket", &[ELEMENT, ARRAY], INT4, |a, _| {
            let thresholds: repr::ArrayRef<'_> = arg(a, 1)?;
            if thresholds.dimensions().len() > 1 {
                let message = "thresholds must be one-dimensional array";
                return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
            }
            if thresholds.elements().any(|threshold| threshold.is_null()) {
                let message = "thresholds array must not contain NULLs";
                return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
            }
            Ok(Datum::Int4(thresholds.elements().take_while(|threshold| *threshold <= a[0]).count() as i32))
        }),
        func("width_bucket_float8", "width_bucket", &[FLOAT8, FLOAT8, FLOAT8, INT4], INT4, |a, _| {
            let (v, low, high): (f64, f64, f64) = (arg(a, 0)?, arg(a, 1)?, arg(a, 2)?);
            let count: i32 = arg(a, 3)?;
            if v.is_nan() || low.is_nan() || high.is_nan() {
                return Err(bucket_error("operand, lower bound, and upper bound cannot be NaN"));
            }
            if low.is_infinite() || high.is_infinite() {
                return Err(bucket_error("lower and upper bounds must be finite"));
            }
            if low == high {
                return Err(bucket_error("lower bound cannot equal upper bound"));
            }
            let (before, after) = if low < high { (v < low, v >= high) } else { (v > low, v <= high) };
            bucket(before, after, count, || ((v - low) / (high - low) * f64::from(count)).floor() as i64)
        }),
        func("width_bucket_numeric", "width_bucket", &[NUMERIC, NUMERIC, NUMERIC, INT4], INT4, |a, _| {
            decimal::width_bucket(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?, arg(a, 3)?)
        }),
    ]
}
