//! `(start, end) OVERLAPS (start, end)`, where an end may also be a length.

use super::planner::Planner;
use crate::coerce::Operand;
use expr::ScalarExpr;
use repr::{SqlError, SqlState, SqlType};
use sqlparser::ast::Expr;

impl Planner<'_, '_> {
    /// Whether two periods have a moment in common; a period has its start, and not its end unless that is its start.
    pub(super) fn overlaps(&mut self, left: &Expr, right: &Expr) -> Result<ScalarExpr, SqlError> {
        let (left, right) = (self.period(left, "left")?, self.period(right, "right")?);
        self.function_call("overlaps", left.into_iter().chain(right).collect())
    }

    /// Both bounds of a side.
    fn period(&mut self, side: &Expr, which: &str) -> Result<[Operand; 2], SqlError> {
        let bounds = match self.operand(side)? {
            Operand::Row(bounds) => <[Operand; 2]>::try_from(bounds).ok(),
            _ => None,
        };
        let [start, end] = bounds.ok_or_else(|| {
            let message = format!("wrong number of parameters on {which} side of OVERLAPS expression");
            SqlError::new(SqlState::SYNTAX_ERROR, message)
        })?;
        if self.operand_type(&end) != Some(SqlType::Interval) {
            return Ok([start, end]);
        }
        let end = self.operator("+", vec![start.clone(), end])?;
        Ok([start, Operand::Typed(end)])
    }
}
