//! Batches.
use crate::{PersistError, Update};
use repr::ShardId;

/// Updates of one shard, ready to be committed.
#[derive(Debug)]
pub struct Batch {
}
impl Batch {
    /// A small batch.
    pub fn inline(_shard: ShardId, _updates: Vec<Update>) -> Batch { todo!() }
    /// All updates before `time` take place at `time`.
    pub fn advance_to(&mut self, _time: repr::Timestamp) { todo!() }
    /// How many updates.
    pub fn len(&self) -> u64 { todo!() }
    /// No updates.
    pub fn is_empty(&self) -> bool { todo!() }
}
/// Builds a batch of any size in bounded memory.
pub struct BatchBuilder {
}
impl BatchBuilder {
    /// Adds one update.
    pub async fn add(&mut self, _update: Update) -> Result<(), PersistError> { todo!() }
    /// The batch.
    pub async fn finish(self) -> Result<Batch, PersistError> { todo!() }
}
