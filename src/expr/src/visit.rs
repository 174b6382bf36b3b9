//! Walks over relational and physical plans.
//!
//! Every recursive walk of a plan goes through [`grow`], so that no plan a user can write overflows the stack.

use crate::plan::Plan;
use crate::relation::{Id, RelExpr};
use crate::scalar::ScalarExpr;
use crate::window::WindowExpr;
use repr::{GlobalId, LocalId};
use std::collections::{BTreeMap, BTreeSet};

/// Stack that must be left before a new piece is allocated; unoptimised builds have frames of several KiB.
const RED_ZONE_BYTES: usize = 128 << 10;
/// Size of a new piece of stack.
const STACK_PIECE_BYTES: usize = 2 << 20;

/// Runs `f` with enough stack for one more level of recursion.
pub fn grow<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE_BYTES, STACK_PIECE_BYTES, f)
}

impl RelExpr {
    /// The direct inputs, in order. A `Let`'s are its value and its body.
    pub fn children(&self) -> Vec<&RelExpr> {
        match self {
            RelExpr::Constant { .. } | RelExpr::Get { .. } => Vec::new(),
            RelExpr::Let { value, body, .. } => vec![value, body],
            RelExpr::LetRec { bindings, body } => {
                bindings.iter().map(|b| &b.value).chain(std::iter::once(&**body)).collect()
            }
            RelExpr::Project { input, .. }
            | RelExpr::Map { input, .. }
            | RelExpr::FlatMap { input, .. }
            | RelExpr::Filter { input, .. }
            | RelExpr::Reduce { input, .. }
            | RelExpr::TopK { input, .. }
            | RelExpr::Window { input, .. }
            | RelExpr::Negate { input }
            | RelExpr::Threshold { input }
            | RelExpr::ArrangeBy { input, .. } => vec![input],
            RelExpr::Join { inputs, .. } | RelExpr::Union { inputs } => inputs.iter().collect(),
        }
    }

    /// The direct inputs, in order, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut RelExpr> {
        match self {
            RelExpr::Constant { .. } | RelExpr::Get { .. } => Vec::new(),
            RelExpr::Let { value, body, .. } => vec![value, body],
            RelExpr::LetRec { bindings, body } => {
                bindings.iter_mut().map(|b| &mut b.value).chain(std::iter::once(&mut **body)).collect()
            }
            RelExpr::Project { input, .. }
            | RelExpr::Map { input, .. }
            | RelExpr::FlatMap { input, .. }
            | RelExpr::Filter { input, .. }
            | RelExpr::Reduce { input, .. }
            | RelExpr::TopK { input, .. }
            | RelExpr::Window { input, .. }
            | RelExpr::Negate { input }
            | RelExpr::Threshold { input }
            | RelExpr::ArrangeBy { input, .. } => vec![input],
            RelExpr::Join { inputs, .. } | RelExpr::Union { inputs } => inputs.iter_mut().collect(),
        }
    }

    /// Calls `f` on every node, parents first.
    pub fn visit_pre<'a>(&'a self, f: &mut dyn FnMut(&'a RelExpr)) {
        grow(|| {
            f(self);
            for child in self.children() {
                child.visit_pre(f);
            }
        });
    }

    /// Calls `f` on every node, children first.
    pub fn visit_post<'a>(&'a self, f: &mut dyn FnMut(&'a RelExpr)) {
        grow(|| {
            for child in self.children() {
                child.visit_post(f);
            }
            f(self);
        });
    }

    /// Calls `f` on every node, parents first; it sees the children of what it leaves.
    pub fn visit_pre_mut(&mut self, f: &mut dyn FnMut(&mut RelExpr)) {
        grow(|| {
            f(self);
            for child in self.children_mut() {
                child.visit_pre_mut(f);
            }
        });
    }

    /// Calls `f` on every node, children first.
    pub fn visit_post_mut(&mut self, f: &mut dyn FnMut(&mut RelExpr)) {
        grow(|| {
            for child in self.children_mut() {
                child.visit_post_mut(f);
            }
            f(self);
        });
    }

    /// Calls `f` on every node, children first, until it fails.
    pub fn try_visit_post_mut<E>(&mut self, f: &mut dyn FnMut(&mut RelExpr) -> Result<(), E>) -> Result<(), E> {
        grow(|| {
            for child in self.children_mut() {
                child.try_visit_post_mut(f)?;
            }
            f(self)
        })
    }

    /// The scalar expressions of this node itself; each ranges over the columns of its input (a join's over all inputs').
    pub fn scalars(&self) -> Vec<&ScalarExpr> {
        match self {
            RelExpr::Map { scalars, .. } => scalars.iter().collect(),
            RelExpr::FlatMap { args, .. } => args.iter().collect(),
            RelExpr::Filter { predicates, .. } => predicates.iter().collect(),
            RelExpr::Join { equivalences, .. } => equivalences.iter().flatten().collect(),
            RelExpr::Reduce { group_key, aggregates, .. } => {
                let of_aggregates =
                    aggregates.iter().flat_map(|a| a.args.iter().chain(&a.filter).chain(&a.order_exprs));
                group_key.iter().chain(of_aggregates).collect()
            }
            RelExpr::TopK { limit, .. } => limit.iter().collect(),
            RelExpr::Window { functions, .. } => functions.iter().flat_map(WindowExpr::scalars).collect(),
            RelExpr::ArrangeBy { keys, .. } => keys.iter().flatten().collect(),
            _ => Vec::new(),
        }
    }

    /// The scalar expressions of this node itself, to be changed.
    pub fn scalars_mut(&mut self) -> Vec<&mut ScalarExpr> {
        match self {
            RelExpr::Map { scalars, .. } => scalars.iter_mut().collect(),
            RelExpr::FlatMap { args, .. } => args.iter_mut().collect(),
            RelExpr::Filter { predicates, .. } => predicates.iter_mut().collect(),
            RelExpr::Join { equivalences, .. } => equivalences.iter_mut().flatten().collect(),
            RelExpr::Reduce { group_key, aggregates, .. } => {
                let of_aggregates = aggregates
                    .iter_mut()
                    .flat_map(|a| a.args.iter_mut().chain(&mut a.filter).chain(&mut a.order_exprs));
                group_key.iter_mut().chain(of_aggregates).collect()
            }
            RelExpr::TopK { limit, .. } => limit.iter_mut().collect(),
            RelExpr::Window { functions, .. } => functions.iter_mut().flat_map(WindowExpr::scalars_mut).collect(),
            RelExpr::ArrangeBy { keys, .. } => keys.iter_mut().flatten().collect(),
            _ => Vec::new(),
        }
    }

    /// Calls `f` on every scalar expression of the plan (the roots, not what is inside them).
    pub fn visit_scalars_mut(&mut self, f: &mut dyn FnMut(&mut ScalarExpr)) {
        self.visit_post_mut(&mut |node| node.scalars_mut().into_iter().for_each(&mut *f));
    }

    /// The catalog objects that the plan reads.
    pub fn depends_on(&self) -> BTreeSet<GlobalId> {
        let mut ids = BTreeSet::new();
        self.visit_pre(&mut |node| {
            if let RelExpr::Get { id: Id::Global(id), .. } = node {
                ids.insert(*id);
            }
        });
        ids
    }

    /// How many nodes the plan has.
    pub fn size(&self) -> usize {
        let mut size = 0;
        self.visit_pre(&mut |_| size += 1);
        size
    }
}

/// Hands out names for `Let`s that are unused in the plans it was made for.
#[derive(Clone, Debug, Default)]
pub struct LocalIds {
    next: u64,
}

impl LocalIds {
    /// Starts at zero: for building a plan from nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts after every name bound or used in `expr`.
    pub fn above(expr: &RelExpr) -> Self {
        let mut ids = LocalIds::new();
        ids.reserve(expr);
        ids
    }

    /// Avoids every name bound or used in `expr` from now on.
    pub fn reserve(&mut self, expr: &RelExpr) {
        let mut next = self.next;
        let mut see = |id: &LocalId| next = next.max(id.0 + 1);
        expr.visit_pre(&mut |node| match node {
            RelExpr::Get { id: Id::Local(id), .. } | RelExpr::Let { id, .. } => see(id),
            RelExpr::LetRec { bindings, .. } => bindings.iter().for_each(|b| see(&b.id)),
            _ => {}
        });
        self.next = next;
    }

    /// Gives every `Let` of `expr` a fresh name: for putting a plan into another.
    pub fn rename(&mut self, expr: &mut RelExpr) {
        let mut names = BTreeMap::new();
        let mut name = |id: LocalId| {
            names.insert(id, self.fresh());
        };
        expr.visit_pre(&mut |node| match node {
            RelExpr::Let { id, .. } => name(*id),
            RelExpr::LetRec { bindings, .. } => bindings.iter().for_each(|b| name(b.id)),
            _ => {}
        });
        let rename = |id: &mut LocalId| *id = names.get(id).copied().unwrap_or(*id);
        expr.visit_post_mut(&mut |node| match node {
            RelExpr::Let { id, .. } | RelExpr::Get { id: Id::Local(id), .. } => rename(id),
            RelExpr::LetRec { bindings, .. } => bindings.iter_mut().for_each(|b| rename(&mut b.id)),
            _ => {}
        });
    }

    /// A fresh name.
    pub fn fresh(&mut self) -> LocalId {
        self.next += 1;
        LocalId(self.next - 1)
    }
}

impl Plan {
    /// The direct inputs, in order.
    pub fn children(&self) -> Vec<&Plan> {
        match self {
            Plan::Constant { .. } | Plan::Get { .. } => Vec::new(),
            Plan::Let { value, body, .. } => vec![value, body],
            Plan::LetRec { bindings, body } => {
                bindings.iter().map(|(_, value, _)| value).chain(std::iter::once(&**body)).collect()
            }
            Plan::Mfp { input, .. }
            | Plan::FlatMap { input, .. }
            | Plan::Reduce { input, .. }
            | Plan::TopK { input, .. }
            | Plan::Window { input, .. }
            | Plan::TemporalFilter { input, .. }
            | Plan::Negate { input }
            | Plan::Threshold { input }
            | Plan::ArrangeBy { input, .. } => vec![input],
            Plan::Join { inputs, .. } | Plan::Union { inputs } => inputs.iter().collect(),
        }
    }

    /// The direct inputs, in order, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Plan> {
        match self {
            Plan::Constant { .. } | Plan::Get { .. } => Vec::new(),
            Plan::Let { value, body, .. } => vec![value, body],
            Plan::LetRec { bindings, body } => {
                bindings.iter_mut().map(|(_, value, _)| value).chain(std::iter::once(&mut **body)).collect()
            }
            Plan::Mfp { input, .. }
            | Plan::FlatMap { input, .. }
            | Plan::Reduce { input, .. }
            | Plan::TopK { input, .. }
            | Plan::Window { input, .. }
            | Plan::TemporalFilter { input, .. }
            | Plan::Negate { input }
            | Plan::Threshold { input }
            | Plan::ArrangeBy { input, .. } => vec![input],
            Plan::Join { inputs, .. } | Plan::Union { inputs } => inputs.iter_mut().collect(),
        }
    }

    /// Calls `f` on every node, parents first.
    pub fn visit_pre<'a>(&'a self, f: &mut dyn FnMut(&'a Plan)) {
        grow(|| {
            f(self);
            for child in self.children() {
                child.visit_pre(f);
            }
        });
    }

    /// The catalog objects that the plan reads.
    pub fn depends_on(&self) -> BTreeSet<GlobalId> {
        let mut ids = BTreeSet::new();
        self.visit_pre(&mut |node| {
            if let Plan::Get { id: Id::Global(id), .. } = node {
                ids.insert(*id);
            }
        });
        ids
    }
}
