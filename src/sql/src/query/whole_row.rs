//! Whole rows of tables as values: `t`, `f(t.*)`. Where an outer join found no row, the value is NULL, and not a row of NULLs.

use super::planner::{Planner, fold, name_parts};
use crate::coerce::{Operand, null};
use crate::hir::ColId;
use expr::ScalarExpr;
use repr::{SqlError, SqlType};
use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Select, Visit, Visitor};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The bare names in a SELECT's expressions, and those before `.*` in arguments: if a table is called so, they may mean its row.
pub(super) fn names_used(select: &Select) -> BTreeSet<String> {
    let mut names = Names(BTreeSet::new());
    let _ = select.visit(&mut names); // it never breaks off
    names.0
}

struct Names(BTreeSet<String>);

impl Visitor for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                self.0.insert(fold(ident));
            }
            Expr::Function(ast::Function { args: FunctionArguments::List(list), .. }) => {
                let rows = list.args.iter().filter_map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(table)) => table.0.last()?.as_ident(),
                    _ => None,
                });
                self.0.extend(rows.map(fold));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Planner<'_, '_> {
    /// The row of a table, for `f(t.*)`.
    pub(super) fn whole_row(&mut self, table: &ast::ObjectName) -> Result<ScalarExpr, SqlError> {
        let qualifier = name_parts(table)?;
        for frame in self.frames.iter().rev().filter(|f| f.visible) {
            if let Some(at) = frame.scope.find_table(&qualifier)? {
                let (columns, present) = (frame.scope.table_columns(at), frame.scope.tables[at].present);
                return self.row_of(columns, present);
            }
        }
        Err(self.unknown_table(&qualifier))
    }

    /// A record of these columns; NULL where `present` is.
    pub(super) fn row_of(
        &mut self,
        columns: Vec<(String, ColId)>,
        present: Option<ColId>,
    ) -> Result<ScalarExpr, SqlError> {
        let row = self.named_record(&columns)?;
        let Some(present) = present else { return Ok(row) };
        Ok(ScalarExpr::If {
            condition: Box::new(super::expr::is_null(ScalarExpr::Column(present))?),
            then: Box::new(null(&self.typ(&row).ty)),
            otherwise: Box::new(row),
        })
    }
}

/// The fields of a row that is spelled out or is a table's; a row that is not there has fields that are NULL.
pub(super) fn fields(operand: Operand) -> Vec<Operand> {
    match operand {
        Operand::Row(fields) => fields,
        Operand::Typed(ScalarExpr::Call { func, args }) if super::row::is_row(func) => {
            args.into_iter().map(Operand::Typed).collect()
        }
        Operand::Typed(ScalarExpr::If { then, otherwise, .. }) if is_missing_row(&then) => {
            fields(Operand::Typed(*otherwise))
        }
        other => vec![other],
    }
}

fn is_missing_row(expr: &ScalarExpr) -> bool {
    matches!(expr, ScalarExpr::Literal(Ok(row), typ)
        if matches!(typ.ty, SqlType::Record(_)) && row.iter().all(|datum| datum.is_null()))
}
