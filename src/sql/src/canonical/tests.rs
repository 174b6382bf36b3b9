//! Definitions survive renames, and read well.

use super::{display, source_table_sql, source_with_slot};
use crate::catalog::{ItemName, SessionCatalog};
use crate::plan::{NewItem, Plan, SourceExport};
use crate::testing::TestCatalog;
use expect_test::{Expect, expect};
use repr::{GlobalId, RelationDesc, SqlType};

fn create_sql(catalog: &mut TestCatalog, sql: &str) -> String {
    match catalog.execute(sql).expect("plans").pop() {
        Some(Plan::CreateItem(plan)) => plan.create_sql,
        other => panic!("not a definition: {other:?}"),
    }
}

fn check_display(sql: &str, expected: Expect) {
    let mut catalog = TestCatalog::new();
    let stored = create_sql(&mut catalog, sql);
    expected.assert_eq(&display(&stored, &catalog));
}

#[test]
fn displayed_definitions() {
    check_display(
        "create view v as select t.a from t, other.t as o where o.x = t.a",
        expect![[
            r#"CREATE VIEW "materialize"."public".v AS SELECT t.a FROM "materialize"."public".t, "materialize"."other".t AS o WHERE o.x = t.a"#
        ]],
    );
    check_display(
        "create view v as select id from users as users",
        expect![[r#"CREATE VIEW "materialize"."public".v AS SELECT id FROM "materialize"."public".users"#]],
    );
    check_display(
        "create view v as select n from users as u (k, n)",
        expect![[r#"CREATE VIEW "materialize"."public".v AS SELECT n FROM "materialize"."public".users AS u (k, n)"#]],
    );
    check_display(
        "create index on users (lower(users.name))",
        expect![[r#"CREATE INDEX users_expr_idx IN CLUSTER quickstart ON "materialize"."public".users (lower(name))"#]],
    );
    check_display(
        "create table n (a int not null default 5)",
        expect![[r#"CREATE TABLE "materialize"."public".n (a INT NOT NULL DEFAULT 5)"#]],
    );
}

#[test]
fn renames_do_not_break_views() {
    let mut catalog = TestCatalog::new();
    let stored = create_sql(
        &mut catalog,
        "create view v as select users.name, orgs.id from users join orgs on orgs.id = users.org_id",
    );
    let users = catalog.resolve(&["users".to_string()]).expect("the fixture's").id;
    catalog.rename(users, "people");
    expect![[r#"CREATE VIEW "materialize"."public".v AS SELECT users.name, orgs.id FROM "materialize"."public".people AS users JOIN "materialize"."public".orgs ON orgs.id = users.org_id"#]].assert_eq(&display(&stored, &catalog));
    let statement = &crate::parse(&stored).expect("parses")[0];
    let mut later = TestCatalog::new();
    later.rename(users, "people");
    crate::statement::plan(&later, statement, &Default::default()).expect("plans after the rename");
}

#[test]
fn tables_of_sources_plan_back() {
    let mut catalog = TestCatalog::new();
    catalog.execute("create source s from load generator counter").expect("plans");
    let source = catalog.resolve(&["s".to_string()]).expect("made just now").id;
    let desc = RelationDesc::empty()
        .with("id", SqlType::Int4, false)
        .with("It's", SqlType::Varchar(Some(3)), true)
        .with("c", SqlType::InternalChar, true)
        .with("at", SqlType::Timestamptz(Some(3)), true)
        .with("ns", SqlType::Array(Box::new(SqlType::Numeric(Some((5, 2))))), true);
    let columns = desc.names.clone();
    let export =
        SourceExport { schema: "Pub".into(), table: "accounts".into(), oid: 7, desc, columns, identity: vec![0] };
    let name = ItemName { database: Some("materialize".into()), schema: "public".into(), item: "accounts".into() };
    let sql = source_table_sql(&name, source, &export);
    let statement = &crate::parse(&sql).expect("parses")[0];
    let plan = crate::statement::plan(&catalog, statement, &Default::default()).expect("plans");
    let Plan::CreateItem(plan) = plan else { panic!("an item") };
    let NewItem::SourceTable { source: again, export: exported } = plan.item else { panic!("a table of a source") };
    assert_eq!((again, exported, plan.create_sql.as_str(), plan.name), (source, export, sql.as_str(), name));
    expect![[r#"CREATE TABLE "materialize"."public".accounts ("id" INTEGER NOT NULL, "It's" CHARACTER VARYING(3), c "char", "at" TIMESTAMP(3) WITH TIME ZONE, ns NUMERIC(5,2)[]) FROM SOURCE "materialize"."public".s (REFERENCE "Pub".accounts)"#]].assert_eq(&display(&sql, &catalog));
}

#[test]
fn slots_are_filled_in() {
    let sql = "CREATE SOURCE s FROM POSTGRES CONNECTION \"[id]\".\"u1\" (PUBLICATION = 'p') FOR ALL TABLES";
    expect![[r#"CREATE SOURCE s FROM POSTGRES CONNECTION "[id]"."u1" (PUBLICATION = 'p', SLOT = 'slot_1')"#]]
        .assert_eq(&source_with_slot(sql, "slot_1").expect("a source"));
    assert!(source_with_slot("select 1", "slot_1").is_err());
    assert_eq!("u1".parse(), Ok(GlobalId::User(1)));
}

#[test]
fn frames_are_displayed_as_they_were_written() {
    check_display(
        "create view v as select sum(id) over (order by id groups 1 preceding exclude ties), count(*) over (w rows 1 preceding \
         exclude current row) as c, sum(id) over (order by id range '1'::int preceding) as s from users window w as (partition by id)",
        expect![[
            r#"CREATE VIEW "materialize"."public".v AS SELECT sum(id) OVER (ORDER BY id GROUPS 1 PRECEDING EXCLUDE TIES), count(*) OVER (w ROWS 1 PRECEDING EXCLUDE CURRENT ROW) AS c, sum(id) OVER (ORDER BY id RANGE E'1'::INT PRECEDING) AS s FROM "materialize"."public".users WINDOW w AS (PARTITION BY id)"#
        ]],
    );
}
