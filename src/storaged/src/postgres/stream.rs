//! Following the write-ahead log: transactions are gathered whole, several of them share a commit, upstream may forget what is durable.
//!
//! ```text
//!   replication ──▶ open transaction ──▶ ready ──▶ commit under way ──▶ durable ──▶ acknowledged upstream
//! ```
//!
//! One commit is under way at a time; what comes meanwhile is the next one. So commits grow under load, and an idle source commits at once.

use super::pgoutput::{self, Message, Relation};
use super::table::{Table, Updates};
use super::{Memory, Position, connect};
use crate::ingestion::{Changes, Clock, ClockGone, Source, SourceError, data_bytes};
use crate::report::Counters;
use futures::future::BoxFuture;
use persist::{BatchBuilder, Update};
use pgwire_replication::{Lsn, ReplicationClient, ReplicationEvent};
use proto::storage::{PostgresIngestion, SourceStatus};
use repr::ShardId;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// A transaction beyond this size is written to parts as it comes.
const TRANSACTION_BYTES_MAX: usize = 32 << 20;
/// While a commit is under way, no more than this is gathered for the next.
const READY_BYTES_MAX: usize = 32 << 20;
/// How often upstream is asked where its log ends: for the lag, and to notice that it is gone.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// A running stream.
pub struct Stream<'a> {
    source: &'a Source,
    connection: &'a PostgresIngestion,
    clock: &'a Clock,
    client: ReplicationClient,
    probe: Probe,
    /// Where the stream began: what ends at or before it is already here.
    start: Position,
    tables: BTreeMap<u32, Table>,
    open: Option<Transaction>,
    ready: Ready,
    in_flight: Option<BoxFuture<'static, Result<(), ClockGone>>>,
    durable: watch::Receiver<Vec<u8>>,
}

/// What a transaction has changed so far.
#[derive(Default)]
struct Transaction {
    /// It is already here.
    skip: bool,
    updates: BTreeMap<ShardId, Updates>,
    /// Size of `updates`.
    bytes: usize,
    /// What it changed before `updates`, for a large one.
    builders: BTreeMap<ShardId, BatchBuilder>,
}

/// Whole transactions that wait for a commit.
#[derive(Default)]
struct Ready {
    updates: BTreeMap<ShardId, Updates>,
    bytes: usize,
    /// The end of the last of them.
    lsn: Option<u64>,
}

enum Event {
    Upstream(Option<ReplicationEvent>),
    Committed,
    Durable,
}

impl<'a> Stream<'a> {
    /// Begins at `start` with the tables as they are there.
    pub async fn start(
        source: &'a Source,
        connection: &'a PostgresIngestion,
        clock: &'a Clock,
        client: Client,
        start: Position,
        tables: BTreeMap<u32, Table>,
    ) -> Result<Self, SourceError> {
        let probe = Probe(tokio::spawn(probe(client, source.clone())));
        let client = connect::start_replication(connection, start.lsn).await?;
        source.reporter.status(SourceStatus::Running, None, None);
        source.reporter.counters().offset_committed.store(start.lsn, Ordering::Relaxed);
        Ok(Stream {
            source,
            connection,
            clock,
            client,
            probe,
            start,
            tables,
            open: None,
            ready: Ready::default(),
            in_flight: None,
            durable: clock.durable(),
        })
    }

    /// Runs until something fails.
    pub async fn run(mut self, memory: &mut Memory) -> Result<Infallible, SourceError> {
        loop {
            match self.next().await? {
                Event::Upstream(Some(event)) => self.handle(event, memory).await?,
                Event::Upstream(None) => return Err(SourceError::stalled("PostgreSQL ended the replication stream")),
                Event::Committed => self.in_flight = None,
                Event::Durable => self.acknowledge(),
            }
            self.commit_ready();
        }
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        let in_flight = async {
            match &mut self.in_flight {
                Some(commit) => commit.await,
                None => std::future::pending().await,
            }
        };
        // What is gathered while a commit is under way is bounded; upstream waits.
        let room = self.ready.bytes < READY_BYTES_MAX;
        tokio::select! {
            biased;
            committed = in_flight => Ok(committed.map(|()| Event::Committed)?),
            changed = self.durable.changed() => changed.map(|()| Event::Durable).map_err(|_| ClockGone.into()),
            ended = &mut self.probe.0 => Err(ended.unwrap_or_else(|_| SourceError::stalled("the probe ended"))),
            event = self.client.recv(), if room => {
                event.map(Event::Upstream).map_err(|error| connect::wire_error(self.connection, error))
            }
        }
    }

    async fn handle(&mut self, event: ReplicationEvent, memory: &mut Memory) -> Result<(), SourceError> {
        match event {
            ReplicationEvent::Begin { final_lsn, .. } => {
                // `final_lsn` is where its commit record begins; what ends at or before the start began before it.
                let skip = final_lsn.as_u64() < self.start.lsn;
                self.open = Some(Transaction { skip, ..Transaction::default() });
            }
            ReplicationEvent::XLogData { data, .. } => self.change(&data, memory).await?,
            ReplicationEvent::Commit { end_lsn, .. } => self.end(end_lsn.as_u64()).await?,
            ReplicationEvent::KeepAlive { wal_end, .. } => self.keep_alive(wal_end.as_u64()),
            ReplicationEvent::Message { .. } | ReplicationEvent::StoppedAt { .. } => {}
        }
        Ok(())
    }

    /// Nothing for us happened up to `lsn`, unless something is still under way.
    fn keep_alive(&mut self, lsn: u64) {
        self.source.reporter.counters().offset_known.fetch_max(lsn, Ordering::Relaxed);
        let idle = self.open.is_none() && self.ready.lsn.is_none() && self.in_flight.is_none();
        if idle && lsn > self.start.lsn {
            self.clock.idle_at(Position { lsn, ..self.start }.encode());
        }
    }

    fn acknowledge(&mut self) {
        let position = Position::decode(&self.durable.borrow_and_update());
        if let Ok(Some(position)) = position {
            self.client.update_applied_lsn(Lsn(position.lsn));
            self.source.reporter.counters().offset_committed.store(position.lsn, Ordering::Relaxed);
        }
    }

    async fn change(&mut self, data: &[u8], memory: &mut Memory) -> Result<(), SourceError> {
        let counters = self.source.reporter.counters();
        Counters::add(&counters.messages_received, 1);
        Counters::add(&counters.bytes_received, data.len() as u64);
        let message = pgoutput::parse(data)?;
        if let Message::Relation(relation) = &message {
            return self.describe(relation, memory).await;
        }
        let Some(open) = self.open.as_mut().filter(|open| !open.skip) else { return Ok(()) };
        let oid = match &message {
            Message::Insert { oid, .. } | Message::Update { oid, .. } | Message::Delete { oid, .. } => *oid,
            Message::Truncate { oids } => return self.truncate(oids).await,
            Message::Relation(_) | Message::Other => return Ok(()),
        };
        // The publication may hold tables that are not part of this source.
        let Some(table) = self.tables.get_mut(&oid) else { return Ok(()) };
        let updates = open.updates.entry(table.export.shard).or_default();
        let before = updates.len();
        match &message {
            Message::Insert { new, .. } => table.insert(new, updates)?,
            Message::Update { old, new, .. } => table.update(old.as_ref(), new, updates)?,
            Message::Delete { old, .. } => table.delete(old, updates)?,
            Message::Relation(_) | Message::Truncate { .. } | Message::Other => {}
        }
        open.bytes += updates[before..].iter().map(|(data, _)| data_bytes(data)).sum::<usize>();
        if open.bytes > TRANSACTION_BYTES_MAX {
            spill(self.source, open).await?;
        }
        Ok(())
    }

    async fn describe(&mut self, relation: &Relation, memory: &mut Memory) -> Result<(), SourceError> {
        let Some(table) = self.tables.get_mut(&relation.oid) else { return Ok(()) };
        match table.describe(relation) {
            Ok(None) => Ok(()),
            Ok(Some(identity)) => {
                memory.identities.insert(relation.oid, identity);
                // What is complete must not be seen again with the new identity.
                self.flush().await?;
                Err(SourceError::restart(format!("the replica identity of {} changed", relation.name)))
            }
            Err(error) => {
                self.flush().await?;
                Err(error)
            }
        }
    }

    /// All rows of these tables go: those that are durable, once all that is ready is, and none of what this transaction did to them stays.
    async fn truncate(&mut self, oids: &[u32]) -> Result<(), SourceError> {
        self.flush().await?;
        let upper = self.clock.standing().await?.upper;
        for oid in oids {
            let (Some(table), Some(open)) = (self.tables.get_mut(oid), self.open.as_mut()) else { continue };
            let shard = table.export.shard;
            table.truncated()?;
            open.updates.remove(&shard);
            open.builders.remove(&shard);
            let Some(as_of) = upper.last_complete() else { continue };
            let mut rows = self.source.context.persist.snapshot(shard, as_of).await?;
            while let Some(updates) = rows.next().await? {
                open.bytes += updates.iter().map(|update| data_bytes(&update.data)).sum::<usize>();
                let retracted = updates.into_iter().map(|update| (update.data, -update.diff));
                open.updates.entry(shard).or_default().extend(retracted);
                if open.bytes > TRANSACTION_BYTES_MAX {
                    spill(self.source, open).await?;
                }
            }
        }
        Ok(())
    }

    /// The open transaction is complete.
    async fn end(&mut self, lsn: u64) -> Result<(), SourceError> {
        let Some(mut open) = self.open.take().filter(|open| !open.skip) else { return Ok(()) };
        self.source.reporter.counters().offset_known.fetch_max(lsn, Ordering::Relaxed);
        if !open.builders.is_empty() {
            return self.end_large(open, lsn).await;
        }
        for (shard, updates) in &mut open.updates {
            self.ready.updates.entry(*shard).or_default().append(updates);
        }
        self.ready.bytes += open.bytes;
        self.ready.lsn = Some(lsn);
        Ok(())
    }

    /// A large transaction has a commit of its own.
    async fn end_large(&mut self, mut open: Transaction, lsn: u64) -> Result<(), SourceError> {
        spill(self.source, &mut open).await?;
        let mut batches = Vec::with_capacity(open.builders.len());
        for (shard, builder) in open.builders {
            batches.push((shard, builder.finish().await?));
        }
        self.flush().await?;
        let position = Some(Position { lsn, ..self.start }.encode());
        Ok(self.clock.commit(Changes { updates: BTreeMap::new(), batches, position }).await?)
    }

    /// Starts a commit of what is ready, if none is under way.
    fn commit_ready(&mut self) {
        if self.in_flight.is_some() {
            return;
        }
        let Some(lsn) = self.ready.lsn else { return };
        let ready = std::mem::take(&mut self.ready);
        let position = Some(Position { lsn, ..self.start }.encode());
        let changes = Changes { updates: ready.updates, batches: Vec::new(), position };
        let clock = self.clock.clone();
        self.in_flight = Some(Box::pin(async move { clock.commit(changes).await }));
    }

    /// Waits until all that is ready is durable.
    async fn flush(&mut self) -> Result<(), SourceError> {
        loop {
            if let Some(commit) = self.in_flight.take() {
                commit.await?;
            }
            self.commit_ready();
            if self.in_flight.is_none() {
                return Ok(());
            }
        }
    }
}

/// Moves what a transaction changed so far from memory to parts.
async fn spill(source: &Source, open: &mut Transaction) -> Result<(), SourceError> {
    open.bytes = 0;
    let exports = &source.description.exports;
    for (shard, updates) in std::mem::take(&mut open.updates) {
        let Some(export) = exports.values().find(|export| export.shard == shard) else { continue };
        let new = || source.context.persist.batch_builder(shard, &export.desc);
        let builder = open.builders.entry(shard).or_insert_with(new);
        for (data, diff) in updates {
            builder.add(Update { data, time: 0, diff }).await?;
        }
    }
    Ok(())
}

/// Asks upstream now and then; ends with the reason why it no longer answers.
struct Probe(JoinHandle<SourceError>);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn probe(client: Client, source: Source) -> SourceError {
    const LOG_END: &str = "SELECT ((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) \
         - '0/0'::pg_lsn)::int8";
    loop {
        match tokio::time::timeout(PROBE_TIMEOUT, client.query_one(LOG_END, &[])).await {
            Ok(Ok(row)) => {
                let known = row.get::<_, i64>(0) as u64;
                source.reporter.counters().offset_known.fetch_max(known, Ordering::Relaxed);
            }
            Ok(Err(error)) => return connect::query_error(&error),
            Err(_) => return SourceError::stalled("PostgreSQL does not answer"),
        }
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}
