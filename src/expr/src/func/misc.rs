// NOTE to the values engineer from the query planner, remove once read. Names that sql plans special syntax with (please have them in the table):
//   ROW(..), t.* -> unique name `row` (Any.., variadic; returns Record f1..fn; never NULL); ARRAY[..] -> unique `array_create` (Element variadic -> array of it)
//   and `array_of_arrays` (ArrayOfElement variadic -> same type, one more dimension); a[i] -> sql name `array_index`(ArrayOfElement, int4) -> element;
//   x op ANY/ALL (array) -> sql names any_eq any_ne any_lt any_le any_gt any_ge any_like, all_eq ... (Element, ArrayOfElement) -> bool with SQL's NULLs;
//   LIKE .. ESCAPE -> like_escape(text,text); SIMILAR TO -> similar_to_escape(text[,text]) gives a regex for `~`; AT TIME ZONE -> timezone(text|interval, ts);
//   EXTRACT -> extract(text, x); TRIM -> btrim/ltrim/rtrim(text[,text]); POSITION(b IN a) -> position(a, b); substring, overlay, ceil, floor;
//   GREATEST/LEAST -> greatest/least (Element variadic); to_jsonb(any).
//! Filled in next.

use super::FuncDef;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    Vec::new()
}
