//! Clocks.
use repr::Frontier;

/// A clock's name: `env` (all tables), `source/u5` (the tables of a source), `view/u7` (one materialized view).
pub type ClockId = String;

/// What a clock's newest record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockState {
    /// Who may write: a writer of a lower epoch is fenced.
    pub epoch: u64,
    /// Times before it are final in all shards that follow the clock.
    pub upper: Frontier,
    /// What the writer wants to find again, such as an upstream position.
    pub position: Vec<u8>,
    /// Number of the record.
    pub seqno: u64,
}
