//! A plan's meaning, from scratch: nothing incremental, nothing shared with the operators.

use expr::plan::{JoinPlan, JoinStage};
use expr::relation::{ColumnOrder, Id};
use expr::{AggregateExpr, Mfp, Plan, ScalarExpr};
use repr::{Arena, Datum, Diff, GlobalId, Row, SqlError};
use std::cmp::Ordering;
use std::collections::BTreeMap;

type Rows = Vec<(Row, Diff)>;

/// What ids stand for; an error only matters where the id is used.
pub type Bound = BTreeMap<Id, Result<Rows, SqlError>>;

/// The plan's rows, or one of its errors.
pub fn evaluate(plan: &Plan, bound: &mut Bound) -> Result<Rows, SqlError> {
    let mut rows = node(plan, bound)?;
    differential_dataflow::consolidation::consolidate(&mut rows);
    Ok(rows)
}

/// Adds up updates of inputs.
pub fn inputs(updates: &[super::harness::Updates]) -> Bound {
    let mut bound: Bound = super::harness::IN.iter().map(|id: &GlobalId| (Id::Global(*id), Ok(Vec::new()))).collect();
    for (id, row, diff) in updates.iter().flatten() {
        bound.get_mut(&Id::Global(*id)).expect("an input").as_mut().expect("rows").push((row.clone(), *diff));
    }
    bound.values_mut().flatten().for_each(differential_dataflow::consolidation::consolidate);
    bound
}

fn node(plan: &Plan, bound: &mut Bound) -> Result<Rows, SqlError> {
    match plan {
        Plan::Constant { rows, .. } => rows.clone(),
        Plan::Get { id, key: None, mfp } => through(mfp, bound[id].as_ref().map_err(Clone::clone)?),
        Plan::Get { id, key: Some((key, seek)), mfp } => {
            let matches = |row: &Row| seek.as_ref().is_none_or(|seek| pack(key, row).as_ref() == Ok(seek));
            let rows = bound[id].clone()?;
            let found: Rows = rows.iter().filter(|(row, _)| matches(row)).cloned().collect();
            through(mfp, &found)
        }
        Plan::Let { id, value, body } => {
            let value = evaluate(value, bound);
            bound.insert(Id::Local(*id), value);
            evaluate(body, bound)
        }
        Plan::LetRec { bindings, body } => {
            bindings.iter().for_each(|(id, _, _)| _ = bound.insert(Id::Local(*id), Ok(Vec::new())));
            for _ in 0..1000 {
                let before = bound.clone();
                for (id, value, _) in bindings {
                    let value = evaluate(value, bound);
                    bound.insert(Id::Local(*id), value);
                }
                if *bound == before {
                    return evaluate(body, bound);
                }
            }
            panic!("no fixed point")
        }
        Plan::Mfp { input, mfp } => through(mfp, &evaluate(input, bound)?),
        Plan::FlatMap { .. } | Plan::TemporalFilter { .. } => panic!("tested by hand"),
        Plan::Join { inputs, plan } => {
            let inputs = inputs.iter().map(|input| evaluate(input, bound)).collect::<Result<Vec<_>, _>>()?;
            match plan {
                JoinPlan::Linear { start, initial, stages } => join(&inputs, *start, initial, stages),
                JoinPlan::Delta(paths) => join(&inputs, paths[0].start, &paths[0].initial, &paths[0].stages),
            }
        }
        Plan::Reduce { input, key, value, aggregates, mfp, .. } => {
            reduce(&evaluate(input, bound)?, key, value, aggregates, mfp)
        }
        Plan::TopK { input, group_key, order, limit, offset, .. } => {
            top_k(evaluate(input, bound)?, group_key, order, limit.as_ref(), *offset)
        }
        Plan::Window { input, partition, order, functions } => {
            super::window_oracle::windows(evaluate(input, bound)?, partition, order, functions)
        }
        Plan::Negate { input } => Ok(evaluate(input, bound)?.into_iter().map(|(row, diff)| (row, -diff)).collect()),
        Plan::Threshold { input } => Ok(evaluate(input, bound)?.into_iter().filter(|(_, diff)| *diff > 0).collect()),
        Plan::Union { inputs } => {
            let mut rows = Vec::new();
            for input in inputs {
                rows.extend(evaluate(input, bound)?);
            }
            Ok(rows)
        }
        Plan::ArrangeBy { input, .. } => evaluate(input, bound),
    }
}

fn mfp_row(mfp: &Mfp, rows: &[&Row]) -> Result<Option<Row>, SqlError> {
    let (arena, mut packer) = (Arena::new(), repr::RowPacker::new());
    let mut datums: Vec<Datum<'_>> = rows.iter().flat_map(|row| row.iter()).collect();
    Ok(mfp.eval(&mut datums, &arena, &mut packer)?.then(|| packer.finish()))
}

fn through(mfp: &Mfp, rows: &Rows) -> Result<Rows, SqlError> {
    let mut out = Vec::new();
    for (row, diff) in rows {
        out.extend(mfp_row(mfp, &[row])?.map(|row| (row, *diff)));
    }
    Ok(out)
}

pub fn pack(exprs: &[ScalarExpr], row: &Row) -> Result<Row, SqlError> {
    let arena = Arena::new();
    let datums = row.unpack();
    Ok(Row::pack(exprs.iter().map(|expr| expr.eval(&datums, &arena)).collect::<Result<Vec<_>, _>>()?))
}

fn join(inputs: &[Rows], start: usize, initial: &Mfp, stages: &[JoinStage]) -> Result<Rows, SqlError> {
    let mut stream = through(initial, &inputs[start])?;
    for stage in stages {
        let mut next = Vec::new();
        for (left, left_diff) in &stream {
            let left_key = pack(&stage.stream_key, left)?;
            for (right, right_diff) in &inputs[stage.input] {
                let right_key = pack(&stage.lookup_key, right)?;
                if left_key == right_key && !left_key.iter().any(|datum| datum.is_null()) {
                    next.extend(mfp_row(&stage.mfp, &[left, right])?.map(|row| (row, left_diff * right_diff)));
                }
            }
        }
        stream = next;
    }
    Ok(stream)
}

fn reduce(rows: &Rows, key: &Mfp, value: &Mfp, aggregates: &[AggregateExpr], mfp: &Mfp) -> Result<Rows, SqlError> {
    let mut groups: BTreeMap<Row, Rows> = BTreeMap::new();
    for (row, diff) in rows {
        if let (Some(key), Some(value)) = (mfp_row(key, &[row])?, mfp_row(value, &[row])?) {
            groups.entry(key).or_default().push((value, *diff));
        }
    }
    let mut out = Vec::new();
    for (key, mut values) in groups {
        differential_dataflow::consolidation::consolidate(&mut values);
        let count: Diff = values.iter().map(|(_, diff)| diff).sum();
        if count < 0 || (count == 0 && !values.is_empty()) {
            return Err(SqlError::internal("negative"));
        }
        if count > 0 {
            let mut results = repr::RowPacker::new();
            for aggregate in aggregates {
                results.extend_row(aggregated(aggregate, &values)?.as_ref());
            }
            out.extend(mfp_row(mfp, &[&key, &results.finish()])?.map(|row| (row, 1)));
        }
    }
    Ok(out)
}

/// The aggregate's value over a group, as a row of one value.
fn aggregated(aggregate: &AggregateExpr, values: &Rows) -> Result<Row, SqlError> {
    let mut arguments: Vec<(Row, Row, Diff)> = Vec::new();
    for (row, diff) in values {
        let passes = match &aggregate.filter {
            Some(filter) => pack(std::slice::from_ref(filter), row)?.iter().all(|datum| datum.is_true()),
            None => true,
        };
        if passes {
            arguments.push((pack(&aggregate.order_exprs, row)?, pack(&aggregate.args, row)?, *diff));
        }
    }
    let by = |a: &(Row, Row, Diff), b: &(Row, Row, Diff)| {
        compare(&aggregate.order, &a.0.unpack(), &b.0.unpack()).then_with(|| a.1.cmp(&b.1))
    };
    arguments.sort_by(by);
    if aggregate.distinct {
        arguments.dedup_by(|a, b| a.1 == b.1);
        arguments.iter_mut().for_each(|(_, _, diff)| *diff = 1);
    }
    let arena = Arena::new();
    let rows = arguments.iter().map(|(_, args, diff)| (args.unpack(), *diff));
    Ok(Row::pack([aggregate.func.eval(rows, &arena)?]))
}

fn top_k(
    rows: Rows,
    group_key: &[usize],
    order: &[ColumnOrder],
    limit: Option<&ScalarExpr>,
    offset: u64,
) -> Result<Rows, SqlError> {
    let key: Vec<ScalarExpr> = group_key.iter().map(|column| ScalarExpr::Column(*column)).collect();
    let mut groups: BTreeMap<Row, Vec<Row>> = BTreeMap::new();
    for (row, diff) in rows {
        if diff < 0 {
            return Err(SqlError::internal("negative"));
        }
        let group = groups.entry(pack(&key, &row)?).or_default();
        group.extend(std::iter::repeat_n(row, diff as usize));
    }
    let mut out = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by(|a, b| compare(order, &a.unpack(), &b.unpack()).then_with(|| a.cmp(b)));
        let limit = match limit.map(|limit| pack(std::slice::from_ref(limit), &group[0])).transpose()? {
            Some(limit) => match limit.iter().next() {
                Some(Datum::Int8(limit)) => limit as usize,
                _ => usize::MAX,
            },
            None => usize::MAX,
        };
        out.extend(group.into_iter().skip(offset as usize).take(limit).map(|row| (row, 1)));
    }
    Ok(out)
}

pub fn compare(order: &[ColumnOrder], a: &[Datum<'_>], b: &[Datum<'_>]) -> Ordering {
    for o in order {
        let (a, b) = (a[o.column], b[o.column]);
        let ordering = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if o.nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, true) => {
                if o.nulls_first {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (false, false) => {
                if o.desc {
                    b.cmp(&a)
                } else {
                    a.cmp(&b)
                }
            }
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}
