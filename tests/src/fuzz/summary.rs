//! What was compared: counts of queries, views and changes, of errors, and of what each function and clause had its part in.

use super::functions::{AGGREGATES, FUNCTIONS, FUNCTIONS_OVER_ROWS};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What was done.
#[derive(Debug, Default)]
pub struct Summary {
    /// Rounds.
    pub rounds: u64,
    /// Queries that both servers answered, the same.
    pub queries: usize,
    /// Comparisons of views that were the same.
    pub views: usize,
    /// Changes of tables that both made alike.
    pub changes: usize,
    /// Comparisons where both failed alike, by PostgreSQL's error.
    pub failed: BTreeMap<String, usize>,
    /// Flat queries that failed with different SQLSTATEs, where each value by itself fails alike.
    pub several_errors: usize,
    /// What was not compared, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Differences.
    pub differences: usize,
    /// Queries that both servers answered, by function and clause.
    used: BTreeMap<&'static str, usize>,
    /// Errors of Freshet's alone that were reported already.
    reported: BTreeSet<String>,
}

impl Summary {
    /// A query or a view was the same.
    pub(super) fn same(&mut self, used: &BTreeSet<&'static str>, view: bool) {
        if view {
            self.views += 1;
            return;
        }
        self.queries += 1;
        used.iter().for_each(|name| *self.used.entry(name).or_default() += 1);
    }

    /// Both failed alike.
    pub(super) fn fail(&mut self, error: String) {
        *self.failed.entry(error).or_default() += 1;
    }

    /// Something was not compared.
    pub(super) fn skip(&mut self, reason: String) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// Whether an error was not reported before.
    pub(super) fn is_new(&mut self, error: String) -> bool {
        self.reported.insert(error)
    }

    /// Prints errors, what was not compared, and how often each function and clause was part of a query that both answered.
    pub fn print_details(&self) {
        print_counts("both fail", self.failed.iter());
        print_counts("not compared", self.skipped.iter());
        print_counts("answered", self.used.iter());
        let tables = [&FUNCTIONS, &AGGREGATES, &FUNCTIONS_OVER_ROWS];
        let lines = tables.iter().flat_map(|table| table.lines());
        lines.filter(|line| !self.used.contains_key(*line)).for_each(|line| println!("never answered: {line}"));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failed.values().sum::<usize>(), self.skipped.values().sum::<usize>());
        write!(f, "{} rounds; the same: {} queries answered by both, ", self.rounds, self.queries)?;
        write!(
            f,
            "{} answers of views, {} changes, {failed} refused with the same SQLSTATE; ",
            self.views, self.changes
        )?;
        write!(f, "{} refused with one of several SQLSTATEs; {skipped} not compared; ", self.several_errors)?;
        write!(f, "{} functions and clauses; {} differences", self.used.len(), self.differences)
    }
}

fn print_counts<'a>(what: &str, counts: impl Iterator<Item = (impl fmt::Display, &'a usize)>) {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().for_each(|(reason, count)| println!("{what}: {count:5} {reason}"));
}
