//! Calls: operators and functions of the table, and the functions that are planned rather than looked up.

use super::expr::call;
use super::planner::{Planner, fold, name_parts};
use crate::coerce::{Category, Context, Operand, can_coerce, category, constant, null, type_name};
use crate::overload::{Choice, NoChoice, choose};
use crate::plan::Effect;
use expr::func::{Overload, candidates};
use expr::{Func, ScalarExpr, Unmaterializable};
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

/// Schemas whose functions may be called with their name.
const SCHEMAS: &[&str] = &["pg_catalog", "mz_catalog", "mz_internal", "mz_unsafe", "information_schema"];

/// A call's arguments.
pub(super) enum Arguments<'a> {
    /// `f(*)`
    Star,
    /// `f(a, b)`
    List(Vec<&'a ast::Expr>),
    /// `f(t.*)`: a whole row.
    Row(&'a ast::ObjectName),
}

/// Functions that take a `char(n)` as it is shown. To others it is a text without blanks at its end.
const SHOW_BLANKS: [&str; 10] = [
    "concat",
    "concat_ws",
    "format",
    "octet_length",
    "to_json",
    "to_jsonb",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
];

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
    pub fn function_call(&mut self, name: &str, mut args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        if SHOW_BLANKS.contains(&name) {
            args = args.into_iter().map(|arg| self.with_blanks(arg)).collect::<Result<_, _>>()?;
        }
        let types = self.operand_types(&args);
        match (choose(&candidates(name), &types, false), SqlType::from_name(name), &args[..]) {
            (Ok(choice), ..) => self.apply(choice, args),
            // A type's name with one argument is a cast.
            (Err(NoChoice::None), Some(ty), [operand]) if self.casts_to(operand, &ty) => {
                self.coerce(operand.clone(), &ty, Context::Explicit)
            }
            (Err(why), ..) => Err(no_choice(name, &types, why)),
        }
    }

    /// The entry of a table that a call by this name means, and the arguments as it wants them.
    pub(super) fn chosen<F: Overload>(
        &mut self,
        name: &str,
        candidates: &[F],
        args: Vec<Operand>,
    ) -> Result<(F, Vec<ScalarExpr>), SqlError> {
        let types = self.operand_types(&args);
        let choice = choose(candidates, &types, false).map_err(|why| no_choice(name, &types, why))?;
        Ok((choice.func, self.converted(args, choice.targets)?))
    }

    /// A `char(n)` with the blanks that it is shown with.
    fn with_blanks(&mut self, operand: Operand) -> Result<Operand, SqlError> {
        let Some(SqlType::Char(Some(length))) = self.operand_type(&operand) else { return Ok(operand) };
        let text = self.coerce(operand, &SqlType::Text, Context::Explicit)?;
        let length = constant(Datum::Int4(i32::try_from(length).unwrap_or(i32::MAX)), SqlType::Int4);
        let padded = self.function_call("rpad", vec![Operand::Typed(text), Operand::Typed(length)])?;
        Ok(Operand::Typed(padded))
    }

    fn casts_to(&self, operand: &Operand, ty: &SqlType) -> bool {
        let from = self.operand_type(operand);
        from.is_none_or(|from| {
            let text = category(&from) == Category::String;
            can_coerce(&from, ty, if text { Context::Assignment } else { Context::Explicit })
        })
    }

    fn apply(&mut self, choice: Choice<Func>, args: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        Ok(ScalarExpr::Call { func: choice.func, args: self.converted(args, choice.targets)? })
    }

    fn converted(&mut self, args: Vec<Operand>, targets: Vec<Option<SqlType>>) -> Result<Vec<ScalarExpr>, SqlError> {
        let pairs = args.into_iter().zip(targets);
        let args = pairs.map(|(arg, target)| match target {
            Some(ty) => self.coerce(arg, &ty, Context::Implicit),
            None => self.settle(arg),
        });
        args.collect()
    }

    /// A function call of the grammar.
    pub fn function(&mut self, function: &ast::Function) -> Result<Operand, SqlError> {
        if let Some(user) = self.user_function(&function.name) {
            refuse_aggregate_syntax(&user.name, function)?;
            let Arguments::List(exprs) = arguments(&function.args)? else { return Err(no_function(&user.name, &[])) };
            let operands = exprs.into_iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
            return self.user_value(&user, operands).map(Operand::Typed);
        }
        let name = function_name(&function.name)?;
        let position = function.name.0.first().and_then(|p| p.as_ident()).and_then(|i| self.span_position(i.span));
        self.named_function(&name, function).map_err(|e| e.at(position))
    }

    fn named_function(&mut self, name: &str, function: &ast::Function) -> Result<Operand, SqlError> {
        if let Some(over) = &function.over {
            return self.window_function(name, function, over).map(Operand::Typed);
        }
        // With arguments of its own and WITHIN GROUP, `rank` and its kin are aggregates.
        if function.within_group.is_empty() {
            super::window::refuse_without_over(name)?;
        }
        if let Some(value) = self.form(name, function)? {
            return Ok(value);
        }
        let arguments = arguments(&function.args)?;
        if !function.within_group.is_empty() || super::ordered_set::wants_order(name) {
            return self.ordered_set(name, function, &arguments).map(Operand::Typed);
        }
        if expr::aggregate::table::exists(name) {
            return self.aggregate(name, function, &arguments).map(Operand::Typed);
        }
        refuse_aggregate_syntax(name, function)?;
        let operands = match &arguments {
            Arguments::Star => {
                let message = format!("{name}(*) specified, but {name} is not an aggregate function");
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            Arguments::List(exprs) if name == "coalesce" => return self.coalesce(exprs).map(Operand::Typed),
            Arguments::List(exprs) => {
                if let ("normalize", [text, ast::Expr::Identifier(form)]) = (name, exprs.as_slice()) {
                    // A keyword, not a column.
                    let form = constant(Datum::Text(&form.value), SqlType::Text);
                    let args = vec![self.operand(text)?, Operand::Typed(form)];
                    return self.function_call(name, args).map(Operand::Typed);
                }
                if let Some((ast::Expr::Prefixed { value, .. }, fixed)) = exprs.split_last() {
                    return self.spread_call(name, fixed, value).map(Operand::Typed);
                }
                exprs.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?
            }
            Arguments::Row(table) => vec![Operand::Typed(self.whole_row(table)?)],
        };
        self.called(name, operands).map(Operand::Typed)
    }

    /// A function of planned arguments, of whatever kind it is.
    fn called(&mut self, name: &str, operands: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        if let Some(planned) = self.planned_function(name, &operands)? {
            return Ok(planned);
        }
        if let Some(record) = self.record_value(name, &operands)? {
            return Ok(record);
        }
        if let Some(column) = self.table_function_in_expression(name, &operands)? {
            return Ok(column);
        }
        if let Some(value) = self.inline_function(name, &operands)? {
            return Ok(value);
        }
        self.function_call(name, operands)
    }

    /// What looks like a call and has a syntax of its own: subqueries as arguments, `GROUPING`, `LIST[…]`, `MAP[…]`, `ROW(…)`, named arguments.
    fn form(&mut self, name: &str, function: &ast::Function) -> Result<Option<Operand>, SqlError> {
        if let FunctionArguments::Subquery(query) = &function.args {
            return match name {
                "array" => self.array_subquery(query, false),
                "list" => self.array_subquery(query, true),
                _ => self.subquery_argument(name, query),
            }
            .map(|value| Some(Operand::Typed(value)));
        }
        if name == "grouping" {
            return self.grouping_call(function).map(Operand::Typed).map(Some);
        }
        if let ("list" | "map", FunctionArguments::List(list)) = (name, &function.args) {
            let Arguments::List(items) = arguments(&function.args)? else { return Err(no_function(name, &[])) };
            let items = items.into_iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
            return match name {
                "list" => Ok(Some(Operand::List(items))),
                _ if list.args.len() % 2 == 0 => Ok(Some(Operand::Map(items))),
                _ => Err(no_function(name, &self.operand_types(&items))),
            };
        }
        if let ("row", FunctionArguments::List(list)) = (name, &function.args) {
            return self.row_fields(&list.args).map(Operand::Row).map(Some);
        }
        if let Some(named) = named_arguments(name, &function.args)? {
            let operands = named.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
            return self.function_call(name, operands).map(Operand::Typed).map(Some);
        }
        Ok(None)
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
            ("to_json" | "to_jsonb" | "row_to_json" | "array_to_json", [Operand::Typed(value)])
                if expr::func::json::has_names(&self.typ(value).ty) =>
            {
                let ty = self.typ(value).ty;
                let func = match name {
                    "to_jsonb" => expr::func::json::of_type(&ty),
                    _ => expr::func::json::text_of_type(&ty),
                };
                call(&func, vec![value.clone()])?
            }
            ("age", [operand]) => {
                let zoned = matches!(self.operand_type(operand), Some(SqlType::Timestamptz(_)));
                let ty = if zoned { SqlType::TIMESTAMPTZ } else { SqlType::TIMESTAMP };
                let today = self.session_value("current_date")?.unwrap_or_else(|| null(&SqlType::Date));
                let today = self.cast(today, &ty, Context::Explicit)?;
                self.function_call("age", vec![Operand::Typed(today), operand.clone()])?
            }
            ("current_setting", [name, ..]) => return self.current_setting(name),
            ("enum_first" | "enum_last" | "enum_range", [..]) => return self.enum_function(name, args),
            ("current_schemas", [Operand::Typed(flag)]) => match flag {
                ScalarExpr::Literal(Ok(row), _) if row.iter().next() == Some(Datum::Bool(true)) => {
                    ScalarExpr::Unmaterializable(Unmaterializable::CurrentSchemasWithSystem)
                }
                _ => ScalarExpr::Unmaterializable(Unmaterializable::CurrentSchemasWithoutSystem),
            },
            ("set_config", [setting, value, local]) => self.set_config(setting, value, local)?,
            ("pg_cancel_backend" | "pg_terminate_backend", [_]) => {
                let error = SqlError::unsupported(format!("{name} inside of an expression or subquery"));
                return Err(error.hint("Make it an output of the statement: SELECT pg_terminate_backend(pid) FROM …"));
            }
            ("pg_sleep", [seconds]) => self.sleep(seconds, &SqlType::Float8)?,
            ("pg_sleep_for", [span]) => self.sleep(span, &SqlType::Interval)?,
            (_, []) => return self.session_value(name),
            // Digits of a second, which `current_timestamp(3)` may ask for.
            ("current_timestamp" | "localtimestamp" | "current_time" | "localtime", [_]) => {
                return self.session_value(name);
            }
            _ => return Ok(None),
        }))
    }

    /// `f(a, VARIADIC array)`
    fn spread_call(&mut self, name: &str, fixed: &[&ast::Expr], array: &ast::Expr) -> Result<ScalarExpr, SqlError> {
        let array = self.operand(array)?;
        let mut args = fixed.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
        let Some(func) = candidates(name).into_iter().find(|func| func.0.variadic) else {
            args.push(array);
            let types = self.operand_types(&args);
            return Err(no_function(name, &types));
        };
        let element = match func.0.args.last() {
            Some(expr::func::ArgType::Exact(ty)) => Some(SqlType::Array(Box::new(ty.clone()))),
            _ => None,
        };
        let array = match (element, self.operand_type(&array)) {
            (Some(ty), None | Some(SqlType::Array(_))) => self.coerce(array, &ty, Context::Implicit)?,
            (None, None | Some(SqlType::Array(_))) => {
                let texts = SqlType::Array(Box::new(SqlType::Text));
                if let Operand::Typed(_) | Operand::Array(_) = array {
                    self.settle(array)?
                } else {
                    self.coerce(array, &texts, Context::Implicit)?
                }
            }
            (_, Some(_)) => {
                let message = "VARIADIC argument must be an array";
                return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
            }
        };
        let mut values = Vec::new();
        for (i, arg) in args.into_iter().enumerate() {
            values.push(match func.0.args.get(i) {
                Some(expr::func::ArgType::Exact(ty)) => self.coerce(arg, ty, Context::Implicit)?,
                _ => self.settle(arg)?,
            });
        }
        values.push(array);
        call(&format!("spread({})", func.0.name), values)
    }

    /// What one argument that must be a constant text says.
    fn constant_text(&self, operand: &Operand, function: &str) -> Result<String, SqlError> {
        match operand {
            Operand::Text(text, _) => Ok(text.clone()),
            Operand::Typed(ScalarExpr::Literal(Ok(row), _)) => match row.iter().next() {
                Some(Datum::Text(text)) => Ok(text.to_string()),
                _ => Err(SqlError::unsupported(format!("{function} of something other than a constant text"))),
            },
            _ => Err(SqlError::unsupported(format!("{function} of something other than a constant text"))),
        }
    }

    /// `current_setting(name [, missing_ok])` of a known variable; any other name is looked up when the query runs.
    fn current_setting(&mut self, name: &Operand) -> Result<Option<ScalarExpr>, SqlError> {
        self.refuse_kept("current_setting()")?;
        let Ok(name) = self.constant_text(name, "current_setting") else { return Ok(None) };
        let value = self.qcx.catalog.setting(&name);
        Ok(value.map(|value| crate::coerce::constant(Datum::Text(&value), SqlType::Text)))
    }

    /// `set_config(name, value, is_local)` of constants: happens before the query runs, and gives the value.
    fn set_config(&mut self, name: &Operand, value: &Operand, local: &Operand) -> Result<ScalarExpr, SqlError> {
        self.refuse_kept("set_config()")?;
        let name = self.coerce(name.clone(), &SqlType::Text, Context::Implicit)?;
        let value = self.coerce(value.clone(), &SqlType::Text, Context::Implicit)?;
        let local = self.coerce(local.clone(), &SqlType::Bool, Context::Implicit)?;
        let all_constant = [&name, &value, &local].iter().all(|arg| matches!(arg, ScalarExpr::Literal(Ok(_), _)));
        if !all_constant && self.is_described() {
            return Ok(value);
        }
        let name = self.constant_text(&Operand::Typed(name), "set_config")?;
        let values = match &value {
            ScalarExpr::Literal(Ok(row), _) if row.iter().next() == Some(Datum::Null) => Vec::new(),
            value => vec![self.constant_text(&Operand::Typed(value.clone()), "set_config")?],
        };
        let ScalarExpr::Literal(Ok(_), _) = &local else {
            return Err(SqlError::unsupported("set_config that is local or not by something other than a constant"));
        };
        if self.qcx.catalog.setting(&name).is_none() {
            let message = format!("unrecognized configuration parameter \"{name}\"");
            return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
        }
        let shown = values.first().map(String::as_str).unwrap_or_default().to_string();
        let set = crate::plan::SetVariablePlan { name, values, local: local.is_literal_true() };
        self.qcx.effects.push(Effect::Set(set));
        Ok(crate::coerce::constant(Datum::Text(&shown), SqlType::Text))
    }

    /// `pg_sleep(seconds)`, `pg_sleep_for(interval)` of a constant: the wait happens before the query runs.
    fn sleep(&mut self, span: &Operand, ty: &SqlType) -> Result<ScalarExpr, SqlError> {
        self.refuse_kept("pg_sleep()")?;
        let span = self.coerce(span.clone(), ty, Context::Implicit)?;
        if self.is_described() {
            return Ok(null(&SqlType::Text));
        }
        let seconds = match super::fixed_value(&span)?.iter().next() {
            Some(Datum::Float8(seconds)) => seconds,
            Some(Datum::Interval(span)) => span.total_us() as f64 / 1e6,
            _ => return Ok(null(&SqlType::Text)),
        };
        self.qcx.effects.push(Effect::Sleep(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()));
        Ok(constant(Datum::Text(""), SqlType::Text))
    }

    /// Whether a statement with parameters is described, so that their values are not known yet.
    fn is_described(&self) -> bool {
        self.qcx.params.is_none() && !self.qcx.keeps_params && !self.qcx.param_types.is_empty()
    }

    /// Refuses what belongs to a session in a definition that is kept.
    pub(super) fn refuse_kept(&self, what: &str) -> Result<(), SqlError> {
        if self.qcx.lifetime == super::Lifetime::OneShot {
            return Ok(());
        }
        let message = format!("cannot materialize call to {what}");
        let hint = "Its value belongs to a session. Call it in a query over the view instead.";
        Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message).hint(hint))
    }

    /// `enum_first`, `enum_last`, `enum_range`: the values of the argument's type are passed along.
    fn enum_function(&mut self, name: &str, args: &[Operand]) -> Result<Option<ScalarExpr>, SqlError> {
        let types = self.operand_types(args);
        let Some(SqlType::Enum(ty)) = types.iter().flatten().next().cloned() else { return Ok(None) };
        let values = repr::array::encode_list(ty.values().map(Datum::Enum));
        let target = SqlType::Enum(ty);
        let values = crate::coerce::constant(
            Datum::Array(repr::ArrayRef::from_encoded(&values)),
            SqlType::Array(Box::new(target.clone())),
        );
        let mut args = args
            .iter()
            .map(|arg| self.coerce(arg.clone(), &target, Context::Implicit))
            .collect::<Result<Vec<_>, _>>()?;
        if name == "enum_range" && args.len() == 1 {
            args = vec![null(&target), null(&target)];
        }
        let wanted = if name == "enum_range" { 2 } else { 1 };
        if args.len() != wanted {
            return Ok(None);
        }
        args.push(values);
        call(name, args).map(Some)
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

/// The arguments of the functions that follow a path.
const JSON_PATH: &[(&str, Option<&str>)] =
    &[("target", None), ("path", None), ("vars", Some("'{}'")), ("silent", Some("false"))];

/// Functions whose arguments have names, with the defaults of those that may be left out.
const NAMED: &[(&str, &[(&str, Option<&str>)])] = &[
    (
        "make_interval",
        &[
            ("years", Some("0")),
            ("months", Some("0")),
            ("weeks", Some("0")),
            ("days", Some("0")),
            ("hours", Some("0")),
            ("mins", Some("0")),
            ("secs", Some("0.0")),
        ],
    ),
    ("make_date", &[("year", None), ("month", None), ("day", None)]),
    ("make_time", &[("hour", None), ("min", None), ("sec", None)]),
    (
        "make_timestamp",
        &[("year", None), ("month", None), ("mday", None), ("hour", None), ("min", None), ("sec", None)],
    ),
    ("jsonb_set", &[("jsonb_in", None), ("path", None), ("replacement", None), ("create_if_missing", Some("true"))]),
    (
        "jsonb_set_lax",
        &[
            ("jsonb_in", None),
            ("path", None),
            ("replacement", None),
            ("create_if_missing", Some("true")),
            ("null_value_treatment", Some("'use_json_null'")),
        ],
    ),
    ("jsonb_path_exists", JSON_PATH),
    ("jsonb_path_match", JSON_PATH),
    ("jsonb_path_query_array", JSON_PATH),
    ("jsonb_path_query_first", JSON_PATH),
    ("jsonb_insert", &[("jsonb_in", None), ("path", None), ("replacement", None), ("insert_after", Some("false"))]),
];

/// The arguments by position of a call that names some or leaves some out; none of another call.
fn named_arguments(name: &str, args: &FunctionArguments) -> Result<Option<Vec<ast::Expr>>, SqlError> {
    let Some((_, declared)) = NAMED.iter().find(|(known, _)| *known == name) else { return Ok(None) };
    let given: &[FunctionArg] = if let FunctionArguments::List(list) = args { &list.args } else { &[] };
    if given.len() == declared.len() && given.iter().all(|arg| matches!(arg, FunctionArg::Unnamed(_))) {
        return Ok(None);
    }
    let mut values: Vec<Option<ast::Expr>> = vec![None; declared.len()];
    for (i, arg) in given.iter().enumerate() {
        let (at, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(i), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                (declared.iter().position(|(known, _)| *known == fold(name)), value)
            }
            FunctionArg::ExprNamed { name: ast::Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
                (declared.iter().position(|(known, _)| *known == fold(name)), value)
            }
            _ => return Ok(None),
        };
        match at.and_then(|at| values.get_mut(at)) {
            Some(place @ None) => *place = Some(value.clone()),
            _ => {
                return Err(SqlError::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("function {name} has no such argument"),
                ));
            }
        }
    }
    let fill = |(value, (_, default)): (Option<ast::Expr>, &(&str, Option<&str>))| match (value, default) {
        (Some(value), _) => Ok(Some(value)),
        (None, Some(default)) => crate::parser::parse_expr(default).map(Some),
        (None, None) => Ok(None),
    };
    let filled = values.into_iter().zip(*declared).map(fill).collect::<Result<Vec<_>, SqlError>>()?;
    Ok(filled.into_iter().collect())
}

/// The name a call means: folded, without a system schema.
pub(crate) fn function_name(name: &ast::ObjectName) -> Result<String, SqlError> {
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
            FunctionArg::ExprNamed { name, .. } => {
                return Err(SqlError::unsupported(format!("the named argument {name}")));
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

/// There is no such function, or several fit as well as each other.
fn no_choice(name: &str, types: &[Option<SqlType>], why: NoChoice) -> SqlError {
    match why {
        NoChoice::None => no_function(name, types),
        NoChoice::Many => {
            let message = format!("function {name}({}) is not unique", type_list(types));
            let hint = "Could not choose a best candidate function. You might need to add explicit type casts.";
            SqlError::new(SqlState::AMBIGUOUS_FUNCTION, message).hint(hint)
        }
    }
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
