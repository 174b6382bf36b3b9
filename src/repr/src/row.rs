//! Rows: a tuple of values as one compact byte string.
//!
//! # Encoding
//!
//! Each value is a tag byte and, for most types, a body; a row is their concatenation and describes itself.
//! For two rows of the same column types, comparing the bytes with `memcmp` refines SQL's ascending order with NULLS LAST:
//! if SQL says less, the bytes are less; values that SQL calls equal may differ in bytes (`1.0`, `1.00`)
//! and then sort next to each other. `bytea` alone is length-prefixed, so that it can be borrowed: it sorts by length first.
//!
//! | tag | value | body |
//! |---|---|---|
//! | 0x00 | end of a record or array | |
//! | 0x01, 0x02 | false, true | |
//! | `INT2`, `INT4`, `INT8`, `OID`, `DATE`, `MZ_TIMESTAMP` + n | an integer of 2, 4 or 8 bytes | the tag says sign and number of significant bytes, then these, big-endian |
//! | `UINT2`, `UINT4`, `UINT8` + n | an integer without a sign | the tag says the number of significant bytes, then these, big-endian |
//! | `FLOAT4`, `FLOAT8` | | bits, sign-flipped so that they sort |
//! | `TEXT`, `JSON` | | UTF-8, then 0x00 (which cannot occur inside) |
//! | `BYTES` | | length (LEB128), bytes |
//! | `TIME`, `TIMESTAMP`, `TIMESTAMPTZ` | | 8 bytes, sign-flipped |
//! | `TIMETZ` | | 8 bytes UTC, 4 bytes seconds west, both sign-flipped |
//! | `ENUM` | | 4 bytes order (as a float sorts), label, 0x00 |
//! | `INTERVAL` | | 16 bytes total microseconds, 4 months, 4 days, all sign-flipped |
//! | `NUMERIC`, `JSONB`, `ARRAY`, `RANGE`, `RECORD` | | see `numeric`, `jsonb`, `array`, `range`; a record is its values, then 0x00; the jsonb `[]` is 0x00 |
//! | `LIST`, `MAP` | | the elements, or keys and values in turn, then 0x00 |
//! | 0xFF | NULL | |

use crate::{ArrayRef, Datum, EnumRef, Interval, JsonbRef, NumericRef, RangeRef, TimeTz};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

pub use crate::canonical::canonical;

#[cfg(test)]
mod tests;

const END: u8 = 0x00;
const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
const FLOAT4: u8 = 0x03;
const FLOAT8: u8 = 0x04;
const TEXT: u8 = 0x05;
const BYTES: u8 = 0x06;
const TIME: u8 = 0x07;
const TIMESTAMP: u8 = 0x08;
const TIMESTAMPTZ: u8 = 0x09;
const INTERVAL: u8 = 0x0A;
const UUID: u8 = 0x0B;
const NUMERIC: u8 = 0x0C;
const JSONB: u8 = 0x0D;
const ARRAY: u8 = 0x0E;
const RECORD: u8 = 0x0F;
const TIMETZ: u8 = 0x78;
const ENUM: u8 = 0x79;
const RANGE: u8 = 0x7A;
const INT2: u8 = 0x10; // 5 tags: 2 bytes negative … 2 bytes positive
const INT4: u8 = 0x18; // 9 tags
const INT8: u8 = 0x28; // 17 tags
const DATE: u8 = 0x40; // 9 tags
const OID: u8 = 0x50; // 17 tags
const MZ_TIMESTAMP: u8 = 0x68; // 9 tags, unsigned
const UINT2: u8 = 0x80; // 3 tags, unsigned
const UINT4: u8 = 0x84; // 5 tags, unsigned
const UINT8: u8 = 0x8A; // 9 tags, unsigned
const JSON: u8 = 0x94;
const LIST: u8 = 0x95;
const MAP: u8 = 0x96;
const NULL: u8 = 0xFF;

/// Bytes that a [`Row`] holds without an allocation.
const INLINE: usize = 23;
const HEAP: u8 = 0xFF;

/// An owned row of 24 bytes, short ones inline. Equality, order and hash are those of the bytes.
///
/// The last byte is the length of an inline row, or [`HEAP`].
#[repr(C)]
pub struct Row {
    repr: Repr,
}

#[repr(C)]
union Repr {
    inline: [u8; 24],
    heap: HeapRepr,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct HeapRepr {
    pointer: *mut u8,
    len: usize,
    tag: [u8; 8], // its last byte is HEAP
}

const _: () = assert!(size_of::<Row>() == 24 && size_of::<HeapRepr>() == 24);

// SAFETY: a row owns its heap bytes exclusively and has no interior mutability.
unsafe impl Send for Row {}
// SAFETY: as above.
unsafe impl Sync for Row {}

impl Row {
    /// The row of no columns.
    pub const fn empty() -> Self {
        Row { repr: Repr { inline: [0; 24] } }
    }

    /// Packs values.
    pub fn pack<'a>(datums: impl IntoIterator<Item = Datum<'a>>) -> Self {
        let mut packer = RowPacker::new();
        packer.extend(datums);
        packer.finish()
    }

    /// A row of bytes that [`RowPacker`] or another row made; they are trusted.
    pub fn from_encoded(bytes: &[u8]) -> Self {
        let len = bytes.len();
        if len <= INLINE {
            let mut inline = [0; 24];
            inline[..len].copy_from_slice(bytes);
            inline[INLINE] = len as u8;
            return Row { repr: Repr { inline } };
        }
        let pointer = Box::into_raw(Box::<[u8]>::from(bytes)).cast::<u8>();
        Row { repr: Repr { heap: HeapRepr { pointer, len, tag: [HEAP; 8] } } }
    }

    fn tag(&self) -> u8 {
        // SAFETY: all 24 bytes are initialised in both forms, and any bytes are valid `u8`s.
        unsafe { self.repr.inline[INLINE] }
    }

    /// The encoding.
    pub fn encoded(&self) -> &[u8] {
        let tag = self.tag();
        // SAFETY: the tag says which form this is; the heap form holds a live box of `len` bytes.
        unsafe {
            if tag == HEAP {
                std::slice::from_raw_parts(self.repr.heap.pointer, self.repr.heap.len)
            } else {
                std::slice::from_raw_parts(self.repr.inline.as_ptr(), usize::from(tag))
            }
        }
    }

    /// Borrows the row.
    pub fn as_ref(&self) -> RowRef<'_> {
        RowRef(self.encoded())
    }

    /// The values, in order.
    pub fn iter(&self) -> DatumIter<'_> {
        self.as_ref().iter()
    }

    /// The values as a vector.
    pub fn unpack(&self) -> Vec<Datum<'_>> {
        self.iter().collect()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        if self.tag() == HEAP { self.encoded().len() } else { 0 }
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if self.tag() == HEAP {
            // SAFETY: the heap form came from `Box::into_raw` of a slice of `len` bytes.
            unsafe {
                let HeapRepr { pointer, len, .. } = self.repr.heap;
                drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(pointer, len)));
            }
        }
    }
}

impl Clone for Row {
    fn clone(&self) -> Self {
        Row::from_encoded(self.encoded())
    }
}

impl Default for Row {
    fn default() -> Self {
        Row::empty()
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        self.encoded() == other.encoded()
    }
}
impl Eq for Row {}
impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Row) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Row {
    fn cmp(&self, other: &Row) -> Ordering {
        self.encoded().cmp(other.encoded())
    }
}

/// The one hash of encoded bytes that routes rows everywhere: exchange, half joins, peeks. Stable across processes and builds.
pub fn hash_encoded(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0xff51_afd7_ed55_8ccd; // the multiplier of MurmurHash3's finalizer
    let mix = |hash: u64, word: u64| {
        let h = (hash ^ word).wrapping_mul(MIX);
        h ^ (h >> 32)
    };
    let mut hash = 0x9E37_79B9_7F4A_7C15 ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = mix(hash, u64::from_le_bytes(last));
    }
    hash
}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(hash_encoded(self.encoded()));
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.encoded())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an encoded row")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Row, E> {
                Row::decode(bytes).ok_or_else(|| E::custom("malformed row"))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Row, A::Error> {
                let mut bytes = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1 << 16));
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                self.visit_bytes(&bytes)
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// A borrowed row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowRef<'a>(pub(crate) &'a [u8]);

impl<'a> RowRef<'a> {
    /// A row of bytes that [`RowPacker`] or another row made; they are trusted.
    pub fn from_encoded(bytes: &'a [u8]) -> Self {
        RowRef(bytes)
    }

    /// The encoding.
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// The values, in order.
    pub fn iter(self) -> DatumIter<'a> {
        DatumIter { rest: self.0 }
    }

    /// An owned copy.
    pub fn to_row(self) -> Row {
        Row::from_encoded(self.0)
    }
}

// The trace layouts of `dataflow` compare what they hold with owned rows.
impl PartialEq<&Row> for RowRef<'_> {
    fn eq(&self, other: &&Row) -> bool {
        self.0 == other.encoded()
    }
}

impl fmt::Debug for RowRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The values of a row, decoded as they are asked for.
#[derive(Clone, Copy)]
pub struct DatumIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for DatumIter<'a> {
    type Item = Datum<'a>;
    fn next(&mut self) -> Option<Datum<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (datum, rest) = decode_one(self.rest).expect("rows are made by RowPacker, or checked by Row::decode");
        self.rest = rest;
        Some(datum)
    }
}

impl Row {
    /// A row of bytes from outside; `None` if they are not an encoding.
    pub fn decode(bytes: &[u8]) -> Option<Row> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = decode_one(rest)?;
        }
        Some(Row::from_encoded(bytes))
    }
}

/// Builds rows; [`RowPacker::take`] leaves it empty, with its buffer, for the next.
#[derive(Default, Debug)]
pub struct RowPacker {
    buffer: Vec<u8>,
}

impl RowPacker {
    /// An empty packer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one value.
    pub fn push(&mut self, datum: Datum<'_>) {
        encode_one(datum, &mut self.buffer);
    }

    /// Appends values.
    pub fn extend<'a>(&mut self, datums: impl IntoIterator<Item = Datum<'a>>) {
        for datum in datums {
            self.push(datum);
        }
    }

    /// Appends all values of a row.
    pub fn extend_row(&mut self, row: RowRef<'_>) {
        self.buffer.extend_from_slice(row.0);
    }

    /// The encoding so far.
    pub fn encoded(&self) -> &[u8] {
        &self.buffer
    }

    /// Forgets what was pushed.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// The row so far; the packer is empty afterwards.
    pub fn take(&mut self) -> Row {
        let row = Row::from_encoded(&self.buffer);
        self.buffer.clear();
        row
    }

    /// The row.
    pub fn finish(self) -> Row {
        Row::from_encoded(&self.buffer)
    }
}

/// `value` with its tag: `zero` is the tag of 0, one more for each significant byte of a positive value, one less of a negative.
fn encode_int(zero: u8, value: i64, out: &mut Vec<u8>) {
    let magnitude = if value < 0 { value.unsigned_abs() } else { value as u64 };
    let bytes = (64 - magnitude.leading_zeros() as usize).div_ceil(8);
    out.push(if value < 0 { zero - bytes as u8 } else { zero + bytes as u8 });
    let body = if value < 0 { !magnitude } else { magnitude };
    out.extend_from_slice(&body.to_be_bytes()[8 - bytes..]);
}

fn decode_int(zero: u8, tag: u8, rest: &[u8]) -> Option<(i64, &[u8])> {
    let bytes = usize::from(tag.abs_diff(zero));
    let (body, rest) = rest.split_at_checked(bytes)?;
    let mut word = [if tag < zero { 0xFF } else { 0 }; 8];
    word[8 - bytes..].copy_from_slice(body);
    let value = u64::from_be_bytes(word);
    Some((if tag < zero { (!value).wrapping_neg() as i64 } else { value as i64 }, rest))
}

const fn flip64(value: i64) -> [u8; 8] {
    (value as u64 ^ (1 << 63)).to_be_bytes()
}

fn unflip64(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
}

fn encode_f64(value: f64) -> [u8; 8] {
    let bits = if value.is_nan() { f64::NAN.to_bits() & !(1 << 63) } else { value.to_bits() };
    (if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }).to_be_bytes()
}

fn decode_f64(bytes: [u8; 8]) -> f64 {
    let bits = u64::from_be_bytes(bytes);
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

pub(crate) fn encode_f32(value: f32) -> [u8; 4] {
    let bits = if value.is_nan() { f32::NAN.to_bits() & !(1 << 31) } else { value.to_bits() };
    (if bits >> 31 == 1 { !bits } else { bits | (1 << 31) }).to_be_bytes()
}

pub(crate) fn decode_f32(bytes: [u8; 4]) -> f32 {
    let bits = u32::from_be_bytes(bytes);
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

fn encode_interval(interval: Interval, out: &mut Vec<u8>) {
    out.push(INTERVAL);
    out.extend_from_slice(&(interval.total_us() as u128 ^ (1 << 127)).to_be_bytes());
    out.extend_from_slice(&(interval.months as u32 ^ (1 << 31)).to_be_bytes());
    out.extend_from_slice(&(interval.days as u32 ^ (1 << 31)).to_be_bytes());
}

fn decode_interval(rest: &[u8]) -> Option<(Interval, &[u8])> {
    let (total, rest) = rest.split_first_chunk::<16>()?;
    let (months, rest) = rest.split_first_chunk::<4>()?;
    let (days, rest) = rest.split_first_chunk::<4>()?;
    let total = (u128::from_be_bytes(*total) ^ (1 << 127)) as i128;
    let mut interval = Interval {
        months: (u32::from_be_bytes(*months) ^ (1 << 31)) as i32,
        days: (u32::from_be_bytes(*days) ^ (1 << 31)) as i32,
        micros: 0,
    };
    interval.micros = i64::try_from(total - interval.total_us()).ok()?;
    Some((interval, rest))
}

pub(crate) fn encode_len(mut len: usize, out: &mut Vec<u8>) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

pub(crate) fn decode_len(mut rest: &[u8]) -> Option<(usize, &[u8])> {
    let mut len = 0usize;
    for shift in (0..=28).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        len |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some((len, rest));
        }
    }
    None
}

/// Appends one value's encoding.
pub(crate) fn encode_one(datum: Datum<'_>, out: &mut Vec<u8>) {
    match datum {
        Datum::Null => out.push(NULL),
        Datum::Bool(false) => out.push(FALSE),
        Datum::Bool(true) => out.push(TRUE),
        Datum::Int2(v) => encode_int(INT2 + 2, i64::from(v), out),
        Datum::Int4(v) => encode_int(INT4 + 4, i64::from(v), out),
        Datum::Int8(v) => encode_int(INT8 + 8, v, out),
        Datum::Date(v) => encode_int(DATE + 4, i64::from(v), out),
        Datum::Oid(v) => encode_int(OID + 8, i64::from(v), out),
        Datum::MzTimestamp(v) => encode_unsigned(MZ_TIMESTAMP, v, out),
        Datum::Uint2(v) => encode_unsigned(UINT2, v.into(), out),
        Datum::Uint4(v) => encode_unsigned(UINT4, v.into(), out),
        Datum::Uint8(v) => encode_unsigned(UINT8, v, out),
        Datum::Float4(v) => {
            out.push(FLOAT4);
            out.extend_from_slice(&encode_f32(v));
        }
        Datum::Float8(v) => {
            out.push(FLOAT8);
            out.extend_from_slice(&encode_f64(v));
        }
        Datum::Text(v) => encode_text(TEXT, v, out),
        Datum::Json(v) => encode_text(JSON, v, out),
        Datum::Bytes(v) => {
            out.push(BYTES);
            encode_len(v.len(), out);
            out.extend_from_slice(v);
        }
        Datum::Time(v) => encode_fixed(TIME, v, out),
        Datum::Timestamp(v) => encode_fixed(TIMESTAMP, v, out),
        Datum::Timestamptz(v) => encode_fixed(TIMESTAMPTZ, v, out),
        Datum::Interval(v) => encode_interval(v, out),
        Datum::Uuid(v) => {
            out.push(UUID);
            out.extend_from_slice(&v);
        }
        Datum::Numeric(v) => {
            out.push(NUMERIC);
            out.extend_from_slice(v.encoded());
        }
        Datum::Jsonb(v) => {
            out.push(JSONB);
            let first = v.encoded() == JsonbRef::EMPTY_ARRAY.encoded();
            out.extend_from_slice(if first { &[END] } else { v.encoded() });
        }
        Datum::TimeTz(v) => {
            encode_fixed(TIMETZ, v.utc_micros(), out);
            // West before east, as SQL orders equal moments the other way round.
            out.extend_from_slice(&(v.offset.wrapping_neg() as u32 ^ (1 << 31)).to_be_bytes());
        }
        Datum::Enum(v) => {
            out.push(ENUM);
            out.extend_from_slice(v.encoded());
        }
        Datum::Range(v) => {
            out.push(RANGE);
            out.extend_from_slice(v.encoded());
        }
        Datum::Array(v) => {
            out.push(ARRAY);
            out.extend_from_slice(v.encoded());
        }
        Datum::Record(v) => encode_values(RECORD, v, out),
        Datum::List(v) => encode_values(LIST, v, out),
        Datum::Map(v) => encode_values(MAP, v, out),
    }
}

fn encode_text(tag: u8, value: &str, out: &mut Vec<u8>) {
    debug_assert!(!value.as_bytes().contains(&0), "text never holds a NUL character");
    out.push(tag);
    out.extend_from_slice(value.as_bytes());
    out.push(END);
}

fn encode_values(tag: u8, values: RowRef<'_>, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(values.0);
    out.push(END);
}

/// `value` with its tag: `zero` is the tag of 0, one more for each significant byte.
fn encode_unsigned(zero: u8, value: u64, out: &mut Vec<u8>) {
    let bytes = (64 - value.leading_zeros() as usize).div_ceil(8);
    out.push(zero + bytes as u8);
    out.extend_from_slice(&value.to_be_bytes()[8 - bytes..]);
}

fn encode_fixed(tag: u8, value: i64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&flip64(value));
}

fn fixed<const N: usize>(rest: &[u8]) -> Option<([u8; N], &[u8])> {
    rest.split_first_chunk::<N>().map(|(head, tail)| (*head, tail))
}

/// The first value of `bytes` and what follows it; `None` if they are malformed.
pub(crate) fn decode_one(bytes: &[u8]) -> Option<(Datum<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    Some(match tag {
        NULL => (Datum::Null, rest),
        FALSE => (Datum::Bool(false), rest),
        TRUE => (Datum::Bool(true), rest),
        FLOAT4 => fixed(rest).map(|(b, rest)| (Datum::Float4(decode_f32(b)), rest))?,
        FLOAT8 => fixed(rest).map(|(b, rest)| (Datum::Float8(decode_f64(b)), rest))?,
        TEXT => decode_text(rest).map(|(v, rest)| (Datum::Text(v), rest))?,
        JSON => decode_text(rest).map(|(v, rest)| (Datum::Json(v), rest))?,
        LIST => split_terminated(rest).map(|(v, rest)| (Datum::List(RowRef(v)), rest))?,
        MAP => split_terminated(rest).map(|(v, rest)| (Datum::Map(RowRef(v)), rest))?,
        BYTES => {
            let (len, rest) = decode_len(rest)?;
            let (body, rest) = rest.split_at_checked(len)?;
            (Datum::Bytes(body), rest)
        }
        TIME => fixed(rest).map(|(b, rest)| (Datum::Time(unflip64(b)), rest))?,
        TIMESTAMP => fixed(rest).map(|(b, rest)| (Datum::Timestamp(unflip64(b)), rest))?,
        TIMESTAMPTZ => fixed(rest).map(|(b, rest)| (Datum::Timestamptz(unflip64(b)), rest))?,
        INTERVAL => decode_interval(rest).map(|(v, rest)| (Datum::Interval(v), rest))?,
        UUID => fixed(rest).map(|(b, rest)| (Datum::Uuid(b), rest))?,
        NUMERIC => NumericRef::split(rest).map(|(v, rest)| (Datum::Numeric(v), rest))?,
        JSONB if rest.first() == Some(&END) => (Datum::Jsonb(JsonbRef::EMPTY_ARRAY), &rest[1..]),
        JSONB => JsonbRef::split(rest).map(|(v, rest)| (Datum::Jsonb(v), rest))?,
        ARRAY => ArrayRef::split(rest).map(|(v, rest)| (Datum::Array(v), rest))?,
        TIMETZ => {
            let (utc, rest) = fixed::<8>(rest)?;
            let (west, rest) = fixed::<4>(rest)?;
            let offset = ((u32::from_be_bytes(west) ^ (1 << 31)) as i32).wrapping_neg();
            let micros = unflip64(utc) + i64::from(offset) * crate::datetime::SECOND_US;
            (Datum::TimeTz(TimeTz { micros, offset }), rest)
        }
        ENUM => EnumRef::split(rest).map(|(v, rest)| (Datum::Enum(v), rest))?,
        RANGE => RangeRef::split(rest).map(|(v, rest)| (Datum::Range(v), rest))?,
        RECORD => split_terminated(rest).map(|(v, rest)| (Datum::Record(RowRef(v)), rest))?,
        INT2..=0x14 => decode_int(INT2 + 2, tag, rest).map(|(v, rest)| (Datum::Int2(v as i16), rest))?,
        INT4..=0x20 => decode_int(INT4 + 4, tag, rest).map(|(v, rest)| (Datum::Int4(v as i32), rest))?,
        INT8..=0x38 => decode_int(INT8 + 8, tag, rest).map(|(v, rest)| (Datum::Int8(v), rest))?,
        DATE..=0x48 => decode_int(DATE + 4, tag, rest).map(|(v, rest)| (Datum::Date(v as i32), rest))?,
        OID..=0x60 => decode_int(OID + 8, tag, rest).map(|(v, rest)| (Datum::Oid(v as u32), rest))?,
        MZ_TIMESTAMP..=0x70 => {
            decode_int(MZ_TIMESTAMP, tag, rest).map(|(v, rest)| (Datum::MzTimestamp(v as u64), rest))?
        }
        UINT2..=0x82 => decode_int(UINT2, tag, rest).map(|(v, rest)| (Datum::Uint2(v as u16), rest))?,
        UINT4..=0x88 => decode_int(UINT4, tag, rest).map(|(v, rest)| (Datum::Uint4(v as u32), rest))?,
        UINT8..=0x92 => decode_int(UINT8, tag, rest).map(|(v, rest)| (Datum::Uint8(v as u64), rest))?,
        _ => return None,
    })
}

fn decode_text(rest: &[u8]) -> Option<(&str, &[u8])> {
    let end = rest.iter().position(|b| *b == END)?;
    Some((std::str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]))
}

/// Values up to [`END`]: their bytes, and what follows the terminator.
pub(crate) fn split_terminated(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    while *rest.first()? != END {
        (_, rest) = decode_one(rest)?;
    }
    let len = bytes.len() - rest.len();
    Some((&bytes[..len], &rest[1..]))
}
