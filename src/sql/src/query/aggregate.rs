//! Aggregate calls and table functions in expressions: both become columns that an operator below the expression computes.

use super::function::Arguments;
use super::planner::{Clause, Planner, TableCall};
use crate::coerce::{Context, Operand};
use crate::hir::{ColId, Subquery, columns_of};
use expr::aggregate::RegressionFunc;
use expr::aggregate::table::candidates;
use expr::table_func::table::candidates as table_functions;
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, ScalarExpr, TableFunc};
use repr::{ColumnType, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments};
use std::collections::BTreeSet;

fn not_allowed(clause: &str) -> SqlError {
    let message = match clause {
        "aggregate function calls" => "aggregate function calls cannot be nested".to_string(),
        name => format!("aggregate functions are not allowed in {name}"),
    };
    SqlError::new(SqlState::GROUPING_ERROR, message)
}

fn is_distinct(function: &ast::Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct)
}

fn is_written(arg: &FunctionArg, expr: &ast::Expr) -> bool {
    matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) if arg == expr)
}

impl Planner<'_, '_> {
    /// An aggregate call: a column of the group.
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        function: &ast::Function,
        arguments: &Arguments<'_>,
    ) -> Result<ScalarExpr, SqlError> {
        self.add_aggregate(name, |p| p.aggregate_expr(name, function, arguments))
    }

    /// Plans an aggregate call's parts where aggregates may not appear, and makes it a column of the group.
    pub(super) fn add_aggregate(
        &mut self,
        name: &str,
        plan: impl FnOnce(&mut Self) -> Result<AggregateExpr, SqlError>,
    ) -> Result<ScalarExpr, SqlError> {
        let outer_subqueries = std::mem::take(&mut self.frame()?.subqueries);
        let outer_guards = std::mem::take(&mut self.frame()?.guards);
        let planned = self.in_clause(Clause::AGGREGATE, plan);
        let inner = std::mem::replace(&mut self.frame()?.subqueries, outer_subqueries);
        self.frame()?.guards = outer_guards;
        let aggregate = planned?;
        let level = self.aggregate_level(&aggregate, &inner)?;
        self.move_direct_arguments(&aggregate, level)?;
        self.frames[level].aggregate_subqueries.extend(inner);
        let typ = self.aggregate_type(&aggregate);
        if let Some((id, _)) = self.frames[level].aggregates.iter().find(|(_, a)| *a == aggregate) {
            return Ok(ScalarExpr::Column(*id));
        }
        let id = self.column(name, typ);
        self.frames[level].aggregates.push((id, aggregate));
        Ok(ScalarExpr::Column(id))
    }

    /// Puts an aggregate's direct arguments where the aggregate belongs.
    fn move_direct_arguments(&mut self, aggregate: &AggregateExpr, level: usize) -> Result<(), SqlError> {
        let here = self.frames.len() - 1;
        if level == here {
            return Ok(());
        }
        let parts = aggregate.args.iter().chain(&aggregate.filter).chain(&aggregate.order_exprs);
        let used: BTreeSet<ColId> = parts.flat_map(columns_of).collect();
        let all = std::mem::take(&mut self.frame()?.direct_arguments);
        let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(id, _)| used.contains(id));
        self.frame()?.direct_arguments = others;
        if own.iter().any(|(_, argument)| self.level_of(std::iter::once(argument), &[]) > level) {
            let message = "outer-level aggregate cannot contain a lower-level variable in its direct arguments";
            return Err(SqlError::new(SqlState::GROUPING_ERROR, message));
        }
        self.frames[level].direct_arguments.extend(own);
        Ok(())
    }

    /// The query level an aggregate belongs to: the innermost whose columns it uses; this one if it uses none.
    fn aggregate_level(&self, aggregate: &AggregateExpr, subqueries: &[Subquery]) -> Result<usize, SqlError> {
        let parts = aggregate.args.iter().chain(&aggregate.filter).chain(&aggregate.order_exprs);
        let level = self.level_of(parts, subqueries);
        let clause = self.frames[level].clause;
        if clause.aggregates { Ok(level) } else { Err(not_allowed(clause.name)) }
    }

    /// The innermost query level whose columns some of these expressions use, the subqueries in them included; the present one if they use
    /// none.
    pub(super) fn level_of<'e>(&self, exprs: impl Iterator<Item = &'e ScalarExpr>, subqueries: &[Subquery]) -> usize {
        let mut used: BTreeSet<ColId> = exprs.flat_map(columns_of).collect();
        for subquery in subqueries.iter().rev() {
            if used.contains(&subquery.id) {
                used.extend(subquery.free());
            }
        }
        let here = self.frames.len() - 1;
        let belongs = |level: &usize| self.frames[*level].scope.columns.iter().any(|c| used.contains(&c.id));
        (0..=here).rev().find(belongs).unwrap_or(here)
    }

    fn aggregate_type(&self, aggregate: &AggregateExpr) -> ColumnType {
        let typ = aggregate.typ(&self.types);
        // One row over no rows: all but count are NULL there.
        let counts = [AggregateFunc::Count, AggregateFunc::Regression(RegressionFunc::Count)];
        let nullable = !counts.contains(&aggregate.func);
        ColumnType { nullable, ..typ }
    }

    pub(super) fn aggregate_expr(
        &mut self,
        name: &str,
        function: &ast::Function,
        arguments: &Arguments<'_>,
    ) -> Result<AggregateExpr, SqlError> {
        let operands = match arguments {
            Arguments::Star if is_distinct(function) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"*\""));
            }
            Arguments::Star if name == "count" => Vec::new(),
            Arguments::Star => {
                let types: [Option<SqlType>; 0] = [];
                return Err(super::function::no_function(name, &types));
            }
            Arguments::List(exprs) if name == "count" && exprs.is_empty() => {
                let message = "count(*) must be used to call a parameterless aggregate function";
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            Arguments::List(exprs) => exprs.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?,
            Arguments::Row(table) => vec![Operand::Typed(self.whole_row(table)?)],
        };
        let (func, args) = self.resolve_aggregate(name, operands)?;
        let filter = function.filter.as_ref();
        let filter =
            filter.map(|f| self.in_clause(Clause::plain("FILTER"), |p| p.predicate(f, "FILTER"))).transpose()?;
        // What becomes JSON is sorted as it is written: JSON has an order of its own, or none.
        let converted = matches!(
            func,
            AggregateFunc::JsonbAgg
                | AggregateFunc::JsonbObjectAgg
                | AggregateFunc::JsonAgg(_)
                | AggregateFunc::JsonObjectAgg
        );
        let written: &[ScalarExpr] = if converted && !is_distinct(function) { &[] } else { &args };
        let (order, order_exprs, distinct) = self.aggregate_modifiers(function, written)?;
        Ok(AggregateExpr { func, args, filter, distinct, order, order_exprs })
    }

    fn resolve_aggregate(
        &mut self,
        name: &str,
        operands: Vec<Operand>,
    ) -> Result<(AggregateFunc, Vec<ScalarExpr>), SqlError> {
        let (def, mut args) = self.chosen(name, &candidates(name), operands)?;
        let types: Vec<SqlType> = args.iter().map(|arg| self.typ(arg).ty).collect();
        let func = (def.make)(&types);
        if let Some(ty) = &def.over {
            args = args.into_iter().map(|arg| self.cast(arg, ty, Context::Implicit)).collect::<Result<_, _>>()?;
        }
        match func {
            AggregateFunc::JsonbAgg | AggregateFunc::JsonbObjectAgg => args = self.json_arguments(args, "to_jsonb")?,
            AggregateFunc::JsonAgg(_) | AggregateFunc::JsonObjectAgg => args = self.json_arguments(args, "to_json")?,
            _ => {}
        }
        Ok((func, args))
    }

    /// The last argument as JSON, a key before it as text.
    fn json_arguments(&mut self, mut args: Vec<ScalarExpr>, convert: &str) -> Result<Vec<ScalarExpr>, SqlError> {
        if let Some(value) = args.pop() {
            let value = self.any_function(convert, vec![Operand::Typed(value)])?;
            if let Some(key) = args.pop() {
                args.push(self.cast(key, &SqlType::Text, Context::Explicit)?);
            }
            args.push(value);
        }
        Ok(args)
    }

    fn aggregate_modifiers(
        &mut self,
        function: &ast::Function,
        args: &[ScalarExpr],
    ) -> Result<(Vec<ColumnOrder>, Vec<ScalarExpr>, bool), SqlError> {
        let FunctionArguments::List(list) = &function.args else { return Ok((Vec::new(), Vec::new(), false)) };
        let distinct = is_distinct(function);
        let (mut order, mut exprs) = (Vec::new(), Vec::new());
        for clause in &list.clauses {
            let FunctionArgumentClause::OrderBy(by) = clause else {
                return Err(SqlError::unsupported(format!("{clause} in an aggregate")));
            };
            for item in by {
                let (desc, nulls_first) = super::order::direction(&item.options)?;
                order.push(ColumnOrder { column: exprs.len(), desc, nulls_first });
                // What is written like an argument is that argument, with the conversion that the aggregate asked for.
                let written = list.args.iter().position(|arg| is_written(arg, &item.expr));
                exprs.push(match written.and_then(|at| args.get(at)) {
                    Some(arg) => arg.clone(),
                    None => self.expr(&item.expr)?,
                });
            }
        }
        if distinct && exprs.iter().any(|e| !args.contains(e)) {
            let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
            return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message));
        }
        Ok((order, exprs, distinct))
    }

    /// A table function in the SELECT list: a column of a lateral join that multiplies rows.
    pub fn table_function_in_expression(
        &mut self,
        name: &str,
        args: &[Operand],
    ) -> Result<Option<ScalarExpr>, SqlError> {
        let Some((func, args)) = self.resolve_table_function(name, args)? else { return Ok(None) };
        let clause = self.frame()?.clause;
        if !clause.table_functions {
            let message = match clause.name {
                "window function calls" => {
                    "window function calls cannot contain set-returning function calls".to_string()
                }
                name => format!("set-returning functions are not allowed in {name}"),
            };
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let cols: Vec<_> = func.columns().into_iter().map(|(n, t)| self.column(&n, t)).collect();
        self.frame()?.table_calls.push(TableCall { func: func.clone(), args, cols: cols.clone() });
        match cols[..] {
            [col] => Ok(Some(ScalarExpr::Column(col))),
            _ => {
                let names = func.columns().into_iter().map(|(name, _)| name);
                self.named_record(&names.zip(cols).collect::<Vec<_>>()).map(Some)
            }
        }
    }

    /// The table function of this name for these arguments, with the arguments converted; none if the name is no table function.
    pub fn resolve_table_function(
        &mut self,
        name: &str,
        args: &[Operand],
    ) -> Result<Option<(TableFunc, Vec<ScalarExpr>)>, SqlError> {
        if !TableFunc::exists(name) {
            return Ok(None);
        }
        let (def, mut args) = self.chosen(name, &table_functions(name), args.to_vec())?;
        let types: Vec<SqlType> = args.iter().map(|arg| self.typ(arg).ty.without_modifier()).collect();
        let fixed: Vec<_> = args.iter().map(|arg| super::fixed_value(arg).ok()).collect();
        let constants: Vec<_> = fixed.iter().map(|row| row.as_ref().and_then(|row| row.iter().next())).collect();
        let func = (def.make)(&types, &constants)?;
        if let (TableFunc::GenerateSeries(ty), 2) = (&func, args.len()) {
            let one = ScalarExpr::Literal(Ok(repr::Row::pack([repr::Datum::Int4(1)])), SqlType::Int4.nullable(false));
            args.push(self.cast(one, &ty.clone(), Context::Implicit)?);
        }
        Ok(Some((func, args)))
    }
}
