//! The order of a join's inputs: greedy from each possible start, best next input first.

use crate::scalars::remap;
use expr::ScalarExpr;
use expr::plan_key::{comparable, comparable_key};
use repr::RelationType;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What is known of an input.
pub struct Candidate {
    /// Its type.
    pub typ: RelationType,
    /// Keys that it is arranged by already, canonical.
    pub arrangements: Vec<Vec<ScalarExpr>>,
    /// Whether a filter stands on it.
    pub filtered: bool,
    /// Whether it is one key of an index, or one row.
    pub point_read: bool,
    /// How many rows it has, if that is known.
    pub rows: Option<u64>,
}

/// A join's inputs and classes.
pub struct JoinGraph {
    candidates: Vec<Candidate>,
    classes: Vec<Vec<Member>>,
}

/// An expression of a class.
struct Member {
    /// The inputs whose columns it uses; a constant uses none.
    inputs: BTreeSet<usize>,
    /// Over the columns of the input, if it uses one only.
    local: Option<ScalarExpr>,
}

/// One way through the inputs.
#[derive(Clone)]
pub struct Path {
    /// The first input.
    pub start: usize,
    /// How good a first input it is: see [`JoinGraph::start_rank`].
    quality: StartRank,
    /// Whether it is arranged by what the first step looks up with.
    pub start_arranged: bool,
    /// The others, in order.
    pub steps: Vec<Step>,
}

/// One more input.
#[derive(Clone)]
pub struct Step {
    /// Which.
    pub input: usize,
    /// The expressions over its columns that it is looked up by.
    pub key: Vec<ScalarExpr>,
    /// Whether an arrangement by this key exists.
    pub arranged: bool,
    /// Whether anything connects it to the inputs before.
    pub connected: bool,
    /// Whether at most one row is found.
    unique: bool,
    rank: StepRank,
}

/// Greater is better: connected, finds one row at most, read by point, arranged already, filtered, few rows, longer key, earlier input.
type StepRank = (bool, bool, bool, bool, bool, Reverse<u64>, usize, Reverse<usize>);
/// Greater is better: read by point, filtered, few rows.
type StartRank = (bool, bool, Reverse<u64>);

impl Path {
    /// Greater is better: fewer products, a start of one row, fewer new arrangements, a small start, more steps that find one row.
    pub fn rank(&self) -> (Reverse<usize>, bool, usize, StartRank, usize) {
        let count = |f: &dyn Fn(&Step) -> bool| self.steps.iter().filter(|s| f(s)).count();
        let arranged = count(&|s| s.arranged) + usize::from(self.start_arranged);
        (Reverse(count(&|s| !s.connected)), self.quality.0, arranged, self.quality, count(&|s| s.unique))
    }

    /// Inputs and keys, in order.
    pub fn into_order(self) -> Vec<(usize, Vec<ScalarExpr>)> {
        self.steps.into_iter().map(|s| (s.input, s.key)).collect()
    }
}

impl JoinGraph {
    /// Of these inputs, and classes over the columns of all of them, one after the other.
    pub fn new(candidates: Vec<Candidate>, classes: &[Vec<ScalarExpr>]) -> Self {
        let arities = candidates.iter().map(|c| c.typ.arity());
        let starts: Vec<usize> = arities.scan(0, |at, arity| Some(std::mem::replace(at, *at + arity))).collect();
        let member = |expr: &ScalarExpr| {
            let owner = |column: usize| starts.partition_point(|start| *start <= column) - 1;
            let inputs: BTreeSet<usize> = expr.columns().into_iter().map(owner).collect();
            let only = inputs.first().filter(|_| inputs.len() == 1);
            let local = only.map(|input| remap(expr, &|c| c - starts[*input]));
            Member { inputs, local }
        };
        let classes = classes.iter().map(|class| class.iter().map(member).collect()).collect();
        JoinGraph { candidates, classes }
    }

    /// The best path that begins with this input.
    pub fn path_from(&self, start: usize) -> Path {
        let mut placed = vec![false; self.candidates.len()];
        placed[start] = true;
        let mut steps = Vec::new();
        while let Some(step) = self.best_step(&placed) {
            placed[step.input] = true;
            steps.push(step);
        }
        let start_arranged = steps.first().is_some_and(|step| {
            let mut first = vec![false; self.candidates.len()];
            first[step.input] = true;
            let key = self.lookup_exprs(start, &first);
            key.len() == step.key.len() && !key.is_empty() && self.candidates[start].key(&key).1
        });
        Path { start, quality: self.start_rank(start), start_arranged, steps }
    }

    fn start_rank(&self, start: usize) -> StartRank {
        let c = &self.candidates[start];
        (c.point_read, c.filtered, Reverse(c.rows.unwrap_or(u64::MAX)))
    }

    fn best_step(&self, placed: &[bool]) -> Option<Step> {
        let open = (0..placed.len()).filter(|i| !placed[*i]);
        open.map(|input| self.step(input, placed)).max_by(|a, b| a.rank.cmp(&b.rank))
    }

    fn step(&self, input: usize, placed: &[bool]) -> Step {
        let candidate = &self.candidates[input];
        let available = self.lookup_exprs(input, placed);
        let (key, arranged) = candidate.key(&available);
        let connected = !available.is_empty();
        let unique = candidate.is_unique(&available);
        let rows = Reverse(candidate.rows.unwrap_or(u64::MAX));
        let (point, filtered) = (candidate.point_read, candidate.filtered);
        let rank = (connected, unique, point, arranged, filtered, rows, available.len(), Reverse(input));
        Step { input, key, arranged, connected, unique, rank }
    }

    /// Expressions over the input's columns that equal something of the inputs placed so far: one of each class.
    fn lookup_exprs(&self, input: usize, placed: &[bool]) -> Vec<ScalarExpr> {
        let mut exprs = Vec::new();
        for class in &self.classes {
            let own =
                class.iter().filter(|member| member.inputs.first() == Some(&input)).find_map(|m| m.local.as_ref());
            if let Some(expr) = own
                && class.iter().any(|member| member.inputs.iter().all(|i| placed[*i]))
            {
                exprs.push(expr.clone());
            }
        }
        exprs.sort();
        exprs.dedup();
        exprs
    }
}

impl Candidate {
    /// The key to look up by, and whether it is arranged by it: an index by just these expressions, else one by some of them that is a
    /// key of the input, else a new arrangement.
    fn key(&self, available: &[ScalarExpr]) -> (Vec<ScalarExpr>, bool) {
        let canonical = comparable_key(available, &self.typ.columns);
        let covered = |key: &&Vec<ScalarExpr>| !key.is_empty() && key.iter().all(|e| canonical.contains(e));
        let exact = self.arrangements.iter().find(|key| covered(key) && key.len() == canonical.len());
        let enough = || self.arrangements.iter().find(|key| covered(key) && self.is_unique(key));
        match exact.or_else(enough) {
            Some(key) => (key.clone(), true),
            None => (available.to_vec(), false),
        }
    }

    /// Whether these expressions contain a key of the input.
    fn is_unique(&self, exprs: &[ScalarExpr]) -> bool {
        let known = |c: &usize| {
            let column = ScalarExpr::Column(*c);
            exprs.contains(&column) || exprs.contains(&comparable(column, &self.typ.columns))
        };
        self.typ.keys.iter().any(|key| key.iter().all(known))
    }
}
