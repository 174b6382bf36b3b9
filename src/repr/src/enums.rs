//! Types that `CREATE TYPE … AS ENUM` makes, and their values.

use crate::row::{decode_f32, encode_f32};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A value. It describes itself, so that it prints and sorts without its type.
///
/// Encoding: the place in the order (4 bytes, as a float sorts), the label, 0x00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnumRef<'a>(&'a [u8]);

impl<'a> EnumRef<'a> {
    /// The encoding.
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// A value at the head of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let label = bytes.get(4..)?;
        let end = 4 + label.iter().position(|b| *b == 0)?;
        std::str::from_utf8(&bytes[4..end]).ok()?;
        Some((EnumRef(&bytes[..end + 1]), &bytes[end + 1..]))
    }

    /// Where it stands among the values of its type (`pg_enum.enumsortorder`).
    pub fn order(self) -> f32 {
        self.0.first_chunk().map_or(0.0, |order| decode_f32(*order))
    }

    /// What it is called.
    pub fn label(self) -> &'a str {
        std::str::from_utf8(&self.0[4..self.0.len() - 1]).expect("values are made by this module")
    }
}

/// An enum type. Two are the same if their oids are: labels may be added.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnumType {
    /// Its oid.
    pub oid: u32,
    /// The oid of arrays of it.
    pub array_oid: u32,
    /// What it is called.
    pub name: String,
    /// The values' encodings, in order.
    values: Vec<Vec<u8>>,
}

impl EnumType {
    /// A type of these labels with their places, in order.
    pub fn new(oid: u32, array_oid: u32, name: String, labels: &[(f32, String)]) -> Self {
        let encode = |(order, label): &(f32, String)| {
            let mut encoded = encode_f32(*order).to_vec();
            encoded.extend_from_slice(label.as_bytes());
            encoded.push(0);
            encoded
        };
        EnumType { oid, array_oid, name, values: labels.iter().map(encode).collect() }
    }

    /// The value of this label.
    pub fn value(&self, label: &str) -> Option<EnumRef<'_>> {
        self.values().find(|value| value.label() == label)
    }

    /// All values, in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = EnumRef<'_>> {
        self.values.iter().map(|encoded| EnumRef(encoded))
    }
}

impl PartialEq for EnumType {
    fn eq(&self, other: &Self) -> bool {
        self.oid == other.oid
    }
}
impl Eq for EnumType {}
impl PartialOrd for EnumType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for EnumType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.oid.cmp(&other.oid)
    }
}
impl Hash for EnumType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.oid.hash(state);
    }
}
