//! Scripts of changes and the states they lead to.

use super::{Change, Content, Rollup, Run, RunId, ShardDiff, ShardState};
use bytes::Bytes;
use expect_test::{Expect, expect};
use repr::{Frontier, RelationDesc, SqlType};
use std::fmt::Write;
use std::sync::Arc;

/// Applies one change per line and notes after each what the state is, or why it was refused.
///
/// `create`, `append LOWER UPPER [SINCE]`, `since TIME`, `compact SEQNO,SEQNO… LOWER UPPER SINCE`, `vanish SEQNO,SEQNO…`, `rollup SEQNO`, `drop`
fn check(script: &str, expect: Expect) {
    let (mut state, mut log) = (None::<ShardState>, String::new());
    for line in script.trim().lines().map(str::trim) {
        let seqno = state.as_ref().map_or(0, |state| state.seqno + 1);
        let change = parse(line);
        let diff = match &state {
            Some(state) => state.diff(change),
            None => ShardDiff { change, rollup: None },
        };
        match ShardState::apply(state.as_ref(), seqno, &diff) {
            Ok(next) => {
                writeln!(log, "{line}: {}", show(&next)).unwrap();
                state = Some(next);
            }
            Err(reason) => writeln!(log, "{line}: refused, {reason}").unwrap(),
        }
    }
    expect.assert_eq(&log);
}

fn parse(line: &str) -> Change {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |i: usize| words.get(i).map_or(0, |word| word.parse().unwrap());
    let inputs = || words[1].split(',').map(|seqno| RunId { seqno: seqno.parse().unwrap(), index: 0 }).collect();
    match words[0] {
        "create" => Change::Create { clock: "env".into(), desc: RelationDesc::empty().with("a", SqlType::Int4, true) },
        "append" => Change::Append(vec![run(number(1), number(2), number(3))]),
        "since" => Change::DowngradeSince(Frontier::at(number(1))),
        "compact" => Change::Compact { inputs: inputs(), output: Some(run(number(2), number(3), number(4))) },
        "vanish" => Change::Compact { inputs: inputs(), output: None },
        "rollup" => Change::Rollup(Rollup { seqno: number(1), key: format!("r{}", words[1]) }),
        "drop" => Change::Drop { clock: "env".into() },
        other => panic!("{other}"),
    }
}

fn run(lower: u64, upper: u64, since: u64) -> Arc<Run> {
    let (upper, content) = (Frontier::at(upper), Content::Inline(Bytes::new()));
    Arc::new(Run { lower, upper, since, content, updates: 1, deletes: 0, bytes: 1 })
}

fn show(state: &ShardState) -> String {
    let mut text = format!("v{} since {}", state.seqno, state.since);
    for (id, run) in &state.runs {
        write!(text, " {}:[{}..{})@{}", id.seqno, run.lower, run.upper.time().unwrap(), run.since).unwrap();
    }
    if let Some(rollup) = &state.rollup {
        write!(text, " rollup v{}", rollup.seqno).unwrap();
    }
    text + if state.dropped { " dropped" } else { "" }
}

#[test]
fn life_of_a_shard() {
    check(
        "create
         append 0 10
         append 10 20
         since 15
         append 20 30
         compact 1,2 0 20 15
         rollup 4
         vanish 4
         drop
         append 30 40",
        expect![[r#"
            create: v0 since [0]
            append 0 10: v1 since [0] 1:[0..10)@0
            append 10 20: v2 since [0] 1:[0..10)@0 2:[10..20)@0
            since 15: v3 since [15] 1:[0..10)@0 2:[10..20)@0
            append 20 30: v4 since [15] 1:[0..10)@0 2:[10..20)@0 4:[20..30)@0
            compact 1,2 0 20 15: v5 since [15] 4:[20..30)@0 5:[0..20)@15
            rollup 4: v6 since [15] 4:[20..30)@0 5:[0..20)@15 rollup v4
            vanish 4: v7 since [15] 5:[0..20)@15 rollup v4
            drop: v8 since [] dropped
            append 30 40: refused, version 9 changes a dropped shard
        "#]],
    );
}

#[test]
fn what_is_refused() {
    check(
        "append 0 1
         create
         create
         since 9
         since 8
         since 9
         compact 7 0 1 1
         append 0 10 10
         rollup 2
         rollup 1",
        expect![[r#"
            append 0 1: refused, version 0 cannot be the first: Append([Run { lower: 0, upper: [1], since: 0, content: Inline(b""), updates: 1, deletes: 0, bytes: 1 }])
            create: v0 since [0]
            create: refused, created twice
            since 9: v1 since [9]
            since 8: refused, since regresses from [9] to [8]
            since 9: v2 since [9]
            compact 7 0 1 1: refused, an input of compaction is not there
            append 0 10 10: refused, a run was compacted beyond the shard's since
            rollup 2: v3 since [9] rollup v2
            rollup 1: v4 since [9] rollup v1
        "#]],
    );
}

#[test]
fn states_and_changes_survive_encoding() {
    use crate::format::{Kind, decode, encode};
    let mut state = None;
    for (seqno, line) in (0..).zip(["create", "append 0 10", "since 5", "rollup 1"]) {
        let diff = ShardDiff { change: parse(line), rollup: None };
        let back: ShardDiff = decode(Kind::Diff, "x", &encode(Kind::Diff, &diff)).unwrap();
        assert_eq!(back, diff);
        state = Some(ShardState::apply(state.as_ref(), seqno, &diff).unwrap());
    }
    let state = state.unwrap();
    let back: ShardState = decode(Kind::Rollup, "x", &encode(Kind::Rollup, &state)).unwrap();
    assert_eq!(back, state);
    for damaged in [&b""[..], b"\xF5", b"\xF5r\x01\x00\xFF\xFF\xFF", b"\xF5d\x01\x00"] {
        assert!(decode::<ShardState>(Kind::Rollup, "x", damaged).is_err());
    }
}
