//! What of the catalog is durable: records, and deltas of them in the consensus key [`CATALOG_KEY`].
//!
//! A delta puts and removes records; a full one replaces everything before it. Records are JSON with named fields, so that a later version
//! can add fields with defaults. A delta of a newer [`FORMAT`] is refused.

use repr::{ClusterId, GlobalId, ReplicaId, ShardId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The consensus key of the catalog.
pub const CATALOG_KEY: &str = "catalog";

/// The version of what is written; raised when an older environmentd could not read it.
pub const FORMAT: u32 = 2;

/// A database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Unique for ever.
    pub id: u64,
    /// PostgreSQL's oid for it.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// Owner role.
    pub owner: String,
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Unique for ever.
    pub id: u64,
    /// PostgreSQL's oid for it.
    pub oid: u32,
    /// The database's name; none for system schemas.
    pub database: Option<String>,
    /// Its name.
    pub name: String,
    /// Owner role.
    pub owner: String,
}

impl Schema {
    /// The identifier as system relations show it.
    pub fn display_id(&self) -> String {
        if self.database.is_some() { format!("u{}", self.id) } else { format!("s{}", self.id) }
    }
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Unique for ever.
    pub id: u64,
    /// PostgreSQL's oid for it.
    pub oid: u32,
    /// Its name.
    pub name: String,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Unique for ever.
    pub id: ClusterId,
    /// Its name.
    pub name: String,
    /// A name of the size map.
    pub size: String,
    /// Owner role.
    pub owner: String,
}

/// A replica of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Unique for ever.
    pub id: ReplicaId,
    /// Whose.
    pub cluster: ClusterId,
    /// Its name within the cluster.
    pub name: String,
    /// A name of the size map.
    pub size: String,
}

/// An item of a schema: what is needed to plan it again, and what was decided when it was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Unique for ever.
    pub id: GlobalId,
    /// PostgreSQL's oid for it.
    pub oid: u32,
    /// The database's name.
    pub database: String,
    /// The schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `table`, `view` and so on, for people who read the log.
    pub item_kind: String,
    /// Owner role.
    pub owner: String,
    /// Canonical SQL; empty for a secret, whose text is never kept.
    pub create_sql: String,
    /// Where its rows are, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardId>,
}

/// A comment on an object or on one of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The catalog of the object, as PostgreSQL calls it: `pg_class`, `pg_namespace`.
    pub class: String,
    /// The object.
    pub oid: u32,
    /// The column, from 1; 0 is the object itself.
    pub column: i32,
    /// What is said.
    pub text: String,
}

impl Comment {
    /// Whether it is on what belongs to no database.
    pub fn is_shared(&self) -> bool {
        matches!(self.class.as_str(), "pg_database" | "pg_authid")
    }
}

/// One durable fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The environment's identifier and the like.
    Setting {
        /// Which.
        name: String,
        /// Its value.
        value: String,
    },
    /// The last number given out of a kind.
    Counter {
        /// Which.
        name: String,
        /// Its value.
        value: u64,
    },
    /// See [`Database`].
    Database(Database),
    /// See [`Schema`].
    Schema(Schema),
    /// See [`Role`].
    Role(Role),
    /// See [`Cluster`].
    Cluster(Cluster),
    /// See [`Replica`].
    Replica(Replica),
    /// See [`Item`].
    Item(Item),
    /// See [`Comment`].
    Comment(Comment),
}

/// What identifies a record: its kind and its identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub String, pub String);

impl Record {
    /// What identifies this record.
    pub fn key(&self) -> Key {
        let (kind, id) = match self {
            Record::Setting { name, .. } => ("setting", name.clone()),
            Record::Counter { name, .. } => ("counter", name.clone()),
            Record::Database(r) => ("database", r.id.to_string()),
            Record::Schema(r) => ("schema", r.id.to_string()),
            Record::Role(r) => ("role", r.id.to_string()),
            Record::Cluster(r) => ("cluster", r.id.to_string()),
            Record::Replica(r) => ("replica", r.id.to_string()),
            Record::Item(r) => ("item", r.id.to_string()),
            Record::Comment(r) => ("comment", format!("{}/{}/{}", r.class, r.oid, r.column)),
        };
        Key(kind.to_string(), id)
    }
}

/// A change of the durable catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The version it is written in.
    pub format: u32,
    /// Whether it replaces everything before it.
    #[serde(default)]
    pub full: bool,
    /// Records that appear or change.
    #[serde(default)]
    pub put: Vec<Record>,
    /// Records that go.
    #[serde(default)]
    pub remove: Vec<Key>,
}

/// Only what tells the version, readable whatever the version.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// Why a delta cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It was written by a newer version.
    #[error(
        "the catalog was written by a newer version of Freshet (format {found}, this version reads up to {FORMAT}); start that version instead"
    )]
    Newer {
        /// Its format.
        found: u32,
    },
    /// It is not what was written.
    #[error("the catalog is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

impl Delta {
    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("records hold only text and numbers")
    }

    /// The delta of these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Delta, RecordError> {
        let header: Header = serde_json::from_slice(bytes)?;
        if header.format > FORMAT {
            return Err(RecordError::Newer { found: header.format });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Changes `records` as the delta says.
    pub fn apply(&self, records: &mut BTreeMap<Key, Record>) {
        if self.full {
            records.clear();
        }
        for key in &self.remove {
            records.remove(key);
        }
        for record in &self.put {
            records.insert(record.key(), record.clone());
        }
    }
}
