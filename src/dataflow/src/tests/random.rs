//! Random plans over random histories: the maintained result at each time is the result from scratch at that time.

use super::harness::{Contents, IN, Updates, maintain};
use super::oracle;
use super::scalars::{Rng, add, aggregate, column, divide, equal, get, literal, project, row};
use expr::plan::{DeltaPath, JoinPlan, JoinStage};
use expr::relation::ColumnOrder;
use expr::{AggregateFunc, Mfp, Plan};
use repr::{Diff, GlobalId, LocalId, Row};

/// Plans as they are generated, with their arity; ids of `Let` are counted up.
struct Generator {
    rng: Rng,
    locals: Vec<(LocalId, usize)>,
    next_local: u64,
}

impl Generator {
    fn plan(&mut self, depth: usize) -> (Plan, usize) {
        if depth == 0 {
            return self.leaf();
        }
        match self.rng.below(14) {
            0 => self.leaf(),
            1..=3 => self.join(depth),
            4 | 5 => self.reduce(depth),
            6 | 7 => self.top_k(depth),
            8 | 9 => self.mfp(depth),
            10 => self.union(depth),
            11 => self.let_in(depth),
            12 => self.difference(depth),
            _ => self.distinct(depth),
        }
    }

    fn leaf(&mut self) -> (Plan, usize) {
        if !self.locals.is_empty() && self.rng.one_in(2) {
            let (id, arity) = *self.rng.choose(&self.locals);
            let mfp = Mfp::identity(arity);
            return (Plan::Get { id: expr::relation::Id::Local(id), key: None, mfp }, arity);
        }
        (get(*self.rng.choose(&IN), 2), 2)
    }

    fn columns(&mut self, arity: usize, wanted: usize) -> Vec<usize> {
        (0..wanted).map(|_| self.rng.below(arity)).collect()
    }

    fn mfp(&mut self, depth: usize) -> (Plan, usize) {
        let (input, arity) = self.plan(depth - 1);
        let (a, b) = (self.rng.below(arity), self.rng.below(arity));
        let mut mfp = Mfp::identity(arity);
        // Errors are rare, or nothing else would be tested.
        let computed = if self.rng.one_in(4) { divide(column(a), column(b)) } else { add(column(a), column(b)) };
        mfp.expressions.push(computed);
        if self.rng.one_in(2) {
            mfp.predicates.push((arity, equal(column(a), literal(self.rng.below(4) as i64))));
        }
        mfp.projection = self.columns(arity + 1, 2);
        (Plan::Mfp { input: Box::new(input), mfp }, 2)
    }

    fn join(&mut self, depth: usize) -> (Plan, usize) {
        let inputs: Vec<(Plan, usize)> = (0..2 + self.rng.below(2)).map(|_| self.plan(depth - 1)).collect();
        // All inputs agree in one column each; now and then nothing has to agree.
        let on: Vec<Option<usize>> = match self.rng.one_in(10) {
            true => inputs.iter().map(|_| None).collect(),
            false => inputs.iter().map(|(_, arity)| Some(self.rng.below(*arity))).collect(),
        };
        let keep: Vec<usize> = (0..inputs.len()).collect();
        let path = |start: usize| {
            let initial = project(inputs[start].1, &[on[start].unwrap_or(0), inputs[start].1 - 1]);
            let mut arity = 2;
            let others = keep.iter().filter(|other| **other != start);
            let stages: Vec<JoinStage> = others
                .map(|other| {
                    let columns = [arity + inputs[*other].1 - 1];
                    let kept: Vec<usize> = (0..arity).chain(columns).collect();
                    let stage = JoinStage {
                        input: *other,
                        lookup_key: on[*other].map(column).into_iter().collect(),
                        stream_key: on[start].map(|_| column(0)).into_iter().collect(),
                        mfp: project(arity + inputs[*other].1, &kept),
                    };
                    arity += 1;
                    stage
                })
                .collect();
            (initial, stages)
        };
        let arity = inputs.len() + 1;
        let plan = if on[0].is_none() || self.rng.one_in(2) {
            let (initial, stages) = path(0);
            JoinPlan::Linear { start: 0, initial, stages }
        } else {
            JoinPlan::Delta(
                keep.iter()
                    .map(|start| {
                        let (initial, mut stages) = path(*start);
                        if let Some(last) = stages.last_mut() {
                            // Key column first, then each input's last column in the inputs' order.
                            last.mfp.projection = reorder(*start, &keep, &last.mfp.projection);
                        }
                        DeltaPath { start: *start, initial, stages }
                    })
                    .collect(),
            )
        };
        (Plan::Join { inputs: inputs.into_iter().map(|(plan, _)| plan).collect(), plan }, arity)
    }

    fn reduce(&mut self, depth: usize) -> (Plan, usize) {
        let (input, arity) = self.plan(depth - 1);
        let keys = self.rng.below(2);
        let key = project(arity, &self.columns(arity, keys));
        let argument = self.rng.below(arity);
        let mut aggregates = Vec::new();
        for _ in 0..=self.rng.below(2) {
            let funcs = [AggregateFunc::Count, AggregateFunc::SumInt, AggregateFunc::Min, AggregateFunc::Max];
            let mut made = aggregate(self.rng.choose(&funcs).clone(), vec![column(argument)]);
            made.distinct = self.rng.one_in(3);
            if self.rng.one_in(3) {
                made.filter = Some(equal(column(0), literal(self.rng.below(4) as i64)));
            }
            aggregates.push(made);
        }
        let (value, out) = (Mfp::identity(arity), keys + aggregates.len());
        let mfp = Mfp::identity(out);
        (Plan::Reduce { input: Box::new(input), key, value, aggregates, monotonic: false, mfp }, out)
    }

    fn distinct(&mut self, depth: usize) -> (Plan, usize) {
        let (input, arity) = self.plan(depth - 1);
        let (key, value, mfp) = (Mfp::identity(arity), project(arity, &[]), Mfp::identity(arity));
        (Plan::Reduce { input: Box::new(input), key, value, aggregates: vec![], monotonic: false, mfp }, arity)
    }

    fn top_k(&mut self, depth: usize) -> (Plan, usize) {
        let (input, arity) = self.plan(depth - 1);
        let keys = self.rng.below(2);
        let group_key = self.columns(arity, keys);
        let order = (0..self.rng.below(3))
            .map(|_| ColumnOrder {
                column: self.rng.below(arity),
                desc: self.rng.one_in(2),
                nulls_first: self.rng.one_in(2),
            })
            .collect();
        let limit = (!self.rng.one_in(4)).then(|| literal(1 + self.rng.below(4) as i64));
        let offset = self.rng.below(2) as u64;
        (Plan::TopK { input: Box::new(input), group_key, order, limit, offset, monotonic: false }, arity)
    }

    fn union(&mut self, depth: usize) -> (Plan, usize) {
        let inputs = (0..2).map(|_| self.narrowed(depth - 1)).collect();
        (Plan::Union { inputs }, 1)
    }

    /// What EXCEPT ALL does.
    fn difference(&mut self, depth: usize) -> (Plan, usize) {
        let (left, right) = (self.narrowed(depth - 1), self.narrowed(depth - 1));
        let inputs = vec![left, Plan::Negate { input: Box::new(right) }];
        (Plan::Threshold { input: Box::new(Plan::Union { inputs }) }, 1)
    }

    fn narrowed(&mut self, depth: usize) -> Plan {
        let (input, arity) = self.plan(depth);
        Plan::Mfp { input: Box::new(input), mfp: project(arity, &[self.rng.below(arity)]) }
    }

    fn let_in(&mut self, depth: usize) -> (Plan, usize) {
        let (value, arity) = self.plan(depth - 1);
        let id = LocalId(self.next_local);
        self.next_local += 1;
        self.locals.push((id, arity));
        let (body, out) = self.plan(depth - 1);
        self.locals.retain(|(other, _)| *other != id);
        (Plan::Let { id, value: Box::new(value), body: Box::new(body) }, out)
    }

    fn script(&mut self) -> Vec<Updates> {
        let mut live: Vec<(GlobalId, Row)> = Vec::new();
        (0..8)
            .map(|time| {
                let updates = if time == 0 { 12 } else { self.rng.below(6) };
                (0..updates)
                    .map(|_| {
                        if live.len() > 8 && self.rng.one_in(2) {
                            let (id, row) = live.swap_remove(self.rng.below(live.len()));
                            return (id, row, -1 as Diff);
                        }
                        let mut value = || (!self.rng.one_in(6)).then(|| self.rng.below(4) as i64);
                        let row = row(&[value(), value()]);
                        let id = *self.rng.choose(&IN);
                        live.push((id, row.clone()));
                        (id, row, 1)
                    })
                    .collect()
            })
            .collect()
    }
}

/// Stream columns are: the key, the start's column, the others' in order. Puts the columns in the order of the inputs.
fn reorder(start: usize, inputs: &[usize], projection: &[usize]) -> Vec<usize> {
    let place = |input: usize| match input.cmp(&start) {
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Less => 2 + input,
        std::cmp::Ordering::Greater => 1 + input,
    };
    let columns = inputs.iter().map(|input| projection[place(*input)]);
    std::iter::once(projection[0]).chain(columns).collect()
}

fn assert_same(got: &Contents, want: &Contents, context: impl Fn() -> String) {
    match (got, want) {
        (Ok(got), Ok(want)) => assert_eq!(got, want, "{}", context()),
        (Err(_), Err(_)) => {}
        _ => panic!("got {got:?}, want {want:?}: {}", context()),
    }
}

/// What the checks of a run saw; a run that saw little shows little.
#[derive(Default, Debug)]
struct Seen {
    rows: usize,
    empty: usize,
    errors: usize,
}

impl Seen {
    fn note(&mut self, contents: &Contents) {
        match contents {
            Ok(rows) if rows.is_empty() => self.empty += 1,
            Ok(_) => self.rows += 1,
            Err(_) => self.errors += 1,
        }
    }

    fn assert_enough(&self) {
        assert!(self.rows > self.empty && self.rows > 4 * self.errors && self.errors > 0, "{self:?}");
    }
}

fn check(seeds: std::ops::Range<u64>, workers: usize) {
    let mut seen = Seen::default();
    for seed in seeds {
        let mut generator = Generator { rng: Rng::new(seed + 1), locals: Vec::new(), next_local: 0 };
        let depth = 1 + generator.rng.below(3);
        let (plan, _) = generator.plan(depth);
        let script = generator.script();
        let got = maintain(workers, &plan, &script, 1 + generator.rng.below(4));
        for time in 1..=script.len() {
            let want = oracle::evaluate(&plan, &mut oracle::inputs(&script[..time]));
            seen.note(&want);
            assert_same(&got[&(time as u64)], &want, || format!("seed {seed} at {time}: {plan:#?}"));
        }
    }
    seen.assert_enough();
}

#[test]
fn random_plans_on_one_worker() {
    check(0..200, 1);
}

#[test]
fn random_plans_on_two_workers() {
    check(1000..1100, 2);
}
