//! Scalar subqueries that aggregate over rows equal to the outer row in some expressions:
//! `(SELECT f(sum(x)) FROM t WHERE t.k = outer.k)`.
//!
//! Instead of evaluating them for every distinct outer key, the aggregates are computed by inner key, once for all, and looked up. A
//! key without rows has the value that the aggregates have over nothing.

use super::subquery::free_of;
use super::table::Table;
use super::{Lowerer, default_value};
use crate::hir::{ColId, HirRel, columns_of, operands_mut};
use expr::ScalarExpr;
use repr::SqlError;
use std::collections::BTreeMap;

/// A scalar subquery of the shape: expressions over aggregates over rows.
struct Aggregation<'a> {
    /// Expressions over the aggregates, in order of computation.
    exprs: Vec<&'a (ColId, ScalarExpr)>,
    /// What is aggregated.
    input: &'a HirRel,
    /// The aggregates.
    aggregates: &'a [(ColId, expr::AggregateExpr)],
}

fn aggregation(rel: &HirRel) -> Option<Aggregation<'_>> {
    match rel {
        HirRel::Project { input, .. } => aggregation(input),
        HirRel::Map { input, exprs } => {
            let mut inner = aggregation(input)?;
            inner.exprs.extend(exprs);
            Some(inner)
        }
        HirRel::Reduce { input, keys, aggregates } if keys.is_empty() => {
            Some(Aggregation { exprs: Vec::new(), input, aggregates })
        }
        _ => None,
    }
}

impl Lowerer<'_> {
    /// Appends the subquery's value to each row of `table`, if it has the shape; `col` is its output, `id` the new column.
    pub(super) fn apply_grouped(
        &mut self,
        table: &Table,
        rel: &HirRel,
        col: ColId,
        id: ColId,
    ) -> Result<Option<Table>, SqlError> {
        let Some(shape) = aggregation(rel) else { return Ok(None) };
        let (input, pairs) = self.peel(shape.input, table, true);
        let parts = shape.aggregates.iter().flat_map(|(_, a)| a.args.iter().chain(&a.filter).chain(&a.order_exprs));
        let outside = |e: &ScalarExpr| columns_of(e).iter().any(|c| table.cols.contains(c));
        // Rows that no outer row asks for are aggregated too: that must not bring errors that nobody would see otherwise.
        let risky = |e: &ScalarExpr| e.could_error() || outside(e);
        let keys_risky = pairs.iter().any(|(_, inner)| inner.could_error());
        if pairs.is_empty() || keys_risky || parts.into_iter().any(risky) || !free_of(&input, table).is_empty() {
            return Ok(None);
        }
        let rows = self.relation(&input, &Table::unit())?;
        let base = self.types.len();
        let key_cols: Vec<ColId> = (0..pairs.len()).map(|i| base + i).collect();
        let keys = pairs.iter().map(|(_, inner)| rows.scalar(inner)).collect::<Result<Vec<_>, _>>()?;
        let aggregates = shape.aggregates.iter().map(|(_, a)| rows.aggregate(a)).collect::<Result<Vec<_>, _>>()?;
        let ids = shape.aggregates.iter().map(|(id, _)| *id);
        let cols = key_cols.iter().copied().chain(ids).collect();
        let grouped = self.bind(Table { expr: rows.expr.reduce(keys, aggregates), cols });
        let pairs: Vec<_> =
            pairs.into_iter().zip(&key_cols).map(|((outer, _), key)| (outer, ScalarExpr::Column(*key))).collect();
        let exprs: Vec<(ColId, ScalarExpr)> = shape.exprs.iter().map(|e| (*e).clone()).collect();
        let found = table.clone().join_with(grouped.clone(), &[], &pairs)?.0.map(&exprs)?;
        let found = found.project(&[&table.cols[..], &[col]].concat())?;
        let keys = grouped.project(&key_cols)?;
        let missing = self.without(table.clone(), keys, &[], &pairs)?;
        let missing = missing.map(&[(id, self.over_nothing(&shape, col)?)])?;
        Ok(Some(Table { expr: found.expr.union(missing.expr), cols: missing.cols }))
    }

    /// The subquery's value where nothing is aggregated, over outer columns.
    fn over_nothing(&self, shape: &Aggregation<'_>, col: ColId) -> Result<ScalarExpr, SqlError> {
        let default = |(id, a): &(ColId, expr::AggregateExpr)| (*id, default_value(&a.func, &self.types[*id].ty));
        let mut known: BTreeMap<ColId, ScalarExpr> = shape.aggregates.iter().map(default).collect();
        for (id, expr) in &shape.exprs {
            let mut expr = expr.clone();
            substitute(&mut expr, &known);
            known.insert(*id, expr);
        }
        known.remove(&col).ok_or_else(|| SqlError::internal(format!("column #{col} is not in reach")))
    }
}

fn substitute(expr: &mut ScalarExpr, known: &BTreeMap<ColId, ScalarExpr>) {
    if let ScalarExpr::Column(c) = expr {
        if let Some(value) = known.get(c) {
            *expr = value.clone();
        }
        return;
    }
    operands_mut(expr).into_iter().for_each(|operand| substitute(operand, known));
}
