//! The PostgreSQL source: a snapshot of all tables at one upstream position, then logical replication from there.
//!
//! ```text
//!   follow ─▶ upstream::inspect      publication, tables, columns, slot: is all as it should be?
//!          ─▶ snapshot::take         only without a durable position: slot, COPY, one commit
//!          ─▶ Table::load            old rows by key, from persist, for tables without full replica identity
//!          ─▶ stream::Stream::run    transactions in, commits out, until something fails
//! ```
//!
//! LAW: what is committed is the effect of a prefix of upstream's transactions, each whole; the position says which. A restart begins at the
//! durable position and drops what ends at or before it, so every transaction counts exactly once.

mod connect;
mod decode;
mod pgoutput;
mod snapshot;
mod state;
mod stream;
mod table;
mod upstream;

use crate::ingestion::{Clock, Source, SourceError};
use proto::storage::{PostgresIngestion, SourceStatus};
use state::Budget;
use std::collections::BTreeMap;
use std::convert::Infallible;
use table::Table;
use upstream::Identity;

pub use connect::release;

/// What is learned while following and holds for the next attempt.
#[derive(Default)]
pub struct Memory {
    /// Replica identities that the stream spoke of, where they differ from what the catalog says today.
    identities: BTreeMap<u32, Identity>,
}

/// Where a source stands upstream: the end of the last transaction that is committed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which database cluster the position belongs to.
    pub system: u64,
    /// A position in its write-ahead log.
    pub lsn: u64,
}

/// Format of an encoded position.
const POSITION_FORMAT: u8 = 1;

impl Position {
    fn encode(self) -> Vec<u8> {
        let mut bytes = vec![POSITION_FORMAT];
        bytes.extend_from_slice(&self.system.to_be_bytes());
        bytes.extend_from_slice(&self.lsn.to_be_bytes());
        bytes
    }

    /// None if it is empty: the snapshot is still to be taken.
    fn decode(bytes: &[u8]) -> Result<Option<Self>, SourceError> {
        match bytes.split_first() {
            None => Ok(None),
            Some((&POSITION_FORMAT, rest)) if rest.len() == 16 => {
                let (system, lsn) = rest.split_at(8);
                let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
                Ok(Some(Position { system: word(system), lsn: word(lsn) }))
            }
            _ => Err(SourceError::failed("the source's position was written by a newer version")),
        }
    }
}

/// Follows the upstream until something fails.
pub async fn follow(
    source: &Source,
    connection: &PostgresIngestion,
    clock: &Clock,
    memory: &mut Memory,
) -> Result<Infallible, SourceError> {
    let client = connect::connect(connection).await?;
    let upstream = upstream::inspect(&client, connection, &source.description.exports).await?;
    let standing = clock.standing().await?;
    let position = match Position::decode(&standing.position)? {
        Some(position) => position,
        None => {
            source.reporter.status(SourceStatus::Starting, None, None);
            snapshot::take(source, connection, clock, &client, &upstream).await?
        }
    };
    if position.system != upstream.system {
        let error =
            SourceError::failed("the upstream is another database cluster than the one this source was read from");
        return Err(error.hint("drop the source and create it again"));
    }
    connect::claim_slot(&client, &connection.slot).await?;
    let mut tables = BTreeMap::new();
    let upper = clock.standing().await?.upper;
    let context = &source.context;
    let budget = Budget::new(context.state_bytes_max, context.scratch_directory.clone());
    for (id, export) in &source.description.exports {
        let known = memory.identities.get(&export.oid).cloned();
        let identity = known.or_else(|| upstream.tables.get(&export.oid).map(|t| t.identity.clone()));
        let mut table = Table::new(*id, export, identity.unwrap_or(Identity::Nothing))?;
        table.load(context, &budget, upper).await?;
        tables.insert(export.oid, table);
    }
    stream::Stream::start(source, connection, clock, client, position, tables).await?.run(memory).await
}

/// A name for log lines and errors.
fn table_name(schema: &str, table: &str) -> String {
    format!("{schema}.{table}")
}

#[cfg(test)]
mod tests;
