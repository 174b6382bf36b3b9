//! GROUP BY: its keys, and expressions in terms of the groups.

use super::grouping_sets::{Grouping, clause_sets};
use super::order::ordinal;
use super::planner::{Clause, Planner, fold};
use super::select::{Exprs, Item};
use crate::hir::{ColId, HirRel, operands_mut};
use expr::ScalarExpr;
use repr::{SqlError, SqlState};
use sqlparser::ast::{Expr, GroupByExpr, Select};
use std::collections::{BTreeMap, BTreeSet};

/// A key of GROUP BY as it is written.
pub(super) type Key<'a> = &'a Expr;

/// The name of the item that stands for DISTINCT in `GROUP BY DISTINCT`; see `parser::respell`.
pub(super) use crate::parser::respell::ALL_SETS_ONCE;

/// What a group provides.
struct Group<'a> {
    /// Keys that are not bare columns, and their columns.
    keys: &'a [(ColId, ScalarExpr)],
    /// Columns of the input that are not keys.
    hidden: &'a BTreeSet<ColId>,
    /// Names of columns for messages.
    labels: &'a BTreeMap<ColId, String>,
    /// Columns of the input that are conversions of others.
    merged: &'a BTreeMap<ColId, ScalarExpr>,
}

impl Planner<'_, '_> {
    /// Plans GROUP BY's expressions; whether there is such a clause.
    pub(super) fn group_keys<'a>(
        &mut self,
        select: &'a Select,
        items: &[Item<'a>],
        exprs: &mut Exprs<'a>,
    ) -> Result<bool, SqlError> {
        let clause = match &select.group_by {
            GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => keys,
            _ => return Err(SqlError::unsupported("GROUP BY ALL and GROUP BY … WITH")),
        };
        // A key that stands in several sets is planned once: subqueries in it are.
        let mut planned: Vec<Key<'a>> = Vec::new();
        for set in clause_sets(clause)? {
            let mut members = Vec::new();
            for key in set {
                let at = match planned.iter().position(|k| *k == key) {
                    Some(at) => at,
                    None => {
                        self.group_key(key, items, exprs)?;
                        planned.push(key);
                        planned.len() - 1
                    }
                };
                members.push(at);
            }
            exprs.sets.push(members);
        }
        Ok(!clause.is_empty())
    }

    /// A key: an output by position, an input column, an output by name, or an expression.
    fn group_key<'a>(&mut self, key: &'a Expr, items: &[Item<'a>], exprs: &mut Exprs<'a>) -> Result<(), SqlError> {
        let position = self.position(key);
        let output = match ordinal(key, items.len(), "GROUP BY").map_err(|e| e.at(position))? {
            Some(i) => Some(i),
            None => self.output_key(key, items)?,
        };
        let clause = Clause::plain("GROUP BY");
        let text = match output.map(|i| &items[i]) {
            None => key,
            Some(Item::Expr(_, expr)) => *expr,
            Some(Item::Column(_, id)) => {
                exprs.keys.push(ScalarExpr::Column(*id));
                return Ok(());
            }
        };
        let planned = self.in_clause(clause, |p| p.expr(text))?;
        exprs.keys.push(planned.clone());
        exprs.key_texts.push((text, planned));
        Ok(())
    }

    /// The output that a bare name means, unless it is an input column's name.
    fn output_key(&mut self, key: &Expr, items: &[Item<'_>]) -> Result<Option<usize>, SqlError> {
        let Expr::Identifier(ident) = key else { return Ok(None) };
        let name = fold(ident);
        if self.frame()?.scope.find_bare(&name)?.is_some() {
            return Ok(None);
        }
        let named = |i: &Item<'_>| matches!(i, Item::Expr(n, _) | Item::Column(n, _) if *n == name);
        Ok(items.iter().position(named))
    }

    /// Groups `rel` and puts all expressions in terms of the groups.
    pub(super) fn group(&mut self, rel: HirRel, exprs: &mut Exprs<'_>) -> Result<HirRel, SqlError> {
        let frame = self.frame()?;
        let (aggregates, calls) = (std::mem::take(&mut frame.aggregates), std::mem::take(&mut frame.groupings));
        if frame.recursive && !aggregates.is_empty() {
            let message = "aggregate functions are not allowed in a recursive query's recursive term";
            return Err(SqlError::new(SqlState::INVALID_RECURSION, message));
        }
        let rel = rel.apply(std::mem::take(&mut frame.aggregate_subqueries));
        let mut keys: Vec<(ColId, ScalarExpr)> = Vec::new();
        let input: BTreeSet<ColId> = rel.cols().into_iter().collect();
        // Where each key of the clause is among the different ones.
        let mut places = Vec::new();
        for key in std::mem::take(&mut exprs.keys) {
            let place = keys.iter().position(|(_, k)| *k == key);
            places.push(place.unwrap_or(keys.len()));
            match key {
                _ if place.is_some() => {}
                ScalarExpr::Column(id) if input.contains(&id) => keys.push((id, key)),
                key => keys.push((self.column_for("?column?", &key), key)),
            }
        }
        let mut sets: Vec<Vec<usize>> =
            std::mem::take(&mut exprs.sets).iter().map(|set| set.iter().map(|k| places[*k]).collect()).collect();
        sets.iter_mut().for_each(|set| {
            set.sort_unstable();
            set.dedup();
        });
        if sets.is_empty() {
            sets.push(Vec::new());
        }
        let grouped: BTreeSet<ColId> = keys.iter().map(|(id, _)| *id).collect();
        let hidden: BTreeSet<ColId> = input.difference(&grouped).copied().collect();
        let complex: Vec<_> = keys.iter().filter(|(_, k)| !matches!(k, ScalarExpr::Column(_))).cloned().collect();
        let labels = self.frame()?.scope.labels();
        let merged = self.merged.clone();
        let group = Group { keys: &complex, hidden: &hidden, labels: &labels, merged: &merged };
        let on = exprs.distinct_on.iter_mut().flatten();
        let conditions = exprs.having.iter_mut().chain(&mut exprs.qualify);
        for expr in exprs.outputs.iter_mut().chain(conditions).chain(&mut exprs.order).chain(on) {
            group.rewrite(expr, false)?;
        }
        let frame = self.frames.last_mut().ok_or_else(|| SqlError::internal("a group outside of a query"))?;
        for mut direct in std::mem::take(&mut frame.direct_arguments) {
            let detail = "Direct arguments of an ordered-set aggregate must use only grouped columns.";
            group.rewrite(&mut direct, false).map_err(|error| error.detail(detail))?;
        }
        for subquery in frame.subqueries.iter_mut().chain(&mut exprs.having_subqueries) {
            subquery.try_rewrite(&mut |e| group.rewrite(e, true))?;
        }
        for subquery in &mut exprs.qualify_subqueries {
            subquery.try_rewrite(&mut |e| group.rewrite(e, true))?;
        }
        for expr in frame.windows.iter_mut().flat_map(|call| call.scalars_mut()) {
            group.rewrite(expr, false)?;
        }
        for arg in frame.table_calls.iter_mut().flat_map(|c| &mut c.args) {
            group.rewrite(arg, false)?;
        }
        self.reduce(rel, Grouping { keys, sets, aggregates, calls })
    }
}

impl Group<'_> {
    /// Replaces keys by their columns; an input column that is left has no one value in a group.
    fn rewrite(&self, expr: &mut ScalarExpr, in_subquery: bool) -> Result<(), SqlError> {
        if let Some((id, _)) = self.keys.iter().find(|(_, key)| key == expr) {
            *expr = ScalarExpr::Column(*id);
            return Ok(());
        }
        if let ScalarExpr::Column(id) = expr
            && self.hidden.contains(id)
        {
            if let Some(value) = self.merged.get(id) {
                *expr = value.clone();
                return self.rewrite(expr, in_subquery);
            }
            let name = self.labels.get(id).map_or("?column?", String::as_str);
            let message = match in_subquery {
                true => format!("subquery uses ungrouped column \"{name}\" from outer query"),
                false => {
                    format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function")
                }
            };
            return Err(SqlError::new(SqlState::GROUPING_ERROR, message));
        }
        operands_mut(expr).into_iter().try_for_each(|operand| self.rewrite(operand, in_subquery))
    }
}
