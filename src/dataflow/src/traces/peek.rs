//! Reading an index at one time, in slices, so that a large answer does not hold up the worker.

use super::IndexTraces;
use crate::layout::RowBatch;
use crate::ops::errors;
use differential_dataflow::trace::cursor::{BatchCursor, CursorList};
use differential_dataflow::trace::{Cursor, TraceReader};
use repr::{DataflowError, Diff, Row, RowRef, SqlError, Timestamp};
use std::ops::ControlFlow;

type Batches = Vec<RowBatch<Timestamp>>;
type BatchesCursor = CursorList<BatchCursor<crate::layout::RowSpine<Timestamp>>>;

/// Whether a peek has more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeekStep {
    /// The fuel is used up.
    More,
    /// All rows were visited, or the visitor wanted no more.
    Done,
}

/// A position in an index's contents at a time. It holds the batches it reads, so it stays exact whatever happens to the index.
pub struct PeekCursor {
    cursor: BatchesCursor,
    batches: Batches,
    as_of: Timestamp,
    /// Keys still to be sought; none: all keys are read.
    keys: Option<std::vec::IntoIter<Row>>,
    /// Whether the cursor stands at a key that is wanted.
    in_key: bool,
}

impl PeekCursor {
    /// A cursor before the first row, or the error that the collection has at `as_of`.
    pub(super) fn new(index: &mut IndexTraces, keys: Option<Vec<Row>>, as_of: Timestamp) -> Result<Self, SqlError> {
        if let Some(error) = first_error(index, as_of) {
            return Err(error);
        }
        let (cursor, batches) = index.rows.cursor();
        let keys = keys.map(|mut keys| {
            keys.sort();
            keys.into_iter()
        });
        Ok(PeekCursor { cursor, batches, as_of, keys, in_key: false })
    }

    /// Visits rows, each with its key and its count, until `fuel` (in values of the arrangement) runs out.
    pub fn step(
        &mut self,
        fuel: &mut usize,
        visit: &mut dyn FnMut(RowRef<'_>, RowRef<'_>, Diff) -> Result<ControlFlow<()>, SqlError>,
    ) -> Result<PeekStep, SqlError> {
        while *fuel > 0 {
            if !self.in_key && !self.next_key() {
                return Ok(PeekStep::Done);
            }
            *fuel -= 1;
            let key = self.cursor.key(&self.batches);
            let Some(value) = self.cursor.get_val(&self.batches) else {
                self.cursor.step_key(&self.batches);
                self.in_key = false;
                continue;
            };
            let count = count_at(&mut self.cursor, &self.batches, self.as_of);
            if count < 0 {
                return Err(errors::negative_count("an index"));
            }
            if count > 0 && visit(key, value, count)?.is_break() {
                return Ok(PeekStep::Done);
            }
            self.cursor.step_val(&self.batches);
        }
        Ok(PeekStep::More)
    }

    fn next_key(&mut self) -> bool {
        let Some(keys) = &mut self.keys else {
            self.in_key = self.cursor.key_valid(&self.batches);
            return self.in_key;
        };
        for key in keys {
            self.cursor.seek_key(&self.batches, key.as_ref());
            if self.cursor.get_key(&self.batches) == Some(key.as_ref()) {
                self.in_key = true;
                return true;
            }
        }
        false
    }
}

fn count_at(cursor: &mut BatchesCursor, batches: &Batches, as_of: Timestamp) -> Diff {
    let mut count = 0;
    cursor.map_times(batches, |time, diff| {
        if *time <= as_of {
            count += *diff;
        }
    });
    count
}

/// The first error, in the order of errors, so that it does not depend on how it came about.
fn first_error(index: &mut IndexTraces, as_of: Timestamp) -> Option<DataflowError> {
    let (mut cursor, batches) = index.errors.cursor();
    let mut first: Option<DataflowError> = None;
    while let Some(key) = cursor.get_key(&batches) {
        if cursor.val_valid(&batches) && count_at(&mut cursor, &batches, as_of) != 0 {
            let error = errors::unpack(key);
            first = Some(first.map_or(error.clone(), |other| other.min(error)));
        }
        cursor.step_key(&batches);
    }
    first
}
