//! Renders physical plans as timely and differential dataflows: the only crate that names these libraries.
//!
//! `computed` calls [`render`] on each of its workers with the same descriptions in the same order, steps the worker, and reads
//! maintained indexes through [`TraceManager`]. What a dataflow reads and writes outside timely goes through [`DataflowIo`].
//!
//! ```text
//! layout   rows in memory: chunks, batches, traces
//! ops      one funnel for each expensive operator of differential; our own operators for totally ordered time
//! render   expr::plan::Plan → operators
//! traces   indexes of this worker; peeks
//! ```
//!
//! LAW: the contents of every output at a time are a function of the inputs' contents at that time, whatever the order of arrival.

pub mod io;
pub mod layout;
pub mod ops;
pub mod render;
pub mod traces;

#[cfg(test)]
mod tests;

pub use render::{DataflowIo, RunningDataflow, render};
pub use traces::{PeekCursor, PeekStep, TraceManager};

pub use differential_dataflow;
pub use timely;

use std::sync::Arc;

/// Updates that an idle arrangement merges per activation: about 50 µs.
const IDLE_MERGE_UPDATES: usize = 4_000;

/// How a process of `workers` threads runs timely.
pub fn timely_config(workers: usize) -> timely::Config {
    let mut config = if workers == 1 { timely::Config::thread() } else { timely::Config::process(workers) };
    let logic: differential_dataflow::trace::ExertionLogic = Arc::new(idle_merge_effort);
    config.worker.set("differential/default_exert_logic".to_string(), logic);
    config
}

/// How much an arrangement should merge though nothing arrives: until one batch dominates, so that idle workers come to rest.
fn idle_merge_effort(layers: &[(usize, usize, usize)]) -> Option<usize> {
    let largest = layers.iter().map(|(_, _, updates)| *updates).max()?;
    let total: usize = layers.iter().map(|(_, _, updates)| *updates).sum();
    ((total - largest) * 4 > largest).then_some(IDLE_MERGE_UPDATES)
}
