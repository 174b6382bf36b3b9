//! Rounds: tables, queries, views, changes, comparisons, until the time is up.

use super::changes::history;
use super::compare::{Kind, Verdict, compare};
use super::data::{Change, Table, tables};
use super::expr::{Generator, Traits};
use super::flat::Flat;
use super::minimize::{CHANGED, Case, Difference, create_view, minimize};
use super::node::{Node, text};
use super::servers::{Answer, Servers, Setting};
use super::summary::Summary;
use super::types::Type;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;
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
    /// The first round.
    pub round: u64,
    /// Stop after so many rounds.
    pub rounds_max: u64,
    /// Stop after so many differences.
    pub differences_max: usize,
}

/// A query of a round.
struct Query {
    node: Node,
    sql: String,
    traits: Traits,
    flat: Option<Flat>,
    setting: Option<Setting>,
    used: BTreeSet<&'static str>,
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
        if summary.rounds >= config.rounds_max
            || Instant::now() > deadline
            || summary.differences >= config.differences_max
        {
            break;
        }
    }
    Ok(summary)
}

impl Round<'_> {
    async fn run(mut self, rng: &mut StdRng, wild: bool, deadline: Instant) -> anyhow::Result<()> {
        let steps = history(StdRng::seed_from_u64(rng.random()), &self.tables, wild);
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
                if !self.change(change).await? {
                    return Ok(());
                }
            }
            for (i, query) in views.iter().enumerate() {
                if !self.check(query, Some(i)).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Changes a table on both servers; whether they said the same.
    async fn change(&mut self, change: Change) -> anyhow::Result<bool> {
        let answers = self.servers.change(&change).await;
        self.done.push(change);
        match compare(&answers.0, &answers.1, CHANGED) {
            Verdict::Same => self.summary.changes += 1,
            Verdict::BothFail(error) => self.summary.fail(error),
            Verdict::Skipped(reason) => self.summary.skip(reason),
            Verdict::Different(_) => {
                let query = Query::of(Node::Query(vec![Type::Int4], vec![text("SELECT 1")]), CHANGED);
                self.report(&query, false, answers).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares a query, or a view of it; whether it goes on.
    async fn check(&mut self, query: &Query, view: Option<usize>) -> anyhow::Result<bool> {
        let setting = query.setting.filter(|_| view.is_none());
        let sql = view.map_or(query.sql.clone(), |i| format!("SELECT * FROM v{i}"));
        let (oracle, ours) = self.servers.ask_both(&query.sql, &sql, setting).await;
        if matches!(&oracle, Answer::Rows(found) if found.rows.len() > ROWS_MAX) {
            self.summary.skip("too many rows".to_string());
            return Ok(false);
        }
        match compare(&oracle, &ours, query.traits_of(view)) {
            Verdict::Same => self.summary.same(&query.used, view.is_some()),
            Verdict::BothFail(error) => self.summary.fail(error),
            Verdict::Skipped(reason) => {
                self.summary.skip(reason);
                return Ok(view.is_some());
            }
            Verdict::Different(Kind::Errors(..)) if query.flat.is_some() => return self.check_cells(query).await,
            Verdict::Different(_) => {
                self.report(query, view.is_some(), (oracle, ours)).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks for each value of a flat query by itself: where several fail, it depends on the plan which error is seen.
    async fn check_cells(&mut self, query: &Query) -> anyhow::Result<bool> {
        let Some(flat) = &query.flat else { return Ok(true) };
        let Answer::Rows(keys) = self.servers.ask_oracle(&flat.keys()).await else { return Ok(true) };
        let keys = keys.rows.into_iter().filter_map(|mut row| row.pop().flatten());
        for (cell, inner) in keys.flat_map(|key| flat.cells(&key)) {
            let cell = Query { setting: query.setting, ..Query::of(cell, query.traits) };
            let answers = self.servers.ask_both(&cell.sql, &cell.sql, cell.setting).await;
            match compare(&answers.0, &answers.1, cell.traits) {
                Verdict::Different(Kind::Errors(_, ours)) if self.fails_so(&inner, &ours).await => {}
                Verdict::Different(_) => {
                    self.report(&cell, false, answers).await?;
                    return Ok(false);
                }
                _ => {}
            }
        }
        self.summary.several_errors += 1;
        Ok(true)
    }

    /// Whether PostgreSQL fails for one of these expressions with this SQLSTATE: then it only evaluated another one first.
    async fn fails_so(&self, expressions: &[Node], ours: &str) -> bool {
        for expression in expressions {
            if matches!(self.servers.ask_oracle(&expression.sql()).await, Answer::Error(code, _) if code == ours) {
                return true;
            }
        }
        false
    }

    /// Makes the view; it must be possible if the query is.
    async fn make_view(&mut self, i: usize, query: &Query) -> anyhow::Result<bool> {
        match self.servers.ask(&create_view(&format!("v{i}"), &query.sql)).await {
            Answer::Rows(_) => Ok(true),
            // Its query fails, too, when it is asked without a setting.
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
        if let Answer::Error(code, message) = &answers.1
            && !self.summary.is_new(format!("{code} {}", message.replace(|c: char| c.is_ascii_digit(), "")))
        {
            return Ok(());
        }
        self.summary.differences += 1;
        let case = Case {
            tables: self.tables.clone(),
            history: self.done.clone(),
            query: query.node.clone(),
            traits: query.traits_of(view.then_some(0)),
            view,
            setting: query.setting.filter(|_| !view),
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

impl Query {
    fn of(node: Node, traits: Traits) -> Query {
        Query { sql: node.sql(), node, traits, flat: None, setting: None, used: BTreeSet::new() }
    }

    /// How it compares, or a view of it: that has no order.
    fn traits_of(&self, view: Option<usize>) -> Traits {
        Traits { ordered: self.traits.ordered && view.is_none(), ..self.traits }
    }
}

fn queries(rng: &mut StdRng, tables: &[Table], wild: bool) -> Vec<Query> {
    (0..QUERIES).map(|_| query(StdRng::seed_from_u64(rng.random()), tables, wild)).collect()
}

fn query(rng: StdRng, tables: &[Table], wild: bool) -> Query {
    let mut generator = Generator::new(rng, tables, wild);
    let flat = generator.percent(35).then(|| generator.flat());
    let node = flat.as_ref().map_or_else(|| generator.any_query(), Flat::node);
    let setting = generator.percent(10).then(|| Setting::any(&mut generator.rng));
    Query { flat, setting, used: generator.used, ..Query::of(node, generator.traits) }
}

fn print(label: &str, difference: &Difference) {
    let Difference { case, kind, answers } = difference;
    println!("---- {label}: {kind:?}{}", if case.view { ", as a view" } else { "" });
    println!("{}-- PostgreSQL: {}\n-- Freshet: {}\n", case.script(), shown(&answers.0), shown(&answers.1));
}

fn shown(answer: &Answer) -> String {
    let Answer::Rows(rows) = answer else { return format!("{answer:?}") };
    let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_string());
    let mut lines: Vec<String> =
        rows.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" | ")).collect();
    lines.sort();
    lines.insert(0, rows.header.join(", "));
    let count = lines.len();
    lines.truncate(20);
    format!(
        "{} rows, {} counted{}",
        count - 1,
        rows.affected,
        lines.iter().map(|line| format!("\n--   {line}")).collect::<String>()
    )
}
