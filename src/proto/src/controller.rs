//! The controller protocol: one stream a replica process, commands down, responses up.
//!
//! environmentd calls [`connect`]; storaged and computed [`serve`] and take one [`Session`] after the other: a newer one replaces the older.
//! A connection that ends does so on both queues: receiving gives `None`, sending fails. [`local_pair`] is the same without a network.

use crate::generated::Envelope;
use crate::generated::controller_client::ControllerClient;
use crate::generated::controller_server::{Controller, ControllerServer};
use crate::wire::{self, Doorkeeper, Hello, Incoming, ProtocolError, QUEUE_MESSAGES_MAX};
use futures::stream::BoxStream;
use serde::{Serialize, de::DeserializeOwned};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// environmentd's end of a connection. Dropping it ends the session on the other side.
#[derive(Debug)]
pub struct Connection<C, R> {
    /// To the replica; waits while it is slow.
    pub commands: mpsc::Sender<C>,
    /// From the replica; `None` once the connection is gone.
    pub responses: mpsc::Receiver<R>,
    /// Who answered.
    pub peer: Hello,
}

/// A replica's end of a connection. Dropping it ends the connection on the other side.
#[derive(Debug)]
pub struct Session<C, R> {
    /// From environmentd; `None` once the connection is gone.
    pub commands: mpsc::Receiver<C>,
    /// To environmentd; waits while it is slow.
    pub responses: mpsc::Sender<R>,
    /// Who called, under which epoch: never lower than that of an earlier session.
    pub peer: Hello,
}

/// Connects to the replica process at `addr` (`host:port`) and shakes hands.
pub async fn connect<C, R>(addr: &str, hello: &Hello) -> Result<Connection<C, R>, ProtocolError>
where
    C: Serialize + Send + 'static,
    R: DeserializeOwned + Send + 'static,
{
    let channel = wire::endpoint(addr)?.connect().await;
    let channel = channel.map_err(|error| wire::unreachable_at(addr, &error))?;
    let (commands, outbound) = mpsc::channel(QUEUE_MESSAGES_MAX);
    let answer = ControllerClient::new(channel).session(wire::request(hello, outbound)).await;
    let mut inbound = answer.map_err(|status| ProtocolError::of_status(addr, &status))?.into_inner();
    let peer = wire::greet(addr, &mut inbound).await?;
    let (queue, responses) = mpsc::channel(QUEUE_MESSAGES_MAX);
    let addr = addr.to_string();
    tokio::spawn(async move {
        if let Err(status) = Incoming::new(inbound).forward(queue).await {
            tracing::info!("{}", ProtocolError::of_status(&addr, &status));
        }
    });
    Ok(Connection { commands, responses, peer })
}

/// Sessions as they come in; dropping it closes the port.
#[derive(Debug)]
pub struct Sessions<C, R> {
    sessions: mpsc::Receiver<Session<C, R>>,
    addr: SocketAddr,
    server: JoinHandle<()>,
}

impl<C, R> Sessions<C, R> {
    /// The next session; `None` only if the server died. May be cancelled.
    pub async fn next(&mut self) -> Option<Session<C, R>> {
        self.sessions.recv().await
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

impl<C, R> Drop for Sessions<C, R> {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves the controller protocol. Callers of another build, with another token than `hello`'s or an epoch below the greatest seen are refused.
pub fn serve<C, R>(listener: TcpListener, hello: Hello) -> std::io::Result<Sessions<C, R>>
where
    C: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    let addr = listener.local_addr()?;
    // One session is served at a time: a second waits here while the first is being given up.
    let (accepted, sessions) = mpsc::channel(4);
    let service = Service { doorkeeper: Arc::new(Doorkeeper::new(hello)), accepted };
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tokio::spawn(async move {
        let served = wire::server().add_service(ControllerServer::new(service)).serve_with_incoming(incoming).await;
        if let Err(error) = served {
            tracing::error!("controller protocol on {addr} ended: {error}");
        }
    });
    Ok(Sessions { sessions, addr, server })
}

struct Service<C, R> {
    doorkeeper: Arc<Doorkeeper>,
    accepted: mpsc::Sender<Session<C, R>>,
}

#[async_trait::async_trait]
impl<C, R> Controller for Service<C, R>
where
    C: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    type SessionStream = BoxStream<'static, Result<Envelope, Status>>;

    async fn session(&self, request: Request<Streaming<Envelope>>) -> Result<Response<Self::SessionStream>, Status> {
        let mut inbound = request.into_inner();
        let peer = self.doorkeeper.admit(&mut inbound).await?;
        let (responses, outbound) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let (queue, commands) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let session = Session { commands, responses, peer };
        self.accepted.send(session).await.map_err(|_| Status::unavailable("shutting down"))?;
        tokio::spawn(async move {
            if let Err(status) = Incoming::new(inbound).forward(queue).await {
                tracing::info!("controller connection ended: {}", status.message());
            }
        });
        Ok(Response::new(Box::pin(self.doorkeeper.answer(outbound))))
    }
}

/// Both ends of a connection inside one process.
pub fn local_pair<C, R>(hello: &Hello) -> (Connection<C, R>, Session<C, R>) {
    let (command_sender, commands) = mpsc::channel(QUEUE_MESSAGES_MAX);
    let (response_sender, responses) = mpsc::channel(QUEUE_MESSAGES_MAX);
    let connection = Connection { commands: command_sender, responses, peer: hello.clone() };
    (connection, Session { commands, responses: response_sender, peer: hello.clone() })
}

#[cfg(test)]
mod tests;
