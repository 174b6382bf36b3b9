//! FROM: tables, common table expressions, subqueries, table functions, and joins of them.

use super::planner::{Clause, Planner, fold, name_parts};
use crate::catalog::{CatalogItem, primary_key};
use crate::coerce::{Context, Operand, common_type, constant};
use crate::hir::{ColId, HirRel, JoinKind};
use crate::parser::respell::USING_ALIAS;
use crate::scope::{Scope, ScopeColumn, ScopeTable};
use expr::ScalarExpr;
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, JoinConstraint, JoinOperator, TableFactor, TableWithJoins};

/// A relation and the names that it offers.
pub(super) type Planned = (HirRel, Scope);

impl Planner<'_, '_> {
    /// The whole clause; its names become the present frame's scope.
    pub fn tables(&mut self, from: &[TableWithJoins]) -> Result<HirRel, SqlError> {
        let mut rel = HirRel::unit();
        for item in from {
            let (right, scope) = self.joined_tables(item)?;
            self.frame()?.scope.append(scope)?;
            rel = rel.product(right);
        }
        Ok(rel)
    }

    fn joined_tables(&mut self, item: &TableWithJoins) -> Result<Planned, SqlError> {
        let base = self.frame()?.scope.clone();
        let (mut rel, mut scope) = self.factor(&item.relation)?;
        for join in &item.joins {
            // What stands to the left may be used by LATERAL to the right.
            let mut visible = base.clone();
            visible.add(scope.clone());
            self.frame()?.scope = visible;
            let right = self.factor(&join.relation);
            self.frame()?.scope = base.clone();
            let joined = self.join((rel, scope), right?, &join.join_operator);
            self.frame()?.scope = base.clone();
            (rel, scope) = joined?;
        }
        Ok((rel, scope))
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<Planned, SqlError> {
        match factor {
            TableFactor::Table { name, alias, args: None, sample: None, with_ordinality: false, .. } => {
                self.table(name, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.table_function(name, &args.args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                self.table_function(name, args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let name = ast::ObjectName::from(vec![ast::Ident::new("unnest")]);
                let args: Vec<_> =
                    array_exprs.iter().cloned().map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed).collect();
                self.table_function(&name, &args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                self.derived(*lateral, subquery, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let (rel, scope) = self.nested(table_with_joins)?;
                match alias {
                    None => Ok((rel, scope)),
                    Some(alias) => {
                        let columns = scope.star().map(|c| (c.name.clone(), c.id)).collect();
                        Ok((rel, aliased(columns, alias)?))
                    }
                }
            }
            other => Err(SqlError::unsupported(format!("{other} in FROM"))),
        }
    }

    fn nested(&mut self, tables: &TableWithJoins) -> Result<Planned, SqlError> {
        self.joined_tables(tables)
    }

    pub(super) fn table_by_name(&mut self, name: &ast::ObjectName) -> Result<Planned, SqlError> {
        self.table(name, None)
    }

    fn table(&mut self, name: &ast::ObjectName, alias: Option<&ast::TableAlias>) -> Result<Planned, SqlError> {
        let parts = name_parts(name)?;
        if let [only] = &parts[..]
            && let Some(cte) = self.ctes.iter().rev().find(|c| c.name == *only).cloned()
        {
            let columns: Vec<_> =
                cte.columns.iter().map(|(n, t)| (n.clone(), self.column(&format!("{only}.{n}"), t.clone()))).collect();
            let cols = columns.iter().map(|(_, id)| *id).collect();
            self.frame()?.recursive |= cte.open;
            let rel = HirRel::Cte { id: cte.id, name: cte.name, cols, outer: cte.outer };
            return Ok((rel, scope_for(columns, alias, only, Vec::new())?));
        }
        let position = name.0.first().and_then(|p| p.as_ident()).and_then(|i| self.span_position(i.span));
        if parts.len() > 3 {
            let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message).at(position));
        }
        let catalog = self.qcx.catalog;
        let item = catalog.resolve(&parts).ok_or_else(|| {
            let message = format!("relation \"{}\" does not exist", parts.join("."));
            SqlError::new(SqlState::UNDEFINED_TABLE, message).at(position)
        })?;
        self.item(item, alias).map_err(|e| e.at(position))
    }

    /// A catalog item as a relation.
    pub(super) fn item(&mut self, item: &CatalogItem, alias: Option<&ast::TableAlias>) -> Result<Planned, SqlError> {
        let Some(desc) = item.details.desc() else {
            let message = format!("\"{}\" is not a table or view", item.name.item);
            let detail = format!("\"{}\" is a {}.", item.name.item, item.details.kind());
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail));
        };
        self.depend_on(item.id);
        let called = alias.map_or_else(|| item.name.item.clone(), |a| fold(&a.name));
        let columns: Vec<_> =
            desc.iter().map(|(n, t)| (n.clone(), self.column(&format!("{called}.{n}"), t.clone()))).collect();
        let cols: Vec<ColId> = columns.iter().map(|(_, id)| *id).collect();
        let name = item.name.to_string();
        let key: Vec<ColId> = primary_key(self.qcx.catalog, item.id).iter().map(|column| cols[*column]).collect();
        let rel = HirRel::Get { id: item.id, name, typ: desc.typ.clone(), cols };
        let schema = std::iter::once(item.name.schema.clone()).chain(item.name.database.clone()).collect();
        let mut scope = scope_for(columns, alias, &item.name.item, schema)?;
        for table in &mut scope.tables {
            (table.oid, table.key) = (Some(item.oid), key.clone());
        }
        Ok((rel, scope))
    }

    fn derived(
        &mut self,
        lateral: bool,
        query: &ast::Query,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Planned, SqlError> {
        let before = std::mem::replace(&mut self.frame()?.visible, lateral);
        let planned = self.query(query);
        self.frame()?.visible = before;
        let (rel, output) = planned?.into_relation();
        let columns = output.names.into_iter().zip(output.cols.iter().copied()).collect();
        let rel = rel.project(output.cols);
        match alias {
            Some(alias) => Ok((rel, aliased(columns, alias)?)),
            // PostgreSQL 15 wants an alias here and later versions do not; nothing can qualify these columns.
            None => {
                let unnamed = |(name, id)| ScopeColumn { table: None, name, id, bare: true };
                Ok((rel, Scope { tables: Vec::new(), columns: columns.into_iter().map(unnamed).collect::<Vec<_>>() }))
            }
        }
    }

    fn join(&mut self, left: Planned, right: Planned, operator: &JoinOperator) -> Result<Planned, SqlError> {
        let (kind, constraint) = match operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinKind::Inner, c),
            JoinOperator::CrossJoin(c) => (JoinKind::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, c),
            JoinOperator::FullOuter(c) => (JoinKind::Full, c),
            _ => return Err(SqlError::unsupported("this kind of join")),
        };
        let ((mut left, mut left_scope), (mut right, mut right_scope)) = (left, right);
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            right = self.mark_present(right, &mut right_scope)?;
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            left = self.mark_present(left, &mut left_scope)?;
        }
        let (left_cols, right_cols) = (left.cols(), right.cols());
        let lateral = right.free().into_iter().find(|c| left_cols.contains(c));
        if let (JoinKind::Right | JoinKind::Full, Some(col)) = (kind, lateral) {
            let label = &self.labels[col];
            let table = label.split_once('.').map_or(label.as_str(), |(table, _)| table);
            let message = format!("invalid reference to FROM-clause entry for table \"{table}\"");
            return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                .detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference."));
        }
        let names = match constraint {
            JoinConstraint::On(condition) => {
                let mut scope = left_scope;
                scope.append(right_scope)?;
                self.frame()?.scope = scope.clone();
                let (subqueries, on) = self.join_condition(condition)?;
                let rel = HirRel::Join { left: Box::new(left), right: Box::new(right), kind, subqueries, on };
                self.extend_with_nulls(kind, &left_cols, &right_cols);
                return Ok((rel, scope));
            }
            JoinConstraint::Using(names) => {
                let (names, alias) = using_alias(names);
                let names = names.iter().map(using_name).collect::<Result<Vec<_>, _>>()?;
                return self.join_using((left, left_scope), (right, right_scope), kind, &names, alias.as_deref());
            }
            JoinConstraint::Natural => common_names(&left_scope, &right_scope),
            JoinConstraint::None if matches!(operator, JoinOperator::CrossJoin(_)) => Vec::new(),
            JoinConstraint::None => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error: JOIN needs ON or USING"));
            }
        };
        self.join_using((left, left_scope), (right, right_scope), kind, &names, None)
    }

    /// Before a side's rows may be missing: a column that tells whether they are, if some whole row of its tables is asked for.
    fn mark_present(&mut self, rel: HirRel, scope: &mut Scope) -> Result<HirRel, SqlError> {
        let frame = self.frame()?;
        if !scope.tables.iter().any(|t| frame.whole_rows.contains(&t.name)) {
            return Ok(rel);
        }
        let id = self.column("present", SqlType::Bool.nullable(false));
        scope.tables.iter_mut().for_each(|t| t.present = t.present.or(Some(id)));
        Ok(rel.map(vec![(id, constant(Datum::Bool(true), SqlType::Bool))]))
    }

    fn join_condition(
        &mut self,
        condition: &ast::Expr,
    ) -> Result<(Vec<crate::hir::Subquery>, Vec<ScalarExpr>), SqlError> {
        let outer = std::mem::take(&mut self.frame()?.subqueries);
        let planned = self.in_clause(Clause::plain("JOIN conditions"), |p| p.predicate(condition, "JOIN/ON"));
        let subqueries = std::mem::replace(&mut self.frame()?.subqueries, outer);
        let on = match planned? {
            ScalarExpr::And(parts) => parts,
            other => vec![other],
        };
        Ok((subqueries, on))
    }

    /// Columns of a side that rows without partner lack may be NULL from here on.
    fn extend_with_nulls(&mut self, kind: JoinKind, left: &[usize], right: &[usize]) {
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            right.iter().for_each(|c| self.types[*c].nullable = true);
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            left.iter().for_each(|c| self.types[*c].nullable = true);
        }
    }

    fn join_using(
        &mut self,
        left: Planned,
        right: Planned,
        kind: JoinKind,
        names: &[String],
        alias: Option<&str>,
    ) -> Result<Planned, SqlError> {
        let ((left, mut left_scope), (right, mut right_scope)) = (left, right);
        let (left_cols, right_cols) = (left.cols(), right.cols());
        let (mut on, mut pairs) = (Vec::new(), Vec::new());
        for name in names {
            let side = |scope: &Scope, side: &str| {
                scope.find_bare(name)?.ok_or_else(|| {
                    let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
                    SqlError::new(SqlState::UNDEFINED_COLUMN, message)
                })
            };
            let (l, r) = (side(&left_scope, "left")?, side(&right_scope, "right")?);
            let operands = [l, r].map(|c| Operand::Typed(ScalarExpr::Column(c)));
            on.push(self.operator("=", operands.to_vec())?);
            pairs.push((name.clone(), l, r));
        }
        let mut rel = HirRel::Join { left: Box::new(left), right: Box::new(right), kind, subqueries: Vec::new(), on };
        self.extend_with_nulls(kind, &left_cols, &right_cols);
        let (mut merged, mut exprs) = (Vec::new(), Vec::new());
        for (name, l, r) in pairs {
            let id = self.merged_column(kind, &name, l, r, &mut exprs)?;
            for (scope, hidden) in [(&mut left_scope, l), (&mut right_scope, r)] {
                scope.columns.iter_mut().filter(|c| c.bare && c.id == hidden).for_each(|c| c.bare = false);
            }
            merged.push(ScopeColumn { table: None, name, id, bare: true });
        }
        rel = rel.map(exprs);
        left_scope.append(right_scope)?;
        if let Some(alias) = alias {
            let name = alias.to_string();
            let table = ScopeTable { name, ..ScopeTable::default() };
            let mut own = Scope::table(table, merged.iter().map(|c| (c.name.clone(), c.id)));
            // The alias qualifies the merged columns, which are there already without it.
            own.columns.iter_mut().for_each(|c| c.bare = false);
            left_scope.append(own)?;
        }
        merged.extend(left_scope.columns);
        Ok((rel, Scope { tables: left_scope.tables, columns: merged }))
    }

    /// The column that stands for both sides of USING: whichever is not NULL.
    fn merged_column(
        &mut self,
        kind: JoinKind,
        name: &str,
        l: usize,
        r: usize,
        exprs: &mut Vec<(usize, ScalarExpr)>,
    ) -> Result<usize, SqlError> {
        let same = self.types[l].ty == self.types[r].ty;
        match kind {
            JoinKind::Inner | JoinKind::Left if same => return Ok(l),
            JoinKind::Right if same => return Ok(r),
            _ => {}
        }
        let ty = common_type(&[Some(self.types[l].ty.clone()), Some(self.types[r].ty.clone())], "JOIN/USING")?;
        let left = self.cast(ScalarExpr::Column(l), &ty, Context::Implicit)?;
        let right = self.cast(ScalarExpr::Column(r), &ty, Context::Implicit)?;
        let value = match kind {
            JoinKind::Inner | JoinKind::Left => left,
            JoinKind::Right => right,
            JoinKind::Full => ScalarExpr::Coalesce(vec![left, right]),
        };
        let id = self.column_for(name, &value);
        if kind != JoinKind::Full {
            self.merged.insert(id, value.clone());
        }
        exprs.push((id, value));
        Ok(id)
    }
}

/// The columns of USING and its alias, which the parser leaves as the last of them.
fn using_alias(names: &[ast::ObjectName]) -> (&[ast::ObjectName], Option<String>) {
    if let Some((last, rest)) = names.split_last()
        && let [mark, alias] = &last.0[..]
        && mark.as_ident().is_some_and(|mark| mark.value == USING_ALIAS)
    {
        return (rest, alias.as_ident().map(fold));
    }
    (names, None)
}

fn using_name(name: &ast::ObjectName) -> Result<String, SqlError> {
    let mut parts = name_parts(name)?;
    match (parts.pop(), parts.is_empty()) {
        (Some(name), true) => Ok(name),
        _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{name}\""))),
    }
}

fn common_names(left: &Scope, right: &Scope) -> Vec<String> {
    let shared = |c: &&ScopeColumn| right.star().any(|r| r.name == c.name);
    left.star().filter(shared).map(|c| c.name.clone()).collect()
}

pub(super) fn scope_for(
    columns: Vec<(String, usize)>,
    alias: Option<&ast::TableAlias>,
    name: &str,
    schema: Vec<String>,
) -> Result<Scope, SqlError> {
    match alias {
        Some(alias) => {
            let mut scope = aliased(columns, alias)?;
            scope.tables.iter_mut().for_each(|t| t.hidden = Some(name.to_string()));
            Ok(scope)
        }
        None => Ok(Scope::table(ScopeTable { name: name.to_string(), schema, ..ScopeTable::default() }, columns)),
    }
}

/// `AS alias (columns)`: fewer names than columns leave the rest.
fn aliased(mut columns: Vec<(String, usize)>, alias: &ast::TableAlias) -> Result<Scope, SqlError> {
    let name = fold(&alias.name);
    if alias.columns.len() > columns.len() {
        let (has, wants) = (columns.len(), alias.columns.len());
        let message = format!("table \"{name}\" has {has} columns available but {wants} columns specified");
        return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message));
    }
    for (column, renamed) in columns.iter_mut().zip(&alias.columns) {
        column.0 = fold(&renamed.name);
    }
    Ok(Scope::table(ScopeTable { name, ..ScopeTable::default() }, columns))
}
