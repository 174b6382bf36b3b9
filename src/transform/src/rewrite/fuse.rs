//! Neighbours of one kind become one node, and projections rise.
//!
//! LAW: after this no `Map` stands on a `Map`, no `Filter` on a `Filter`, no `Project`, `Negate` or undecided `Join` on its like, no
//! `Union` in a `Union`; and `Map`, `Filter` and `Join` have no `Project` under them. Rows and their order of columns stay.

use crate::Context;
use crate::scalars::{remap, remap_all, substitute};
use expr::visit::grow;
use expr::{RelExpr, ScalarExpr};

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    fuse(expr);
}

fn fuse(expr: &mut RelExpr) {
    grow(|| {
        expr.children_mut().into_iter().for_each(fuse);
        while step(expr) {}
    });
}

/// One rewrite at the root, whose inputs are fused already; says whether there was something to do.
fn step(expr: &mut RelExpr) -> bool {
    match expr {
        RelExpr::Project { input, outputs } => project(input, outputs).map(|new| *expr = new).is_some(),
        RelExpr::Map { input, scalars } => map(input, scalars).map(|new| *expr = new).is_some(),
        RelExpr::Filter { input, predicates } => filter(input, predicates).map(|new| *expr = new).is_some(),
        RelExpr::Negate { input } => negate(input).map(|new| *expr = new).is_some(),
        RelExpr::Union { inputs } => union(inputs).map(|new| *expr = new).is_some(),
        RelExpr::Join { .. } => super::fuse_join::step(expr),
        RelExpr::ArrangeBy { input, keys } if keys.is_empty() => {
            *expr = input.take();
            true
        }
        _ => false,
    }
}

fn project(input: &mut RelExpr, outputs: &[usize]) -> Option<RelExpr> {
    if let RelExpr::Project { input, outputs: inner } = input {
        let composed = outputs.iter().map(|c| inner[*c]).collect();
        return Some(input.take().project(composed));
    }
    let identity = outputs.iter().enumerate().all(|(i, c)| i == *c) && outputs.len() == input.arity();
    identity.then(|| input.take())
}

fn map(input: &mut RelExpr, scalars: &mut Vec<ScalarExpr>) -> Option<RelExpr> {
    if scalars.is_empty() {
        return Some(input.take());
    }
    match input {
        RelExpr::Map { input, scalars: inner } => {
            inner.append(scalars);
            return Some(input.take().map(std::mem::take(inner)));
        }
        RelExpr::Project { input, outputs } => return Some(map_over_project(input, outputs, scalars)),
        _ => {}
    }
    let arity = input.arity();
    scalars.iter().any(|s| matches!(s, ScalarExpr::Column(_))).then(|| map_without_copies(input.take(), scalars, arity))
}

fn map_over_project(input: &mut RelExpr, outputs: &[usize], scalars: &[ScalarExpr]) -> RelExpr {
    let (below, above) = (input.arity(), outputs.len());
    let place = |c: usize| if c < above { outputs[c] } else { c - above + below };
    let scalars = remap_all(scalars, &place);
    let outputs = (0..above + scalars.len()).map(place).collect();
    done(input.take().map(scalars)).project(outputs)
}

/// A mapped column that only repeats another becomes part of a projection.
fn map_without_copies(input: RelExpr, scalars: &[ScalarExpr], arity: usize) -> RelExpr {
    let mut places: Vec<usize> = (0..arity).collect();
    let mut kept = Vec::new();
    for scalar in scalars {
        match remap(scalar, &|c| places[c]) {
            ScalarExpr::Column(c) => places.push(c),
            other => {
                places.push(arity + kept.len());
                kept.push(other);
            }
        }
    }
    input.map(kept).project(places)
}

fn filter(input: &mut RelExpr, predicates: &mut Vec<ScalarExpr>) -> Option<RelExpr> {
    if predicates.is_empty() {
        return Some(input.take());
    }
    match input {
        RelExpr::Filter { input, predicates: inner } => {
            inner.append(predicates);
            Some(input.take().filter(std::mem::take(inner)))
        }
        RelExpr::Project { input, outputs } => {
            let predicates = remap_all(predicates, &|c| outputs[c]);
            Some(done(input.take().filter(predicates)).project(std::mem::take(outputs)))
        }
        _ => None,
    }
}

fn negate(input: &mut RelExpr) -> Option<RelExpr> {
    match input {
        RelExpr::Negate { input } => Some(input.take()),
        RelExpr::Project { input, outputs } => Some(done(input.take().negate()).project(std::mem::take(outputs))),
        RelExpr::Union { inputs } => {
            let inputs = inputs.drain(..).map(|i| done(i.negate())).collect();
            Some(RelExpr::Union { inputs })
        }
        _ => None,
    }
}

/// `expr`, whose inputs are fused already, fused.
fn done(mut expr: RelExpr) -> RelExpr {
    while step(&mut expr) {}
    expr
}

fn union(inputs: &mut Vec<RelExpr>) -> Option<RelExpr> {
    if inputs.len() == 1 {
        return inputs.pop();
    }
    if !inputs.iter().any(|i| matches!(i, RelExpr::Union { .. })) {
        return None;
    }
    let flat = |input| match input {
        RelExpr::Union { inputs } => inputs,
        other => vec![other],
    };
    Some(RelExpr::Union { inputs: inputs.drain(..).flat_map(flat).collect() })
}

/// The expression over the input of a `Map` that stands for `expr` over its output.
pub fn through_map(expr: &ScalarExpr, arity: usize, scalars: &[ScalarExpr]) -> ScalarExpr {
    grow(|| substitute(expr, &|c| c.checked_sub(arity).map(|i| through_map(&scalars[i], arity, scalars))))
}

/// Fuses what decided joins leave: neighbours of one kind only, without raising anything through joins.
pub fn tidy(expr: &mut RelExpr, cx: &Context<'_>) {
    apply(expr, cx);
}
