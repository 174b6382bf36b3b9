//! Queries end to end: parsed, planned, decorrelated, evaluated from scratch, and compared with what PostgreSQL 15 answers.
//!
//! The files in `tests/` hold a query, `----`, and PostgreSQL's rows or error, over the tables below.

use super::{Lifetime, PlannedQuery, QueryContext, plan_query};
use crate::catalog::SessionCatalog;
use crate::parser::{Statement, parse};
use crate::testing::TestCatalog;
use expr::interpret::{Budget, Rows, interpret};
use repr::text::{self, TextSettings};
use repr::{GlobalId, RelationDesc, Row, RowPacker, SqlError};
use std::collections::BTreeMap;
use std::sync::Arc;

const TABLES: &[(&str, &str, &[&str])] = &[
    ("t", "a int, b int", &["1,10", "2,20", "2,21", "3,null", "null,5", "null,null"]),
    ("u", "a int, c text", &["1,x", "2,y", "2,y2", "4,z", "null,n"]),
    ("nn", "k int not null, v int not null", &["1,2", "2,3", "3,3", "4,1"]),
    ("e", "k int", &[]),
    ("nx", "x numeric", &["1.0", "2", "2.5", "null"]),
];

/// A catalog with rows.
struct Database {
    catalog: TestCatalog,
    rows: BTreeMap<GlobalId, Arc<Rows>>,
}

fn database() -> Database {
    let mut catalog = TestCatalog::default();
    let mut rows = BTreeMap::new();
    for (name, columns, data) in TABLES {
        let id = catalog.add_table(name, columns);
        let desc = catalog.item(id).and_then(|i| i.details.desc()).cloned().unwrap_or_default();
        rows.insert(id, Arc::new(data.iter().map(|line| (row(line, &desc), 1)).collect()));
    }
    Database { catalog, rows }
}

fn row(line: &str, desc: &RelationDesc) -> Row {
    let mut packer = RowPacker::new();
    for (field, (_, typ)) in line.split(',').zip(desc.iter()) {
        match field {
            "null" => packer.push(repr::Datum::Null),
            field => text::parse(field, &typ.ty, &TextSettings::DEFAULT, &mut packer).expect("fixture"),
        }
    }
    packer.finish()
}

fn plan(catalog: &TestCatalog, sql: &str, lifetime: Lifetime) -> Result<PlannedQuery, SqlError> {
    let statements = parse(sql)?;
    let [statement] = &statements[..] else { panic!("one statement: {sql}") };
    let Statement::Select(select) = &statement.ast else { panic!("a query: {sql}") };
    plan_query(&mut QueryContext::new(catalog, lifetime).with_lines(&statement.lines), &select.query)
}

fn answer(database: &Database, sql: &str, lifetime: Lifetime) -> Result<Vec<String>, SqlError> {
    let planned = plan(&database.catalog, sql, lifetime)?;
    let resolve = |id| database.rows.get(&id).cloned().ok_or_else(|| SqlError::internal("no such rows"));
    let rows = interpret(&planned.expr, &resolve, &Budget::unlimited())?;
    let desc = planned.result_desc();
    let show = |row: Row| {
        let fields = row.iter().zip(&desc.typ.columns).map(|(datum, typ)| {
            assert!(typ.nullable || !datum.is_null(), "{sql}: NULL in a column that is not nullable");
            if datum.is_null() { "NULL".to_string() } else { text::to_string(datum, &typ.ty) }
        });
        fields.collect::<Vec<_>>().join("|")
    };
    Ok(planned.finishing.finish(rows)?.into_iter().map(show).collect())
}

/// The pieces of a file of cases: query, expected lines.
fn cases(file: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut cases = Vec::new();
    for block in file.split("\n\n") {
        let (query, expected) = block.split_once("\n----").unwrap_or((block, ""));
        cases.push((query.trim(), expected.trim().lines().collect()));
    }
    cases.retain(|(query, _)| !query.is_empty());
    cases
}

fn check_answers(file: &'static str) {
    let database = database();
    let mut wrong = Vec::new();
    for (query, expected) in cases(file) {
        for lifetime in [Lifetime::OneShot, Lifetime::Maintained] {
            let mut expected: Vec<String> = expected.iter().map(|l| l.to_string()).collect();
            let mut actual = match answer(&database, query, lifetime) {
                Ok(lines) => lines,
                Err(e) => vec![format!("error {} {}", e.code, e.message)],
            };
            // An order that leaves ties says nothing about them.
            if lifetime == Lifetime::Maintained || !query.contains("order by") || query.contains("(select") {
                actual.sort();
                expected.sort();
            }
            if actual != expected {
                wrong.push(format!("{query}\n  expected {expected:?}\n  actual   {actual:?}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn answers_are_those_of_postgres() {
    check_answers(include_str!("tests/answers.txt"));
}

/// Queries that a generator made, of subqueries and joins in each other.
#[test]
fn random_queries_answer_as_in_postgres() {
    check_answers(include_str!("tests/random.txt"));
}

#[test]
fn errors_are_those_of_postgres() {
    check_answers(include_str!("tests/errors.txt"));
}
