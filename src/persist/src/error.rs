//! What can go wrong in persist, and how it looks to a SQL client.

use repr::{Frontier, ShardId, SqlError, SqlState, Timestamp};

/// A failure of the world outside: disk, database, network.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExternalError {
    /// The operation did not happen.
    #[error("{0}")]
    Determinate(String),
    /// The operation may have happened, or may still happen.
    #[error("outcome unknown: {0}")]
    Indeterminate(String),
}

impl ExternalError {
    /// An operation that did not happen.
    pub fn determinate(e: impl std::fmt::Display) -> Self {
        ExternalError::Determinate(e.to_string())
    }

    /// An operation that may have happened.
    pub fn indeterminate(e: impl std::fmt::Display) -> Self {
        ExternalError::Indeterminate(e.to_string())
    }

    /// Whether the operation may have happened.
    pub fn is_indeterminate(&self) -> bool {
        matches!(self, ExternalError::Indeterminate(_))
    }
}

/// What a caller of persist cannot fix by trying the same again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PersistError {
    /// The stores cannot be used.
    #[error("storage: {0}")]
    Storage(#[from] ExternalError),
    /// A URL of a kind that is not known, or malformed.
    #[error("cannot use the storage URL {url:?}: {reason}")]
    InvalidUrl {
        /// As given.
        url: String,
        /// Why.
        reason: String,
    },
    /// The clock belongs to a newer process.
    #[error("clock {clock} is held by epoch {epoch}")]
    Fenced {
        /// The clock.
        clock: String,
        /// The epoch that holds it.
        epoch: u64,
    },
    /// No such shard was created.
    #[error("shard {0} does not exist")]
    UnknownShard(ShardId),
    /// The shard is gone for good.
    #[error("shard {0} was dropped")]
    ShardDropped(ShardId),
    /// No such clock was opened.
    #[error("clock {0} does not exist")]
    UnknownClock(String),
    /// The time asked for is before the shard's since.
    #[error("shard {shard} cannot be read at {as_of}: its history before {since} was compacted")]
    Compacted {
        /// The shard.
        shard: ShardId,
        /// Time asked for.
        as_of: Timestamp,
        /// Earliest time that can be read.
        since: Frontier,
    },
    /// A part was deleted under a reader that took longer than deletion is delayed.
    #[error("shard {shard} was compacted under a reader that was too slow")]
    ReaderTooSlow {
        /// The shard.
        shard: ShardId,
    },
    /// Data that this program did not write, or that was damaged.
    #[error("{what} is corrupt: {reason}")]
    Corrupt {
        /// Key.
        what: String,
        /// Why.
        reason: String,
    },
    /// Data of a newer program.
    #[error("{what} was written by a newer version (format {found}, this program knows up to {supported})")]
    NewerFormat {
        /// Key.
        what: String,
        /// Its format.
        found: u32,
        /// The newest this program reads.
        supported: u32,
    },
    /// A broken promise of the caller.
    #[error("internal error: {0}")]
    Usage(String),
    /// The client's background work ended.
    #[error("storage client is shut down")]
    Closed,
}

impl From<PersistError> for SqlError {
    fn from(e: PersistError) -> Self {
        let code = match &e {
            PersistError::Storage(_) | PersistError::Closed => SqlState::IO_ERROR,
            PersistError::InvalidUrl { .. } => SqlState::INVALID_PARAMETER_VALUE,
            PersistError::Fenced { .. } => SqlState::ADMIN_SHUTDOWN,
            PersistError::Compacted { .. } | PersistError::ReaderTooSlow { .. } => {
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            PersistError::ShardDropped(_) => SqlState::UNDEFINED_TABLE,
            _ => SqlState::INTERNAL_ERROR,
        };
        SqlError::new(code, e.to_string())
    }
}
