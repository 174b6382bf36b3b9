//! The client as a whole, over stores in memory and on disk.

mod basic;
mod compaction;
mod faults;
mod oracle;
mod processes;

use crate::update::consolidate;
use crate::{
    Batch, ClockWriter, Commit, CommitOutcome, Listen, ListenEvent, PersistClient, PersistError, Settings, Update,
};
use repr::{Datum, Frontier, RelationDesc, Row, ShardId, SqlType, Timestamp};
use std::time::Duration;

fn desc() -> RelationDesc {
    RelationDesc::empty().with("k", SqlType::Int8, false).with("v", SqlType::Text, true)
}

fn shard(n: u8) -> ShardId {
    ShardId([n; 16])
}

fn row(k: i64, v: &str) -> Row {
    Row::pack([Datum::Int8(k), Datum::Text(v)])
}

fn update(k: i64, time: Timestamp, diff: i64) -> Update {
    Update::row(row(k, "v"), time, diff)
}

/// A commit of updates to some shards.
fn commit(upper: Timestamp, writes: Vec<(ShardId, Vec<Update>)>) -> Commit {
    let writes = writes.into_iter().map(|(shard, updates)| (shard, Batch::inline(shard, updates))).collect();
    Commit { writes, ..Commit::advance(Frontier::at(upper)) }
}

async fn write(clock: &mut ClockWriter, upper: Timestamp, shard: ShardId, updates: Vec<Update>) {
    let outcome = clock.commit(commit(upper, vec![(shard, updates)])).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
}

/// A clock with one shard.
async fn setup(client: &PersistClient) -> ClockWriter {
    let mut clock = client.open_clock("env", 1).await.unwrap();
    client.create_shards(&mut clock, &[(shard(1), desc())]).await.unwrap();
    clock
}

/// The consolidated content at a time.
async fn content(client: &PersistClient, shard: ShardId, as_of: Timestamp) -> Result<Vec<Update>, PersistError> {
    let mut snapshot = client.snapshot(shard, as_of).await?;
    let mut all = Vec::new();
    while let Some(chunk) = snapshot.next().await? {
        assert!(!chunk.is_empty() && chunk.iter().all(|update| update.time == as_of));
        all.extend(chunk);
    }
    consolidate(&mut all);
    Ok(all)
}

/// All changes until a frontier is reached, consolidated.
async fn changes(listen: &mut Listen, until: Timestamp) -> Result<Vec<Update>, PersistError> {
    let (mut all, mut reported) = (Vec::new(), Frontier::MIN);
    while reported < Frontier::at(until) {
        match listen.next().await? {
            ListenEvent::Updates(updates) => {
                assert!(updates.iter().all(|update| reported.less_equal(update.time)), "in time order per progress");
                all.extend(updates);
            }
            ListenEvent::Progress(frontier) => {
                assert!(frontier > reported, "progress advances");
                assert!(all.iter().all(|update: &Update| frontier.is_beyond(update.time)));
                reported = frontier;
            }
        }
    }
    consolidate(&mut all);
    Ok(all)
}

/// Waits until something is so.
async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    for _ in 0..500 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}

/// Small limits, so that everything happens within a test.
fn hasty() -> Settings {
    Settings {
        inline_bytes_max: 300,
        part_bytes_max: 2000,
        chunk_rows_max: 7,
        rollup_versions: 8,
        clock_records_kept: 8,
        compact_inline_runs: 4,
        compact_fan_in: 3,
        poll_interval: Duration::from_millis(5),
        ..Settings::default()
    }
}
