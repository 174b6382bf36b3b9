//! Window functions.

use super::bundle::Bundle;
use super::plan::keyed;
use super::sort_key::sorted_row;
use super::time::{Grouping, RenderTime};
use crate::ops::fold::{Fold, WindowedRows, windows_from_scratch};
use crate::ops::group::GroupLogic;
use expr::WindowExpr;
use expr::relation::ColumnOrder;
use expr::window::Windows;
use repr::{Arena, Datum};

/// Renders window functions: partitions hold their rows in order, and a change is answered around itself.
pub fn render<'s, T: RenderTime>(
    input: Bundle<'s, T>,
    partition: &[usize],
    order: &[ColumnOrder],
    functions: &[WindowExpr],
) -> Bundle<'s, T> {
    let windows = Windows { order: order.to_vec(), functions: functions.to_vec() };
    let (partition, order) = (partition.to_vec(), order.to_vec());
    let mut packer = repr::RowPacker::new();
    let (keyed, errors) = keyed(
        &input,
        "Window key",
        Box::new(move |row, output| {
            let datums: Vec<Datum<'_>> = row.iter().collect();
            let arena = Arena::new();
            packer.clear();
            packer.extend(partition.iter().map(|column| repr::canonical::canonical(datums[*column], &arena)));
            output.give((packer.take(), sorted_row(&order, &datums, row)));
        }),
    );
    let (rows, failed) = T::grouped(keyed, "Window", Box::new(Windowing(windows)));
    Bundle::new(rows, input.errors.concatenate([errors, failed]))
}

struct Windowing(Windows);

impl Grouping for Windowing {
    fn fold(self: Box<Self>) -> Box<dyn Fold> {
        Box::new(WindowedRows::new(self.0))
    }

    fn group(self: Box<Self>) -> GroupLogic {
        windows_from_scratch(self.0)
    }
}
