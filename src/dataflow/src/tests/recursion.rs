//! Recursion, through inserts and deletes.

use super::harness::{IN, maintain};
use super::oracle;
use super::scalars::{Rng, column, get, ints, project};
use expr::plan::{JoinPlan, JoinStage};
use expr::relation::{Id, RecLimit};
use expr::{Mfp, Plan};
use repr::LocalId;

const REACH: LocalId = LocalId(1);
const BACK: LocalId = LocalId(2);

fn local(id: LocalId) -> Plan {
    Plan::Get { id: Id::Local(id), key: None, mfp: Mfp::identity(2) }
}

fn distinct(input: Plan) -> Plan {
    Plan::Reduce {
        input: Box::new(input),
        key: Mfp::identity(2),
        value: project(2, &[]),
        aggregates: vec![],
        monotonic: false,
        mfp: Mfp::identity(2),
    }
}

/// Pairs (a, c) with (a, b) in the first and (b, c) in the second.
fn compose(first: Plan, second: Plan) -> Plan {
    let stage =
        JoinStage { input: 1, lookup_key: vec![column(0)], stream_key: vec![column(1)], mfp: project(4, &[0, 3]) };
    let plan = JoinPlan::Linear { start: 0, initial: Mfp::identity(2), stages: vec![stage] };
    Plan::Join { inputs: vec![first, second], plan }
}

/// `reach(a, c) AS (SELECT * FROM edges UNION SELECT reach.a, edges.b FROM reach JOIN edges ON …)`
fn reach(limit: Option<RecLimit>) -> Plan {
    let step = compose(local(REACH), get(IN[0], 2));
    let value = distinct(Plan::Union { inputs: vec![get(IN[0], 2), step] });
    Plan::LetRec { bindings: vec![(REACH, value, limit)], body: Box::new(local(REACH)) }
}

/// Two bindings that need each other: pairs an even and an odd number of steps apart.
fn even_odd() -> Plan {
    let odd = distinct(Plan::Union { inputs: vec![get(IN[0], 2), compose(local(BACK), get(IN[0], 2))] });
    let even = distinct(compose(local(REACH), get(IN[0], 2)));
    let body = Plan::Union { inputs: vec![local(REACH), Plan::Negate { input: Box::new(local(BACK)) }] };
    let body = Plan::Threshold { input: Box::new(body) };
    Plan::LetRec { bindings: vec![(REACH, odd, None), (BACK, even, None)], body: Box::new(body) }
}

/// A recursion whose value is itself a recursion over it.
fn nested() -> Plan {
    let inner = Plan::LetRec {
        bindings: vec![(
            BACK,
            distinct(Plan::Union { inputs: vec![local(REACH), compose(local(BACK), get(IN[0], 2))] }),
            None,
        )],
        body: Box::new(local(BACK)),
    };
    let value = distinct(Plan::Union { inputs: vec![get(IN[1], 2), inner] });
    Plan::LetRec { bindings: vec![(REACH, value, None)], body: Box::new(local(REACH)) }
}

fn script(seed: u64) -> Vec<super::harness::Updates> {
    let mut rng = Rng::new(seed);
    let mut edges = Vec::new();
    (0..12)
        .map(|_| {
            (0..2)
                .map(|_| {
                    let edge = (*rng.choose(&IN[..2]), ints(&[rng.below(6) as i64, rng.below(6) as i64]));
                    match edges.iter().position(|other| *other == edge) {
                        Some(at) => {
                            let (id, row) = edges.swap_remove(at);
                            (id, row, -1)
                        }
                        None => {
                            edges.push(edge.clone());
                            (edge.0, edge.1, 1)
                        }
                    }
                })
                .collect()
        })
        .collect()
}

fn check(plan: &Plan) {
    for seed in 1..6 {
        let script = script(seed);
        for workers in [1, 2] {
            let got = maintain(workers, plan, &script, 3);
            for time in 1..=script.len() {
                let want = oracle::evaluate(plan, &mut oracle::inputs(&script[..time]));
                assert_eq!(got[&(time as u64)], want, "seed {seed} at {time} with {workers} workers");
            }
        }
    }
}

#[test]
fn transitive_closure() {
    check(&reach(None));
}

#[test]
fn mutual_recursion() {
    check(&even_odd());
}

#[test]
fn recursion_in_recursion() {
    check(&nested());
}

#[test]
fn limits_stop_a_recursion() {
    let chain: Vec<_> = (0..5).map(|from| (IN[0], ints(&[from, from + 1]), 1)).collect();
    let pairs = |steps: i64| -> Vec<_> {
        (0..5).flat_map(|from| (from + 1..=5.min(from + steps)).map(move |to| (ints(&[from, to]), 1))).collect()
    };
    let limit = |iterations, return_at_limit| Some(RecLimit { iterations, return_at_limit });
    let run = |limit| maintain(1, &reach(limit), std::slice::from_ref(&chain), 1).remove(&1).expect("time 1");
    assert_eq!(run(limit(2, true)), Ok(pairs(2)));
    assert_eq!(run(limit(10, false)), Ok(pairs(5)));
    assert!(run(limit(2, false)).is_err());
}
