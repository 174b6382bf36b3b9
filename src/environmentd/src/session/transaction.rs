//! A session's transaction: implicit around one batch, or a block between BEGIN and COMMIT.

use super::vars::Vars;
use crate::coord::{Block, KeyChanges, PendingWrite, ReadTransaction};
use repr::{GlobalId, SqlError, SqlState};
use std::collections::BTreeSet;

/// What the session is in the middle of.
#[derive(Default)]
pub struct Transaction {
    /// Between BEGIN and COMMIT, or inside the several statements of one simple query.
    pub state: State,
    /// Time and holds of its reads; one snapshot for all of them.
    pub read: Option<ReadTransaction>,
    /// The tables it has read: none of them may change before it commits a write.
    pub tables_read: BTreeSet<GlobalId>,
    /// Writes that COMMIT will do.
    pub writes: Vec<PendingWrite>,
    /// Points to which it can go back, in order.
    pub savepoints: Vec<Savepoint>,
    /// Declared `READ ONLY`.
    pub read_only: bool,
    /// Start: microseconds since 2000-01-01 UTC.
    pub started_us: i64,
}

/// What a transaction was like at `SAVEPOINT`.
pub struct Savepoint {
    /// Its name; of several of one name the last is meant.
    pub name: String,
    /// How many writes there were.
    pub writes: usize,
    /// The cursors that there were.
    pub cursors: BTreeSet<String>,
    /// The session's variables.
    pub vars: Vars,
}

/// Whether statements stand alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
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
        match self.state {
            State::None | State::Implicit => b'I',
            State::Explicit => b'T',
            State::Failed => b'E',
        }
    }

    /// What a session does that waits for its client, as `pg_stat_activity` says it.
    pub fn activity(&self) -> &'static str {
        match self.state {
            State::None | State::Implicit => "idle",
            State::Explicit => "idle in transaction",
            State::Failed => "idle in transaction (aborted)",
        }
    }

    /// When the present transaction began, if there is one.
    pub fn since_us(&self) -> Option<i64> {
        self.is_block().then_some(self.started_us)
    }

    /// Whether statements share a snapshot and a commit.
    pub fn is_block(&self) -> bool {
        self.state != State::None
    }

    /// Whether a client's BEGIN is open.
    pub fn is_explicit(&self) -> bool {
        matches!(self.state, State::Explicit | State::Failed)
    }

    /// An error in a block: nothing goes on before ROLLBACK, or ROLLBACK TO one of the savepoints.
    pub fn fail(&mut self) {
        self.state = State::Failed;
        let kept = self.savepoints.last().map(|savepoint| savepoint.writes);
        self.writes.truncate(kept.unwrap_or(0));
        if kept.is_none() {
            self.read = None;
        }
    }

    /// The position of the last savepoint of this name.
    pub fn savepoint(&self, name: &str) -> Result<usize, SqlError> {
        let found = self.savepoints.iter().rposition(|savepoint| savepoint.name == name);
        let message = || format!("savepoint \"{name}\" does not exist");
        found.ok_or_else(|| SqlError::new(SqlState::INVALID_SAVEPOINT_SPECIFICATION, message()))
    }

    /// What the next statement shares with those before it; none where each stands alone.
    pub fn block(&mut self) -> Option<Block<'_>> {
        let explicit = self.is_explicit();
        let Transaction { read, tables_read, writes, .. } = self;
        explicit.then_some(Block { read, tables_read, writes })
    }

    /// Refuses what follows changes for as long as it runs, if there are writes that only COMMIT will do.
    pub fn check_follow(&self) -> Result<(), SqlError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let what = "SUBSCRIBE in a transaction block that has written";
        Err(SqlError::unsupported(what).hint("COMMIT the writes first."))
    }

    /// Refuses a write in a read-only transaction.
    pub fn check_write(&self, statement: &str) -> Result<(), SqlError> {
        if !self.read_only {
            return Ok(());
        }
        let what = format!("cannot execute {statement} in a read-only transaction");
        Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, what))
    }

    /// What its writes do to those keys of unique indexes that `wanted` has.
    pub fn keys(&self, wanted: &KeyChanges) -> KeyChanges {
        KeyChanges::of(self.writes.iter().map(|write| &write.keys), wanted)
    }

    /// All that COMMIT has to do: the writes, if nothing has changed that the block has read.
    pub fn into_writes(self) -> Vec<PendingWrite> {
        let mut writes = self.writes;
        let read_at = self.read.as_ref().map(ReadTransaction::timestamp);
        if !writes.is_empty() && !self.tables_read.is_empty() {
            writes.push(PendingWrite { read_at, tables_read: self.tables_read, ..PendingWrite::default() });
        }
        writes
    }
}
