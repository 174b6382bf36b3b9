//! `Let`s stand in one chain at the top, and only where they share something.
//!
//! LAW: after this, a plan is `Let … in Let … in body` without a `Let` anywhere else (each binding of a `LetRec`, and its body, is
//! such a chain of its own); every value is used more than once and is worth sharing; every `Get` has its value's type.

use crate::Context;
use expr::RelExpr;
use expr::relation::Id;
use expr::visit::grow;
use repr::{LocalId, RelationType};
use std::collections::BTreeMap;

/// Constants of up to so many rows are copied rather than shared.
const COPY_ROWS_MAX: usize = 64;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    hoist(expr);
    let uses = Uses::of(expr);
    let mut inliner = Inliner { uses, values: BTreeMap::new(), types: BTreeMap::new() };
    inliner.inline(expr);
    hoist(expr);
}

/// Moves all `Let`s to the top. Names are unique, so no scope is in the way; what stands in a recursion stays in its part of it.
fn hoist(expr: &mut RelExpr) {
    let mut lets = Vec::new();
    collect(expr, &mut lets);
    for (id, value) in lets.into_iter().rev() {
        let body = Box::new(expr.take());
        *expr = RelExpr::Let { id, value: Box::new(value), body };
    }
}

fn collect(expr: &mut RelExpr, lets: &mut Vec<(LocalId, RelExpr)>) {
    grow(|| match expr {
        RelExpr::Let { id, value, body } => {
            collect(value, lets);
            lets.push((*id, value.take()));
            *expr = body.take();
            collect(expr, lets);
        }
        RelExpr::LetRec { .. } => expr.children_mut().into_iter().for_each(hoist),
        _ => expr.children_mut().into_iter().for_each(|child| collect(child, lets)),
    });
}

/// How often each name is used, and whether in a recursion that its value stands outside of.
#[derive(Default)]
struct Uses {
    count: BTreeMap<LocalId, usize>,
    bound_at: BTreeMap<LocalId, usize>,
    repeated: BTreeMap<LocalId, bool>,
}

impl Uses {
    fn of(expr: &RelExpr) -> Uses {
        let mut uses = Uses::default();
        uses.see(expr, 0);
        uses
    }

    fn see(&mut self, expr: &RelExpr, recursions: usize) {
        grow(|| match expr {
            RelExpr::Get { id: Id::Local(id), .. } => {
                *self.count.entry(*id).or_default() += 1;
                let repeated = self.bound_at.get(id).is_some_and(|at| *at != recursions);
                *self.repeated.entry(*id).or_default() |= repeated;
            }
            RelExpr::Let { id, value, body } => {
                self.see(value, recursions);
                self.bound_at.insert(*id, recursions);
                self.see(body, recursions);
            }
            RelExpr::LetRec { bindings, body } => {
                bindings.iter().for_each(|b| self.see(&b.value, recursions + 1));
                self.see(body, recursions);
            }
            _ => expr.children().into_iter().for_each(|child| self.see(child, recursions)),
        });
    }

    fn count(&self, id: LocalId) -> usize {
        self.count.get(&id).copied().unwrap_or(0)
    }

    fn inline(&self, id: LocalId) -> bool {
        self.count(id) == 1 && !self.repeated.get(&id).copied().unwrap_or(false)
    }
}

/// Whether copying is as good as sharing.
pub fn is_cheap(mut value: &RelExpr) -> bool {
    loop {
        match value {
            RelExpr::Get { .. } => return true,
            RelExpr::Constant { rows, .. } => return rows.as_ref().map_or(true, |rows| rows.len() <= COPY_ROWS_MAX),
            RelExpr::Project { input, .. } | RelExpr::Filter { input, .. } => value = input,
            _ => return false,
        }
    }
}

struct Inliner {
    uses: Uses,
    values: BTreeMap<LocalId, RelExpr>,
    types: BTreeMap<LocalId, RelationType>,
}

impl Inliner {
    fn inline(&mut self, expr: &mut RelExpr) {
        grow(|| match expr {
            RelExpr::Get { id: Id::Local(id), typ } => {
                if let Some(value) = self.values.get(id) {
                    *expr = value.clone();
                } else if let Some(refined) = self.types.get(id) {
                    *typ = refined.clone();
                }
            }
            RelExpr::Let { id, value, body } => {
                self.inline(value);
                let (id, mut body) = (*id, body.take());
                if self.uses.count(id) == 0 {
                    self.inline(&mut body);
                    *expr = body;
                } else if self.uses.inline(id) || is_cheap(value) {
                    self.values.insert(id, value.take());
                    self.inline(&mut body);
                    *expr = body;
                } else {
                    let value = value.take();
                    self.types.insert(id, value.typ());
                    self.inline(&mut body);
                    *expr = RelExpr::Let { id, value: Box::new(value), body: Box::new(body) };
                }
            }
            RelExpr::LetRec { bindings, body } => {
                bindings.iter_mut().for_each(|b| self.inline(&mut b.value));
                self.inline(body);
                if !bindings.iter().any(|b| mentions(body, b.id)) {
                    *expr = body.take();
                }
            }
            _ => expr.children_mut().into_iter().for_each(|child| self.inline(child)),
        });
    }
}

fn mentions(expr: &RelExpr, wanted: LocalId) -> bool {
    let mut found = false;
    expr.visit_pre(&mut |node| {
        found |= matches!(node, RelExpr::Get { id: Id::Local(id), .. } if *id == wanted);
    });
    found
}
