//! The type of a relational plan: its columns, which of them may be NULL, and what is known of its keys.
//!
//! LAW: column types are exact; `nullable: false` and keys are promises, which a rewrite may strengthen but never break.

use crate::plan_key::without_canonical;
use crate::relation::{Id, RelExpr};
use crate::relation_scalars::{aggregate_type, scalar_columns, scalar_type, table_func_columns};
use crate::scalar::ScalarExpr;
use crate::table_func::TableFunc;
use crate::visit::grow;
use crate::window::{WindowExpr, WindowFunc};
use repr::{ColumnType, RelationType};
use std::collections::{BTreeMap, BTreeSet};

/// Keys beyond this many are forgotten: they multiply in joins, and few serve anyone.
const KEYS_MAX: usize = 16;

impl RelExpr {
    /// The type of the result.
    pub fn typ(&self) -> RelationType {
        grow(|| {
            let inputs = match self {
                RelExpr::Let { body, .. } | RelExpr::LetRec { body, .. } => vec![body.typ()],
                _ => self.children().into_iter().map(RelExpr::typ).collect(),
            };
            self.typ_over(&inputs)
        })
    }

    /// The type of this node, given those of its inputs; a `Let`'s is its body's, given last.
    pub fn typ_over(&self, inputs: &[RelationType]) -> RelationType {
        match self {
            RelExpr::Constant { rows, typ } => constant_type(rows.as_ref().ok(), typ),
            RelExpr::Get { typ, .. } => typ.clone(),
            RelExpr::Let { .. } | RelExpr::LetRec { .. } => inputs.last().cloned().unwrap_or_default(),
            RelExpr::Project { outputs, .. } => project_type(&inputs[0], outputs),
            RelExpr::Map { scalars, .. } => map_type(&inputs[0], scalars),
            RelExpr::FlatMap { func, .. } => flat_map_type(&inputs[0], func),
            RelExpr::Filter { predicates, .. } => filter_type(&inputs[0], predicates),
            RelExpr::Join { equivalences, .. } => join_type(inputs, equivalences),
            RelExpr::Reduce { group_key, aggregates, .. } => {
                let mut columns = group_key.iter().map(|e| scalar_type(e, &inputs[0].columns)).collect::<Vec<_>>();
                columns.extend(aggregates.iter().map(|a| aggregate_type(a, &inputs[0].columns)));
                reduce_type(&inputs[0], group_key, columns)
            }
            RelExpr::TopK { group_key, limit, .. } => {
                let one = limit.as_ref().is_some_and(is_literal_one);
                let typ = inputs[0].clone();
                if one { minimal(typ.with_key(group_key.clone())) } else { typ }
            }
            RelExpr::Window { partition, functions, .. } => window_type(&inputs[0], partition, functions),
            RelExpr::Negate { .. } => RelationType::new(inputs[0].columns.clone()),
            RelExpr::Threshold { .. } | RelExpr::ArrangeBy { .. } => inputs[0].clone(),
            RelExpr::Union { .. } => union_type(self, inputs),
        }
    }

    /// How many columns the result has.
    pub fn arity(&self) -> usize {
        let mut node = self;
        let mut appended = 0;
        loop {
            match node {
                RelExpr::Constant { typ, .. } | RelExpr::Get { typ, .. } => return appended + typ.arity(),
                RelExpr::Let { body, .. } | RelExpr::LetRec { body, .. } => node = body,
                RelExpr::Project { outputs, .. } => return appended + outputs.len(),
                RelExpr::Map { input, scalars } => {
                    appended += scalars.len();
                    node = input;
                }
                RelExpr::Window { input, functions, .. } => {
                    appended += functions.len();
                    node = input;
                }
                RelExpr::FlatMap { input, func, .. } => {
                    appended += table_func_columns(func).len();
                    node = input;
                }
                RelExpr::Join { inputs, .. } => {
                    return appended + grow(|| inputs.iter().map(RelExpr::arity).sum::<usize>());
                }
                RelExpr::Reduce { group_key, aggregates, .. } => {
                    return appended + group_key.len() + aggregates.len();
                }
                RelExpr::Union { inputs } => match inputs.first() {
                    Some(first) => node = first,
                    None => return appended,
                },
                RelExpr::Filter { input, .. }
                | RelExpr::TopK { input, .. }
                | RelExpr::Negate { input }
                | RelExpr::Threshold { input }
                | RelExpr::ArrangeBy { input, .. } => node = input,
            }
        }
    }

    /// Whether the result's columns have these types. What is known of NULLs may differ: rewrites gain and lose such knowledge.
    pub fn has_columns(&self, wanted: &[ColumnType]) -> bool {
        let columns = self.typ().columns;
        let same = |(is, want): (&ColumnType, &ColumnType)| is.ty.without_modifier() == want.ty.without_modifier();
        columns.len() == wanted.len() && columns.iter().zip(wanted).all(same)
    }

    /// Checks what every plan promises: references within bounds, unions of equal arity, names bound before use.
    pub fn check(&self) -> Result<(), String> {
        self.check_in(&mut BTreeSet::new())
    }

    fn check_in(&self, bound: &mut BTreeSet<repr::LocalId>) -> Result<(), String> {
        grow(|| match self {
            RelExpr::Get { id: Id::Local(id), .. } if !bound.contains(id) => Err(format!("{id} is not bound")),
            RelExpr::Let { id, value, body } => {
                value.check_in(bound)?;
                if !bound.insert(*id) {
                    return Err(format!("{id} is bound twice"));
                }
                let checked = body.check_in(bound);
                bound.remove(id);
                checked
            }
            RelExpr::LetRec { bindings, body } => {
                for binding in bindings {
                    if !bound.insert(binding.id) {
                        return Err(format!("{} is bound twice", binding.id));
                    }
                }
                let mut parts = bindings.iter().map(|b| &b.value).chain(std::iter::once(&**body));
                let checked = parts.try_for_each(|part| part.check_in(bound));
                bound.retain(|id| bindings.iter().all(|b| b.id != *id));
                checked
            }
            _ => {
                self.children().into_iter().try_for_each(|child| child.check_in(bound))?;
                self.check_node()
            }
        })
    }

    fn check_node(&self) -> Result<(), String> {
        let within = |columns: &[usize], arity: usize| match columns.iter().find(|c| **c >= arity) {
            Some(c) => Err(format!("column {c} of {arity}")),
            None => Ok(()),
        };
        let arities: Vec<usize> = self.children().into_iter().map(RelExpr::arity).collect();
        let arity: usize = arities.iter().sum();
        match self {
            RelExpr::Project { outputs, .. } => within(outputs, arity),
            RelExpr::Map { scalars, .. } => scalars
                .iter()
                .enumerate()
                .try_for_each(|(i, s)| within(&scalar_columns(s).into_iter().collect::<Vec<_>>(), arity + i)),
            RelExpr::TopK { group_key, order, .. } => {
                within(group_key, arity)?;
                within(&order.iter().map(|o| o.column).collect::<Vec<_>>(), arity)
            }
            RelExpr::Window { partition, order, functions, .. } => {
                within(partition, arity)?;
                within(&order.iter().map(|o| o.column).collect::<Vec<_>>(), arity)?;
                let used = functions.iter().flat_map(WindowExpr::scalars).flat_map(scalar_columns);
                within(&used.collect::<Vec<_>>(), arity)
            }
            RelExpr::Union { .. } if arities.windows(2).any(|w| w[0] != w[1]) => {
                Err(format!("union of arities {arities:?}"))
            }
            RelExpr::Union { .. } if arities.is_empty() => Err("union of nothing".into()),
            RelExpr::Constant { rows: Ok(rows), typ } => {
                match rows.iter().find(|(r, _)| r.iter().count() != typ.arity()) {
                    Some((row, _)) => Err(format!("row {row:?} of {} columns", typ.arity())),
                    None => Ok(()),
                }
            }
            _ => self
                .scalars()
                .into_iter()
                .try_for_each(|s| within(&scalar_columns(s).into_iter().collect::<Vec<_>>(), arity)),
        }
    }
}

fn is_literal_one(limit: &ScalarExpr) -> bool {
    matches!(limit, ScalarExpr::Literal(Ok(row), _) if row.iter().next() == Some(repr::Datum::Int8(1)))
}

/// Sorts keys and drops those that contain another.
fn minimal(mut typ: RelationType) -> RelationType {
    typ.keys.iter_mut().for_each(|key| {
        key.sort_unstable();
        key.dedup();
    });
    typ.keys.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let mut kept: Vec<Vec<usize>> = Vec::new();
    for key in std::mem::take(&mut typ.keys) {
        if kept.len() < KEYS_MAX && !kept.iter().any(|k| k.iter().all(|c| key.contains(c))) {
            kept.push(key);
        }
    }
    typ.keys = kept;
    typ
}

/// At most one row is a key of no columns.
fn constant_type(rows: Option<&Vec<(repr::Row, repr::Diff)>>, typ: &RelationType) -> RelationType {
    let mut typ = typ.clone();
    if let Some([] | [(_, 1)]) = rows.map(Vec::as_slice) {
        typ.keys = vec![Vec::new()];
    }
    typ
}

fn project_type(input: &RelationType, outputs: &[usize]) -> RelationType {
    let columns = outputs.iter().map(|c| input.columns[*c].clone()).collect();
    let place = |c: &usize| outputs.iter().position(|o| o == c);
    let keys = input.keys.iter().filter_map(|key| key.iter().map(place).collect()).collect();
    minimal(RelationType { columns, keys })
}

/// A column's canonical form stands for the column in keys.
fn map_type(input: &RelationType, scalars: &[ScalarExpr]) -> RelationType {
    let mut typ = input.clone();
    for scalar in scalars {
        let column = scalar_type(scalar, &typ.columns);
        let place = typ.columns.len();
        if let (ScalarExpr::Call { .. }, ScalarExpr::Column(source)) = (scalar, without_canonical(scalar)) {
            let renamed = |key: &Vec<usize>| key.iter().map(|c| if c == source { place } else { *c }).collect();
            let keys: Vec<Vec<usize>> = typ.keys.iter().filter(|key| key.contains(source)).map(renamed).collect();
            typ.keys.extend(keys);
        }
        typ.columns.push(column);
    }
    typ
}

fn flat_map_type(input: &RelationType, func: &TableFunc) -> RelationType {
    let mut typ = input.clone();
    typ.columns.extend(table_func_columns(func));
    if !matches!(func, TableFunc::GuardSubquerySize) {
        typ.keys.clear();
    }
    typ
}

/// A column that must be non-NULL for a predicate to be true is not nullable; one equal to a literal leaves the keys.
fn filter_type(input: &RelationType, predicates: &[ScalarExpr]) -> RelationType {
    let mut typ = input.clone();
    let mut fixed = BTreeSet::new();
    for predicate in predicates {
        for column in predicate.non_null_requirements() {
            typ.columns[column].nullable = false;
        }
        fixed.extend(predicate.fixed_column());
    }
    typ.keys.iter_mut().for_each(|key| key.retain(|c| !fixed.contains(c)));
    minimal(typ)
}

/// What a join's equivalences determine, once some columns are known.
struct Determined<'a> {
    inputs: &'a [RelationType],
    offsets: Vec<usize>,
    classes: Vec<Vec<(Option<usize>, BTreeSet<usize>)>>,
}

impl Determined<'_> {
    /// The columns that are functions of `known`.
    fn closure(&self, mut known: BTreeSet<usize>) -> BTreeSet<usize> {
        loop {
            let before = known.len();
            for class in &self.classes {
                if class.iter().any(|(_, support)| support.is_subset(&known)) {
                    known.extend(class.iter().filter_map(|(column, _)| *column));
                }
            }
            for (input, offset) in self.inputs.iter().zip(&self.offsets) {
                let keyed = |key: &Vec<usize>| key.iter().all(|c| known.contains(&(c + offset)));
                if input.keys.iter().any(keyed) {
                    known.extend(*offset..offset + input.arity());
                }
            }
            if known.len() == before {
                return known;
            }
        }
    }

    /// Extends `key` to a key of the join, with the first key of each input that it does not determine.
    fn complete(&self, mut key: BTreeSet<usize>) -> Option<Vec<usize>> {
        let mut known = self.closure(key.clone());
        for (input, offset) in self.inputs.iter().zip(&self.offsets) {
            let unique = input.keys.iter().any(|key| key.iter().all(|c| known.contains(&(c + offset))));
            if !unique {
                key.extend(input.keys.first()?.iter().map(|c| c + offset));
                known = self.closure(key.clone());
            }
        }
        Some(key.into_iter().collect())
    }
}

fn join_type(inputs: &[RelationType], equivalences: &[Vec<ScalarExpr>]) -> RelationType {
    let mut columns: Vec<ColumnType> = inputs.iter().flat_map(|i| i.columns.iter().cloned()).collect();
    for expr in equivalences.iter().filter(|class| class.len() > 1).flatten() {
        for column in expr.non_null_if_non_null() {
            columns[column].nullable = false;
        }
    }
    let offsets = inputs.iter().scan(0, |at, i| Some(std::mem::replace(at, *at + i.arity()))).collect();
    let member = |e: &ScalarExpr| {
        let column = if let ScalarExpr::Column(c) = e { Some(*c) } else { None };
        (column, scalar_columns(e))
    };
    let classes = equivalences.iter().map(|class| class.iter().map(member).collect()).collect();
    let determined = Determined { inputs, offsets, classes };
    let mut typ = RelationType::new(columns);
    if inputs.is_empty() {
        // One row, or none where the classes say so.
        typ.keys.push(Vec::new());
    }
    for (input, offset) in inputs.iter().zip(&determined.offsets) {
        for key in input.keys.iter().take(KEYS_MAX) {
            typ.keys.extend(determined.complete(key.iter().map(|c| c + offset).collect()));
        }
    }
    minimal(typ)
}

/// The group key is a key; so is any key of the input that lies within it.
fn reduce_type(input: &RelationType, group_key: &[ScalarExpr], columns: Vec<ColumnType>) -> RelationType {
    let mut places = BTreeMap::new();
    for (i, expr) in group_key.iter().enumerate() {
        if let ScalarExpr::Column(c) = expr {
            places.entry(*c).or_insert(i);
        }
    }
    let mut typ = RelationType::new(columns).with_key((0..group_key.len()).collect());
    typ.keys.extend(input.keys.iter().filter_map(|key| key.iter().map(|c| places.get(c).copied()).collect()));
    minimal(typ)
}

/// No row is added or lost. Rows of a partition have different numbers.
fn window_type(input: &RelationType, partition: &[usize], functions: &[WindowExpr]) -> RelationType {
    let mut typ = input.clone();
    for function in functions {
        if function.func == WindowFunc::RowNumber {
            typ.keys.push([partition, &[typ.columns.len()]].concat());
        }
        typ.columns.push(function.typ(&input.columns));
    }
    minimal(typ)
}

fn union_type(union: &RelExpr, inputs: &[RelationType]) -> RelationType {
    let mut columns = inputs[0].columns.clone();
    for input in &inputs[1..] {
        columns.iter_mut().zip(&input.columns).for_each(|(column, other)| *column = column.union(other));
    }
    let mut typ = RelationType::new(columns);
    if inputs.len() == 1 {
        typ.keys = inputs[0].keys.clone();
    } else if let RelExpr::Union { inputs: branches } = union {
        typ.keys.extend(default_row_key(branches, inputs));
    }
    typ
}

/// SQL's one row of a global aggregate: `r ∪ (constant row − constant row where r has a row)` has at most one row.
///
/// Recognised by its shape: one branch with at most one row, and the others a map over the union of one constant
/// row and the negation of a projection of that branch to no columns.
fn default_row_key(branches: &[RelExpr], types: &[RelationType]) -> Option<Vec<usize>> {
    let [first, second] = branches else { return None };
    if !types[0].keys.contains(&Vec::new()) {
        return None;
    }
    let mut node = second;
    while let RelExpr::Map { input, .. } | RelExpr::Project { input, .. } = node {
        node = input;
    }
    let RelExpr::Union { inputs } = node else { return None };
    let negated = inputs.iter().find_map(|i| if let RelExpr::Negate { input } = i { Some(&**input) } else { None })?;
    let constant = inputs.iter().any(|i| i.is_unit());
    let of_first = match negated {
        RelExpr::Project { input, outputs } if outputs.is_empty() => **input == *first,
        _ => false,
    };
    (constant && of_first && inputs.len() == 2).then(Vec::new)
}
