//! A session's transaction: implicit around one batch, or a block between BEGIN and COMMIT.

use crate::coord::{KeyChanges, PendingWrite, ReadTransaction};
use repr::{GlobalId, SqlError, SqlState};
use std::collections::BTreeSet;

/// What the session is in the middle of.
#[derive(Default)]
pub struct Transaction {
    /// Between BEGIN and COMMIT, or inside the several statements of one simple query.
    pub block: Block,
    /// Time and holds of its reads; one snapshot for all of them.
    pub read: Option<ReadTransaction>,
    /// Writes that COMMIT will do.
    pub writes: Vec<PendingWrite>,
    /// What these do to the keys of unique indexes.
    pub keys: KeyChanges,
    /// Declared `READ ONLY`.
    pub read_only: bool,
    /// Start: microseconds since 2000-01-01 UTC.
    pub started_us: i64,
}

/// Whether statements stand alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Block {
    /// Each statement is a transaction of its own.
    #[default]
    None,
    /// Several statements of one simple query, or of one extended batch.
    Implicit,
    /// Between BEGIN and COMMIT.
    Explicit,
    /// Between BEGIN and COMMIT, after an error.
    Failed,
}

impl Transaction {
    /// The status byte of ReadyForQuery.
    pub fn status(&self) -> u8 {
        match self.block {
            Block::None | Block::Implicit => b'I',
            Block::Explicit => b'T',
            Block::Failed => b'E',
        }
    }

    /// Whether statements share a snapshot and a commit.
    pub fn is_block(&self) -> bool {
        self.block != Block::None
    }

    /// Whether a client's BEGIN is open.
    pub fn is_explicit(&self) -> bool {
        matches!(self.block, Block::Explicit | Block::Failed)
    }

    /// Refuses a read that would have to see this transaction's own writes.
    pub fn check_read(&self) -> Result<(), SqlError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        Err(SqlError::unsupported("reading in a transaction block that has written")
            .hint("COMMIT the writes first, or use RETURNING."))
    }

    /// Refuses a write in a read-only transaction, and one that would have to see this transaction's own writes.
    pub fn check_write(&self, tables_read: &BTreeSet<GlobalId>) -> Result<(), SqlError> {
        if self.read_only {
            let what = "cannot execute a write in a read-only transaction";
            return Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, what));
        }
        if self.read.is_some() {
            let what = "cannot write in a transaction block that has read";
            return Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, what)
                .hint("A transaction either reads at one time or writes; COMMIT in between."));
        }
        let written = self.writes.iter().flat_map(PendingWrite::tables_written);
        if written.into_iter().any(|table| tables_read.contains(&table)) {
            return Err(SqlError::unsupported("changing rows of a table twice in one transaction block")
                .hint("COMMIT in between."));
        }
        Ok(())
    }
}
