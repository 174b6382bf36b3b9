//! A sorted multiset of rows: what a group holds, where an answer needs the values themselves.

use repr::{Diff, Row, RowRef};
use std::collections::BTreeMap;

/// Rows up to which a sorted vector is used: most groups are small, and an empty B-tree node takes over 300 bytes.
const SMALL: usize = 32;

/// Rows with their counts, in order; counts may be negative, never 0.
#[derive(Debug)]
pub enum Multiset {
    /// Sorted by row.
    Small(Vec<(Row, Diff)>),
    /// More than fit.
    Large(BTreeMap<Row, Diff>),
}

impl Default for Multiset {
    fn default() -> Self {
        Multiset::Small(Vec::new())
    }
}

impl Multiset {
    /// Adds to a row's count and returns what it was before.
    pub fn update(&mut self, row: Row, diff: Diff) -> Diff {
        match self {
            Multiset::Small(rows) => match rows.binary_search_by(|(other, _)| other.cmp(&row)) {
                Ok(at) => {
                    let before = rows[at].1;
                    rows[at].1 += diff;
                    if rows[at].1 == 0 {
                        rows.remove(at);
                    }
                    before
                }
                Err(at) => {
                    rows.insert(at, (row, diff));
                    if rows.len() > SMALL {
                        *self = Multiset::Large(std::mem::take(rows).into_iter().collect());
                    }
                    0
                }
            },
            Multiset::Large(rows) => {
                use std::collections::btree_map::Entry;
                match rows.entry(row) {
                    Entry::Vacant(entry) => {
                        entry.insert(diff);
                        0
                    }
                    Entry::Occupied(mut entry) => {
                        let before = *entry.get();
                        *entry.get_mut() += diff;
                        if *entry.get() == 0 {
                            entry.remove();
                        }
                        before
                    }
                }
            }
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Multiset::Small(rows) => rows.is_empty(),
            Multiset::Large(rows) => rows.is_empty(),
        }
    }

    /// The rows in order.
    pub fn iter(&self) -> Box<dyn DoubleEndedIterator<Item = (RowRef<'_>, Diff)> + '_> {
        match self {
            Multiset::Small(rows) => Box::new(rows.iter().map(|(row, diff)| (row.as_ref(), *diff))),
            Multiset::Large(rows) => Box::new(rows.iter().map(|(row, diff)| (row.as_ref(), *diff))),
        }
    }
}
