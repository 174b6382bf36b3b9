//! From a relational plan to a better one, to a physical one, to a dataflow. Pure: same input, same output.
//!
//! environmentd calls [`dataflow`]'s functions for each statement; they inline views, [`optimize`], [`lower`](lower::lower) and say what
//! the dataflow imports, or that no dataflow is needed.

pub mod classes;
pub mod dataflow;
mod joins;
mod literal;
pub mod lower;
mod mfps;
mod null_safe;
pub mod rewrite;
mod scalars;
#[cfg(test)]
mod tests;
mod walk;

use expr::plan::Key;
use expr::{RelExpr, Unmaterializable};
use repr::{GlobalId, RelationType, SqlError};
use rewrite::{eager, fold, fuse, lets, monotonic, narrow, pushdown, redundant, share, window};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds after which optimizing stops even if there is more to gain; real plans settle in three to five.
const ROUNDS_MAX: usize = 12;

/// What is known of the objects that a plan reads.
#[derive(Clone, Debug, Default)]
pub struct OptimizeContext {
    /// The keys of indexes that can be read, over the object's columns.
    pub indexes: BTreeMap<GlobalId, Vec<Key>>,
    /// About how many rows there are, where that is known.
    pub cardinalities: BTreeMap<GlobalId, u64>,
    /// Objects that only grow.
    pub monotonic: BTreeSet<GlobalId>,
}

/// What rewrites see of their surroundings.
pub struct Context<'a> {
    /// What the caller knows.
    pub options: &'a OptimizeContext,
}

/// What can be wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// A value of a session or moment has not been replaced: it cannot be maintained.
    #[error("cannot materialize call to {0:?}")]
    Unmaterializable(Unmaterializable),
    /// An object that the catalog does not have.
    #[error("there is no relation {0}")]
    Unknown(GlobalId),
    /// A broken promise of this crate.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<TransformError> for SqlError {
    fn from(error: TransformError) -> SqlError {
        match error {
            TransformError::Unmaterializable(_) => {
                SqlError::new(repr::SqlState::FEATURE_NOT_SUPPORTED, error.to_string())
            }
            TransformError::Unknown(_) => SqlError::new(repr::SqlState::UNDEFINED_TABLE, error.to_string()),
            TransformError::Internal(what) => SqlError::internal(what),
        }
    }
}

/// A rewrite and its name.
type Rewrite = (&'static str, fn(&mut RelExpr, &Context<'_>));

/// Applied in this order, again and again, until nothing changes.
const LOGICAL: &[Rewrite] = &[
    ("fold", fold::apply),
    ("lets", lets::apply),
    ("fuse", fuse::apply),
    ("pushdown", pushdown::apply),
    ("fold", fold::apply),
    ("window", window::apply),
    ("redundant", redundant::apply),
    ("narrow", narrow::apply),
    ("fuse", fuse::apply),
    ("lets", lets::apply),
];

/// Applied once, afterwards.
const PHYSICAL: &[Rewrite] = &[
    ("eager", eager::apply),
    ("narrow", narrow::apply),
    ("fuse", fuse::apply),
    ("share", share::apply),
    ("narrow", narrow::apply),
    ("lets", lets::apply),
    ("joins", joins::apply),
    ("tidy", fuse::tidy),
    ("monotonic", monotonic::apply),
];

/// The same rows by a better plan, with joins decided.
pub fn optimize(mut expr: RelExpr, options: &OptimizeContext) -> Result<RelExpr, TransformError> {
    let cx = Context { options };
    expr.check().map_err(TransformError::Internal)?;
    for _ in 0..ROUNDS_MAX {
        let before = expr.clone();
        run(&mut expr, LOGICAL, &cx)?;
        if expr == before {
            break;
        }
    }
    run(&mut expr, PHYSICAL, &cx)?;
    Ok(expr)
}

/// Applies rewrites one after the other. Where programmers look on, each is checked: references are within bounds, and columns are the same, of the
/// whole and of every name within.
fn run(expr: &mut RelExpr, rewrites: &[Rewrite], cx: &Context<'_>) -> Result<(), TransformError> {
    for (name, rewrite) in rewrites {
        let before = cfg!(debug_assertions).then(|| (expr.clone(), expr.typ()));
        rewrite(expr, cx);
        if let Some((old, typ)) = before
            && let Err(what) = check_rewritten(expr, &typ)
        {
            let what = format!("rewrite {name}: {what}\nbefore: {old:?}\nafter: {expr:?}");
            return Err(TransformError::Internal(what));
        }
    }
    Ok(())
}

fn check_rewritten(expr: &RelExpr, typ: &RelationType) -> Result<(), String> {
    expr.check()?;
    if !expr.has_columns(&typ.columns) {
        return Err(format!("columns were {:?}, are {:?}", typ.columns, expr.typ().columns));
    }
    expr.check_promises()
}
