//! The first packets of a connection: TLS and cancel requests, start-up parameters.

use super::codec::{self, Encoder, Startup};
use super::registry::Registry;
use crate::session::vars::Vars;
use bytes::BytesMut;
use repr::{SqlError, SqlState};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a client may take to introduce itself.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

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

/// Reads packets until the client has introduced itself; none if the connection was for something else.
pub async fn greet(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    registry: &Registry,
) -> Result<Option<Greeting>, SqlError> {
    let wait = async {
        loop {
            match next_packet(stream, buffer).await? {
                Some(Startup::Ssl | Startup::Gss) => {
                    // Neither is served: the client goes on in plain text or gives up.
                    if stream.write_all(b"N").await.is_err() {
                        return Ok(None);
                    }
                }
                Some(Startup::Cancel(id, secret)) => {
                    registry.cancel(id, secret);
                    return Ok(None);
                }
                Some(Startup::Start(version, parameters)) => return introduce(version, parameters).map(Some),
                None => return Ok(None),
            }
        }
    };
    tokio::time::timeout(STARTUP_TIMEOUT, wait).await.unwrap_or(Ok(None))
}

async fn next_packet(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<Option<Startup>, SqlError> {
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
