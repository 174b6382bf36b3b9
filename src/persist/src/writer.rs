//! Writing.
use crate::{Batch, CompareAndSet, PersistError};
use repr::{Frontier, ShardId};
/// Writes to the shards that follow a clock.
pub struct ClockWriter {}
/// A change of any number of shards, and of the clock.
#[derive(Debug)]
pub struct Commit {
    /// The clock's upper afterwards; beyond the present one.
    pub new_upper: Frontier,
    /// The clock's position afterwards; `None`: as before.
    pub position: Option<Vec<u8>>,
    /// What to append; times lie in `[old upper, new_upper)`.
    pub writes: Vec<(ShardId, Batch)>,
    /// Other consensus keys to change in the same transaction.
    pub also: Vec<CompareAndSet>,
}
impl Commit {
    /// Only advances the clock.
    pub fn advance(new_upper: Frontier) -> Self {
        Commit { new_upper, position: None, writes: Vec::new(), also: Vec::new() }
    }
}
/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// All of it is durable.
    Committed,
    /// Nothing happened: the clock is elsewhere.
    UpperMismatch {
        /// Where it is.
        current: Frontier,
    },
    /// Nothing happened: a newer process holds the clock.
    Fenced {
        /// Its epoch.
        epoch: u64,
    },
    /// Nothing happened: one of the keys in `also` has another version.
    AlsoMismatch,
}
impl ClockWriter {
    /// The clock's upper, as of the last commit or refresh.
    pub fn upper(&self) -> Frontier { todo!() }
    /// The clock's position.
    pub fn position(&self) -> &[u8] { todo!() }
    /// The writer's epoch.
    pub fn epoch(&self) -> u64 { todo!() }
    /// One atomic change.
    pub async fn commit(&mut self, _commit: Commit) -> Result<CommitOutcome, PersistError> { todo!() }
    /// Reads the clock again.
    pub async fn refresh(&mut self) -> Result<(), PersistError> { todo!() }
}
