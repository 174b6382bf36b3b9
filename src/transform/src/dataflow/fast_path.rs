//! Queries that need no dataflow.

use super::DataflowCatalog;
use crate::literal::key_rows;
use crate::mfps::peel;
use expr::plan_key::comparable_key;
use expr::relation::Id;
use expr::{Mfp, RelExpr, ScalarExpr};
use repr::{Diff, EvalError, GlobalId, Row};

/// How to answer without a dataflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FastPath {
    /// The answer is known, or its error.
    Constant(Result<Vec<(Row, Diff)>, EvalError>),
    /// One index has it.
    PeekIndex {
        /// The index.
        index: GlobalId,
        /// What it indexes.
        on: GlobalId,
        /// Only these keys, canonical and sorted; all if none.
        keys: Option<Vec<Row>>,
        /// Applied to each row of the indexed collection.
        mfp: Mfp,
    },
}

/// Whether an optimized query is a constant, or maps, filters and projects what one index holds. Lookups win over scans.
pub fn detect(expr: &RelExpr, catalog: &dyn DataflowCatalog) -> Option<FastPath> {
    let (mfp, base) = peel(expr);
    match base {
        RelExpr::Constant { rows, .. } if mfp.is_identity() => Some(FastPath::Constant(rows.clone())),
        RelExpr::Get { id: Id::Global(on), .. } if !has_unmaterializable(&mfp) => peek(*on, mfp, catalog),
        _ => None,
    }
}

fn has_unmaterializable(mfp: &Mfp) -> bool {
    let mut exprs = mfp.expressions.iter().chain(mfp.predicates.iter().map(|(_, p)| p));
    exprs.any(ScalarExpr::contains_unmaterializable)
}

fn peek(on: GlobalId, mfp: Mfp, catalog: &dyn DataflowCatalog) -> Option<FastPath> {
    let indexes = catalog.indexes_on(on);
    let predicates: Vec<&ScalarExpr> = mfp.predicates.iter().map(|(_, p)| p).collect();
    let lookup = indexes.iter().find_map(|(id, index)| {
        let columns = &index.desc.typ.columns;
        let rows = key_rows(&predicates, &comparable_key(&index.key, columns), columns)?;
        Some((*id, Some(rows)))
    });
    let (index, keys) = lookup.or_else(|| indexes.first().map(|(id, _)| (*id, None)))?;
    Some(FastPath::PeekIndex { index, on, keys, mfp })
}
