//! The first rows of each group.

use super::Buffers;
use super::bundle::Bundle;
use super::plan::keyed;
use super::sort_key::{row_of, sorted_row};
use super::time::{Grouping, RenderTime};
use crate::ops::Output;
use crate::ops::errors::negative_count;
use crate::ops::fold::{Fold, Groups};
use crate::ops::group::GroupLogic;
use expr::ScalarExpr;
use expr::relation::ColumnOrder;
use repr::{Arena, Datum, Diff, Row, RowRef, SqlError, SqlState};

struct TopK {
    limit: Option<ScalarExpr>,
    offset: u64,
}

/// Renders a top-k: groups hold their rows in order, so that only the first few are read.
pub fn render<'s, T: RenderTime>(
    input: Bundle<'s, T>,
    group_key: &[usize],
    order: &[ColumnOrder],
    limit: Option<&ScalarExpr>,
    offset: u64,
) -> Bundle<'s, T> {
    let (group_key, order) = (group_key.to_vec(), order.to_vec());
    let mut packer = repr::RowPacker::new();
    let (keyed, errors) = keyed(
        &input,
        "TopK key",
        Box::new(move |row, output| {
            let datums: Vec<Datum<'_>> = row.iter().collect();
            let arena = Arena::new();
            packer.clear();
            packer.extend(group_key.iter().map(|column| repr::canonical::canonical(datums[*column], &arena)));
            output.give((packer.take(), sorted_row(&order, &datums, row)));
        }),
    );
    let top_k = TopK { limit: limit.cloned(), offset };
    let (rows, failed) = T::grouped(keyed, "TopK", Box::new(top_k));
    Bundle::new(rows, input.errors.concatenate([errors, failed]))
}

impl Grouping for TopK {
    fn fold(self: Box<Self>) -> Box<dyn Fold> {
        Box::new(Groups::new(self.group()))
    }

    fn group(self: Box<Self>) -> GroupLogic {
        let mut buffers = Buffers::default();
        Box::new(move |_key, values, output| {
            if let Err(error) = self.show(&mut buffers, values, output) {
                output.err(error);
            }
        })
    }
}

impl TopK {
    fn show(
        &self,
        buffers: &mut Buffers,
        values: &mut dyn Iterator<Item = (RowRef<'_>, Diff)>,
        output: &mut Output<Row>,
    ) -> Result<(), SqlError> {
        let (mut skip, mut take) = (self.offset, u64::MAX);
        let mut first = true;
        for (sorted, count) in values {
            let row = row_of(sorted);
            if std::mem::take(&mut first) {
                take = self.limit_of(buffers, row)?;
            }
            if take == 0 {
                return Ok(());
            }
            let count = u64::try_from(count).map_err(|_| negative_count("a top-k"))?;
            let skipped = count.min(skip);
            skip -= skipped;
            let shown = (count - skipped).min(take);
            take -= shown;
            if shown > 0 {
                output.rows.push((row.to_row(), shown as Diff));
            }
        }
        Ok(())
    }

    /// The group's limit: the expression refers to columns that are the same in all rows of the group.
    fn limit_of(&self, buffers: &mut Buffers, row: RowRef<'_>) -> Result<u64, SqlError> {
        let Some(limit) = &self.limit else { return Ok(u64::MAX) };
        let mut value = Ok(u64::MAX);
        buffers.each(std::slice::from_ref(limit), row, |_, datum| {
            if let Datum::Int8(limit) = datum {
                let negative =
                    || SqlError::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative");
                value = u64::try_from(limit).map_err(|_| negative());
            }
        })?;
        value
    }
}
