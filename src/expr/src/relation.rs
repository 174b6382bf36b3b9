//! The relational plan: what to compute, over multisets of rows.

use crate::aggregate::AggregateExpr;
use crate::scalar::ScalarExpr;
use crate::table_func::TableFunc;
use crate::window::WindowExpr;
use repr::{Diff, EvalError, GlobalId, LocalId, RelationType, Row};
use serde::{Deserialize, Serialize};

/// What a `Get` refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Id {
    /// A `Let` around it.
    Local(LocalId),
    /// An object of the catalog.
    Global(GlobalId),
}

/// One column of an ORDER BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnOrder {
    /// Position in what is ordered.
    pub column: usize,
    /// Greatest first.
    pub desc: bool,
    /// NULL first; PostgreSQL's default is last, and first where `desc`.
    pub nulls_first: bool,
}

/// A relational expression: a multiset of rows, computed from others.
///
/// Columns are positional. A row with a negative count is an error of the plan, except between [`RelExpr::Negate`] and
/// the [`RelExpr::Threshold`] or consolidation that makes it whole again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RelExpr {
    /// Rows known now, or an error.
    Constant {
        /// Rows with their counts.
        rows: Result<Vec<(Row, Diff)>, EvalError>,
        /// Their type.
        typ: RelationType,
    },
    /// A bound or a stored collection.
    Get {
        /// Which.
        id: Id,
        /// Its type.
        typ: RelationType,
    },
    /// Computes `value` once and lets `body` refer to it.
    Let {
        /// The name; unique in the whole plan.
        id: LocalId,
        /// What it stands for.
        value: Box<RelExpr>,
        /// Where it can be used.
        body: Box<RelExpr>,
    },
    /// Mutual recursion: all bindings start empty and are evaluated in order, again and again, until none changes.
    LetRec {
        /// The bindings.
        bindings: Vec<RecBinding>,
        /// What is computed from the fixed point.
        body: Box<RelExpr>,
    },
    /// Keeps columns of the input, in this order, with repetition.
    Project {
        /// Input.
        input: Box<RelExpr>,
        /// Positions.
        outputs: Vec<usize>,
    },
    /// Appends columns; each may use those before it.
    Map {
        /// Input.
        input: Box<RelExpr>,
        /// What to append.
        scalars: Vec<ScalarExpr>,
    },
    /// Appends the columns of each row that `func` returns for the input's row.
    FlatMap {
        /// Input.
        input: Box<RelExpr>,
        /// The function.
        func: TableFunc,
        /// Its arguments, over the input's columns.
        args: Vec<ScalarExpr>,
    },
    /// Keeps rows for which all predicates are true.
    Filter {
        /// Input.
        input: Box<RelExpr>,
        /// Conjuncts.
        predicates: Vec<ScalarExpr>,
    },
    /// The product of all inputs, kept where all expressions of each class are equal and not NULL.
    ///
    /// Columns are those of the inputs, one after the other. Expressions in `equivalences` range over all of them.
    Join {
        /// Inputs.
        inputs: Vec<RelExpr>,
        /// Classes of expressions that are equal.
        equivalences: Vec<Vec<ScalarExpr>>,
        /// How it is to be done, once decided.
        implementation: JoinImplementation,
    },
    /// One row for each group: the group key's columns, then the aggregates'. Without aggregates: DISTINCT.
    ///
    /// An empty group key over no rows gives no row; SQL's one row is made by a union around it.
    Reduce {
        /// Input.
        input: Box<RelExpr>,
        /// What to group by; NULLs are equal.
        group_key: Vec<ScalarExpr>,
        /// What to compute for each group.
        aggregates: Vec<AggregateExpr>,
        /// Whether the input only grows.
        monotonic: bool,
    },
    /// The first rows of each group in an order; ties break on the whole row.
    TopK {
        /// Input.
        input: Box<RelExpr>,
        /// Columns to group by.
        group_key: Vec<usize>,
        /// The order.
        order: Vec<ColumnOrder>,
        /// How many rows a group shows: an int8 that uses no columns of the input but the group key's (mostly none); NULL or none: all.
        limit: Option<ScalarExpr>,
        /// How many it skips first.
        offset: u64,
        /// Whether the input only grows.
        monotonic: bool,
    },
    /// Appends the values of window functions; equal rows come one after the other in a partition, and may get different values.
    Window {
        /// Input.
        input: Box<RelExpr>,
        /// Columns whose values divide the rows into partitions; NULLs are equal.
        partition: Vec<usize>,
        /// The order within a partition; ties break on the whole row.
        order: Vec<ColumnOrder>,
        /// What is appended, over the input's columns.
        functions: Vec<WindowExpr>,
    },
    /// Negates all counts.
    Negate {
        /// Input.
        input: Box<RelExpr>,
    },
    /// Drops rows whose count is negative.
    Threshold {
        /// Input.
        input: Box<RelExpr>,
    },
    /// Adds counts; all inputs have the same column types.
    Union {
        /// Inputs, at least one.
        inputs: Vec<RelExpr>,
    },
    /// The input, arranged by each of these keys.
    ArrangeBy {
        /// Input.
        input: Box<RelExpr>,
        /// Keys.
        keys: Vec<Vec<ScalarExpr>>,
    },
}

/// One binding of a recursion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecBinding {
    /// The name; unique in the whole plan.
    pub id: LocalId,
    /// What it stands for, in terms of all bindings.
    pub value: RelExpr,
    /// Its type.
    pub typ: RelationType,
    /// After how many iterations to stop.
    pub limit: Option<RecLimit>,
}

/// When a recursion stops early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecLimit {
    /// The number of iterations.
    pub iterations: u64,
    /// Whether to return what is there then, rather than an error.
    pub return_at_limit: bool,
}

/// How a join is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JoinImplementation {
    /// Not decided yet.
    #[default]
    Undecided,
    /// Start with one input and join the others to it, each through an arrangement by a key.
    Linear {
        /// The first input.
        start: usize,
        /// Then, in order: an input and its key, over its own columns.
        order: Vec<(usize, Vec<ScalarExpr>)>,
    },
    /// For each input a path through arrangements of all others.
    Delta(Vec<Vec<(usize, Vec<ScalarExpr>)>>),
}

/// What is done to a result before a client sees it, not maintained: order, limit, offset, projection.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowSetFinishing {
    /// The order; ties break on the whole row.
    pub order: Vec<ColumnOrder>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// Skip so many first.
    pub offset: u64,
    /// Then keep these columns.
    pub project: Vec<usize>,
}

impl RowSetFinishing {
    /// Nothing but all columns of an input of this arity.
    pub fn trivial(arity: usize) -> Self {
        RowSetFinishing { project: (0..arity).collect(), ..Default::default() }
    }

    /// Whether it changes nothing for an input of this arity.
    pub fn is_trivial(&self, arity: usize) -> bool {
        *self == RowSetFinishing::trivial(arity)
    }
}
