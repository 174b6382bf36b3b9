//! Functions of enums. A value does not know its type's other values: the planner passes them.

use super::FuncDef;
use super::build::*;
use repr::{ArrayRef, Datum, EvalError};

/// The entries; their last argument is an array of all values of the type, in order, which the planner adds.
pub fn table() -> Vec<FuncDef> {
    vec![
        func("enum_first", "", &[ENUM, ARRAY], ENUM, |a, _| Ok(values(a, 1)?.first().copied().unwrap_or(Datum::Null)))
            .called()
            .infallible(),
        func("enum_last", "", &[ENUM, ARRAY], ENUM, |a, _| Ok(values(a, 1)?.last().copied().unwrap_or(Datum::Null)))
            .called()
            .infallible(),
        func("enum_range", "", &[ENUM, ENUM, ARRAY], ARRAY, |a, arena| {
            let within = |value: &Datum<'_>| (a[0].is_null() || a[0] <= *value) && (a[1].is_null() || *value <= a[1]);
            let mut values = values(a, 2)?;
            values.retain(within);
            Ok(list_out(values, arena))
        })
        .called()
        .infallible(),
    ]
}

fn values<'a>(args: &[Datum<'a>], at: usize) -> Result<Vec<Datum<'a>>, EvalError> {
    let array: Option<ArrayRef<'a>> = optional(args, at)?;
    Ok(array.map(|array| array.elements().collect()).unwrap_or_default())
}
