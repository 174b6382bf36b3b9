//! Read holds: a promise not to compact collections beyond a time, for as long as the value lives.

use super::{Controller, State};
use repr::{Frontier, GlobalId, SqlError, SqlState, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Holds on some collections. LAW: while it lives, every time at or after a collection's hold can be read.
pub struct ReadHolds {
    controller: Controller,
    times: BTreeMap<GlobalId, Timestamp>,
}

impl std::fmt::Debug for ReadHolds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(&self.times).finish()
    }
}

impl Controller {
    /// Holds each collection at its present since; fails if one does not exist.
    pub fn hold(&self, ids: &BTreeSet<GlobalId>) -> Result<ReadHolds, SqlError> {
        let mut state = self.lock();
        let mut times = BTreeMap::new();
        for id in ids {
            let since = state.collections.get(id).and_then(|c| c.since.time());
            times.insert(*id, since.ok_or_else(|| gone(*id))?);
        }
        for (id, time) in &times {
            state.add_hold(*id, *time);
        }
        drop(state);
        Ok(ReadHolds { controller: self.clone(), times })
    }

    /// Holds every shard that exists at its present since: what a transaction needs, whose later reads are not known.
    pub fn hold_all_shards(&self) -> ReadHolds {
        let ids: BTreeSet<_> = {
            let state = self.lock();
            let readable = state.collections.iter().filter(|(_, c)| !c.since.is_done() && !c.is_index());
            readable.map(|(id, _)| *id).collect()
        };
        self.hold(&ids).unwrap_or_else(|_| ReadHolds { controller: self.clone(), times: BTreeMap::new() })
    }
}

impl ReadHolds {
    /// The earliest time at which all of them can be read.
    pub fn since(&self) -> Timestamp {
        self.times.values().copied().max().unwrap_or(0)
    }

    /// The collections.
    pub fn ids(&self) -> impl Iterator<Item = GlobalId> + '_ {
        self.times.keys().copied()
    }

    /// When a collection can be read, if it is held.
    pub fn time(&self, id: GlobalId) -> Option<Timestamp> {
        self.times.get(&id).copied()
    }

    /// Gives up the times before `time`.
    pub fn downgrade(&mut self, time: Timestamp) {
        let mut state = self.controller.lock();
        for (id, held) in &mut self.times {
            if *held < time {
                state.remove_hold(*id, *held);
                state.add_hold(*id, time);
                *held = time;
            }
        }
    }

    /// Gives up all but these collections.
    pub fn retain(&mut self, ids: &BTreeSet<GlobalId>) {
        let mut state = self.controller.lock();
        self.times.retain(|id, time| {
            let keep = ids.contains(id);
            if !keep {
                state.remove_hold(*id, *time);
            }
            keep
        });
    }

    /// Takes over other holds; where both hold a collection the earlier time wins.
    pub fn absorb(&mut self, mut other: ReadHolds) {
        let mut state = self.controller.lock();
        for (id, time) in std::mem::take(&mut other.times) {
            match self.times.get_mut(&id) {
                Some(held) if *held <= time => state.remove_hold(id, time),
                Some(held) => state.remove_hold(id, std::mem::replace(held, time)),
                None => drop(self.times.insert(id, time)),
            }
        }
    }
}

impl Clone for ReadHolds {
    /// The same holds once more.
    fn clone(&self) -> Self {
        let mut state = self.controller.lock();
        for (id, time) in &self.times {
            state.add_hold(*id, *time);
        }
        drop(state);
        ReadHolds { controller: self.controller.clone(), times: self.times.clone() }
    }
}

impl Drop for ReadHolds {
    fn drop(&mut self) {
        let mut state = self.controller.lock();
        for (id, time) in &self.times {
            state.remove_hold(*id, *time);
        }
    }
}

impl State {
    fn add_hold(&mut self, id: GlobalId, time: Timestamp) {
        if let Some(collection) = self.collections.get_mut(&id) {
            *collection.holds.entry(time).or_default() += 1;
        }
    }

    fn remove_hold(&mut self, id: GlobalId, time: Timestamp) {
        let Some(collection) = self.collections.get_mut(&id) else { return };
        if let Some(count) = collection.holds.get_mut(&time) {
            *count -= 1;
            if *count == 0 {
                collection.holds.remove(&time);
            }
        }
    }
}

impl super::Collection {
    pub(super) fn is_index(&self) -> bool {
        matches!(self.kind, super::CollectionKind::Index { .. })
    }

    /// The earliest hold.
    pub(super) fn held(&self) -> Frontier {
        self.holds.keys().next().map_or(Frontier::DONE, |time| Frontier::at(*time))
    }
}

fn gone(id: GlobalId) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation {id} was dropped while the statement was running"))
}
