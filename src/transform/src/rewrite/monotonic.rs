//! Which groupings see input that only grows.
//!
//! LAW: `monotonic` is set only where no row is ever retracted from the input.

use crate::Context;
use expr::RelExpr;
use expr::relation::Id;
use expr::visit::grow;
use repr::LocalId;
use std::collections::BTreeSet;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, cx: &Context<'_>) {
    mark(expr, cx, &mut BTreeSet::new());
}

/// Marks groupings; says whether the result only grows.
fn mark(expr: &mut RelExpr, cx: &Context<'_>, growing: &mut BTreeSet<LocalId>) -> bool {
    grow(|| match expr {
        RelExpr::Constant { rows, .. } => rows.as_ref().is_ok_and(|rows| rows.iter().all(|(_, diff)| *diff > 0)),
        RelExpr::Get { id: Id::Global(id), .. } => cx.options.monotonic.contains(id),
        RelExpr::Get { id: Id::Local(id), .. } => growing.contains(id),
        RelExpr::Let { id, value, body } => {
            if mark(value, cx, growing) {
                growing.insert(*id);
            }
            mark(body, cx, growing)
        }
        // A new row changes what other rows show.
        RelExpr::LetRec { .. } | RelExpr::Negate { .. } | RelExpr::Window { .. } => {
            for child in expr.children_mut() {
                mark(child, cx, growing);
            }
            false
        }
        RelExpr::Reduce { input, aggregates, monotonic, .. } => {
            *monotonic = mark(input, cx, growing);
            *monotonic && aggregates.is_empty()
        }
        RelExpr::TopK { input, monotonic, .. } => {
            *monotonic = mark(input, cx, growing);
            false
        }
        _ => {
            let mut all = true;
            for child in expr.children_mut() {
                all &= mark(child, cx, growing);
            }
            all
        }
    })
}
