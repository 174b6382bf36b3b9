//! Functions of enums. What their type has to say, its labels, is part of the function's name: see `enum_values` in [`super::typed`].

use super::FuncDef;
use super::build::*;
use repr::{ArrayRef, Datum};

/// The entries; their second argument is an array of all values of the type, in order, which the planner adds.
pub fn table() -> Vec<FuncDef> {
    vec![
        func("enum_first", "", &[ENUM, ARRAY], ENUM, |a, _| {
            Ok(arg::<ArrayRef<'_>>(a, 1)?.elements().next().unwrap_or(Datum::Null))
        })
        .called()
        .infallible(),
        func("enum_last", "", &[ENUM, ARRAY], ENUM, |a, _| {
            Ok(arg::<ArrayRef<'_>>(a, 1)?.elements().last().unwrap_or(Datum::Null))
        })
        .called()
        .infallible(),
        func("enum_range", "", &[ENUM, ENUM, ARRAY], ARRAY, |a, arena| {
            let within = |value: &Datum<'_>| (a[0].is_null() || a[0] <= *value) && (a[1].is_null() || *value <= a[1]);
            let values: Vec<Datum<'_>> = arg::<ArrayRef<'_>>(a, 2)?.elements().filter(within).collect();
            Ok(list_out(values, arena))
        })
        .called()
        .infallible(),
    ]
}
