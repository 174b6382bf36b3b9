//! A source's clock: the one place that writes to persist.
//!
//! LAW: data of all tables, the upstream position they bring us to, and the new upper are one commit. Once a position is durable the clock goes
//! on by itself: with the environment's clock, so that a read of tables and sources never waits for the upstream, and once a second at least.
//! Before the first position (while the snapshot is being read) it stands still.

use crate::ingestion::{Source, SourceError};
use crate::report::{Counters, Reporter, now_ms};
use persist::{Batch, ClockWriter, Commit, CommitOutcome, PersistClient, PersistError, Update};
use repr::{DataflowError, Diff, Frontier, RelationDesc, Row, ShardId, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// The clock of all tables.
const ENVIRONMENT_CLOCK: &str = "env";
/// The clock advances at least this often.
const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Requests that wait for a commit: one source has at most a commit and a position under way.
const REQUESTS_MAX: usize = 16;

/// A row or the reason why there is none.
pub type Data = Result<Row, DataflowError>;

/// What one commit brings.
#[derive(Debug, Default)]
pub struct Changes {
    /// Changes of shards, in memory.
    pub updates: BTreeMap<ShardId, Vec<(Data, Diff)>>,
    /// Changes of shards, built at time 0.
    pub batches: Vec<(ShardId, Batch)>,
    /// Where upstream we are then.
    pub position: Option<Vec<u8>>,
}

/// The clock stopped; why is told where it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source's clock stopped")]
pub struct ClockGone;

/// Why a clock stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClockEnd {
    /// A newer environment has it.
    #[error("a newer environment (epoch {0}) took over")]
    Fenced(u64),
    /// Someone else writes under the same epoch, or the stores cannot be used.
    #[error("cannot write: {0}")]
    Lost(String),
}

impl From<PersistError> for ClockEnd {
    fn from(error: PersistError) -> Self {
        match error {
            PersistError::Fenced { epoch, .. } => ClockEnd::Fenced(epoch),
            other => ClockEnd::Lost(other.to_string()),
        }
    }
}

/// Where a clock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Empty before the first commit of data.
    pub position: Vec<u8>,
    pub upper: Frontier,
}

enum Request {
    Commit(Changes, oneshot::Sender<()>),
    Idle(Vec<u8>),
    Standing(oneshot::Sender<Standing>),
}

/// A handle to a running clock.
#[derive(Clone, Debug)]
pub struct Clock {
    requests: mpsc::Sender<Request>,
    durable: watch::Receiver<Vec<u8>>,
}

/// The task of a running clock: aborted when dropped.
#[derive(Debug)]
pub struct ClockTask(pub JoinHandle<ClockEnd>);

impl Drop for ClockTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Clock {
    /// Takes the source's clock under its epoch, creates what shards are missing, and starts it.
    pub async fn start(source: &Source, epochs: watch::Receiver<u64>) -> Result<(Clock, ClockTask), SourceError> {
        let description = &source.description;
        let persist = source.context.persist.clone();
        let epoch = *epochs.borrow();
        let mut writer = persist.open_clock(&description.clock, epoch).await?;
        let descs: BTreeMap<_, _> = description.exports.values().map(|e| (e.shard, e.desc.clone())).collect();
        create_missing(&persist, &mut writer, &descs).await?;
        source.reporter.frontier(writer.upper());
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let (durable_sender, durable) = watch::channel(writer.position().to_vec());
        let task = ClockLoop {
            environment: persist.watch_clock(ENVIRONMENT_CLOCK),
            persist,
            name: description.clock.clone(),
            writer,
            epochs,
            requests: receiver,
            durable: durable_sender,
            idle: None,
            reporter: source.reporter.clone(),
        };
        let handle = tokio::spawn(async move {
            match task.run().await {
                Ok(never) => match never {},
                Err(end) => end,
            }
        });
        Ok((Clock { requests, durable }, ClockTask(handle)))
    }

    /// Makes changes durable at a time of the clock's choosing.
    pub async fn commit(&self, changes: Changes) -> Result<(), ClockGone> {
        let (done, committed) = oneshot::channel();
        self.requests.send(Request::Commit(changes, done)).await.map_err(|_| ClockGone)?;
        committed.await.map_err(|_| ClockGone)
    }

    /// Nothing happened up to this upstream position: the next tick may take it along.
    pub fn idle_at(&self, position: Vec<u8>) {
        // A full queue means that there is more to tell soon.
        let _ = self.requests.try_send(Request::Idle(position));
    }

    /// Where the clock stands after all that was asked of it before.
    pub async fn standing(&self) -> Result<Standing, ClockGone> {
        let (reply, standing) = oneshot::channel();
        self.requests.send(Request::Standing(reply)).await.map_err(|_| ClockGone)?;
        standing.await.map_err(|_| ClockGone)
    }

    /// The durable position: what upstream may forget.
    pub fn durable(&self) -> watch::Receiver<Vec<u8>> {
        self.durable.clone()
    }
}

async fn create_missing(
    persist: &PersistClient,
    writer: &mut ClockWriter,
    descs: &BTreeMap<ShardId, RelationDesc>,
) -> Result<(), SourceError> {
    let mut missing = Vec::new();
    for (shard, desc) in descs {
        if persist.shard_state(*shard).await?.is_none() {
            missing.push((*shard, desc.clone()));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    if !writer.position().is_empty() {
        // Its rows would have to be read at a time of their own; a table that is there without them would be a lie.
        let error = SourceError::failed("tables cannot be added to a source that has already been read");
        return Err(error.hint("create another source for the new tables"));
    }
    Ok(persist.create_shards(writer, &missing).await?)
}

/// The clock's task.
struct ClockLoop {
    persist: PersistClient,
    name: String,
    writer: ClockWriter,
    epochs: watch::Receiver<u64>,
    environment: watch::Receiver<Frontier>,
    requests: mpsc::Receiver<Request>,
    durable: watch::Sender<Vec<u8>>,
    /// A position that the next commit takes along.
    idle: Option<Vec<u8>>,
    reporter: Reporter,
}

enum Event {
    Request(Option<Request>),
    Tick,
    Epoch,
}

impl ClockLoop {
    async fn run(mut self) -> Result<std::convert::Infallible, ClockEnd> {
        loop {
            let event = self.next().await;
            self.handle(event).await?;
        }
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            request = self.requests.recv() => Event::Request(request),
            Ok(()) = self.environment.changed() => Event::Tick,
            Ok(()) = self.epochs.changed() => Event::Epoch,
            () = tokio::time::sleep(TICK_INTERVAL) => Event::Tick,
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), ClockEnd> {
        match event {
            Event::Request(Some(Request::Commit(changes, done))) => {
                self.commit(changes).await?;
                // Whoever asked may have gone; the commit stands.
                let _ = done.send(());
            }
            Event::Request(Some(Request::Idle(position))) => self.idle = Some(position),
            Event::Request(Some(Request::Standing(reply))) => {
                let standing = Standing { position: self.writer.position().to_vec(), upper: self.writer.upper() };
                let _ = reply.send(standing);
            }
            Event::Request(None) => return Err(ClockEnd::Lost("its source ended".into())),
            Event::Tick => self.tick().await?,
            Event::Epoch => {
                let epoch = *self.epochs.borrow_and_update();
                self.writer = self.persist.open_clock(&self.name, epoch).await?;
            }
        }
        Ok(())
    }

    /// Now, and not before the environment's clock.
    fn present(&self) -> Timestamp {
        let environment = self.environment.borrow().last_complete().filter(|t| *t != Timestamp::MAX);
        now_ms().max(environment.unwrap_or(0))
    }

    async fn tick(&mut self) -> Result<(), ClockEnd> {
        self.environment.borrow_and_update();
        if self.writer.position().is_empty() {
            return Ok(());
        }
        if self.writer.upper().is_beyond(self.present()) && self.idle.is_none() {
            return Ok(());
        }
        self.commit(Changes::default()).await
    }

    async fn commit(&mut self, changes: Changes) -> Result<(), ClockEnd> {
        let time = self.present().max(self.writer.upper().time().unwrap_or(Timestamp::MAX - 1));
        // The snapshot is what the tables have always held: a read at whatever time waits for it, and finds it whole.
        let time_of_data = if self.writer.position().is_empty() { 0 } else { time };
        let mut writes = Vec::with_capacity(changes.updates.len() + changes.batches.len());
        for (shard, mut batch) in changes.batches {
            batch.advance_to(time_of_data);
            writes.push((shard, batch));
        }
        for (shard, updates) in changes.updates {
            let updates = consolidate(updates);
            if !updates.is_empty() {
                let at = |(data, diff)| Update { data, time: time_of_data, diff };
                let updates = updates.into_iter().map(at).collect();
                writes.push((shard, Batch::inline(shard, updates)));
            }
        }
        let count: u64 = writes.iter().map(|(_, batch)| batch.len()).sum();
        // ORDER: a position given with data is newer than any idle one, which was noted before it.
        let idle = self.idle.take();
        let position = changes.position.or(idle);
        let new_upper = Frontier::at(time + 1);
        let commit = Commit { new_upper, position: position.clone(), writes, also: Vec::new() };
        match self.writer.commit(commit).await? {
            CommitOutcome::Committed => {}
            CommitOutcome::Fenced { epoch } => return Err(ClockEnd::Fenced(epoch)),
            other => return Err(ClockEnd::Lost(format!("another process writes to it ({other:?})"))),
        }
        Counters::add(&self.reporter.counters().updates_committed, count);
        if let Some(position) = position {
            self.durable.send_replace(position);
        }
        self.reporter.frontier(new_upper);
        Ok(())
    }
}

/// About how much memory a row or error takes.
pub fn data_bytes(data: &Data) -> usize {
    let heap = match data {
        Ok(row) => row.heap_bytes(),
        Err(error) => error.message.len() + error.detail.as_ref().map_or(0, String::len),
    };
    size_of::<Update>() + heap
}

/// Sums up what is said of the same data: a row that changes a hundred times in one commit changes once.
fn consolidate(mut updates: Vec<(Data, Diff)>) -> Vec<(Data, Diff)> {
    updates.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    updates.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    updates.retain(|(_, diff)| *diff != 0);
    updates
}

#[cfg(test)]
mod tests;
