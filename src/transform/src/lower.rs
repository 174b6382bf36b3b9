//! From the relational plan to the physical plan.
//!
//! LAW: maps, filters and projections are fused into the node below them. Everything that is compared by its encoding (group keys,
//! join keys, keys of arrangements, distinct arguments) is brought to canonical form. Rows with a NULL in a join key are
//! dropped from the stream before it looks anything up.

mod join;
mod temporal;

use crate::TransformError;
use crate::mfps::{compose, peel};
use crate::scalars::{remap, support};
use expr::plan::Key;
use expr::plan_key::{canonical, canonical_key, comparable_key};
use expr::relation::{Id, RecBinding};
use expr::visit::grow;
use expr::window::Windows;
use expr::{AggregateExpr, ColumnOrder, Mfp, Plan, RelExpr, ScalarExpr, WindowExpr};
use repr::{ColumnType, GlobalId, LocalId};
use std::collections::BTreeMap;

/// Lowers an optimized plan. `indexes` are the keys, canonical, of arrangements that `Get`s of each object can read.
pub fn lower(expr: &RelExpr, indexes: &BTreeMap<GlobalId, Vec<Key>>) -> Result<Plan, TransformError> {
    Lowerer { indexes, recursive: false }.lower(expr)
}

struct Lowerer<'a> {
    indexes: &'a BTreeMap<GlobalId, Vec<Key>>,
    /// Whether this is inside of a recursion, where time is of more than one dimension.
    recursive: bool,
}

impl Lowerer<'_> {
    fn lower(&self, expr: &RelExpr) -> Result<Plan, TransformError> {
        grow(|| {
            let (mut mfp, node) = peel(expr);
            let arity = mfp.arity();
            let bounds = if self.recursive { Vec::new() } else { temporal::extract(&mut mfp) };
            check_materializable(&mfp)?;
            let plan = self.lower_node(node, mfp)?;
            if bounds.is_empty() {
                return Ok(plan);
            }
            Ok(Plan::TemporalFilter { input: Box::new(plan), arity, bounds })
        })
    }

    /// A node, and `mfp` on top of it.
    fn lower_node(&self, node: &RelExpr, mfp: Mfp) -> Result<Plan, TransformError> {
        for scalar in node.scalars() {
            scalar_is_materializable(scalar)?;
        }
        let plan = match node {
            RelExpr::Get { id, typ } => return Ok(self.get(*id, &typ.columns, mfp)),
            RelExpr::FlatMap { input, func, args } => {
                let input = Box::new(self.lower(input)?);
                return Ok(Plan::FlatMap { input, func: func.clone(), args: args.clone(), mfp });
            }
            RelExpr::Join { inputs, equivalences, implementation } => {
                return self.join(inputs, equivalences, implementation, mfp);
            }
            RelExpr::Reduce { input, group_key, aggregates, monotonic } => {
                return self.reduce(input, group_key, aggregates, *monotonic, mfp);
            }
            RelExpr::TopK { .. } => return self.top_k(node, mfp),
            RelExpr::Window { input, partition, order, functions } => {
                return self.window(input, partition, order, functions, mfp);
            }
            RelExpr::Map { .. } | RelExpr::Filter { .. } | RelExpr::Project { .. } => {
                return Err(TransformError::Internal("a fused node was not peeled".into()));
            }
            RelExpr::Constant { rows, typ } => Plan::Constant { rows: rows.clone(), types: typ.columns.clone() },
            RelExpr::Let { id, value, body } => {
                let (value, body) = (self.lower(value)?, self.lower(body)?);
                Plan::Let { id: *id, value: Box::new(arranged_for(value, *id, &body)), body: Box::new(body) }
            }
            RelExpr::LetRec { bindings, body } => {
                let inner = Lowerer { indexes: self.indexes, recursive: true };
                let lower = |b: &RecBinding| Ok((b.id, inner.lower(&b.value)?, b.limit));
                let bindings = bindings.iter().map(lower).collect::<Result<_, TransformError>>()?;
                Plan::LetRec { bindings, body: Box::new(self.lower(body)?) }
            }
            RelExpr::Negate { input } => Plan::Negate { input: Box::new(self.lower(input)?) },
            RelExpr::Threshold { input } => Plan::Threshold { input: Box::new(self.lower(input)?) },
            RelExpr::Union { inputs } => {
                let inputs = inputs.iter().map(|i| self.lower(i)).collect::<Result<_, _>>()?;
                Plan::Union { inputs }
            }
            RelExpr::ArrangeBy { input, keys } => {
                let columns = input.typ().columns;
                let keys = keys.iter().map(|key| comparable_key(key, &columns)).collect();
                Plan::ArrangeBy { input: Box::new(self.lower(input)?), keys }
            }
        };
        Ok(with_mfp(plan, mfp))
    }

    /// Reads an index if there is one: by key if the predicates fix one, else all of it.
    fn get(&self, id: Id, columns: &[ColumnType], mfp: Mfp) -> Plan {
        let keys: &[Key] = match id {
            Id::Global(id) => self.indexes.get(&id).map_or(&[], Vec::as_slice),
            Id::Local(_) => &[],
        };
        let predicates: Vec<&ScalarExpr> = mfp.predicates.iter().map(|(_, p)| p).collect();
        let point = keys.iter().find_map(|key| {
            let rows = crate::literal::key_rows(&predicates, key, columns)?;
            if let [row] = &rows[..] { Some((key.clone(), Some(row.clone()))) } else { None }
        });
        let key = point.or_else(|| keys.first().map(|key| (key.clone(), None)));
        Plan::Get { id, key, mfp }
    }

    fn reduce(
        &self,
        input: &RelExpr,
        group_key: &[ScalarExpr],
        aggregates: &[AggregateExpr],
        monotonic: bool,
        mfp: Mfp,
    ) -> Result<Plan, TransformError> {
        let columns = input.typ().columns;
        let arity = columns.len();
        let key = canonical_key(group_key, &columns);
        let key_columns = arity..arity + key.len();
        let key = simplified(Mfp::identity(arity).map(key).project(key_columns));
        let exprs = aggregates.iter().flat_map(|a| a.args.iter().chain(&a.filter).chain(&a.order_exprs));
        let used: Vec<usize> = support(exprs).into_iter().collect();
        let types: Vec<ColumnType> = used.iter().map(|c| columns[*c].clone()).collect();
        let aggregates = aggregates.iter().map(|a| over_value(a, &used, &types)).collect();
        let value = Mfp::identity(arity).project(used);
        Ok(Plan::Reduce { input: Box::new(self.lower(input)?), key, value, aggregates, monotonic, mfp })
    }

    /// Groups by canonical copies of columns that need it; these go away afterwards.
    fn top_k(&self, node: &RelExpr, mfp: Mfp) -> Result<Plan, TransformError> {
        let RelExpr::TopK { input, group_key, order, limit, offset, monotonic } = node else {
            return Err(TransformError::Internal("not a TopK".into()));
        };
        let columns = input.typ().columns;
        let arity = columns.len();
        let mut canonical_columns = Vec::new();
        let mut group = Vec::new();
        for column in group_key {
            match canonical(ScalarExpr::Column(*column), &columns) {
                ScalarExpr::Column(c) => group.push(c),
                wrapped => {
                    group.push(arity + canonical_columns.len());
                    canonical_columns.push(wrapped);
                }
            }
        }
        let removed = Mfp::identity(arity + canonical_columns.len()).project(0..arity);
        let appended = Mfp::identity(arity).map(canonical_columns);
        let plan = Plan::TopK {
            input: Box::new(with_mfp(self.lower(input)?, appended)),
            group_key: group,
            order: order.clone(),
            limit: limit.clone(),
            offset: *offset,
            monotonic: *monotonic,
        };
        Ok(with_mfp(plan, compose(removed, &mfp)))
    }

    /// Arguments that are no columns are computed before, and go away afterwards.
    fn window(
        &self,
        input: &RelExpr,
        partition: &[usize],
        order: &[ColumnOrder],
        functions: &[WindowExpr],
        mfp: Mfp,
    ) -> Result<Plan, TransformError> {
        let arity = input.arity();
        let (arguments, functions) = Windows::over_columns(functions, arity);
        let end = arity + arguments.len();
        let removed = Mfp::identity(end + functions.len()).project((0..arity).chain(end..end + functions.len()));
        let plan = Plan::Window {
            input: Box::new(with_mfp(self.lower(input)?, Mfp::identity(arity).map(arguments))),
            partition: partition.to_vec(),
            order: order.to_vec(),
            functions,
        };
        Ok(with_mfp(plan, compose(removed, &mfp)))
    }
}

/// A bound value with the arrangements that several places of the body ask for, so that they are made once.
fn arranged_for(value: Plan, id: LocalId, body: &Plan) -> Plan {
    let mut asked: BTreeMap<&Key, usize> = BTreeMap::new();
    body.visit_pre(&mut |node| {
        if let Plan::ArrangeBy { input, keys } = node
            && matches!(&**input, Plan::Get { id: Id::Local(get), mfp, .. } if *get == id && mfp.is_identity())
        {
            keys.iter().for_each(|key| *asked.entry(key).or_default() += 1);
        }
    });
    let keys: Vec<Key> = asked.into_iter().filter(|(_, places)| *places > 1).map(|(key, _)| key.clone()).collect();
    if keys.is_empty() { value } else { Plan::ArrangeBy { input: Box::new(value), keys } }
}

/// An aggregate over the value columns, which are these of the input's; distinct arguments are compared in canonical form.
fn over_value(aggregate: &AggregateExpr, used: &[usize], types: &[ColumnType]) -> AggregateExpr {
    let place = |c: usize| used.binary_search(&c).unwrap_or(usize::MAX);
    let mut out = aggregate.clone();
    let exprs = out.args.iter_mut().chain(&mut out.filter).chain(&mut out.order_exprs);
    exprs.for_each(|e| *e = remap(e, &place));
    if out.distinct {
        out.args = canonical_key(&out.args, types);
    }
    out
}

/// Replaces mapped columns that only copy others by projections of those.
fn simplified(mfp: Mfp) -> Mfp {
    let mut out = Mfp::identity(mfp.input_arity);
    let mut places: Vec<usize> = (0..mfp.input_arity).collect();
    let mut made = mfp.input_arity;
    for expr in &mfp.expressions {
        match remap(expr, &|c| places[c]) {
            ScalarExpr::Column(c) => places.push(c),
            other => {
                out = out.map([other]);
                places.push(made);
                made += 1;
            }
        }
    }
    out.project(mfp.projection.iter().map(|c| places[*c]))
}

/// `mfp` on top of a plan, in it where that is possible.
pub(crate) fn with_mfp(plan: Plan, mfp: Mfp) -> Plan {
    if mfp.is_identity() {
        return plan;
    }
    match plan {
        Plan::Get { id, key, mfp: own } => Plan::Get { id, key, mfp: compose(own, &mfp) },
        Plan::Mfp { input, mfp: own } => Plan::Mfp { input, mfp: compose(own, &mfp) },
        Plan::FlatMap { input, func, args, mfp: own } => Plan::FlatMap { input, func, args, mfp: compose(own, &mfp) },
        Plan::Let { id, value, body } => Plan::Let { id, value, body: Box::new(with_mfp(*body, mfp)) },
        other => Plan::Mfp { input: Box::new(other), mfp },
    }
}

fn check_materializable(mfp: &Mfp) -> Result<(), TransformError> {
    mfp.expressions.iter().chain(mfp.predicates.iter().map(|(_, p)| p)).try_for_each(scalar_is_materializable)
}

/// Values of a session or a moment must have been replaced by literals.
fn scalar_is_materializable(scalar: &ScalarExpr) -> Result<(), TransformError> {
    let mut found = None;
    scalar.visit(&mut |e| {
        if let ScalarExpr::Unmaterializable(u) = e {
            found = Some(u.clone());
        }
    });
    found.map_or(Ok(()), |u| Err(TransformError::Unmaterializable(u)))
}
