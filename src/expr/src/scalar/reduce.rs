//! Simplifying scalar expressions.
//!
//! LAW: over every row the simplified expression has the same value, or an error that the original could have had too;
//! never an error where there was a value. Its type is the same, NULL perhaps excluded.

use crate::func::{Nulls, Volatility};
use crate::scalar::ScalarExpr;
use crate::visit::grow;
use repr::{Arena, ColumnType, Datum};

/// A folded constant longer than this stays a call: `repeat('x', 100000000)` does not belong in a plan.
const FOLDED_BYTES_MAX: usize = 64 << 10;

impl ScalarExpr {
    /// Folds constants and simplifies AND, OR, NOT, IS NULL, CASE and COALESCE.
    pub fn reduce(&mut self, columns: &[ColumnType]) {
        grow(|| {
            self.children_mut().into_iter().for_each(|child| child.reduce(columns));
            self.reduce_node(columns);
        });
    }

    fn reduce_node(&mut self, columns: &[ColumnType]) {
        match self {
            ScalarExpr::Call { .. } => self.reduce_call(columns),
            ScalarExpr::And(_) => self.reduce_logic(false),
            ScalarExpr::Or(_) => self.reduce_logic(true),
            ScalarExpr::If { .. } => self.reduce_if(columns),
            ScalarExpr::Coalesce(_) => self.reduce_coalesce(columns),
            ScalarExpr::Column(_) | ScalarExpr::Literal(..) | ScalarExpr::Unmaterializable(_) => {}
        }
    }

    fn reduce_call(&mut self, columns: &[ColumnType]) {
        let ScalarExpr::Call { func, args } = self else { return };
        if func.0.volatility == Volatility::Immutable && args.iter().all(ScalarExpr::is_literal) {
            self.fold(columns);
            return;
        }
        let strict = matches!(func.0.nulls, Nulls::Strict | Nulls::StrictMayReturnNull);
        if strict && args.iter().any(ScalarExpr::is_literal_null) && !args.iter().any(ScalarExpr::could_error) {
            *self = ScalarExpr::null(self.typ(columns).ty);
            return;
        }
        match (func.0.name, &mut args[..]) {
            ("not", [ScalarExpr::Call { func: inner, args }]) if inner.0.name == "not" => *self = args.swap_remove(0),
            ("is_null", [arg]) if !arg.could_error() && !arg.typ(columns).nullable => {
                *self = ScalarExpr::literal_false();
            }
            ("is_not_null", [arg]) if !arg.could_error() && !arg.typ(columns).nullable => {
                *self = ScalarExpr::literal_true();
            }
            _ => {}
        }
    }

    /// Replaces an expression over constants by its value or error.
    fn fold(&mut self, columns: &[ColumnType]) {
        let mut typ = self.typ(columns);
        let arena = Arena::new();
        let folded = match self.eval(&[], &arena) {
            Ok(datum) => {
                typ.nullable = datum.is_null();
                let row = repr::Row::pack([datum]);
                if row.encoded().len() > FOLDED_BYTES_MAX {
                    return;
                }
                ScalarExpr::Literal(Ok(row), typ)
            }
            Err(error) => ScalarExpr::Literal(Err(error), typ),
        };
        drop(arena);
        *self = folded;
    }

    /// AND (`decisive` is false) or OR (`decisive` is true).
    fn reduce_logic(&mut self, decisive: bool) {
        let (ScalarExpr::And(operands) | ScalarExpr::Or(operands)) = self else { return };
        let mut flat = Vec::with_capacity(operands.len());
        for operand in operands.drain(..) {
            match operand {
                ScalarExpr::And(inner) if !decisive => flat.extend(inner),
                ScalarExpr::Or(inner) if decisive => flat.extend(inner),
                other => flat.push(other),
            }
        }
        let is = |expr: &ScalarExpr, value: bool| matches!(expr.as_literal(), Some(Ok(Datum::Bool(v))) if v == value);
        if flat.iter().any(|operand| is(operand, decisive)) {
            *self = ScalarExpr::literal(Datum::Bool(decisive), repr::SqlType::Bool);
            return;
        }
        let mut seen = std::collections::HashSet::new();
        flat.retain(|operand| !is(operand, !decisive) && seen.insert(operand.clone()));
        match flat.len() {
            0 => *self = ScalarExpr::literal(Datum::Bool(!decisive), repr::SqlType::Bool),
            1 => *self = flat.remove(0),
            _ => *operands = flat,
        }
    }

    fn reduce_if(&mut self, columns: &[ColumnType]) {
        let typ = self.typ(columns);
        let ScalarExpr::If { condition, then, otherwise } = self else { return };
        let chosen = match condition.as_literal() {
            Some(Ok(value)) => Some(if value.is_true() { &mut **then } else { &mut **otherwise }),
            None if then == otherwise && !condition.could_error() => Some(&mut **then),
            _ => None,
        };
        if let Some(branch) = chosen
            && branch.typ(columns).ty == typ.ty
        {
            let branch = std::mem::replace(branch, ScalarExpr::Column(0));
            *self = branch;
        }
    }

    fn reduce_coalesce(&mut self, columns: &[ColumnType]) {
        let typ = self.typ(columns);
        let ScalarExpr::Coalesce(operands) = self else { return };
        let mut kept: Vec<ScalarExpr> = Vec::with_capacity(operands.len());
        for operand in operands.iter() {
            if operand.is_literal_null() {
                continue;
            }
            kept.push(operand.clone());
            if !operand.typ(columns).nullable {
                break;
            }
        }
        let reduced = match kept.len() {
            0 => ScalarExpr::null(typ.ty.clone()),
            1 => kept.remove(0),
            _ => ScalarExpr::Coalesce(kept),
        };
        if reduced.typ(columns).ty == typ.ty {
            *self = reduced;
        }
    }
}
