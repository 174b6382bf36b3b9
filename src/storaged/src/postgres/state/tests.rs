use super::*;
use repr::{DataflowError, Datum, SqlError, SqlState};

fn row(key: i32, value: &str) -> Row {
    Row::pack([Datum::Int4(key), Datum::Text(value)])
}

fn key(key: i32) -> Vec<u8> {
    Row::pack([Datum::Int4(key)]).encoded().to_vec()
}

fn rows(bytes_max: usize) -> KeyedRows {
    KeyedRows::new(vec![0], Budget::new(bytes_max, std::env::temp_dir()))
}

fn error(named: &str) -> DataflowError {
    SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, "bad").detail(named)
}

/// What comes and goes in any order leaves what is there in the end.
fn check_load(updates: &[(Data, Diff)], expected: &[(i32, &str)]) {
    let mut state = rows(1 << 20);
    for (data, diff) in updates {
        state.load(data.clone(), *diff).expect("loads");
    }
    state.finish_load().expect("consistent");
    assert_eq!(state.len(), expected.len() as u64);
    for (k, value) in expected {
        assert_eq!(state.take(&key(*k)).expect("reads"), Some(row(*k, value)));
    }
}

#[test]
fn loading_in_any_order() {
    let (a, b, c) = (Ok(row(1, "a")), Ok(row(1, "b")), Ok(row(2, "c")));
    let updates = [(a.clone(), 1), (a.clone(), -1), (b.clone(), 1), (c.clone(), 1)];
    for order in [[0, 1, 2, 3], [2, 0, 1, 3], [1, 2, 0, 3], [1, 0, 2, 3], [2, 1, 0, 3], [3, 0, 2, 1]] {
        let ordered = order.map(|i: usize| updates[i].clone());
        check_load(&ordered, &[(1, "b"), (2, "c")]);
    }
    check_load(&[(a.clone(), 2), (a.clone(), -1)], &[(1, "a")]);
}

#[test]
fn two_rows_of_one_key_are_refused() {
    let mut state = rows(1 << 20);
    state.load(Ok(row(1, "a")), 1).expect("loads");
    state.load(Ok(row(1, "b")), 1).expect("loads");
    assert!(state.finish_load().is_err());
}

#[test]
fn errors_are_found_by_the_key_they_name() {
    let mut state = rows(1 << 20);
    state.load(Err(error("Key 1")), 1).expect("loads");
    state.load(Err(error("Key 2")), 1).expect("loads");
    state.load(Err(error("Key 2")), -1).expect("loads");
    state.finish_load().expect("consistent");
    assert_eq!(state.take_error("Key 2"), None);
    assert_eq!(state.take_error("Key 1"), Some(error("Key 1")));
    assert_eq!(state.take_error("Key 1"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_budget_rows_live_in_a_file() {
    let mut state = rows(10_000);
    for k in 0..1000 {
        state.put(&Ok(row(k, "a rather long value, so that the budget is soon used up"))).expect("writes");
    }
    assert!(matches!(state.store, Store::Disk(_)));
    assert_eq!(state.len(), 1000);
    state.put(&Ok(row(7, "new"))).expect("writes");
    assert_eq!(state.take(&key(7)).expect("reads"), Some(row(7, "new")));
    assert_eq!(state.take(&key(7)).expect("reads"), None);
    assert_eq!(state.len(), 999);
    state.clear().expect("clears");
    assert_eq!(state.len(), 0);
}
