//! `(start, end) OVERLAPS (start, end)`, where an end may also be a length.
//!
//! PostgreSQL's rules for what is unknown come out of three-valued logic over sorted pairs: the earlier bound of a pair is the one that is
//! there, the later one is NULL if either is.

use super::planner::Planner;
use crate::coerce::{Operand, null};
use expr::ScalarExpr;
use repr::{SqlError, SqlState, SqlType};
use sqlparser::ast::Expr;

impl Planner<'_, '_> {
    /// Whether two periods have a moment in common; a period has its start, and not its end unless that is its start.
    pub(super) fn overlaps(&mut self, left: &Expr, right: &Expr) -> Result<ScalarExpr, SqlError> {
        let (left, right) = (self.period(left, "left")?, self.period(right, "right")?);
        let ([left_start, left_end], [right_start, right_end]) = (self.sorted(left)?, self.sorted(right)?);
        let mut test = |op: &str, a: &ScalarExpr, b: &ScalarExpr| {
            self.operator(op, vec![Operand::Typed(a.clone()), Operand::Typed(b.clone())])
        };
        let later = test(">", &left_start, &right_start)?;
        let earlier = test("<", &left_start, &right_start)?;
        let begins_in_right = test("<", &left_start, &right_end)?;
        let begins_in_left = test("<", &right_start, &left_end)?;
        let (ends_before, ends_after) = (test("<", &left_end, &right_end)?, test("<", &right_end, &left_end)?);
        let together = ScalarExpr::Or(vec![test("=", &left_end, &right_end)?, test("<>", &left_end, &right_end)?]);
        let if_later = ScalarExpr::Or(vec![begins_in_right, ends_before]);
        let if_earlier = ScalarExpr::Or(vec![begins_in_left, ends_after]);
        Ok(branch(later, if_later, branch(earlier, if_earlier, together)))
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

    fn sorted(&mut self, bounds: [Operand; 2]) -> Result<[ScalarExpr; 2], SqlError> {
        let start = self.any_function("least", bounds.to_vec())?;
        let end = self.any_function("greatest", bounds.to_vec())?;
        let mut missing = Vec::new();
        for bound in bounds {
            let bound = self.settle(bound)?;
            missing.push(super::expr::is_null(bound)?);
        }
        let unknown = null(&self.typ(&end).ty);
        Ok([start, branch(ScalarExpr::Or(missing), unknown, end)])
    }
}

fn branch(condition: ScalarExpr, then: ScalarExpr, otherwise: ScalarExpr) -> ScalarExpr {
    ScalarExpr::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) }
}
