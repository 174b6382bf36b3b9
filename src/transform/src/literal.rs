//! Predicates that fix an index's key to constants.

use expr::ScalarExpr;
use expr::plan_key::{comparable, without_canonical};
use expr::visit::grow;
use repr::{Arena, ColumnType, Row, RowPacker};
use std::collections::BTreeSet;

/// Lookups beyond this many are no better than a scan.
const LOOKUPS_MAX: usize = 10_000;

/// The constant that a predicate says a key expression equals.
pub fn fixes<'a>(predicate: &'a ScalarExpr, key: &ScalarExpr) -> Option<&'a ScalarExpr> {
    let (a, b) = predicate.as_equality()?;
    let key = without_canonical(key);
    match (a, b) {
        (e, literal @ ScalarExpr::Literal(Ok(_), _)) | (literal @ ScalarExpr::Literal(Ok(_), _), e) if e == key => {
            Some(literal)
        }
        _ => None,
    }
}

/// The key rows that can satisfy all predicates, canonical, sorted, each once; none if the predicates do not fix the key.
pub fn key_rows(predicates: &[&ScalarExpr], key: &[ScalarExpr], columns: &[ColumnType]) -> Option<Vec<Row>> {
    if key.is_empty() {
        return None;
    }
    let mut best: Option<BTreeSet<Row>> = whole_key(predicates, key, columns);
    if best.is_none() {
        let values = key.iter().map(|k| part_values(predicates, k, columns)).collect::<Option<Vec<_>>>()?;
        let count = values.iter().try_fold(1usize, |n, v| n.checked_mul(v.len()))?;
        if count > LOOKUPS_MAX {
            return None;
        }
        best = Some(product(&values));
    }
    best.map(|rows| rows.into_iter().collect())
}

fn product(values: &[BTreeSet<Row>]) -> BTreeSet<Row> {
    let mut rows = vec![Row::empty()];
    let mut packer = RowPacker::new();
    for part in values {
        let mut longer = Vec::with_capacity(rows.len() * part.len());
        for row in &rows {
            for value in part {
                packer.extend_row(row.as_ref());
                packer.extend_row(value.as_ref());
                longer.push(packer.take());
            }
        }
        rows = longer;
    }
    rows.into_iter().collect()
}

/// The values that some predicate allows for one part of the key: `k = 1`, or `k = 1 OR k = 2 …`.
fn part_values(predicates: &[&ScalarExpr], key: &ScalarExpr, columns: &[ColumnType]) -> Option<BTreeSet<Row>> {
    predicates.iter().filter_map(|p| one_of(p, key, columns)).reduce(|a, b| a.intersection(&b).cloned().collect())
}

fn one_of(predicate: &ScalarExpr, key: &ScalarExpr, columns: &[ColumnType]) -> Option<BTreeSet<Row>> {
    grow(|| match predicate {
        ScalarExpr::Or(branches) if branches.len() <= LOOKUPS_MAX => {
            let mut all = BTreeSet::new();
            for branch in branches {
                all.extend(one_of(branch, key, columns)?);
            }
            Some(all)
        }
        _ => {
            let value = canonical_value(fixes(predicate, key)?, key, columns)?;
            // Nothing equals NULL.
            let null = value.iter().any(|d| d.is_null());
            Some(if null { BTreeSet::new() } else { BTreeSet::from([value]) })
        }
    })
}

/// The rows of a predicate that fixes the whole key at once: `(a = 1 AND b = 2) OR (a = 3 AND b = 4) …`.
fn whole_key(predicates: &[&ScalarExpr], key: &[ScalarExpr], columns: &[ColumnType]) -> Option<BTreeSet<Row>> {
    if key.len() < 2 {
        return None;
    }
    predicates.iter().find_map(|p| {
        let ScalarExpr::Or(branches) = p else { return None };
        let mut all = BTreeSet::new();
        for branch in branches.iter().take(LOOKUPS_MAX + 1) {
            let ScalarExpr::And(parts) = branch else { return None };
            let parts: Vec<_> = parts.iter().collect();
            let values = key.iter().map(|k| part_values(&parts, k, columns)).collect::<Option<Vec<_>>>()?;
            all.extend(product(&values));
        }
        (all.len() <= LOOKUPS_MAX).then_some(all)
    })
}

/// A literal as a part of a key row.
fn canonical_value(literal: &ScalarExpr, key: &ScalarExpr, columns: &[ColumnType]) -> Option<Row> {
    let is_canonical = without_canonical(key) != key;
    let literal = if is_canonical { comparable(literal.clone(), columns) } else { literal.clone() };
    let arena = Arena::new();
    let value = literal.eval(&[], &arena).ok()?;
    Some(Row::pack([value]))
}
