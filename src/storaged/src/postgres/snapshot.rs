//! The first read of all tables, at one upstream position, made visible in one commit.
//!
//! Creating the slot exports the snapshot that fits it: every transaction is either in the snapshot or comes through the slot. A crash before the
//! commit leaves a slot and some orphaned parts; the next attempt drops the slot and starts afresh.

use super::connect::{self, query_error, wire_error};
use super::decode::{CopyReader, Decoder};
use super::upstream::{Upstream, UpstreamTable};
use super::{Position, table_name};
use crate::ingestion::{Changes, Clock, Data, Source, SourceError};
use crate::report::Counters;
use futures::StreamExt;
use persist::{Batch, Update};
use pgwire_replication::{Lsn, QueryRow};
use proto::storage::{IngestionExport, PostgresIngestion};
use repr::{RowPacker, ShardId};
use std::sync::atomic::Ordering;
use tokio::task::JoinSet;
use tokio_postgres::Client;

/// Tables that are read at the same time: the upstream has other things to do.
const TABLES_AT_ONCE: usize = 2;

/// Reads everything and commits it; gives the position that it stands for.
pub async fn take(
    source: &Source,
    connection: &PostgresIngestion,
    clock: &Clock,
    client: &Client,
    upstream: &Upstream,
) -> Result<Position, SourceError> {
    connect::drop_slot(client, &connection.slot).await?;
    source.reporter.counters().snapshot_rows.store(0, Ordering::Relaxed);
    let mut replication = connect::connect_replication(connection).await?;
    let slot = quote(&connection.slot);
    let create = format!("CREATE_REPLICATION_SLOT {slot} LOGICAL pgoutput EXPORT_SNAPSHOT");
    let created = replication.simple_query(&create).await.map_err(|error| wire_error(connection, error))?;
    let (lsn, snapshot) = read_created(&created)?;
    tracing::info!("source {}: snapshot at {lsn}", source.description.id);
    let batches = copy_all(source, connection, upstream, &snapshot).await?;
    // The connection held the snapshot; it is not needed any more.
    drop(replication);
    let position = Position { system: upstream.system, lsn: lsn.as_u64() };
    let changes = Changes { batches, position: Some(position.encode()), ..Changes::default() };
    clock.commit(changes).await?;
    source.reporter.counters().offset_committed.store(position.lsn, Ordering::Relaxed);
    Ok(position)
}

/// Slot name, consistent point, snapshot name, plugin.
fn read_created(rows: &[QueryRow]) -> Result<(Lsn, String), SourceError> {
    let text = |index: usize| {
        let value = rows.first().and_then(|row| row.get(index)?.as_ref());
        value.and_then(|bytes| std::str::from_utf8(bytes).ok())
    };
    let lsn = text(1).and_then(|text| Lsn::parse(text).ok());
    match (lsn, text(2)) {
        (Some(lsn), Some(snapshot)) => Ok((lsn, snapshot.to_string())),
        _ => Err(SourceError::stalled("PostgreSQL did not export a snapshot with the replication slot")),
    }
}

async fn copy_all(
    source: &Source,
    connection: &PostgresIngestion,
    upstream: &Upstream,
    snapshot: &str,
) -> Result<Vec<(ShardId, Batch)>, SourceError> {
    let mut waiting = source.description.exports.values();
    let mut running = JoinSet::new();
    let mut batches = Vec::new();
    loop {
        while running.len() < TABLES_AT_ONCE
            && let Some(export) = waiting.next()
        {
            let table = upstream.tables.get(&export.oid).cloned();
            let Some(table) = table else { continue };
            let (source, connection, export) = (source.clone(), connection.clone(), export.clone());
            let snapshot = snapshot.to_string();
            running.spawn(async move { copy_table(&source, &connection, &export, &table, &snapshot).await });
        }
        let Some(finished) = running.join_next().await else { return Ok(batches) };
        let batch = finished.map_err(|_| SourceError::stalled("reading a table was interrupted"))?;
        batches.push(batch?);
    }
}

async fn copy_table(
    source: &Source,
    connection: &PostgresIngestion,
    export: &IngestionExport,
    table: &UpstreamTable,
    snapshot: &str,
) -> Result<(ShardId, Batch), SourceError> {
    let client = connect::connect(connection).await?;
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{}'",
        snapshot.replace('\'', "''")
    );
    client.batch_execute(&begin).await.map_err(|error| query_error(&error))?;
    let rows = client.copy_out(&copy_statement(export, table)).await.map_err(|error| query_error(&error))?;
    let mut rows = std::pin::pin!(rows.ready_chunks(CHUNKS_AT_ONCE));
    let decoder = Decoder::new(export);
    let mut builder = source.context.persist.batch_builder(export.shard, &export.desc);
    let (mut reader, mut packer) = (CopyReader::default(), RowPacker::new());
    let mut decoded: Vec<Data> = Vec::new();
    while let Some(chunks) = rows.next().await {
        for chunk in chunks {
            let chunk = chunk.map_err(|error| query_error(&error))?;
            let counters = source.reporter.counters();
            Counters::add(&counters.bytes_received, chunk.len() as u64);
            reader.feed(&chunk, |values| {
                if values.len() != decoder.arity() {
                    return Err(SourceError::stalled(format!("malformed row in the copy of {}", export.table)));
                }
                decoded.push(decoder.row(values, None, &mut packer));
                Ok(())
            })?;
        }
        Counters::add(&source.reporter.counters().snapshot_rows, decoded.len() as u64);
        for data in decoded.drain(..) {
            builder.add(Update { data, time: 0, diff: 1 }).await?;
        }
    }
    client.batch_execute("COMMIT").await.map_err(|error| query_error(&error))?;
    let batch = builder.finish().await?;
    tracing::info!("source {}: {} rows of {}", source.description.id, batch.len(), export.table);
    Ok((export.shard, batch))
}

/// Rows that are decoded before they go to the builder.
const CHUNKS_AT_ONCE: usize = 1024;

fn copy_statement(export: &IngestionExport, table: &UpstreamTable) -> String {
    let columns: Vec<_> = export.columns.iter().map(|column| quote(column)).collect();
    let columns = columns.join(", ");
    let name = table_name(&quote(&export.schema), &quote(&export.table));
    match &table.row_filter {
        // The condition comes from the upstream's own catalog.
        Some(filter) => format!("COPY (SELECT {columns} FROM {name} WHERE {filter}) TO STDOUT"),
        None if table.partitioned => format!("COPY (SELECT {columns} FROM {name}) TO STDOUT"),
        None => format!("COPY {name} ({columns}) TO STDOUT"),
    }
}

/// An identifier as SQL.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
