//! Window functions: what they are, and their values over the sorted rows of a partition.
//!
//! ```text
//! Partition   a partition's rows in order, maintained; View: positions, peers, sums over it
//! frame       which rows a row's frame has
//! slide       an aggregate over a frame that moves on
//! eval        the values of rows at some positions
//! ```
//!
//! The interpreter evaluates whole partitions, `dataflow` the rows around a change: both through [`Evaluator`].
//!
//! LAW: rows that the order leaves equal come in the order of their encodings, so that values are functions of the multiset.

mod eval;
mod frame;
mod offset;
mod partition;
mod slide;
pub mod table;
#[cfg(test)]
mod tests;

pub use eval::Evaluator;
pub use frame::{Carry, Reach};
pub use offset::check as check_range_offset;
pub use partition::{Partition, View};

use crate::aggregate::{AggregateExpr, AggregateFunc};
use crate::relation::ColumnOrder;
use crate::relation_scalars::{aggregate_type, scalar_type};
use crate::scalar::ScalarExpr;
use repr::{ColumnType, Row, SqlType};
use serde::{Deserialize, Serialize};

/// One window function of a `Window`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WindowExpr {
    /// What is computed.
    pub func: WindowFunc,
    /// Its arguments.
    pub args: Vec<ScalarExpr>,
    /// Of aggregates: only rows where this is true count.
    pub filter: Option<ScalarExpr>,
    /// Which rows around the row at hand it sees; functions of position see the whole partition whatever it says.
    pub frame: Frame,
}

/// What a window function computes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WindowFunc {
    /// `row_number()`
    RowNumber,
    /// `rank()`
    Rank,
    /// `dense_rank()`
    DenseRank,
    /// `percent_rank()`
    PercentRank,
    /// `cume_dist()`
    CumeDist,
    /// `ntile(int4)`; the partition's first row says how many.
    Ntile,
    /// `lag(value [, offset int4 [, default]])`
    Lag,
    /// `lead(value [, offset int4 [, default]])`
    Lead,
    /// `first_value(value)`
    FirstValue,
    /// `last_value(value)`
    LastValue,
    /// `nth_value(value, n int4)`
    NthValue,
    /// An aggregate over the frame.
    Aggregate(AggregateFunc),
    /// `lag`, `lead`, `first_value`, `last_value` or `nth_value` with IGNORE NULLS: rows whose value is NULL are passed over.
    IgnoringNulls(Box<WindowFunc>),
}

/// Which rows around the row at hand a function sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// What offsets count.
    pub units: Units,
    /// Where it starts.
    pub start: Bound,
    /// Where it ends.
    pub end: Bound,
    /// What is left out of it.
    pub exclude: Exclude,
}

impl Default for Frame {
    /// SQL's: from the partition's start to the last peer.
    fn default() -> Self {
        Frame { units: Units::Range, start: Bound::Unbounded, end: Bound::CurrentRow, exclude: Exclude::NoOthers }
    }
}

/// What offsets of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Units {
    /// Rows.
    Rows,
    /// Differences of the ordering value.
    Range,
    /// Groups of peers.
    Groups,
}

/// An end of a frame.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bound {
    /// The partition's start, of a frame's start; the partition's end, of its end.
    Unbounded,
    /// So far before the row at hand.
    Preceding(Offset),
    /// The row at hand; its first or last peer where rows are not counted.
    CurrentRow,
    /// So far after the row at hand.
    Following(Offset),
}

/// How far a bound is from the row at hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Offset {
    /// Rows, or groups of peers.
    Count(u64),
    /// A row of the one value that is added to or taken from the ordering value.
    Value(Row),
}

/// What is left out of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Exclude {
    /// Nothing.
    #[default]
    NoOthers,
    /// The row at hand.
    CurrentRow,
    /// The row at hand and its peers.
    Group,
    /// The peers of the row at hand.
    Ties,
}

/// The functions of one window, as they are evaluated.
///
/// LAW: arguments and filters are columns and constants; see [`Windows::over_columns`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The order of a partition's rows.
    pub order: Vec<ColumnOrder>,
    /// What is computed.
    pub functions: Vec<WindowExpr>,
}

impl Windows {
    /// Functions over an input of `arity` columns with columns and constants for arguments, and what has to be appended to the
    /// input for that.
    pub fn over_columns(functions: &[WindowExpr], arity: usize) -> (Vec<ScalarExpr>, Vec<WindowExpr>) {
        let mut appended: Vec<ScalarExpr> = Vec::new();
        let mut functions = functions.to_vec();
        for expr in functions.iter_mut().flat_map(WindowExpr::scalars_mut) {
            if !matches!(expr, ScalarExpr::Column(_) | ScalarExpr::Literal(Ok(_), _)) {
                let at = appended.iter().position(|other| other == expr).unwrap_or_else(|| {
                    appended.push(expr.clone());
                    appended.len() - 1
                });
                *expr = ScalarExpr::Column(arity + at);
            }
        }
        (appended, functions)
    }
}

impl WindowExpr {
    /// Its arguments and its filter.
    pub fn scalars(&self) -> impl Iterator<Item = &ScalarExpr> {
        self.args.iter().chain(&self.filter)
    }

    /// Its arguments and its filter, to be changed.
    pub fn scalars_mut(&mut self) -> impl Iterator<Item = &mut ScalarExpr> {
        self.args.iter_mut().chain(&mut self.filter)
    }

    /// The result's type over an input with these columns.
    pub fn typ(&self, columns: &[ColumnType]) -> ColumnType {
        use WindowFunc::*;
        match &self.func {
            RowNumber | Rank | DenseRank => SqlType::Int8.nullable(false),
            PercentRank | CumeDist => SqlType::Float8.nullable(false),
            Ntile => SqlType::Int4.nullable(true),
            Lag | Lead | FirstValue | LastValue | NthValue | IgnoringNulls(_) => {
                self.args.first().map_or(SqlType::Text, |arg| scalar_type(arg, columns).ty).nullable(true)
            }
            Aggregate(func) => {
                let (func, args) = (func.clone(), self.args.clone());
                let (order, order_exprs, filter) = (Vec::new(), Vec::new(), self.filter.clone());
                let aggregate = AggregateExpr { func, args, filter, distinct: false, order, order_exprs };
                let typ = aggregate_type(&aggregate, columns);
                // A frame may be empty, and then all but `count` give NULL.
                ColumnType { nullable: !matches!(aggregate.func, AggregateFunc::Count), ..typ }
            }
        }
    }

    /// Whether rows that the order leaves equal all have the same value, whichever of them comes first.
    pub fn ignores_ties(&self) -> bool {
        use WindowFunc::*;
        match &self.func {
            Rank | DenseRank | PercentRank | CumeDist => true,
            Aggregate(func) => {
                let whole = matches!(func, AggregateFunc::Min | AggregateFunc::Max) || func.accumulable();
                let unbounded = (&self.frame.start, &self.frame.end) == (&Bound::Unbounded, &Bound::Unbounded);
                whole && (self.frame.units != Units::Rows || unbounded)
            }
            _ => false,
        }
    }

    /// Whether its value at a row depends on that row, and those before it in the partition, only.
    pub fn looks_back_only(&self) -> bool {
        use WindowFunc::*;
        let frame = &self.frame;
        match &self.func {
            RowNumber | Rank | DenseRank => true,
            FirstValue | LastValue | NthValue | Aggregate(_) => {
                frame.units == Units::Rows
                    && matches!(frame.end, Bound::CurrentRow | Bound::Preceding(_))
                    && matches!(frame.exclude, Exclude::NoOthers | Exclude::CurrentRow)
            }
            _ => false,
        }
    }
}
