//! Both servers, with the same tables.

use super::data::{Change, Table};
use crate::freshet::Freshet;
use crate::pg::Postgres;
use anyhow::Context;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};

/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one may take at PostgreSQL: what takes longer is not worth a comparison.
const ORACLE_PATIENCE_MS: u32 = 2000;

/// A row as text.
pub type Row = Vec<Option<String>>;

/// What a server says to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Rows, perhaps none.
    Rows(Vec<Row>),
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
        for table in tables {
            for statement in std::iter::once(table.create()).chain(table.insert()) {
                self.oracle.batch_execute(&statement).await.with_context(|| statement.clone())?;
                self.ours.batch_execute(&statement).await.with_context(|| statement.clone())?;
            }
            if let Some(index) = table.create_index() {
                self.ours.batch_execute(&index).await.context(index)?;
            }
        }
        Ok(())
    }

    /// Applies a change to both; what each says.
    pub async fn change(&self, change: &Change) -> (Answer, Answer) {
        let Some(sql) = change.sql() else { return (Answer::Rows(Vec::new()), Answer::Rows(Vec::new())) };
        (self.ask_oracle(&sql).await, self.ask(&sql).await)
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

async fn ask(client: &Client, sql: &str) -> Answer {
    let result = match tokio::time::timeout(PATIENCE, client.simple_query(sql)).await {
        Ok(result) => result,
        Err(_) => {
            // Whether or not it can be cancelled, it took too long.
            let _ = client.cancel_token().cancel_query(tokio_postgres::NoTls).await;
            return Answer::Timeout;
        }
    };
    match result {
        Ok(messages) => Answer::Rows(messages.iter().filter_map(row).collect()),
        Err(error) => match error.as_db_error() {
            Some(db) if db.code().code() == "57014" => Answer::Timeout,
            Some(db) => Answer::Error(db.code().code().to_string(), db.message().to_string()),
            None => Answer::Lost,
        },
    }
}

fn row(message: &SimpleQueryMessage) -> Option<Row> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    Some((0..row.len()).map(|i| row.get(i).map(str::to_string)).collect())
}
