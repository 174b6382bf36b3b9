//! Sources: which are read, and the task that keeps environmentd connected to storaged.

use super::{Controller, State};
use crate::catalog::system::{SourceState, SourceStatistics};
use crate::coord::time::now_ms;
use crate::orchestrator::ServiceStatus;
use proto::Hello;
use proto::storage::{IngestionDescription, SourceStatus, StorageCommand, StorageResponse};
use repr::GlobalId;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(200);

impl Controller {
    /// Reads a source from now on; again with a changed description.
    pub fn run_ingestion(&self, description: IngestionDescription) {
        let mut state = self.lock();
        let id = description.id;
        state.sources.entry(id).or_insert_with(|| SourceState {
            id,
            changed_at: now_ms(),
            status: "created",
            error: None,
            hint: None,
            statistics: SourceStatistics::default(),
        });
        state.ingestions.insert(id, description.clone());
        state.tell_storage(StorageCommand::RunIngestion(Box::new(description)));
    }

    /// Stops a source for good.
    pub fn drop_ingestion(&self, id: GlobalId) {
        let mut state = self.lock();
        state.ingestions.remove(&id);
        state.sources.remove(&id);
        state.tell_storage(StorageCommand::DropIngestion { id });
    }

    /// What system relations tell of sources.
    pub fn source_states(&self) -> Vec<SourceState> {
        self.lock().sources.values().cloned().collect()
    }

    /// Begins to run sources on storaged, wherever its service is.
    pub fn start_storage(&self, mut service: watch::Receiver<ServiceStatus>, hello: Hello) {
        let controller = self.clone();
        tokio::spawn(async move {
            loop {
                let addr = service.borrow_and_update().controller_addr.clone();
                if let Some(addr) = addr
                    && let Err(error) = session(&controller, &addr, &hello).await
                {
                    tracing::debug!(%error, "storaged does not answer");
                }
                tokio::select! {
                    _ = tokio::time::sleep(RETRY) => {}
                    changed = service.changed() => if changed.is_err() { return },
                }
            }
        });
    }

    fn storage_connected(&self) -> mpsc::UnboundedReceiver<StorageCommand> {
        let mut state = self.lock();
        let (commands, queue) = mpsc::unbounded_channel();
        for description in state.ingestions.values() {
            let _ = commands.send(StorageCommand::RunIngestion(Box::new(description.clone())));
        }
        let _ = commands.send(StorageCommand::InitializationComplete);
        state.storage = Some(commands);
        queue
    }

    fn storage_responded(&self, response: StorageResponse) {
        let mut state = self.lock();
        match response {
            // The clock itself tells uppers; see `collections`.
            StorageResponse::Frontier { .. } => {}
            StorageResponse::Status { id, at, status, error, hint } => {
                let Some(source) = state.sources.get_mut(&id) else { return };
                if let Some(error) = &error {
                    tracing::warn!(source = %id, status = name_of(status), "{error}");
                }
                (source.changed_at, source.status, source.error, source.hint) = (at, name_of(status), error, hint);
            }
            StorageResponse::Statistics {
                id,
                messages_received,
                bytes_received,
                updates_committed,
                snapshot_rows,
                offset_known,
                offset_committed,
            } => {
                let Some(source) = state.sources.get_mut(&id) else { return };
                source.statistics = SourceStatistics {
                    messages_received,
                    bytes_received,
                    updates_committed,
                    snapshot_rows,
                    offset_known,
                    offset_committed,
                };
            }
        }
    }
}

impl State {
    fn tell_storage(&mut self, command: StorageCommand) {
        if let Some(commands) = &self.storage {
            // A closed queue means that the connection just ended: the next one begins with all of them.
            let _ = commands.send(command);
        }
    }
}

async fn session(controller: &Controller, addr: &str, hello: &Hello) -> Result<(), proto::ProtocolError> {
    let connection = proto::controller::connect::<StorageCommand, StorageResponse>(addr, hello).await?;
    let proto::controller::Connection { commands, mut responses, .. } = connection;
    let mut queue = controller.storage_connected();
    tracing::info!(addr, "connected to storaged");
    let down = async {
        while let Some(command) = queue.recv().await {
            if commands.send(command).await.is_err() {
                break;
            }
        }
    };
    let up = async {
        while let Some(response) = responses.recv().await {
            controller.storage_responded(response);
        }
    };
    tokio::select! {
        () = down => {}
        () = up => {}
    }
    controller.lock().storage = None;
    tracing::info!(addr, "disconnected from storaged");
    Ok(())
}

fn name_of(status: SourceStatus) -> &'static str {
    match status {
        SourceStatus::Starting => "starting",
        SourceStatus::Running => "running",
        SourceStatus::Stalled => "stalled",
        SourceStatus::Failed => "failed",
    }
}
