//! A materialized view's shard, kept equal to what the dataflow says.
//!
//! LAW: after a commit at `upper`, the shard's contents at every time before `upper` (from the dataflow's as-of on) are the view's, whatever the shard
//! held before. Several replicas may write the same shard: the loser of a race takes the winner's writes into account and goes on.

use super::IoEvent;
use super::corrections::Corrections;
use super::sink::Gathered;
use persist::{Batch, ClockWriter, Commit, CommitOutcome, ListenEvent, PersistClient, PersistError, Update};
use repr::{Frontier, GlobalId, RelationDesc, ShardId};
use std::time::Duration;
use tokio::sync::mpsc;

/// Batches up to so many updates are handed over in memory.
const INLINE_UPDATES_MAX: usize = 4096;
/// Between two tries of a store that does not answer.
const RETRY: Duration = Duration::from_millis(500);

/// A view to be written.
pub(super) struct View {
    pub(super) id: GlobalId,
    pub(super) shard: ShardId,
    pub(super) desc: RelationDesc,
    /// The plan's version, which is its clock's epoch: newer plans fence older ones.
    pub(super) version: u64,
}

/// Why the task ends.
enum End {
    /// The view's shard belongs to a newer plan, or was dropped.
    Superseded,
    /// Something that trying again may mend.
    Retry(PersistError),
}

impl From<PersistError> for End {
    fn from(error: PersistError) -> Self {
        match error {
            PersistError::Fenced { .. } | PersistError::ShardDropped(_) => End::Superseded,
            other => End::Retry(other),
        }
    }
}

impl View {
    /// Writes until the dataflow ends.
    pub(super) async fn run(self, persist: PersistClient, input: Gathered, events: mpsc::UnboundedSender<IoEvent>) {
        let clock = loop {
            match persist.open_clock(&format!("view/{}", self.id), self.version).await {
                Ok(clock) => break clock,
                Err(PersistError::Fenced { .. }) => return,
                Err(error) => {
                    tracing::warn!(view = %self.id, %error, "opening the clock again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        Writer { view: self, persist, clock, corrections: Corrections::default(), events }.run(input).await;
    }
}

struct Writer {
    view: View,
    persist: PersistClient,
    clock: ClockWriter,
    /// What the view should hold minus what the shard holds.
    corrections: Corrections,
    events: mpsc::UnboundedSender<IoEvent>,
}

impl Writer {
    async fn run(mut self, mut input: Gathered) {
        while let Err(end) = self.load().await {
            if !self.pause(end).await {
                return;
            }
        }
        self.report();
        while let Some(updates) = input.next().await {
            self.corrections.add(updates);
            while input.upper() > self.clock.upper() {
                if let Err(end) = self.write(input.upper()).await
                    && !self.pause(end).await
                {
                    return;
                }
            }
        }
    }

    fn report(&self) {
        let _ = self.events.send(IoEvent::Frontier(self.view.id, self.clock.upper()));
    }

    /// Waits before the next try; false if there is none.
    async fn pause(&self, end: End) -> bool {
        match end {
            End::Superseded => {
                tracing::info!(view = %self.view.id, "a newer plan maintains this view");
                false
            }
            End::Retry(error) => {
                tracing::warn!(view = %self.view.id, %error, "writing again");
                tokio::time::sleep(RETRY).await;
                true
            }
        }
    }

    /// Takes into account what the shard holds already.
    async fn load(&mut self) -> Result<(), End> {
        let Some(last) = self.clock.upper().last_complete() else { return Ok(()) };
        if self.clock.upper().is_done() {
            return Ok(());
        }
        let mut snapshot = self.persist.snapshot(self.view.shard, last).await?;
        let mut held = Vec::new();
        while let Some(updates) = snapshot.next().await? {
            held.extend(updates);
        }
        self.corrections.subtract(held);
        Ok(())
    }

    /// Writes everything before `upper`.
    async fn write(&mut self, upper: Frontier) -> Result<(), End> {
        let Some(lower) = self.clock.upper().time() else { return Ok(()) };
        let updates = self.corrections.take(lower, upper);
        match self.commit(&updates, upper).await {
            Ok(CommitOutcome::Committed) => {
                self.report();
                Ok(())
            }
            Ok(CommitOutcome::UpperMismatch { .. } | CommitOutcome::AlsoMismatch) => {
                self.corrections.add(updates);
                self.catch_up().await
            }
            Ok(CommitOutcome::Fenced { .. }) => Err(End::Superseded),
            Err(error) => {
                self.corrections.add(updates);
                Err(error.into())
            }
        }
    }

    async fn commit(&mut self, updates: &[Update], upper: Frontier) -> Result<CommitOutcome, PersistError> {
        let mut commit = Commit::advance(upper);
        if !updates.is_empty() {
            commit.writes.push((self.view.shard, self.batch(updates).await?));
        }
        self.clock.commit(commit).await
    }

    async fn batch(&self, updates: &[Update]) -> Result<Batch, PersistError> {
        if updates.len() <= INLINE_UPDATES_MAX {
            return Ok(Batch::inline(self.view.shard, updates.to_vec()));
        }
        let mut builder = self.persist.batch_builder(self.view.shard, &self.view.desc);
        for update in updates {
            builder.add(update.clone()).await?;
        }
        builder.finish().await
    }

    /// Another replica was faster: takes its writes into account.
    async fn catch_up(&mut self) -> Result<(), End> {
        let before = self.clock.upper();
        self.clock.refresh().await?;
        self.report();
        let Some(last) = before.last_complete() else { return self.load().await };
        let mut listen = self.persist.listen(self.view.shard, last).await?;
        loop {
            match listen.next().await? {
                ListenEvent::Updates(updates) => self.corrections.subtract(updates),
                ListenEvent::Progress(upper) if upper < self.clock.upper() => (),
                ListenEvent::Progress(upper) => {
                    // The winner may have gone on while we read.
                    while self.clock.upper() < upper {
                        self.clock.refresh().await?;
                    }
                    return Ok(());
                }
            }
        }
    }
}
