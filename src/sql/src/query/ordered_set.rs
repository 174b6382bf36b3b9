//! `f(…) WITHIN GROUP (ORDER BY …)`: percentiles and the mode, which are aggregates over sorted values, and the ranks that a
//! hypothetical row would have, which are counts of the rows before it.

use super::expr::{call, is_null, not};
use super::function::Arguments;
use super::order::direction;
use super::planner::{Clause, Planner};
use crate::coerce::{Context, Operand, constant};
use crate::hir::columns_of;
use expr::aggregate::table::ordered_sets;
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, ScalarExpr};
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, DuplicateTreatment, FunctionArgumentClause, FunctionArguments};

/// Whether a function of this name makes no sense without WITHIN GROUP.
pub(super) fn wants_order(name: &str) -> bool {
    ordered_sets().iter().any(|def| def.sql_name == name && !def.hypothetical)
}

fn is_hypothetical(name: &str) -> bool {
    ordered_sets().iter().any(|def| def.sql_name == name && def.hypothetical)
}

/// A value of the ORDER BY, the hypothetical one, and the direction.
struct SortKey {
    value: ScalarExpr,
    hypothetical: ScalarExpr,
    desc: bool,
    nulls_first: bool,
}

impl Planner<'_, '_> {
    /// Plans such a call.
    pub(super) fn ordered_set(
        &mut self,
        name: &str,
        function: &ast::Function,
        arguments: &Arguments<'_>,
    ) -> Result<ScalarExpr, SqlError> {
        let Arguments::List(direct) = arguments else {
            return Err(super::function::no_function(name, &[]));
        };
        self.check_ordered(name, function, direct)?;
        if is_hypothetical(name) {
            return self.hypothetical(name, function, direct);
        }
        self.add_aggregate(name, |p| p.ordered_set_aggregate(name, function, direct))
    }

    fn ordered_set_aggregate(
        &mut self,
        name: &str,
        function: &ast::Function,
        direct: &[&ast::Expr],
    ) -> Result<AggregateExpr, SqlError> {
        let direct = direct.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
        let [by] = &function.within_group[..] else {
            let types = self.operand_types(&direct);
            return Err(super::function::no_function(name, &types));
        };
        let (desc, nulls_first) = direction(&by.options)?;
        let value = self.operand(&by.expr)?;
        let (func, args) = match (name, &direct[..]) {
            ("mode", []) => (AggregateFunc::Mode, vec![self.settle(value)?]),
            ("percentile_cont" | "percentile_disc", [fraction]) => {
                let value = self.percentile_value(name, self.operand_type(fraction), value)?;
                let many = matches!(self.operand_type(fraction), Some(SqlType::Array(_)))
                    || matches!(fraction, Operand::Array(_));
                let ty = if many { SqlType::Array(Box::new(SqlType::Float8)) } else { SqlType::Float8 };
                let fraction = self.coerce(fraction.clone(), &ty, Context::Implicit)?;
                let fraction = self.direct_argument(fraction)?;
                let ty = self.typ(&value).ty;
                let func = match name {
                    "percentile_cont" => AggregateFunc::PercentileCont { ty, many },
                    _ => AggregateFunc::PercentileDisc { ty, many },
                };
                (func, vec![fraction, value])
            }
            _ => {
                let mut types = self.operand_types(&direct);
                types.push(self.operand_type(&value));
                return Err(super::function::no_function(name, &types));
            }
        };
        let order = vec![ColumnOrder { column: 0, desc, nulls_first }];
        let order_exprs = args.last().cloned().into_iter().collect();
        let filter = self.aggregate_filter(function)?;
        Ok(AggregateExpr { func, args, filter, distinct: false, order, order_exprs })
    }

    /// A direct argument as a column: where a grouping set lacks a key, it is NULL in it, though not in the rows that are aggregated.
    fn direct_argument(&mut self, argument: ScalarExpr) -> Result<ScalarExpr, SqlError> {
        if columns_of(&argument).is_empty() {
            return Ok(argument);
        }
        if let Some((id, _)) = self.frame()?.direct_arguments.iter().find(|(_, known)| *known == argument) {
            return Ok(ScalarExpr::Column(*id));
        }
        let id = self.column_for("?column?", &argument);
        self.types[id].nullable = true;
        self.frame()?.direct_arguments.push((id, argument));
        Ok(ScalarExpr::Column(id))
    }

    /// What a continuous percentile is between: floats or intervals.
    fn percentile_value(
        &mut self,
        name: &str,
        fraction: Option<SqlType>,
        value: Operand,
    ) -> Result<ScalarExpr, SqlError> {
        if name == "percentile_disc" {
            return self.settle(value);
        }
        let ty = match self.operand_type(&value) {
            Some(SqlType::Interval) => SqlType::Interval,
            _ => SqlType::Float8,
        };
        let types = [fraction, self.operand_type(&value)];
        self.coerce(value, &ty, Context::Implicit).map_err(|_| super::function::no_function(name, &types))
    }

    fn aggregate_filter(&mut self, function: &ast::Function) -> Result<Option<ScalarExpr>, SqlError> {
        let filter = function.filter.as_ref();
        filter.map(|f| self.in_clause(Clause::plain("FILTER"), |p| p.predicate(f, "FILTER"))).transpose()
    }

    fn hypothetical(
        &mut self,
        name: &str,
        function: &ast::Function,
        direct: &[&ast::Expr],
    ) -> Result<ScalarExpr, SqlError> {
        let before = self.count_of_rows(name, function, direct, Some(false), name == "dense_rank")?;
        let int8 = |n| constant(Datum::Int8(n), SqlType::Int8);
        if matches!(name, "rank" | "dense_rank") {
            return call("int8pl", vec![before, int8(1)]);
        }
        let all = self.count_of_rows(name, function, direct, None, false)?;
        let float = |n| call("int8_to_float8", vec![n]);
        if name == "percent_rank" {
            let share = call("float8div", vec![float(before)?, float(all.clone())?])?;
            let empty = call("int8eq", vec![all, int8(0)])?;
            let zero = constant(Datum::Float8(0.0), SqlType::Float8);
            return Ok(empty.if_then_else(zero, share));
        }
        let through = self.count_of_rows(name, function, direct, Some(true), false)?;
        let more = |n| float(call("int8pl", vec![n, int8(1)])?);
        call("float8div", vec![more(through)?, more(all)?])
    }

    /// How many rows come before the hypothetical one (`Some(false)`), before or with it (`Some(true)`), or at all.
    fn count_of_rows(
        &mut self,
        name: &str,
        function: &ast::Function,
        direct: &[&ast::Expr],
        until: Option<bool>,
        distinct: bool,
    ) -> Result<ScalarExpr, SqlError> {
        self.add_aggregate(name, |p| {
            let keys = p.sort_keys(name, function, direct)?;
            let mut filters: Vec<ScalarExpr> = p.aggregate_filter(function)?.into_iter().collect();
            if let Some(with_equal) = until {
                filters.push(p.precedes(&keys, with_equal)?);
            }
            let args = if distinct { vec![p.record(keys.into_iter().map(|key| key.value).collect())?] } else { vec![] };
            let filter = (!filters.is_empty()).then(|| ScalarExpr::conjunction(filters));
            let (order, order_exprs) = (Vec::new(), Vec::new());
            Ok(AggregateExpr { func: AggregateFunc::Count, args, filter, distinct, order, order_exprs })
        })
    }

    fn sort_keys(
        &mut self,
        name: &str,
        function: &ast::Function,
        direct: &[&ast::Expr],
    ) -> Result<Vec<SortKey>, SqlError> {
        if direct.len() != function.within_group.len() {
            let types = self.types_with_order(function, direct)?;
            let hint = format!(
                "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here {}) must match \
                 the number of ordering columns (here {}).",
                direct.len(),
                function.within_group.len()
            );
            return Err(SqlError { hint: Some(hint), ..super::function::no_function(name, &types) });
        }
        let mut keys = Vec::new();
        for (hypothetical, by) in direct.iter().zip(&function.within_group) {
            let (desc, nulls_first) = direction(&by.options)?;
            let pair = vec![self.operand(hypothetical)?, self.operand(&by.expr)?];
            // The ordering column has its type; the hypothetical value follows it.
            let pair = match (self.operand_type(&pair[0]), self.operand_type(&pair[1])) {
                (None, Some(ty)) => {
                    let [hypothetical, value] = <[Operand; 2]>::try_from(pair).map_err(|_| no_pair())?;
                    vec![self.coerce(hypothetical, &ty, Context::Implicit)?, self.settle(value)?]
                }
                _ => self.unify(pair, "WITHIN GROUP")?.0,
            };
            let [hypothetical, value] = <[ScalarExpr; 2]>::try_from(pair).map_err(|_| no_pair())?;
            let hypothetical = self.direct_argument(hypothetical)?;
            keys.push(SortKey { value, hypothetical, desc, nulls_first });
        }
        Ok(keys)
    }

    /// Whether a row comes before the hypothetical one in the order, or is equal to it if `with_equal`; never NULL.
    fn precedes(&mut self, keys: &[SortKey], with_equal: bool) -> Result<ScalarExpr, SqlError> {
        let boolean = |value| constant(Datum::Bool(value), SqlType::Bool);
        let mut result = boolean(with_equal);
        for key in keys.iter().rev() {
            let (value, wanted) = (key.value.clone(), key.hypothetical.clone());
            let (value_null, wanted_null) = (is_null(value.clone())?, is_null(wanted.clone())?);
            let pair = vec![Operand::Typed(value.clone()), Operand::Typed(wanted.clone())];
            let less = self.operator(if key.desc { ">" } else { "<" }, pair)?;
            let same = self.distinct_from(Operand::Typed(value), Operand::Typed(wanted), true)?;
            let (first, last) = if key.nulls_first { (&value_null, &wanted_null) } else { (&wanted_null, &value_null) };
            let by_null = first.clone().and(not(last.clone())?);
            let before = ScalarExpr::Coalesce(vec![less, boolean(false)]).or(by_null);
            result = before.or(same.and(result));
        }
        Ok(result)
    }
}

fn no_pair() -> SqlError {
    SqlError::internal("a sort key is two expressions")
}

impl Planner<'_, '_> {
    /// The types of the arguments, then of what is ordered by: what PostgreSQL looks such a function up by.
    fn types_with_order(
        &mut self,
        function: &ast::Function,
        direct: &[&ast::Expr],
    ) -> Result<Vec<Option<SqlType>>, SqlError> {
        let all = direct.iter().copied().chain(function.within_group.iter().map(|by| &by.expr));
        let operands = all.map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.operand_types(&operands))
    }

    /// Whether WITHIN GROUP is where it belongs.
    fn check_ordered(&mut self, name: &str, function: &ast::Function, direct: &[&ast::Expr]) -> Result<(), SqlError> {
        let wrong = |message: String| Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        let ordered = wants_order(name) || is_hypothetical(name);
        if function.within_group.is_empty() {
            let arguments = if name == "mode" { 1 } else { 2 };
            if direct.len() != arguments {
                return Err(super::function::no_function(name, &self.types_with_order(function, direct)?));
            }
            return wrong(format!("WITHIN GROUP is required for ordered-set aggregate {name}"));
        }
        check_syntax(function)?;
        if ordered {
            return Ok(());
        }
        if !expr::aggregate::table::exists(name) {
            return wrong(format!("WITHIN GROUP specified, but {name} is not an aggregate function"));
        }
        if !direct.is_empty() {
            return Err(super::function::no_function(name, &self.types_with_order(function, direct)?));
        }
        wrong(format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"))
    }
}

/// Whether a call has no more than one ORDER BY and no DISTINCT.
fn check_syntax(function: &ast::Function) -> Result<(), SqlError> {
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    if list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_))) {
        let message = "cannot use multiple ORDER BY clauses with WITHIN GROUP";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "cannot use DISTINCT with WITHIN GROUP"));
    }
    Ok(())
}
