//! Ranges: what lies between two bounds of one type.
//!
//! Encoding: 0x00 for the empty range, else 0x01, the lower bound (0x00 if there is none; else 0x01, the value, 0x00 if the bound is
//! part of the range, 0x01 if not), the upper bound (0x00, the value, 0x00 if it is not part of the range, 0x01 if it is; 0x01 if there is
//! none). So `memcmp` orders as SQL does.

use crate::datetime::date_from_days;
use crate::row::{decode_one, encode_one};
use crate::types::RangeKind;
use crate::{Datum, SqlError, SqlState};
use std::cmp::Ordering;

/// A bound of a range.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// Its value; none where the range does not end.
    pub value: Option<Datum<'a>>,
    /// Whether the value is part of the range.
    pub inclusive: bool,
}

impl<'a> Bound<'a> {
    /// Where the range does not end.
    pub const NONE: Bound<'static> = Bound { value: None, inclusive: false };

    /// A bound of a value; NULL is none.
    pub fn new(value: Datum<'a>, inclusive: bool) -> Self {
        if value.is_null() { Bound::NONE } else { Bound { value: Some(value), inclusive } }
    }

    /// The order of two lower bounds.
    pub fn cmp_lower(&self, other: &Bound<'_>) -> Ordering {
        match (self.value, other.value) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(&b).then(other.inclusive.cmp(&self.inclusive)),
        }
    }

    /// The order of two upper bounds.
    pub fn cmp_upper(&self, other: &Bound<'_>) -> Ordering {
        match (self.value, other.value) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => a.cmp(&b).then(self.inclusive.cmp(&other.inclusive)),
        }
    }

    /// Whether a value lies at or after this lower bound.
    pub fn admits_above(&self, value: Datum<'_>) -> bool {
        self.value.is_none_or(|bound| if self.inclusive { bound <= value } else { bound < value })
    }

    /// Whether a value lies at or before this upper bound.
    pub fn admits_below(&self, value: Datum<'_>) -> bool {
        self.value.is_none_or(|bound| if self.inclusive { value <= bound } else { value < bound })
    }
}

/// A lower and an upper bound.
pub type Bounds<'a> = (Bound<'a>, Bound<'a>);

/// A borrowed range.
#[derive(Clone, Copy, Debug)]
pub struct RangeRef<'a>(&'a [u8]);

impl<'a> RangeRef<'a> {
    /// The encoding.
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// A range of bytes that this module made.
    pub fn from_encoded(bytes: &'a [u8]) -> Self {
        RangeRef(bytes)
    }

    /// A range at the head of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (_, rest) = decode(bytes)?;
        let len = bytes.len() - rest.len();
        Some((RangeRef(&bytes[..len]), rest))
    }

    /// The bounds; none of the empty range.
    pub fn bounds(self) -> Option<Bounds<'a>> {
        decode(self.0).expect("ranges are made by this module").0
    }
}

fn decode(bytes: &[u8]) -> Option<(Option<Bounds<'_>>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    if tag == 0 {
        return Some((None, rest));
    }
    let finite = |rest| {
        let (value, rest) = decode_one(rest)?;
        let (&flag, rest) = <[u8]>::split_first(rest)?;
        Some((value, flag, rest))
    };
    let (&lower_tag, mut rest) = rest.split_first()?;
    let mut lower = Bound::NONE;
    if lower_tag == 1 {
        let (value, flag, tail) = finite(rest)?;
        (lower, rest) = (Bound { value: Some(value), inclusive: flag == 0 }, tail);
    }
    let (&upper_tag, mut rest) = rest.split_first()?;
    let mut upper = Bound::NONE;
    if upper_tag == 0 {
        let (value, flag, tail) = finite(rest)?;
        (upper, rest) = (Bound { value: Some(value), inclusive: flag == 1 }, tail);
    }
    Some((Some((lower, upper)), rest))
}

/// The encoding of the range between these bounds, as they are; none is the empty range.
pub fn encode(bounds: Option<Bounds<'_>>) -> Vec<u8> {
    let Some((lower, upper)) = bounds else { return vec![0] };
    let mut out = vec![1];
    match lower.value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            encode_one(value, &mut out);
            out.push(u8::from(!lower.inclusive));
        }
    }
    match upper.value {
        None => out.push(1),
        Some(value) => {
            out.push(0);
            encode_one(value, &mut out);
            out.push(u8::from(upper.inclusive));
        }
    }
    out
}

/// The encoding of the range of a type between two bounds, in the one form that stands for it: nothing between the bounds is the empty
/// range, and discrete types have the lower bound inside and the upper one outside.
pub fn make(kind: RangeKind, lower: Bound<'_>, upper: Bound<'_>) -> Result<Vec<u8>, SqlError> {
    if let (Some(low), Some(high)) = (lower.value, upper.value) {
        match low.cmp(&high) {
            Ordering::Greater => {
                let message = "range lower bound must be less than or equal to range upper bound";
                return Err(SqlError::new(SqlState::DATA_EXCEPTION, message));
            }
            Ordering::Equal if !(lower.inclusive && upper.inclusive) => return Ok(encode(None)),
            _ => {}
        }
    }
    let (lower, upper) = match kind {
        RangeKind::Int4 | RangeKind::Int8 | RangeKind::Date => (discrete(lower, true)?, discrete(upper, false)?),
        _ => (lower, upper),
    };
    let nothing = matches!((lower.value, upper.value), (Some(low), Some(high)) if low == high)
        && !(lower.inclusive && upper.inclusive);
    Ok(encode(if nothing { None } else { Some((lower, upper)) }))
}

/// A bound with its value inside (a lower one) or outside (an upper one) of the range.
fn discrete(bound: Bound<'_>, inclusive: bool) -> Result<Bound<'_>, SqlError> {
    let out_of_range = |what: &str| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{what} out of range"));
    if bound.value.is_none() || bound.inclusive == inclusive {
        return Ok(bound);
    }
    let value = match bound.value {
        Some(Datum::Int4(v)) => Datum::Int4(v.checked_add(1).ok_or_else(|| out_of_range("integer"))?),
        Some(Datum::Int8(v)) => Datum::Int8(v.checked_add(1).ok_or_else(|| out_of_range("bigint"))?),
        Some(Datum::Date(i32::MAX | i32::MIN)) => return Ok(bound),
        Some(Datum::Date(v)) => {
            let next = date_from_days(i64::from(v) + 1);
            let error = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range");
            Datum::Date(next.ok_or_else(error)?)
        }
        _ => return Ok(bound),
    };
    Ok(Bound { value: Some(value), inclusive })
}

impl Ord for RangeRef<'_> {
    /// The empty range, then by lower bound, then by upper bound.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.bounds(), other.bounds()) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some((a, b)), Some((c, d))) => a.cmp_lower(&c).then_with(|| b.cmp_upper(&d)),
        }
    }
}
impl PartialOrd for RangeRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for RangeRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for RangeRef<'_> {}
