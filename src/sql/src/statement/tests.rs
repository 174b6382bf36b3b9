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
        Plan::Truncate(plans) => format!("truncate {:?}", plans.iter().map(|plan| plan.table).collect::<Vec<_>>()),
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
    check(
        "create table n (a int not null, b text default 'x', c timestamp(3))",
        expect![[r#"
        CREATE TABLE "materialize"."public".n (a INT NOT NULL, b TEXT DEFAULT 'x', c TIMESTAMP(3))
        []"#]],
    );
    check(
        "create table other.n (\"Q\" numeric(5,2)[], \"select\" varchar(3) not null)",
        expect![[r#"
        CREATE TABLE "materialize"."other".n ("Q" NUMERIC(5,2)[], "select" VARCHAR(3) NOT NULL)
        []"#]],
    );
    check("create table t (x int)", expect![[r#"42P07: relation "t" already exists"#]]);
    check(
        "create table n (a int primary key, b text not null, unique (b, a))",
        expect![[r#"
        CREATE TABLE "materialize"."public".n (a INT NOT NULL, b TEXT NOT NULL)
        []"#]],
    );
    check(
        "create table n (a int check (a > 0))",
        expect![[r#"
        0A000: CHECK is not supported
        HINT: Leave it out: tables have NOT NULL, DEFAULT, UNIQUE and PRIMARY KEY only."#]],
    );
    check("create table n (a int, A int)", expect![[r#"42701: column "a" specified more than once"#]]);
    check(
        "create table n (a int default true)",
        expect![[r#"
        42804: column "a" is of type integer but default expression is of another type
        HINT: You will need to rewrite or cast the expression."#]],
    );
    check("create table n (a int default a)", expect!["0A000: cannot use column reference in DEFAULT expression"]);
    check("create table n (a nosuch)", expect![[r#"42704: type "nosuch" does not exist"#]]);
    check("create table nosuch.n (a int)", expect![[r#"3F000: schema "nosuch" does not exist"#]]);
    check("create table mz_catalog.n (a int)", expect!["42501: permission denied for schema mz_catalog"]);
    check("create temp table n (a int)", expect!["0A000: a temporary object is not supported"]);
}

#[test]
fn views_are_stored_with_ids() {
    check(
        "create view v as select id, name from users where org_id = 5",
        expect![[r#"
        CREATE VIEW "materialize"."public".v AS SELECT id, name FROM "[id]"."u4" AS users WHERE org_id = 5
        [u4]"#]],
    );
    check(
        "create view v as select users.id, public.users.name, users.* from public.users",
        expect![[r#"42701: column "id" specified more than once"#]],
    );
    check(
        "create view v as select x.id from users x join orgs on x.org_id = orgs.id",
        expect![[r#"
        CREATE VIEW "materialize"."public".v AS SELECT x.id FROM "[id]"."u4" x JOIN "[id]"."u5" AS orgs ON x.org_id = orgs.id
        [u4, u5]"#]],
    );
    check(
        "create view v as with t as (select a from t) select * from t join u using (a)",
        expect![[r#"
        CREATE VIEW "materialize"."public".v AS WITH t AS (SELECT a FROM "[id]"."u1" AS t) SELECT * FROM t JOIN "[id]"."u2" AS u USING(a)
        [u1, u2]"#]],
    );
    check(
        "create view v as table u union select x, null from other.t where x in (select a from t)",
        expect![[r#"
            CREATE VIEW "materialize"."public".v AS SELECT * FROM "[id]"."u2" AS u UNION SELECT x, NULL FROM "[id]"."u3" AS t WHERE x IN (SELECT a FROM "[id]"."u1" AS t)
            [u1, u2, u3]"#]],
    );
    check(
        "create view v (p, q) as select a, (select max(x) from other.t as o where o.x > t.a) from t",
        expect![[r#"
        CREATE VIEW "materialize"."public".v (p, q) AS SELECT a, (SELECT max(x) FROM "[id]"."u3" AS o WHERE o.x > t.a) FROM "[id]"."u1" AS t
        [u1, u3]"#]],
    );
    check(
        "create view v as select 1; create view w as select * from v union select a from t",
        expect![[r#"
        CREATE VIEW "materialize"."public".w AS SELECT * FROM "[id]"."u7" AS v UNION SELECT a FROM "[id]"."u1" AS t
        [u1, u7]"#]],
    );
    check(
        "create view v as select 1 as a; create or replace view v as select 2 as a",
        expect![[r#"
        CREATE VIEW "materialize"."public".v AS SELECT 2 AS a
        []"#]],
    );
    check(
        "create view v as select 1 as a; create or replace view v as select * from v",
        expect!["42P17: cannot replace view v because it refers to itself"],
    );
    check("create view v as select 1 as a, 2 as a", expect![[r#"42701: column "a" specified more than once"#]]);
    check("create view v (a, b) as select 1", expect!["42601: CREATE VIEW specifies more column names than columns"]);
    check("create view t as select 1", expect![[r#"42P07: relation "t" already exists"#]]);
    check(
        "create or replace view t as select 1",
        expect![[r#"
        42809: "t" is not a view
        HINT: "t" is a table."#]],
    );
    check("create view v as select * from nosuch", expect![[r#"42P01: relation "nosuch" does not exist"#]]);
    check(
        "create view v as select $1::int",
        expect![[r#"
        42P02: there is no parameter $1
        HINT: A definition that is kept cannot have parameters."#]],
    );
}

#[test]
fn materialized_views() {
    check(
        "create materialized view m as select org_id, count(*) as n from users group by org_id",
        expect![[r#"
        CREATE MATERIALIZED VIEW "materialize"."public".m IN CLUSTER quickstart AS SELECT org_id, count(*) AS n FROM "[id]"."u4" AS users GROUP BY org_id
        [u4]"#]],
    );
    check(
        "create materialized view m in cluster nosuch as select 1",
        expect![[r#"42704: cluster "nosuch" does not exist"#]],
    );
    check(
        "create materialized view m as select now()",
        expect![[r#"
            0A000: cannot materialize call to now()
            HINT: It can be compared in WHERE with what a row says: mz_now() < sent + INTERVAL '1 hour', outside of OR, CASE and recursion. Else call it in a query over the view."#]],
    );
    check(
        "create materialized view m as select * from t where mz_now() > 5",
        expect![[r#"
            CREATE MATERIALIZED VIEW "materialize"."public".m IN CLUSTER quickstart AS SELECT * FROM "[id]"."u1" AS t WHERE mz_now() > 5
            [u1]"#]],
    );
    check(
        "create view v as select now() as n; create materialized view m as select * from v",
        expect![[r#"
            0A000: cannot materialize call to now()
            HINT: It can be compared in WHERE with what a row says: mz_now() < sent + INTERVAL '1 hour', outside of OR, CASE and recursion. Else call it in a query over the view."#]],
    );
}

#[test]
fn indexes() {
    check(
        "create index on users (name, lower(users.name), id + 1)",
        expect![[r#"
        CREATE INDEX users_name_expr_expr_idx IN CLUSTER quickstart ON "[id]"."u4" (name, lower(name), id + 1)
        [u4]"#]],
    );
    check(
        "create index on t (a); create index on t (a)",
        expect![[r#"
        CREATE INDEX t_a_idx1 IN CLUSTER quickstart ON "[id]"."u1" (a)
        [u1]"#]],
    );
    check(
        "create index i in cluster quickstart on other.t using arrangement (x)",
        expect![[r#"
        CREATE INDEX i IN CLUSTER quickstart ON "[id]"."u3" (x)
        [u3]"#]],
    );
    check(
        "create default index on u",
        expect![[r#"
        CREATE INDEX u_primary_idx IN CLUSTER quickstart ON "[id]"."u2" (a, c)
        [u2]"#]],
    );
    check("create index i on t (nosuch)", expect![[r#"42703: column "nosuch" does not exist"#]]);
    check(
        "create index i on t (now())",
        expect![[r#"
            0A000: cannot materialize call to now()
            HINT: It can be compared in WHERE with what a row says: mz_now() < sent + INTERVAL '1 hour', outside of OR, CASE and recursion. Else call it in a query over the view."#]],
    );
    check("create index u on t (a)", expect![[r#"42P07: relation "u" already exists"#]]);
    check(
        "create index i on mz_tables (id)",
        expect![[r#"42501: cannot create index on system relation "mz_tables""#]],
    );
    check(
        "create view v as select now() as n; create index on v (n)",
        expect![[r#"
            0A000: cannot materialize call to now()
            HINT: It can be compared in WHERE with what a row says: mz_now() < sent + INTERVAL '1 hour', outside of OR, CASE and recursion. Else call it in a query over the view."#]],
    );
}

const CONNECTION: &str = "create secret pgpass as 'x'; create connection pg to postgres (host 'h', user 'u', \
                          password secret pgpass, database 'bank');";

#[test]
fn sources() {
    check("create secret s as 5", expect!["42804: a secret must be of type text or bytea, not integer"]);
    check(
        CONNECTION,
        expect![[r#"
        CREATE CONNECTION "materialize"."public".pg TO POSTGRES (HOST = 'h', USER = 'u', PASSWORD = SECRET "[id]"."u7", DATABASE = 'bank')
        [u7]"#]],
    );
    check(
        "create connection pg to postgres (host 'h', user 'u', database 'd', password 'x')",
        expect![[r#"
        22023: invalid value for POSTGRES connection option PASSWORD: a secret is needed
        HINT: Create one with CREATE SECRET, then write SECRET and its name."#]],
    );
    check(
        "create connection pg to postgres (host 'h', user 'u', database 'd', ssl mode 'maybe')",
        expect![[r#"
        22023: invalid SSL MODE: "maybe"
        HINT: Available values: disable, prefer, require, verify-ca, verify-full."#]],
    );
    check("create connection pg to postgres (host 'h', host 'i')", expect!["42601: conflicting or redundant options"]);
    check(
        &format!("{CONNECTION} create source s from postgres connection pg (publication 'p') for all tables"),
        expect![[r#"
            CREATE SOURCE "materialize"."public".s IN CLUSTER quickstart FROM POSTGRES CONNECTION "[id]"."u8" (PUBLICATION = 'p') FOR ALL TABLES
            [u8]"#]],
    );
    check(
        &format!("{CONNECTION} create source s from postgres connection pg (publication 'p')"),
        expect![[r#"
        42601: multi-output sources require a FOR TABLES, FOR SCHEMAS or FOR ALL TABLES clause
        HINT: Add FOR ALL TABLES."#]],
    );
    check(
        &format!("{CONNECTION} create source s from postgres connection t (publication 'p') for all tables"),
        expect![[r#"
            42809: "t" is not a connection
            HINT: "t" is a table."#]],
    );
    check(
        "create source s from load generator counter (tick interval '500ms')",
        expect![[r#"
        CREATE SOURCE "materialize"."public".s IN CLUSTER quickstart FROM LOAD GENERATOR COUNTER (TICK INTERVAL = '500ms')
        []"#]],
    );
    check(
        "create source s from load generator counter (tick interval '1 month')",
        expect![
            "22023: invalid value for LOAD GENERATOR COUNTER option TICK INTERVAL: an interval of days and less is needed"
        ],
    );
    check(
        "create source s from load generator counter for all tables",
        expect!["42601: LOAD GENERATOR COUNTER is a single relation: FOR TABLES does not apply"],
    );
    check(
        "create table n (a int) from source s (reference p.n)",
        expect![[r#"
        0A000: CREATE TABLE FROM SOURCE is not supported
        HINT: Name the table in CREATE SOURCE … FOR TABLES (…)."#]],
    );
}

#[test]
fn drops() {
    check("drop table t, public.t, u cascade", expect!["[Item(u1), Item(u2)] cascade=true TABLE []"]);
    check(
        "drop table if exists nosuch, t",
        expect![[r#"[Item(u1)] cascade=false TABLE ["table \"nosuch\" does not exist, skipping"]"#]],
    );
    check("drop table nosuch", expect![[r#"42P01: table "nosuch" does not exist"#]]);
    check(
        "drop view t",
        expect![[r#"
        42809: "t" is not a view
        HINT: Use DROP TABLE to remove a table."#]],
    );
    check(
        "drop table mz_tables",
        expect!["42501: cannot drop mz_tables because it is required by the database system"],
    );
    check("drop schema other", expect![[r#"[Schema("materialize", "other")] cascade=false SCHEMA []"#]]);
    check("drop schema nosuch", expect![[r#"3F000: schema "nosuch" does not exist"#]]);
    check(
        "drop database if exists nosuch",
        expect![[r#"[] cascade=false DATABASE ["database \"nosuch\" does not exist, skipping"]"#]],
    );
    check("drop cluster quickstart cascade", expect!["[Cluster(c1)] cascade=true CLUSTER []"]);
    check("drop index nosuch", expect![[r#"42704: index "nosuch" does not exist"#]]);
}

#[test]
fn writes() {
    check("insert into t values (1, 2) returning a + b, *", expect!["?column? integer, a integer, b integer"]);
    check(
        "insert into t (a) values (true)",
        expect![[r#"
        42804: column "a" is of type integer but expression is of type boolean
        HINT: You will need to rewrite or cast the expression."#]],
    );
    check("insert into t values (1, 2, 3)", expect!["42601: INSERT has more expressions than target columns"]);
    check("insert into t (a, b) values (1)", expect!["42601: INSERT has more target columns than expressions"]);
    check("insert into t (a, a) values (1, 1)", expect![[r#"42701: column "a" specified more than once"#]]);
    check("insert into t (c) values (1)", expect![[r#"42703: column "c" of relation "t" does not exist"#]]);
    check(
        "insert into t select name from users",
        expect![[r#"
        42804: column "a" is of type integer but expression is of type text
        HINT: You will need to rewrite or cast the expression."#]],
    );
    check(
        "insert into mz_tables select * from mz_tables",
        expect![[r#"
        42501: cannot insert into view "mz_tables"
        DETAIL: System relations cannot be changed."#]],
    );
    check(
        "create view v as select 1 as a; insert into v values (1)",
        expect![[r#"
        42809: cannot insert into view "v"
        DETAIL: Only tables can be written."#]],
    );
    check("update t set a = b + 1 from u where u.a = t.a returning t.a as x", expect!["x integer"]);
    check("update t set a = 1, a = 2", expect![[r#"42601: multiple assignments to same column "a""#]]);
    check("update t set nosuch = 1", expect![[r#"42703: column "nosuch" of relation "t" does not exist"#]]);
    check("update users set name = id", expect!["no rows"]);
    check(
        "update users set id = name",
        expect![[r#"
        42804: column "id" is of type integer but expression is of type text
        HINT: You will need to rewrite or cast the expression."#]],
    );
    check("delete from t using u where t.a = u.a", expect!["no rows"]);
    check("delete from t where nosuch", expect![[r#"42703: column "nosuch" does not exist"#]]);
    check("truncate t", expect!["truncate [u1]"]);
}

#[test]
fn reads() {
    check("select a from t as of 5", expect!["a integer"]);
    check(
        "subscribe t with (progress)",
        expect!["mz_timestamp numeric not null, mz_progressed boolean not null, mz_diff bigint, a integer, b integer"],
    );
    check(
        "subscribe (select b from t order by a limit 1) as of at least 5 up to 7",
        expect!["mz_timestamp numeric not null, mz_diff bigint not null, b integer"],
    );
    check(
        "declare c cursor for subscribe t",
        expect!["c mz_timestamp numeric not null, mz_diff bigint not null, a integer, b integer"],
    );
    check(
        "declare c cursor for create table n (a int)",
        expect!["0A000: a cursor for anything but SELECT and SUBSCRIBE is not supported"],
    );
    check(
        "copy t (b) to stdout with (format csv, header)",
        expect![[
            r#"Csv { delimiter: 44, quote: 34, escape: 34, null: "", header: Present, force_quote: [], force_null: [], force_not_null: [] } b integer"#
        ]],
    );
    check(
        "copy t (b, a) from stdin (delimiter '|')",
        expect![[r#"[1, 0] ["b", "a"] Text { delimiter: 124, null: "\\N", header: Absent }"#]],
    );
    check("copy t from stdin (delimiter '||')", expect!["0A000: COPY delimiter must be a single one-byte character"]);
    check("copy (select 1) to stdout with (format binary)", expect!["Binary ?column? integer not null"]);
    check("explain select * from t", expect!["Optimized Plan text not null"]);
    check("create view v as select 1; explain raw plan for view v", expect!["Raw Plan text not null"]);
    check(
        "prepare p (int) as\n  select $1;",
        expect![[r#"Prepare(PreparePlan { name: "p", sql: "select $1", param_types: [Int4] })"#]],
    );
    check(
        "fetch 3 c with (timeout = '1500 ms')",
        expect![[r#"Fetch(FetchPlan { name: "c", count: Some(3), timeout: Some(1.5s) })"#]],
    );
}

#[test]
fn shows() {
    check("show tables", expect!["name text not null, comment text not null"]);
    check(
        "show indexes from t",
        expect!["name text not null, on text not null, cluster text not null, key text[], comment text not null"],
    );
    check(
        "show columns from t like 'a'",
        expect!["name text not null, nullable boolean not null, type text not null, comment text not null"],
    );
    check("show clusters where name = 'x'", expect!["name text not null, replicas text, comment text not null"]);
    check(
        "show materialized views from other in cluster quickstart",
        expect!["name text not null, cluster text not null, comment text not null"],
    );
    check(
        "show cluster replicas",
        expect![
            "cluster text not null, replica text not null, size text, ready boolean not null, comment text not null"
        ],
    );
    check("show objects from nosuch", expect![[r#"3F000: schema "nosuch" does not exist"#]]);
    check("show create table t", expect!["ShowCreate(u1)"]);
    check(
        "show create view t",
        expect![[r#"
        42809: "t" is not a view
        HINT: "t" is a table."#]],
    );
    for list in ["views", "sources", "secrets", "connections", "databases", "schemas", "objects"] {
        assert_eq!(TestCatalog::new().execute(&format!("show {list}")).err(), None, "show {list}");
    }
}

#[test]
fn descriptions() {
    check_desc("select a, $1 from t where b = $2", expect![[r#"(text, integer) -> Some(["a", "?column?"])"#]]);
    check_desc(
        "insert into users (id, created_at) values ($1, $2) returning id",
        expect![[r#"(integer, timestamp with time zone) -> Some(["id"])"#]],
    );
    check_desc("insert into users (id, name) select $1, $2", expect!["(integer, text) -> None"]);
    check_desc("update users set name = $1 where id = $2", expect!["(text, integer) -> None"]);
    check_desc("delete from users where created_at < $1", expect!["(timestamp with time zone) -> None"]);
    check_desc("create table n (a int)", expect!["() -> None"]);
    check_desc("copy t from stdin", expect!["() -> None copy"]);
    check_desc("copy (select 1) to stdout", expect!["() -> None copy"]);
    check_desc("select $2::int", expect!["42P18: could not determine data type of parameter $1"]);
    check_desc(
        "subscribe (select a from t where a = $1)",
        expect![[r#"(integer) -> Some(["mz_timestamp", "mz_diff", "a"])"#]],
    );
    check_desc("show all", expect![[r#"() -> Some(["name", "setting", "description"])"#]]);
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
