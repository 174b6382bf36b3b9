//! Group commit: the one task that advances the environment's clock.
//!
//! ```text
//!  sessions ─▶ queue ─▶ take all that wait ─▶ validate each ─▶ time = max(now, last + 1) ─▶ one ClockWriter::commit ─▶ answer all
//! ```
//!
//! LAW: at most one commit falls in a millisecond, and none is ahead of the wall clock; batches grow instead. When nobody writes, empty commits
//! tick: often while someone reads, else every second.

use super::time::{Oracle, now_ms};
use super::unique::all_checked;
use crate::catalog::Catalog;
use arc_swap::ArcSwap;
use persist::{Batch, ClockWriter, Commit, CommitOutcome, CompareAndSet, PersistClient, PersistError, Update};
use repr::{Frontier, GlobalId, RelationDesc, ShardId, SqlError, SqlState, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How often the clock ticks while someone reads.
const TICK_ACTIVE: Duration = Duration::from_millis(50);
/// How often the clock ticks when nobody does; the lease must not run out in between.
const TICK_IDLE: Duration = Duration::from_secs(1);
/// Requests that wait at most; more make sessions wait.
const QUEUE_MAX: usize = 1024;

/// A write, ready to be stamped; the default writes nothing, and is done when all before it are.
#[derive(Default)]
pub struct WriteRequest {
    /// What to append, by table; the updates' times are before any commit's.
    pub writes: Vec<(GlobalId, ShardId, TableWrite)>,
    /// The tables that must not have changed since these times.
    pub reads: BTreeMap<GlobalId, Timestamp>,
    /// The unique indexes whose keys were looked at.
    pub unique: BTreeSet<GlobalId>,
}

/// What became of a write.
pub enum WriteOutcome {
    /// It is durable and visible from this time on.
    Committed(Timestamp),
    /// What it depends on has changed: nothing was written.
    Conflict(WriteRequest),
}

/// What is appended to one table.
pub enum TableWrite {
    /// A few updates: those of all requests travel together.
    Small(Vec<Update>),
    /// Many, in parts already.
    Large(Batch),
}

/// A change of the catalog.
pub struct CatalogRequest {
    /// The durable change.
    pub change: CompareAndSet,
    /// Shards to create first, on the environment's clock.
    pub shards: Vec<(ShardId, RelationDesc)>,
}

type WriteReply = oneshot::Sender<Result<WriteOutcome, SqlError>>;

enum Request {
    Write(WriteRequest, WriteReply),
    Catalog(CatalogRequest, oneshot::Sender<Result<Timestamp, SqlError>>),
}

/// Where requests go.
#[derive(Clone)]
pub struct CommitterHandle(mpsc::Sender<Request>);

impl CommitterHandle {
    /// Commits a write.
    pub async fn write(&self, request: WriteRequest) -> Result<WriteOutcome, SqlError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request::Write(request, reply)).await.map_err(|_| shutting_down())?;
        answer.await.map_err(|_| shutting_down())?
    }

    /// Commits a change of the catalog.
    pub async fn catalog(&self, request: CatalogRequest) -> Result<Timestamp, SqlError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request::Catalog(request, reply)).await.map_err(|_| shutting_down())?;
        answer.await.map_err(|_| shutting_down())?
    }
}

fn shutting_down() -> SqlError {
    SqlError::new(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}

/// The task's state.
pub struct Committer {
    persist: PersistClient,
    writer: ClockWriter,
    oracle: Arc<Oracle>,
    catalog: Arc<ArcSwap<Catalog>>,
    /// When each table was last written; those not here, not since the start.
    written: BTreeMap<GlobalId, Timestamp>,
    /// Everything before it may have been written by an earlier environmentd.
    started: Timestamp,
    /// Why the environment cannot go on.
    fatal: watch::Sender<Option<String>>,
}

impl Committer {
    /// Starts the task; it ends with its last handle, or for a reason that it tells `fatal`.
    pub fn spawn(
        persist: PersistClient,
        writer: ClockWriter,
        oracle: Arc<Oracle>,
        catalog: Arc<ArcSwap<Catalog>>,
        fatal: watch::Sender<Option<String>>,
    ) -> CommitterHandle {
        let started = writer.upper().last_complete().unwrap_or(0);
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let committer = Committer { persist, writer, oracle, catalog, written: BTreeMap::new(), started, fatal };
        tokio::spawn(committer.run(receiver));
        CommitterHandle(sender)
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut last = Instant::now();
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                taken = requests.recv_many(&mut batch, QUEUE_MAX) => if taken == 0 { return },
                () = self.until_tick(last) => {}
            }
            last = Instant::now();
            if let Err(reason) = self.handle(batch).await {
                tracing::error!("{reason}");
                self.fatal.send_replace(Some(reason));
                return;
            }
        }
    }

    /// Waits until a tick is due, looking again now and then because someone may begin to read.
    async fn until_tick(&self, last: Instant) {
        loop {
            let interval = if self.oracle.is_active() { TICK_ACTIVE } else { TICK_IDLE };
            match interval.checked_sub(last.elapsed()) {
                None => return,
                Some(wait) => tokio::time::sleep(wait.min(TICK_ACTIVE)).await,
            }
        }
    }

    /// Commits a batch of requests: all writes together, each change of the catalog on its own.
    async fn handle(&mut self, batch: Vec<Request>) -> Result<(), String> {
        let mut writes = Vec::new();
        let mut changes = Vec::new();
        for request in batch {
            match request {
                Request::Write(request, reply) => writes.push((request, reply)),
                Request::Catalog(request, reply) => changes.push((request, reply)),
            }
        }
        if changes.is_empty() || !writes.is_empty() {
            self.commit_writes(writes).await?;
        }
        for (request, reply) in changes {
            let answer = self.commit_catalog(request).await?;
            let _ = reply.send(answer);
        }
        Ok(())
    }

    async fn commit_writes(&mut self, requests: Vec<(WriteRequest, WriteReply)>) -> Result<(), String> {
        let catalog = self.catalog.load_full();
        let (mut replies, mut tables, mut gathered) = (Vec::new(), BTreeSet::new(), Gathered::default());
        for (request, reply) in requests {
            match self.is_current(&catalog, &request, &tables) {
                Ok(true) => {}
                Ok(false) => {
                    let _ = reply.send(Ok(WriteOutcome::Conflict(request)));
                    continue;
                }
                Err(error) => {
                    let _ = reply.send(Err(error));
                    continue;
                }
            }
            for (table, shard, write) in request.writes {
                tables.insert(table);
                gathered.add(shard, write);
            }
            replies.push(reply);
        }
        match self.commit(gathered.into_batches(), Vec::new()).await? {
            Ok(time) => {
                self.written.extend(tables.into_iter().map(|table| (table, time)));
                replies.into_iter().for_each(|reply| drop(reply.send(Ok(WriteOutcome::Committed(time)))));
            }
            Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
        }
        Ok(())
    }

    /// Whether what a write depends on is as it was, also after the writes of this batch before it; fails if its tables do not exist.
    fn is_current(
        &self,
        catalog: &Catalog,
        request: &WriteRequest,
        tables: &BTreeSet<GlobalId>,
    ) -> Result<bool, SqlError> {
        for (table, shard, _) in &request.writes {
            if catalog.entry(*table).is_none_or(|entry| entry.shard != Some(*shard)) {
                let what = "the table was dropped while the statement was running";
                return Err(SqlError::new(SqlState::UNDEFINED_TABLE, what));
            }
        }
        let written = |table: &GlobalId| self.written.get(table).copied().unwrap_or(self.started);
        let unchanged =
            |(table, read_at): (&GlobalId, &Timestamp)| !tables.contains(table) && written(table) <= *read_at;
        let checked = |(table, _, _): &(GlobalId, _, _)| all_checked(catalog, *table, &request.unique);
        Ok(request.reads.iter().all(unchanged) && request.writes.iter().all(checked))
    }

    async fn commit_catalog(&mut self, request: CatalogRequest) -> Result<Result<Timestamp, SqlError>, String> {
        if !request.shards.is_empty()
            && let Err(error) = self.persist.create_shards(&mut self.writer, &request.shards).await
        {
            return self.failed(error).await.map(Err);
        }
        self.commit(Vec::new(), vec![request.change]).await
    }

    /// One step of the clock. The outer error ends the environment, the inner one is the clients'.
    async fn commit(
        &mut self,
        mut writes: Vec<(ShardId, Batch)>,
        also: Vec<CompareAndSet>,
    ) -> Result<Result<Timestamp, SqlError>, String> {
        let time = self.next_time().await;
        for (_, batch) in &mut writes {
            batch.advance_to(time);
        }
        let began = Instant::now();
        let commit = Commit { new_upper: Frontier::at(time + 1), position: None, writes, also };
        match self.writer.commit(commit).await {
            Ok(CommitOutcome::Committed) => {
                self.oracle.committed(time, began);
                Ok(Ok(time))
            }
            Ok(CommitOutcome::Fenced { epoch }) => Err(fenced(epoch)),
            Ok(CommitOutcome::AlsoMismatch) => Err("the catalog was changed by another environmentd".to_string()),
            Ok(CommitOutcome::UpperMismatch { .. }) => self
                .failed(PersistError::Usage("the environment's clock was moved by someone else".into()))
                .await
                .map(Err),
            Err(error) => self.failed(error).await.map(Err),
        }
    }

    /// The time of the next commit; waits until it is not ahead of the wall clock.
    async fn next_time(&self) -> Timestamp {
        let last = self.writer.upper().last_complete().unwrap_or(0);
        loop {
            let now = now_ms();
            if now > last {
                return now;
            }
            tokio::time::sleep(Duration::from_millis((last + 1 - now).min(1000))).await;
        }
    }

    /// What to tell clients of a failed commit; reads the clock again, as the commit may have happened.
    async fn failed(&mut self, error: PersistError) -> Result<SqlError, String> {
        if let PersistError::Fenced { epoch, .. } = error {
            return Err(fenced(epoch));
        }
        tracing::error!(%error, "a commit failed");
        if let Err(again) = self.writer.refresh().await {
            if let PersistError::Fenced { epoch, .. } = again {
                return Err(fenced(epoch));
            }
            tracing::error!(error = %again, "the clock cannot be read");
            tokio::time::sleep(TICK_ACTIVE).await;
        }
        Ok(error.into())
    }
}

/// The writes of a group commit, by shard.
#[derive(Default)]
struct Gathered {
    small: BTreeMap<ShardId, Vec<Update>>,
    large: Vec<(ShardId, Batch)>,
}

impl Gathered {
    fn add(&mut self, shard: ShardId, write: TableWrite) {
        match write {
            TableWrite::Small(updates) => self.small.entry(shard).or_default().extend(updates),
            TableWrite::Large(batch) => self.large.push((shard, batch)),
        }
    }

    fn into_batches(self) -> Vec<(ShardId, Batch)> {
        let small = self.small.into_iter().map(|(shard, updates)| (shard, Batch::inline(shard, updates)));
        self.large.into_iter().chain(small).collect()
    }
}

fn fenced(epoch: u64) -> String {
    format!("a newer environmentd (epoch {epoch}) has taken over this environment; this one stops")
}
