//! A collection under construction: rows, errors, and arrangements of the rows.

use super::Buffers;
use crate::layout::{Errors, Keyed, RowAgent, RowArranged, Rows, Time};
use crate::ops::arrange::arrange;
use crate::ops::flat_map::{flat_map, flat_map_arranged};
use expr::plan::Key;
use repr::Row;

/// An arrangement of a collection by a key; values are whole rows.
#[derive(Clone)]
pub struct Arranged<'s, T: Time> {
    /// The key, over the collection's columns.
    pub key: Key,
    /// As operators read it.
    pub seen: RowArranged<'s, T>,
    /// For export, if this dataflow made it.
    pub agent: Option<RowAgent<T>>,
}

/// A collection.
///
/// LAW: rows and every arrangement hold the same multiset at every time, unless there are errors.
#[derive(Clone)]
pub struct Bundle<'s, T: Time> {
    /// The rows, unless they are to be had from an arrangement.
    pub rows: Option<Rows<'s, T>>,
    /// The errors.
    pub errors: Errors<'s, T>,
    /// Arrangements of the rows; at least one if `rows` is none.
    pub arranged: Vec<Arranged<'s, T>>,
}

impl<'s, T: Time> Bundle<'s, T> {
    /// A collection that is not arranged.
    pub fn new(rows: Rows<'s, T>, errors: Errors<'s, T>) -> Self {
        Bundle { rows: Some(rows), errors, arranged: Vec::new() }
    }

    /// The rows as a stream.
    pub fn rows(&self) -> Rows<'s, T> {
        match &self.rows {
            Some(rows) => rows.clone(),
            None => read(&self.arranged[0].seen, None, Box::new(|row, output| output.give(row.to_row()))).0,
        }
    }

    /// The arrangement by this key.
    pub fn arrangement(&self, key: &Key) -> Option<&Arranged<'s, T>> {
        self.arranged.iter().find(|arranged| arranged.key == *key)
    }

    /// Sees to it that there is an arrangement by this key. Errors of the key become errors of the collection.
    pub fn arrange(&mut self, key: &Key) {
        if self.arrangement(key).is_some() {
            return;
        }
        let (keyed, errors) = keyed(self.rows(), key);
        self.errors = self.errors.clone().concat(errors);
        let arrangement = arrange(keyed, "ArrangeBy");
        self.arranged.push(Arranged { key: key.clone(), seen: arrangement.seen, agent: Some(arrangement.agent) });
    }
}

/// Applies logic to the rows of an arrangement; with `seek`, only to those of that key.
pub fn read<'s, T: Time>(
    arranged: &RowArranged<'s, T>,
    seek: Option<Row>,
    logic: crate::ops::flat_map::RowLogic<Row>,
) -> (Rows<'s, T>, Errors<'s, T>) {
    flat_map_arranged(arranged.clone(), "Read arrangement", seek, logic)
}

fn keyed<'s, T: Time>(rows: Rows<'s, T>, key: &Key) -> (Keyed<'s, T>, Errors<'s, T>) {
    let (key, mut buffers) = (key.clone(), Buffers::default());
    flat_map(
        rows,
        "Key",
        Box::new(move |row, output| match buffers.key(&key, row) {
            Ok(key) => output.give((key, row.to_row())),
            Err(error) => output.err(error),
        }),
    )
}
