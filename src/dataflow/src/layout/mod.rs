//! How collections lie in memory once arranged: one layout for everything.
//!
//! An arrangement maps a key row to value rows; a set maps its rows to the empty row, and errors are packed into rows. So
//! differential's batches, merges, joins and reductions are compiled for one layout over two times (plain and recursive).
//!
//! ```text
//! Vec<((Row, Row), T, Diff)> --Chunker--> Chunk (flat, sorted) --Merger--> sorted runs --Builder--> batch (BytesCon)
//! ```

mod builder;
mod bytes;
mod chunk;
mod merger;

pub use builder::RowBuilder;
pub use bytes::BytesCon;
pub use chunk::{Chunk, Chunker};
pub use merger::RowMerger;

use differential_dataflow::lattice::Lattice;
use differential_dataflow::operators::arrange::{Arranged, TraceAgent};
use differential_dataflow::trace::implementations::OffsetList;
use differential_dataflow::trace::implementations::merge_batcher::MergeBatcher;
use differential_dataflow::trace::implementations::ord_neu::OrdValBatch;
use differential_dataflow::trace::implementations::spine_fueled::Spine;
use differential_dataflow::trace::rc_blanket_impls::RcBuilder;
use differential_dataflow::trace::wrappers::frontier::{BatchFrontier, TraceFrontier};
use differential_dataflow::{ExchangeData, VecCollection};
use repr::{DataflowError, Diff, Row};
use std::rc::Rc;

/// A time that collections can be arranged at.
pub trait Time: timely::progress::Timestamp + Lattice + ExchangeData + Default {}
impl<T: timely::progress::Timestamp + Lattice + ExchangeData + Default> Time for T {}

/// Containers of a batch: keys, values, times, diffs, offsets.
pub type RowLayout<T> = (BytesCon, BytesCon, Vec<T>, Vec<Diff>, OffsetList);
/// An immutable, sorted run of updates.
pub type RowBatch<T> = Rc<OrdValBatch<RowLayout<T>>>;
/// A growing stack of batches.
pub type RowSpine<T> = Spine<RowBatch<T>>;
/// Sorts updates before a batch is built.
pub type RowBatcher<T> = MergeBatcher<RowMerger<T>>;
/// Builds batches of sorted chunks.
pub type RcRowBuilder<T> = RcBuilder<RowBuilder<T>>;
/// A handle on a spine; one per worker and reader.
pub type RowAgent<T> = TraceAgent<RowSpine<T>>;
/// What operators read: a trace seen from a since on, up to an until. Local and imported arrangements look the same.
pub type RowTrace<T> = TraceFrontier<RowAgent<T>>;
/// A batch as operators get it.
pub type SeenBatch<T> = BatchFrontier<RowBatch<T>>;
/// An arrangement as operators get it.
pub type RowArranged<'s, T> = Arranged<'s, RowTrace<T>>;

/// A collection of rows.
pub type Rows<'s, T> = VecCollection<'s, T, Row, Diff>;
/// A collection of errors.
pub type Errors<'s, T> = VecCollection<'s, T, DataflowError, Diff>;
/// A collection of key and value rows.
pub type Keyed<'s, T> = VecCollection<'s, T, (Row, Row), Diff>;
/// An update of a keyed collection.
pub type KeyedUpdate<T> = ((Row, Row), T, Diff);

/// The worker that holds a key, modulo the number of workers: everywhere and always this function of the encoded key.
pub fn route(key: &Row) -> u64 {
    repr::row::hash_encoded(key.encoded())
}
