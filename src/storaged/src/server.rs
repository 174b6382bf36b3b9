//! Sessions and commands: what environmentd wants to run, runs.
//!
//! LAW: replaying the command history reaches the same state. A source that is named again with the same description keeps running; what a new
//! session has not named when it says `InitializationComplete` is stopped, without touching anything upstream.

use crate::ingestion::{Context, Ingestion};
use crate::report::Reports;
use proto::controller::{Session, Sessions};
use proto::storage::{IngestionDescription, StorageCommand, StorageResponse};
use repr::GlobalId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

type StorageSession = Session<StorageCommand, StorageResponse>;

/// Serves sessions, one at a time, until there has been none for `idle_timeout`.
pub async fn run(
    sessions: Sessions<StorageCommand, StorageResponse>,
    context: Context,
    reports: Reports,
    idle_timeout: Duration,
) {
    let idle_since = Some(Instant::now());
    let mut server =
        Server { sessions, current: None, idle_since, idle_timeout, context, reports, ingestions: BTreeMap::new() };
    while let Some(event) = server.next().await {
        server.handle(event).await;
    }
}

struct Server {
    sessions: Sessions<StorageCommand, StorageResponse>,
    current: Option<Current>,
    /// Since when there has been no session.
    idle_since: Option<Instant>,
    idle_timeout: Duration,
    context: Context,
    reports: Reports,
    ingestions: BTreeMap<GlobalId, Ingestion>,
}

/// The session that is served.
struct Current {
    session: StorageSession,
    /// Named before `InitializationComplete`; none afterwards.
    named: Option<BTreeSet<GlobalId>>,
    sender: JoinHandle<()>,
}

impl Drop for Current {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

enum Event {
    Session(StorageSession),
    Command(StorageCommand),
    SessionEnded,
}

impl Server {
    /// The next event; `None` when it is time to exit. May be cancelled.
    async fn next(&mut self) -> Option<Event> {
        let deadline = self.idle_since.map(|since| since + self.idle_timeout);
        let idle = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let command = async {
            match &mut self.current {
                Some(current) => current.session.commands.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            session = self.sessions.next() => session.map(Event::Session),
            command = command => Some(command.map_or(Event::SessionEnded, Event::Command)),
            () = idle => None,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Session(session) => self.accept(session),
            Event::SessionEnded => {
                self.current = None;
                self.idle_since = Some(Instant::now());
            }
            Event::Command(StorageCommand::RunIngestion(description)) => self.run_ingestion(*description).await,
            Event::Command(StorageCommand::DropIngestion { id }) => self.drop_ingestion(id).await,
            Event::Command(StorageCommand::InitializationComplete) => self.initialized().await,
        }
    }

    fn accept(&mut self, session: StorageSession) {
        tracing::info!("controller connected, epoch {}", session.peer.epoch);
        let (reports, responses) = (self.reports.clone(), session.responses.clone());
        let sender = tokio::spawn(async move { reports.send_to(responses).await });
        self.current = Some(Current { session, named: Some(BTreeSet::new()), sender });
        self.idle_since = None;
    }

    async fn run_ingestion(&mut self, description: IngestionDescription) {
        let id = description.id;
        if let Some(named) = self.current.as_mut().and_then(|current| current.named.as_mut()) {
            named.insert(id);
        }
        if let Some(running) = self.ingestions.get_mut(&id) {
            if running.keeps_running_as(&description) {
                return;
            }
            tracing::info!("source {id} changes");
        }
        if let Some(old) = self.ingestions.remove(&id) {
            old.stop().await;
        }
        self.ingestions.insert(id, Ingestion::spawn(&self.context, description));
    }

    async fn drop_ingestion(&mut self, id: GlobalId) {
        if let Some(ingestion) = self.ingestions.remove(&id) {
            tracing::info!("source {id} is dropped");
            ingestion.release().await;
        }
        self.reports.remove(id);
    }

    async fn initialized(&mut self) {
        let Some(named) = self.current.as_mut().and_then(|current| current.named.take()) else { return };
        let unnamed: Vec<_> = self.ingestions.keys().filter(|id| !named.contains(id)).copied().collect();
        for id in unnamed {
            tracing::info!("source {id} is no longer wanted here");
            if let Some(ingestion) = self.ingestions.remove(&id) {
                ingestion.stop().await;
            }
            self.reports.remove(id);
        }
    }
}
