//! Single operators, with answers worked out by hand.

use super::harness::{Contents, IN, Updates, maintain};
use super::scalars::{aggregate, column, divide, get, ints, literal, project, row};
use expr::plan::{JoinPlan, JoinStage};
use expr::relation::ColumnOrder;
use expr::{AggregateFunc, Mfp, Plan, TableFunc};
use repr::{Diff, GlobalId, Row, SqlState, SqlType};

fn updates(updates: &[(GlobalId, &[i64], Diff)]) -> Updates {
    updates.iter().map(|(id, row, diff)| (*id, ints(row), *diff)).collect()
}

fn check(plan: &Plan, script: &[Updates], want: &[&[(Row, Diff)]]) {
    for workers in [1, 2] {
        for together in [1, script.len()] {
            let got = maintain(workers, plan, script, together);
            for (at, want) in want.iter().enumerate() {
                assert_eq!(got[&(at as u64 + 1)].as_deref(), Ok(*want), "at {}", at + 1);
            }
        }
    }
}

fn at(got: &std::collections::BTreeMap<u64, Contents>, time: u64) -> &Contents {
    &got[&time]
}

#[test]
fn sum_of_everything() {
    let aggregates = vec![aggregate(AggregateFunc::SumInt, vec![column(1)]), aggregate(AggregateFunc::Count, vec![])];
    let plan = Plan::Reduce {
        input: Box::new(get(IN[0], 2)),
        key: project(2, &[]),
        value: Mfp::identity(2),
        aggregates,
        monotonic: false,
        mfp: Mfp::identity(2),
    };
    let script = [
        updates(&[(IN[0], &[1, 10], 1), (IN[0], &[2, 20], 1)]),
        updates(&[(IN[0], &[1, 10], -1), (IN[0], &[1, 15], 1)]),
        updates(&[(IN[0], &[1, 15], -1), (IN[0], &[2, 20], -1)]),
        updates(&[(IN[0], &[3, 7], 2)]),
    ];
    check(&plan, &script, &[&[(ints(&[30, 2]), 1)], &[(ints(&[35, 2]), 1)], &[], &[(ints(&[14, 2]), 1)]]);
}

#[test]
fn errors_come_and_go() {
    let mut mfp = Mfp::identity(2);
    mfp.expressions.push(divide(literal(100), column(1)));
    mfp.projection = vec![0, 2];
    let plan = Plan::Mfp { input: Box::new(get(IN[0], 2)), mfp };
    let script = [
        updates(&[(IN[0], &[1, 10], 1)]),
        updates(&[(IN[0], &[2, 0], 1)]),
        updates(&[(IN[0], &[2, 0], -1), (IN[0], &[3, 5], 1)]),
    ];
    let got = maintain(2, &plan, &script, 1);
    assert_eq!(at(&got, 1), &Ok(vec![(ints(&[1, 10]), 1)]));
    assert_eq!(at(&got, 2).as_ref().map_err(|error| error.code), Err(SqlState::DIVISION_BY_ZERO));
    assert_eq!(at(&got, 3), &Ok(vec![(ints(&[1, 10]), 1), (ints(&[3, 20]), 1)]));
}

#[test]
fn negative_counts_are_errors_until_they_are_repaired() {
    let plan = Plan::Reduce {
        input: Box::new(get(IN[0], 2)),
        key: project(2, &[0]),
        value: Mfp::identity(2),
        aggregates: vec![aggregate(AggregateFunc::Max, vec![column(1)])],
        monotonic: false,
        mfp: Mfp::identity(2),
    };
    let script = [updates(&[(IN[0], &[1, 10], -1)]), updates(&[(IN[0], &[1, 10], 2)])];
    let got = maintain(1, &plan, &script, 1);
    assert_eq!(at(&got, 1).as_ref().map_err(|error| error.code), Err(SqlState::INTERNAL_ERROR));
    assert_eq!(at(&got, 2), &Ok(vec![(ints(&[1, 10]), 1)]));
}

#[test]
fn null_keys_do_not_join() {
    let stage =
        JoinStage { input: 1, lookup_key: vec![column(0)], stream_key: vec![column(0)], mfp: project(4, &[0, 1, 3]) };
    let plan = JoinPlan::Linear { start: 0, initial: Mfp::identity(2), stages: vec![stage] };
    let arranged = |id| Plan::ArrangeBy { input: Box::new(get(id, 2)), keys: vec![vec![column(0)]] };
    let plan = Plan::Join { inputs: vec![arranged(IN[0]), arranged(IN[1])], plan };
    let script = [vec![
        (IN[0], row(&[None, Some(1)]), 1),
        (IN[1], row(&[None, Some(2)]), 1),
        (IN[0], row(&[Some(7), Some(1)]), 2),
        (IN[1], row(&[Some(7), Some(2)]), 3),
    ]];
    check(&plan, &script, &[&[(ints(&[7, 1, 2]), 6)]]);
}

#[test]
fn top_k_orders_ties_by_the_row() {
    let order = vec![ColumnOrder { column: 1, desc: true, nulls_first: true }];
    let plan = Plan::TopK {
        input: Box::new(get(IN[0], 2)),
        group_key: vec![],
        order,
        limit: Some(literal(2)),
        offset: 1,
        monotonic: false,
    };
    let script = [
        updates(&[(IN[0], &[1, 5], 1), (IN[0], &[2, 5], 1), (IN[0], &[3, 4], 1), (IN[0], &[4, 9], 1)]),
        updates(&[(IN[0], &[4, 9], -1)]),
        vec![(IN[0], row(&[Some(0), None]), 1)],
    ];
    check(
        &plan,
        &script,
        &[
            &[(ints(&[1, 5]), 1), (ints(&[2, 5]), 1)],
            &[(ints(&[2, 5]), 1), (ints(&[3, 4]), 1)],
            &[(ints(&[1, 5]), 1), (ints(&[2, 5]), 1)],
        ],
    );
}

#[test]
fn repeat_multiplies() {
    let plan = Plan::FlatMap {
        input: Box::new(get(IN[0], 2)),
        func: TableFunc::Repeat,
        args: vec![column(1)],
        mfp: project(2, &[0]),
    };
    let script = [updates(&[(IN[0], &[1, 3], 2)]), updates(&[(IN[0], &[1, 3], -1)])];
    check(&plan, &script, &[&[(ints(&[1]), 6)], &[(ints(&[1]), 3)]]);
}

#[test]
fn constants_are_said_once() {
    let types = vec![SqlType::Int8.nullable(false)];
    let plan = Plan::Constant { rows: Ok(vec![(ints(&[4]), 2)]), types };
    check(&plan, &[vec![]], &[&[(ints(&[4]), 2)]]);
}
