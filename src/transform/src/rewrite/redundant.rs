//! Operators that change nothing go away.
//!
//! LAW: the result has the same rows. DISTINCT by a key, thresholds over what is never negative, limits that all rows meet, what is
//! added and taken away again, and joins that only look up what is known already, are removed.

mod join;

use crate::Context;
use crate::walk::typed;
use expr::plan_key::canonical;
use expr::relation::Id;
use expr::visit::grow;
use expr::{AggregateExpr, AggregateFunc, RelExpr, ScalarExpr};
use repr::{Datum, LocalId, RelationType, Row, SqlType};
use std::collections::BTreeSet;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    let mut signs = BTreeSet::new();
    thresholds(expr, &mut signs);
    join::apply(expr);
    typed(expr, &mut |node, inputs| {
        let replaced = match node {
            RelExpr::Reduce { input, group_key, aggregates, .. } => reduce(input, group_key, aggregates, &inputs[0]),
            RelExpr::TopK { .. } => top_k(node, &inputs[0]),
            RelExpr::Union { inputs } => cancel(inputs),
            _ => None,
        };
        replaced.map(|new| *node = new).is_some()
    });
}

/// Removes thresholds over what is never negative; says whether the result may be. `negative` holds names of which that is so.
fn thresholds(expr: &mut RelExpr, negative: &mut BTreeSet<LocalId>) -> bool {
    grow(|| match expr {
        RelExpr::Constant { rows, .. } => rows.as_ref().is_ok_and(|rows| rows.iter().any(|(_, diff)| *diff < 0)),
        RelExpr::Get { id: Id::Local(id), .. } => negative.contains(id),
        RelExpr::Get { .. } => false,
        RelExpr::Let { id, value, body } => {
            if thresholds(value, negative) {
                negative.insert(*id);
            }
            thresholds(body, negative)
        }
        RelExpr::LetRec { bindings, body } => {
            negative.extend(bindings.iter().map(|b| b.id));
            for binding in bindings {
                thresholds(&mut binding.value, negative);
            }
            thresholds(body, negative)
        }
        RelExpr::Negate { input } => {
            thresholds(input, negative);
            true
        }
        RelExpr::Threshold { input } => {
            if !thresholds(input, negative) {
                *expr = input.take();
            }
            false
        }
        RelExpr::Reduce { input, .. } | RelExpr::TopK { input, .. } | RelExpr::Window { input, .. } => {
            thresholds(input, negative);
            false
        }
        _ => {
            let mut any = false;
            for child in expr.children_mut() {
                any |= thresholds(child, negative);
            }
            any
        }
    })
}

/// Groups of one row each: a map.
fn reduce(
    input: &mut RelExpr,
    group_key: &[ScalarExpr],
    aggregates: &[AggregateExpr],
    typ: &RelationType,
) -> Option<RelExpr> {
    let grouped: BTreeSet<usize> =
        group_key.iter().filter_map(|e| if let ScalarExpr::Column(c) = e { Some(*c) } else { None }).collect();
    if !typ.keys.iter().any(|key| key.iter().all(|c| grouped.contains(c))) {
        return None;
    }
    let mut scalars: Vec<_> = group_key.iter().map(|e| canonical(e.clone(), &typ.columns)).collect();
    for aggregate in aggregates {
        scalars.push(of_one_row(aggregate)?);
    }
    // Columns are kept as they are, so that what is known of keys is too.
    let (mut made, mut outputs) = (Vec::new(), Vec::new());
    for scalar in scalars {
        outputs.push(if let ScalarExpr::Column(column) = scalar { column } else { typ.arity() + made.len() });
        if !matches!(scalar, ScalarExpr::Column(_)) {
            made.push(scalar);
        }
    }
    Some(input.take().map(made).project(outputs))
}

/// An aggregate over one row, where that is a scalar.
fn of_one_row(aggregate: &AggregateExpr) -> Option<ScalarExpr> {
    let one = || ScalarExpr::Literal(Ok(Row::pack([Datum::Int8(1)])), SqlType::Int8.nullable(false));
    match (&aggregate.func, &aggregate.args[..], &aggregate.filter) {
        (AggregateFunc::Count, [], None) => Some(one()),
        (AggregateFunc::Min | AggregateFunc::Max | AggregateFunc::BoolAnd | AggregateFunc::BoolOr, [arg], None) => {
            Some(arg.clone())
        }
        _ => None,
    }
}

fn top_k(node: &mut RelExpr, typ: &RelationType) -> Option<RelExpr> {
    let RelExpr::TopK { input, group_key, limit, offset, .. } = node else { return None };
    let limit = match limit {
        None => None,
        Some(ScalarExpr::Literal(Ok(row), _)) => match row.iter().next() {
            Some(Datum::Int8(n)) => Some(n),
            Some(Datum::Null) => None,
            _ => return None,
        },
        Some(_) => return None,
    };
    let unique = typ.keys.iter().any(|key| key.iter().all(|c| group_key.contains(c)));
    match limit {
        Some(n) if n <= 0 => Some(RelExpr::empty(typ.clone())),
        None if *offset == 0 => Some(input.take()),
        Some(_) if *offset == 0 && unique => Some(input.take()),
        _ => None,
    }
}

/// Drops inputs of a union that another takes away.
fn cancel(inputs: &mut Vec<RelExpr>) -> Option<RelExpr> {
    let pair = inputs.iter().enumerate().find_map(|(i, input)| {
        let RelExpr::Negate { input } = input else { return None };
        inputs.iter().position(|other| *other == **input).map(|j| (i, j))
    });
    let (i, j) = pair?;
    let typ = RelationType::new(inputs[i].typ().columns);
    let mut at = 0;
    inputs.retain(|_| {
        at += 1;
        at - 1 != i && at - 1 != j
    });
    Some(RelExpr::union_all(std::mem::take(inputs), typ))
}
