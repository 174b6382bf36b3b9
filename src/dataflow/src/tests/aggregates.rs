//! Every aggregate over random histories, with and without DISTINCT, FILTER and ORDER BY; plain and inside a recursion.

use super::harness::{IN, Updates, maintain};
use super::oracle;
use super::scalars::{Rng, aggregate, column, equal, get, literal, project};
use expr::relation::{ColumnOrder, Id};
use expr::{AggregateExpr, AggregateFunc, Mfp, Plan};
use repr::{Datum, Interval, LocalId, Row, SqlType};

const ARITY: usize = 8;

/// Aggregates with the columns they take, of: key, int8, int4, float8, numeric, bool, text, interval.
fn all() -> Vec<(AggregateFunc, Vec<usize>)> {
    use AggregateFunc::*;
    vec![
        (Count, vec![]),
        (Count, vec![1]),
        (SumInt, vec![2]),
        (SumInt8, vec![1]),
        (SumFloat8, vec![3]),
        (SumNumeric, vec![4]),
        (SumInterval, vec![7]),
        (AvgInt, vec![1]),
        (AvgFloat, vec![3]),
        (AvgNumeric, vec![4]),
        (AvgInterval, vec![7]),
        (Min, vec![6]),
        (Max, vec![4]),
        (Min, vec![3]),
        (Max, vec![7]),
        (BoolAnd, vec![5]),
        (BoolOr, vec![5]),
        (StringAgg, vec![6, 6]),
        (ArrayAgg(SqlType::Int8), vec![1]),
        (StddevSamp(true), vec![3]),
        (StddevPop(false), vec![4]),
        (VarSamp(false), vec![4]),
        (VarPop(true), vec![3]),
    ]
}

fn random_row(rng: &mut Rng) -> Row {
    let floats = [0.1, -1e300, 1e300, 3.5, f64::NAN, f64::INFINITY];
    let decimals = ["0.1", "1.00", "-7", "1e20", "NaN"].map(|text| {
        let mut packer = repr::RowPacker::new();
        repr::text::parse(text, &SqlType::NUMERIC, &Default::default(), &mut packer).expect("a number");
        packer.finish()
    });
    let number: &Row = rng.choose(&decimals);
    let span = Interval { months: rng.below(3) as i32, days: rng.below(40) as i32, micros: rng.below(5) as i64 };
    let datums = [
        Datum::Int8(rng.below(2) as i64),
        Datum::Int8(rng.below(5) as i64),
        Datum::Int4(rng.below(5) as i32 - 2),
        Datum::Float8(*rng.choose(&floats)),
        number.iter().next().expect("one value"),
        Datum::Bool(rng.one_in(2)),
        Datum::Text(["a", "b", "", "ab"][rng.below(4)]),
        Datum::Interval(span),
    ];
    let key = datums[0];
    Row::pack(datums.into_iter().enumerate().map(|(at, datum)| {
        if at == 0 {
            key
        } else if rng.one_in(8) {
            Datum::Null
        } else {
            datum
        }
    }))
}

fn script(rng: &mut Rng) -> Vec<Updates> {
    let mut live: Vec<Row> = Vec::new();
    (0..6)
        .map(|_| {
            (0..5)
                .map(|_| {
                    if live.len() > 3 && rng.one_in(2) {
                        return (IN[0], live.swap_remove(rng.below(live.len())), -1);
                    }
                    let row = random_row(rng);
                    live.push(row.clone());
                    (IN[0], row, 1)
                })
                .collect()
        })
        .collect()
}

fn random_aggregate(rng: &mut Rng, func: AggregateFunc, columns: &[usize]) -> AggregateExpr {
    let ordered = matches!(func, AggregateFunc::StringAgg | AggregateFunc::ArrayAgg(_)) && rng.one_in(2);
    let args: Vec<_> = columns.iter().map(|at| column(*at)).collect();
    let order = ColumnOrder { column: 0, desc: rng.one_in(2), nulls_first: rng.one_in(2) };
    AggregateExpr {
        filter: rng.one_in(3).then(|| equal(column(1), literal(1))),
        distinct: !args.is_empty() && rng.one_in(3),
        order: if ordered { vec![order] } else { vec![] },
        order_exprs: if ordered { vec![args[0].clone()] } else { vec![] },
        func,
        args,
    }
}

fn reduce(aggregates: Vec<AggregateExpr>) -> Plan {
    let mfp = Mfp::identity(1 + aggregates.len());
    Plan::Reduce {
        input: Box::new(get(IN[0], ARITY)),
        key: project(ARITY, &[0]),
        value: Mfp::identity(ARITY),
        aggregates,
        monotonic: false,
        mfp,
    }
}

fn check(plan: &Plan, script: &[Updates], workers: usize) {
    let got = maintain(workers, plan, script, 2);
    for time in 1..=script.len() {
        let want = oracle::evaluate(plan, &mut oracle::inputs(&script[..time]));
        let got = &got[&(time as u64)];
        assert_eq!(got.as_ref().ok(), want.as_ref().ok(), "at {time}: {plan:#?}");
    }
}

#[test]
fn each_aggregate() {
    let mut rng = Rng::new(5);
    for _ in 0..4 {
        for (func, columns) in all() {
            let aggregate = random_aggregate(&mut rng, func, &columns);
            check(&reduce(vec![aggregate]), &script(&mut rng), 1);
        }
    }
}

#[test]
fn many_aggregates_at_once() {
    let mut rng = Rng::new(6);
    let aggregates: Vec<_> =
        all().into_iter().map(|(func, columns)| random_aggregate(&mut rng, func, &columns)).collect();
    let (plan, script) = (reduce(aggregates), script(&mut rng));
    check(&plan, &script, 2);
    let id = LocalId(1);
    let body = Plan::Get { id: Id::Local(id), key: None, mfp: Mfp::identity(1 + all().len()) };
    check(&Plan::LetRec { bindings: vec![(id, plan, None)], body: Box::new(body) }, &script, 2);
}

#[test]
fn sums_leave_no_residue() {
    let number = |value: f64| {
        let mut row = vec![Datum::Null; ARITY];
        (row[0], row[3]) = (Datum::Int8(0), Datum::Float8(value));
        Row::pack(row)
    };
    let plan = reduce(vec![aggregate(AggregateFunc::SumFloat8, vec![column(3)])]);
    let script = [
        vec![(IN[0], number(1e300), 1), (IN[0], number(0.1), 1), (IN[0], number(f64::NAN), 1)],
        vec![(IN[0], number(1e300), -1), (IN[0], number(f64::NAN), -1)],
    ];
    let got = maintain(1, &plan, &script, 1);
    assert_eq!(got[&2], Ok(vec![(Row::pack([Datum::Int8(0), Datum::Float8(0.1)]), 1)]));
}
