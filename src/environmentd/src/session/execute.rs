//! Executes statements: plan, then one line per kind of plan.
//!
//! Called by `pgwire` for every statement of a client. Promise: dropping the future of [`Session::execute`] cancels reads; a write or
//! DDL that was handed to the coordinator runs to its end, so that nothing is half done.

use super::context::SessionContext;
use super::copy_in::CopyIn;
use super::cursor::{Cursor, Cursors};
use super::prepared::Prepared;
use super::transaction::{State, Transaction};
use super::vars::Vars;
use crate::coord::{CommitError, Environment, PendingWrite, PreparedLookup, RowStream, SubscribeStream};
use repr::{Datum, RelationDesc, Row, SqlError, SqlState, SqlType};
use sql::ParsedStatement;
use sql::plan::{
    CopyFormat, CopyToPlan, DeclarePlan, Effect, ExecutePlan, ExplainPlan, FetchPlan, Params, Plan, PreparePlan,
    SelectPlan, StatementDesc, SubscribePlan,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a statement gives.
pub enum Outcome {
    /// Rows, then a command tag.
    Rows(RelationDesc, Rows, Tag),
    /// Rows as COPY data.
    CopyOut(RelationDesc, Rows, CopyFormat),
    /// COPY data is wanted; then [`Session::finish_copy`].
    CopyIn(Box<CopyIn>),
    /// A command tag alone.
    Command(String),
    /// Nothing: the query string was empty.
    Empty,
}

/// A command tag.
pub enum Tag {
    /// This word and the number of rows.
    Counted(&'static str),
    /// As it is.
    Fixed(String),
}

/// Where rows come from.
pub enum Rows {
    /// A read.
    Select(RowStream),
    /// A SUBSCRIBE.
    Subscribe(SubscribeStream),
    /// Rows at hand.
    Fixed(Option<Vec<Row>>),
}

impl Rows {
    /// The next rows; none at the end. May be cancelled: no row is lost.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, SqlError> {
        match self {
            Rows::Select(rows) => rows.next().await,
            Rows::Subscribe(rows) => rows.next().await,
            Rows::Fixed(rows) => Ok(rows.take()),
        }
    }
}

/// One client's session.
pub struct Session {
    pub(super) env: Environment,
    connection_id: u32,
    user: String,
    /// Its variables.
    pub vars: Vars,
    /// Its transaction.
    pub transaction: Transaction,
    pub(super) cursors: Cursors,
    prepared: BTreeMap<String, Arc<Prepared>>,
    pub(super) notices: Vec<SqlError>,
}

impl Session {
    /// A session that just began.
    pub fn new(env: Environment, connection_id: u32, user: String, vars: Vars) -> Self {
        Session {
            env,
            connection_id,
            user,
            vars,
            transaction: Transaction::default(),
            cursors: Cursors::default(),
            prepared: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// Wall time: microseconds since 2000-01-01 UTC.
    pub fn now_us(&self) -> i64 {
        self.env.now_us()
    }

    /// What planning and reading need to know.
    pub fn context(&self) -> SessionContext {
        let known = |name| self.vars.get(name).unwrap_or_default().to_string();
        let statement_us = self.env.now_us();
        SessionContext {
            connection_id: self.connection_id,
            user: self.user.clone(),
            database: known("database"),
            search_path: self.vars.search_path(),
            cluster: known("cluster"),
            vars: self.vars.clone(),
            isolation: self.vars.isolation(),
            now_us: if self.transaction.is_block() { self.transaction.started_us } else { statement_us },
            statement_us,
        }
    }

    pub(super) fn copy_writer(
        &self,
        context: &SessionContext,
        plan: &sql::plan::CopyFromPlan,
    ) -> Result<crate::coord::CopyWriter, SqlError> {
        self.env.copy_writer(context, plan)
    }

    /// The catalog with this session's names.
    pub fn names(&self) -> crate::catalog::SessionCatalogView {
        self.env.catalog().for_session(&self.context())
    }

    /// Drops the session's temporary objects.
    pub async fn end(&mut self) {
        let (env, context, id) = (self.env.clone(), self.context(), self.connection_id);
        // A task of its own: half of it is never left undone.
        let ended = tokio::spawn(async move { env.drop_temporary(&context, Some(id)).await }).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "temporary objects stay until the next start");
        }
    }

    /// The columns of a cursor.
    pub fn cursor_desc(&self, name: &str) -> Result<RelationDesc, SqlError> {
        self.cursors.desc(name).cloned()
    }

    /// Notices since the last call.
    pub fn take_notices(&mut self) -> Vec<SqlError> {
        std::mem::take(&mut self.notices)
    }

    /// Parses a statement and finds out what it returns and takes.
    pub fn prepare(&self, sql: &str, declared: Vec<Option<SqlType>>) -> Result<Arc<Prepared>, SqlError> {
        let mut statements = sql::parse(sql)?;
        if statements.len() > 1 {
            let what = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, what));
        }
        let Some(statement) = statements.pop() else {
            return Ok(Prepared::new(None, StatementDesc::default(), declared));
        };
        let desc = self.describe(&statement, &declared)?;
        Ok(Prepared::new(Some(statement), desc, declared))
    }

    fn describe(&self, statement: &ParsedStatement, declared: &[Option<SqlType>]) -> Result<StatementDesc, SqlError> {
        let context = self.context();
        let catalog = self.env.catalog().for_session(&context);
        if self.transaction.state == State::Failed && !self.ends_transaction(statement) {
            return Err(aborted());
        }
        let mut desc = sql::describe(&catalog, statement, declared)?;
        if desc.relation.is_none() && desc.params.is_empty() {
            // What these two return depends on the session's cursors and prepared statements.
            desc.relation = match sql::plan(&catalog, statement, &Params::default()) {
                Ok(Plan::Fetch(plan)) => Some(self.cursors.desc(&plan.name)?.clone()),
                Ok(Plan::Execute(plan)) => self.statement(&plan.name)?.desc.relation.clone(),
                _ => None,
            };
        }
        Ok(desc)
    }

    fn ends_transaction(&self, statement: &ParsedStatement) -> bool {
        let context = self.context();
        let catalog = self.env.catalog().for_session(&context);
        matches!(
            sql::plan(&catalog, statement, &Params::default()),
            Ok(Plan::Commit | Plan::Rollback | Plan::RollbackTo(_))
        )
    }

    /// Keeps a prepared statement; the unnamed one is replaced, others must be new.
    pub fn keep(&mut self, name: &str, prepared: Arc<Prepared>) -> Result<(), SqlError> {
        if !name.is_empty() && self.prepared.contains_key(name) {
            let what = format!("prepared statement \"{name}\" already exists");
            return Err(SqlError::new(SqlState::DUPLICATE_PREPARED_STATEMENT, what));
        }
        self.prepared.insert(name.to_string(), prepared);
        Ok(())
    }

    /// The prepared statement of this name.
    pub fn statement(&self, name: &str) -> Result<&Arc<Prepared>, SqlError> {
        self.prepared.get(name).ok_or_else(|| {
            let what = format!("prepared statement \"{name}\" does not exist");
            SqlError::new(SqlState::INVALID_SQL_STATEMENT_NAME, what)
        })
    }

    /// Forgets a prepared statement, if there is one.
    pub fn forget(&mut self, name: &str) {
        self.prepared.remove(name);
    }

    /// The statements that follow share one transaction until [`Session::finish`].
    pub fn begin_implicit(&mut self) {
        if self.transaction.state == State::None {
            self.transaction.state = State::Implicit;
            self.transaction.started_us = self.env.now_us();
        }
    }

    /// Ends an implicit transaction: commits, unless something failed.
    pub async fn finish(&mut self, failed: bool) -> Result<(), SqlError> {
        match self.transaction.state {
            State::None | State::Implicit => self.end_transaction(!failed).await,
            State::Explicit | State::Failed => Ok(()),
        }
    }

    /// A statement failed.
    pub fn fail(&mut self) {
        if self.transaction.state != State::Explicit {
            return;
        }
        self.transaction.fail();
        if self.transaction.savepoints.is_empty() {
            let _ = self.cursors.close(None);
        }
    }

    pub(super) async fn end_transaction(&mut self, commit: bool) -> Result<(), SqlError> {
        let transaction = std::mem::take(&mut self.transaction);
        let _ = self.cursors.close(None);
        let result = if commit { self.commit(transaction.into_writes()).await } else { Ok(()) };
        self.vars.end(commit && result.is_ok());
        result
    }

    async fn commit(&self, writes: Vec<PendingWrite>) -> Result<(), SqlError> {
        if writes.is_empty() {
            return Ok(());
        }
        match self.try_commit(writes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Sql(error)) => Err(error),
            Err(CommitError::Conflict) => {
                let what = "could not serialize access due to concurrent update";
                Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, what).hint("Try the transaction again."))
            }
        }
    }

    pub(super) async fn try_commit(&self, writes: Vec<PendingWrite>) -> Result<(), CommitError> {
        let (env, context) = (self.env.clone(), self.context());
        // A task of its own: a client that goes away must not leave a commit half done.
        let task = tokio::spawn(async move { env.commit(&context, writes).await.map(drop) });
        task.await.unwrap_or_else(|e| Err(CommitError::Sql(SqlError::internal(e))))
    }

    /// Runs one statement. Everything the server can do passes through here.
    pub async fn execute(&mut self, statement: &ParsedStatement, params: &Params) -> Result<Outcome, SqlError> {
        let context = self.context();
        let plan = sql::plan(&self.env.catalog().for_session(&context), statement, params);
        if self.transaction.state == State::Failed
            && !matches!(plan, Ok(Plan::Commit | Plan::Rollback | Plan::RollbackTo(_)))
        {
            return Err(aborted());
        }
        match plan? {
            Plan::Execute(plan) => self.execute_prepared(plan).await,
            plan => self.run(&context, plan).await,
        }
    }

    /// Runs a prepared statement, by the plan that it keeps if that serves.
    pub async fn execute_bound(&mut self, prepared: &Arc<Prepared>, params: &Params) -> Result<Outcome, SqlError> {
        let Some(statement) = &prepared.statement else { return Ok(Outcome::Empty) };
        match self.look_up(prepared, params).await? {
            Some(outcome) => Ok(outcome),
            None => self.execute(statement, params).await,
        }
    }

    async fn look_up(&mut self, prepared: &Prepared, params: &Params) -> Result<Option<Outcome>, SqlError> {
        if self.transaction.state == State::Failed || !self.transaction.writes.is_empty() {
            return Ok(None);
        }
        let (env, settings) = (self.env.clone(), self.vars.version());
        let is_current = |lookup: &PreparedLookup| lookup.is_current(&env, settings);
        let plan = |statement: &_, types: &_| env.plan_lookup(&self.context(), settings, statement, types);
        let Some(lookup) = prepared.lookup(is_current, plan) else { return Ok(None) };
        let Some(desc) = lookup.desc() else { return Ok(None) };
        let rows = env.lookup(&lookup, &params.values, self.transaction.block()).await?;
        Ok(rows.map(|rows| Outcome::Rows(desc.clone(), Rows::Select(rows), Tag::Counted("SELECT"))))
    }

    async fn run(&mut self, context: &SessionContext, plan: Plan) -> Result<Outcome, SqlError> {
        match plan {
            Plan::Select(plan) => self.select(context, plan).await,
            Plan::Subscribe(plan) => self.subscribe(context, plan).await,
            Plan::CopyTo(plan) => self.copy_to(context, plan).await,
            Plan::Insert(_) | Plan::ReadThenWrite(_) => self.write(context, plan).await,
            Plan::Truncate(plans) => self.truncate(context, plans).await,
            Plan::CreateTableAs(plan) => self.create_table_as(context, *plan).await,
            Plan::Explain(plan) => self.explain(context, plan).await,
            Plan::ShowVariable(name) => self.show(&name),
            Plan::ShowAllVariables => Ok(self.show_all()),
            Plan::ShowCreate(id) => self.show_create(context, id),
            Plan::SetVariable(plan) => self.set(&plan.name, &plan.values, plan.local),
            Plan::ResetVariable(name) => self.vars.reset(name.as_deref()).map(|()| command("RESET")),
            Plan::Discard(what) => self.discard(what).await,
            Plan::Begin(modes) => self.begin(modes),
            Plan::Commit => self.commit_block().await,
            Plan::Rollback => self.rollback_block().await,
            Plan::Savepoint(name) => self.savepoint(name),
            Plan::Release(name) => self.release(&name),
            Plan::RollbackTo(name) => self.rollback_to(&name),
            Plan::SetTransaction(modes) => self.set_transaction(&modes).map(|()| command("SET")),
            Plan::Declare(plan) => self.declare(plan),
            Plan::Fetch(plan) => self.fetch(context, plan).await,
            Plan::Close(name) => self.cursors.close(name.as_deref()).map(|()| command("CLOSE CURSOR")),
            Plan::Prepare(plan) => self.prepare_sql(plan),
            Plan::Deallocate(name) => self.deallocate(name),
            Plan::NothingToDo(tag) => self.nothing_to_do(tag),
            Plan::Empty => Ok(Outcome::Empty),
            Plan::Execute(_) => Err(SqlError::unsupported("EXECUTE of EXECUTE")),
            Plan::CopyFrom(plan) => self.copy_from(context, plan),
            ddl => self.ddl(context, ddl).await,
        }
    }

    async fn select(&mut self, context: &SessionContext, plan: SelectPlan) -> Result<Outcome, SqlError> {
        for effect in &plan.effects {
            match effect {
                Effect::Set(set) => self.vars.set(&set.name, &set.values, set.local)?,
                Effect::Sleep(span) => tokio::time::sleep(*span).await,
            }
        }
        let rows = self.start(context, &Plan::Select(plan.clone())).await?;
        Ok(Outcome::Rows(plan.desc, rows, Tag::Counted("SELECT")))
    }

    async fn subscribe(&mut self, context: &SessionContext, plan: SubscribePlan) -> Result<Outcome, SqlError> {
        let desc = plan.output_desc.clone();
        let rows = self.start(context, &Plan::Subscribe(plan)).await?;
        Ok(Outcome::Rows(desc, rows, Tag::Counted("SUBSCRIBE")))
    }

    async fn copy_to(&mut self, context: &SessionContext, plan: CopyToPlan) -> Result<Outcome, SqlError> {
        let desc = result_desc(&plan.inner)?;
        let rows = self.start(context, &plan.inner).await?;
        Ok(Outcome::CopyOut(desc, rows, plan.format))
    }

    /// Starts a SELECT or SUBSCRIBE at the transaction's time.
    async fn start(&mut self, context: &SessionContext, plan: &Plan) -> Result<Rows, SqlError> {
        match plan {
            Plan::Select(p) => {
                let block = self.transaction.block();
                let rows = self.env.select(context, &p.source, &p.when, &p.finishing, block).await?;
                if p.signals.is_empty() { Ok(Rows::Select(rows)) } else { self.send_signals(rows, &p.signals).await }
            }
            Plan::Subscribe(p) => {
                self.transaction.check_follow()?;
                let read = self.transaction.block().map(|block| block.read);
                self.env.subscribe(context, p, read).await.map(Rows::Subscribe)
            }
            _ => Err(SqlError::internal("only SELECT and SUBSCRIBE return rows as they come")),
        }
    }

    pub(super) async fn ddl(&mut self, context: &SessionContext, plan: Plan) -> Result<Outcome, SqlError> {
        if self.transaction.is_explicit() {
            let what = "this statement cannot run inside a transaction block";
            return Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, what));
        }
        let (env, context) = (self.env.clone(), context.clone());
        let task = tokio::spawn(async move { env.execute_ddl(&context, plan).await });
        let outcome = task.await.map_err(SqlError::internal)??;
        self.notices.extend(outcome.notices);
        Ok(Outcome::Command(outcome.tag))
    }

    async fn explain(&mut self, context: &SessionContext, plan: ExplainPlan) -> Result<Outcome, SqlError> {
        let rows = self.env.explain(context, &plan).await?;
        Ok(text_rows(plan.stage.titles(), rows, "EXPLAIN"))
    }

    /// What needs nothing to be done; VACUUM is particular about where it stands, as in PostgreSQL.
    fn nothing_to_do(&self, tag: &'static str) -> Result<Outcome, SqlError> {
        if tag == "VACUUM" && self.transaction.is_explicit() {
            let what = "VACUUM cannot run inside a transaction block";
            return Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, what));
        }
        Ok(command(tag))
    }

    fn show(&self, name: &str) -> Result<Outcome, SqlError> {
        if name == sql::plan::ISOLATION_LEVEL {
            // Clients that ask by the standard's words know the standard's levels only.
            let level = self.vars.get("transaction_isolation")?.trim_start_matches("strict ");
            return Ok(text_rows(&["transaction_isolation"], [vec![level.to_string()]], "SHOW"));
        }
        let value = self.vars.get(name)?.to_string();
        Ok(text_rows(&[name], [vec![value]], "SHOW"))
    }

    fn show_all(&self) -> Outcome {
        let rows = self.vars.all().into_iter().map(|(name, value, help)| vec![name.into(), value, help.into()]);
        text_rows(&["name", "setting", "description"], rows, "SHOW")
    }

    fn show_create(&self, context: &SessionContext, id: repr::GlobalId) -> Result<Outcome, SqlError> {
        let (name, sql) = self.env.show_create(context, id)?;
        Ok(text_rows(&["name", "create_sql"], [vec![name, sql]], "SHOW"))
    }

    fn set(&mut self, name: &str, values: &[String], local: bool) -> Result<Outcome, SqlError> {
        if local && !self.transaction.is_explicit() {
            let what = "SET LOCAL can only be used in transaction blocks";
            self.notices.push(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, what));
        }
        self.vars.set(name, values, local)?;
        Ok(command("SET"))
    }

    async fn discard(&mut self, what: sql::plan::Discard) -> Result<Outcome, SqlError> {
        use sql::plan::Discard::{All, Plans, Sequences, Temp};
        match what {
            All if self.transaction.is_explicit() => {
                let what = "DISCARD ALL cannot run inside a transaction block";
                Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, what))
            }
            All => {
                self.end().await;
                self.prepared.clear();
                self.cursors.close(None)?;
                self.vars.reset(None)?;
                Ok(command("DISCARD ALL"))
            }
            Plans => Ok(command("DISCARD PLANS")),
            Sequences => Ok(command("DISCARD SEQUENCES")),
            Temp => {
                self.end().await;
                Ok(command("DISCARD TEMP"))
            }
        }
    }

    fn declare(&mut self, plan: DeclarePlan) -> Result<Outcome, SqlError> {
        if !self.transaction.is_explicit() {
            let what = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, what));
        }
        let desc = result_desc(&plan.inner)?;
        let live = matches!(*plan.inner, Plan::Subscribe(_));
        let cursor = Cursor { desc, plan: Some(*plan.inner), rows: None, pending: Default::default(), live };
        self.cursors.declare(&plan.name, cursor)?;
        Ok(command("DECLARE CURSOR"))
    }

    async fn fetch(&mut self, context: &SessionContext, plan: FetchPlan) -> Result<Outcome, SqlError> {
        if let Some(inner) = self.cursors.get(&plan.name)?.plan.take() {
            let rows = self.start(context, &inner).await?;
            self.cursors.get(&plan.name)?.rows = Some(rows);
        }
        let cursor = self.cursors.get(&plan.name)?;
        let rows = cursor.fetch(plan.count, plan.timeout).await?;
        Ok(Outcome::Rows(cursor.desc.clone(), Rows::Fixed(Some(rows)), Tag::Counted("FETCH")))
    }

    fn prepare_sql(&mut self, plan: PreparePlan) -> Result<Outcome, SqlError> {
        let prepared = self.prepare(&plan.sql, plan.param_types.into_iter().map(Some).collect())?;
        self.keep(&plan.name, prepared)?;
        Ok(command("PREPARE"))
    }

    async fn execute_prepared(&mut self, plan: ExecutePlan) -> Result<Outcome, SqlError> {
        let prepared = self.statement(&plan.name)?.clone();
        let types = prepared.desc.params.clone();
        if types.len() != plan.params.len() {
            let what = format!("wrong number of parameters for prepared statement \"{}\"", plan.name);
            let detail = format!("Expected {} parameters but got {}.", types.len(), plan.params.len());
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, what).detail(detail));
        }
        let values = self.env.evaluate_constants(&self.context(), &plan.params, &types)?;
        let Some(statement) = &prepared.statement else { return Ok(Outcome::Empty) };
        let context = self.context();
        let params = Params { values, types };
        let inner = sql::plan(&self.env.catalog().for_session(&context), statement, &params)?;
        self.run(&context, inner).await
    }

    fn deallocate(&mut self, name: Option<String>) -> Result<Outcome, SqlError> {
        match name {
            Some(name) => {
                self.statement(&name)?;
                self.forget(&name);
                Ok(command("DEALLOCATE"))
            }
            None => {
                self.prepared.clear();
                Ok(command("DEALLOCATE ALL"))
            }
        }
    }
}

fn aborted() -> SqlError {
    let what = "current transaction is aborted, commands ignored until end of transaction block";
    SqlError::new(SqlState::IN_FAILED_SQL_TRANSACTION, what)
}

pub(super) fn command(tag: &str) -> Outcome {
    Outcome::Command(tag.to_string())
}

/// The columns of what a SELECT or SUBSCRIBE returns.
fn result_desc(plan: &Plan) -> Result<RelationDesc, SqlError> {
    match plan {
        Plan::Select(plan) => Ok(plan.desc.clone()),
        Plan::Subscribe(plan) => Ok(plan.output_desc.clone()),
        _ => Err(SqlError::internal("only SELECT and SUBSCRIBE return rows as they come")),
    }
}

fn text_rows(names: &[&str], rows: impl IntoIterator<Item = Vec<String>>, tag: &'static str) -> Outcome {
    let desc = names.iter().fold(RelationDesc::empty(), |desc, name| desc.with(name, SqlType::Text, false));
    let rows = rows.into_iter().map(|row| Row::pack(row.iter().map(|value| Datum::Text(value)))).collect();
    Outcome::Rows(desc, Rows::Fixed(Some(rows)), Tag::Fixed(tag.to_string()))
}
