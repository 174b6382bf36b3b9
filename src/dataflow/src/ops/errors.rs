//! Errors as data: how they are packed into rows to be arranged, and the errors that operators themselves raise.

use repr::{DataflowError, Datum, Row, RowRef, SqlError, SqlState};

/// An error as a row, so that errors are arranged like everything else.
pub fn pack(error: &DataflowError) -> Row {
    let mut packer = repr::RowPacker::new();
    packer.push(Datum::Text(error.code.as_str()));
    for text in [Some(&error.message), error.detail.as_ref(), error.hint.as_ref()] {
        // Text in rows must not hold NUL, which ends it; no message of ours has one, but a message may quote data.
        let text = text.map(|text| text.replace('\0', "\u{FFFD}"));
        packer.push(text.as_deref().map_or(Datum::Null, Datum::Text));
    }
    packer.push(error.position.map_or(Datum::Null, |p| Datum::Int8(i64::from(p))));
    packer.finish()
}

/// What [`pack`] packed.
pub fn unpack(row: RowRef<'_>) -> DataflowError {
    let datums: Vec<Datum<'_>> = row.iter().collect();
    let text = |index: usize| match datums.get(index) {
        Some(Datum::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    let code = text(0).and_then(|code| code.as_bytes().try_into().ok()).map_or(SqlState::INTERNAL_ERROR, SqlState);
    SqlError {
        code,
        message: text(1).unwrap_or_default(),
        detail: text(2),
        hint: text(3),
        position: match datums.get(4) {
            Some(Datum::Int8(position)) => u32::try_from(*position).ok(),
            _ => None,
        },
    }
}

/// A collection holds a row less than zero times: something upstream retracted what it never inserted.
pub fn negative_count(what: &str) -> DataflowError {
    SqlError::internal(format_args!("negative row count in {what}"))
}
