//! Functions in FROM: one or several side by side (`ROWS FROM`, `unnest` of several arrays), numbered by `WITH ORDINALITY`.

use super::from::{Planned, scope_for};
use super::planner::{Clause, Planner, fold};
use crate::hir::{ColId, HirRel};
use crate::parser::respell::ROWS_FROM;
use expr::{ScalarExpr, TableFunc};
use repr::{SqlError, SqlState};
use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

/// A function as it is called in FROM.
struct Called<'a> {
    name: String,
    args: Vec<&'a Expr>,
}

/// A function and its arguments; whether its column goes by the name of the alias.
struct Resolved {
    name: String,
    func: TableFunc,
    args: Vec<ScalarExpr>,
}

/// A relation and its columns by name.
pub(super) type Rows = (HirRel, Vec<(String, ColId)>);

impl Planner<'_, '_> {
    /// `f(…) [WITH ORDINALITY] [AS alias (columns)]`
    pub(super) fn table_function(
        &mut self,
        name: &ast::ObjectName,
        args: &[FunctionArg],
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
    ) -> Result<Planned, SqlError> {
        let position = name.0.first().and_then(|p| p.as_ident()).and_then(|i| self.span_position(i.span));
        let user = self.user_function(name);
        let called = match &user {
            Some(user) => vec![Called { name: user.name.clone(), args: plain_arguments(args)? }],
            None => called_functions(name, args).map_err(|e| e.at(position))?,
        };
        let outer = std::mem::take(&mut self.frame()?.subqueries);
        let planned = self.in_clause(Clause::plain("functions in FROM"), |p| {
            let rows = match &user {
                Some(user) => {
                    let operands = called[0].args.iter().map(|e| p.operand(e)).collect::<Result<Vec<_>, _>>()?;
                    Some(p.user_rows(user, operands)?)
                }
                None => p.rows_of_one(&called, alias)?,
            };
            match rows {
                Some(_) if ordinality => Err(SqlError::unsupported("WITH ORDINALITY of this function")),
                Some(rows) => Ok(rows),
                None => p.resolved(&called).map(|resolved| p.function_rows(resolved, alias, ordinality)),
            }
        });
        let subqueries = std::mem::replace(&mut self.frame()?.subqueries, outer);
        let (rel, columns) = planned.map_err(|e| e.at(position))?;
        let first = called.first().map(|c| c.name.clone()).unwrap_or_default();
        let cols = columns.iter().map(|(_, id)| *id).collect();
        let rel = HirRel::unit().apply(subqueries).product(rel).project(cols);
        Ok((rel, scope_for(columns, alias, &first, Vec::new())?))
    }

    /// The rows of a function whose body is a query, or that reads JSON as rows, if it is called alone.
    fn rows_of_one(
        &mut self,
        called: &[Called<'_>],
        alias: Option<&ast::TableAlias>,
    ) -> Result<Option<Rows>, SqlError> {
        let [Called { name, args }] = called else { return Ok(None) };
        let reads_json = super::record_function::is_one(name);
        if !reads_json && !super::inline::gives_rows(name) {
            return Ok(None);
        }
        let operands = args.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
        if reads_json {
            return self.record_rows(name, &operands, alias);
        }
        self.inline_table_function(name, &operands)
    }

    fn resolved(&mut self, called: &[Called<'_>]) -> Result<Vec<Resolved>, SqlError> {
        let mut all = Vec::new();
        for Called { name, args } in called {
            let operands = args.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
            let (func, args) = match self.resolve_table_function(name, &operands)? {
                Some(resolved) => resolved,
                None => {
                    let value = self.any_function(name, operands)?;
                    (TableFunc::Value(self.typ(&value)), vec![value])
                }
            };
            all.push(Resolved { name: name.clone(), func, args });
        }
        Ok(all)
    }

    fn function_rows(
        &mut self,
        mut resolved: Vec<Resolved>,
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
    ) -> Rows {
        let mut names: Vec<String> = Vec::new();
        let alone = resolved.len() == 1;
        for Resolved { name, func, .. } in &resolved {
            let columns = func.columns();
            match (&columns[..], alias) {
                ([(own, _)], _) if func.names_its_column() => names.push(own.clone()),
                // A function of one column names it after itself or its alias.
                ([_], Some(alias)) if alone => names.push(fold(&alias.name)),
                ([_], _) => names.push(name.clone()),
                _ => names.extend(columns.into_iter().map(|(name, _)| name)),
            }
        }
        let args: Vec<ScalarExpr> = resolved.iter().flat_map(|r| r.args.iter().cloned()).collect();
        let mut func = match alone {
            true => resolved.remove(0).func,
            false => TableFunc::RowsFrom(resolved.into_iter().map(|r| (r.func, r.args.len())).collect()),
        };
        if ordinality {
            func = TableFunc::WithOrdinality(Box::new(func));
            names.push("ordinality".to_string());
        }
        let types = func.columns().into_iter().map(|(_, typ)| typ);
        let columns: Vec<(String, ColId)> =
            names.into_iter().zip(types).map(|(n, t)| (n.clone(), self.column(&n, t))).collect();
        let cols = columns.iter().map(|(_, id)| *id).collect();
        // A single value is no table function: nothing has to be unfolded.
        let rel = match (&func, &columns[..], &args[..]) {
            (TableFunc::Value(_), [(_, id)], [value]) => HirRel::unit().map(vec![(*id, value.clone())]),
            _ => HirRel::CallTable { func, args, cols },
        };
        (rel, columns)
    }
}

fn called_functions<'a>(name: &ast::ObjectName, args: &'a [FunctionArg]) -> Result<Vec<Called<'a>>, SqlError> {
    let called = super::function::function_name(name)?;
    let args = plain_arguments(args)?;
    if called == ROWS_FROM {
        return args.into_iter().map(called_function).collect();
    }
    // PostgreSQL spells `unnest(a, b)` out in the same way.
    if called == "unnest" && args.len() > 1 {
        return Ok(args.into_iter().map(|arg| Called { name: called.clone(), args: vec![arg] }).collect());
    }
    Ok(vec![Called { name: called, args }])
}

fn called_function(expr: &Expr) -> Result<Called<'_>, SqlError> {
    let Expr::Function(function) = expr else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{expr}\"")));
    };
    let args = match &function.args {
        FunctionArguments::None => Vec::new(),
        FunctionArguments::List(list) => plain_arguments(&list.args)?,
        FunctionArguments::Subquery(_) => return Err(argument_error()),
    };
    Ok(Called { name: super::function::function_name(&function.name)?, args })
}

fn plain_arguments(args: &[FunctionArg]) -> Result<Vec<&Expr>, SqlError> {
    let expr = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Ok(expr),
        _ => Err(argument_error()),
    };
    args.iter().map(expr).collect()
}

fn argument_error() -> SqlError {
    SqlError::new(SqlState::SYNTAX_ERROR, "syntax error in the arguments of a function")
}
