//! Values that sort as ORDER BY says: an order prefix, the row, and the row's length.
//!
//! ```text
//! | NULL byte, encoded column (complemented if descending) | … | row | length of the row, 4 bytes |
//! ```
//!
//! Encodings are prefix-free, so comparing such values bytewise compares column by column, then the whole row.

use crate::relation::ColumnOrder;
use repr::{Arena, Datum, Row, RowPacker, RowRef};

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

/// What all values of the first column that are not NULL sort after, and NULLs that come first before.
pub(crate) const BEFORE_VALUES: &[u8] = &[VALUE];
/// What all values of the first column that are not NULL sort before, and NULLs that come last after.
pub(crate) const AFTER_VALUES: &[u8] = &[NULL_LAST];

/// The row, in its order. `datums` are the columns that `order` refers to.
pub fn sorted_row(order: &[ColumnOrder], datums: &[Datum<'_>], row: RowRef<'_>) -> Row {
    let mut bytes = Vec::with_capacity(row.encoded().len() * 2 + 8);
    order.iter().for_each(|column| push_column(column, datums[column.column], &mut bytes));
    bytes.extend_from_slice(row.encoded());
    // A row is far smaller than 4 GiB: messages and parts are bounded.
    bytes.extend_from_slice(&(row.encoded().len() as u32).to_le_bytes());
    Row::from_encoded(&bytes)
}

/// Appends one column of the order prefix.
pub(crate) fn push_column(column: &ColumnOrder, datum: Datum<'_>, bytes: &mut Vec<u8>) {
    if datum.is_null() {
        bytes.push(if column.nulls_first { NULL_FIRST } else { NULL_LAST });
        return;
    }
    bytes.push(VALUE);
    let start = bytes.len();
    match datum {
        Datum::Bytes(value) => escape(value, bytes),
        // Values that SQL calls equal must not decide before the next column does.
        datum => {
            let (arena, mut packer) = (Arena::new(), RowPacker::new());
            packer.push(repr::canonical::canonical(datum, &arena));
            bytes.extend_from_slice(packer.encoded());
        }
    }
    if column.desc {
        bytes[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// The row of what [`sorted_row`] made.
pub fn row_of(sorted: RowRef<'_>) -> RowRef<'_> {
    RowRef::from_encoded(split(sorted).1)
}

/// The order prefix of what [`sorted_row`] made: the same for rows that the order does not tell apart.
pub fn prefix_of(sorted: RowRef<'_>) -> &[u8] {
    split(sorted).0
}

fn split(sorted: RowRef<'_>) -> (&[u8], &[u8]) {
    let (rest, len) = sorted.encoded().split_last_chunk::<4>().expect("sorted_row wrote a length");
    rest.split_at(rest.len() - u32::from_le_bytes(*len) as usize)
}

/// Bytes with their end marked, so that they sort as strings do (a row encodes them by length first).
fn escape(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}
