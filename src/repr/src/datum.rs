//! One value of any type.

use crate::{ArrayRef, EnumRef, Interval, JsonbRef, NumericRef, RangeRef, RowRef, TimeTz};
use std::cmp::Ordering;

/// One value, borrowed from a row or an arena; `Copy`, so that expressions pass it freely.
///
/// Order and equality are SQL's: `1.0` equals `1.00`, NaN equals NaN and is greatest, NULL sorts last. The
/// encoding of a [`crate::Row`] refines that order (see there).
#[derive(Clone, Copy, Debug)]
pub enum Datum<'a> {
    /// NULL, of any type.
    Null,
    /// `bool`
    Bool(bool),
    /// `int2`
    Int2(i16),
    /// `int4`
    Int4(i32),
    /// `int8`
    Int8(i64),
    /// `float4`
    Float4(f32),
    /// `float8`
    Float8(f64),
    /// `numeric`
    Numeric(NumericRef<'a>),
    /// `text`, `varchar`, `char(n)` (without trailing blanks), `name`, `"char"`; never holds a NUL character.
    Text(&'a str),
    /// `bytea`
    Bytes(&'a [u8]),
    /// `date`: days since 2000-01-01; `i32::MAX` and `i32::MIN` are the infinities.
    Date(i32),
    /// `time`: microseconds since midnight, 0 to 86,400,000,000.
    Time(i64),
    /// `timestamp`: microseconds since 2000-01-01; `i64::MAX` and `i64::MIN` are the infinities.
    Timestamp(i64),
    /// `timestamptz`: microseconds since 2000-01-01 UTC; infinities as above.
    Timestamptz(i64),
    /// `interval`
    Interval(Interval),
    /// `uuid`
    Uuid([u8; 16]),
    /// `jsonb`
    Jsonb(JsonbRef<'a>),
    /// `oid` and the `reg…` types
    Oid(u32),
    /// `mz_timestamp`: milliseconds since 1970.
    MzTimestamp(u64),
    /// `time with time zone`
    TimeTz(TimeTz),
    /// a value of an enum
    Enum(EnumRef<'a>),
    /// a range
    Range(RangeRef<'a>),
    /// an array
    Array(ArrayRef<'a>),
    /// a record: its fields as a row
    Record(RowRef<'a>),
    /// `uint2`
    Uint2(u16),
    /// `uint4`
    Uint4(u32),
    /// `uint8`
    Uint8(u64),
    /// `json`: its text
    Json(&'a str),
    /// a list: its elements as a row
    List(RowRef<'a>),
    /// a map: keys and values in turn as a row, see [`crate::map`]
    Map(RowRef<'a>),
}

impl<'a> Datum<'a> {
    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// SQL truth: only `true` is true; NULL is not.
    pub fn is_true(&self) -> bool {
        matches!(self, Datum::Bool(true))
    }

    fn rank(&self) -> u8 {
        match self {
            Datum::Null => u8::MAX,
            Datum::Bool(_) => 0,
            Datum::Int2(_) => 1,
            Datum::Int4(_) => 2,
            Datum::Int8(_) => 3,
            Datum::Float4(_) => 4,
            Datum::Float8(_) => 5,
            Datum::Numeric(_) => 6,
            Datum::Text(_) => 7,
            Datum::Bytes(_) => 8,
            Datum::Date(_) => 9,
            Datum::Time(_) => 10,
            Datum::Timestamp(_) => 11,
            Datum::Timestamptz(_) => 12,
            Datum::Interval(_) => 13,
            Datum::Uuid(_) => 14,
            Datum::Jsonb(_) => 15,
            Datum::Oid(_) => 16,
            Datum::MzTimestamp(_) => 17,
            Datum::Array(_) => 18,
            Datum::Record(_) => 19,
            Datum::TimeTz(_) => 20,
            Datum::Enum(_) => 21,
            Datum::Range(_) => 22,
            Datum::Uint2(_) => 23,
            Datum::Uint4(_) => 24,
            Datum::Uint8(_) => 25,
            Datum::Json(_) => 26,
            Datum::List(_) => 27,
            Datum::Map(_) => 28,
        }
    }
}

/// Floats as SQL orders them: -0 equals 0, NaN equals NaN and is greatest.
pub fn compare_float(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

impl Ord for Datum<'_> {
    /// SQL order within a type, an arbitrary fixed order across types, NULL last.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
            (Datum::Int2(a), Datum::Int2(b)) => a.cmp(b),
            (Datum::Int4(a), Datum::Int4(b)) => a.cmp(b),
            (Datum::Int8(a), Datum::Int8(b)) => a.cmp(b),
            (Datum::Float4(a), Datum::Float4(b)) => compare_float(f64::from(*a), f64::from(*b)),
            (Datum::Float8(a), Datum::Float8(b)) => compare_float(*a, *b),
            (Datum::Numeric(a), Datum::Numeric(b)) => a.cmp(b),
            (Datum::Text(a), Datum::Text(b)) => a.cmp(b),
            (Datum::Bytes(a), Datum::Bytes(b)) => a.cmp(b),
            (Datum::Date(a), Datum::Date(b)) => a.cmp(b),
            (Datum::Time(a), Datum::Time(b)) => a.cmp(b),
            (Datum::Timestamp(a), Datum::Timestamp(b)) => a.cmp(b),
            (Datum::Timestamptz(a), Datum::Timestamptz(b)) => a.cmp(b),
            (Datum::Interval(a), Datum::Interval(b)) => a.cmp(b),
            (Datum::Uuid(a), Datum::Uuid(b)) => a.cmp(b),
            (Datum::Jsonb(a), Datum::Jsonb(b)) => a.cmp_as_column(*b),
            (Datum::Oid(a), Datum::Oid(b)) => a.cmp(b),
            (Datum::MzTimestamp(a), Datum::MzTimestamp(b)) => a.cmp(b),
            (Datum::Array(a), Datum::Array(b)) => a.cmp(b),
            (Datum::TimeTz(a), Datum::TimeTz(b)) => a.cmp(b),
            (Datum::Enum(a), Datum::Enum(b)) => a.cmp(b),
            (Datum::Range(a), Datum::Range(b)) => a.cmp(b),
            (Datum::Record(a), Datum::Record(b))
            | (Datum::List(a), Datum::List(b))
            | (Datum::Map(a), Datum::Map(b)) => a.iter().cmp(b.iter()),
            (Datum::Uint2(a), Datum::Uint2(b)) => a.cmp(b),
            (Datum::Uint4(a), Datum::Uint4(b)) => a.cmp(b),
            (Datum::Uint8(a), Datum::Uint8(b)) => a.cmp(b),
            (Datum::Json(a), Datum::Json(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Datum<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Datum<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Datum<'_> {}
