//! What stands between joins rises, so that joins of joins become one.
//!
//! LAW: an input's `Project`, a one-row constant, and a `Filter` or `Map` over another undecided join, move above the join; then the
//! inner join's inputs and classes become the outer's.

use super::fuse::through_map;
use crate::scalars::{remap, remap_all, substitute};
use expr::relation::JoinImplementation;
use expr::{RelExpr, ScalarExpr};
use repr::{Datum, Row};

/// From here on, column numbers mean what is appended above the join.
const APPENDED: usize = 1 << 32;

/// A join taken apart, with what has risen above it.
pub struct Pieces {
    inputs: Vec<RelExpr>,
    equivalences: Vec<Vec<ScalarExpr>>,
    /// Over the columns of `inputs`.
    predicates: Vec<ScalarExpr>,
    /// Appended to the columns of `inputs`: the k-th is column `APPENDED + k`.
    scalars: Vec<ScalarExpr>,
    /// For each column of the original join, what it is over `inputs` and `scalars`.
    places: Vec<usize>,
}

/// One rewrite of an undecided join; says whether there was something to do.
pub fn step(expr: &mut RelExpr) -> bool {
    let RelExpr::Join { inputs, equivalences, implementation: JoinImplementation::Undecided } = expr else {
        return false;
    };
    if let Some(single) = without_join(inputs, equivalences) {
        *expr = single;
        return true;
    }
    if !inputs.iter().any(rises) {
        return false;
    }
    let mut pieces = Pieces::new(std::mem::take(inputs), std::mem::take(equivalences));
    while let Some(at) = pieces.inputs.iter().position(rises) {
        pieces.raise(at);
    }
    *expr = pieces.build();
    true
}

/// A join that is none: no inputs, or one and nothing to compare.
fn without_join(inputs: &mut Vec<RelExpr>, equivalences: &[Vec<ScalarExpr>]) -> Option<RelExpr> {
    match inputs.len() {
        0 if equivalences.is_empty() => Some(RelExpr::unit()),
        1 if equivalences.is_empty() => inputs.pop(),
        _ => None,
    }
}

fn is_join(expr: &RelExpr) -> bool {
    matches!(expr, RelExpr::Join { implementation: JoinImplementation::Undecided, .. })
}

fn rises(input: &RelExpr) -> bool {
    match input {
        RelExpr::Project { .. } => true,
        RelExpr::Constant { .. } => one_row(input).is_some(),
        RelExpr::Filter { input, .. } | RelExpr::Map { input, .. } => is_join_under(input),
        _ => is_join(input),
    }
}

fn is_join_under(mut input: &RelExpr) -> bool {
    while let RelExpr::Filter { input: below, .. } | RelExpr::Map { input: below, .. } = input {
        input = below;
    }
    is_join(input)
}

/// The values of a constant that is one row, as literals.
fn one_row(input: &RelExpr) -> Option<Vec<ScalarExpr>> {
    let RelExpr::Constant { rows: Ok(rows), typ } = input else { return None };
    let [(row, 1)] = &rows[..] else { return None };
    let literal = |(datum, typ): (Datum<'_>, &repr::ColumnType)| {
        ScalarExpr::Literal(Ok(Row::pack([datum])), typ.ty.clone().nullable(datum.is_null()))
    };
    Some(row.iter().zip(&typ.columns).map(literal).collect())
}

impl Pieces {
    /// The join of these.
    pub fn new(inputs: Vec<RelExpr>, equivalences: Vec<Vec<ScalarExpr>>) -> Self {
        let places = (0..inputs.iter().map(RelExpr::arity).sum()).collect();
        Pieces { inputs, equivalences, predicates: Vec::new(), scalars: Vec::new(), places }
    }

    /// What is left of an input.
    pub fn input(&self, at: usize) -> &RelExpr {
        &self.inputs[at]
    }

    /// Raises what is on top of input `at`: a `Project`, `Filter`, `Map`, undecided `Join` or one-row constant.
    pub fn raise(&mut self, at: usize) {
        let start: usize = self.inputs[..at].iter().map(RelExpr::arity).sum();
        let width = self.inputs[at].arity();
        match self.inputs[at].take() {
            RelExpr::Project { input, outputs } => {
                self.renumber(start, width, input.arity(), &|i| start + outputs[i]);
                self.inputs[at] = *input;
            }
            RelExpr::Filter { input, predicates } => {
                self.predicates.extend(remap_all(&predicates, &|c| c + start));
                self.inputs[at] = *input;
            }
            RelExpr::Map { input, scalars } => {
                self.append(start, input.arity(), scalars);
                self.inputs[at] = *input;
            }
            RelExpr::Join { inputs, equivalences, .. } => {
                self.equivalences.extend(equivalences.iter().map(|class| remap_all(class, &|c| c + start)));
                self.inputs.splice(at..=at, inputs);
            }
            constant => {
                self.append(start, 0, one_row(&constant).unwrap_or_default());
                self.inputs.remove(at);
            }
        }
    }

    /// Appends `scalars` above the join: they make the columns from `start + below` on of what will have `below` columns.
    fn append(&mut self, start: usize, below: usize, scalars: Vec<ScalarExpr>) {
        let (first, count) = (start + below, scalars.len());
        let moved = remap_all(&scalars, &|c| c + start);
        let resolve = |member: &ScalarExpr| {
            let made = |c: usize| (first..first + count).contains(&c);
            substitute(member, &|c| made(c).then(|| through_map(&moved[c - first], first, &moved)))
        };
        self.equivalences.iter_mut().flatten().chain(&mut self.predicates).for_each(|m| *m = resolve(m));
        // What was appended before may use the new scalars, so these come first.
        let later = |c: usize| if c >= APPENDED { c + count } else { c };
        self.scalars.iter_mut().for_each(|s| *s = remap(s, &later));
        self.places.iter_mut().for_each(|c| *c = later(*c));
        let place = |i: usize| if i < below { start + i } else { APPENDED + i - below };
        self.renumber(start, below + count, below, &place);
        self.scalars.splice(0..0, remap_all(&scalars, &place));
    }

    /// The columns from `start` on, `width` of them, become `below` columns; the i-th old one is found at `place(i)`.
    fn renumber(&mut self, start: usize, width: usize, below: usize, place: &dyn Fn(usize) -> usize) {
        let moved = |c: usize| match c {
            c if c < start || c >= APPENDED => c,
            c if c < start + width => place(c - start),
            c => c - width + below,
        };
        self.places.iter_mut().for_each(|c| *c = moved(*c));
        let exprs = self.equivalences.iter_mut().flatten().chain(&mut self.predicates).chain(&mut self.scalars);
        exprs.for_each(|e| *e = remap(e, &moved));
    }

    /// The join and what has risen above it.
    pub fn build(mut self) -> RelExpr {
        let arity: usize = self.inputs.iter().map(RelExpr::arity).sum();
        let settled = |c: usize| if c >= APPENDED { c - APPENDED + arity } else { c };
        self.places.iter_mut().for_each(|c| *c = settled(*c));
        let scalars = remap_all(&self.scalars, &settled);
        let mut join = RelExpr::join(self.inputs, self.equivalences);
        if let RelExpr::Join { inputs, equivalences, .. } = &mut join
            && let Some(single) = without_join(inputs, equivalences)
        {
            join = single;
        }
        join.filter(self.predicates).map(scalars).project(self.places)
    }
}
