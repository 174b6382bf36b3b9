//! Which sessions there are, for `mz_sessions` and `pg_stat_activity`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One connected session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its role.
    pub user: String,
    /// Its database.
    pub database: String,
    /// As the client calls itself.
    pub application_name: String,
    /// Where it comes from, `address:port`.
    pub client_addr: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub connected_at: u64,
}

/// All connected sessions, by connection.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<u32, SessionInfo>>);

impl Sessions {
    /// A session began, or told more of itself.
    pub fn register(&self, connection_id: u32, info: SessionInfo) {
        self.lock().insert(connection_id, info);
    }

    /// A session ended.
    pub fn unregister(&self, connection_id: u32) {
        self.lock().remove(&connection_id);
    }

    /// All of them.
    pub fn list(&self) -> Vec<(u32, SessionInfo)> {
        self.lock().iter().map(|(id, info)| (*id, info.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, SessionInfo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
