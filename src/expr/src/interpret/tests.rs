//! What plans mean, operator by operator.

use super::{Budget, Rows, interpret, interpret_constant, too_many_copies};
use crate::relation::{ColumnOrder, RecBinding, RecLimit, RelExpr, RowSetFinishing};
use crate::scalar::ScalarExpr;
use crate::{AggregateExpr, AggregateFunc, LocalIds, TableFunc};
use repr::{ColumnType, Datum, EvalError, LocalId, RelationType, Row, SqlState, SqlType};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn types(columns: usize) -> Vec<ColumnType> {
    vec![SqlType::Int4.nullable(true); columns]
}

fn row(values: &[Option<i32>]) -> Row {
    Row::pack(values.iter().map(|v| v.map_or(Datum::Null, Datum::Int4)))
}

fn table(rows: &[&[Option<i32>]]) -> RelExpr {
    let columns = rows.first().map_or(1, |r| r.len());
    RelExpr::constant(rows.iter().map(|r| row(r)).collect(), RelationType::new(types(columns)))
}

fn check(expr: RelExpr, expected: &[(&[Option<i32>], i64)]) {
    let expected: Rows = expected.iter().map(|(values, diff)| (row(values), *diff)).collect();
    assert_eq!(interpret_constant(&expr, &Budget::unlimited()), Ok(expected));
}

fn c(column: usize) -> ScalarExpr {
    ScalarExpr::Column(column)
}

fn code(expr: &RelExpr, budget: &Budget) -> SqlState {
    interpret_constant(expr, budget).expect_err("it fails").code
}

#[test]
fn null_joins_nothing() {
    let left = table(&[&[Some(1)], &[Some(2)], &[None]]);
    let join = RelExpr::join(vec![left.clone(), left], vec![vec![c(0), c(1)]]);
    check(join, &[(&[Some(1), Some(1)], 1), (&[Some(2), Some(2)], 1)]);
}

#[test]
fn joins_of_three_keep_their_columns_in_order() {
    let a = table(&[&[Some(1), Some(10)], &[Some(2), Some(20)]]);
    let b = table(&[&[Some(20)], &[Some(30)]]);
    let other = table(&[&[Some(2)]]);
    let join = RelExpr::join(vec![b, other, a], vec![vec![c(0), c(3)], vec![c(1), c(2)]]);
    check(join, &[(&[Some(20), Some(2), Some(2), Some(20)], 1)]);
}

#[test]
fn groups_by_equal_values() {
    let numeric = |digits: &str| {
        let mut packer = repr::RowPacker::new();
        repr::text::parse(digits, &SqlType::NUMERIC, &repr::text::TextSettings::DEFAULT, &mut packer)
            .expect("a number");
        packer.finish()
    };
    let rows = vec![numeric("1.0"), numeric("1.00"), numeric("2")];
    let typ = RelationType::new(vec![SqlType::NUMERIC.nullable(false)]);
    let distinct = interpret_constant(&RelExpr::constant(rows, typ).distinct(), &Budget::unlimited());
    assert_eq!(distinct.map(|rows| rows.len()), Ok(2));
}

#[test]
fn aggregates_over_nothing() {
    let count = AggregateExpr {
        func: AggregateFunc::Count,
        args: vec![],
        filter: None,
        distinct: false,
        order: vec![],
        order_exprs: vec![],
    };
    check(RelExpr::empty(RelationType::new(types(1))).reduce(vec![], vec![count.clone()]), &[]);
    let counted = table(&[&[Some(1)], &[Some(1)]]).reduce(vec![], vec![count]);
    assert_eq!(interpret_constant(&counted, &Budget::unlimited()), Ok(vec![(Row::pack([Datum::Int8(2)]), 1)]));
}

#[test]
fn thresholds_and_negation() {
    let rows = table(&[&[Some(1)], &[Some(1)], &[Some(2)]]);
    let less = table(&[&[Some(1)], &[Some(2)], &[Some(2)]]);
    check(rows.union(less.negate()).threshold(), &[(&[Some(1)], 1)]);
}

#[test]
fn the_first_rows_of_groups() {
    let rows = table(&[&[Some(1), Some(5)], &[Some(1), None], &[Some(2), Some(1)]]);
    let order = vec![ColumnOrder { column: 1, desc: true, nulls_first: true }];
    let one = ScalarExpr::literal(Datum::Int8(1), SqlType::Int8);
    check(
        rows.clone().top_k(vec![0], order.clone(), Some(one.clone()), 0),
        &[(&[Some(1), None], 1), (&[Some(2), Some(1)], 1)],
    );
    check(rows.top_k(vec![], order, Some(one), 1), &[(&[Some(1), Some(5)], 1)]);
}

#[test]
fn recursion_reaches_its_fixed_point() {
    let mut ids = LocalIds::new();
    let id = ids.fresh();
    let typ = RelationType::new(types(1));
    let get = RelExpr::get_local(id, typ.clone());
    let next = get.clone().filter(vec![c(0).call_binary("int4lt", ScalarExpr::literal(Datum::Int4(3), SqlType::Int4))]);
    let one = ScalarExpr::literal(Datum::Int4(1), SqlType::Int4);
    let next = next.map(vec![c(0).call_binary("int4pl", one)]).project(vec![1]);
    let value = table(&[&[Some(1)]]).union(next).distinct();
    let recursive = |limit| RelExpr::LetRec {
        bindings: vec![RecBinding { id, value: value.clone(), typ: typ.clone(), limit }],
        body: Box::new(get.clone()),
    };
    check(recursive(None), &[(&[Some(1)], 1), (&[Some(2)], 1), (&[Some(3)], 1)]);
    check(recursive(Some(RecLimit { iterations: 1, return_at_limit: true })), &[(&[Some(1)], 1)]);
    let failing = recursive(Some(RecLimit { iterations: 1, return_at_limit: false }));
    assert_eq!(code(&failing, &Budget::unlimited()), SqlState::PROGRAM_LIMIT_EXCEEDED);
}

#[test]
fn budgets_and_cancellation_stop_products() {
    let hundred = RelExpr::unit().flat_map(
        TableFunc::GenerateSeries(SqlType::Int4),
        [1, 100, 1].map(|n| ScalarExpr::literal(Datum::Int4(n), SqlType::Int4)).to_vec(),
    );
    let product = RelExpr::join(vec![hundred; 10], vec![]);
    assert_eq!(code(&product, &Budget::new(1_000_000)), SqlState::PROGRAM_LIMIT_EXCEEDED);
    let cancelled = Budget::unlimited().with_cancel(Arc::new(AtomicBool::new(true)));
    assert_eq!(code(&product, &cancelled), SqlState::QUERY_CANCELED);
}

#[test]
fn a_false_predicate_outweighs_errors() {
    let zero = || ScalarExpr::literal(Datum::Int4(0), SqlType::Int4);
    let one = || ScalarExpr::literal(Datum::Int4(1), SqlType::Int4);
    let fails = one().call_binary("int4div", c(0)).call_binary("int4eq", one());
    let guarded = table(&[&[Some(0)], &[Some(1)]]).filter(vec![fails.clone(), c(0).call_binary("int4ne", zero())]);
    check(guarded, &[(&[Some(1)], 1)]);
    assert_eq!(code(&table(&[&[Some(0)]]).filter(vec![fails]), &Budget::unlimited()), SqlState::DIVISION_BY_ZERO);
}

#[test]
fn objects_come_from_the_resolver() {
    let get = RelExpr::get_global(repr::GlobalId::User(1), RelationType::new(types(1)));
    let rows = Arc::new(vec![(row(&[Some(7)]), 2), (row(&[Some(7)]), 1)]);
    assert_eq!(interpret(&get, &|_| Ok(rows.clone()), &Budget::unlimited()), Ok(vec![(row(&[Some(7)]), 3)]));
}

#[test]
fn finishing_orders_skips_limits_and_projects() {
    let finishing = RowSetFinishing {
        order: vec![ColumnOrder { column: 1, desc: true, nulls_first: false }],
        limit: Some(3),
        offset: 1,
        project: vec![0],
    };
    let rows = vec![
        (row(&[Some(1), Some(1)]), 1),
        (row(&[Some(2), None]), 1),
        (row(&[Some(3), Some(9)]), 2),
        (row(&[Some(4), Some(1)]), 1),
    ];
    assert_eq!(finishing.finish(rows), Ok(vec![row(&[Some(3)]), row(&[Some(1)]), row(&[Some(4)])]));
    assert!(RowSetFinishing::trivial(1).finish(vec![(row(&[Some(1)]), -1)]).is_err());
}

/// A recursion of one binding, and the same with one more that nobody reads: round by round, and all again.
fn both_ways(value: impl Fn(RelExpr) -> RelExpr, limit: Option<RecLimit>) -> [Result<Rows, EvalError>; 2] {
    let typ = RelationType::new(types(1));
    let binding = |id| {
        let value = value(RelExpr::get_local(LocalId(id), typ.clone()));
        RecBinding { id: LocalId(id), value, typ: typ.clone(), limit }
    };
    [vec![binding(0)], vec![binding(0), binding(1)]].map(|bindings| {
        let body = Box::new(RelExpr::get_local(LocalId(0), typ.clone()));
        interpret_constant(&RelExpr::LetRec { bindings, body }, &Budget::unlimited())
    })
}

#[test]
fn recursions_round_by_round() {
    let less = |n| vec![c(0).call_binary("int4lt", ScalarExpr::literal(Datum::Int4(n), SqlType::Int4))];
    let next = || c(0).call_binary("int4pl", ScalarExpr::literal(Datum::Int4(1), SqlType::Int4));
    let start = || table(&[&[Some(1)], &[Some(1)], &[Some(2)]]);
    let add = |rec: RelExpr, n| start().union(rec.filter(less(n)).map(vec![next()]).project(vec![1]));
    let [one, all] = both_ways(|rec| add(rec, 4), None);
    assert_eq!(one, all);
    assert_eq!(one, Ok(vec![(row(&[Some(1)]), 2), (row(&[Some(2)]), 3), (row(&[Some(3)]), 3), (row(&[Some(4)]), 3)]));
    let [one, all] = both_ways(|rec| add(rec, 4).distinct(), None);
    assert_eq!(one, all);
    assert_eq!(one.map(|rows| rows.len()), Ok(4));
    let limit = Some(RecLimit { iterations: 2, return_at_limit: true });
    let [one, all] = both_ways(|rec| add(rec, 9), limit);
    assert_eq!(one, all);
    let [one, all] = both_ways(|rec| start().union(rec.clone().union(rec)), None);
    assert_eq!(one, all);
    assert_eq!(one, Err(too_many_copies()));
}
