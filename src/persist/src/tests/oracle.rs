//! Random histories: every snapshot and every listen says what a plain list of updates says, while everything is compacted.

use super::*;
use crate::blob::MemoryBlob;
use crate::consensus::MemoryConsensus;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

/// What was committed so far.
pub(super) fn expected(
    history: &[Update],
    times: std::ops::RangeInclusive<Timestamp>,
    advance: Timestamp,
) -> Vec<Update> {
    let wanted = history.iter().filter(|update| times.contains(&update.time)).cloned();
    let mut all: Vec<Update> = wanted.map(|u| Update { time: u.time.max(advance), ..u }).collect();
    consolidate(&mut all);
    all
}

pub(super) fn random_updates(rng: &mut StdRng, times: std::ops::Range<Timestamp>) -> Vec<Update> {
    let count = if rng.random_ratio(1, 10) { rng.random_range(0..60) } else { rng.random_range(0..4) };
    let mut one = || {
        let diff = if rng.random_bool(0.5) { 1 } else { -1 };
        update(rng.random_range(0..20), rng.random_range(times.clone()), diff)
    };
    (0..count).map(|_| one()).collect()
}

async fn history(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let settings = Settings { delete_delay: Duration::from_millis(50), ..hasty() };
    let stores = (Arc::new(MemoryBlob::default()), Arc::new(MemoryConsensus::default()));
    let client = || PersistClient::with_stores(stores.0.clone(), stores.1.clone(), settings.clone());
    let (writer, reader) = (client(), client());
    let mut clock = setup(&writer).await;
    let (mut history, mut since) = (Vec::new(), 0);
    let mut listen = reader.listen(shard(1), 0).await.unwrap();
    let mut heard = 0;
    for _ in 0..150 {
        let from = clock.upper().time().unwrap();
        let to = from + rng.random_range(1..5);
        let updates = random_updates(&mut rng, from..to);
        history.extend(updates.iter().cloned());
        write(&mut clock, to, shard(1), updates).await;
        if rng.random_ratio(1, 5) {
            let got = changes(&mut listen, to).await.unwrap();
            assert_eq!(got, expected(&history, heard + 1..=to - 1, 0), "seed {seed}, listen {heard}..{to}");
            heard = to - 1;
            since = rng.random_range(since..=heard);
            reader.downgrade_since(&[(shard(1), Frontier::at(since))]).await.unwrap();
        }
        if rng.random_ratio(1, 5) {
            let as_of = rng.random_range(since..to);
            let who = if rng.random_bool(0.5) { &writer } else { &reader };
            let got = content(who, shard(1), as_of).await.unwrap();
            assert_eq!(got, expected(&history, 0..=as_of, as_of), "seed {seed}, as of {as_of}, since {since}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories() {
    for seed in 0..12 {
        history(seed).await;
    }
}
