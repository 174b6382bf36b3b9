//! Both servers, with the same tables.

use super::data::{Change, Table};
use crate::freshet::Freshet;
use crate::pg::Postgres;
use anyhow::Context;
use rand::RngExt;
use rand::rngs::StdRng;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};

/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one may take at PostgreSQL: what takes longer is not worth a comparison.
const ORACLE_PATIENCE_MS: u32 = 2000;

/// The enum of some columns.
pub const ENUM: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Very \"happy\", é')";

/// A row as text.
pub type Row = Vec<Option<String>>;

/// What a statement returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Names and types of its columns.
    pub header: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many rows it returned or changed, as the server says.
    pub affected: u64,
}

/// What a server says to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Rows, perhaps none.
    Rows(Rows),
    /// An error with its SQLSTATE.
    Error(String, String),
    /// Nothing in time.
    Timeout,
    /// The connection broke.
    Lost,
}

/// PostgreSQL and Freshet.
pub struct Servers {
    postgres: Postgres,
    freshet: Freshet,
    oracle: Client,
    ours: Client,
}

impl Servers {
    /// Starts both.
    pub async fn start() -> anyhow::Result<Self> {
        let postgres = Postgres::start().await?;
        let create = "CREATE DATABASE fuzz TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'";
        postgres.execute(create).await?;
        let oracle = postgres.client_of("fuzz").await?;
        let settings = format!("SET statement_timeout = {ORACLE_PATIENCE_MS}; SET jit = off; SET TimeZone = 'UTC'");
        oracle.batch_execute(&settings).await?;
        let freshet = Freshet::start().await?;
        let ours = freshet.connect().await?;
        Ok(Servers { postgres, freshet, oracle, ours })
    }

    /// New tables on both, in place of all that was there.
    pub async fn reset(&mut self, tables: &[Table]) -> anyhow::Result<()> {
        if self.ours.is_closed() {
            self.ours = self.freshet.connect().await.context("Freshet is gone")?;
        }
        if self.oracle.is_closed() {
            self.oracle = self.postgres.client_of("fuzz").await?;
        }
        let schema = "DROP SCHEMA IF EXISTS fuzz CASCADE; CREATE SCHEMA fuzz; SET search_path = fuzz";
        self.oracle.batch_execute(schema).await?;
        for statement in schema.split("; ") {
            self.ours.batch_execute(statement).await.context(statement)?;
        }
        let types = std::iter::once(ENUM.to_string());
        let tables_made = tables.iter().flat_map(|table| std::iter::once(table.create()).chain(table.insert()));
        for statement in types.chain(tables_made) {
            self.oracle.batch_execute(&statement).await.with_context(|| statement.clone())?;
            self.ours.batch_execute(&statement).await.with_context(|| statement.clone())?;
        }
        for index in tables.iter().filter_map(Table::create_index) {
            self.ours.batch_execute(&index).await.context(index)?;
        }
        Ok(())
    }

    /// Applies a change to both; what each says.
    pub async fn change(&self, change: &Change) -> (Answer, Answer) {
        let Some(sql) = change.sql() else { return (Answer::Rows(Rows::default()), Answer::Rows(Rows::default())) };
        self.ask_both(&sql, &sql, None).await
    }

    /// Asks PostgreSQL the one and Freshet the other, in sessions with this setting.
    pub async fn ask_both(&self, oracle: &str, ours: &str, setting: Option<Setting>) -> (Answer, Answer) {
        let Some(setting) = setting else { return (ask(&self.oracle, oracle).await, ask(&self.ours, ours).await) };
        let mut answers = Vec::new();
        for (client, sql) in [(&self.oracle, oracle), (&self.ours, ours)] {
            ask(client, &setting.set()).await;
            answers.push(ask(client, sql).await);
            ask(client, &setting.unset()).await;
        }
        let ours = answers.pop().unwrap_or(Answer::Lost);
        (answers.pop().unwrap_or(Answer::Lost), ours)
    }

    /// Asks PostgreSQL.
    pub async fn ask_oracle(&self, sql: &str) -> Answer {
        ask(&self.oracle, sql).await
    }

    /// Asks Freshet.
    pub async fn ask(&self, sql: &str) -> Answer {
        ask(&self.ours, sql).await
    }
}

/// The settings of a session that change how values are read and printed, with what they are otherwise.
const SETTINGS: [(&str, &str, &str); 9] = [
    ("TimeZone", "'America/New_York'", "'UTC'"),
    ("TimeZone", "'Asia/Kathmandu'", "'UTC'"),
    ("DateStyle", "'SQL, DMY'", "'ISO, MDY'"),
    ("DateStyle", "'German'", "'ISO, MDY'"),
    ("DateStyle", "'Postgres, YMD'", "'ISO, MDY'"),
    ("IntervalStyle", "'iso_8601'", "'postgres'"),
    ("IntervalStyle", "'sql_standard'", "'postgres'"),
    ("extra_float_digits", "'-2'", "'1'"),
    ("bytea_output", "'escape'", "'hex'"),
];

/// A setting of a session that a query runs with.
#[derive(Clone, Copy, Debug)]
pub struct Setting(usize);

impl Setting {
    /// A random one.
    pub fn any(rng: &mut StdRng) -> Setting {
        Setting(rng.random_range(0..SETTINGS.len()))
    }

    /// The statement that makes it.
    pub fn set(self) -> String {
        let (name, value, _) = SETTINGS[self.0];
        format!("SET {name} = {value}")
    }

    fn unset(self) -> String {
        let (name, _, value) = SETTINGS[self.0];
        format!("SET {name} = {value}")
    }
}

async fn ask(client: &Client, sql: &str) -> Answer {
    match tokio::time::timeout(PATIENCE, ask_now(client, sql)).await {
        Ok(Ok(rows)) => Answer::Rows(rows),
        Ok(Err(error)) => match error.as_db_error() {
            Some(db) if db.code().code() == "57014" => Answer::Timeout,
            Some(db) => Answer::Error(db.code().code().to_string(), db.message().to_string()),
            None => Answer::Lost,
        },
        Err(_) => {
            // Whether or not it can be cancelled, it took too long.
            let _ = client.cancel_token().cancel_query(tokio_postgres::NoTls).await;
            Answer::Timeout
        }
    }
}

async fn ask_now(client: &Client, sql: &str) -> Result<Rows, tokio_postgres::Error> {
    let returns = ["SELECT", "WITH", "(", "VALUES", "TABLE"].iter().any(|word| sql.starts_with(word));
    let mut answer = Rows::default();
    if returns {
        let statement = client.prepare(sql).await?;
        answer.header = statement.columns().iter().map(|c| format!("{} {}", c.name(), c.type_().name())).collect();
    }
    for message in client.simple_query(sql).await? {
        match message {
            SimpleQueryMessage::Row(row) => {
                answer.rows.push((0..row.len()).map(|i| row.get(i).map(str::to_string)).collect());
            }
            SimpleQueryMessage::CommandComplete(count) => answer.affected = count,
            _ => {}
        }
    }
    Ok(answer)
}
