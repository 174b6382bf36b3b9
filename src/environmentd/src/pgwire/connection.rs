//! One client's connection: a reading task that cuts frames, and a loop that handles them in order.

use super::codec::{self, Encoder, Frame, Frontend};
use super::interrupt::{Interrupt, terminated};
use super::registry::{Registration, Registry};
use super::security::Security;
use super::startup::{self, Greeting};
use super::stream::{Reader, Stream, Writer};
use crate::coord::{Environment, SessionHandle, SessionInfo};
use crate::session::Session;
use crate::session::prepared::Portal;
use bytes::BytesMut;
use futures::FutureExt;
use repr::{SqlError, SqlState};
use sql::plan::Params;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What was read ahead of the frame being handled: as often a read, of some 8 KiB or one larger frame.
const READS_AHEAD: usize = 8;
/// Output is sent when so many bytes have gathered.
pub(super) const SEND_BYTES: usize = 64 << 10;

/// Serves one client, from its first packet to its last.
pub async fn run(stream: TcpStream, peer: SocketAddr, env: Environment, registry: Arc<Registry>, security: Security) {
    let mut buffer = BytesMut::with_capacity(8 << 10);
    let mut stream = Stream::Plain(stream);
    let greeted = startup::greet(&mut stream, &mut buffer, &registry, &security).await;
    let admitted = match greeted {
        Ok(None) => return,
        Ok(Some(greeting)) => match registry.register() {
            Some(registration) => Ok((greeting, registration)),
            None => Err(SqlError::new(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already")),
        },
        Err(error) => Err(error),
    };
    let admitted = admitted.and_then(|admitted| check_database(&env, &admitted.0).map(|()| admitted));
    match admitted {
        Ok((greeting, registration)) => serve(stream, buffer, peer, env, greeting, registration).await,
        Err(error) => {
            let mut out = BytesMut::new();
            Encoder(&mut out).report(b'E', "FATAL", &error);
            let _ = stream.write_all(&out).await;
            let _ = stream.shutdown().await;
        }
    }
}

fn check_database(env: &Environment, greeting: &Greeting) -> Result<(), SqlError> {
    let database = greeting.vars.get("database")?;
    if env.catalog().has_database(database) {
        return Ok(());
    }
    Err(SqlError::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{database}\" does not exist")))
}

async fn serve(
    stream: Stream,
    buffer: BytesMut,
    peer: SocketAddr,
    env: Environment,
    greeting: Greeting,
    registration: Registration,
) {
    let mut out = BytesMut::with_capacity(8 << 10);
    startup::welcome(&mut out, &greeting, registration.id, registration.secret);
    let (reader, writer) = stream.into_split();
    let (sender, frames) = mpsc::channel(READS_AHEAD);
    let gone = CancellationToken::new();
    let reading = tokio::spawn(read(reader, buffer, sender, gone.clone()));
    let id = registration.id;
    let (info, name) = (session_info(&env, &greeting, peer), greeting.application_name.clone());
    let handle = env.sessions().register(id, info, name, registration.cancel.clone(), env.now_us());
    let session = Session::new(env.clone(), id, greeting.user, greeting.vars);
    let mut connection = Connection {
        frames,
        ready: VecDeque::new(),
        writer,
        out,
        session,
        portals: BTreeMap::new(),
        registration,
        handle,
        gone,
        skipping: false,
        batch_failed: false,
        context: None,
    };
    connection.run().await;
    connection.session.end().await;
    reading.abort();
    env.sessions().unregister(id);
}

fn session_info(env: &Environment, greeting: &Greeting, peer: SocketAddr) -> SessionInfo {
    SessionInfo {
        user: greeting.user.clone(),
        database: greeting.vars.get("database").unwrap_or_default().to_string(),
        client_addr: Some(peer.to_string()),
        connected_at: env.now_ms(),
    }
}

/// Cuts frames until the client goes away.
async fn read(
    mut reader: Reader,
    mut buffer: BytesMut,
    sender: mpsc::Sender<VecDeque<Frame>>,
    gone: CancellationToken,
) {
    loop {
        let mut frames = VecDeque::new();
        let mut broken = false;
        while !broken && let Some(frame) = codec::decode(&mut buffer) {
            broken = matches!(frame, Frame::Broken(_));
            frames.push_back(frame);
        }
        if !frames.is_empty() && (sender.send(frames).await.is_err() || broken) {
            return;
        }
        if !matches!(reader.read_buf(&mut buffer).await, Ok(read) if read > 0) {
            gone.cancel();
            return;
        }
    }
}

/// Whether the loop goes on.
pub(super) enum Next {
    /// With the next message.
    Continue,
    /// The connection ends.
    Close,
}

/// The state of one connection.
pub(super) struct Connection {
    frames: mpsc::Receiver<VecDeque<Frame>>,
    /// Came with the frame being handled.
    ready: VecDeque<Frame>,
    writer: Writer,
    pub(super) out: BytesMut,
    pub(super) session: Session,
    pub(super) portals: BTreeMap<String, Portal>,
    registration: Registration,
    pub(super) handle: Arc<SessionHandle>,
    gone: CancellationToken,
    /// After an error in an extended batch: ignore everything up to Sync.
    pub(super) skipping: bool,
    /// Whether anything in the present extended batch failed.
    pub(super) batch_failed: bool,
    /// Where the error that is about to be reported happened: a line of a COPY.
    pub(super) context: Option<String>,
}

impl Connection {
    async fn run(&mut self) {
        if self.send().await.is_err() {
            return;
        }
        while let Some(frame) = self.next_frame().await {
            let handled = AssertUnwindSafe(self.handle(frame)).catch_unwind().await;
            match handled {
                Ok(Ok(_)) if self.is_terminated() => break,
                Ok(Ok(Next::Continue)) => (),
                Ok(Ok(Next::Close) | Err(_)) => break,
                Err(_panic) => {
                    self.report_fatal(&SqlError::internal("a statement failed in an unexpected way"));
                    break;
                }
            }
        }
        let _ = self.send().await;
    }

    /// The next frame; none when the client is gone or idles too long in a transaction.
    async fn next_frame(&mut self) -> Option<Frame> {
        let idle = if self.session.transaction.is_explicit() { self.session.vars.idle_timeout() } else { None };
        let terminate = self.handle.terminated().clone();
        let received = async {
            match idle {
                None => Ok(self.receive().await),
                Some(idle) => tokio::time::timeout(idle, self.receive()).await,
            }
        };
        let received = tokio::select! {
            received = received => received,
            () = terminate.cancelled() => {
                self.report_fatal(&terminated());
                return None;
            }
        };
        match received {
            Ok(frame) => frame,
            Err(_elapsed) => {
                let what = "terminating connection due to idle-in-transaction timeout";
                self.report_fatal(&SqlError::new(SqlState(*b"25P03"), what));
                None
            }
        }
    }

    /// The next frame, however long it takes; none when the client is gone. Cancelled, it has taken none.
    pub(super) async fn receive(&mut self) -> Option<Frame> {
        if self.ready.is_empty() {
            self.ready = self.frames.recv().await?;
        }
        self.ready.pop_front()
    }

    async fn handle(&mut self, frame: Frame) -> std::io::Result<Next> {
        let message = match frame {
            Frame::Message(Ok(message)) => message,
            Frame::Message(Err(error)) => {
                self.report(error);
                self.skipping = true;
                return Ok(Next::Continue);
            }
            Frame::Broken(error) => {
                self.report_fatal(&error);
                return Ok(Next::Close);
            }
        };
        match message {
            Frontend::Terminate => return Ok(Next::Close),
            Frontend::Sync => self.sync().await?,
            _ if self.skipping => (),
            Frontend::Query(sql) => self.query(&sql).await?,
            Frontend::Flush => self.send().await?,
            // Leftovers of a COPY that ended with an error; PostgreSQL ignores them too.
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) | Frontend::Password(_) => (),
            extended => self.extended(extended).await?,
        }
        Ok(Next::Continue)
    }

    /// A simple query: any number of statements in one transaction.
    async fn query(&mut self, sql: &str) -> std::io::Result<()> {
        let mut interrupt = self.interrupt();
        self.runs(sql);
        let result = self.statements(sql, &mut interrupt).await;
        let failed = result.is_err();
        if let Err(error) = result {
            self.report(error);
        }
        if let Err(error) = self.session.finish(failed).await {
            self.report(error);
        }
        self.ready().await
    }

    async fn statements(&mut self, sql: &str, interrupt: &mut Interrupt) -> Result<(), SqlError> {
        let statements = sql::parse(sql)?;
        if statements.is_empty() {
            Encoder(&mut self.out).empty(b'I');
        }
        if statements.len() > 1 {
            self.session.begin_implicit();
        }
        for statement in statements {
            let outcome = interrupt.run(self.session.execute(&statement, &Params::default())).await?;
            self.notices();
            self.respond(outcome, interrupt).await?;
        }
        Ok(())
    }

    /// Armed for what the client asks next.
    pub(super) fn interrupt(&self) -> Interrupt {
        let timeout = self.session.vars.statement_timeout();
        let (cancel, terminate) = (Arc::clone(&self.registration.cancel), self.handle.terminated().clone());
        Interrupt::new(cancel, self.gone.clone(), terminate, timeout)
    }

    /// Lets others see what is run.
    pub(super) fn runs(&self, query: &str) {
        self.handle.runs(query, self.session.now_us(), self.session.transaction.since_us());
    }

    /// Whether the session is to end, and the client has been told so.
    fn is_terminated(&self) -> bool {
        self.handle.terminated().is_cancelled()
    }

    /// Sends all gathered output.
    pub(super) async fn send(&mut self) -> std::io::Result<()> {
        while !self.out.is_empty() {
            self.writer.write_buf(&mut self.out).await?;
        }
        self.writer.flush().await
    }

    /// Sends gathered output, unless interrupted; what was not sent stays, whole messages all of it.
    pub(super) async fn send_rows(&mut self, interrupt: &mut Interrupt) -> Result<(), SqlError> {
        let lost = |e: std::io::Error| SqlError::new(SqlState::CONNECTION_EXCEPTION, e.to_string());
        interrupt.run(async { self.send().await.map_err(lost) }).await
    }

    /// ReadyForQuery, after everything that is to be told.
    pub(super) async fn ready(&mut self) -> std::io::Result<()> {
        self.notices();
        for (name, value) in self.session.vars.take_changes() {
            if name == "application_name" {
                self.handle.renamed(&value);
            }
            Encoder(&mut self.out).parameter_status(name, &value);
        }
        let transaction = &self.session.transaction;
        self.handle.waits(transaction.activity(), self.session.now_us(), transaction.since_us());
        if self.is_terminated() {
            return self.send().await;
        }
        if !self.session.transaction.is_explicit() {
            self.portals.clear();
        }
        Encoder(&mut self.out).ready(self.session.transaction.status());
        self.send().await
    }

    /// Sends the notices that statements left.
    pub(super) fn notices(&mut self) {
        for notice in self.session.take_notices() {
            let warning = notice.code.0.starts_with(b"25") || notice.code == SqlState::WARNING;
            Encoder(&mut self.out).report(b'N', if warning { "WARNING" } else { "NOTICE" }, &notice);
        }
    }

    /// Tells the client of an error; its transaction fails with it.
    pub(super) fn report(&mut self, error: SqlError) {
        self.notices();
        self.session.fail();
        self.portals.clear();
        let context = self.context.take();
        let severity = if self.is_terminated() { "FATAL" } else { "ERROR" };
        Encoder(&mut self.out).report_in(b'E', severity, &error, context.as_deref());
    }

    fn report_fatal(&mut self, error: &SqlError) {
        Encoder(&mut self.out).report(b'E', "FATAL", error);
    }
}
