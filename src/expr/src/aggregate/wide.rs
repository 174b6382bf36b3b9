//! Integers without a bound that are fast while they are small.

use bigdecimal::num_bigint::BigInt;
use serde::{Deserialize, Serialize};

/// An integer; in its small form if it fits, so that equal integers are equal values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Wide {
    /// Fits 128 bits.
    Small(i128),
    /// Does not: two's complement, big-endian, as short as possible.
    Big(Vec<u8>),
}

impl Default for Wide {
    fn default() -> Self {
        Wide::Small(0)
    }
}

impl Wide {
    /// Of a big integer.
    pub fn new(value: &BigInt) -> Self {
        match i128::try_from(value) {
            Ok(small) => Wide::Small(small),
            Err(_) => Wide::Big(value.to_signed_bytes_be()),
        }
    }

    /// As a big integer.
    pub fn to_big(&self) -> BigInt {
        match self {
            Wide::Small(v) => BigInt::from(*v),
            Wide::Big(bytes) => BigInt::from_signed_bytes_be(bytes),
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        *self == Wide::Small(0)
    }

    /// Adds another.
    pub fn add(&mut self, other: &Wide) {
        *self = match (&*self, other) {
            (Wide::Small(a), Wide::Small(b)) if a.checked_add(*b).is_some() => Wide::Small(a + b),
            (a, b) => Wide::new(&(a.to_big() + b.to_big())),
        };
    }

    /// Multiplies by a count.
    pub fn multiply(&mut self, by: i64) {
        *self = match &*self {
            Wide::Small(v) if v.checked_mul(i128::from(by)).is_some() => Wide::Small(v * i128::from(by)),
            v => Wide::new(&(v.to_big() * by)),
        };
    }
}
