//! Roots, powers and logarithms of `numeric`, in fixed point over big integers.
//!
//! Result scales are those of PostgreSQL's `numeric.c`: about 16 significant digits, and no fewer than the operands show.

use super::super::numeric::{COMPUTED_SCALE_MAX, checked, divide_to_scale};
use super::{bad_logarithm, bucket, bucket_error, complex_power, negative_root, zero_to_negative};
use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, One, Signed, ToPrimitive, Zero};
use repr::text::number::{numeric_overflow, round};
use repr::{Datum, EvalError, Numeric};

/// Digits carried beyond the wanted ones.
const GUARD_DIGITS: i64 = 12;
const LOG10_E: f64 = std::f64::consts::LOG10_E;

fn ten_to(power: i64) -> BigInt {
    BigInt::from(10).pow(power.max(0) as u32)
}

/// The decimal exponent of a number that is not zero: `d.ddd × 10^exponent`.
fn exponent(value: &BigDecimal) -> i64 {
    value.digits() as i64 - value.fractional_digit_count() - 1
}

/// An estimate of log10 of a positive number of any size.
fn log10_estimate(value: &BigDecimal) -> f64 {
    let at = exponent(value);
    let (digits, scale) = value.as_bigint_and_exponent();
    let mantissa = BigDecimal::new(digits, scale + at);
    mantissa.with_scale(17).to_f64().unwrap_or(1.0).log10() + at as f64
}

/// `value` as an integer times `10^-precision`.
fn fixed(value: &BigDecimal, precision: i64) -> BigInt {
    value.with_scale(precision).into_bigint_and_scale().0
}

fn from_fixed(value: BigInt, precision: i64, scale: i64) -> BigDecimal {
    round(&BigDecimal::new(value, precision), scale)
}

/// The square root, by the integer root of enough digits.
pub fn sqrt(value: Numeric) -> Result<Numeric, EvalError> {
    let value = match value {
        Numeric::Finite(value) => value,
        Numeric::NegInfinity => return Err(negative_root()),
        other => return Ok(other),
    };
    match value.sign() {
        Sign::Minus => Err(negative_root()),
        sign => {
            let group = if sign == Sign::NoSign { 0 } else { exponent(&value).div_euclid(4) };
            // Digits before the point of the root, as `numeric_sqrt` estimates them from the weight in base 10000.
            let whole = if group >= 0 { group * 4 / 2 + 1 } else { 1 - (1 - group * 4) / 2 };
            let scale = (16 - whole).max(value.fractional_digit_count()).clamp(0, COMPUTED_SCALE_MAX);
            Ok(Numeric::Finite(sqrt_to_scale(&value, scale)))
        }
    }
}

/// The square root of a number that is not negative, rounded to a scale.
pub(crate) fn sqrt_to_scale(value: &BigDecimal, scale: i64) -> BigDecimal {
    let precision = scale + 2;
    from_fixed(fixed(value, 2 * precision).sqrt(), precision, scale)
}

/// `e^x` for a fixed-point `x` of this precision: a Taylor series of `x / 2^k`, squared `k` times.
fn exp_fixed(x: &BigInt, precision: i64) -> BigInt {
    let one = ten_to(precision);
    let halvings = x.bits().saturating_sub(one.bits()) + 9;
    let small = x >> halvings;
    let (mut sum, mut term, mut n) = (one.clone(), one.clone(), 0);
    while !term.is_zero() {
        n += 1;
        term = &term * &small / &one / n;
        sum += &term;
        if term.magnitude().is_one() && n > 10 {
            break;
        }
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &one;
    }
    sum
}

/// `e^x` to a scale.
fn exp_to_scale(x: &BigDecimal, scale: i64) -> BigDecimal {
    let digits = (x.to_f64().unwrap_or(0.0) * LOG10_E).abs() as i64;
    let precision = scale + 2 * digits + GUARD_DIGITS + 8;
    let negative = x.is_negative();
    let raised = exp_fixed(&fixed(&x.abs(), precision), precision);
    if negative {
        let inverse = ten_to(2 * precision) / raised;
        from_fixed(inverse, precision, scale)
    } else {
        from_fixed(raised, precision, scale)
    }
}

/// The greatest exponent to `e` that is computed.
const EXPONENT_MAX: f64 = 6000.0;

/// `e^value`
pub fn exp(value: Numeric) -> Result<Numeric, EvalError> {
    let value = match value {
        Numeric::Finite(value) => value,
        Numeric::NegInfinity => return Ok(Numeric::zero()),
        other => return Ok(other),
    };
    let exponent = value.to_f64().unwrap_or(f64::INFINITY);
    if exponent >= EXPONENT_MAX {
        return Err(numeric_overflow());
    }
    let log10 = exponent * LOG10_E;
    let scale = (16 - log10.max(-2000.0) as i64).max(value.fractional_digit_count()).clamp(0, COMPUTED_SCALE_MAX);
    if log10 < -2.0 * COMPUTED_SCALE_MAX as f64 {
        return Ok(Numeric::Finite(BigDecimal::zero().with_scale(scale)));
    }
    checked(Numeric::Finite(exp_to_scale(&value, scale)))
}

/// The natural logarithm of a positive number, in fixed point: square roots until it is near 1, then the series of `atanh`.
fn ln_fixed(value: &BigDecimal, precision: i64) -> BigInt {
    let precision_inner = precision + GUARD_DIGITS + 8;
    let one = ten_to(precision_inner);
    let below_one = *value < BigDecimal::one();
    let mut x = if below_one {
        fixed(&divide_to_scale(&BigDecimal::one(), value, precision_inner), precision_inner)
    } else {
        fixed(value, precision_inner)
    };
    let mut roots = 1u32;
    let near = &one + &one / 8;
    while x > near {
        x = (x * &one).sqrt();
        roots += 1;
    }
    let ratio = (&x - &one) * &one / (&x + &one);
    let square = &ratio * &ratio / &one;
    let (mut sum, mut power, mut n) = (ratio.clone(), ratio, 1);
    while !power.is_zero() {
        power = &power * &square / &one;
        n += 2;
        sum += &power / n;
    }
    let result: BigInt = (sum << roots) / ten_to(GUARD_DIGITS + 8);
    if below_one { -result } else { result }
}

fn ln_to_scale(value: &BigDecimal, scale: i64) -> BigDecimal {
    let precision = scale + GUARD_DIGITS;
    from_fixed(ln_fixed(value, precision), precision, scale)
}

/// The decimal exponent of the natural logarithm, estimated.
fn ln_exponent(value: &BigDecimal) -> i64 {
    let distance = value - BigDecimal::one();
    if distance.is_zero() {
        return 0;
    }
    if distance.abs() <= BigDecimal::new(1.into(), 1) {
        return exponent(&distance);
    }
    let ln = log10_estimate(value) / LOG10_E;
    ln.abs().log10() as i64
}

/// A positive finite number to take a logarithm of, or what to return instead.
fn logarithm_argument(value: Numeric) -> Result<Result<BigDecimal, Numeric>, EvalError> {
    match value {
        Numeric::Finite(v) if v.is_positive() => Ok(Ok(v)),
        Numeric::Finite(v) => Err(bad_logarithm(v.is_zero())),
        Numeric::NegInfinity => Err(bad_logarithm(false)),
        other => Ok(Err(other)),
    }
}

/// The natural logarithm.
pub fn ln(value: Numeric) -> Result<Numeric, EvalError> {
    let value = match logarithm_argument(value)? {
        Ok(value) => value,
        Err(special) => return Ok(special),
    };
    let scale = (16 - ln_exponent(&value)).max(value.fractional_digit_count()).clamp(0, COMPUTED_SCALE_MAX);
    Ok(Numeric::Finite(ln_to_scale(&value, scale)))
}

/// The logarithm to a base.
pub fn log(base: Numeric, value: Numeric) -> Result<Numeric, EvalError> {
    if base == Numeric::NaN || value == Numeric::NaN {
        return Ok(Numeric::NaN);
    }
    let (base, value) = match (logarithm_argument(base)?, logarithm_argument(value)?) {
        (Ok(base), Ok(value)) => (base, value),
        (Err(_), Err(_)) => return Ok(Numeric::NaN),
        (Ok(_), Err(infinity)) => return Ok(infinity),
        (Err(_), Ok(_)) => return Ok(Numeric::zero()),
    };
    let (base_at, value_at) = (ln_exponent(&base), ln_exponent(&value));
    let shown = base.fractional_digit_count().max(value.fractional_digit_count());
    let scale = (16 - (value_at - base_at)).max(shown).clamp(0, COMPUTED_SCALE_MAX);
    let precision = scale + base_at.abs() + value_at.abs() + GUARD_DIGITS;
    let (ln_base, ln_value) = (ln_to_scale(&base, precision), ln_to_scale(&value, precision));
    if ln_base.is_zero() {
        return Err(super::super::build::division_by_zero());
    }
    Ok(Numeric::Finite(divide_to_scale(&ln_value, &ln_base, scale)))
}

/// `base ^ exponent`
pub fn power(base: Numeric, exponent: Numeric) -> Result<Numeric, EvalError> {
    let (base, exponent) = match (base, exponent) {
        (Numeric::Finite(base), Numeric::Finite(exponent)) => (base, exponent),
        (base, exponent) => return special_power(base, exponent),
    };
    if base.is_zero() && exponent.is_negative() {
        return Err(zero_to_negative());
    }
    let whole = exponent.is_integer();
    match exponent.to_i64().and_then(|n| i32::try_from(n).ok()) {
        Some(n) if whole => whole_power(&base, i64::from(n), exponent.fractional_digit_count()),
        _ if base.is_negative() && !whole => Err(complex_power()),
        _ if base.is_zero() => Ok(Numeric::Finite(BigDecimal::zero().with_scale(16))),
        _ if base.is_negative() => {
            let raised = real_power(&base.abs(), &exponent)?;
            let odd = (&exponent % BigDecimal::from(2)).is_one();
            Ok(match raised {
                Numeric::Finite(value) if odd => Numeric::Finite(-value),
                even => even,
            })
        }
        _ => real_power(&base, &exponent),
    }
}

/// Powers where a side is not finite, as POSIX has them for `pow`.
fn special_power(base: Numeric, exponent: Numeric) -> Result<Numeric, EvalError> {
    let one = Numeric::Finite(BigDecimal::one());
    let to_f64 = |value: &Numeric| match value {
        Numeric::Finite(v) => v.to_f64().unwrap_or(f64::MAX),
        Numeric::Infinity => f64::INFINITY,
        Numeric::NegInfinity => f64::NEG_INFINITY,
        Numeric::NaN => f64::NAN,
    };
    let (b, e) = (to_f64(&base), to_f64(&exponent));
    if b == 0.0 && e == f64::NEG_INFINITY {
        return Err(zero_to_negative());
    }
    // A float may have lost the fraction.
    if b == f64::NEG_INFINITY && matches!(&exponent, Numeric::Finite(exponent) if !exponent.is_integer()) {
        return Err(complex_power());
    }
    Ok(match b.powf(e) {
        v if v.is_nan() => Numeric::NaN,
        f64::INFINITY => Numeric::Infinity,
        f64::NEG_INFINITY => Numeric::NegInfinity,
        0.0 => Numeric::zero(),
        _ => one,
    })
}

fn power_scale(log10: f64, base: &BigDecimal, exponent_scale: i64) -> Result<i64, EvalError> {
    if log10 > 131_072.0 {
        return Err(numeric_overflow());
    }
    let scale = 16 - log10.max(-2000.0) as i64;
    Ok(scale.max(base.fractional_digit_count()).max(exponent_scale).clamp(0, COMPUTED_SCALE_MAX))
}

/// An integral power: repeated squaring over as many digits as the result's scale needs.
fn whole_power(base: &BigDecimal, n: i64, exponent_scale: i64) -> Result<Numeric, EvalError> {
    if base.is_zero() {
        let value = if n == 0 { BigDecimal::one() } else { BigDecimal::zero() };
        let scale = 16.max(base.fractional_digit_count()).max(exponent_scale);
        return Ok(Numeric::Finite(value.with_scale(scale)));
    }
    let log10 = log10_estimate(&base.abs()) * n as f64;
    if log10 > 131_072.0 {
        return Err(numeric_overflow());
    }
    let scale = 16.max(base.fractional_digit_count()).max(exponent_scale).min(COMPUTED_SCALE_MAX);
    if log10 < -2.0 * COMPUTED_SCALE_MAX as f64 {
        return Ok(Numeric::Finite(BigDecimal::zero().with_scale(scale)));
    }
    // Enough significant digits for the result and what squaring loses.
    let significant = (scale + log10.abs() as i64 + GUARD_DIGITS + 20) as u64;
    let (mut result, mut square, mut rest) = (BigDecimal::one(), base.clone(), n.unsigned_abs());
    while rest > 0 {
        if rest & 1 == 1 {
            result = (result * &square).with_prec(significant);
        }
        square = square.square().with_prec(significant);
        rest >>= 1;
    }
    let result = if n < 0 { divide_to_scale(&BigDecimal::one(), &result, scale) } else { round(&result, scale) };
    checked(Numeric::Finite(result))
}

/// `e^(exponent × ln base)`
fn real_power(base: &BigDecimal, exponent: &BigDecimal) -> Result<Numeric, EvalError> {
    if base.is_one() {
        return Ok(Numeric::Finite(BigDecimal::one().with_scale(16)));
    }
    let log10 = log10_estimate(base) * exponent.to_f64().unwrap_or(f64::INFINITY);
    if log10 >= EXPONENT_MAX * LOG10_E {
        return Err(numeric_overflow());
    }
    let scale = power_scale(log10, base, exponent.fractional_digit_count())?;
    if log10 < -2.0 * COMPUTED_SCALE_MAX as f64 {
        return Ok(Numeric::Finite(BigDecimal::zero().with_scale(scale)));
    }
    let precision = scale + log10.abs() as i64 + exponent.digits() as i64 + GUARD_DIGITS;
    let product = ln_to_scale(base, precision) * exponent;
    checked(Numeric::Finite(exp_to_scale(&product, scale)))
}

/// `n!`
pub fn factorial(n: i64) -> Result<Numeric, EvalError> {
    if n < 0 {
        return Err(super::out_of_range_of("factorial of a negative number is undefined"));
    }
    if n > 32_177 {
        return Err(numeric_overflow());
    }
    let product = (2..=n).fold(BigInt::one(), |product, factor| product * factor);
    Ok(Numeric::Finite(BigDecimal::new(product, 0)))
}

/// `width_bucket`
pub fn width_bucket<'a>(value: Numeric, low: Numeric, high: Numeric, count: i32) -> Result<Datum<'a>, EvalError> {
    if [&value, &low, &high].contains(&&Numeric::NaN) {
        return Err(bucket_error("operand, lower bound, and upper bound cannot be NaN"));
    }
    let (Numeric::Finite(low_), Numeric::Finite(high_)) = (&low, &high) else {
        return Err(bucket_error("lower and upper bounds must be finite"));
    };
    if low_ == high_ {
        return Err(bucket_error("lower bound cannot equal upper bound"));
    }
    let ascending = low < high;
    let (before, after) = if ascending { (value < low, value >= high) } else { (value > low, value <= high) };
    bucket(before, after, count, || match &value {
        Numeric::Finite(v) => {
            let (distance, width) = ((v - low_) * BigDecimal::from(count), high_ - low_);
            let scale = distance.fractional_digit_count().max(width.fractional_digit_count());
            let units = |value: BigDecimal| value.with_scale(scale).into_bigint_and_exponent().0;
            (units(distance) / units(width)).to_i64().unwrap_or(0)
        }
        _ => 0,
    })
}
