//! Rows, expressions and a source of randomness for tests.

use expr::relation::Id;
use expr::{AggregateExpr, AggregateFunc, Mfp, Plan, ScalarExpr};
use repr::{Datum, GlobalId, Row, SqlType};

/// xorshift64*
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A row of int8; `None` is NULL.
pub fn row(values: &[Option<i64>]) -> Row {
    Row::pack(values.iter().map(|value| value.map_or(Datum::Null, Datum::Int8)))
}

pub fn ints(values: &[i64]) -> Row {
    Row::pack(values.iter().map(|value| Datum::Int8(*value)))
}

pub fn column(index: usize) -> ScalarExpr {
    ScalarExpr::Column(index)
}

pub fn literal(value: i64) -> ScalarExpr {
    ScalarExpr::Literal(Ok(ints(&[value])), SqlType::Int8.nullable(false))
}

pub fn equal(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    ScalarExpr::call("int8eq", vec![a, b])
}
pub fn add(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    ScalarExpr::call("int8pl", vec![a, b])
}
pub fn divide(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    ScalarExpr::call("int8div", vec![a, b])
}

pub fn project(arity: usize, columns: &[usize]) -> Mfp {
    Mfp { projection: columns.to_vec(), ..Mfp::identity(arity) }
}

pub fn get(id: GlobalId, arity: usize) -> Plan {
    Plan::Get { id: Id::Global(id), key: None, mfp: Mfp::identity(arity) }
}

pub fn aggregate(func: AggregateFunc, args: Vec<ScalarExpr>) -> AggregateExpr {
    AggregateExpr { func, args, filter: None, distinct: false, order: Vec::new(), order_exprs: Vec::new() }
}
