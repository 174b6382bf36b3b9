//! Maps from texts to values of one type.
//!
//! Encoding: a row of keys and values in turn, keys sorted by their bytes and distinct.

use crate::{Datum, Row, RowRef};
use std::collections::BTreeMap;

/// The encoding of a map; of several values of one key the last counts.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, Datum<'a>)>) -> Row {
    let pairs: BTreeMap<&str, Datum<'a>> = pairs.into_iter().collect();
    Row::pack(pairs.into_iter().flat_map(|(key, value)| [Datum::Text(key), value]))
}

/// The pairs of a map, by key.
pub fn pairs(map: RowRef<'_>) -> impl Iterator<Item = (&str, Datum<'_>)> {
    let mut datums = map.iter();
    std::iter::from_fn(move || match (datums.next()?, datums.next()?) {
        (Datum::Text(key), value) => Some((key, value)),
        _ => None,
    })
}

/// The value of a key.
pub fn get<'a>(map: RowRef<'a>, key: &str) -> Option<Datum<'a>> {
    pairs(map).find(|(known, _)| *known == key).map(|(_, value)| value)
}
