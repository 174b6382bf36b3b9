//! A whole relation that nothing has arranged, read from its shard. No dataflow is made, and what is in memory does not grow with the relation.
//!
//! ```text
//!  snapshot ─▶ all of it small? ─▶ consolidated here
//!         └──▶ what takes rows away is remembered ─▶ snapshot again ─▶ rows, without those that were taken away
//! ```
//!
//! LAW: each row comes out as often as it is there at the time. What takes rows away is little, because compaction unites it with what it takes;
//! where it is not, a dataflow serves.

use super::Environment;
use super::read::Read;
use super::result::RowStream;
use crate::catalog::Catalog;
use expr::relation::Id;
use expr::{RelExpr, RowSetFinishing};
use persist::{PersistClient, Snapshot, Update};
use repr::{DataflowError, Diff, GlobalId, Row, ShardId, SqlError, Timestamp};
use std::collections::{BTreeMap, HashMap};
use tokio::sync::mpsc;

/// A relation of so many bytes is held in memory while it is consolidated; of a larger one only what takes rows away may be as much.
const SCAN_BYTES_MAX: usize = 8 << 20;
/// Chunks that are read ahead of the client.
const CHUNKS_AHEAD: usize = 2;

/// What is read, and which of its columns.
pub(super) struct Scan {
    shard: ShardId,
    outputs: Option<Vec<usize>>,
}

impl Scan {
    /// The scan that a query is all of; none if it is more than a relation with some of its columns.
    pub(super) fn of(expr: &RelExpr, catalog: &Catalog, has_index: impl Fn(GlobalId) -> bool) -> Option<Self> {
        match expr {
            RelExpr::Get { id: Id::Global(id), .. } if !has_index(*id) => {
                Some(Scan { shard: catalog.entry(*id)?.shard?, outputs: None })
            }
            RelExpr::Project { input, outputs } => {
                let Scan { shard, outputs: below } = Scan::of(input, catalog, has_index)?;
                let through = |column: &usize| below.as_ref().map_or(*column, |below| below[*column]);
                Some(Scan { shard, outputs: Some(outputs.iter().map(through).collect()) })
            }
            _ => None,
        }
    }

    fn output(&self, row: Row) -> Row {
        let Some(outputs) = &self.outputs else { return row };
        let datums = row.unpack();
        Row::pack(outputs.iter().map(|column| datums[*column]))
    }
}

/// What a first pass found.
enum Found {
    /// All rows.
    All(Vec<(Row, Diff)>),
    /// Only what takes rows away, as counts above zero.
    Removed(HashMap<Row, Diff>),
}

impl Environment {
    /// The rows of a scan; the read back if too much of the shard is not compacted.
    pub(super) async fn scan(
        &self,
        scan: Scan,
        read: Read,
        finishing: &RowSetFinishing,
    ) -> Result<Result<RowStream, Read>, SqlError> {
        let timestamp = read.at.timestamp;
        let rows = match look_through(&self.0.persist, scan.shard, timestamp).await? {
            None => return Ok(Err(read)),
            Some(Found::All(rows)) => {
                let rows = rows.into_iter().map(|(row, diff)| (scan.output(row), diff)).collect();
                return Ok(Ok(RowStream::ready(finishing.finish(rows)?)));
            }
            Some(Found::Removed(removed)) => {
                let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
                let snapshot = self.0.persist.snapshot(scan.shard, timestamp).await?;
                tokio::spawn(send(snapshot, removed, scan, sender));
                receiver
            }
        };
        Ok(Ok(RowStream::scan(rows, finishing.clone(), self.0.max_result_bytes, read.at.holds)))
    }
}

/// The first pass; none if more takes rows away than may be remembered.
async fn look_through(persist: &PersistClient, shard: ShardId, at: Timestamp) -> Result<Option<Found>, SqlError> {
    let mut snapshot = persist.snapshot(shard, at).await?;
    let (mut all, mut removed, mut errors) = (Some(Vec::new()), HashMap::<Row, Diff>::new(), BTreeMap::new());
    let (mut bytes, mut removed_bytes) = (0, 0);
    while let Some(updates) = snapshot.next().await? {
        for update in updates {
            bytes += update.bytes();
            removed_bytes += if update.diff < 0 { update.bytes() } else { 0 };
            take(update, &mut all, &mut removed, &mut errors);
        }
        if bytes > SCAN_BYTES_MAX {
            all = None;
        }
        if removed_bytes > SCAN_BYTES_MAX {
            return Ok(None);
        }
    }
    if let Some(error) = errors.into_iter().find_map(|(error, count)| (count > 0).then_some(error)) {
        return Err(error);
    }
    Ok(Some(match all {
        Some(mut rows) => {
            expr::interpret::consolidate(&mut rows);
            Found::All(rows)
        }
        None => Found::Removed(removed),
    }))
}

fn take(
    update: Update,
    all: &mut Option<Vec<(Row, Diff)>>,
    removed: &mut HashMap<Row, Diff>,
    errors: &mut BTreeMap<DataflowError, Diff>,
) {
    match update.data {
        Err(error) => *errors.entry(error).or_default() += update.diff,
        Ok(row) => {
            if update.diff < 0 {
                *removed.entry(row.clone()).or_default() -= update.diff;
            }
            all.iter_mut().for_each(|all| all.push((row.clone(), update.diff)));
        }
    }
}

/// The second pass: sends what was added and not taken away. Each is taken away from the first that comes; which one does not matter, being equal.
async fn send(
    mut snapshot: Snapshot,
    mut removed: HashMap<Row, Diff>,
    scan: Scan,
    sender: mpsc::Sender<Result<Vec<(Row, Diff)>, SqlError>>,
) {
    loop {
        let part = match snapshot.next().await {
            Ok(Some(updates)) => {
                Ok(updates.into_iter().filter_map(|update| left(update, &mut removed, &scan)).collect())
            }
            Ok(None) => return,
            Err(error) => Err(error.into()),
        };
        let ended = part.is_err();
        if sender.send(part).await.is_err() || ended {
            return;
        }
    }
}

fn left(update: Update, removed: &mut HashMap<Row, Diff>, scan: &Scan) -> Option<(Row, Diff)> {
    // An error that is left would have been found before.
    let row = update.data.ok().filter(|_| update.diff > 0)?;
    let mut diff = update.diff;
    if let Some(missing) = removed.get_mut(&row) {
        let taken = diff.min(*missing);
        (diff, *missing) = (diff - taken, *missing - taken);
    }
    (diff > 0).then(|| (scan.output(row), diff))
}
