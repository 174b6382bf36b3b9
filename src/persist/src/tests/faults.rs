//! Random histories over stores that fail: what is acknowledged is there, once; what is refused is not there.

use super::oracle::{expected, random_updates};
use super::*;
use crate::blob::{FaultyBlob, MemoryBlob};
use crate::consensus::{FaultyConsensus, MemoryConsensus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

async fn history(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let settings = Settings { delete_delay: Duration::from_millis(200), ..hasty() };
    let (blob, consensus) = (Arc::new(MemoryBlob::default()), Arc::new(MemoryConsensus::default()));
    let faulty = |salt: u64| {
        let blob = FaultyBlob::new(blob.clone(), seed + salt, 6);
        let consensus = FaultyConsensus::new(consensus.clone(), seed + salt + 1, 6);
        PersistClient::with_stores(Arc::new(blob), Arc::new(consensus), settings.clone())
    };
    let sound = PersistClient::with_stores(blob.clone(), consensus.clone(), settings.clone());
    let mut writer = faulty(100);
    let mut clock = setup(&writer).await;
    let (mut history, mut epoch) = (Vec::new(), 1);
    for round in 0..60 {
        if rng.random_ratio(1, 10) {
            // The process dies; another one takes over.
            epoch += 1;
            writer = faulty(1000 * epoch);
            clock = writer.open_clock("env", epoch).await.unwrap();
        }
        let from = clock.upper().time().unwrap();
        let to = from + rng.random_range(1..5);
        let updates = random_updates(&mut rng, from..to);
        history.extend(updates.iter().cloned());
        let outcome = clock.commit(commit(to, vec![(shard(1), updates)])).await.unwrap();
        assert_eq!(outcome, CommitOutcome::Committed, "seed {seed}, round {round}");
        if rng.random_ratio(1, 4) {
            writer.downgrade_since(&[(shard(1), Frontier::at(from))]).await.unwrap();
        }
        let reader = if rng.random_bool(0.5) { &writer } else { &sound };
        let got = content(reader, shard(1), to - 1).await.unwrap();
        assert_eq!(got, expected(&history, 0..=to - 1, to - 1), "seed {seed}, round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_over_failing_stores() {
    let seeds: Vec<_> = (0..8).map(|seed| tokio::spawn(history(seed))).collect();
    for seed in seeds {
        seed.await.unwrap();
    }
}

/// Two writers of one epoch fight for every step: each step is won once.
#[tokio::test(flavor = "multi_thread")]
async fn racing_writers_over_failing_stores() {
    let (blob, consensus) = (Arc::new(MemoryBlob::default()), Arc::new(MemoryConsensus::default()));
    let client = |seed| {
        let faulty = FaultyConsensus::new(consensus.clone(), seed, 5);
        // The log has to be long enough for the slowest to find out what became of its attempt.
        let settings = Settings { clock_records_kept: 100, ..hasty() };
        PersistClient::with_stores(blob.clone(), Arc::new(faulty), settings)
    };
    setup(&client(0)).await;
    let race = |client: PersistClient| async move {
        let mut clock = client.open_clock("env", 1).await.unwrap();
        let mut wins = 0;
        while clock.upper() < Frontier::at(60) {
            let time = clock.upper().time().unwrap();
            match clock.commit(commit(time + 1, vec![(shard(1), vec![update(7, time, 1)])])).await.unwrap() {
                CommitOutcome::Committed => wins += 1,
                CommitOutcome::UpperMismatch { .. } => clock.refresh().await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
        wins
    };
    let tasks: Vec<_> = (1..4).map(|seed| tokio::spawn(race(client(seed)))).collect();
    let mut wins = 0;
    for task in tasks {
        wins += task.await.unwrap();
    }
    assert_eq!(wins, 60, "each step was won by exactly one");
    let sound = PersistClient::with_stores(blob.clone(), consensus.clone(), hasty());
    assert_eq!(content(&sound, shard(1), 59).await.unwrap(), [update(7, 59, 60)]);
}
