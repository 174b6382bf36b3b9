//! The indexes that a worker maintains: how far they are, how far they are compacted, and reading them.

mod peek;

pub use peek::{PeekCursor, PeekStep};

use crate::layout::RowAgent;
use crate::render::Tokens;
use differential_dataflow::trace::TraceReader;
use repr::{Frontier, GlobalId, Row, SqlError, Timestamp};
use std::collections::BTreeMap;
use std::rc::Rc;
use timely::progress::Antichain;
use timely::progress::frontier::AntichainRef;

/// An index on this worker: the rows by key, the errors, and what keeps their dataflow alive.
#[derive(Clone)]
pub struct IndexTraces {
    /// Key row to whole rows of the collection.
    pub rows: RowAgent<Timestamp>,
    /// Packed errors, each to the empty row.
    pub errors: RowAgent<Timestamp>,
    /// Held by the index and by each dataflow that imports it.
    pub(crate) keep: Rc<Tokens>,
}

/// All indexes of one worker.
#[derive(Default)]
pub struct TraceManager {
    indexes: BTreeMap<GlobalId, IndexTraces>,
}

impl TraceManager {
    /// No indexes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The indexes there are.
    pub fn ids(&self) -> impl Iterator<Item = GlobalId> + '_ {
        self.indexes.keys().copied()
    }

    /// Whether there is such an index.
    pub fn contains(&self, id: GlobalId) -> bool {
        self.indexes.contains_key(&id)
    }

    /// The index's traces.
    pub(crate) fn get(&self, id: GlobalId) -> Option<&IndexTraces> {
        self.indexes.get(&id)
    }

    /// Adds an index.
    pub(crate) fn insert(&mut self, id: GlobalId, traces: IndexTraces) {
        self.indexes.insert(id, traces);
    }

    /// Up to where the index is complete on this worker.
    pub fn upper(&mut self, id: GlobalId) -> Option<Frontier> {
        let index = self.indexes.get_mut(&id)?;
        Some(read_upper(&mut index.rows).meet(read_upper(&mut index.errors)))
    }

    /// From where on the index can be read.
    pub fn since(&mut self, id: GlobalId) -> Option<Frontier> {
        let index = self.indexes.get_mut(&id)?;
        Some(to_frontier(index.rows.get_logical_compaction()))
    }

    /// Lets the index forget distinctions before `since`; [`Frontier::DONE`] drops it.
    pub fn allow_compaction(&mut self, id: GlobalId, since: Frontier) {
        if since.is_done() {
            self.indexes.remove(&id);
        } else if let Some(index) = self.indexes.get_mut(&id) {
            let since = to_antichain(since);
            index.rows.set_logical_compaction(since.borrow());
            index.errors.set_logical_compaction(since.borrow());
        }
    }

    /// Lets batches merge; to be called every few steps, or reads get slower and slower.
    pub fn maintain(&mut self) {
        let mut upper = Antichain::new();
        for index in self.indexes.values_mut() {
            for trace in [&mut index.rows, &mut index.errors] {
                trace.read_upper(&mut upper);
                trace.set_physical_compaction(upper.borrow());
            }
        }
    }

    /// Reads an index at a time: the rows of these keys, or all.
    ///
    /// The caller has seen `upper` beyond `as_of`. Keys are canonical key rows.
    pub fn peek(&mut self, id: GlobalId, keys: Option<Vec<Row>>, as_of: Timestamp) -> Result<PeekCursor, SqlError> {
        let since = self.since(id).ok_or_else(|| SqlError::internal(format_args!("there is no index {id}")))?;
        if !since.less_equal(as_of) {
            return Err(SqlError::internal(format_args!("index {id} is compacted to {since}, beyond {as_of}")));
        }
        let index = self.indexes.get_mut(&id).expect("its since was just read");
        PeekCursor::new(index, keys, as_of)
    }
}

fn read_upper(trace: &mut RowAgent<Timestamp>) -> Frontier {
    let mut upper = Antichain::new();
    trace.read_upper(&mut upper);
    to_frontier(upper.borrow())
}

/// Timely's frontier as ours.
pub fn to_frontier(frontier: AntichainRef<'_, Timestamp>) -> Frontier {
    frontier.first().map_or(Frontier::DONE, |time| Frontier::at(*time))
}

/// Our frontier as timely's.
pub fn to_antichain(frontier: Frontier) -> Antichain<Timestamp> {
    frontier.time().map_or_else(Antichain::new, Antichain::from_elem)
}
