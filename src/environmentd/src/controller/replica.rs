//! The task that keeps environmentd connected to one replica: connect, send the history, carry commands down and responses up, and again.

use super::Controller;
use crate::orchestrator::ServiceStatus;
use proto::Hello;
use proto::compute::{ComputeCommand, ComputeResponse};
use repr::{ClusterId, ReplicaId};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two attempts to connect: the first and the longest wait.
const RETRY_MIN: Duration = Duration::from_millis(50);
/// See above.
const RETRY_MAX: Duration = Duration::from_secs(1);

impl Controller {
    /// Begins to run a cluster's dataflows on a replica, wherever its service is.
    pub fn start_replica(
        &self,
        id: ReplicaId,
        cluster: ClusterId,
        service: watch::Receiver<ServiceStatus>,
        hello: Hello,
    ) {
        let stop = CancellationToken::new();
        self.add_replica(id, cluster, stop.clone().drop_guard());
        let controller = self.clone();
        tokio::spawn(async move {
            stop.run_until_cancelled(keep_connected(controller, id, service, hello)).await;
        });
    }
}

async fn keep_connected(
    controller: Controller,
    id: ReplicaId,
    mut service: watch::Receiver<ServiceStatus>,
    hello: Hello,
) {
    let mut wait = RETRY_MIN;
    loop {
        let status = service.borrow_and_update().clone();
        if let Some(addr) = &status.controller_addr {
            match session(&controller, id, addr, &hello).await {
                Ok(()) => wait = RETRY_MIN,
                Err(reason) => controller.disconnected(id, &reason),
            }
        } else {
            controller.disconnected(id, status.reason.as_deref().unwrap_or("starting"));
        }
        tokio::select! {
            _ = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_MAX),
            changed = service.changed() => match changed {
                Ok(()) => wait = RETRY_MIN,
                // The orchestrator is gone: so are we, soon.
                Err(_) => tokio::time::sleep(RETRY_MAX).await,
            },
        }
    }
}

/// One connection, from handshake to its end.
async fn session(controller: &Controller, id: ReplicaId, addr: &str, hello: &Hello) -> Result<(), String> {
    let connection = proto::controller::connect::<ComputeCommand, ComputeResponse>(addr, hello).await;
    let proto::controller::Connection { commands, mut responses, .. } = connection.map_err(|e| e.to_string())?;
    let Some(mut queue) = controller.connected(id) else { return Ok(()) };
    tracing::info!(replica = %id, addr, "connected");
    let down = async {
        while let Some(command) = queue.recv().await {
            if commands.send(command).await.is_err() {
                break;
            }
        }
    };
    let up = async {
        while let Some(response) = responses.recv().await {
            controller.respond(id, response);
        }
    };
    // Both at once: a slow command must not stop responses, or the two sides wait for each other.
    tokio::select! {
        () = down => {}
        () = up => {}
    }
    controller.disconnected(id, "the connection was lost");
    tracing::info!(replica = %id, addr, "disconnected");
    Ok(())
}
