//! Consensus in memory, for tests.

use super::{CasOutcome, CompareAndSet, Consensus, Versioned};
use crate::ExternalError;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Log = BTreeMap<u64, Bytes>;

/// Consensus in memory.
#[derive(Debug, Default)]
pub struct MemoryConsensus {
    logs: Mutex<BTreeMap<String, Log>>,
}

impl MemoryConsensus {
    fn logs(&self) -> MutexGuard<'_, BTreeMap<String, Log>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn head(logs: &BTreeMap<String, Log>, key: &str) -> Option<Versioned> {
    let (seqno, data) = logs.get(key)?.last_key_value()?;
    Some(Versioned { seqno: *seqno, data: data.clone() })
}

fn compare_and_set_all(logs: &mut BTreeMap<String, Log>, changes: &[CompareAndSet]) -> CasOutcome {
    let heads: Vec<_> = changes.iter().map(|change| head(logs, &change.key)).collect();
    let matches = |(head, change): (&Option<Versioned>, &CompareAndSet)| {
        head.as_ref().map(|version| version.seqno) == change.expected
    };
    if !heads.iter().zip(changes).all(matches) {
        return CasOutcome::Mismatch(heads);
    }
    for change in changes {
        logs.entry(change.key.clone()).or_default().insert(change.seqno(), change.data.clone());
    }
    CasOutcome::Committed
}

#[async_trait]
impl Consensus for MemoryConsensus {
    async fn heads(&self, keys: &[String]) -> Result<Vec<Option<Versioned>>, ExternalError> {
        let logs = self.logs();
        Ok(keys.iter().map(|key| head(&logs, key)).collect())
    }

    async fn compare_and_set_all(&self, changes: &[CompareAndSet]) -> Result<CasOutcome, ExternalError> {
        Ok(compare_and_set_all(&mut self.logs(), changes))
    }

    async fn compare_and_set_each(&self, changes: &[CompareAndSet]) -> Result<Vec<CasOutcome>, ExternalError> {
        let mut logs = self.logs();
        Ok(changes.iter().map(|change| compare_and_set_all(&mut logs, std::slice::from_ref(change))).collect())
    }

    async fn scan(&self, ranges: &[(String, u64)]) -> Result<Vec<Vec<Versioned>>, ExternalError> {
        let logs = self.logs();
        let scan_one = |(key, from): &(String, u64)| {
            let log = logs.get(key).map(|log| log.range(*from..)).into_iter().flatten();
            log.map(|(seqno, data)| Versioned { seqno: *seqno, data: data.clone() }).collect()
        };
        Ok(ranges.iter().map(scan_one).collect())
    }

    async fn truncate(&self, ranges: &[(String, u64)]) -> Result<(), ExternalError> {
        let mut logs = self.logs();
        for (key, below) in ranges {
            let Some(log) = logs.get_mut(key) else { continue };
            let head = log.last_key_value().map_or(0, |(seqno, _)| *seqno);
            log.retain(|seqno, _| *seqno >= *below || *seqno == head);
        }
        Ok(())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, ExternalError> {
        let logs = self.logs();
        let of_prefix = logs.range(prefix.to_string()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(of_prefix.map(|(key, _)| key.clone()).collect())
    }
}
