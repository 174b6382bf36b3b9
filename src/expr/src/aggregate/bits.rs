//! `bit_and`, `bit_or` and `bit_xor`: how many values have each bit set, so that values can go again.

use repr::{Datum, Diff};
use serde::{Deserialize, Serialize};

/// How many values there are, and how many of them have each bit set: by bit, no zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bits {
    count: i64,
    ones: Vec<(u8, i64)>,
}

/// Which of the three is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BitFunc {
    /// `bit_and`
    And,
    /// `bit_or`
    Or,
    /// `bit_xor`
    Xor,
}

impl Bits {
    /// An integer, `diff` times; none of another type.
    pub fn of(datum: Datum<'_>, diff: Diff) -> Option<Self> {
        let value = match datum {
            Datum::Int2(v) => i64::from(v),
            Datum::Int4(v) => i64::from(v),
            Datum::Int8(v) => v,
            _ => return None,
        };
        let set = |bit: &u8| diff != 0 && value >> bit & 1 == 1;
        Some(Bits { count: diff, ones: (0..64).filter(set).map(|bit| (bit, diff)).collect() })
    }

    /// How many values there are.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Whether nothing was added that was not taken back.
    pub fn is_zero(&self) -> bool {
        self.count == 0 && self.ones.is_empty()
    }

    /// Adds other values.
    pub fn plus(&mut self, other: &Bits) {
        self.count = self.count.wrapping_add(other.count);
        for (bit, ones) in &other.ones {
            match self.ones.binary_search_by_key(bit, |(bit, _)| *bit) {
                Ok(at) => self.ones[at].1 = self.ones[at].1.wrapping_add(*ones),
                Err(at) => self.ones.insert(at, (*bit, *ones)),
            }
        }
        self.ones.retain(|(_, ones)| *ones != 0);
    }

    /// Multiplies by a count.
    pub fn multiply(&mut self, by: Diff) {
        self.count = self.count.wrapping_mul(by);
        self.ones.iter_mut().for_each(|(_, ones)| *ones = ones.wrapping_mul(by));
        self.ones.retain(|(_, ones)| *ones != 0);
    }

    /// The bits of the result.
    pub fn value(&self, func: BitFunc) -> i64 {
        let set = |(_, ones): &&(u8, i64)| match func {
            BitFunc::And => *ones == self.count,
            BitFunc::Or => true,
            BitFunc::Xor => ones % 2 != 0,
        };
        self.ones.iter().filter(set).fold(0, |value, (bit, _)| value | 1i64 << bit)
    }
}
