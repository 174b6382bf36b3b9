//! Many rows in one byte string: what the batches of arrangements keep their keys and values in.

use differential_dataflow::trace::implementations::{BatchContainer, OffsetList};
use repr::{Row, RowRef};
use timely::container::PushInto;

/// Rows end to end, with the offsets where they end: 4 bytes beside each row's own.
///
/// LAW: `Row` and `RowRef` have the same order, that of their bytes; batches are sorted by it.
pub struct BytesCon {
    /// Where rows start and end; begins with 0.
    offsets: OffsetList,
    /// The rows' encodings.
    bytes: Vec<u8>,
}

impl BytesCon {
    fn push(&mut self, row: &[u8]) {
        self.bytes.extend_from_slice(row);
        self.offsets.push(self.bytes.len());
    }

    /// Bytes that the rows take, without offsets.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for exactly so many more bytes.
    pub fn reserve_bytes(&mut self, bytes: usize) {
        self.bytes.reserve_exact(bytes);
    }

    /// Gives back unused memory.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.offsets.smol.shrink_to_fit();
    }
}

impl BatchContainer for BytesCon {
    type Owned = Row;
    type ReadItem<'a> = RowRef<'a>;

    fn into_owned<'a>(item: RowRef<'a>) -> Row {
        item.to_row()
    }
    fn push_ref(&mut self, item: RowRef<'_>) {
        self.push(item.encoded());
    }
    fn push_own(&mut self, item: &Row) {
        self.push(item.encoded());
    }
    fn clear(&mut self) {
        self.offsets.clear();
        self.offsets.push(0);
        self.bytes.clear();
    }
    fn with_capacity(rows: usize) -> Self {
        let mut offsets = OffsetList::with_capacity(rows);
        offsets.push(0);
        BytesCon { offsets, bytes: Vec::new() }
    }
    fn merge_capacity(a: &Self, b: &Self) -> Self {
        let mut merged = Self::with_capacity(a.len() + b.len());
        merged.bytes.reserve(a.bytes.len() + b.bytes.len());
        merged
    }
    fn reborrow<'b, 'a: 'b>(item: RowRef<'a>) -> RowRef<'b> {
        item
    }
    fn index(&self, index: usize) -> RowRef<'_> {
        RowRef::from_encoded(&self.bytes[self.offsets.index(index)..self.offsets.index(index + 1)])
    }
    fn len(&self) -> usize {
        self.offsets.len() - 1
    }
}

impl PushInto<Row> for BytesCon {
    fn push_into(&mut self, row: Row) {
        self.push(row.encoded());
    }
}

impl PushInto<RowRef<'_>> for BytesCon {
    fn push_into(&mut self, row: RowRef<'_>) {
        self.push(row.encoded());
    }
}
