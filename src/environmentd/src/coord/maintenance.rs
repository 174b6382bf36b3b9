//! What environmentd does on the side: lets history go, and deletes blobs that nothing names.

use super::Inner;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often sinces advance.
const SINCES_INTERVAL: Duration = Duration::from_secs(1);
/// How far persist's sinces stay behind while someone reads or writes, and when nobody does.
const DURABLE_LAG_ACTIVE_MS: u64 = 5_000;
/// See above.
const DURABLE_LAG_IDLE_MS: u64 = 60_000;
/// How often orphaned blobs are looked for. A crash leaves few, and listing a large store takes a while.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);

/// Starts the tasks, which end with the environment.
pub(super) fn spawn(env: &Arc<Inner>) {
    tokio::spawn(advance_sinces(Arc::downgrade(env)));
    tokio::spawn(sweep_orphans(Arc::downgrade(env)));
}

/// Lets history go that nobody needs.
async fn advance_sinces(env: Weak<Inner>) {
    loop {
        tokio::time::sleep(SINCES_INTERVAL).await;
        let Some(env) = env.upgrade() else { return };
        let lag_ms = if env.oracle.is_active() { DURABLE_LAG_ACTIVE_MS } else { DURABLE_LAG_IDLE_MS };
        let sinces = env.controller.advance_sinces(lag_ms);
        if sinces.is_empty() {
            continue;
        }
        match env.persist.downgrade_since(&sinces).await {
            Ok(()) => env.controller.persisted_sinces(&sinces),
            Err(error) => tracing::warn!(%error, "history is kept longer than needed"),
        }
    }
}

/// Deletes what crashes left in the blob store.
async fn sweep_orphans(env: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let Some(env) = env.upgrade() else { return };
        match env.persist.sweep_orphans().await {
            Ok(0) => (),
            Ok(blobs) => tracing::info!(blobs, "deleted orphaned blobs"),
            Err(error) => tracing::warn!(%error, "orphaned blobs stay for now"),
        }
    }
}
