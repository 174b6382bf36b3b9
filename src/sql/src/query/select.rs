//! SELECT: from FROM to the result's columns.
//!
//! ```text
//! FROM ─▶ WHERE ─▶ GROUP BY, aggregates ─▶ HAVING ─▶ subqueries, windows, QUALIFY, table functions ─▶ outputs ─▶ DISTINCT
//! ```
//!
//! All expressions are planned over the FROM clause's columns first. If the query is grouped, `group` then replaces in them what the
//! group provides and refuses what it does not.

use super::body::{Body, Target, is_literal};
use super::order::{direction, ordinal, output_named};
use super::planner::{Clause, Frame, Planner, TableCall, fold, name_parts};
use super::{Output, whole_row};
use crate::coerce::{Operand, constant};
use crate::hir::{ColId, HirOrder, HirRel, Subquery, SubqueryKind, columns_of};
use expr::{ScalarExpr, TableFunc};
use repr::{ColumnName, Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Distinct, Expr, Select, SelectItem, SelectItemQualifiedWildcardKind};

/// One column of the SELECT list, before it is planned.
pub(super) enum Item<'a> {
    /// An expression and its name.
    Expr(ColumnName, &'a Expr),
    /// A column that `*` stands for.
    Column(ColumnName, ColId),
}

impl Item<'_> {
    fn name(&self) -> &ColumnName {
        match self {
            Item::Expr(name, _) | Item::Column(name, _) => name,
        }
    }
}

/// A SELECT's planned expressions, over the FROM clause's columns.
#[derive(Default)]
pub(super) struct Exprs<'a> {
    pub keys: Vec<ScalarExpr>,
    /// The output that each key was named by, if it was.
    pub key_outputs: Vec<Option<usize>>,
    /// The grouping sets: which of the keys each has. None without GROUP BY.
    pub sets: Vec<Vec<usize>>,
    /// The keys as written, or the outputs that they name: the same text elsewhere is the same value, subqueries in it included.
    pub key_texts: Vec<(&'a Expr, ScalarExpr)>,
    pub outputs: Vec<ScalarExpr>,
    pub having: Option<ScalarExpr>,
    pub having_subqueries: Vec<Subquery>,
    pub qualify: Option<ScalarExpr>,
    pub qualify_subqueries: Vec<Subquery>,
    pub order: Vec<ScalarExpr>,
    pub distinct_on: Option<Vec<ScalarExpr>>,
}

impl Planner<'_, '_> {
    /// A SELECT with the ORDER BY that follows it, which sees its FROM clause too.
    pub(super) fn select(
        &mut self,
        select: &Select,
        order_by: &[ast::OrderByExpr],
        targets: Option<&[Target]>,
    ) -> Result<Body, SqlError> {
        refuse_clauses(select)?;
        self.push_frame(Default::default(), Clause::plain("FROM"));
        self.frame()?.whole_rows = whole_row::names_used(select);
        let planned = self.select_in_frame(select, order_by, targets);
        self.frames.pop();
        planned
    }

    fn select_in_frame(
        &mut self,
        select: &Select,
        order_by: &[ast::OrderByExpr],
        targets: Option<&[Target]>,
    ) -> Result<Body, SqlError> {
        let mut rel = self.tables(&select.from)?;
        if let Some(condition) = &select.selection {
            rel = self.filter(rel, condition, "WHERE")?;
        }
        self.name_windows(&select.named_window)?;
        let items = self.items(&select.projection)?;
        let mut exprs = Exprs::default();
        let grouped = self.group_keys(select, &items, &mut exprs)?;
        rel = rel.apply(std::mem::take(&mut self.frame()?.subqueries));
        self.having(select, &mut exprs)?;
        self.qualify(select, &items, &mut exprs)?;
        let open = self.outputs(&items, targets, &mut exprs)?;
        self.distinct_and_order(select, &items, order_by, &mut exprs)?;
        let names = items.iter().map(|i| i.name().clone()).collect();
        let frame = self.frame()?;
        let grouped = grouped || exprs.having.is_some() || !frame.aggregates.is_empty() || !frame.groupings.is_empty();
        if grouped {
            rel = self.group(rel, &mut exprs)?;
        }
        if let Some(having) = exprs.having.take() {
            rel = filter_with(rel, std::mem::take(&mut exprs.having_subqueries), having);
        }
        let rel = self.expand(rel, &mut exprs)?;
        self.finish_select(rel, names, open, exprs, select, order_by)
    }

    /// Applies the subqueries and the windows of the outputs, QUALIFY, and joins the table functions in the outputs.
    fn expand(&mut self, rel: HirRel, exprs: &mut Exprs<'_>) -> Result<HirRel, SqlError> {
        let subqueries = std::mem::take(&mut self.frame()?.subqueries);
        let mut rel = self.windows(rel, subqueries)?;
        if let Some(qualify) = exprs.qualify.take() {
            rel = filter_with(rel, std::mem::take(&mut exprs.qualify_subqueries), qualify);
        }
        let mut calls = std::mem::take(&mut self.frame()?.table_calls);
        // A call whose arguments contain others comes after those; calls that do not wait for each other run side by side.
        while !calls.is_empty() {
            let made: Vec<ColId> = calls.iter().flat_map(|c| c.cols.clone()).collect();
            let waits = |c: &TableCall| c.args.iter().flat_map(columns_of).any(|col| made.contains(&col));
            let (later, ready): (Vec<_>, Vec<_>) = calls.into_iter().partition(waits);
            if ready.is_empty() {
                return Err(SqlError::internal("table functions that wait for each other"));
            }
            calls = later;
            rel = HirRel::Join {
                left: Box::new(rel),
                right: Box::new(self.side_by_side(ready)),
                kind: crate::hir::JoinKind::Inner,
                subqueries: Vec::new(),
                on: Vec::new(),
            };
        }
        Ok(rel)
    }

    fn side_by_side(&mut self, mut calls: Vec<TableCall>) -> HirRel {
        if calls.len() == 1 {
            let TableCall { func, args, cols } = calls.remove(0);
            return HirRel::CallTable { func, args, cols };
        }
        let cols: Vec<ColId> = calls.iter().flat_map(|c| c.cols.clone()).collect();
        cols.iter().for_each(|c| self.types[*c].nullable = true);
        let args = calls.iter().flat_map(|c| c.args.clone()).collect();
        let func = TableFunc::RowsFrom(calls.into_iter().map(|c| (c.func, c.args.len())).collect());
        HirRel::CallTable { func, args, cols }
    }

    /// Maps the outputs and what orders them; DISTINCT.
    fn finish_select(
        &mut self,
        rel: HirRel,
        names: Vec<ColumnName>,
        open: Vec<Option<Operand>>,
        exprs: Exprs<'_>,
        select: &Select,
        order_by: &[ast::OrderByExpr],
    ) -> Result<Body, SqlError> {
        let made: std::collections::BTreeSet<ColId> = rel.cols().into_iter().collect();
        let mut mapped: Vec<(ColId, ScalarExpr)> = Vec::new();
        let mut place = |planner: &mut Self, label: &str, expr: ScalarExpr| match expr {
            ScalarExpr::Column(id) if made.contains(&id) => id,
            expr => match mapped.iter().find(|(_, e)| *e == expr) {
                Some((id, _)) => *id,
                None => {
                    let id = planner.column_for(label, &expr);
                    mapped.push((id, expr));
                    id
                }
            },
        };
        let cols: Vec<ColId> = exprs.outputs.into_iter().zip(&names).map(|(e, n)| place(self, n, e)).collect();
        let mut order = Vec::new();
        for (item, expr) in order_by.iter().zip(exprs.order) {
            let (desc, nulls_first) = direction(&item.options)?;
            order.push(HirOrder { col: place(self, "?column?", expr), desc, nulls_first });
        }
        let on: Option<Vec<ColId>> =
            exprs.distinct_on.map(|on| on.into_iter().map(|e| place(self, "?column?", e)).collect());
        let rel = rel.map(mapped);
        let rel = match (&select.distinct, on) {
            (Some(Distinct::Distinct), _) => {
                if let Some(hidden) = order.iter().position(|o| !cols.contains(&o.col)) {
                    let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                    let error = SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message);
                    return Err(error.at(self.position(&order_by[hidden].expr)));
                }
                HirRel::Distinct { input: Box::new(rel.project(cols.clone())) }
            }
            (Some(Distinct::On(_)), Some(on)) => distinct_on(rel, on, &order)?,
            _ => rel,
        };
        Ok(Body { rel, output: Output { names, cols }, order, open })
    }

    /// Keeps the rows for which a condition is true.
    pub fn filter(&mut self, rel: HirRel, condition: &Expr, clause: &'static str) -> Result<HirRel, SqlError> {
        let predicate = self.in_clause(Clause::plain(clause), |p| p.predicate(condition, clause))?;
        let subqueries = std::mem::take(&mut self.frame()?.subqueries);
        Ok(filter_with(rel, subqueries, predicate))
    }

    /// The SELECT list with its stars spelled out.
    fn items<'a>(&mut self, projection: &'a [SelectItem]) -> Result<Vec<Item<'a>>, SqlError> {
        let mut items = Vec::new();
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => items.push(Item::Expr(column_name(expr), expr)),
                SelectItem::ExprWithAlias { expr, alias } => items.push(Item::Expr(fold(alias), expr)),
                SelectItem::Wildcard(options) => {
                    refuse_star_options(options)?;
                    let frame = self.frame()?;
                    if frame.scope.columns.is_empty() && frame.scope.tables.is_empty() {
                        let message = "SELECT * with no tables specified is not valid";
                        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
                    }
                    items.extend(frame.scope.star().map(|c| Item::Column(c.name.clone(), c.id)));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    refuse_star_options(options)?;
                    let columns = self.table_star(&name_parts(name)?)?;
                    items.extend(columns.into_iter().map(|(n, id)| Item::Column(n, id)));
                }
                other => return Err(SqlError::unsupported(format!("{other} in a SELECT list"))),
            }
        }
        Ok(items)
    }

    /// The columns of `table.*`.
    pub fn table_star(&self, qualifier: &[String]) -> Result<Vec<(String, ColId)>, SqlError> {
        for frame in self.frames.iter().rev().filter(|f| f.visible) {
            if let Some(table) = frame.scope.find_table(qualifier)? {
                return Ok(frame.scope.table_columns(table));
            }
        }
        Err(self.unknown_table(qualifier))
    }

    fn having(&mut self, select: &Select, exprs: &mut Exprs<'_>) -> Result<(), SqlError> {
        if let Some(condition) = &select.having {
            exprs.having = Some(self.in_clause(Clause::HAVING, |p| p.predicate(condition, "HAVING"))?);
            exprs.having_subqueries = std::mem::take(&mut self.frame()?.subqueries);
        }
        Ok(())
    }

    /// Plans the SELECT list; returns its untyped literals, which a set operation or INSERT around it may still type.
    fn outputs(
        &mut self,
        items: &[Item<'_>],
        targets: Option<&[Target]>,
        exprs: &mut Exprs<'_>,
    ) -> Result<Vec<Option<Operand>>, SqlError> {
        let mut open = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let operand = match item {
                Item::Column(_, id) => Operand::Typed(ScalarExpr::Column(*id)),
                Item::Expr(_, expr) => match exprs.key_texts.iter().find(|(text, _)| text == expr) {
                    Some((_, key)) => Operand::Typed(key.clone()),
                    None => self.in_clause(Clause::output("SELECT"), |p| p.operand(expr))?,
                },
            };
            open.push(Some(operand.clone()).filter(is_literal));
            let planned = match (operand, targets.and_then(|t| t.get(i))) {
                // A parameter takes the type of the column that it is assigned to.
                (operand @ Operand::Param(_), Some(target)) => self.assigned(operand, target),
                (operand, _) => self.settle(operand),
            };
            exprs.outputs.push(planned.map_err(|e| match item {
                Item::Expr(_, expr) => e.at(self.position(expr)),
                Item::Column(..) => e,
            })?);
        }
        Ok(open)
    }

    /// What ORDER BY and DISTINCT ON name: an output by position or name, else an expression over FROM.
    fn distinct_and_order(
        &mut self,
        select: &Select,
        items: &[Item<'_>],
        order_by: &[ast::OrderByExpr],
        exprs: &mut Exprs<'_>,
    ) -> Result<(), SqlError> {
        if let Some(Distinct::On(on)) = &select.distinct {
            let on = on.iter().map(|e| self.output_or_expr(e, items, exprs, "DISTINCT ON"));
            exprs.distinct_on = Some(on.collect::<Result<_, _>>()?);
        }
        for item in order_by {
            let expr = self.output_or_expr(&item.expr, items, exprs, "ORDER BY")?;
            exprs.order.push(expr);
        }
        Ok(())
    }

    fn output_or_expr(
        &mut self,
        expr: &Expr,
        items: &[Item<'_>],
        exprs: &Exprs<'_>,
        clause: &'static str,
    ) -> Result<ScalarExpr, SqlError> {
        let (position, outputs) = (self.position(expr), &exprs.outputs);
        if let Some(i) = ordinal(expr, outputs.len(), clause).map_err(|e| e.at(position))? {
            return Ok(outputs[i].clone());
        }
        let named = items.iter().map(Item::name).zip(outputs);
        if let Some(output) = output_named(named, expr, clause).map_err(|e| e.at(position))? {
            return Ok(output.clone());
        }
        // The same expression as an output is that output: a subquery in it is evaluated once.
        let same = items.iter().position(|i| matches!(i, Item::Expr(_, e) if *e == expr));
        let key = exprs.key_texts.iter().find(|(text, _)| *text == expr);
        match (same, key) {
            (Some(i), _) => Ok(outputs[i].clone()),
            (None, Some((_, key))) => Ok(key.clone()),
            (None, None) => self.in_clause(Clause::output(clause), |p| p.expr(expr)),
        }
    }

    /// Subqueries that the frame holds, for statements that plan expressions themselves.
    pub(super) fn take_subqueries(&mut self) -> Result<Vec<Subquery>, SqlError> {
        let frame: &mut Frame = self.frame()?;
        Ok(std::mem::take(&mut frame.subqueries))
    }
}

/// Filters by a predicate over subqueries: EXISTS and IN that stand alone in the conjunction become semijoins.
pub(super) fn filter_with(rel: HirRel, subqueries: Vec<Subquery>, predicate: ScalarExpr) -> HirRel {
    let mut conjuncts = Vec::new();
    flatten(predicate, &mut conjuncts);
    let mut semis = Vec::new();
    let mut applied = Vec::new();
    let nested: Vec<ColId> = subqueries.iter().flat_map(|s| s.free()).collect();
    for subquery in subqueries {
        let uses = conjuncts.iter().filter(|c| columns_of(c).contains(&subquery.id)).count();
        let at = conjuncts.iter().position(|c| polarity(c, subquery.id).is_some());
        let plain = subquery.when.is_none() && !matches!(subquery.kind, SubqueryKind::Scalar(_));
        match at {
            Some(at) if plain && uses == 1 && !nested.contains(&subquery.id) => {
                let negated = polarity(&conjuncts.remove(at), subquery.id) == Some(true);
                semis.push((subquery, negated));
            }
            _ => applied.push(subquery),
        }
    }
    // Plain conditions come first: they make the inputs of the semijoins small.
    let applied_ids: Vec<ColId> = applied.iter().map(|s| s.id).collect();
    let (late, early): (Vec<_>, Vec<_>) =
        conjuncts.into_iter().partition(|c| columns_of(c).iter().any(|id| applied_ids.contains(id)));
    let mut rel = rel.filter(early);
    // Semijoins whose own left sides use an applied column have to wait for it.
    let (waiting, ready): (Vec<_>, Vec<_>) =
        semis.into_iter().partition(|(s, _)| s.free().iter().any(|id| applied_ids.contains(id)));
    let semi = |rel, (subquery, negated)| HirRel::Semi { input: Box::new(rel), subquery, negated };
    rel = ready.into_iter().fold(rel, semi);
    rel = rel.apply(applied).filter(late);
    waiting.into_iter().fold(rel, semi)
}

fn flatten(predicate: ScalarExpr, out: &mut Vec<ScalarExpr>) {
    match predicate {
        ScalarExpr::And(parts) => parts.into_iter().for_each(|p| flatten(p, out)),
        other => out.push(other),
    }
}

/// Whether a conjunct is the column itself (`Some(false)`) or its negation (`Some(true)`).
fn polarity(conjunct: &ScalarExpr, id: ColId) -> Option<bool> {
    match conjunct {
        ScalarExpr::Column(c) if *c == id => Some(false),
        ScalarExpr::Call { func, args } if func.0.name == "not" => match &args[..] {
            [ScalarExpr::Column(c)] if *c == id => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// The first row of each group of equal `on` columns, in the query's order.
fn distinct_on(rel: HirRel, on: Vec<ColId>, order: &[HirOrder]) -> Result<HirRel, SqlError> {
    let leading = order.iter().take_while(|o| on.contains(&o.col)).count();
    if leading < order.len() && !on.iter().all(|c| order[..leading].iter().any(|o| o.col == *c)) {
        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
        return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message));
    }
    let limit = Some(constant(Datum::Int8(1), SqlType::Int8));
    Ok(HirRel::TopK { input: Box::new(rel), group: on, order: order[leading..].to_vec(), limit, offset: 0 })
}

/// The name for a column that an expression without alias gives.
pub(super) fn column_name(expr: &Expr) -> ColumnName {
    let known = |name: &str| name.to_string();
    match expr {
        Expr::Identifier(ident) => fold(ident),
        Expr::CompoundIdentifier(idents) => idents.last().map(fold).unwrap_or_default(),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => column_name(inner),
        Expr::Function(f) => f.name.0.last().and_then(|p| p.as_ident()).map(fold).unwrap_or_default(),
        Expr::Cast { expr, data_type, .. } => match column_name(expr) {
            name if name == "?column?" => type_column_name(data_type),
            name => name,
        },
        Expr::TypedString(typed) => type_column_name(&typed.data_type),
        Expr::Interval(_) => known("interval"),
        Expr::Case { else_result, .. } => match else_result.as_deref().map(column_name) {
            Some(name) if name != "?column?" => name,
            _ => known("case"),
        },
        Expr::Exists { .. } => known("exists"),
        Expr::Array(_) => known("array"),
        Expr::Tuple(_) => known("row"),
        Expr::Extract { .. } => known("extract"),
        Expr::Substring { .. } => known("substring"),
        Expr::Position { .. } => known("position"),
        Expr::Overlay { .. } => known("overlay"),
        Expr::Ceil { .. } => known("ceil"),
        Expr::Floor { .. } => known("floor"),
        Expr::AtTimeZone { .. } => known("timezone"),
        Expr::Trim { trim_where, .. } => known(match trim_where {
            Some(ast::TrimWhereField::Leading) => "ltrim",
            Some(ast::TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::Value(v) if matches!(v.value, ast::Value::Boolean(_)) => known("bool"),
        Expr::Subquery(query) => match &*query.body {
            ast::SetExpr::Select(select) => match select.projection.first() {
                Some(SelectItem::UnnamedExpr(expr)) => column_name(expr),
                Some(SelectItem::ExprWithAlias { alias, .. }) => fold(alias),
                _ => known("?column?"),
            },
            _ => known("?column?"),
        },
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
            Some(ast::AccessExpr::Dot(Expr::Identifier(field))) => fold(field),
            _ => column_name(root),
        },
        _ => known("?column?"),
    }
}

fn type_column_name(data_type: &ast::DataType) -> ColumnName {
    match (data_type, crate::types::builtin_type(data_type)) {
        (_, Some(ty)) => repr::pg::typname(&ty),
        (ast::DataType::Custom(name, _), None) => {
            name.0.last().and_then(ast::ObjectNamePart::as_ident).map_or("?column?".to_string(), fold)
        }
        _ => "?column?".to_string(),
    }
}

fn refuse_star_options(options: &ast::WildcardAdditionalOptions) -> Result<(), SqlError> {
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none();
    if plain { Ok(()) } else { Err(SqlError::unsupported("* with options")) }
}

fn refuse_clauses(select: &Select) -> Result<(), SqlError> {
    let foreign = !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty();
    let what = if select.into.is_some() {
        "SELECT INTO"
    } else if select.top.is_some() {
        "TOP"
    } else if foreign {
        "this clause of SELECT"
    } else {
        return Ok(());
    };
    Err(SqlError::unsupported(what))
}
