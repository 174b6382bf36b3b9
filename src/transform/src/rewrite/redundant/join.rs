//! Join inputs that only look up what another input has already.
//!
//! Decorrelation joins a relation with the distinct values of its own columns, and users join a view with the table that it selects
//! from. Where each row of one input surely has its one partner in another, and all columns of that are among its own, the join
//! with it changes nothing.

use crate::null_safe;
use crate::scalars::{equal_is_same, remap};
use expr::relation::{Id, JoinImplementation};
use expr::visit::grow;
use expr::{RelExpr, ScalarExpr};
use repr::{LocalId, RelationType};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What rows come from.
#[derive(Clone, PartialEq)]
enum Source {
    /// Something named.
    Named(Id),
    /// A filter over such: those are copied rather than named, so equal ones are recognised as they stand.
    Filtered(Rc<RelExpr>),
}

/// Where a collection's rows come from: each is made from a row of `id`.
#[derive(Clone)]
struct Origin {
    id: Source,
    /// Whether every row of `id` has made one.
    complete: bool,
    /// For each column, the column of `id` that it copies, if it is a copy.
    columns: Vec<Option<usize>>,
}

impl Origin {
    fn project(&self, outputs: impl Iterator<Item = Option<usize>>) -> Origin {
        let columns = outputs.map(|c| c.and_then(|c| self.columns[c])).collect();
        Origin { id: self.id.clone(), complete: self.complete, columns }
    }
}

/// Removes what it can, children first.
pub fn apply(expr: &mut RelExpr) {
    origins(expr, &mut BTreeMap::new());
}

fn origins(expr: &mut RelExpr, bound: &mut BTreeMap<LocalId, Vec<Origin>>) -> Vec<Origin> {
    grow(|| {
        if let RelExpr::Let { id, value, body } = expr {
            let value = origins(value, bound);
            bound.insert(*id, value);
            return origins(body, bound);
        }
        let mut inputs: Vec<_> = expr.children_mut().into_iter().map(|child| origins(child, bound)).collect();
        match expr {
            RelExpr::Get { id, typ } => {
                let own =
                    Origin { id: Source::Named(*id), complete: true, columns: (0..typ.arity()).map(Some).collect() };
                let of_value = if let Id::Local(local) = id { bound.get(local).cloned() } else { None };
                std::iter::once(own).chain(of_value.unwrap_or_default()).collect()
            }
            RelExpr::Project { outputs, .. } => {
                inputs[0].iter().map(|o| o.project(outputs.iter().map(|c| Some(*c)))).collect()
            }
            RelExpr::Map { scalars, .. } => inputs[0].iter().map(|o| with_nones(o, scalars.len(), true)).collect(),
            RelExpr::Filter { .. } => {
                let mut origins: Vec<_> = inputs[0].iter().map(|o| with_nones(o, 0, false)).collect();
                if super::super::lets::is_cheap(expr) {
                    let columns = (0..expr.arity()).map(Some).collect();
                    origins.push(Origin { id: Source::Filtered(Rc::new(expr.clone())), complete: true, columns });
                }
                origins
            }
            RelExpr::TopK { .. } => inputs[0].iter().map(|o| with_nones(o, 0, false)).collect(),
            RelExpr::Window { functions, .. } => {
                inputs[0].iter().map(|o| with_nones(o, functions.len(), true)).collect()
            }
            RelExpr::ArrangeBy { .. } => inputs.swap_remove(0),
            RelExpr::Reduce { group_key, aggregates, .. } => {
                let key = |e: &ScalarExpr| if let ScalarExpr::Column(c) = e { Some(*c) } else { None };
                let outputs = || group_key.iter().map(key).chain(aggregates.iter().map(|_| None));
                inputs[0].iter().map(|o| o.project(outputs())).collect()
            }
            RelExpr::Join { .. } => join(expr, inputs),
            _ => Vec::new(),
        }
    })
}

fn with_nones(origin: &Origin, more: usize, same_rows: bool) -> Origin {
    let mut origin = origin.clone();
    origin.columns.extend(std::iter::repeat_n(None, more));
    origin.complete &= same_rows;
    origin
}

/// Removes redundant inputs; gives the origins of what is left.
fn join(expr: &mut RelExpr, mut inputs: Vec<Vec<Origin>>) -> Vec<Origin> {
    let mut outputs = None;
    if let RelExpr::Join { inputs: parts, equivalences, implementation: JoinImplementation::Undecided } = expr {
        let mut types: Vec<_> = parts.iter().map(RelExpr::typ).collect();
        let mut places: Vec<usize> = (0..types.iter().map(RelationType::arity).sum()).collect();
        while let Some((gone, substitutes)) = redundant(&inputs, &types, equivalences) {
            let start: usize = types[..gone].iter().map(RelationType::arity).sum();
            let width = types[gone].arity();
            let place = |c: usize| {
                let c = if (start..start + width).contains(&c) { substitutes[c - start] } else { c };
                if c >= start + width { c - width } else { c }
            };
            equivalences.iter_mut().flatten().for_each(|e| *e = remap(e, &place));
            places.iter_mut().for_each(|c| *c = place(*c));
            parts.remove(gone);
            inputs.remove(gone);
            types.remove(gone);
            outputs = Some(places.clone());
        }
    }
    let RelExpr::Join { inputs: parts, .. } = &*expr else { return Vec::new() };
    let arities: Vec<usize> = parts.iter().map(RelExpr::arity).collect();
    let total = arities.iter().sum();
    let mut start = 0;
    let mut origins = Vec::new();
    for (of_input, arity) in inputs.into_iter().zip(arities) {
        for origin in of_input {
            let mut columns = vec![None; total];
            columns[start..start + arity].copy_from_slice(&origin.columns);
            origins.push(Origin { id: origin.id, complete: false, columns });
        }
        start += arity;
    }
    match outputs {
        Some(outputs) => {
            let projected = origins.iter().map(|o| o.project(outputs.iter().map(|c| Some(*c)))).collect();
            *expr = expr.take().project(outputs);
            projected
        }
        None => origins,
    }
}

/// An input that can go, and for each of its columns the column of another that equals it.
fn redundant(
    inputs: &[Vec<Origin>],
    types: &[RelationType],
    classes: &[Vec<ScalarExpr>],
) -> Option<(usize, Vec<usize>)> {
    let starts: Vec<usize> = types.iter().scan(0, |at, t| Some(std::mem::replace(at, *at + t.arity()))).collect();
    for (j, of_j) in inputs.iter().enumerate().rev() {
        for origin in of_j.iter().filter(|o| o.complete) {
            for (i, of_i) in inputs.iter().enumerate().filter(|(i, _)| *i != j) {
                for other in of_i.iter().filter(|o| o.id == origin.id) {
                    let found = partner(origin, other, &types[j], (starts[j], starts[i]), classes);
                    if let Some(substitutes) = found {
                        return Some((j, substitutes));
                    }
                }
            }
        }
    }
    None
}

/// For each column of an input, that of the other with the same origin, if the classes look its rows up by a key.
fn partner(
    origin: &Origin,
    other: &Origin,
    typ: &RelationType,
    (start, other_start): (usize, usize),
    classes: &[Vec<ScalarExpr>],
) -> Option<Vec<usize>> {
    let twin = |c: &Option<usize>| other.columns.iter().position(|o| c.is_some() && o == c).map(|o| o + other_start);
    let substitutes: Vec<usize> = origin.columns.iter().map(twin).collect::<Option<_>>()?;
    if !typ.columns.iter().all(|t| equal_is_same(&t.ty)) {
        return None;
    }
    let width = substitutes.len();
    let place = |c: usize| if (start..start + width).contains(&c) { substitutes[c - start] } else { c };
    let looked_up = |c: &usize| null_safe::look_up(c + start, classes, &|e| remap(e, &place));
    let keyed = typ.keys.iter().any(|key| key.iter().all(looked_up));
    keyed.then_some(substitutes)
}
