//! Map, filter and project, fused: what happens to a row on its way.

use crate::scalar::ScalarExpr;
use repr::{Arena, Datum, EvalError, RowPacker};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Appends `expressions` to a row of `input_arity` columns, keeps it if all predicates are true, and projects it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mfp {
    /// Columns of the input.
    pub input_arity: usize,
    /// Appended columns; each may use those before it.
    pub expressions: Vec<ScalarExpr>,
    /// Predicates, each with the number of columns that must exist before it can be evaluated; in that order.
    pub predicates: Vec<(usize, ScalarExpr)>,
    /// Positions, among input and appended columns, that are kept.
    pub projection: Vec<usize>,
}

impl Mfp {
    /// Leaves rows of this arity as they are.
    pub fn identity(arity: usize) -> Self {
        Mfp { input_arity: arity, expressions: Vec::new(), predicates: Vec::new(), projection: (0..arity).collect() }
    }

    /// Whether it leaves rows as they are.
    pub fn is_identity(&self) -> bool {
        self.expressions.is_empty()
            && self.predicates.is_empty()
            && self.projection.len() == self.input_arity
            && self.projection.iter().enumerate().all(|(i, p)| i == *p)
    }

    /// Columns of the output.
    pub fn arity(&self) -> usize {
        self.projection.len()
    }

    /// Then appends columns to the output, each over the output's columns and those before it.
    pub fn map(mut self, expressions: impl IntoIterator<Item = ScalarExpr>) -> Self {
        for mut expression in expressions {
            expression.permute(&self.projection);
            self.expressions.push(expression);
            self.projection.push(self.input_arity + self.expressions.len() - 1);
        }
        self
    }

    /// Then keeps rows for which these are true, over the output's columns.
    pub fn filter(mut self, predicates: impl IntoIterator<Item = ScalarExpr>) -> Self {
        for mut predicate in predicates {
            predicate.permute(&self.projection);
            let needed = predicate.columns().last().map_or(0, |c| c + 1).max(self.input_arity);
            let at = self.predicates.partition_point(|(other, _)| *other <= needed);
            self.predicates.insert(at, (needed, predicate));
        }
        self
    }

    /// Then keeps these of the output's columns.
    pub fn project(mut self, outputs: impl IntoIterator<Item = usize>) -> Self {
        self.projection = outputs.into_iter().map(|output| self.projection[output]).collect();
        self
    }

    /// This, then `other` over its output.
    pub fn then(self, other: Mfp) -> Self {
        debug_assert_eq!(self.arity(), other.input_arity, "the second takes what the first gives");
        let predicates = other.predicates.into_iter().map(|(_, predicate)| predicate);
        self.map(other.expressions).filter(predicates).project(other.projection)
    }

    /// The same over an input whose column `permutation[i]` is this input's column `i`; the input has `arity` columns.
    pub fn permute(self, permutation: &[usize], arity: usize) -> Self {
        debug_assert_eq!(permutation.len(), self.input_arity);
        Mfp::identity(arity).project(permutation.iter().copied()).then(self)
    }

    /// Drops what does not show: expressions that nothing uses.
    pub fn prune(&mut self) {
        let mut used: std::collections::BTreeSet<usize> = self.projection.iter().copied().collect();
        used.extend(self.predicates.iter().flat_map(|(_, predicate)| predicate.columns()));
        for (i, expression) in self.expressions.iter().enumerate().rev() {
            if used.contains(&(self.input_arity + i)) {
                used.extend(expression.columns());
            }
        }
        let mut position: Vec<usize> = (0..self.input_arity).collect();
        let mut kept = Vec::new();
        for (i, mut expression) in std::mem::take(&mut self.expressions).into_iter().enumerate() {
            position.push(self.input_arity + kept.len());
            if used.contains(&(self.input_arity + i)) {
                expression.permute(&position);
                kept.push(expression);
            }
        }
        self.expressions = kept;
        self.projection.iter_mut().for_each(|p| *p = position[*p]);
        let predicates = std::mem::take(&mut self.predicates);
        for (_, mut predicate) in predicates {
            predicate.permute(&position);
            let needed = predicate.columns().last().map_or(0, |c| c + 1).max(self.input_arity);
            let at = self.predicates.partition_point(|(other, _)| *other <= needed);
            self.predicates.insert(at, (needed, predicate));
        }
    }

    /// Applies it to a row's values: whether the row is kept, and if so its values in `out`.
    ///
    /// A predicate that is false or NULL drops the row whatever the errors of predicates before it; else the first error
    /// is the row's. `datums` is left with the appended columns.
    pub fn eval<'a>(
        &'a self,
        datums: &mut Vec<Datum<'a>>,
        arena: &'a Arena,
        out: &mut RowPacker,
    ) -> Result<bool, EvalError> {
        let mut error = None;
        let mut predicates = self.predicates.iter().peekable();
        for at in 0..=self.expressions.len() {
            while let Some((_, predicate)) = predicates.next_if(|(needed, _)| *needed <= self.input_arity + at) {
                match predicate.eval(datums, arena) {
                    Ok(value) if !value.is_true() => return Ok(false),
                    Ok(_) => {}
                    Err(e) => error = error.or(Some(e)),
                }
            }
            if let Some(expression) = self.expressions.get(at) {
                match expression.eval(datums, arena) {
                    Ok(value) => datums.push(value),
                    Err(e) => return Err(error.unwrap_or(e)),
                }
            }
        }
        if let Some(error) = error {
            return Err(error);
        }
        for &column in &self.projection {
            match datums.get(column) {
                Some(datum) => out.push(*datum),
                None => return Err(repr::SqlError::internal(format!("no column {column} to project"))),
            }
        }
        Ok(true)
    }
}
