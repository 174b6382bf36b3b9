//! A relational plan whose columns have names: what lowering works with.

use super::to_positions;
use crate::hir::ColId;
use crate::query::call;
use expr::{AggregateExpr, ColumnOrder, RelExpr, ScalarExpr, WindowExpr};
use repr::{Datum, Row, SqlError, SqlType};
use std::collections::BTreeMap;

/// A plan and the columns at its positions; a column that stands twice has the same value at both.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The plan.
    pub expr: RelExpr,
    /// Its columns.
    pub cols: Vec<ColId>,
}

impl Table {
    /// One row, no columns.
    pub fn unit() -> Table {
        Table { expr: RelExpr::unit(), cols: Vec::new() }
    }

    /// Where a column is.
    pub fn position(&self, col: ColId) -> Result<usize, SqlError> {
        let at = self.cols.iter().position(|c| *c == col);
        at.ok_or_else(|| SqlError::internal(format!("column #{col} is not in reach")))
    }

    /// Where several columns are.
    pub fn positions(&self, cols: &[ColId]) -> Result<Vec<usize>, SqlError> {
        cols.iter().map(|c| self.position(*c)).collect()
    }

    fn index(&self) -> BTreeMap<ColId, usize> {
        self.cols.iter().enumerate().rev().map(|(at, col)| (*col, at)).collect()
    }

    /// An expression over this table's positions.
    pub fn scalar(&self, expr: &ScalarExpr) -> Result<ScalarExpr, SqlError> {
        to_positions(expr, &self.index())
    }

    /// An aggregate over this table's positions.
    pub fn aggregate(&self, aggregate: &AggregateExpr) -> Result<AggregateExpr, SqlError> {
        let index = self.index();
        let each = |exprs: &[ScalarExpr]| exprs.iter().map(|e| to_positions(e, &index)).collect::<Result<Vec<_>, _>>();
        Ok(AggregateExpr {
            func: aggregate.func.clone(),
            args: each(&aggregate.args)?,
            filter: aggregate.filter.as_ref().map(|f| to_positions(f, &index)).transpose()?,
            distinct: aggregate.distinct,
            order: aggregate.order.clone(),
            order_exprs: each(&aggregate.order_exprs)?,
        })
    }

    /// Appends the values of window functions.
    pub fn window(
        mut self,
        partition: Vec<usize>,
        order: Vec<ColumnOrder>,
        functions: &[(ColId, WindowExpr)],
    ) -> Result<Table, SqlError> {
        let index = self.index();
        let mut lowered = Vec::with_capacity(functions.len());
        for (id, function) in functions {
            let mut function = function.clone();
            for scalar in function.scalars_mut() {
                *scalar = to_positions(scalar, &index)?;
            }
            lowered.push(function);
            self.cols.push(*id);
        }
        Ok(Table { expr: self.expr.window(partition, order, lowered), cols: self.cols })
    }

    /// Keeps these columns.
    pub fn project(self, cols: &[ColId]) -> Result<Table, SqlError> {
        if self.cols == cols {
            return Ok(self);
        }
        let outputs = self.positions(cols)?;
        Ok(Table { expr: self.expr.project(outputs), cols: cols.to_vec() })
    }

    /// Appends columns, each of which may use those before it.
    pub fn map(mut self, exprs: &[(ColId, ScalarExpr)]) -> Result<Table, SqlError> {
        let mut index = self.index();
        let mut scalars = Vec::with_capacity(exprs.len());
        for (id, expr) in exprs {
            scalars.push(to_positions(expr, &index)?);
            index.entry(*id).or_insert(self.cols.len());
            self.cols.push(*id);
        }
        Ok(Table { expr: self.expr.map(scalars), cols: self.cols })
    }

    /// Appends one column that is the same in every row.
    pub fn map_constant(mut self, id: ColId, value: ScalarExpr) -> Table {
        self.cols.push(id);
        Table { expr: self.expr.map(vec![value]), cols: self.cols }
    }

    /// Keeps rows for which all predicates are true.
    pub fn filter(self, predicates: &[ScalarExpr]) -> Result<Table, SqlError> {
        let index = self.index();
        let predicates = predicates.iter().map(|p| to_positions(p, &index)).collect::<Result<Vec<_>, _>>()?;
        Ok(Table { expr: self.expr.filter(predicates), cols: self.cols })
    }

    /// All pairs of rows.
    pub fn product(self, other: Table) -> Table {
        if self.expr.is_unit() {
            return other;
        }
        if other.expr.is_unit() {
            return self;
        }
        Table { expr: self.expr.product(other.expr), cols: [self.cols, other.cols].concat() }
    }

    /// Joins by the columns that both have, NULL matching NULL. Columns of the left, then the others of the right; also returned: how
    /// many the right has brought.
    pub fn join(self, right: Table, shared: &[ColId]) -> Result<(Table, usize), SqlError> {
        self.join_with(right, shared, &[])
    }

    /// Joins by shared columns, NULL matching NULL, and by pairs of expressions over the left and the right, NULL matching nothing.
    pub fn join_with(
        self,
        right: Table,
        shared: &[ColId],
        pairs: &[(ScalarExpr, ScalarExpr)],
    ) -> Result<(Table, usize), SqlError> {
        let added: Vec<ColId> = right.cols.iter().copied().filter(|c| !shared.contains(c)).collect();
        if shared.is_empty() && pairs.is_empty() {
            return Ok((self.product(right), added.len()));
        }
        let (left_types, right_types) = (self.expr.typ().columns, right.expr.typ().columns);
        let shift = left_types.len();
        let mut equivalences = Vec::new();
        for col in shared {
            let (l, r) = (self.position(*col)?, right.position(*col)?);
            let (a, b) = (ScalarExpr::Column(l), ScalarExpr::Column(r + shift));
            if left_types[l].nullable && right_types[r].nullable {
                let dummy = stand_in(&left_types[l].ty);
                let filled = |e: &ScalarExpr| ScalarExpr::Coalesce(vec![e.clone(), dummy.clone()]);
                equivalences.push(vec![filled(&a), filled(&b)]);
                equivalences.push(vec![call("is_null", vec![a])?, call("is_null", vec![b])?]);
            } else {
                equivalences.push(vec![a, b]);
            }
        }
        for (l, r) in pairs {
            let mut r = right.scalar(r)?;
            shift_columns(&mut r, shift);
            equivalences.push(vec![self.scalar(l)?, r]);
        }
        let mut outputs: Vec<usize> = (0..shift).collect();
        outputs.extend(right.cols.iter().enumerate().filter(|(_, c)| !shared.contains(c)).map(|(at, _)| at + shift));
        let all = outputs.len() == shift + right_types.len();
        let expr = RelExpr::join(vec![self.expr, right.expr], equivalences);
        let expr = if all { expr } else { expr.project(outputs) };
        let count = added.len();
        Ok((Table { expr, cols: [self.cols, added].concat() }, count))
    }
}

fn shift_columns(expr: &mut ScalarExpr, by: usize) {
    if let ScalarExpr::Column(c) = expr {
        *c += by;
    }
    crate::hir::operands_mut(expr).into_iter().for_each(|operand| shift_columns(operand, by));
}

/// Some value of a type, to stand where NULL was while keys are compared (whether it was NULL is compared too).
fn stand_in(ty: &SqlType) -> ScalarExpr {
    // Without labels an enum has no values, and nothing to stand in for.
    let row = repr::filler::filler(ty).unwrap_or_else(|| Row::pack([Datum::Bool(false)]));
    ScalarExpr::Literal(Ok(row), ty.clone().nullable(false))
}
