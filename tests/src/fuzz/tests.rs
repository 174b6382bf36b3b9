use super::compare::normal_cell;
use super::data::tables;
use super::expr::{Generator, Traits};
use super::functions::{AGGREGATES, FUNCTIONS, FUNCTIONS_OVER_ROWS};
use super::types::Type;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn check(text: &str, floats: bool, expected: &str) {
    assert_eq!(normal_cell(text, Traits { loose: true, floats, ..Traits::default() }), expected);
}

#[test]
fn equal_values_have_one_form() {
    check("1.50", false, "1.5");
    check("{1.0,-0,20}", false, "{1,0,20}");
    check("a1.50", false, "a1.50");
    check("0.30000000000000004", true, "3.000000000e-1");
    check("1 mon", false, "2592000000000 us");
    check("30 days 00:00:00", false, "2592000000000 us");
    check("2020-01-31", false, "2020-01-31");
}

#[test]
fn without_grouping_every_digit_counts() {
    assert_eq!(normal_cell("1.50", Traits::default()), "1.50");
}

#[test]
fn the_table_of_types_is_in_order() {
    for (i, ty) in Type::all().enumerate() {
        assert_eq!(ty as usize, i, "{}", ty.name());
    }
}

#[test]
fn all_functions_can_be_read() {
    assert!(FUNCTIONS.lines().len() > 300 && AGGREGATES.lines().len() > 50 && FUNCTIONS_OVER_ROWS.lines().len() > 5);
}

#[test]
fn a_seed_gives_the_same_queries() {
    let query = || {
        let mut rng = StdRng::seed_from_u64(7);
        let tables = tables(&mut rng, true);
        let mut generator = Generator::new(rng, &tables, true);
        (0..50).map(|_| generator.any_query().sql()).collect::<Vec<_>>()
    };
    assert_eq!(query(), query());
}

#[test]
fn smaller_is_smaller() {
    let mut rng = StdRng::seed_from_u64(3);
    let tables = tables(&mut rng, false);
    let mut generator = Generator::new(rng, &tables, false);
    let query = generator.any_query();
    assert!(!query.smaller().is_empty());
}
