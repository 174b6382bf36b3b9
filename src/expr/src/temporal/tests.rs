//! LAW: a predicate is true at a time just if the time is in the lifetimes that its bounds give.

use super::{Lifetime, bounds, is_temporal};
use crate::scalar::{ScalarExpr, Unmaterializable};
use repr::datetime::UNIX_EPOCH_US;
use repr::interval::DAY_US;
use repr::{Arena, Datum, Interval, SqlType, Timestamp};

fn now() -> ScalarExpr {
    ScalarExpr::Unmaterializable(Unmaterializable::CurrentTimestamp)
}

fn mz_now() -> ScalarExpr {
    ScalarExpr::Unmaterializable(Unmaterializable::MzNow)
}

fn span(days: i32, micros: i64) -> ScalarExpr {
    ScalarExpr::literal(Datum::Interval(Interval { months: 0, days, micros }), SqlType::Interval)
}

fn text(text: &str) -> ScalarExpr {
    ScalarExpr::literal(Datum::Text(text), SqlType::Text)
}

fn column() -> ScalarExpr {
    ScalarExpr::Column(0)
}

/// The predicate's value at a time, by evaluation.
fn evaluated(predicate: &ScalarExpr, value: Datum<'_>, time: Timestamp) -> bool {
    let mut at = predicate.clone();
    at.visit_mut(&mut |node| match node {
        ScalarExpr::Unmaterializable(Unmaterializable::MzNow) => {
            *node = ScalarExpr::literal(Datum::MzTimestamp(time), SqlType::MzTimestamp);
        }
        ScalarExpr::Unmaterializable(_) => {
            let micros = time as i64 * 1000 - UNIX_EPOCH_US;
            *node = ScalarExpr::literal(Datum::Timestamptz(micros), SqlType::TIMESTAMPTZ);
        }
        _ => {}
    });
    at.eval(&[value], &Arena::new()).expect("no error").is_true()
}

fn lifetime(predicate: &ScalarExpr, value: Datum<'_>) -> Lifetime {
    let bounds = bounds(predicate).unwrap_or_else(|| panic!("no bounds: {predicate:?}"));
    let arena = Arena::new();
    let each = bounds.iter().map(|(bound, expr)| bound.lifetime(expr.eval(&[value], &arena).expect("no error")));
    each.fold(Lifetime::ALWAYS, Lifetime::intersect)
}

/// Numbers that look like chance and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Checks the law around a moment, for values near it.
fn check(predicate: &ScalarExpr, value: &mut dyn FnMut(i64) -> Datum<'static>) {
    assert!(is_temporal(predicate));
    let mut random = Random(42);
    let noon: Timestamp = 1_700_000_000_000;
    for _ in 0..400 {
        let time = noon + random.below(4 * 86_400_000);
        let near = match random.below(3) {
            0 => time as i64 * 1000,
            1 => time as i64 * 1000 + random.below(2_000_001) as i64 - 1_000_000,
            _ => noon as i64 * 1000 + random.below(4 * DAY_US as u64) as i64,
        };
        let value = value(near - UNIX_EPOCH_US);
        let life = lifetime(predicate, value);
        let inside = life.from <= time && life.until.is_beyond(time);
        assert_eq!(inside, evaluated(predicate, value, time), "{predicate:?} of {value:?} at {time}: {life:?}");
    }
}

const COMPARISONS: [&str; 5] = ["lt", "le", "eq", "ge", "gt"];

fn check_all(stem: &str, moment: &ScalarExpr, value: &mut dyn FnMut(i64) -> Datum<'static>) {
    for comparison in COMPARISONS {
        let name = format!("{stem}{comparison}");
        check(&moment.clone().call_binary(&name, column()), value);
        check(&column().call_binary(&name, moment.clone()), value);
    }
}

fn timestamptz(micros: i64) -> Datum<'static> {
    Datum::Timestamptz(micros)
}

fn timestamp(micros: i64) -> Datum<'static> {
    Datum::Timestamp(micros)
}

fn date(micros: i64) -> Datum<'static> {
    Datum::Date(micros.div_euclid(DAY_US) as i32)
}

fn mz_timestamp(micros: i64) -> Datum<'static> {
    Datum::MzTimestamp(((micros + UNIX_EPOCH_US) / 1000) as u64)
}

#[test]
fn moments_and_their_shifts() {
    check_all("timestamptz_", &now(), &mut timestamptz);
    check_all("mz_timestamp_", &mz_now(), &mut mz_timestamp);
    let ago = now().call_binary("timestamptz_mi_interval", span(1, -3_600_000_007));
    check_all("timestamptz_", &ago, &mut timestamptz);
    let soon = mz_now().call_binary("mz_timestamp_pl_interval", span(0, 2_500_700));
    check_all("mz_timestamp_", &soon, &mut mz_timestamp);
    let utc = text("UTC").call_binary("timestamptz_zone", now());
    check_all("timestamp_", &utc, &mut timestamp);
}

#[test]
fn moments_that_step() {
    let today = now().call_unary("timestamptz_to_date");
    check_all("date_", &today, &mut date);
    let days_ago = today.clone().call_binary("date_mii", ScalarExpr::literal(Datum::Int4(2), SqlType::Int4));
    check_all("date_", &days_ago, &mut date);
    let week = today.call_binary("date_mi_interval", span(1, 5));
    check_all("timestamp_", &week, &mut timestamp);
    let hour = text("hour").call_binary("timestamptz_trunc", now());
    check_all("timestamptz_", &hour, &mut timestamptz);
    let shifted = now().call_binary("timestamptz_mi_interval", span(0, 5 * 3_600_000_000));
    check_all("date_", &shifted.call_unary("timestamptz_to_date"), &mut date);
}

#[test]
fn differences_with_the_moment() {
    let age = now().call_binary("timestamptz_mi", column());
    let left = column().call_binary("timestamptz_mi", now());
    for comparison in COMPARISONS {
        let name = format!("interval_{comparison}");
        for difference in [&age, &left] {
            check(&difference.clone().call_binary(&name, span(0, 7_200_000_000)), &mut timestamptz);
            check(&span(1, 0).call_binary(&name, difference.clone()), &mut timestamptz);
        }
    }
    let days = now().call_unary("timestamptz_to_date").call_binary("date_mi", column());
    for comparison in ["int4lt", "int4ge"] {
        check(&days.clone().call_binary(comparison, ScalarExpr::literal(Datum::Int4(1), SqlType::Int4)), &mut date);
    }
}

#[test]
fn negations_and_conjunctions() {
    let before = now().call_binary("timestamptz_lt", column());
    check(&before.clone().call_unary("not"), &mut timestamptz);
    let later = column().call_binary("timestamptz_pl_interval", span(0, 86_400_000_000));
    let between = ScalarExpr::And(vec![
        column().call_binary("timestamptz_le", now()),
        now().call_binary("timestamptz_lt", later),
    ]);
    check(&between, &mut timestamptz);
}

#[test]
fn the_ends_of_time() {
    let until = now().call_binary("timestamptz_lt", column());
    let from = now().call_binary("timestamptz_ge", column());
    assert_eq!(lifetime(&until, Datum::Timestamptz(i64::MAX)), Lifetime::ALWAYS);
    assert_eq!(lifetime(&from, Datum::Timestamptz(i64::MIN)), Lifetime::ALWAYS);
    for never in [
        lifetime(&from, Datum::Timestamptz(i64::MAX)),
        lifetime(&until, Datum::Timestamptz(i64::MIN)),
        lifetime(&from, Datum::Null),
    ] {
        assert!(never.is_empty(), "{never:?}");
    }
}

#[test]
fn other_predicates_set_no_bounds() {
    let unequal = now().call_binary("timestamptz_ne", column());
    let month = ScalarExpr::literal(Datum::Interval(Interval { months: 1, days: 0, micros: 0 }), SqlType::Interval);
    let months = now().call_binary("timestamptz_mi_interval", month).call_binary("timestamptz_lt", column());
    let either = ScalarExpr::Or(vec![now().call_binary("timestamptz_lt", column()), column().is_null()]);
    let both = now().call_binary("timestamptz_lt", now());
    for predicate in [unequal, months, either, both] {
        assert!(bounds(&predicate).is_none(), "{predicate:?}");
    }
}
