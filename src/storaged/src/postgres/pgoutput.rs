//! Messages of the `pgoutput` plugin, protocol version 1 (PostgreSQL's manual, "Logical Replication Message Formats").
//!
//! Begin and Commit are told apart by the replication client; here are the messages in between. Values are borrowed; nothing is copied.

use super::upstream::UpstreamColumn;

/// The bytes are not a message of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed replication message")]
pub struct Malformed;

/// One value of a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    /// A large value that did not change and is not sent.
    Unchanged,
    Text(&'a [u8]),
}

/// The values of a row, by upstream position.
pub type Tuple<'a> = Vec<Value<'a>>;

/// What is sent of an old row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Old<'a> {
    /// Columns of the replica identity; the others are NULL.
    Key(Tuple<'a>),
    /// All columns.
    Full(Tuple<'a>),
}

/// A table as of the changes that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// As in `pg_class.relreplident`.
    pub identity: u8,
    pub columns: Vec<UpstreamColumn>,
    /// Names of the columns that belong to the replica identity.
    pub key: Vec<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    Relation(Relation),
    Insert {
        oid: u32,
        new: Tuple<'a>,
    },
    Update {
        oid: u32,
        old: Option<Old<'a>>,
        new: Tuple<'a>,
    },
    Delete {
        oid: u32,
        old: Old<'a>,
    },
    Truncate {
        oids: Vec<u32>,
    },
    /// Type, Origin, Message: nothing to do.
    Other,
}

/// Reads one message.
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader(bytes);
    match reader.u8()? {
        b'R' => reader.relation().map(Message::Relation),
        b'I' => reader.insert(),
        b'U' => reader.update(),
        b'D' => reader.delete(),
        b'T' => reader.truncate(),
        _ => Ok(Message::Other),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = tail;
        Ok(u16::from_be_bytes(*head))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = tail;
        Ok(u32::from_be_bytes(*head))
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let end = self.0.iter().position(|b| *b == 0).ok_or(Malformed)?;
        let text = self.take(end + 1)?;
        String::from_utf8(text[..end].to_vec()).map_err(|_| Malformed)
    }

    fn relation(&mut self) -> Result<Relation, Malformed> {
        let (oid, schema, name) = (self.u32()?, self.string()?, self.string()?);
        let (identity, count) = (self.u8()?, self.u16()?);
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let flags = self.u8()?;
            let column = UpstreamColumn { name: self.string()?, type_oid: self.u32()?, typmod: self.u32()? as i32 };
            if flags & 1 == 1 {
                key.push(column.name.clone());
            }
            columns.push(column);
        }
        // An empty schema stands for pg_catalog.
        Ok(Relation { oid, schema, name, identity, columns, key })
    }

    fn tuple(&mut self) -> Result<Tuple<'a>, Malformed> {
        let count = self.u16()?;
        let mut values = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            values.push(match self.u8()? {
                b'n' => Value::Null,
                b'u' => Value::Unchanged,
                b't' => {
                    let len = self.u32()?;
                    Value::Text(self.take(len as usize)?)
                }
                _ => return Err(Malformed),
            });
        }
        Ok(values)
    }

    fn expect(&mut self, kind: u8) -> Result<(), Malformed> {
        if self.u8()? == kind { Ok(()) } else { Err(Malformed) }
    }

    fn insert(&mut self) -> Result<Message<'a>, Malformed> {
        let oid = self.u32()?;
        self.expect(b'N')?;
        Ok(Message::Insert { oid, new: self.tuple()? })
    }

    fn update(&mut self) -> Result<Message<'a>, Malformed> {
        let oid = self.u32()?;
        let old = match self.u8()? {
            b'K' => Some(Old::Key(self.tuple()?)),
            b'O' => Some(Old::Full(self.tuple()?)),
            b'N' => return Ok(Message::Update { oid, old: None, new: self.tuple()? }),
            _ => return Err(Malformed),
        };
        self.expect(b'N')?;
        Ok(Message::Update { oid, old, new: self.tuple()? })
    }

    fn delete(&mut self) -> Result<Message<'a>, Malformed> {
        let oid = self.u32()?;
        let old = match self.u8()? {
            b'K' => Old::Key(self.tuple()?),
            b'O' => Old::Full(self.tuple()?),
            _ => return Err(Malformed),
        };
        Ok(Message::Delete { oid, old })
    }

    fn truncate(&mut self) -> Result<Message<'a>, Malformed> {
        let count = self.u32()?;
        let _options = self.u8()?;
        let oids = (0..count).map(|_| self.u32()).collect::<Result<_, _>>()?;
        Ok(Message::Truncate { oids })
    }
}
