//! The list of functions is whole, and `docs/functions.md` is what it says.

use super::{Kind, all, describe, is_word, reference};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_reference_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/functions.md");
    let fresh = reference();
    if std::env::var_os("REWRITE").is_some() {
        return std::fs::write(path, fresh).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "run REWRITE=1 cargo test -p sql routines");
}

#[test]
fn every_function_is_described_once() {
    let names: BTreeSet<String> = all().into_iter().map(|routine| routine.name).collect();
    let missing: Vec<&String> =
        names.iter().filter(|name| is_word(name) && describe::description(name).is_none()).collect();
    assert!(missing.is_empty(), "no description of {missing:?}");
    let orphans: Vec<&str> = describe::names().filter(|name| !names.contains(*name)).collect();
    assert!(orphans.is_empty(), "descriptions of what there is not: {orphans:?}");
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = describe::names().filter(|name| !seen.insert(*name)).collect();
    assert!(twice.is_empty(), "described twice: {twice:?}");
}

#[test]
fn identities_are_unique() {
    let mut seen = BTreeSet::new();
    for routine in all() {
        assert!(seen.insert(routine.id.clone()), "{} twice", routine.id);
        assert!(!routine.family.is_empty(), "{} belongs to no family", routine.id);
        assert_eq!(routine.kind == Kind::Operator, !is_word(&routine.name), "{}", routine.id);
    }
}
