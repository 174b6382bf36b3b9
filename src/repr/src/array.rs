//! Arrays of any number of dimensions.
//!
//! Encoding: the elements in row-major order, 0x00, the number of dimensions (one byte), then for each its lower bound
//! (4 bytes, sign-flipped) and length (4 bytes), big-endian. Elements come first, because arrays compare by them first.

use crate::row::{decode_one, encode_one, split_terminated};
use crate::{Datum, RowRef};
use std::cmp::Ordering;

/// One dimension of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dimension {
    /// Subscript of the first element; 1 unless said otherwise.
    pub lower: i32,
    /// How many elements.
    pub length: u32,
}

/// A borrowed array.
#[derive(Clone, Copy, Debug)]
pub struct ArrayRef<'a>(&'a [u8]);

impl<'a> ArrayRef<'a> {
    /// The encoding.
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// An array at the head of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (_, rest) = split_terminated(bytes)?;
        let (&dimensions, rest) = rest.split_first()?;
        let (_, rest) = rest.split_at_checked(usize::from(dimensions) * 8)?;
        let len = bytes.len() - rest.len();
        Some((ArrayRef(&bytes[..len]), rest))
    }

    /// An array of bytes that [`encode`] made.
    pub fn from_encoded(bytes: &'a [u8]) -> Self {
        ArrayRef(bytes)
    }

    fn parts(self) -> (&'a [u8], &'a [u8]) {
        let (elements, rest) = split_terminated(self.0).expect("arrays are made by `encode`");
        (elements, &rest[1..])
    }

    /// All elements in row-major order.
    pub fn elements(self) -> impl Iterator<Item = Datum<'a>> + Clone {
        RowRef::from_encoded(self.parts().0).iter()
    }

    /// The dimensions; none for the empty array.
    pub fn dimensions(self) -> Vec<Dimension> {
        let dimension = |chunk: &[u8; 8]| {
            let word = u64::from_be_bytes(*chunk);
            Dimension { lower: ((word >> 32) as u32 ^ (1 << 31)) as i32, length: word as u32 }
        };
        self.parts().1.as_chunks::<8>().0.iter().map(dimension).collect()
    }
}

/// The encoding of an array of `elements`, as many as the product of the dimensions' lengths.
pub fn encode<'a>(elements: impl IntoIterator<Item = Datum<'a>>, dimensions: &[Dimension]) -> Vec<u8> {
    let mut out = Vec::new();
    for element in elements {
        encode_one(element, &mut out);
    }
    debug_assert!(decode_one(&out).is_some() || out.is_empty());
    out.push(0);
    out.push(dimensions.len() as u8);
    for dimension in dimensions {
        out.extend_from_slice(&(dimension.lower as u32 ^ (1 << 31)).to_be_bytes());
        out.extend_from_slice(&dimension.length.to_be_bytes());
    }
    out
}

/// The encoding of a one-dimensional array.
pub fn encode_list<'a>(elements: impl IntoIterator<Item = Datum<'a>>) -> Vec<u8> {
    encode_from(1, elements)
}

/// The encoding of an `int2vector` or `oidvector`.
pub fn encode_vector<'a>(elements: impl IntoIterator<Item = Datum<'a>>) -> Vec<u8> {
    encode_from(0, elements)
}

fn encode_from<'a>(lower: i32, elements: impl IntoIterator<Item = Datum<'a>>) -> Vec<u8> {
    let elements: Vec<_> = elements.into_iter().collect();
    let dimension = Dimension { lower, length: elements.len() as u32 };
    let dimensions = if elements.is_empty() { &[][..] } else { &[dimension][..] };
    encode(elements, dimensions)
}

impl Ord for ArrayRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_elements = self.elements().cmp(other.elements());
        by_elements.then_with(|| self.dimensions().cmp(&other.dimensions()))
    }
}
impl PartialOrd for ArrayRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for ArrayRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for ArrayRef<'_> {}
