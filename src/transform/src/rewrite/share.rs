//! What is computed twice is computed once.
//!
//! LAW: afterwards no two equal subplans outside recursions compute the same anew, unless copying is as good.

use crate::Context;
use expr::visit::grow;
use expr::{LocalIds, RelExpr};
use repr::LocalId;
use std::collections::HashMap;

/// Larger plans are left as they are: finding equal subplans takes time in proportion to size and depth.
const SIZE_MAX: usize = 4000;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    if expr.size() > SIZE_MAX {
        return;
    }
    let mut counts = HashMap::new();
    count(expr, &mut counts);
    let shared = counts.into_iter().filter(|(_, n)| *n > 1).map(|(e, _)| (e.clone(), None)).collect::<HashMap<_, _>>();
    if shared.is_empty() {
        return;
    }
    let mut sharer = Sharer { ids: LocalIds::above(expr), shared, lets: Vec::new() };
    sharer.chain(expr);
}

fn is_worth_sharing(expr: &RelExpr) -> bool {
    match expr {
        RelExpr::Join { .. } | RelExpr::Reduce { .. } | RelExpr::TopK { .. } | RelExpr::Threshold { .. } => true,
        RelExpr::Window { .. } | RelExpr::FlatMap { .. } | RelExpr::Union { .. } => true,
        RelExpr::Map { input, .. } | RelExpr::Filter { input, .. } => is_worth_sharing(input),
        _ => false,
    }
}

/// Counts subplans; inside one that has been seen before there is nothing more to count.
fn count<'a>(expr: &'a RelExpr, counts: &mut HashMap<&'a RelExpr, usize>) {
    grow(|| {
        if matches!(expr, RelExpr::LetRec { .. }) {
            return;
        }
        if is_worth_sharing(expr) {
            let seen = counts.entry(expr).or_insert(0);
            *seen += 1;
            if *seen > 1 {
                return;
            }
        }
        expr.children().into_iter().for_each(|child| count(child, counts));
    });
}

struct Sharer {
    ids: LocalIds,
    /// Subplans to share, with their names once they have one.
    shared: HashMap<RelExpr, Option<LocalId>>,
    /// Bindings that the part at hand needs before it.
    lets: Vec<(LocalId, RelExpr)>,
}

impl Sharer {
    /// A chain of `Let`s and its body; new bindings go right before the part that first needs them.
    fn chain(&mut self, expr: &mut RelExpr) {
        grow(|| {
            if let RelExpr::Let { value, body, .. } = expr {
                self.part(value);
                let lets = std::mem::take(&mut self.lets);
                self.chain(body);
                wrap(expr, lets);
            } else {
                self.part(expr);
                let lets = std::mem::take(&mut self.lets);
                wrap(expr, lets);
            }
        });
    }

    fn part(&mut self, expr: &mut RelExpr) {
        grow(|| {
            if matches!(expr, RelExpr::LetRec { .. }) {
                return;
            }
            if let Some(named) = self.shared.get(expr) {
                let (key, named) = (expr.clone(), *named);
                let typ = expr.typ();
                let id = named.unwrap_or_else(|| {
                    let id = self.ids.fresh();
                    expr.children_mut().into_iter().for_each(|child| self.part(child));
                    self.lets.push((id, expr.take()));
                    self.shared.insert(key, Some(id));
                    id
                });
                *expr = RelExpr::get_local(id, typ);
                return;
            }
            expr.children_mut().into_iter().for_each(|child| self.part(child));
        });
    }
}

fn wrap(expr: &mut RelExpr, lets: Vec<(LocalId, RelExpr)>) {
    for (id, value) in lets.into_iter().rev() {
        let body = Box::new(expr.take());
        *expr = RelExpr::Let { id, value: Box::new(value), body };
    }
}
