//! `jsonb` values.
//!
//! # Encoding
//!
//! A tag, then the body; tags are ordered as PostgreSQL orders kinds of values: `null` 1, string 2 (UTF-8, 0x00), number 3
//! (see `numeric`), `false` 4, `true` 5, array 6 (element count in four bytes, elements), object 7 (pair count in
//! four bytes, then key, 0x00, value; keys are distinct, sorted by length, then bytes). As a column's value an empty array comes
//! before all else: `row` has an encoding of its own for it.

use crate::NumericRef;
use std::cmp::Ordering;

const NULL: u8 = 1;
const STRING: u8 = 2;
const NUMBER: u8 = 3;
const FALSE: u8 = 4;
const TRUE: u8 = 5;
const ARRAY: u8 = 6;
const OBJECT: u8 = 7;

/// A borrowed, encoded JSON value.
#[derive(Clone, Copy, Debug)]
pub struct JsonbRef<'a>(&'a [u8]);

/// One level of a JSON value.
#[derive(Clone, Debug)]
pub enum JsonValue<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// a number
    Number(NumericRef<'a>),
    /// a string
    String(&'a str),
    /// the elements of an array
    Array(Vec<JsonbRef<'a>>),
    /// the pairs of an object, keys in PostgreSQL's order
    Object(Vec<(&'a str, JsonbRef<'a>)>),
}

impl<'a> JsonbRef<'a> {
    /// `[]`
    pub const EMPTY_ARRAY: JsonbRef<'static> = JsonbRef(&[ARRAY, 0, 0, 0, 0]);

    /// The encoding.
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// The order of columns' values: an empty array comes before all else, which is no more than PostgreSQL's history.
    pub fn cmp_as_column(self, other: JsonbRef<'_>) -> Ordering {
        let empty = |value: JsonbRef<'_>| value.0 == Self::EMPTY_ARRAY.0;
        empty(other).cmp(&empty(self)).then_with(|| self.cmp(&other))
    }

    /// A value of bytes that this module made.
    pub fn from_encoded(bytes: &'a [u8]) -> Self {
        JsonbRef(bytes)
    }

    /// A value at the head of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = skip(bytes)?;
        let len = bytes.len() - rest.len();
        Some((JsonbRef(&bytes[..len]), rest))
    }

    /// This value's kind and, for arrays and objects, its direct children.
    pub fn value(self) -> JsonValue<'a> {
        self.try_value().expect("JSON values are made by this module")
    }

    fn try_value(self) -> Option<JsonValue<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        Some(match tag {
            NULL => JsonValue::Null,
            FALSE => JsonValue::Bool(false),
            TRUE => JsonValue::Bool(true),
            STRING => JsonValue::String(std::str::from_utf8(&rest[..rest.len() - 1]).ok()?),
            NUMBER => JsonValue::Number(NumericRef::from_encoded(rest)),
            ARRAY => {
                let (count, mut rest) = count(rest)?;
                let mut elements = Vec::with_capacity(count.min(rest.len()));
                for _ in 0..count {
                    let (element, tail) = JsonbRef::split(rest)?;
                    elements.push(element);
                    rest = tail;
                }
                JsonValue::Array(elements)
            }
            _ => {
                let (count, mut rest) = count(rest)?;
                let mut pairs = Vec::with_capacity(count.min(rest.len()));
                for _ in 0..count {
                    let (key, tail) = key(rest)?;
                    let (value, tail) = JsonbRef::split(tail)?;
                    pairs.push((key, value));
                    rest = tail;
                }
                JsonValue::Object(pairs)
            }
        })
    }
}

/// Appends `null`.
pub fn push_null(out: &mut Vec<u8>) {
    out.push(NULL);
}

/// Appends a boolean.
pub fn push_bool(value: bool, out: &mut Vec<u8>) {
    out.push(if value { TRUE } else { FALSE });
}

/// Appends a string, which holds no NUL character.
pub fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(STRING);
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// Appends a finite number in `numeric`'s encoding.
pub fn push_number(encoded: &[u8], out: &mut Vec<u8>) {
    out.push(NUMBER);
    out.extend_from_slice(encoded);
}

/// Appends an array of `count` elements, whose encodings follow each other in `elements`.
pub fn push_array(count: usize, elements: &[u8], out: &mut Vec<u8>) {
    out.push(ARRAY);
    out.extend_from_slice(&(count as u32).to_be_bytes());
    out.extend_from_slice(elements);
}

/// Appends an object; of pairs with the same key the last counts.
pub fn push_object<K: AsRef<str>, V: AsRef<[u8]>>(mut pairs: Vec<(K, V)>, out: &mut Vec<u8>) {
    pairs.reverse();
    pairs.sort_by(|(a, _), (b, _)| {
        let (a, b) = (a.as_ref(), b.as_ref());
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    });
    pairs.dedup_by(|(a, _), (b, _)| a.as_ref() == b.as_ref());
    out.push(OBJECT);
    out.extend_from_slice(&(pairs.len() as u32).to_be_bytes());
    for (key, value) in &pairs {
        out.extend_from_slice(key.as_ref().as_bytes());
        out.push(0);
        out.extend_from_slice(value.as_ref());
    }
}

fn count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*head) as usize, rest))
}

fn key(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let len = bytes.iter().position(|b| *b == 0)?;
    Some((std::str::from_utf8(&bytes[..len]).ok()?, &bytes[len + 1..]))
}

/// What follows the value at the head of `bytes`.
fn skip(bytes: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = bytes.split_first()?;
    match tag {
        NULL | FALSE | TRUE => Some(rest),
        STRING => {
            let end = rest.iter().position(|b| *b == 0)?;
            std::str::from_utf8(&rest[..end]).ok()?;
            Some(&rest[end + 1..])
        }
        NUMBER => NumericRef::split(rest).map(|(_, rest)| rest),
        ARRAY => {
            let (count, mut rest) = count(rest)?;
            for _ in 0..count {
                rest = skip(rest)?;
            }
            Some(rest)
        }
        OBJECT => {
            let (count, mut rest) = count(rest)?;
            for _ in 0..count {
                (_, rest) = key(rest)?;
                rest = skip(rest)?;
            }
            Some(rest)
        }
        _ => None,
    }
}

impl Ord for JsonbRef<'_> {
    /// PostgreSQL's order: kind, then size, then contents; numbers by value.
    fn cmp(&self, other: &Self) -> Ordering {
        use JsonValue::{Array, Number, Object};
        match (self.value(), other.value()) {
            (Number(a), Number(b)) => a.cmp(&b),
            (Array(a), Array(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(&b)),
            (Object(a), Object(b)) => a.len().cmp(&b.len()).then_with(|| compare_pairs(&a, &b)),
            _ => self.0.cmp(other.0),
        }
    }
}

fn compare_pairs(a: &[(&str, JsonbRef<'_>)], b: &[(&str, JsonbRef<'_>)]) -> Ordering {
    let by_key = |(k, v): &(&str, JsonbRef<'_>), (l, w): &(&str, JsonbRef<'_>)| k.cmp(l).then_with(|| v.cmp(w));
    let unequal = a.iter().zip(b).map(|(x, y)| by_key(x, y)).find(|o| o.is_ne());
    unequal.unwrap_or(Ordering::Equal)
}

impl PartialOrd for JsonbRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for JsonbRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for JsonbRef<'_> {}
