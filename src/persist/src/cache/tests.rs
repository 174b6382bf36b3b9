//! When a shard's state counts as current.

use super::Cache;
use crate::Transaction;
use crate::clock::ClockRecord;
use crate::state::{Change, ShardDiff, ShardState};
use repr::{Frontier, RelationDesc, ShardId};
use std::sync::Arc;

const SHARD: ShardId = ShardId([1; 16]);

fn diff(change: Change) -> ShardDiff {
    ShardDiff { change, rollup: None }
}

/// The shard after so many appends of nothing.
fn state(seqno: u64) -> Arc<ShardState> {
    let create = diff(Change::Create { clock: "c".into(), desc: RelationDesc::empty() });
    let mut state = ShardState::apply(None, 0, &create).unwrap();
    for seqno in 1..=seqno {
        state = ShardState::apply(Some(&state), seqno, &diff(Change::Append(Vec::new()))).unwrap();
    }
    Arc::new(state)
}

/// Record `seqno` of the clock, at upper `seqno`, which wrote the shard's version `wrote`.
fn record(seqno: u64, wrote: Option<u64>) -> Arc<ClockRecord> {
    let wrote = wrote.map(|seqno| (SHARD, seqno)).into_iter().collect();
    let upper = Frontier::at(seqno);
    Arc::new(ClockRecord { epoch: 1, upper, position: Vec::new(), token: 0, wrote })
}

fn push(cache: &mut Cache, clock: u64, wrote: Option<u64>, with_changes: bool) {
    let shards = wrote.filter(|_| with_changes).map(|seqno| (SHARD, seqno, diff(Change::Append(Vec::new()))));
    let txn =
        Transaction { clock: Some(("c".into(), clock, record(clock, wrote))), shards: shards.into_iter().collect() };
    cache.apply(&txn).unwrap();
}

/// Version of the shard and upper of its clock, if current.
fn current(cache: &Cache) -> Option<(u64, u64)> {
    cache.current(SHARD).map(|(state, upper)| (state.seqno, upper.time().unwrap()))
}

/// A cache that has read the clock's record 5 and the shard's version 2.
fn read() -> Cache {
    let mut cache = Cache::default();
    cache.apply_record("c", 5, &record(5, None));
    let (_, ticket) = cache.begin_read(SHARD);
    cache.install(SHARD, Some(&state(2)), ticket);
    assert_eq!(current(&cache), Some((2, 5)));
    cache
}

#[test]
fn records_without_a_gap_carry_it_on() {
    let mut cache = read();
    push(&mut cache, 6, None, true);
    assert_eq!(current(&cache), Some((2, 6)), "it did not change");
    push(&mut cache, 7, Some(3), true);
    assert_eq!(current(&cache), Some((3, 7)));
    push(&mut cache, 7, Some(3), true);
    push(&mut cache, 4, Some(1), true);
    assert_eq!(current(&cache), Some((3, 7)), "old news");
}

#[test]
fn a_missing_change_is_noticed() {
    let mut cache = read();
    push(&mut cache, 6, Some(3), false);
    assert_eq!(current(&cache), None);
    let (known, ticket) = cache.begin_read(SHARD);
    assert_eq!(known.unwrap().seqno, 2, "only what is new is read");
    cache.install(SHARD, Some(&state(3)), ticket);
    assert_eq!(current(&cache), Some((3, 6)));
}

#[test]
fn a_gap_of_the_clock_is_noticed() {
    let mut cache = read();
    push(&mut cache, 9, None, true);
    assert_eq!(current(&cache), None, "any record in the gap may have changed it");
    let (_, ticket) = cache.begin_read(SHARD);
    cache.install(SHARD, Some(&state(2)), ticket);
    assert_eq!(current(&cache), Some((2, 9)), "none did");
}

#[test]
fn what_happens_during_a_read_is_not_missed() {
    let mut cache = Cache::default();
    cache.apply_record("c", 5, &record(5, None));
    let (_, ticket) = cache.begin_read(SHARD);
    push(&mut cache, 6, Some(3), true);
    cache.install(SHARD, Some(&state(2)), ticket);
    assert_eq!(current(&cache), None, "the read began before the write");
    let (_, ticket) = cache.begin_read(SHARD);
    push(&mut cache, 9, None, true);
    cache.install(SHARD, Some(&state(3)), ticket);
    assert_eq!(current(&cache), None, "the read began before the gap");
}

#[test]
fn watchers_see_the_shards_when_they_wake() {
    let mut cache = read();
    let upper = cache.watch("c");
    assert_eq!(*upper.borrow(), Frontier::at(5));
    push(&mut cache, 6, None, true);
    assert!(upper.has_changed().unwrap());
    assert_eq!(cache.clocks_to_read(false), [("c".to_string(), 7)]);
    drop(upper);
    assert_eq!(cache.clocks_to_read(false), []);
}
