//! Chunks of updates on their way into a batch: sorted, consolidated, and free of an allocation per row.

use super::{BytesCon, KeyedUpdate, Time};
use differential_dataflow::consolidation::consolidate_updates;
use differential_dataflow::trace::implementations::{BatchContainer, BuilderInput};
use repr::{Diff, RowRef};
use std::collections::VecDeque;
use timely::container::{Accountable, ContainerBuilder, DrainContainer, PushInto};

/// Bytes at which a chunk is full: large enough to amortise its allocations, small enough to be copied within a cache.
const CHUNK_BYTES: usize = 256 << 10;
/// What a time, a diff and offsets take beside the rows, about.
const UPDATE_BYTES: usize = 24;

/// A sorted run of updates, column by column.
pub struct Chunk<T> {
    keys: BytesCon,
    values: BytesCon,
    times: Vec<T>,
    diffs: Vec<Diff>,
}

impl<T> Default for Chunk<T> {
    fn default() -> Self {
        Chunk {
            keys: BytesCon::with_capacity(0),
            values: BytesCon::with_capacity(0),
            times: Vec::new(),
            diffs: Vec::new(),
        }
    }
}

impl<T: Time> Chunk<T> {
    /// How many updates it holds.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Whether the next update should go to a new chunk.
    pub fn is_full(&self) -> bool {
        self.keys.byte_len() + self.values.byte_len() + self.times.len() * UPDATE_BYTES >= CHUNK_BYTES
    }

    /// Appends an update.
    pub fn push(&mut self, key: RowRef<'_>, value: RowRef<'_>, time: T, diff: Diff) {
        self.keys.push_ref(key);
        self.values.push_ref(value);
        self.times.push(time);
        self.diffs.push(diff);
    }

    /// What updates are ordered by.
    pub fn get(&self, index: usize) -> (RowRef<'_>, RowRef<'_>, &T) {
        (self.keys.index(index), self.values.index(index), &self.times[index])
    }

    /// An update's count.
    pub fn diff(&self, index: usize) -> Diff {
        self.diffs[index]
    }

    /// All times.
    pub fn times(&self) -> &[T] {
        &self.times
    }

    /// Appends another chunk's update.
    pub fn push_from(&mut self, other: &Chunk<T>, index: usize) {
        let (key, value, time) = other.get(index);
        self.push(key, value, time.clone(), other.diffs[index]);
    }

    /// Gives back unused memory.
    pub fn shrink(&mut self) {
        self.keys.shrink();
        self.values.shrink();
        self.times.shrink_to_fit();
        self.diffs.shrink_to_fit();
    }
}

impl<T: Time> Accountable for Chunk<T> {
    fn record_count(&self) -> i64 {
        self.len() as i64
    }
}

/// The updates of a chunk, in order.
pub struct ChunkDrain<'a, T> {
    chunk: &'a Chunk<T>,
    next: usize,
}

impl<'a, T: Time> Iterator for ChunkDrain<'a, T> {
    type Item = (RowRef<'a>, RowRef<'a>, T, Diff);
    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        if index == self.chunk.len() {
            return None;
        }
        self.next += 1;
        let (key, value, time) = self.chunk.get(index);
        Some((key, value, time.clone(), self.chunk.diffs[index]))
    }
}

impl<T: Time> DrainContainer for Chunk<T> {
    type Item<'a> = (RowRef<'a>, RowRef<'a>, T, Diff);
    type DrainIter<'a> = ChunkDrain<'a, T>;
    fn drain(&mut self) -> ChunkDrain<'_, T> {
        ChunkDrain { chunk: self, next: 0 }
    }
}

impl<T: Time> BuilderInput<BytesCon, BytesCon> for Chunk<T> {
    type Key<'a> = RowRef<'a>;
    type Val<'a> = RowRef<'a>;
    type Time = T;
    type Diff = Diff;

    fn into_parts<'a>(item: Self::Item<'a>) -> (Self::Key<'a>, Self::Val<'a>, T, Diff) {
        item
    }
    fn key_eq(this: &RowRef<'_>, other: RowRef<'_>) -> bool {
        this.encoded() == other.encoded()
    }
    fn val_eq(this: &RowRef<'_>, other: RowRef<'_>) -> bool {
        this.encoded() == other.encoded()
    }
    fn key_val_upd_counts(chunks: &[Self]) -> (usize, usize, usize) {
        let sizes = Sizes::of(chunks);
        (sizes.keys, sizes.values, sizes.updates)
    }
}

/// What a batch of sorted chunks will hold.
#[derive(Default)]
pub struct Sizes {
    /// Distinct keys, and their bytes.
    pub keys: usize,
    pub key_bytes: usize,
    /// Distinct pairs of key and value, and the values' bytes.
    pub values: usize,
    pub value_bytes: usize,
    /// Updates.
    pub updates: usize,
}

impl Sizes {
    /// Counts sorted chunks.
    pub fn of<T: Time>(chunks: &[Chunk<T>]) -> Sizes {
        let mut sizes = Sizes::default();
        let mut previous: Option<(RowRef<'_>, RowRef<'_>)> = None;
        for chunk in chunks {
            sizes.updates += chunk.len();
            for index in 0..chunk.len() {
                let (key, value, _) = chunk.get(index);
                let new_key = previous.is_none_or(|(k, _)| k != key);
                if new_key {
                    sizes.keys += 1;
                    sizes.key_bytes += key.encoded().len();
                }
                if new_key || previous.is_none_or(|(_, v)| v != value) {
                    sizes.values += 1;
                    sizes.value_bytes += value.encoded().len();
                }
                previous = Some((key, value));
            }
        }
        sizes
    }
}

/// Makes chunks of updates as they arrive.
pub struct Chunker<T> {
    pending: Vec<KeyedUpdate<T>>,
    pending_bytes: usize,
    ready: VecDeque<Chunk<T>>,
    lent: Chunk<T>,
}

impl<T> Default for Chunker<T> {
    fn default() -> Self {
        Chunker { pending: Vec::new(), pending_bytes: 0, ready: VecDeque::new(), lent: Chunk::default() }
    }
}

impl<T: Time> Chunker<T> {
    fn flush(&mut self) {
        consolidate_updates(&mut self.pending);
        self.pending_bytes = 0;
        if self.pending.is_empty() {
            return;
        }
        let mut chunk = Chunk::default();
        chunk.keys.reserve_bytes(self.pending.iter().map(|((key, _), _, _)| key.encoded().len()).sum());
        chunk.values.reserve_bytes(self.pending.iter().map(|((_, value), _, _)| value.encoded().len()).sum());
        chunk.times.reserve_exact(self.pending.len());
        chunk.diffs.reserve_exact(self.pending.len());
        for ((key, value), time, diff) in self.pending.drain(..) {
            chunk.push(key.as_ref(), value.as_ref(), time, diff);
        }
        self.ready.push_back(chunk);
    }
}

impl<'a, T: Time> PushInto<&'a mut Vec<KeyedUpdate<T>>> for Chunker<T> {
    fn push_into(&mut self, updates: &'a mut Vec<KeyedUpdate<T>>) {
        for update in updates.drain(..) {
            let (key, value) = &update.0;
            self.pending_bytes += key.encoded().len() + value.encoded().len() + UPDATE_BYTES;
            self.pending.push(update);
            if self.pending_bytes >= CHUNK_BYTES {
                self.flush();
            }
        }
    }
}

impl<T: Time> ContainerBuilder for Chunker<T> {
    type Container = Chunk<T>;
    fn extract(&mut self) -> Option<&mut Chunk<T>> {
        self.lent = self.ready.pop_front()?;
        Some(&mut self.lent)
    }
    fn finish(&mut self) -> Option<&mut Chunk<T>> {
        self.flush();
        self.extract()
    }
}
