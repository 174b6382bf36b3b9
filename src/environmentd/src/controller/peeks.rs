//! Peeks: reads of an index at a time, answered by whichever replica is first.
//!
//! The answer is buffered here, up to a limit, because one connection carries the answers to all peeks and must not wait for a slow client.
//! When a replica goes away in the middle of an answer, the peek is answered again from the start by another one, or by the same when it is
//! back, unless rows have been handed out already: then it fails, because a client would see them twice.

use super::{Controller, PendingPeek, State};
use expr::{Mfp, RowSetFinishing};
use proto::compute::{ComputeCommand, Peek, PeekId, PeekResponse};
use repr::{ClusterId, Diff, GlobalId, ReplicaId, Row, SqlError, SqlState, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// What a peek reads.
pub struct PeekTarget {
    /// Where.
    pub cluster: ClusterId,
    /// The index.
    pub index: GlobalId,
    /// Only these keys; all if none.
    pub keys: Option<Vec<Row>>,
    /// When.
    pub timestamp: Timestamp,
    /// Applied to each row.
    pub mfp: Mfp,
    /// What the client wants of the rows.
    pub finishing: RowSetFinishing,
    /// Fail rather than hold more than this.
    pub max_result_bytes: u64,
}

enum PeekEvent {
    Rows(Vec<(Row, Diff)>),
    Done,
    Error(SqlError),
}

/// The sending end of an answer.
pub(super) struct Delivery {
    sender: mpsc::UnboundedSender<PeekEvent>,
    buffered: Arc<AtomicU64>,
    limit: u64,
    /// Whether rows were handed out: then no other replica can begin again.
    any_sent: bool,
}

/// An answer as it comes. Dropping it cancels the peek.
pub struct PeekStream {
    controller: Controller,
    id: PeekId,
    receiver: mpsc::UnboundedReceiver<PeekEvent>,
    buffered: Arc<AtomicU64>,
    done: bool,
}

impl Controller {
    /// Asks all replicas of the cluster; the first to answer is taken.
    pub fn peek(&self, target: PeekTarget) -> PeekStream {
        let mut state = self.lock();
        state.next_peek += 1;
        let id = PeekId((u128::from(self.0.epoch) << 64) | u128::from(state.next_peek));
        let (sender, receiver) = mpsc::unbounded_channel();
        let buffered = Arc::new(AtomicU64::new(0));
        let (cluster, limit) = (target.cluster, target.max_result_bytes);
        let peek = Peek {
            id,
            index: target.index,
            keys: target.keys,
            timestamp: target.timestamp,
            mfp: target.mfp,
            finishing: target.finishing,
            max_result_bytes: target.max_result_bytes,
        };
        state.broadcast(cluster, &ComputeCommand::Peek(Box::new(peek.clone())));
        let delivery = Delivery { sender, buffered: buffered.clone(), limit, any_sent: false };
        state.peeks.insert(id, PendingPeek { cluster, peek, winner: None, delivery });
        drop(state);
        PeekStream { controller: self.clone(), id, receiver, buffered, done: false }
    }

    fn cancel_peek(&self, id: PeekId) {
        let mut state = self.lock();
        if let Some(peek) = state.peeks.remove(&id) {
            state.broadcast(peek.cluster, &ComputeCommand::CancelPeek(id));
        }
    }
}

impl PeekStream {
    /// More rows; none at the end. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<Option<Vec<(Row, Diff)>>, SqlError> {
        if self.done {
            return Ok(None);
        }
        match self.receiver.recv().await {
            Some(PeekEvent::Rows(rows)) => {
                self.buffered.fetch_sub(bytes_of(&rows), Ordering::Relaxed);
                Ok(Some(rows))
            }
            Some(PeekEvent::Done) => {
                self.done = true;
                Ok(None)
            }
            Some(PeekEvent::Error(error)) => {
                self.done = true;
                Err(error)
            }
            None => Err(SqlError::internal("a peek ended without an answer")),
        }
    }
}

impl Drop for PeekStream {
    fn drop(&mut self) {
        if !self.done {
            self.controller.cancel_peek(self.id);
        }
    }
}

impl State {
    pub(super) fn deliver_peek(&mut self, replica: ReplicaId, id: PeekId, response: PeekResponse) {
        let Some(peek) = self.peeks.get_mut(&id) else { return };
        if *peek.winner.get_or_insert(replica) != replica {
            return;
        }
        let finished = match response {
            PeekResponse::Rows { rows, done } => {
                !peek.delivery.rows(rows) || (done && peek.delivery.end(PeekEvent::Done))
            }
            PeekResponse::Error(error) => peek.delivery.end(PeekEvent::Error(error)),
            PeekResponse::Canceled => peek.delivery.end(PeekEvent::Error(canceled())),
        };
        if finished && let Some(peek) = self.peeks.remove(&id) {
            // The other replicas need not go on, nor this one if its answer is too large.
            self.broadcast(peek.cluster, &ComputeCommand::CancelPeek(id));
        }
    }

    /// A replica is gone: others may answer what it had begun to.
    pub(super) fn forget_partial_answers(&mut self, replica: ReplicaId) {
        let begun: Vec<_> = self.peeks.iter().filter(|(_, p)| p.winner == Some(replica)).map(|(id, _)| *id).collect();
        for id in begun {
            let Some(peek) = self.peeks.get_mut(&id) else { continue };
            peek.winner = None;
            if peek.delivery.any_sent {
                let what = "the replica that was answering the query went away";
                let error = SqlError::new(SqlState::CANNOT_CONNECT_NOW, what).hint("Run the query again.");
                peek.delivery.end(PeekEvent::Error(error));
                self.peeks.remove(&id);
            }
        }
    }

    /// A transient dataflow cannot go on: fails the reads that wait for it.
    pub(super) fn fail_transient(&mut self, id: GlobalId, error: SqlError) {
        if !id.is_transient() {
            return;
        }
        let waiting: Vec<_> = self.peeks.iter().filter(|(_, p)| p.peek.index == id).map(|(id, _)| *id).collect();
        for peek in waiting.iter().filter_map(|id| self.peeks.remove(id)) {
            peek.delivery.end(PeekEvent::Error(error.clone()));
        }
        if let Some(subscribe) = self.subscribes.remove(&id) {
            subscribe.delivery.fail(error);
        }
    }
}

impl Delivery {
    /// Hands rows over; false if there are too many.
    fn rows(&mut self, rows: Vec<(Row, Diff)>) -> bool {
        if rows.is_empty() {
            return true;
        }
        let bytes = bytes_of(&rows);
        if self.buffered.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit {
            self.end(PeekEvent::Error(too_large(self.limit)));
            return false;
        }
        self.any_sent = true;
        // A consumer that went away has cancelled the peek.
        let _ = self.sender.send(PeekEvent::Rows(rows));
        true
    }

    fn end(&self, event: PeekEvent) -> bool {
        let _ = self.sender.send(event);
        true
    }
}

/// Memory that rows take.
pub fn bytes_of(rows: &[(Row, Diff)]) -> u64 {
    rows.iter().map(|(row, _)| (size_of::<(Row, Diff)>() + row.heap_bytes()) as u64).sum()
}

/// A result that would take more memory than allowed.
pub fn too_large(limit: u64) -> SqlError {
    let what = format!("result exceeds max size of {} MiB", limit >> 20);
    SqlError::new(SqlState::OUT_OF_MEMORY, what).hint("Add a LIMIT or a filter, or use COPY or SUBSCRIBE.")
}

fn canceled() -> SqlError {
    SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
}
