//! Blobs: immutable values by key, the bulk of the data.
//!
//! Keys look like paths (`s<shard>/n<writer>/p<part>`). A key is written at most once and never changed, so a store need not be
//! linearizable. All implementations run the conformance test in `blob/tests.rs`.

mod faulty;
mod file;
mod memory;
#[cfg(test)]
mod tests;

pub use faulty::FaultyBlob;
pub use file::FileBlob;
pub use memory::MemoryBlob;

use crate::ExternalError;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::SystemTime;

/// What [`Blob::list`] tells of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// When it was written, by the store's wall clock.
    pub modified: SystemTime,
}

/// A store of immutable values.
#[async_trait]
pub trait Blob: Send + Sync + std::fmt::Debug {
    /// The value of a key; `None` if there is none.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, ExternalError>;

    /// Writes a value, durably and all at once: no reader ever sees a part of it.
    async fn put(&self, key: &str, value: Bytes) -> Result<(), ExternalError>;

    /// Deletes a value; `false` if there was none.
    async fn delete(&self, key: &str) -> Result<bool, ExternalError>;

    /// All values whose key begins with `prefix`, in the order of their keys.
    async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>, ExternalError>;
}
