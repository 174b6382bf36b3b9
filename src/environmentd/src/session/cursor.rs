//! Cursors: DECLARE keeps a plan, the first FETCH starts it, CLOSE or the transaction's end drops it.

use super::execute::Rows;
use repr::{RelationDesc, Row, SqlError, SqlState};
use sql::plan::Plan;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One cursor.
pub struct Cursor {
    /// Result columns.
    pub desc: RelationDesc,
    /// What the first FETCH starts.
    pub plan: Option<Plan>,
    /// Where rows come from, once started.
    pub rows: Option<Rows>,
    /// Received and not yet fetched.
    pub pending: VecDeque<Row>,
    /// Whether it is a SUBSCRIBE: FETCH ALL then means what is there now.
    pub live: bool,
}

/// A session's cursors.
#[derive(Default)]
pub struct Cursors(BTreeMap<String, Cursor>);

impl Cursors {
    /// Adds a cursor.
    pub fn declare(&mut self, name: &str, cursor: Cursor) -> Result<(), SqlError> {
        if self.0.contains_key(name) {
            return Err(SqlError::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        self.0.insert(name.to_string(), cursor);
        Ok(())
    }

    /// The cursor of this name.
    pub fn get(&mut self, name: &str) -> Result<&mut Cursor, SqlError> {
        self.0.get_mut(name).ok_or_else(|| unknown(name))
    }

    /// The columns of the cursor of this name.
    pub fn desc(&self, name: &str) -> Result<&RelationDesc, SqlError> {
        self.0.get(name).map(|c| &c.desc).ok_or_else(|| unknown(name))
    }

    /// The names of all cursors.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// Drops the others.
    pub fn keep_only(&mut self, names: &BTreeSet<String>) {
        self.0.retain(|name, _| names.contains(name));
    }

    /// Drops one cursor, or all.
    pub fn close(&mut self, name: Option<&str>) -> Result<(), SqlError> {
        match name {
            Some(name) => self.0.remove(name).map(drop).ok_or_else(|| unknown(name)),
            None => {
                self.0.clear();
                Ok(())
            }
        }
    }
}

fn unknown(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

/// How long FETCH of a SUBSCRIBE waits for the first row when it asks for all that is there.
const POLL: Duration = Duration::from_millis(1);

impl Cursor {
    /// Up to `count` rows (all without one). Of a SUBSCRIBE: waits until `count` rows are there or `timeout` has passed;
    /// without a count it returns what is there, waiting for the first row no longer than `timeout`.
    pub async fn fetch(&mut self, count: Option<u64>, timeout: Option<Duration>) -> Result<Vec<Row>, SqlError> {
        let wanted = usize::try_from(count.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let deadline = match (self.live, count, timeout) {
            (false, ..) | (true, Some(_), None) => None,
            (true, _, Some(timeout)) => Some(Instant::now() + timeout),
            (true, None, None) => Some(Instant::now() + POLL),
        };
        while self.pending.len() < wanted {
            let drained = self.live && count.is_none() && !self.pending.is_empty();
            let deadline = if drained { Some(Instant::now() + POLL) } else { deadline };
            if !self.receive(deadline).await? {
                break;
            }
        }
        let take = self.pending.len().min(wanted);
        Ok(self.pending.drain(..take).collect())
    }

    /// Waits for more rows; false at the end or the deadline.
    async fn receive(&mut self, deadline: Option<Instant>) -> Result<bool, SqlError> {
        let Some(rows) = &mut self.rows else { return Ok(false) };
        let next = match deadline {
            None => rows.next().await?,
            Some(deadline) => match timeout_at(deadline, rows.next()).await {
                Ok(next) => next?,
                Err(_elapsed) => return Ok(false),
            },
        };
        match next {
            Some(rows) => {
                self.pending.extend(rows);
                Ok(true)
            }
            None => {
                self.rows = None;
                Ok(false)
            }
        }
    }
}
