//! A peek on one worker: waits for its time to be complete, reads in slices, sends parts.

use crate::worker::PeekPart;
use dataflow::{PeekCursor, PeekStep, TraceManager};
use expr::{Mfp, RowSetFinishing};
use proto::compute::{Peek, PeekId};
use repr::{Arena, Datum, Diff, Row, RowPacker, RowRef, SqlError, SqlState};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Bytes of rows in one part.
const PART_BYTES: usize = 512 << 10;

/// A peek that is not answered yet.
pub struct PendingPeek {
    peek: Arc<Peek>,
    /// Keys that this worker holds; none if all rows are read.
    keys: Option<Vec<Row>>,
    cursor: Option<PeekCursor>,
    rows: Collected,
}

impl PendingPeek {
    /// A peek's share of worker `index` out of `peers`.
    pub fn new(peek: Arc<Peek>, index: usize, peers: usize) -> Self {
        let ours = |key: &Row| repr::row::hash_encoded(key.encoded()) % peers as u64 == index as u64;
        let keys = peek.keys.as_ref().map(|keys| keys.iter().filter(|key| ours(key)).cloned().collect());
        PendingPeek { keys, cursor: None, rows: Collected::new(&peek.finishing), peek }
    }

    /// Which.
    pub fn id(&self) -> PeekId {
        self.peek.id
    }

    /// Whether it is being read, so that the worker should not park.
    pub fn is_reading(&self) -> bool {
        self.cursor.is_some()
    }

    /// Reads on while there is fuel; true once the answer is complete.
    pub fn advance(&mut self, traces: &mut TraceManager, fuel: &mut usize, send: &mut dyn FnMut(PeekPart)) -> bool {
        match self.try_advance(traces, fuel, send) {
            Ok(done) => done,
            Err(error) => {
                send(PeekPart::Error(error));
                true
            }
        }
    }

    fn try_advance(
        &mut self,
        traces: &mut TraceManager,
        fuel: &mut usize,
        send: &mut dyn FnMut(PeekPart),
    ) -> Result<bool, SqlError> {
        if self.cursor.is_none() {
            let upper = traces.upper(self.peek.index);
            let upper = upper.ok_or_else(|| SqlError::internal(format_args!("no index {}", self.peek.index)))?;
            if !upper.is_beyond(self.peek.timestamp) {
                return Ok(false);
            }
            self.cursor = Some(traces.peek(self.peek.index, self.keys.take(), self.peek.timestamp)?);
        }
        let Some(cursor) = &mut self.cursor else { return Ok(false) };
        let (peek, rows) = (&self.peek, &mut self.rows);
        let mut scratch = (Arena::new(), RowPacker::new());
        while *fuel > 0 {
            let step = cursor.step(fuel, &mut |_, value, diff| {
                if let Some(row) = apply(&peek.mfp, value, &mut scratch)? {
                    rows.push(row, diff, &peek.finishing, peek.max_result_bytes)?;
                }
                Ok(if rows.wants_more(&peek.finishing) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            if step == PeekStep::Done {
                rows.finish(&peek.finishing, send);
                return Ok(true);
            }
            rows.flush(&peek.finishing, send);
        }
        Ok(false)
    }
}

fn apply(mfp: &Mfp, value: RowRef<'_>, scratch: &mut (Arena, RowPacker)) -> Result<Option<Row>, SqlError> {
    if mfp.is_identity() {
        return Ok(Some(value.to_row()));
    }
    let (arena, packer) = scratch;
    arena.clear();
    packer.clear();
    let mut datums: Vec<Datum<'_>> = value.iter().collect();
    Ok(mfp.eval(&mut datums, arena, packer)?.then(|| packer.take()))
}

/// Rows read and not yet sent.
struct Collected {
    rows: Vec<(Row, Diff)>,
    bytes: usize,
    /// Copies of rows seen so far, for LIMIT without an order.
    seen: u64,
    /// How many rows an ordered answer can show.
    window: Option<usize>,
}

impl Collected {
    fn new(finishing: &RowSetFinishing) -> Self {
        let window = finishing.limit.map(|limit| limit.saturating_add(finishing.offset));
        Collected {
            rows: Vec::new(),
            bytes: 0,
            seen: 0,
            window: window.map(|w| usize::try_from(w).unwrap_or(usize::MAX)),
        }
    }

    fn push(&mut self, row: Row, diff: Diff, finishing: &RowSetFinishing, max_bytes: u64) -> Result<(), SqlError> {
        self.bytes += row.encoded().len() + size_of::<(Row, Diff)>();
        self.seen = self.seen.saturating_add(diff.unsigned_abs());
        self.rows.push((row, diff));
        if finishing.order.is_empty() {
            return Ok(());
        }
        if let Some(window) = self.window
            && self.rows.len() >= window.saturating_mul(2).max(1024)
        {
            finishing.sort(&mut self.rows);
            self.rows.truncate(window);
            self.bytes = self.rows.iter().map(|(row, _)| row.encoded().len() + size_of::<(Row, Diff)>()).sum();
        }
        if self.bytes as u64 > max_bytes {
            let what = format!("result exceeds max size of {max_bytes} bytes");
            return Err(SqlError::new(SqlState::OUT_OF_MEMORY, what).hint("Add a LIMIT or a filter."));
        }
        Ok(())
    }

    /// Whether more rows can change the answer.
    fn wants_more(&self, finishing: &RowSetFinishing) -> bool {
        !finishing.order.is_empty() || self.window.is_none_or(|window| self.seen < window as u64)
    }

    /// Sends what there is, if that is much and its order does not matter.
    fn flush(&mut self, finishing: &RowSetFinishing, send: &mut dyn FnMut(PeekPart)) {
        if finishing.order.is_empty() && self.bytes >= PART_BYTES {
            self.bytes = 0;
            send(PeekPart::Rows(std::mem::take(&mut self.rows), false));
        }
    }

    /// Sends the rest, in the order of the finishing.
    fn finish(&mut self, finishing: &RowSetFinishing, send: &mut dyn FnMut(PeekPart)) {
        let mut rows = std::mem::take(&mut self.rows);
        if !finishing.order.is_empty() {
            finishing.sort(&mut rows);
            rows.truncate(self.window.unwrap_or(usize::MAX));
        }
        let mut part = Vec::new();
        let mut bytes = 0;
        for (row, diff) in rows {
            bytes += row.encoded().len() + size_of::<(Row, Diff)>();
            part.push((row, diff));
            if bytes >= PART_BYTES {
                bytes = 0;
                send(PeekPart::Rows(std::mem::take(&mut part), false));
            }
        }
        send(PeekPart::Rows(part, true));
    }
}
