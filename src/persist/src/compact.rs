//! Compaction: merges runs, advances their times to the shard's since and adds up what became equal, so that the space a shard takes
//! stays in proportion to what it holds, and a reader has few runs to look at.
//!
//! The merge keeps one chunk and one fetched part of each run in memory, and the part it fills; runs are merged at most
//! [`RUNS_MAX`] at a time.

#[cfg(test)]
mod tests;

use crate::core::{Changed, Core, retry};
use crate::part::{self, PartReader};
use crate::state::{Change, Content, Part, Run, RunId, ShardState, shard_key};
use crate::update::{consolidate, decode_inline, encode_inline};
use crate::{ExternalError, PersistError, Settings, Update};
use repr::{Frontier, RelationDesc, ShardId, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Runs in parts that one merge reads at once: bounds its memory.
const RUNS_MAX: usize = 16;
/// Runs up to this size count as equally small.
const TIER_BYTES: u64 = 64 << 10;
/// Below this size it does not matter what a shard wastes.
const WASTE_BYTES_MIN: u64 = 1 << 20;
/// A shard is compacted if one in so many updates removes something.
const DELETES_ONE_IN: u64 = 4;

type IdentifiedRun = (RunId, Arc<Run>);

/// The runs to merge next; `None` if the shard is in good shape.
pub(crate) fn plan(state: &ShardState, settings: &Settings) -> Option<Vec<RunId>> {
    let (inline, mut in_parts): (Vec<&IdentifiedRun>, Vec<&IdentifiedRun>) =
        state.runs.iter().partition(|(_, run)| run.is_inline());
    in_parts.sort_by_key(|(_, run)| run.bytes);
    let chosen = many_inline(&inline, settings)
        .or_else(|| full_tier(&in_parts, settings.compact_fan_in))
        .or_else(|| wasteful(&in_parts))
        .or_else(|| removable(state.since, &in_parts))?;
    Some(chosen.into_iter().map(|(id, _)| *id).collect())
}

/// Inline runs, where they have become a burden to the state.
fn many_inline<'a>(inline: &[&'a IdentifiedRun], settings: &Settings) -> Option<Vec<&'a IdentifiedRun>> {
    let bytes: u64 = inline.iter().map(|(_, run)| run.bytes).sum();
    let full = inline.len() >= settings.compact_inline_runs.max(2)
        || (inline.len() > 1 && bytes >= settings.compact_inline_bytes as u64);
    full.then(|| inline.to_vec())
}

/// The smallest size of which there are too many runs. Each size is `fan_in` times the one before, so that an update is rewritten a
/// logarithmic number of times.
fn full_tier<'a>(runs: &[&'a IdentifiedRun], fan_in: usize) -> Option<Vec<&'a IdentifiedRun>> {
    let fan_in = fan_in.max(2);
    let mut tiers: BTreeMap<u32, Vec<&IdentifiedRun>> = BTreeMap::new();
    for run in runs {
        let tier = (run.1.bytes / TIER_BYTES).checked_ilog(fan_in as u64).map_or(0, |n| n + 1);
        tiers.entry(tier).or_default().push(run);
    }
    let (_, mut runs) = tiers.into_iter().find(|(_, runs)| runs.len() >= fan_in)?;
    runs.truncate(RUNS_MAX.max(fan_in));
    Some(runs)
}

/// All runs, where the smaller ones together outgrow the largest: what they hold may well cancel.
fn wasteful<'a>(runs: &[&'a IdentifiedRun]) -> Option<Vec<&'a IdentifiedRun>> {
    let largest = runs.last()?.1.bytes;
    let others: u64 = runs[..runs.len() - 1].iter().map(|(_, run)| run.bytes).sum();
    (others > largest.max(WASTE_BYTES_MIN)).then(|| runs.iter().take(RUNS_MAX).copied().collect())
}

/// Runs full of removals that have all come to pass, together with those that hold what they remove.
fn removable<'a>(since: Frontier, runs: &[&'a IdentifiedRun]) -> Option<Vec<&'a IdentifiedRun>> {
    let past: Vec<&IdentifiedRun> = runs.iter().copied().filter(|(_, run)| run.upper <= since).take(RUNS_MAX).collect();
    let sum = |f: fn(&Run) -> u64| past.iter().map(|(_, run)| f(run)).sum::<u64>();
    let (updates, deletes, bytes) = (sum(|run| run.updates), sum(|run| run.deletes), sum(|run| run.bytes));
    // A single run that was merged after all its times had passed has nothing left to cancel.
    let anew = past.len() > 1 || past.iter().any(|(_, run)| run.upper.is_beyond(run.since));
    (anew && bytes >= TIER_BYTES && deletes > 0 && deletes * DELETES_ONE_IN >= updates).then_some(past)
}

/// Merges runs of a shard into one.
pub(crate) async fn run(
    core: &Arc<Core>,
    shard: ShardId,
    state: &ShardState,
    inputs: Vec<RunId>,
) -> Result<(), PersistError> {
    let Some(since) = state.since.time() else { return Ok(()) };
    let runs: Vec<Arc<Run>> =
        state.runs.iter().filter(|(id, _)| inputs.contains(id)).map(|(_, run)| Arc::clone(run)).collect();
    let output = {
        let (core, desc, runs, handle) = (Arc::clone(core), state.desc.clone(), runs.clone(), Handle::current());
        let merge = move || Merge::new(&core, &handle, shard, &desc, since).run(&runs);
        tokio::task::spawn_blocking(merge).await.map_err(ExternalError::determinate)??.map(Arc::new)
    };
    let keys = |run: &Run| run.parts().iter().map(|part| part.key.clone()).collect::<Vec<_>>();
    let ours: Vec<String> = output.iter().flat_map(|run| keys(run)).collect();
    let mut landed = false;
    let changed = core.change_shard(shard, |now| {
        // Asked again after an unknown outcome: our output may be there already.
        landed = now.blob_keys().any(|key| ours.iter().any(|ours| ours == key));
        let change = Change::Compact { inputs: inputs.clone(), output: output.clone() };
        (!landed && now.holds(&inputs)).then_some(change)
    });
    let changed = changed.await?;
    if changed == Changed::Yes || landed {
        core.garbage.add(runs.iter().flat_map(|run| keys(run)), core.settings.delete_delay);
    } else if changed == Changed::No {
        core.garbage.add(ours, Duration::ZERO); // somebody was faster; the output was never named
    }
    Ok(())
}

/// A merge under way, on a thread that may block.
struct Merge<'a> {
    core: &'a Core,
    handle: &'a Handle,
    shard: ShardId,
    desc: &'a RelationDesc,
    since: Timestamp,
    /// The part being filled.
    filling: Vec<Update>,
    filling_bytes: usize,
    parts: Vec<Part>,
    updates: u64,
    deletes: u64,
    bytes: u64,
}

impl<'a> Merge<'a> {
    fn new(core: &'a Core, handle: &'a Handle, shard: ShardId, desc: &'a RelationDesc, since: Timestamp) -> Self {
        let (filling, parts) = (Vec::new(), Vec::new());
        Merge { core, handle, shard, desc, since, filling, filling_bytes: 0, parts, updates: 0, deletes: 0, bytes: 0 }
    }

    /// The merged run; `None` if everything cancelled. What was written is deleted if it fails.
    fn run(mut self, runs: &[Arc<Run>]) -> Result<Option<Run>, PersistError> {
        let merged = self.merge(runs);
        if merged.is_err() {
            self.core.garbage.add(self.parts.drain(..).map(|part| part.key), Duration::ZERO);
        }
        merged
    }

    fn merge(&mut self, runs: &[Arc<Run>]) -> Result<Option<Run>, PersistError> {
        let mut sources: Vec<Source> = runs.iter().map(|run| Source::new(self, run)).collect::<Result<_, _>>()?;
        let mut heap = BinaryHeap::with_capacity(sources.len());
        for (i, source) in sources.iter_mut().enumerate() {
            heap.extend(source.next(self)?.map(|update| Reverse((update, i))));
        }
        let mut last: Option<Update> = None;
        while let Some(Reverse((update, i))) = heap.pop() {
            heap.extend(sources[i].next(self)?.map(|update| Reverse((update, i))));
            match &mut last {
                Some(last) if last.time == update.time && last.data == update.data => last.diff += update.diff,
                _ => {
                    let complete = last.replace(update);
                    self.write(complete)?;
                }
            }
        }
        self.write(last)?;
        self.finish(runs)
    }

    fn write(&mut self, update: Option<Update>) -> Result<(), PersistError> {
        let Some(update) = update.filter(|update| update.diff != 0) else { return Ok(()) };
        let bytes = update.bytes();
        self.updates += 1;
        self.deletes += u64::from(update.diff < 0);
        self.bytes += bytes as u64;
        self.filling_bytes += bytes;
        self.filling.push(update);
        if self.filling_bytes >= self.core.settings.part_bytes_max {
            self.write_part()?;
        }
        Ok(())
    }

    fn write_part(&mut self) -> Result<(), PersistError> {
        let encoded = part::encode(self.core.part_key(self.shard), self.desc, &self.filling)?;
        let put = || self.core.blob.put(&encoded.part.key, encoded.bytes.clone());
        self.handle.block_on(retry(put))?;
        self.parts.push(encoded.part);
        self.filling.clear();
        self.filling_bytes = 0;
        Ok(())
    }

    fn finish(&mut self, runs: &[Arc<Run>]) -> Result<Option<Run>, PersistError> {
        let inline = self.parts.is_empty() && self.filling_bytes <= self.core.settings.inline_bytes_max;
        let content = if inline {
            Content::Inline(encode_inline(&self.filling))
        } else {
            if !self.filling.is_empty() {
                self.write_part()?;
            }
            Content::Parts(std::mem::take(&mut self.parts))
        };
        let description = |lower, upper| Run {
            lower,
            upper,
            since: runs.iter().map(|run| run.since).fold(self.since, Timestamp::max),
            content,
            updates: self.updates,
            deletes: self.deletes,
            bytes: self.bytes,
        };
        let bounds = runs.iter().map(|run| run.lower).min().zip(runs.iter().map(|run| run.upper).max());
        Ok(bounds.filter(|_| self.updates > 0).map(|(lower, upper)| description(lower, upper)))
    }
}

/// The updates of one run in order, times advanced.
struct Source {
    shard: ShardId,
    lower: Timestamp,
    parts: std::vec::IntoIter<Part>,
    reader: Option<PartReader>,
    chunk: std::vec::IntoIter<Update>,
}

impl Source {
    fn new(merge: &Merge<'_>, run: &Run) -> Result<Self, PersistError> {
        let chunk = match &run.content {
            Content::Inline(bytes) => {
                let mut updates = decode_inline(&shard_key(merge.shard), bytes)?;
                consolidate(&mut updates);
                updates
            }
            Content::Parts(_) => Vec::new(),
        };
        let parts = run.parts().to_vec().into_iter();
        let lower = run.lower.max(merge.since);
        Ok(Source { shard: merge.shard, lower, parts, reader: None, chunk: chunk.into_iter() })
    }

    fn next(&mut self, merge: &Merge<'_>) -> Result<Option<Update>, PersistError> {
        loop {
            if let Some(mut update) = self.chunk.next() {
                update.time = update.time.max(self.lower);
                return Ok(Some(update));
            }
            if let Some(reader) = &mut self.reader {
                match reader.next()? {
                    Some(chunk) => self.chunk = chunk.into_iter(),
                    None => self.reader = None,
                }
                continue;
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            let bytes = merge.handle.block_on(merge.core.fetch(&part))?;
            let bytes = bytes.ok_or(PersistError::ReaderTooSlow { shard: self.shard })?;
            self.reader = Some(PartReader::open(&part, bytes, merge.core.settings.chunk_rows_max)?);
        }
    }
}
