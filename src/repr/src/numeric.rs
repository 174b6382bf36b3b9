//! `numeric`: decimals of any precision, NaN and the infinities.
//!
//! # Encoding
//!
//! A class byte (`-Infinity` 1, negative 2, zero 3, positive 4, `Infinity` 5, `NaN` 6). Zero is followed by its scale alone.
//! Other finite numbers are `0.d₁d₂… × 100^e`, digits in base 100: the exponent `e` (one byte biased by 128, or 0x00 or
//! 0xFF and four bytes), the digits plus one each, 0x00; all of it complemented for negative numbers; then the
//! display scale (one byte, or 0xFF and two bytes). So `memcmp` orders by value first and scale last.

use bigdecimal::num_bigint::{BigInt, BigUint, Sign};
use bigdecimal::{BigDecimal, Zero};
use std::cmp::Ordering;

const NEG_INFINITY: u8 = 1;
const NEGATIVE: u8 = 2;
const ZERO: u8 = 3;
const POSITIVE: u8 = 4;
const INFINITY: u8 = 5;
const NAN: u8 = 6;

/// A number to compute with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numeric {
    /// `-Infinity`
    NegInfinity,
    /// A decimal; its fractional digit count is the display scale.
    Finite(BigDecimal),
    /// `Infinity`
    Infinity,
    /// `NaN`: equal to itself, greater than all others.
    NaN,
}

/// A borrowed, encoded number.
#[derive(Clone, Copy, Debug)]
pub struct NumericRef<'a>(&'a [u8]);

impl<'a> NumericRef<'a> {
    /// The encoding.
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// A number of bytes that [`Numeric::encode`] made.
    pub fn from_encoded(bytes: &'a [u8]) -> Self {
        NumericRef(bytes)
    }

    /// A number at the head of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (_, rest) = split_value(bytes)?;
        let scale_len = if *bytes.first()? == 1 || *bytes.first()? >= INFINITY {
            0
        } else if *rest.first()? == 0xFF {
            3
        } else {
            1
        };
        let (_, rest) = rest.split_at_checked(scale_len)?;
        let len = bytes.len() - rest.len();
        Some((NumericRef(&bytes[..len]), rest))
    }

    /// The bytes that order by value, without the scale.
    fn value_bytes(self) -> &'a [u8] {
        let (value, _) = split_value(self.0).expect("numbers are made by `Numeric::encode`");
        value
    }

    /// Digits after the decimal point that are shown.
    pub fn scale(self) -> u16 {
        match split_value(self.0) {
            Some((_, [0xFF, high, low])) => u16::from_be_bytes([*high, *low]),
            Some((_, [scale])) => u16::from(*scale),
            _ => 0,
        }
    }

    /// The number, to compute with.
    pub fn to_numeric(self) -> Numeric {
        match self.0[0] {
            NEG_INFINITY => Numeric::NegInfinity,
            INFINITY => Numeric::Infinity,
            NAN => Numeric::NaN,
            ZERO => Numeric::Finite(BigDecimal::new(BigInt::zero(), i64::from(self.scale()))),
            class => Numeric::Finite(decode_finite(class == NEGATIVE, &self.value_bytes()[1..], self.scale())),
        }
    }
}

/// Splits class, exponent and digits from what follows.
fn split_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let class = *bytes.first()?;
    let len = match class {
        NEG_INFINITY | ZERO | INFINITY | NAN => 1,
        NEGATIVE | POSITIVE => {
            let flip = if class == NEGATIVE { 0xFF } else { 0 };
            let exponent = if matches!(*bytes.get(1)?, 0x00 | 0xFF) { 5 } else { 1 };
            let digits = bytes.get(1 + exponent..)?.iter().position(|b| *b ^ flip == 0)?;
            1 + exponent + digits + 1
        }
        _ => return None,
    };
    Some(bytes.split_at(len))
}

fn decode_finite(negative: bool, body: &[u8], scale: u16) -> BigDecimal {
    let flip = if negative { 0xFF } else { 0 };
    let (exponent, digits) = match body[0] ^ flip {
        0x00 | 0xFF => {
            let word = [body[1] ^ flip, body[2] ^ flip, body[3] ^ flip, body[4] ^ flip];
            (i64::from(u32::from_be_bytes(word)) - (1 << 31), &body[5..])
        }
        small => (i64::from(small) - 128, &body[1..]),
    };
    let digits: Vec<u8> = digits[..digits.len() - 1].iter().map(|b| (b ^ flip) - 1).collect();
    let magnitude = BigUint::from_radix_be(&digits, 100).unwrap_or_default();
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    // 0.d₁d₂…dₙ × 100^e = digits × 10^(2(e − n))
    let own_scale = 2 * (digits.len() as i64 - exponent);
    BigDecimal::new(BigInt::from_biguint(sign, magnitude), own_scale).with_scale(i64::from(scale))
}

impl Numeric {
    /// Zero with scale 0.
    pub fn zero() -> Self {
        Numeric::Finite(BigDecimal::zero())
    }

    /// The encoding; see the module's head.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Numeric::NegInfinity => vec![NEG_INFINITY],
            Numeric::Infinity => vec![INFINITY],
            Numeric::NaN => vec![NAN],
            Numeric::Finite(decimal) => encode_finite(decimal),
        }
    }

    /// The form that stands for all numbers equal to this one: without trailing fractional zeros.
    pub fn canonical(&self) -> Numeric {
        match self {
            Numeric::Finite(decimal) => {
                let plain = decimal.normalized();
                let scale = plain.fractional_digit_count().max(0);
                Numeric::Finite(plain.with_scale(scale))
            }
            other => other.clone(),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Numeric::NegInfinity => NEG_INFINITY,
            Numeric::Finite(_) => ZERO,
            Numeric::Infinity => INFINITY,
            Numeric::NaN => NAN,
        }
    }
}

fn encode_finite(decimal: &BigDecimal) -> Vec<u8> {
    let (digits, own_scale) = decimal.as_bigint_and_exponent();
    let mut out = Vec::with_capacity(16);
    match digits.sign() {
        Sign::NoSign => out.push(ZERO),
        sign => {
            out.push(if sign == Sign::Minus { NEGATIVE } else { POSITIVE });
            encode_magnitude(digits.magnitude(), own_scale, &mut out);
            if sign == Sign::Minus {
                out[1..].iter_mut().for_each(|b| *b = !*b);
            }
        }
    }
    let scale = own_scale.clamp(0, i64::from(u16::MAX)) as u16;
    match u8::try_from(scale) {
        Ok(small) if small < 0xFF => out.push(small),
        _ => {
            out.push(0xFF);
            out.extend_from_slice(&scale.to_be_bytes());
        }
    }
    out
}

/// `magnitude × 10^-scale` as exponent and digits in base 100.
fn encode_magnitude(magnitude: &BigUint, scale: i64, out: &mut Vec<u8>) {
    let odd = scale.rem_euclid(2) == 1;
    let (aligned, scale) = if odd { (magnitude * 10u8, scale + 1) } else { (magnitude.clone(), scale) };
    let mut digits = aligned.to_radix_be(100);
    let exponent = digits.len() as i64 - scale / 2;
    while digits.last() == Some(&0) {
        digits.pop();
    }
    match u8::try_from(exponent + 128) {
        Ok(small) if small != 0x00 && small != 0xFF => out.push(small),
        _ => {
            out.push(if exponent < 0 { 0x00 } else { 0xFF });
            out.extend_from_slice(&((exponent + (1 << 31)) as u32).to_be_bytes());
        }
    }
    out.extend(digits.iter().map(|d| d + 1));
    out.push(0);
}

impl Ord for NumericRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value_bytes().cmp(other.value_bytes())
    }
}
impl PartialOrd for NumericRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for NumericRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for NumericRef<'_> {}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => a.cmp(b),
            _ => self.class().cmp(&other.class()),
        }
    }
}
impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
