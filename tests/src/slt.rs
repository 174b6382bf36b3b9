//! SQL files: sqllogictest records, run as they stand and once more as maintained views.
//!
//! Each file gets a database of its own. With [`Mode::Views`] each query that passed becomes a materialized view; at the end of the
//! file all rows of every table are deleted, half of them put back, then the rest, and after each step every view must equal its query.

use crate::freshet::Freshet;
use anyhow::Context;
use sqllogictest::{DefaultColumnType, QueryExpect, Record, SortMode, StatementExpect};
use std::path::Path;
use tokio_postgres::{Client, SimpleQueryMessage};

/// How a file is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it stands.
    Direct,
    /// As it stands, and every query as a materialized view that sees all data go and come back.
    Views,
}

/// What became of one file.
#[derive(Debug, Default)]
pub struct Report {
    /// Records, and checks of views, that were right.
    pub passed: usize,
    /// What was wrong, each with file and line.
    pub failures: Vec<String>,
}

/// Views that one file keeps at most: each is a dataflow.
const VIEWS_MAX: usize = 20;

struct File<'a> {
    client: &'a Client,
    /// Makes the views: a transaction of the file's own session must not be disturbed.
    maintainer: &'a Client,
    name: String,
    report: Report,
    /// Name of the view, query.
    views: Vec<(String, String)>,
    /// Views made so far, dropped ones included.
    made: usize,
}

/// Runs one file in a new database.
pub async fn run_file(freshet: &Freshet, path: &Path, mode: Mode) -> anyhow::Result<Report> {
    let admin = freshet.connect().await?;
    let stem = path.file_stem().context("a SQL file has a name")?.to_string_lossy().replace(['-', '.'], "_");
    let database = format!("slt_{stem}_{}", if mode == Mode::Views { "views" } else { "direct" });
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {database} CASCADE; CREATE DATABASE {database}")).await?;
    let client = freshet.connect_to(&database).await?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let maintainer = freshet.connect_to(&database).await?;
    let mut file =
        File { client: &client, maintainer: &maintainer, name, report: Report::default(), views: Vec::new(), made: 0 };
    file.run(path, mode).await?;
    let report = file.report;
    drop((client, maintainer));
    admin.batch_execute(&format!("DROP DATABASE {database} CASCADE")).await?;
    Ok(report)
}

impl File<'_> {
    async fn run(&mut self, path: &Path, mode: Mode) -> anyhow::Result<()> {
        let mut sort_mode = None;
        for record in sqllogictest::parse_file::<DefaultColumnType>(path)? {
            match record {
                Record::Statement { sql, expected, loc, .. } => {
                    let mut result = self.client.simple_query(&sql).await;
                    if result.as_ref().is_err_and(|e| e.code().is_some_and(|code| code.code() == "2BP01"))
                        && !matches!(expected, StatementExpect::Error(_))
                    {
                        // What the file drops or replaces has views of ours on it.
                        self.drop_views().await?;
                        result = self.client.simple_query(&sql).await;
                    }
                    self.check_statement(&sql, &expected, result, loc.line());
                }
                Record::Query { sql, expected, loc, .. } => {
                    let result = self.query(&sql).await;
                    if self.check_query(&sql, &expected, result, sort_mode, loc.line()) && mode == Mode::Views {
                        self.keep_view(&sql).await;
                    }
                }
                Record::Control(sqllogictest::Control::SortMode(mode)) => sort_mode = Some(mode),
                Record::Halt { .. } => break,
                _ => (),
            }
        }
        if mode == Mode::Views { self.churn().await } else { Ok(()) }
    }

    fn pass(&mut self) -> bool {
        self.report.passed += 1;
        true
    }

    fn fail(&mut self, line: u32, sql: &str, what: impl std::fmt::Display) -> bool {
        self.report.failures.push(format!("{}:{line}: {sql}\n    {what}", self.name));
        false
    }

    async fn query(&self, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        let messages = self.client.simple_query(sql).await?;
        Ok(messages.iter().filter_map(row_text).collect())
    }

    fn check_statement<T>(
        &mut self,
        sql: &str,
        expected: &StatementExpect,
        result: Result<T, tokio_postgres::Error>,
        line: u32,
    ) -> bool {
        match (expected, result) {
            (StatementExpect::Error(wanted), Err(error)) => self.check_error(sql, wanted, &error, line),
            (StatementExpect::Error(_), Ok(_)) => self.fail(line, sql, "succeeds; an error was expected"),
            (_, Ok(_)) => self.pass(),
            (_, Err(error)) => self.fail(line, sql, describe(&error)),
        }
    }

    fn check_error(
        &mut self,
        sql: &str,
        wanted: &sqllogictest::ExpectedError,
        error: &tokio_postgres::Error,
        line: u32,
    ) -> bool {
        let text = describe(error);
        if wanted.is_match(&text, None) {
            self.pass()
        } else {
            self.fail(line, sql, format!("{text}; expected {wanted}"))
        }
    }

    fn check_query(
        &mut self,
        sql: &str,
        expected: &QueryExpect<DefaultColumnType>,
        result: Result<Vec<String>, tokio_postgres::Error>,
        default_sort: Option<SortMode>,
        line: u32,
    ) -> bool {
        let (wanted, sort) = match (expected, &result) {
            (QueryExpect::Error(wanted), Err(error)) => {
                self.check_error(sql, wanted, error, line);
                return false;
            }
            (QueryExpect::Error(_), Ok(_)) => return self.fail(line, sql, "succeeds; an error was expected"),
            (QueryExpect::Results { results, sort_mode, .. }, _) => (results, sort_mode.or(default_sort)),
        };
        let mut rows = match result {
            Ok(rows) => rows,
            Err(error) => return self.fail(line, sql, describe(&error)),
        };
        let mut wanted: Vec<String> = wanted.iter().map(|row| normalize(row)).collect();
        if sort.is_some_and(|mode| mode != SortMode::NoSort) {
            rows.sort();
            wanted.sort();
        }
        if rows == wanted {
            return self.pass();
        }
        self.fail(line, sql, format!("gives:\n{}\n    expected:\n{}", rows.join("\n"), wanted.join("\n")))
    }

    /// Makes a materialized view of a query; queries that no view can have are left out.
    async fn keep_view(&mut self, sql: &str) {
        let query = sql.trim().trim_end_matches(';');
        let head = query.to_ascii_lowercase();
        let selects = ["select", "with", "values", "table", "("].iter().any(|word| head.starts_with(word));
        if !selects || self.views.len() >= VIEWS_MAX {
            return;
        }
        let name = format!("view_{}", self.made);
        self.made += 1;
        // Duplicate column names, say, are fine in a query and not in a view.
        if self.maintainer.batch_execute(&format!("CREATE MATERIALIZED VIEW {name} AS {query}")).await.is_ok() {
            self.views.push((name, query.to_string()));
        }
    }

    /// Drops the views made so far.
    async fn drop_views(&mut self) -> anyhow::Result<()> {
        for (name, _) in std::mem::take(&mut self.views).into_iter().rev() {
            self.maintainer.batch_execute(&format!("DROP MATERIALIZED VIEW {name}")).await?;
        }
        Ok(())
    }

    /// Takes all rows away and brings them back in two steps; every view follows.
    async fn churn(&mut self) -> anyhow::Result<()> {
        self.check_views("at first").await?;
        let tables = "SELECT '\"' || s.name || '\".\"' || t.name || '\"' FROM mz_catalog.mz_tables t \
                      JOIN mz_catalog.mz_schemas s ON s.id = t.schema_id \
                      JOIN mz_catalog.mz_databases d ON d.id = s.database_id \
                      WHERE t.id LIKE 'u%' AND d.name = current_database()";
        let mut contents = Vec::new();
        for table in self.query(tables).await? {
            contents.push((table.clone(), self.rows(&format!("SELECT * FROM {table}")).await?));
            let delete = format!("DELETE FROM {table}");
            self.client.batch_execute(&delete).await.context(delete)?;
        }
        self.check_views("without rows").await?;
        for (table, rows) in &contents {
            self.insert(table, &rows[..rows.len() / 2]).await?;
        }
        self.check_views("with half of the rows").await?;
        for (table, rows) in &contents {
            self.insert(table, &rows[rows.len() / 2..]).await?;
        }
        self.check_views("with all rows again").await
    }

    async fn rows(&self, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        let messages = self.client.simple_query(sql).await.with_context(|| sql.to_string())?;
        let values = |message| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_string)).collect()),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(values).collect())
    }

    /// Inserts rows as text literals, which every type reads back.
    async fn insert(&self, table: &str, rows: &[Vec<Option<String>>]) -> anyhow::Result<()> {
        let literal = |value: &Option<String>| match value {
            Some(text) => format!("'{}'", text.replace('\'', "''")),
            None => "NULL".to_string(),
        };
        for chunk in rows.chunks(500) {
            let rows: Vec<String> = chunk
                .iter()
                .map(|row| format!("({})", row.iter().map(literal).collect::<Vec<_>>().join(", ")))
                .collect();
            let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
            self.client.batch_execute(&insert).await.context(insert)?;
        }
        Ok(())
    }

    async fn check_views(&mut self, when: &str) -> anyhow::Result<()> {
        for (name, query) in self.views.clone() {
            // One transaction: both are read at the same time.
            let ordered = format!("SELECT * FROM {name}");
            self.client.batch_execute("BEGIN").await?;
            let (direct, kept) = (self.query(&query).await, self.query(&ordered).await);
            self.client.batch_execute("ROLLBACK").await?;
            // What was wrong is in the report.
            let _right = match (direct, kept) {
                (Ok(mut direct), Ok(mut kept)) => {
                    direct.sort();
                    kept.sort();
                    if direct == kept {
                        self.pass()
                    } else {
                        let what =
                            format!("{when} the view holds\n{}\n    the query\n{}", kept.join("\n"), direct.join("\n"));
                        self.fail(0, &query, what)
                    }
                }
                (Err(_), Err(_)) => self.pass(),
                (Err(error), Ok(_)) => {
                    self.fail(0, &query, format!("{when} only the query fails: {}", describe(&error)))
                }
                (Ok(_), Err(error)) => {
                    self.fail(0, &query, format!("{when} only the view fails: {}", describe(&error)))
                }
            };
        }
        Ok(())
    }
}

/// A row as the files write it: values separated by a space, `NULL`, `(empty)`.
fn row_text(message: &SimpleQueryMessage) -> Option<String> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    let value = |column| match row.get(column) {
        None => "NULL",
        Some("") => "(empty)",
        Some(text) => text,
    };
    let values: Vec<&str> = (0..row.len()).map(value).collect();
    Some(normalize(&values.join(" ")))
}

/// White space folded.
fn normalize(row: &str) -> String {
    row.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// SQLSTATE and message.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{}: {}", db.code().code(), db.message()),
        None => error.to_string(),
    }
}
