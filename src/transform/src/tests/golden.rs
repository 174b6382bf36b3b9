//! What optimized and lowered plans look like. `UPDATE_EXPECT=1` rewrites the expectations.

use super::{int, tables};
use crate::dataflow::{DataflowCatalog, FastPath, Select, select};
use crate::{OptimizeContext, optimize};
use expect_test::{Expect, expect};
use expr::explain::{explain_plan, explain_relation};
use expr::window::Frame;
use expr::{AggregateExpr, AggregateFunc, ColumnOrder, IndexDesc, LocalIds, RelExpr, ScalarExpr, SourceImport};
use expr::{WindowExpr, WindowFunc};
use repr::{Datum, GlobalId, RelationDesc, Row, ShardId, SqlType};

fn column(c: usize) -> ScalarExpr {
    ScalarExpr::Column(c)
}

fn eq(a: ScalarExpr, b: ScalarExpr) -> ScalarExpr {
    a.call_binary("int4eq", b)
}

fn t(n: usize) -> RelExpr {
    tables().swap_remove(n - 1).get()
}

/// A cluster with an index on `u1(a)`, if `indexed`.
struct Catalog {
    indexed: bool,
}

impl DataflowCatalog for Catalog {
    fn view(&self, id: GlobalId) -> Option<RelExpr> {
        (id == GlobalId::User(9)).then(|| t(1).filter(vec![eq(column(1), int(1))]))
    }

    fn indexes_on(&self, id: GlobalId) -> Vec<(GlobalId, IndexDesc)> {
        if !self.indexed || id != GlobalId::User(1) {
            return Vec::new();
        }
        vec![(GlobalId::User(101), IndexDesc { on: id, key: vec![column(0)], desc: desc(&t(1)) })]
    }

    fn source(&self, id: GlobalId) -> Option<SourceImport> {
        let table = tables().into_iter().find(|t| t.id == id)?;
        let shard = ShardId([id.to_string().as_bytes()[1]; 16]);
        Some(SourceImport { shard, desc: desc(&table.get()), mfp: None, monotonic: false })
    }
}

fn desc(expr: &RelExpr) -> RelationDesc {
    let typ = expr.typ();
    RelationDesc::new((0..typ.arity()).map(|i| format!("c{i}")).collect(), typ)
}

fn optimized(expr: RelExpr, expected: Expect) {
    optimized_with(expr, OptimizeContext::default(), expected);
}

fn optimized_with(expr: RelExpr, options: OptimizeContext, expected: Expect) {
    let expr = optimize(expr, &options).expect("the plan is sound");
    expected.assert_eq(&explain_relation(&expr, &|_| None));
}

fn lowered(expr: RelExpr, options: OptimizeContext, expected: Expect) {
    let expr = optimize(expr, &options).expect("the plan is sound");
    let plan = crate::lower::lower(&expr, &options.indexes).expect("the plan is sound");
    expected.assert_eq(&explain_plan(&plan, &|_| None));
}

fn index_on_u1() -> OptimizeContext {
    OptimizeContext { indexes: [(GlobalId::User(1), vec![vec![column(0)]])].into(), ..Default::default() }
}

fn count() -> AggregateExpr {
    AggregateExpr {
        func: AggregateFunc::Count,
        args: vec![],
        filter: None,
        distinct: false,
        order: vec![],
        order_exprs: vec![],
    }
}

#[test]
fn filters_over_products_become_joins() {
    let product = t(1).product(t(2)).filter(vec![eq(column(0), column(2)), eq(column(3), int(2))]);
    optimized(
        product.project(vec![1]),
        expect![[r#"
        Project (#1)
          Join on=(#0 = #2) type=linear %1 » %0[#0]
            Get u1
            Project (#0)
              Filter (#1 = 2)
                Get u2
    "#]],
    );
}

#[test]
fn constants_reach_all_that_equals_them() {
    let join = RelExpr::join(vec![t(1), t(3)], vec![vec![column(0), column(2)]]).filter(vec![eq(column(0), int(1))]);
    optimized(
        join,
        expect![[r#"
        Join type=linear %0 » %1[]
          Filter (#0 = 1)
            Get u1
          Filter (#0 = 1)
            Get u3
    "#]],
    );
}

#[test]
fn predicates_pass_groups_and_unions() {
    let grouped = t(2).union(t(1)).reduce(vec![column(0)], vec![count()]);
    optimized(
        grouped.filter(vec![eq(column(0), int(1)), column(1).call_unary("is_not_null")]),
        expect![[r#"
        Reduce group_by=[#0] aggregates=[count(*)]
          Union
            Project (#0)
              Filter (#0 = 1)
                Get u2
            Project (#0)
              Filter (#0 = 1)
                Get u1
    "#]],
    );
}

#[test]
fn what_is_known_is_computed() {
    let one = RelExpr::unit().map(vec![int(1).call_binary("int4pl", int(2))]);
    optimized(
        one.clone().filter(vec![eq(column(0), int(3))]),
        expect![[r#"
        Constant
          - (3)
    "#]],
    );
    optimized(
        one.filter(vec![eq(column(0), int(4))]),
        expect![[r#"
        Constant <empty>
    "#]],
    );
}

#[test]
fn joins_with_own_distinct_values_go_away() {
    let mut ids = LocalIds::new();
    let expr = t(1).filter(vec![eq(column(1), int(1))]).let_in(&mut ids, |_, outer| {
        let keys = outer.clone().distinct_by(vec![0]);
        RelExpr::join(vec![outer, keys], vec![vec![column(0), column(2)]]).project(vec![0, 1])
    });
    optimized(
        expr,
        expect![[r#"
            Filter (#1 = 1)
              Get u1
        "#]],
    );
}

#[test]
fn distinct_by_a_key_is_no_work() {
    optimized(
        t(1).distinct(),
        expect![[r#"
        Get u1
    "#]],
    );
    optimized(
        t(2).distinct(),
        expect![[r#"
        Distinct by=[#0, #1]
          Get u2
    "#]],
    );
}

#[test]
fn outer_joins_share_their_left_side() {
    let mut ids = LocalIds::new();
    let left = t(2).filter(vec![column(0).call_binary("int4lt", int(3))]);
    let outer = left.let_in(&mut ids, |ids, left| {
        let inner = RelExpr::join(vec![left.clone(), t(1)], vec![vec![column(0), column(2)]]);
        inner.let_in(ids, |_, inner| {
            let matched = inner.clone().distinct_by(vec![0, 1]);
            let kept = RelExpr::join(
                vec![left.clone(), matched],
                vec![vec![column(0), column(2)], vec![column(1), column(3)]],
            );
            let lost = left.union(kept.project(vec![0, 1]).negate());
            let nulls = vec![ScalarExpr::null(SqlType::Int4), ScalarExpr::null(SqlType::Int4)];
            inner.union(lost.map(nulls))
        })
    });
    optimized(
        outer.filter(vec![eq(column(1), int(2))]),
        expect![[r#"
        Let l1 =
          Join on=(#0 = #2) type=linear %0 » %1[#0]
            Filter (#0 < 3) AND (#1 = 2)
              Get u2
            Get u1
        In
          Union
            Get l1
            Map (null, null)
              Union
                Filter (#0 < 3) AND (#1 = 2)
                  Get u2
                Project (#0, #1)
                  Negate
                    Join on=(#0 = #2) type=linear %0 » %1[#0]
                      Filter (#0 < 3) AND (#1 = 2)
                        Get u2
                      Project (#0)
                        Distinct by=[#0, #1]
                          Project (#0, #1)
                            Get l1
    "#]],
    );
}

#[test]
fn null_safe_comparisons_are_no_products() {
    let same = column(1).call_binary("is_not_distinct_from", column(3));
    optimized(
        t(1).product(t(2)).filter(vec![same]),
        expect![[r#"
        Join on=((#1) IS NULL = (#3) IS NULL AND coalesce(#1, 0) = coalesce(#3, 0)) type=linear %0 » %1[(#1) IS NULL, coalesce(#1, 0)]
          Get u1
          Get u2
    "#]],
    );
}

#[test]
fn indexes_serve_joins() {
    let filtered = t(1).filter(vec![column(1).call_binary("int4lt", int(2))]).project(vec![0]);
    let join = RelExpr::join(vec![t(2), filtered], vec![vec![column(1), column(2)]]);
    optimized_with(
        join.clone(),
        index_on_u1(),
        expect![[r#"
        Project (#0, #1, #2)
          Filter (#3 < 2)
            Join on=(#1 = #2) type=linear %1 » %0[#1]
              Get u2
              Get u1
    "#]],
    );
    lowered(
        RelExpr::join(vec![t(2), t(1)], vec![vec![column(1), column(2)]]),
        index_on_u1(),
        expect![[r#"
        Join linear
          path %0
            filter=((#1) IS NOT NULL)
            » %1[#0] = [#1]
          Get u2
          ArrangeBy keys=[[#0]]
            Get u1 by=[#0]
    "#]],
    );
    lowered(
        join,
        index_on_u1(),
        expect![[r#"
        Join linear
          path %1
            » %0[#1] = [#0]
              project=(#2, #3, #0)
              filter=((#1 < 2))
          ArrangeBy keys=[[#1]]
            Get u2
          ArrangeBy keys=[[#0]]
            Get u1 by=[#0]
    "#]],
    );
}

#[test]
fn many_inputs_are_joined_by_deltas() {
    let inputs = vec![t(1), t(2), t(3), t(2)];
    let join = RelExpr::join(inputs, vec![vec![column(0), column(2), column(4), column(7)]]);
    optimized(
        join,
        expect![[r#"
        Join on=(#0 = #2 = #4 = #7) type=delta %0 » %2[#0] » %1[#0] » %3[#0] | %1 » %0[#0] » %2[#0] » %3[#0] | %2 » %0[#0] » %1[#0] » %3[#0] | %3 » %0[#0] » %2[#0] » %1[#0]
          Get u1
          Get u2
          Get u3
          Get u2
    "#]],
    );
}

#[test]
fn lookups_by_key_read_one_key() {
    lowered(
        t(1).filter(vec![eq(column(0), int(2))]).map(vec![column(1)]),
        index_on_u1(),
        expect![[r#"
        Get u1 by=[#0] lookup=[Int4(2)]
          project=(#0, #1, #1)
          filter=((#0 = 2))
    "#]],
    );
}

#[test]
fn groups_have_canonical_keys() {
    let typ = repr::RelationType::new(vec![SqlType::NUMERIC.nullable(true), SqlType::Int4.nullable(false)]);
    let get = RelExpr::get_global(GlobalId::User(5), typ);
    let order = vec![ColumnOrder { column: 1, desc: true, nulls_first: true }];
    let two = ScalarExpr::literal(Datum::Int8(2), SqlType::Int8);
    lowered(
        get.clone().reduce(vec![column(0)], vec![count()]),
        Default::default(),
        expect![[r#"
        Reduce aggregates=[count(*)]
          key project=(#1)
          key map=(canonical(#0))
          value project=()
          Get u5
            project=(#0)
    "#]],
    );
    lowered(
        get.clone().top_k(vec![0], order, Some(two), 0),
        Default::default(),
        expect![[r#"
        Mfp
          project=(#0, #1)
          TopK group_by=[#2] order_by=[#1 desc nulls_first] limit=2
            Get u5
              map=(canonical(#0))
    "#]],
    );
    lowered(
        RelExpr::join(vec![get.clone(), get], vec![vec![column(0), column(2)]]).project(vec![1, 3]),
        Default::default(),
        expect![[r#"
            Join linear
              path %0
                filter=((#0) IS NOT NULL)
                » %1[canonical(#0)] = [canonical(#0)]
                  project=(#1, #3)
              Get u5
              ArrangeBy keys=[[canonical(#0)]]
                Get u5
        "#]],
    );
}

fn fast(expr: RelExpr) -> Option<FastPath> {
    let ids = (GlobalId::Transient(1), GlobalId::Transient(2));
    let desc = desc(&expr);
    match select(expr, &desc, ids.0, ids.1, &Catalog { indexed: true }).expect("the plan is sound") {
        Select::Fast(fast, _) => Some(fast),
        Select::Dataflow(..) => None,
    }
}

#[test]
fn one_index_answers_without_a_dataflow() {
    let keys = |expr| match fast(expr) {
        Some(FastPath::PeekIndex { keys, .. }) => keys,
        other => panic!("{other:?}"),
    };
    let row = |n| Row::pack([Datum::Int4(n)]);
    assert_eq!(keys(t(1)), None);
    assert_eq!(keys(t(1).filter(vec![eq(column(0), int(2))])), Some(vec![row(2)]));
    let either = eq(column(0), int(3)).or(eq(column(0), int(1)));
    assert_eq!(keys(t(1).filter(vec![either])), Some(vec![row(1), row(3)]));
    let never = eq(column(0), int(3)).and(eq(int(1), column(0)));
    assert_eq!(keys(t(1).filter(vec![never])), Some(vec![]));
    assert_eq!(fast(t(2)), None);
    assert!(matches!(fast(RelExpr::unit().map(vec![int(1)])), Some(FastPath::Constant(Ok(_)))));
}

#[test]
fn views_are_inlined_and_sources_filter_as_they_read() {
    let view = RelExpr::get_global(GlobalId::User(9), t(1).typ());
    let expr = RelExpr::join(vec![view, t(2)], vec![vec![column(0), column(2)]]).project(vec![3]);
    let query = crate::dataflow::plan_query(expr, &Catalog { indexed: false }).expect("the plan is sound");
    expect![[r#"
        Join linear
          path %0
            » %1[#0] = [#0]
              project=(#2)
          Get u1
          ArrangeBy keys=[[#0]]
            Get u2
    "#]]
    .assert_eq(&explain_plan(&query.plan, &|_| None));
    let pushed: Vec<_> = query.source_imports.iter().map(|(id, s)| (id.to_string(), s.mfp.is_some())).collect();
    assert_eq!(pushed, [("u1".to_string(), true), ("u2".to_string(), false)]);
}

fn window(func: WindowFunc, args: Vec<ScalarExpr>) -> WindowExpr {
    WindowExpr { func, args, filter: None, frame: Frame::default() }
}

#[test]
fn first_rows_by_number_are_a_top_k() {
    let order = vec![ColumnOrder { column: 0, desc: true, nulls_first: true }];
    let functions = vec![window(WindowFunc::RowNumber, vec![]), window(WindowFunc::Rank, vec![])];
    let windowed = t(1).window(vec![1], order, functions);
    let bound = ScalarExpr::literal(Datum::Int8(3), SqlType::Int8);
    let first = windowed.filter(vec![column(2).call_binary("int8le", bound)]);
    optimized(
        first.clone().project(vec![0, 1]),
        expect![[r#"
        TopK group_by=[#1] order_by=[#0 desc nulls_first] limit=3
          Get u1
    "#]],
    );
    optimized(
        first,
        expect![[r#"
        Window partition_by=[#1] order_by=[#0 desc nulls_first] functions=[row_number(), rank()]
          TopK group_by=[#1] order_by=[#0 desc nulls_first] limit=3
            Get u1
    "#]],
    );
}

#[test]
fn windows_compute_what_is_asked_for() {
    let order = vec![ColumnOrder { column: 1, desc: false, nulls_first: false }];
    let sum = WindowFunc::Aggregate(AggregateFunc::SumInt);
    let functions =
        vec![window(WindowFunc::RowNumber, vec![]), window(sum, vec![column(1).call_binary("int4pl", int(1))])];
    let windowed = t(1).window(vec![0], order, functions);
    let one_partition = windowed.filter(vec![eq(column(0), int(7)), column(3).is_null()]).project(vec![3]);
    optimized(
        one_partition.clone(),
        expect![[r#"
        Project (#2)
          Filter (#2) IS NULL
            Window partition_by=[#0] order_by=[#1 asc nulls_last] functions=[sumint((#1 + 1))]
              Filter (#0 = 7)
                Get u1
    "#]],
    );
    lowered(
        one_partition,
        OptimizeContext::default(),
        expect![[r#"
        Mfp
          project=(#3)
          filter=((#3) IS NULL)
          Window partition_by=[#0] order_by=[#1 asc nulls_last] functions=[sumint(#2)]
            Get u1
              filter=((#0 = 7))
              map=((#1 + 1))
    "#]],
    );
}
