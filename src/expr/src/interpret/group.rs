//! Grouping and the first rows of groups.

use super::{Interpreter, Positions, Rows, negative};
use crate::aggregate::AggregateExpr;
use crate::plan_key::{canonical, canonical_key};
use crate::relation::{ColumnOrder, RelExpr};
use crate::scalar::ScalarExpr;
use repr::{Arena, ColumnType, Datum, Diff, EvalError, Row};
use std::cmp::Ordering;
use std::collections::BTreeMap;

impl Interpreter<'_> {
    pub(super) fn reduce(
        &mut self,
        input: &RelExpr,
        group_key: &[ScalarExpr],
        aggregates: &[AggregateExpr],
    ) -> Result<Rows, EvalError> {
        let columns = input.typ().columns;
        let rows = self.consolidated(input)?;
        let key: Vec<_> = group_key.iter().map(|e| canonical(e.clone(), &columns)).collect();
        let mut out = Vec::new();
        for (group, members) in self.groups(&rows, &key)? {
            let members: Vec<_> = members.into_iter().map(|i| &rows[i]).collect();
            let count: Diff = members.iter().map(|(_, diff)| diff).sum();
            if count < 0 {
                return Err(negative());
            }
            if count == 0 {
                continue;
            }
            let mut datums = group.unpack();
            let values = aggregates.iter().map(|a| aggregate(a, &members, &columns)).collect::<Result<Vec<_>, _>>()?;
            datums.extend(values.iter().flat_map(Row::iter));
            self.push(&mut out, Row::pack(datums), 1)?;
        }
        Ok(out)
    }

    fn groups(&self, rows: &Rows, key: &[ScalarExpr]) -> Result<Positions, EvalError> {
        let mut groups = Positions::new();
        for (i, (row, _)) in rows.iter().enumerate() {
            self.budget.spend(1)?;
            groups.entry(key_of(row, key)?).or_default().push(i);
        }
        Ok(groups)
    }

    pub(super) fn top_k(
        &mut self,
        input: &RelExpr,
        group_key: &[usize],
        order: &[ColumnOrder],
        limit: Option<&ScalarExpr>,
        offset: u64,
    ) -> Result<Rows, EvalError> {
        let columns = input.typ().columns;
        let rows = self.consolidated(input)?;
        let key: Vec<_> = group_key.iter().map(|c| canonical(ScalarExpr::Column(*c), &columns)).collect();
        let mut out = Vec::new();
        for (_, members) in self.groups(&rows, &key)? {
            let mut members: Vec<_> = members.into_iter().map(|i| (&rows[i], rows[i].0.unpack())).collect();
            members.sort_by(|(a, a_datums), (b, b_datums)| compare(order, a_datums, b_datums).then(a.0.cmp(&b.0)));
            let limit = group_limit(limit, &members[0].1)?;
            let mut window = Window { skip: offset, take: limit.unwrap_or(u64::MAX) };
            for ((row, diff), _) in members {
                let shown = window.pass(u64::try_from(*diff).map_err(|_| negative())?);
                if shown > 0 {
                    self.push(&mut out, row.clone(), shown as Diff)?;
                }
            }
        }
        Ok(out)
    }
}

/// The values of `key` for a row, packed.
pub(super) fn key_of(row: &Row, key: &[ScalarExpr]) -> Result<Row, EvalError> {
    let arena = Arena::new();
    let datums = row.unpack();
    let values = key.iter().map(|e| e.eval(&datums, &arena)).collect::<Result<Vec<_>, _>>()?;
    Ok(Row::pack(values))
}

fn group_limit(limit: Option<&ScalarExpr>, datums: &[Datum<'_>]) -> Result<Option<u64>, EvalError> {
    let Some(limit) = limit else { return Ok(None) };
    let arena = Arena::new();
    Ok(match limit.eval(datums, &arena)? {
        Datum::Int8(n) => Some(u64::try_from(n).unwrap_or(0)),
        _ => None,
    })
}

/// OFFSET and LIMIT over rows with counts.
pub(super) struct Window {
    pub skip: u64,
    pub take: u64,
}

impl Window {
    /// How many of `count` equal rows are shown.
    pub fn pass(&mut self, count: u64) -> u64 {
        let skipped = count.min(self.skip);
        self.skip -= skipped;
        let shown = (count - skipped).min(self.take);
        self.take -= shown;
        shown
    }
}

/// SQL's ORDER BY over unpacked rows.
pub fn compare(order: &[ColumnOrder], a: &[Datum<'_>], b: &[Datum<'_>]) -> Ordering {
    let by_column = |o: &ColumnOrder| {
        let (a, b) = (a[o.column], b[o.column]);
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if o.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if o.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if o.desc => b.cmp(&a),
            (false, false) => a.cmp(&b),
        }
    };
    order.iter().map(by_column).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// One aggregate over the rows of a group, as a row of one value.
fn aggregate(aggregate: &AggregateExpr, members: &[&(Row, Diff)], columns: &[ColumnType]) -> Result<Row, EvalError> {
    let args: Vec<_> =
        if aggregate.distinct { canonical_key(&aggregate.args, columns) } else { aggregate.args.clone() };
    let mut seen: Vec<(Row, Row, Diff)> = Vec::new();
    for (row, diff) in members {
        let passes = aggregate.filter.as_slice();
        if super::passes(row, passes)? {
            seen.push((key_of(row, &aggregate.order_exprs)?, key_of(row, &args)?, *diff));
        }
    }
    if aggregate.distinct {
        let mut distinct = BTreeMap::new();
        for (order, args, diff) in seen {
            distinct.entry(args).or_insert((order, 0)).1 += diff;
        }
        seen = distinct.into_iter().filter(|(_, (_, d))| *d > 0).map(|(args, (order, _))| (order, args, 1)).collect();
    }
    seen.sort_by(|a, b| ColumnOrder::compare_rows(&aggregate.order, &a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
    let arena = Arena::new();
    let rows = seen.iter().map(|(_, args, diff)| (args.unpack(), *diff));
    Ok(Row::pack([aggregate.func.eval(rows, &arena)?]))
}
