//! GROUPING SETS, ROLLUP, CUBE, and GROUPING(…).
//!
//! A GROUP BY clause with several grouping sets is the union of as many groupings of the same rows; a key that is not in a set is NULL
//! there. So the input becomes a common table expression, and each set an ordinary grouping of it.
//!
//! ```text
//! GROUP BY a, ROLLUP (b, c)    sets (a, b, c), (a, b), (a): each item is a list of sets, the clause is their product
//! ```

use super::group::{ALL_SETS_ONCE, Key};
use super::planner::Planner;
use crate::coerce::{constant, null};
use crate::hir::{ColId, CteId, HirRel, SetKind, operands_mut};
use expr::{AggregateExpr, ScalarExpr};
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments};
use std::collections::{BTreeMap, BTreeSet};

/// How many grouping sets a clause may have, as in PostgreSQL.
const SETS_MAX: usize = 4096;
/// How many items a CUBE may have, as in PostgreSQL.
const CUBE_MAX: usize = 12;

/// Keys that are grouped by together.
pub(super) type GroupingSet<'a> = Vec<Key<'a>>;

/// The grouping sets of a whole clause.
pub(super) fn clause_sets(items: &[Expr]) -> Result<Vec<GroupingSet<'_>>, SqlError> {
    let (mut sets, mut once) = (vec![Vec::new()], false);
    for item in items {
        if is_marker(item) {
            once = true;
            continue;
        }
        let of_item = item_sets(item)?;
        check_count(sets.len().saturating_mul(of_item.len()))?;
        sets = product(&sets, &of_item);
    }
    Ok(if once { without_repetition(sets) } else { sets })
}

fn product<'a>(left: &[GroupingSet<'a>], right: &[GroupingSet<'a>]) -> Vec<GroupingSet<'a>> {
    left.iter().flat_map(|l| right.iter().map(move |r| [&l[..], r].concat())).collect()
}

fn check_count(count: usize) -> Result<(), SqlError> {
    let message = format!("too many grouping sets present (maximum {SETS_MAX})");
    if count > SETS_MAX { Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, message)) } else { Ok(()) }
}

/// `GROUP BY DISTINCT`, which the parser leaves as the first item.
fn is_marker(item: &Expr) -> bool {
    matches!(item, Expr::Function(f) if f.name.to_string() == format!("\"{ALL_SETS_ONCE}\""))
}

fn without_repetition(sets: Vec<GroupingSet<'_>>) -> Vec<GroupingSet<'_>> {
    let mut kept: Vec<GroupingSet<'_>> = Vec::new();
    for set in sets {
        let same =
            |other: &GroupingSet<'_>| set.iter().all(|k| other.contains(k)) && other.iter().all(|k| set.contains(k));
        if !kept.iter().any(same) {
            kept.push(set);
        }
    }
    kept
}

fn item_sets(item: &Expr) -> Result<Vec<GroupingSet<'_>>, SqlError> {
    Ok(match item {
        Expr::Tuple(parts) => vec![parts.iter().collect()],
        Expr::Rollup(parts) => (0..=parts.len()).rev().map(|n| parts[..n].iter().flatten().collect()).collect(),
        Expr::Cube(parts) => cube(parts)?,
        Expr::GroupingSets(parts) => {
            let mut sets = Vec::new();
            for part in parts {
                match &part[..] {
                    [nested @ (Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_))] => {
                        sets.extend(item_sets(nested)?);
                    }
                    keys => sets.push(keys.iter().collect()),
                }
                check_count(sets.len())?;
            }
            sets
        }
        key => vec![vec![key]],
    })
}

/// All subsets, the largest first.
fn cube(parts: &[Vec<Expr>]) -> Result<Vec<GroupingSet<'_>>, SqlError> {
    if parts.len() > CUBE_MAX {
        let message = format!("CUBE is limited to {CUBE_MAX} elements");
        return Err(SqlError::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    let subset = |bits: usize| {
        let chosen = parts.iter().enumerate().filter(move |(i, _)| bits >> (parts.len() - 1 - i) & 1 == 1);
        chosen.flat_map(|(_, part)| part).collect()
    };
    Ok((0..1 << parts.len()).rev().map(subset).collect())
}

/// What a query groups by and computes for each group.
pub(super) struct Grouping {
    /// The keys of all sets: the column of each, and its value in terms of the input.
    pub keys: Vec<(ColId, ScalarExpr)>,
    /// The sets: which keys each has.
    pub sets: Vec<Vec<usize>>,
    /// What aggregates use that is the same for a whole group: over the input, but where a key is missing from a set it is NULL.
    pub direct: Vec<(ColId, ScalarExpr)>,
    /// Aggregates.
    pub aggregates: Vec<(ColId, AggregateExpr)>,
    /// `GROUPING(…)` calls.
    pub calls: Vec<(ColId, Vec<ScalarExpr>)>,
}

impl Planner<'_, '_> {
    /// `GROUPING(key, …)`: a column of the group that says which keys are not in its set.
    pub(super) fn grouping_call(&mut self, function: &ast::Function) -> Result<ScalarExpr, SqlError> {
        let clause = self.frame()?.clause;
        if !clause.aggregates {
            let message = format!("grouping operations are not allowed in {}", clause.name);
            return Err(SqlError::new(SqlState::GROUPING_ERROR, message));
        }
        let FunctionArguments::List(list) = &function.args else { return Err(no_arguments()) };
        let mut args = Vec::new();
        for arg in &list.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) = arg else { return Err(no_arguments()) };
            args.push(self.expr(arg)?);
        }
        match args.len() {
            0 => return Err(no_arguments()),
            1..32 => {}
            _ => {
                let message = "GROUPING must have fewer than 32 arguments";
                return Err(SqlError::new(SqlState::TOO_MANY_ARGUMENTS, message));
            }
        }
        let level = self.level_of(args.iter(), &[]);
        if let Some((id, _)) = self.frames[level].groupings.iter().find(|(_, a)| *a == args) {
            return Ok(ScalarExpr::Column(*id));
        }
        let id = self.column("grouping", SqlType::Int4.nullable(false));
        self.frames[level].groupings.push((id, args));
        Ok(ScalarExpr::Column(id))
    }

    /// The groups of each set, together.
    pub(super) fn reduce(&mut self, input: HirRel, grouping: Grouping) -> Result<HirRel, SqlError> {
        let masks = grouping.sets.iter().map(|set| masks(&grouping, set)).collect::<Result<Vec<_>, _>>()?;
        if let ([_], [set]) = (&masks[..], &grouping.sets[..])
            && set.len() == grouping.keys.len()
        {
            let Grouping { keys, direct, aggregates, .. } = grouping;
            let exprs = masks.into_iter().flatten().collect();
            return Ok(HirRel::Reduce { input: Box::new(input.map(direct)), keys, aggregates }.map(exprs));
        }
        let id = self.fresh_cte();
        let (cols, outer): (Vec<_>, Vec<_>) = (input.cols(), input.free().into_iter().collect());
        let mut branches = Vec::new();
        for (set, masks) in grouping.sets.iter().zip(masks) {
            branches.push(self.branch(id, (&cols, &outer), &grouping, set, masks));
        }
        for (i, (key, _)) in grouping.keys.iter().enumerate() {
            self.types[*key].nullable |= !grouping.sets.iter().all(|set| set.contains(&i));
        }
        let ids = grouping.keys.iter().map(|(id, _)| *id);
        let ids = ids.chain(grouping.aggregates.iter().map(|(id, _)| *id));
        let ids: Vec<ColId> = ids.chain(grouping.calls.iter().map(|(id, _)| *id)).collect();
        let body = Box::new(self.union_all(branches, &ids));
        Ok(HirRel::Let { id, name: "grouping sets".to_string(), value: Box::new(input), body })
    }

    /// The groups of one set: keys, aggregates, masks, all under fresh names.
    fn branch(
        &mut self,
        cte: CteId,
        (cols, outer): (&[ColId], &[ColId]),
        grouping: &Grouping,
        set: &[usize],
        masks: Vec<(ColId, ScalarExpr)>,
    ) -> HirRel {
        let mut fresh: BTreeMap<ColId, ColId> = cols.iter().map(|c| (*c, self.same_column(*c))).collect();
        let names = cols.iter().map(|c| fresh[c]).collect();
        let input = HirRel::Cte { id: cte, name: "grouping sets".to_string(), cols: names, outer: outer.to_vec() };
        let input = input.map(self.direct(grouping, set, &mut fresh));
        let mut outputs: Vec<ColId> = grouping.keys.iter().map(|(id, _)| self.same_column(*id)).collect();
        let (mut keys, mut nulls) = (Vec::new(), Vec::new());
        for (i, (id, key)) in grouping.keys.iter().enumerate() {
            match set.contains(&i) {
                true => keys.push((outputs[i], renamed(key, &fresh))),
                false => {
                    self.types[outputs[i]].nullable = true;
                    nulls.push((outputs[i], null(&self.types[*id].ty)));
                }
            }
        }
        let mut aggregates = Vec::new();
        for (id, aggregate) in &grouping.aggregates {
            let id = self.same_column(*id);
            outputs.push(id);
            aggregates.push((id, renamed_aggregate(aggregate, &fresh)));
        }
        let masks: Vec<_> = masks.into_iter().map(|(id, mask)| (self.same_column(id), mask)).collect();
        outputs.extend(masks.iter().map(|(id, _)| *id));
        HirRel::Reduce { input: Box::new(input), keys, aggregates }.map(nulls).map(masks).project(outputs)
    }

    /// The direct arguments for one set, under fresh names.
    fn direct(
        &mut self,
        grouping: &Grouping,
        set: &[usize],
        fresh: &mut BTreeMap<ColId, ColId>,
    ) -> Vec<(ColId, ScalarExpr)> {
        let keys = grouping.keys.iter().enumerate();
        let missing: Vec<&ScalarExpr> = keys.filter(|(i, _)| !set.contains(i)).map(|(_, (_, key))| key).collect();
        let mut direct = Vec::with_capacity(grouping.direct.len());
        for (id, argument) in &grouping.direct {
            let mut argument = argument.clone();
            self.nullify(&mut argument, &missing);
            direct.push((self.same_column(*id), renamed(&argument, fresh)));
        }
        fresh.extend(grouping.direct.iter().zip(&direct).map(|((id, _), (own, _))| (*id, *own)));
        direct
    }

    /// Puts NULL where one of these keys stands.
    fn nullify(&self, expr: &mut ScalarExpr, keys: &[&ScalarExpr]) {
        if keys.contains(&&*expr) {
            *expr = null(&self.typ(expr).ty);
            return;
        }
        operands_mut(expr).into_iter().for_each(|operand| self.nullify(operand, keys));
    }

    fn same_column(&mut self, col: ColId) -> ColId {
        self.column(&self.labels[col].clone(), self.types[col].clone())
    }

    /// All rows of several relations, as a balanced tree: plans are walked recursively.
    fn union_all(&mut self, mut branches: Vec<HirRel>, cols: &[ColId]) -> HirRel {
        if branches.len() == 1 {
            // The columns get their names by a copy of each: this is the only set, and some key is in none.
            let only = branches.remove(0);
            let made = only.cols();
            let copies = cols.iter().zip(made).map(|(c, m)| (*c, ScalarExpr::Column(m))).collect();
            return only.map(copies).project(cols.to_vec());
        }
        let right = branches.split_off(branches.len() / 2);
        let [left, right] = [branches, right].map(|mut half| match half.len() {
            1 => half.remove(0),
            _ => {
                let inner: Vec<ColId> = cols.iter().map(|c| self.same_column(*c)).collect();
                self.union_all(half, &inner)
            }
        });
        let (left, right) = (Box::new(left), Box::new(right));
        HirRel::SetOp { kind: SetKind::Union, all: true, left, right, cols: cols.to_vec() }
    }
}

/// The values of `GROUPING(…)` calls for one set: a bit for each argument, the last the lowest, set if it is not grouped by.
fn masks(grouping: &Grouping, set: &[usize]) -> Result<Vec<(ColId, ScalarExpr)>, SqlError> {
    let known: BTreeSet<usize> = set.iter().copied().collect();
    let mut values = Vec::new();
    for (id, args) in &grouping.calls {
        let mut mask = 0;
        for arg in args {
            let Some(key) = grouping.keys.iter().position(|(_, key)| key == arg) else {
                let message = "arguments to GROUPING must be grouping expressions of the associated query level";
                return Err(SqlError::new(SqlState::GROUPING_ERROR, message));
            };
            mask = mask << 1 | i32::from(!known.contains(&key));
        }
        values.push((*id, constant(Datum::Int4(mask), SqlType::Int4)));
    }
    Ok(values)
}

fn no_arguments() -> SqlError {
    SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\"")
}

fn renamed(expr: &ScalarExpr, names: &BTreeMap<ColId, ColId>) -> ScalarExpr {
    fn walk(expr: &mut ScalarExpr, names: &BTreeMap<ColId, ColId>) {
        if let ScalarExpr::Column(c) = expr {
            *c = names.get(c).copied().unwrap_or(*c);
        }
        operands_mut(expr).into_iter().for_each(|operand| walk(operand, names));
    }
    let mut expr = expr.clone();
    walk(&mut expr, names);
    expr
}

fn renamed_aggregate(aggregate: &AggregateExpr, names: &BTreeMap<ColId, ColId>) -> AggregateExpr {
    let each = |exprs: &[ScalarExpr]| exprs.iter().map(|e| renamed(e, names)).collect();
    AggregateExpr {
        args: each(&aggregate.args),
        filter: aggregate.filter.as_ref().map(|f| renamed(f, names)),
        order_exprs: each(&aggregate.order_exprs),
        ..aggregate.clone()
    }
}
