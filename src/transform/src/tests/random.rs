//! LAW: an optimized plan, and a lowered one, give the rows of the original: random plans over small tables.

use super::plan_eval::Evaluator;
use super::{Table, int, tables};
use crate::{OptimizeContext, optimize};
use expr::interpret::{Budget, Rows, interpret};
use expr::window::Frame;
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, LocalIds, RelExpr, ScalarExpr, WindowExpr, WindowFunc};
use repr::{ColumnType, Datum, Diff, EvalError, GlobalId, Row, SqlError, SqlType};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Numerical Recipes' generator; what matters is that a seed says it all.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % bound
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

struct Generator<'a> {
    random: Random,
    tables: &'a [Table],
    ids: LocalIds,
    bound: Vec<RelExpr>,
}

fn ints(columns: &[ColumnType]) -> Vec<usize> {
    (0..columns.len()).filter(|c| columns[*c].ty == SqlType::Int4).collect()
}

impl Generator<'_> {
    fn scalar(&mut self, columns: &[ColumnType], depth: usize) -> ScalarExpr {
        let ints = ints(columns);
        match self.random.below(5) {
            0 if depth > 0 => {
                let (a, b) = (self.scalar(columns, depth - 1), self.scalar(columns, depth - 1));
                a.call_binary("int4pl", b)
            }
            1 if depth > 0 => {
                let (a, b) = (self.scalar(columns, depth - 1), self.scalar(columns, depth - 1));
                ScalarExpr::Coalesce(vec![a, b])
            }
            2 => int(self.random.below(4) as i32),
            _ if ints.is_empty() => int(1),
            _ => ScalarExpr::Column(*self.random.pick(&ints)),
        }
    }

    fn predicate(&mut self, columns: &[ColumnType], depth: usize) -> ScalarExpr {
        let (a, b) = (self.scalar(columns, 1), self.scalar(columns, 1));
        match self.random.below(10) {
            0 if depth > 0 => self.predicate(columns, depth - 1).and(self.predicate(columns, depth - 1)),
            1 if depth > 0 => self.predicate(columns, depth - 1).or(self.predicate(columns, depth - 1)),
            2 if depth > 0 => self.predicate(columns, depth - 1).not(),
            3 => a.is_null(),
            4 => a.call_binary("int4lt", b),
            5 => a.call_binary("is_not_distinct_from", b),
            6 => a.call_unary("is_not_null"),
            _ => a.call_binary("int4eq", b),
        }
    }

    fn leaf(&mut self) -> RelExpr {
        match self.random.below(8) {
            0 => RelExpr::constant(
                vec![repr::Row::pack([repr::Datum::Int4(1)]), repr::Row::pack([repr::Datum::Int4(2)])],
                repr::RelationType::new(vec![SqlType::Int4.nullable(false)]),
            ),
            1 | 2 if !self.bound.is_empty() => {
                let at = self.random.below(self.bound.len());
                self.bound[at].clone()
            }
            _ => {
                let at = self.random.below(self.tables.len());
                self.tables[at].get()
            }
        }
    }

    fn relation(&mut self, depth: usize) -> RelExpr {
        if depth == 0 {
            return self.leaf();
        }
        match self.random.below(15) {
            0 => {
                let input = self.relation(depth - 1);
                let arity = input.arity();
                let outputs =
                    (0..=self.random.below(3)).filter(|_| arity > 0).map(|_| self.random.below(arity)).collect();
                input.project(outputs)
            }
            1 => {
                let input = self.relation(depth - 1);
                let columns = input.typ().columns;
                let scalars = vec![self.scalar(&columns, 2), self.scalar(&columns, 1)];
                input.map(scalars)
            }
            2 | 3 => {
                let input = self.relation(depth - 1);
                let columns = input.typ().columns;
                let predicate = self.predicate(&columns, 2);
                input.filter(vec![predicate])
            }
            4..=6 => self.join(depth),
            7 => self.reduce(depth),
            8 => {
                let input = self.relation(depth - 1);
                input.distinct()
            }
            9 => self.top_k(depth),
            13 | 14 => self.window(depth),
            10 => self.union(depth),
            11 => self.anti_join(depth),
            _ => {
                let value = self.relation(depth - 1);
                let id = self.ids.fresh();
                self.bound.push(RelExpr::get_local(id, value.typ()));
                let body = self.relation(depth - 1);
                self.bound.pop();
                RelExpr::Let { id, value: Box::new(value), body: Box::new(body) }
            }
        }
    }

    fn join(&mut self, depth: usize) -> RelExpr {
        let count = 2 + self.random.below(3);
        let inputs: Vec<_> = (0..count).map(|_| self.relation(depth.saturating_sub(2))).collect();
        let columns: Vec<_> = inputs.iter().flat_map(|i| i.typ().columns).collect();
        let mut equivalences = Vec::new();
        for _ in 0..self.random.below(count + 1) {
            let members = 2 + self.random.below(2);
            equivalences.push((0..members).map(|_| self.scalar(&columns, 1)).collect());
        }
        let joined = RelExpr::join(inputs, equivalences);
        if self.random.below(2) == 0 { joined.filter(vec![self.predicate(&columns, 1)]) } else { joined }
    }

    fn reduce(&mut self, depth: usize) -> RelExpr {
        let input = self.relation(depth - 1);
        let columns = input.typ().columns;
        let key = (0..self.random.below(3)).map(|_| self.scalar(&columns, 1)).collect();
        let funcs = [AggregateFunc::Count, AggregateFunc::Min, AggregateFunc::Max, AggregateFunc::SumInt];
        let mut aggregates = Vec::new();
        for _ in 0..self.random.below(3) {
            let func = self.random.pick(&funcs).clone();
            let args = vec![self.scalar(&columns, 1)];
            let filter = (self.random.below(4) == 0).then(|| self.predicate(&columns, 1));
            let distinct = self.random.below(4) == 0;
            aggregates.push(AggregateExpr { func, args, filter, distinct, order: vec![], order_exprs: vec![] });
        }
        input.reduce(key, aggregates)
    }

    fn top_k(&mut self, depth: usize) -> RelExpr {
        let input = self.relation(depth - 1);
        let columns = input.typ().columns;
        let ints = ints(&columns);
        let group = if ints.is_empty() || self.random.below(2) == 0 { vec![] } else { vec![*self.random.pick(&ints)] };
        let desc = self.random.below(2) == 0;
        let order = match ints.first() {
            Some(column) => vec![ColumnOrder { column: *column, desc, nulls_first: self.random.below(2) == 0 }],
            None => vec![],
        };
        let limit = ScalarExpr::literal(repr::Datum::Int8(self.random.below(4) as i64), SqlType::Int8);
        let limit = (self.random.below(4) > 0).then_some(limit);
        let offset = self.random.below(2) as u64;
        input.top_k(group, order, limit, offset)
    }

    fn window(&mut self, depth: usize) -> RelExpr {
        let input = self.relation(depth - 1);
        let columns = input.typ().columns;
        let ints = ints(&columns);
        let Some(column) = ints.first().copied() else { return input };
        let partition = if self.random.below(2) == 0 { vec![] } else { vec![*self.random.pick(&ints)] };
        let order = vec![ColumnOrder { column, desc: self.random.below(2) == 0, nulls_first: false }];
        let mut functions = Vec::new();
        for _ in 0..=self.random.below(2) {
            let sum = WindowFunc::Aggregate(AggregateFunc::SumInt);
            let func = self.random.pick(&[WindowFunc::RowNumber, WindowFunc::Rank, WindowFunc::Lag, sum]).clone();
            let unary = matches!(func, WindowFunc::Lag | WindowFunc::Aggregate(_));
            let args = if unary { vec![self.scalar(&columns, 1)] } else { vec![] };
            functions.push(WindowExpr { func, args, filter: None, frame: Frame::default() });
        }
        let windowed = input.window(partition, order, functions);
        let number = ScalarExpr::Column(windowed.arity() - 1);
        let is_number = matches!(windowed.typ().columns.last(), Some(typ) if typ.ty == SqlType::Int8);
        if is_number && self.random.below(2) == 0 {
            let bound = ScalarExpr::literal(repr::Datum::Int8(1 + self.random.below(3) as i64), SqlType::Int8);
            let operator = *self.random.pick(&["int8le", "int8lt", "int8eq"]);
            return windowed.filter(vec![number.call_binary(operator, bound)]);
        }
        windowed
    }

    fn union(&mut self, depth: usize) -> RelExpr {
        let (a, b) = (self.relation(depth - 1), self.relation(depth - 1));
        let (a_types, b_types) = (a.typ().columns, b.typ().columns);
        let (a_ints, b_ints) = (ints(&a_types), ints(&b_types));
        let width = a_ints.len().min(b_ints.len());
        a.project(a_ints[..width].to_vec()).union(b.project(b_ints[..width].to_vec()))
    }

    /// Rows of a collection that have no partner in a part of it.
    fn anti_join(&mut self, depth: usize) -> RelExpr {
        let input = self.relation(depth - 1);
        let columns = input.typ().columns;
        let predicate = self.predicate(&columns, 1);
        let mut ids = std::mem::take(&mut self.ids);
        let out = input.let_in(&mut ids, |_, input| {
            let part = input.clone().filter(vec![predicate]);
            input.union(part.negate()).threshold()
        });
        self.ids = ids;
        out
    }
}

fn resolve(tables: &[Table]) -> impl Fn(GlobalId) -> Result<Arc<Rows>, EvalError> + '_ {
    |id| match tables.iter().find(|t| t.id == id) {
        Some(table) => Ok(Arc::new(table.rows.clone())),
        None => Err(SqlError::internal("no such table")),
    }
}

fn indexes(random: &mut Random, tables: &[Table]) -> OptimizeContext {
    let mut options = OptimizeContext::default();
    for table in tables {
        let arity = table.typ.arity();
        let keys: Vec<_> = (0..random.below(3)).map(|_| vec![ScalarExpr::Column(random.below(arity))]).collect();
        if !keys.is_empty() {
            options.indexes.insert(table.id, keys);
        }
    }
    options
}

/// Holds what a type promises of NULLs and keys against rows.
fn check_promises(typ: &repr::RelationType, rows: &[(Row, Diff)]) -> Result<(), String> {
    for (row, _) in rows {
        let null = |(datum, column): (Datum<'_>, &ColumnType)| datum.is_null() && !column.nullable;
        if row.iter().zip(&typ.columns).any(null) {
            return Err(format!("NULL in {row:?}"));
        }
    }
    for key in &typ.keys {
        let mut seen = BTreeSet::new();
        for (row, count) in rows {
            let datums = row.unpack();
            if *count > 1 || !seen.insert(Row::pack(key.iter().map(|c| datums[*c]))) {
                return Err(format!("two rows have the key {key:?} of {row:?}"));
            }
        }
    }
    Ok(())
}

fn check(seed: u64, depth: usize) -> bool {
    let tables = tables();
    let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
    let mut generator = Generator { random, tables: &tables, ids: LocalIds::new(), bound: Vec::new() };
    let original = generator.relation(depth);
    let options = indexes(&mut generator.random, &tables);
    original.check().unwrap_or_else(|e| panic!("seed {seed}: generated a bad plan: {e}"));
    let budget = Budget::new(2_000_000);
    let Ok(wanted) = interpret(&original, &resolve(&tables), &budget) else { return false };
    let show = |e: &RelExpr| expr::explain::explain_relation(e, &|_| None);
    let optimized =
        optimize(original.clone(), &options).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", show(&original)));
    let found = interpret(&optimized, &resolve(&tables), &Budget::unlimited());
    assert_eq!(found, Ok(wanted.clone()), "seed {seed}:\n{}\nbecame\n{}", show(&original), show(&optimized));
    check_promises(&optimized.typ(), &wanted).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", show(&optimized)));
    let keys = &options.indexes;
    let plan =
        crate::lower::lower(&optimized, keys).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", show(&optimized)));
    let read = |id: GlobalId| {
        let table = tables.iter().find(|t| t.id == id).expect("tables are those of the tests");
        (table.rows.clone(), table.typ.columns.clone())
    };
    let mut evaluator = Evaluator { tables: &read, bound: BTreeMap::new() };
    let lowered = evaluator.eval(&plan).map(|mut rows| {
        expr::interpret::consolidate(&mut rows);
        rows
    });
    let text = expr::explain::explain_plan(&plan, &|_| None);
    assert_eq!(lowered, Ok(wanted), "seed {seed}:\n{}\nlowered to\n{text}", show(&optimized));
    true
}

#[test]
fn random_plans_keep_their_meaning() {
    let meant = (0..3000).filter(|seed| check(*seed, 2 + (*seed % 4) as usize)).count();
    assert!(meant > 2500, "only {meant} of the plans had an answer");
}
