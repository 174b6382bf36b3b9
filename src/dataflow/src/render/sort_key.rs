//! Values that sort as ORDER BY says; see [`expr::sort_key`].

pub use expr::sort_key::{row_of, sorted_row};
