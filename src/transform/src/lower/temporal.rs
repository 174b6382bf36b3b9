//! Takes temporal predicates out of an [`Mfp`].

use expr::temporal::{Bound, bounds, is_temporal};
use expr::{Mfp, ScalarExpr};

/// Removes the predicates that compare the moment with a row's values; the output gets a column more for each bound: the value that
/// the moment is compared with.
pub(super) fn extract(mfp: &mut Mfp) -> Vec<Bound> {
    let expressions = Computed::of(mfp);
    let mut extracted = Vec::new();
    mfp.predicates.retain(|(_, predicate)| {
        let predicate = expressions.inlined(predicate);
        let found = if is_temporal(&predicate) { bounds(&predicate) } else { None };
        let keep = found.is_none();
        extracted.extend(found.into_iter().flatten());
        keep
    });
    let mut taken = Vec::new();
    for (bound, value) in extracted {
        mfp.projection.push(mfp.input_arity + mfp.expressions.len());
        mfp.expressions.push(value);
        taken.push(bound);
    }
    if !taken.is_empty() {
        mfp.prune();
    }
    taken
}

/// The computed columns that depend on the moment.
struct Computed {
    arity: usize,
    temporal: Vec<Option<ScalarExpr>>,
}

impl Computed {
    fn of(mfp: &Mfp) -> Self {
        let mut computed = Computed { arity: mfp.input_arity, temporal: Vec::new() };
        for expression in &mfp.expressions {
            let inlined = computed.inlined(expression);
            computed.temporal.push(is_temporal(&inlined).then_some(inlined));
        }
        computed
    }

    /// An expression with such columns replaced by how they are computed.
    fn inlined(&self, expr: &ScalarExpr) -> ScalarExpr {
        let mut expr = expr.clone();
        if self.temporal.iter().any(Option::is_some) {
            expr.visit_mut_post(&mut |node| {
                if let ScalarExpr::Column(c) = node
                    && let Some(Some(computed)) = c.checked_sub(self.arity).and_then(|at| self.temporal.get(at))
                {
                    *node = computed.clone();
                }
            });
        }
        expr
    }
}
