//! Which runs are merged when.

use super::plan;
use crate::Settings;
use crate::state::{Content, Run, RunId, ShardState};
use repr::{Frontier, RelationDesc};
use std::sync::Arc;

const NOTHING: [u64; 0] = [];
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// A run in parts (the plan looks at their size only) up to time `upper`, with so many deletes of 100 updates.
fn in_parts(bytes: u64, upper: u64, deletes: u64) -> Run {
    let (upper, content) = (Frontier::at(upper), Content::Parts(Vec::new()));
    Run { lower: 0, upper, since: 0, content, updates: 100, deletes, bytes }
}

fn inline(bytes: u64) -> Run {
    Run { content: Content::Inline(Default::default()), ..in_parts(bytes, 10, 0) }
}

/// Positions of the runs to be merged.
fn planned(since: u64, runs: Vec<Run>) -> Vec<u64> {
    let numbered = (0..).zip(runs).map(|(seqno, run)| (RunId { seqno, index: 0 }, Arc::new(run)));
    let state = ShardState {
        seqno: 1000,
        clock: "env".into(),
        desc: RelationDesc::empty(),
        since: Frontier::at(since),
        dropped: false,
        runs: numbered.collect(),
        rollup: None,
    };
    let settings = Settings { compact_fan_in: 4, compact_inline_runs: 5, ..Settings::default() };
    let mut chosen: Vec<u64> = plan(&state, &settings).into_iter().flatten().map(|id| id.seqno).collect();
    chosen.sort_unstable();
    chosen
}

#[test]
fn inline_runs_wait_for_company() {
    assert_eq!(planned(0, vec![]), NOTHING);
    assert_eq!(planned(0, vec![inline(100); 4]), NOTHING);
    assert_eq!(planned(0, vec![inline(100); 5]), [0, 1, 2, 3, 4]);
    assert_eq!(planned(0, vec![inline(100 * KIB), in_parts(MIB, 10, 0), inline(100 * KIB)]), [0, 2]);
    assert_eq!(planned(0, vec![inline(MIB)]), NOTHING, "nothing to merge it with");
}

#[test]
fn a_full_tier_is_merged() {
    let run = |bytes| in_parts(bytes, 10, 0);
    assert_eq!(planned(0, vec![run(KIB), run(2 * KIB), run(3 * KIB)]), NOTHING);
    assert_eq!(planned(0, vec![run(KIB), run(MIB), run(2 * KIB), run(60 * KIB), run(3 * KIB)]), [0, 2, 3, 4]);
    assert_eq!(planned(0, vec![run(65 * KIB), run(100 * KIB), run(255 * KIB), run(70 * KIB)]), [0, 1, 2, 3]);
}

#[test]
fn waste_is_bounded() {
    let run = |bytes| in_parts(bytes, 10, 0);
    assert_eq!(planned(0, vec![run(16 * MIB), run(10 * MIB)]), NOTHING);
    assert_eq!(planned(0, vec![run(16 * MIB), run(10 * MIB), run(7 * MIB)]), [0, 1, 2]);
}

#[test]
fn removals_that_have_passed_are_carried_out() {
    let full = || vec![in_parts(MIB, 10, 0), in_parts(MIB / 2, 20, 60)];
    assert_eq!(planned(19, full()), NOTHING, "not yet passed");
    assert_eq!(planned(20, full()), [0, 1]);
    let merged = Run { since: 20, ..in_parts(MIB, 20, 50) };
    assert_eq!(planned(20, vec![merged]), NOTHING, "a collection of negative counts is not merged forever");
}
