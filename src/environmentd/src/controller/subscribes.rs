//! Subscribes: changes of a collection as they happen, each once, however many replicas tell them and however often they begin again.

use super::{Controller, DataflowGuard, PendingSubscribe, State};
use proto::compute::SubscribeResponse;
use repr::{Diff, Frontier, GlobalId, Row, SqlError, SqlState, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Bytes that wait for a slow client before its SUBSCRIBE fails.
const BUFFERED_BYTES_MAX: u64 = 256 << 20;

/// All changes between the last one's `upper` and this one's.
pub struct SubscribeUpdates {
    /// Complete up to here; done ends the subscribe.
    pub upper: Frontier,
    /// Sorted by time.
    pub updates: Vec<(Timestamp, Row, Diff)>,
}

/// The sending end.
pub(super) struct Delivery {
    sender: mpsc::UnboundedSender<Result<SubscribeUpdates, SqlError>>,
    buffered: Arc<AtomicU64>,
}

/// The receiving end; dropping it ends the dataflow.
pub struct SubscribeChanges {
    receiver: mpsc::UnboundedReceiver<Result<SubscribeUpdates, SqlError>>,
    buffered: Arc<AtomicU64>,
    _dataflow: DataflowGuard,
}

impl Controller {
    /// Delivers what the subscribe dataflow `id` tells. Called before the dataflow is created by `create`, so that nothing is missed.
    pub fn subscribe(&self, id: GlobalId, create: impl FnOnce() -> DataflowGuard) -> SubscribeChanges {
        let (sender, receiver) = mpsc::unbounded_channel();
        let buffered = Arc::new(AtomicU64::new(0));
        let delivery = Delivery { sender, buffered: buffered.clone() };
        self.lock().subscribes.insert(id, PendingSubscribe { frontier: Frontier::MIN, delivery });
        SubscribeChanges { receiver, buffered, _dataflow: create() }
    }
}

impl SubscribeChanges {
    /// The next changes; may be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<SubscribeUpdates, SqlError> {
        let ended = || Err(SqlError::internal("a subscribe ended without saying so"));
        let changes = self.receiver.recv().await.unwrap_or_else(ended)?;
        self.buffered.fetch_sub(bytes_of(&changes.updates), Ordering::Relaxed);
        Ok(changes)
    }
}

impl State {
    pub(super) fn deliver_subscribe(&mut self, id: GlobalId, response: SubscribeResponse) {
        let SubscribeResponse::Batch { upper, mut updates, error, .. } = response;
        let Some(subscribe) = self.subscribes.get_mut(&id) else { return };
        if let Some(error) = error {
            subscribe.delivery.fail(error);
            self.subscribes.remove(&id);
            return;
        }
        if upper <= subscribe.frontier {
            return;
        }
        let frontier = std::mem::replace(&mut subscribe.frontier, upper);
        updates.retain(|(time, _, _)| frontier.less_equal(*time));
        if !subscribe.delivery.send(SubscribeUpdates { upper, updates }) || upper.is_done() {
            self.subscribes.remove(&id);
        }
    }
}

impl Delivery {
    /// Hands changes over; false if nobody takes them or too many wait.
    fn send(&self, changes: SubscribeUpdates) -> bool {
        let bytes = bytes_of(&changes.updates);
        if self.buffered.fetch_add(bytes, Ordering::Relaxed) + bytes > BUFFERED_BYTES_MAX {
            let what = "the client is too slow for the changes of this SUBSCRIBE";
            self.fail(SqlError::new(SqlState::OUT_OF_MEMORY, what).hint("Fetch more often, or subscribe to less."));
            return false;
        }
        self.sender.send(Ok(changes)).is_ok()
    }

    pub(super) fn fail(&self, error: SqlError) {
        // A client that went away does not care.
        let _ = self.sender.send(Err(error));
    }
}

fn bytes_of(updates: &[(Timestamp, Row, Diff)]) -> u64 {
    updates.iter().map(|(_, row, _)| (size_of::<(Timestamp, Row, Diff)>() + row.heap_bytes()) as u64).sum()
}
