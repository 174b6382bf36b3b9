//! Lowering of joins: what the stream of partial results carries, what it is looked up by, and what is checked after each step.

use super::Lowerer;
use crate::TransformError;
use crate::mfps::compose;
use crate::scalars::{equality, is_not_null, mfp_demand, mfp_over, remap};
use expr::plan::{DeltaPath, JoinPlan, JoinStage, Key};
use expr::plan_key::{comparable, comparable_key, without_canonical};
use expr::relation::{Id, JoinImplementation};
use expr::{Mfp, Plan, RelExpr, ScalarExpr};
use repr::ColumnType;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A join while it is lowered.
struct Join<'a> {
    columns: Vec<ColumnType>,
    /// The keys of indexes on inputs that are nothing but a collection with such.
    indexes: Vec<&'a [Key]>,
    /// Each input's columns among the join's.
    ranges: Vec<Range<usize>>,
    classes: &'a [Vec<ScalarExpr>],
    /// Applied to the join's columns.
    outer: Mfp,
}

impl Lowerer<'_> {
    pub(super) fn join(
        &self,
        inputs: &[RelExpr],
        classes: &[Vec<ScalarExpr>],
        implementation: &JoinImplementation,
        outer: Mfp,
    ) -> Result<Plan, TransformError> {
        let indexes = inputs.iter().map(|input| self.indexes_of(input)).collect();
        let mut join = Join { columns: Vec::new(), indexes, ranges: Vec::new(), classes, outer };
        for input in inputs {
            let start = join.columns.len();
            join.columns.extend(input.typ().columns);
            join.ranges.push(start..join.columns.len());
        }
        let mut keys: Vec<BTreeSet<Key>> = vec![BTreeSet::new(); inputs.len()];
        let plan = match implementation {
            JoinImplementation::Linear { start, order } => {
                let (initial, stages) = join.path(*start, order)?;
                arrange(&mut keys, &stages);
                if initial.is_identity()
                    && let Some(first) = stages.first()
                    && join.indexes[*start].contains(&first.stream_key)
                {
                    keys[*start].insert(first.stream_key.clone());
                }
                JoinPlan::Linear { start: *start, initial, stages }
            }
            JoinImplementation::Delta(orders) => {
                let mut paths = Vec::new();
                for (start, order) in orders.iter().enumerate() {
                    let (initial, stages) = join.path(start, order)?;
                    arrange(&mut keys, &stages);
                    paths.push(DeltaPath { start, initial, stages });
                }
                JoinPlan::Delta(paths)
            }
            JoinImplementation::Undecided => return Err(TransformError::Internal("an undecided join".into())),
        };
        if let JoinPlan::Linear { start, initial, stages } = &plan
            && stages.is_empty()
        {
            return Ok(super::with_mfp(self.lower(&inputs[*start])?, initial.clone()));
        }
        let lower = |(input, keys): (&RelExpr, BTreeSet<Key>)| self.join_input(input, keys.into_iter().collect());
        let inputs = inputs.iter().zip(keys).map(lower).collect::<Result<_, _>>()?;
        Ok(Plan::Join { inputs, plan })
    }

    fn indexes_of(&self, input: &RelExpr) -> &[Key] {
        match input {
            RelExpr::Get { id: Id::Global(id), .. } => self.indexes.get(id).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    /// An input with the arrangements that the join looks up; indexes with those keys serve as they are.
    fn join_input(&self, input: &RelExpr, keys: Vec<Key>) -> Result<Plan, TransformError> {
        let mut plan = self.lower(input)?;
        if let Plan::Get { id: Id::Global(id), key, mfp } = &mut plan
            && mfp.is_identity()
            && let Some(indexes) = self.indexes.get(id)
            && let Some(index) = keys.iter().find(|k| indexes.contains(k))
        {
            *key = Some((index.clone(), None));
        }
        Ok(if keys.is_empty() { plan } else { Plan::ArrangeBy { input: Box::new(plan), keys } })
    }
}

fn arrange(keys: &mut [BTreeSet<Key>], stages: &[JoinStage]) {
    for stage in stages {
        keys[stage.input].insert(stage.lookup_key.clone());
    }
}

/// The Mfp between two lookups, while it is open.
struct Closure {
    /// The join's columns that its input consists of.
    layout: Vec<usize>,
    /// Over the join's columns.
    predicates: Vec<ScalarExpr>,
}

impl Closure {
    fn place(&self, column: usize) -> usize {
        self.layout.iter().position(|c| *c == column).unwrap_or(usize::MAX)
    }

    fn localize(&self, expr: &ScalarExpr) -> ScalarExpr {
        remap(expr, &|c| self.place(c))
    }

    fn filter(&self) -> Mfp {
        Mfp::identity(self.layout.len()).filter(self.predicates.iter().map(|p| self.localize(p)))
    }

    /// Ends with these columns.
    fn close(&self, kept: &[usize]) -> Mfp {
        self.filter().project(kept.iter().map(|c| self.place(*c)))
    }
}

/// What the stream knows on its way.
struct Progress {
    columns: Vec<ColumnType>,
    bound: BTreeSet<usize>,
    /// For each class, a member that can be evaluated.
    known: Vec<Option<ScalarExpr>>,
    /// Members that have been compared.
    settled: BTreeSet<(usize, ScalarExpr)>,
}

impl Join<'_> {
    /// The stream that starts with one input and looks up the others in this order.
    fn path(&self, start: usize, order: &[(usize, Key)]) -> Result<(Mfp, Vec<JoinStage>), TransformError> {
        let mut progress = Progress {
            columns: self.columns.clone(),
            bound: BTreeSet::new(),
            known: vec![None; self.classes.len()],
            settled: BTreeSet::new(),
        };
        let mut closure = Closure { layout: self.ranges[start].clone().collect(), predicates: Vec::new() };
        self.bind(start, &[], &mut progress, &mut closure);
        let mut mfps = Vec::new();
        let mut lookups = Vec::new();
        for (input, key) in order {
            let (lookup_key, stream_exprs) = self.lookup(*input, key, &progress)?;
            for expr in &stream_exprs {
                if expr.typ(&progress.columns).nullable {
                    closure.predicates.push(is_not_null(without_canonical(expr).clone()));
                }
            }
            let mut kept = self.kept(&progress);
            let whole = Closure { layout: self.ranges[start].clone().collect(), predicates: Vec::new() };
            let arranged_by: Key = stream_exprs.iter().map(|e| whole.localize(e)).collect();
            if mfps.is_empty() && closure.predicates.is_empty() && self.indexes[start].contains(&arranged_by) {
                // The index serves as the stream's arrangement, if all of it is kept.
                kept = whole.layout;
            }
            mfps.push(closure.close(&kept));
            closure = Closure { layout: kept, predicates: Vec::new() };
            let stream_key: Key = stream_exprs.iter().map(|e| closure.localize(e)).collect();
            lookups.push((*input, lookup_key, stream_key));
            closure.layout.extend(self.ranges[*input].clone());
            self.bind(*input, key, &mut progress, &mut closure);
        }
        mfps.push(self.close_outer(&closure));
        let mut mfps = mfps.into_iter();
        let initial = mfps.next().ok_or_else(|| TransformError::Internal("a join of nothing".into()))?;
        let stage = |((input, lookup_key, stream_key), mfp)| JoinStage { input, lookup_key, stream_key, mfp };
        Ok((initial, lookups.into_iter().zip(mfps).map(stage).collect()))
    }

    fn local(&self, input: usize, member: &ScalarExpr) -> ScalarExpr {
        remap(member, &|c| c - self.ranges[input].start)
    }

    fn is_within(&self, input: usize, member: &ScalarExpr) -> bool {
        let columns = member.columns();
        !columns.is_empty() && columns.iter().all(|c| self.ranges[input].contains(c))
    }

    /// The class that a key expression of an input is a member of.
    fn class_of(&self, input: usize, key: &ScalarExpr, known: &[Option<ScalarExpr>]) -> Option<usize> {
        let columns = &self.columns[self.ranges[input].clone()];
        let key = comparable(key.clone(), columns);
        let is_key = |m: &ScalarExpr| self.is_within(input, m) && comparable(self.local(input, m), columns) == key;
        (0..self.classes.len()).find(|i| known[*i].is_some() && self.classes[*i].iter().any(is_key))
    }

    /// The canonical key to look an input up by, and the same in terms of the join's columns that are bound.
    fn lookup(&self, input: usize, key: &Key, progress: &Progress) -> Result<(Key, Vec<ScalarExpr>), TransformError> {
        let lookup_key = comparable_key(key, &self.columns[self.ranges[input].clone()]);
        let stream = |e: &ScalarExpr| {
            let class = self.class_of(input, e, &progress.known);
            let known = class.and_then(|i| progress.known[i].clone());
            known.map(|k| comparable(k, &self.columns)).ok_or_else(|| {
                TransformError::Internal(format!("nothing known equals key {e:?} of join input {input}"))
            })
        };
        let stream_key = key.iter().map(stream).collect::<Result<_, _>>()?;
        Ok((lookup_key, stream_key))
    }

    /// Adds an input's columns, looked up by `key`; compares members that can be evaluated now with those that could before.
    fn bind(&self, input: usize, key: &[ScalarExpr], progress: &mut Progress, closure: &mut Closure) {
        let looked_up: BTreeMap<usize, ScalarExpr> =
            key.iter().filter_map(|e| Some((self.class_of(input, e, &progress.known)?, e.clone()))).collect();
        progress.bound.extend(self.ranges[input].clone());
        for (i, class) in self.classes.iter().enumerate() {
            for member in class {
                let entry = (i, member.clone());
                let ready = member.columns().is_subset(&progress.bound);
                if !ready || progress.settled.contains(&entry) {
                    continue;
                }
                progress.settled.insert(entry);
                let Some(known) = progress.known[i].clone() else {
                    progress.known[i] = Some(member.clone());
                    continue;
                };
                let done =
                    looked_up.get(&i).is_some_and(|k| self.is_within(input, member) && self.same_key(input, member, k));
                if !done {
                    closure.predicates.push(equality(known.clone(), member.clone(), &self.columns));
                }
                for expr in [&known, member] {
                    expr.non_null_if_non_null().into_iter().for_each(|c| progress.columns[c].nullable = false);
                }
            }
        }
    }

    fn same_key(&self, input: usize, member: &ScalarExpr, key: &ScalarExpr) -> bool {
        let columns = &self.columns[self.ranges[input].clone()];
        comparable(self.local(input, member), columns) == comparable(key.clone(), columns)
    }

    /// The bound columns that are used later: by the output, or by classes with members that cannot be evaluated yet.
    fn kept(&self, progress: &Progress) -> Vec<usize> {
        let mut kept = mfp_demand(&self.outer);
        for (i, class) in self.classes.iter().enumerate() {
            let open = |m: &&ScalarExpr| !m.columns().is_subset(&progress.bound);
            if class.iter().any(|m| open(&m)) {
                kept.extend(progress.known[i].iter().flat_map(|k| k.columns()));
                kept.extend(class.iter().filter(open).flat_map(|m| m.columns()));
            }
        }
        kept.intersection(&progress.bound).copied().collect()
    }

    fn close_outer(&self, closure: &Closure) -> Mfp {
        // A column that was dropped on the way is one that the Mfp has no use for.
        let place = |c: usize| closure.layout.iter().position(|l| *l == c).unwrap_or(0);
        compose(closure.filter(), &mfp_over(&self.outer, closure.layout.len(), &place))
    }
}
