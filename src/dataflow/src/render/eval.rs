//! Evaluating the expressions of plans over rows, with buffers that are reused from row to row.

use crate::ops::Output;
use expr::{Mfp, ScalarExpr, TableFunc};
use repr::{Arena, Datum, EvalError, Row, RowPacker, RowRef};

/// Buffers for one operator.
#[derive(Default)]
pub struct Buffers {
    datums: Vec<Datum<'static>>,
    arena: Arena,
    packer: RowPacker,
}

/// An empty vector of datums, with the memory of another.
fn recycle<'a>(mut datums: Vec<Datum<'_>>) -> Vec<Datum<'a>> {
    datums.clear();
    datums.into_iter().map(|_| unreachable!("it was cleared")).collect()
}

impl Buffers {
    /// The rows' values, one row after the other, through the mfp: a row if it is kept.
    pub fn mfp(&mut self, mfp: &Mfp, rows: &[RowRef<'_>]) -> Result<Option<Row>, EvalError> {
        self.arena.clear();
        self.packer.clear();
        let mut datums = recycle(std::mem::take(&mut self.datums));
        rows.iter().for_each(|row| datums.extend(row.iter()));
        let kept = mfp.eval(&mut datums, &self.arena, &mut self.packer);
        self.datums = recycle(datums);
        Ok(kept?.then(|| self.packer.take()))
    }

    /// Expressions over a row.
    pub fn key(&mut self, key: &[ScalarExpr], row: RowRef<'_>) -> Result<Row, EvalError> {
        Ok(self.key_unless(key, row, |_| false)?.expect("no value stops it"))
    }

    /// Expressions over a row; none if one of them is NULL, which equals nothing.
    pub fn join_key(&mut self, key: &[ScalarExpr], row: RowRef<'_>) -> Result<Option<Row>, EvalError> {
        self.key_unless(key, row, |datum| datum.is_null())
    }

    fn key_unless(
        &mut self,
        key: &[ScalarExpr],
        row: RowRef<'_>,
        stop: fn(&Datum<'_>) -> bool,
    ) -> Result<Option<Row>, EvalError> {
        self.arena.clear();
        self.packer.clear();
        let mut datums = recycle(std::mem::take(&mut self.datums));
        datums.extend(row.iter());
        let mut kept = Ok(true);
        for expr in key {
            match expr.eval(&datums, &self.arena) {
                Ok(datum) if stop(&datum) => kept = Ok(false),
                Ok(datum) => self.packer.push(datum),
                Err(error) => {
                    kept = Err(error);
                    break;
                }
            }
        }
        self.datums = recycle(datums);
        Ok(kept?.then(|| self.packer.take()))
    }

    /// Calls `with` with the values of expressions over a row, in order, until one errs.
    pub fn each(
        &mut self,
        exprs: &[ScalarExpr],
        row: RowRef<'_>,
        mut with: impl FnMut(usize, Datum<'_>),
    ) -> Result<(), EvalError> {
        self.arena.clear();
        let mut datums = recycle(std::mem::take(&mut self.datums));
        datums.extend(row.iter());
        let mut result = Ok(());
        for (index, expr) in exprs.iter().enumerate() {
            match expr.eval(&datums, &self.arena) {
                Ok(datum) => with(index, datum),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.datums = recycle(datums);
        result
    }

    /// A table function over a row, then an mfp over the row and what the function returned.
    pub fn flat_map(
        &mut self,
        func: &TableFunc,
        args: &[ScalarExpr],
        mfp: &Mfp,
        row: RowRef<'_>,
        output: &mut Output<Row>,
    ) -> Result<(), EvalError> {
        let arena = Arena::new();
        let datums: Vec<Datum<'_>> = row.iter().collect();
        let args = args.iter().map(|arg| arg.eval(&datums, &arena)).collect::<Result<Vec<_>, _>>()?;
        for (result, count) in func.eval(&args, &arena)? {
            match self.mfp(mfp, &[row, result.as_ref()]) {
                Ok(Some(row)) => output.rows.push((row, count)),
                Ok(None) => {}
                Err(error) => output.errors.push((error, count)),
            }
        }
        Ok(())
    }
}
