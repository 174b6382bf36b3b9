//! Which sessions there are and what they do, for `mz_sessions`, `pg_stat_activity` and those who cancel or end them.

use sql::plan::Signal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Characters of a query that are shown, as in PostgreSQL.
const QUERY_BYTES_MAX: usize = 1024;

/// Who is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its role.
    pub user: String,
    /// Its database.
    pub database: String,
    /// Where it comes from, `address:port`.
    pub client_addr: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub connected_at: u64,
}

/// What a session does. Times are microseconds since 2000-01-01 UTC.
#[derive(Clone, Debug)]
pub struct Activity {
    /// As the client calls itself.
    pub application_name: String,
    /// `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`
    pub state: &'static str,
    /// Since when it is in this state.
    pub state_since_us: i64,
    /// What it runs or ran last.
    pub query: Arc<str>,
    /// When that began.
    pub query_since_us: Option<i64>,
    /// When its transaction began, while there is one.
    pub transaction_since_us: Option<i64>,
}

/// One connected session.
#[derive(Debug)]
pub struct SessionHandle {
    info: SessionInfo,
    activity: Mutex<Activity>,
    cancel: Arc<Notify>,
    terminate: CancellationToken,
}

impl SessionHandle {
    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session begins to run a query.
    pub fn runs(&self, query: &str, now_us: i64, transaction_since_us: Option<i64>) {
        let query = &query[..query.floor_char_boundary(QUERY_BYTES_MAX)];
        let mut activity = self.activity();
        activity.state = "active";
        (activity.state_since_us, activity.query_since_us) = (now_us, Some(now_us));
        activity.transaction_since_us = transaction_since_us.or(Some(now_us));
        if *activity.query != *query {
            activity.query = query.into();
        }
    }

    /// The session waits for its client.
    pub fn waits(&self, state: &'static str, now_us: i64, transaction_since_us: Option<i64>) {
        let mut activity = self.activity();
        (activity.state, activity.state_since_us, activity.transaction_since_us) =
            (state, now_us, transaction_since_us);
    }

    /// The client calls itself otherwise.
    pub fn renamed(&self, application_name: &str) {
        self.activity().application_name = application_name.to_string();
    }

    /// Fires when the connection is to end.
    pub fn terminated(&self) -> &CancellationToken {
        &self.terminate
    }
}

/// All connected sessions, by connection.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<u32, Arc<SessionHandle>>>);

impl Sessions {
    /// A session began at `now_us`; `cancel` wakes who waits for a cancel request.
    pub fn register(
        &self,
        connection_id: u32,
        info: SessionInfo,
        application_name: String,
        cancel: Arc<Notify>,
        now_us: i64,
    ) -> Arc<SessionHandle> {
        let activity = Activity {
            application_name,
            state: "idle",
            state_since_us: now_us,
            query: "".into(),
            query_since_us: None,
            transaction_since_us: None,
        };
        let terminate = CancellationToken::new();
        let handle = Arc::new(SessionHandle { info, activity: Mutex::new(activity), cancel, terminate });
        self.lock().insert(connection_id, handle.clone());
        handle
    }

    /// A session ended.
    pub fn unregister(&self, connection_id: u32) {
        self.lock().remove(&connection_id);
    }

    /// All of them, with what they do.
    pub fn list(&self) -> Vec<(u32, SessionInfo, Activity)> {
        let sessions = self.lock();
        sessions.iter().map(|(id, handle)| (*id, handle.info.clone(), handle.activity().clone())).collect()
    }

    /// Cancels what a session does, or ends it; false if there is no such session.
    pub fn signal(&self, connection_id: i32, signal: Signal) -> bool {
        let sessions = self.lock();
        let Some(handle) = u32::try_from(connection_id).ok().and_then(|id| sessions.get(&id)) else { return false };
        match signal {
            Signal::Cancel => handle.cancel.notify_waiters(),
            Signal::Terminate => handle.terminate.cancel(),
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<SessionHandle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
