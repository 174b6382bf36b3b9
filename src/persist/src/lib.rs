//! Durable collections over a blob store and a consensus log.
//!
//! A *shard* is a collection of updates `(data, time, diff)` that is definite: two readers at the same time see the same
//! rows. A *clock* says up to which time its shards are complete; one commit changes any number of them and advances the
//! clock, all or nothing. storaged and environmentd write through a [`ClockWriter`]; everyone reads through
//! [`PersistClient::snapshot`] and [`PersistClient::listen`].
//!
//! ```text
//!   ClockWriter ─commit─▶ writer ──▶ consensus: clock/<id>, shard/<id>   (sqlite, memory)
//!   BatchBuilder ───────▶ part  ───▶ blob: s<shard>/n<writer>/p<part>    (file, memory)
//!   Snapshot, Listen ◀── cache (clock and shard states, advanced by commits, push and polls)
//!   background: compact (merge runs), gc (rollups, truncation, delayed deletion)
//! ```

mod batch;
pub mod blob;
mod cache;
mod client;
mod clock;
mod compact;
pub mod consensus;
mod core;
mod error;
mod faults;
mod format;
mod gc;
mod maintenance;
mod part;
mod read;
mod select;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod update;
mod writer;

pub use batch::{Batch, BatchBuilder};
pub use blob::Blob;
pub use client::{PersistClient, Publisher, ShardInfo, ShardStats, Transaction};
pub use clock::{ClockId, ClockState};
pub use consensus::{CompareAndSet, Consensus};
pub use error::{ExternalError, PersistError};
pub use read::{Listen, ListenEvent, Snapshot};
pub use select::{PartFilter, Selection};
pub use settings::{PersistConfig, Settings};
pub use update::Update;
pub use writer::{ClockWriter, Commit, CommitOutcome};
