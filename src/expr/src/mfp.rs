//! Map, filter and project, fused: what happens to a row on its way.

use crate::scalar::ScalarExpr;
use serde::{Deserialize, Serialize};

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
}
