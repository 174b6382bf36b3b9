//! Columns that nobody uses are dropped as early as they can be.
//!
//! LAW: the result's columns stay; below, each node is asked only for the columns that are used above it. `Threshold`, `TopK`
//! and DISTINCT look at whole rows, so they ask for all they have.

use crate::Context;
use crate::scalars::{remap, remap_all, support};
use expr::relation::Id;
use expr::visit::grow;
use expr::{AggregateExpr, ColumnOrder, RelExpr, ScalarExpr, WindowExpr};
use repr::LocalId;
use std::collections::{BTreeMap, BTreeSet};

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    let all: Vec<usize> = (0..expr.arity()).collect();
    let mut narrower = Narrower::default();
    *expr = narrower.narrow(expr.take(), &all);
}

/// The columns that uses of each bound name ask for, so far.
#[derive(Default)]
struct Narrower {
    asked: BTreeMap<LocalId, BTreeSet<usize>>,
}

/// Where a column stands among `kept`, which is sorted and has it.
fn place(kept: &[usize]) -> impl Fn(usize) -> usize + '_ {
    |c| kept.binary_search(&c).unwrap_or(usize::MAX)
}

fn project(expr: RelExpr, outputs: Vec<usize>, arity: usize) -> RelExpr {
    let identity = outputs.len() == arity && outputs.iter().enumerate().all(|(i, c)| i == *c);
    if identity { expr } else { expr.project(outputs) }
}

/// `expr`, which has the columns `kept` of another, projected to those of `wanted`.
fn project_kept(expr: RelExpr, kept: &[usize], wanted: &[usize]) -> RelExpr {
    project(expr, wanted.iter().map(|c| place(kept)(*c)).collect(), kept.len())
}

impl Narrower {
    /// An expression for just these columns of `expr`, which are sorted.
    fn narrow(&mut self, expr: RelExpr, wanted: &[usize]) -> RelExpr {
        grow(|| self.narrow_node(expr, wanted))
    }

    fn narrow_all(&mut self, expr: RelExpr) -> RelExpr {
        let all: Vec<usize> = (0..expr.arity()).collect();
        self.narrow(expr, &all)
    }

    fn narrow_node(&mut self, expr: RelExpr, wanted: &[usize]) -> RelExpr {
        match expr {
            RelExpr::Project { input, outputs } => {
                let kept: Vec<usize> =
                    wanted.iter().map(|c| outputs[*c]).collect::<BTreeSet<_>>().into_iter().collect();
                let outputs = wanted.iter().map(|c| place(&kept)(outputs[*c])).collect();
                project(self.narrow(*input, &kept), outputs, kept.len())
            }
            RelExpr::Map { input, scalars } => self.map(*input, scalars, wanted),
            RelExpr::Filter { input, predicates } => {
                let mut kept = support(&predicates);
                kept.extend(wanted);
                let kept: Vec<usize> = kept.into_iter().collect();
                let predicates = remap_all(&predicates, &place(&kept));
                project_kept(self.narrow(*input, &kept).filter(predicates), &kept, wanted)
            }
            RelExpr::FlatMap { input, func, args } => {
                let arity = input.arity();
                let whole = RelExpr::unit().flat_map(func.clone(), Vec::new()).arity();
                let mut kept = support(&args);
                kept.extend(wanted.iter().filter(|c| **c < arity));
                let mut kept: Vec<usize> = kept.into_iter().collect();
                let args = remap_all(&args, &place(&kept));
                let input = self.narrow(*input, &kept);
                kept.extend(arity..arity + whole);
                project_kept(input.flat_map(func, args), &kept, wanted)
            }
            RelExpr::Join { inputs, equivalences, implementation } => {
                let narrowed = self.join(inputs, equivalences, wanted);
                debug_assert!(implementation == Default::default(), "joins are narrowed before they are implemented");
                narrowed
            }
            RelExpr::Reduce { input, group_key, aggregates, .. } => self.reduce(*input, group_key, aggregates, wanted),
            RelExpr::Window { input, partition, order, functions } => {
                self.window(*input, partition, order, functions, wanted)
            }
            RelExpr::Negate { input } => self.narrow(*input, wanted).negate(),
            RelExpr::Union { inputs } => {
                let inputs = inputs.into_iter().map(|i| self.narrow(i, wanted)).collect();
                RelExpr::Union { inputs }
            }
            RelExpr::Get { id: Id::Local(id), ref typ } => {
                self.asked.entry(id).or_default().extend(wanted);
                let arity = typ.arity();
                // Always a projection, even of all columns: `bind` renumbers it.
                debug_assert!(wanted.iter().all(|c| *c < arity));
                expr.project(wanted.to_vec())
            }
            RelExpr::Let { id, value, body } => self.bind(id, *value, *body, wanted),
            RelExpr::LetRec { bindings, body } => self.recursion(bindings, *body, wanted),
            RelExpr::Get { .. } | RelExpr::Constant { .. } => {
                let arity = expr.arity();
                project(expr, wanted.to_vec(), arity)
            }
            mut whole @ (RelExpr::TopK { .. } | RelExpr::Threshold { .. } | RelExpr::ArrangeBy { .. }) => {
                let arity = whole.arity();
                for child in whole.children_mut() {
                    *child = self.narrow_all(child.take());
                }
                project(whole, wanted.to_vec(), arity)
            }
        }
    }

    fn map(&mut self, input: RelExpr, scalars: Vec<ScalarExpr>, wanted: &[usize]) -> RelExpr {
        let arity = input.arity();
        let mut used: BTreeSet<usize> = wanted.iter().copied().collect();
        for (i, scalar) in scalars.iter().enumerate().rev() {
            if used.contains(&(arity + i)) {
                used.extend(scalar.columns());
            }
        }
        let used: Vec<usize> = used.into_iter().collect();
        let below: Vec<usize> = used.iter().copied().filter(|c| *c < arity).collect();
        let kept = used.iter().filter(|c| **c >= arity).map(|c| remap(&scalars[c - arity], &place(&used))).collect();
        project_kept(self.narrow(input, &below).map(kept), &used, wanted)
    }

    fn join(&mut self, inputs: Vec<RelExpr>, equivalences: Vec<Vec<ScalarExpr>>, wanted: &[usize]) -> RelExpr {
        let mut used = support(equivalences.iter().flatten());
        used.extend(wanted);
        let used: Vec<usize> = used.into_iter().collect();
        let mut start = 0;
        let mut narrowed = Vec::new();
        for input in inputs {
            let end = start + input.arity();
            let own: Vec<usize> = used.iter().filter(|c| (start..end).contains(*c)).map(|c| c - start).collect();
            narrowed.push(self.narrow(input, &own));
            start = end;
        }
        let equivalences = equivalences.iter().map(|class| remap_all(class, &place(&used))).collect();
        project_kept(RelExpr::join(narrowed, equivalences), &used, wanted)
    }

    fn reduce(
        &mut self,
        input: RelExpr,
        group_key: Vec<ScalarExpr>,
        aggregates: Vec<AggregateExpr>,
        wanted: &[usize],
    ) -> RelExpr {
        let keys = group_key.len();
        let kept: Vec<usize> = (0..keys).chain(wanted.iter().copied().filter(|c| *c >= keys)).collect();
        let mut aggregates: Vec<_> = kept[keys..].iter().map(|c| aggregates[c - keys].clone()).collect();
        let mut exprs: Vec<&ScalarExpr> = group_key.iter().collect();
        for a in &aggregates {
            exprs.extend(a.args.iter().chain(&a.filter).chain(&a.order_exprs));
        }
        let used: Vec<usize> = support(exprs).into_iter().collect();
        let group_key = remap_all(&group_key, &place(&used));
        for a in &mut aggregates {
            let exprs = a.args.iter_mut().chain(&mut a.filter).chain(&mut a.order_exprs);
            exprs.for_each(|e| *e = remap(e, &place(&used)));
        }
        project_kept(self.narrow(input, &used).reduce(group_key, aggregates), &kept, wanted)
    }

    /// Functions that nobody uses go. Other columns of the input may decide between rows that the order leaves equal: they stay, unless
    /// there are no such rows or no function tells them apart.
    fn window(
        &mut self,
        input: RelExpr,
        partition: Vec<usize>,
        order: Vec<ColumnOrder>,
        functions: Vec<WindowExpr>,
        wanted: &[usize],
    ) -> RelExpr {
        let typ = input.typ();
        let arity = typ.arity();
        let mut functions: Vec<_> =
            wanted.iter().filter(|c| **c >= arity).map(|c| functions[c - arity].clone()).collect();
        if functions.is_empty() {
            return self.narrow(input, wanted);
        }
        let mut used: BTreeSet<usize> = partition.iter().copied().chain(order.iter().map(|o| o.column)).collect();
        let no_ties = typ.keys.iter().any(|key| key.iter().all(|c| used.contains(c)));
        if no_ties || functions.iter().all(WindowExpr::ignores_ties) {
            used.extend(support(functions.iter().flat_map(WindowExpr::scalars)));
            used.extend(wanted.iter().filter(|c| **c < arity));
        } else {
            used.extend(0..arity);
        }
        let mut kept: Vec<usize> = used.into_iter().collect();
        functions.iter_mut().flat_map(WindowExpr::scalars_mut).for_each(|e| *e = remap(e, &place(&kept)));
        let partition = partition.into_iter().map(place(&kept)).collect();
        let order = order.into_iter().map(|o| ColumnOrder { column: place(&kept)(o.column), ..o }).collect();
        let windowed = self.narrow(input, &kept).window(partition, order, functions);
        kept.extend(wanted.iter().filter(|c| **c >= arity));
        project_kept(windowed, &kept, wanted)
    }

    fn bind(&mut self, id: LocalId, value: RelExpr, body: RelExpr, wanted: &[usize]) -> RelExpr {
        let mut body = self.narrow(body, wanted);
        let asked: Vec<usize> = self.asked.remove(&id).unwrap_or_default().into_iter().collect();
        let value = self.narrow(value, &asked);
        let typ = value.typ();
        body.visit_post_mut(&mut |node| {
            if let RelExpr::Project { input, outputs } = node
                && let RelExpr::Get { id: Id::Local(get), typ: old } = &mut **input
                && *get == id
            {
                *old = typ.clone();
                outputs.iter_mut().for_each(|c| *c = place(&asked)(*c));
            }
        });
        RelExpr::Let { id, value: Box::new(value), body: Box::new(body) }
    }

    /// A recursion keeps all columns of its bindings.
    fn recursion(&mut self, mut bindings: Vec<expr::relation::RecBinding>, body: RelExpr, wanted: &[usize]) -> RelExpr {
        let body = Box::new(self.narrow(body, wanted));
        for binding in &mut bindings {
            binding.value = self.narrow_all(binding.value.take());
        }
        bindings.iter().for_each(|b| {
            self.asked.remove(&b.id);
        });
        RelExpr::LetRec { bindings, body }
    }
}
