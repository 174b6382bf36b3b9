//! Which parts a reader needs, by what is known of their contents.

use crate::state::{ColumnStats, Part};
use repr::{Extent, RowRef, Values};
use std::fmt;
use std::sync::Arc;

/// Says of a part whether it is to be read, by what its columns hold. One that is not must hold nothing that the reader wants, at any time:
/// a row and what takes it away again may lie in different parts. Parts in which there may be errors are always read.
#[derive(Clone)]
pub struct PartFilter(Option<Arc<Wanted>>);

type Wanted = dyn Fn(&[Extent<'_>]) -> bool + Send + Sync;

impl PartFilter {
    /// Reads the parts for whose columns `wanted` holds.
    pub fn new(wanted: impl Fn(&[Extent<'_>]) -> bool + Send + Sync + 'static) -> Self {
        PartFilter(Some(Arc::new(wanted)))
    }

    /// Reads all parts.
    pub fn all() -> Self {
        PartFilter(None)
    }

    pub(crate) fn wants(&self, part: &Part) -> bool {
        let Some(wanted) = &self.0 else { return true };
        // All columns of an error count as NULL.
        let may_have_errors = part.stats.iter().all(|column| column.nulls > 0);
        may_have_errors || wanted(&part.stats.iter().map(|column| extent(column, part.updates)).collect::<Vec<_>>())
    }
}

fn extent(ColumnStats { min, max, nulls }: &ColumnStats, updates: u64) -> Extent<'_> {
    let value = |bytes| RowRef::from_encoded(bytes).iter().next();
    let values = match value(min).zip(value(max)) {
        Some((least, greatest)) => Values::Between(least, greatest),
        None if *nulls == updates => Values::None,
        None => Values::Any,
    };
    Extent { values, null: *nulls > 0, error: false }
}

impl fmt::Debug for PartFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "PartFilter" } else { "PartFilter(all)" })
    }
}

/// How much of a shard a reader needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Bytes of all parts, and inline.
    pub total_bytes: u64,
    /// Bytes of the parts that are read, and inline.
    pub selected_bytes: u64,
    /// Parts.
    pub total_parts: u64,
    /// Parts that are read.
    pub selected_parts: u64,
}
