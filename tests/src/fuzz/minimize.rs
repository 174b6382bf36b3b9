//! Makes a difference small: fewer tables, rows, changes, clauses; simpler expressions; as long as it stays the same kind of difference.

use super::compare::{Kind, Verdict, compare};
use super::data::{Change, Table};
use super::expr::Traits;
use super::node::{Node, shorter};
use super::servers::{Answer, ENUM, Servers, Setting};
use std::time::{Duration, Instant};

/// How long one difference may be made smaller.
const PATIENCE: Duration = Duration::from_secs(45);

/// Tables, what becomes of them, and a query.
#[derive(Clone, Debug)]
pub struct Case {
    /// Tables with their first rows.
    pub tables: Vec<Table>,
    /// What changes them.
    pub history: Vec<Change>,
    /// The query.
    pub query: Node,
    /// How answers compare.
    pub traits: Traits,
    /// Whether it differs as a view that saw the changes.
    pub view: bool,
    /// A setting that the query runs with.
    pub setting: Option<Setting>,
}

/// A difference with both answers.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What differs.
    pub case: Case,
    /// In which way.
    pub kind: Kind,
    /// PostgreSQL's answer and ours.
    pub answers: (Answer, Answer),
}

impl Case {
    /// Runs it from the start.
    async fn run(&self, servers: &mut Servers) -> anyhow::Result<(Answer, Answer)> {
        servers.reset(&self.tables).await?;
        let sql = self.query.sql();
        if self.view {
            let made = servers.ask(&create_view("v", &sql)).await;
            if matches!(made, Answer::Error(..) | Answer::Lost) {
                return Ok((servers.ask_oracle(&sql).await, made));
            }
        }
        for change in &self.history {
            let (oracle, ours) = servers.change(change).await;
            if let Verdict::Different(_) = compare(&oracle, &ours, CHANGED) {
                return Ok((oracle, ours));
            }
        }
        Ok(self.ask(servers).await)
    }

    /// Asks both, with everything in place.
    async fn ask(&self, servers: &Servers) -> (Answer, Answer) {
        let sql = self.query.sql();
        let ours = if self.view { "SELECT * FROM v" } else { &sql };
        servers.ask_both(&sql, ours, self.setting).await
    }

    /// The script that shows it, in psql.
    pub fn script(&self) -> String {
        let mut lines = vec![ENUM.to_string()];
        for table in &self.tables {
            lines.push(table.create());
            lines.extend(table.create_index());
            lines.extend(table.insert());
        }
        let sql = self.query.sql();
        lines.extend(self.view.then(|| create_view("v", &sql)));
        lines.extend(self.history.iter().filter_map(Change::sql));
        lines.extend(self.setting.map(Setting::set));
        lines.push(if self.view { "SELECT * FROM v".to_string() } else { sql });
        let used = lines[1..].iter().any(|line| line.contains("mood"));
        lines.iter().skip(usize::from(!used)).map(|line| format!("{line};\n")).collect()
    }

    /// Cases one step smaller, apart from the query.
    fn smaller(&self) -> Vec<Case> {
        let mut all: Vec<Case> =
            shorter(&self.history, 0).into_iter().map(|history| Case { history, ..self.clone() }).collect();
        all.extend(shorter(&self.tables, 0).into_iter().map(|tables| Case { tables, ..self.clone() }));
        for (i, table) in self.tables.iter().enumerate() {
            let with = |table: Table| {
                let mut case = self.clone();
                case.tables[i] = table;
                case
            };
            all.extend(shorter(&table.rows, 0).into_iter().map(|rows| with(Table { rows, ..table.clone() })));
            all.extend(table.columns.iter().map(|column| self.without_column(&column.name)));
            all.extend(shorter(&table.index, 0).into_iter().map(|index| with(Table { index, ..table.clone() })));
        }
        for (i, change) in self.history.iter().enumerate() {
            all.extend(change.smaller().into_iter().map(|smaller| {
                let mut case = self.clone();
                case.history[i] = smaller;
                case
            }));
        }
        all
    }

    fn without_column(&self, name: &str) -> Case {
        let mut case = self.clone();
        case.tables.iter_mut().for_each(|table| *table = table.without(name));
        for change in &mut case.history {
            if let Change::Insert(table) = change {
                *table = table.without(name);
            }
        }
        case
    }
}

/// How the answers to changes compare: they are flat.
pub const CHANGED: Traits = Traits { flat: true, loose: false, floats: false, ordered: false };

/// The statement that makes a query a view.
pub fn create_view(name: &str, sql: &str) -> String {
    format!("CREATE MATERIALIZED VIEW {name} AS {sql}")
}

/// The smallest form found of a case that differs; none if it does not differ when it is run again.
pub async fn minimize(servers: &mut Servers, case: Case) -> anyhow::Result<Option<Difference>> {
    let mut best = None;
    // What differs as a query needs no view.
    for view in [false, true] {
        let case = Case { view: view && case.view, ..case.clone() };
        let answers = case.run(servers).await?;
        if let Verdict::Different(kind) = compare(&answers.0, &answers.1, case.traits) {
            best = Some(Difference { case, kind, answers });
            break;
        }
    }
    let Some(mut best) = best else { return Ok(None) };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let size = best.case.script().len();
        best = shrink_query(servers, best, deadline).await?;
        best = shrink_data(servers, best, deadline).await?;
        if best.case.script().len() >= size || Instant::now() > deadline {
            return Ok(Some(best));
        }
    }
}

/// Makes the query smaller until no step helps.
async fn shrink_query(servers: &mut Servers, mut best: Difference, deadline: Instant) -> anyhow::Result<Difference> {
    let mut from = 0;
    best.answers = best.case.run(servers).await?;
    'again: while Instant::now() < deadline {
        let candidates = best.case.query.smaller();
        for (i, query) in candidates.into_iter().enumerate().skip(from) {
            if Instant::now() > deadline {
                break 'again;
            }
            let case = Case { query, ..best.case.clone() };
            // Without a view the tables can stay as they are.
            let answers = if case.view { case.run(servers).await? } else { case.ask(servers).await };
            if compare(&answers.0, &answers.1, case.traits) == Verdict::Different(best.kind.clone()) {
                best = Difference { case, answers, ..best };
                from = i;
                continue 'again;
            }
        }
        if from == 0 {
            break;
        }
        from = 0;
    }
    Ok(best)
}

/// Makes tables and changes smaller until no step helps.
async fn shrink_data(servers: &mut Servers, mut best: Difference, deadline: Instant) -> anyhow::Result<Difference> {
    'again: while Instant::now() < deadline {
        for case in best.case.smaller() {
            if Instant::now() > deadline {
                break 'again;
            }
            // A query that names what is gone fails on both sides; a table that lost its only column may not even be made.
            let Ok(answers) = case.run(servers).await else { continue };
            if compare(&answers.0, &answers.1, case.traits) == Verdict::Different(best.kind.clone()) {
                best = Difference { case, answers, ..best };
                continue 'again;
            }
        }
        break;
    }
    Ok(best)
}
