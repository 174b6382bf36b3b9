//! What is known now is computed now.
//!
//! LAW: the result has the same rows; errors may go away (with the rows that would have caused them) but never appear.

use crate::Context;
use crate::scalars::{conjuncts, literal_bool};
use crate::walk::typed;
use expr::func::Volatility;
use expr::interpret::{Budget, interpret_constant};
use expr::{RelExpr, ScalarExpr};
use repr::{ColumnType, RelationType, SqlState};

/// Constants with more rows are not computed with: what they become could fill memory.
const INPUT_ROWS_MAX: usize = 4096;
/// Results with more rows are left to the run.
const OUTPUT_ROWS_MAX: usize = 8192;
/// Work that one fold may take.
const FOLD_WORK: u64 = 1 << 17;

/// Applies the rewrite.
pub fn apply(expr: &mut RelExpr, _: &Context<'_>) {
    typed(expr, &mut |node, inputs| {
        let changed = fold_scalars(node, inputs);
        fold_node(node, inputs) || changed
    });
}

fn fold_scalars(node: &mut RelExpr, inputs: &[RelationType]) -> bool {
    if let RelExpr::Map { scalars, .. } = node {
        return fold_map(scalars, inputs[0].columns.clone());
    }
    let columns: Vec<ColumnType> = match node {
        RelExpr::Filter { .. } => inputs[0].columns.clone(),
        _ => inputs.iter().flat_map(|i| i.columns.iter().cloned()).collect(),
    };
    let mut changed = false;
    for scalar in node.scalars_mut() {
        changed |= reduce(scalar, &columns);
    }
    if let RelExpr::Filter { predicates, .. } = node {
        let before = predicates.len();
        *predicates = conjuncts(std::mem::take(predicates));
        changed |= predicates.len() != before;
    }
    changed
}

fn fold_map(scalars: &mut [ScalarExpr], mut columns: Vec<ColumnType>) -> bool {
    let mut changed = false;
    for scalar in scalars {
        changed |= reduce(scalar, &columns);
        columns.push(scalar.typ(&columns));
    }
    changed
}

fn reduce(scalar: &mut ScalarExpr, columns: &[ColumnType]) -> bool {
    if matches!(scalar, ScalarExpr::Column(_) | ScalarExpr::Literal(..)) {
        return false;
    }
    let before = scalar.clone();
    scalar.reduce(columns);
    *scalar != before
}

fn fold_node(node: &mut RelExpr, inputs: &[RelationType]) -> bool {
    match node {
        RelExpr::Constant { .. } | RelExpr::Get { .. } | RelExpr::Let { .. } | RelExpr::LetRec { .. } => false,
        RelExpr::Union { inputs } => fold_union(inputs),
        RelExpr::Filter { predicates, .. }
            if predicates.iter().any(|p| matches!(literal_bool(p), Some(Some(false) | None))) =>
        {
            *node = RelExpr::empty(node.typ_over(inputs));
            true
        }
        RelExpr::Join { inputs: parts, .. } if parts.iter().any(RelExpr::is_empty) => {
            *node = RelExpr::empty(node.typ_over(inputs));
            true
        }
        _ => fold_constant(node, inputs),
    }
}

/// Drops empty inputs and adds up constant ones.
fn fold_union(inputs: &mut Vec<RelExpr>) -> bool {
    let before = inputs.len();
    if inputs.iter().any(|i| !i.is_empty()) {
        inputs.retain(|i| !i.is_empty());
    } else {
        inputs.truncate(1);
    }
    let small = |i: &RelExpr| matches!(i, RelExpr::Constant { rows: Ok(rows), .. } if rows.len() <= INPUT_ROWS_MAX);
    if inputs.iter().filter(|i| small(i)).count() > 1 {
        let (constant, mut rest): (Vec<_>, Vec<_>) = inputs.drain(..).partition(small);
        rest.push(merge_constants(constant));
        *inputs = rest;
    }
    inputs.len() != before
}

fn merge_constants(constants: Vec<RelExpr>) -> RelExpr {
    let typ = RelExpr::Union { inputs: constants.clone() }.typ();
    let mut all = Vec::new();
    for constant in constants {
        if let RelExpr::Constant { rows: Ok(mut rows), .. } = constant {
            all.append(&mut rows);
        }
    }
    expr::interpret::consolidate(&mut all);
    RelExpr::constant_diffs(all, RelationType::new(typ.columns))
}

fn fold_constant(node: &mut RelExpr, inputs: &[RelationType]) -> bool {
    let rows_of = |child: &RelExpr| match child {
        RelExpr::Constant { rows, .. } => Some(rows.as_ref().map_or(0, Vec::len)),
        _ => None,
    };
    let rows: Option<usize> = node.children().into_iter().map(rows_of).sum();
    let small = rows.is_some_and(|rows| rows <= INPUT_ROWS_MAX);
    if !small || !node.scalars().into_iter().all(is_fixed) {
        return false;
    }
    let rows = match interpret_constant(node, &Budget::new(FOLD_WORK)) {
        Ok(rows) if rows.len() > OUTPUT_ROWS_MAX => return false,
        Err(e) if e.code == SqlState::PROGRAM_LIMIT_EXCEEDED || e.code == SqlState::INTERNAL_ERROR => return false,
        other => other,
    };
    *node = RelExpr::Constant { rows, typ: node.typ_over(inputs) };
    true
}

/// Whether an expression gives the same value whenever it is evaluated.
fn is_fixed(expr: &ScalarExpr) -> bool {
    let mut fixed = true;
    expr.visit(&mut |e| match e {
        ScalarExpr::Unmaterializable(_) => fixed = false,
        ScalarExpr::Call { func, .. } => fixed &= func.0.volatility != Volatility::Volatile,
        _ => {}
    });
    fixed
}
