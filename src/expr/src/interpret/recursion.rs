//! Recursions from scratch.
//!
//! In general all bindings are evaluated again and again until none changes. A single one is mostly a constant part and a part that treats
//! each of its own rows by itself: then the rows that a round has added give those of the next, and each row is used once.
//!
//! ```text
//! f(T) = c + L(T)            Δ₁ = c, Δₙ₊₁ = f(Δₙ) − c, T = Σ Δₙ
//! f(T) = distinct(c + L(T))  the same with Δₙ₊₁ = f(Δₙ) without what is in T
//! ```

use super::{Interpreter, Rows, consolidate};
use crate::relation::{Id, RecBinding, RecLimit, RelExpr};
use crate::visit::grow;
use repr::{Diff, EvalError, LocalId, Row, SqlError, SqlState};
use std::collections::HashSet;
use std::sync::Arc;

/// How often a row may be in a recursion's binding: joins of such counts still fit. A recursion that gets there has no fixed point, or none
/// that anyone could read.
pub const COPIES_MAX: Diff = 1 << 30;

/// The error of a recursion beyond [`COPIES_MAX`].
pub fn too_many_copies() -> SqlError {
    let message = format!("recursive query gives more than {COPIES_MAX} copies of a row");
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint("Use UNION in place of UNION ALL.")
}

/// How the rows of a round follow from those of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// By all rows together.
    General,
    /// By each row on its own.
    Affine,
    /// By each row on its own, and each result counts once.
    Distinct,
}

impl Interpreter<'_> {
    /// The body over the bindings' fixed point, or what they are when the first limit is reached.
    pub(super) fn recurse(&mut self, bindings: &[RecBinding], body: &RelExpr) -> Result<Arc<Rows>, EvalError> {
        match bindings {
            [one] => match step(&one.value, one.id) {
                Step::General => self.all_again(bindings)?,
                step => self.round_by_round(one, step)?,
            },
            _ => self.all_again(bindings)?,
        }
        let result = self.eval(body);
        bindings.iter().for_each(|b| {
            self.bound.remove(&b.id);
        });
        result
    }

    /// All bindings in order, again and again, until none changes.
    fn all_again(&mut self, bindings: &[RecBinding]) -> Result<(), EvalError> {
        for binding in bindings {
            self.bound.insert(binding.id, Arc::new(Vec::new()));
        }
        let mut iteration = 0;
        loop {
            if stops(bindings.iter().filter_map(|b| b.limit), iteration)? {
                return Ok(());
            }
            iteration += 1;
            let mut changed = false;
            for binding in bindings {
                let value = Arc::new(self.round(binding)?);
                changed |= self.bound.insert(binding.id, value.clone()).is_none_or(|old| old != value);
            }
            if !changed {
                return Ok(());
            }
        }
    }

    fn round(&mut self, binding: &RecBinding) -> Result<Rows, EvalError> {
        let rows = self.consolidated(&binding.value)?;
        let within = rows.iter().all(|(_, diff)| (-COPIES_MAX..=COPIES_MAX).contains(diff));
        if within { Ok(rows) } else { Err(too_many_copies()) }
    }

    /// One binding, over the rows that the last round has added.
    fn round_by_round(&mut self, binding: &RecBinding, step: Step) -> Result<(), EvalError> {
        let (mut all, mut seen, mut start): (Rows, HashSet<Row>, Rows) = Default::default();
        let mut added: Arc<Rows> = Arc::default();
        let mut iteration = 0;
        while !stops(binding.limit, iteration)? {
            self.bound.insert(binding.id, added);
            let mut rows = self.round(binding)?;
            match step {
                Step::Distinct => {
                    rows.retain(|(row, _)| !seen.contains(row));
                    seen.extend(rows.iter().map(|(row, _)| row.clone()));
                }
                _ if iteration == 0 => start = rows.iter().map(|(row, diff)| (row.clone(), -diff)).collect(),
                _ => {
                    self.budget.spend(start.len() as u64)?;
                    rows.extend(start.iter().cloned());
                    consolidate(&mut rows);
                }
            }
            iteration += 1;
            if rows.is_empty() {
                break;
            }
            self.budget.spend(rows.len() as u64)?;
            all.extend(rows.iter().cloned());
            added = Arc::new(rows);
        }
        consolidate(&mut all);
        self.bound.insert(binding.id, Arc::new(all));
        Ok(())
    }
}

/// Whether some limit is reached; an error if it asks for one.
fn stops(limits: impl IntoIterator<Item = RecLimit>, iteration: u64) -> Result<bool, EvalError> {
    match limits.into_iter().find(|limit| iteration >= limit.iterations) {
        None => Ok(false),
        Some(limit) if limit.return_at_limit => Ok(true),
        Some(limit) => Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("recursive query exceeded the recursion limit {}", limit.iterations),
        )
        .hint("Use RETURN AT RECURSION LIMIT to stop at the limit without an error.")),
    }
}

fn step(value: &RelExpr, id: LocalId) -> Step {
    match value {
        RelExpr::Reduce { input, aggregates, .. } if aggregates.is_empty() && is_affine(input, id, false) => {
            Step::Distinct
        }
        value if is_affine(value, id, true) => Step::Affine,
        _ => Step::General,
    }
}

/// Whether an expression is a constant part and a part that is linear in the rows of `id`; without `signed`, of positive counts.
fn is_affine(expr: &RelExpr, id: LocalId, signed: bool) -> bool {
    grow(|| match expr {
        _ if !mentions(expr, id) => true,
        RelExpr::Get { .. } => true,
        RelExpr::Let { value, body, .. } => !mentions(value, id) && is_affine(body, id, signed),
        RelExpr::Project { input, .. }
        | RelExpr::Map { input, .. }
        | RelExpr::FlatMap { input, .. }
        | RelExpr::Filter { input, .. }
        | RelExpr::ArrangeBy { input, .. } => is_affine(input, id, signed),
        RelExpr::Negate { input } => signed && is_affine(input, id, signed),
        RelExpr::Join { inputs, .. } => {
            let mut own = inputs.iter().filter(|input| mentions(input, id));
            own.next().is_some_and(|input| is_affine(input, id, signed)) && own.next().is_none()
        }
        RelExpr::Union { inputs } => inputs.iter().all(|input| is_affine(input, id, signed)),
        _ => false,
    })
}

fn mentions(expr: &RelExpr, wanted: LocalId) -> bool {
    let mut found = false;
    expr.visit_pre(&mut |node| found |= matches!(node, RelExpr::Get { id: Id::Local(id), .. } if *id == wanted));
    found
}
