//! Predicates sink to where they first can be decided; equalities between inputs become a join's classes.
//!
//! LAW: the result has the same rows. A predicate may be evaluated on rows that another operator would have dropped later, as in
//! PostgreSQL; what is known after a join to be equal to a constant is known of all its inputs before.

mod join;

use super::fuse::through_map;
use crate::Context;
use crate::scalars::{conjuncts, equal_is_same, remap_all, size, substitute, support};
use expr::plan_key::canonical;
use expr::relation::Id;
use expr::visit::grow;
use expr::{RelExpr, ScalarExpr};
use repr::LocalId;
use std::collections::BTreeMap;

/// A predicate that grows beyond this by taking in what a `Map` computes stays above the `Map`.
const INLINED_SIZE_MAX: usize = 64;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    let mut pusher = Pusher::default();
    *expr = pusher.push(expr.take(), Vec::new());
}

/// For each bound name the predicates that all its uses have in common, so far.
#[derive(Default)]
struct Pusher {
    common: BTreeMap<LocalId, Vec<ScalarExpr>>,
}

impl Pusher {
    /// `expr` where all `predicates` are true.
    fn push(&mut self, expr: RelExpr, predicates: Vec<ScalarExpr>) -> RelExpr {
        grow(|| self.push_node(expr, conjuncts(predicates)))
    }

    fn push_node(&mut self, expr: RelExpr, mut predicates: Vec<ScalarExpr>) -> RelExpr {
        match expr {
            RelExpr::Filter { input, predicates: own } => {
                predicates.splice(0..0, own);
                self.push(*input, predicates)
            }
            RelExpr::Project { input, outputs } => {
                let predicates = remap_all(&predicates, &|c| outputs[c]);
                self.push(*input, predicates).project(outputs)
            }
            RelExpr::Map { input, scalars } => self.map(*input, scalars, predicates),
            RelExpr::FlatMap { input, func, args } => {
                let arity = input.arity();
                let (below, above) = split(predicates, |p| p.columns().iter().all(|c| *c < arity));
                self.push(*input, below).flat_map(func, args).filter(above)
            }
            RelExpr::Join { inputs, equivalences, .. } => self.join(inputs, equivalences, predicates),
            RelExpr::Reduce { .. } => self.reduce(expr, predicates),
            RelExpr::TopK { .. } => self.top_k(expr, predicates),
            RelExpr::Window { .. } => self.window(expr, predicates),
            RelExpr::Negate { input } => self.push(*input, predicates).negate(),
            RelExpr::Threshold { input } => self.push(*input, predicates).threshold(),
            RelExpr::Union { inputs } => {
                let inputs = inputs.into_iter().map(|i| self.push(i, predicates.clone())).collect();
                RelExpr::Union { inputs }
            }
            RelExpr::ArrangeBy { input, keys } => self.push(*input, Vec::new()).arrange_by(keys).filter(predicates),
            RelExpr::Let { id, value, body } => self.bind(id, *value, *body, predicates),
            RelExpr::LetRec { mut bindings, body } => {
                for binding in &mut bindings {
                    binding.value = self.push(binding.value.take(), Vec::new());
                }
                let body = Box::new(self.push(*body, predicates));
                RelExpr::LetRec { bindings, body }
            }
            RelExpr::Get { id: Id::Local(id), .. } => {
                let common = self.common.entry(id).or_insert_with(|| predicates.clone());
                common.retain(|p| predicates.contains(p));
                expr.filter(predicates)
            }
            RelExpr::Get { .. } | RelExpr::Constant { .. } => expr.filter(predicates),
        }
    }

    fn map(&mut self, input: RelExpr, scalars: Vec<ScalarExpr>, predicates: Vec<ScalarExpr>) -> RelExpr {
        let arity = input.arity();
        let (mut below, mut above) = (Vec::new(), Vec::new());
        for predicate in predicates {
            let inlined = through_map(&predicate, arity, &scalars);
            if size(&inlined) <= INLINED_SIZE_MAX.max(size(&predicate)) {
                below.push(inlined);
            } else {
                above.push(predicate);
            }
        }
        self.push(input, below).map(scalars).filter(above)
    }

    /// A predicate over the group key decides on whole groups.
    fn reduce(&mut self, expr: RelExpr, predicates: Vec<ScalarExpr>) -> RelExpr {
        let RelExpr::Reduce { input, group_key, aggregates, monotonic } = expr else { return expr.filter(predicates) };
        let of_key = |p: &ScalarExpr| {
            let columns = p.columns();
            !columns.is_empty() && columns.iter().all(|c| *c < group_key.len())
        };
        let (below, above) = split(predicates, of_key);
        let columns = if below.is_empty() { Vec::new() } else { input.typ().columns };
        let value = |c: usize| Some(canonical(group_key[c].clone(), &columns));
        let below = below.iter().map(|p| substitute(p, &value)).collect();
        let input = Box::new(self.push(*input, below));
        RelExpr::Reduce { input, group_key, aggregates, monotonic }.filter(above)
    }

    /// As for `Reduce`, where the rows of a group cannot differ in what the predicate sees.
    fn top_k(&mut self, expr: RelExpr, predicates: Vec<ScalarExpr>) -> RelExpr {
        let RelExpr::TopK { input, group_key, order, limit, offset, monotonic } = expr else {
            return expr.filter(predicates);
        };
        let typ = input.typ();
        let of_key = |p: &ScalarExpr| {
            let columns = p.columns();
            let whole = |c: &usize| group_key.contains(c) && equal_is_same(&typ.columns[*c].ty);
            !columns.is_empty() && columns.iter().all(whole)
        };
        let (below, above) = split(predicates, of_key);
        let input = Box::new(self.push(*input, below));
        RelExpr::TopK { input, group_key, order, limit, offset, monotonic }.filter(above)
    }

    /// As for `TopK`: a predicate over what divides the rows into partitions decides on whole partitions.
    fn window(&mut self, expr: RelExpr, predicates: Vec<ScalarExpr>) -> RelExpr {
        let RelExpr::Window { input, partition, order, functions } = expr else { return expr.filter(predicates) };
        let typ = input.typ();
        let of_partition = |p: &ScalarExpr| {
            let columns = p.columns();
            let whole = |c: &usize| partition.contains(c) && equal_is_same(&typ.columns[*c].ty);
            !columns.is_empty() && columns.iter().all(whole)
        };
        let (below, above) = split(predicates, of_partition);
        let input = self.push(*input, below);
        input.window(partition, order, functions).filter(above)
    }

    /// Predicates that every use of a bound name has sink into its value, and are not asked again.
    fn bind(&mut self, id: LocalId, value: RelExpr, body: RelExpr, predicates: Vec<ScalarExpr>) -> RelExpr {
        let mut body = self.push(body, predicates);
        let common = self.common.remove(&id).unwrap_or_default();
        let value = self.push(value, common.clone());
        let typ = value.typ();
        body.visit_post_mut(&mut |node| match node {
            RelExpr::Get { id: Id::Local(get), typ: old } if *get == id => *old = typ.clone(),
            _ => without(node, id, &common),
        });
        RelExpr::Let { id, value: Box::new(value), body: Box::new(body) }
    }
}

fn without(node: &mut RelExpr, id: LocalId, decided: &[ScalarExpr]) {
    let RelExpr::Filter { input, predicates } = node else { return };
    if matches!(**input, RelExpr::Get { id: Id::Local(get), .. } if get == id) {
        predicates.retain(|p| !decided.contains(p));
        if predicates.is_empty() {
            *node = input.take();
        }
    }
}

fn split(predicates: Vec<ScalarExpr>, below: impl Fn(&ScalarExpr) -> bool) -> (Vec<ScalarExpr>, Vec<ScalarExpr>) {
    predicates.into_iter().partition(|p| below(p))
}

/// The single input whose columns an expression uses.
fn single_input(expr: &ScalarExpr, owner: &[usize]) -> Option<usize> {
    let columns = support([expr]);
    let first = owner[*columns.first()?];
    columns.iter().all(|c| owner[*c] == first).then_some(first)
}
