//! Updates: what shards hold, and how a small batch of them looks inside a state change.

use crate::PersistError;
use bytes::Bytes;
use repr::{DataflowError, Diff, Row, Timestamp};
use serde::{Deserialize, Serialize};

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

    /// A change of an error.
    pub fn error(error: DataflowError, time: Timestamp, diff: Diff) -> Self {
        Update { data: Err(error), time, diff }
    }

    /// About how many bytes this takes in memory and on disk, before compression.
    pub fn bytes(&self) -> usize {
        const FIXED: usize = 24; // a row's own size, or time and diff
        match &self.data {
            Ok(row) => FIXED + row.encoded().len(),
            Err(error) => FIXED + error.message.len() + 64,
        }
    }
}

/// An update inside a state change; errors are JSON.
#[derive(Serialize, Deserialize)]
struct Inline<R> {
    data: Result<R, String>,
    time: Timestamp,
    diff: Diff,
}

/// A batch as bytes.
pub(crate) fn encode_inline(updates: &[Update]) -> Bytes {
    let inline =
        updates.iter().map(|u| Inline { data: u.data.as_ref().map_err(encode_error), time: u.time, diff: u.diff });
    let all: Vec<Inline<&Row>> = inline.collect();
    Bytes::from(postcard::to_stdvec(&all).expect("updates have no types that postcard refuses"))
}

/// The batch of `bytes`, which stand at `what`.
pub(crate) fn decode_inline(what: &str, bytes: &[u8]) -> Result<Vec<Update>, PersistError> {
    let corrupt = |reason: String| PersistError::Corrupt { what: what.to_string(), reason };
    let all: Vec<Inline<Row>> = postcard::from_bytes(bytes).map_err(|e| corrupt(e.to_string()))?;
    let update = |inline: Inline<Row>| {
        let data = match inline.data {
            Ok(row) => Ok(row),
            Err(json) => Err(decode_error(&json).map_err(|e| corrupt(e.to_string()))?),
        };
        Ok(Update { data, time: inline.time, diff: inline.diff })
    };
    all.into_iter().map(update).collect()
}

/// An error as JSON.
pub(crate) fn encode_error(error: &DataflowError) -> String {
    serde_json::to_string(error).expect("errors are plain structs")
}

/// The error of a JSON text.
pub(crate) fn decode_error(json: &str) -> Result<DataflowError, serde_json::Error> {
    serde_json::from_str(json)
}

/// Sorts by data and time, adds up equals, drops what cancels.
pub(crate) fn consolidate(updates: &mut Vec<Update>) {
    updates.sort_unstable_by(|a, b| (&a.data, a.time).cmp(&(&b.data, b.time)));
    let mut kept: usize = 0;
    for next in 0..updates.len() {
        if kept > 0 && updates[kept - 1].time == updates[next].time && updates[kept - 1].data == updates[next].data {
            updates[kept - 1].diff += updates[next].diff;
            continue;
        }
        if kept > 0 && updates[kept - 1].diff == 0 {
            kept -= 1;
        }
        updates.swap(kept, next);
        kept += 1;
    }
    if kept > 0 && updates[kept - 1].diff == 0 {
        kept -= 1;
    }
    updates.truncate(kept);
}
