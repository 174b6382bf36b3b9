//! The operators that plans are rendered with.
//!
//! Each expensive operator of differential is wrapped once here, with boxed closures over rows: every further instantiation
//! costs seconds of compile time, the indirect call is small beside evaluating a row.

pub mod errors;
