//! Scalar expressions, by kind.

use super::planner::{Planner, fold};
use crate::coerce::{Context, Operand, constant};
use crate::scope::Found;
use expr::ScalarExpr;
use expr::func::by_name;
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, BinaryOperator, Expr, UnaryOperator};

/// A call of the function with this unique name.
pub(crate) fn call(name: &str, args: Vec<ScalarExpr>) -> Result<ScalarExpr, SqlError> {
    let func = by_name(name).ok_or_else(|| SqlError::internal(format!("no function {name}")))?;
    Ok(ScalarExpr::Call { func, args })
}

/// `NOT expr`
pub(crate) fn not(expr: ScalarExpr) -> Result<ScalarExpr, SqlError> {
    call("not", vec![expr])
}

/// `expr IS NULL`
pub(crate) fn is_null(expr: ScalarExpr) -> Result<ScalarExpr, SqlError> {
    call("is_null", vec![expr])
}

impl Planner<'_, '_> {
    /// Plans an expression and settles its type.
    pub fn expr(&mut self, expr: &Expr) -> Result<ScalarExpr, SqlError> {
        let operand = self.operand(expr)?;
        self.settle(operand).map_err(|e| e.at(self.position(expr)))
    }

    /// Plans a condition of a clause.
    pub fn predicate(&mut self, expr: &Expr, clause: &'static str) -> Result<ScalarExpr, SqlError> {
        let operand = self.operand(expr)?;
        self.condition(operand, clause).map_err(|e| e.at(self.position(expr)))
    }

    /// Plans an expression, leaving open types open.
    pub fn operand(&mut self, expr: &Expr) -> Result<Operand, SqlError> {
        self.operand_inner(expr).map_err(|e| e.at(self.position(expr)))
    }

    fn operand_inner(&mut self, expr: &Expr) -> Result<Operand, SqlError> {
        let typed = match expr {
            Expr::Nested(inner) => return self.operand(inner),
            Expr::Value(value) => return self.value(value),
            Expr::Identifier(ident) => self.name(std::slice::from_ref(ident))?,
            Expr::CompoundIdentifier(idents) => self.name(idents)?,
            Expr::Array(array) => return Ok(Operand::Array(self.operands(&array.elem)?)),
            Expr::Tuple(fields) if fields.is_empty() => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\""));
            }
            Expr::Tuple(fields) => return Ok(Operand::Row(self.operands(fields)?)),
            Expr::BinaryOp { left, op, right } => return self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => return self.unary(*op, expr),
            Expr::Cast { kind: ast::CastKind::Cast | ast::CastKind::DoubleColon, expr, data_type, .. } => {
                self.cast_to(expr, data_type)?
            }
            Expr::TypedString(typed) => self.typed_string(typed)?,
            Expr::Interval(interval) => self.interval(interval)?,
            Expr::Function(function) => return self.function(function),
            Expr::Exists { subquery, negated } => self.exists(subquery, *negated)?,
            Expr::Subquery(query) => self.scalar_subquery(query)?,
            Expr::InSubquery { expr, subquery, negated } => self.in_subquery(expr, subquery, *negated)?,
            Expr::Collate { expr, collation } => self.collate(expr, collation)?,
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain)?,
            _ => return self.special(expr),
        };
        Ok(Operand::Typed(typed))
    }

    /// Plans several expressions.
    pub fn operands(&mut self, exprs: &[Expr]) -> Result<Vec<Operand>, SqlError> {
        exprs.iter().map(|e| self.operand(e)).collect()
    }

    /// A column, or a table's whole row.
    fn name(&mut self, idents: &[ast::Ident]) -> Result<ScalarExpr, SqlError> {
        let names: Vec<String> = idents.iter().map(fold).collect();
        if let ([ident], [name]) = (idents, &names[..])
            && ident.quote_style.is_none()
            && let Some(value) = self.bare_function(name)?
        {
            return Ok(value);
        }
        let found = self.resolve_column(&names).map_err(|e| match idents.first() {
            Some(first) => e.at(self.span_position(first.span)),
            None => e,
        })?;
        match found {
            Found::Column(id) => Ok(ScalarExpr::Column(id)),
            Found::Oid(oid) => Ok(constant(Datum::Oid(oid), SqlType::Oid)),
            Found::Row(columns, present) => self.row_of(columns, present),
        }
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Operand, SqlError> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => return self.junction(left, op, right).map(Operand::Typed),
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                return self.compare(&op.to_string(), left, right).map(Operand::Typed);
            }
            BinaryOperator::Overlaps => return self.overlaps(left, right).map(Operand::Typed),
            _ => {}
        }
        let name = operator_name(op)?;
        let args = vec![self.operand(left)?, self.operand(right)?];
        self.operator(&name, args).map(Operand::Typed)
    }

    /// A chain of AND or of OR becomes one node, however long it is.
    fn junction(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<ScalarExpr, SqlError> {
        let mut parts = vec![right];
        let mut rest = left;
        while let Expr::BinaryOp { left, op: inner, right } = rest {
            if inner != op {
                break;
            }
            parts.push(right);
            rest = left;
        }
        parts.push(rest);
        let clause = if *op == BinaryOperator::And { "AND" } else { "OR" };
        let parts = parts.into_iter().rev().map(|e| self.predicate(e, clause)).collect::<Result<Vec<_>, _>>()?;
        Ok(if *op == BinaryOperator::And { ScalarExpr::And(parts) } else { ScalarExpr::Or(parts) })
    }

    fn unary(&mut self, op: UnaryOperator, expr: &Expr) -> Result<Operand, SqlError> {
        match (op, expr) {
            (UnaryOperator::Not, _) => {
                let inner = self.predicate(expr, "NOT")?;
                return not(inner).map(Operand::Typed);
            }
            (UnaryOperator::Minus, Expr::Value(value)) => {
                if let ast::Value::Number(digits, _) = &value.value {
                    return super::literal::number(&format!("-{digits}")).map(Operand::Typed);
                }
            }
            _ => {}
        }
        let name = match op {
            UnaryOperator::Plus => "+",
            UnaryOperator::Minus => "-",
            UnaryOperator::BitwiseNot => "~",
            UnaryOperator::PGAbs => "@",
            UnaryOperator::PGSquareRoot => "|/",
            UnaryOperator::PGCubeRoot => "||/",
            other => return Err(SqlError::unsupported(format!("the operator {other}"))),
        };
        let operand = self.operand(expr)?;
        self.operator(name, vec![operand]).map(Operand::Typed)
    }

    fn collate(&mut self, expr: &Expr, collation: &ast::ObjectName) -> Result<ScalarExpr, SqlError> {
        let name = super::planner::name_parts(collation)?.pop().unwrap_or_default();
        if !["default", "C", "c", "POSIX", "ucs_basic"].contains(&name.as_str()) {
            let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
            return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
        }
        self.expr(expr)
    }

    /// `a[1]`, `a[1:2]`, `(row).field`
    fn access(&mut self, root: &Expr, chain: &[ast::AccessExpr]) -> Result<ScalarExpr, SqlError> {
        let (mut value, mut rest) = self.accessed(root, chain)?;
        while let Some(first) = rest.first() {
            // Subscripts in a row are one access to an array of several dimensions.
            let many = rest.iter().take_while(|a| matches!(a, ast::AccessExpr::Subscript(_))).count();
            value = match first {
                ast::AccessExpr::Subscript(_) => self.subscripts(value, &rest[..many])?,
                ast::AccessExpr::Dot(Expr::Identifier(field)) => self.field(value, &fold(field))?,
                ast::AccessExpr::Dot(other) => {
                    return Err(SqlError::unsupported(format!("access to the field {other}")));
                }
            };
            rest = &rest[many.max(1)..];
        }
        Ok(value)
    }

    /// What is accessed, and how: the first names are those of a column, as in `table.column[1]`.
    fn accessed<'a>(
        &mut self,
        root: &Expr,
        chain: &'a [ast::AccessExpr],
    ) -> Result<(ScalarExpr, &'a [ast::AccessExpr]), SqlError> {
        let mut idents = match root {
            Expr::Identifier(ident) => vec![ident.clone()],
            Expr::CompoundIdentifier(idents) => idents.clone(),
            other => return Ok((self.expr(other)?, chain)),
        };
        let names = chain.iter().map_while(|access| match access {
            ast::AccessExpr::Dot(Expr::Identifier(name)) => Some(name.clone()),
            _ => None,
        });
        let named = idents.len();
        idents.extend(names);
        let used = idents.len() - named;
        Ok((self.name(&idents)?, &chain[used..]))
    }

    fn subscripts(&mut self, value: ScalarExpr, accesses: &[ast::AccessExpr]) -> Result<ScalarExpr, SqlError> {
        let ty = self.typ(&value).ty.vector_as_array();
        if let SqlType::List(_) = ty {
            return self.list_subscripts(value, accesses);
        }
        let value = self.cast(value, &ty, Context::Implicit)?;
        if !matches!(ty, SqlType::Array(_) | SqlType::Jsonb) {
            let message = format!("cannot subscript type {ty} because it does not support subscripting");
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let mut args = vec![Operand::Typed(value)];
        for access in accesses {
            match access {
                ast::AccessExpr::Subscript(ast::Subscript::Index { index }) if ty == SqlType::Jsonb => {
                    args.push(self.operand(index)?);
                    args = vec![Operand::Typed(self.operator("->", args)?)];
                }
                ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => args.push(self.subscript(Some(index))?),
                ast::AccessExpr::Subscript(ast::Subscript::Slice { lower_bound, upper_bound, stride: None })
                    if accesses.len() == 1 && ty != SqlType::Jsonb =>
                {
                    // A slice ends where the array does: a bound that is left out is one beyond all.
                    args.push(self.bound(lower_bound.as_ref(), i32::MIN)?);
                    args.push(self.bound(upper_bound.as_ref(), i32::MAX)?);
                    return self.function_call("array_slice", args);
                }
                _ => return Err(SqlError::unsupported("this kind of subscript")),
            }
        }
        match (args.len(), args.pop()) {
            (1, Some(Operand::Typed(value))) => Ok(value),
            (_, last) => self.function_call("array_index", args.into_iter().chain(last).collect()),
        }
    }

    /// `list[1][2]`, `list[1:2]`: each subscript is of the list that those before it give.
    fn list_subscripts(&mut self, list: ScalarExpr, accesses: &[ast::AccessExpr]) -> Result<ScalarExpr, SqlError> {
        let mut value = list;
        for access in accesses {
            let ast::AccessExpr::Subscript(subscript) = access else {
                return Err(SqlError::unsupported("this kind of subscript"));
            };
            value = match subscript {
                ast::Subscript::Index { index } => {
                    let index = self.operand(index)?;
                    self.function_call("list_index", vec![Operand::Typed(value), index])?
                }
                ast::Subscript::Slice { lower_bound, upper_bound, .. } => {
                    let lower = self.bound(lower_bound.as_ref(), i32::MIN)?;
                    let upper = self.bound(upper_bound.as_ref(), i32::MAX)?;
                    self.function_call("list_slice", vec![Operand::Typed(value), lower, upper])?
                }
            };
        }
        Ok(value)
    }

    fn bound(&mut self, index: Option<&Expr>, default: i32) -> Result<Operand, SqlError> {
        match index {
            Some(_) => self.subscript(index),
            None => Ok(Operand::Typed(constant(Datum::Int4(default), SqlType::Int4))),
        }
    }

    /// An int4.
    fn subscript(&mut self, index: Option<&Expr>) -> Result<Operand, SqlError> {
        let operand = index.map_or(Ok(Operand::Null), |e| self.operand(e))?;
        Ok(Operand::Typed(self.coerce(operand, &SqlType::Int4, Context::Assignment)?))
    }

    /// TRUE, FALSE and NULL conditions: `IS TRUE` and its kin never give NULL.
    pub fn truth(
        &mut self,
        expr: &Expr,
        value: Option<bool>,
        negated: bool,
        clause: &'static str,
    ) -> Result<ScalarExpr, SqlError> {
        let operand = self.predicate(expr, clause)?;
        let test = match value {
            None => is_null(operand)?,
            Some(true) => ScalarExpr::Coalesce(vec![operand, constant(Datum::Bool(false), SqlType::Bool)]),
            Some(false) => not(ScalarExpr::Coalesce(vec![operand, constant(Datum::Bool(true), SqlType::Bool)]))?,
        };
        if negated { not(test) } else { Ok(test) }
    }
}

/// What the function table calls an operator.
fn operator_name(op: &BinaryOperator) -> Result<String, SqlError> {
    match op {
        BinaryOperator::PGCustomBinaryOperator(parts) => match &parts[..] {
            [name] => Ok(name.clone()),
            [schema, name] if schema.eq_ignore_ascii_case("pg_catalog") => Ok(name.clone()),
            _ => Err(SqlError::unsupported(format!("the operator {op}"))),
        },
        _ => Ok(op.to_string()),
    }
}
