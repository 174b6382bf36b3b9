//! The envelope of everything that persist writes: a magic byte, what it is, and the version of its format.
//!
//! Data of a newer format is refused, never misread. The body is `postcard`; what may change independently of persist (column
//! types, errors) travels inside as JSON, which names variants instead of numbering them.

use crate::PersistError;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format this program writes; it reads this one and all before it.
pub(crate) const FORMAT: u16 = 1;

const MAGIC: u8 = 0xF5;
const HEADER: usize = 4;

/// What an encoded value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A clock's record.
    Clock = b'c' as isize,
    /// A change of a shard.
    Diff = b'd' as isize,
    /// A shard's whole state.
    Rollup = b'r' as isize,
}

/// `value` in its envelope.
pub(crate) fn encode<T: Serialize>(kind: Kind, value: &T) -> Bytes {
    let mut header = vec![MAGIC, kind as u8];
    header.extend_from_slice(&FORMAT.to_le_bytes());
    let bytes = postcard::to_extend(value, header).expect("states have no types that postcard refuses");
    Bytes::from(bytes)
}

/// The value of `bytes`, which stand at `what`.
pub(crate) fn decode<T: DeserializeOwned>(kind: Kind, what: &str, bytes: &[u8]) -> Result<T, PersistError> {
    let corrupt = |reason: &str| PersistError::Corrupt { what: what.to_string(), reason: reason.to_string() };
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or_else(|| corrupt("too short"))?;
    if header[0] != MAGIC || header[1] != kind as u8 {
        return Err(corrupt("not of the expected kind"));
    }
    check_version(what, u16::from_le_bytes([header[2], header[3]]))?;
    postcard::from_bytes(body).map_err(|e| corrupt(&e.to_string()))
}

/// Refuses a format newer than this program's.
pub(crate) fn check_version(what: &str, found: u16) -> Result<(), PersistError> {
    if found <= FORMAT {
        return Ok(());
    }
    Err(PersistError::NewerFormat { what: what.to_string(), found: found.into(), supported: FORMAT.into() })
}
