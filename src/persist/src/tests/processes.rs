//! Several processes on one directory: with polling, with push, with pushes that get lost; and after a restart.

use super::*;
use crate::{PersistConfig, Transaction};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn open(directory: &Path) -> PersistClient {
    let config = PersistConfig {
        metadata_url: format!("sqlite://{}/metadata.db", directory.display()),
        blob_url: format!("file://{}/blob", directory.display()),
        settings: hasty(),
    };
    PersistClient::open(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reopened_from_disk() {
    let directory = tempfile::tempdir().unwrap();
    {
        let client = open(directory.path()).await;
        let mut clock = setup(&client).await;
        for time in 0..50 {
            let updates = (0..20).map(|k| update(k, time, 1)).collect();
            write(&mut clock, time + 1, shard(1), updates).await;
        }
    }
    let client = open(directory.path()).await;
    assert_eq!(content(&client, shard(1), 49).await.unwrap(), (0..20).map(|k| update(k, 49, 50)).collect::<Vec<_>>());
    let mut clock = client.open_clock("env", 2).await.unwrap();
    assert_eq!(clock.upper(), Frontier::at(50));
    write(&mut clock, 51, shard(1), vec![update(0, 50, -50)]).await;
    assert_eq!(content(&client, shard(1), 50).await.unwrap().len(), 19);
}

/// One process writes and counts, the other hears every step.
async fn hears_all(writer: PersistClient, reader: PersistClient) {
    let mut clock = setup(&writer).await;
    let mut listen = reader.listen(shard(1), 0).await.unwrap();
    let writing = tokio::spawn(async move {
        for time in 1..100 {
            write(&mut clock, time + 1, shard(1), vec![update(time as i64, time, 1)]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        clock
    });
    let heard = changes(&mut listen, 100).await.unwrap();
    assert_eq!(heard, (1..100).map(|time| update(time as i64, time, 1)).collect::<Vec<_>>());
    let clock = writing.await.unwrap();
    assert_eq!(reader.clock_state("env").await.unwrap().unwrap().upper, clock.upper());
}

#[tokio::test(flavor = "multi_thread")]
async fn polling() {
    let directory = tempfile::tempdir().unwrap();
    hears_all(open(directory.path()).await, open(directory.path()).await).await;
}

/// Delivers what `keep` lets through, as bytes.
fn connect(from: &PersistClient, to: &PersistClient, keep: impl Fn(usize) -> bool + Send + Sync + 'static) {
    let (to, count) = (to.clone(), AtomicUsize::new(0));
    from.set_publisher(Arc::new(move |txn: &Transaction| {
        if keep(count.fetch_add(1, Ordering::Relaxed)) {
            let bytes = postcard::to_stdvec(txn).unwrap();
            to.receive(postcard::from_bytes(&bytes).unwrap());
        }
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, reader) = (open(directory.path()).await, open(directory.path()).await);
    connect(&writer, &reader, |_| true);
    reader.set_push_connected(true);
    hears_all(writer, reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_with_losses() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, reader) = (open(directory.path()).await, open(directory.path()).await);
    connect(&writer, &reader, |n| n % 3 != 1);
    reader.set_push_connected(true);
    hears_all(writer, reader).await;
}
