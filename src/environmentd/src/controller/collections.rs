//! Which collections there are, and how far each is.

use super::{Collection, CollectionKind, Controller, State};
use crate::catalog::system::CollectionState;
use repr::{Frontier, GlobalId, ReplicaId, ShardId};
use std::collections::{BTreeMap, BTreeSet};

impl Controller {
    /// A shard can be read from now on, at times at or after `since`; its clock is at `initial_upper` or later.
    pub fn add_shard(&self, id: GlobalId, shard: ShardId, clock: &str, since: Frontier, initial_upper: Frontier) {
        let upper = self.0.persist.watch_clock(clock);
        let kind = CollectionKind::Shard { shard, initial_upper, upper, durable_since: since };
        self.lock().collections.insert(id, Collection { kind, since, holds: BTreeMap::new() });
    }

    /// A shard is gone from the catalog: new reads fail; running ones go on until they end.
    pub fn remove_shard(&self, id: GlobalId) {
        self.lock().collections.remove(&id);
    }

    /// The last known upper of a collection; the least if there is no such.
    pub fn upper(&self, id: GlobalId) -> Frontier {
        self.lock().upper(id)
    }

    /// The since of a collection; done if there is no such.
    pub fn since(&self, id: GlobalId) -> Frontier {
        self.lock().collections.get(&id).map_or(Frontier::DONE, |c| c.since)
    }

    /// The indexes that have caught up on some replica, and can serve reads at times from their since on.
    pub fn readable_indexes(&self) -> BTreeSet<GlobalId> {
        let state = self.lock();
        state.collections.keys().copied().filter(|id| state.is_hydrated(*id)).collect()
    }

    /// What system relations tell of collections.
    pub fn collection_states(&self) -> Vec<CollectionState> {
        let state = self.lock();
        let ids = state.collections.keys().filter(|id| !id.is_transient());
        ids.map(|id| state.collection_state(*id)).collect()
    }
}

impl State {
    pub(super) fn upper(&self, id: GlobalId) -> Frontier {
        match self.collections.get(&id).map(|c| &c.kind) {
            Some(CollectionKind::Shard { initial_upper, upper, .. }) => (*upper.borrow()).max(*initial_upper),
            Some(CollectionKind::Index { uppers }) => uppers.values().copied().max().unwrap_or(Frontier::MIN),
            None => Frontier::MIN,
        }
    }

    fn is_hydrated(&self, id: GlobalId) -> bool {
        let is_index = matches!(self.collections.get(&id).map(|c| &c.kind), Some(CollectionKind::Index { .. }));
        let dataflow = self.dataflows.get(&id).filter(|dataflow| !dataflow.dropped);
        is_index && dataflow.is_some_and(|dataflow| self.upper(id).is_beyond(dataflow.desc.as_of))
    }

    fn collection_state(&self, id: GlobalId) -> CollectionState {
        let dataflow = self.dataflows.get(&id);
        let progress = |replica: ReplicaId| {
            let uppers = match self.collections.get(&id).map(|c| &c.kind) {
                Some(CollectionKind::Index { uppers }) => Some(uppers),
                _ => dataflow.map(|d| &d.uppers),
            };
            uppers.and_then(|uppers| uppers.get(&replica)).copied().unwrap_or(Frontier::MIN)
        };
        let hydrated = dataflow.map_or_else(Vec::new, |dataflow| {
            let replicas = self.replicas_of(dataflow.cluster).into_iter();
            replicas.map(|replica| (replica, progress(replica).is_beyond(dataflow.desc.as_of))).collect()
        });
        let since = self.collections.get(&id).map_or(Frontier::DONE, |c| c.since);
        CollectionState { id, since, upper: self.upper(id), hydrated }
    }
}
