//! A from-scratch evaluator of physical plans: what `dataflow` promises to compute, without time.

use expr::interpret::{Budget, Rows, consolidate, interpret_constant};
use expr::plan::{JoinPlan, JoinStage, Key};
use expr::relation::Id;
use expr::{Mfp, Plan, RelExpr, ScalarExpr};
use repr::{Arena, ColumnType, Datum, EvalError, GlobalId, LocalId, RelationType, Row, RowPacker, SqlError};
use std::collections::BTreeMap;

pub struct Evaluator<'a> {
    pub tables: &'a dyn Fn(GlobalId) -> (Rows, Vec<ColumnType>),
    pub bound: BTreeMap<LocalId, Rows>,
}

pub fn apply(mfp: &Mfp, rows: &Rows) -> Result<Rows, EvalError> {
    let mut out = Rows::new();
    let mut packer = RowPacker::new();
    for (row, diff) in rows {
        let arena = Arena::new();
        let mut datums = row.unpack();
        assert_eq!(datums.len(), mfp.input_arity, "arity of an mfp's input");
        packer.clear();
        if mfp.eval(&mut datums, &arena, &mut packer)? {
            out.push((packer.take(), *diff));
        }
    }
    consolidate(&mut out);
    Ok(out)
}

fn key_of(row: &Row, key: &Key) -> Result<Row, EvalError> {
    let arena = Arena::new();
    let datums = row.unpack();
    Ok(Row::pack(key.iter().map(|e| e.eval(&datums, &arena)).collect::<Result<Vec<_>, _>>()?))
}

impl Evaluator<'_> {
    pub fn eval(&mut self, plan: &Plan) -> Result<Rows, EvalError> {
        Ok(match plan {
            Plan::Constant { rows, .. } => rows.clone()?,
            Plan::Get { id, key, mfp } => {
                let mut rows = match id {
                    Id::Global(id) => (self.tables)(*id).0,
                    Id::Local(id) => self.bound[id].clone(),
                };
                if let Some((key, Some(value))) = key {
                    let keyed: Vec<_> =
                        rows.drain(..).map(|r| Ok((key_of(&r.0, key)?, r))).collect::<Result<_, EvalError>>()?;
                    rows = keyed.into_iter().filter(|(k, _)| k == value).map(|(_, r)| r).collect();
                }
                apply(mfp, &rows)?
            }
            Plan::Let { id, value, body } => {
                let value = self.eval(value)?;
                self.bound.insert(*id, value);
                self.eval(body)?
            }
            Plan::LetRec { .. } | Plan::FlatMap { .. } | Plan::TemporalFilter { .. } => {
                return Err(SqlError::internal("not in these tests"));
            }
            Plan::Mfp { input, mfp } => apply(mfp, &self.eval(input)?)?,
            Plan::Join { inputs, plan } => self.join(inputs, plan)?,
            Plan::Reduce { input, key, value, aggregates, mfp, .. } => {
                let input = self.eval(input)?;
                let mut both = Rows::new();
                for (row, diff) in &input {
                    let one = vec![(row.clone(), 1)];
                    let (k, v) = (apply(key, &one)?, apply(value, &one)?);
                    both.push((Row::pack(k[0].0.iter().chain(v[0].0.iter())), *diff));
                }
                let keys = key.projection.len();
                let mut aggregates = aggregates.clone();
                for a in &mut aggregates {
                    let exprs = a.args.iter_mut().chain(&mut a.filter).chain(&mut a.order_exprs);
                    exprs.for_each(|e| e.shift(keys));
                }
                let constant = self.constant(both, keys + value.projection.len());
                let reduce = constant.reduce((0..keys).map(ScalarExpr::Column).collect(), aggregates);
                apply(mfp, &interpret_constant(&reduce, &Budget::unlimited())?)?
            }
            Plan::TopK { input, group_key, order, limit, offset, .. } => {
                let input = self.eval(input)?;
                let arity = input.first().map_or(64, |(row, _)| row.iter().count());
                let constant = self.constant(input, arity);
                let top = constant.top_k(group_key.clone(), order.clone(), limit.clone(), *offset);
                interpret_constant(&top, &Budget::unlimited())?
            }
            Plan::Window { input, partition, order, functions } => {
                let input = self.eval(input)?;
                let arity = input.first().map_or(64, |(row, _)| row.iter().count());
                let constant = self.constant(input, arity);
                let windowed = constant.window(partition.clone(), order.clone(), functions.clone());
                interpret_constant(&windowed, &Budget::unlimited())?
            }
            Plan::Negate { input } => self.eval(input)?.into_iter().map(|(row, diff)| (row, -diff)).collect(),
            Plan::Threshold { input } => {
                let mut rows = self.eval(input)?;
                consolidate(&mut rows);
                rows.retain(|(_, diff)| *diff > 0);
                rows
            }
            Plan::Union { inputs } => {
                let mut all = Rows::new();
                for input in inputs {
                    all.extend(self.eval(input)?);
                }
                consolidate(&mut all);
                all
            }
            Plan::ArrangeBy { input, .. } => self.eval(input)?,
        })
    }

    /// Rows as a constant; the tests' columns are int4 or what aggregates make of it, and types do not matter to evaluation.
    fn constant(&self, rows: Rows, arity: usize) -> RelExpr {
        RelExpr::constant_diffs(rows, RelationType::new(vec![repr::SqlType::Int4.nullable(true); arity]))
    }

    fn join(&mut self, inputs: &[Plan], plan: &JoinPlan) -> Result<Rows, EvalError> {
        let mut rows = Vec::new();
        for input in inputs {
            rows.push((self.eval(input)?, input));
        }
        match plan {
            JoinPlan::Linear { start, initial, stages } => path(&rows, *start, initial, stages),
            JoinPlan::Delta(paths) => {
                let results: Vec<Rows> =
                    paths.iter().map(|p| path(&rows, p.start, &p.initial, &p.stages)).collect::<Result<_, _>>()?;
                assert_eq!(paths.len(), inputs.len());
                assert!(results.windows(2).all(|w| w[0] == w[1]), "all paths of a delta join give the same");
                Ok(results.into_iter().next().unwrap_or_default())
            }
        }
    }
}

fn path(inputs: &[(Rows, &Plan)], start: usize, initial: &Mfp, stages: &[JoinStage]) -> Result<Rows, EvalError> {
    let mut stream = apply(initial, &inputs[start].0)?;
    for stage in stages {
        let (rows, plan) = &inputs[stage.input];
        assert!(
            matches!(plan, Plan::ArrangeBy { keys, .. } if keys.contains(&stage.lookup_key)),
            "inputs are arranged"
        );
        let mut table: BTreeMap<Row, Vec<&(Row, i64)>> = BTreeMap::new();
        for row in rows {
            table.entry(key_of(&row.0, &stage.lookup_key)?).or_default().push(row);
        }
        let mut joined = Rows::new();
        for (row, diff) in &stream {
            let key = key_of(row, &stage.stream_key)?;
            assert!(!key.iter().any(|d: Datum<'_>| d.is_null()), "streams have no NULL in keys");
            for (other, count) in table.get(&key).into_iter().flatten() {
                joined.push((Row::pack(row.iter().chain(other.iter())), diff * count));
            }
        }
        stream = apply(&stage.mfp, &joined)?;
    }
    Ok(stream)
}
