use super::*;
use repr::Datum;

fn row(n: i32) -> Data {
    Ok(Row::pack([Datum::Int4(n)]))
}

#[test]
fn a_row_that_comes_and_goes_is_not_written() {
    let updates = vec![(row(1), 1), (row(2), 1), (row(1), -1), (row(3), -1), (row(2), 1)];
    assert_eq!(consolidate(updates), vec![(row(2), 2), (row(3), -1)]);
}
