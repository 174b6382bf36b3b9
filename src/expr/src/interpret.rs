//! Evaluates a relational plan from scratch over rows that are at hand.
//!
//! environmentd answers constant queries and queries over system relations with it; tests take it as the oracle of what a
//! plan means, whatever `transform` and `dataflow` do to it. LAW: the result is a function of the inputs as multisets.

mod finish;
mod group;
mod join;
mod recursion;
#[cfg(test)]
mod tests;
mod window;

pub use self::recursion::{COPIES_MAX, too_many_copies};
use crate::relation::{Id, RelExpr};
use crate::scalar::ScalarExpr;
use crate::table_func::TableFunc;
use crate::visit::grow;
use repr::{Arena, Diff, EvalError, GlobalId, LocalId, Row, RowPacker, SqlError, SqlState};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A multiset of rows; a row may be mentioned more than once.
pub type Rows = Vec<(Row, Diff)>;

/// Where the rows of catalog objects come from.
pub type Resolver<'a> = dyn Fn(GlobalId) -> Result<Arc<Rows>, EvalError> + 'a;

/// How much an interpretation may do.
///
/// A unit of work is a row that is made or compared, or 64 bytes of one, so the budget bounds memory as well.
#[derive(Debug)]
pub struct Budget {
    work: Cell<u64>,
    cancel: Option<Arc<AtomicBool>>,
}

impl Budget {
    /// At most so many units of work.
    pub fn new(work: u64) -> Self {
        Budget { work: Cell::new(work), cancel: None }
    }

    /// Without a limit: for tests.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Also stops when this flag is set.
    pub fn with_cancel(mut self, cancel: Arc<AtomicBool>) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Takes `work` units, or fails if there are none left or the query was cancelled.
    pub fn spend(&self, work: u64) -> Result<(), EvalError> {
        if self.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
        }
        match self.work.get().checked_sub(work) {
            Some(rest) => {
                self.work.set(rest);
                Ok(())
            }
            None => Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "query over constants is too large")
                .hint("Keep its input in a table or a materialized view.")),
        }
    }

    fn spend_row(&self, row: &Row) -> Result<(), EvalError> {
        self.spend(1 + row.heap_bytes() as u64 / 64)
    }
}

/// The rows of `expr`, consolidated and sorted by encoding.
pub fn interpret(expr: &RelExpr, get: &Resolver<'_>, budget: &Budget) -> Result<Rows, EvalError> {
    let mut interpreter = Interpreter { get, budget, bound: BTreeMap::new() };
    let rows = interpreter.eval(expr)?;
    let mut rows = Arc::unwrap_or_clone(rows);
    consolidate(&mut rows);
    Ok(rows)
}

/// The rows of an expression that reads nothing.
pub fn interpret_constant(expr: &RelExpr, budget: &Budget) -> Result<Rows, EvalError> {
    interpret(expr, &|id| Err(SqlError::internal(format!("{id} is not a constant"))), budget)
}

/// Sorts by encoding, adds up the counts of equal rows, and drops those of count zero.
pub fn consolidate(rows: &mut Rows) {
    rows.sort_unstable();
    rows.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    rows.retain(|(_, diff)| *diff != 0);
}

/// A count below zero where there can be none: a retraction without a row.
fn negative() -> EvalError {
    SqlError::internal("negative row count")
}

struct Interpreter<'a> {
    get: &'a Resolver<'a>,
    budget: &'a Budget,
    bound: BTreeMap<LocalId, Arc<Rows>>,
}

impl Interpreter<'_> {
    fn eval(&mut self, expr: &RelExpr) -> Result<Arc<Rows>, EvalError> {
        let rows = grow(|| self.eval_node(expr))?;
        self.budget.spend(1)?;
        Ok(rows)
    }

    fn eval_node(&mut self, expr: &RelExpr) -> Result<Arc<Rows>, EvalError> {
        let made = match expr {
            RelExpr::Constant { rows, .. } => rows.clone()?,
            RelExpr::Get { id: Id::Global(id), .. } => return (self.get)(*id),
            RelExpr::Get { id: Id::Local(id), .. } => {
                return self.bound.get(id).cloned().ok_or_else(|| SqlError::internal(format!("{id} is not bound")));
            }
            RelExpr::Let { id, value, body } => {
                let value = self.eval(value)?;
                self.bound.insert(*id, value);
                let result = self.eval(body);
                self.bound.remove(id);
                return result;
            }
            RelExpr::LetRec { bindings, body } => return self.recurse(bindings, body),
            RelExpr::ArrangeBy { input, .. } => return self.eval(input),
            RelExpr::Project { input, outputs } => self.project(input, outputs)?,
            RelExpr::Map { input, scalars } => self.map(input, scalars)?,
            RelExpr::FlatMap { input, func, args } => self.flat_map(input, func, args)?,
            RelExpr::Filter { input, predicates } => self.filter(input, predicates)?,
            RelExpr::Join { inputs, equivalences, .. } => self.join(inputs, equivalences)?,
            RelExpr::Reduce { input, group_key, aggregates, .. } => self.reduce(input, group_key, aggregates)?,
            RelExpr::TopK { input, group_key, order, limit, offset, .. } => {
                self.top_k(input, group_key, order, limit.as_ref(), *offset)?
            }
            RelExpr::Window { input, partition, order, functions } => {
                self.window(input, partition, order, functions)?
            }
            RelExpr::Negate { input } => {
                let mut rows = Arc::unwrap_or_clone(self.eval(input)?);
                rows.iter_mut().for_each(|(_, diff)| *diff = -*diff);
                rows
            }
            RelExpr::Threshold { input } => {
                let mut rows = self.consolidated(input)?;
                rows.retain(|(_, diff)| *diff > 0);
                rows
            }
            RelExpr::Union { inputs } => self.union(inputs)?,
        };
        Ok(Arc::new(made))
    }

    fn consolidated(&mut self, input: &RelExpr) -> Result<Rows, EvalError> {
        let mut rows = Arc::unwrap_or_clone(self.eval(input)?);
        self.budget.spend(rows.len() as u64)?;
        consolidate(&mut rows);
        Ok(rows)
    }

    fn project(&mut self, input: &RelExpr, outputs: &[usize]) -> Result<Rows, EvalError> {
        let input = self.eval(input)?;
        let mut packer = RowPacker::new();
        let mut out = Vec::with_capacity(input.len());
        for (row, diff) in input.iter() {
            let datums = row.unpack();
            packer.extend(outputs.iter().map(|c| datums[*c]));
            self.push(&mut out, packer.take(), *diff)?;
        }
        Ok(out)
    }

    fn push(&self, out: &mut Rows, row: Row, diff: Diff) -> Result<(), EvalError> {
        self.budget.spend_row(&row)?;
        out.push((row, diff));
        Ok(())
    }

    fn map(&mut self, input: &RelExpr, scalars: &[ScalarExpr]) -> Result<Rows, EvalError> {
        let input = self.eval(input)?;
        let mut out = Vec::with_capacity(input.len());
        for (row, diff) in input.iter() {
            let arena = Arena::new();
            let mut datums = row.unpack();
            for scalar in scalars {
                datums.push(scalar.eval(&datums, &arena)?);
            }
            self.push(&mut out, Row::pack(datums), *diff)?;
        }
        Ok(out)
    }

    fn filter(&mut self, input: &RelExpr, predicates: &[ScalarExpr]) -> Result<Rows, EvalError> {
        let input = self.eval(input)?;
        let mut out = Vec::new();
        for (row, diff) in input.iter() {
            self.budget.spend(1)?;
            if passes(row, predicates)? {
                self.push(&mut out, row.clone(), *diff)?;
            }
        }
        Ok(out)
    }

    fn flat_map(&mut self, input: &RelExpr, func: &TableFunc, args: &[ScalarExpr]) -> Result<Rows, EvalError> {
        let input = self.eval(input)?;
        let mut packer = RowPacker::new();
        let mut out = Vec::new();
        for (row, diff) in input.iter() {
            let arena = Arena::new();
            let datums = row.unpack();
            let args = args.iter().map(|a| a.eval(&datums, &arena)).collect::<Result<Vec<_>, _>>()?;
            for (appended, count) in func.eval(&args, &arena)? {
                packer.extend_row(row.as_ref());
                packer.extend_row(appended.as_ref());
                self.push(&mut out, packer.take(), diff * count)?;
            }
        }
        Ok(out)
    }

    fn union(&mut self, inputs: &[RelExpr]) -> Result<Rows, EvalError> {
        let mut out = Vec::new();
        for input in inputs {
            let rows = self.eval(input)?;
            self.budget.spend(rows.len() as u64)?;
            match Arc::try_unwrap(rows) {
                Ok(mut rows) => out.append(&mut rows),
                Err(shared) => out.extend(shared.iter().cloned()),
            }
        }
        consolidate(&mut out);
        Ok(out)
    }
}

/// Whether all predicates are true; one that is false or NULL decides, whatever the errors of the others.
fn passes(row: &Row, predicates: &[ScalarExpr]) -> Result<bool, EvalError> {
    let arena = Arena::new();
    let datums = row.unpack();
    let mut error = None;
    for predicate in predicates {
        match predicate.eval(&datums, &arena) {
            Ok(value) if !value.is_true() => return Ok(false),
            Ok(_) => {}
            Err(e) => error = error.or(Some(e)),
        }
    }
    error.map_or(Ok(true), Err)
}

/// Positions of rows by a key of encoded values.
type Positions = HashMap<Row, Vec<usize>>;
