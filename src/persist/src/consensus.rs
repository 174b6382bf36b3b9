//! Consensus: a log per key, changed by compare-and-set over one or many keys.
//!
//! Everything that decides what is true goes through here: a shard's state changes, a clock's records, the catalog. All
//! implementations run the conformance test in `consensus/tests.rs`.

mod faulty;
mod memory;
mod sqlite;
#[cfg(test)]
mod tests;
mod turn;

pub use faulty::FaultyConsensus;
pub use memory::MemoryConsensus;
pub use sqlite::SqliteConsensus;

use crate::ExternalError;
use async_trait::async_trait;
use bytes::Bytes;

/// One version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Its number; each is one more than the one before.
    pub seqno: u64,
    /// Its value.
    pub data: Bytes,
}

/// Appends `data` as the version after `expected`, if that is the newest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareAndSet {
    /// The key.
    pub key: String,
    /// Number of the newest version; `None`: the key does not exist.
    pub expected: Option<u64>,
    /// The new version's value; its number is 0 for a new key, else `expected + 1`.
    pub data: Bytes,
}

impl CompareAndSet {
    /// The number of the version this makes.
    pub fn seqno(&self) -> u64 {
        self.expected.map_or(0, |s| s + 1)
    }
}

/// What became of a compare-and-set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasOutcome {
    /// All is written.
    Committed,
    /// Nothing is written. The newest versions of the keys, in the order they were given.
    Mismatch(Vec<Option<Versioned>>),
}

/// A log of versions per key. All operations are linearizable.
#[async_trait]
pub trait Consensus: Send + Sync + std::fmt::Debug {
    /// The newest version of each key.
    async fn heads(&self, keys: &[String]) -> Result<Vec<Option<Versioned>>, ExternalError>;

    /// Changes all keys or none. The keys are distinct.
    async fn compare_and_set_all(&self, changes: &[CompareAndSet]) -> Result<CasOutcome, ExternalError>;

    /// Changes several keys, each on its own, in one round trip. The keys are distinct.
    async fn compare_and_set_each(&self, changes: &[CompareAndSet]) -> Result<Vec<CasOutcome>, ExternalError>;

    /// For each `(key, from)` the versions numbered `from` or higher that were not truncated, in order.
    async fn scan(&self, ranges: &[(String, u64)]) -> Result<Vec<Vec<Versioned>>, ExternalError>;

    /// Forgets for each `(key, below)` the versions numbered less than `below`; the newest version stays in any case.
    async fn truncate(&self, ranges: &[(String, u64)]) -> Result<(), ExternalError>;

    /// All keys that begin with `prefix`, in order.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, ExternalError>;

    /// The newest version of one key.
    async fn head(&self, key: &str) -> Result<Option<Versioned>, ExternalError> {
        Ok(self.heads(&[key.to_string()]).await?.pop().flatten())
    }

    /// Changes one key.
    async fn compare_and_set(&self, change: CompareAndSet) -> Result<CasOutcome, ExternalError> {
        self.compare_and_set_all(&[change]).await
    }
}
