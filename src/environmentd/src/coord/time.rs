//! Wall time, and the read timestamp: what may be shown to a client.
//!
//! LAW: nothing stamped t leaves environmentd before the read timestamp is t or later; the read timestamp is the last committed time, and is
//! used only within the lease that the last commit gave.

use repr::{Frontier, Timestamp};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Milliseconds between 1970-01-01 and 2000-01-01.
const EPOCH_DIFFERENCE_MS: i64 = 946_684_800_000;

/// For how long after a commit began a successor commits nothing.
pub const LEASE: Duration = Duration::from_secs(3);

/// For how long after a read clocks tick fast.
const ACTIVE_FOR: Duration = Duration::from_secs(2);

/// Milliseconds since 1970.
pub fn now_ms() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as u64)
}

/// Microseconds since 2000-01-01 UTC.
pub fn now_us() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX) - EPOCH_DIFFERENCE_MS * 1000
}

/// A time of `timestamptz` in milliseconds since 1970.
pub fn ms_of_us(us: i64) -> Option<Timestamp> {
    u64::try_from(us.div_euclid(1000).checked_add(EPOCH_DIFFERENCE_MS)?).ok()
}

/// The read timestamp, shared by all sessions and the committer.
pub struct Oracle {
    committed: watch::Sender<Timestamp>,
    leased_until: Mutex<Instant>,
    last_read: Mutex<Option<Instant>>,
    subscribes: AtomicUsize,
}

impl Oracle {
    /// Of a clock that stands at `upper`.
    pub fn new(upper: Frontier) -> Self {
        Oracle {
            committed: watch::Sender::new(upper.last_complete().unwrap_or(0)),
            leased_until: Mutex::new(Instant::now()),
            last_read: Mutex::new(None),
            subscribes: AtomicUsize::new(0),
        }
    }

    /// The last committed time, whatever the lease.
    pub fn last(&self) -> Timestamp {
        *self.committed.borrow()
    }

    /// The time of a strictly serializable read: the last committed time, once the lease was seen to cover a moment after it was taken.
    pub async fn read(&self) -> Timestamp {
        self.touch();
        let mut committed = self.committed.subscribe();
        loop {
            let time = *committed.borrow_and_update();
            // ORDER: the lease is checked after the time was taken, so that no successor had committed by then.
            if Instant::now() < *self.leased_until.lock().unwrap_or_else(PoisonError::into_inner) {
                return time;
            }
            // The next tick renews the lease. The sender lives as long as `self`.
            let _ = committed.changed().await;
        }
    }

    /// Waits until the read timestamp is `time` or later.
    pub async fn wait_for(&self, time: Timestamp) {
        let _ = self.committed.subscribe().wait_for(|committed| *committed >= time).await;
    }

    /// A commit at `time`, which began at `began`, is durable.
    pub fn committed(&self, time: Timestamp, began: Instant) {
        let mut leased_until = self.leased_until.lock().unwrap_or_else(PoisonError::into_inner);
        *leased_until = began + LEASE;
        drop(leased_until);
        self.committed.send_modify(|committed| *committed = (*committed).max(time));
    }

    /// Someone reads: clocks should tick fast for a while.
    pub fn touch(&self) {
        *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Someone follows changes: clocks tick fast until the value is dropped.
    pub fn follow(self: &std::sync::Arc<Self>) -> Following {
        self.subscribes.fetch_add(1, Ordering::Relaxed);
        Following(self.clone())
    }

    /// Whether someone reads or follows.
    pub fn is_active(&self) -> bool {
        let last_read = *self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        self.subscribes.load(Ordering::Relaxed) > 0 || last_read.is_some_and(|read| read.elapsed() < ACTIVE_FOR)
    }
}

/// See [`Oracle::follow`].
pub struct Following(std::sync::Arc<Oracle>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.subscribes.fetch_sub(1, Ordering::Relaxed);
    }
}
