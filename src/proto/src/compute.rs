//! The controller protocol of computed: commands down, responses up, over one bidirectional stream.
//!
//! LAW: replaying a compacted history of commands reaches the same state. On (re)connect environmentd sends `Hello`, then every command that still
//! matters, then `InitializationComplete`; the replica keeps dataflows that are in both, drops the rest, and builds what is new.

use expr::{DataflowDescription, Mfp, RowSetFinishing};
use repr::{Diff, Frontier, GlobalId, Row, SqlError, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One peek, chosen by environmentd: process epoch and a counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeekId(pub u128);

impl fmt::Debug for PeekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:x}", self.0)
    }
}

/// From environmentd to a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ComputeCommand {
    /// Build and maintain a dataflow.
    CreateDataflow(Box<DataflowDescription>),
    /// The collection's since may advance to this frontier; [`Frontier::DONE`] drops it.
    AllowCompaction {
        /// An index, sink, or subscribe.
        id: GlobalId,
        /// Reads happen at or after it.
        since: Frontier,
    },
    /// Read an index once.
    Peek(Box<Peek>),
    /// Its answer is no longer wanted; a `Canceled` response still comes, unless another did.
    CancelPeek(PeekId),
    /// All commands of the history have been sent: drop what they did not name.
    InitializationComplete,
}

/// A read of an index at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peek {
    /// Names the answer.
    pub id: PeekId,
    /// The index.
    pub index: GlobalId,
    /// Only these keys (encoded key rows, canonical, sorted); all if none.
    pub keys: Option<Vec<Row>>,
    /// When.
    pub timestamp: Timestamp,
    /// Applied to each row of the indexed collection.
    pub mfp: Mfp,
    /// Order, limit and offset are applied as far as one worker can; environmentd finishes. The projection is applied by environmentd alone.
    pub finishing: RowSetFinishing,
    /// Fail rather than hold more than this many bytes of an ordered result.
    pub max_result_bytes: u64,
}

/// From a replica to environmentd.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ComputeResponse {
    /// The upper of a collection (index, sink or subscribe) reached this frontier.
    Frontier {
        /// Which.
        id: GlobalId,
        /// Times before it are final.
        upper: Frontier,
    },
    /// Part of a peek's answer.
    Peek(PeekId, PeekResponse),
    /// More of a subscribe.
    Subscribe(GlobalId, SubscribeResponse),
    /// Something a person should know.
    Status {
        /// What it concerns.
        id: GlobalId,
        /// What happened.
        error: SqlError,
    },
}

/// Part of a peek's answer. Parts arrive in any number; `done` comes with the last one of the whole replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PeekResponse {
    /// Rows with their counts.
    Rows {
        /// Sorted by the finishing's order within this part, if it has one.
        rows: Vec<(Row, Diff)>,
        /// Whether this is the last part.
        done: bool,
    },
    /// The read fails.
    Error(SqlError),
    /// It was cancelled.
    Canceled,
}

/// More of a subscribe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SubscribeResponse {
    /// All updates with `lower <= time < upper`, sorted by time.
    Batch {
        /// The previous batch's upper.
        lower: Frontier,
        /// Complete up to here; `DONE` ends the subscribe.
        upper: Frontier,
        /// Consolidated.
        updates: Vec<(Timestamp, Row, Diff)>,
        /// An error at a time of this batch: the subscribe fails at it.
        error: Option<SqlError>,
    },
}
