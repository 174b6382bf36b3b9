//! Updates: what shards hold.

use repr::{DataflowError, Diff, Row, Timestamp};

/// A change of a collection: `diff` copies of `data` more at `time`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Update {
    /// A row, or an error, which is data like any other.
    pub data: Result<Row, DataflowError>,
    /// When.
    pub time: Timestamp,
    /// How many more, or fewer.
    pub diff: Diff,
}

impl Update {
    /// A change of a row.
    pub fn row(row: Row, time: Timestamp, diff: Diff) -> Self {
        Update { data: Ok(row), time, diff }
    }
}
