//! Orchestrators: who starts computed and storaged, and where they are.
//!
//! The rest of environmentd asks for services by name and watches where they answer; it never starts a process itself.

use async_trait::async_trait;
use tokio::sync::watch;

pub mod process;
mod record;
#[cfg(test)]
mod tests;

/// What a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// storaged: sources and the hub of push.
    Storage,
    /// computed: one replica of a cluster.
    Compute {
        /// The replica, for its logs and metrics.
        replica: repr::ReplicaId,
        /// Worker threads.
        workers: usize,
    },
}

/// A service that should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Unique in the environment: `storage`, `compute-r1`.
    pub name: String,
    /// What it is.
    pub kind: ServiceKind,
}

/// Where a service is. It need not answer there at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceStatus {
    /// `host:port` of the controller protocol, once known.
    pub controller_addr: Option<String>,
    /// `host:port` of the storage protocol, of storaged.
    pub storage_addr: Option<String>,
    /// Why it does not run.
    pub reason: Option<String>,
}

/// Starts and stops services.
#[async_trait]
pub trait Orchestrator: Send + Sync {
    /// Lets a service run, one that runs already included; the receiver follows where it is.
    fn ensure_service(&self, spec: ServiceSpec) -> watch::Receiver<ServiceStatus>;

    /// Stops a service for good, also one that an earlier environmentd left.
    async fn drop_service(&self, name: &str);

    /// The services that should run, and those that an earlier environmentd left.
    fn list_services(&self) -> Vec<String>;

    /// Where a service is, if it should run.
    fn watch(&self, name: &str) -> Option<watch::Receiver<ServiceStatus>>;

    /// Stops everything.
    async fn shutdown(&self);
}
