//! Table functions: from the columns of one row to any number of rows.
//!
//! `table` has them by SQL's names, `eval` computes them. A NULL argument gives no rows, except where it is the row.

mod csv;
mod eval;
mod extract;
pub mod table;

#[cfg(test)]
mod tests;

use repr::{ColumnType, SqlType};
use serde::{Deserialize, Serialize};

/// A table function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TableFunc {
    /// `generate_series(start, stop, step)` over int4, int8, or numeric.
    GenerateSeries(SqlType),
    /// `generate_series(start, stop, step interval)` over timestamp or timestamptz.
    ///
    /// A fourth argument names the time zone whose days it counts, UTC without.
    GenerateSeriesTimestamp(SqlType),
    /// `unnest(anyarray)` of this element type.
    Unnest(SqlType),
    /// `information_schema._pg_expandarray(anyarray)` of this element type: the elements, numbered from 1.
    ExpandArray(SqlType),
    /// `unnest(map)` of this value type: key, value
    UnnestMap(SqlType),
    /// `generate_subscripts(array, dimension)`
    GenerateSubscripts,
    /// `jsonb_array_elements(jsonb)`
    JsonbArrayElements,
    /// `jsonb_array_elements_text(jsonb)`
    JsonbArrayElementsText,
    /// `jsonb_each(jsonb)`: key, value
    JsonbEach,
    /// `jsonb_each_text(jsonb)`: key, value
    JsonbEachText,
    /// `jsonb_object_keys(jsonb)`
    JsonbObjectKeys,
    /// `jsonb_path_query(jsonb, path [, variables [, silent]])`
    JsonbPathQuery,
    /// `json_array_elements(json)`
    JsonArrayElements,
    /// `json_array_elements_text(json)`
    JsonArrayElementsText,
    /// `json_each(json)`: key, value
    JsonEach,
    /// `json_each_text(json)`: key, value
    JsonEachText,
    /// `json_object_keys(json)`
    JsonObjectKeys,
    /// `regexp_split_to_table(text, pattern [, flags])`
    RegexpSplitToTable,
    /// Its one argument, of this type, as one row: any other function in a place for table functions.
    Value(ColumnType),
    /// Functions side by side, each of so many of the arguments, one after the other: row by row, NULL where one has no more rows.
    RowsFrom(Vec<(TableFunc, usize)>),
    /// The function's rows, numbered from 1.
    WithOrdinality(Box<TableFunc>),
    /// `regexp_matches(text, pattern [, flags])`
    RegexpMatches,
    /// `string_to_table(text, delimiter [, text that stands for NULL])`
    StringToTable,
    /// As many copies of nothing as its int8 argument says: how multiplicities are restored.
    Repeat,
    /// The same for SQL (`repeat_row_non_negative`): a negative number is an error.
    RepeatNonNegative,
    /// `regexp_extract(pattern, text)`: the groups of the first match.
    RegexpExtract {
        /// Its groups have no names.
        pattern: String,
        /// A column for each group.
        columns: Vec<String>,
    },
    /// `csv_extract(columns, text)`: the lines of a CSV text with so many columns.
    CsvExtract(usize),
    /// Errors unless the input's int8 count is at most one: guards scalar subqueries. Returns one row of no columns.
    GuardSubquerySize,
}
