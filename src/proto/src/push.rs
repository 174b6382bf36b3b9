//! Push: each committed transaction travels to all processes, so that no reader polls.
//!
//! ```text
//!   environmentd ─┐                    ┌─▶ environmentd
//!   computed ─────┼─▶ hub (storaged) ──┼─▶ computed
//!   storaged ─────┘                    └─▶ storaged
//! ```
//!
//! LAW: every subscriber gets the transactions of all others in one order. Whoever may have missed one (it was slow, a connection broke, a
//! publisher came or went) is told to read everything again. A commit never waits for push: where a queue is full, the connection is given up.

mod client;
mod hub;

pub use client::PushClient;
pub use hub::{Hub, serve_hub};

use persist::Transaction;
use serde::{Deserialize, Serialize};

/// Transactions that wait for one connection. At some thousand commits a second this is about a second; whoever is further behind reads the
/// stores again, which is cheaper than catching up.
const PUSH_QUEUE_MAX: usize = 4096;

/// What travels, in both directions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum PushMessage {
    /// A commit.
    Transaction(Transaction),
    /// Some commits were not pushed: read everything again. Only the hub says it.
    Resync,
}

#[cfg(test)]
mod tests;
