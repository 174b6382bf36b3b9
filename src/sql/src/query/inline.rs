//! Functions whose body is SQL: a call becomes the body, planned as a subquery over the arguments.
//!
//! ```text
//! pg_get_userbyid(c.relowner)  ─▶  (SELECT coalesce((SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1), …) FROM (VALUES (c.relowner)))
//! ```
//!
//! What reads the catalog is such a function: it is computed like any other part of the query, and needs nothing of the engine. A body's names
//! are qualified; it sees nothing of the query around it but its arguments, `$1`, `$2` ….

mod functions;
mod privileges;
mod registered;

use super::planner::{Clause, Planner};
use super::table_function::Rows;
use crate::coerce::{Context, Operand, can_coerce};
use crate::hir::{ColId, HirRel, SubqueryKind};
use crate::scope::Scope;
use expr::ScalarExpr;
use functions::{FUNCTIONS, TABLE_FUNCTIONS};
use privileges::{COLUMN_INQUIRIES, INQUIRIES};
use repr::{SqlError, SqlType};

pub(crate) use functions::all;

/// A function: its name, the types of its arguments, its result (a type, or columns with their types), its body.
pub(crate) type SqlFunction = (&'static str, &'static str, &'static str, &'static str);

/// The type of a declared argument; none takes any.
pub(crate) fn argument_type(name: &str) -> Option<SqlType> {
    if name == "any" { None } else { SqlType::from_name(name) }
}

/// Whether a function of this name gives rows.
pub(super) fn gives_rows(name: &str) -> bool {
    TABLE_FUNCTIONS.iter().any(|function| function.0 == name)
}

fn argument_types(function: &SqlFunction) -> Vec<Option<SqlType>> {
    function.1.split(", ").filter(|name| !name.is_empty()).map(argument_type).collect()
}

impl Planner<'_, '_> {
    /// The value of a function whose body is an expression; none if there is none of this name for these arguments.
    pub fn inline_function(&mut self, name: &str, args: &[Operand]) -> Result<Option<ScalarExpr>, SqlError> {
        let has = |functions: &[SqlFunction]| functions.iter().any(|function| function.0 == name);
        let inquiries = [INQUIRIES, COLUMN_INQUIRIES].into_iter().find(|functions| has(functions));
        if let (Some(_), [.., Operand::Text(words, _)]) = (inquiries, args) {
            privileges::check_words(words)?;
        }
        let functions = inquiries.unwrap_or(FUNCTIONS);
        let Some((args, body)) = self.inline_candidate(functions, name, args)? else { return Ok(None) };
        let body = crate::parser::parse_expr(body)?;
        let ids = self.inline_columns(&args);
        let (value, subqueries) = self.in_body(&ids, Scope::default(), |p| {
            let value = p.expr(&body)?;
            Ok((value, std::mem::take(&mut p.frame()?.subqueries)))
        })?;
        if subqueries.is_empty() {
            return Ok(Some(substituted(value, &ids, &args)));
        }
        self.check_subqueries_allowed()?;
        let rel = HirRel::Values { cols: ids, rows: vec![args] };
        let id = self.column_for(name, &value);
        let rel = rel.apply(subqueries).map(vec![(id, value)]).project(vec![id]);
        let typ = self.types[id].clone();
        self.add_subquery(SubqueryKind::Scalar(id), rel, typ).map(Some)
    }

    /// The rows of a function whose body is a query; none if there is none of this name for these arguments.
    pub(super) fn inline_table_function(&mut self, name: &str, args: &[Operand]) -> Result<Option<Rows>, SqlError> {
        let Some((args, body)) = self.inline_candidate(TABLE_FUNCTIONS, name, args)? else { return Ok(None) };
        let body = crate::parser::parse_query(body)?;
        let ids = self.inline_columns(&args);
        let (rel, output) = self.in_body(&ids, Scope::default(), |p| Ok(p.query(&body)?.into_relation()))?;
        let columns: Vec<_> = output.names.into_iter().zip(output.cols.iter().copied()).collect();
        let values = HirRel::Values { cols: ids, rows: vec![args] };
        let rel = values.product(rel).project(output.cols);
        Ok(Some((rel, columns)))
    }

    /// The first function that takes these arguments, with the arguments converted, and its body.
    fn inline_candidate(
        &mut self,
        functions: &[SqlFunction],
        name: &str,
        args: &[Operand],
    ) -> Result<Option<(Vec<ScalarExpr>, &'static str)>, SqlError> {
        let types = self.operand_types(args);
        let takes = |wanted: &[Option<SqlType>]| {
            wanted.len() == types.len()
                && wanted.iter().zip(&types).all(|(to, from)| match (to, from) {
                    (Some(to), Some(from)) => can_coerce(from, to, Context::Implicit),
                    _ => true,
                })
        };
        let mut named = functions.iter().filter(|f| f.0 == name).map(|f| (argument_types(f), f.3));
        let Some((wanted, body)) = named.find(|(wanted, _)| takes(wanted)) else { return Ok(None) };
        let converted = args.iter().cloned().zip(&wanted).map(|(arg, ty)| match ty {
            Some(ty) => self.coerce(arg, ty, Context::Implicit),
            None => self.settle(arg),
        });
        Ok(Some((converted.collect::<Result<_, _>>()?, body)))
    }

    pub(super) fn inline_columns(&mut self, args: &[ScalarExpr]) -> Vec<ColId> {
        args.iter().enumerate().map(|(n, arg)| self.column_for(&format!("${}", n + 1), arg)).collect()
    }

    /// Plans a body: nothing around it is in sight but its arguments, by number and by the names in `scope`.
    pub(super) fn in_body<R>(
        &mut self,
        args: &[ColId],
        scope: Scope,
        plan: impl FnOnce(&mut Self) -> Result<R, SqlError>,
    ) -> Result<R, SqlError> {
        self.check_depth()?;
        let seen: Vec<bool> = self.frames.iter_mut().map(|f| std::mem::replace(&mut f.visible, false)).collect();
        let ctes = std::mem::take(&mut self.ctes);
        let lines = std::mem::take(&mut self.qcx.lines);
        self.arguments.push(args.to_vec());
        self.push_frame(scope, Clause::plain("functions"));
        let planned = plan(self);
        self.frames.pop();
        self.arguments.pop();
        self.qcx.lines = lines;
        self.ctes = ctes;
        self.frames.iter_mut().zip(seen).for_each(|(frame, visible)| frame.visible = visible);
        planned
    }
}

/// A body without subqueries, with the arguments in their places.
pub(super) fn substituted(mut body: ScalarExpr, ids: &[ColId], args: &[ScalarExpr]) -> ScalarExpr {
    body.visit_mut(&mut |node| {
        if let ScalarExpr::Column(id) = node
            && let Some(position) = ids.iter().position(|own| own == id)
        {
            *node = args[position].clone();
        }
    });
    body
}
