//! The typed plan of a query before decorrelation: names are resolved, types are settled, subqueries are still there.
//!
//! `crate::query` builds it, `crate::lower` turns it into a `RelExpr`, `EXPLAIN RAW PLAN` prints it. Every column has an identifier of
//! its own ([`ColId`]), unique in the query, from the operator that makes it to the last that uses it. So nothing shifts when plans are
//! put together, and a plan is correlated exactly if it uses a column that it does not make ([`HirRel::free`]).
//!
//! Scalars are plain [`ScalarExpr`]s whose `Column(n)` is a `ColId`. A subquery in an expression is a column too: an
//! [`HirRel::Apply`] below the operator that uses the expression computes it for each row.

pub(crate) mod comparable;
mod explain;
mod walk;

pub use explain::explain;
pub(crate) use walk::{columns_of, operands, operands_mut, uses_only};

use expr::relation::RecLimit;
use expr::{AggregateExpr, ScalarExpr, TableFunc, WindowExpr};
use repr::{GlobalId, RelationType};

/// A column of the query being planned: an index into the planner's table of columns.
pub type ColId = usize;

/// Identifies a common table expression within one query.
pub type CteId = usize;

/// A relation.
#[allow(missing_docs)] // each variant's line says what its fields are
#[derive(Clone, Debug, PartialEq)]
pub enum HirRel {
    /// Rows of expressions, which may use outer columns only. One empty row: a SELECT without FROM.
    Values { cols: Vec<ColId>, rows: Vec<Vec<ScalarExpr>> },
    /// A catalog item.
    Get { id: GlobalId, name: String, typ: RelationType, cols: Vec<ColId> },
    /// A use of a `Let` around it; `cols` are fresh names for its columns, `outer` are the columns that the bound query uses from outside.
    Cte { id: CteId, name: String, cols: Vec<ColId>, outer: Vec<ColId> },
    /// A common table expression.
    Let { id: CteId, name: String, value: Box<HirRel>, body: Box<HirRel> },
    /// Common table expressions that may use each other and themselves.
    LetRec { bindings: Vec<HirRec>, body: Box<HirRel> },
    /// The rows of a table function whose arguments use outer columns only.
    CallTable { func: TableFunc, args: Vec<ScalarExpr>, cols: Vec<ColId> },
    /// These columns, in this order, possibly repeated.
    Project { input: Box<HirRel>, cols: Vec<ColId> },
    /// Appends columns; each may use those before it.
    Map { input: Box<HirRel>, exprs: Vec<(ColId, ScalarExpr)> },
    /// Rows for which all predicates are true.
    Filter { input: Box<HirRel>, predicates: Vec<ScalarExpr> },
    /// Appends the value of a subquery.
    Apply { input: Box<HirRel>, subquery: Subquery },
    /// Rows for which the subquery, EXISTS or IN, is true; or false if `negated`. No column is appended.
    Semi { input: Box<HirRel>, subquery: Subquery, negated: bool },
    /// Pairs of rows. The right side may use the left's columns (LATERAL). `subqueries` belong to `on` and see both sides.
    Join { left: Box<HirRel>, right: Box<HirRel>, kind: JoinKind, subqueries: Vec<Subquery>, on: Vec<ScalarExpr> },
    /// One row for each group; one row altogether without keys, even over no rows.
    Reduce { input: Box<HirRel>, keys: Vec<(ColId, ScalarExpr)>, aggregates: Vec<(ColId, AggregateExpr)> },
    /// Each row once.
    Distinct { input: Box<HirRel> },
    /// The first rows of each group.
    TopK { input: Box<HirRel>, group: Vec<ColId>, order: Vec<HirOrder>, limit: Option<ScalarExpr>, offset: u64 },
    /// Appends the values of window functions.
    Window { input: Box<HirRel>, partition: Vec<ColId>, order: Vec<HirOrder>, functions: Vec<(ColId, WindowExpr)> },
    /// `UNION`, `EXCEPT`, `INTERSECT`: columns correspond by position.
    SetOp { kind: SetKind, all: bool, left: Box<HirRel>, right: Box<HirRel>, cols: Vec<ColId> },
}

/// One common table expression of a recursion.
#[derive(Clone, Debug, PartialEq)]
pub struct HirRec {
    /// What uses of it name.
    pub id: CteId,
    /// Its name in the query.
    pub name: String,
    /// What it stands for; empty where it is used first.
    pub value: HirRel,
    /// After how many iterations to stop.
    pub limit: Option<RecLimit>,
}

/// A subquery in an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// The column that holds its value.
    pub id: ColId,
    /// What that value is.
    pub kind: SubqueryKind,
    /// The rows.
    pub rel: Box<HirRel>,
    /// For which rows it is evaluated at all (the branch of a CASE that it stands in); NULL for others.
    pub when: Option<ScalarExpr>,
}

/// What a subquery's value is.
#[derive(Clone, Debug, PartialEq)]
pub enum SubqueryKind {
    /// Whether there are rows.
    Exists,
    /// The column's value of the only row; NULL without one, an error with several.
    Scalar(ColId),
    /// Whether the row of expressions equals the columns of some row, in three-valued logic.
    In(Vec<ScalarExpr>, Vec<ColId>),
}

/// How a join treats rows without a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// They go.
    Inner,
    /// The left's stay.
    Left,
    /// The right's stay.
    Right,
    /// All stay.
    Full,
}

/// A set operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// `UNION`
    Union,
    /// `EXCEPT`
    Except,
    /// `INTERSECT`
    Intersect,
}

/// One column of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HirOrder {
    /// The column.
    pub col: ColId,
    /// Greatest first.
    pub desc: bool,
    /// NULL first.
    pub nulls_first: bool,
}

impl HirRel {
    /// One row without columns.
    pub fn unit() -> HirRel {
        HirRel::Values { cols: Vec::new(), rows: vec![Vec::new()] }
    }

    /// Keeps these columns.
    pub fn project(self, cols: Vec<ColId>) -> HirRel {
        if self.cols() == cols { self } else { HirRel::Project { input: Box::new(self), cols } }
    }

    /// Appends these columns.
    pub fn map(self, exprs: Vec<(ColId, ScalarExpr)>) -> HirRel {
        if exprs.is_empty() { self } else { HirRel::Map { input: Box::new(self), exprs } }
    }

    /// Keeps rows for which the predicates are true.
    pub fn filter(self, predicates: Vec<ScalarExpr>) -> HirRel {
        if predicates.is_empty() { self } else { HirRel::Filter { input: Box::new(self), predicates } }
    }

    /// All pairs of rows.
    pub fn product(self, right: HirRel) -> HirRel {
        if self == HirRel::unit() {
            return right;
        }
        let (left, right) = (Box::new(self), Box::new(right));
        HirRel::Join { left, right, kind: JoinKind::Inner, subqueries: Vec::new(), on: Vec::new() }
    }

    /// Appends the values of subqueries.
    pub fn apply(self, subqueries: Vec<Subquery>) -> HirRel {
        subqueries.into_iter().fold(self, |input, subquery| HirRel::Apply { input: Box::new(input), subquery })
    }

    /// The columns of the result, in order.
    pub fn cols(&self) -> Vec<ColId> {
        match self {
            HirRel::Values { cols, .. }
            | HirRel::Get { cols, .. }
            | HirRel::Cte { cols, .. }
            | HirRel::CallTable { cols, .. }
            | HirRel::Project { cols, .. }
            | HirRel::SetOp { cols, .. } => cols.clone(),
            HirRel::Let { body, .. } | HirRel::LetRec { body, .. } => body.cols(),
            HirRel::Map { input, exprs } => {
                let mut cols = input.cols();
                cols.extend(exprs.iter().map(|(id, _)| *id));
                cols
            }
            HirRel::Window { input, functions, .. } => {
                let mut cols = input.cols();
                cols.extend(functions.iter().map(|(id, _)| *id));
                cols
            }
            HirRel::Apply { input, subquery } => {
                let mut cols = input.cols();
                cols.push(subquery.id);
                cols
            }
            HirRel::Filter { input, .. }
            | HirRel::Semi { input, .. }
            | HirRel::Distinct { input }
            | HirRel::TopK { input, .. } => input.cols(),
            HirRel::Join { left, right, .. } => {
                let mut cols = left.cols();
                cols.extend(right.cols());
                cols
            }
            HirRel::Reduce { keys, aggregates, .. } => {
                keys.iter().map(|(id, _)| *id).chain(aggregates.iter().map(|(id, _)| *id)).collect()
            }
        }
    }

    /// The least and, if it is known, the greatest number of rows.
    pub fn row_bounds(&self) -> (usize, Option<usize>) {
        match self {
            HirRel::Values { rows, .. } => (rows.len(), Some(rows.len())),
            HirRel::Reduce { keys, .. } if keys.is_empty() => (1, Some(1)),
            HirRel::Let { body, .. } | HirRel::LetRec { body, .. } => body.row_bounds(),
            HirRel::Project { input, .. }
            | HirRel::Map { input, .. }
            | HirRel::Apply { input, .. }
            | HirRel::Window { input, .. } => input.row_bounds(),
            HirRel::Filter { input, .. } | HirRel::Semi { input, .. } => (0, input.row_bounds().1),
            HirRel::Distinct { input } => {
                let (least, greatest) = input.row_bounds();
                (least.min(1), greatest)
            }
            HirRel::TopK { input, group, limit, .. } => {
                let one = group.is_empty() && limit.as_ref().is_some_and(is_one);
                (0, if one { Some(1) } else { input.row_bounds().1 })
            }
            _ => (0, None),
        }
    }
}

fn is_one(limit: &ScalarExpr) -> bool {
    matches!(limit, ScalarExpr::Literal(Ok(row), _) if row.iter().next() == Some(repr::Datum::Int8(1)))
}
