//! Building a batch of sorted chunks, with exactly the memory it needs.

use super::chunk::Sizes;
use super::{Chunk, RowLayout, Time};
use differential_dataflow::trace::implementations::ord_neu::{OrdValBatch, OrdValBuilder};
use differential_dataflow::trace::{Builder, Description};

/// Differential's builder, told how many bytes rows take: it only knows how many rows there are.
pub struct RowBuilder<T: Time> {
    inner: OrdValBuilder<RowLayout<T>, Chunk<T>>,
}

impl<T: Time> Builder for RowBuilder<T> {
    type Input = Chunk<T>;
    type Time = T;
    type Output = OrdValBatch<RowLayout<T>>;

    fn with_capacity(keys: usize, values: usize, updates: usize) -> Self {
        RowBuilder { inner: OrdValBuilder::with_capacity(keys, values, updates) }
    }

    fn push(&mut self, chunk: &mut Chunk<T>) {
        self.inner.push(chunk);
    }

    fn done(self, description: Description<T>) -> Self::Output {
        self.inner.done(description)
    }

    fn seal(chunks: &mut Vec<Chunk<T>>, description: Description<T>) -> Self::Output {
        let sizes = Sizes::of(chunks);
        // No room for updates is set aside: runs of equal (time, diff) are stored once, so few are.
        let mut builder = Self::with_capacity(sizes.keys, sizes.values, 0);
        builder.inner.result.keys.reserve_bytes(sizes.key_bytes);
        builder.inner.result.vals.vals.reserve_bytes(sizes.value_bytes);
        for mut chunk in chunks.drain(..) {
            builder.push(&mut chunk);
        }
        builder.done(description)
    }
}
