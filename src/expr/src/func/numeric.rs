//! `numeric` arithmetic, with the result scales of PostgreSQL's `numeric.c`.

use super::FuncDef;
use super::build::*;
use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, Zero};
use repr::text::number::{NUMERIC_SCALE_MAX, numeric_overflow, round};
use repr::{Arena, Datum, EvalError, Numeric};
use std::cmp::Ordering;

/// Significant digits that a quotient or a root has at least.
const SIGNIFICANT_DIGITS_MIN: i64 = 16;
/// The largest scale that a computed (not a given) scale may have.
pub(super) const COMPUTED_SCALE_MAX: i64 = 1000;
/// Digits before the decimal point.
const WHOLE_DIGITS_MAX: i64 = 131_072;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = arithmetic();
    table.extend(rounding());
    table.extend(other());
    table
}

fn arithmetic() -> Vec<FuncDef> {
    let (one, two) = ([NUMERIC], [NUMERIC, NUMERIC]);
    vec![
        func("numeric_add", "+", &two, NUMERIC, |a, arena| binary(a, arena, add)),
        func("numeric_sub", "-", &two, NUMERIC, |a, arena| binary(a, arena, |x, y| add(x, negate(y)))),
        func("numeric_mul", "*", &two, NUMERIC, |a, arena| binary(a, arena, multiply)),
        func("numeric_div", "/", &two, NUMERIC, |a, arena| binary(a, arena, divide)),
        func("numeric_div_trunc", "div", &two, NUMERIC, |a, arena| binary(a, arena, divide_whole)),
        func("numeric_mod", "%", &two, NUMERIC, |a, arena| binary(a, arena, remainder)),
        func("mod_numeric", "mod", &two, NUMERIC, |a, arena| binary(a, arena, remainder)),
        func("numeric_uminus", "-", &one, NUMERIC, |a, arena| Ok(numeric_out(&negate(arg(a, 0)?), arena))).infallible(),
        func("numeric_uplus", "+", &one, NUMERIC, |a, _| Ok(a[0])).infallible(),
        func("numeric_abs", "abs", &one, NUMERIC, |a, arena| {
            let value: Numeric = arg(a, 0)?;
            let negative = value < Numeric::zero();
            Ok(numeric_out(&if negative { negate(value) } else { value }, arena))
        })
        .infallible(),
        func("numeric_sign", "sign", &one, NUMERIC, |a, arena| {
            let value: Numeric = arg(a, 0)?;
            let sign = match value.cmp(&Numeric::zero()) {
                _ if value == Numeric::NaN => Numeric::NaN,
                Ordering::Less => Numeric::Finite((-1).into()),
                Ordering::Equal => Numeric::zero(),
                Ordering::Greater => Numeric::Finite(1.into()),
            };
            Ok(numeric_out(&sign, arena))
        })
        .infallible(),
    ]
}

fn rounding() -> Vec<FuncDef> {
    let one = [NUMERIC];
    let to_scale = [NUMERIC, INT4];
    vec![
        func("numeric_round", "round", &to_scale, NUMERIC, |a, arena| at_scale(a, arena, arg(a, 1)?, round)),
        func("numeric_round0", "round", &one, NUMERIC, |a, arena| at_scale(a, arena, 0, round)).monotone(&[true]),
        func("numeric_trunc", "trunc", &to_scale, NUMERIC, |a, arena| at_scale(a, arena, arg(a, 1)?, truncate)),
        func("numeric_trunc0", "trunc", &one, NUMERIC, |a, arena| at_scale(a, arena, 0, truncate)).monotone(&[true]),
        func("numeric_ceil", "ceil", &one, NUMERIC, |a, arena| at_scale(a, arena, 0, ceil)).monotone(&[true]),
        func("numeric_ceiling", "ceiling", &one, NUMERIC, |a, arena| at_scale(a, arena, 0, ceil)),
        func("numeric_floor", "floor", &one, NUMERIC, |a, arena| at_scale(a, arena, 0, |v, scale| -ceil(&-v, scale)))
            .monotone(&[true]),
    ]
}

fn other() -> Vec<FuncDef> {
    let one = [NUMERIC];
    vec![
        func("numeric_scale", "scale", &one, INT4, |a, _| {
            let value: repr::NumericRef<'_> = arg(a, 0)?;
            let finite = matches!(value.to_numeric(), Numeric::Finite(_));
            Ok(if finite { Datum::Int4(i32::from(value.scale())) } else { Datum::Null })
        })
        .may_be_null()
        .infallible(),
        func("numeric_min_scale", "min_scale", &one, INT4, |a, _| {
            Ok(match arg::<Numeric>(a, 0)?.canonical() {
                Numeric::Finite(v) => Datum::Int4(v.fractional_digit_count() as i32),
                _ => Datum::Null,
            })
        })
        .may_be_null()
        .infallible(),
        func("numeric_trim_scale", "trim_scale", &one, NUMERIC, |a, arena| {
            Ok(numeric_out(&arg::<Numeric>(a, 0)?.canonical(), arena))
        })
        .infallible(),
        func("numeric_gcd", "gcd", &[NUMERIC, NUMERIC], NUMERIC, |a, arena| binary(a, arena, gcd)),
        func("numeric_lcm", "lcm", &[NUMERIC, NUMERIC], NUMERIC, |a, arena| binary(a, arena, lcm)),
        func("numeric_abs_operator", "@", &one, NUMERIC, |a, arena| {
            let value: Numeric = arg(a, 0)?;
            let negative = value < Numeric::zero();
            Ok(numeric_out(&if negative { negate(value) } else { value }, arena))
        })
        .infallible(),
    ]
}

fn binary<'a>(
    args: &[Datum<'a>],
    arena: &'a Arena,
    op: impl Fn(Numeric, Numeric) -> Result<Numeric, EvalError>,
) -> Result<Datum<'a>, EvalError> {
    let result = op(arg(args, 0)?, arg(args, 1)?)?;
    Ok(numeric_out(&checked(result)?, arena))
}

/// The number, unless it has more digits than a `numeric` may have (22003).
pub(super) fn checked(value: Numeric) -> Result<Numeric, EvalError> {
    match &value {
        Numeric::Finite(v) if v.digits() as i64 - v.fractional_digit_count() > WHOLE_DIGITS_MAX => {
            Err(numeric_overflow())
        }
        _ => Ok(value),
    }
}

/// `-value`
pub(crate) fn negate(value: Numeric) -> Numeric {
    match value {
        Numeric::Finite(v) => Numeric::Finite(-v),
        Numeric::Infinity => Numeric::NegInfinity,
        Numeric::NegInfinity => Numeric::Infinity,
        Numeric::NaN => Numeric::NaN,
    }
}

/// `a + b`, with the larger scale.
pub(crate) fn add(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    use Numeric::{Finite, Infinity, NaN, NegInfinity};
    Ok(match (a, b) {
        (Finite(a), Finite(b)) => {
            let scale = a.fractional_digit_count().max(b.fractional_digit_count());
            Finite((a + b).with_scale(scale))
        }
        (NaN, _) | (_, NaN) | (Infinity, NegInfinity) | (NegInfinity, Infinity) => NaN,
        (Infinity, _) | (_, Infinity) => Infinity,
        _ => NegInfinity,
    })
}

/// The sign of a number that is not NaN.
fn sign(value: &Numeric) -> i32 {
    match value {
        Numeric::Finite(v) => match v.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        },
        Numeric::Infinity | Numeric::NaN => 1,
        Numeric::NegInfinity => -1,
    }
}

fn infinity(sign: i32) -> Numeric {
    match sign {
        1 => Numeric::Infinity,
        0 => Numeric::NaN,
        _ => Numeric::NegInfinity,
    }
}

/// `a × b`, with the sum of both scales.
pub(crate) fn multiply(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    use Numeric::{Finite, NaN};
    Ok(match (&a, &b) {
        (Finite(a), Finite(b)) => {
            let scale = a.fractional_digit_count() + b.fractional_digit_count();
            let product = (a * b).with_scale(scale);
            Finite(if scale > NUMERIC_SCALE_MAX { round(&product, NUMERIC_SCALE_MAX) } else { product })
        }
        (NaN, _) | (_, NaN) => NaN,
        _ => infinity(sign(&a) * sign(&b)),
    })
}

/// Weight and value of the first digit in base 10000, as PostgreSQL stores numbers.
fn first_digit(value: &BigDecimal) -> (i64, u32) {
    let (digits, scale) = value.as_bigint_and_scale();
    if digits.is_zero() {
        return (0, 0);
    }
    let text = digits.magnitude().to_string();
    let before_point = text.len() as i64 - scale;
    let weight = (before_point - 1).div_euclid(4);
    let len = ((before_point - 1).rem_euclid(4) + 1) as usize;
    let leading: String = text.bytes().chain(std::iter::repeat(b'0')).take(len).map(char::from).collect();
    (weight, leading.parse().unwrap_or(0))
}

/// The scale of `a / b`: at least 16 significant digits, and no fewer digits than either operand shows.
pub(crate) fn division_scale(a: &BigDecimal, b: &BigDecimal) -> i64 {
    let ((weight_a, digit_a), (weight_b, digit_b)) = (first_digit(a), first_digit(b));
    let weight = weight_a - weight_b - i64::from(digit_a <= digit_b);
    let scale = SIGNIFICANT_DIGITS_MIN - weight * 4;
    scale.max(a.fractional_digit_count()).max(b.fractional_digit_count()).clamp(0, COMPUTED_SCALE_MAX)
}

/// `a / b` rounded half away from zero to a scale; `b` is not zero.
pub(crate) fn divide_to_scale(a: &BigDecimal, b: &BigDecimal, scale: i64) -> BigDecimal {
    let (n, n_scale) = a.as_bigint_and_exponent();
    let (d, d_scale) = b.as_bigint_and_exponent();
    // One digit more than wanted, then rounded: half away from zero needs no more, as the rest only breaks no ties upward.
    let shift = scale + 1 + d_scale - n_scale;
    let ten = |power: i64| BigInt::from(10).pow(power.unsigned_abs() as u32);
    let quotient = if shift >= 0 { n * ten(shift) / d } else { n / (d * ten(shift)) };
    round(&BigDecimal::new(quotient, scale + 1), scale)
}

/// `a / b`
pub(crate) fn divide(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    use Numeric::{Finite, NaN};
    Ok(match (&a, &b) {
        (NaN, _) | (_, NaN) => NaN,
        (_, Finite(d)) if d.is_zero() => return Err(division_by_zero()),
        (Finite(n), Finite(d)) => Finite(divide_to_scale(n, d, division_scale(n, d))),
        (Finite(_), _) => Numeric::zero(),
        (_, Finite(_)) => infinity(sign(&a) * sign(&b)),
        _ => NaN,
    })
}

/// `div(a, b)`: the quotient truncated to an integer.
fn divide_whole(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    match (&a, &b) {
        (Numeric::Finite(n), Numeric::Finite(d)) if !d.is_zero() => {
            let (n, n_scale) = n.as_bigint_and_exponent();
            let (d, d_scale) = d.as_bigint_and_exponent();
            let scale = n_scale.max(d_scale);
            let ten = |power: i64| BigInt::from(10).pow(power as u32);
            Ok(Numeric::Finite(BigDecimal::new(n * ten(scale - n_scale) / (d * ten(scale - d_scale)), 0)))
        }
        _ => divide(a, b),
    }
}

/// `a % b`, with the sign of `a`.
pub(crate) fn remainder(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    use Numeric::{Finite, NaN};
    Ok(match (&a, &b) {
        (NaN, _) | (_, NaN) => NaN,
        (_, Finite(d)) if d.is_zero() => return Err(division_by_zero()),
        (Finite(n), Finite(d)) => {
            let (n, n_scale) = n.as_bigint_and_exponent();
            let (d, d_scale) = d.as_bigint_and_exponent();
            let scale = n_scale.max(d_scale);
            let ten = |power: i64| BigInt::from(10).pow(power as u32);
            Finite(BigDecimal::new((n * ten(scale - n_scale)) % (d * ten(scale - d_scale)), scale))
        }
        (Finite(_), _) => a,
        _ => NaN,
    })
}

fn gcd(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    let (Numeric::Finite(mut a), Numeric::Finite(mut b)) = (a, b) else {
        return Ok(Numeric::NaN);
    };
    let scale = a.fractional_digit_count().max(b.fractional_digit_count());
    while !b.is_zero() {
        let rest = match remainder(Numeric::Finite(a), Numeric::Finite(b.clone()))? {
            Numeric::Finite(rest) => rest,
            _ => BigDecimal::zero(),
        };
        (a, b) = (b, rest);
    }
    Ok(Numeric::Finite(a.abs().with_scale(scale)))
}

/// The least common multiple, with the larger scale; 0 if either is.
fn lcm(a: Numeric, b: Numeric) -> Result<Numeric, EvalError> {
    let (Numeric::Finite(x), Numeric::Finite(y)) = (&a, &b) else {
        return Ok(Numeric::NaN);
    };
    let scale = x.fractional_digit_count().max(y.fractional_digit_count());
    let (x, y) = (x.clone(), y.clone());
    if x.is_zero() || y.is_zero() {
        return Ok(Numeric::Finite(BigDecimal::zero().with_scale(scale)));
    }
    let Numeric::Finite(divisor) = gcd(a, b)? else { return Ok(Numeric::NaN) };
    let multiple = divide_to_scale(&x, &divisor, 0) * y;
    Ok(Numeric::Finite(multiple.abs().with_scale(scale)))
}

/// Applies `op` at a scale that may be negative; the result shows no negative scale.
fn at_scale<'a>(
    args: &[Datum<'a>],
    arena: &'a Arena,
    scale: i32,
    op: impl Fn(&BigDecimal, i64) -> BigDecimal,
) -> Result<Datum<'a>, EvalError> {
    let Numeric::Finite(value) = arg::<Numeric>(args, 0)? else {
        return Ok(args[0]);
    };
    let scale = i64::from(scale).clamp(-WHOLE_DIGITS_MAX - 1, NUMERIC_SCALE_MAX);
    let result = op(&value, scale);
    let shown = result.with_scale(scale.max(0));
    Ok(numeric_out(&checked(Numeric::Finite(shown))?, arena))
}

fn truncate(value: &BigDecimal, scale: i64) -> BigDecimal {
    value.with_scale(scale)
}

fn ceil(value: &BigDecimal, _: i64) -> BigDecimal {
    let down = value.with_scale(0);
    if down < *value { down + BigDecimal::from(1) } else { down }
}
