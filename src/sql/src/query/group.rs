//! GROUP BY: its keys, and expressions in terms of the groups.

use super::grouping_sets::{Grouping, clause_sets};
use super::order::ordinal;
use super::planner::{Clause, Planner, fold};
use super::select::{Exprs, Item};
use crate::hir::{ColId, HirRel, columns_of, operands_mut};
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
        exprs.key_outputs.push(output);
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

    /// Columns that expressions use and that every grouping set decides, because it has the primary key of their table.
    fn dependent_columns(
        &mut self,
        exprs: &Exprs<'_>,
        keys: &[(ColId, ScalarExpr)],
        sets: &[Vec<usize>],
    ) -> Result<Vec<ColId>, SqlError> {
        let frame = self.frame()?;
        let in_all = |column: &ColId| {
            let at = keys.iter().position(|(_, key)| *key == ScalarExpr::Column(*column));
            at.is_some_and(|at| sets.iter().all(|set| set.contains(&at)))
        };
        let decided: Vec<bool> =
            frame.scope.tables.iter().map(|t| !t.key.is_empty() && t.key.iter().all(in_all)).collect();
        if !decided.contains(&true) {
            return Ok(Vec::new());
        }
        let conditions = exprs.having.iter().chain(&exprs.qualify).chain(&exprs.order);
        let on = exprs.distinct_on.iter().flatten();
        let mut used: BTreeSet<ColId> = exprs.outputs.iter().chain(conditions).chain(on).flat_map(columns_of).collect();
        let subqueries = frame.subqueries.iter().chain(&exprs.having_subqueries).chain(&exprs.qualify_subqueries);
        used.extend(subqueries.flat_map(|subquery| subquery.free()));
        used.extend(frame.windows.iter_mut().flat_map(|call| call.scalars_mut()).flat_map(|e| columns_of(e)));
        used.extend(frame.table_calls.iter().flat_map(|call| &call.args).flat_map(columns_of));
        let is_key = |column: &ColId| keys.iter().any(|(_, key)| *key == ScalarExpr::Column(*column));
        let columns = frame.scope.columns.iter().filter(|c| c.table.is_some_and(|table| decided[table]));
        Ok(columns.map(|c| c.id).filter(|id| used.contains(id) && !is_key(id)).collect())
    }

    /// The different keys of a clause with the columns that they become, and where each key of the clause is among them. What is equal but was
    /// named by different outputs stays apart: one may be in a grouping set without the other.
    fn different_keys(
        &mut self,
        keys: Vec<ScalarExpr>,
        outputs: &[Option<usize>],
        input: &BTreeSet<ColId>,
    ) -> (Vec<(ColId, ScalarExpr)>, Vec<usize>) {
        let mut different: Vec<(ColId, ScalarExpr)> = Vec::new();
        let (mut named, mut places): (Vec<Option<usize>>, Vec<usize>) = (Vec::new(), Vec::new());
        for (key, output) in keys.into_iter().zip(outputs) {
            let one = |at: &usize| named[*at].is_none() || output.is_none() || named[*at] == *output;
            let place = (0..different.len()).find(|at| different[*at].1 == key && one(at));
            places.push(place.unwrap_or(different.len()));
            if place.is_some() {
                continue;
            }
            let taken = different.iter().any(|(_, earlier)| *earlier == key);
            let id = match key {
                ScalarExpr::Column(id) if input.contains(&id) && !taken => id,
                _ => self.column_for("?column?", &key),
            };
            different.push((id, key));
            named.push(*output);
        }
        (different, places)
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
        let input: BTreeSet<ColId> = rel.cols().into_iter().collect();
        let outputs = std::mem::take(&mut exprs.key_outputs);
        let (mut keys, places) = self.different_keys(std::mem::take(&mut exprs.keys), &outputs, &input);
        let mut sets = member_sets(&std::mem::take(&mut exprs.sets), &places);
        for column in self.dependent_columns(exprs, &keys, &sets)? {
            sets.iter_mut().for_each(|set| set.push(keys.len()));
            keys.push((column, ScalarExpr::Column(column)));
        }
        let direct = self.rewrite_to_groups(exprs, &keys, &input)?;
        for (output, place) in outputs.iter().zip(&places).filter_map(|(output, place)| Some(((*output)?, *place))) {
            exprs.outputs[output] = ScalarExpr::Column(keys[place].0);
        }
        self.reduce(rel, Grouping { keys, sets, direct, aggregates, calls })
    }

    /// Puts all expressions in terms of the groups; gives the direct arguments of aggregates.
    fn rewrite_to_groups(
        &mut self,
        exprs: &mut Exprs<'_>,
        keys: &[(ColId, ScalarExpr)],
        input: &BTreeSet<ColId>,
    ) -> Result<Vec<(ColId, ScalarExpr)>, SqlError> {
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
        let direct = std::mem::take(&mut frame.direct_arguments);
        for (_, argument) in &direct {
            let detail = "Direct arguments of an ordered-set aggregate must use only grouped columns.";
            group.rewrite(&mut argument.clone(), false).map_err(|error| error.detail(detail))?;
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
        Ok(direct)
    }
}

/// Grouping sets over the different keys, each key once; one set without keys if there is no clause.
fn member_sets(sets: &[Vec<usize>], places: &[usize]) -> Vec<Vec<usize>> {
    if sets.is_empty() {
        return vec![Vec::new()];
    }
    let members = |set: &Vec<usize>| set.iter().map(|key| places[*key]).collect::<BTreeSet<usize>>();
    sets.iter().map(members).map(|set| set.into_iter().collect()).collect()
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
