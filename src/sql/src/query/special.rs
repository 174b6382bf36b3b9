//! Expressions with a syntax of their own: CASE, BETWEEN, IN lists, LIKE, EXTRACT, SUBSTRING and their like.

use super::expr::{is_null, not};
use super::planner::Planner;
use crate::coerce::{Context, Operand, constant, null};
use expr::ScalarExpr;
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, CeilFloorKind, DateTimeField, Expr, TrimWhereField};

impl Planner<'_, '_> {
    /// Expressions that are neither names, values, operators nor functions.
    pub fn special(&mut self, expr: &Expr) -> Result<Operand, SqlError> {
        let typed = match expr {
            Expr::IsNull(e) => self.null_test(e, false)?,
            Expr::IsNotNull(e) => self.null_test(e, true)?,
            Expr::IsTrue(e) => self.truth(e, Some(true), false, "IS TRUE")?,
            Expr::IsNotTrue(e) => self.truth(e, Some(true), true, "IS NOT TRUE")?,
            Expr::IsFalse(e) => self.truth(e, Some(false), false, "IS FALSE")?,
            Expr::IsNotFalse(e) => self.truth(e, Some(false), true, "IS NOT FALSE")?,
            Expr::IsUnknown(e) => self.truth(e, None, false, "IS UNKNOWN")?,
            Expr::IsNotUnknown(e) => self.truth(e, None, true, "IS NOT UNKNOWN")?,
            Expr::IsDistinctFrom(l, r) => self.distinct(l, r, false)?,
            Expr::IsNotDistinctFrom(l, r) => self.distinct(l, r, true)?,
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated)?,
            Expr::Between { expr, negated, low, high } => self.between(expr, *negated, low, high)?,
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(if *negated { "!~~" } else { "~~" }, expr, pattern, escape_char.as_deref())?
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(if *negated { "!~~*" } else { "~~*" }, expr, pattern, escape_char.as_deref())?
            }
            Expr::SimilarTo { negated, expr, pattern, escape_char } => {
                self.similar(*negated, expr, pattern, escape_char.as_deref())?
            }
            Expr::AnyOp { left, compare_op, right, .. } => self.quantified(left, compare_op, right, true)?,
            Expr::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, false)?,
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())?
            }
            Expr::AtTimeZone { timestamp, time_zone } => self.call_on("timezone", &[time_zone, timestamp])?,
            Expr::Extract { field, expr, .. } => self.extract(field, expr)?,
            Expr::Ceil { expr, field } => self.rounding("ceil", expr, field)?,
            Expr::Floor { expr, field } => self.rounding("floor", expr, field)?,
            Expr::Position { expr, r#in } => self.call_on("position", &[r#in, expr])?,
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref())?
            }
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                self.trim(trim_where.as_ref(), trim_what.as_deref(), expr, trim_characters.as_deref())?
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut args: Vec<&Expr> = vec![expr, overlay_what, overlay_from];
                args.extend(overlay_for.as_deref());
                self.call_on("overlay", &args)?
            }
            Expr::IsNormalized { expr, form, negated } => self.normalized(expr, form.as_ref(), *negated)?,
            other => return Err(SqlError::unsupported(format!("the expression {other}"))),
        };
        Ok(Operand::Typed(typed))
    }

    /// A function of the table on these expressions.
    fn call_on(&mut self, name: &str, args: &[&Expr]) -> Result<ScalarExpr, SqlError> {
        let args = args.iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?;
        self.function_call(name, args)
    }

    /// A row is NULL if all its fields are, and NOT NULL if none is.
    fn null_test(&mut self, expr: &Expr, negated: bool) -> Result<ScalarExpr, SqlError> {
        let operand = self.operand(expr)?;
        let fields = super::whole_row::fields(operand);
        let mut tests = Vec::new();
        for field in fields {
            let test = is_null(self.settle(field)?)?;
            tests.push(if negated { not(test)? } else { test });
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { ScalarExpr::And(tests) })
    }

    fn distinct(&mut self, left: &Expr, right: &Expr, negated: bool) -> Result<ScalarExpr, SqlError> {
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        self.distinct_from(left, right, negated)
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<ScalarExpr, SqlError> {
        let mut left = self.operand(expr)?;
        let list = self.operands(list)?;
        // Untyped items take the type that all items and the left side have in common.
        let scalar = !matches!(left, Operand::Row(_)) && !list.iter().any(|o| matches!(o, Operand::Row(_)));
        if scalar && self.operand_type(&left).is_none() {
            let ty = crate::coerce::common_type(&self.operand_types(&list), "IN")?;
            left = Operand::Typed(self.coerce(left, &ty, Context::Implicit)?);
        }
        let each = list.into_iter().map(|item| self.compare("=", left.clone(), item)).collect::<Result<Vec<_>, _>>()?;
        let any = if each.len() == 1 {
            each.into_iter().next().unwrap_or_else(|| null(&SqlType::Bool))
        } else {
            ScalarExpr::Or(each)
        };
        if negated { not(any) } else { Ok(any) }
    }

    fn between(&mut self, expr: &Expr, negated: bool, low: &Expr, high: &Expr) -> Result<ScalarExpr, SqlError> {
        let (value, low, high) = (self.operand(expr)?, self.operand(low)?, self.operand(high)?);
        let above = self.compare(">=", value.clone(), low)?;
        let below = self.compare("<=", value, high)?;
        let inside = ScalarExpr::And(vec![above, below]);
        if negated { not(inside) } else { Ok(inside) }
    }

    fn like(&mut self, op: &str, expr: &Expr, pattern: &Expr, escape: Option<&Expr>) -> Result<ScalarExpr, SqlError> {
        let value = self.operand(expr)?;
        let mut pattern = self.operand(pattern)?;
        if let Some(escape) = escape {
            let escape = self.operand(escape)?;
            pattern = Operand::Typed(self.function_call("like_escape", vec![pattern, escape])?);
        }
        self.operator(op, vec![value, pattern])
    }

    fn similar(
        &mut self,
        negated: bool,
        expr: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
    ) -> Result<ScalarExpr, SqlError> {
        let value = self.operand(expr)?;
        let mut args = vec![self.operand(pattern)?];
        args.extend(escape.map(|e| self.operand(e)).transpose()?);
        let regex = self.function_call("similar_to_escape", args)?;
        self.operator(if negated { "!~" } else { "~" }, vec![value, Operand::Typed(regex)])
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        whens: &[ast::CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<ScalarExpr, SqlError> {
        let subject = operand.map(|e| self.operand(e)).transpose()?;
        let (mut conditions, mut results) = (Vec::new(), Vec::new());
        let guards = self.frame()?.guards.len();
        for when in whens {
            let condition = match &subject {
                None => self.predicate(&when.condition, "CASE/WHEN")?,
                Some(subject) => {
                    let value = self.operand(&when.condition)?;
                    self.compare("=", subject.clone(), value)?
                }
            };
            self.frame()?.guards.push(condition.clone());
            results.push(self.operand(&when.result)?);
            self.frame()?.guards.pop();
            let untrue =
                not(ScalarExpr::Coalesce(vec![condition.clone(), constant(Datum::Bool(false), SqlType::Bool)]))?;
            self.frame()?.guards.push(untrue);
            conditions.push(condition);
        }
        // PostgreSQL lets ELSE speak first when it looks for the common type.
        let otherwise = otherwise.map(|e| self.operand(e)).transpose()?.unwrap_or(Operand::Null);
        self.frame()?.guards.truncate(guards);
        results.insert(0, otherwise);
        let (mut results, _) = self.unify(results, "CASE")?;
        let mut value = results.remove(0);
        for (condition, then) in conditions.into_iter().zip(results).rev() {
            value = ScalarExpr::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(value) };
        }
        Ok(value)
    }

    fn extract(&mut self, field: &DateTimeField, expr: &Expr) -> Result<ScalarExpr, SqlError> {
        let field = match field {
            DateTimeField::Custom(ident) => ident.value.to_lowercase(),
            other => other.to_string().to_lowercase(),
        };
        let value = self.operand(expr)?;
        let field = Operand::Typed(constant(Datum::Text(&field), SqlType::Text));
        self.function_call("extract", vec![field, value])
    }

    fn rounding(&mut self, name: &str, expr: &Expr, field: &CeilFloorKind) -> Result<ScalarExpr, SqlError> {
        match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => self.call_on(name, &[expr]),
            _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("{name} takes one argument"))),
        }
    }

    /// `IS [NOT] [form] NORMALIZED`
    fn normalized(
        &mut self,
        expr: &Expr,
        form: Option<&ast::NormalizationForm>,
        negated: bool,
    ) -> Result<ScalarExpr, SqlError> {
        let mut args = vec![self.operand(expr)?];
        args.extend(form.map(|form| Operand::Typed(constant(Datum::Text(&form.to_string()), SqlType::Text))));
        let test = self.function_call("is_normalized", args)?;
        if negated { not(test) } else { Ok(test) }
    }

    fn substring(&mut self, expr: &Expr, from: Option<&Expr>, count: Option<&Expr>) -> Result<ScalarExpr, SqlError> {
        let mut args = vec![self.operand(expr)?];
        args.push(match from {
            Some(from) => self.operand(from)?,
            None => Operand::Typed(constant(Datum::Int4(1), SqlType::Int4)),
        });
        args.extend(count.map(|e| self.operand(e)).transpose()?);
        self.function_call("substring", args)
    }

    fn trim(
        &mut self,
        side: Option<&TrimWhereField>,
        what: Option<&Expr>,
        expr: &Expr,
        characters: Option<&[Expr]>,
    ) -> Result<ScalarExpr, SqlError> {
        let name = match side {
            None | Some(TrimWhereField::Both) => "btrim",
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
        };
        let mut args: Vec<&Expr> = vec![expr];
        args.extend(what);
        args.extend(characters.into_iter().flatten());
        self.call_on(name, &args)
    }
}
