//! The other end of the hub: every process but the one that runs it keeps one [`PushClient`] for its `persist`.

use super::{PUSH_QUEUE_MAX, PushMessage};
use crate::generated::storage_client::StorageClient;
use crate::wire::{self, Hello, Incoming, ProtocolError};
use persist::{PersistClient, Transaction};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Between two attempts to connect: short at first, since a restarted hub is back within a second.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Keeps a connection to the hub. Dropping it ends push; `persist` goes on by polling.
#[derive(Debug)]
pub struct PushClient {
    task: JoinHandle<()>,
}

/// Where commits go: the queue of the present connection, if there is one.
type Outlet = Arc<Mutex<Option<mpsc::Sender<PushMessage>>>>;

impl PushClient {
    /// Makes the hub at `addr` (`host:port`, which may change, or be unknown) the push of `persist`.
    pub fn spawn(addr: watch::Receiver<Option<String>>, persist: PersistClient, hello: Hello) -> Self {
        let outlet = Outlet::default();
        let publish = outlet.clone();
        persist.set_publisher(Arc::new(move |txn: &Transaction| offer(&publish, txn)));
        persist.set_push_connected(false);
        let task = tokio::spawn(run(addr, persist, hello, outlet));
        PushClient { task }
    }

    /// The same with an address that never changes.
    pub fn spawn_fixed(addr: impl Into<String>, persist: PersistClient, hello: Hello) -> Self {
        let (_, addr) = watch::channel(Some(addr.into()));
        Self::spawn(addr, persist, hello)
    }
}

impl Drop for PushClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Puts a commit on the wire, or gives the connection up if it is full: the hub then tells all others to read again.
fn offer(outlet: &Outlet, txn: &Transaction) {
    let mut queue = outlet.lock().unwrap_or_else(PoisonError::into_inner);
    let full = queue.as_ref().is_some_and(|q| q.try_send(PushMessage::Transaction(txn.clone())).is_err());
    if full {
        *queue = None;
    }
}

async fn run(mut addr: watch::Receiver<Option<String>>, persist: PersistClient, hello: Hello, outlet: Outlet) {
    let mut retry = RETRY_MIN;
    loop {
        let Some(target) = addr.borrow_and_update().clone() else {
            if addr.changed().await.is_err() {
                return;
            }
            continue;
        };
        let ended = tokio::select! {
            ended = follow(&target, &persist, &hello, &outlet) => ended,
            () = moved(&mut addr) => Ok(()),
        };
        *outlet.lock().unwrap_or_else(PoisonError::into_inner) = None;
        persist.set_push_connected(false);
        match ended {
            Ok(()) => retry = RETRY_MIN,
            Err(error) => {
                tracing::debug!("push: {error}");
                tokio::select! {
                    () = tokio::time::sleep(retry) => (),
                    () = moved(&mut addr) => (),
                }
                retry = RETRY_MAX.min(retry * 2);
            }
        }
    }
}

/// Waits until the address changes; for ever if it cannot any more.
async fn moved(addr: &mut watch::Receiver<Option<String>>) {
    if addr.changed().await.is_err() {
        std::future::pending().await
    }
}

/// One connection, from its first message to its end: `Ok` if it had been established.
async fn follow(addr: &str, persist: &PersistClient, hello: &Hello, outlet: &Outlet) -> Result<(), ProtocolError> {
    let channel = wire::endpoint(addr)?.connect().await;
    let channel = channel.map_err(|error| wire::unreachable_at(addr, &error))?;
    let (queue, outbound) = mpsc::channel(PUSH_QUEUE_MAX);
    let answer = StorageClient::new(channel).push(wire::request(hello, outbound)).await;
    let mut inbound = answer.map_err(|status| ProtocolError::of_status(addr, &status))?.into_inner();
    wire::greet(addr, &mut inbound).await?;
    let given_up = queue.downgrade();
    *outlet.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue);
    // ORDER: the hub subscribed us before it answered; what is read from the stores from here on misses nothing.
    persist.set_push_connected(true);
    let mut inbound = Incoming::<PushMessage>::new(inbound);
    while given_up.strong_count() > 0 {
        match inbound.next().await {
            Ok(Some(PushMessage::Transaction(txn))) => persist.receive(txn),
            Ok(Some(PushMessage::Resync)) => {
                persist.set_push_connected(false);
                persist.set_push_connected(true);
            }
            Ok(None) => break,
            Err(status) => {
                tracing::debug!("push: {}", ProtocolError::of_status(addr, &status));
                break;
            }
        }
    }
    Ok(())
}
