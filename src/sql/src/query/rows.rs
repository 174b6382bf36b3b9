//! The rows that UPDATE and DELETE change, and what UPDATE puts in their place.

use super::planner::{Clause, Planner};
use super::{RowsQuery, Target};
use crate::coerce::constant;
use crate::hir::{HirRel, JoinKind};
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast;

impl Planner<'_, '_> {
    /// The target's rows that qualify, each with the values of the expressions.
    pub(super) fn rows(&mut self, query: &RowsQuery<'_>) -> Result<HirRel, SqlError> {
        let (id, name) = query.target;
        let catalog = self.qcx.catalog;
        let item = catalog
            .item(id)
            .ok_or_else(|| SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation {id} does not exist")))?;
        let alias =
            ast::TableAlias { explicit: true, name: ast::Ident::with_quote('"', name), columns: Vec::new(), at: None };
        let (target, scope) = self.item(item, Some(&alias))?;
        let target_cols = target.cols();
        self.push_frame(scope, Clause::plain("FROM"));
        self.frame()?.visible = query.from.is_empty();
        let (rel, values) =
            if query.from.is_empty() { self.plain_rows(query, target)? } else { self.joined_rows(query, target)? };
        self.frames.pop();
        Ok(rel.project(target_cols.into_iter().chain(values).collect()))
    }

    fn plain_rows(&mut self, query: &RowsQuery<'_>, target: HirRel) -> Result<(HirRel, Vec<usize>), SqlError> {
        let mut rel = target;
        if let Some(condition) = query.selection {
            rel = self.filter(rel, condition, "WHERE")?;
        }
        self.with_values(query, rel)
    }

    /// Each row of the target with its first partner: a lateral join of a relation of at most one row.
    fn joined_rows(&mut self, query: &RowsQuery<'_>, target: HirRel) -> Result<(HirRel, Vec<usize>), SqlError> {
        let scope = self.frame()?.scope.clone();
        self.push_frame(Default::default(), Clause::plain("FROM"));
        let mut from = self.tables(query.from)?;
        let mut both = scope;
        both.append(std::mem::take(&mut self.frame()?.scope))?;
        self.frame()?.scope = both;
        if let Some(condition) = query.selection {
            from = self.filter(from, condition, "WHERE")?;
        }
        let (from, values) = self.with_values(query, from)?;
        self.frames.pop();
        let limit = Some(constant(Datum::Int8(1), SqlType::Int8));
        let one = HirRel::TopK { input: Box::new(from), group: Vec::new(), order: Vec::new(), limit, offset: 0 };
        let (left, right) = (Box::new(target), Box::new(one));
        let rel = HirRel::Join { left, right, kind: JoinKind::Inner, subqueries: Vec::new(), on: Vec::new() };
        Ok((rel, values))
    }

    fn with_values(&mut self, query: &RowsQuery<'_>, rel: HirRel) -> Result<(HirRel, Vec<usize>), SqlError> {
        let mut values = Vec::new();
        for (expr, ty, column) in &query.exprs {
            let target = Target { name: column.clone(), ty: ty.clone() };
            let operand = self.in_clause(Clause::plain("UPDATE"), |p| p.operand(expr))?;
            let value = self.assigned(operand, &target).map_err(|e| e.at(self.position(expr)))?;
            values.push((self.column_for(column, &value), value));
        }
        let subqueries = self.take_subqueries()?;
        let ids = values.iter().map(|(id, _)| *id).collect();
        Ok((rel.apply(subqueries).map(values), ids))
    }
}
