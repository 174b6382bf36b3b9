//! Recursions whose step is more than a function of single rows: `SELECT DISTINCT … FROM t` in `WITH RECURSIVE t`.
//!
//! PostgreSQL evaluates the step over the rows that the last round has added, and no others. So each row carries the round that found it,
//! and the step is planned for each round's rows apart: a lateral join, which decorrelation turns into groups by the round.
//!
//! ```text
//! UNION ALL   t := base at 0 ∪ { step(rows of t at d) at d + 1 for each d in t }
//! UNION       the same, and each row once, at the first round that found it
//! ```
//!
//! LAW: what is in t at a round depends on earlier rounds only; so there is one solution, and iteration finds it.

use super::planner::Planner;
use crate::coerce::{Operand, constant};
use crate::hir::{ColId, CteId, HirRel, JoinKind, SetKind};
use expr::{AggregateExpr, AggregateFunc, ScalarExpr};
use repr::{Datum, SqlError, SqlType};

/// Whether a relation is made of each row of the recursion by itself: then new rows give new results, and nothing else changes.
pub(super) fn is_linear(rel: &HirRel, cte: CteId) -> bool {
    let free_of = |rel: &HirRel| !rel.mentions(cte);
    if free_of(rel) || rel.subqueries().into_iter().any(|s| s.rel.mentions(cte)) {
        return free_of(rel);
    }
    match rel {
        HirRel::Cte { .. } => true,
        HirRel::Let { value, body, .. } => free_of(value) && is_linear(body, cte),
        HirRel::Project { input, .. }
        | HirRel::Map { input, .. }
        | HirRel::Filter { input, .. }
        | HirRel::Apply { input, .. }
        | HirRel::Semi { input, .. } => is_linear(input, cte),
        HirRel::Join { left, right, kind: JoinKind::Inner, .. } => {
            (free_of(left) || free_of(right)) && is_linear(left, cte) && is_linear(right, cte)
        }
        HirRel::Join { left, right, kind: JoinKind::Left, .. } => free_of(right) && is_linear(left, cte),
        HirRel::Join { left, right, kind: JoinKind::Right, .. } => free_of(left) && is_linear(right, cte),
        HirRel::SetOp { kind: SetKind::Union, all: true, left, right, .. } => {
            is_linear(left, cte) && is_linear(right, cte)
        }
        _ => false,
    }
}

impl Planner<'_, '_> {
    /// The recursion's value: its columns, then the round. `step` names the recursion without the round.
    pub(super) fn by_rounds(
        &mut self,
        id: CteId,
        (base, mut step): (HirRel, HirRel),
        all: bool,
    ) -> Result<HirRel, SqlError> {
        let (present, next) = (self.round(), self.round());
        let mut name = String::new();
        step.visit_mut(&mut |node| {
            if let HirRel::Cte { id: used, name: called, .. } = node
                && *used == id
            {
                name.clone_from(called);
                self.rows_of_round(node, present);
            }
        });
        step.refresh_outer();
        let rounds = self.rounds(id, &name, &base.cols(), present);
        let after = self.operator("+", vec![column(present), Operand::Typed(integer(1))])?;
        let mut cols = step.cols();
        cols.push(next);
        let (left, right) = (Box::new(rounds), Box::new(step));
        let stepped = HirRel::Join { left, right, kind: JoinKind::Inner, subqueries: Vec::new(), on: Vec::new() };
        let stepped = stepped.map(vec![(next, after)]).project(cols);
        let zero = self.round();
        let mut based = base.cols();
        based.push(zero);
        let based = base.map(vec![(zero, integer(0))]).project(based);
        Ok(self.first_rounds(based, stepped, all))
    }

    fn round(&mut self) -> ColId {
        self.column("round", SqlType::Int8.nullable(true))
    }

    /// A use of the recursion becomes a use of one round's rows.
    fn rows_of_round(&mut self, node: &mut HirRel, present: ColId) {
        let HirRel::Cte { cols, .. } = node else { return };
        let visible = cols.clone();
        let round = self.round();
        cols.push(round);
        let same = ScalarExpr::Column(round).eq(ScalarExpr::Column(present));
        let rows = std::mem::replace(node, HirRel::unit());
        // The use inside is complete as it is: only what is around it is new.
        *node = HirRel::Project { input: Box::new(rows.filter(vec![same])), cols: visible };
    }

    /// The rounds that have rows.
    fn rounds(&mut self, id: CteId, name: &str, like: &[ColId], round: ColId) -> HirRel {
        let mut cols: Vec<ColId> = like.iter().map(|c| self.column("?column?", self.types[*c].clone())).collect();
        cols.push(round);
        let all = HirRel::Cte { id, name: name.to_string(), cols, outer: Vec::new() };
        HirRel::Distinct { input: Box::new(all.project(vec![round])) }
    }

    /// Both terms together; without `all` each row at its first round only.
    fn first_rounds(&mut self, base: HirRel, step: HirRel, all: bool) -> HirRel {
        let typed = base.cols();
        let cols: Vec<ColId> =
            typed.into_iter().map(|c| self.column("?column?", self.types[c].ty.clone().nullable(true))).collect();
        let (left, right) = (Box::new(base), Box::new(step));
        let both = HirRel::SetOp { kind: SetKind::Union, all: true, left, right, cols: cols.clone() };
        let Some((round, visible)) = cols.split_last().filter(|_| !all) else { return both };
        let first = AggregateExpr {
            func: AggregateFunc::Min,
            args: vec![ScalarExpr::Column(*round)],
            filter: None,
            distinct: false,
            order: Vec::new(),
            order_exprs: Vec::new(),
        };
        let keys = visible.iter().map(|c| (*c, ScalarExpr::Column(*c))).collect();
        HirRel::Reduce { input: Box::new(both), keys, aggregates: vec![(self.round(), first)] }
    }
}

fn column(col: ColId) -> Operand {
    Operand::Typed(ScalarExpr::Column(col))
}

fn integer(value: i64) -> ScalarExpr {
    constant(Datum::Int8(value), SqlType::Int8)
}
