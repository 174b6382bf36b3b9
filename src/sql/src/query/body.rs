//! Whole queries: set operations, VALUES, TABLE, and the ORDER BY and LIMIT around them.

use super::Output;
use super::order::{Limits, Ordered, order_items};
use super::planner::{Clause, Planner};
use crate::coerce::{Context, Operand, common_type};
use crate::hir::{ColId, HirOrder, HirRel, SetKind};
use expr::ScalarExpr;
use repr::{ColumnName, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

/// A column that a query's result is assigned to: INSERT's target.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: ColumnName,
    /// Its type.
    pub ty: SqlType,
}

/// The columns of a query before their open types are settled by what surrounds it.
pub(super) struct Body {
    pub rel: HirRel,
    pub output: Output,
    pub order: Vec<HirOrder>,
    /// For each visible column the untyped literal that it is, if it is one.
    pub open: Vec<Option<Operand>>,
}

impl Planner<'_, '_> {
    /// A query, its order and limit left to the caller.
    pub fn query(&mut self, query: &ast::Query) -> Result<Ordered, SqlError> {
        self.query_into(query, None)
    }

    /// A query whose columns are assigned to `targets`.
    pub fn query_into(&mut self, query: &ast::Query, targets: Option<&[Target]>) -> Result<Ordered, SqlError> {
        self.check_depth()?;
        refuse_clauses(query)?;
        let ctes = self.ctes.len();
        let bound = match &query.with {
            Some(with) => self.with(with)?,
            None => Vec::new(),
        };
        let body = self.ordered_body(query, targets)?;
        let Limits { mut limit, mut offset, ties } = self.limits(query)?;
        self.ctes.truncate(ctes);
        let mut rel = body.rel;
        if let Some(count) = limit.filter(|_| ties) {
            rel = self.with_ties(rel, &body.order, count, offset)?;
            (limit, offset) = (None, 0);
        }
        let rel = bound.into_iter().rev().fold(rel, |body, bound| bound.around(body));
        Ok(Ordered { rel, output: body.output, order: body.order, limit, offset })
    }

    fn ordered_body(&mut self, query: &ast::Query, targets: Option<&[Target]>) -> Result<Body, SqlError> {
        let items = order_items(query.order_by.as_ref())?;
        let mut body = match &*query.body {
            SetExpr::Select(select) => self.select(select, items, targets)?,
            other => {
                let mut body = self.body(other, targets)?;
                body.order = self.order_by_output(&body.output, items)?;
                body
            }
        };
        if let Some(targets) = targets {
            self.assign(&mut body, targets)?;
        }
        Ok(body)
    }

    /// Converts columns to their targets' types.
    fn assign(&mut self, body: &mut Body, targets: &[Target]) -> Result<(), SqlError> {
        let mut exprs = Vec::new();
        for ((col, open), target) in body.output.cols.iter_mut().zip(&body.open).zip(targets) {
            let operand = open.clone().unwrap_or(Operand::Typed(ScalarExpr::Column(*col)));
            match self.assigned(operand, target)? {
                ScalarExpr::Column(same) => *col = same,
                value => {
                    let id = self.column_for(&target.name, &value);
                    exprs.push((id, value));
                    *col = id;
                }
            }
        }
        let rel = std::mem::replace(&mut body.rel, HirRel::unit());
        body.rel = rel.map(exprs);
        Ok(())
    }

    /// A value for a column of a table.
    pub fn assigned(&mut self, operand: Operand, target: &Target) -> Result<ScalarExpr, SqlError> {
        let from = self.operand_type(&operand);
        self.coerce(operand, &target.ty, Context::Assignment).map_err(|e| match (from, e.code) {
            (Some(from), SqlState::DATATYPE_MISMATCH) => {
                let (name, to, from) = (&target.name, target.ty.without_modifier(), from.without_modifier());
                let message = format!("column \"{name}\" is of type {to} but expression is of type {from}");
                SqlError { message, ..e }.hint("You will need to rewrite or cast the expression.")
            }
            _ => e,
        })
    }

    pub(super) fn body(&mut self, body: &SetExpr, targets: Option<&[Target]>) -> Result<Body, SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select, &[], targets),
            SetExpr::Query(query) => {
                let (rel, output) = self.query(query)?.into_relation();
                let open = vec![None; output.cols.len()];
                Ok(Body { rel: rel.project(output.cols.clone()), output, order: Vec::new(), open })
            }
            SetExpr::Values(values) => self.values(values, targets),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(left, *op, *set_quantifier, right)
            }
            SetExpr::Table(table) => self.table_command(table),
            _ => Err(SqlError::unsupported("a statement that writes inside of a query")),
        }
    }

    /// `TABLE name`
    fn table_command(&mut self, table: &ast::Table) -> Result<Body, SqlError> {
        let parts = [&table.schema_name, &table.table_name].into_iter().flatten();
        let name = ast::ObjectName::from(parts.map(ast::Ident::new).collect::<Vec<_>>());
        self.push_frame(Default::default(), Clause::plain("FROM"));
        let planned = self.table_by_name(&name);
        self.frames.pop();
        let (rel, scope) = planned?;
        let (names, cols): (Vec<_>, Vec<_>) = scope.star().map(|c| (c.name.clone(), c.id)).unzip();
        let open = vec![None; cols.len()];
        Ok(Body { rel, output: Output { names, cols }, order: Vec::new(), open })
    }

    fn values(&mut self, values: &ast::Values, targets: Option<&[Target]>) -> Result<Body, SqlError> {
        self.push_frame(Default::default(), Clause::plain("VALUES"));
        let planned = self.value_rows(values, targets);
        let subqueries = self.frames.pop().map(|f| f.subqueries).unwrap_or_default();
        let (rows, types, open) = planned?;
        let names: Vec<String> = (1..=types.len()).map(|i| format!("column{i}")).collect();
        let cols: Vec<ColId> = (0..types.len())
            .map(|i| {
                let nullable = rows.iter().any(|row| self.typ(&row[i]).nullable);
                self.column(&names[i], types[i].clone().nullable(nullable))
            })
            .collect();
        let rel = HirRel::Values { cols: cols.clone(), rows };
        // Subqueries in the rows are evaluated beside them.
        let rel = if subqueries.is_empty() {
            rel
        } else {
            HirRel::unit().apply(subqueries).product(rel).project(cols.clone())
        };
        Ok(Body { rel, output: Output { names, cols }, order: Vec::new(), open })
    }

    fn value_rows(
        &mut self,
        values: &ast::Values,
        targets: Option<&[Target]>,
    ) -> Result<(Vec<Vec<ScalarExpr>>, Vec<SqlType>, Vec<Option<Operand>>), SqlError> {
        let mut rows = values.rows.iter().map(|row| self.operands(&row.content)).collect::<Result<Vec<_>, _>>()?;
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length"));
        }
        let mut columns: Vec<Vec<ScalarExpr>> = Vec::with_capacity(width);
        let (mut types, mut opens) = (Vec::new(), Vec::new());
        let single = rows.len() == 1;
        for i in 0..width {
            let column: Vec<Operand> =
                rows.iter_mut().map(|row| std::mem::replace(&mut row[i], Operand::Null)).collect();
            opens.push(column.first().filter(|o| single && is_literal(o)).cloned());
            if let Some(target) = targets.and_then(|t| t.get(i)) {
                columns.push(column.into_iter().map(|o| self.assigned(o, target)).collect::<Result<_, _>>()?);
                types.push(target.ty.clone());
                continue;
            }
            let (exprs, ty) = self.unify(column, "VALUES")?;
            columns.push(exprs);
            types.push(ty);
        }
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let rows = (0..rows.len()).map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
        let opens = if targets.is_some() { vec![None; width] } else { opens };
        Ok((rows, types, opens))
    }

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Body, SqlError> {
        let (kind, name) = match op {
            SetOperator::Union => (SetKind::Union, "UNION"),
            SetOperator::Except | SetOperator::Minus => (SetKind::Except, "EXCEPT"),
            SetOperator::Intersect => (SetKind::Intersect, "INTERSECT"),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            _ => return Err(SqlError::unsupported(format!("{name} BY NAME"))),
        };
        let mut left = self.body(left, None)?;
        let mut right = self.body(right, None)?;
        if left.output.cols.len() != right.output.cols.len() {
            let message = format!("each {name} query must have the same number of columns");
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        let mut types = Vec::new();
        for i in 0..left.output.cols.len() {
            let of = |body: &Body| match &body.open[i] {
                Some(_) => None,
                None => Some(self.types[body.output.cols[i]].ty.clone()),
            };
            types.push(common_type(&[of(&left), of(&right)], name)?);
        }
        self.convert(&mut left, &types)?;
        self.convert(&mut right, &types)?;
        let cols = (0..types.len()).map(|i| {
            let (l, r) = (left.output.cols[i], right.output.cols[i]);
            let nullable = self.types[l].nullable || self.types[r].nullable;
            self.column(&left.output.names[i], types[i].clone().nullable(nullable))
        });
        let cols: Vec<ColId> = cols.collect();
        let (l, r) = (left.rel.project(left.output.cols), right.rel.project(right.output.cols));
        let rel = HirRel::SetOp { kind, all, left: Box::new(l), right: Box::new(r), cols: cols.clone() };
        let open = vec![None; cols.len()];
        Ok(Body { rel, output: Output { names: left.output.names, cols }, order: Vec::new(), open })
    }

    /// Brings a side's columns to the common types.
    pub(super) fn convert(&mut self, body: &mut Body, types: &[SqlType]) -> Result<(), SqlError> {
        let mut exprs = Vec::new();
        for ((col, open), ty) in body.output.cols.iter_mut().zip(&body.open).zip(types) {
            let operand = open.clone().unwrap_or(Operand::Typed(ScalarExpr::Column(*col)));
            match self.coerce(operand, ty, Context::Implicit)? {
                ScalarExpr::Column(same) => *col = same,
                value => {
                    let id = self.column_for("?column?", &value);
                    exprs.push((id, value));
                    *col = id;
                }
            }
        }
        let rel = std::mem::replace(&mut body.rel, HirRel::unit());
        body.rel = rel.map(exprs);
        Ok(())
    }
}

/// Whether an operand is a literal without a type.
pub(super) fn is_literal(operand: &Operand) -> bool {
    matches!(operand, Operand::Text(..) | Operand::Null)
}

fn refuse_clauses(query: &ast::Query) -> Result<(), SqlError> {
    let what = if !query.locks.is_empty() {
        "SELECT FOR UPDATE/SHARE"
    } else if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
        "this clause of SELECT"
    } else if !query.pipe_operators.is_empty() {
        "|>"
    } else {
        return Ok(());
    };
    Err(SqlError::unsupported(what))
}
