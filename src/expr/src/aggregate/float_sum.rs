//! Exact sums of floats.
//!
//! A finite float is an integer of at most 53 bits times a power of two. The sum keeps one integer for each range of 32
//! exponents; adding is exact, so that the sum depends on the multiset of values only and a value that goes takes back all
//! it brought. Rounding happens once, when the sum is read. An integer has 128 bits and a value at most 53 + 31, which
//! leaves room for 2^43 equal values; intermediate overflow wraps and unwraps.

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{Signed, Zero};
use serde::{Deserialize, Serialize};

/// Exponents that share an integer.
const RANGE: i32 = 32;

/// A sum of finite floats, or of their squares.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FloatSum {
    /// Range number and sum in units of `2^(32 × range)`, by range; no zeros.
    parts: Vec<(i16, i128)>,
}

/// Mantissa with sign, and exponent: `value = mantissa × 2^exponent`.
fn decompose(value: f64) -> (i64, i32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    (if value.is_sign_negative() { -mantissa } else { mantissa }, exponent)
}

impl FloatSum {
    /// Adds `value × count`; the value is finite.
    pub fn add(&mut self, value: f64, count: i64) {
        let (mantissa, exponent) = decompose(value);
        self.add_scaled(i128::from(mantissa), exponent, count);
    }

    /// Adds `value² × count`; the value is finite.
    pub fn add_square(&mut self, value: f64, count: i64) {
        self.add_product(value, value, count);
    }

    /// Adds `a × b × count`; both are finite.
    pub fn add_product(&mut self, a: f64, b: f64, count: i64) {
        let ((a, a_exponent), (b, b_exponent)) = (decompose(a), decompose(b));
        let (product, exponent) = (i128::from(a) * i128::from(b), a_exponent + b_exponent);
        self.add_scaled(product & ((1 << 53) - 1), exponent, count);
        self.add_scaled(product >> 53, exponent + 53, count);
    }

    /// Adds `mantissa × 2^exponent × count`, the mantissa having at most 53 bits.
    fn add_scaled(&mut self, mantissa: i128, exponent: i32, count: i64) {
        let range = exponent.div_euclid(RANGE) as i16;
        let value = (mantissa << exponent.rem_euclid(RANGE)).wrapping_mul(i128::from(count));
        self.add_part(range, value);
    }

    fn add_part(&mut self, range: i16, value: i128) {
        match self.parts.binary_search_by_key(&range, |(r, _)| *r) {
            Ok(at) => {
                self.parts[at].1 = self.parts[at].1.wrapping_add(value);
                if self.parts[at].1 == 0 {
                    self.parts.remove(at);
                }
            }
            Err(at) if value != 0 => self.parts.insert(at, (range, value)),
            Err(_) => {}
        }
    }

    /// Adds another sum.
    pub fn plus(&mut self, other: &FloatSum) {
        other.parts.iter().for_each(|(range, value)| self.add_part(*range, *value));
    }

    /// Multiplies by a count.
    pub fn multiply(&mut self, by: i64) {
        self.parts.iter_mut().for_each(|(_, value)| *value = value.wrapping_mul(i128::from(by)));
        self.parts.retain(|(_, value)| *value != 0);
    }

    /// Whether nothing was added that was not taken back.
    pub fn is_zero(&self) -> bool {
        self.parts.is_empty()
    }

    /// The exact sum: an integer and the exponent of its unit.
    pub fn exact(&self) -> (BigInt, i64) {
        let Some((lowest, _)) = self.parts.first() else {
            return (BigInt::zero(), 0);
        };
        let shifted =
            |(range, value): &(i16, i128)| BigInt::from(*value) << (i64::from(range - lowest) * i64::from(RANGE));
        (self.parts.iter().map(shifted).sum(), i64::from(*lowest) * i64::from(RANGE))
    }

    /// The sum as the nearest `float8`; an infinity if it is too large.
    pub fn to_f64(&self) -> f64 {
        let (value, exponent) = self.exact();
        round(&value, exponent, 53, -1074)
    }

    /// The sum as the nearest `float4`; an infinity if it is too large.
    pub fn to_f32(&self) -> f32 {
        let (value, exponent) = self.exact();
        round(&value, exponent, 24, -149) as f32
    }
}

/// `value × 2^exponent` as the nearest float of so many bits and this least exponent, ties to even.
pub fn round(value: &BigInt, exponent: i64, bits: i64, least: i64) -> f64 {
    if value.sign() == Sign::NoSign {
        return 0.0;
    }
    let magnitude = value.magnitude();
    let drop = (magnitude.bits() as i64 - bits).max(least - exponent).max(0);
    let mut kept = magnitude >> drop;
    let rest = magnitude - (&kept << drop);
    if drop > 0 {
        let half = bigdecimal::num_bigint::BigUint::from(1u32) << (drop - 1);
        let up = rest > half || (rest == half && kept.bit(0));
        kept += u32::from(up);
    }
    let kept = u64::try_from(&kept).unwrap_or(u64::MAX) as f64;
    let scaled = scale(kept, exponent + drop);
    if value.is_negative() { -scaled } else { scaled }
}

/// `value × 2^exponent`, exact where the result is a float.
fn scale(value: f64, exponent: i64) -> f64 {
    let mut result = value;
    let mut rest = exponent.clamp(-3000, 3000) as i32;
    while rest != 0 && result != 0.0 && result.is_finite() {
        // Small steps down keep what is exact exact: `kept` has been cut to the bits that remain.
        let step = rest.clamp(-500, 500);
        result *= 2f64.powi(step);
        rest -= step;
    }
    result
}

/// `numerator / denominator × 2^exponent`, the denominator positive, as the nearest `float8` but for the last bit.
pub fn ratio(numerator: &BigInt, exponent: i64, denominator: &BigInt) -> f64 {
    let shift = (denominator.bits() as i64 - numerator.bits() as i64 + 64).max(0);
    round(&((numerator << shift) / denominator), exponent - shift, 53, -1074)
}
