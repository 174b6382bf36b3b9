//! Which connections there are, for cancel requests: process id and secret → what wakes the connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// All connections of this environmentd.
pub struct Registry {
    connections: Mutex<HashMap<u32, Entry>>,
    max: usize,
}

struct Entry {
    secret: i32,
    cancel: Arc<Notify>,
}

/// A connection's place in the registry; dropping it frees the place.
pub struct Registration {
    registry: Arc<Registry>,
    /// PostgreSQL's process id; positive.
    pub id: u32,
    /// What a cancel request must know.
    pub secret: i32,
    /// Wakes whoever waits for a cancel request right now.
    pub cancel: Arc<Notify>,
}

impl Registry {
    /// For at most `max` connections.
    pub fn new(max: usize) -> Self {
        Registry { connections: Mutex::default(), max }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Entry>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more; none if all are taken.
    pub fn register(self: &Arc<Self>) -> Option<Registration> {
        let mut connections = self.lock();
        if connections.len() >= self.max {
            return None;
        }
        let secret = rand::random::<i32>();
        let id = loop {
            let id = rand::random::<u32>() >> 1;
            if id != 0 && !connections.contains_key(&id) {
                break id;
            }
        };
        let cancel = Arc::new(Notify::new());
        connections.insert(id, Entry { secret, cancel: Arc::clone(&cancel) });
        Some(Registration { registry: Arc::clone(self), id, secret, cancel })
    }

    /// Cancels what the connection does, if the secret is right.
    pub fn cancel(&self, id: i32, secret: i32) {
        let connections = self.lock();
        let entry = u32::try_from(id).ok().and_then(|id| connections.get(&id));
        if let Some(entry) = entry.filter(|e| e.secret == secret) {
            entry.cancel.notify_waiters();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.id);
    }
}
