//! The physical plan: how to compute and maintain it; `dataflow` renders each node as it stands.

use crate::aggregate::AggregateExpr;
use crate::mfp::Mfp;
use crate::relation::{ColumnOrder, Id, RecLimit};
use crate::scalar::ScalarExpr;
use crate::table_func::TableFunc;
use crate::temporal::Bound;
use crate::window::WindowExpr;
use repr::{ColumnType, Diff, EvalError, LocalId, Row};
use serde::{Deserialize, Serialize};

/// A key that a collection is arranged by: expressions over its columns, brought to canonical form where their type needs it
/// (see `SqlType::needs_canonical_key`). The arrangement's value is the whole row.
pub type Key = Vec<ScalarExpr>;

/// A node of a physical plan: a collection, and perhaps arrangements of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Plan {
    /// Rows known now, or an error.
    Constant {
        /// Rows with their counts.
        rows: Result<Vec<(Row, Diff)>, EvalError>,
        /// Column types.
        types: Vec<ColumnType>,
    },
    /// A bound, imported or built collection, through an Mfp.
    Get {
        /// Which.
        id: Id,
        /// The arrangement to read, if not the plain collection; with the one key to seek, if any.
        key: Option<(Key, Option<Row>)>,
        /// Applied to each row. The identity leaves existing arrangements usable.
        mfp: Mfp,
    },
    /// Renders `value` once.
    Let {
        /// The name.
        id: LocalId,
        /// What it stands for.
        value: Box<Plan>,
        /// Where it can be used.
        body: Box<Plan>,
    },
    /// Mutual recursion.
    LetRec {
        /// Name, value, iteration limit.
        bindings: Vec<(LocalId, Plan, Option<RecLimit>)>,
        /// What is computed from the fixed point.
        body: Box<Plan>,
    },
    /// Map, filter, project.
    Mfp {
        /// Input.
        input: Box<Plan>,
        /// What happens to each row.
        mfp: Mfp,
    },
    /// A table function, then an Mfp over input and function columns.
    FlatMap {
        /// Input.
        input: Box<Plan>,
        /// The function.
        func: TableFunc,
        /// Its arguments.
        args: Vec<ScalarExpr>,
        /// Applied to each resulting row.
        mfp: Mfp,
    },
    /// A join.
    Join {
        /// Inputs; arranged as the join plan says.
        inputs: Vec<Plan>,
        /// The steps.
        plan: JoinPlan,
    },
    /// Grouping.
    Reduce {
        /// Input.
        input: Box<Plan>,
        /// From an input row to the group key.
        key: Mfp,
        /// From an input row to the columns that the aggregates' arguments, filters and orders refer to.
        value: Mfp,
        /// What is computed; over the value's columns. None: DISTINCT.
        aggregates: Vec<AggregateExpr>,
        /// Whether the input only grows.
        monotonic: bool,
        /// Applied to key columns followed by aggregates.
        mfp: Mfp,
    },
    /// The first rows of each group.
    TopK {
        /// Input.
        input: Box<Plan>,
        /// Columns to group by.
        group_key: Vec<usize>,
        /// The order.
        order: Vec<ColumnOrder>,
        /// Rows a group shows, over the row's columns; none: all.
        limit: Option<ScalarExpr>,
        /// Rows it skips first.
        offset: u64,
        /// Whether the input only grows.
        monotonic: bool,
    },
    /// Appends the values of window functions.
    Window {
        /// Input.
        input: Box<Plan>,
        /// Columns that divide the rows into partitions.
        partition: Vec<usize>,
        /// The order within a partition.
        order: Vec<ColumnOrder>,
        /// What is appended; arguments and filters are columns and constants.
        functions: Vec<WindowExpr>,
    },
    /// Keeps rows while all bounds hold.
    TemporalFilter {
        /// Input; its last columns, one for each bound, are the values that the moment is compared with, and go away.
        input: Box<Plan>,
        /// Columns of the output.
        arity: usize,
        /// The bounds.
        bounds: Vec<Bound>,
    },
    /// Negates counts.
    Negate {
        /// Input.
        input: Box<Plan>,
    },
    /// Drops rows whose count is negative.
    Threshold {
        /// Input.
        input: Box<Plan>,
    },
    /// Adds counts.
    Union {
        /// Inputs.
        inputs: Vec<Plan>,
    },
    /// The input with these arrangements beside it.
    ArrangeBy {
        /// Input.
        input: Box<Plan>,
        /// Keys to arrange by.
        keys: Vec<Key>,
    },
}

/// The steps of a join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JoinPlan {
    /// A chain of binary joins.
    Linear {
        /// The input that streams first.
        start: usize,
        /// Applied to its rows first.
        initial: Mfp,
        /// The others, in order.
        stages: Vec<JoinStage>,
    },
    /// For each input, a stream of its changes through arrangements of all others: no arranged intermediate result.
    Delta(Vec<DeltaPath>),
}

/// One path of a delta join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeltaPath {
    /// Whose changes flow.
    pub start: usize,
    /// Applied to its rows first.
    pub initial: Mfp,
    /// The lookups, in order; the last stage's `mfp` gives the join's output.
    pub stages: Vec<JoinStage>,
}

/// One lookup of a join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JoinStage {
    /// The input that is looked up.
    pub input: usize,
    /// The key it is arranged by (over its own columns), already canonical.
    pub lookup_key: Key,
    /// The same key from the stream's columns.
    pub stream_key: Key,
    /// Applied to stream columns followed by the looked-up row's columns.
    pub mfp: Mfp,
}
