//! Building relational plans: what `sql` and `transform` write instead of struct literals.

use crate::aggregate::AggregateExpr;
use crate::relation::{ColumnOrder, Id, JoinImplementation, RelExpr};
use crate::scalar::ScalarExpr;
use crate::table_func::TableFunc;
use crate::visit::LocalIds;
use crate::window::WindowExpr;
use repr::{Diff, EvalError, GlobalId, LocalId, RelationType, Row};

impl RelExpr {
    /// These rows, each once per mention.
    pub fn constant(rows: Vec<Row>, typ: RelationType) -> Self {
        Self::constant_diffs(rows.into_iter().map(|row| (row, 1)).collect(), typ)
    }

    /// These rows, so many times each.
    pub fn constant_diffs(rows: Vec<(Row, Diff)>, typ: RelationType) -> Self {
        RelExpr::Constant { rows: Ok(rows), typ }
    }

    /// Fails with this error when it is read.
    pub fn constant_error(error: EvalError, typ: RelationType) -> Self {
        RelExpr::Constant { rows: Err(error), typ }
    }

    /// No rows.
    pub fn empty(mut typ: RelationType) -> Self {
        typ.keys = vec![Vec::new()];
        Self::constant_diffs(Vec::new(), typ)
    }

    /// One row without columns: the neutral input of a join.
    pub fn unit() -> Self {
        Self::constant(vec![Row::empty()], RelationType::default().with_key(Vec::new()))
    }

    /// An object of the catalog.
    pub fn get_global(id: GlobalId, typ: RelationType) -> Self {
        RelExpr::Get { id: Id::Global(id), typ }
    }

    /// Something that a `Let` around it binds.
    pub fn get_local(id: LocalId, typ: RelationType) -> Self {
        RelExpr::Get { id: Id::Local(id), typ }
    }

    /// Keeps these columns, in this order, with repetition.
    pub fn project(self, outputs: Vec<usize>) -> Self {
        RelExpr::Project { input: Box::new(self), outputs }
    }

    /// Appends columns; each may use those before it. Nothing to append changes nothing.
    pub fn map(self, scalars: Vec<ScalarExpr>) -> Self {
        if scalars.is_empty() { self } else { RelExpr::Map { input: Box::new(self), scalars } }
    }

    /// Appends the columns of each row that `func` returns.
    pub fn flat_map(self, func: TableFunc, args: Vec<ScalarExpr>) -> Self {
        RelExpr::FlatMap { input: Box::new(self), func, args }
    }

    /// Keeps rows for which all predicates are true. No predicates change nothing.
    pub fn filter(self, predicates: Vec<ScalarExpr>) -> Self {
        if predicates.is_empty() { self } else { RelExpr::Filter { input: Box::new(self), predicates } }
    }

    /// The product of `inputs` where each class's expressions, over all their columns, are equal and not NULL.
    pub fn join(inputs: Vec<RelExpr>, equivalences: Vec<Vec<ScalarExpr>>) -> Self {
        RelExpr::Join { inputs, equivalences, implementation: JoinImplementation::Undecided }
    }

    /// All pairs of rows.
    pub fn product(self, other: RelExpr) -> Self {
        Self::join(vec![self, other], Vec::new())
    }

    /// One row for each group.
    pub fn reduce(self, group_key: Vec<ScalarExpr>, aggregates: Vec<AggregateExpr>) -> Self {
        RelExpr::Reduce { input: Box::new(self), group_key, aggregates, monotonic: false }
    }

    /// Each row once.
    pub fn distinct(self) -> Self {
        let columns = (0..self.arity()).collect();
        self.distinct_by(columns)
    }

    /// Each combination of these columns once; only these columns are kept.
    pub fn distinct_by(self, columns: Vec<usize>) -> Self {
        self.reduce(columns.into_iter().map(ScalarExpr::Column).collect(), Vec::new())
    }

    /// The first rows of each group.
    pub fn top_k(self, group_key: Vec<usize>, order: Vec<ColumnOrder>, limit: Option<ScalarExpr>, offset: u64) -> Self {
        RelExpr::TopK { input: Box::new(self), group_key, order, limit, offset, monotonic: false }
    }

    /// Appends the values of window functions. No functions change nothing.
    pub fn window(self, partition: Vec<usize>, order: Vec<ColumnOrder>, functions: Vec<WindowExpr>) -> Self {
        if functions.is_empty() {
            return self;
        }
        RelExpr::Window { input: Box::new(self), partition, order, functions }
    }

    /// Negates all counts.
    pub fn negate(self) -> Self {
        RelExpr::Negate { input: Box::new(self) }
    }

    /// Drops rows whose count is negative.
    pub fn threshold(self) -> Self {
        RelExpr::Threshold { input: Box::new(self) }
    }

    /// Adds counts.
    pub fn union(self, other: RelExpr) -> Self {
        RelExpr::Union { inputs: vec![self, other] }
    }

    /// Adds the counts of all inputs; no rows of type `typ` if there are none.
    pub fn union_all(mut inputs: Vec<RelExpr>, typ: RelationType) -> Self {
        match inputs.len() {
            0 => Self::empty(typ),
            1 => inputs.remove(0),
            _ => RelExpr::Union { inputs },
        }
    }

    /// The input, arranged by each of these keys.
    pub fn arrange_by(self, keys: Vec<Vec<ScalarExpr>>) -> Self {
        RelExpr::ArrangeBy { input: Box::new(self), keys }
    }

    /// Binds this expression to a fresh name and uses it in `body`. What is a reference already is not bound again.
    pub fn let_in(self, ids: &mut LocalIds, body: impl FnOnce(&mut LocalIds, RelExpr) -> RelExpr) -> RelExpr {
        if matches!(self, RelExpr::Get { .. }) {
            return body(ids, self);
        }
        let id = ids.fresh();
        let get = RelExpr::get_local(id, self.typ());
        let body = body(ids, get);
        RelExpr::Let { id, value: Box::new(self), body: Box::new(body) }
    }

    /// Takes the expression and leaves an empty one of no columns: for rewriting in place.
    pub fn take(&mut self) -> RelExpr {
        std::mem::replace(self, RelExpr::Constant { rows: Ok(Vec::new()), typ: RelationType::default() })
    }

    /// Whether it is known to have no rows, and no error.
    pub fn is_empty(&self) -> bool {
        matches!(self, RelExpr::Constant { rows: Ok(rows), .. } if rows.is_empty())
    }

    /// Whether it is one row without columns.
    pub fn is_unit(&self) -> bool {
        matches!(self, RelExpr::Constant { rows: Ok(rows), typ } if typ.arity() == 0 && matches!(rows[..], [(_, 1)]))
    }
}
