//! Subqueries in expressions: EXISTS, IN, ANY, ALL, scalar ones, ARRAY(…). Each becomes a column that an `Apply` computes.

use super::Output;
use super::expr::{is_null, not};
use super::planner::Planner;
use crate::coerce::{Context, Operand, common_type, constant, null};
use crate::hir::{ColId, HirRel, Subquery, SubqueryKind};
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, ScalarExpr};
use repr::{ColumnType, Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, BinaryOperator, Expr};

impl Planner<'_, '_> {
    /// A query in parentheses as a relation of its visible columns.
    fn subquery(&mut self, query: &ast::Query) -> Result<(HirRel, Output), SqlError> {
        self.check_subqueries_allowed()?;
        let (rel, output) = self.query(query)?.into_relation();
        Ok((rel.project(output.cols.clone()), output))
    }

    /// Refuses a subquery where the clause has no place for one.
    pub(super) fn check_subqueries_allowed(&mut self) -> Result<(), SqlError> {
        let clause = self.frame()?.clause;
        if clause.subqueries {
            return Ok(());
        }
        let message = format!("cannot use subquery in {}", clause.name);
        Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    }

    /// Leaves a subquery to be applied below the operator whose expression is being planned.
    pub(super) fn add_subquery(
        &mut self,
        kind: SubqueryKind,
        rel: HirRel,
        typ: ColumnType,
    ) -> Result<ScalarExpr, SqlError> {
        let id = self.column("subquery", typ);
        let frame = self.frame()?;
        let mut guards = frame.guards.clone();
        let when = match guards.len() {
            0 | 1 => guards.pop(),
            _ => Some(ScalarExpr::And(guards)),
        };
        let guarded = when.is_some();
        frame.subqueries.push(Subquery { id, kind, rel: Box::new(rel), when });
        self.types[id].nullable |= guarded;
        Ok(ScalarExpr::Column(id))
    }

    /// `[NOT] EXISTS (query)`
    pub fn exists(&mut self, query: &ast::Query, negated: bool) -> Result<ScalarExpr, SqlError> {
        let (rel, _) = self.subquery(query)?;
        let exists = self.add_subquery(SubqueryKind::Exists, rel, SqlType::Bool.nullable(false))?;
        if negated { not(exists) } else { Ok(exists) }
    }

    /// `(query)` as a value.
    pub fn scalar_subquery(&mut self, query: &ast::Query) -> Result<ScalarExpr, SqlError> {
        let (rel, output) = self.subquery(query)?;
        let [col] = output.cols[..] else {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery must return only one column"));
        };
        let ty = self.types[col].clone();
        let nullable = ty.nullable || rel.row_bounds().0 == 0;
        self.add_subquery(SubqueryKind::Scalar(col), rel, ColumnType { nullable, ..ty })
    }

    /// `expr [NOT] IN (query)`
    pub fn in_subquery(&mut self, expr: &Expr, query: &ast::Query, negated: bool) -> Result<ScalarExpr, SqlError> {
        let left = self.operand(expr)?;
        let (rel, output) = self.subquery(query)?;
        let is_in = self.is_in(left, rel, &output.cols)?;
        if negated { not(is_in) } else { Ok(is_in) }
    }

    fn is_in(&mut self, left: Operand, mut rel: HirRel, cols: &[ColId]) -> Result<ScalarExpr, SqlError> {
        let left = match left {
            Operand::Row(fields) => fields,
            other => vec![other],
        };
        check_width(left.len(), cols.len())?;
        let (mut lefts, mut rights, mut casts) = (Vec::new(), Vec::new(), Vec::new());
        for (left, col) in left.into_iter().zip(cols) {
            let (left, right) = self.comparable(left, *col)?;
            lefts.push(left);
            rights.push(match right {
                ScalarExpr::Column(col) => col,
                right => {
                    let id = self.column_for("subquery", &right);
                    casts.push((id, right));
                    id
                }
            });
        }
        rel = rel.map(casts);
        let nullable = lefts.iter().any(|e| self.typ(e).nullable) || rights.iter().any(|c| self.types[*c].nullable);
        self.add_subquery(SubqueryKind::In(lefts, rights), rel, SqlType::Bool.nullable(nullable))
    }

    /// Both sides of `left = column` as values of one type.
    fn comparable(&mut self, left: Operand, col: ColId) -> Result<(ScalarExpr, ScalarExpr), SqlError> {
        let equality = self.operator("=", vec![left, Operand::Typed(ScalarExpr::Column(col))])?;
        let ScalarExpr::Call { args, .. } = equality else {
            return Err(SqlError::internal("an equality that is not a call"));
        };
        let Ok([left, right]) = <[ScalarExpr; 2]>::try_from(args) else {
            return Err(SqlError::internal("an equality of other than two"));
        };
        let types = [self.typ(&left).ty.without_modifier(), self.typ(&right).ty.without_modifier()];
        if types[0] == types[1] {
            return Ok((left, right));
        }
        let ty = common_type(&types.map(Some), "IN")?;
        Ok((self.cast(left, &ty, Context::Implicit)?, self.cast(right, &ty, Context::Implicit)?))
    }

    /// `left op ANY (…)`, `left op ALL (…)` over a query or an array.
    pub fn quantified(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        any: bool,
    ) -> Result<ScalarExpr, SqlError> {
        let left = self.operand(left)?;
        let op = op.to_string();
        let query = match right {
            Expr::Subquery(query) => query,
            _ => return self.quantified_array(left, &op, right, any),
        };
        let (rel, output) = self.subquery(query)?;
        match (op.as_str(), any) {
            ("=", true) => return self.is_in(left, rel, &output.cols),
            ("<>", false) => return not(self.is_in(left, rel, &output.cols)?),
            _ => {}
        }
        let right = match &left {
            Operand::Row(fields) => {
                check_width(fields.len(), output.cols.len())?;
                Operand::Row(output.cols.iter().map(|c| Operand::Typed(ScalarExpr::Column(*c))).collect())
            }
            _ => {
                check_width(1, output.cols.len())?;
                Operand::Typed(ScalarExpr::Column(output.cols[0]))
            }
        };
        let test = self.compare(&op, left, right)?;
        self.quantify(rel, test, any)
    }

    /// Counts how often a test is true (false) and NULL over a relation, and concludes.
    fn quantify(&mut self, rel: HirRel, test: ScalarExpr, any: bool) -> Result<ScalarExpr, SqlError> {
        let tested = self.column("test", SqlType::Bool.nullable(true));
        let rel = rel.map(vec![(tested, test)]);
        let test = ScalarExpr::Column(tested);
        let decisive = self.column("decisive", SqlType::Int8.nullable(false));
        let unknown = self.column("unknown", SqlType::Int8.nullable(false));
        let wanted = if any { test.clone() } else { not(test.clone())? };
        let aggregates = vec![(decisive, count_where(wanted)), (unknown, count_where(is_null(test)?))];
        let rel = HirRel::Reduce { input: Box::new(rel), keys: Vec::new(), aggregates };
        let mut some = |col| {
            let zero = Operand::Typed(constant(Datum::Int8(0), SqlType::Int8));
            self.operator(">", vec![Operand::Typed(ScalarExpr::Column(col)), zero])
        };
        let value = ScalarExpr::If {
            condition: Box::new(some(decisive)?),
            then: Box::new(constant(Datum::Bool(any), SqlType::Bool)),
            otherwise: Box::new(ScalarExpr::If {
                condition: Box::new(some(unknown)?),
                then: Box::new(null(&SqlType::Bool)),
                otherwise: Box::new(constant(Datum::Bool(!any), SqlType::Bool)),
            }),
        };
        let result = self.column("any", SqlType::Bool.nullable(true));
        let rel = rel.map(vec![(result, value)]).project(vec![result]);
        self.add_subquery(SubqueryKind::Scalar(result), rel, SqlType::Bool.nullable(true))
    }

    fn quantified_array(&mut self, left: Operand, op: &str, right: &Expr, any: bool) -> Result<ScalarExpr, SqlError> {
        let array = match (self.operand(right)?, self.operand_type(&left)) {
            (Operand::Array(elements), _) if !elements.is_empty() => {
                let tests =
                    elements.into_iter().map(|e| self.compare(op, left.clone(), e)).collect::<Result<Vec<_>, _>>()?;
                return Ok(if any { ScalarExpr::Or(tests) } else { ScalarExpr::And(tests) });
            }
            (open @ (Operand::Text(..) | Operand::Null | Operand::Param(_) | Operand::Array(_)), Some(ty)) => {
                let ty = SqlType::Array(Box::new(ty.without_modifier()));
                Operand::Typed(self.coerce(open, &ty, Context::Implicit)?)
            }
            (other, _) => other,
        };
        let suffix = match op {
            "=" => "eq",
            "<>" => "ne",
            "<" => "lt",
            "<=" => "le",
            ">" => "gt",
            ">=" => "ge",
            "~~" => "like",
            _ => return Err(SqlError::unsupported(format!("{op} ANY/ALL of an array"))),
        };
        if !matches!(self.operand_type(&array), Some(SqlType::Array(_) | SqlType::Vector(_))) {
            let message = "op ANY/ALL (array) requires array on right side";
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let quantifier = if any { "any" } else { "all" };
        self.function_call(&format!("{quantifier}_{suffix}"), vec![left, array])
    }

    /// `ARRAY(query)`, `LIST(query)`
    pub fn array_subquery(&mut self, query: &ast::Query, list: bool) -> Result<ScalarExpr, SqlError> {
        let ordered = self.query(query)?;
        let order: Vec<ColId> = ordered.order.iter().map(|o| o.col).collect();
        let directions = ordered.order.iter().enumerate();
        let directions =
            directions.map(|(column, o)| ColumnOrder { column, desc: o.desc, nulls_first: o.nulls_first }).collect();
        let (rel, output) = ordered.into_relation();
        let [col] = output.cols[..] else {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery must return only one column"));
        };
        let of = self.types[col].ty.clone();
        let element = match &of {
            SqlType::Array(inner) => (**inner).clone(),
            other => other.clone(),
        };
        let (ty, func) = match (list, &of) {
            (true, _) => (SqlType::List(Box::new(of.clone())), AggregateFunc::ListAgg(of)),
            // Arrays become an array of one more dimension, which is of the same type.
            (false, SqlType::Array(_)) => (of.clone(), AggregateFunc::ArrayAgg(of)),
            (false, _) => (SqlType::Array(Box::new(of.clone())), AggregateFunc::ArrayAgg(of)),
        };
        let aggregate = AggregateExpr {
            func,
            args: vec![ScalarExpr::Column(col)],
            filter: None,
            distinct: false,
            order: directions,
            order_exprs: order.into_iter().map(ScalarExpr::Column).collect(),
        };
        let id = self.column("array", ty.clone().nullable(true));
        let rel = HirRel::Reduce { input: Box::new(rel), keys: Vec::new(), aggregates: vec![(id, aggregate)] };
        let empty = match list {
            true => self.coerce(Operand::List(Vec::new()), &ty, Context::Implicit)?,
            false => self.array(Vec::new(), &element, false)?,
        };
        let result = self.column("array", ty.clone().nullable(false));
        let rel =
            rel.map(vec![(result, ScalarExpr::Coalesce(vec![ScalarExpr::Column(id), empty]))]).project(vec![result]);
        self.add_subquery(SubqueryKind::Scalar(result), rel, ty.nullable(false))
    }
}

fn count_where(filter: ScalarExpr) -> AggregateExpr {
    let (order, order_exprs) = (Vec::new(), Vec::new());
    AggregateExpr {
        func: AggregateFunc::Count,
        args: Vec::new(),
        filter: Some(filter),
        distinct: false,
        order,
        order_exprs,
    }
}

fn check_width(left: usize, right: usize) -> Result<(), SqlError> {
    let message = match left.cmp(&right) {
        std::cmp::Ordering::Less => "subquery has too many columns",
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Greater => "subquery has too few columns",
    };
    Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
}
