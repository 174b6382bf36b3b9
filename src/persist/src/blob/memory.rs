//! Blobs in memory, for tests.

use super::{Blob, BlobInfo};
use crate::ExternalError;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Blobs in memory.
#[derive(Debug, Default)]
pub struct MemoryBlob {
    values: Mutex<BTreeMap<String, (Bytes, SystemTime)>>,
}

impl MemoryBlob {
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, (Bytes, SystemTime)>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blob for MemoryBlob {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, ExternalError> {
        Ok(self.values().get(key).map(|(value, _)| value.clone()))
    }

    async fn put(&self, key: &str, value: Bytes) -> Result<(), ExternalError> {
        self.values().insert(key.to_string(), (value, SystemTime::now()));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<bool, ExternalError> {
        Ok(self.values().remove(key).is_some())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>, ExternalError> {
        let values = self.values();
        let of_prefix = values.range(prefix.to_string()..).take_while(|(key, _)| key.starts_with(prefix));
        let info = |(key, (value, modified)): (&String, &(Bytes, SystemTime))| BlobInfo {
            key: key.clone(),
            bytes: value.len() as u64,
            modified: *modified,
        };
        Ok(of_prefix.map(info).collect())
    }
}
