//! Map, filter and project together.

use super::Mfp;
use crate::ScalarExpr;
use repr::{Arena, Datum, EvalError, Row, RowPacker, SqlType};

fn int(value: i32) -> ScalarExpr {
    ScalarExpr::literal(Datum::Int4(value), SqlType::Int4)
}

fn plus(column: usize, value: i32) -> ScalarExpr {
    ScalarExpr::column(column).call_binary("int4pl", int(value))
}

fn run(mfp: &Mfp, values: &[i32]) -> Result<Option<Row>, EvalError> {
    let arena = Arena::new();
    let mut packer = RowPacker::new();
    let mut datums: Vec<Datum<'_>> = values.iter().copied().map(Datum::Int4).collect();
    Ok(mfp.eval(&mut datums, &arena, &mut packer)?.then(|| packer.take()))
}

fn ints(values: &[i32]) -> Row {
    Row::pack(values.iter().copied().map(Datum::Int4))
}

#[test]
fn builders_speak_of_the_output() {
    let mfp = Mfp::identity(2)
        .map([plus(0, 10)])
        .project([2, 1])
        .filter([ScalarExpr::column(0).call_binary("int4gt", int(15))])
        .map([plus(0, 100)]);
    assert_eq!(run(&mfp, &[6, 7]), Ok(Some(ints(&[16, 7, 116]))));
    assert_eq!(run(&mfp, &[5, 7]), Ok(None));
    assert!(Mfp::identity(3).is_identity());
    assert!(!mfp.is_identity());
}

#[test]
fn composition_is_one_after_the_other() {
    let first = Mfp::identity(2)
        .map([plus(1, 1)])
        .filter([ScalarExpr::column(2).call_binary("int4gt", int(0))])
        .project([2, 0]);
    let second = Mfp::identity(2)
        .map([plus(0, 5)])
        .filter([ScalarExpr::column(1).call_binary("int4lt", int(9))])
        .project([2, 1]);
    let mut both = first.clone().then(second.clone());
    for row in [[1, 2], [9, 2], [1, -5], [3, 3]] {
        let expected = run(&first, &row).unwrap().and_then(|row| {
            let values: Vec<i32> = row.iter().map(|d| if let Datum::Int4(v) = d { v } else { 0 }).collect();
            run(&second, &values).unwrap()
        });
        assert_eq!(run(&both, &row), Ok(expected.clone()));
        both.prune();
        assert_eq!(run(&both, &row), Ok(expected));
    }
    let permuted = first.clone().permute(&[2, 0], 3);
    assert_eq!(run(&permuted, &[7, 0, 4]), run(&first, &[4, 7]));
}

#[test]
fn pruning_drops_what_does_not_show() {
    let mut mfp = Mfp::identity(1).map([plus(0, 1), plus(1, 1), plus(0, 5)]).project([2]);
    mfp.prune();
    assert_eq!(mfp.expressions.len(), 2);
    assert_eq!(run(&mfp, &[1]), Ok(Some(ints(&[3]))));
}

#[test]
fn a_false_predicate_decides_over_an_erring_one() {
    let errs = int(1).call_binary("int4div", ScalarExpr::column(0)).eq(int(1));
    let is_one = ScalarExpr::column(1).eq(int(1));
    let mfp = Mfp::identity(2).filter([errs, is_one]);
    assert_eq!(run(&mfp, &[0, 0]), Ok(None));
    assert_eq!(run(&mfp, &[0, 1]).unwrap_err().code.as_str(), "22012");
    assert_eq!(run(&mfp, &[1, 1]), Ok(Some(ints(&[1, 1]))));
}

#[test]
fn predicates_run_as_soon_as_they_can() {
    // The row is dropped before the expression that would err is reached.
    let positive = ScalarExpr::column(0).call_binary("int4gt", int(0));
    let divided = int(10).call_binary("int4div", ScalarExpr::column(0));
    let mfp = Mfp::identity(1).filter([positive]).map([divided]);
    assert_eq!(run(&mfp, &[0]), Ok(None));
    assert_eq!(run(&mfp, &[5]), Ok(Some(ints(&[5, 2]))));
}
