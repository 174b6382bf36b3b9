//! The load generator COUNTER: 1, 2, 3, …, a value every so often, under the same protocol as any other source.

use super::{Changes, Clock, Source, SourceError};
use crate::report::Counters;
use proto::storage::SourceStatus;
use repr::{Datum, Row};
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Counts on from the durable position, which is the last value, in eight bytes.
pub async fn follow(
    source: &Source,
    clock: &Clock,
    tick_ms: u64,
    max_cardinality: Option<u64>,
) -> Result<Infallible, SourceError> {
    let Some(export) = source.description.exports.values().next() else {
        return Err(SourceError::failed("the counter has no output"));
    };
    let mut last = decode(&clock.standing().await?.position);
    let mut ticks = tokio::time::interval(Duration::from_millis(tick_ms.max(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    source.reporter.status(SourceStatus::Running, None, None);
    loop {
        ticks.tick().await;
        last += 1;
        let row = |value: u64| Ok(Row::pack([Datum::Int8(value as i64)]));
        let mut updates = vec![(row(last), 1)];
        // The oldest value leaves as a new one comes.
        let oldest = max_cardinality.and_then(|max| last.checked_sub(max)).filter(|oldest| *oldest > 0);
        updates.extend(oldest.map(|oldest| (row(oldest), -1)));
        let position = Some(last.to_be_bytes().to_vec());
        let updates = [(export.shard, updates)].into();
        clock.commit(Changes { updates, batches: Vec::new(), position }).await?;
        let counters = source.reporter.counters();
        Counters::add(&counters.messages_received, 1);
        counters.offset_known.store(last, Ordering::Relaxed);
        counters.offset_committed.store(last, Ordering::Relaxed);
    }
}

fn decode(position: &[u8]) -> u64 {
    <[u8; 8]>::try_from(position).map_or(0, u64::from_be_bytes)
}
