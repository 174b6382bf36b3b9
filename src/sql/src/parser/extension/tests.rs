//! What our statements parse to, shown by what they print as or by the error.

use super::ast::*;
use super::print;
use crate::parser::parse;
use expect_test::{Expect, expect};

/// A definition as text, times as text, other statements as trees without positions.
fn show(statement: &Statement) -> String {
    let time = |as_of: &Option<AsOf>| match as_of {
        None => String::new(),
        Some(AsOf::At(time)) => format!(" | at {time}"),
        Some(AsOf::AtLeast(time)) => format!(" | at least {time}"),
    };
    match statement {
        Statement::Select(s) => format!("{}{}", s.query, time(&s.as_of)),
        Statement::Subscribe(s) => {
            let from = match &s.from {
                SubscribeRelation::Name(name) => name.to_string(),
                SubscribeRelation::Query(query) => query.to_string(),
            };
            let options: Vec<String> = s.options.iter().map(|o| o.to_string()).collect();
            let up_to = s.up_to.as_ref().map(|t| format!(" | up to {t}")).unwrap_or_default();
            format!("{from} | {}{}{up_to}", options.join(", "), time(&s.as_of))
        }
        other => print::definition(other).unwrap_or_else(|| without_spans(&format!("{other:?}"))),
    }
}

fn without_spans(text: &str) -> String {
    let mut parts = text.split(", span: Span(");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |shown, part| {
        shown + part.split_once(")) }").map_or("", |_| " }") + part.split_once(")) }").map_or(part, |p| p.1)
    })
}

fn check(sql: &str, expected: Expect) {
    let shown = match parse(sql) {
        Ok(statements) => statements.iter().map(|s| show(&s.ast)).collect::<Vec<_>>().join("\n"),
        Err(error) => format!("{}: {} at {:?}", error.code, error.message, error.position),
    };
    expected.assert_eq(&shown);
}

#[test]
fn definitions_print_as_they_parse() {
    check(
        "create table if not exists t (a int not null default 1, \"B\" varchar(3))",
        expect![[r#"CREATE TABLE t (a INT NOT NULL DEFAULT 1, "B" VARCHAR(3))"#]],
    );
    check(
        "create or replace view v (x) as select a from t as of order by 1",
        expect!["CREATE VIEW v (x) AS SELECT a FROM t AS of ORDER BY 1"],
    );
    check(
        "create materialized view mv in cluster c as select 1",
        expect!["CREATE MATERIALIZED VIEW mv IN CLUSTER c AS SELECT 1"],
    );
    check("create default index on t", expect!["CREATE INDEX ON t ()"]);
    check("create index on t using arrangement (a, lower(b))", expect!["CREATE INDEX ON t (a, lower(b))"]);
    check("create index i in cluster c on s.t (a)", expect!["CREATE INDEX i IN CLUSTER c ON s.t (a)"]);
    check("create secret pw as 'it''s'", expect!["CREATE SECRET pw AS '********'"]);
    check(
        "create connection pg to postgres (host 'h', port 5432, user = postgres, password secret pgpass, database 'd',
         ssl mode 'require', ssl certificate authority secret ca) with (validate = false)",
        expect![
            "CREATE CONNECTION pg TO POSTGRES (HOST = 'h', PORT = '5432', USER = postgres, PASSWORD = SECRET pgpass, DATABASE = 'd', SSL MODE = 'require', SSL CERTIFICATE AUTHORITY = SECRET ca)"
        ],
    );
    check(
        "create source s in cluster c from postgres connection pg (publication 'p') for all tables",
        expect!["CREATE SOURCE s IN CLUSTER c FROM POSTGRES CONNECTION pg (PUBLICATION = 'p') FOR ALL TABLES"],
    );
    check(
        "create source s from postgres connection pg (publication 'p', text columns (t.a, s.t.b))
         for tables (public.a as b, c)",
        expect![
            "CREATE SOURCE s FROM POSTGRES CONNECTION pg (PUBLICATION = 'p', TEXT COLUMNS = (t.a, s.t.b)) FOR TABLES (public.a AS b, c)"
        ],
    );
    check(
        "create source s from postgres connection pg (publication 'p') for schemas (a, b)",
        expect!["CREATE SOURCE s FROM POSTGRES CONNECTION pg (PUBLICATION = 'p') FOR SCHEMAS (a, b)"],
    );
    check(
        "create source s from load generator counter (tick interval '1s', max cardinality 10)",
        expect!["CREATE SOURCE s FROM LOAD GENERATOR COUNTER (TICK INTERVAL = '1s', MAX CARDINALITY = '10')"],
    );
    check("create source s from load generator counter", expect!["CREATE SOURCE s FROM LOAD GENERATOR COUNTER"]);
    check(
        "create table t (a int) from source \"[id]\".\"u1\" (reference = public.t) with (details = 'x')",
        expect![[r#"CREATE TABLE t (a INT) FROM SOURCE "[id]"."u1" (REFERENCE public.t) WITH (DETAILS = 'x')"#]],
    );
}

#[test]
fn as_of() {
    check("select * from t as of 5", expect!["SELECT * FROM t | at 5"]);
    check(
        "select a as of from t where a in (select b as of from u) AS OF AT LEAST now() - '1s'::interval",
        expect!["SELECT a AS of FROM t WHERE a IN (SELECT b AS of FROM u) | at least now() - '1s'::INTERVAL"],
    );
    check("select * from t as of, u as of", expect!["SELECT * FROM t AS of, u AS of"]);
    check(
        "subscribe to t with (snapshot = false, progress) as of at least 5 up to 10",
        expect!["t | SNAPSHOT = false, PROGRESS | at least 5 | up to 10"],
    );
    check("subscribe (select 1 as of) as of 5", expect!["SELECT 1 AS of |  | at 5"]);
}

#[test]
fn copy_explain_fetch() {
    check(
        "copy t (a, b) from stdin with (format csv, header, delimiter ';')",
        expect![[
            r#"Copy(CopyStatement { relation: Table(ObjectName([Identifier(Ident { value: "t", quote_style: None })]), [Ident { value: "a", quote_style: None }, Ident { value: "b", quote_style: None }]), from_stdin: true, options: [WithOption { name: "FORMAT", value: Name(ObjectName([Identifier(Ident { value: "csv", quote_style: None })])) }, WithOption { name: "HEADER", value: None }, WithOption { name: "DELIMITER", value: Text(";") }], selection: None })"#
        ]],
    );
    check(
        "copy (subscribe t) to stdout",
        expect![[
            r#"Copy(CopyStatement { relation: Statement(Subscribe(SubscribeStatement { from: Name(ObjectName([Identifier(Ident { value: "t", quote_style: None })])), options: [], as_of: None, up_to: None })), from_stdin: false, options: [], selection: None })"#
        ]],
    );
    check(
        "copy t to stdout csv header",
        expect![[
            r#"Copy(CopyStatement { relation: Table(ObjectName([Identifier(Ident { value: "t", quote_style: None })]), []), from_stdin: false, options: [WithOption { name: "FORMAT", value: Text("csv") }, WithOption { name: "HEADER", value: Text("true") }], selection: None })"#
        ]],
    );
    check(
        "explain physical plan as json for materialized view v",
        expect![[
            r#"Explain(ExplainStatement { stage: Physical, json: true, of: Object(MaterializedView, ObjectName([Identifier(Ident { value: "v", quote_style: None })])) })"#
        ]],
    );
    check(
        "fetch forward 5 from c with (timeout = '1s')",
        expect![[
            r#"Fetch(FetchStatement { name: Ident { value: "c", quote_style: None }, count: Some(5), options: [WithOption { name: "TIMEOUT", value: Text("1s") }] })"#
        ]],
    );
    check(
        "fetch all c",
        expect![[
            r#"Fetch(FetchStatement { name: Ident { value: "c", quote_style: None }, count: None, options: [] })"#
        ]],
    );
}

#[test]
fn settings() {
    check(
        "set search_path = public, \"Other\"",
        expect![[r#"Set(SetStatement { name: "search_path", values: ["public", "Other"], local: false })"#]],
    );
    check("set time zone 'UTC'", expect![[r#"Set(SetStatement { name: "timezone", values: ["UTC"], local: false })"#]]);
    check(
        "set session characteristics as transaction read only",
        expect!["SetTransaction(TransactionModes { read_only: Some(true), isolation: None })"],
    );
    check("set local x.y to -3", expect![[r#"Set(SetStatement { name: "x.y", values: ["-3"], local: true })"#]]);
    check(
        "begin isolation level repeatable read, read only; commit work; abort",
        expect![[r#"
        Begin(TransactionModes { read_only: Some(true), isolation: Some("repeatable read") })
        Commit
        Rollback"#]],
    );
    check(
        "show materialized views from s like 'a%'",
        expect![[
            r#"ShowObjects(ShowObjects { list: MaterializedViews, from: Some(ObjectName([Identifier(Ident { value: "s", quote_style: None })])), cluster: None, filter: Some(Like("a%")) })"#
        ]],
    );
    check(
        "show clusters where name = 'x'",
        expect![[
            r#"ShowObjects(ShowObjects { list: Clusters, from: None, cluster: None, filter: Some(Where(BinaryOp { left: Identifier(Ident { value: "name", quote_style: None }), op: Eq, right: Value(ValueWithSpan { value: SingleQuotedString("x") }) })) })"#
        ]],
    );
}

#[test]
fn privileges() {
    check("grant select on t to joe", expect![[r#"Grant(true, [Ident { value: "joe", quote_style: None }])"#]]);
}

#[test]
fn what_is_not_served_says_so() {
    check("create sink s from t into kafka connection k", expect![[r#"Unsupported("CREATE SINK")"#]]);
    check("create procedure p() as 'x'", expect![[r#"Unsupported("CREATE PROCEDURE")"#]]);
}

#[test]
fn errors() {
    check("creat table t (a int)", expect![[r#"42601: syntax error at or near "creat" at Some(1)"#]]);
    check("create table t", expect!["42601: syntax error at end of input at Some(15)"]);
    check(
        "create connection pg to postgres (hots 'h')",
        expect![[r#"42601: syntax error at or near "hots" at Some(35)"#]],
    );
    check("select 1 as of", expect!["SELECT 1 AS of"]);
    check("explain optimized for select 1", expect![[r#"42601: syntax error at or near "for" at Some(19)"#]]);
    check("drop tables t", expect![[r#"42601: syntax error at or near "tables" at Some(6)"#]]);
}
