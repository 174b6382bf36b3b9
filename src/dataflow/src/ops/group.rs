//! Grouping for any time: differential's reduce. Serves recursion; for totally ordered time see [`super::fold`].

use super::{Output, RowOrError, errors, flat_map};
use crate::layout::{Chunk, Errors, Keyed, RcRowBuilder, RowSpine, Rows, Time};
use crate::ops::arrange::arrange;
use repr::{Diff, Row, RowRef};

/// From a key and its values, in order and with their counts (never 0, perhaps negative), to results.
///
/// LAW: no values, no results: it is not called for a group that is empty.
pub type GroupLogic = Box<dyn FnMut(RowRef<'_>, &mut dyn Iterator<Item = (RowRef<'_>, Diff)>, &mut Output<Row>)>;

const IS_ROW: u8 = 0;
const IS_ERROR: u8 = 1;

/// Applies `logic` to each group.
pub fn group<'s, T: Time>(keyed: Keyed<'s, T>, name: &str, mut logic: GroupLogic) -> (Rows<'s, T>, Errors<'s, T>) {
    let mut output = Output::default();
    let reduced = arrange(keyed, name).seen.reduce_abelian::<_, RcRowBuilder<T>, RowSpine<T>, _, _>(
        name,
        move |key, values, results: &mut Vec<(Row, Diff)>| {
            logic(key, &mut values.iter().map(|(value, count)| (*value, *count)), &mut output);
            results.extend(output.rows.drain(..).map(|(row, count)| (tag(IS_ROW, &row), count)));
            results.extend(output.errors.drain(..).map(|(error, count)| (tag(IS_ERROR, &errors::pack(&error)), count)));
            differential_dataflow::consolidation::consolidate(results);
        },
        |chunk, key, updates| {
            *chunk = Chunk::default();
            for (value, time, diff) in updates.drain(..) {
                chunk.push(key, value.as_ref(), time, diff);
            }
        },
    );
    flat_map::split(reduced.as_collection(|_key, value| untag(value)))
}

/// A row or a packed error, distinguished by a first byte.
fn tag(tag: u8, row: &Row) -> Row {
    let mut bytes = Vec::with_capacity(1 + row.encoded().len());
    bytes.push(tag);
    bytes.extend_from_slice(row.encoded());
    Row::from_encoded(&bytes)
}

fn untag(tagged: RowRef<'_>) -> RowOrError {
    let (tag, bytes) = tagged.encoded().split_first().expect("tag() wrote a first byte");
    if *tag == IS_ROW { Ok(Row::from_encoded(bytes)) } else { Err(Row::from_encoded(bytes)) }
}
