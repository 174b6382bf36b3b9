//! Values that sort as ORDER BY says: an order prefix, the row, and the row's length.
//!
//! ```text
//! | NULL byte, encoded column (complemented if descending) | … | row | length of the row, 4 bytes |
//! ```
//!
//! Encodings are prefix-free, so comparing such values bytewise compares column by column, then the whole row.

use expr::relation::ColumnOrder;
use repr::{Arena, Datum, Row, RowPacker, RowRef};

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

/// The row, in its order. `datums` are the columns that `order` refers to.
pub fn sorted_row(order: &[ColumnOrder], datums: &[Datum<'_>], row: RowRef<'_>) -> Row {
    let mut bytes = Vec::with_capacity(row.encoded().len() * 2 + 8);
    let mut packer = RowPacker::new();
    let arena = Arena::new();
    for column in order {
        let datum = datums[column.column];
        if datum.is_null() {
            bytes.push(if column.nulls_first { NULL_FIRST } else { NULL_LAST });
            continue;
        }
        bytes.push(VALUE);
        let start = bytes.len();
        match datum {
            Datum::Bytes(value) => escape(value, &mut bytes),
            // Values that SQL calls equal must not decide before the next column does.
            datum => {
                packer.clear();
                packer.push(repr::canonical::canonical(datum, &arena));
                bytes.extend_from_slice(packer.encoded());
            }
        }
        if column.desc {
            bytes[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    bytes.extend_from_slice(row.encoded());
    // A row is far smaller than 4 GiB: messages and parts are bounded.
    bytes.extend_from_slice(&(row.encoded().len() as u32).to_le_bytes());
    Row::from_encoded(&bytes)
}

/// The row of what [`sorted_row`] made.
pub fn row_of(sorted: RowRef<'_>) -> RowRef<'_> {
    let (rest, len) = sorted.encoded().split_last_chunk::<4>().expect("sorted_row wrote a length");
    RowRef::from_encoded(&rest[rest.len() - u32::from_le_bytes(*len) as usize..])
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
