//! Temporal filters against their definition: at each time, the rows whose lifetime contains it.

use super::harness::{IN, INDEX, Updates, description, maintain, on_workers};
use super::scalars::{Rng, get};
use crate::ops::temporal::Wheel;
use expr::temporal::{Bound, Lifetime, bounds};
use expr::{Plan, ScalarExpr, Unmaterializable};
use repr::{Datum, Diff, Frontier, Row, Timestamp};

/// `mz_now() <comparison> column`
fn compared(comparison: &str) -> Bound {
    let now = ScalarExpr::Unmaterializable(Unmaterializable::MzNow);
    let predicate = now.call_binary(&format!("mz_timestamp_{comparison}"), ScalarExpr::Column(1));
    bounds(&predicate).expect("a temporal predicate")[0].0
}

/// Keeps `(id, from, until)` while `from <= mz_now() < until`, as `(id)`.
fn plan() -> Plan {
    let bounds = vec![compared("ge"), compared("lt")];
    Plan::TemporalFilter { input: Box::new(get(IN[0], 3)), arity: 1, bounds }
}

fn row(id: i64, from: Timestamp, until: Timestamp) -> Row {
    Row::pack([Datum::Int8(id), Datum::MzTimestamp(from), Datum::MzTimestamp(until)])
}

fn expected(script: &[Updates], time: Timestamp) -> Vec<(Row, Diff)> {
    let mut rows = Vec::new();
    for (_, row, diff) in script[..time as usize].iter().flatten() {
        let datums = row.unpack();
        let lifetime = compared("ge").lifetime(datums[1]).intersect(compared("lt").lifetime(datums[2]));
        if lifetime.from <= time && lifetime.until.is_beyond(time) {
            rows.push((Row::pack([datums[0]]), *diff));
        }
    }
    differential_dataflow::consolidation::consolidate(&mut rows);
    rows
}

fn random_script(random: &mut Rng, times: usize) -> Vec<Updates> {
    let mut present: Vec<Row> = Vec::new();
    let mut script = Vec::new();
    for _ in 0..times {
        let mut updates = Updates::new();
        for _ in 0..random.below(6) {
            if random.one_in(3) && !present.is_empty() {
                let gone = present.swap_remove(random.below(present.len()));
                updates.push((IN[0], gone, -1));
            } else {
                let from = random.below(times + 5) as Timestamp;
                let row = row(random.below(5) as i64, from, from + random.below(times) as Timestamp);
                present.push(row.clone());
                updates.push((IN[0], row, 1));
            }
        }
        script.push(updates);
    }
    script
}

#[test]
fn rows_are_there_for_their_lifetime() {
    for seed in 0..30 {
        let mut random = Rng::new(seed);
        let script = random_script(&mut random, 40);
        let workers = 1 + seed as usize % 2;
        let got = maintain(workers, &plan(), &script, 1 + random.below(7));
        for (time, rows) in got {
            assert_eq!(rows, Ok(expected(&script, time)), "seed {seed}, time {time}");
        }
    }
}

#[test]
fn nothing_is_said_at_or_after_until() {
    let desc = description(&plan(), 1, Frontier::at(3));
    let answers = on_workers(1, move |test| {
        test.create(&desc);
        test.feed(1, &vec![(IN[0], row(1, 0, 2), 1), (IN[0], row(2, 2, 9), 1), (IN[0], row(3, 5, 9), 1)]);
        test.advance_to(100);
        test.wait(INDEX, 2);
        vec![(1, test.peek(INDEX, None, 1)), (2, test.peek(INDEX, None, 2))]
    });
    assert_eq!(answers[&1], Ok(vec![(Row::pack([Datum::Int8(1)]), 1)]));
    assert_eq!(answers[&2], Ok(vec![(Row::pack([Datum::Int8(2)]), 1)]));
}

#[test]
fn a_wheel_gives_back_what_was_put_in_when_it_is_due() {
    let mut random = Rng::new(7);
    let mut wheel = Wheel::default();
    let mut waiting: Vec<(Timestamp, Row, Diff)> = Vec::new();
    let mut frontier = 0;
    for round in 0..2000 {
        let far = 1 << (1 + random.below(23));
        let (time, id) = (frontier + random.below(far) as Timestamp, random.below(50) as i64);
        let update = (time, Row::pack([Datum::Int8(id)]), if random.one_in(2) { 1 } else { -1 });
        wheel.insert(update.0, update.1.clone(), update.2);
        waiting.push(update);
        if round % 7 == 0 {
            frontier += random.below(1 << 16) as Timestamp;
            let mut got = Vec::new();
            while wheel.next_time().is_some_and(|time| time < frontier) {
                for (time, updates) in wheel.take_before(Frontier::at(frontier), 3) {
                    got.extend(updates.into_iter().map(|(row, diff)| (row, time, diff)));
                }
            }
            let due = waiting.extract_if(.., |(time, _, _)| *time < frontier);
            let mut due: Vec<_> = due.map(|(time, row, diff)| (row, time, diff)).collect();
            differential_dataflow::consolidation::consolidate_updates(&mut due);
            got.sort();
            assert_eq!(got, due, "round {round}");
        }
    }
    wheel.insert(Timestamp::MAX, Row::empty(), 1);
    let all = wheel.take_before(Frontier::DONE, usize::MAX);
    assert_eq!(all.last().map(|(time, _)| *time), Some(Timestamp::MAX));
    assert_eq!(wheel.next_time(), None);
}

#[test]
fn what_cancels_takes_no_room() {
    let mut wheel = Wheel::default();
    for round in 0..100_000i64 {
        wheel.insert(1 << 30, Row::pack([Datum::Int8(round / 2)]), if round % 2 == 0 { 1 } else { -1 });
    }
    assert!(wheel.len() < 3000, "{} updates wait", wheel.len());
}

#[test]
fn lifetimes_intersect() {
    let life = |from, until| Lifetime { from, until: Frontier::at(until) };
    assert_eq!(life(1, 5).intersect(life(3, 9)), life(3, 5));
    assert!(life(1, 3).intersect(life(3, 9)).is_empty());
    assert!(Lifetime::NEVER.is_empty() && !Lifetime::ALWAYS.is_empty());
}
