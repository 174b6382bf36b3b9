//! What a statement means: the output of planning, the input of environmentd.

use crate::catalog::{FunctionItem, Ingestion, ItemName, Uniqueness};
use expr::{RelExpr, RowSetFinishing, ScalarExpr};
use repr::{ClusterId, ColumnName, GlobalId, RelationDesc, Row, SqlType, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A planned statement.
#[derive(Clone, Debug)]
pub enum Plan {
    /// `SELECT`, `VALUES`, `TABLE`
    Select(SelectPlan),
    /// `SUBSCRIBE`
    Subscribe(SubscribePlan),
    /// `COPY (SELECT …) TO STDOUT`, `COPY (SUBSCRIBE …) TO STDOUT`
    CopyTo(CopyToPlan),
    /// `COPY … FROM STDIN`
    CopyFrom(CopyFromPlan),
    /// `INSERT`
    Insert(InsertPlan),
    /// `UPDATE`, `DELETE`
    ReadThenWrite(ReadThenWritePlan),
    /// `TRUNCATE`: the deletes that it stands for, one a table.
    Truncate(Vec<ReadThenWritePlan>),
    /// `CREATE DATABASE`
    CreateDatabase(CreateDatabasePlan),
    /// `CREATE SCHEMA`
    CreateSchema(CreateSchemaPlan),
    /// `CREATE CLUSTER`
    CreateCluster(CreateClusterPlan),
    /// Everything that becomes an item of a schema.
    CreateItem(CreateItemPlan),
    /// A table, and then its rows.
    CreateTableAs(Box<CreateTableAsPlan>),
    /// `DROP …`
    Drop(DropPlan),
    /// `ALTER`
    Alter(AlterPlan),
    /// `COMMENT ON`
    Comment(CommentPlan),
    /// `CREATE ROLE`
    CreateRole(String),
    /// `DROP ROLE`, with IF EXISTS or without.
    DropRoles(Vec<String>, bool),
    /// `GRANT`, `REVOKE`, `ALTER ROLE`: the command tag, and roles that must exist.
    CheckRoles(&'static str, Vec<String>),
    /// `EXPLAIN`
    Explain(ExplainPlan),
    /// `SHOW` of a session variable; other `SHOW`s are planned as a `Select` over system relations.
    ShowVariable(String),
    /// `SHOW ALL`
    ShowAllVariables,
    /// `SHOW CREATE …`: name and definition.
    ShowCreate(GlobalId),
    /// `SET`
    SetVariable(SetVariablePlan),
    /// `RESET name`; `RESET ALL` without one.
    ResetVariable(Option<String>),
    /// `DISCARD ALL` and its parts.
    Discard(Discard),
    /// `BEGIN`, `START TRANSACTION`
    Begin(TransactionModes),
    /// `COMMIT`, `END`
    Commit,
    /// `ROLLBACK`, `ABORT`
    Rollback,
    /// `SAVEPOINT`
    Savepoint(String),
    /// `RELEASE`
    Release(String),
    /// `ROLLBACK TO`
    RollbackTo(String),
    /// `SET TRANSACTION`
    SetTransaction(TransactionModes),
    /// `DECLARE name CURSOR FOR …`; the inner statement is executed by FETCH.
    Declare(DeclarePlan),
    /// `FETCH`
    Fetch(FetchPlan),
    /// `CLOSE name`; `CLOSE ALL` without one.
    Close(Option<String>),
    /// `PREPARE name AS …`: the statement's text.
    Prepare(PreparePlan),
    /// `EXECUTE name(…)`
    Execute(ExecutePlan),
    /// `DEALLOCATE name`; `DEALLOCATE ALL` without one.
    Deallocate(Option<String>),
    /// `VACUUM`, `ANALYZE`, `UNLISTEN`: the command tag of what needs nothing to be done.
    NothingToDo(&'static str),
    /// A statement with nothing in it.
    Empty,
}

/// What `SHOW TRANSACTION ISOLATION LEVEL` asks for.
pub const ISOLATION_LEVEL: &str = "transaction isolation level";

/// When a read happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// As the session's isolation level says.
    Immediately,
    /// At this time: a constant expression of a number, text or timestamp type.
    AtTimestamp(ScalarExpr),
    /// At this time or later.
    AtLeastTimestamp(ScalarExpr),
}

/// `SELECT`
#[derive(Clone, Debug)]
pub struct SelectPlan {
    /// What to compute; parameters are replaced by literals.
    pub source: RelExpr,
    /// When.
    pub when: When,
    /// What to do to the result.
    pub finishing: RowSetFinishing,
    /// The result's columns, after the finishing.
    pub desc: RelationDesc,
    /// What happens before it runs, in this order.
    pub effects: Vec<Effect>,
    /// Columns of process ids, and what is to be done to those sessions; the client gets whether that was possible.
    pub signals: Vec<(usize, Signal)>,
}

/// What can be done to another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `pg_cancel_backend(pid)`
    Cancel,
    /// `pg_terminate_backend(pid)`
    Terminate,
}

/// `SUBSCRIBE`
#[derive(Clone, Debug)]
pub struct SubscribePlan {
    /// What to follow.
    pub from: SubscribeFrom,
    /// From when.
    pub when: When,
    /// Until before when.
    pub up_to: Option<ScalarExpr>,
    /// Whether to begin with the present contents.
    pub with_snapshot: bool,
    /// Whether to report times up to which nothing more comes; adds the column `mz_progressed`.
    pub emit_progress: bool,
    /// Columns of what is followed.
    pub desc: RelationDesc,
    /// Columns of the output: `mz_timestamp` (numeric), `mz_progressed` (bool) if asked for, `mz_diff` (int8), then
    /// the followed columns, nullable if progress rows occur.
    pub output_desc: RelationDesc,
}

/// What SUBSCRIBE follows.
#[derive(Clone, Debug)]
pub enum SubscribeFrom {
    /// A relation.
    Item(GlobalId),
    /// A query.
    Query(RelExpr),
}

/// `COPY … TO STDOUT`
#[derive(Clone, Debug)]
pub struct CopyToPlan {
    /// A `Select` or `Subscribe`.
    pub inner: Box<Plan>,
    /// How rows look.
    pub format: CopyFormat,
}

/// `COPY … FROM STDIN`
#[derive(Clone, Debug)]
pub struct CopyFromPlan {
    /// The table.
    pub table: GlobalId,
    /// For each column of the input its position in the table.
    pub columns: Vec<usize>,
    /// The input's columns, in its order.
    pub input_desc: RelationDesc,
    /// The default of each of the table's columns, for those that the input does not have.
    pub defaults: Vec<ScalarExpr>,
    /// Which of the table's rows are kept; the others are passed over.
    pub selection: Option<ScalarExpr>,
    /// How rows look.
    pub format: CopyFormat,
}

/// What COPY does about a first line that names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyHeader {
    /// There is none.
    Absent,
    /// It is written, and skipped when read.
    Present,
    /// When read it must name the columns in order.
    Match,
}

/// How COPY writes and reads rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// Tab-separated, backslash escapes.
    Text {
        /// Between columns.
        delimiter: u8,
        /// For NULL.
        null: String,
        /// Whether the first line names the columns.
        header: CopyHeader,
    },
    /// Comma-separated.
    Csv {
        /// Between columns.
        delimiter: u8,
        /// Around values that need it.
        quote: u8,
        /// Before a quote inside quotes.
        escape: u8,
        /// For NULL.
        null: String,
        /// Whether the first line names the columns.
        header: CopyHeader,
        /// Columns whose values are always in quotes, when written.
        force_quote: Vec<usize>,
        /// Columns whose quoted null string is NULL too, when read.
        force_null: Vec<usize>,
        /// Columns whose null string is no NULL, when read.
        force_not_null: Vec<usize>,
    },
    /// PostgreSQL's binary format.
    Binary,
}

/// `INSERT`
#[derive(Clone, Debug)]
pub struct InsertPlan {
    /// The table.
    pub table: GlobalId,
    /// Rows in the table's column order, cast and completed by defaults; not yet checked for NULLs.
    pub values: RelExpr,
    /// `ON CONFLICT`
    pub on_conflict: Option<OnConflictPlan>,
    /// What `RETURNING` gives for each inserted row, over the table's columns.
    pub returning: Option<ReturningPlan>,
}

/// `ON CONFLICT`
#[derive(Clone, Debug)]
pub struct OnConflictPlan {
    /// The unique indexes whose keys may be there already.
    pub indexes: Vec<GlobalId>,
    /// `DO UPDATE`; else such rows are left out.
    pub update: Option<ConflictUpdatePlan>,
}

/// `DO UPDATE`: over the columns of the row that is there, then those of the row proposed.
#[derive(Clone, Debug)]
pub struct ConflictUpdatePlan {
    /// The new row.
    pub row: Vec<ScalarExpr>,
    /// Whether it is changed at all.
    pub condition: Option<ScalarExpr>,
}

/// `RETURNING`
#[derive(Clone, Debug)]
pub struct ReturningPlan {
    /// Over the table's columns.
    pub exprs: Vec<ScalarExpr>,
    /// The result's columns.
    pub desc: RelationDesc,
}

/// `UPDATE` and `DELETE`
#[derive(Clone, Debug)]
pub struct ReadThenWritePlan {
    /// The table.
    pub table: GlobalId,
    /// The rows to change: the table's columns, then (for UPDATE) whatever `assignments` need.
    pub selection: RelExpr,
    /// For UPDATE: each column of the new row, over `selection`'s columns. None for DELETE.
    pub assignments: Option<Vec<ScalarExpr>>,
    /// What `RETURNING` gives for each changed row: the new row for UPDATE, the old for DELETE.
    pub returning: Option<ReturningPlan>,
}

/// `CREATE DATABASE`
#[derive(Clone, Debug)]
pub struct CreateDatabasePlan {
    /// Its name.
    pub name: String,
    /// Whether an existing one is fine.
    pub if_not_exists: bool,
}

/// `CREATE SCHEMA`
#[derive(Clone, Debug)]
pub struct CreateSchemaPlan {
    /// The database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Whether an existing one is fine.
    pub if_not_exists: bool,
}

/// `CREATE CLUSTER`
#[derive(Clone, Debug)]
pub struct CreateClusterPlan {
    /// Its name.
    pub name: String,
    /// A name of the size map.
    pub size: String,
    /// How many replicas.
    pub replication_factor: u32,
    /// Whether an existing one is fine.
    pub if_not_exists: bool,
}

/// `CREATE` of an item.
#[derive(Clone, Debug)]
pub struct CreateItemPlan {
    /// Its name; for an unnamed index a free one.
    pub name: ItemName,
    /// What it is.
    pub item: NewItem,
    /// Canonical SQL: names resolved to identifiers (see `crate::canonical`), so that it plans the same for ever.
    pub create_sql: String,
    /// What it refers to directly.
    pub depends_on: Vec<GlobalId>,
    /// Whether an existing one is fine.
    pub if_not_exists: bool,
    /// Whether an existing view of this name is replaced.
    pub replace: Option<GlobalId>,
}

/// `CREATE TABLE … AS`
#[derive(Clone, Debug)]
pub struct CreateTableAsPlan {
    /// The table.
    pub create: CreateItemPlan,
    /// Its first rows, if it has any, in the order of its columns.
    pub rows: Option<RelExpr>,
}

/// The kinds of items that a statement creates.
#[derive(Clone, Debug)]
pub enum NewItem {
    /// `CREATE TABLE`
    Table {
        /// Columns.
        desc: RelationDesc,
        /// Each column's default.
        defaults: Vec<ScalarExpr>,
        /// What its rows must differ in; each becomes an index.
        unique: Vec<UniqueConstraint>,
    },
    /// `CREATE VIEW`
    View {
        /// The query.
        expr: RelExpr,
        /// Its columns.
        desc: RelationDesc,
    },
    /// `CREATE MATERIALIZED VIEW`
    MaterializedView {
        /// The query.
        expr: RelExpr,
        /// Its columns.
        desc: RelationDesc,
        /// Where.
        cluster: ClusterId,
    },
    /// `CREATE INDEX`
    Index {
        /// What it indexes.
        on: GlobalId,
        /// By what.
        keys: Vec<ScalarExpr>,
        /// Where.
        cluster: ClusterId,
        /// Whether no two rows may have the same key, and why.
        unique: Option<Uniqueness>,
    },
    /// `CREATE SECRET`
    Secret {
        /// A constant of type bytea or text.
        value: ScalarExpr,
    },
    /// `CREATE CONNECTION`
    Connection {
        /// Its parameters.
        details: ConnectionDetails,
        /// Whether to try it first.
        validate: bool,
    },
    /// `CREATE SOURCE`; which tables there are is asked upstream before it becomes items.
    Source {
        /// What it reads; an empty slot name is filled in at creation.
        ingestion: Ingestion,
        /// Its columns, if it is a relation itself.
        desc: Option<RelationDesc>,
        /// Which tables.
        exports: ExportSelection,
        /// Where it runs.
        cluster: ClusterId,
        /// Columns to be read as text: upstream schema, table, column.
        text_columns: Vec<(String, String, String)>,
    },
    /// A table of a source, from its canonical SQL (`CREATE TABLE … FROM SOURCE … (REFERENCE …)`).
    SourceTable {
        /// The source.
        source: GlobalId,
        /// Which of its outputs.
        export: SourceExport,
    },
    /// `CREATE FUNCTION`
    Function(Arc<FunctionItem>),
    /// `CREATE TYPE`: an enum or a composite type without oids yet, a list or a map.
    Type(SqlType),
}

/// `UNIQUE` or `PRIMARY KEY` of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueConstraint {
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Positions of its columns.
    pub columns: Vec<usize>,
    /// `PRIMARY KEY`
    pub primary: bool,
}

/// Which upstream tables a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportSelection {
    /// None of its own: a generator that is a relation itself.
    None,
    /// `FOR ALL TABLES`
    AllTables,
    /// `FOR SCHEMAS (…)`
    Schemas(Vec<String>),
    /// `FOR TABLES (…)`: upstream name (one to three parts), name here.
    Tables(Vec<(Vec<String>, Option<String>)>),
}

/// One output of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceExport {
    /// Upstream schema.
    pub schema: String,
    /// Upstream table.
    pub table: String,
    /// Upstream oid, if the upstream has such.
    pub oid: u32,
    /// Columns here.
    pub desc: RelationDesc,
    /// For each column here the upstream column, by name.
    pub columns: Vec<ColumnName>,
    /// Columns of the upstream replica identity, by position here; all columns where it is FULL.
    pub identity: Vec<usize>,
}

/// A connection's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionDetails {
    /// `TO POSTGRES`
    Postgres(PostgresConnection),
}

/// How to reach a PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresConnection {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Role.
    pub user: StringOrSecret,
    /// Its password.
    pub password: Option<GlobalId>,
    /// Database.
    pub database: String,
    /// `disable`, `prefer`, `require`, `verify-ca`, `verify-full`
    pub ssl_mode: String,
    /// PEM of the certificate authority.
    pub ssl_certificate_authority: Option<StringOrSecret>,
}

/// A value given in the statement or kept as a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StringOrSecret {
    /// As given.
    String(String),
    /// The secret's identifier.
    Secret(GlobalId),
}

/// `FROM LOAD GENERATOR …`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadGenerator {
    /// `COUNTER`: 1, 2, 3 …
    Counter {
        /// Between two values.
        tick: Duration,
        /// How many values are kept, if not all.
        max_cardinality: Option<u64>,
    },
}

/// `DROP`
#[derive(Clone, Debug)]
pub struct DropPlan {
    /// What; dependents are found by environmentd.
    pub targets: Vec<DropTarget>,
    /// Whether dependents go too.
    pub cascade: bool,
    /// For the command tag: `TABLE`, `MATERIALIZED VIEW` …
    pub kind: &'static str,
    /// Notices for targets that do not exist, with `IF EXISTS`.
    pub missing: Vec<String>,
}

/// Something to drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropTarget {
    /// An item.
    Item(GlobalId),
    /// A schema: database, name.
    Schema(String, String),
    /// A database.
    Database(String),
    /// A cluster.
    Cluster(ClusterId),
}

/// `ALTER`
#[derive(Clone, Debug)]
pub struct AlterPlan {
    /// For the command tag.
    pub kind: &'static str,
    /// What; or a notice, if it does not exist and need not.
    pub target: Result<DropTarget, String>,
    /// What happens to it.
    pub change: Alteration,
}

/// What ALTER does.
#[derive(Clone, Debug)]
pub enum Alteration {
    /// Another name in the same place.
    Rename(String),
    /// Another name for a column: the present one, the new one.
    RenameColumn(String, String),
    /// A column of a table, and the text of its default; none takes it away.
    Default(String, Option<String>),
    /// Another owner.
    Owner(String),
    /// Another place: database, schema.
    Schema(String, String),
    /// Another value of a secret, a constant.
    Secret(ScalarExpr),
    /// Other values of an enum, with their places, in order.
    Labels(Vec<(f32, String)>),
    /// None that would be seen.
    Nothing,
}

/// `COMMENT ON`
#[derive(Clone, Debug)]
pub struct CommentPlan {
    /// What is commented on.
    pub target: CommentTarget,
    /// The comment; none takes it away.
    pub text: Option<String>,
}

/// What a comment is on.
#[derive(Clone, Debug)]
pub enum CommentTarget {
    /// An item (0), or one of its columns, from 1.
    Item(GlobalId, i32),
    /// A schema: database, name.
    Schema(String, String),
    /// A database.
    Database(String),
    /// A role.
    Role(String),
}

/// `EXPLAIN`
#[derive(Clone, Debug)]
pub struct ExplainPlan {
    /// Which stage.
    pub stage: ExplainStage,
    /// As JSON rather than text.
    pub json: bool,
    /// The query as typed, before decorrelation, printed by `sql`.
    pub raw: String,
    /// The query.
    pub query: RelExpr,
    /// Its finishing.
    pub finishing: RowSetFinishing,
    /// Its columns.
    pub desc: RelationDesc,
}

/// A stage of a query's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainStage {
    /// Typed, with subqueries.
    Raw,
    /// Without subqueries.
    Decorrelated,
    /// After transform.
    Optimized,
    /// As it is rendered.
    Physical,
    /// How much of each shard it reads.
    FilterPushdown,
}

impl ExplainStage {
    /// What the columns of the answer are called.
    pub fn titles(self) -> &'static [&'static str] {
        match self {
            ExplainStage::Raw => &["Raw Plan"],
            ExplainStage::Decorrelated => &["Decorrelated Plan"],
            ExplainStage::Optimized => &["Optimized Plan"],
            ExplainStage::Physical => &["Physical Plan"],
            ExplainStage::FilterPushdown => {
                &["Source", "Total Bytes", "Selected Bytes", "Total Parts", "Selected Parts"]
            }
        }
    }
}

/// `SET`
#[derive(Clone, Debug)]
pub struct SetVariablePlan {
    /// Lower case.
    pub name: String,
    /// Values as written; empty for DEFAULT.
    pub values: Vec<String>,
    /// Until the transaction's end only.
    pub local: bool,
}

/// What calling a function does besides its value.
#[derive(Clone, Debug)]
pub enum Effect {
    /// `set_config`
    Set(SetVariablePlan),
    /// `pg_sleep`
    Sleep(Duration),
}

/// `DISCARD`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// `ALL`
    All,
    /// `PLANS`
    Plans,
    /// `SEQUENCES`
    Sequences,
    /// `TEMP`
    Temp,
}

/// `BEGIN` and `SET TRANSACTION`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// `READ ONLY` (true) or `READ WRITE`.
    pub read_only: Option<bool>,
    /// Lower case: `serializable`, `read committed` …
    pub isolation: Option<String>,
}

/// `DECLARE`
#[derive(Clone, Debug)]
pub struct DeclarePlan {
    /// The cursor.
    pub name: String,
    /// A `Select` or `Subscribe`.
    pub inner: Box<Plan>,
}

/// `FETCH`
#[derive(Clone, Debug)]
pub struct FetchPlan {
    /// The cursor.
    pub name: String,
    /// How many rows; all that are there without one.
    pub count: Option<u64>,
    /// How long to wait for rows of a SUBSCRIBE; without one for ever (count given) or not at all (ALL).
    pub timeout: Option<Duration>,
}

/// `PREPARE`
#[derive(Clone, Debug)]
pub struct PreparePlan {
    /// Its name.
    pub name: String,
    /// The statement's text.
    pub sql: String,
    /// Declared parameter types.
    pub param_types: Vec<SqlType>,
}

/// `EXECUTE`
#[derive(Clone, Debug)]
pub struct ExecutePlan {
    /// The prepared statement.
    pub name: String,
    /// Values of its parameters, constants.
    pub params: Vec<ScalarExpr>,
}

/// What a statement returns and takes, known before it runs.
#[derive(Clone, Debug, Default)]
pub struct StatementDesc {
    /// The result's columns; none if it returns no rows.
    pub relation: Option<RelationDesc>,
    /// Its parameters' types.
    pub params: Vec<SqlType>,
    /// Whether it starts a COPY.
    pub is_copy: bool,
}

/// A statement's parameter values: one row, and their types.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// The values.
    pub values: Row,
    /// Their types.
    pub types: Vec<SqlType>,
}

/// Milliseconds since 1970, the value of a constant time expression.
pub type ReadTimestamp = Timestamp;
