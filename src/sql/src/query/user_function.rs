//! Calls of functions that `CREATE FUNCTION` made: a call becomes the body, planned over the arguments, as in [`super::inline`].

use super::expr::is_null;
use super::planner::{Planner, fold};
use super::table_function::Rows;
use crate::catalog::{FunctionItem, FunctionResult, ItemDetails};
use crate::coerce::{Context, Operand, null};
use crate::hir::{ColId, HirRel, SubqueryKind};
use crate::scope::{Scope, ScopeTable};
use expr::ScalarExpr;
use repr::{SqlError, SqlState, SqlType};
use sqlparser::ast::{self, GroupByExpr, Query, SelectItem, SetExpr};
use std::sync::Arc;

impl Planner<'_, '_> {
    /// The function of a user that a name means, if it is none of the system's.
    pub(super) fn user_function(&mut self, name: &ast::ObjectName) -> Option<Arc<FunctionItem>> {
        let parts: Vec<String> = super::planner::name_parts(name).ok()?;
        if parts.len() == 1 && crate::routines::is_known(&parts[0]) {
            return None;
        }
        let item = self.qcx.catalog.resolve(&parts)?;
        let ItemDetails::Function(function) = &item.details else { return None };
        let (id, function) = (item.id, function.clone());
        self.depend_on(id);
        Some(function)
    }

    /// The value of a call.
    pub(super) fn user_value(&mut self, function: &FunctionItem, args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        let args = self.user_arguments(function, args)?;
        let FunctionResult::Value(ty) = &function.result else {
            return Err(SqlError::unsupported(format!("the function {} outside of FROM", function.name)));
        };
        let missing = match function.strict {
            true => args.iter().cloned().map(is_null).collect::<Result<Vec<_>, _>>()?,
            false => Vec::new(),
        };
        let ids = self.inline_columns(&args);
        let value = match bare_expression(&function.body) {
            Some(expr) => self.bare_value(function, expr, ty, &ids, &args)?,
            None => self.first_row(function, ty, ids, args)?,
        };
        Ok(match missing.is_empty() {
            true => value,
            false => ScalarExpr::Or(missing).if_then_else(null(ty), value),
        })
    }

    /// A body that is an expression takes the place of the call, unless it has subqueries.
    fn bare_value(
        &mut self,
        function: &FunctionItem,
        expr: &ast::Expr,
        ty: &SqlType,
        ids: &[ColId],
        args: &[ScalarExpr],
    ) -> Result<ScalarExpr, SqlError> {
        let scope = self.argument_scope(function, ids);
        let (value, subqueries) = self.in_body(ids, scope, |p| {
            let operand = p.operand(expr)?;
            let value = p.coerce(operand, ty, Context::Assignment)?;
            Ok((value, std::mem::take(&mut p.frame()?.subqueries)))
        })?;
        if subqueries.is_empty() {
            return Ok(super::inline::substituted(value, ids, args));
        }
        self.check_subqueries_allowed()?;
        let rel = HirRel::Values { cols: ids.to_vec(), rows: vec![args.to_vec()] };
        let id = self.column_for(&function.name, &value);
        let rel = rel.apply(subqueries).map(vec![(id, value)]).project(vec![id]);
        let typ = self.types[id].clone();
        self.add_subquery(SubqueryKind::Scalar(id), rel, typ)
    }

    /// The first row of a body, or NULL.
    fn first_row(
        &mut self,
        function: &FunctionItem,
        ty: &SqlType,
        ids: Vec<ColId>,
        args: Vec<ScalarExpr>,
    ) -> Result<ScalarExpr, SqlError> {
        self.check_subqueries_allowed()?;
        let scope = self.argument_scope(function, &ids);
        let (rel, output) = self.in_body(&ids, scope, |p| {
            let mut ordered = p.query(&function.body)?;
            ordered.limit = Some(ordered.limit.map_or(1, |limit| limit.min(1)));
            Ok(ordered.into_relation())
        })?;
        let [col] = output.cols[..] else { return Err(self.mismatch(function, ty)) };
        let value = self.cast(ScalarExpr::Column(col), ty, Context::Assignment)?;
        let id = self.column(&function.name, ty.clone().nullable(true));
        let values = HirRel::Values { cols: ids, rows: vec![args] };
        let rel = values.product(rel).map(vec![(id, value)]).project(vec![id]);
        self.add_subquery(SubqueryKind::Scalar(id), rel, ty.clone().nullable(true))
    }

    /// The rows of a call in FROM.
    pub(super) fn user_rows(&mut self, function: &FunctionItem, args: Vec<Operand>) -> Result<Rows, SqlError> {
        let args = self.user_arguments(function, args)?;
        let columns: Vec<(String, SqlType)> = match &function.result {
            FunctionResult::Value(ty) | FunctionResult::SetOf(ty) => vec![(function.name.clone(), ty.clone())],
            FunctionResult::Table(columns) => columns.clone(),
        };
        let ids = self.inline_columns(&args);
        let scope = self.argument_scope(function, &ids);
        let first_only = matches!(function.result, FunctionResult::Value(_));
        let (rel, output) = self.in_body(&ids, scope, |p| {
            let mut ordered = p.query(&function.body)?;
            if first_only {
                ordered.limit = Some(ordered.limit.map_or(1, |limit| limit.min(1)));
            }
            Ok(ordered.into_relation())
        })?;
        if output.cols.len() != columns.len() {
            return Err(self.mismatch(function, &columns[0].1));
        }
        let (mut values, mut named) = (Vec::new(), Vec::new());
        for (col, (name, ty)) in output.cols.into_iter().zip(columns) {
            let id = self.column(&name, ty.clone().nullable(true));
            values.push((id, self.cast(ScalarExpr::Column(col), &ty, Context::Assignment)?));
            named.push((name, id));
        }
        let rows = HirRel::Values { cols: ids, rows: vec![args.clone()] }.product(rel).map(values);
        let rows = match function.strict {
            true => {
                let present = args.iter().map(|arg| super::expr::not(is_null(arg.clone())?));
                HirRel::Filter { input: Box::new(rows), predicates: present.collect::<Result<_, _>>()? }
            }
            false => rows,
        };
        let cols = named.iter().map(|(_, id)| *id).collect();
        Ok((rows.project(cols), named))
    }

    /// The arguments of a call, converted; defaults stand for those left out at the end.
    fn user_arguments(&mut self, function: &FunctionItem, mut args: Vec<Operand>) -> Result<Vec<ScalarExpr>, SqlError> {
        let types = self.operand_types(&args);
        let unfit = || super::function::no_function(&function.name, &types);
        if args.len() > function.args.len() {
            return Err(unfit());
        }
        for argument in &function.args[args.len()..] {
            let default = argument.default.as_ref().ok_or_else(unfit)?;
            args.push(self.operand(default)?);
        }
        let pairs = args.into_iter().zip(&function.args);
        let mut converted = Vec::new();
        for (arg, argument) in pairs {
            let value = self.coerce(arg, &argument.ty, Context::Implicit).map_err(|error| match error.code {
                SqlState::DATATYPE_MISMATCH => unfit(),
                _ => error,
            })?;
            converted.push(value);
        }
        Ok(converted)
    }

    /// The arguments by their names, which the body's own columns hide.
    fn argument_scope(&self, function: &FunctionItem, ids: &[ColId]) -> Scope {
        let named = function.args.iter().zip(ids);
        let named = named.filter_map(|(argument, id)| Some((argument.name.clone()?, *id)));
        let columns: Vec<(String, ColId)> = named.collect();
        let name = function.name.clone();
        Scope::table(
            ScopeTable { name, schema: Vec::new(), hidden: None, oid: None, present: None, key: Vec::new() },
            columns,
        )
    }

    fn mismatch(&self, function: &FunctionItem, ty: &SqlType) -> SqlError {
        let message = format!("return type mismatch in function declared to return {ty}");
        let detail = format!("The query of {} returns another number of columns.", function.name);
        SqlError::new(SqlState::INVALID_FUNCTION_DEFINITION, message).detail(detail)
    }
}

/// The expression of a body that is `SELECT expression` and nothing else.
fn bare_expression(body: &Query) -> Option<&ast::Expr> {
    let SetExpr::Select(select) = &*body.body else { return None };
    let plain = body.with.is_none() && body.order_by.is_none() && body.limit_clause.is_none() && body.fetch.is_none();
    let bare = select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.distinct.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    match &select.projection[..] {
        [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] if plain && bare => {
            (!contains_aggregate(expr)).then_some(expr)
        }
        _ => None,
    }
}

/// Whether an expression has a call that needs a query around it.
fn contains_aggregate(expr: &ast::Expr) -> bool {
    let mut found = false;
    let _ = ast::visit_expressions(expr, |node| {
        if let ast::Expr::Function(call) = node {
            let last = call.name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
            let unfolds = expr::TableFunc::exists(&last) || expr::window::table::exists(&last);
            found |= call.over.is_some() || unfolds || expr::aggregate::table::exists(&last);
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    found
}
