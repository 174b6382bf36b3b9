//! Runs the SQL files of `tests/slt` in memory. They run against a whole environment as well; here a mistake shows in seconds.

use crate::testing::TestCatalog;
use crate::testing::database::Database;
use repr::SqlError;
use std::path::PathBuf;

/// Files that need sessions or a server.
const WITH_SERVER: &[&str] = &[
    "alter_columns",
    "alter_comment",
    "catalog_functions",
    "composite",
    "create_table_as",
    "cursors_prepare",
    "ddl",
    "enum",
    "materialized_views",
    "recursion_limits",
    "savepoints",
    "session_functions",
    "show",
    "sql_functions",
    "subscribe",
    "temporal_filters",
    "time_zones",
    "timestamp",
    "unique",
];

#[test]
fn sql_files_give_their_answers() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/slt");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("tests/slt").map(|e| e.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "slt"));
    files.sort();
    let only = std::env::var("SLT").ok();
    let mut failures = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if WITH_SERVER.contains(&name.as_str()) || only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a file");
        failures.extend(run_file(&name, &text));
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// What is wrong in one file.
fn run_file(name: &str, text: &str) -> Vec<String> {
    let mut database = Database::new(TestCatalog::empty());
    let mut failures = Vec::new();
    for record in text.split("\n\n") {
        let lines: Vec<&str> = record.lines().filter(|line| !line.starts_with('#')).collect();
        let Some((head, body)) = lines.split_first() else { continue };
        let (sql, wanted) = match body.iter().position(|line| *line == "----") {
            Some(at) => (body[..at].join("\n"), body[at + 1..].iter().map(|line| normalize(line)).collect()),
            None => (body.join("\n"), Vec::new()),
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| database.run(&sql)));
        let result = result.unwrap_or_else(|_| Err(SqlError::internal("panic")));
        let judged = judge(head, wanted, result.clone()).and_then(|()| match result {
            Ok(rows) if head.starts_with("query") => check_view(&database, &sql, rows),
            _ => Ok(()),
        });
        if let Err(problem) = judged {
            failures.push(format!("{name}: {sql}\n    {problem}"));
        }
    }
    failures
}

/// A view of the query, planned from its canonical text, has the same rows.
fn check_view(database: &Database, sql: &str, rows: Vec<Vec<Option<String>>>) -> Result<(), String> {
    let mut database = database.clone();
    let created = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let created = database.catalog.execute(&format!("CREATE VIEW view_of_query AS {sql}"));
        created.map(|_| database.run("SELECT * FROM view_of_query"))
    }));
    let viewed = match created {
        Err(_) => return Err("panics as a view".to_string()),
        // Two columns of the same name, say, are fine in a query and not in a view; writes with RETURNING are no queries.
        Ok(Err(_)) => return Ok(()),
        Ok(Ok(Err(error))) => return Err(format!("as a view {}: {}", error.code, error.message)),
        Ok(Ok(Ok(viewed))) => viewed,
    };
    let sorted = |rows: &[Vec<Option<String>>]| {
        let mut rows: Vec<String> = rows.iter().map(|row| row_text(row)).collect();
        rows.sort();
        rows
    };
    let (rows, viewed) = (sorted(&rows), sorted(&viewed));
    if rows == viewed { Ok(()) } else { Err(format!("as a view gives {viewed:?}\n expected {rows:?}")) }
}

fn judge(
    head: &str,
    mut wanted: Vec<String>,
    result: Result<Vec<Vec<Option<String>>>, SqlError>,
) -> Result<(), String> {
    // What follows the code is for whole environments: it may be a regular expression.
    let code = head.strip_prefix("statement error ").map(|wanted| wanted.split(':').next().unwrap_or(wanted));
    match (code, result) {
        (Some(code), Err(error)) if error.code.as_str() == code => Ok(()),
        (Some(code), Err(error)) => Err(format!("{}: {}; expected {code}", error.code, error.message)),
        (Some(code), Ok(_)) => Err(format!("succeeds; expected {code}")),
        (None, Err(error)) => Err(format!("{}: {}", error.code, error.message)),
        (None, Ok(_)) if head == "statement ok" => Ok(()),
        (None, Ok(rows)) => {
            let mut rows: Vec<String> = rows.iter().map(|row| row_text(row)).collect();
            if head.ends_with("rowsort") {
                rows.sort();
                wanted.sort();
            }
            if rows == wanted { Ok(()) } else { Err(format!("gives {rows:?}\n expected {wanted:?}")) }
        }
    }
}

fn row_text(row: &[Option<String>]) -> String {
    let value = |value: &Option<String>| match value.as_deref() {
        None => "NULL".to_string(),
        Some("") => "(empty)".to_string(),
        Some(text) => text.to_string(),
    };
    normalize(&row.iter().map(value).collect::<Vec<_>>().join(" "))
}

fn normalize(row: &str) -> String {
    row.split_whitespace().collect::<Vec<_>>().join(" ")
}
