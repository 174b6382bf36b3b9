//! What `/metrics` shows of the environment, in Prometheus' text format.

use super::Environment;
use super::time::now_ms;
use std::fmt::Write;

impl Environment {
    /// The metrics page.
    pub fn metrics(&self) -> String {
        let catalog = self.catalog();
        let replicas = self.0.controller.replica_states();
        let online = replicas.iter().filter(|replica| replica.online).count();
        let lag_ms = now_ms().saturating_sub(self.0.oracle.last());
        let mut page = String::new();
        let mut gauge = |name: &str, help: &str, value: u64| {
            // Writing to a string does not fail.
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        };
        gauge("mz_active_sessions", "Connected sessions.", self.0.sessions.list().len() as u64);
        gauge("mz_catalog_items", "Items that users made.", catalog.user_entries().count() as u64);
        gauge("mz_environment_epoch", "Starts of environmentd so far.", self.0.epoch);
        gauge("mz_read_timestamp_lag_ms", "How far the read timestamp is behind the wall clock.", lag_ms);
        gauge("mz_cluster_replicas", "Replicas that should run.", replicas.len() as u64);
        gauge("mz_cluster_replicas_online", "Replicas that are connected.", online as u64);
        page
    }
}
