//! A blob store that fails now and then, as a seed decides.

use super::{Blob, BlobInfo};
use crate::ExternalError;
use crate::faults::{Fault, Faults};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// A blob store that fails now and then.
#[derive(Debug)]
pub struct FaultyBlob {
    inner: Arc<dyn Blob>,
    faults: Faults,
}

impl FaultyBlob {
    /// Wraps a store; one operation in `one_in` fails.
    pub fn new(inner: Arc<dyn Blob>, seed: u64, one_in: u32) -> Self {
        FaultyBlob { inner, faults: Faults::new(seed, one_in) }
    }

    fn failed() -> ExternalError {
        ExternalError::indeterminate("injected fault")
    }
}

#[async_trait]
impl Blob for FaultyBlob {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, ExternalError> {
        match self.faults.roll() {
            Fault::None => self.inner.get(key).await,
            _ => Err(Self::failed()),
        }
    }

    async fn put(&self, key: &str, value: Bytes) -> Result<(), ExternalError> {
        match self.faults.roll() {
            Fault::None => self.inner.put(key, value).await,
            Fault::After | Fault::Late => self.inner.put(key, value).await.and(Err(Self::failed())),
            Fault::Before | Fault::Lost => Err(Self::failed()),
        }
    }

    async fn delete(&self, key: &str) -> Result<bool, ExternalError> {
        match self.faults.roll() {
            Fault::None => self.inner.delete(key).await,
            Fault::After | Fault::Late => self.inner.delete(key).await.and(Err(Self::failed())),
            Fault::Before | Fault::Lost => Err(Self::failed()),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>, ExternalError> {
        match self.faults.roll() {
            Fault::None => self.inner.list(prefix).await,
            _ => Err(Self::failed()),
        }
    }
}
