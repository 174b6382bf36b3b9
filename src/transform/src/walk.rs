//! A walk, children first, that knows the type of every input: each type is computed once.

use expr::RelExpr;
use expr::visit::grow;
use repr::RelationType;

/// Calls `f` on every node, children first, with the types of its inputs; `f` says whether it changed the node.
pub fn typed(expr: &mut RelExpr, f: &mut dyn FnMut(&mut RelExpr, &[RelationType]) -> bool) -> RelationType {
    grow(|| {
        let types: Vec<_> = expr.children_mut().into_iter().map(|child| typed(child, f)).collect();
        if f(expr, &types) { expr.typ() } else { expr.typ_over(&types) }
    })
}
