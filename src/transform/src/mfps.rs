//! Maps, filters and projections, fused into one [`Mfp`].

use expr::{Mfp, RelExpr};

/// `first`, then `second`, each predicate once.
pub fn compose(first: Mfp, second: &Mfp) -> Mfp {
    let mut mfp = first.then(second.clone());
    let mut seen = Vec::new();
    mfp.predicates.retain(|p| {
        let new = !seen.contains(p);
        if new {
            seen.push(p.clone());
        }
        new
    });
    mfp
}

/// What stands on top of an expression as one Mfp, and what it stands on.
pub fn peel(expr: &RelExpr) -> (Mfp, &RelExpr) {
    let mut steps = Vec::new();
    let mut node = expr;
    while let RelExpr::Map { input, .. } | RelExpr::Filter { input, .. } | RelExpr::Project { input, .. } = node {
        steps.push(node);
        node = input;
    }
    let mut mfp = Mfp::identity(node.arity());
    for step in steps.into_iter().rev() {
        mfp = match step {
            RelExpr::Map { scalars, .. } => mfp.map(scalars.iter().cloned()),
            RelExpr::Filter { predicates, .. } => mfp.filter(predicates.iter().cloned()),
            RelExpr::Project { outputs, .. } => mfp.project(outputs.iter().copied()),
            _ => mfp,
        };
    }
    mfp.prune();
    (mfp, node)
}
