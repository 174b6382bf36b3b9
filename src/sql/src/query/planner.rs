//! The state of planning one query: its columns, the stack of query levels, the common table expressions in sight.

use super::QueryContext;
use super::window::{Window, WindowCall};
use crate::hir::{ColId, CteId, Subquery};
use crate::scope::{Found, Scope, no_column, no_table};
use expr::{AggregateExpr, ScalarExpr, TableFunc, Unmaterializable};
use repr::{ColumnType, GlobalId, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::Span;
use std::collections::{BTreeMap, BTreeSet};

/// How deep queries may nest.
const LEVELS_MAX: usize = 100;

/// Plans one query.
pub(crate) struct Planner<'q, 'c> {
    /// What planning depends on.
    pub qcx: &'q mut QueryContext<'c>,
    /// The type of every column, by `ColId`.
    pub types: Vec<ColumnType>,
    /// The name of every column for messages: `t.a`.
    pub labels: Vec<String>,
    /// Query levels, outermost first.
    pub frames: Vec<Frame>,
    /// Common table expressions in sight, the innermost last.
    pub ctes: Vec<Cte>,
    /// The arguments of the function bodies being planned, the innermost last.
    pub arguments: Vec<Vec<ColId>>,
    /// Columns that USING made of one side's by a conversion: what they are in terms of that side's.
    pub merged: BTreeMap<ColId, ScalarExpr>,
    next_cte: CteId,
}

/// One query level: what a SELECT's expressions see and leave behind.
pub(crate) struct Frame {
    /// Names.
    pub scope: Scope,
    /// Whether expressions inside see `scope`: not while a FROM item without LATERAL is planned.
    pub visible: bool,
    /// Which clause is being planned.
    pub clause: Clause,
    /// Subqueries met in expressions, to be applied below the operator that uses them.
    pub subqueries: Vec<Subquery>,
    /// Conditions of the CASE branches around the present expression.
    pub guards: Vec<ScalarExpr>,
    /// Aggregates met.
    pub aggregates: Vec<(ColId, AggregateExpr)>,
    /// Subqueries inside arguments of aggregates.
    pub aggregate_subqueries: Vec<Subquery>,
    /// Window functions met.
    pub windows: Vec<WindowCall>,
    /// What the WINDOW clause defines.
    pub named_windows: Vec<Window>,
    /// Direct arguments of aggregates with WITHIN GROUP, which are the same for a whole group, each with the column that stands for it.
    pub direct_arguments: Vec<(ColId, ScalarExpr)>,
    /// Table functions met in the SELECT list.
    pub table_calls: Vec<TableCall>,
    /// `GROUPING(…)` calls met: the column of each, and its arguments.
    pub groupings: Vec<(ColId, Vec<ScalarExpr>)>,
    /// Names in its expressions that would mean the whole row of a table so called.
    pub whole_rows: BTreeSet<String>,
    /// Whether FROM names the recursive query whose own term this is.
    pub recursive: bool,
}

/// A table function in a SELECT list.
pub(crate) struct TableCall {
    /// The function.
    pub func: TableFunc,
    /// Its arguments.
    pub args: Vec<ScalarExpr>,
    /// What it returns.
    pub cols: Vec<ColId>,
}

/// Which clause is planned, and what it admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// As messages name it.
    pub name: &'static str,
    /// Whether aggregates may appear.
    pub aggregates: bool,
    /// Whether window functions may appear.
    pub windows: bool,
    /// Whether table functions may appear.
    pub table_functions: bool,
    /// Whether subqueries may appear.
    pub subqueries: bool,
}

impl Clause {
    /// A clause without aggregates and table functions.
    pub const fn plain(name: &'static str) -> Clause {
        Clause { name, aggregates: false, windows: false, table_functions: false, subqueries: true }
    }

    /// A place for expressions over a row and nothing else.
    pub const fn bare(name: &'static str) -> Clause {
        Clause { name, aggregates: false, windows: false, table_functions: false, subqueries: false }
    }

    /// A clause over groups, with aggregates.
    const fn grouped(name: &'static str, windows: bool) -> Clause {
        Clause { name, aggregates: true, windows, table_functions: false, subqueries: true }
    }

    /// SELECT list, ORDER BY.
    pub const fn output(name: &'static str) -> Clause {
        Clause { name, aggregates: true, windows: true, table_functions: true, subqueries: true }
    }

    /// HAVING.
    pub const HAVING: Clause = Clause::grouped("HAVING", false);
    /// QUALIFY.
    pub const QUALIFY: Clause = Clause::grouped("QUALIFY", true);
    /// PARTITION BY and ORDER BY of a window.
    pub const WINDOW: Clause = Clause::grouped("window definitions", false);
    /// The argument of a window function.
    pub const WINDOW_ARGUMENT: Clause = Clause::grouped("window function calls", false);
    /// The argument of an aggregate.
    pub const AGGREGATE: Clause = Clause::plain("aggregate function calls");
}

/// A common table expression in sight.
#[derive(Clone, Debug)]
pub(crate) struct Cte {
    /// Its identifier in the plan.
    pub id: CteId,
    /// Its name.
    pub name: String,
    /// Its columns' names and types.
    pub columns: Vec<(String, ColumnType)>,
    /// Columns from outside that it uses.
    pub outer: Vec<ColId>,
    /// Whether it is `WITH RECURSIVE`'s own recursive term that is being planned.
    pub open: bool,
}

impl<'q, 'c> Planner<'q, 'c> {
    /// A planner with nothing in sight.
    pub fn new(qcx: &'q mut QueryContext<'c>) -> Self {
        let (types, labels, frames, ctes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (arguments, merged) = (Vec::new(), BTreeMap::new());
        Planner { qcx, types, labels, frames, ctes, arguments, merged, next_cte: 0 }
    }

    /// A new column.
    pub fn column(&mut self, label: &str, typ: ColumnType) -> ColId {
        self.types.push(typ);
        self.labels.push(label.to_string());
        self.types.len() - 1
    }

    /// A new column of this expression's type.
    pub fn column_for(&mut self, label: &str, expr: &ScalarExpr) -> ColId {
        let typ = self.typ(expr);
        self.column(label, typ)
    }

    /// An expression's type.
    pub fn typ(&self, expr: &ScalarExpr) -> ColumnType {
        expr.typ(&self.types)
    }

    /// A name for a common table expression in the plan.
    pub fn fresh_cte(&mut self) -> CteId {
        self.next_cte += 1;
        self.next_cte - 1
    }

    /// Enters a query level.
    pub fn push_frame(&mut self, scope: Scope, clause: Clause) {
        self.frames.push(Frame {
            scope,
            visible: true,
            clause,
            subqueries: Vec::new(),
            guards: Vec::new(),
            aggregates: Vec::new(),
            aggregate_subqueries: Vec::new(),
            windows: Vec::new(),
            named_windows: Vec::new(),
            direct_arguments: Vec::new(),
            table_calls: Vec::new(),
            groupings: Vec::new(),
            whole_rows: BTreeSet::new(),
            recursive: false,
        });
    }

    /// Refuses a level more than can be served.
    pub fn check_depth(&self) -> Result<(), SqlError> {
        if self.frames.len() < LEVELS_MAX {
            return Ok(());
        }
        Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "queries are nested too deeply"))
    }

    /// The present query level.
    pub fn frame(&mut self) -> Result<&mut Frame, SqlError> {
        self.frames.last_mut().ok_or_else(|| SqlError::internal("an expression outside of a query"))
    }

    /// Plans with another clause.
    pub fn in_clause<R>(
        &mut self,
        clause: Clause,
        f: impl FnOnce(&mut Self) -> Result<R, SqlError>,
    ) -> Result<R, SqlError> {
        let before = std::mem::replace(&mut self.frame()?.clause, clause);
        let result = f(self);
        self.frame()?.clause = before;
        result
    }

    /// Where an expression begins.
    pub fn position(&self, expr: &ast::Expr) -> Option<u32> {
        self.span_position(expr.span())
    }

    /// Where a span begins.
    pub fn span_position(&self, span: Span) -> Option<u32> {
        self.qcx.lines.position(span.start)
    }

    /// What a possibly qualified name stands for, from the innermost level outwards.
    pub fn resolve_column(&self, names: &[String]) -> Result<Found, SqlError> {
        for frame in self.frames.iter().rev().filter(|f| f.visible) {
            if let Some(found) = frame.scope.find(names)? {
                return Ok(found);
            }
        }
        if let [name] = names {
            for frame in self.frames.iter().rev().filter(|f| f.visible) {
                if let Some(found) = frame.scope.find_row(name)? {
                    return Ok(found);
                }
            }
            return Err(self.hint_column(no_column(names), name));
        }
        Err(self.unknown_table(&names[..names.len() - 1]))
    }

    /// The error for a table that no visible FROM clause names.
    pub fn unknown_table(&self, qualifier: &[String]) -> SqlError {
        let name = qualifier.last().map(String::as_str).unwrap_or_default();
        let invalid = || {
            let message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
            SqlError::new(SqlState::UNDEFINED_TABLE, message)
        };
        let mut tables = self.frames.iter().filter(|f| f.visible).flat_map(|f| &f.scope.tables);
        if let Some(table) = tables.find(|t| t.hidden.as_deref() == Some(name) && t.name != name) {
            return invalid().hint(format!("Perhaps you meant to reference the table alias \"{}\".", table.name));
        }
        if !self.frames.iter().any(|f| matches!(f.scope.find_table(qualifier), Ok(Some(_)))) {
            return no_table(qualifier);
        }
        invalid().hint(format!(
            "There is an entry for table \"{name}\", but it cannot be referenced from this part of the query."
        ))
    }

    /// Adds PostgreSQL's hint if a column in sight is called almost so.
    fn hint_column(&self, error: SqlError, name: &str) -> SqlError {
        let visible = self.frames.iter().rev().filter(|f| f.visible);
        let columns = visible.flat_map(|f| f.scope.columns.iter().map(move |c| (f, c)));
        let near = columns.map(|(f, c)| (distance(name, &c.name), f, c)).min_by_key(|(d, ..)| *d);
        match near {
            Some((d, frame, column)) if d > 0 && d <= 3 && d * 2 <= name.chars().count() => {
                let table = column.table.map(|t| format!("{}.", frame.scope.tables[t].name)).unwrap_or_default();
                error.hint(format!("Perhaps you meant to reference the column \"{table}{}\".", column.name))
            }
            _ => error,
        }
    }

    /// Remembers that the query names an item.
    pub fn depend_on(&mut self, id: GlobalId) {
        self.qcx.depends_on.insert(id);
    }

    /// The value of parameter `n` (from 0), whose type is known by now.
    pub fn parameter(&self, n: usize, ty: &SqlType) -> ScalarExpr {
        if self.qcx.keeps_params {
            return ScalarExpr::Unmaterializable(Unmaterializable::Parameter(n, ty.clone()));
        }
        let typ = ty.clone().nullable(true);
        let Some(params) = self.qcx.params else {
            let message = format!("there is no parameter ${}", n + 1);
            return ScalarExpr::Literal(Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, message)), typ);
        };
        match params.values.iter().nth(n) {
            Some(datum) => {
                let nullable = datum.is_null();
                ScalarExpr::Literal(Ok(repr::Row::pack([datum])), ColumnType { nullable, ..typ })
            }
            None => {
                let message = format!("there is no parameter ${}", n + 1);
                ScalarExpr::Literal(Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, message)), typ)
            }
        }
    }
}

/// Edit distance, for hints; long names are not worth comparing.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// An identifier after case folding: lower case unless it is quoted.
pub(crate) fn fold(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The parts of an object's name after case folding.
pub(crate) fn name_parts(name: &ast::ObjectName) -> Result<Vec<String>, SqlError> {
    let part = |part: &ast::ObjectNamePart| {
        let ident = part.as_ident().ok_or_else(|| SqlError::unsupported(format!("the name {name}")))?;
        Ok(fold(ident))
    };
    name.0.iter().map(part).collect()
}
