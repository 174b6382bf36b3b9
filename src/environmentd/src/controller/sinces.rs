//! How far collections may be compacted.
//!
//! Every second each since moves to the earliest of: a second behind its upper, its holds, and what its dependents need to be built again:
//! an index its own since, a view the last time before its upper, a SELECT or SUBSCRIBE its as-of or what it has delivered. Indexes go
//! before shards and newer ones before older ones, so that each is bounded by dependents that have moved already.

use super::{Collection, CollectionKind, Controller, Dataflow, DataflowKind, State};
use proto::compute::ComputeCommand;
use repr::{Frontier, GlobalId, ShardId, Timestamp};
use std::collections::BTreeSet;

/// How far behind its upper a collection stays readable, so that tables and sources have a time in common.
const READABLE_MS: u64 = 1_000;

impl Controller {
    /// Moves all sinces, tells the replicas, and returns what to tell persist: the sinces that are further than `lag_ms` ahead of what it
    /// knows. Each of them costs a write, so that they are not told at once.
    pub fn advance_sinces(&self, lag_ms: u64) -> Vec<(ShardId, Frontier)> {
        let mut state = self.lock();
        state.reap_dropped();
        let indexes: Vec<_> = state.collections.iter().filter(|(_, c)| c.is_index()).map(|(id, _)| *id).collect();
        for id in indexes.into_iter().rev() {
            state.advance_index(id);
        }
        let shards: Vec<_> = state.collections.iter().filter(|(_, c)| !c.is_index()).map(|(id, _)| *id).collect();
        shards.into_iter().filter_map(|id| state.advance_shard(id, lag_ms)).collect()
    }

    /// What persist was told; so that it is not told again.
    pub fn persisted_sinces(&self, sinces: &[(ShardId, Frontier)]) {
        let mut state = self.lock();
        for collection in state.collections.values_mut() {
            if let CollectionKind::Shard { shard, durable_since, .. } = &mut collection.kind
                && let Some((_, since)) = sinces.iter().find(|(s, _)| s == shard)
            {
                *durable_since = (*durable_since).max(*since);
            }
        }
    }
}

impl State {
    /// The time from which a dataflow could be built again: its inputs must stay readable at it.
    pub(super) fn rebuild_at(&self, id: GlobalId, dataflow: &Dataflow) -> Timestamp {
        let as_of = dataflow.desc.as_of;
        let reached = match dataflow.kind {
            DataflowKind::Index => self.collections.get(&id).map_or(Frontier::MIN, |c| c.since).time(),
            DataflowKind::MaterializedView => self.upper(id).last_complete(),
            DataflowKind::Peek => None,
            DataflowKind::Subscribe => {
                self.subscribes.get(&id).and_then(|subscribe| subscribe.frontier.last_complete())
            }
        };
        // A view that is complete for ever needs its inputs no more than at its as-of.
        as_of.max(reached.filter(|time| *time != Timestamp::MAX).unwrap_or(as_of))
    }

    /// The earliest time that dependents of a collection still need.
    fn needed(&self, id: GlobalId) -> Frontier {
        let imports = |d: &Dataflow| d.desc.index_imports.contains_key(&id) || d.desc.source_imports.contains_key(&id);
        let dependents = self.dataflows.iter().filter(|(_, d)| imports(d));
        let times = dependents.map(|(dependent, d)| Frontier::at(self.rebuild_at(*dependent, d)));
        times.min().unwrap_or(Frontier::DONE)
    }

    fn target(&self, id: GlobalId, collection: &Collection) -> Frontier {
        let recent = match self.upper(id).time() {
            Some(upper) => Frontier::at(upper.saturating_sub(1 + READABLE_MS)),
            // Complete for ever: nothing to gain.
            None => collection.since,
        };
        recent.min(collection.held()).min(self.needed(id)).max(collection.since)
    }

    fn advance_index(&mut self, id: GlobalId) {
        let Some(collection) = self.collections.get(&id) else { return };
        let target = self.target(id, collection);
        let Some(cluster) = self.dataflows.get(&id).map(|d| d.cluster) else { return };
        if let Some(collection) = self.collections.get_mut(&id)
            && collection.since < target
        {
            collection.since = target;
            self.broadcast(cluster, &ComputeCommand::AllowCompaction { id, since: target });
        }
    }

    fn advance_shard(&mut self, id: GlobalId, lag_ms: u64) -> Option<(ShardId, Frontier)> {
        let target = self.target(id, self.collections.get(&id)?);
        let collection = self.collections.get_mut(&id)?;
        collection.since = collection.since.max(target);
        let CollectionKind::Shard { shard, durable_since, .. } = &collection.kind else { return None };
        let lag = collection.since.time()?.saturating_sub(durable_since.time()?);
        (lag >= lag_ms).then_some((*shard, collection.since))
    }

    /// Stops dropped indexes that nothing imports any more.
    pub(super) fn reap_dropped(&mut self) {
        let imported: BTreeSet<_> =
            self.dataflows.values().flat_map(|d| d.desc.index_imports.keys().copied()).collect();
        let dropped: Vec<_> =
            self.dataflows.iter().filter(|(id, d)| d.dropped && !imported.contains(id)).map(|(id, _)| *id).collect();
        for id in dropped {
            self.stop_dataflow(id);
        }
    }
}
