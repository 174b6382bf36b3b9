//! Running one source: its clock, its connection upstream, and what happens when either fails.
//!
//! The clock lives longer than a connection: times go on while the source waits for its upstream to come back, so that reads never hang.

mod clock;
mod counter;

pub use clock::{Changes, Clock, ClockGone, Data, data_bytes};

use crate::postgres;
use crate::report::{Reporter, Reports};
use clock::ClockEnd;
use persist::PersistClient;
use proto::storage::{IngestionConnection, IngestionDescription, SourceStatus};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Between two attempts at an upstream that failed: at once noticeable when it is back, no burden while it is not.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// An attempt that lasted this long was a success: the next failure starts from the shortest delay.
const RETRY_RESET: Duration = Duration::from_secs(60);

/// What all sources share.
#[derive(Clone)]
pub struct Context {
    pub persist: PersistClient,
    pub reports: Reports,
    pub scratch_directory: PathBuf,
    pub state_bytes_max: usize,
}

/// What one source works with.
#[derive(Clone)]
pub struct Source {
    pub context: Context,
    pub description: Arc<IngestionDescription>,
    pub reporter: Reporter,
}

/// Why a source does not get on, in the user's words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    pub status: SourceStatus,
    pub message: String,
    pub hint: Option<String>,
    /// Nothing is wrong: start over.
    pub restart: bool,
}

impl SourceError {
    /// Tries again by itself.
    pub fn stalled(message: impl Into<String>) -> Self {
        SourceError { status: SourceStatus::Stalled, message: message.into(), hint: None, restart: false }
    }

    /// Needs the user. It is tried again all the same, for the case that he acts upstream.
    pub fn failed(message: impl Into<String>) -> Self {
        SourceError { status: SourceStatus::Failed, ..Self::stalled(message) }
    }

    /// Begins again from the durable position, with what was learned meanwhile.
    pub fn restart(why: impl Into<String>) -> Self {
        SourceError { restart: true, ..Self::stalled(why) }
    }

    /// With what the user can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ClockGone> for SourceError {
    fn from(gone: ClockGone) -> Self {
        SourceError::stalled(gone.to_string())
    }
}

impl From<persist::PersistError> for SourceError {
    fn from(error: persist::PersistError) -> Self {
        SourceError::stalled(error.to_string())
    }
}

/// A running source.
pub struct Ingestion {
    description: IngestionDescription,
    epoch: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Ingestion {
    /// Starts it.
    pub fn spawn(context: &Context, description: IngestionDescription) -> Self {
        let source = Source {
            context: context.clone(),
            reporter: context.reports.reporter(description.id),
            description: Arc::new(description.clone()),
        };
        let (epoch, epochs) = watch::channel(description.epoch);
        let task = tokio::spawn(run(source, epochs));
        Ingestion { description, epoch, task }
    }

    /// Whether it already is what `description` asks for, but for the epoch, which it takes over.
    pub fn keeps_running_as(&mut self, description: &IngestionDescription) -> bool {
        let epoch = description.epoch;
        let same = IngestionDescription { epoch, ..self.description.clone() } == *description;
        if same && !self.task.is_finished() {
            self.description.epoch = epoch;
            self.epoch.send_if_modified(|e| std::mem::replace(e, epoch) != epoch);
            return true;
        }
        false
    }

    /// Stops it; all that is committed stays.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Stops it and frees what it holds upstream, which goes on in the background.
    pub async fn release(self) {
        let connection = self.description.connection.clone();
        let id = self.description.id;
        self.stop().await;
        if let IngestionConnection::Postgres(connection) = connection {
            tokio::spawn(async move { postgres::release(id, &connection).await });
        }
    }
}

impl Drop for Ingestion {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until stopped, or fenced by a newer environment.
async fn run(source: Source, epochs: watch::Receiver<u64>) {
    let id = source.description.id;
    source.reporter.status(SourceStatus::Starting, None, None);
    loop {
        match Clock::start(&source, epochs.clone()).await {
            Ok((clock, mut end)) => {
                let ended = tokio::select! {
                    never = follow(&source, &clock) => match never {},
                    ended = &mut end.0 => ended.unwrap_or(ClockEnd::Lost("its task ended".into())),
                };
                tracing::warn!("source {id}: {ended}");
                if let ClockEnd::Fenced(_) = ended {
                    return;
                }
                report(&source, &SourceError::stalled(ended.to_string()));
            }
            Err(error) => report(&source, &error),
        }
        tokio::time::sleep(RETRY_MIN).await;
    }
}

/// Follows the upstream, again and again.
async fn follow(source: &Source, clock: &Clock) -> Infallible {
    let mut retry = RETRY_MIN;
    let mut memory = postgres::Memory::default();
    loop {
        let started = tokio::time::Instant::now();
        let ended = match &source.description.connection {
            IngestionConnection::Postgres(connection) => postgres::follow(source, connection, clock, &mut memory).await,
            IngestionConnection::Counter { tick_ms, max_cardinality } => {
                counter::follow(source, clock, *tick_ms, *max_cardinality).await
            }
        };
        let Err(error) = ended;
        if error.restart {
            tracing::info!("source {}: {error}", source.description.id);
            tokio::time::sleep(RETRY_MIN).await;
            continue;
        }
        report(source, &error);
        if started.elapsed() > RETRY_RESET {
            retry = RETRY_MIN;
        }
        tokio::time::sleep(retry).await;
        retry = RETRY_MAX.min(retry * 2);
    }
}

fn report(source: &Source, error: &SourceError) {
    tracing::warn!("source {}: {error}", source.description.id);
    source.reporter.status(error.status, Some(error.message.clone()), error.hint.clone());
}
