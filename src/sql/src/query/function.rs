//! Calls: operators and functions of the table, and the functions that are planned rather than looked up.

use super::expr::call;
use super::planner::{Planner, fold, name_parts};
use crate::coerce::{Category, Context, Operand, can_coerce, category, null, type_name};
use crate::overload::{Choice, NoChoice, choose};
use expr::func::candidates;
use expr::{Func, ScalarExpr, Unmaterializable};
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

/// Schemas whose functions may be called with their name.
const SCHEMAS: &[&str] = &["pg_catalog", "mz_catalog", "mz_internal", "mz_unsafe"];

/// A call's arguments.
pub(super) enum Arguments<'a> {
    /// `f(*)`
    Star,
    /// `f(a, b)`
    List(Vec<&'a ast::Expr>),
    /// `f(t.*)`: a whole row.
    Row(&'a ast::ObjectName),
}

impl Planner<'_, '_> {
    /// `left op right`, `op right`
    pub fn operator(&mut self, op: &str, args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        let types = self.operand_types(&args);
        match choose(&candidates(op), &types, true) {
            Ok(choice) => self.apply(choice, args),
            Err(why) => Err(no_operator(op, &types, why)),
        }
    }

    /// `name(args)` of the function table.
    pub fn function_call(&mut self, name: &str, args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        let types = self.operand_types(&args);
        let candidates: Vec<Func> = candidates(name);
        match choose(&candidates, &types, false) {
            Ok(choice) => self.apply(choice, args),
            Err(NoChoice::None) => match (SqlType::from_name(name), &args[..]) {
                // A type's name with one argument is a cast.
                (Some(ty), [operand]) if self.casts_to(operand, &ty) => {
                    self.coerce(operand.clone(), &ty, Context::Explicit)
                }
                _ => Err(no_function(name, &types)),
            },
            Err(NoChoice::Many) => {
                let message = format!("function {name}({}) is not unique", type_list(&types));
                let hint = "Could not choose a best candidate function. You might need to add explicit type casts.";
                Err(SqlError::new(SqlState::AMBIGUOUS_FUNCTION, message).hint(hint))
            }
        }
    }

    fn casts_to(&self, operand: &Operand, ty: &SqlType) -> bool {
        let from = self.operand_type(operand);
        from.is_none_or(|from| {
            let text = category(&from) == Category::String;
            can_coerce(&from, ty, if text { Context::Assignment } else { Context::Explicit })
        })
    }

    fn apply(&mut self, choice: Choice, args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        let pairs = args.into_iter().zip(choice.targets);
        let args = pairs.map(|(arg, target)| match target {
            Some(ty) => self.coerce(arg, &ty, Context::Implicit),
            None => self.settle(arg),
        });
        Ok(ScalarExpr::Call { func: choice.func, args: args.collect::<Result<_, _>>()? })
    }

    /// A function call of the grammar.
    pub fn function(&mut self, function: &ast::Function) -> Result<Operand, SqlError> {
        let name = function_name(&function.name)?;
        let position = function.name.0.first().and_then(|p| p.as_ident()).and_then(|i| self.span_position(i.span));
        self.named_function(&name, function).map_err(|e| e.at(position))
    }

    fn named_function(&mut self, name: &str, function: &ast::Function) -> Result<Operand, SqlError> {
        if function.over.is_some() {
            return Err(SqlError::unsupported("a window function"));
        }
        if let FunctionArguments::Subquery(query) = &function.args {
            return match name {
                "array" => self.array_subquery(query).map(Operand::Typed),
                _ => self.subquery_argument(name, query).map(Operand::Typed),
            };
        }
        let arguments = arguments(&function.args)?;
        if super::aggregate::is_aggregate(name) {
            return self.aggregate(name, function, &arguments).map(Operand::Typed);
        }
        refuse_aggregate_syntax(name, function)?;
        let operands = match &arguments {
            Arguments::Star => {
                let message = format!("{name}(*) specified, but {name} is not an aggregate function");
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            Arguments::List(exprs) if name == "coalesce" => return self.coalesce(exprs).map(Operand::Typed),
            Arguments::List(exprs) => exprs.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?,
            Arguments::Row(table) => vec![Operand::Typed(self.whole_row(table)?)],
        };
        if name == "row" {
            return Ok(Operand::Row(operands));
        }
        if let Some(planned) = self.planned_function(name, &operands)? {
            return Ok(Operand::Typed(planned));
        }
        if let Some(column) = self.table_function_in_expression(name, &operands)? {
            return Ok(Operand::Typed(column));
        }
        if let Some(value) = self.inline_function(name, &operands)? {
            return Ok(Operand::Typed(value));
        }
        self.function_call(name, operands).map(Operand::Typed)
    }

    /// A function that is no aggregate and no table function, on planned arguments.
    pub(super) fn any_function(&mut self, name: &str, args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        match self.planned_function(name, &args)? {
            Some(value) => Ok(value),
            None => match self.inline_function(name, &args)? {
                Some(value) => Ok(value),
                None => self.function_call(name, args),
            },
        }
    }

    fn subquery_argument(&mut self, name: &str, query: &ast::Query) -> Result<ScalarExpr, SqlError> {
        let value = self.scalar_subquery(query)?;
        self.function_call(name, vec![Operand::Typed(value)])
    }

    /// The row of a table, for `f(t.*)`.
    pub(super) fn whole_row(&mut self, table: &ast::ObjectName) -> Result<ScalarExpr, SqlError> {
        let columns = self.table_star(&name_parts(table)?)?;
        self.record(columns.into_iter().map(|(_, id)| ScalarExpr::Column(id)).collect())
    }

    /// Functions that become something other than a call.
    fn planned_function(&mut self, name: &str, args: &[Operand]) -> Result<Option<ScalarExpr>, SqlError> {
        Ok(Some(match (name, args) {
            ("greatest" | "least", []) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\""));
            }
            ("nullif", [left, right]) => self.nullif(left.clone(), right.clone())?,
            ("greatest" | "least", [_, ..]) => {
                let what = if name == "greatest" { "GREATEST" } else { "LEAST" };
                let (args, _) = self.unify(args.to_vec(), what)?;
                self.function_call(name, args.into_iter().map(Operand::Typed).collect())?
            }
            ("pg_typeof", [arg]) => {
                let ty = type_name(&self.operand_type(arg));
                self.coerce(Operand::Text(ty, None), &SqlType::Text, Context::Implicit)?
            }
            ("current_schemas", [Operand::Typed(flag)]) => match flag {
                ScalarExpr::Literal(Ok(row), _) if row.iter().next() == Some(Datum::Bool(true)) => {
                    ScalarExpr::Unmaterializable(Unmaterializable::CurrentSchemasWithSystem)
                }
                _ => ScalarExpr::Unmaterializable(Unmaterializable::CurrentSchemasWithoutSystem),
            },
            ("set_config", [setting, value, local]) => self.set_config(setting, value, local)?,
            (_, []) => return self.moment_function(name),
            // Digits of a second, which `current_timestamp(3)` may ask for.
            ("current_timestamp" | "localtimestamp", [_]) => return self.moment_function(name),
            _ => return Ok(None),
        }))
    }

    /// `set_config(name, value, is_local)` of constants: remembered, and done before the statement's rows are computed.
    fn set_config(
        &mut self,
        setting: &Operand,
        value: &Operand,
        local: &Operand,
    ) -> Result<ScalarExpr, SqlError> {
        let setting = self.coerce(setting.clone(), &SqlType::Text, Context::Implicit)?;
        let value = self.coerce(value.clone(), &SqlType::Text, Context::Implicit)?;
        let local = self.coerce(local.clone(), &SqlType::Bool, Context::Implicit)?;
        if self.qcx.lifetime == super::Lifetime::Maintained {
            return Err(SqlError::unsupported("set_config in a definition that is kept"));
        }
        match (text_of(&setting), text_of(&value), &local) {
            (Some(name), Some(text), ScalarExpr::Literal(Ok(row), _)) => {
                let local = row.iter().next() == Some(Datum::Bool(true));
                let (name, values) = (name.to_lowercase(), vec![text]);
                self.qcx.settings.push(crate::plan::SetVariablePlan { name, values, local });
            }
            // Values of parameters are not known while a statement is described.
            _ if self.qcx.params.is_none() && !self.qcx.param_types.is_empty() => {}
            _ => return Err(SqlError::unsupported("set_config of values that are not constant")),
        }
        Ok(value)
    }

    /// Functions without arguments whose value belongs to the session or the moment.
    fn moment_function(&mut self, name: &str) -> Result<Option<ScalarExpr>, SqlError> {
        use Unmaterializable::*;
        let now = ScalarExpr::Unmaterializable(CurrentTimestamp);
        let value = match name {
            "now" | "current_timestamp" | "transaction_timestamp" | "statement_timestamp" => now,
            "current_date" => self.cast(now, &SqlType::Date, Context::Explicit)?,
            "localtimestamp" => self.cast(now, &SqlType::TIMESTAMP, Context::Explicit)?,
            "localtime" => self.cast(now, &SqlType::Time, Context::Explicit)?,
            "mz_now" => ScalarExpr::Unmaterializable(MzNow),
            "current_user" | "user" | "session_user" | "current_role" => ScalarExpr::Unmaterializable(CurrentUser),
            "current_database" | "current_catalog" => ScalarExpr::Unmaterializable(CurrentDatabase),
            "current_schema" => ScalarExpr::Unmaterializable(CurrentSchema),
            "version" => ScalarExpr::Unmaterializable(Version),
            "mz_version" => ScalarExpr::Unmaterializable(MzVersion),
            "mz_environment_id" => ScalarExpr::Unmaterializable(MzEnvironmentId),
            "pg_backend_pid" => ScalarExpr::Unmaterializable(PgBackendPid),
            "pg_postmaster_start_time" => ScalarExpr::Unmaterializable(PgPostmasterStartTime),
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    /// A bare word that SQL reserves for a function: `current_date`.
    pub fn bare_function(&mut self, name: &str) -> Result<Option<ScalarExpr>, SqlError> {
        const RESERVED: &[&str] = &[
            "current_date",
            "current_timestamp",
            "localtimestamp",
            "localtime",
            "current_user",
            "session_user",
            "user",
            "current_role",
            "current_catalog",
            "current_schema",
        ];
        if RESERVED.contains(&name) { self.moment_function(name) } else { Ok(None) }
    }

    fn nullif(&mut self, left: Operand, right: Operand) -> Result<ScalarExpr, SqlError> {
        let equal = self.compare("=", left.clone(), right)?;
        let value = match (&equal, left) {
            (_, Operand::Typed(expr)) => expr,
            (ScalarExpr::Call { args, .. }, _) if !args.is_empty() => args[0].clone(),
            (_, open) => self.settle(open)?,
        };
        let ty = self.typ(&value).ty;
        Ok(ScalarExpr::If { condition: Box::new(equal), then: Box::new(null(&ty)), otherwise: Box::new(value) })
    }

    /// Later operands are only evaluated where earlier ones are NULL, subqueries in them too.
    fn coalesce(&mut self, exprs: &[&ast::Expr]) -> Result<ScalarExpr, SqlError> {
        if exprs.is_empty() {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\""));
        }
        let guards = self.frame()?.guards.len();
        let mut operands = Vec::new();
        for expr in exprs {
            let operand = self.operand(expr)?;
            if let Operand::Typed(value) = &operand {
                let guard = call("is_null", vec![value.clone()])?;
                self.frame()?.guards.push(guard);
            }
            operands.push(operand);
        }
        self.frame()?.guards.truncate(guards);
        let (mut operands, _) = self.unify(operands, "COALESCE")?;
        Ok(if operands.len() == 1 { operands.remove(0) } else { ScalarExpr::Coalesce(operands) })
    }
}

/// A constant's text.
fn text_of(expr: &ScalarExpr) -> Option<String> {
    match expr {
        ScalarExpr::Literal(Ok(row), _) => match row.iter().next() {
            Some(Datum::Text(text)) => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The name a call means: folded, without a system schema.
pub(super) fn function_name(name: &ast::ObjectName) -> Result<String, SqlError> {
    let parts = name_parts(name)?;
    match &parts[..] {
        [name] => Ok(name.clone()),
        [schema, name] if SCHEMAS.contains(&schema.as_str()) => Ok(name.clone()),
        [.., last] => {
            let message = format!("function {}(…) does not exist", parts.join("."));
            Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message)
                .hint(format!("Functions like {last} have no schema.")))
        }
        [] => Err(SqlError::internal("a call without a name")),
    }
}

/// A call's arguments, all of them by position.
pub(super) fn arguments(args: &FunctionArguments) -> Result<Arguments<'_>, SqlError> {
    let list = match args {
        FunctionArguments::None => return Ok(Arguments::List(Vec::new())),
        FunctionArguments::Subquery(_) => {
            return Err(SqlError::unsupported("a subquery without parentheses of its own"));
        }
        FunctionArguments::List(list) => list,
    };
    let mut exprs = Vec::new();
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => exprs.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if list.args.len() == 1 => return Ok(Arguments::Star),
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(t)) if list.args.len() == 1 => {
                return Ok(Arguments::Row(t));
            }
            FunctionArg::Named { name, .. } => {
                return Err(SqlError::unsupported(format!("the named argument {}", fold(name))));
            }
            _ => return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error in the arguments of a function")),
        }
    }
    Ok(Arguments::List(exprs))
}

fn refuse_aggregate_syntax(name: &str, function: &ast::Function) -> Result<(), SqlError> {
    let list = match &function.args {
        FunctionArguments::List(list) => Some(list),
        _ => None,
    };
    let what = if list.is_some_and(|l| l.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct)) {
        "DISTINCT"
    } else if list.is_some_and(|l| !l.clauses.is_empty()) {
        "ORDER BY"
    } else if function.filter.is_some() {
        "FILTER"
    } else if !function.within_group.is_empty() {
        "WITHIN GROUP"
    } else {
        return Ok(());
    };
    let message = format!("{what} specified, but {name} is not an aggregate function");
    Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
}

fn type_list(types: &[Option<SqlType>]) -> String {
    types.iter().map(type_name).collect::<Vec<_>>().join(", ")
}

/// There is no such function.
pub(super) fn no_function(name: &str, types: &[Option<SqlType>]) -> SqlError {
    let message = format!("function {name}({}) does not exist", type_list(types));
    let hint = "No function matches the given name and argument types. You might need to add explicit type casts.";
    SqlError::new(SqlState::UNDEFINED_FUNCTION, message).hint(hint)
}

fn no_operator(op: &str, types: &[Option<SqlType>], why: NoChoice) -> SqlError {
    let names: Vec<String> = types.iter().map(type_name).collect();
    let shown = match &names[..] {
        [right] => format!("{op} {right}"),
        [left, right] => format!("{left} {op} {right}"),
        _ => op.to_string(),
    };
    match why {
        NoChoice::None => SqlError::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {shown}"))
            .hint("No operator matches the given name and argument types. You might need to add explicit type casts."),
        NoChoice::Many => SqlError::new(SqlState::AMBIGUOUS_FUNCTION, format!("operator is not unique: {shown}"))
            .hint("Could not choose a best candidate operator. You might need to add explicit type casts."),
    }
}
