//! The join of two arrangements: differential's, for any time.

use super::{RowOrError, flat_map};
use crate::layout::{Errors, RowArranged, Rows, Time};
use repr::RowRef;

/// From the two value rows of a match to a result, if it is kept.
pub type JoinLogic = Box<dyn FnMut(RowRef<'_>, RowRef<'_>) -> Option<RowOrError>>;

/// Whether a key equals nothing, not even itself.
fn is_null_key(key: RowRef<'_>) -> bool {
    key.iter().any(|datum| datum.is_null())
}

/// Joins two arrangements on equal keys; a key with NULL in it has no match.
pub fn join<'s, T: Time>(
    left: RowArranged<'s, T>,
    right: RowArranged<'s, T>,
    mut logic: JoinLogic,
) -> (Rows<'s, T>, Errors<'s, T>) {
    flat_map::split(left.join_core(
        right,
        move |key, left, right| {
            if is_null_key(key) { None } else { logic(left, right) }
        },
    ))
}
