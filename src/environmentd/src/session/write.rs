//! Statements that write rows: at once where they stand alone, at COMMIT inside a block.

use super::context::SessionContext;
use super::execute::{Outcome, Rows, Session, Tag, command};
use crate::coord::{CommitError, PendingWrite};
use repr::{RelationDesc, Row, SqlError};
use sql::plan::{Plan, ReadThenWritePlan};

/// How many rows a statement wrote, and those that it returns.
type Written = (u64, Option<(RelationDesc, Vec<Row>)>);

fn verb(plan: &Plan) -> &'static str {
    match plan {
        Plan::Insert(_) => "INSERT",
        Plan::ReadThenWrite(plan) if plan.assignments.is_some() => "UPDATE",
        _ => "DELETE",
    }
}

fn written(write: &mut PendingWrite) -> Written {
    (write.affected, write.returning.take())
}

impl Session {
    /// Runs INSERT, UPDATE, DELETE.
    pub(super) async fn write(&mut self, context: &SessionContext, plan: Plan) -> Result<Outcome, SqlError> {
        let (affected, returning) = if self.transaction.is_explicit() {
            self.write_later(context, &plan).await?
        } else {
            self.write_now(context, &plan).await?
        };
        let tag = match verb(&plan) {
            "INSERT" => format!("INSERT 0 {affected}"),
            verb => format!("{verb} {affected}"),
        };
        Ok(match returning {
            Some((desc, rows)) => Outcome::Rows(desc, Rows::Fixed(Some(rows)), Tag::Fixed(tag)),
            None => Outcome::Command(tag),
        })
    }

    /// Runs TRUNCATE: all tables in one commit.
    pub(super) async fn truncate(
        &mut self,
        context: &SessionContext,
        plans: Vec<ReadThenWritePlan>,
    ) -> Result<Outcome, SqlError> {
        let plans: Vec<Plan> = plans.into_iter().map(Plan::ReadThenWrite).collect();
        if self.transaction.is_explicit() {
            for plan in &plans {
                self.write_later(context, plan).await?;
            }
        } else {
            self.write_all_now(context, &plans).await?;
        }
        Ok(command("TRUNCATE TABLE"))
    }

    /// Prepares a write for COMMIT.
    async fn write_later(&mut self, context: &SessionContext, plan: &Plan) -> Result<Written, SqlError> {
        self.transaction.check_write(verb(plan))?;
        let mut write = self.env.prepare_write(context, plan, self.transaction.block()).await?;
        let result = written(&mut write);
        self.add_write(context, write).await?;
        Ok(result)
    }

    /// Adds a write to the transaction, unless it breaks what must be unique.
    pub(super) async fn add_write(&mut self, context: &SessionContext, write: PendingWrite) -> Result<(), SqlError> {
        let mut keys = self.transaction.keys(&write.keys);
        keys.merge(&write.keys);
        self.env.check_unique(context, &keys, &write.keys).await?;
        self.transaction.writes.push(write);
        Ok(())
    }

    /// Prepares and commits a write on its own, again and again while others change what it read.
    pub(super) async fn write_now(&mut self, context: &SessionContext, plan: &Plan) -> Result<Written, SqlError> {
        let mut all = self.write_all_now(context, std::slice::from_ref(plan)).await?;
        all.pop().ok_or_else(|| SqlError::internal("a write without a result"))
    }

    async fn write_all_now(&mut self, context: &SessionContext, plans: &[Plan]) -> Result<Vec<Written>, SqlError> {
        loop {
            let mut writes = Vec::new();
            for plan in plans {
                writes.push(self.env.prepare_write(context, plan, None).await?);
            }
            let results = writes.iter_mut().map(written).collect();
            match self.try_commit(writes).await {
                Ok(()) => return Ok(results),
                Err(CommitError::Conflict) => {
                    for plan in plans {
                        self.env.await_turn(plan).await;
                    }
                }
                Err(CommitError::Sql(error)) => return Err(error),
            }
        }
    }
}
