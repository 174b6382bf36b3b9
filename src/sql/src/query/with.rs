//! WITH: common table expressions, plain, recursive (PostgreSQL) and mutually recursive (Materialize).
//!
//! ```text
//! WITH RECURSIVE t AS (base UNION [ALL] step)      t := base ∪ step(t), from nothing, until it does not change
//! ```
//!
//! PostgreSQL runs `step` over the rows that the last round has found. For a step that treats each row by itself the fixed point is the
//! same, multiplicities included; for any other (`DISTINCT`, `GROUP BY`, `LIMIT` in the step) `rounds` keeps the rounds apart.

use super::body::Body;
use super::planner::{Cte, Planner, fold};
use super::recursion::{Recursive, dependency_order, recursive_parts};
use super::{Output, Target, rounds};
use crate::catalog::SessionCatalog;
use crate::coerce::common_type;
use crate::hir::{ColId, CteId, HirRec, HirRel, SetKind};
use crate::parser::respell::{MutualRecursion, mutual_recursion};
use crate::types::sql_type;
use repr::{ColumnName, SqlError, SqlState, SqlType};
use sqlparser::ast;
use std::collections::BTreeSet;

/// What a WITH clause binds, in order.
pub(super) enum Bound {
    /// One name.
    Plain(CteId, String, HirRel),
    /// Names that use each other.
    Recursive(Vec<HirRec>),
}

impl Bound {
    /// The body inside of the binding.
    pub(super) fn around(self, body: HirRel) -> HirRel {
        let body = Box::new(body);
        match self {
            Bound::Plain(id, name, value) => HirRel::Let { id, name, value: Box::new(value), body },
            Bound::Recursive(bindings) => HirRel::LetRec { bindings, body },
        }
    }
}

impl Planner<'_, '_> {
    /// Plans a WITH clause; its names are in sight from then on.
    pub(super) fn with(&mut self, with: &ast::With) -> Result<Vec<Bound>, SqlError> {
        let mutual = mutual_recursion(with);
        self.refuse_duplicates(mutual.as_ref().map_or(&with.cte_tables[..], |m| m.ctes))?;
        if let Some(mutual) = mutual {
            return Ok(vec![self.mutually_recursive(&mutual)?]);
        }
        let order = match with.recursive {
            true => dependency_order(&with.cte_tables).map_err(|(e, span)| e.at(self.span_position(span)))?,
            false => (0..with.cte_tables.len()).collect(),
        };
        let mut bound = Vec::new();
        for cte in order.into_iter().map(|i| &with.cte_tables[i]) {
            bound.push(self.common_table(cte, with.recursive)?);
        }
        Ok(bound)
    }

    fn refuse_duplicates(&self, ctes: &[ast::Cte]) -> Result<(), SqlError> {
        let mut names = BTreeSet::new();
        for cte in ctes {
            let name = fold(&cte.alias.name);
            let message = format!("WITH query name \"{name}\" specified more than once");
            if !names.insert(name) {
                let position = self.span_position(cte.alias.name.span);
                return Err(SqlError::new(SqlState::DUPLICATE_ALIAS, message).at(position));
            }
        }
        Ok(())
    }

    fn common_table(&mut self, cte: &ast::Cte, may_recur: bool) -> Result<Bound, SqlError> {
        let name = fold(&cte.alias.name);
        if let Some(typ) = cte.alias.columns.iter().find_map(|c| c.data_type.as_ref()) {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{typ}\"")));
        }
        let recursive = match may_recur {
            true => recursive_parts(&name, &cte.query).map_err(|(e, span)| e.at(self.span_position(span)))?,
            false => None,
        };
        let (rel, output) = match recursive {
            Some(parts) => self.recursive(&name, cte, &parts)?,
            None => self.query(&cte.query)?.into_relation(),
        };
        let rel = rel.project(output.cols.clone());
        let names = renamed(&name, output.names, cte)?;
        let columns = names.into_iter().zip(output.cols.iter().map(|c| self.types[*c].clone())).collect();
        let (id, outer) = (self.fresh_cte(), rel.free().into_iter().collect());
        self.ctes.push(Cte { id, name: name.clone(), columns, outer, open: false });
        Ok(Bound::Plain(id, name, rel))
    }

    /// A query that uses itself.
    fn recursive(&mut self, name: &str, cte: &ast::Cte, parts: &Recursive<'_>) -> Result<(HirRel, Output), SqlError> {
        let depth = self.ctes.len();
        let inner = parts.query.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let mut base = self.body(parts.base, None)?;
        let types: Vec<SqlType> = base
            .output
            .cols
            .iter()
            .zip(&base.open)
            .map(|(col, open)| match open {
                Some(_) => SqlType::Text,
                None => self.types[*col].ty.clone(),
            })
            .collect();
        self.convert(&mut base, &types)?;
        let names = renamed(name, base.output.names.clone(), cte)?;
        let columns = names.into_iter().zip(types.iter().map(|t| t.clone().nullable(true))).collect();
        let id = self.fresh_cte();
        self.ctes.push(Cte { id, name: name.to_string(), columns, outer: Vec::new(), open: true });
        let step = self.body(parts.step, None);
        self.ctes.truncate(depth);
        let mut step = step?;
        self.check_recursive_types(name, &types, &step)?;
        self.convert(&mut step, &types)?;
        let (base_names, base) = (base.output.names, base.rel.project(base.output.cols));
        let step = step.rel.project(step.output.cols);
        let (rel, cols) = self.fixed_point(id, name, &types, (base, step), parts.all)?;
        let rel = inner.into_iter().rev().fold(rel, |body, bound| bound.around(body));
        Ok((rel, Output { names: base_names, cols }))
    }

    /// The step's columns must fit the types that the base has settled.
    fn check_recursive_types(&self, name: &str, types: &[SqlType], step: &Body) -> Result<(), SqlError> {
        if types.len() != step.output.cols.len() {
            let message = "each UNION query must have the same number of columns";
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        for (i, (ty, (col, open))) in types.iter().zip(step.output.cols.iter().zip(&step.open)).enumerate() {
            let of_step = if open.is_some() { None } else { Some(self.types[*col].ty.clone()) };
            let overall = common_type(&[Some(ty.clone()), of_step], "UNION")?;
            if overall != *ty {
                let column = i + 1;
                let message = format!(
                    "recursive query \"{name}\" column {column} has type {ty} in non-recursive term but type {overall} overall"
                );
                return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message)
                    .hint("Cast the output of the non-recursive term to the correct type."));
            }
        }
        Ok(())
    }

    /// The least relation that has the base's rows and what the step makes of its own.
    fn fixed_point(
        &mut self,
        id: CteId,
        name: &str,
        types: &[SqlType],
        (base, step): (HirRel, HirRel),
        all: bool,
    ) -> Result<(HirRel, Vec<ColId>), SqlError> {
        let linear = rounds::is_linear(&step, id);
        let mut value = match linear {
            true => {
                let cols = types.iter().map(|t| self.column(name, t.clone().nullable(true))).collect();
                HirRel::SetOp { kind: SetKind::Union, all, left: Box::new(base), right: Box::new(step), cols }
            }
            false => self.by_rounds(id, (base, step), all)?,
        };
        let outer: Vec<ColId> = value.free().into_iter().collect();
        value.set_outer(&[id], &outer);
        let used: Vec<ColId> =
            value.cols().into_iter().map(|c| self.column(&self.labels[c].clone(), self.types[c].clone())).collect();
        let cols = used[..types.len()].to_vec();
        let body = HirRel::Cte { id, name: name.to_string(), cols: used, outer }.project(cols.clone());
        let binding = HirRec { id, name: name.to_string(), value, limit: None };
        Ok((HirRel::LetRec { bindings: vec![binding], body: Box::new(body) }, cols))
    }

    /// `WITH MUTUALLY RECURSIVE name (column type, …) AS (…), …`
    fn mutually_recursive(&mut self, mutual: &MutualRecursion<'_>) -> Result<Bound, SqlError> {
        let mut declared = Vec::new();
        let first = self.ctes.len();
        for cte in mutual.ctes {
            let catalog = self.qcx.catalog;
            let targets =
                cte.alias.columns.iter().map(|c| declared_column(catalog, c)).collect::<Result<Vec<_>, _>>()?;
            let columns = targets.iter().map(|t| (t.name.clone(), t.ty.clone().nullable(true))).collect();
            let (id, name) = (self.fresh_cte(), fold(&cte.alias.name));
            self.ctes.push(Cte { id, name, columns, outer: Vec::new(), open: false });
            declared.push(targets);
        }
        let mut bindings = Vec::new();
        for (i, (cte, targets)) in mutual.ctes.iter().zip(&declared).enumerate() {
            let (rel, output) = self.query_into(&cte.query, Some(targets))?.into_relation();
            let Cte { id, name, .. } = self.ctes[first + i].clone();
            if targets.len() != output.cols.len() {
                let (has, wants) = (output.cols.len(), targets.len());
                let message =
                    format!("WITH query \"{name}\" has {has} columns available but {wants} columns specified");
                return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            output.cols.iter().for_each(|c| self.types[*c].nullable = true);
            bindings.push(HirRec { id, name, value: rel.project(output.cols), limit: mutual.limit });
        }
        let ids: Vec<CteId> = bindings.iter().map(|b| b.id).collect();
        let outer: BTreeSet<ColId> = bindings.iter().flat_map(|b| b.value.free()).collect();
        let outer: Vec<ColId> = outer.into_iter().collect();
        bindings.iter_mut().for_each(|b| b.value.set_outer(&ids, &outer));
        self.ctes[first..].iter_mut().for_each(|cte| cte.outer.clone_from(&outer));
        Ok(Bound::Recursive(bindings))
    }
}

fn declared_column(catalog: &dyn SessionCatalog, column: &ast::TableAliasColumnDef) -> Result<Target, SqlError> {
    let name = fold(&column.name);
    let Some(data_type) = &column.data_type else {
        let message = format!("column \"{name}\" of a mutually recursive query has no type");
        return Err(
            SqlError::new(SqlState::SYNTAX_ERROR, message).hint("Declare it: WITH MUTUALLY RECURSIVE t (a int).")
        );
    };
    Ok(Target { name, ty: sql_type(catalog, data_type)? })
}

/// A query's column names after `name (a, b)`: fewer names than columns leave the rest.
fn renamed(name: &str, mut names: Vec<ColumnName>, cte: &ast::Cte) -> Result<Vec<ColumnName>, SqlError> {
    if cte.alias.columns.len() > names.len() {
        let (has, wants) = (names.len(), cte.alias.columns.len());
        let message = format!("WITH query \"{name}\" has {has} columns available but {wants} columns specified");
        return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message));
    }
    for (column, renamed) in names.iter_mut().zip(&cte.alias.columns) {
        *column = fold(&renamed.name);
    }
    Ok(names)
}
