//! Joins by hash tables: inputs are added one at a time, connected ones first, so that a product is only made where nothing
//! connects what is left.

use super::{Interpreter, Positions, Rows};
use crate::plan_key::comparable;
use crate::relation::RelExpr;
use crate::relation_scalars::scalar_columns;
use crate::scalar::ScalarExpr;
use repr::{Arena, EvalError, Row, RowPacker};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// An equivalence class while inputs are added.
struct Class {
    /// Members that cannot be evaluated yet, over the join's columns.
    pending: Vec<ScalarExpr>,
    /// A member that can, over the columns of the rows so far.
    known: Option<ScalarExpr>,
}

/// The rows of the inputs joined so far.
struct Partial {
    rows: Rows,
    /// For each column of the join, its place in `rows`, once it has one.
    places: Vec<Option<usize>>,
    width: usize,
}

impl Partial {
    fn has(&self, expr: &ScalarExpr) -> bool {
        scalar_columns(expr).iter().all(|c| self.places[*c].is_some())
    }

    fn localize(&self, expr: &ScalarExpr) -> ScalarExpr {
        let mut expr = expr.clone();
        expr.remap(&|c| self.places[c].unwrap_or(usize::MAX));
        expr
    }

    fn bind(&mut self, columns: Range<usize>) {
        let width = columns.len();
        for (i, column) in columns.enumerate() {
            self.places[column] = Some(self.width + i);
        }
        self.width += width;
    }
}

fn within(expr: &ScalarExpr, columns: &Range<usize>) -> bool {
    let used = scalar_columns(expr);
    !used.is_empty() && used.iter().all(|c| columns.contains(c))
}

impl Interpreter<'_> {
    pub(super) fn join(&mut self, inputs: &[RelExpr], equivalences: &[Vec<ScalarExpr>]) -> Result<Rows, EvalError> {
        let types: Vec<_> = inputs.iter().map(RelExpr::typ).collect();
        let columns: Vec<_> = types.iter().flat_map(|t| t.columns.iter().cloned()).collect();
        let mut at = 0;
        let mut remaining = Vec::new();
        for (input, typ) in inputs.iter().zip(&types) {
            remaining.push((at..at + typ.arity(), self.eval(input)?));
            at += typ.arity();
        }
        let member = |e: &ScalarExpr| comparable(e.clone(), &columns);
        let class = |c: &Vec<ScalarExpr>| Class { pending: c.iter().map(member).collect(), known: None };
        let mut classes: Vec<Class> = equivalences.iter().map(class).collect();
        let mut partial = Partial { rows: vec![(Row::empty(), 1)], places: vec![None; columns.len()], width: 0 };
        self.settle(&mut partial, &mut classes)?;
        while !remaining.is_empty() {
            let next = next_input(&remaining, &classes);
            let (range, rows) = remaining.swap_remove(next);
            self.add(&mut partial, &mut classes, range, &rows)?;
        }
        self.restore_order(partial)
    }

    /// Joins one more input, by the classes that both sides have a member of.
    fn add(
        &mut self,
        partial: &mut Partial,
        classes: &mut [Class],
        range: Range<usize>,
        rows: &Arc<Rows>,
    ) -> Result<(), EvalError> {
        let (mut old_key, mut new_key) = (Vec::new(), Vec::new());
        for class in classes.iter_mut() {
            let Some(known) = &class.known else { continue };
            let Some(i) = class.pending.iter().position(|e| within(e, &range)) else { continue };
            old_key.push(known.clone());
            let mut member = class.pending.remove(i);
            member.remap(&|c| c - range.start);
            new_key.push(member);
        }
        let table = self.table(rows, &new_key)?;
        let mut packer = RowPacker::new();
        let mut out = Vec::new();
        for (row, diff) in &partial.rows {
            self.budget.spend(1)?;
            let Some(key) = key_without_null(row, &old_key)? else { continue };
            for (other, count) in table.get(&key).into_iter().flatten().map(|i| &rows[*i]) {
                packer.extend_row(row.as_ref());
                packer.extend_row(other.as_ref());
                self.push(&mut out, packer.take(), diff * count)?;
            }
        }
        partial.rows = out;
        partial.bind(range);
        self.settle(partial, classes)
    }

    fn table(&self, rows: &Rows, key: &[ScalarExpr]) -> Result<Positions, EvalError> {
        let mut table = Positions::new();
        for (i, (row, _)) in rows.iter().enumerate() {
            self.budget.spend(1)?;
            if let Some(key) = key_without_null(row, key)? {
                table.entry(key).or_default().push(i);
            }
        }
        Ok(table)
    }

    /// Checks the members that can be evaluated by now against each other.
    fn settle(&self, partial: &mut Partial, classes: &mut [Class]) -> Result<(), EvalError> {
        for class in classes {
            let (now, later): (Vec<_>, Vec<_>) = class.pending.drain(..).partition(|e| partial.has(e));
            class.pending = later;
            let mut exprs: Vec<_> = now.iter().map(|e| partial.localize(e)).collect();
            if exprs.is_empty() {
                continue;
            }
            exprs.extend(class.known.take());
            let mut kept = Vec::with_capacity(partial.rows.len());
            for (row, diff) in partial.rows.drain(..) {
                self.budget.spend(1)?;
                if all_equal(&row, &exprs)? {
                    kept.push((row, diff));
                }
            }
            partial.rows = kept;
            class.known = exprs.pop();
        }
        Ok(())
    }

    fn restore_order(&self, partial: Partial) -> Result<Rows, EvalError> {
        let places: Vec<usize> = partial.places.iter().map(|p| p.unwrap_or(0)).collect();
        if places.iter().enumerate().all(|(i, p)| i == *p) {
            return Ok(partial.rows);
        }
        let mut packer = RowPacker::new();
        let mut out = Vec::with_capacity(partial.rows.len());
        for (row, diff) in &partial.rows {
            let datums = row.unpack();
            packer.extend(places.iter().map(|p| datums[*p]));
            self.push(&mut out, packer.take(), *diff)?;
        }
        Ok(out)
    }
}

/// The smallest input that a class connects to what is joined so far; if there is none, the smallest of all.
fn next_input(remaining: &[(Range<usize>, Arc<Rows>)], classes: &[Class]) -> usize {
    let connected = |range: &Range<usize>| {
        classes.iter().any(|class| class.known.is_some() && class.pending.iter().any(|e| within(e, range)))
    };
    let cost = |i: &usize| (!connected(&remaining[*i].0), remaining[*i].1.len(), remaining[*i].0.start);
    (0..remaining.len()).min_by_key(cost).unwrap_or(0)
}

/// A row's values of `key`, packed; none if one of them is NULL, which equals nothing.
fn key_without_null(row: &Row, key: &[ScalarExpr]) -> Result<Option<Row>, EvalError> {
    let arena = Arena::new();
    let datums = row.unpack();
    let mut packer = RowPacker::new();
    for expr in key {
        let value = expr.eval(&datums, &arena)?;
        if value.is_null() {
            return Ok(None);
        }
        packer.push(value);
    }
    Ok(Some(packer.finish()))
}

fn all_equal(row: &Row, exprs: &[ScalarExpr]) -> Result<bool, EvalError> {
    let Some(key) = key_without_null(row, exprs)? else { return Ok(false) };
    let distinct: BTreeSet<_> = key.iter().map(|d| Row::pack([d])).collect();
    Ok(distinct.len() <= 1)
}
