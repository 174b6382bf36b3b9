//! Temporal filters.

use super::bundle::Bundle;
use crate::ops::temporal::temporal_filter;
use expr::temporal::{Bound, Lifetime};
use repr::{Frontier, RowPacker, Timestamp};

/// Renders a filter on the moment: the columns after the first `arity` are what it is compared with.
pub fn render<'s>(
    input: Bundle<'s, Timestamp>,
    arity: usize,
    bounds: &[Bound],
    until: Frontier,
) -> Bundle<'s, Timestamp> {
    let bounds = bounds.to_vec();
    let mut packer = RowPacker::new();
    let rows = temporal_filter(
        input.rows(),
        until,
        Box::new(move |row| {
            let mut datums = row.iter();
            packer.clear();
            packer.extend(datums.by_ref().take(arity));
            let lifetimes = bounds.iter().zip(datums).map(|(bound, value)| bound.lifetime(value));
            (packer.take(), lifetimes.fold(Lifetime::ALWAYS, Lifetime::intersect))
        }),
    );
    Bundle::new(rows, input.errors)
}
