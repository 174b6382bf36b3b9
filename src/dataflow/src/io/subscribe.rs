//! A subscribe: batches of consolidated updates, as times become complete.

use super::IoEvent;
use super::corrections::Corrections;
use super::proto_types::SubscribeBatch;
use super::sink::Gathered;
use persist::Update;
use repr::{Frontier, GlobalId, Timestamp};
use tokio::sync::mpsc;

/// Sends batches until the dataflow ends.
pub(super) async fn run(
    id: GlobalId,
    mut input: Gathered,
    as_of: Timestamp,
    with_snapshot: bool,
    events: mpsc::UnboundedSender<IoEvent>,
) {
    let mut pending = Corrections::default();
    let mut lower = Frontier::at(as_of);
    while let Some(updates) = input.next().await {
        pending.add(updates.into_iter().filter(|u| with_snapshot || u.time > as_of));
        let upper = input.upper();
        if upper <= lower {
            continue;
        }
        let batch = batch(lower, upper, pending.take(as_of, upper));
        lower = upper;
        if events.send(IoEvent::Subscribe(id, batch)).is_err() || upper.is_done() {
            return;
        }
    }
}

/// Errors win over rows of the same batch: the earliest one, then the least.
fn batch(lower: Frontier, upper: Frontier, taken: Vec<Update>) -> SubscribeBatch {
    let mut updates = Vec::with_capacity(taken.len());
    let mut error = None;
    for update in taken {
        match update.data {
            Ok(row) => updates.push((update.time, row, update.diff)),
            Err(e) if update.diff > 0 && error.is_none() => error = Some((update.time, e)),
            Err(_) => (),
        }
    }
    if let Some((time, _)) = &error {
        updates.retain(|(t, ..)| t < time);
    }
    SubscribeBatch { lower, upper, updates, error: error.map(|(_, e)| e) }
}
