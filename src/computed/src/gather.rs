//! Puts together what several workers say: frontiers become the least of all, parts of peeks end with the last worker's.

use crate::worker::{PeekPart, WorkerEvent};
use dataflow::io::IoEvent;
use proto::compute::{ComputeResponse, PeekId, PeekResponse, SubscribeResponse};
use repr::{Frontier, GlobalId};
use std::collections::BTreeMap;

/// What is known of all workers.
pub struct Gather {
    workers: usize,
    /// For each index each worker's upper.
    indexes: BTreeMap<GlobalId, Vec<Frontier>>,
    /// Uppers as they were last told, of indexes and sinks.
    uppers: BTreeMap<GlobalId, Frontier>,
    /// Peeks with the number of workers that are still to end.
    peeks: BTreeMap<PeekId, usize>,
}

impl Gather {
    /// For so many workers.
    pub fn new(workers: usize) -> Self {
        Gather { workers, indexes: BTreeMap::new(), uppers: BTreeMap::new(), peeks: BTreeMap::new() }
    }

    /// A collection was created: it is reported from now on.
    pub fn create(&mut self, id: GlobalId, index: bool) {
        if index {
            self.indexes.insert(id, vec![Frontier::MIN; self.workers]);
        }
        self.uppers.insert(id, Frontier::MIN);
    }

    /// A collection was dropped: what is still said of it is ignored.
    pub fn drop_collection(&mut self, id: GlobalId) {
        self.indexes.remove(&id);
        self.uppers.remove(&id);
    }

    /// A peek was sent to all workers.
    pub fn peek(&mut self, id: PeekId) {
        self.peeks.insert(id, self.workers);
    }

    /// A peek was cancelled; the answer, unless it was given already.
    pub fn cancel(&mut self, id: PeekId) -> Option<ComputeResponse> {
        self.peeks.remove(&id).map(|_| ComputeResponse::Peek(id, PeekResponse::Canceled))
    }

    /// The peeks that are not answered.
    pub fn take_peeks(&mut self) -> Vec<PeekId> {
        std::mem::take(&mut self.peeks).into_keys().collect()
    }

    /// How far everything is, for a new controller.
    pub fn frontiers(&self) -> impl Iterator<Item = ComputeResponse> + '_ {
        let known = self.uppers.iter().filter(|(_, upper)| **upper != Frontier::MIN);
        known.map(|(id, upper)| ComputeResponse::Frontier { id: *id, upper: *upper })
    }

    /// What a worker said, as the controller should hear it.
    pub fn worker(&mut self, event: WorkerEvent) -> Option<ComputeResponse> {
        match event {
            WorkerEvent::Frontier(worker, id, upper) => {
                let uppers = self.indexes.get_mut(&id)?;
                uppers[worker] = upper;
                let upper = uppers.iter().copied().fold(Frontier::DONE, Frontier::meet);
                self.advance(id, upper)
            }
            WorkerEvent::Peek(id, part) => self.part(id, part),
            WorkerEvent::Failed(id, error) => Some(ComputeResponse::Status { id, error }),
        }
    }

    fn advance(&mut self, id: GlobalId, upper: Frontier) -> Option<ComputeResponse> {
        let told = self.uppers.get_mut(&id)?;
        (upper > *told).then(|| {
            *told = upper;
            ComputeResponse::Frontier { id, upper }
        })
    }

    fn part(&mut self, id: PeekId, part: PeekPart) -> Option<ComputeResponse> {
        let remaining = self.peeks.get_mut(&id)?;
        let response = match part {
            PeekPart::Rows(rows, last) => {
                *remaining -= usize::from(last);
                let done = *remaining == 0;
                if rows.is_empty() && !done {
                    return None;
                }
                PeekResponse::Rows { rows, done }
            }
            PeekPart::Error(error) => {
                *remaining = 0;
                PeekResponse::Error(error)
            }
        };
        if *remaining == 0 {
            self.peeks.remove(&id);
        }
        Some(ComputeResponse::Peek(id, response))
    }

    /// What a dataflow's task said, as the controller should hear it.
    pub fn io(&mut self, event: IoEvent) -> Option<ComputeResponse> {
        match event {
            IoEvent::Frontier(id, upper) => self.advance(id, upper),
            IoEvent::Subscribe(id, batch) => {
                *self.uppers.get_mut(&id)? = batch.upper;
                let (lower, upper) = (batch.lower, batch.upper);
                let response = SubscribeResponse::Batch { lower, upper, updates: batch.updates, error: batch.error };
                Some(ComputeResponse::Subscribe(id, response))
            }
            IoEvent::Failed(id, error) => Some(ComputeResponse::Status { id, error }),
        }
    }
}
