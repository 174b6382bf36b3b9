//! What sources have to say, on its way to environmentd.
//!
//! A source writes its newest frontier, status and statistics here and never waits; each controller session sends what it has not sent yet.
//! So a slow controller costs no memory, and a new one hears everything that still holds.

use proto::storage::{SourceStatus, StorageResponse};
use repr::{Frontier, GlobalId, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, mpsc};

/// How often statistics are looked at.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(1);

/// Milliseconds since 1970.
pub fn now_ms() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}

/// What a source counts.
#[derive(Debug, Default)]
#[allow(missing_docs)] // named as in `StorageResponse::Statistics`
pub struct Counters {
    pub messages_received: AtomicU64,
    pub bytes_received: AtomicU64,
    pub updates_committed: AtomicU64,
    pub snapshot_rows: AtomicU64,
    pub offset_known: AtomicU64,
    pub offset_committed: AtomicU64,
}

impl Counters {
    /// Counts `n` more.
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    fn response(&self, id: GlobalId) -> StorageResponse {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StorageResponse::Statistics {
            id,
            messages_received: get(&self.messages_received),
            bytes_received: get(&self.bytes_received),
            updates_committed: get(&self.updates_committed),
            snapshot_rows: get(&self.snapshot_rows),
            offset_known: get(&self.offset_known),
            offset_committed: get(&self.offset_committed),
        }
    }
}

/// All sources of this process.
#[derive(Clone, Debug, Default)]
pub struct Reports(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sources: Mutex<BTreeMap<GlobalId, Source>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Source {
    upper: Option<Frontier>,
    status: Option<Status>,
    counters: Arc<Counters>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Status {
    at: Timestamp,
    status: SourceStatus,
    error: Option<String>,
    hint: Option<String>,
}

/// One source's end.
#[derive(Clone, Debug)]
pub struct Reporter {
    id: GlobalId,
    reports: Reports,
    counters: Arc<Counters>,
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<GlobalId, Source>> {
        // The map is whole between any two statements that use it.
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a source that starts.
    pub fn reporter(&self, id: GlobalId) -> Reporter {
        let counters = self.lock().entry(id).or_default().counters.clone();
        Reporter { id, reports: self.clone(), counters }
    }

    /// A source is gone.
    pub fn remove(&self, id: GlobalId) {
        self.lock().remove(&id);
    }

    /// The statistics of all sources.
    pub fn statistics(&self) -> Vec<StorageResponse> {
        self.lock().iter().map(|(id, source)| source.counters.response(*id)).collect()
    }

    /// Sends what changes, beginning with everything, until the session is gone.
    pub async fn send_to(&self, responses: mpsc::Sender<StorageResponse>) {
        let mut sent = Sent::default();
        let mut statistics = tokio::time::interval(STATISTICS_INTERVAL);
        loop {
            let with_statistics = tokio::select! {
                _ = statistics.tick() => true,
                // A change between two waits leaves a permit: none is missed.
                () = self.0.changed.notified() => false,
                () = responses.closed() => return,
            };
            let news = sent.news(&self.lock(), with_statistics);
            for response in news {
                if responses.send(response).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What one session has been told.
#[derive(Default)]
struct Sent {
    uppers: BTreeMap<GlobalId, Frontier>,
    statuses: BTreeMap<GlobalId, Status>,
    statistics: BTreeMap<GlobalId, StorageResponse>,
}

impl Sent {
    fn news(&mut self, sources: &BTreeMap<GlobalId, Source>, with_statistics: bool) -> Vec<StorageResponse> {
        let mut news = Vec::new();
        for (&id, source) in sources {
            if let Some(status) = &source.status
                && self.statuses.get(&id) != Some(status)
            {
                self.statuses.insert(id, status.clone());
                let Status { at, status, error, hint } = status.clone();
                news.push(StorageResponse::Status { id, at, status, error, hint });
            }
            if let Some(upper) = source.upper
                && self.uppers.insert(id, upper) != Some(upper)
            {
                news.push(StorageResponse::Frontier { id, upper });
            }
            if with_statistics {
                let statistics = source.counters.response(id);
                if self.statistics.get(&id) != Some(&statistics) {
                    self.statistics.insert(id, statistics.clone());
                    news.push(statistics);
                }
            }
        }
        self.statuses.retain(|id, _| sources.contains_key(id));
        self.uppers.retain(|id, _| sources.contains_key(id));
        self.statistics.retain(|id, _| sources.contains_key(id));
        news
    }
}

impl Reporter {
    /// What the source counts.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The source's clock is here.
    pub fn frontier(&self, upper: Frontier) {
        if let Some(source) = self.reports.lock().get_mut(&self.id) {
            source.upper = Some(upper);
        }
        self.reports.0.changed.notify_one();
    }

    /// The source's state; the same again is no news.
    pub fn status(&self, status: SourceStatus, error: Option<String>, hint: Option<String>) {
        let at = now_ms();
        if let Some(source) = self.reports.lock().get_mut(&self.id) {
            let same = |s: &Status| s.status == status && s.error == error && s.hint == hint;
            if source.status.as_ref().is_some_and(same) {
                return;
            }
            source.status = Some(Status { at, status, error, hint });
        }
        self.reports.0.changed.notify_one();
    }
}
