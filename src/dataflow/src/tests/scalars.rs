//! Rows, expressions and a source of randomness for tests.

use expr::func::{Func, FuncDef, Nulls, Return, Volatility};
use expr::relation::Id;
use expr::{AggregateExpr, AggregateFunc, Mfp, Plan, ScalarExpr};
use repr::{Arena, Datum, EvalError, GlobalId, Row, SqlError, SqlState, SqlType};

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

fn int8(datum: Datum<'_>) -> i64 {
    match datum {
        Datum::Int8(value) => value,
        other => panic!("not an int8: {other:?}"),
    }
}

const fn def(name: &'static str, ret: SqlType, eval: expr::func::EvalFn) -> FuncDef {
    FuncDef {
        name,
        sql_name: name,
        args: &[],
        variadic: false,
        ret: Return::Type(ret),
        nulls: Nulls::Strict,
        volatility: Volatility::Immutable,
        eval,
    }
}

fn eval_equal<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    Ok(Datum::Bool(args[0] == args[1]))
}
fn eval_add<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    Ok(Datum::Int8(int8(args[0]) + int8(args[1])))
}
fn eval_divide<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let zero = || SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero");
    int8(args[0]).checked_div(int8(args[1])).map(Datum::Int8).ok_or_else(zero)
}

static EQUAL: FuncDef = def("test_eq", SqlType::Bool, eval_equal);
static ADD: FuncDef = def("test_add", SqlType::Int8, eval_add);
static DIVIDE: FuncDef = def("test_div", SqlType::Int8, eval_divide);

pub fn equal(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    ScalarExpr::Call { func: Func(&EQUAL), args: vec![a, b] }
}
pub fn add(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    ScalarExpr::Call { func: Func(&ADD), args: vec![a, b] }
}
pub fn divide(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    ScalarExpr::Call { func: Func(&DIVIDE), args: vec![a, b] }
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
