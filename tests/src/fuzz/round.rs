//! Rounds: tables, queries, views, changes, comparisons, until the time is up.

use super::compare::{Verdict, compare};
use super::data::{Change, Table, history, tables};
use super::expr::{Generator, Traits};
use super::minimize::{Case, Difference, create_view, minimize};
use super::node::Node;
use super::servers::{Answer, Servers};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Queries of a round: each that both servers answer is a dataflow while the tables change.
const QUERIES: usize = 16;
/// Rows of an answer that are compared at most.
const ROWS_MAX: usize = 3000;

/// What to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long.
    pub seconds: u64,
    /// Where chance starts.
    pub seed: u64,
    /// The first round; only this one if `once`.
    pub round: u64,
    /// One round only.
    pub once: bool,
    /// Stop after so many differences.
    pub differences_max: usize,
    /// Print what both servers refuse, and what is not compared.
    pub verbose: bool,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Summary {
    /// Rounds.
    pub rounds: u64,
    /// Comparisons of queries that were the same.
    pub queries: usize,
    /// Comparisons of views that were the same.
    pub views: usize,
    /// Comparisons where both failed alike, by PostgreSQL's error.
    pub failed: BTreeMap<String, usize>,
    /// What was not compared, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Differences.
    pub differences: usize,
    /// Errors of Freshet's alone that were reported already.
    reported: Vec<String>,
}

/// A query of a round.
struct Query {
    node: Node,
    sql: String,
    traits: Traits,
}

/// A round that runs.
struct Round<'a> {
    servers: &'a mut Servers,
    summary: &'a mut Summary,
    label: String,
    tables: Vec<Table>,
    done: Vec<Change>,
}

/// Runs rounds until the time is up.
pub async fn run(config: &Config) -> anyhow::Result<Summary> {
    let mut servers = Servers::start().await?;
    let deadline = Instant::now() + Duration::from_secs(config.seconds);
    let mut summary = Summary::default();
    for number in config.round.. {
        let label = format!("--seed {} --round {number}", config.seed);
        let mut rng = StdRng::seed_from_u64(config.seed.wrapping_mul(1_000_003).wrapping_add(number));
        let wild = rng.random_ratio(1, 3);
        let tables = tables(&mut rng, wild);
        let round = Round { servers: &mut servers, summary: &mut summary, label, tables, done: Vec::new() };
        round.run(&mut rng, wild, deadline).await?;
        summary.rounds += 1;
        if config.once || Instant::now() > deadline || summary.differences >= config.differences_max {
            break;
        }
    }
    if config.verbose {
        print_counts("both fail", &summary.failed);
        print_counts("not compared", &summary.skipped);
    }
    Ok(summary)
}

fn print_counts(what: &str, counts: &BTreeMap<String, usize>) {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().for_each(|(reason, count)| println!("{what}: {count:5} {reason}"));
}

impl Round<'_> {
    async fn run(mut self, rng: &mut StdRng, wild: bool, deadline: Instant) -> anyhow::Result<()> {
        let steps = history(rng, &self.tables);
        let queries = queries(rng, &self.tables, wild);
        self.servers.reset(&self.tables).await?;
        let mut views: Vec<Query> = Vec::new();
        for query in queries {
            let reported = self.summary.differences;
            if self.check(&query, None).await? && self.make_view(views.len(), &query).await? {
                views.push(query);
            }
            if self.summary.differences > reported {
                // To show what differs, the tables were made anew.
                self.servers.reset(&self.tables).await?;
                for (i, query) in views.iter().enumerate() {
                    self.servers.ask(&create_view(&format!("v{i}"), &query.sql)).await;
                }
            }
            if Instant::now() > deadline {
                break;
            }
        }
        for step in steps {
            for change in step {
                self.servers.change(&change).await;
                self.done.push(change);
            }
            for (i, query) in views.iter().enumerate() {
                if !self.check(query, Some(i)).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Compares a query, or a view of it; whether it goes on.
    async fn check(&mut self, query: &Query, view: Option<usize>) -> anyhow::Result<bool> {
        let oracle = self.servers.ask_oracle(&query.sql).await;
        if matches!(&oracle, Answer::Rows(rows) if rows.len() > ROWS_MAX) {
            self.skip("too many rows".to_string());
            return Ok(false);
        }
        let sql = view.map_or(query.sql.clone(), |i| format!("SELECT * FROM v{i}"));
        let ours = self.servers.ask(&sql).await;
        match compare(&oracle, &ours, query.traits) {
            Verdict::Same if view.is_some() => self.summary.views += 1,
            Verdict::Same => self.summary.queries += 1,
            Verdict::BothFail(error) => *self.summary.failed.entry(error).or_default() += 1,
            Verdict::Skipped(reason) => {
                self.skip(reason);
                return Ok(view.is_some());
            }
            Verdict::Different(_) => {
                self.report(query, view.is_some(), (oracle, ours)).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn skip(&mut self, reason: String) {
        *self.summary.skipped.entry(reason).or_default() += 1;
    }

    /// Makes the view; it must be possible if the query is.
    async fn make_view(&mut self, i: usize, query: &Query) -> anyhow::Result<bool> {
        match self.servers.ask(&create_view(&format!("v{i}"), &query.sql)).await {
            Answer::Rows(_) => Ok(true),
            Answer::Error(code, message) if code == "0A000" => {
                self.skip(format!("refused: {message}"));
                Ok(false)
            }
            // Its query fails, too.
            Answer::Error(..) if !matches!(self.servers.ask(&query.sql).await, Answer::Rows(_)) => Ok(false),
            refused => {
                let oracle = self.servers.ask_oracle(&query.sql).await;
                self.report(query, true, (oracle, refused)).await?;
                Ok(false)
            }
        }
    }

    /// Makes a difference small and prints it; afterwards the servers have tables of that.
    async fn report(&mut self, query: &Query, view: bool, answers: (Answer, Answer)) -> anyhow::Result<()> {
        if let Answer::Error(code, message) = &answers.1 {
            let error = format!("{code} {}", message.replace(|c: char| c.is_ascii_digit(), ""));
            if self.summary.reported.contains(&error) {
                return Ok(());
            }
            self.summary.reported.push(error);
        }
        self.summary.differences += 1;
        let case = Case {
            tables: self.tables.clone(),
            history: self.done.clone(),
            query: query.node.clone(),
            traits: query.traits,
            view,
        };
        match minimize(self.servers, case.clone()).await? {
            Some(difference) => print(&self.label, &difference),
            None => {
                println!("---- {}: differs only once\n{}", self.label, case.script());
                println!("-- PostgreSQL: {}\n-- Freshet: {}\n", shown(&answers.0), shown(&answers.1));
            }
        }
        Ok(())
    }
}

fn queries(rng: &mut StdRng, tables: &[Table], wild: bool) -> Vec<Query> {
    let one = |_| {
        let rng = StdRng::seed_from_u64(rng.random());
        let traits = Traits::default();
        let mut generator = Generator { rng, tables, ctes: Vec::new(), next: 0, traits, wild };
        let node = generator.any_query();
        Query { sql: node.sql(), node, traits: generator.traits }
    };
    (0..QUERIES).map(one).collect()
}

fn print(label: &str, difference: &Difference) {
    let Difference { case, kind, answers } = difference;
    println!("---- {label}: {kind:?}{}", if case.view { ", as a view" } else { "" });
    println!("{}-- PostgreSQL: {}\n-- Freshet: {}\n", case.script(), shown(&answers.0), shown(&answers.1));
}

fn shown(answer: &Answer) -> String {
    let Answer::Rows(rows) = answer else { return format!("{answer:?}") };
    let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_string());
    let mut lines: Vec<String> = rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" | ")).collect();
    lines.sort();
    let count = lines.len();
    lines.truncate(20);
    format!("{count} rows{}", lines.iter().map(|line| format!("\n--   {line}")).collect::<String>())
}
