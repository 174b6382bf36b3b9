//! Evaluating scalar expressions.
//!
//! LAW: the value, or the error, is a function of the expression and the columns' values alone. Where several operands of
//! AND or OR err, the least error is returned, so that the order in which a rewrite leaves them does not show.

use crate::func::Nulls;
use crate::scalar::ScalarExpr;
use crate::visit::grow;
use repr::{Arena, Datum, EvalError, SqlError};
use smallvec::SmallVec;

impl ScalarExpr {
    /// The value over a row's values; what it makes lives in the arena. Unmaterializable functions must be gone by now.
    pub fn eval<'a>(&'a self, datums: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
        match self {
            ScalarExpr::Column(at) => match datums.get(*at) {
                Some(datum) => Ok(*datum),
                None => Err(SqlError::internal(format!("no column {at} in a row of {}", datums.len()))),
            },
            ScalarExpr::Literal(Ok(row), _) => Ok(row.iter().next().unwrap_or(Datum::Null)),
            ScalarExpr::Literal(Err(error), _) => Err(error.clone()),
            other => grow(|| other.eval_node(datums, arena)),
        }
    }

    fn eval_node<'a>(&'a self, datums: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
        match self {
            ScalarExpr::Call { func, args } => {
                let mut values: SmallVec<[Datum<'a>; 4]> = SmallVec::with_capacity(args.len());
                for arg in args {
                    values.push(arg.eval(datums, arena)?);
                }
                let strict = matches!(func.0.nulls, Nulls::Strict | Nulls::StrictMayReturnNull);
                if strict && values.iter().any(Datum::is_null) {
                    return Ok(Datum::Null);
                }
                func.0.call(&values, arena)
            }
            ScalarExpr::If { condition, then, otherwise } => {
                let branch = if condition.eval(datums, arena)?.is_true() { then } else { otherwise };
                branch.eval(datums, arena)
            }
            ScalarExpr::And(operands) => eval_logic(operands, false, datums, arena),
            ScalarExpr::Or(operands) => eval_logic(operands, true, datums, arena),
            ScalarExpr::Coalesce(operands) => {
                for operand in operands {
                    let value = operand.eval(datums, arena)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Datum::Null)
            }
            ScalarExpr::Unmaterializable(function) => {
                Err(SqlError::internal(format!("{function:?} was not replaced before evaluation")))
            }
            ScalarExpr::Column(_) | ScalarExpr::Literal(..) => self.eval(datums, arena),
        }
    }
}

/// AND (`decisive` is false) or OR (`decisive` is true): decisive if any operand is, else the least error, else NULL if any is.
fn eval_logic<'a>(
    operands: &'a [ScalarExpr],
    decisive: bool,
    datums: &[Datum<'a>],
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut error: Option<EvalError> = None;
    let mut null = false;
    for operand in operands {
        match operand.eval(datums, arena) {
            Ok(Datum::Bool(value)) if value == decisive => return Ok(Datum::Bool(decisive)),
            Ok(value) => null |= value.is_null(),
            Err(e) if error.as_ref().is_none_or(|least| e < *least) => error = Some(e),
            Err(_) => {}
        }
    }
    match error {
        Some(error) => Err(error),
        None if null => Ok(Datum::Null),
        None => Ok(Datum::Bool(!decisive)),
    }
}
