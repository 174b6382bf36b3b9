//! The law, over random expressions and rows; and what push-down needs to see.

use super::{extent, may_keep};
use crate::mfp::Mfp;
use crate::scalar::ScalarExpr;
use repr::{Arena, Datum, Extent, SqlType, Values};

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn int(value: i64) -> ScalarExpr {
    ScalarExpr::literal(Datum::Int4(value as i32), SqlType::Int4)
}

fn number(random: &mut Random, depth: u64) -> ScalarExpr {
    match random.below(if depth == 0 { 3 } else { 7 }) {
        0 => int(random.below(9) as i64 - 4),
        1 | 2 => ScalarExpr::Column(random.below(2) as usize),
        3 => number(random, depth - 1).call_binary("int4pl", number(random, depth - 1)),
        4 => number(random, depth - 1).call_binary("int4div", number(random, depth - 1)),
        5 => ScalarExpr::Coalesce(vec![number(random, depth - 1), number(random, depth - 1)]),
        _ => truth(random, depth - 1).if_then_else(number(random, depth - 1), number(random, depth - 1)),
    }
}

fn truth(random: &mut Random, depth: u64) -> ScalarExpr {
    let comparison = ["int4eq", "int4ne", "int4lt", "int4le", "int4gt", "int4ge"][random.below(6) as usize];
    match random.below(if depth == 0 { 2 } else { 6 }) {
        0 | 1 => number(random, depth / 2).call_binary(comparison, number(random, depth / 2)),
        2 => ScalarExpr::And(vec![truth(random, depth - 1), truth(random, depth - 1)]),
        3 => ScalarExpr::Or(vec![truth(random, depth - 1), truth(random, depth - 1)]),
        4 => truth(random, depth - 1).call_unary("not"),
        _ => number(random, depth - 1).is_null(),
    }
}

fn value(random: &mut Random, base: i32, spread: u64) -> Datum<'static> {
    match random.below(6) {
        0 => Datum::Null,
        _ => Datum::Int4(base + random.below(spread) as i32),
    }
}

/// The extents of columns of rows.
fn extents(rows: &[[Datum<'static>; 2]]) -> [Extent<'static>; 2] {
    [0, 1].map(|c| {
        let values = rows.iter().map(|row| row[c]).filter(|d| !d.is_null());
        let bounds = values.clone().min().zip(values.max());
        let null = rows.iter().any(|row| row[c].is_null());
        Extent { values: bounds.map_or(Values::None, |(a, b)| Values::Between(a, b)), null, error: false }
    })
}

fn holds(extent: &Extent<'_>, value: Datum<'_>) -> bool {
    match (value, extent.values) {
        (Datum::Null, _) => extent.null,
        (_, Values::Any) => true,
        (_, Values::None) => false,
        (value, Values::Between(low, high)) => low <= value && value <= high,
    }
}

#[test]
fn values_lie_within_extents() {
    let mut random = Random(1);
    let mut decided = 0;
    for round in 0..4000 {
        let (base, spread) = (random.below(7) as i32 - 3, 1 + random.below(4));
        let rows: Vec<_> =
            (0..4).map(|_| [value(&mut random, base, spread), value(&mut random, -base, spread)]).collect();
        let expr = if random.below(2) == 0 { number(&mut random, 3) } else { truth(&mut random, 3) };
        let columns = extents(&rows);
        let arena = Arena::new();
        let whole = extent(&expr, &columns, &arena);
        decided += u32::from(whole.constant().is_some());
        for row in &rows {
            match expr.eval(row, &arena) {
                Ok(value) => {
                    assert!(holds(&whole, value), "round {round}: {value:?} of {row:?} not in {whole:?}: {expr:?}")
                }
                Err(_) => assert!(whole.error, "round {round}: {row:?} fails, {whole:?}: {expr:?}"),
            }
        }
    }
    assert!(decided > 100, "{decided} expressions were decided: extents say nothing");
}

/// Whether rows with a first column from 10 to 20 may pass.
fn kept(predicate: ScalarExpr) -> bool {
    let values = Values::Between(Datum::Int4(10), Datum::Int4(20));
    let column = Extent { values, null: false, error: false };
    may_keep(&Mfp::identity(2).filter([predicate]), &[column, Extent::VALUE])
}

#[test]
fn filters_that_no_row_passes() {
    let column = || ScalarExpr::Column(0);
    let between = |low, high| {
        ScalarExpr::And(vec![column().call_binary("int4ge", int(low)), column().call_binary("int4le", int(high))])
    };
    assert!(kept(between(15, 30)) && kept(between(20, 30)) && !kept(between(21, 30)) && !kept(between(1, 9)));
    let any_of =
        |a, b| ScalarExpr::Or(vec![column().call_binary("int4eq", int(a)), int(b).call_binary("int4eq", column())]);
    assert!(kept(any_of(1, 12)) && !kept(any_of(1, 99)));
    assert!(!kept(column().is_null()));
    // What may fail is read.
    assert!(kept(column().call_binary("int4div", ScalarExpr::Column(1)).call_binary("int4lt", int(0))));
}

#[test]
fn monotone_functions_keep_order() {
    let later = |days: i64| {
        let day = |days: i32| ScalarExpr::literal(Datum::Date(days), SqlType::Date);
        let values = Values::Between(Datum::Timestamp(0), Datum::Timestamp(86_400_000_000));
        let column = Extent { values, null: false, error: false };
        let predicate = ScalarExpr::Column(0).call_unary("timestamp_to_date").call_binary("date_ge", day(days as i32));
        may_keep(&Mfp::identity(1).filter([predicate]), &[column])
    };
    assert!(later(0) && later(1) && !later(2));
    let text = Extent { values: Values::Between(Datum::Text("b"), Datum::Text("d")), null: false, error: false };
    let equals = |value: &str| {
        let literal = ScalarExpr::literal(Datum::Text(value), SqlType::Text);
        let predicate = ScalarExpr::Column(0).call_unary("relabel(text)").call_binary("text_eq", literal);
        may_keep(&Mfp::identity(1).filter([predicate]), &[text])
    };
    assert!(equals("c") && !equals("a") && !equals("e"));
}
