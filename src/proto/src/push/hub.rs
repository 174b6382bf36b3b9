//! The hub: takes transactions from every process, its own included, and fans them out. storaged runs it on port 2101.

use super::{PUSH_QUEUE_MAX, PushMessage};
use crate::generated::Envelope;
use crate::generated::storage_server::{Storage, StorageServer};
use crate::wire::{self, Doorkeeper, Hello, Incoming};
use futures::stream::BoxStream;
use persist::{PersistClient, Transaction};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// A running hub; dropping it closes the port.
#[derive(Debug)]
pub struct Hub {
    addr: SocketAddr,
    server: JoinHandle<()>,
}

impl Hub {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves the storage protocol and makes it the push of this process's own `persist`.
pub fn serve_hub(listener: TcpListener, persist: PersistClient, hello: Hello) -> std::io::Result<Hub> {
    let addr = listener.local_addr()?;
    let fan = Arc::new(Fan { persist: persist.clone(), subscribers: Mutex::default() });
    let own = Arc::downgrade(&fan);
    persist.set_publisher(Arc::new(move |txn: &Transaction| {
        if let Some(fan) = own.upgrade() {
            fan.send(None, &PushMessage::Transaction(txn.clone()));
        }
    }));
    persist.set_push_connected(true);
    let service = Service { doorkeeper: Arc::new(Doorkeeper::without_epochs(hello)), fan };
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tokio::spawn(async move {
        let served = wire::server().add_service(StorageServer::new(service)).serve_with_incoming(incoming).await;
        if let Err(error) = served {
            tracing::error!("storage protocol on {addr} ended: {error}");
        }
    });
    Ok(Hub { addr, server })
}

/// Who listens.
struct Fan {
    persist: PersistClient,
    subscribers: Mutex<Subscribers>,
}

#[derive(Default)]
struct Subscribers {
    next: u64,
    queues: BTreeMap<u64, mpsc::Sender<PushMessage>>,
}

impl Fan {
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        // The map is whole between any two statements that use it.
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribe(&self) -> (u64, mpsc::Receiver<PushMessage>) {
        let (queue, messages) = mpsc::channel(PUSH_QUEUE_MAX);
        let mut subscribers = self.lock();
        subscribers.next += 1;
        let id = subscribers.next;
        subscribers.queues.insert(id, queue);
        (id, messages)
    }

    /// To all but `from`. ORDER: under the lock, so that all get it in the same order.
    fn send(&self, from: Option<u64>, message: &PushMessage) {
        let mut subscribers = self.lock();
        // A full queue is given up with its connection: the subscriber connects again and reads everything again.
        subscribers.queues.retain(|id, queue| Some(*id) == from || queue.try_send(message.clone()).is_ok());
    }

    /// Some commits of `from` may have been missed: everybody else looks again, this process too.
    fn resync(&self, from: u64) {
        self.send(Some(from), &PushMessage::Resync);
        self.persist.set_push_connected(false);
        self.persist.set_push_connected(true);
    }

    fn received(&self, from: u64, txn: Transaction) {
        self.send(Some(from), &PushMessage::Transaction(txn.clone()));
        self.persist.receive(txn);
    }
}

struct Service {
    doorkeeper: Arc<Doorkeeper>,
    fan: Arc<Fan>,
}

#[async_trait::async_trait]
impl Storage for Service {
    type PushStream = BoxStream<'static, Result<Envelope, Status>>;

    async fn push(&self, request: Request<Streaming<Envelope>>) -> Result<Response<Self::PushStream>, Status> {
        let mut inbound = request.into_inner();
        self.doorkeeper.admit(&mut inbound).await?;
        // ORDER: subscribed before the answer goes out; the caller reads the stores again after it, so nothing falls between.
        let (id, messages) = self.fan.subscribe();
        tokio::spawn(serve_publisher(self.fan.clone(), id, Incoming::new(inbound)));
        Ok(Response::new(Box::pin(self.doorkeeper.answer(messages))))
    }
}

/// Takes in what one process publishes until its stream ends.
async fn serve_publisher(fan: Arc<Fan>, id: u64, mut inbound: Incoming<PushMessage>) {
    // What it committed before it was connected was not pushed.
    fan.resync(id);
    loop {
        match inbound.next().await {
            Ok(Some(PushMessage::Transaction(txn))) => fan.received(id, txn),
            Ok(Some(PushMessage::Resync)) => fan.resync(id),
            Ok(None) => break,
            Err(status) => {
                tracing::info!("push connection ended: {}", status.message());
                break;
            }
        }
    }
    fan.lock().queues.remove(&id);
    fan.resync(id);
}
