//! Statements that need no replica.

use super::*;
use crate::catalog::system;
use sql::catalog::ItemDetails;

#[tokio::test(flavor = "multi_thread")]
async fn constants_need_nothing() {
    let f = Fixture::start().await;
    f.check("select 1 + 1", "2").await;
    f.check("select * from (values (2, 'b'), (1, 'a')) v (n, t) order by n", "1|a\n2|b").await;
    f.check("select current_database(), current_user", "materialize|materialize").await;
    f.refuse("select 1 / 0", "22012", "division by zero").await;
    f.refuse("select * from nowhere", "42P01", "relation \"nowhere\" does not exist").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_system_relation_has_rows_of_its_columns() {
    let f = Fixture::start().await;
    f.check("create table t (a int not null, b text default 'x')", "CREATE TABLE").await;
    f.check("create view v as select a from t", "CREATE VIEW").await;
    f.check("create index i on t (a)", "CREATE INDEX").await;
    f.check("create materialized view m as select b from t", "CREATE MATERIALIZED VIEW").await;
    f.check("create source c from load generator counter", "CREATE SOURCE").await;
    let catalog = f.env.catalog();
    let state = f.env.system_state(&catalog, &context());
    for entry in catalog.entries().filter(|entry| entry.item.id.is_system()) {
        let ItemDetails::SystemRelation { desc } = &entry.item.details else { panic!("{}", entry.item.name) };
        for row in system::rows_of(entry.item.id, &state).unwrap() {
            let datums = row.unpack();
            assert_eq!(datums.len(), desc.arity(), "{}", entry.item.name);
            for (datum, (name, column)) in datums.iter().zip(desc.iter()) {
                assert!(!datum.is_null() || column.nullable, "{}.{name} is NULL", entry.item.name);
                if !datum.is_null() {
                    assert_eq!(kind(datum), kind_of(&column.ty), "{}.{name}", entry.item.name);
                }
            }
        }
    }
}

fn kind(datum: &repr::Datum<'_>) -> &'static str {
    use repr::Datum::*;
    match datum {
        Bool(_) => "bool",
        Int2(_) => "int2",
        Int4(_) => "int4",
        Int8(_) => "int8",
        Float4(_) => "float4",
        Text(_) => "text",
        Oid(_) => "oid",
        Timestamptz(_) => "timestamptz",
        MzTimestamp(_) => "mz_timestamp",
        Array(_) => "array",
        Jsonb(_) => "jsonb",
        _ => "other",
    }
}

fn kind_of(ty: &SqlType) -> &'static str {
    match ty {
        SqlType::Bool => "bool",
        SqlType::Int2 => "int2",
        SqlType::Int4 => "int4",
        SqlType::Int8 => "int8",
        SqlType::Float4 => "float4",
        SqlType::Text | SqlType::Name | SqlType::InternalChar => "text",
        SqlType::Oid | SqlType::Regproc => "oid",
        SqlType::Timestamptz(_) => "timestamptz",
        SqlType::MzTimestamp => "mz_timestamp",
        SqlType::Array(_) | SqlType::Vector(_) => "array",
        SqlType::Jsonb => "jsonb",
        _ => "other",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn show_lists_what_there_is() {
    let f = Fixture::start().await;
    f.check("create table t (a int not null, b text)", "CREATE TABLE").await;
    f.check("create view v as select a from t", "CREATE VIEW").await;
    f.check("select name from mz_tables where id like 'u%'", "t").await;
    f.check(
        "select column_name, data_type, is_nullable from information_schema.columns where table_name = 't' order by 1",
        "a|integer|NO\nb|text|YES",
    )
    .await;
    f.check("select relname, relkind from pg_class where relname in ('t', 'v') order by 1", "t|r\nv|v").await;
    f.check("select count(*) from mz_views where name = 'v'", "1").await;
    for show in [
        "databases",
        "schemas",
        "tables",
        "views",
        "sources",
        "indexes",
        "clusters",
        "cluster replicas",
        "secrets",
        "connections",
        "materialized views",
        "objects",
        "columns from t",
    ] {
        f.run(&format!("show {show}")).await.unwrap_or_else(|error| panic!("show {show}: {error}"));
    }
    let shown = f.run("show create view v").await.unwrap();
    assert!(shown.ends_with("AS SELECT a FROM \"materialize\".\"public\".t"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_refused_in_postgres_words() {
    let f = Fixture::start().await;
    f.check("create table t (a int not null, b text)", "CREATE TABLE").await;
    f.check("insert into t values (1, 'x'), (2, null)", "2 rows").await;
    let message = "null value in column \"a\" of relation \"t\" violates not-null constraint";
    let error = f.refuse("insert into t values (null, 'y')", "23502", message).await;
    assert_eq!(error.detail.as_deref(), Some("Failing row contains (null, y)."));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_and_dependents_protect() {
    let f = Fixture::start().await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    f.refuse("create table t (a int)", "42P07", "relation \"t\" already exists").await;
    f.check("create table if not exists t (a int)", "CREATE TABLE").await;
    f.check("create view v as select a from t", "CREATE VIEW").await;
    f.check("create index i on t (a)", "CREATE INDEX").await;
    let message = "cannot drop table t because other objects depend on it";
    let error = f.refuse("drop table t", "2BP01", message).await;
    assert_eq!(error.detail.as_deref(), Some("view v depends on table t"));
    f.check("drop table t cascade", "DROP TABLE").await;
    f.check("select count(*) from mz_objects where id like 'u%'", "0").await;
    f.check("create table t (a int)", "CREATE TABLE").await;
    f.check("create schema s", "CREATE SCHEMA").await;
    f.check("create table s.x (a int)", "CREATE TABLE").await;
    f.refuse("drop schema s", "2BP01", "cannot drop schema s because other objects depend on it").await;
    f.check("drop schema s cascade", "DROP SCHEMA").await;
    f.check("create or replace view w as select 1 as one", "CREATE VIEW").await;
    let renamed = "create or replace view w as select 2 as two";
    f.refuse(renamed, "42P16", "cannot change name of view column \"one\" to \"two\"").await;
    f.check("create or replace view w as select 2 as one", "CREATE VIEW").await;
    f.check("select * from w", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_shown() {
    let f = Fixture::start().await;
    f.check("create secret s as 'hidden'", "CREATE SECRET").await;
    let id = f.env.catalog().user_entries().next().unwrap().item.id;
    assert_eq!(f.secrets.get(id).unwrap(), b"hidden");
    assert!(f.env.show_create(&context(), id).is_err());
    let log = f.persist.consensus().scan(&[("catalog".to_string(), 0)]).await.unwrap();
    assert!(log.iter().flatten().all(|version| !String::from_utf8_lossy(&version.data).contains("hidden")));
    f.check("drop secret s", "DROP SECRET").await;
    assert!(f.secrets.get(id).is_err());
}
