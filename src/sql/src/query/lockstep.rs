//! Several set-returning functions in one SELECT list: they go in step, and the shorter ones are NULL at the end. Served for `unnest` and
//! `generate_subscripts`, whose rows can be had by their number.

use super::planner::{Planner, TableCall};
use crate::coerce::{Context, Operand, constant, null};
use crate::hir::{HirRel, JoinKind};
use expr::{ScalarExpr, TableFunc};
use repr::{Datum, SqlError, SqlType};

impl Planner<'_, '_> {
    /// Joins the rows of several calls to each row of `rel`.
    pub fn in_step(&mut self, rel: HirRel, calls: Vec<TableCall>) -> Result<HirRel, SqlError> {
        let one = || Operand::Typed(constant(Datum::Int4(1), SqlType::Int4));
        let zero = || Operand::Typed(constant(Datum::Int4(0), SqlType::Int4));
        let mut lengths = Vec::new();
        for call in &calls {
            let (TableFunc::Unnest(_) | TableFunc::GenerateSubscripts) = call.func else {
                return Err(SqlError::unsupported("more than one set-returning function in a SELECT list"));
            };
            let length = self.function_call("array_length", vec![Operand::Typed(call.args[0].clone()), one()])?;
            let length = self.unify(vec![Operand::Typed(length), zero()], "COALESCE")?.0;
            lengths.push(ScalarExpr::Coalesce(length));
        }
        let operands = lengths.iter().cloned().map(Operand::Typed).collect();
        let longest = self.function_call("greatest", operands)?;
        let number = self.column("row", SqlType::Int4.nullable(false));
        let args = vec![constant(Datum::Int4(1), SqlType::Int4), longest, constant(Datum::Int4(1), SqlType::Int4)];
        let series = HirRel::CallTable { func: TableFunc::GenerateSeries(SqlType::Int4), args, cols: vec![number] };
        let (left, right) = (Box::new(rel), Box::new(series));
        let rel = HirRel::Join { left, right, kind: JoinKind::Inner, subqueries: Vec::new(), on: Vec::new() };
        let mut exprs = Vec::new();
        for (call, length) in calls.into_iter().zip(lengths) {
            let col = call.cols[0];
            self.types[col].nullable = true;
            let value = self.row_of_call(call, length, ScalarExpr::Column(number))?;
            exprs.push((col, value));
        }
        Ok(rel.map(exprs))
    }

    /// The value of a call's row of this number.
    fn row_of_call(&mut self, call: TableCall, length: ScalarExpr, number: ScalarExpr) -> Result<ScalarExpr, SqlError> {
        let array = Operand::Typed(call.args[0].clone());
        if let TableFunc::GenerateSubscripts = call.func {
            let there = self.operator("<=", vec![Operand::Typed(number.clone()), Operand::Typed(length)])?;
            let (then, otherwise) = (Box::new(number), Box::new(null(&SqlType::Int4)));
            return Ok(ScalarExpr::If { condition: Box::new(there), then, otherwise });
        }
        let element = self.function_call("array_index", vec![array.clone(), Operand::Typed(number)])?;
        let element = self.cast(element, &self.types[call.cols[0]].ty.clone(), Context::Explicit)?;
        let dimensions = self.function_call("array_ndims", vec![array])?;
        let one = Operand::Typed(constant(Datum::Int4(1), SqlType::Int4));
        let deep = self.operator(">", vec![Operand::Typed(dimensions), one])?;
        let deep = ScalarExpr::Coalesce(vec![deep, constant(Datum::Bool(false), SqlType::Bool)]);
        let refused = SqlError::unsupported("unnest of an array of several dimensions beside another set");
        let refused = ScalarExpr::Literal(Err(refused), self.typ(&element));
        Ok(ScalarExpr::If { condition: Box::new(deep), then: Box::new(refused), otherwise: Box::new(element) })
    }
}
