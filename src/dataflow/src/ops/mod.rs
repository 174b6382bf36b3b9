//! The operators that plans are rendered with.
//!
//! Each expensive operator of differential is wrapped once here, with boxed closures over rows: every further instantiation
//! costs seconds of compile time, the indirect call is small beside evaluating a row. For totally ordered time there are
//! operators of our own ([`fold`]), which keep one state per group instead of histories.

pub mod arrange;
pub mod errors;
pub mod flat_map;
pub mod fold;
pub mod group;
pub mod half_join;
pub mod join;
pub mod multiset;
pub mod temporal;

use differential_dataflow::consolidation::consolidate;
use repr::{DataflowError, Diff, Row};

/// What an operator's logic produces: rows (or whatever the operator carries) and errors, with counts.
#[derive(Debug)]
pub struct Output<D> {
    /// Results.
    pub rows: Vec<(D, Diff)>,
    /// Errors.
    pub errors: Vec<(DataflowError, Diff)>,
}

impl<D> Default for Output<D> {
    fn default() -> Self {
        Output { rows: Vec::new(), errors: Vec::new() }
    }
}

impl<D: Ord> Output<D> {
    /// Adds a result once.
    pub fn give(&mut self, row: D) {
        self.rows.push((row, 1));
    }

    /// Adds an error once.
    pub fn err(&mut self, error: DataflowError) {
        self.errors.push((error, 1));
    }

    /// How much there is: for [`Output::negate_since`] and [`Output::consolidate_since`].
    fn mark(&self) -> (usize, usize) {
        (self.rows.len(), self.errors.len())
    }

    /// Negates the counts of all that came after the mark.
    fn negate_since(&mut self, mark: (usize, usize)) {
        self.rows[mark.0..].iter_mut().for_each(|(_, diff)| *diff = -*diff);
        self.errors[mark.1..].iter_mut().for_each(|(_, diff)| *diff = -*diff);
    }

    /// Adds up the counts of equal results after the mark, and drops those that vanish.
    fn consolidate_since(&mut self, mark: (usize, usize)) {
        if self.rows.len() > mark.0 + 1 {
            let mut tail = self.rows.split_off(mark.0);
            consolidate(&mut tail);
            self.rows.append(&mut tail);
        }
        if self.errors.len() > mark.1 + 1 {
            let mut tail = self.errors.split_off(mark.1);
            consolidate(&mut tail);
            self.errors.append(&mut tail);
        }
    }
}

/// A row or a packed error, where an operator has one output only.
pub type RowOrError = Result<Row, Row>;
