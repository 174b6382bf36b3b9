//! Transaction blocks: BEGIN and its ends, savepoints.

use super::execute::{Outcome, Session, command};
use super::transaction::{Savepoint, State};
use repr::{SqlError, SqlState};
use sql::plan::TransactionModes;

impl Session {
    pub(super) fn begin(&mut self, modes: TransactionModes) -> Result<Outcome, SqlError> {
        if self.transaction.is_explicit() {
            let what = "there is already a transaction in progress";
            self.notices.push(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, what));
        } else {
            self.transaction.state = State::Explicit;
            self.transaction.started_us = self.env.now_us();
            self.transaction.read_only = self.vars.get("default_transaction_read_only")? == "on";
            self.vars.begin();
        }
        self.set_transaction(&modes)?;
        Ok(command("BEGIN"))
    }

    pub(super) fn set_transaction(&mut self, modes: &TransactionModes) -> Result<(), SqlError> {
        if let Some(read_only) = modes.read_only {
            self.transaction.read_only = read_only;
        }
        match &modes.isolation {
            Some(_) if self.transaction.read.is_some() => {
                let what = "SET TRANSACTION ISOLATION LEVEL must be called before any query";
                Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, what))
            }
            Some(level) => self.vars.set("transaction_isolation", std::slice::from_ref(level), true),
            None => Ok(()),
        }
    }

    pub(super) async fn commit_block(&mut self) -> Result<Outcome, SqlError> {
        if !self.transaction.is_explicit() {
            self.warn_no_transaction();
        }
        let failed = self.transaction.state == State::Failed;
        self.end_transaction(!failed).await?;
        Ok(command(if failed { "ROLLBACK" } else { "COMMIT" }))
    }

    pub(super) async fn rollback_block(&mut self) -> Result<Outcome, SqlError> {
        if !self.transaction.is_explicit() {
            self.warn_no_transaction();
        }
        self.end_transaction(false).await?;
        Ok(command("ROLLBACK"))
    }

    fn warn_no_transaction(&mut self) {
        let what = "there is no transaction in progress";
        self.notices.push(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, what));
    }

    /// `SAVEPOINT`
    pub(super) fn savepoint(&mut self, name: String) -> Result<Outcome, SqlError> {
        self.check_block("SAVEPOINT")?;
        let (writes, cursors, vars) = (self.transaction.writes.len(), self.cursors.names(), self.vars.clone());
        self.transaction.savepoints.push(Savepoint { name, writes, cursors, vars });
        Ok(command("SAVEPOINT"))
    }

    /// `RELEASE`: forgets the savepoint and those after it.
    pub(super) fn release(&mut self, name: &str) -> Result<Outcome, SqlError> {
        self.check_block("RELEASE SAVEPOINT")?;
        let at = self.transaction.savepoint(name)?;
        self.transaction.savepoints.truncate(at);
        Ok(command("RELEASE"))
    }

    /// `ROLLBACK TO`: all is as it was at the savepoint, which stays.
    pub(super) fn rollback_to(&mut self, name: &str) -> Result<Outcome, SqlError> {
        self.check_block("ROLLBACK TO SAVEPOINT")?;
        let at = self.transaction.savepoint(name)?;
        self.transaction.savepoints.truncate(at + 1);
        let savepoint = &self.transaction.savepoints[at];
        self.transaction.writes.truncate(savepoint.writes);
        self.cursors.keep_only(&savepoint.cursors);
        self.vars.go_back_to(&savepoint.vars);
        self.transaction.state = State::Explicit;
        Ok(command("ROLLBACK"))
    }

    fn check_block(&self, what: &str) -> Result<(), SqlError> {
        if self.transaction.is_explicit() {
            return Ok(());
        }
        let message = format!("{what} can only be used in transaction blocks");
        Err(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message))
    }
}
