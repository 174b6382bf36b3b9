//! Indexes: lookups, imports, as-of, until, sharing, shutting down.

use super::harness::{BUILT, IN, INDEX, Updates, description, index, on_workers, sink};
use super::scalars::{aggregate, column, get, ints, project};
use expr::relation::Id;
use expr::{AggregateFunc, Mfp, Plan};
use repr::{Frontier, GlobalId, Row};
use std::collections::BTreeMap;

const COUNTS: GlobalId = GlobalId::Transient(1);
const COUNT_INDEX: GlobalId = GlobalId::Transient(2);

fn rows(n: i64) -> Updates {
    (0..n).map(|i| (IN[0], ints(&[i % 10, i]), 1)).collect()
}

#[test]
fn lookups_find_their_keys() {
    for workers in [1, 2] {
        let answers = on_workers(workers, |test| {
            test.create(&description(&get(IN[0], 2), 1, Frontier::DONE));
            test.feed(1, &rows(100));
            test.advance_to(2);
            test.wait(INDEX, 1);
            let keys: Vec<Row> = [7, 3, 99, 3].iter().map(|key| ints(&[*key])).collect();
            vec![(1, test.peek(INDEX, Some(keys), 1))]
        });
        let of_key = |key: i64| (0..10).map(move |i| (ints(&[key, key + i * 10]), 1));
        let want: Vec<_> = of_key(3).chain(of_key(7)).collect();
        assert_eq!(answers[&1], Ok(want));
    }
}

/// How many rows each key of the index has, as a one-off dataflow over the index.
fn count_over_index(as_of: u64) -> expr::DataflowDescription {
    let key = vec![column(0)];
    let plan = Plan::Reduce {
        input: Box::new(Plan::Get { id: Id::Global(BUILT), key: Some((key.clone(), None)), mfp: Mfp::identity(2) }),
        key: project(2, &[0]),
        value: project(2, &[]),
        aggregates: vec![aggregate(AggregateFunc::Count, vec![])],
        monotonic: false,
        mfp: Mfp::identity(2),
    };
    let mut desc = description(&plan, as_of, Frontier::at(as_of + 1));
    desc.source_imports.clear();
    desc.index_imports = BTreeMap::from([(INDEX, index(BUILT, key))]);
    desc.objects_to_build[0].id = COUNTS;
    desc.index_exports = BTreeMap::from([(COUNT_INDEX, index(COUNTS, vec![]))]);
    desc
}

#[test]
fn one_off_dataflows_read_an_index_and_finish() {
    for workers in [1, 2] {
        let answers = on_workers(workers, |test| {
            test.create(&description(&get(IN[0], 2), 1, Frontier::DONE));
            test.feed(1, &rows(50));
            test.feed(5, &rows(30));
            test.advance_to(6);
            test.wait(INDEX, 5);
            test.traces.allow_compaction(INDEX, Frontier::at(5));
            test.feed(6, &rows(20));
            test.advance_to(7);
            test.create(&count_over_index(5));
            test.wait(COUNT_INDEX, u64::MAX);
            let answer = test.peek(COUNT_INDEX, None, 5);
            test.traces.allow_compaction(COUNT_INDEX, Frontier::DONE);
            vec![(5, answer)]
        });
        let want: Vec<_> = (0..10).map(|key| (ints(&[key, 8]), 1)).collect();
        assert_eq!(answers[&5], Ok(want));
    }
}

#[test]
fn history_before_the_as_of_is_summed_up() {
    let answers = on_workers(1, |test| {
        let mut desc = description(&get(IN[0], 2), 4, Frontier::DONE);
        desc.sink_exports = BTreeMap::from([(GlobalId::User(12), sink())]);
        test.create(&desc);
        test.feed(1, &vec![(IN[0], ints(&[1, 1]), 1), (IN[0], ints(&[2, 2]), 1)]);
        test.feed(3, &vec![(IN[0], ints(&[1, 1]), -1)]);
        test.advance_to(6);
        test.wait(INDEX, 5);
        assert!(test.io.output.borrow().iter().all(|(_, time, _)| *time >= 4));
        assert!(test.peek(INDEX, None, 3).is_err());
        vec![(4, test.peek(INDEX, None, 4))]
    });
    assert_eq!(answers[&4], Ok(vec![(ints(&[2, 2]), 1)]));
}

#[test]
fn an_index_lives_as_long_as_it_is_read() {
    on_workers(1, |test| {
        test.create(&description(&get(IN[0], 2), 1, Frontier::DONE));
        let mut over = count_over_index(1);
        over.until = Frontier::DONE;
        test.create(&over);
        test.traces.allow_compaction(INDEX, Frontier::DONE);
        test.running.remove(0).shut_down(test.worker);
        test.feed(1, &rows(10));
        test.advance_to(2);
        test.wait(COUNT_INDEX, 1);
        // The reader neither lost its input nor took its end for the end of time.
        assert_eq!(test.traces.upper(COUNT_INDEX), Some(Frontier::at(2)));
        assert_eq!(test.peek(COUNT_INDEX, None, 1).expect("no error").len(), 10);
        test.traces.allow_compaction(COUNT_INDEX, Frontier::DONE);
        test.running.remove(0).shut_down(test.worker);
        for _ in 0..10 {
            test.worker.step();
        }
        Vec::new()
    });
}

#[test]
fn missing_imports_are_refused() {
    on_workers(1, |test| {
        let refused = crate::render(test.worker, &count_over_index(1), &mut test.traces, &mut test.io);
        assert!(refused.is_err());
        Vec::new()
    });
}
