//! Plans as text and as JSON.

use super::{explain_finishing, explain_json, explain_relation};
use crate::relation::{ColumnOrder, RelExpr, RowSetFinishing};
use crate::scalar::ScalarExpr;
use expect_test::expect;
use repr::{Datum, GlobalId, RelationType, SqlType};

fn get() -> RelExpr {
    let columns = vec![SqlType::Int4.nullable(false), SqlType::Text.nullable(true)];
    RelExpr::get_global(GlobalId::User(1), RelationType::new(columns))
}

#[test]
fn plans_name_objects_and_number_columns() {
    let two = ScalarExpr::literal(Datum::Int4(2), SqlType::Int4);
    let is_two = ScalarExpr::Column(0).call_binary("int4eq", two);
    let filtered = get().filter(vec![is_two, ScalarExpr::Column(1).call_unary("is_not_null")]);
    let plan = RelExpr::join(vec![filtered, get()], vec![vec![ScalarExpr::Column(1), ScalarExpr::Column(3)]]);
    let names = |_| Some("public.t".to_string());
    expect![[r#"
        Project (#0)
          Join on=(#1 = #3)
            Filter (#0 = 2) AND (#1) IS NOT NULL
              Get public.t
            Get public.t
    "#]]
    .assert_eq(&explain_relation(&plan.project(vec![0]), &names));
}

#[test]
fn finishings_are_a_line() {
    let order = vec![ColumnOrder { column: 1, desc: true, nulls_first: true }];
    let finishing = RowSetFinishing { order, limit: Some(3), offset: 1, project: vec![0] };
    let line = explain_finishing(&finishing, 2).expect("it does something");
    assert_eq!(line, "Finish order_by=[#1 desc nulls_first] output=[#0] limit=3 offset=1");
    assert_eq!(explain_finishing(&RowSetFinishing::trivial(2), 2), None);
}

#[test]
fn json_has_the_whole_plan() {
    let json = explain_json(&get());
    assert_eq!(json["Get"]["id"]["Global"]["User"], 1);
}
