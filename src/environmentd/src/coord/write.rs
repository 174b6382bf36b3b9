//! Writes of SQL tables: what a statement changes, and its commit.

use repr::{Diff, GlobalId, RelationDesc, Row, SqlError, Timestamp};
use std::collections::BTreeSet;

/// What a statement will change once it is committed.
#[derive(Clone, Debug, Default)]
pub struct PendingWrite {
    /// Changes, by table.
    pub writes: Vec<(GlobalId, Vec<(Row, Diff)>)>,
    /// For the command tag.
    pub affected: u64,
    /// The rows of `RETURNING`.
    pub returning: Option<(RelationDesc, Vec<Row>)>,
    /// When it read, if it read anything.
    pub read_at: Option<Timestamp>,
    /// The tables it read: they must not change before it commits.
    pub tables_read: BTreeSet<GlobalId>,
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something the write depends on changed since it was prepared: prepare it again.
    #[error("could not serialize access due to concurrent update")]
    Conflict,
    /// It cannot succeed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}
