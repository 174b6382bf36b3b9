//! Batches: updates of one shard on their way into a commit.
//!
//! A batch that is dropped without having been committed deletes its parts.

use crate::core::{Core, retry};
use crate::part;
use crate::state::{Content, Part, Run};
use crate::update::{consolidate, encode_inline};
use crate::{ExternalError, PersistError, Update};
use repr::{Frontier, RelationDesc, ShardId, Timestamp};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Parts being encoded and written while the next is filled: one for each of both.
const PARTS_IN_FLIGHT: usize = 2;

/// Updates of one shard, ready to be committed.
pub struct Batch {
    shard: ShardId,
    small: Vec<Update>,
    parts: Vec<WrittenPart>,
    advance: Option<Timestamp>,
    /// Set where there are parts: who deletes them.
    core: Option<Arc<Core>>,
}

/// A part that no state names yet.
#[derive(Clone, Debug)]
struct WrittenPart {
    part: Part,
    summary: Summary,
}

/// What a run's description says of its updates.
#[derive(Clone, Copy, Debug)]
struct Summary {
    times: (Timestamp, Timestamp),
    updates: u64,
    deletes: u64,
    bytes: u64,
}

impl Summary {
    /// Of at least one update.
    fn of(updates: &[Update]) -> Self {
        let mut summary = Summary { times: (Timestamp::MAX, 0), updates: updates.len() as u64, deletes: 0, bytes: 0 };
        for update in updates {
            summary.times = (summary.times.0.min(update.time), summary.times.1.max(update.time));
            summary.deletes += u64::from(update.diff < 0);
            summary.bytes += update.bytes() as u64;
        }
        summary
    }

    fn run(self, lower: Timestamp, upper: Frontier, content: Content) -> Run {
        let Summary { updates, deletes, bytes, .. } = self;
        Run { lower, upper, since: 0, content, updates, deletes, bytes }
    }
}

impl Batch {
    /// A small batch, held in memory.
    pub fn inline(shard: ShardId, updates: Vec<Update>) -> Batch {
        Batch { shard, small: updates, parts: Vec::new(), advance: None, core: None }
    }

    /// The shard it is for.
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// All updates before `time` take place at `time`: for batches that were begun before the time of their commit was known.
    pub fn advance_to(&mut self, time: Timestamp) {
        self.advance = Some(self.advance.map_or(time, |before| before.max(time)));
    }

    /// How many updates.
    pub fn len(&self) -> u64 {
        self.small.len() as u64 + self.parts.iter().map(|part| part.summary.updates).sum::<u64>()
    }

    /// Whether there are no updates.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves what is too large to travel inside a state change to parts.
    pub(crate) async fn spill(&mut self, core: &Arc<Core>, desc: &RelationDesc) -> Result<(), PersistError> {
        let bytes: usize = self.small.iter().map(Update::bytes).sum();
        if bytes > core.settings.inline_bytes_max {
            let updates = std::mem::take(&mut self.small);
            self.core = Some(Arc::clone(core));
            self.parts.extend(write_part(Arc::clone(core), self.shard, Arc::new(desc.clone()), updates).await?);
        }
        Ok(())
    }

    /// The runs to append in a commit from `lower` to `upper`.
    pub(crate) fn runs(&self, lower: Timestamp, upper: Frontier) -> Result<Vec<Arc<Run>>, PersistError> {
        let mut runs = Vec::with_capacity(self.parts.len() + 1);
        let lower = self.advance.unwrap_or(lower).max(lower);
        if upper.less_equal(lower) {
            return Err(PersistError::Usage(format!("a batch is advanced to {lower}, beyond its commit's {upper}")));
        }
        if !self.small.is_empty() {
            let content = Content::Inline(encode_inline(&self.small));
            runs.push(Summary::of(&self.small).checked_run(self.advance, lower, upper, content)?);
        }
        for WrittenPart { part, summary } in &self.parts {
            let content = Content::Parts(vec![part.clone()]);
            runs.push(summary.checked_run(self.advance, lower, upper, content)?);
        }
        Ok(runs)
    }

    /// The parts belong to a state now, or may.
    pub(crate) fn keep(mut self) {
        self.parts.clear();
    }
}

impl Summary {
    fn checked_run(
        self,
        advance: Option<Timestamp>,
        lower: Timestamp,
        upper: Frontier,
        content: Content,
    ) -> Result<Arc<Run>, PersistError> {
        let (min, max) = self.times;
        if upper.less_equal(max) || (advance.is_none() && min < lower) {
            return Err(PersistError::Usage(format!(
                "times {min} to {max} are not in the commit's [{lower}, {upper})"
            )));
        }
        Ok(Arc::new(self.run(lower, upper, content)))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some(core) = &self.core {
            core.garbage.add(self.parts.drain(..).map(|part| part.part.key), Duration::ZERO);
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} updates of {} in {} parts", self.len(), self.shard, self.parts.len())
    }
}

/// Encodes and writes a part; `None` if all updates cancel. Its updates are sorted and consolidated.
async fn write_part(
    core: Arc<Core>,
    shard: ShardId,
    desc: Arc<RelationDesc>,
    mut updates: Vec<Update>,
) -> Result<Option<WrittenPart>, PersistError> {
    let key = core.part_key(shard);
    let encode = tokio::task::spawn_blocking(move || {
        consolidate(&mut updates);
        if updates.is_empty() {
            return Ok(None);
        }
        part::encode(key, &desc, &updates).map(|encoded| Some((Summary::of(&updates), encoded)))
    });
    let encoded = encode.await.map_err(ExternalError::determinate)?;
    let Some((summary, encoded)) = encoded? else { return Ok(None) };
    retry(|| core.blob.put(&encoded.part.key, encoded.bytes.clone())).await?;
    Ok(Some(WrittenPart { part: encoded.part, summary }))
}

/// Builds a batch of any size in bounded memory: a few parts' worth.
pub struct BatchBuilder {
    core: Arc<Core>,
    desc: Arc<RelationDesc>,
    filling: Vec<Update>,
    filling_bytes: usize,
    in_flight: VecDeque<JoinHandle<Result<Option<WrittenPart>, PersistError>>>,
    batch: Batch,
}

impl BatchBuilder {
    pub(crate) fn new(core: Arc<Core>, shard: ShardId, desc: &RelationDesc) -> Self {
        let mut batch = Batch::inline(shard, Vec::new());
        batch.core = Some(Arc::clone(&core));
        BatchBuilder {
            core,
            desc: Arc::new(desc.clone()),
            filling: Vec::new(),
            filling_bytes: 0,
            in_flight: VecDeque::new(),
            batch,
        }
    }

    /// Adds one update.
    pub async fn add(&mut self, update: Update) -> Result<(), PersistError> {
        self.filling_bytes += update.bytes();
        self.filling.push(update);
        if self.filling_bytes >= self.core.settings.part_bytes_max {
            self.spill().await?;
        }
        Ok(())
    }

    /// The batch.
    pub async fn finish(mut self) -> Result<Batch, PersistError> {
        if self.filling_bytes > self.core.settings.inline_bytes_max {
            self.spill().await?;
        }
        while let Some(part) = self.in_flight.pop_front() {
            self.batch.parts.extend(part.await.map_err(ExternalError::determinate)??);
        }
        self.batch.small = self.filling;
        Ok(self.batch)
    }

    async fn spill(&mut self) -> Result<(), PersistError> {
        if self.in_flight.len() >= PARTS_IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            self.batch.parts.extend(oldest.await.map_err(ExternalError::determinate)??);
        }
        let updates = std::mem::take(&mut self.filling);
        self.filling_bytes = 0;
        let (core, desc) = (Arc::clone(&self.core), Arc::clone(&self.desc));
        self.in_flight.push_back(tokio::spawn(write_part(core, self.batch.shard, desc, updates)));
        Ok(())
    }
}
