//! EXISTS and IN as conditions: semijoins and antijoins, for which NULL is as good as false.
//!
//! Equalities between an inner and an outer expression become join keys, so that the usual `EXISTS (… WHERE inner = outer)` needs no set
//! of outer values at all. With other conditions between inner and outer beside them there is one: the equalities join it with the inner rows.

use super::Lowerer;
use super::subquery::free_of;
use super::table::Table;
use crate::hir::{ColId, HirRel, Subquery, SubqueryKind, columns_of, uses_only};
use expr::ScalarExpr;
use repr::SqlError;
use std::collections::BTreeSet;

type Pairs = Vec<(ScalarExpr, ScalarExpr)>;

impl Lowerer<'_> {
    /// The rows for which the subquery is true, or false if `negated`.
    pub(super) fn semi(&mut self, input: Table, subquery: &Subquery, negated: bool) -> Result<Table, SqlError> {
        let input = self.bind(input);
        match &subquery.kind {
            SubqueryKind::In(left, right) if negated => self.not_in(input, &subquery.rel, left, right),
            kind => {
                let (mut rel, mut pairs) = self.peel(&subquery.rel, &input, false);
                if !free_of(&rel, &input).is_empty() {
                    // Other conditions tie it to the outer rows too: it is computed for these, joined by all conditions at once.
                    (rel, pairs) = ((*subquery.rel).clone(), Pairs::new());
                }
                if let SubqueryKind::In(left, right) = kind {
                    pairs.extend(left.iter().cloned().zip(right.iter().map(|c| ScalarExpr::Column(*c))));
                }
                let free = free_of(&rel, &input);
                let domain = if free.is_empty() { Table::unit() } else { self.domain(&input, &free)? };
                let rows = self.relation(&rel, &domain)?;
                let (keys, pairs) = self.key_table(rows, &free, pairs)?;
                match negated {
                    true => self.without(input, keys, &free, &pairs),
                    false => self.with(input, keys, &free, &pairs),
                }
            }
        }
    }

    /// `NOT IN`: neither equal to a row nor perhaps equal.
    fn not_in(&mut self, input: Table, rel: &HirRel, left: &[ScalarExpr], right: &[ColId]) -> Result<Table, SqlError> {
        let free = free_of(rel, &input);
        let keys = self.in_keys(&input, rel, &free, right)?;
        let pairs: Pairs = left.iter().cloned().zip(right.iter().map(|c| ScalarExpr::Column(*c))).collect();
        let unequal = self.without(input, keys.clone(), &free, &pairs)?;
        let unequal = self.bind(unequal);
        let Some(unknown) = self.unknown_in(&unequal, &keys, &free, left, right)? else { return Ok(unequal) };
        let mut cols = unequal.cols.clone();
        cols.sort_unstable();
        cols.dedup();
        let positions = unknown.positions(&cols)?;
        let unknown = Table { expr: unknown.expr.distinct_by(positions), cols: cols.clone() };
        self.without(unequal, unknown, &cols, &[])
    }

    /// Takes equalities between inner and outer expressions out of a relation; what remains has all of its columns and perhaps more. If rows
    /// are `counted`, each stays as often as it is there; otherwise only whether it is there matters.
    pub(super) fn peel(&self, rel: &HirRel, input: &Table, counted: bool) -> (HirRel, Pairs) {
        match rel {
            HirRel::Project { input: inner, .. } => self.peel(inner, input, counted),
            HirRel::Distinct { input: inner } if !counted => self.peel(inner, input, counted),
            HirRel::Map { input: inner, exprs } => {
                let (inner, pairs) = self.peel(inner, input, counted);
                (inner.map(exprs.clone()), pairs)
            }
            HirRel::Semi { input: inner, subquery, negated } => {
                let (inner, pairs) = self.peel(inner, input, counted);
                (HirRel::Semi { input: Box::new(inner), subquery: subquery.clone(), negated: *negated }, pairs)
            }
            HirRel::Filter { input: inner, predicates } => {
                let (inner, mut pairs) = self.peel(inner, input, counted);
                let made: BTreeSet<ColId> = inner.cols().into_iter().collect();
                let (mut rest, outside) = (Vec::new(), input.cols.iter().copied().collect());
                for predicate in predicates {
                    match self.correlating(predicate, &made, &outside) {
                        Some(pair) => pairs.push(pair),
                        None => rest.push(predicate.clone()),
                    }
                }
                (inner.filter(rest), pairs)
            }
            other => (other.clone(), Vec::new()),
        }
    }

    /// The outer and the inner side of an equality between them.
    fn correlating(
        &self,
        predicate: &ScalarExpr,
        inner: &BTreeSet<ColId>,
        outer: &BTreeSet<ColId>,
    ) -> Option<(ScalarExpr, ScalarExpr)> {
        let (a, b) = predicate.as_equality()?;
        if a.typ(self.types).ty.without_modifier() != b.typ(self.types).ty.without_modifier() {
            return None;
        }
        let correlates = |o: &ScalarExpr, i: &ScalarExpr| {
            let outside = columns_of(o);
            !outside.is_empty()
                && outside.iter().all(|c| outer.contains(c) && !inner.contains(c))
                && uses_only(i, inner)
        };
        match () {
            _ if correlates(a, b) => Some((a.clone(), b.clone())),
            _ if correlates(b, a) => Some((b.clone(), a.clone())),
            _ => None,
        }
    }
}
