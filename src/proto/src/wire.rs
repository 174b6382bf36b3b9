//! The envelope: handshake, and messages, in batches, cut into parts.
//!
//! [`crate::controller`] and [`crate::push`] stand on it. LAW: a message arrives complete or not at all, and in the order it was sent; when a
//! stream breaks, both sides see its end within seconds, also when the peer has merely stopped (HTTP/2 keepalive).

use crate::generated::{Envelope, Hello as WireHello, Part, envelope::Body};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Status, Streaming};

/// Payload of one part: far below gRPC's limit of 4 MiB a message, large enough that the envelope costs nothing.
const PART_BYTES_MAX: usize = 1 << 20;
/// A larger batch is a mistake of the sender; the stream ends.
pub(crate) const BATCH_BYTES_MAX: usize = 1 << 30;
/// Messages of one batch: enough to share the cost of sending, few enough that a batch of rows stays small.
const BATCH_MESSAGES_MAX: usize = 32;
/// Messages that wait in a queue of a connection: enough to keep both sides busy; a message of rows is about 1 MiB.
pub(crate) const QUEUE_MESSAGES_MAX: usize = 256;
/// A peer that does not say hello within this time is not one of ours.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How often an HTTP/2 ping is sent, and how long its answer may take: a stopped peer is noticed in ten seconds, a merely busy one is not.
const PING_INTERVAL: Duration = Duration::from_secs(3);
const PING_TIMEOUT: Duration = Duration::from_secs(7);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Flow control windows: one message of rows and more in flight, so that a result streams at full speed.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;

/// Who a process is, for the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// See [`crate::build_id`].
    pub build: String,
    /// Shared by the processes of one environment.
    pub token: String,
    /// Of the calling environmentd; 0 where none is known.
    pub epoch: u64,
    /// Random, new with each start of a process.
    pub process: String,
}

impl Hello {
    /// This build, with a new process name.
    pub fn new(token: impl Into<String>, epoch: u64) -> Self {
        Hello {
            build: crate::build_id().to_string(),
            token: token.into(),
            epoch,
            process: uuid::Uuid::new_v4().to_string(),
        }
    }

    fn envelope(&self, with_token: bool) -> Envelope {
        let token = if with_token { self.token.clone() } else { String::new() };
        let hello = WireHello { build: self.build.clone(), token, epoch: self.epoch, process: self.process.clone() };
        Envelope { body: Some(Body::Hello(hello)) }
    }
}

/// Why there is no connection, or no longer one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Nobody answers there; worth another try.
    #[error("cannot connect to {addr}: {reason}")]
    Unreachable {
        /// Where.
        addr: String,
        /// What the network said.
        reason: String,
    },
    /// The peer is of another build.
    #[error("{addr} is of another build: {reason}")]
    WrongBuild {
        /// Where.
        addr: String,
        /// Both builds.
        reason: String,
    },
    /// The peer belongs to another environment, or is none of ours.
    #[error("{addr} refused the token")]
    WrongToken {
        /// Where.
        addr: String,
    },
    /// The peer has already heard from a newer environmentd.
    #[error("{addr} serves a newer environmentd: {reason}")]
    Fenced {
        /// Where.
        addr: String,
        /// Both epochs.
        reason: String,
    },
    /// The connection broke, or the peer said something that is not of this protocol.
    #[error("connection to {addr} failed: {reason}")]
    Broken {
        /// Where.
        addr: String,
        /// What happened.
        reason: String,
    },
}

impl ProtocolError {
    /// Reads the status with which a peer at `addr` refused or ended a stream.
    pub(crate) fn of_status(addr: &str, status: &Status) -> Self {
        let (addr, reason) = (addr.to_string(), status.message().to_string());
        match status.code() {
            Code::FailedPrecondition => ProtocolError::WrongBuild { addr, reason },
            Code::Unauthenticated => ProtocolError::WrongToken { addr },
            Code::Aborted => ProtocolError::Fenced { addr, reason },
            Code::Unavailable => ProtocolError::Unreachable { addr, reason },
            _ => ProtocolError::Broken { addr, reason },
        }
    }
}

/// The server's side of the handshake.
#[derive(Debug)]
pub(crate) struct Doorkeeper {
    hello: Hello,
    /// The greatest epoch that was let in; none where callers of all epochs are.
    epoch: Option<AtomicU64>,
}

impl Doorkeeper {
    /// Lets in who belongs here, unless someone of a greater epoch came before.
    pub(crate) fn new(hello: Hello) -> Self {
        let epoch = Some(AtomicU64::new(hello.epoch));
        Doorkeeper { hello, epoch }
    }

    /// Lets in everyone who belongs here: for what is merely faster with it, where most callers know no epoch.
    pub(crate) fn without_epochs(hello: Hello) -> Self {
        Doorkeeper { hello, epoch: None }
    }

    /// Reads the peer's hello and lets it in, or says why not.
    pub(crate) async fn admit(&self, inbound: &mut Streaming<Envelope>) -> Result<Hello, Status> {
        let first = tokio::time::timeout(HELLO_TIMEOUT, inbound.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("no hello within 10 s"))??;
        let Some(Envelope { body: Some(Body::Hello(hello)) }) = first else {
            return Err(Status::invalid_argument("the first message must be a hello"));
        };
        if !equal_secrets(&hello.token, &self.hello.token) {
            return Err(Status::unauthenticated("wrong token"));
        }
        if hello.build != self.hello.build {
            let reason = format!("it runs {}, the caller {}", self.hello.build, hello.build);
            return Err(Status::failed_precondition(reason));
        }
        let newest = self.epoch.as_ref().map_or(0, |epoch| epoch.fetch_max(hello.epoch, Ordering::SeqCst));
        if hello.epoch < newest {
            return Err(Status::aborted(format!("epoch {newest}, the caller's is {}", hello.epoch)));
        }
        Ok(Hello { build: hello.build, token: String::new(), epoch: hello.epoch, process: hello.process })
    }

    /// What a stream that was let in answers: hello, then the messages of `queue`.
    pub(crate) fn answer<T: Serialize + Send + 'static>(
        &self,
        queue: mpsc::Receiver<T>,
    ) -> impl Stream<Item = Result<Envelope, Status>> + Send + use<T> {
        let hello = self.hello.envelope(false);
        stream::once(async move { Ok(hello) }).chain(outgoing(queue))
    }
}

/// In time that does not depend on where they differ.
fn equal_secrets(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

/// What a caller sends: hello, then the messages of `queue`.
pub(crate) fn request<T: Serialize + Send + 'static>(
    hello: &Hello,
    queue: mpsc::Receiver<T>,
) -> impl Stream<Item = Envelope> + Send + use<T> {
    let hello = hello.envelope(true);
    // A message that cannot be encoded ends the stream; the peer sees a broken connection, never a gap.
    let messages = outgoing(queue).take_while(|part| {
        if let Err(status) = part {
            tracing::error!("message not sent: {}", status.message());
        }
        std::future::ready(part.is_ok())
    });
    stream::once(async move { hello }).chain(messages.filter_map(|part| std::future::ready(part.ok())))
}

/// The caller's side of the handshake: waits for the answer to its hello.
pub(crate) async fn greet(addr: &str, inbound: &mut Streaming<Envelope>) -> Result<Hello, ProtocolError> {
    let broken = |reason: &str| ProtocolError::Broken { addr: addr.to_string(), reason: reason.to_string() };
    let first = tokio::time::timeout(HELLO_TIMEOUT, inbound.message()).await;
    let first = first.map_err(|_| broken("no hello within 10 s"))?;
    match first.map_err(|status| ProtocolError::of_status(addr, &status))? {
        Some(Envelope { body: Some(Body::Hello(hello)) }) => {
            Ok(Hello { build: hello.build, token: String::new(), epoch: hello.epoch, process: hello.process })
        }
        _ => Err(broken("the first message was not a hello")),
    }
}

fn outgoing<T: Serialize + Send + 'static>(
    queue: mpsc::Receiver<T>,
) -> impl Stream<Item = Result<Envelope, Status>> + Send {
    // What has gathered while the connection was busy goes out at once: under load the cost of an envelope is shared.
    let batches = tokio_stream::wrappers::ReceiverStream::new(queue).ready_chunks(BATCH_MESSAGES_MAX);
    batches.flat_map(|batch| stream::iter(encode(&batch)))
}

/// A batch of messages as parts.
fn encode<T: Serialize>(batch: &[T]) -> Vec<Result<Envelope, Status>> {
    let bytes = match postcard::to_stdvec(batch) {
        Ok(bytes) if bytes.len() <= BATCH_BYTES_MAX => Bytes::from(bytes),
        Ok(bytes) => return vec![Err(Status::internal(format!("messages of {} bytes are too large", bytes.len())))],
        Err(error) => return vec![Err(Status::internal(format!("cannot encode a message: {error}")))],
    };
    let mut parts = Vec::with_capacity(bytes.len() / PART_BYTES_MAX + 1);
    let mut start = 0;
    loop {
        let end = bytes.len().min(start + PART_BYTES_MAX);
        let last = end == bytes.len();
        let part = Part { payload: bytes.slice(start..end), last };
        parts.push(Ok(Envelope { body: Some(Body::Part(part)) }));
        if last {
            return parts;
        }
        start = end;
    }
}

/// Puts parts together again.
pub(crate) struct Incoming<T> {
    stream: Streaming<Envelope>,
    /// Parts of a batch that is not whole yet.
    pending: Vec<u8>,
    /// Messages that came and were not asked for yet.
    ready: VecDeque<T>,
}

impl<T: DeserializeOwned> Incoming<T> {
    /// Reads what follows the hello.
    pub(crate) fn new(stream: Streaming<Envelope>) -> Self {
        Incoming { stream, pending: Vec::new(), ready: VecDeque::new() }
    }

    /// The next message; `None` when the peer has closed the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, Status> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Some(message));
            }
            let part = match self.stream.message().await? {
                Some(Envelope { body: Some(Body::Part(part)) }) => part,
                Some(_) => return Err(Status::invalid_argument("unexpected envelope")),
                None => return Ok(None),
            };
            if self.pending.len() + part.payload.len() > BATCH_BYTES_MAX {
                return Err(Status::invalid_argument("message too large"));
            }
            if part.last && self.pending.is_empty() {
                self.ready = decode(&part.payload)?;
                continue;
            }
            self.pending.extend_from_slice(&part.payload);
            if part.last {
                self.ready = decode(&std::mem::take(&mut self.pending))?;
            }
        }
    }

    /// Forwards messages to `queue` until either side ends; says why if the peer's did in error.
    pub(crate) async fn forward(mut self, queue: mpsc::Sender<T>) -> Result<(), Status> {
        loop {
            let message = tokio::select! {
                message = self.next() => message?,
                () = queue.closed() => return Ok(()),
            };
            let Some(message) = message else { return Ok(()) };
            if queue.send(message).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Status> {
    postcard::from_bytes(bytes).map_err(|error| Status::invalid_argument(format!("malformed message: {error}")))
}

/// A client's connection settings.
pub(crate) fn endpoint(addr: &str) -> Result<Endpoint, ProtocolError> {
    let endpoint = Endpoint::from_shared(format!("http://{addr}"));
    let endpoint = endpoint.map_err(|error| unreachable_at(addr, &error))?;
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES))
}

/// With the causes, which is where the network's own words are.
pub(crate) fn unreachable_at(addr: &str, error: &dyn std::error::Error) -> ProtocolError {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    ProtocolError::Unreachable { addr: addr.to_string(), reason }
}

/// A server's connection settings.
pub(crate) fn server() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(PING_INTERVAL))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
}
