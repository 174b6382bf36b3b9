//! Equivalence classes of a join, in normal form.
//!
//! LAW: no two classes share a member, no class repeats one, each has at least two, and all are sorted.

use expr::ScalarExpr;

/// The classes in normal form, and what they say beyond.
pub struct Classes {
    /// In normal form.
    pub classes: Vec<Vec<ScalarExpr>>,
    /// Expressions that must not be NULL: what classes of one member say.
    pub not_null: Vec<ScalarExpr>,
    /// Whether something must equal NULL: there are no rows.
    pub contradiction: bool,
}

/// Brings classes to normal form.
pub fn normalize(classes: Vec<Vec<ScalarExpr>>) -> Classes {
    let mut out = Classes { classes: Vec::new(), not_null: Vec::new(), contradiction: false };
    for class in merge(classes) {
        out.contradiction |= class.iter().any(is_null_literal);
        match class.len() {
            0 => {}
            1 => out.not_null.extend(class),
            _ => out.classes.push(class),
        }
    }
    out
}

fn is_null_literal(expr: &ScalarExpr) -> bool {
    matches!(expr, ScalarExpr::Literal(Ok(row), _) if row.iter().next().is_none_or(|d| d.is_null()))
}

/// Merges classes that share a member; members are sorted, and so are classes.
fn merge(classes: Vec<Vec<ScalarExpr>>) -> Vec<Vec<ScalarExpr>> {
    let mut merged: Vec<Vec<ScalarExpr>> = Vec::new();
    for mut class in classes {
        let mut i = 0;
        while i < merged.len() {
            if merged[i].iter().any(|m| class.contains(m)) {
                class.append(&mut merged.swap_remove(i));
            } else {
                i += 1;
            }
        }
        merged.push(class);
    }
    for class in &mut merged {
        class.sort();
        class.dedup();
    }
    merged.sort();
    merged
}
