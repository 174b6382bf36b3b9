//! Aggregate calls and table functions in expressions: both become columns that an operator below the expression computes.

use super::function::Arguments;
use super::planner::{Clause, Planner, TableCall};
use crate::coerce::{Context, Operand};
use crate::hir::{ColId, Subquery, columns_of};
use expr::aggregate::RegressionFunc;
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, ScalarExpr, TableFunc};
use repr::{ColumnType, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments};
use std::collections::BTreeSet;

/// What is an aggregate, whatever its arguments.
const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "bool_and",
    "bool_or",
    "every",
    "string_agg",
    "array_agg",
    "jsonb_agg",
    "json_agg",
    "jsonb_object_agg",
    "json_object_agg",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "variance",
    "var_samp",
    "var_pop",
    "any_value",
    "bit_and",
    "bit_or",
    "bit_xor",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
];

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

/// Whether a function of this name is an aggregate.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
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
        self.frames[level].aggregate_subqueries.extend(inner);
        let typ = self.aggregate_type(&aggregate);
        if let Some((id, _)) = self.frames[level].aggregates.iter().find(|(_, a)| *a == aggregate) {
            return Ok(ScalarExpr::Column(*id));
        }
        let id = self.column(name, typ);
        self.frames[level].aggregates.push((id, aggregate));
        Ok(ScalarExpr::Column(id))
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
        let (order, order_exprs, distinct) = self.aggregate_modifiers(function, &args)?;
        Ok(AggregateExpr { func, args, filter, distinct, order, order_exprs })
    }

    fn resolve_aggregate(
        &mut self,
        name: &str,
        operands: Vec<Operand>,
    ) -> Result<(AggregateFunc, Vec<ScalarExpr>), SqlError> {
        let types = self.operand_types(&operands);
        if name == "count" {
            let args = operands.into_iter().map(|o| self.settle(o)).collect::<Result<Vec<_>, _>>()?;
            return match args.len() {
                0 | 1 => Ok((AggregateFunc::Count, args)),
                _ => Err(super::function::no_function(name, &types)),
            };
        }
        // JSON aggregates take any value and convert it.
        let operands = match name {
            "jsonb_agg" | "json_agg" | "jsonb_object_agg" | "json_object_agg" => self.json_arguments(operands)?,
            _ => operands,
        };
        let known: Vec<SqlType> =
            self.operand_types(&operands).into_iter().map(|t| t.unwrap_or(SqlType::Text)).collect();
        let name = name.strip_prefix("json_").map_or(name.to_string(), |rest| format!("jsonb_{rest}"));
        let Some((func, targets)) = AggregateFunc::resolve(&name, &known) else {
            return Err(super::function::no_function(&name, &types));
        };
        let pairs = operands.into_iter().zip(targets);
        let args = pairs.map(|(o, ty)| self.coerce(o, &ty, Context::Implicit)).collect::<Result<_, _>>()?;
        Ok((func, args))
    }

    /// The last argument as jsonb, a key before it as text.
    fn json_arguments(&mut self, mut operands: Vec<Operand>) -> Result<Vec<Operand>, SqlError> {
        if let Some(value) = operands.pop() {
            let value = match self.operand_type(&value) {
                Some(SqlType::Jsonb) => value,
                _ => {
                    let value = self.settle(value)?;
                    Operand::Typed(self.function_call("to_jsonb", vec![Operand::Typed(value)])?)
                }
            };
            if let Some(key) = operands.pop() {
                operands.push(Operand::Typed(self.coerce(key, &SqlType::Text, Context::Explicit)?));
            }
            operands.push(value);
        }
        Ok(operands)
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
        let mut args = args.to_vec();
        for arg in &mut args {
            // An array of untyped elements has the type that it has by itself.
            if matches!(arg, Operand::Array(_)) {
                let open = std::mem::replace(arg, Operand::Null);
                *arg = Operand::Typed(self.settle(open)?);
            }
        }
        let types = self.operand_types(&args);
        let Some((func, targets)) = TableFunc::resolve(name, &types) else {
            return Err(super::function::no_function(name, &types));
        };
        let pairs = args.into_iter().zip(targets);
        let mut args = pairs.map(|(o, ty)| self.coerce(o, &ty, Context::Implicit)).collect::<Result<Vec<_>, _>>()?;
        if let (TableFunc::GenerateSeries(ty), 2) = (&func, args.len()) {
            let one = ScalarExpr::Literal(Ok(repr::Row::pack([repr::Datum::Int4(1)])), SqlType::Int4.nullable(false));
            args.push(self.cast(one, &ty.clone(), Context::Implicit)?);
        }
        Ok(Some((func, args)))
    }
}
