//! Statements planned over the fixture's catalog: canonical text, descriptions, errors; and the SQL files, run in memory.

mod files;

use super::{describe, result_desc};
use crate::plan::{Params, Plan};
use crate::testing::TestCatalog;
use expect_test::{Expect, expect};
use repr::SqlError;

/// Plans statements one after the other; shows what the last one means.
fn check(sql: &str, expected: Expect) {
    let shown = match TestCatalog::new().execute(sql) {
        Ok(plans) => plans.last().map(show).unwrap_or_default(),
        Err(error) => show_error(&error),
    };
    expected.assert_eq(&shown);
}

fn show_error(error: &SqlError) -> String {
    let mut shown = format!("{}: {}", error.code, error.message);
    if let Some(detail) = &error.detail {
        shown += &format!("\nDETAIL: {detail}");
    }
    if let Some(hint) = &error.hint {
        shown += &format!("\nHINT: {hint}");
    }
    shown
}

fn show(plan: &Plan) -> String {
    match plan {
        Plan::CreateItem(p) => format!("{}\n{:?}", p.create_sql, p.depends_on),
        Plan::Drop(p) => format!("{:?} cascade={} {} {:?}", p.targets, p.cascade, p.kind, p.missing),
        Plan::CopyFrom(p) => format!("{:?} {:?} {:?}", p.columns, p.input_desc.names, p.format),
        Plan::CopyTo(p) => format!("{:?} {}", p.format, show(&p.inner)),
        Plan::Declare(p) => format!("{} {}", p.name, show(&p.inner)),
        Plan::Subscribe(_) | Plan::Select(_) | Plan::Insert(_) | Plan::ReadThenWrite(_) | Plan::Explain(_) => {
            columns(plan)
        }
        other => format!("{other:?}"),
    }
}

fn columns(plan: &Plan) -> String {
    let Some(desc) = result_desc(plan) else { return "no rows".to_string() };
    let column = |(name, typ): (&String, &repr::ColumnType)| {
        format!("{name} {}{}", typ.ty, if typ.nullable { "" } else { " not null" })
    };
    desc.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// What a statement takes and returns.
fn check_desc(sql: &str, expected: Expect) {
    let catalog = TestCatalog::new();
    let described = crate::parse(sql).and_then(|statements| describe(&catalog, &statements[0], &[]));
    let shown = match described {
        Ok(desc) => {
            let params: Vec<String> = desc.params.iter().map(|ty| ty.to_string()).collect();
            let names = desc.relation.map(|relation| relation.names);
            format!("({}) -> {names:?}{}", params.join(", "), if desc.is_copy { " copy" } else { "" })
        }
        Err(error) => show_error(&error),
    };
    expected.assert_eq(&shown);
}

#[test]
fn tables() {
    check("create table n (a int not null, b text default 'x', c timestamp(3))", expect![[""]]);
    check("create table other.n (\"Q\" numeric(5,2)[], \"select\" varchar(3) not null)", expect![[""]]);
    check("create table t (x int)", expect![[""]]);
    check("create table n (a int primary key)", expect![[""]]);
    check("create table n (a int, unique (a))", expect![[""]]);
    check("create table n (a int, A int)", expect![[""]]);
    check("create table n (a int default true)", expect![[""]]);
    check("create table n (a int default a)", expect![[""]]);
    check("create table n (a nosuch)", expect![[""]]);
    check("create table nosuch.n (a int)", expect![[""]]);
    check("create table mz_catalog.n (a int)", expect![[""]]);
    check("create temp table n (a int)", expect![[""]]);
}

#[test]
fn views_are_stored_with_ids() {
    check("create view v as select id, name from users where org_id = 5", expect![[""]]);
    check("create view v as select users.id, public.users.name, users.* from public.users", expect![[""]]);
    check("create view v as select x.id from users x join orgs on x.org_id = orgs.id", expect![[""]]);
    check("create view v as with t as (select a from t) select * from t join u using (a)", expect![[""]]);
    check("create view v as select * from other.t where x in (select a from t) and exists (table u)", expect![[""]]);
    check("create view v (p, q) as select a, (select max(x) from other.t as o where o.x > t.a) from t", expect![[""]]);
    check("create view v as select 1; create view w as select * from v union select a from t", expect![[""]]);
    check("create view v as select 1 as a; create or replace view v as select 2 as a", expect![[""]]);
    check("create view v as select 1 as a; create or replace view v as select * from v", expect![[""]]);
    check("create view v as select 1 as a, 2 as a", expect![[""]]);
    check("create view v (a, b) as select 1", expect![[""]]);
    check("create view t as select 1", expect![[""]]);
    check("create or replace view t as select 1", expect![[""]]);
    check("create view v as select * from nosuch", expect![[""]]);
    check("create view v as select $1::int", expect![[""]]);
}

#[test]
fn materialized_views() {
    check("create materialized view m as select org_id, count(*) as n from users group by org_id", expect![[""]]);
    check("create materialized view m in cluster nosuch as select 1", expect![[""]]);
    check("create materialized view m as select now()", expect![[""]]);
    check("create materialized view m as select * from t where mz_now() > 5", expect![[""]]);
    check("create view v as select now() as n; create materialized view m as select * from v", expect![[""]]);
}

#[test]
fn indexes() {
    check("create index on users (name, lower(users.name), id + 1)", expect![[""]]);
    check("create index on t (a); create index on t (a)", expect![[""]]);
    check("create index i in cluster quickstart on other.t using arrangement (x)", expect![[""]]);
    check("create default index on u", expect![[""]]);
    check("create index i on t (nosuch)", expect![[""]]);
    check("create index i on t (now())", expect![[""]]);
    check("create index u on t (a)", expect![[""]]);
    check("create index i on mz_tables (id)", expect![[""]]);
    check("create view v as select now() as n; create index on v (n)", expect![[""]]);
}

const CONNECTION: &str = "create secret pgpass as 'x'; create connection pg to postgres (host 'h', user 'u', \
                          password secret pgpass, database 'bank');";

#[test]
fn sources() {
    check("create secret s as 5", expect![[""]]);
    check(CONNECTION, expect![[""]]);
    check("create connection pg to postgres (host 'h', user 'u', database 'd', password 'x')", expect![[""]]);
    check("create connection pg to postgres (host 'h', user 'u', database 'd', ssl mode 'maybe')", expect![[""]]);
    check("create connection pg to postgres (host 'h', host 'i')", expect![[""]]);
    check(
        &format!("{CONNECTION} create source s from postgres connection pg (publication 'p') for all tables"),
        expect![[""]],
    );
    check(&format!("{CONNECTION} create source s from postgres connection pg (publication 'p')"), expect![[""]]);
    check(
        &format!("{CONNECTION} create source s from postgres connection t (publication 'p') for all tables"),
        expect![[""]],
    );
    check("create source s from load generator counter (tick interval '500ms')", expect![[""]]);
    check("create source s from load generator counter (tick interval '1 month')", expect![[""]]);
    check("create source s from load generator counter for all tables", expect![[""]]);
    check("create table n (a int) from source s (reference p.n)", expect![[""]]);
}

#[test]
fn drops() {
    check("drop table t, public.t, u cascade", expect![[""]]);
    check("drop table if exists nosuch, t", expect![[""]]);
    check("drop table nosuch", expect![[""]]);
    check("drop view t", expect![[""]]);
    check("drop table mz_tables", expect![[""]]);
    check("drop schema other", expect![[""]]);
    check("drop schema nosuch", expect![[""]]);
    check("drop database if exists nosuch", expect![[""]]);
    check("drop cluster quickstart cascade", expect![[""]]);
    check("drop index nosuch", expect![[""]]);
}

#[test]
fn writes() {
    check("insert into t values (1, 2) returning a + b, *", expect![[""]]);
    check("insert into t (a) values (true)", expect![[""]]);
    check("insert into t values (1, 2, 3)", expect![[""]]);
    check("insert into t (a, b) values (1)", expect![[""]]);
    check("insert into t (a, a) values (1, 1)", expect![[""]]);
    check("insert into t (c) values (1)", expect![[""]]);
    check("insert into t select name from users", expect![[""]]);
    check("insert into mz_tables select * from mz_tables", expect![[""]]);
    check("create view v as select 1 as a; insert into v values (1)", expect![[""]]);
    check("update t set a = b + 1 from u where u.a = t.a returning t.a as x", expect![[""]]);
    check("update t set a = 1, a = 2", expect![[""]]);
    check("update t set nosuch = 1", expect![[""]]);
    check("update users set name = id", expect![[""]]);
    check("update users set id = name", expect![[""]]);
    check("delete from t using u where t.a = u.a", expect![[""]]);
    check("delete from t where nosuch", expect![[""]]);
    check("truncate t", expect![[""]]);
}

#[test]
fn reads() {
    check("select a from t as of 5", expect![[""]]);
    check("subscribe t with (progress)", expect![[""]]);
    check("subscribe (select b from t order by a limit 1) as of at least 5 up to 7", expect![[""]]);
    check("declare c cursor for subscribe t", expect![[""]]);
    check("declare c cursor for create table n (a int)", expect![[""]]);
    check("copy t (b) to stdout with (format csv, header)", expect![[""]]);
    check("copy t (b, a) from stdin (delimiter '|')", expect![[""]]);
    check("copy t from stdin (delimiter '||')", expect![[""]]);
    check("copy (select 1) to stdout with (format binary)", expect![[""]]);
    check("explain select * from t", expect![[""]]);
    check("create view v as select 1; explain raw plan for view v", expect![[""]]);
    check("prepare p (int) as\n  select $1;", expect![[""]]);
    check("fetch 3 c with (timeout = '1500 ms')", expect![[""]]);
}

#[test]
fn shows() {
    check("show tables", expect![[""]]);
    check("show indexes from t", expect![[""]]);
    check("show columns from t like 'a'", expect![[""]]);
    check("show clusters where name = 'x'", expect![[""]]);
    check("show materialized views from other in cluster quickstart", expect![[""]]);
    check("show cluster replicas", expect![[""]]);
    check("show objects from nosuch", expect![[""]]);
    check("show create table t", expect![[""]]);
    check("show create view t", expect![[""]]);
    for list in ["views", "sources", "secrets", "connections", "databases", "schemas", "objects"] {
        assert_eq!(TestCatalog::new().execute(&format!("show {list}")).err(), None, "show {list}");
    }
}

#[test]
fn descriptions() {
    check_desc("select a, $1 from t where b = $2", expect![[""]]);
    check_desc("insert into users (id, created_at) values ($1, $2) returning id", expect![[""]]);
    check_desc("insert into users (id, name) select $1, $2", expect![[""]]);
    check_desc("update users set name = $1 where id = $2", expect![[""]]);
    check_desc("delete from users where created_at < $1", expect![[""]]);
    check_desc("create table n (a int)", expect![[""]]);
    check_desc("copy t from stdin", expect![[""]]);
    check_desc("copy (select 1) to stdout", expect![[""]]);
    check_desc("select $2::int", expect![[""]]);
    check_desc("subscribe (select a from t where a = $1)", expect![[""]]);
    check_desc("show all", expect![[""]]);
}

#[test]
fn parameters_have_values() {
    let catalog = TestCatalog::new();
    let statement = &crate::parse("select $1 + 1").expect("parses")[0];
    let values = repr::Row::pack([repr::Datum::Int4(5)]);
    let params = Params { values, types: vec![repr::SqlType::Int4] };
    let plan = super::plan(&catalog, statement, &params).expect("plans");
    let Plan::Select(plan) = plan else { panic!("a select") };
    let rows = expr::interpret::interpret_constant(&plan.source, &expr::interpret::Budget::unlimited()).expect("runs");
    assert_eq!(rows, vec![(repr::Row::pack([repr::Datum::Int4(6)]), 1)]);
}
