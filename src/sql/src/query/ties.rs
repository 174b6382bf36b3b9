//! `FETCH FIRST n ROWS WITH TIES`: the first n rows of an order, and those that it does not tell from the n-th.
//!
//! The n-th row is found by a limit; what stays are the rows that do not come after it, or all if there is no n-th.

use super::planner::Planner;
use crate::coerce::{Operand, constant};
use crate::hir::{ColId, HirOrder, HirRel, JoinKind};
use crate::query::call;
use expr::ScalarExpr;
use repr::{Datum, SqlError, SqlType};

impl Planner<'_, '_> {
    /// The first `count` rows after `offset`, with the ties of the last.
    pub(super) fn with_ties(
        &mut self,
        rel: HirRel,
        order: &[HirOrder],
        count: u64,
        offset: u64,
    ) -> Result<HirRel, SqlError> {
        let Some(skipped) = count.checked_sub(1) else {
            return Ok(rel.filter(vec![constant(Datum::Bool(false), SqlType::Bool)]));
        };
        let value = match offset {
            0 => rel,
            _ => top(rel, order.to_vec(), None, offset),
        };
        let (id, cols) = (self.fresh_cte(), value.cols());
        let outer: Vec<ColId> = value.free().into_iter().collect();
        let name = "with ties".to_string();
        let fresh: Vec<ColId> =
            cols.iter().map(|c| self.column(&self.labels[*c].clone(), self.types[*c].clone())).collect();
        let at = |col: ColId| cols.iter().position(|c| *c == col).map_or(col, |at| fresh[at]);
        let renamed: Vec<HirOrder> = order.iter().map(|o| HirOrder { col: at(o.col), ..*o }).collect();
        let keys: Vec<ColId> = renamed.iter().map(|o| o.col).collect();
        let present = self.column("present", SqlType::Bool.nullable(true));
        let marked = vec![(present, constant(Datum::Bool(true), SqlType::Bool))];
        let all = HirRel::Cte { id, name: name.clone(), cols: fresh.clone(), outer: outer.clone() };
        let last = top(all, renamed, Some(1), skipped).project(keys.clone()).map(marked);
        keys.iter().for_each(|c| self.types[*c].nullable = true);
        let rows = HirRel::Cte { id, name: name.clone(), cols: cols.clone(), outer };
        let (left, right) = (Box::new(rows), Box::new(last));
        let joined = HirRel::Join { left, right, kind: JoinKind::Left, subqueries: Vec::new(), on: Vec::new() };
        let alone = call("is_null", vec![ScalarExpr::Column(present)])?;
        let within = self.not_after(order, &keys)?;
        let body = Box::new(joined.filter(vec![ScalarExpr::Or(vec![alone, within])]).project(cols));
        Ok(HirRel::Let { id, name, value: Box::new(value), body })
    }

    /// Whether a row does not come after another in the order: `others` are the other's columns. Never NULL.
    fn not_after(&mut self, order: &[HirOrder], others: &[ColId]) -> Result<ScalarExpr, SqlError> {
        let mut result = constant(Datum::Bool(true), SqlType::Bool);
        for (item, other) in order.iter().zip(others).rev() {
            let [own, other] = [item.col, *other].map(ScalarExpr::Column);
            let operands = || [own.clone(), other.clone()].map(Operand::Typed);
            let less = self.operator(if item.desc { ">" } else { "<" }, operands().to_vec())?;
            let [left, right] = operands();
            let same = self.distinct_from(left, right, true)?;
            let [own_null, other_null] = [own, other].map(|value| call("is_null", vec![value]));
            // Where one of the two is NULL, its place decides; where both are, they are the same.
            let null_first = constant(Datum::Bool(item.nulls_first), SqlType::Bool);
            let null_last = constant(Datum::Bool(!item.nulls_first), SqlType::Bool);
            let before = branch(own_null?, null_first, branch(other_null?, null_last, less));
            result = branch(same, result, before);
        }
        Ok(result)
    }
}

fn branch(condition: ScalarExpr, then: ScalarExpr, otherwise: ScalarExpr) -> ScalarExpr {
    ScalarExpr::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) }
}

fn top(input: HirRel, order: Vec<HirOrder>, limit: Option<i64>, offset: u64) -> HirRel {
    let limit = limit.map(|n| constant(Datum::Int8(n), SqlType::Int8));
    HirRel::TopK { input: Box::new(input), group: Vec::new(), order, limit, offset }
}
