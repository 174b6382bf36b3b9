//! Clocks: how far the shards that follow them are complete.
//!
//! A clock is a consensus key whose every version is one whole record. A record names what it wrote, so that a reader who holds
//! all records without a gap knows which shards changed, and that all others did not.

use repr::{Frontier, ShardId};
use serde::{Deserialize, Serialize};

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

/// One version of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockRecord {
    pub epoch: u64,
    pub upper: Frontier,
    pub position: Vec<u8>,
    /// Drawn by the commit that made the record: how a writer that got no answer recognizes its own.
    pub token: u128,
    /// The shard versions that were written in the same transaction.
    pub wrote: Vec<(ShardId, u64)>,
}

impl ClockRecord {
    /// The record of a new clock.
    pub fn first(epoch: u64, token: u128) -> Self {
        ClockRecord { epoch, upper: Frontier::MIN, position: Vec::new(), token, wrote: Vec::new() }
    }

    /// The same clock in the hands of a newer writer.
    pub fn taken_by(&self, epoch: u64, token: u128) -> Self {
        assert!(epoch > self.epoch, "epochs only grow");
        ClockRecord { epoch, token, wrote: Vec::new(), ..self.clone() }
    }

    /// The record after a commit.
    pub fn advanced(
        &self,
        upper: Frontier,
        position: Option<Vec<u8>>,
        token: u128,
        wrote: Vec<(ShardId, u64)>,
    ) -> Self {
        assert!(upper > self.upper, "a clock only advances");
        let position = position.unwrap_or_else(|| self.position.clone());
        ClockRecord { epoch: self.epoch, upper, position, token, wrote }
    }

    /// What the world sees of it.
    pub fn state(&self, seqno: u64) -> ClockState {
        ClockState { epoch: self.epoch, upper: self.upper, position: self.position.clone(), seqno }
    }
}

/// The consensus key of a clock.
pub(crate) fn clock_key(clock: &str) -> String {
    format!("clock/{clock}")
}
