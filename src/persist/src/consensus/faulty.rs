//! A consensus that fails now and then, as a seed decides: also in the way that matters, with the outcome unknown, and with
//! changes that land only later.

use super::{CasOutcome, CompareAndSet, Consensus, Versioned};
use crate::ExternalError;
use crate::faults::{Fault, Faults};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};

/// A consensus that fails now and then.
#[derive(Debug)]
pub struct FaultyConsensus {
    inner: Arc<dyn Consensus>,
    faults: Faults,
    /// Changes on their way.
    late: Mutex<Vec<Vec<CompareAndSet>>>,
}

impl FaultyConsensus {
    /// Wraps a consensus; one operation in `one_in` fails.
    pub fn new(inner: Arc<dyn Consensus>, seed: u64, one_in: u32) -> Self {
        FaultyConsensus { inner, faults: Faults::new(seed, one_in), late: Mutex::default() }
    }

    /// Decides the fate of an operation, and lets what was on its way arrive, or not yet.
    async fn before(&self) -> Result<Fault, ExternalError> {
        let arriving = if self.faults.coin() { self.late().pop() } else { None };
        if let Some(changes) = arriving {
            self.inner.compare_and_set_all(&changes).await?;
        }
        match self.faults.roll() {
            Fault::Before => Err(ExternalError::determinate("injected fault")),
            fault => Ok(fault),
        }
    }

    fn late(&self) -> std::sync::MutexGuard<'_, Vec<Vec<CompareAndSet>>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown<T>() -> Result<T, ExternalError> {
        Err(ExternalError::indeterminate("injected fault"))
    }
}

#[async_trait]
impl Consensus for FaultyConsensus {
    async fn heads(&self, keys: &[String]) -> Result<Vec<Option<Versioned>>, ExternalError> {
        match self.before().await? {
            Fault::None => self.inner.heads(keys).await,
            _ => Self::unknown(),
        }
    }

    async fn compare_and_set_all(&self, changes: &[CompareAndSet]) -> Result<CasOutcome, ExternalError> {
        match self.before().await? {
            Fault::None => self.inner.compare_and_set_all(changes).await,
            Fault::After => self.inner.compare_and_set_all(changes).await.and(Self::unknown()),
            Fault::Late => {
                self.late().push(changes.to_vec());
                Self::unknown()
            }
            Fault::Before | Fault::Lost => Self::unknown(),
        }
    }

    async fn compare_and_set_each(&self, changes: &[CompareAndSet]) -> Result<Vec<CasOutcome>, ExternalError> {
        match self.before().await? {
            Fault::None => self.inner.compare_and_set_each(changes).await,
            Fault::After => self.inner.compare_and_set_each(changes).await.and(Self::unknown()),
            Fault::Late => {
                self.late().extend(changes.iter().map(|change| vec![change.clone()]));
                Self::unknown()
            }
            Fault::Before | Fault::Lost => Self::unknown(),
        }
    }

    async fn scan(&self, ranges: &[(String, u64)]) -> Result<Vec<Vec<Versioned>>, ExternalError> {
        match self.before().await? {
            Fault::None => self.inner.scan(ranges).await,
            _ => Self::unknown(),
        }
    }

    async fn truncate(&self, ranges: &[(String, u64)]) -> Result<(), ExternalError> {
        match self.before().await? {
            Fault::None => self.inner.truncate(ranges).await,
            Fault::After => self.inner.truncate(ranges).await.and(Self::unknown()),
            _ => Self::unknown(),
        }
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, ExternalError> {
        match self.before().await? {
            Fault::None => self.inner.keys(prefix).await,
            _ => Self::unknown(),
        }
    }
}
