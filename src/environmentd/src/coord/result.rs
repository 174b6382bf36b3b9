//! What a read returns to its session: streams that stop their work when they are dropped.

use crate::controller::peeks::{bytes_of, too_large};
use crate::controller::{DataflowGuard, PeekStream, ReadHolds};
use expr::RowSetFinishing;
use repr::{Diff, Row, SqlError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Rows in one chunk that is handed to a session.
const CHUNK_ROWS: usize = 1024;

/// The rows of a SELECT, in chunks. Dropping it cancels what still runs.
pub struct RowStream {
    source: Source,
}

enum Source {
    Ready(VecDeque<Vec<Row>>),
    Computing(Computation),
    Parts(Box<PartRows>),
}

/// Work on a blocking thread, stopped by a flag.
struct Computation {
    task: JoinHandle<Result<Vec<Row>, SqlError>>,
    cancel: Arc<AtomicBool>,
}

impl Drop for Computation {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

/// Where rows come from in parts.
enum Parts {
    Peek(PeekStream),
    Scan(mpsc::Receiver<Result<Vec<(Row, Diff)>, SqlError>>),
}

impl Parts {
    /// The next part; none at the end. May be cancelled without losing anything.
    async fn next(&mut self) -> Result<Option<Vec<(Row, Diff)>>, SqlError> {
        match self {
            Parts::Peek(stream) => stream.next().await,
            Parts::Scan(receiver) => receiver.recv().await.transpose(),
        }
    }
}

/// Parts with what happens to their rows, and what must live as long as they come.
struct PartRows {
    parts: Parts,
    finisher: Finisher,
    _dataflow: Option<DataflowGuard>,
    _holds: ReadHolds,
}

impl RowStream {
    /// Rows that are there.
    pub(super) fn ready(rows: Vec<Row>) -> Self {
        RowStream { source: Source::Ready(chunks(rows)) }
    }

    /// Rows that `work` computes on a thread of its own; it looks at the flag now and then.
    pub(super) fn computed(work: impl FnOnce(Arc<AtomicBool>) -> Result<Vec<Row>, SqlError> + Send + 'static) -> Self {
        let cancel = Arc::new(AtomicBool::new(false));
        let flag = cancel.clone();
        let task = tokio::task::spawn_blocking(move || work(flag));
        RowStream { source: Source::Computing(Computation { task, cancel }) }
    }

    /// Rows of a peek.
    pub(super) fn peek(
        stream: PeekStream,
        finishing: RowSetFinishing,
        max_result_bytes: u64,
        dataflow: Option<DataflowGuard>,
        holds: ReadHolds,
    ) -> Self {
        let finisher = Finisher::new(finishing, max_result_bytes);
        let parts = Parts::Peek(stream);
        RowStream { source: Source::Parts(Box::new(PartRows { parts, finisher, _dataflow: dataflow, _holds: holds })) }
    }

    /// Rows of a scan.
    pub(super) fn scan(
        receiver: mpsc::Receiver<Result<Vec<(Row, Diff)>, SqlError>>,
        finishing: RowSetFinishing,
        max_result_bytes: u64,
        holds: ReadHolds,
    ) -> Self {
        let (parts, finisher) = (Parts::Scan(receiver), Finisher::new(finishing, max_result_bytes));
        RowStream { source: Source::Parts(Box::new(PartRows { parts, finisher, _dataflow: None, _holds: holds })) }
    }

    /// The next rows; none at the end. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, SqlError> {
        loop {
            let rows = match &mut self.source {
                Source::Ready(ready) => return Ok(ready.pop_front()),
                Source::Computing(computation) => {
                    let panicked = |error| Err(SqlError::internal(format!("a query ended abnormally: {error}")));
                    (&mut computation.task).await.unwrap_or_else(panicked)?
                }
                Source::Parts(parts) => match parts.next().await? {
                    Progress::Rows(rows) => return Ok(Some(rows)),
                    Progress::Last(rows) => rows,
                },
            };
            self.source = Source::Ready(chunks(rows));
        }
    }

    /// All rows at once.
    pub async fn collect(mut self) -> Result<Vec<Row>, SqlError> {
        let mut all = Vec::new();
        while let Some(rows) = self.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }
}

enum Progress {
    Rows(Vec<Row>),
    Last(Vec<Row>),
}

impl PartRows {
    async fn next(&mut self) -> Result<Progress, SqlError> {
        loop {
            match self.parts.next().await? {
                Some(part) => {
                    let rows = self.finisher.add(part)?;
                    if self.finisher.is_full() {
                        return Ok(Progress::Last(rows));
                    }
                    if !rows.is_empty() {
                        return Ok(Progress::Rows(rows));
                    }
                }
                None => return Ok(Progress::Last(self.finisher.end()?)),
            }
        }
    }
}

fn chunks(rows: Vec<Row>) -> VecDeque<Vec<Row>> {
    if rows.len() <= CHUNK_ROWS {
        return if rows.is_empty() { VecDeque::new() } else { VecDeque::from([rows]) };
    }
    let mut rows = rows.into_iter();
    let mut chunks = VecDeque::new();
    loop {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK_ROWS).collect();
        if chunk.is_empty() {
            return chunks;
        }
        chunks.push_back(chunk);
    }
}

/// Applies a finishing to rows that come in parts: at once where there is no order, else at the end, in bounded memory.
pub(super) struct Finisher {
    finishing: RowSetFinishing,
    max_result_bytes: u64,
    kept: Vec<(Row, Diff)>,
    kept_bytes: u64,
    skip: u64,
    take: u64,
}

impl Finisher {
    pub(super) fn new(finishing: RowSetFinishing, max_result_bytes: u64) -> Self {
        let (skip, take) = (finishing.offset, finishing.limit.unwrap_or(u64::MAX));
        Finisher { finishing, max_result_bytes, kept: Vec::new(), kept_bytes: 0, skip, take }
    }

    /// Takes a part and returns what can be shown already.
    pub(super) fn add(&mut self, part: Vec<(Row, Diff)>) -> Result<Vec<Row>, SqlError> {
        if self.finishing.order.is_empty() {
            return self.pass(part);
        }
        self.kept_bytes += bytes_of(&part);
        self.kept.extend(part);
        self.trim();
        if self.kept_bytes > self.max_result_bytes {
            return Err(too_large(self.max_result_bytes));
        }
        Ok(Vec::new())
    }

    /// Whether the limit is reached, and no more rows are needed.
    pub(super) fn is_full(&self) -> bool {
        self.finishing.order.is_empty() && self.take == 0
    }

    /// The rest.
    pub(super) fn end(&mut self) -> Result<Vec<Row>, SqlError> {
        if self.finishing.order.is_empty() {
            return Ok(Vec::new());
        }
        self.finishing.finish(std::mem::take(&mut self.kept))
    }

    /// Without an order: skips, limits and projects.
    fn pass(&mut self, part: Vec<(Row, Diff)>) -> Result<Vec<Row>, SqlError> {
        let mut rows = Vec::with_capacity(part.len());
        for (row, diff) in part {
            let mut copies = u64::try_from(diff).map_err(|_| SqlError::internal("negative row count in a result"))?;
            let skipped = copies.min(self.skip);
            self.skip -= skipped;
            copies = (copies - skipped).min(self.take);
            if self.take != u64::MAX {
                self.take -= copies;
            }
            if copies > 0 {
                let datums = row.unpack();
                let projected = Row::pack(self.finishing.project.iter().map(|column| datums[*column]));
                rows.extend(std::iter::repeat_n(projected, usize::try_from(copies).unwrap_or(usize::MAX)));
            }
        }
        Ok(rows)
    }

    /// With an order and a limit: keeps no more than twice the rows that can be shown.
    fn trim(&mut self) {
        let Some(limit) = self.finishing.limit else { return };
        let wanted = limit.saturating_add(self.finishing.offset);
        let Ok(wanted) = usize::try_from(wanted) else { return };
        if self.kept.len() > wanted.saturating_mul(2).saturating_add(CHUNK_ROWS) {
            self.finishing.sort(&mut self.kept);
            self.kept.truncate(wanted);
            self.kept_bytes = bytes_of(&self.kept);
        }
    }
}
