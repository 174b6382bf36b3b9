//! Space and log stay in proportion to what a shard holds.

use super::*;
use crate::blob::{Blob, MemoryBlob};
use crate::consensus::{Consensus, MemoryConsensus};
use std::sync::Arc;

struct Stores {
    blob: Arc<MemoryBlob>,
    consensus: Arc<MemoryConsensus>,
    settings: Settings,
}

impl Stores {
    fn new(settings: Settings) -> Self {
        Stores { blob: Arc::default(), consensus: Arc::default(), settings }
    }

    fn client(&self) -> PersistClient {
        PersistClient::with_stores(
            Arc::clone(&self.blob) as Arc<dyn Blob>,
            Arc::clone(&self.consensus) as Arc<dyn Consensus>,
            self.settings.clone(),
        )
    }

    async fn log_len(&self, key: &str) -> usize {
        self.consensus.scan(&[(key.to_string(), 0)]).await.unwrap()[0].len()
    }
}

const SHARD_KEY: &str = "shard/s01010101-0101-0101-0101-010101010101";

/// Overwrites 50 rows again and again.
async fn churn(client: &PersistClient, clock: &mut ClockWriter, rounds: u64) {
    for round in 0..rounds {
        let time = clock.upper().time().unwrap();
        let k = (round % 50) as i64;
        let mut updates = vec![Update::row(row(k, &format!("round {round}")), time, 1)];
        if round >= 50 {
            updates.push(Update::row(row(k, &format!("round {}", round - 50)), time, -1));
        }
        write(clock, time + 1, shard(1), updates).await;
        client.downgrade_since(&[(shard(1), Frontier::at(time))]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn space_and_logs_are_bounded() {
    let stores = Stores::new(Settings { delete_delay: Duration::ZERO, ..hasty() });
    let client = stores.client();
    let mut clock = setup(&client).await;
    churn(&client, &mut clock, 1000).await;
    eventually("compacted", || async {
        let stats = client.shard_state(shard(1)).await.unwrap().unwrap().stats;
        stats.runs <= 12 && stats.updates <= 400
    })
    .await;
    eventually("the shard's log is short", || async { stores.log_len(SHARD_KEY).await <= 40 }).await;
    eventually("the clock's log is short", || async { stores.log_len("clock/env").await <= 24 }).await;
    eventually("blobs are deleted", || async { stores.blob.list("").await.unwrap().len() <= 24 }).await;
    let all = content(&client, shard(1), 999).await.unwrap();
    assert_eq!(all.len(), 50);
    assert!(all.iter().all(|update| update.diff == 1));
    // Whoever comes later reads the same, from a rollup.
    assert_eq!(content(&stores.client(), shard(1), 999).await.unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_deleted_leaves_nothing() {
    let stores = Stores::new(Settings { delete_delay: Duration::ZERO, inline_bytes_max: 0, ..hasty() });
    let client = stores.client();
    let mut clock = setup(&client).await;
    let all = |diff: i64, time: u64| (0..5000).map(|k| update(k, time, diff)).collect::<Vec<_>>();
    write(&mut clock, 10, shard(1), all(1, 5)).await;
    write(&mut clock, 20, shard(1), all(-1, 15)).await;
    write(&mut clock, 21, shard(1), vec![]).await;
    client.downgrade_since(&[(shard(1), Frontier::at(20))]).await.unwrap();
    eventually("nothing is left", || async {
        client.shard_state(shard(1)).await.unwrap().unwrap().stats == Default::default()
    })
    .await;
    eventually("no blob is left", || async { stores.blob.list("").await.unwrap().len() <= 1 }).await;
    assert_eq!(content(&client, shard(1), 20).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_shards_leave_nothing() {
    let stores = Stores::new(Settings { delete_delay: Duration::ZERO, inline_bytes_max: 0, ..hasty() });
    let client = stores.client();
    let mut clock = setup(&client).await;
    for round in 0..30 {
        write(&mut clock, round + 1, shard(1), vec![update(round as i64, round, 1)]).await;
    }
    client.downgrade_since(&[(shard(1), Frontier::DONE)]).await.unwrap();
    eventually("no blob is left", || async { stores.blob.list("").await.unwrap().is_empty() }).await;
    eventually("one version is left", || async { stores.log_len(SHARD_KEY).await == 1 }).await;
    assert!(matches!(stores.client().snapshot(shard(1), 1).await, Err(PersistError::ShardDropped(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_behind_the_since_is_told() {
    let stores = Stores::new(hasty());
    let client = stores.client();
    let mut clock = setup(&client).await;
    let mut slow = client.listen(shard(1), 2).await.unwrap();
    churn(&client, &mut clock, 100).await;
    eventually("compacted", || async { client.shard_state(shard(1)).await.unwrap().unwrap().stats.runs < 12 }).await;
    assert!(matches!(slow.next().await, Err(PersistError::Compacted { as_of: 2, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_old_states_are_safe_until_the_delay() {
    let stores = Stores::new(Settings { inline_bytes_max: 0, ..hasty() });
    let (writer, reader) = (stores.client(), stores.client());
    let mut clock = setup(&writer).await;
    churn(&writer, &mut clock, 2).await;
    let mut old = reader.snapshot(shard(1), 1).await.unwrap();
    churn(&writer, &mut clock, 40).await;
    eventually("compacted", || async { writer.shard_state(shard(1)).await.unwrap().unwrap().stats.runs < 10 }).await;
    let mut rows = 0;
    while let Some(chunk) = old.next().await.unwrap() {
        rows += chunk.len();
    }
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn orphans_are_swept() {
    let settings =
        Settings { orphan_age: Duration::ZERO, delete_delay: Duration::ZERO, inline_bytes_max: 0, ..hasty() };
    let stores = Stores::new(settings);
    let client = stores.client();
    let mut clock = setup(&client).await;
    write(&mut clock, 10, shard(1), vec![update(1, 1, 1)]).await;
    for key in ["s01010101-0101-0101-0101-010101010101/n1/p1", "s77777777-0101-0101-0101-010101010101/v1/r1", "other"] {
        stores.blob.put(key, Default::default()).await.unwrap();
    }
    assert_eq!(client.sweep_orphans().await.unwrap(), 2);
    assert_eq!(stores.blob.list("").await.unwrap().len(), 2, "what is named or not ours stays");
    assert_eq!(content(&client, shard(1), 9).await.unwrap(), [update(1, 9, 1)]);
}
