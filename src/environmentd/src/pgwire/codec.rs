//! PostgreSQL's frontend/backend protocol 3.0 as bytes: frontend messages decoded, backend messages encoded.
//!
//! Called by `connection` and its helpers. Promise: no input panics; a malformed body is an error with SQLSTATE 08P01 (or 22021 for text that
//! is not UTF-8) that leaves the stream in step, because a frame is cut out by its length before its body is looked at.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use repr::{SqlError, SqlState};

/// Longest frame that a client may send, in bytes.
pub const FRAME_BYTES_MAX: usize = 256 << 20;
/// Longest start-up packet, in bytes, as in PostgreSQL.
pub const STARTUP_BYTES_MAX: usize = 10_000;

const VERSION_3: u32 = 3 << 16;
const CANCEL: u32 = (1234 << 16) | 5678;
const SSL: u32 = (1234 << 16) | 5679;
const GSS: u32 = (1234 << 16) | 5680;

/// The first packet of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Startup {
    /// Protocol version (major << 16 | minor) and parameters.
    Start(u32, Vec<(String, String)>),
    /// Cancel what this connection does: process id, secret.
    Cancel(i32, i32),
    /// Asks for TLS.
    Ssl,
    /// Asks for GSSAPI encryption.
    Gss,
}

/// A message from a client after start-up.
#[derive(Debug, PartialEq)]
pub enum Frontend {
    /// A simple query.
    Query(String),
    /// Parse: statement name, text, parameter type oids (0: to be inferred).
    Parse(String, String, Vec<u32>),
    /// Bind.
    Bind(Bind),
    /// Describe a statement (`true`) or portal of this name.
    Describe(bool, String),
    /// Execute a portal for so many rows (0: all).
    Execute(String, u32),
    /// Close a statement (`true`) or portal of this name.
    Close(bool, String),
    /// Send what is buffered.
    Flush,
    /// End of an extended-query batch.
    Sync,
    /// Good-bye.
    Terminate,
    /// Data of a COPY FROM.
    CopyData(Bytes),
    /// End of a COPY FROM.
    CopyDone,
    /// The client gives a COPY FROM up, for this reason.
    CopyFail(String),
    /// Password or SASL response.
    Password(Bytes),
}

/// The body of a Bind.
#[derive(Debug, PartialEq)]
pub struct Bind {
    /// The portal to make.
    pub portal: String,
    /// The prepared statement.
    pub statement: String,
    /// 0 text, 1 binary: none, one for all, or one each.
    pub param_formats: Vec<i16>,
    /// The parameters' values.
    pub params: Vec<Option<Bytes>>,
    /// As `param_formats`, for the result's columns.
    pub result_formats: Vec<i16>,
}

fn malformed(what: &str) -> SqlError {
    SqlError::new(SqlState::PROTOCOL_VIOLATION, format!("malformed {what} message"))
}

/// A frame's body with every read checked.
struct Body<'a> {
    bytes: Bytes,
    message: &'a str,
}

impl Body<'_> {
    fn need(&self, count: usize) -> Result<(), SqlError> {
        if self.bytes.len() < count { Err(malformed(self.message)) } else { Ok(()) }
    }

    fn u8(&mut self) -> Result<u8, SqlError> {
        self.need(1)?;
        Ok(self.bytes.get_u8())
    }

    fn i16(&mut self) -> Result<i16, SqlError> {
        self.need(2)?;
        Ok(self.bytes.get_i16())
    }

    fn i32(&mut self) -> Result<i32, SqlError> {
        self.need(4)?;
        Ok(self.bytes.get_i32())
    }

    fn text(&mut self) -> Result<String, SqlError> {
        let end = self.bytes.iter().position(|b| *b == 0).ok_or_else(|| malformed(self.message))?;
        let text = self.bytes.split_to(end);
        self.bytes.advance(1);
        utf8(&text)
    }

    /// A count of items that take at least `width` bytes each.
    fn count(&mut self, width: usize) -> Result<usize, SqlError> {
        let count = usize::from(self.i16()? as u16);
        self.need(count * width)?;
        Ok(count)
    }

    fn i16s(&mut self) -> Result<Vec<i16>, SqlError> {
        let count = self.count(2)?;
        (0..count).map(|_| self.i16()).collect()
    }

    fn end(&self) -> Result<(), SqlError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(malformed(self.message)) }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, SqlError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\"")
    })
}

/// The start-up packet at the head of `buffer`, if it is there whole.
pub fn decode_startup(buffer: &mut BytesMut) -> Result<Option<Startup>, SqlError> {
    let Some((head, _)) = buffer.split_first_chunk::<4>() else { return Ok(None) };
    let len = u32::from_be_bytes(*head) as usize;
    if !(8..=STARTUP_BYTES_MAX).contains(&len) {
        return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, "invalid length of startup packet"));
    }
    if buffer.len() < len {
        return Ok(None);
    }
    let mut body = Body { bytes: buffer.split_to(len).freeze(), message: "startup" };
    body.i32()?;
    match body.i32()? as u32 {
        CANCEL => Ok(Some(Startup::Cancel(body.i32()?, body.i32()?))),
        SSL => Ok(Some(Startup::Ssl)),
        GSS => Ok(Some(Startup::Gss)),
        version if version >> 16 == VERSION_3 >> 16 => {
            let mut parameters = Vec::new();
            loop {
                let name = body.text()?;
                if name.is_empty() {
                    return Ok(Some(Startup::Start(version, parameters)));
                }
                parameters.push((name, body.text()?));
            }
        }
        version => Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("unsupported frontend protocol {}.{}: server supports 3.0", version >> 16, version & 0xFFFF),
        )),
    }
}

/// What a frame at the head of `buffer` is.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// A message, or why its body is malformed.
    Message(Result<Frontend, SqlError>),
    /// The stream is out of step; nothing more can be read from it.
    Broken(SqlError),
}

/// The frame at the head of `buffer`, if it is there whole.
pub fn decode(buffer: &mut BytesMut) -> Option<Frame> {
    let (head, _) = buffer.split_first_chunk::<5>()?;
    let [tag, length @ ..] = *head;
    let len = u32::from_be_bytes(length) as usize;
    if !(4..=FRAME_BYTES_MAX).contains(&len) || !b"QPBDECHSXdcfp".contains(&tag) {
        let what = format!("invalid frontend message type {tag} or length {len}");
        return Some(Frame::Broken(SqlError::new(SqlState::PROTOCOL_VIOLATION, what)));
    }
    if buffer.len() < len + 1 {
        buffer.reserve((len + 1 - buffer.len()).min(1 << 20));
        return None;
    }
    let mut frame = buffer.split_to(len + 1).freeze();
    frame.advance(5);
    Some(Frame::Message(decode_body(tag, frame)))
}

fn decode_body(tag: u8, bytes: Bytes) -> Result<Frontend, SqlError> {
    let name = match tag {
        b'Q' => "Query",
        b'P' => "Parse",
        b'B' => "Bind",
        b'D' => "Describe",
        b'E' => "Execute",
        b'C' => "Close",
        _ => "simple",
    };
    let mut body = Body { bytes, message: name };
    let message = match tag {
        b'Q' => Frontend::Query(body.text()?),
        b'P' => {
            let (name, sql) = (body.text()?, body.text()?);
            let count = body.count(4)?;
            let oids = (0..count).map(|_| body.i32().map(|oid| oid as u32)).collect::<Result<_, _>>()?;
            Frontend::Parse(name, sql, oids)
        }
        b'B' => Frontend::Bind(decode_bind(&mut body)?),
        b'D' => decode_target(&mut body).map(|(statement, name)| Frontend::Describe(statement, name))?,
        b'C' => decode_target(&mut body).map(|(statement, name)| Frontend::Close(statement, name))?,
        b'E' => Frontend::Execute(body.text()?, body.i32()?.max(0) as u32),
        b'H' => Frontend::Flush,
        b'S' => Frontend::Sync,
        b'X' => Frontend::Terminate,
        b'c' => Frontend::CopyDone,
        b'd' => return Ok(Frontend::CopyData(body.bytes)),
        b'f' => Frontend::CopyFail(body.text()?),
        _ => return Ok(Frontend::Password(body.bytes)),
    };
    body.end()?;
    Ok(message)
}

fn decode_target(body: &mut Body<'_>) -> Result<(bool, String), SqlError> {
    match body.u8()? {
        b'S' => Ok((true, body.text()?)),
        b'P' => Ok((false, body.text()?)),
        _ => Err(malformed(body.message)),
    }
}

fn decode_bind(body: &mut Body<'_>) -> Result<Bind, SqlError> {
    let (portal, statement) = (body.text()?, body.text()?);
    let param_formats = body.i16s()?;
    let count = body.count(4)?;
    let mut params = Vec::with_capacity(count);
    for _ in 0..count {
        params.push(match body.i32()? {
            -1 => None,
            len if len < 0 => return Err(malformed("Bind")),
            len => {
                body.need(len as usize)?;
                Some(body.bytes.split_to(len as usize))
            }
        });
    }
    let result_formats = body.i16s()?;
    Ok(Bind { portal, statement, param_formats, params, result_formats })
}

/// One column of a RowDescription.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type's oid.
    pub oid: u32,
    /// Its type's size in bytes, negative if variable.
    pub typlen: i16,
    /// Its type's modifier, -1 for none.
    pub typmod: i32,
    /// 0 text, 1 binary.
    pub format: i16,
}

/// Appends backend messages to a buffer.
pub struct Encoder<'a>(pub &'a mut BytesMut);

impl Encoder<'_> {
    /// One message: its tag, its length, its body.
    pub fn message(&mut self, tag: u8, body: impl FnOnce(&mut BytesMut)) {
        self.0.put_u8(tag);
        let start = self.0.len();
        self.0.put_i32(0);
        body(self.0);
        let len = (self.0.len() - start) as i32;
        self.0[start..start + 4].copy_from_slice(&len.to_be_bytes());
    }

    /// AuthenticationOk.
    pub fn authentication_ok(&mut self) {
        self.message(b'R', |b| b.put_i32(0));
    }

    /// AuthenticationSASL: the one mechanism that is offered.
    pub fn authentication_sasl(&mut self, mechanism: &str) {
        self.message(b'R', |b| {
            b.put_i32(10);
            put_text(b, mechanism);
            b.put_u8(0);
        });
    }

    /// AuthenticationSASLContinue.
    pub fn authentication_continue(&mut self, data: &str) {
        self.message(b'R', |b| {
            b.put_i32(11);
            b.put_slice(data.as_bytes());
        });
    }

    /// AuthenticationSASLFinal.
    pub fn authentication_final(&mut self, data: &str) {
        self.message(b'R', |b| {
            b.put_i32(12);
            b.put_slice(data.as_bytes());
        });
    }

    /// ParameterStatus.
    pub fn parameter_status(&mut self, name: &str, value: &str) {
        self.message(b'S', |b| {
            put_text(b, name);
            put_text(b, value);
        });
    }

    /// BackendKeyData.
    pub fn backend_key(&mut self, pid: i32, secret: i32) {
        self.message(b'K', |b| {
            b.put_i32(pid);
            b.put_i32(secret);
        });
    }

    /// NegotiateProtocolVersion: 3.0, and these options are not known.
    pub fn negotiate_version(&mut self, unknown: &[&str]) {
        self.message(b'v', |b| {
            b.put_i32(VERSION_3 as i32);
            b.put_i32(unknown.len() as i32);
            unknown.iter().for_each(|name| put_text(b, name));
        });
    }

    /// ReadyForQuery: `I`dle, in a `T`ransaction, or `E` in a failed one.
    pub fn ready(&mut self, status: u8) {
        self.message(b'Z', |b| b.put_u8(status));
    }

    /// A message without a body.
    pub fn empty(&mut self, tag: u8) {
        self.message(tag, |_| ());
    }

    /// CommandComplete.
    pub fn command_complete(&mut self, tag: &str) {
        self.message(b'C', |b| put_text(b, tag));
    }

    /// ParameterDescription.
    pub fn parameter_description(&mut self, oids: &[u32]) {
        self.message(b't', |b| {
            b.put_u16(oids.len() as u16);
            oids.iter().for_each(|oid| b.put_u32(*oid));
        });
    }

    /// RowDescription.
    pub fn row_description<'f>(&mut self, fields: impl ExactSizeIterator<Item = Field<'f>>) {
        self.message(b'T', |b| {
            b.put_u16(fields.len() as u16);
            for field in fields {
                put_text(b, field.name);
                b.put_u32(0);
                b.put_u16(0);
                b.put_u32(field.oid);
                b.put_i16(field.typlen);
                b.put_i32(field.typmod);
                b.put_i16(field.format);
            }
        });
    }

    /// CopyOutResponse (`H`) or CopyInResponse (`G`): all columns in one format.
    pub fn copy_response(&mut self, tag: u8, binary: bool, columns: usize) {
        self.message(tag, |b| {
            b.put_u8(u8::from(binary));
            b.put_u16(columns as u16);
            (0..columns).for_each(|_| b.put_u16(u16::from(binary)));
        });
    }

    /// ErrorResponse (`E`) or NoticeResponse (`N`).
    pub fn report(&mut self, tag: u8, severity: &str, error: &SqlError) {
        self.report_in(tag, severity, error, None);
    }

    /// The same, with the context that it happened in.
    pub fn report_in(&mut self, tag: u8, severity: &str, error: &SqlError, context: Option<&str>) {
        self.message(tag, |b| {
            let mut field = |kind: u8, value: &str| {
                b.put_u8(kind);
                put_text(b, value);
            };
            field(b'S', severity);
            field(b'V', severity);
            field(b'C', error.code.as_str());
            field(b'M', &error.message);
            if let Some(detail) = &error.detail {
                field(b'D', detail);
            }
            if let Some(hint) = &error.hint {
                field(b'H', hint);
            }
            if let Some(position) = error.position {
                field(b'P', &position.to_string());
            }
            if let Some(context) = context {
                field(b'W', context);
            }
            b.put_u8(0);
        });
    }
}

/// Text and its terminator; a NUL inside would end it early and is left out.
fn put_text(buffer: &mut BytesMut, text: &str) {
    buffer.extend(text.bytes().filter(|b| *b != 0));
    buffer.put_u8(0);
}
