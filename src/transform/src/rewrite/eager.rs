//! Grouping before a join, where the groups after it follow the join's keys.
//!
//! `SELECT b.id, b.balance, count(*), sum(a.x) FROM b JOIN a ON a.b_id = b.id GROUP BY b.id, b.balance` groups `a` by `b_id` first: a change of
//! one row of `b` then meets one row, not all that it joins with.
//!
//! LAW: applied only where aggregates are over one input alone and add up from partial ones exactly, and where the other input's join keys are among
//! the group's: so there are no more partial groups than groups that could be shown. (Yan and Larson, "Eager aggregation and lazy
//! aggregation", VLDB 1995.)

use crate::Context;
use expr::func::casts;
use expr::visit::grow;
use expr::{AggregateExpr, AggregateFunc, RelExpr, ScalarExpr};
use repr::{ColumnType, SqlType};
use std::collections::BTreeSet;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    expr.visit_post_mut(&mut |node| {
        if let RelExpr::Reduce { input, group_key, aggregates, .. } = node
            && let Some(better) = grow(|| rewrite(input, group_key, aggregates))
        {
            *node = better;
        }
    });
}

/// A grouping of a join of two inputs, over the join's own columns.
struct Grouped<'a> {
    inputs: &'a [RelExpr],
    equivalences: &'a [Vec<ScalarExpr>],
    group_key: Vec<ScalarExpr>,
    aggregates: Vec<AggregateExpr>,
}

fn rewrite(input: &RelExpr, group_key: &[ScalarExpr], aggregates: &[AggregateExpr]) -> Option<RelExpr> {
    let (join, outputs) = match input {
        RelExpr::Project { input, outputs } => (&**input, Some(outputs)),
        other => (other, None),
    };
    let RelExpr::Join { inputs, equivalences, .. } = join else { return None };
    if inputs.len() != 2 || equivalences.is_empty() || aggregates.is_empty() {
        return None;
    }
    let through = |column: usize| outputs.map_or(column, |outputs| outputs[column]);
    let group_key: Vec<_> = group_key.iter().map(|key| over(key, &through)).collect();
    let mut aggregates = aggregates.to_vec();
    aggregates.iter_mut().flat_map(|a| &mut a.args).for_each(|arg| arg.remap(&through));
    let grouped = Grouped { inputs, equivalences, group_key, aggregates };
    [1, 0].into_iter().find_map(|side| grouped.before_join(side))
}

impl Grouped<'_> {
    /// Columns of the join that are those of an input.
    fn range(&self, side: usize) -> std::ops::Range<usize> {
        let start = if side == 0 { 0 } else { self.inputs[0].arity() };
        start..start + self.inputs[side].arity()
    }

    /// The same with the input `side` grouped first, if that is allowed and helps.
    fn before_join(&self, side: usize) -> Option<RelExpr> {
        let own = self.range(side);
        let inside = |expr: &ScalarExpr| expr.columns().iter().all(|c| own.contains(c));
        if !self.aggregates.iter().all(|a| adds_up(a) && a.args.iter().all(inside)) {
            return None;
        }
        let outside = |expr: &&ScalarExpr| expr.columns().iter().all(|c| !own.contains(c));
        let follows = |class: &Vec<ScalarExpr>| class.iter().filter(outside).all(|e| self.group_key.contains(e));
        if !self.equivalences.iter().all(follows) {
            return None;
        }
        let used = self.equivalences.iter().flatten().chain(&self.group_key).flat_map(ScalarExpr::columns);
        let keys: Vec<usize> =
            used.filter(|c| own.contains(c)).map(|c| c - own.start).collect::<BTreeSet<_>>().into_iter().collect();
        let typ = self.inputs[side].typ();
        let already_grouped = typ.keys.iter().any(|key| key.iter().all(|column| keys.contains(column)));
        (!already_grouped).then(|| self.build(side, &keys, &typ.columns))
    }

    fn build(&self, side: usize, keys: &[usize], columns: &[ColumnType]) -> RelExpr {
        let own = self.range(side);
        let mut partial = self.aggregates.clone();
        partial.iter_mut().flat_map(|a| &mut a.args).for_each(|arg| arg.remap(&|c| c - own.start));
        let final_types: Vec<_> = partial.iter().map(|a| a.typ(columns)).collect();
        let grouped = self.inputs[side].clone().reduce(keys.iter().map(|c| ScalarExpr::Column(*c)).collect(), partial);
        let shrunk = grouped.arity();
        let place = |column: usize| match keys.iter().position(|key| own.contains(&column) && own.start + key == column)
        {
            Some(position) => own.start + position,
            None if column < own.start => column,
            None => column - own.len() + shrunk,
        };
        let first = own.start + keys.len();
        let totals: Vec<_> = self.aggregates.iter().enumerate().map(|(i, a)| total(a, first + i)).collect();
        let mut inputs = self.inputs.to_vec();
        inputs[side] = grouped;
        let equivalences = self.equivalences.iter().map(|class| class.iter().map(|e| over(e, &place)).collect());
        let group_key: Vec<_> = self.group_key.iter().map(|key| over(key, &place)).collect();
        let groups = group_key.len();
        let reduced = RelExpr::join(inputs, equivalences.collect()).reduce(group_key, totals);
        with_types(reduced, groups, &final_types)
    }
}

/// An expression over other columns.
fn over(expr: &ScalarExpr, place: &dyn Fn(usize) -> usize) -> ScalarExpr {
    let mut moved = expr.clone();
    moved.remap(place);
    moved
}

/// Whether the aggregate of all rows is exactly an aggregate of the aggregates of any parts of them.
fn adds_up(aggregate: &AggregateExpr) -> bool {
    use AggregateFunc::{BoolAnd, BoolOr, Count, Max, Min, SumInt, SumInt8, SumNumeric};
    let plain = !aggregate.distinct && aggregate.filter.is_none() && aggregate.order.is_empty();
    plain && matches!(aggregate.func, Count | SumInt | SumInt8 | SumNumeric | Min | Max | BoolAnd | BoolOr)
}

/// The aggregate over partial ones, which stand in this column.
fn total(aggregate: &AggregateExpr, column: usize) -> AggregateExpr {
    let func = match &aggregate.func {
        AggregateFunc::Count | AggregateFunc::SumInt => AggregateFunc::SumInt8,
        AggregateFunc::SumInt8 => AggregateFunc::SumNumeric,
        other => other.clone(),
    };
    AggregateExpr { func, args: vec![ScalarExpr::Column(column)], ..aggregate.clone() }
}

/// Casts the aggregates' columns, which follow `groups` columns, where the total of partial ones is of a wider type.
fn with_types(reduced: RelExpr, groups: usize, wanted: &[ColumnType]) -> RelExpr {
    let types = reduced.typ().columns;
    let mut outputs: Vec<usize> = (0..groups).collect();
    let mut scalars = Vec::new();
    for (i, wanted) in wanted.iter().enumerate() {
        let column = groups + i;
        match casts::lookup(&types[column].ty, &SqlType::Int8) {
            Some((_, cast)) if types[column].ty != wanted.ty && wanted.ty == SqlType::Int8 => {
                outputs.push(types.len() + scalars.len());
                scalars.push(cast.apply(ScalarExpr::Column(column), &SqlType::Int8));
            }
            _ => outputs.push(column),
        }
    }
    if scalars.is_empty() { reduced } else { reduced.map(scalars).project(outputs) }
}
