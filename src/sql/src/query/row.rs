//! Rows, arrays and comparisons of rows.

use super::expr::{call, is_null, not};
use super::planner::{Planner, name_parts};
use crate::coerce::{Operand, constant};
use crate::hir::ColId;
use expr::{Func, ScalarExpr};
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{FunctionArg, FunctionArgExpr};

/// Whether a function makes a record of its arguments.
pub(super) fn is_row(func: Func) -> bool {
    func.0.name == "row" || func.0.name.starts_with("named_row(")
}

impl Planner<'_, '_> {
    /// The fields of `ROW(a, t.*)`.
    pub(super) fn row_fields(&mut self, args: &[FunctionArg]) -> Result<Vec<Operand>, SqlError> {
        let mut fields = Vec::new();
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => fields.push(self.operand(expr)?),
                FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(table)) => {
                    let columns = self.table_star(&name_parts(table)?)?;
                    fields.extend(columns.into_iter().map(|(_, id)| Operand::Typed(ScalarExpr::Column(id))));
                }
                other => {
                    let message = format!("syntax error at or near \"{other}\"");
                    return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        Ok(fields)
    }

    /// A record of these fields.
    pub fn record(&mut self, fields: Vec<ScalarExpr>) -> Result<ScalarExpr, SqlError> {
        call("row", fields)
    }

    /// A record of these columns, with their names.
    pub(super) fn named_record(&mut self, columns: &[(String, ColId)]) -> Result<ScalarExpr, SqlError> {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let values = columns.iter().map(|(_, id)| ScalarExpr::Column(*id)).collect();
        call(&expr::func::typed::row_with_names(&names), values)
    }

    /// An array of these elements, each of type `element`, or arrays of it if `deep`.
    pub fn array(&mut self, elements: Vec<ScalarExpr>, element: &SqlType, deep: bool) -> Result<ScalarExpr, SqlError> {
        let ty = SqlType::Array(Box::new(element.clone()));
        if elements.is_empty() {
            let empty = repr::array::encode_list([]);
            return Ok(constant(Datum::Array(repr::ArrayRef::from_encoded(&empty)), ty));
        }
        call(if deep { "array_of_arrays" } else { "array_create" }, elements)
    }

    /// One field of a record.
    pub fn field(&mut self, value: ScalarExpr, name: &str) -> Result<ScalarExpr, SqlError> {
        let ty = self.typ(&value).ty;
        let Some(fields) = ty.fields() else {
            let message = format!("column notation .{name} applied to type {ty}, which is not a composite type");
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        };
        let Some(at) = fields.iter().position(|(n, _)| n == name) else {
            let message = match &ty {
                SqlType::Composite(ty) => format!("column \"{name}\" not found in data type {}", ty.name),
                _ => format!("could not identify column \"{name}\" in record data type"),
            };
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        };
        match value {
            ScalarExpr::Call { func, mut args } if is_row(func) => Ok(args.swap_remove(at)),
            value => call(&format!("field({at})"), vec![value]),
        }
    }

    /// `left op right`, field by field for rows.
    pub fn compare(&mut self, op: &str, left: Operand, right: Operand) -> Result<ScalarExpr, SqlError> {
        match (left, right) {
            (Operand::Row(left), Operand::Row(right)) => self.compare_rows(op, left, right),
            (left, right) => self.operator(op, vec![left, right]),
        }
    }

    fn compare_rows(&mut self, op: &str, left: Vec<Operand>, right: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        if left.len() != right.len() {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        match op {
            "=" => {
                let each = left.into_iter().zip(right).map(|(l, r)| self.compare("=", l, r));
                let mut parts = each.collect::<Result<Vec<_>, _>>()?;
                Ok(if parts.len() == 1 { parts.remove(0) } else { ScalarExpr::And(parts) })
            }
            "<>" => {
                let each = left.into_iter().zip(right).map(|(l, r)| self.compare("<>", l, r));
                let mut parts = each.collect::<Result<Vec<_>, _>>()?;
                Ok(if parts.len() == 1 { parts.remove(0) } else { ScalarExpr::Or(parts) })
            }
            _ => self.order_rows(op, left, right),
        }
    }

    /// `(a, b) < (c, d)`: the first fields that differ decide: `a < c OR (a = c AND b < d)`, in three-valued logic.
    fn order_rows(&mut self, op: &str, left: Vec<Operand>, right: Vec<Operand>) -> Result<ScalarExpr, SqlError> {
        let strict = &op[..1];
        let mut pairs = left.into_iter().zip(right).rev();
        let Some((l, r)) = pairs.next() else { return Ok(constant(Datum::Bool(op.len() > 1), SqlType::Bool)) };
        let mut result = self.compare(op, l, r)?;
        for (l, r) in pairs {
            let less = self.compare(strict, l.clone(), r.clone())?;
            let equal = self.compare("=", l, r)?;
            // NULL in an earlier field makes the whole NULL, whatever follows.
            let later = ScalarExpr::If {
                condition: Box::new(is_null(equal.clone())?),
                then: Box::new(crate::coerce::null(&SqlType::Bool)),
                otherwise: Box::new(ScalarExpr::And(vec![equal, result])),
            };
            result = ScalarExpr::Or(vec![less, later]);
        }
        Ok(result)
    }

    /// `left IS DISTINCT FROM right`: NULL is a value like others.
    pub fn distinct_from(&mut self, left: Operand, right: Operand, negated: bool) -> Result<ScalarExpr, SqlError> {
        if let (Operand::Row(left), Operand::Row(right)) = (&left, &right) {
            if left.len() != right.len() {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
            }
            let pairs = left.iter().cloned().zip(right.iter().cloned());
            let each = pairs.map(|(l, r)| self.distinct_from(l, r, false)).collect::<Result<Vec<_>, _>>()?;
            let distinct = ScalarExpr::Or(each);
            return if negated { not(distinct) } else { Ok(distinct) };
        }
        let equal = self.operator("=", vec![left, right])?;
        let ScalarExpr::Call { args, .. } = &equal else {
            return Err(SqlError::internal("an equality that is not a call"));
        };
        let [left, right] = &args[..] else { return Err(SqlError::internal("an equality of other than two")) };
        // Equal and not NULL, or both NULL; the call is NULL if either is.
        let both_null = ScalarExpr::And(vec![is_null(left.clone())?, is_null(right.clone())?]);
        let same = ScalarExpr::Coalesce(vec![equal, both_null]);
        if negated { Ok(same) } else { not(same) }
    }
}
