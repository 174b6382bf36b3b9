//! A bounded queue from a task to an operator of one worker, which it wakes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use timely::scheduling::SyncActivator;
use tokio::sync::Semaphore;

/// Rows that may wait in one mailbox: some megabytes, a few tens of milliseconds of work.
const ROWS_MAX: u32 = 64 << 10;

/// The queue. A std mutex is fine on a worker's thread: it does not use the thread's park token.
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
    room: Semaphore,
}

struct State<T> {
    queue: VecDeque<(T, u32)>,
    activator: Option<SyncActivator>,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let state = State { queue: VecDeque::new(), activator: None };
        Mailbox { state: Mutex::new(state), room: Semaphore::new(ROWS_MAX as usize) }
    }
}

impl<T> Mailbox<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a message of so many rows, when there is room; false if nobody will ever take it.
    pub(super) async fn send(&self, message: T, rows: usize) -> bool {
        let weight = u32::try_from(rows).unwrap_or(ROWS_MAX).min(ROWS_MAX);
        let Ok(permit) = self.room.acquire_many(weight).await else { return false };
        permit.forget();
        let mut state = self.lock();
        state.queue.push_back((message, weight));
        // An activator whose worker is gone errs; then the semaphore is closed soon, too.
        state.activator.as_ref().is_none_or(|activator| activator.activate().is_ok())
    }

    /// The next message.
    pub(super) fn take(&self) -> Option<T> {
        let (message, weight) = self.lock().queue.pop_front()?;
        self.room.add_permits(weight as usize);
        Some(message)
    }

    /// From now on this wakes the operator.
    pub(super) fn wake_by(&self, activator: SyncActivator) {
        self.lock().activator = Some(activator);
    }

    /// Nothing more will be taken.
    pub(super) fn close(&self) {
        self.room.close();
        let mut state = self.lock();
        state.queue.clear();
        state.activator = None;
    }
}
