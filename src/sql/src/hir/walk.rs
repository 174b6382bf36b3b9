//! Walking typed plans: their parts, which columns they use from outside, and replacing expressions in them.

use super::{ColId, CteId, HirRel, Subquery, SubqueryKind};
use expr::{AggregateExpr, ScalarExpr};
use std::collections::BTreeSet;

/// The direct operands of a scalar expression.
pub(crate) fn operands(expr: &ScalarExpr) -> Vec<&ScalarExpr> {
    match expr {
        ScalarExpr::Column(_) | ScalarExpr::Literal(..) | ScalarExpr::Unmaterializable(_) => Vec::new(),
        ScalarExpr::Call { args, .. } => args.iter().collect(),
        ScalarExpr::If { condition, then, otherwise } => vec![condition, then, otherwise],
        ScalarExpr::And(parts) | ScalarExpr::Or(parts) | ScalarExpr::Coalesce(parts) => parts.iter().collect(),
    }
}

/// The direct operands of a scalar expression, to be changed.
pub(crate) fn operands_mut(expr: &mut ScalarExpr) -> Vec<&mut ScalarExpr> {
    match expr {
        ScalarExpr::Column(_) | ScalarExpr::Literal(..) | ScalarExpr::Unmaterializable(_) => Vec::new(),
        ScalarExpr::Call { args, .. } => args.iter_mut().collect(),
        ScalarExpr::If { condition, then, otherwise } => vec![condition, then, otherwise],
        ScalarExpr::And(parts) | ScalarExpr::Or(parts) | ScalarExpr::Coalesce(parts) => parts.iter_mut().collect(),
    }
}

/// The columns that a scalar expression uses.
pub(crate) fn columns_of(expr: &ScalarExpr) -> BTreeSet<ColId> {
    fn walk(expr: &ScalarExpr, out: &mut BTreeSet<ColId>) {
        if let ScalarExpr::Column(c) = expr {
            out.insert(*c);
        }
        operands(expr).into_iter().for_each(|operand| walk(operand, out));
    }
    let mut out = BTreeSet::new();
    walk(expr, &mut out);
    out
}

/// Whether a scalar expression uses columns of this set only.
pub(crate) fn uses_only(expr: &ScalarExpr, cols: &BTreeSet<ColId>) -> bool {
    match expr {
        ScalarExpr::Column(c) => cols.contains(c),
        _ => operands(expr).into_iter().all(|operand| uses_only(operand, cols)),
    }
}

fn aggregate_parts(aggregate: &AggregateExpr) -> impl Iterator<Item = &ScalarExpr> {
    aggregate.args.iter().chain(&aggregate.filter).chain(&aggregate.order_exprs)
}

fn aggregate_parts_mut(aggregate: &mut AggregateExpr) -> impl Iterator<Item = &mut ScalarExpr> {
    aggregate.args.iter_mut().chain(&mut aggregate.filter).chain(&mut aggregate.order_exprs)
}

impl Subquery {
    /// The columns of its surroundings that it uses.
    pub(crate) fn free(&self) -> BTreeSet<ColId> {
        let mut free = self.rel.free();
        if let SubqueryKind::In(left, _) = &self.kind {
            free.extend(left.iter().flat_map(columns_of));
        }
        free.extend(self.when.iter().flat_map(columns_of));
        free
    }

    fn scalars_mut(&mut self) -> Vec<&mut ScalarExpr> {
        let left = match &mut self.kind {
            SubqueryKind::In(left, _) => &mut left[..],
            SubqueryKind::Exists | SubqueryKind::Scalar(_) => &mut [],
        };
        left.iter_mut().chain(&mut self.when).collect()
    }

    /// Replaces scalar expressions in it and below; see [`HirRel::try_rewrite`].
    pub(crate) fn try_rewrite<E>(&mut self, f: &mut dyn FnMut(&mut ScalarExpr) -> Result<(), E>) -> Result<(), E> {
        self.scalars_mut().into_iter().try_for_each(&mut *f)?;
        self.rel.try_rewrite(f)
    }
}

impl HirRel {
    /// The columns that the plan uses and does not make.
    pub fn free(&self) -> BTreeSet<ColId> {
        let mut used: BTreeSet<ColId> = self.scalars().into_iter().flat_map(columns_of).collect();
        match self {
            HirRel::Project { cols, .. } | HirRel::Cte { outer: cols, .. } => used.extend(cols),
            HirRel::TopK { group, order, .. } | HirRel::Window { partition: group, order, .. } => {
                used.extend(group);
                used.extend(order.iter().map(|o| o.col));
            }
            _ => {}
        }
        for subquery in self.subqueries() {
            used.extend(subquery.free());
        }
        if let HirRel::Map { exprs, .. } = self {
            used.retain(|c| exprs.iter().all(|(id, _)| id != c));
        }
        if let HirRel::Join { left, right, .. } = self {
            used.extend(right.free());
            let made: BTreeSet<ColId> = right.cols().into_iter().chain(left.cols()).collect();
            used.retain(|c| !made.contains(c) && self.subqueries().iter().all(|s| s.id != *c));
            used.extend(left.free());
            return used;
        }
        let inputs = self.inputs();
        if !matches!(self, HirRel::Let { .. } | HirRel::LetRec { .. }) {
            let made: BTreeSet<ColId> = inputs.iter().flat_map(|i| i.cols()).collect();
            used.retain(|c| !made.contains(c));
        }
        inputs.iter().for_each(|i| used.extend(i.free()));
        used
    }

    /// The relations that this one is made of; not those of subqueries.
    pub(crate) fn inputs(&self) -> Vec<&HirRel> {
        match self {
            HirRel::Values { .. } | HirRel::Get { .. } | HirRel::Cte { .. } | HirRel::CallTable { .. } => Vec::new(),
            HirRel::Let { value, body, .. } => vec![value, body],
            HirRel::LetRec { bindings, body } => {
                bindings.iter().map(|b| &b.value).chain(std::iter::once(&**body)).collect()
            }
            HirRel::Join { left, right, .. } | HirRel::SetOp { left, right, .. } => vec![left, right],
            HirRel::Project { input, .. }
            | HirRel::Map { input, .. }
            | HirRel::Filter { input, .. }
            | HirRel::Apply { input, .. }
            | HirRel::Semi { input, .. }
            | HirRel::Reduce { input, .. }
            | HirRel::Distinct { input }
            | HirRel::TopK { input, .. }
            | HirRel::Window { input, .. } => vec![input],
        }
    }

    fn inputs_mut(&mut self) -> Vec<&mut HirRel> {
        match self {
            HirRel::Values { .. } | HirRel::Get { .. } | HirRel::Cte { .. } | HirRel::CallTable { .. } => Vec::new(),
            HirRel::Let { value, body, .. } => vec![value, body],
            HirRel::LetRec { bindings, body } => {
                bindings.iter_mut().map(|b| &mut b.value).chain(std::iter::once(&mut **body)).collect()
            }
            HirRel::Join { left, right, .. } | HirRel::SetOp { left, right, .. } => vec![left, right],
            HirRel::Project { input, .. }
            | HirRel::Map { input, .. }
            | HirRel::Filter { input, .. }
            | HirRel::Apply { input, .. }
            | HirRel::Semi { input, .. }
            | HirRel::Reduce { input, .. }
            | HirRel::Distinct { input }
            | HirRel::TopK { input, .. }
            | HirRel::Window { input, .. } => vec![input],
        }
    }

    /// The subqueries of this very node.
    pub(crate) fn subqueries(&self) -> Vec<&Subquery> {
        match self {
            HirRel::Apply { subquery, .. } | HirRel::Semi { subquery, .. } => vec![subquery],
            HirRel::Join { subqueries, .. } => subqueries.iter().collect(),
            _ => Vec::new(),
        }
    }

    fn subqueries_mut(&mut self) -> Vec<&mut Subquery> {
        match self {
            HirRel::Apply { subquery, .. } | HirRel::Semi { subquery, .. } => vec![subquery],
            HirRel::Join { subqueries, .. } => subqueries.iter_mut().collect(),
            _ => Vec::new(),
        }
    }

    /// The scalar expressions of this very node, without those of its subqueries.
    pub(crate) fn scalars(&self) -> Vec<&ScalarExpr> {
        match self {
            HirRel::Values { rows, .. } => rows.iter().flatten().collect(),
            HirRel::CallTable { args, .. } => args.iter().collect(),
            HirRel::Map { exprs, .. } => exprs.iter().map(|(_, e)| e).collect(),
            HirRel::Filter { predicates, .. } => predicates.iter().collect(),
            HirRel::Join { on, .. } => on.iter().collect(),
            HirRel::Reduce { keys, aggregates, .. } => {
                let aggregates = aggregates.iter().flat_map(|(_, a)| aggregate_parts(a));
                keys.iter().map(|(_, e)| e).chain(aggregates).collect()
            }
            HirRel::TopK { limit, .. } => limit.iter().collect(),
            HirRel::Window { functions, .. } => functions.iter().flat_map(|(_, f)| f.scalars()).collect(),
            _ => Vec::new(),
        }
    }

    fn scalars_mut(&mut self) -> Vec<&mut ScalarExpr> {
        match self {
            HirRel::Values { rows, .. } => rows.iter_mut().flatten().collect(),
            HirRel::CallTable { args, .. } => args.iter_mut().collect(),
            HirRel::Map { exprs, .. } => exprs.iter_mut().map(|(_, e)| e).collect(),
            HirRel::Filter { predicates, .. } => predicates.iter_mut().collect(),
            HirRel::Join { on, .. } => on.iter_mut().collect(),
            HirRel::Reduce { keys, aggregates, .. } => {
                let aggregates = aggregates.iter_mut().flat_map(|(_, a)| aggregate_parts_mut(a));
                keys.iter_mut().map(|(_, e)| e).chain(aggregates).collect()
            }
            HirRel::TopK { limit, .. } => limit.iter_mut().collect(),
            HirRel::Window { functions, .. } => functions.iter_mut().flat_map(|(_, f)| f.scalars_mut()).collect(),
            _ => Vec::new(),
        }
    }

    /// Calls `f` on every scalar expression (the roots) of the plan and of its subqueries. Lists of bare columns (of `Project`,
    /// `TopK` and `Window`, and the right sides of IN) are not expressions and stay.
    pub(crate) fn try_rewrite<E>(&mut self, f: &mut dyn FnMut(&mut ScalarExpr) -> Result<(), E>) -> Result<(), E> {
        self.scalars_mut().into_iter().try_for_each(&mut *f)?;
        self.subqueries_mut().into_iter().try_for_each(|s| s.try_rewrite(f))?;
        self.inputs_mut().into_iter().try_for_each(|input| input.try_rewrite(f))
    }

    /// Calls `f` on every node of the plan and of its subqueries, inputs first.
    pub(crate) fn visit_mut(&mut self, f: &mut dyn FnMut(&mut HirRel)) {
        self.subqueries_mut().into_iter().for_each(|s| s.rel.visit_mut(f));
        self.inputs_mut().into_iter().for_each(|input| input.visit_mut(f));
        f(self);
    }

    /// Tells the uses of common table expressions which columns those take from outside: known only when all of them is planned.
    pub(crate) fn set_outer(&mut self, ctes: &[CteId], columns: &[ColId]) {
        self.visit_mut(&mut |node| {
            if let HirRel::Cte { id, outer, .. } = node
                && ctes.contains(id)
            {
                *outer = columns.to_vec();
            }
        });
    }

    /// Brings `outer` of all uses up to date, after a value has come to use one more outside column.
    pub(crate) fn refresh_outer(&mut self) {
        self.subqueries_mut().into_iter().for_each(|s| s.rel.refresh_outer());
        match self {
            HirRel::Let { id, value, body, .. } => {
                value.refresh_outer();
                body.set_outer(&[*id], &value.free().into_iter().collect::<Vec<_>>());
                body.refresh_outer();
            }
            HirRel::LetRec { bindings, body } => {
                bindings.iter_mut().for_each(|b| b.value.refresh_outer());
                let ids: Vec<CteId> = bindings.iter().map(|b| b.id).collect();
                let free: BTreeSet<ColId> = bindings.iter().flat_map(|b| b.value.free()).collect();
                let free: Vec<ColId> = free.into_iter().collect();
                bindings.iter_mut().for_each(|b| b.value.set_outer(&ids, &free));
                body.set_outer(&ids, &free);
                body.refresh_outer();
            }
            _ => self.inputs_mut().into_iter().for_each(HirRel::refresh_outer),
        }
    }

    /// Whether the plan, its subqueries included, uses a common table expression.
    pub(crate) fn mentions(&self, cte: CteId) -> bool {
        matches!(self, HirRel::Cte { id, .. } if *id == cte)
            || self.subqueries().into_iter().any(|s| s.rel.mentions(cte))
            || self.inputs().into_iter().any(|input| input.mentions(cte))
    }
}
