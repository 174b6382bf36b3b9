//! Casts between oids and the names they stand for: `regclass`, `regproc`, `regtype`, `regnamespace`, `regrole`.
//!
//! The last two are no types of their own here: a cast to them gives an oid, a cast from there to text gives the name.

use super::super::planner::{Planner, fold};
use crate::coerce::{Category, Context, Operand, category};
use crate::types::sql_type;
use expr::ScalarExpr;
use expr::func::casts;
use repr::{SqlError, SqlType};
use sqlparser::ast::{DataType, Expr};

/// The functions that read and print names of a class of objects.
struct Names {
    input: &'static str,
    output: &'static str,
}

fn names_of(ty: &SqlType) -> Option<Names> {
    match ty {
        SqlType::Regclass => Some(Names { input: "to_regclass", output: "mz_regclass_out" }),
        SqlType::Regproc => Some(Names { input: "to_regproc", output: "mz_regproc_out" }),
        SqlType::Regtype => Some(Names { input: "to_regtype", output: "mz_regtype_out" }),
        _ => None,
    }
}

/// What a type that only names oids reads and prints.
fn alias_names(data_type: &DataType) -> Option<Names> {
    let DataType::Custom(name, _) = data_type else { return None };
    let last = name.0.last()?.as_ident().map(fold)?;
    match last.as_str() {
        "regnamespace" => Some(Names { input: "to_regnamespace", output: "mz_regnamespace_out" }),
        "regrole" => Some(Names { input: "to_regrole", output: "mz_regrole_out" }),
        "regprocedure" => Some(Names { input: "to_regproc", output: "mz_regproc_out" }),
        _ => None,
    }
}

/// The expression inside parentheses.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

impl Planner<'_, '_> {
    /// `expr::type`
    pub fn cast_to(&mut self, expr: &Expr, data_type: &DataType) -> Result<ScalarExpr, SqlError> {
        if let Some(names) = alias_names(data_type) {
            let operand = self.operand(expr)?;
            return self.oid_of(operand, &names);
        }
        let ty = sql_type(self.qcx.catalog, data_type)?;
        if let Expr::Cast { data_type: inner, .. } = bare(expr)
            && let Some(names) = alias_names(inner)
            && category(&ty) == Category::String
        {
            let oid = self.operand(expr)?;
            let text = self.required_inline(names.output, oid)?;
            return self.cast(text, &ty, Context::Explicit);
        }
        let operand = self.operand(expr)?;
        let value = self.coerce(operand, &ty, Context::Explicit)?;
        self.limit_digits(value, data_type)
    }

    fn oid_of(&mut self, operand: Operand, names: &Names) -> Result<ScalarExpr, SqlError> {
        let is_text = self.operand_type(&operand).is_none_or(|ty| category(&ty) == Category::String);
        let is_number = matches!(&operand, Operand::Text(text, _) if text.parse::<u32>().is_ok());
        if is_text && !is_number && !matches!(operand, Operand::Null) {
            return self.required_inline(names.input, operand);
        }
        self.coerce(operand, &SqlType::Oid, Context::Explicit)
    }

    fn required_inline(&mut self, name: &str, arg: Operand) -> Result<ScalarExpr, SqlError> {
        let value = self.inline_function(name, &[arg])?;
        value.ok_or_else(|| SqlError::internal(format!("no function {name}")))
    }

    /// A cast between a name and the oid that it stands for; none if that is not what is cast, or cannot be looked up here.
    pub fn cast_name(
        &mut self,
        expr: &ScalarExpr,
        to: &SqlType,
        context: Context,
    ) -> Result<Option<ScalarExpr>, SqlError> {
        let from = self.typ(expr).ty;
        if names_of(to).is_some() && matches!(from, SqlType::Int2 | SqlType::Int4 | SqlType::Int8) {
            let oid = self.cast(expr.clone(), &SqlType::Oid, context)?;
            return self.cast(oid, to, context).map(Some);
        }
        if !self.frames.last().is_some_and(|frame| frame.clause.subqueries) {
            return Ok(None);
        }
        if let (Some(names), Category::String) = (names_of(&from), category(to)) {
            if context == Context::Implicit {
                return Ok(None);
            }
            let oid = self.cast(expr.clone(), &SqlType::Oid, Context::Implicit)?;
            let text = self.required_inline(names.output, Operand::Typed(oid))?;
            return self.cast(text, to, context).map(Some);
        }
        let (Category::String, Some(names)) = (category(&from), names_of(to)) else { return Ok(None) };
        let Some((_, cast)) = casts::lookup(&from, to) else { return Ok(None) };
        let text = self.cast(expr.clone(), &SqlType::Text, Context::Explicit)?;
        // What is no name in sight is a number, or an error.
        let number = cast.apply_in(text.clone(), to, context);
        let found = self.required_inline(names.input, Operand::Typed(text))?;
        Ok(Some(ScalarExpr::Coalesce(vec![found, number])))
    }
}
