//! Predicates over a join: each becomes part of a class, sinks into an input, or stays above.

use super::{Pusher, single_input};
use crate::classes::normalize;
use crate::null_safe;
use crate::scalars::{conjuncts, equal_is_same, equality, is_not_null, remap, substitute};
use expr::{RelExpr, ScalarExpr};
use repr::ColumnType;

/// A join while its predicates are sorted.
struct Sorter {
    columns: Vec<ColumnType>,
    /// For each column, its input.
    owner: Vec<usize>,
    /// For each input, its first column.
    starts: Vec<usize>,
    classes: Vec<Vec<ScalarExpr>>,
    /// For each input, what sinks into it, over the join's columns.
    sunk: Vec<Vec<ScalarExpr>>,
    above: Vec<ScalarExpr>,
}

impl Pusher {
    pub(super) fn join(
        &mut self,
        inputs: Vec<RelExpr>,
        equivalences: Vec<Vec<ScalarExpr>>,
        predicates: Vec<ScalarExpr>,
    ) -> RelExpr {
        let mut sorter = Sorter::new(&inputs, equivalences);
        let rest = sorter.take_equalities(predicates);
        let classes = normalize(std::mem::take(&mut sorter.classes));
        if classes.contradiction {
            return RelExpr::empty(RelExpr::join(inputs, Vec::new()).typ());
        }
        sorter.classes = classes.classes;
        for expr in classes.not_null {
            if expr.typ(&sorter.columns).nullable {
                sorter.place(is_not_null(expr));
            }
        }
        for predicate in rest {
            sorter.derive(&predicate);
            sorter.place(predicate);
        }
        sorter.dissolve_constants();
        sorter.settle_within_inputs();
        let Sorter { starts, classes, sunk, above, .. } = sorter;
        let sink = |((input, start), sunk): ((RelExpr, usize), Vec<ScalarExpr>)| {
            let sunk = sunk.iter().map(|p| remap(p, &|c| c - start)).collect();
            self.push(input, sunk)
        };
        let inputs = inputs.into_iter().zip(starts).zip(sunk).map(sink).collect();
        RelExpr::join(inputs, classes).filter(conjuncts(above))
    }
}

impl Sorter {
    fn new(inputs: &[RelExpr], classes: Vec<Vec<ScalarExpr>>) -> Self {
        let mut sorter = Sorter {
            columns: Vec::new(),
            owner: Vec::new(),
            starts: Vec::new(),
            classes,
            sunk: vec![Vec::new(); inputs.len()],
            above: Vec::new(),
        };
        for (i, input) in inputs.iter().enumerate() {
            sorter.starts.push(sorter.columns.len());
            sorter.columns.extend(input.typ().columns);
            sorter.owner.resize(sorter.columns.len(), i);
        }
        sorter
    }

    fn place(&mut self, predicate: ScalarExpr) {
        match single_input(&predicate, &self.owner) {
            Some(input) => self.sunk[input].push(predicate),
            None => self.above.push(predicate),
        }
    }

    /// Equalities between inputs become classes; returns the other predicates.
    fn take_equalities(&mut self, predicates: Vec<ScalarExpr>) -> Vec<ScalarExpr> {
        let mut rest = Vec::new();
        for predicate in predicates {
            let pairs = match predicate.as_equality() {
                Some((a, b)) => Some(vec![[a.clone(), b.clone()]]),
                None => null_safe::classes(&predicate, &self.columns),
            };
            match pairs {
                Some(pairs) if pairs.iter().all(|pair| self.connects(pair)) => {
                    self.classes.extend(pairs.into_iter().map(Vec::from));
                }
                _ => rest.push(predicate),
            }
        }
        rest
    }

    /// Whether both sides belong to inputs, not the same one, and have one type.
    fn connects(&self, class: &[ScalarExpr]) -> bool {
        let (a, b) = (single_input(&class[0], &self.owner), single_input(&class[1], &self.owner));
        let types: Vec<_> = class.iter().map(|e| e.typ(&self.columns).ty.without_modifier()).collect();
        let uses_columns = class.iter().all(|e| !e.columns().is_empty());
        uses_columns && (a != b || a.is_none()) && types[0] == types[1]
    }

    /// What a predicate says of one column or expression holds for all that are equal to it.
    fn derive(&mut self, predicate: &ScalarExpr) {
        if let Some((expr, literal)) = as_literal_equality(predicate) {
            let same = equal_is_same(&expr.typ(&self.columns).ty);
            if let Some(class) = self.classes.iter_mut().find(|class| same && class.contains(expr)) {
                class.push(literal.clone());
            }
            return;
        }
        let columns = predicate.columns();
        let (Some(column), 1) = (columns.first().copied(), columns.len()) else { return };
        if predicate.could_error() || !equal_is_same(&self.columns[column].ty) {
            return;
        }
        let Some(class) = self.classes.iter().find(|class| class.contains(&ScalarExpr::Column(column))) else { return };
        for other in class.clone() {
            if matches!(other, ScalarExpr::Column(c) if c != column) {
                self.place(substitute(predicate, &|_| Some(other.clone())));
            }
        }
    }

    /// Members of a class with a literal are compared with that.
    fn dissolve_constants(&mut self) {
        let all = std::mem::take(&mut self.classes).into_iter();
        let (constant, classes): (Vec<_>, Vec<_>) = all.partition(|class| class.iter().any(ScalarExpr::is_literal));
        self.classes = classes;
        for mut class in constant {
            let at = class.iter().position(ScalarExpr::is_literal).unwrap_or(0);
            let literal = class.swap_remove(at);
            for member in class {
                self.place(equality(member, literal.clone(), &self.columns));
            }
        }
    }

    /// Members of one input are compared there, and one of them stands for them.
    fn settle_within_inputs(&mut self) {
        for mut class in std::mem::take(&mut self.classes) {
            let mut kept: Vec<ScalarExpr> = Vec::new();
            // Plain columns stand for their class where there are any.
            class.sort();
            for member in class {
                let input = single_input(&member, &self.owner);
                let twin = kept.iter().find(|k| input.is_some() && single_input(k, &self.owner) == input).cloned();
                match twin {
                    Some(twin) => self.place(equality(twin, member, &self.columns)),
                    None => kept.push(member),
                }
            }
            // One that is left alone says no more than that it is not NULL, and so do the equalities.
            if kept.len() > 1 {
                self.classes.push(kept);
            }
        }
    }
}

fn as_literal_equality(predicate: &ScalarExpr) -> Option<(&ScalarExpr, &ScalarExpr)> {
    let (a, b) = predicate.as_equality()?;
    match (a.is_literal(), b.is_literal()) {
        (false, true) => Some((a, b)),
        (true, false) => Some((b, a)),
        _ => None,
    }
}
