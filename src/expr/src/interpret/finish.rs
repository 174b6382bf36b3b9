//! What is done to a result before a client sees it.

use super::group::{Window, compare};
use super::negative;
use crate::relation::{ColumnOrder, RowSetFinishing};
use repr::{Datum, Diff, EvalError, Row};
use std::cmp::Ordering;

impl RowSetFinishing {
    /// Orders, skips, limits and projects a result; rows come out as often as they count.
    pub fn finish(&self, mut rows: Vec<(Row, Diff)>) -> Result<Vec<Row>, EvalError> {
        self.sort(&mut rows);
        let mut window = Window { skip: self.offset, take: self.limit.unwrap_or(u64::MAX) };
        let mut out = Vec::new();
        for (row, diff) in &rows {
            let shown = window.pass(u64::try_from(*diff).map_err(|_| negative())?);
            if shown == 0 {
                continue;
            }
            let datums = row.unpack();
            let projected = Row::pack(self.project.iter().map(|c| datums[*c]));
            out.extend(std::iter::repeat_n(projected, usize::try_from(shown).unwrap_or(usize::MAX)));
        }
        Ok(out)
    }

    /// Sorts by the order; ties break on the whole row's encoding.
    pub fn sort(&self, rows: &mut [(Row, Diff)]) {
        rows.sort_by(|(a, _), (b, _)| self.compare(a, b));
    }

    /// The order of two rows in the result.
    pub fn compare(&self, a: &Row, b: &Row) -> Ordering {
        if self.order.is_empty() {
            return a.cmp(b);
        }
        ColumnOrder::compare_rows(&self.order, a, b).then_with(|| a.cmp(b))
    }
}

impl ColumnOrder {
    /// SQL's ORDER BY over unpacked rows.
    pub fn compare(order: &[ColumnOrder], a: &[Datum<'_>], b: &[Datum<'_>]) -> Ordering {
        compare(order, a, b)
    }

    /// SQL's ORDER BY over rows; unpacks no more of them than the order needs.
    pub fn compare_rows(order: &[ColumnOrder], a: &Row, b: &Row) -> Ordering {
        let width = order.iter().map(|o| o.column + 1).max().unwrap_or(0);
        let (a, b): (Vec<_>, Vec<_>) = (a.iter().take(width).collect(), b.iter().take(width).collect());
        compare(order, &a, &b)
    }
}
