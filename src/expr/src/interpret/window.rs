//! Window functions over whole partitions.

use super::group::key_of;
use super::{Interpreter, Rows};
use crate::plan_key::canonical;
use crate::relation::{ColumnOrder, RelExpr};
use crate::scalar::ScalarExpr;
use crate::sort_key::sorted_row;
use crate::window::{Evaluator, Partition, WindowExpr, Windows};
use repr::{Arena, EvalError, Row};
use std::collections::BTreeMap;

impl Interpreter<'_> {
    pub(super) fn window(
        &mut self,
        input: &RelExpr,
        partition: &[usize],
        order: &[ColumnOrder],
        functions: &[WindowExpr],
    ) -> Result<Rows, EvalError> {
        let columns = input.typ().columns;
        let (appended, functions) = Windows::over_columns(functions, columns.len());
        let windows = Windows { order: order.to_vec(), functions };
        let key: Vec<_> = partition.iter().map(|c| canonical(ScalarExpr::Column(*c), &columns)).collect();
        let mut partitions: BTreeMap<Row, Rows> = BTreeMap::new();
        for (row, diff) in self.consolidated(input)? {
            let arena = Arena::new();
            let mut datums = row.unpack();
            for scalar in &appended {
                datums.push(scalar.eval(&datums[..columns.len()], &arena)?);
            }
            let sorted = sorted_row(order, &datums, Row::pack(datums.iter().copied()).as_ref());
            self.budget.spend(u64::try_from(diff).unwrap_or(1))?;
            partitions.entry(key_of(&row, &key)?).or_default().push((sorted, diff));
        }
        let removed = columns.len()..columns.len() + appended.len();
        let mut out = Rows::new();
        for mut rows in partitions.into_values() {
            rows.sort_unstable();
            let values = self.window_values(&windows, rows)?;
            for row in values {
                let kept = row.iter().enumerate().filter(|(at, _)| !removed.contains(at)).map(|(_, datum)| datum);
                self.push(&mut out, Row::pack(kept), 1)?;
            }
        }
        Ok(out)
    }

    fn window_values(&self, windows: &Windows, rows: Rows) -> Result<Vec<Row>, EvalError> {
        let partition = Partition::from_sorted(rows);
        partition.check()?;
        let view = partition.view(windows);
        let mut out = Vec::with_capacity(view.len());
        let mut failed = None;
        let mut evaluator = Evaluator::new(&view);
        for position in 0..view.len() {
            evaluator.run(position..position + 1, &mut |row| match row {
                Ok(row) => out.push(row),
                Err(error) => failed = Some(error),
            });
            if let Some(error) = failed {
                return Err(error);
            }
            self.budget.spend(windows.functions.len() as u64)?;
        }
        Ok(out)
    }
}
