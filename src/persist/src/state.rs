//! A shard's state and how it changes: pure, without I/O.
//!
//! A shard is a bag of *runs*. A run is a set of updates, sorted and consolidated, inline or in parts; it never changes. A commit
//! appends runs, compaction replaces some by one; since runs are bags, any of them may be merged. Laws:
//!
//! * A run's times, once those before `lower` are advanced to it, were committed in `[lower, upper)`; compaction then advanced those
//!   before the run's `since` to it, so that its contents are exact from there on.
//! * `since` never regresses, no run's `since` is beyond the shard's, and an id is never used twice.
//! * Applying the same changes to the same state gives the same state, everywhere.

#[cfg(test)]
mod tests;

use crate::ClockId;
use bytes::Bytes;
use repr::{Frontier, RelationDesc, ShardId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// The consensus key of a shard.
pub(crate) fn shard_key(shard: ShardId) -> String {
    format!("shard/{shard}")
}

/// Names a run within its shard: the version that added it, and its place in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RunId {
    pub seqno: u64,
    pub index: u32,
}

/// A set of updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Earlier times are read as this one.
    pub lower: Timestamp,
    pub upper: Frontier,
    /// Times before this one were advanced to it; 0 if none were.
    pub since: Timestamp,
    pub content: Content,
    /// How many updates.
    pub updates: u64,
    /// How many of them remove something.
    pub deletes: u64,
    /// Bytes before compression.
    pub bytes: u64,
}

/// Where a run's updates are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// Here.
    Inline(Bytes),
    /// In blobs, in the order of their rows.
    Parts(Vec<Part>),
}

/// A blob of updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub key: String,
    /// Length of the blob.
    pub bytes: u64,
    /// CRC-32C of the blob.
    pub checksum: u32,
    pub updates: u64,
    /// By column.
    pub stats: Vec<ColumnStats>,
}

/// What values a column of a part holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnStats {
    /// Least value other than NULL, encoded; empty: not known, or there is none.
    pub min: Bytes,
    /// Greatest value other than NULL, encoded; empty: not known, or there is none.
    pub max: Bytes,
    /// How many NULLs.
    pub nulls: u64,
}

/// A copy of a whole state in the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rollup {
    /// The version it holds.
    pub seqno: u64,
    pub key: String,
}

/// A shard at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardState {
    pub seqno: u64,
    pub clock: ClockId,
    #[serde(with = "as_json")]
    pub desc: RelationDesc,
    pub since: Frontier,
    /// Gone for good: nothing can be read or written any more.
    pub dropped: bool,
    pub runs: Vec<(RunId, Arc<Run>)>,
    pub rollup: Option<Rollup>,
}

/// One version of a shard's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardDiff {
    pub change: Change,
    /// The newest rollup, this change included: whoever reads the head knows where to start.
    pub rollup: Option<Rollup>,
}

/// One change of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// The first one.
    Create {
        clock: ClockId,
        #[serde(with = "as_json")]
        desc: RelationDesc,
    },
    /// More updates.
    Append(Vec<Arc<Run>>),
    /// History before a frontier is given up.
    DowngradeSince(Frontier),
    /// Some runs become one, or none if all cancelled.
    Compact { inputs: Vec<RunId>, output: Option<Arc<Run>> },
    /// A rollup was written.
    Rollup(Rollup),
    /// The shard is gone; complete in itself, so that all versions before it can be forgotten.
    Drop { clock: ClockId },
}

impl Run {
    /// The parts; none of an inline run.
    pub fn parts(&self) -> &[Part] {
        match &self.content {
            Content::Inline(_) => &[],
            Content::Parts(parts) => parts,
        }
    }

    /// Whether the updates are in the state itself.
    pub fn is_inline(&self) -> bool {
        matches!(self.content, Content::Inline(_))
    }
}

impl ShardState {
    /// The state after the first change.
    fn first(seqno: u64, diff: &ShardDiff) -> Result<Self, String> {
        let state = |clock: &ClockId, desc: &RelationDesc, since, dropped| ShardState {
            seqno,
            clock: clock.clone(),
            desc: desc.clone(),
            since,
            dropped,
            runs: Vec::new(),
            rollup: None,
        };
        match &diff.change {
            Change::Create { clock, desc } if seqno == 0 => Ok(state(clock, desc, Frontier::MIN, false)),
            Change::Drop { clock } => Ok(state(clock, &RelationDesc::empty(), Frontier::DONE, true)),
            other => Err(format!("version {seqno} cannot be the first: {other:?}")),
        }
    }

    /// The state after one more version. The error says what is wrong with the version.
    pub fn apply(before: Option<&ShardState>, seqno: u64, diff: &ShardDiff) -> Result<Self, String> {
        if matches!(diff.change, Change::Drop { .. }) {
            return ShardState::first(seqno, diff);
        }
        let Some(before) = before else { return ShardState::first(seqno, diff) };
        if seqno != before.seqno + 1 {
            return Err(format!("version {seqno} does not follow {}", before.seqno));
        }
        if before.dropped {
            return Err(format!("version {seqno} changes a dropped shard"));
        }
        let mut after = before.clone();
        after.seqno = seqno;
        after.change(&diff.change)?;
        after.rollup = diff.rollup.clone();
        debug_assert_eq!(after.check(), Ok(()));
        Ok(after)
    }

    fn change(&mut self, change: &Change) -> Result<(), String> {
        match change {
            Change::Create { .. } | Change::Drop { .. } => return Err("created twice".into()),
            Change::Append(runs) => {
                let (seqno, since) = (self.seqno, self.since);
                let numbered = (0..).zip(runs).map(|(index, run)| (RunId { seqno, index }, Arc::clone(run)));
                self.runs.extend(numbered);
                if runs.iter().any(|run| Frontier::at(run.since) > since) {
                    return Err("a run was compacted beyond the shard's since".into());
                }
            }
            Change::DowngradeSince(since) if *since < self.since => {
                return Err(format!("since regresses from {} to {since}", self.since));
            }
            Change::DowngradeSince(since) => self.since = *since,
            Change::Compact { inputs, output } => self.compact(inputs, output.as_ref())?,
            Change::Rollup(rollup) if rollup.seqno >= self.seqno => return Err("a rollup of the future".into()),
            Change::Rollup(_) => {}
        }
        Ok(())
    }

    fn compact(&mut self, inputs: &[RunId], output: Option<&Arc<Run>>) -> Result<(), String> {
        if !self.holds(inputs) {
            return Err("an input of compaction is not there".into());
        }
        let inputs: HashSet<RunId> = inputs.iter().copied().collect();
        self.runs.retain(|(id, _)| !inputs.contains(id));
        let id = RunId { seqno: self.seqno, index: 0 };
        self.runs.extend(output.map(|run| (id, Arc::clone(run))));
        Ok(())
    }

    /// Whether all these runs are there.
    pub fn holds(&self, ids: &[RunId]) -> bool {
        let present: HashSet<RunId> = self.runs.iter().map(|(id, _)| *id).collect();
        ids.iter().all(|id| present.contains(id))
    }

    /// The version of the log that this change makes, for the state that follows this one.
    pub fn diff(&self, change: Change) -> ShardDiff {
        let rollup = match &change {
            Change::Rollup(rollup) => Some(rollup.clone()),
            Change::Drop { .. } => None,
            _ => self.rollup.clone(),
        };
        ShardDiff { change, rollup }
    }

    /// The laws at the head of this file, as far as one state shows them.
    fn check(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        for (id, run) in &self.runs {
            let valid = id.seqno <= self.seqno && ids.insert(id) && !run.upper.less_equal(run.lower);
            if !valid || Frontier::at(run.since) > self.since {
                return Err(format!("run {id:?} breaks the laws of {self:?}"));
            }
        }
        Ok(())
    }

    /// Keys of all blobs that the state names.
    pub fn blob_keys(&self) -> impl Iterator<Item = &str> {
        let parts = self.runs.iter().flat_map(|(_, run)| run.parts());
        parts.map(|part| part.key.as_str()).chain(self.rollup.iter().map(|rollup| rollup.key.as_str()))
    }
}

/// Column descriptions as JSON: their types name variants there instead of numbering them, so that types can be added anywhere.
mod as_json {
    use repr::RelationDesc;
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(desc: &RelationDesc, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&serde_json::to_string(desc).map_err(S::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RelationDesc, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
