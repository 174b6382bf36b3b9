//! Joins, inner and outer, of relations that may depend on each other and on what is outside.

use super::table::Table;
use super::{Lowerer, uses};
use crate::hir::{ColId, HirRel, JoinKind, Subquery, uses_only};
use expr::ScalarExpr;
use repr::SqlError;
use std::collections::BTreeSet;

/// An ON clause taken apart.
#[derive(Default)]
struct Condition {
    /// Equalities of an expression over the left with one over the right.
    pairs: Vec<(ScalarExpr, ScalarExpr)>,
    /// Conditions on the right side alone.
    right: Vec<ScalarExpr>,
    /// Everything else.
    rest: Vec<ScalarExpr>,
}

impl Lowerer<'_> {
    /// Joins two relations for each row of `outer`.
    pub(super) fn join(
        &mut self,
        left: &HirRel,
        right: &HirRel,
        kind: JoinKind,
        subqueries: &[Subquery],
        on: &[ScalarExpr],
        outer: &Table,
    ) -> Result<Table, SqlError> {
        if kind == JoinKind::Inner && !uses(left, &outer.cols) && uses(right, &outer.cols) && !uses(right, &left.cols())
        {
            // Only the right side depends on the outer rows: they come with it.
            let wanted = [&outer.cols[..], &left.cols(), &right.cols()].concat();
            let l = self.relation(left, &Table::unit())?;
            let r = self.relation(right, outer)?;
            return self.matched(l, r, &[], subqueries, on)?.project(&wanted);
        }
        let l = self.relation(left, outer)?;
        if kind == JoinKind::Inner && !uses(right, &l.cols) {
            let wanted = [&l.cols[..], &right.cols()].concat();
            let r = self.relation(right, &Table::unit())?;
            return self.matched(l, r, &[], subqueries, on)?.project(&wanted);
        }
        let l = self.bind(l);
        let (shared, r) = self.right_side(right, kind, &l, outer)?;
        let cols = [&l.cols[..], &right.cols()].concat();
        match kind {
            JoinKind::Inner => self.matched(l, r, &shared, subqueries, on)?.project(&cols),
            _ => self.outer_join(l, r, kind, &shared, subqueries, on, &cols),
        }
    }

    /// The right side for the columns of the left (and of outside) that it uses.
    fn right_side(
        &mut self,
        right: &HirRel,
        kind: JoinKind,
        left: &Table,
        outer: &Table,
    ) -> Result<(Vec<ColId>, Table), SqlError> {
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            // Rows of the right without partner are wanted for each outer row.
            return Ok((outer.cols.clone(), self.relation(right, outer)?));
        }
        let free = right.free();
        let mut shared: Vec<ColId> = Vec::new();
        for col in left.cols.iter().filter(|c| free.contains(c)) {
            if !shared.contains(col) {
                shared.push(*col);
            }
        }
        let domain = if shared.is_empty() { Table::unit() } else { self.domain(left, &shared)? };
        Ok((shared, self.relation(right, &domain)?))
    }

    /// Pairs of rows that satisfy the condition: the left's columns, the right's without the shared ones, the subqueries'.
    fn matched(
        &mut self,
        left: Table,
        right: Table,
        shared: &[ColId],
        subqueries: &[Subquery],
        on: &[ScalarExpr],
    ) -> Result<Table, SqlError> {
        let condition = self.take_apart(&left, &right, shared, on);
        let (mut pairs, _) = left.join_with(right, shared, &condition.pairs)?;
        for subquery in subqueries {
            pairs = self.apply(pairs, subquery)?;
        }
        pairs.filter(&[condition.right, condition.rest].concat())
    }

    fn take_apart(&self, left: &Table, right: &Table, shared: &[ColId], on: &[ScalarExpr]) -> Condition {
        let lefts: BTreeSet<ColId> = left.cols.iter().copied().collect();
        let rights: BTreeSet<ColId> = right.cols.iter().copied().filter(|c| !shared.contains(c)).collect();
        let mut condition = Condition::default();
        for predicate in on {
            let pair = predicate.as_equality().and_then(|(a, b)| {
                let (ta, tb) = (a.typ(self.types).ty, b.typ(self.types).ty);
                let alike = ta.without_modifier() == tb.without_modifier();
                match () {
                    _ if !alike => None,
                    _ if uses_only(a, &lefts) && uses_only(b, &rights) => Some((a.clone(), b.clone())),
                    _ if uses_only(b, &lefts) && uses_only(a, &rights) => Some((b.clone(), a.clone())),
                    _ => None,
                }
            });
            match pair {
                Some(pair) => condition.pairs.push(pair),
                None if uses_only(predicate, &rights) => condition.right.push(predicate.clone()),
                None => condition.rest.push(predicate.clone()),
            }
        }
        condition
    }

    fn outer_join(
        &mut self,
        left: Table,
        right: Table,
        kind: JoinKind,
        shared: &[ColId],
        subqueries: &[Subquery],
        on: &[ScalarExpr],
        cols: &[ColId],
    ) -> Result<Table, SqlError> {
        let right = self.bind(right);
        let matched = self.matched(left.clone(), right.clone(), shared, subqueries, on)?;
        let matched = self.bind(matched.project(cols)?);
        let mut result = matched.expr.clone();
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            let alone = match self.keys_of_matches(&left, &right, shared, subqueries, on)? {
                Some((keys, pairs)) => self.without(left.clone(), keys, shared, &pairs)?,
                None => self.without_matched(left.clone(), &matched)?,
            };
            let missing: Vec<ColId> = cols[left.cols.len()..].to_vec();
            result = result.union(alone.expr.map(self.nulls(&missing)));
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            let alone = self.without_matched(right.clone(), &matched)?;
            let missing: Vec<ColId> = left.cols.iter().copied().filter(|c| !shared.contains(c)).collect();
            let alone =
                Table { cols: [&alone.cols[..], &missing].concat(), expr: alone.expr.map(self.nulls(&missing)) };
            result = result.union(alone.project(cols)?.expr);
        }
        Ok(Table { expr: result, cols: cols.to_vec() })
    }

    /// If the condition is equalities and conditions on the right side alone: the keys that the right side has, and what they equal.
    fn keys_of_matches(
        &mut self,
        left: &Table,
        right: &Table,
        shared: &[ColId],
        subqueries: &[Subquery],
        on: &[ScalarExpr],
    ) -> Result<Option<(Table, Vec<(ScalarExpr, ScalarExpr)>)>, SqlError> {
        let condition = self.take_apart(left, right, shared, on);
        if !subqueries.is_empty() || !condition.rest.is_empty() {
            return Ok(None);
        }
        let filtered = right.clone().filter(&condition.right)?;
        self.key_table(filtered, shared, condition.pairs).map(Some)
    }

    /// The distinct keys of a table: shared columns and the right sides of pairs, which become columns.
    pub(super) fn key_table(
        &mut self,
        table: Table,
        shared: &[ColId],
        pairs: Vec<(ScalarExpr, ScalarExpr)>,
    ) -> Result<(Table, Vec<(ScalarExpr, ScalarExpr)>), SqlError> {
        // Names beyond all columns of the query: they live in this join only.
        let base = self.types.len();
        let keys: Vec<(ColId, ScalarExpr)> =
            pairs.iter().enumerate().map(|(i, (_, r))| (base + i, r.clone())).collect();
        let cols: Vec<ColId> = shared.iter().copied().chain(keys.iter().map(|(id, _)| *id)).collect();
        let mapped = table.map(&keys)?;
        let positions = mapped.positions(&cols)?;
        let table = Table { expr: mapped.expr.distinct_by(positions), cols };
        let pairs = pairs.into_iter().zip(&keys).map(|((l, _), (id, _))| (l, ScalarExpr::Column(*id))).collect();
        Ok((table, pairs))
    }

    /// The rows of `table` that have a partner in `keys`, which has each key once.
    pub(super) fn with(
        &mut self,
        table: Table,
        keys: Table,
        shared: &[ColId],
        pairs: &[(ScalarExpr, ScalarExpr)],
    ) -> Result<Table, SqlError> {
        let cols = table.cols.clone();
        let arity = cols.len();
        let (joined, _) = table.join_with(keys, shared, pairs)?;
        if joined.cols.len() == arity {
            return Ok(joined);
        }
        Ok(Table { expr: joined.expr.project((0..arity).collect()), cols })
    }

    /// The rows of `table` that have no partner in `keys`, which has each key once.
    pub(super) fn without(
        &mut self,
        table: Table,
        keys: Table,
        shared: &[ColId],
        pairs: &[(ScalarExpr, ScalarExpr)],
    ) -> Result<Table, SqlError> {
        let table = self.bind(table);
        let partnered = self.with(table.clone(), keys, shared, pairs)?;
        Ok(Table { expr: table.expr.union(partnered.expr.negate()), cols: table.cols })
    }

    /// The rows of one side that are in no matched pair.
    fn without_matched(&mut self, side: Table, matched: &Table) -> Result<Table, SqlError> {
        let mut shared: Vec<ColId> = side.cols.clone();
        shared.sort_unstable();
        shared.dedup();
        let positions = matched.positions(&shared)?;
        let keys = Table { expr: matched.expr.clone().distinct_by(positions), cols: shared.clone() };
        self.without(side, keys, &shared, &[])
    }
}
