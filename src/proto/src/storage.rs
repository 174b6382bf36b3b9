//! The controller protocol of storaged: commands down, responses up, over one bidirectional stream.

use repr::{Frontier, GlobalId, RelationDesc, ShardId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// From environmentd to storaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StorageCommand {
    /// Run a source, from its durable position on. Sent again when anything about it changes (a new password, say).
    RunIngestion(Box<IngestionDescription>),
    /// Stop a source for good and free what it holds upstream (its replication slot).
    DropIngestion {
        /// The source.
        id: GlobalId,
    },
    /// All commands of the history have been sent: stop what they did not name (without freeing anything upstream).
    InitializationComplete,
}

/// A source, complete: secrets are resolved.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct IngestionDescription {
    /// The source.
    pub id: GlobalId,
    /// Environment epoch of the environmentd that sent it; an older one is refused by the source's clock.
    pub epoch: u64,
    /// Consensus key of the source's clock.
    pub clock: String,
    /// What it reads.
    pub connection: IngestionConnection,
    /// Its outputs, by the item they are.
    pub exports: BTreeMap<GlobalId, IngestionExport>,
}

/// What a source reads.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum IngestionConnection {
    /// PostgreSQL logical replication.
    Postgres(PostgresIngestion),
    /// `COUNTER`
    Counter {
        /// Milliseconds between two values.
        tick_ms: u64,
        /// How many values are kept.
        max_cardinality: Option<u64>,
    },
}

/// PostgreSQL logical replication.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PostgresIngestion {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Its password.
    pub password: Option<String>,
    /// Database.
    pub database: String,
    /// `disable`, `prefer`, `require`, `verify-ca`, `verify-full`
    pub ssl_mode: String,
    /// PEM.
    pub ssl_certificate_authority: Option<String>,
    /// The publication.
    pub publication: String,
    /// The replication slot.
    pub slot: String,
}

/// One output of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IngestionExport {
    /// Its shard.
    pub shard: ShardId,
    /// Its columns.
    pub desc: RelationDesc,
    /// Upstream schema; empty for a generator.
    pub schema: String,
    /// Upstream table; empty for a generator.
    pub table: String,
    /// Upstream oid.
    pub oid: u32,
    /// For each column the upstream column's name.
    pub columns: Vec<String>,
    /// Columns of the upstream replica identity, by position; all where it is FULL.
    pub identity: Vec<usize>,
}

/// From storaged to environmentd.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StorageResponse {
    /// A source's clock reached this upper; all its tables follow it.
    Frontier {
        /// The source.
        id: GlobalId,
        /// Times before it are final.
        upper: Frontier,
    },
    /// A source's status changed.
    Status {
        /// The source.
        id: GlobalId,
        /// When, in milliseconds since 1970.
        at: Timestamp,
        /// What state it is in.
        status: SourceStatus,
        /// What went wrong, in a sentence.
        error: Option<String>,
        /// What the user can do.
        hint: Option<String>,
    },
    /// What a source did so far.
    Statistics {
        /// The source.
        id: GlobalId,
        /// Upstream messages received.
        messages_received: u64,
        /// Upstream bytes received.
        bytes_received: u64,
        /// Updates committed.
        updates_committed: u64,
        /// Rows of the snapshot read so far.
        snapshot_rows: u64,
        /// Upstream position known to exist (bytes of WAL), and committed here: their difference is the lag.
        offset_known: u64,
        /// See above.
        offset_committed: u64,
    },
}

/// The state of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceStatus {
    /// Connecting, or reading its snapshot.
    Starting,
    /// Following its upstream.
    Running,
    /// Trying again by itself.
    Stalled,
    /// Needs the user.
    Failed,
}

impl std::fmt::Debug for IngestionDescription {
    /// Without secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ingestion {} with {} exports", self.id, self.exports.len())
    }
}
