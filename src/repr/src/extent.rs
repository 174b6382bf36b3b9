//! What is known of many values at once: the least and the greatest.

use crate::Datum;

/// The values that something may have, for any row of many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent<'a> {
    /// Other than NULL.
    pub values: Values<'a>,
    /// Whether NULL is among them.
    pub null: bool,
    /// Whether it may fail instead.
    pub error: bool,
}

/// Values other than NULL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// There are none.
    None,
    /// These and all between them, in the order of SQL.
    Between(Datum<'a>, Datum<'a>),
    /// Nothing is known.
    Any,
}

impl<'a> Extent<'a> {
    /// Nothing is known.
    pub const UNKNOWN: Extent<'static> = Extent { values: Values::Any, null: true, error: true };

    /// Any value, NULL too, but no failure.
    pub const VALUE: Extent<'static> = Extent { values: Values::Any, null: true, error: false };

    /// One value, or NULL.
    pub fn of(datum: Datum<'a>) -> Self {
        let values = if datum.is_null() { Values::None } else { Values::Between(datum, datum) };
        Extent { values, null: datum.is_null(), error: false }
    }

    /// Whether this truth value may be among the values.
    pub fn may_be(&self, truth: bool) -> bool {
        match self.values {
            Values::None => false,
            Values::Between(low, high) => low == Datum::Bool(truth) || high == Datum::Bool(truth),
            Values::Any => true,
        }
    }

    /// The value, if it is always the same one.
    pub fn constant(&self) -> Option<Datum<'a>> {
        match self.values {
            _ if self.error => None,
            Values::None if self.null => Some(Datum::Null),
            Values::Between(low, high) if low == high && !self.null => Some(low),
            _ => None,
        }
    }

    /// What either may be.
    pub fn or(self, other: Self) -> Self {
        let values = match (self.values, other.values) {
            (Values::None, values) | (values, Values::None) => values,
            (Values::Between(a, b), Values::Between(c, d)) => Values::Between(a.min(c), b.max(d)),
            _ => Values::Any,
        };
        Extent { values, null: self.null || other.null, error: self.error || other.error }
    }
}
