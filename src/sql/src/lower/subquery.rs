//! Subqueries as values: for each row of a table one more column.

use super::Lowerer;
use super::table::Table;
use crate::coerce::{constant, null};
use crate::hir::{ColId, HirRel, Subquery, SubqueryKind, columns_of};
use crate::query::{call, or_false};
use expr::{AggregateExpr, AggregateFunc, RelExpr, ScalarExpr, TableFunc};
use repr::{Datum, SqlError, SqlType};

impl Lowerer<'_> {
    /// Appends the subquery's value to each row.
    pub(super) fn apply(&mut self, input: Table, subquery: &Subquery) -> Result<Table, SqlError> {
        let input = self.bind(input);
        let Some(when) = &subquery.when else { return self.apply_to(input, subquery) };
        let taken = input.clone().filter(std::slice::from_ref(when))?;
        let taken = self.bind(taken);
        let untaken = call("not", vec![or_false(when.clone())])?;
        let untaken = input.filter(&[untaken])?;
        let ty = self.types[subquery.id].ty.clone();
        let untaken = untaken.map_constant(subquery.id, null(&ty));
        let applied = self.apply_to(taken, subquery)?;
        Ok(Table { expr: applied.expr.union(untaken.expr), cols: applied.cols })
    }

    fn apply_to(&mut self, input: Table, subquery: &Subquery) -> Result<Table, SqlError> {
        let rel = &subquery.rel;
        let free = free_of(rel, &input);
        let values = match &subquery.kind {
            SubqueryKind::In(left, right) => return self.apply_in(input, subquery.id, rel, left, right),
            SubqueryKind::Exists => {
                let domain = self.domain_for(&input, &free, subquery)?;
                let keys = self.relation(rel, &domain)?;
                let positions = keys.positions(&free)?;
                let keys = self.bind(Table { expr: keys.expr.distinct_by(positions), cols: free.clone() });
                let missing = Table { expr: domain.expr.union(keys.expr.clone().negate()), cols: free.clone() };
                self.flags(vec![(keys, boolean(true)), (missing, boolean(false))], subquery.id)
            }
            SubqueryKind::Scalar(col) => {
                if let Some(applied) = self.apply_grouped(&input, rel, *col, subquery.id)? {
                    return Ok(applied);
                }
                let domain = self.domain_for(&input, &free, subquery)?;
                self.scalar_values(rel, *col, subquery.id, &domain)?
            }
        };
        Ok(input.join(values, &free)?.0)
    }

    /// The combinations of outside columns that the subquery is evaluated for.
    fn domain_for(&mut self, input: &Table, free: &[ColId], subquery: &Subquery) -> Result<Table, SqlError> {
        // What depends on nothing is evaluated once; but not at all if it stands in a branch that no row takes.
        if free.is_empty() && subquery.when.is_none() { Ok(Table::unit()) } else { self.domain(input, free) }
    }

    /// Tables of keys, each with the value that its rows get, as one.
    fn flags(&mut self, parts: Vec<(Table, ScalarExpr)>, id: ColId) -> Table {
        let mut cols = Vec::new();
        let mut inputs = Vec::new();
        for (table, value) in parts {
            let table = table.map_constant(id, value);
            cols = table.cols;
            inputs.push(table.expr);
        }
        Table { expr: RelExpr::Union { inputs }, cols }
    }

    /// One row for each row of `domain`: its columns, then the value of the scalar subquery.
    fn scalar_values(&mut self, rel: &HirRel, col: ColId, id: ColId, domain: &Table) -> Result<Table, SqlError> {
        let (least, greatest) = rel.row_bounds();
        let rows = self.relation(rel, domain)?;
        let outputs = rows.positions(&[&domain.cols[..], &[col]].concat())?;
        let cols = [&domain.cols[..], &[id]].concat();
        let mut values = Table { expr: rows.expr.project(outputs), cols: cols.clone() };
        if greatest.is_none_or(|n| n > 1) {
            values = guarded(values, domain.cols.len());
        }
        if least > 0 {
            return Ok(values);
        }
        let values = self.bind(values);
        let present = values.clone().project(&domain.cols)?;
        let missing = domain.expr.clone().union(present.expr.negate());
        let ty = self.types[id].ty.clone();
        Ok(Table { expr: values.expr.union(missing.map(vec![null(&ty)])), cols })
    }

    /// `left IN (rel)` as a value: true, false or NULL.
    fn apply_in(
        &mut self,
        input: Table,
        id: ColId,
        rel: &HirRel,
        left: &[ScalarExpr],
        right: &[ColId],
    ) -> Result<Table, SqlError> {
        let free = free_of(rel, &input);
        // The answer depends on the columns of the left side too.
        let mut asked = free.clone();
        for col in left.iter().flat_map(columns_of) {
            if input.cols.contains(&col) && !asked.contains(&col) {
                asked.push(col);
            }
        }
        let questions = if asked.is_empty() { Table::unit() } else { self.domain(&input, &asked)? };
        let keys = self.in_keys(&questions, rel, &free, right)?;
        let pairs: Vec<_> = left.iter().cloned().zip(right.iter().map(|c| ScalarExpr::Column(*c))).collect();
        let found = self.with(questions.clone(), keys.clone(), &free, &pairs)?;
        let found = self.bind(found);
        let unknown = self.unknown_in(&questions, &keys, &free, left, right)?;
        let mut parts = vec![(found.clone(), boolean(true))];
        let decided = match unknown {
            None => found,
            Some(unknown) => {
                let either =
                    Table { expr: unknown.expr.union(found.expr.clone()).distinct(), cols: questions.cols.clone() };
                let either = self.bind(either);
                let only = Table { expr: either.expr.clone().union(found.expr.negate()), cols: questions.cols.clone() };
                parts.push((only, null(&SqlType::Bool)));
                either
            }
        };
        let not_found =
            Table { expr: questions.expr.clone().union(decided.expr.negate()), cols: questions.cols.clone() };
        parts.push((not_found, boolean(false)));
        let flags = self.flags(parts, id);
        Ok(input.join(flags, &asked)?.0)
    }

    /// The distinct right sides of an IN, for each combination of `free`.
    pub(super) fn in_keys(
        &mut self,
        input: &Table,
        rel: &HirRel,
        free: &[ColId],
        right: &[ColId],
    ) -> Result<Table, SqlError> {
        let domain = if free.is_empty() { Table::unit() } else { self.domain(input, free)? };
        let rows = self.relation(rel, &domain)?;
        let cols = [free, right].concat();
        let positions = rows.positions(&cols)?;
        Ok(self.bind(Table { expr: rows.expr.distinct_by(positions), cols }))
    }

    /// The rows of `input` for which IN may be NULL: there are keys, and one of the comparisons with them is NULL and none false. Some of them
    /// may be true after all. None if nothing can be NULL.
    pub(super) fn unknown_in(
        &mut self,
        input: &Table,
        keys: &Table,
        free: &[ColId],
        left: &[ScalarExpr],
        right: &[ColId],
    ) -> Result<Option<Table>, SqlError> {
        let key_types = keys.expr.typ().columns;
        let input_types = input.expr.typ().columns;
        let mut left_nullable = false;
        for expr in left {
            left_nullable |= input.scalar(expr)?.typ(&input_types).nullable;
        }
        let right_nullable = keys.positions(right)?.iter().any(|at| key_types[*at].nullable);
        if !left_nullable && !right_nullable {
            return Ok(None);
        }
        if left.len() > 1 {
            return self.unknown_rows(input, keys, free, left, right).map(Some);
        }
        let mut parts = Vec::new();
        if left_nullable {
            let null_left = input.clone().filter(&[call("is_null", vec![left[0].clone()])?])?;
            let any = Table { expr: keys.expr.clone().distinct_by(keys.positions(free)?), cols: free.to_vec() };
            parts.push(self.with(null_left, any, free, &[])?.expr);
        }
        if right_nullable {
            let null_right = keys.clone().filter(&[call("is_null", vec![ScalarExpr::Column(right[0])])?])?;
            let positions = null_right.positions(free)?;
            let any = Table { expr: null_right.expr.distinct_by(positions), cols: free.to_vec() };
            parts.push(self.with(input.clone(), any, free, &[])?.expr);
        }
        let typ = input.expr.typ();
        Ok(Some(Table { expr: RelExpr::union_all(parts, typ), cols: input.cols.clone() }))
    }

    /// For rows of several fields: pairs of which no field is certainly unequal.
    fn unknown_rows(
        &mut self,
        input: &Table,
        keys: &Table,
        free: &[ColId],
        left: &[ScalarExpr],
        right: &[ColId],
    ) -> Result<Table, SqlError> {
        let (pairs, _) = input.clone().join(keys.clone(), free)?;
        let mut possible = Vec::new();
        for (l, r) in left.iter().zip(right) {
            let equal = l.clone().eq(ScalarExpr::Column(*r));
            possible.push(ScalarExpr::Coalesce(vec![equal, boolean(true)]));
        }
        let possible = pairs.filter(&possible)?;
        let mut cols = input.cols.clone();
        cols.sort_unstable();
        cols.dedup();
        let positions = possible.positions(&cols)?;
        let rows = Table { expr: possible.expr.distinct_by(positions), cols: cols.clone() };
        // Joined with the input again, for its multiplicities.
        self.with(input.clone(), rows, &cols, &[])
    }
}

/// The columns of `input` that a relation uses, each once.
pub(super) fn free_of(rel: &HirRel, input: &Table) -> Vec<ColId> {
    let free = rel.free();
    let mut used: Vec<ColId> = Vec::new();
    for col in input.cols.iter().filter(|c| free.contains(c)) {
        if !used.contains(col) {
            used.push(*col);
        }
    }
    used
}

fn boolean(value: bool) -> ScalarExpr {
    constant(Datum::Bool(value), SqlType::Bool)
}

/// At most one value for each key, or an error: the columns are the key's, then the value.
fn guarded(values: Table, keys: usize) -> Table {
    let aggregate = |func, args| {
        let (order, order_exprs) = (Vec::new(), Vec::new());
        AggregateExpr { func, args, filter: None, distinct: false, order, order_exprs }
    };
    let value = aggregate(AggregateFunc::Max, vec![ScalarExpr::Column(keys)]);
    let count = aggregate(AggregateFunc::Count, Vec::new());
    let group = (0..keys).map(ScalarExpr::Column).collect();
    let counted = values.expr.reduce(group, vec![value, count]);
    let guarded = counted.flat_map(TableFunc::GuardSubquerySize, vec![ScalarExpr::Column(keys + 1)]);
    Table { expr: guarded.project((0..=keys).collect()), cols: values.cols }
}
