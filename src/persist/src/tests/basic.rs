//! Commits, clocks, epochs, snapshots, listens.

use super::*;
use crate::{CompareAndSet, ExternalError};
use bytes::Bytes;
use repr::{SqlError, SqlState};
use std::sync::Arc;

#[tokio::test]
async fn write_and_read() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    assert_eq!((clock.upper(), clock.epoch(), clock.position()), (Frontier::MIN, 1, &[][..]));
    write(&mut clock, 10, shard(1), vec![update(1, 3, 1), update(2, 5, 2)]).await;
    let position = Commit { position: Some(b"lsn".to_vec()), ..Commit::advance(Frontier::at(20)) };
    assert_eq!(clock.commit(position).await.unwrap(), CommitOutcome::Committed);
    write(&mut clock, 30, shard(1), vec![update(1, 25, -1)]).await;
    assert_eq!((clock.upper(), clock.position()), (Frontier::at(30), &b"lsn"[..]));

    assert_eq!(content(&client, shard(1), 2).await.unwrap(), []);
    assert_eq!(content(&client, shard(1), 4).await.unwrap(), [update(1, 4, 1)]);
    assert_eq!(content(&client, shard(1), 24).await.unwrap(), [update(1, 24, 1), update(2, 24, 2)]);
    assert_eq!(content(&client, shard(1), 29).await.unwrap(), [update(2, 29, 2)]);

    let mut listen = client.listen(shard(1), 3).await.unwrap();
    assert_eq!(changes(&mut listen, 30).await.unwrap(), [update(1, 25, -1), update(2, 5, 2)]);
    let state = client.clock_state("env").await.unwrap().unwrap();
    assert_eq!((state.upper, &state.position[..], state.epoch), (Frontier::at(30), &b"lsn"[..], 1));
    let info = client.shard_state(shard(1)).await.unwrap().unwrap();
    assert_eq!((info.clock.as_str(), info.since, info.upper), ("env", Frontier::MIN, Frontier::at(30)));
    assert_eq!((info.stats.updates, info.stats.runs, info.desc), (3, 2, desc()));
}

#[tokio::test]
async fn what_does_not_exist() {
    let client = PersistClient::memory();
    assert_eq!(client.clock_state("env").await.unwrap(), None);
    assert_eq!(client.shard_state(shard(1)).await.unwrap(), None);
    assert_eq!(*client.watch_clock("env").borrow(), Frontier::MIN);
    assert!(matches!(client.snapshot(shard(1), 0).await, Err(PersistError::UnknownShard(_))));
    let mut clock = client.open_clock("env", 1).await.unwrap();
    let written = clock.commit(commit(9, vec![(shard(1), vec![update(1, 1, 1)])])).await;
    assert!(matches!(written, Err(PersistError::UnknownShard(_))));
    assert!(clock.commit(Commit::advance(Frontier::MIN)).await.is_err(), "a commit advances the clock");
}

#[tokio::test]
async fn several_shards_at_once_and_foreign_keys() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    client.create_shards(&mut clock, &[(shard(1), desc()), (shard(2), desc())]).await.unwrap();
    let also = |expected| CompareAndSet { key: "catalog".into(), expected, data: Bytes::from_static(b"x") };
    let both = || vec![(shard(1), vec![update(1, 5, 1)]), (shard(2), vec![update(2, 5, 1)])];
    let wrong = Commit { also: vec![also(Some(4))], ..commit(10, both()) };
    assert_eq!(clock.commit(wrong).await.unwrap(), CommitOutcome::AlsoMismatch);
    assert_eq!(clock.upper(), Frontier::MIN, "nothing happened");
    let right = Commit { also: vec![also(None)], ..commit(10, both()) };
    assert_eq!(clock.commit(right).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(client.consensus().head("catalog").await.unwrap().unwrap().seqno, 0);
    assert_eq!(content(&client, shard(1), 9).await.unwrap(), [update(1, 9, 1)]);
    assert_eq!(content(&client, shard(2), 9).await.unwrap(), [update(2, 9, 1)]);
    let other = RelationDesc::empty();
    assert!(client.create_shards(&mut clock, &[(shard(1), other)]).await.is_err(), "it has other columns");
}

#[tokio::test]
async fn times_outside_the_commit_are_refused() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    write(&mut clock, 10, shard(1), vec![]).await;
    for time in [9, 20, u64::MAX] {
        let refused = clock.commit(commit(20, vec![(shard(1), vec![update(1, time, 1)])])).await;
        assert!(matches!(refused, Err(PersistError::Usage(_))), "{time}");
    }
    let mut staged = Batch::inline(shard(1), vec![update(1, 3, 1), update(2, 15, 1)]);
    staged.advance_to(12);
    let late = Commit { writes: vec![(shard(1), staged)], ..Commit::advance(Frontier::at(20)) };
    assert_eq!(clock.commit(late).await.unwrap(), CommitOutcome::Committed);
    let mut listen = client.listen(shard(1), 10).await.unwrap();
    assert_eq!(changes(&mut listen, 20).await.unwrap(), [update(1, 12, 1), update(2, 15, 1)]);
    assert_eq!(content(&client, shard(1), 11).await.unwrap(), []);
}

#[tokio::test]
async fn epochs_fence() {
    let client = PersistClient::memory();
    let mut old = setup(&client).await;
    write(&mut old, 10, shard(1), vec![update(1, 1, 1)]).await;
    let mut new = client.open_clock("env", 2).await.unwrap();
    assert_eq!(new.upper(), Frontier::at(10));
    assert_eq!(old.commit(Commit::advance(Frontier::at(20))).await.unwrap(), CommitOutcome::Fenced { epoch: 2 });
    assert!(matches!(old.refresh().await, Err(PersistError::Fenced { epoch: 2, .. })));
    assert!(matches!(client.open_clock("env", 1).await, Err(PersistError::Fenced { epoch: 2, .. })));
    write(&mut new, 20, shard(1), vec![update(1, 11, 1)]).await;
    let error: SqlError = PersistError::Fenced { clock: "env".into(), epoch: 2 }.into();
    assert_eq!(error.code, SqlState::ADMIN_SHUTDOWN);
}

#[tokio::test]
async fn two_writers_of_one_epoch() {
    let client = PersistClient::memory();
    let mut a = setup(&client).await;
    let mut b = client.open_clock("env", 1).await.unwrap();
    write(&mut a, 10, shard(1), vec![update(1, 1, 1)]).await;
    let lost = b.commit(commit(8, vec![(shard(1), vec![update(1, 1, 1)])])).await.unwrap();
    assert_eq!(lost, CommitOutcome::UpperMismatch { current: Frontier::at(10) });
    b.refresh().await.unwrap();
    assert_eq!(b.upper(), Frontier::at(10));
    write(&mut b, 12, shard(1), vec![update(1, 11, 1)]).await;
    assert_eq!(content(&client, shard(1), 11).await.unwrap(), [update(1, 11, 2)]);
}

#[tokio::test]
async fn readers_wait_for_the_clock() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    let mut listen = client.listen(shard(1), 0).await.unwrap();
    let reading = {
        let client = client.clone();
        tokio::spawn(async move { content(&client, shard(1), 15).await })
    };
    tokio::task::yield_now().await;
    assert!(!reading.is_finished());
    write(&mut clock, 10, shard(1), vec![update(1, 1, 1)]).await;
    tokio::task::yield_now().await;
    assert!(!reading.is_finished());
    write(&mut clock, 16, shard(1), vec![update(1, 15, 1)]).await;
    assert_eq!(reading.await.unwrap().unwrap(), [update(1, 15, 2)]);
    assert_eq!(changes(&mut listen, 16).await.unwrap(), [update(1, 1, 1), update(1, 15, 1)]);
    clock.commit(Commit::advance(Frontier::DONE)).await.unwrap();
    assert_eq!(listen.next().await.unwrap(), ListenEvent::Progress(Frontier::DONE));
    assert_eq!(content(&client, shard(1), u64::MAX).await.unwrap(), [update(1, u64::MAX, 2)]);
}

#[tokio::test]
async fn since_and_tombstone() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    write(&mut clock, 10, shard(1), vec![update(1, 5, 1)]).await;
    client.downgrade_since(&[(shard(1), Frontier::at(7)), (shard(9), Frontier::at(1))]).await.unwrap();
    client.downgrade_since(&[(shard(1), Frontier::at(6))]).await.unwrap();
    let refused = client.snapshot(shard(1), 6).await;
    assert!(matches!(refused, Err(PersistError::Compacted { as_of: 6, .. })));
    assert!(matches!(client.listen(shard(1), 6).await, Err(PersistError::Compacted { .. })));
    assert_eq!(content(&client, shard(1), 7).await.unwrap(), [update(1, 7, 1)]);
    let mut listen = client.listen(shard(1), 9).await.unwrap();

    client.downgrade_since(&[(shard(1), Frontier::DONE)]).await.unwrap();
    client.downgrade_since(&[(shard(1), Frontier::DONE)]).await.unwrap();
    assert!(matches!(client.snapshot(shard(1), 9).await, Err(PersistError::ShardDropped(_))));
    let info = client.shard_state(shard(1)).await.unwrap().unwrap();
    assert_eq!((info.since, info.upper, info.stats.runs), (Frontier::DONE, Frontier::DONE, 0));
    write(&mut clock, 20, shard(1), vec![update(1, 15, 1)]).await; // left out
    assert!(matches!(listen.next().await, Err(PersistError::ShardDropped(_))));
}

#[tokio::test]
async fn an_unchanged_shard_costs_nothing() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    write(&mut clock, 10, shard(1), vec![update(1, 5, 1)]).await;
    let versions = || async { client.consensus().head("shard/s01010101-0101-0101-0101-010101010101").await.unwrap() };
    client.downgrade_since(&[(shard(1), Frontier::at(10))]).await.unwrap();
    let before = versions().await.unwrap().seqno;
    for upper in 11..200 {
        clock.commit(Commit::advance(Frontier::at(upper))).await.unwrap();
        client.downgrade_since(&[(shard(1), Frontier::at(upper - 1))]).await.unwrap();
    }
    assert_eq!(versions().await.unwrap().seqno, before);
}

#[tokio::test]
async fn errors_are_data() {
    let client = PersistClient::memory();
    let mut clock = setup(&client).await;
    let error = SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero").detail("why");
    write(&mut clock, 10, shard(1), vec![Update::error(error.clone(), 5, 1)]).await;
    assert_eq!(content(&client, shard(1), 9).await.unwrap(), [Update::error(error, 9, 1)]);
}

#[tokio::test]
async fn large_batches_are_spilled_and_deleted_if_lost() {
    let client = PersistClient::with_stores(
        Arc::new(crate::blob::MemoryBlob::default()),
        Arc::new(crate::consensus::MemoryConsensus::default()),
        hasty(),
    );
    let mut clock = setup(&client).await;
    let mut builder = client.batch_builder(shard(1), &desc());
    for k in 0..1000 {
        builder.add(update(k % 900, 1 + k as u64 % 9, 1)).await.unwrap();
    }
    let batch = builder.finish().await.unwrap();
    assert_eq!(batch.len(), 1000);
    let big = Commit { writes: vec![(shard(1), batch)], ..Commit::advance(Frontier::at(10)) };
    assert_eq!(clock.commit(big).await.unwrap(), CommitOutcome::Committed);
    assert!(client.shard_state(shard(1)).await.unwrap().unwrap().stats.parts > 10);
    let all = content(&client, shard(1), 9).await.unwrap();
    assert_eq!((all.len(), all.iter().map(|update| update.diff).sum::<i64>()), (900, 1000));
    // Also where a batch is called small and is not.
    write(&mut clock, 20, shard(1), (0..500).map(|k| update(k, 15, -1)).collect()).await;
    let rest: i64 = content(&client, shard(1), 19).await.unwrap().iter().map(|update| update.diff).sum();
    assert_eq!(rest, 500);
}

#[test]
fn futures_can_be_sent() {
    fn sendable<T: Send>(_: T) {}
    let work = |client: PersistClient| async move {
        let mut clock = client.open_clock("env", 1).await?;
        client.create_shards(&mut clock, &[(shard(1), desc())]).await?;
        let batch = client.batch_builder(shard(1), &desc()).finish().await?;
        clock.commit(Commit { writes: vec![(shard(1), batch)], ..Commit::advance(Frontier::at(1)) }).await?;
        client.snapshot(shard(1), 0).await?.next().await?;
        client.listen(shard(1), 0).await?.next().await?;
        client.downgrade_since(&[]).await?;
        client.sweep_orphans().await?;
        clock.refresh().await
    };
    sendable(work(PersistClient::memory()));
}

#[tokio::test]
async fn urls_and_versions() {
    for (metadata, blob) in
        [("postgres://x", "file:///tmp/x"), ("sqlite:///tmp/x", "s3://b"), ("x", "y"), ("sqlite://", "")]
    {
        let config = crate::PersistConfig {
            metadata_url: metadata.into(),
            blob_url: blob.into(),
            settings: Settings::default(),
        };
        let error = PersistClient::open(config).await.err().unwrap();
        assert!(matches!(error, PersistError::InvalidUrl { .. }), "{error}");
    }
    let client = PersistClient::memory();
    let newer = Bytes::from_static(&[0xF5, b'c', 9, 0, 1, 2, 3]);
    let change = CompareAndSet { key: "clock/env".into(), expected: None, data: newer };
    client.consensus().compare_and_set(change).await.unwrap();
    let error = client.open_clock("env", 1).await.err().unwrap();
    assert!(matches!(error, PersistError::NewerFormat { found: 9, supported: 1, .. }), "{error}");
    assert!(matches!(SqlError::from(PersistError::from(ExternalError::determinate("x"))).code, SqlState::IO_ERROR));
}
