//! A database in memory that runs SQL with nothing but this crate and `expr`: [`super::TestCatalog`], rows, and the interpreter of plans.
//!
//! One session, one statement at a time. `now()` and its like have fixed values. The SQL files of `tests/slt` run on it in milliseconds; what
//! needs a server (settings, cursors, prepared statements) is not here.

use super::TestCatalog;
use crate::catalog::{ItemDetails, SessionCatalog};
use crate::plan::{InsertPlan, Params, Plan, ReadThenWritePlan, ReturningPlan, SelectPlan};
use expr::interpret::{Budget, Rows, consolidate, interpret};
use expr::{RelExpr, ScalarExpr, Unmaterializable};
use repr::text::TextSettings;
use repr::{Arena, Datum, GlobalId, RelationDesc, Row, SqlError, SqlState, SqlType};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Microseconds since 2000 at which everything happens: 2024-02-29 12:00.
const NOW_US: i64 = 762_523_200_000_000;

/// A database in memory.
#[derive(Clone)]
pub(crate) struct Database {
    pub catalog: TestCatalog,
    rows: BTreeMap<GlobalId, Rows>,
    /// What ROLLBACK goes back to, and whether the transaction has failed.
    transaction: Option<(Box<Database>, bool)>,
    read_only: bool,
}

impl Database {
    pub fn new(catalog: TestCatalog) -> Self {
        Database { catalog, rows: BTreeMap::new(), transaction: None, read_only: false }
    }

    /// Runs the statements of a text; the last one's rows, as text.
    pub fn run(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let result = crate::parse(sql).and_then(|statements| {
            let mut rows = Vec::new();
            for statement in &statements {
                rows = self.statement(statement)?;
            }
            Ok(rows)
        });
        if let (Err(_), Some((_, failed))) = (&result, &mut self.transaction) {
            *failed = true;
        }
        result
    }

    fn statement(&mut self, statement: &crate::ParsedStatement) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let plan = crate::statement::plan(&self.catalog, statement, &Params::default());
        let failed = self.transaction.as_ref().is_some_and(|(_, failed)| *failed);
        if failed && !matches!(plan, Ok(Plan::Commit | Plan::Rollback)) {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlError::new(SqlState::IN_FAILED_SQL_TRANSACTION, message));
        }
        match plan? {
            Plan::Select(plan) => self.select(&plan),
            Plan::Insert(_) | Plan::ReadThenWrite(_) | Plan::Truncate(_) if self.read_only => {
                let message = "cannot execute a write in a read-only transaction";
                Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, message))
            }
            Plan::Insert(plan) => self.insert(&plan),
            Plan::ReadThenWrite(plan) => self.read_then_write(&plan),
            Plan::Truncate(plans) => {
                plans.iter().try_for_each(|plan| self.read_then_write(plan).map(drop))?;
                Ok(Vec::new())
            }
            Plan::Begin(modes) => {
                let saved = Database { transaction: None, ..self.clone() };
                self.transaction = Some((Box::new(saved), false));
                self.read_only = modes.read_only == Some(true);
                Ok(Vec::new())
            }
            end @ (Plan::Commit | Plan::Rollback) => {
                self.end(matches!(end, Plan::Commit));
                Ok(Vec::new())
            }
            Plan::SetVariable(_) | Plan::ResetVariable(_) | Plan::NothingToDo(_) => Ok(Vec::new()),
            _ => self.catalog.execute(&statement.sql).map(|_| Vec::new()),
        }
    }

    fn end(&mut self, commit: bool) {
        self.read_only = false;
        if let Some((saved, failed)) = self.transaction.take()
            && (failed || !commit)
        {
            *self = *saved;
        }
    }

    fn evaluate(&self, expr: &RelExpr) -> Result<Rows, SqlError> {
        let mut expr = expr.clone();
        expr.visit_scalars_mut(&mut |scalar| scalar.visit_mut_post(&mut settle));
        interpret(&expr, &|id| self.contents(id).map(Arc::new), &Budget::unlimited())
    }

    /// The rows of a relation; those of views are computed.
    fn contents(&self, id: GlobalId) -> Result<Rows, SqlError> {
        match self.catalog.item(id).map(|item| &item.details) {
            Some(ItemDetails::View { expr, .. } | ItemDetails::MaterializedView { expr, .. }) => self.evaluate(expr),
            _ => Ok(self.rows.get(&id).cloned().unwrap_or_default()),
        }
    }

    fn select(&self, plan: &SelectPlan) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let rows = plan.finishing.finish(self.evaluate(&plan.source)?)?;
        Ok(rows.iter().map(|row| texts(row, &plan.desc)).collect())
    }

    fn insert(&mut self, plan: &InsertPlan) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let rows = self.evaluate(&plan.values)?;
        self.write(plan.table, Vec::new(), rows, &plan.returning, true)
    }

    fn read_then_write(&mut self, plan: &ReadThenWritePlan) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let selected = self.evaluate(&plan.selection)?;
        let arity = self.desc(plan.table).arity();
        let mut gone = Rows::new();
        let mut new = Rows::new();
        for (row, diff) in &selected {
            let datums = row.unpack();
            gone.push((Row::pack(datums[..arity].iter().copied()), *diff));
            if let Some(assignments) = &plan.assignments {
                new.push((evaluate_row(assignments, &datums)?, *diff));
            }
        }
        self.write(plan.table, gone, new, &plan.returning, plan.assignments.is_some())
    }

    fn desc(&self, table: GlobalId) -> RelationDesc {
        let item = self.catalog.item(table);
        item.and_then(|item| item.details.desc().cloned()).unwrap_or_default()
    }

    fn write(
        &mut self,
        table: GlobalId,
        gone: Rows,
        new: Rows,
        returning: &Option<ReturningPlan>,
        return_new: bool,
    ) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let desc = self.desc(table);
        for (row, _) in &new {
            check_not_null(row, &desc)?;
        }
        let mut shown = Vec::new();
        if let Some(returning) = returning {
            for (row, diff) in if return_new { &new } else { &gone } {
                let row = evaluate_row(&returning.exprs, &row.unpack())?;
                shown.extend((0..*diff).map(|_| texts(&row, &returning.desc)));
            }
        }
        let rows = self.rows.entry(table).or_default();
        rows.extend(gone.into_iter().map(|(row, diff)| (row, -diff)));
        rows.extend(new);
        consolidate(rows);
        Ok(shown)
    }
}

fn check_not_null(row: &Row, desc: &RelationDesc) -> Result<(), SqlError> {
    for (datum, (name, typ)) in row.iter().zip(desc.iter()) {
        if datum == Datum::Null && !typ.nullable {
            let message = format!("null value in column \"{name}\" violates not-null constraint");
            return Err(SqlError::new(SqlState::NOT_NULL_VIOLATION, message));
        }
    }
    Ok(())
}

fn evaluate_row(exprs: &[ScalarExpr], datums: &[Datum<'_>]) -> Result<Row, SqlError> {
    let arena = Arena::new();
    let mut exprs = exprs.to_vec();
    exprs.iter_mut().for_each(|expr| expr.visit_mut_post(&mut settle));
    let values = exprs.iter().map(|expr| expr.eval(datums, &arena)).collect::<Result<Vec<_>, _>>()?;
    Ok(Row::pack(values))
}

/// Gives a value to what depends on session and time.
fn settle(expr: &mut ScalarExpr) {
    let ScalarExpr::Unmaterializable(what) = expr else { return };
    *expr = match what {
        Unmaterializable::CurrentTimestamp
        | Unmaterializable::StatementTimestamp
        | Unmaterializable::PgPostmasterStartTime => {
            ScalarExpr::literal(Datum::Timestamptz(NOW_US), SqlType::TIMESTAMPTZ)
        }
        Unmaterializable::RandomSeed => ScalarExpr::literal(Datum::Int8(7), SqlType::Int8),
        Unmaterializable::CurrentDatabase => ScalarExpr::literal(Datum::Text("materialize"), SqlType::Name),
        _ => ScalarExpr::literal(Datum::Text("x"), SqlType::Text),
    };
}

fn texts(row: &Row, desc: &RelationDesc) -> Vec<Option<String>> {
    let text = |(datum, (_, typ)): (Datum<'_>, (&String, &repr::ColumnType))| {
        let mut text = String::new();
        repr::text::format(datum, &typ.ty, &TextSettings::DEFAULT, &mut text);
        (datum != Datum::Null).then_some(text)
    };
    row.iter().zip(desc.iter()).map(text).collect()
}
