//! Readers.
use crate::{PersistError, Update};
use repr::Frontier;
/// The content of a shard at a time.
pub struct Snapshot {}
impl Snapshot {
    /// The next chunk; `None` at the end. Times are advanced to the as-of; not consolidated.
    pub async fn next(&mut self) -> Result<Option<Vec<Update>>, PersistError> { todo!() }
}
/// The changes of a shard after a time.
pub struct Listen {}
/// What a [`Listen`] reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenEvent {
    /// Changes between the last reported progress and the next.
    Updates(Vec<Update>),
    /// All changes before this frontier have been reported.
    Progress(Frontier),
}
impl Listen {
    /// The next event; may be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<ListenEvent, PersistError> { todo!() }
}
