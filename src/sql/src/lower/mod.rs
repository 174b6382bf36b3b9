//! Decorrelation: the typed plan with subqueries → the relational plan without.
//!
//! The method is that of "Unnesting Arbitrary Queries" (Neumann, Kemper 2015). A relation is lowered *for an outer relation*: the set of
//! distinct combinations of the outside columns that it uses. The result has those columns in front and, for each combination, the rows
//! that the relation has there. Every operator carries the outer columns along: as part of the group key, the partition of a top-k, a join
//! key. A subquery's surroundings then join its result by these columns, where NULL matches NULL. What uses no outside column is
//! lowered for the outer relation of one row and no columns, so nothing is repeated that does not depend on where it stands.
//!
//! LAW: [`Lowerer::relation`] returns exactly the columns of `outer`, then those of the relation.

mod grouped;
mod join;
mod semi;
mod subquery;
mod table;

use crate::coerce::{constant, null};
use crate::hir::{ColId, CteId, HirOrder, HirRec, HirRel, SetKind, operands_mut};
use expr::aggregate::RegressionFunc;
use expr::plan_key::{canonical, comparable};
use expr::relation::RecBinding;
use expr::visit::LocalIds;
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, Id, RelExpr, ScalarExpr};
use repr::{ColumnType, Datum, LocalId, RelationType, Row, SqlError, SqlType};
use std::collections::{BTreeMap, BTreeSet};
use table::Table;

/// Lowers a query that uses no outside columns. `types` are the types of its columns by `ColId`.
pub(crate) fn lower(rel: HirRel, types: &[ColumnType]) -> Result<RelExpr, SqlError> {
    crate::hir::comparable::check(&rel, types)?;
    let mut lowerer = Lowerer { types, ids: LocalIds::new(), bindings: Vec::new(), ctes: BTreeMap::new() };
    let table = lowerer.relation(&rel, &Table::unit())?;
    let plan = wrap(table.expr, lowerer.bindings);
    plan.check().map_err(SqlError::internal)?;
    Ok(plan)
}

/// The plan inside of its bindings. What nobody uses is not evaluated: an error in it is none of the query's.
fn wrap(mut plan: RelExpr, bindings: Vec<Binding>) -> RelExpr {
    let mut used = BTreeSet::new();
    local_uses(&plan, &mut used);
    for binding in bindings.into_iter().rev() {
        match binding {
            Binding::Let(id, value) if used.contains(&id) => {
                local_uses(&value, &mut used);
                plan = RelExpr::Let { id, value: Box::new(value), body: Box::new(plan) };
            }
            Binding::Rec(bindings) if bindings.iter().any(|b| used.contains(&b.id)) => {
                bindings.iter().for_each(|b| local_uses(&b.value, &mut used));
                plan = RelExpr::LetRec { bindings, body: Box::new(plan) };
            }
            _ => {}
        }
    }
    plan
}

fn local_uses(plan: &RelExpr, used: &mut BTreeSet<LocalId>) {
    plan.visit_pre(&mut |node| {
        if let RelExpr::Get { id: Id::Local(id), .. } = node {
            used.insert(*id);
        }
    });
}

struct Lowerer<'a> {
    types: &'a [ColumnType],
    ids: LocalIds,
    /// Everything that is used twice, in order of dependency; the plan is wrapped in them at the end.
    bindings: Vec<Binding>,
    ctes: BTreeMap<CteId, Table>,
}

/// A name, or names that stand for each other, and their values.
enum Binding {
    Let(LocalId, RelExpr),
    Rec(Vec<RecBinding>),
}

impl Lowerer<'_> {
    /// Names a table so that it can be used several times.
    fn bind(&mut self, table: Table) -> Table {
        if matches!(table.expr, RelExpr::Get { .. }) || table.expr.is_unit() {
            return table;
        }
        let id = self.ids.fresh();
        let get = RelExpr::get_local(id, table.expr.typ());
        self.bindings.push(Binding::Let(id, table.expr));
        Table { expr: get, cols: table.cols }
    }

    /// The distinct combinations of `cols` in a table.
    fn domain(&mut self, table: &Table, cols: &[ColId]) -> Result<Table, SqlError> {
        let positions = table.positions(cols)?;
        Ok(self.bind(Table { expr: table.expr.clone().distinct_by(positions), cols: cols.to_vec() }))
    }

    fn column_type(&self, col: ColId) -> ColumnType {
        self.types[col].clone()
    }

    /// NULLs of these columns' types.
    fn nulls(&self, cols: &[ColId]) -> Vec<ScalarExpr> {
        cols.iter().map(|c| null(&self.types[*c].ty)).collect()
    }

    /// The relation for each row of `outer`, whose rows are distinct and which is bound.
    fn relation(&mut self, rel: &HirRel, outer: &Table) -> Result<Table, SqlError> {
        if !outer.cols.is_empty() && !uses(rel, &outer.cols) {
            let inner = self.relation(rel, &Table::unit())?;
            return Ok(outer.clone().product(inner));
        }
        match rel {
            HirRel::Values { cols, rows } => self.values(cols, rows, outer),
            HirRel::Get { id, typ, cols, .. } => {
                let table = Table { expr: RelExpr::get_global(*id, typ.clone()), cols: cols.clone() };
                Ok(outer.clone().product(table))
            }
            HirRel::Cte { id, cols, .. } => self.cte(*id, cols, outer),
            HirRel::Let { id, value, body, .. } => self.bind_cte(*id, value, body, outer),
            HirRel::LetRec { bindings, body } => self.bind_recursion(bindings, body, outer),
            HirRel::CallTable { func, args, cols } => {
                let args = args.iter().map(|a| outer.scalar(a)).collect::<Result<Vec<_>, _>>()?;
                let expr = outer.expr.clone().flat_map(func.clone(), args);
                Ok(Table { expr, cols: [&outer.cols[..], cols].concat() })
            }
            HirRel::Project { input, cols } => {
                let input = self.relation(input, outer)?;
                input.project(&[&outer.cols[..], cols].concat())
            }
            HirRel::Map { input, exprs } => self.relation(input, outer)?.map(exprs),
            HirRel::Filter { input, predicates } => self.relation(input, outer)?.filter(predicates),
            HirRel::Apply { input, subquery } => {
                let input = self.relation(input, outer)?;
                self.apply(input, subquery)
            }
            HirRel::Semi { input, subquery, negated } => {
                let input = self.relation(input, outer)?;
                self.semi(input, subquery, *negated)
            }
            HirRel::Join { left, right, kind, subqueries, on } => self.join(left, right, *kind, subqueries, on, outer),
            HirRel::Reduce { input, keys, aggregates } => self.reduce(input, keys, aggregates, outer),
            HirRel::Distinct { input } => {
                let Table { expr, cols } = self.relation(input, outer)?;
                Ok(Table { expr: expr.distinct(), cols })
            }
            HirRel::TopK { input, group, order, limit, offset } => {
                let input = self.relation(input, outer)?;
                let group = input.positions(&[&outer.cols[..], group].concat())?;
                let order = order.iter().map(|o| column_order(&input, o)).collect::<Result<Vec<_>, _>>()?;
                let expr = input.expr.top_k(group, order, limit.clone(), *offset);
                Ok(Table { expr, cols: input.cols })
            }
            HirRel::Window { input, partition, order, functions } => {
                let input = self.relation(input, outer)?;
                let partition = input.positions(&[&outer.cols[..], partition].concat())?;
                let order = order.iter().map(|o| column_order(&input, o)).collect::<Result<Vec<_>, _>>()?;
                input.window(partition, order, functions)
            }
            HirRel::SetOp { kind, all, left, right, cols } => {
                let left = self.relation(left, outer)?;
                let right = self.relation(right, outer)?;
                let expr = self.set_operation(*kind, *all, left, right);
                Ok(Table { expr, cols: [&outer.cols[..], cols].concat() })
            }
        }
    }

    fn values(&mut self, cols: &[ColId], rows: &[Vec<ScalarExpr>], outer: &Table) -> Result<Table, SqlError> {
        let all = [&outer.cols[..], cols].concat();
        let typ = RelationType::new(cols.iter().map(|c| self.column_type(*c)).collect());
        if let Some(rows) = rows.iter().map(|r| constant_row(r)).collect::<Option<Vec<_>>>() {
            let table = Table { expr: RelExpr::constant(rows, typ), cols: cols.to_vec() };
            return Ok(outer.clone().product(table));
        }
        // Runs of constant rows stay together; each other row is computed from the outer columns.
        let (mut inputs, mut constants) = (Vec::new(), Vec::new());
        for row in rows {
            if let Some(row) = constant_row(row) {
                constants.push(row);
                continue;
            }
            let exprs = row.iter().map(|e| outer.scalar(e)).collect::<Result<Vec<_>, _>>()?;
            inputs.push(outer.expr.clone().map(exprs));
        }
        if !constants.is_empty() {
            inputs.push(outer.expr.clone().product(RelExpr::constant(constants, typ.clone())));
        }
        Ok(Table { expr: RelExpr::union_all(inputs, typ), cols: all })
    }

    fn cte(&mut self, id: CteId, cols: &[ColId], outer: &Table) -> Result<Table, SqlError> {
        let bound =
            self.ctes.get(&id).ok_or_else(|| SqlError::internal("a common table expression that is not bound"))?;
        let outside = bound.cols.len() - cols.len();
        let shared = bound.cols[..outside].to_vec();
        let named = Table { expr: bound.expr.clone(), cols: [&shared[..], cols].concat() };
        if shared.is_empty() {
            return Ok(outer.clone().product(named));
        }
        Ok(outer.clone().join(named, &shared)?.0)
    }

    /// Binds a recursion: within it and in `body` each name is its fixed point, for each combination of the outside columns that any uses.
    fn bind_recursion(&mut self, recursive: &[HirRec], body: &HirRel, outer: &Table) -> Result<Table, SqlError> {
        let free: BTreeSet<ColId> = recursive.iter().flat_map(|b| b.value.free()).collect();
        let used: Vec<ColId> = outer.cols.iter().copied().filter(|c| free.contains(c)).collect();
        let domain = if used.is_empty() { Table::unit() } else { self.domain(outer, &used)? };
        let mut names = Vec::new();
        for binding in recursive {
            let cols = [&domain.cols[..], &binding.value.cols()].concat();
            let typ = RelationType::new(cols.iter().map(|c| self.column_type(*c)).collect());
            let id = self.ids.fresh();
            self.ctes.insert(binding.id, Table { expr: RelExpr::get_local(id, typ.clone()), cols });
            names.push((id, typ));
        }
        let mut bindings = Vec::new();
        for (binding, (id, typ)) in recursive.iter().zip(names) {
            // What is bound on the way uses the recursion's names: it stays inside.
            let outside = std::mem::take(&mut self.bindings);
            let value = self.relation(&binding.value, &domain);
            let inside = std::mem::replace(&mut self.bindings, outside);
            let value = wrap(value?.expr, inside);
            bindings.push(RecBinding { id, value, typ, limit: binding.limit });
        }
        self.bindings.push(Binding::Rec(bindings));
        self.relation(body, outer)
    }

    fn bind_cte(&mut self, id: CteId, value: &HirRel, body: &HirRel, outer: &Table) -> Result<Table, SqlError> {
        let free = value.free();
        let used: Vec<ColId> = outer.cols.iter().copied().filter(|c| free.contains(c)).collect();
        let domain = if used.is_empty() { Table::unit() } else { self.domain(outer, &used)? };
        let lowered = self.relation(value, &domain)?;
        let bound = self.bind(lowered);
        self.ctes.insert(id, bound);
        self.relation(body, outer)
    }

    fn reduce(
        &mut self,
        input: &HirRel,
        keys: &[(ColId, ScalarExpr)],
        aggregates: &[(ColId, AggregateExpr)],
        outer: &Table,
    ) -> Result<Table, SqlError> {
        let input = self.relation(input, outer)?;
        let outside = input.positions(&outer.cols)?.into_iter().map(ScalarExpr::Column);
        let mut group_key: Vec<ScalarExpr> = outside.collect();
        for (_, key) in keys {
            group_key.push(input.scalar(key)?);
        }
        let lowered = aggregates.iter().map(|(_, a)| input.aggregate(a)).collect::<Result<Vec<_>, _>>()?;
        let ids = keys.iter().map(|(id, _)| *id).chain(aggregates.iter().map(|(id, _)| *id));
        let cols = outer.cols.iter().copied().chain(ids).collect();
        let reduced = Table { expr: input.expr.reduce(group_key, lowered), cols };
        if !keys.is_empty() {
            return Ok(reduced);
        }
        // Without keys there is a row even over nothing.
        let reduced = self.bind(reduced);
        let present = reduced.clone().project(&outer.cols)?;
        let missing = outer.expr.clone().union(present.expr.negate());
        let defaults = aggregates.iter().map(|(id, a)| default_value(&a.func, &self.types[*id].ty)).collect();
        Ok(Table { expr: reduced.expr.union(missing.map(defaults)), cols: reduced.cols })
    }

    fn set_operation(&mut self, kind: SetKind, all: bool, left: Table, right: Table) -> RelExpr {
        // Rows are compared as they are encoded: those that are not grouped come to canonical form here.
        let types = |table: &Table| table.expr.typ().columns.into_iter().map(|c| c.ty).collect::<Vec<_>>();
        let alike = types(&left) == types(&right);
        let once = |table: Table| match (all, alike) {
            (true, true) => canonical_rows(table.expr, canonical),
            (true, false) => canonical_rows(table.expr, comparable),
            (false, true) => table.expr.distinct(),
            (false, false) => canonical_rows(table.expr, comparable).distinct(),
        };
        match kind {
            SetKind::Union if all => left.expr.union(right.expr),
            SetKind::Union => left.expr.union(right.expr).distinct(),
            SetKind::Except => once(left).union(once(right).negate()).threshold(),
            SetKind::Intersect => {
                // What is on the left, without what is on the left only.
                let (cols, expr) = (left.cols.clone(), once(left));
                let left = self.bind(Table { expr, cols });
                let only_left = left.expr.clone().union(once(right).negate()).threshold();
                left.expr.union(only_left.negate())
            }
        }
    }
}

/// Rows of which equal ones have the same encoding.
fn canonical_rows(expr: RelExpr, key: fn(ScalarExpr, &[ColumnType]) -> ScalarExpr) -> RelExpr {
    let columns = expr.typ().columns;
    let arity = columns.len();
    let values: Vec<_> = (0..arity).map(|c| key(ScalarExpr::Column(c), &columns)).collect();
    if values.iter().all(|value| matches!(value, ScalarExpr::Column(_))) {
        return expr;
    }
    expr.map(values).project((arity..2 * arity).collect())
}

/// Whether a relation uses one of these columns from outside.
fn uses(rel: &HirRel, cols: &[ColId]) -> bool {
    let free = rel.free();
    cols.iter().any(|c| free.contains(c))
}

fn constant_row(row: &[ScalarExpr]) -> Option<Row> {
    let datums = row.iter().map(|e| match e {
        ScalarExpr::Literal(Ok(row), _) => row.iter().next(),
        _ => None,
    });
    Some(Row::pack(datums.collect::<Option<Vec<_>>>()?))
}

fn column_order(input: &Table, order: &HirOrder) -> Result<ColumnOrder, SqlError> {
    Ok(ColumnOrder { column: input.position(order.col)?, desc: order.desc, nulls_first: order.nulls_first })
}

/// What an aggregate is over no rows.
fn default_value(func: &AggregateFunc, ty: &SqlType) -> ScalarExpr {
    match func {
        AggregateFunc::Count | AggregateFunc::Regression(RegressionFunc::Count) => {
            constant(Datum::Int8(0), SqlType::Int8)
        }
        _ => null(ty),
    }
}

/// Replaces columns by positions in `cols`.
fn to_positions(expr: &ScalarExpr, cols: &BTreeMap<ColId, usize>) -> Result<ScalarExpr, SqlError> {
    fn walk(expr: &mut ScalarExpr, cols: &BTreeMap<ColId, usize>) -> Result<(), SqlError> {
        if let ScalarExpr::Column(c) = expr {
            *c = *cols.get(c).ok_or_else(|| SqlError::internal(format!("column #{c} is not in reach")))?;
            return Ok(());
        }
        operands_mut(expr).into_iter().try_for_each(|operand| walk(operand, cols))
    }
    let mut expr = expr.clone();
    walk(&mut expr, cols)?;
    Ok(expr)
}
