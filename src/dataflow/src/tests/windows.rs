//! Window functions over random histories: every function, every frame; what is maintained at each time is what the definition says.

use super::harness::{IN, Updates, maintain};
use super::oracle;
use super::scalars::{Rng, column, equal, get, literal};
use expr::relation::{ColumnOrder, Id};
use expr::window::{Bound, Exclude, Frame, Offset, Units};
use expr::{AggregateFunc, Mfp, Plan, ScalarExpr, WindowExpr, WindowFunc};
use repr::{Datum, Diff, LocalId, Row, SqlType};

const ARITY: usize = 4;

/// A row of: partition, order, value, text.
fn random_row(rng: &mut Rng, partitions: usize) -> Row {
    let number =
        |rng: &mut Rng, below: usize| if rng.one_in(9) { Datum::Null } else { Datum::Int8(rng.below(below) as i64) };
    let partition = Datum::Int8(rng.below(partitions) as i64);
    Row::pack([partition, number(rng, 12), number(rng, 7), Datum::Text(["a", "b", "c"][rng.below(3)])])
}

/// `first` rows, then `times` times some that come and some that go; now and then the same row again.
fn script(rng: &mut Rng, partitions: usize, first: usize, times: usize, each: usize) -> Vec<Updates> {
    let mut live: Vec<Row> = Vec::new();
    let mut step = |rng: &mut Rng, updates: usize| -> Updates {
        (0..updates)
            .map(|_| {
                if live.len() > first / 2 && rng.one_in(2) {
                    return (IN[0], live.swap_remove(rng.below(live.len())), -1 as Diff);
                }
                let again = !live.is_empty() && rng.one_in(6);
                let row = if again { rng.choose(&live).clone() } else { random_row(rng, partitions) };
                live.push(row.clone());
                (IN[0], row, 1)
            })
            .collect()
    };
    let mut script = vec![step(rng, first)];
    script.extend((0..times).map(|_| {
        let updates = rng.below(each + 1);
        step(rng, updates)
    }));
    script
}

fn int4(value: i32) -> ScalarExpr {
    ScalarExpr::literal(Datum::Int4(value), SqlType::Int4)
}

fn bound(rng: &mut Rng, units: Units, least: i64) -> (Bound, i64) {
    let at = (least + rng.below(5) as i64).min(3);
    let offset = |n: i64| match units {
        Units::Range => Offset::Value(Row::pack([Datum::Int8(n)])),
        _ => Offset::Count(n as u64),
    };
    match at {
        0 if rng.one_in(2) => (Bound::CurrentRow, 0),
        at if at <= 0 => (Bound::Preceding(offset(-at)), at),
        at => (Bound::Following(offset(at)), at),
    }
}

fn random_frame(rng: &mut Rng, units: Units) -> Frame {
    let exclude =
        *rng.choose(&[Exclude::NoOthers, Exclude::NoOthers, Exclude::CurrentRow, Exclude::Group, Exclude::Ties]);
    let (start, least) = if rng.one_in(2) { (Bound::Unbounded, -3) } else { bound(rng, units, -3) };
    let end = if rng.one_in(3) { Bound::Unbounded } else { bound(rng, units, least).0 };
    Frame { units, start, end, exclude }
}

fn random_function(rng: &mut Rng, units: Units) -> WindowExpr {
    use WindowFunc::*;
    let aggregates = [
        (AggregateFunc::Count, vec![]),
        (AggregateFunc::SumInt8, vec![column(2)]),
        (AggregateFunc::Min, vec![column(2)]),
        (AggregateFunc::Max, vec![column(3)]),
        (AggregateFunc::AvgInt, vec![column(1)]),
        (AggregateFunc::StringAgg, vec![column(3), column(3)]),
    ];
    let positions = [RowNumber, Rank, DenseRank, PercentRank, CumeDist, Ntile, Lag, Lead];
    let framed = [FirstValue, LastValue, NthValue];
    let default = Frame::default();
    let (func, args, frame) = match rng.below(4) {
        0 => (rng.choose(&positions).clone(), Vec::new(), default),
        1 => (rng.choose(&framed).clone(), Vec::new(), random_frame(rng, units)),
        _ => {
            let (func, args) = rng.choose(&aggregates).clone();
            (Aggregate(func), args, random_frame(rng, units))
        }
    };
    let args = match func {
        Ntile => vec![int4(1 + rng.below(4) as i32)],
        Lag | Lead if rng.one_in(2) => vec![column(2)],
        Lag | Lead => vec![column(2), int4(rng.below(5) as i32 - 1), literal(-1)],
        FirstValue | LastValue => vec![column(2)],
        NthValue => vec![column(2), int4(1 + rng.below(3) as i32)],
        _ => args,
    };
    let filter = (matches!(func, Aggregate(_)) && rng.one_in(3)).then_some(column(ARITY));
    WindowExpr { func, args, filter, frame }
}

/// A window over the input with a column that says whether a filter holds.
fn random_window(rng: &mut Rng, functions: usize) -> Plan {
    let units = *rng.choose(&[Units::Rows, Units::Range, Units::Groups]);
    let first = ColumnOrder { column: 1, desc: rng.one_in(2), nulls_first: rng.one_in(2) };
    let mut order = vec![first];
    if units != Units::Range && rng.one_in(2) {
        order.push(ColumnOrder { column: 2, desc: rng.one_in(2), nulls_first: rng.one_in(2) });
    }
    let mfp = Mfp::identity(ARITY).map([equal(column(2), literal(3))]);
    let input = Box::new(Plan::Mfp { input: Box::new(get(IN[0], ARITY)), mfp });
    let functions = (0..functions).map(|_| random_function(rng, units)).collect();
    Plan::Window { input, partition: vec![0], order, functions }
}

fn check(plan: &Plan, script: &[Updates], workers: usize, together: usize) {
    let got = maintain(workers, plan, script, together);
    for time in 1..=script.len() {
        let want = oracle::evaluate(plan, &mut oracle::inputs(&script[..time]));
        assert_eq!(got[&(time as u64)], want, "at {time}: {plan:#?}");
    }
}

#[test]
fn small_partitions() {
    let mut rng = Rng::new(11);
    for _ in 0..60 {
        let functions = 1 + rng.below(3);
        let plan = random_window(&mut rng, functions);
        let script = script(&mut rng, 3, 12, 5, 5);
        check(&plan, &script, 1 + rng.below(2), 1 + rng.below(3));
    }
}

#[test]
fn changes_within_large_partitions() {
    let mut rng = Rng::new(12);
    for _ in 0..40 {
        let plan = random_window(&mut rng, 1);
        let script = script(&mut rng, 1, 90, 6, 3);
        check(&plan, &script, 1, 1);
    }
}

#[test]
fn partitions_of_several_blocks() {
    let mut rng = Rng::new(13);
    for _ in 0..4 {
        let functions = 1 + rng.below(2);
        let plan = random_window(&mut rng, functions);
        let script = script(&mut rng, 1, 700, 3, 20);
        check(&plan, &script, 1, 1);
    }
}

#[test]
fn inside_a_recursion() {
    let mut rng = Rng::new(14);
    for _ in 0..4 {
        let plan = random_window(&mut rng, 2);
        let id = LocalId(1);
        let body = Plan::Get { id: Id::Local(id), key: None, mfp: Mfp::identity(ARITY + 3) };
        let plan = Plan::LetRec { bindings: vec![(id, plan, None)], body: Box::new(body) };
        let script = script(&mut rng, 2, 12, 4, 4);
        check(&plan, &script, 1, 2);
    }
}

#[test]
fn negative_counts_are_errors_until_they_are_made_up_for() {
    let plan = random_window(&mut Rng::new(15), 1);
    let row = random_row(&mut Rng::new(1), 1);
    let script = [vec![(IN[0], row.clone(), -1)], vec![(IN[0], row, 2)]];
    let got = maintain(1, &plan, &script, 1);
    assert!(got[&1].is_err());
    assert_eq!(got[&2].as_ref().map(Vec::len), Ok(1));
}
