//! The first packets of a connection: TLS and cancel requests, start-up parameters.

use super::codec::{self, Encoder, Frame, Frontend, Startup};
use super::registry::Registry;
use super::scram::MECHANISM;
use super::security::Security;
use super::stream::Stream;
use crate::session::vars::Vars;
use bytes::BytesMut;
use repr::{SqlError, SqlState};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long a client may take to introduce itself.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest message of a client that is not in yet.
const PASSWORD_BYTES_MAX: usize = 10_000;

/// Who wants what.
pub struct Greeting {
    /// Role.
    pub user: String,
    /// As the client calls itself.
    pub application_name: String,
    /// Variables as the client wants them.
    pub vars: Vars,
    /// The minor protocol version asked for, beyond 3.0.
    pub minor: u32,
    /// Protocol options that are not known.
    pub unknown_options: Vec<String>,
}

/// Reads packets until the client has introduced itself and shown that it may come in; none if the connection was for something else.
pub async fn greet(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    registry: &Registry,
    security: &Security,
) -> Result<Option<Greeting>, SqlError> {
    let wait = async {
        loop {
            match next_packet(stream, buffer).await? {
                Some(Startup::Ssl) if start_tls(stream, buffer, security).await? => {}
                Some(Startup::Ssl | Startup::Gss) => {
                    // Not served: the client goes on as it is or gives up.
                    if stream.write_all(b"N").await.is_err() {
                        return Ok(None);
                    }
                }
                Some(Startup::Cancel(id, secret)) => {
                    registry.cancel(id, secret);
                    return Ok(None);
                }
                Some(Startup::Start(version, parameters)) => {
                    let greeting = introduce(version, parameters)?;
                    authenticate(stream, buffer, security, &greeting.user).await?;
                    return Ok(Some(greeting));
                }
                None => return Ok(None),
            }
        }
    };
    tokio::time::timeout(STARTUP_TIMEOUT, wait).await.unwrap_or(Ok(None))
}

/// Goes over to TLS, if it is offered here; false if it is not, or is in use already.
async fn start_tls(stream: &mut Stream, buffer: &BytesMut, security: &Security) -> Result<bool, SqlError> {
    let (Stream::Plain(_), Some(acceptor)) = (&*stream, &security.tls) else { return Ok(false) };
    if !buffer.is_empty() {
        // What was sent before the handshake could be anyone's.
        let what = "received unencrypted data after SSL request";
        return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, what));
    }
    let failed = |error: std::io::Error| SqlError::new(SqlState::CONNECTION_EXCEPTION, error.to_string());
    stream.write_all(b"S").await.map_err(failed)?;
    if let Stream::Plain(plain) = std::mem::replace(stream, Stream::Gone) {
        *stream = Stream::Tls(Box::new(acceptor.accept(plain).await.map_err(failed)?));
    }
    Ok(true)
}

/// Asks for the password, if there is one.
async fn authenticate(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    security: &Security,
    user: &str,
) -> Result<(), SqlError> {
    let Some(verifier) = &security.password else { return Ok(()) };
    let initial = ask(stream, buffer, |e| e.authentication_sasl(MECHANISM)).await?;
    let exchange = verifier.first(&initial_response(&initial)?)?;
    let last = ask(stream, buffer, |e| e.authentication_continue(&exchange.server_first)).await?;
    let last = std::str::from_utf8(&last).map_err(|_| malformed())?;
    // A role without a password is refused after the same exchange as a wrong password, so that nobody learns which roles there are.
    match exchange.last(verifier, last)?.filter(|_| Security::admits(user)) {
        Some(signature) => send(stream, |e| e.authentication_final(&signature)).await,
        None => {
            let what = format!("password authentication failed for user \"{user}\"");
            Err(SqlError::new(SqlState::INVALID_PASSWORD, what))
        }
    }
}

fn malformed() -> SqlError {
    SqlError::new(SqlState::PROTOCOL_VIOLATION, "malformed SASL message")
}

/// The client's first message, of the mechanism that was offered.
fn initial_response(body: &[u8]) -> Result<String, SqlError> {
    let end = body.iter().position(|b| *b == 0).ok_or_else(malformed)?;
    if &body[..end] != MECHANISM.as_bytes() {
        let what = "client selected an invalid SASL authentication mechanism";
        return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, what));
    }
    // Its length is that of the rest.
    let message = body.get(end + 5..).ok_or_else(malformed)?;
    String::from_utf8(message.to_vec()).map_err(|_| malformed())
}

async fn send(stream: &mut Stream, message: impl FnOnce(&mut Encoder<'_>)) -> Result<(), SqlError> {
    let mut out = BytesMut::new();
    message(&mut Encoder(&mut out));
    let lost = |error: std::io::Error| SqlError::new(SqlState::CONNECTION_EXCEPTION, error.to_string());
    stream.write_all(&out).await.map_err(lost)?;
    stream.flush().await.map_err(lost)
}

/// Sends a request for a password message, and reads it.
async fn ask(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    message: impl FnOnce(&mut Encoder<'_>),
) -> Result<bytes::Bytes, SqlError> {
    send(stream, message).await?;
    loop {
        // A password is short: nothing else is read before a client is in.
        if buffer.len() > PASSWORD_BYTES_MAX {
            return Err(malformed());
        }
        match codec::decode(buffer) {
            Some(Frame::Message(Ok(Frontend::Password(body)))) => return Ok(body),
            Some(_) => {
                let what = "expected SASL response, got another message";
                return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, what));
            }
            None => {}
        }
        if !matches!(stream.read_buf(buffer).await, Ok(read) if read > 0) {
            return Err(SqlError::new(SqlState::CONNECTION_EXCEPTION, "the client went away"));
        }
    }
}

async fn next_packet(stream: &mut Stream, buffer: &mut BytesMut) -> Result<Option<Startup>, SqlError> {
    loop {
        if let Some(packet) = codec::decode_startup(buffer)? {
            return Ok(Some(packet));
        }
        if !matches!(stream.read_buf(buffer).await, Ok(read) if read > 0) {
            return Ok(None);
        }
    }
}

fn introduce(version: u32, parameters: Vec<(String, String)>) -> Result<Greeting, SqlError> {
    let mut user = None;
    let mut variables = Vec::new();
    let mut unknown_options = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "user" => user = Some(value),
            "options" => variables.extend(parse_options(&value)?),
            "replication" => return Err(SqlError::unsupported("replication")),
            name if name.starts_with("_pq_.") => unknown_options.push(name.to_string()),
            _ => variables.push((name, value)),
        }
    }
    let user = user
        .filter(|u| !u.is_empty())
        .ok_or_else(|| SqlError::new(SqlState(*b"28000"), "no PostgreSQL user name specified in startup packet"))?;
    let mut vars = Vars::default();
    vars.start(&user, &variables)?;
    let application_name = vars.get("application_name")?.to_string();
    Ok(Greeting { user, application_name, vars, minor: version & 0xFFFF, unknown_options })
}

/// `-c name=value`, `-cname=value` and `--name=value`, separated by spaces; a backslash keeps the next character.
fn parse_options(text: &str) -> Result<Vec<(String, String)>, SqlError> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut characters) = (String::new(), text.chars());
    while let Some(c) = characters.next() {
        match c {
            '\\' => word.extend(characters.next()),
            c if c.is_whitespace() => words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty())),
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|w| !w.is_empty()));
    let mut words = words.into_iter();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next(),
            setting => setting.map(str::to_string),
        };
        let pair = setting.as_deref().and_then(|s| s.split_once('='));
        let Some((name, value)) = pair else {
            let what = format!("invalid command-line argument for server process: {word}");
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, what));
        };
        options.push((name.trim().replace('-', "_"), value.to_string()));
    }
    Ok(options)
}

/// What a client is told once it is in.
pub fn welcome(out: &mut BytesMut, greeting: &Greeting, id: u32, secret: i32) {
    let mut encoder = Encoder(out);
    if greeting.minor > 0 || !greeting.unknown_options.is_empty() {
        let unknown: Vec<_> = greeting.unknown_options.iter().map(String::as_str).collect();
        encoder.negotiate_version(&unknown);
    }
    encoder.authentication_ok();
    for (name, value) in greeting.vars.reported() {
        encoder.parameter_status(name, &value);
    }
    encoder.backend_key(id as i32, secret);
    encoder.ready(b'I');
}
