//! Partitions against a plain list, and values worked out by hand.

use super::{Bound, Evaluator, Exclude, Frame, Offset, Partition, Units, WindowExpr, WindowFunc, Windows};
use crate::aggregate::AggregateFunc;
use crate::relation::ColumnOrder;
use crate::scalar::ScalarExpr;
use crate::sort_key::{prefix_of, sorted_row};
use repr::{Datum, Diff, Row};
use std::collections::BTreeMap;

const ORDER: ColumnOrder = ColumnOrder { column: 0, desc: false, nulls_first: false };

fn sorted(order: i64, value: i64) -> Row {
    let datums = [Datum::Int8(order), Datum::Int8(value)];
    sorted_row(&[ORDER], &datums, Row::pack(datums).as_ref())
}

fn windows(functions: Vec<WindowExpr>) -> Windows {
    Windows { order: vec![ORDER], functions }
}

/// Every question about positions has the answer that the expanded list gives.
fn check_positions(partition: &Partition, model: &BTreeMap<Row, Diff>) {
    let rows: Vec<&Row> = model.iter().flat_map(|(row, count)| std::iter::repeat_n(row, *count as usize)).collect();
    let prefix = |at: usize| prefix_of(rows[at].as_ref());
    let none = windows(Vec::new());
    let view = partition.view(&none);
    assert_eq!(view.len(), rows.len());
    let starts: Vec<usize> = (0..rows.len()).filter(|at| *at == 0 || prefix(*at) != prefix(at - 1)).collect();
    for at in 0..rows.len() {
        assert_eq!(view.sorted(at).encoded(), rows[at].encoded());
        let first = rows.partition_point(|row| prefix_of(row.as_ref()) < prefix(at));
        let end = rows.partition_point(|row| prefix_of(row.as_ref()) <= prefix(at));
        assert_eq!(view.peers(at), first..end);
        assert_eq!(view.groups_before(first), starts.iter().filter(|start| **start < first).count());
    }
    for (group, start) in starts.iter().enumerate() {
        assert_eq!(view.group_start(group), *start);
    }
    assert_eq!(view.group_start(starts.len()), rows.len());
    assert_eq!(view.groups_before(rows.len()), starts.len());
}

#[test]
fn positions_follow_changes() {
    let mut seed = 7u64;
    let mut below = |n: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((seed >> 33) % n) as i64
    };
    let mut model: BTreeMap<Row, Diff> = BTreeMap::new();
    for _ in 0..600 {
        *model.entry(sorted(below(200), below(5))).or_default() += 1 + below(2);
    }
    let mut partition = Partition::from_sorted(model.iter().map(|(row, count)| (row.clone(), *count)).collect());
    check_positions(&partition, &model);
    for round in 0..3000 {
        let row = sorted(below(200), below(5));
        let count = model.entry(row.clone()).or_default();
        let diff = if *count > 0 && below(3) > 0 { -*count } else { 1 };
        *count += diff;
        model.retain(|_, count| *count != 0);
        partition.update(&row, diff);
        if round % 300 == 0 {
            check_positions(&partition, &model);
        }
    }
    let rows: Vec<(Row, Diff)> = model.into_iter().collect();
    rows.iter().for_each(|(row, count)| partition.update(row, -count));
    assert!(partition.is_empty());
}

#[test]
fn a_row_taken_before_it_comes_is_an_error_until_then() {
    let mut partition = Partition::default();
    partition.update(&sorted(1, 1), -1);
    assert!(partition.check().is_err());
    partition.update(&sorted(1, 1), 1);
    assert!(partition.check().is_ok() && partition.is_empty());
}

/// The values of a function over rows with these orders, whose values are their positions.
fn check(func: WindowFunc, args: Vec<ScalarExpr>, frame: Frame, orders: &[i64], want: &[Option<i64>]) {
    let windows = windows(vec![WindowExpr { func, args, filter: None, frame }]);
    let rows = orders.iter().enumerate().map(|(at, order)| (sorted(*order, at as i64), 1)).collect();
    let partition = Partition::from_sorted(rows);
    let view = partition.view(&windows);
    let mut got = Vec::new();
    Evaluator::new(&view).run(0..view.len(), &mut |row| {
        got.push(row.expect("a value").iter().nth(2).and_then(|datum| match datum {
            Datum::Int8(value) => Some(value),
            _ => None,
        }));
    });
    assert_eq!(got, want);
}

#[test]
fn frames() {
    let sum = || WindowFunc::Aggregate(AggregateFunc::SumInt);
    let value = || vec![ScalarExpr::Column(1)];
    let frame = |units, start, end, exclude| Frame { units, start, end, exclude };
    let back = |n| Bound::Preceding(Offset::Count(n));
    let orders = [1, 1, 2, 5, 5];
    let running = frame(Units::Rows, Bound::Unbounded, Bound::CurrentRow, Exclude::NoOthers);
    check(sum(), value(), running, &orders, &[Some(0), Some(1), Some(3), Some(6), Some(10)]);
    check(sum(), value(), Frame::default(), &orders, &[Some(1), Some(1), Some(3), Some(10), Some(10)]);
    let before = frame(Units::Rows, back(2), back(1), Exclude::NoOthers);
    check(sum(), value(), before, &orders, &[None, Some(0), Some(1), Some(3), Some(5)]);
    let groups = frame(Units::Groups, back(1), Bound::CurrentRow, Exclude::Ties);
    check(sum(), value(), groups, &orders, &[Some(0), Some(1), Some(3), Some(5), Some(6)]);
    let near = Bound::Preceding(Offset::Value(Row::pack([Datum::Int8(1)])));
    let range = frame(Units::Range, near, Bound::CurrentRow, Exclude::Group);
    check(sum(), value(), range, &orders, &[None, None, Some(1), None, None]);
    let last = WindowFunc::LastValue;
    check(last, value(), Frame::default(), &orders, &[Some(1), Some(1), Some(2), Some(4), Some(4)]);
}
