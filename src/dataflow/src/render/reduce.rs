//! Grouping: DISTINCT, aggregates, threshold, consolidation.

use super::Buffers;
use super::bundle::Bundle;
use super::plan::keyed;
use super::sort_key::sorted_row;
use super::time::{Grouping, RenderTime};
use crate::layout::{Errors, Rows};
use crate::ops::errors::negative_count;
use crate::ops::flat_map::{RowLogic, flat_map};
use crate::ops::fold::{Aggregates, CountLogic, Counts, Fold, Spec};
use crate::ops::group::GroupLogic;
use expr::{AggregateExpr, Mfp, ScalarExpr};
use repr::{Datum, Diff, EvalError, Row, RowPacker, RowRef, SqlError};

/// Renders a grouping; without aggregates, the distinct keys.
pub fn render<'s, T: RenderTime>(
    input: Bundle<'s, T>,
    key: &Mfp,
    value: &Mfp,
    aggregates: &[AggregateExpr],
    mfp: &Mfp,
) -> Bundle<'s, T> {
    let (grouping, logic): (Box<dyn Grouping>, _) = if aggregates.is_empty() {
        (Box::new(Counting(distinct_logic(mfp))), distinct_key_logic(key))
    } else {
        let specs = aggregates.iter().map(Spec::new).collect();
        (Box::new(Aggregating { specs, mfp: mfp.clone() }), argument_logic(key, value, aggregates))
    };
    let (keyed, errors) = keyed(&input, "Reduce key", logic);
    let (rows, failed) = T::grouped(keyed, "Reduce", grouping);
    Bundle::new(rows, input.errors.concatenate([errors, failed]))
}

/// Drops rows whose count is negative.
pub fn threshold<'s, T: RenderTime>(input: Bundle<'s, T>) -> Bundle<'s, T> {
    let logic: CountLogic = Box::new(|row, count, output| {
        if count > 0 {
            output.rows.push((row.to_row(), count));
        }
    });
    let (rows, errors) = count_rows(&input, logic);
    Bundle::new(rows, input.errors.concat(errors))
}

/// Adds up the counts of equal rows, whatever their sign. What is beyond `max` counts so often, and is an error.
pub fn consolidate_within<'s, T: RenderTime>(
    rows: Rows<'s, T>,
    max: Diff,
    error: SqlError,
) -> (Rows<'s, T>, Errors<'s, T>) {
    let logic: CountLogic = Box::new(move |row, count, output| {
        if !(-max..=max).contains(&count) {
            output.err(error.clone());
        }
        output.rows.push((row.to_row(), count.clamp(-max, max)));
    });
    T::grouped(by_row(rows), "Consolidate", Box::new(Counting(logic)))
}

/// An error for each row with any count.
pub fn any_change<'s, T: RenderTime>(rows: Rows<'s, T>, error: SqlError) -> Errors<'s, T> {
    let logic: CountLogic = Box::new(move |_row, _count, output| output.err(error.clone()));
    T::grouped(by_row(rows), "Limit", Box::new(Counting(logic))).1
}

fn count_rows<'s, T: RenderTime>(input: &Bundle<'s, T>, logic: CountLogic) -> (Rows<'s, T>, Errors<'s, T>) {
    let set = Box::new(|row: RowRef<'_>, output: &mut crate::ops::Output<_>| output.give((row.to_row(), Row::empty())));
    let (rows, _no_errors) = keyed(input, "By row", set);
    T::grouped(rows, "Threshold", Box::new(Counting(logic)))
}

fn by_row<'s, T: RenderTime>(rows: Rows<'s, T>) -> crate::layout::Keyed<'s, T> {
    flat_map(rows, "By row", Box::new(|row, output| output.give((row.to_row(), Row::empty())))).0
}

/// Something made of each key's count.
struct Counting(CountLogic);

impl Grouping for Counting {
    fn fold(self: Box<Self>) -> Box<dyn Fold> {
        Box::new(Counts::new(self.0))
    }

    fn group(mut self: Box<Self>) -> GroupLogic {
        Box::new(move |key, values, output| {
            // The only value is the empty row.
            let count = values.map(|(_, count)| count).sum();
            if count != 0 {
                (self.0)(key, count, output);
            }
        })
    }
}

fn distinct_logic(mfp: &Mfp) -> CountLogic {
    let (mfp, mut buffers) = (mfp.clone(), Buffers::default());
    Box::new(move |key, count, output| {
        if count < 0 {
            return output.err(negative_count("DISTINCT"));
        }
        match buffers.mfp(&mfp, &[key]) {
            Ok(Some(row)) => output.give(row),
            Ok(None) => {}
            Err(error) => output.err(error),
        }
    })
}

fn distinct_key_logic(key: &Mfp) -> RowLogic<(Row, Row)> {
    let (key, mut buffers) = (key.clone(), Buffers::default());
    Box::new(move |row, output| match buffers.mfp(&key, &[row]) {
        Ok(Some(key)) => output.give((key, Row::empty())),
        Ok(None) => {}
        Err(error) => output.err(error),
    })
}

/// From rows to keys and the aggregates' arguments: for each aggregate NULL, if its filter leaves the row out, or the arguments
/// as one opaque byte string.
fn argument_logic(key: &Mfp, value: &Mfp, aggregates: &[AggregateExpr]) -> RowLogic<(Row, Row)> {
    let (key, value) = (key.clone(), value.clone());
    let mut arguments: Vec<Arguments> = aggregates.iter().map(Arguments::new).collect();
    let (mut buffers, mut packer) = (Buffers::default(), RowPacker::new());
    let mut evaluate = move |row: RowRef<'_>| -> Result<Option<(Row, Row)>, EvalError> {
        let (Some(key), Some(value)) = (buffers.mfp(&key, &[row])?, buffers.mfp(&value, &[row])?) else {
            return Ok(None);
        };
        packer.clear();
        for arguments in &mut arguments {
            match arguments.evaluate(value.as_ref())? {
                Some(row) => packer.push(Datum::Bytes(row.encoded())),
                None => packer.push(Datum::Null),
            }
        }
        Ok(Some((key, packer.take())))
    };
    Box::new(move |row, output| match evaluate(row) {
        Ok(Some(keyed)) => output.give(keyed),
        Ok(None) => {}
        Err(error) => output.err(error),
    })
}

/// How the arguments of one aggregate are evaluated.
struct Arguments {
    aggregate: AggregateExpr,
    /// Whether they are kept, and in which order.
    sorted: bool,
    buffers: Buffers,
}

impl Arguments {
    fn new(aggregate: &AggregateExpr) -> Self {
        let sorted = Spec::new(aggregate).is_sorted();
        Arguments { aggregate: aggregate.clone(), sorted, buffers: Buffers::default() }
    }

    fn evaluate(&mut self, value: RowRef<'_>) -> Result<Option<Row>, EvalError> {
        if let Some(filter) = &self.aggregate.filter {
            let mut passes = false;
            let filter: &[ScalarExpr] = std::slice::from_ref(filter);
            self.buffers.each(filter, value, |_, datum| passes = datum.is_true())?;
            if !passes {
                return Ok(None);
            }
        }
        let args = self.buffers.key(&self.aggregate.args, value)?;
        if !self.sorted {
            return Ok(Some(args));
        }
        let order = self.buffers.key(&self.aggregate.order_exprs, value)?;
        let order: Vec<Datum<'_>> = order.iter().collect();
        Ok(Some(sorted_row(&self.aggregate.order, &order, args.as_ref())))
    }
}

/// Aggregates, and what becomes of their results.
struct Aggregating {
    specs: Vec<Spec>,
    mfp: Mfp,
}

impl Grouping for Aggregating {
    fn fold(self: Box<Self>) -> Box<dyn Fold> {
        Box::new(Aggregates::new(self.specs, result_logic(self.mfp)))
    }

    fn group(self: Box<Self>) -> GroupLogic {
        crate::ops::fold::aggregates_from_scratch(self.specs, result_logic(self.mfp))
    }
}

/// From a key and the aggregates' values to a result.
fn result_logic(mfp: Mfp) -> crate::ops::fold::ResultLogic {
    let mut buffers = Buffers::default();
    Box::new(move |key, aggregates, output| match buffers.mfp(&mfp, &[key, aggregates]) {
        Ok(Some(row)) => output.give(row),
        Ok(None) => {}
        Err(error) => output.err(error),
    })
}
