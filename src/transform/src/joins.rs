//! How each join is done: its order, its keys, and which inputs are read through an index.
//!
//! LAW: afterwards every join of two or more inputs has an implementation. Each step of it looks up one input by expressions over that
//! input's columns which are members of classes that the steps before have a member of; the lookup key is empty, a product, only
//! where nothing connects what is left. What stood between an input and an index that a step uses stands above the join.

mod order;

use crate::Context;
use crate::rewrite::fuse_join::Pieces;
use expr::plan_key::comparable_key;
use expr::relation::{Id, JoinImplementation};
use expr::visit::grow;
use expr::{RelExpr, ScalarExpr};
use order::{Candidate, JoinGraph, Path};
use repr::RelationType;

/// From this many inputs on, a join is done without arranged intermediate results.
const DELTA_INPUTS_MIN: usize = 4;
/// Up to this many: each input has a path of its own through all others, and operators grow with the square.
const DELTA_INPUTS_MAX: usize = 12;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, cx: &Context<'_>) {
    grow(|| {
        expr.children_mut().into_iter().for_each(|child| apply(child, cx));
        if let RelExpr::Join { implementation: JoinImplementation::Undecided, .. } = expr {
            implement(expr, cx);
        }
    });
}

/// The keys of the indexes on what an input reads, over that collection's columns.
fn index_keys<'a>(input: &RelExpr, cx: &'a Context<'_>) -> &'a [Vec<ScalarExpr>] {
    match input {
        RelExpr::Get { id: Id::Global(id), .. } => cx.options.indexes.get(id).map_or(&[], Vec::as_slice),
        _ => &[],
    }
}

/// What an input reads, through filters, maps and projections.
fn base(mut input: &RelExpr) -> &RelExpr {
    while let RelExpr::Filter { input: below, .. }
    | RelExpr::Map { input: below, .. }
    | RelExpr::Project { input: below, .. } = input
    {
        input = below;
    }
    input
}

/// Whether a filter on the input fixes a whole index key: then reading that key beats any lookup by the join.
fn is_point_read(input: &RelExpr, cx: &Context<'_>) -> bool {
    let RelExpr::Filter { input: below, predicates } = skip_maps(input) else { return false };
    let fixed = |e: &ScalarExpr| predicates.iter().any(|p| crate::literal::fixes(p, e).is_some());
    index_keys(below, cx).iter().any(|key| !key.is_empty() && key.iter().all(fixed))
}

fn skip_maps(mut input: &RelExpr) -> &RelExpr {
    while let RelExpr::Map { input: below, .. } | RelExpr::Project { input: below, .. } = input {
        input = below;
    }
    input
}

fn implement(expr: &mut RelExpr, cx: &Context<'_>) {
    let RelExpr::Join { inputs, .. } = &*expr else { return };
    let may_rise = |input: &RelExpr| !index_keys(base(input), cx).is_empty() && !is_point_read(input, cx);
    let raised: Vec<bool> = inputs.iter().map(may_rise).collect();
    let wrapped = |i: usize| !matches!(inputs[i], RelExpr::Get { .. });
    if !(0..inputs.len()).any(|i| raised[i] && wrapped(i)) {
        choose(expr, &inputs_filtered(inputs), cx);
        return;
    }
    // First with all indexes in reach, to see which are of use; then with those alone.
    let filtered = inputs_filtered(inputs);
    let mut trial = raise(expr.clone(), &raised);
    let used = choose(join_in(&mut trial), &filtered, cx);
    let kept: Vec<bool> = raised.iter().zip(used).map(|(raised, used)| *raised && used).collect();
    *expr = raise(expr.take(), &kept);
    choose(join_in(expr), &filtered, cx);
}

fn inputs_filtered(inputs: &[RelExpr]) -> Vec<bool> {
    let filtered = |input: &RelExpr| {
        let mut node = input;
        loop {
            match node {
                RelExpr::Filter { .. } => return true,
                RelExpr::Map { input, .. } | RelExpr::Project { input, .. } => node = input,
                _ => return false,
            }
        }
    };
    inputs.iter().map(filtered).collect()
}

/// Moves what stands on the marked inputs above the join.
fn raise(expr: RelExpr, marked: &[bool]) -> RelExpr {
    let RelExpr::Join { inputs, equivalences, .. } = expr else { return expr };
    let mut pieces = Pieces::new(inputs, equivalences);
    for (at, _) in marked.iter().enumerate().filter(|(_, marked)| **marked) {
        while !matches!(pieces.input(at), RelExpr::Get { .. }) {
            pieces.raise(at);
        }
    }
    pieces.build()
}

/// The join under what was raised.
fn join_in(mut expr: &mut RelExpr) -> &mut RelExpr {
    while let RelExpr::Filter { input, .. } | RelExpr::Map { input, .. } | RelExpr::Project { input, .. } = expr {
        expr = input;
    }
    expr
}

/// Decides on an implementation; says for each input whether an index on it is used.
fn choose(join: &mut RelExpr, filtered: &[bool], cx: &Context<'_>) -> Vec<bool> {
    let RelExpr::Join { inputs, equivalences, implementation } = join else { return vec![false; filtered.len()] };
    let types: Vec<RelationType> = inputs.iter().map(RelExpr::typ).collect();
    let candidates = inputs.iter().zip(&types).zip(filtered).map(|((i, typ), f)| candidate(i, typ, *f, cx)).collect();
    let graph = JoinGraph::new(candidates, equivalences);
    let paths: Vec<Path> = (0..inputs.len()).map(|start| graph.path_from(start)).collect();
    let Some(best) = paths.iter().max_by(|a, b| a.rank().cmp(&b.rank()).then(b.start.cmp(&a.start))) else {
        return Vec::new();
    };
    let mut used = vec![false; inputs.len()];
    if is_delta(&paths) {
        paths.iter().flat_map(|p| &p.steps).for_each(|step| used[step.input] |= step.arranged);
        *implementation = JoinImplementation::Delta(paths.into_iter().map(Path::into_order).collect());
    } else {
        best.steps.iter().for_each(|step| used[step.input] |= step.arranged);
        used[best.start] |= best.start_arranged;
        let start = best.start;
        *implementation = JoinImplementation::Linear { start, order: best.clone().into_order() };
    }
    used
}

/// Delta joins need no arranged intermediate results, but arrangements of all inputs: worth it if those exist, or if there are many
/// inputs. A path with a product would multiply all changes of an input, so there must be none.
fn is_delta(paths: &[Path]) -> bool {
    let connected = paths.iter().all(|p| p.steps.iter().all(|s| s.connected));
    let arranged = paths.iter().all(|p| p.steps.iter().all(|s| s.arranged));
    let enough = paths.len() >= DELTA_INPUTS_MIN || (paths.len() > 2 && arranged);
    connected && enough && paths.len() <= DELTA_INPUTS_MAX
}

fn candidate(input: &RelExpr, typ: &RelationType, filtered: bool, cx: &Context<'_>) -> Candidate {
    let id = match base(input) {
        RelExpr::Get { id: Id::Global(id), .. } => Some(*id),
        _ => None,
    };
    let rows = match base(input) {
        RelExpr::Constant { rows: Ok(rows), .. } => Some(rows.len() as u64),
        _ => id.and_then(|id| cx.options.cardinalities.get(&id).copied()),
    };
    let point_read = is_point_read(input, cx) || typ.keys.iter().any(Vec::is_empty);
    let arrangements = match input {
        RelExpr::Get { .. } => index_keys(input, cx).iter().map(|key| comparable_key(key, &typ.columns)).collect(),
        RelExpr::ArrangeBy { keys, .. } => keys.iter().map(|key| comparable_key(key, &typ.columns)).collect(),
        _ => Vec::new(),
    };
    Candidate { typ: typ.clone(), arrangements, filtered, point_read, rows }
}
