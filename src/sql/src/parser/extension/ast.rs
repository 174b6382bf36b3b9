//! The syntax tree of our statements. Queries, expressions, types and column definitions are sqlparser's; names are not resolved yet.

use crate::catalog::Uniqueness;
use sqlparser::ast::{
    self, ColumnDef, DataType, Expr, Ident, ObjectName, Query, SelectItem, TableConstraint, TableWithJoins,
};

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `TABLE`, `WITH`
    Select(SelectStatement),
    /// `SUBSCRIBE`
    Subscribe(SubscribeStatement),
    /// `EXPLAIN`
    Explain(ExplainStatement),
    /// `COPY`
    Copy(CopyStatement),
    /// `INSERT`
    Insert(InsertStatement),
    /// `UPDATE`
    Update(UpdateStatement),
    /// `DELETE`
    Delete(DeleteStatement),
    /// `TRUNCATE`
    Truncate(Vec<ObjectName>),
    /// `CREATE DATABASE`
    CreateDatabase(CreateContainer),
    /// `CREATE SCHEMA`
    CreateSchema(CreateContainer),
    /// `CREATE CLUSTER`
    CreateCluster(CreateCluster),
    /// `CREATE TABLE`
    CreateTable(CreateTable),
    /// `CREATE TABLE … AS`, `SELECT … INTO`
    CreateTableAs(CreateTableAs),
    /// `CREATE TABLE … FROM SOURCE`
    CreateTableFromSource(CreateTableFromSource),
    /// `CREATE VIEW`, `CREATE MATERIALIZED VIEW`
    CreateView(CreateView),
    /// `CREATE INDEX`
    CreateIndex(CreateIndex),
    /// `CREATE SECRET`
    CreateSecret(CreateSecret),
    /// `CREATE CONNECTION`
    CreateConnection(CreateConnection),
    /// `CREATE SOURCE`
    CreateSource(CreateSource),
    /// `CREATE TYPE … AS ENUM`
    CreateType(CreateType),
    /// `CREATE FUNCTION`
    CreateFunction(CreateFunction),
    /// `DROP`
    Drop(DropStatement),
    /// `ALTER`
    Alter(AlterStatement),
    /// `ALTER ROLE`, whose attributes are not kept.
    AlterRole(Ident),
    /// `COMMENT ON`
    Comment(CommentStatement),
    /// `CREATE ROLE`
    CreateRole(Ident),
    /// `DROP ROLE`, with IF EXISTS or without.
    DropRoles(Vec<Ident>, bool),
    /// `GRANT` (true) or `REVOKE`, and the roles.
    Grant(bool, Vec<Ident>),
    /// `SHOW` of objects: a list.
    ShowObjects(ShowObjects),
    /// `SHOW CREATE kind name`
    ShowCreate(ObjectKind, ObjectName),
    /// `SHOW name`
    ShowVariable(String),
    /// `SHOW ALL`
    ShowAll,
    /// `SET`
    Set(SetStatement),
    /// `RESET name`, `RESET ALL`
    Reset(Option<String>),
    /// `DISCARD`
    Discard(crate::plan::Discard),
    /// `BEGIN`, `START TRANSACTION`
    Begin(crate::plan::TransactionModes),
    /// `SET TRANSACTION`
    SetTransaction(crate::plan::TransactionModes),
    /// `COMMIT`, `END`
    Commit,
    /// `ROLLBACK`, `ABORT`
    Rollback,
    /// `SAVEPOINT name`
    Savepoint(Ident),
    /// `RELEASE name`
    Release(Ident),
    /// `ROLLBACK TO name`
    RollbackTo(Ident),
    /// `VACUUM`, `ANALYZE`: the word, and tables that must exist.
    Maintain(&'static str, Vec<ObjectName>),
    /// `UNLISTEN`
    Unlisten,
    /// `DECLARE name CURSOR FOR statement`
    Declare(Ident, Box<Statement>),
    /// `FETCH`
    Fetch(FetchStatement),
    /// `CLOSE name`, `CLOSE ALL`
    Close(Option<Ident>),
    /// `PREPARE`
    Prepare(PrepareStatement),
    /// `EXECUTE name (values)`
    Execute(Ident, Vec<Expr>),
    /// `DEALLOCATE name`, `DEALLOCATE ALL`
    Deallocate(Option<Ident>),
    /// Known to be a statement, by its first words, and not served.
    Unsupported(String),
}

/// A time to read at.
#[derive(Clone, Debug, PartialEq)]
pub enum AsOf {
    /// `AS OF t`
    At(Expr),
    /// `AS OF AT LEAST t`
    AtLeast(Expr),
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectStatement {
    /// The query.
    pub query: Box<Query>,
    /// When.
    pub as_of: Option<AsOf>,
}

/// `SUBSCRIBE [TO] relation`
#[derive(Clone, Debug, PartialEq)]
pub struct SubscribeStatement {
    /// What.
    pub from: SubscribeRelation,
    /// `WITH (SNAPSHOT, PROGRESS)`
    pub options: Vec<WithOption>,
    /// From when.
    pub as_of: Option<AsOf>,
    /// Until before when.
    pub up_to: Option<Expr>,
}

/// What is subscribed to.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscribeRelation {
    /// A relation.
    Name(ObjectName),
    /// A query.
    Query(Box<Query>),
}

/// `EXPLAIN`
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainStatement {
    /// Which stage.
    pub stage: crate::plan::ExplainStage,
    /// `AS JSON`
    pub json: bool,
    /// What.
    pub of: Explained,
}

/// What is explained.
#[derive(Clone, Debug, PartialEq)]
pub enum Explained {
    /// A statement.
    Statement(Box<Statement>),
    /// `VIEW v`, `MATERIALIZED VIEW v`, `INDEX i`
    Object(ObjectKind, ObjectName),
}

/// `COPY`
#[derive(Clone, Debug, PartialEq)]
pub struct CopyStatement {
    /// What is copied.
    pub relation: CopyRelation,
    /// `FROM STDIN` rather than `TO STDOUT`.
    pub from_stdin: bool,
    /// Options, with or without WITH.
    pub options: Vec<WithOption>,
    /// `WHERE`, of COPY FROM.
    pub selection: Option<Expr>,
}

/// What is copied.
#[derive(Clone, Debug, PartialEq)]
pub enum CopyRelation {
    /// A relation, with its columns if given.
    Table(ObjectName, Vec<Ident>),
    /// A `SELECT` or `SUBSCRIBE` in parentheses.
    Statement(Box<Statement>),
}

/// `INSERT`
#[derive(Clone, Debug, PartialEq)]
pub struct InsertStatement {
    /// Table.
    pub table: ObjectName,
    /// `AS alias`
    pub alias: Option<Ident>,
    /// Columns, if given.
    pub columns: Vec<Ident>,
    /// Rows; none for `DEFAULT VALUES`.
    pub source: Option<Box<Query>>,
    /// `ON CONFLICT`
    pub on_conflict: Option<OnConflict>,
    /// `RETURNING`
    pub returning: Vec<SelectItem>,
}

/// `ON CONFLICT`: what to do with a row whose key is there already.
#[derive(Clone, Debug, PartialEq)]
pub struct OnConflict {
    /// Which key.
    pub target: ConflictTarget,
    /// `DO UPDATE`; else `DO NOTHING`.
    pub update: Option<ConflictUpdate>,
}

/// Which unique index `ON CONFLICT` speaks of.
#[derive(Clone, Debug, PartialEq)]
pub enum ConflictTarget {
    /// Any.
    Any,
    /// The one with these keys, in any order.
    Keys(Vec<Expr>),
    /// The constraint of this name.
    Constraint(Ident),
}

/// `DO UPDATE SET … [WHERE …]`
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictUpdate {
    /// `SET`
    pub assignments: Vec<ast::Assignment>,
    /// `WHERE`
    pub selection: Option<Expr>,
}

/// `UPDATE`
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateStatement {
    /// Table.
    pub table: ObjectName,
    /// `AS alias`
    pub alias: Option<Ident>,
    /// `SET`
    pub assignments: Vec<ast::Assignment>,
    /// `FROM`
    pub from: Vec<TableWithJoins>,
    /// `WHERE`
    pub selection: Option<Expr>,
    /// `RETURNING`
    pub returning: Vec<SelectItem>,
}

/// `DELETE`
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteStatement {
    /// Table.
    pub table: ObjectName,
    /// `AS alias`
    pub alias: Option<Ident>,
    /// `USING`
    pub using: Vec<TableWithJoins>,
    /// `WHERE`
    pub selection: Option<Expr>,
    /// `RETURNING`
    pub returning: Vec<SelectItem>,
}

/// `CREATE DATABASE`, `CREATE SCHEMA`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateContainer {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
}

/// `CREATE CLUSTER`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateCluster {
    /// Name.
    pub name: Ident,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `SIZE`, `REPLICATION FACTOR`
    pub options: Vec<WithOption>,
}

/// `CREATE TABLE`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `TEMP`
    pub temporary: bool,
    /// Columns.
    pub columns: Vec<ColumnDef>,
    /// Constraints of the table.
    pub constraints: Vec<TableConstraint>,
}

/// `CREATE TABLE name (columns) AS query`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAs {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `TEMP`
    pub temporary: bool,
    /// Names of the columns, if not those of the query.
    pub columns: Vec<Ident>,
    /// Where its rows come from.
    pub query: Box<Query>,
    /// Whether they are written; else the table is empty: `WITH NO DATA`.
    pub with_data: bool,
}

/// `CREATE TABLE name (columns) FROM SOURCE source (REFERENCE schema.table) WITH (DETAILS = '…')`: how a table of a source is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableFromSource {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Columns.
    pub columns: Vec<ColumnDef>,
    /// The source.
    pub source: ObjectName,
    /// Which of its outputs.
    pub reference: ObjectName,
    /// `DETAILS`
    pub options: Vec<WithOption>,
}

/// `CREATE VIEW`, `CREATE MATERIALIZED VIEW`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// Name.
    pub name: ObjectName,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `TEMP`
    pub temporary: bool,
    /// `MATERIALIZED`
    pub materialized: bool,
    /// Names of its first columns.
    pub columns: Vec<Ident>,
    /// `IN CLUSTER`
    pub cluster: Option<Ident>,
    /// What it shows.
    pub query: Box<Query>,
}

/// `CREATE INDEX`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// Name, if given.
    pub name: Option<Ident>,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `DEFAULT`: by a key of the relation, or by all its columns.
    pub default: bool,
    /// `UNIQUE`; for a constraint of the table, `AS UNIQUE` or `AS PRIMARY KEY` at the end of its definition tells.
    pub unique: Option<Uniqueness>,
    /// `IN CLUSTER`
    pub cluster: Option<Ident>,
    /// What is indexed.
    pub on: ObjectName,
    /// By what.
    pub keys: Vec<Expr>,
}

/// A value of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumLabel {
    /// What it is called.
    pub text: String,
    /// Its place in the order; none if that is its number among the labels.
    pub place: Option<f32>,
}

/// `CREATE TYPE name AS …`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateType {
    /// Its name.
    pub name: ObjectName,
    /// What it is.
    pub definition: TypeDefinition,
}

/// `CREATE FUNCTION … LANGUAGE SQL`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateFunction {
    /// `OR REPLACE`
    pub or_replace: bool,
    /// Its name.
    pub name: ObjectName,
    /// Its arguments.
    pub args: Vec<FunctionParameter>,
    /// What it gives.
    pub returns: FunctionReturns,
    /// Whether the same arguments always give the same.
    pub volatility: FunctionVolatility,
    /// Whether a NULL argument gives NULL.
    pub strict: bool,
    /// The query that it stands for.
    pub body: Box<Query>,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionParameter {
    /// What the body calls it, besides `$n`.
    pub name: Option<Ident>,
    /// Its type.
    pub data_type: DataType,
    /// What it is if it is left out.
    pub default: Option<Expr>,
}

/// What a function gives.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionReturns {
    /// A value.
    Value(DataType),
    /// Rows of one value.
    SetOf(DataType),
    /// Rows of named values.
    Table(Vec<(Ident, DataType)>),
}

/// What a function promises of its results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FunctionVolatility {
    /// `IMMUTABLE`
    Immutable,
    /// `STABLE`
    Stable,
    /// `VOLATILE`
    #[default]
    Volatile,
}

impl FunctionVolatility {
    /// Of SQL's word.
    pub fn of(word: &str) -> Self {
        match word {
            "IMMUTABLE" => FunctionVolatility::Immutable,
            "STABLE" => FunctionVolatility::Stable,
            _ => FunctionVolatility::Volatile,
        }
    }

    /// SQL's word.
    pub fn word(self) -> &'static str {
        match self {
            FunctionVolatility::Immutable => "IMMUTABLE",
            FunctionVolatility::Stable => "STABLE",
            FunctionVolatility::Volatile => "VOLATILE",
        }
    }
}

/// What a new type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeDefinition {
    /// `ENUM (labels)`: the values, in order.
    Enum(Vec<EnumLabel>),
    /// `(name type, …)`
    Composite(Vec<(Ident, DataType)>),
    /// `LIST (ELEMENT TYPE = type)`
    List(DataType),
    /// `MAP (KEY TYPE = text, VALUE TYPE = type)`
    Map(DataType),
}

/// `CREATE SECRET`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSecret {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Its value; stored statements have another in its place.
    pub value: Expr,
}

/// `CREATE CONNECTION … TO POSTGRES (…)`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateConnection {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `HOST`, `PORT` …
    pub options: Vec<WithOption>,
    /// `WITH (VALIDATE)`
    pub with: Vec<WithOption>,
}

/// `CREATE SOURCE`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSource {
    /// Name.
    pub name: ObjectName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `IN CLUSTER`
    pub cluster: Option<Ident>,
    /// What it reads.
    pub from: SourceFrom,
    /// Which tables.
    pub tables: SourceTables,
}

/// What a source reads.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceFrom {
    /// `POSTGRES CONNECTION name (PUBLICATION …, TEXT COLUMNS …)`
    Postgres(ObjectName, Vec<WithOption>),
    /// `LOAD GENERATOR COUNTER (…)`
    Counter(Vec<WithOption>),
}

/// Which tables a source reads.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceTables {
    /// Not said.
    None,
    /// `FOR ALL TABLES`
    All,
    /// `FOR SCHEMAS (…)`
    Schemas(Vec<Ident>),
    /// `FOR TABLES (a [AS b], …)`
    Tables(Vec<(ObjectName, Option<ObjectName>)>),
}

/// `DROP`
#[derive(Clone, Debug, PartialEq)]
pub struct DropStatement {
    /// Which kind.
    pub kind: ObjectKind,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// Which ones.
    pub names: Vec<ObjectName>,
    /// `CASCADE`
    pub cascade: bool,
}

/// Kinds of objects, as statements name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// `TABLE`
    Table,
    /// `VIEW`
    View,
    /// `MATERIALIZED VIEW`
    MaterializedView,
    /// `INDEX`
    Index,
    /// `SOURCE`
    Source,
    /// `SECRET`
    Secret,
    /// `CONNECTION`
    Connection,
    /// `SCHEMA`
    Schema,
    /// `DATABASE`
    Database,
    /// `CLUSTER`
    Cluster,
    /// `CLUSTER REPLICA`
    ClusterReplica,
    /// `TYPE`
    Type,
    /// `FUNCTION`
    Function,
}

impl ObjectKind {
    /// All kinds; those whose words begin like others' come first.
    pub const ALL: &'static [ObjectKind] = &[
        ObjectKind::Table,
        ObjectKind::View,
        ObjectKind::MaterializedView,
        ObjectKind::Index,
        ObjectKind::Source,
        ObjectKind::Secret,
        ObjectKind::Connection,
        ObjectKind::Schema,
        ObjectKind::Database,
        ObjectKind::ClusterReplica,
        ObjectKind::Cluster,
        ObjectKind::Type,
        ObjectKind::Function,
    ];

    /// The words of SQL.
    pub fn words(self) -> &'static str {
        match self {
            ObjectKind::Table => "TABLE",
            ObjectKind::View => "VIEW",
            ObjectKind::MaterializedView => "MATERIALIZED VIEW",
            ObjectKind::Index => "INDEX",
            ObjectKind::Source => "SOURCE",
            ObjectKind::Secret => "SECRET",
            ObjectKind::Connection => "CONNECTION",
            ObjectKind::Schema => "SCHEMA",
            ObjectKind::Database => "DATABASE",
            ObjectKind::ClusterReplica => "CLUSTER REPLICA",
            ObjectKind::Cluster => "CLUSTER",
            ObjectKind::Type => "TYPE",
            ObjectKind::Function => "FUNCTION",
        }
    }

    /// In a message.
    pub fn noun(self) -> String {
        self.words().to_ascii_lowercase()
    }

    /// As `CatalogItem`'s `kind` names it.
    pub fn item_kind(self) -> String {
        self.noun().replace(' ', "-")
    }
}

/// `ALTER`
#[derive(Clone, Debug, PartialEq)]
pub struct AlterStatement {
    /// What kind of thing.
    pub kind: ObjectKind,
    /// Whether a missing one is fine.
    pub if_exists: bool,
    /// Which.
    pub name: ObjectName,
    /// What happens to it.
    pub action: AlterAction,
}

/// What ALTER does.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// `RENAME TO`
    Rename(Ident),
    /// `RENAME COLUMN a TO b`
    RenameColumn(Ident, Ident),
    /// `ALTER COLUMN a SET DEFAULT e`, `ALTER COLUMN a DROP DEFAULT`
    Default(Ident, Option<Expr>),
    /// `OWNER TO`
    Owner(Ident),
    /// `SET SCHEMA`
    Schema(ObjectName),
    /// `AS`: a secret's new value.
    Secret(Expr),
    /// `ADD VALUE`
    AddValue(AddValue),
    /// `ADD [CONSTRAINT name] …`
    AddConstraint(TableConstraint),
    /// `SET (parameters)`, `RESET (parameters)`: how PostgreSQL would store the object.
    Storage,
}

/// `ADD VALUE [IF NOT EXISTS] label [BEFORE | AFTER neighbour]`
#[derive(Clone, Debug, PartialEq)]
pub struct AddValue {
    /// The new value.
    pub label: String,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Where: whether before or after which other; at the end if nothing is said.
    pub beside: Option<(Side, String)>,
}

/// A side of something in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `BEFORE`
    Before,
    /// `AFTER`
    After,
}

/// `COMMENT ON`
#[derive(Clone, Debug, PartialEq)]
pub struct CommentStatement {
    /// What is commented on.
    pub on: CommentOn,
    /// The comment; none takes it away.
    pub text: Option<String>,
}

/// What COMMENT is on.
#[derive(Clone, Debug, PartialEq)]
pub enum CommentOn {
    /// An object of a kind.
    Object(ObjectKind, ObjectName),
    /// A column, after its relation's name.
    Column(ObjectName),
    /// A role.
    Role(Ident),
}

/// `SHOW TABLES` and its like.
#[derive(Clone, Debug, PartialEq)]
pub struct ShowObjects {
    /// Which list.
    pub list: ShowList,
    /// `FROM schema`, or for columns and indexes the relation.
    pub from: Option<ObjectName>,
    /// `IN CLUSTER`
    pub cluster: Option<Ident>,
    /// `LIKE`, `WHERE`
    pub filter: Option<ShowFilter>,
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShowList {
    /// `TABLES`
    Tables,
    /// `VIEWS`
    Views,
    /// `MATERIALIZED VIEWS`
    MaterializedViews,
    /// `INDEXES`
    Indexes,
    /// `SOURCES`
    Sources,
    /// `SECRETS`
    Secrets,
    /// `CONNECTIONS`
    Connections,
    /// `CLUSTERS`
    Clusters,
    /// `CLUSTER REPLICAS`
    ClusterReplicas,
    /// `DATABASES`
    Databases,
    /// `SCHEMAS`
    Schemas,
    /// `COLUMNS`
    Columns,
    /// `OBJECTS`
    Objects,
}

/// Which of a list are shown.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowFilter {
    /// Names like this.
    Like(String),
    /// Rows for which this is true.
    Where(Expr),
}

/// `SET`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetStatement {
    /// Lower case.
    pub name: String,
    /// Values; empty for DEFAULT.
    pub values: Vec<String>,
    /// `LOCAL`
    pub local: bool,
}

/// `FETCH`
#[derive(Clone, Debug, PartialEq)]
pub struct FetchStatement {
    /// The cursor.
    pub name: Ident,
    /// How many; none for ALL.
    pub count: Option<u64>,
    /// `WITH (TIMEOUT)`
    pub options: Vec<WithOption>,
}

/// `PREPARE name (types) AS statement`
#[derive(Clone, Debug, PartialEq)]
pub struct PrepareStatement {
    /// Name.
    pub name: Ident,
    /// Types of its parameters.
    pub param_types: Vec<DataType>,
    /// What is prepared.
    pub statement: Box<Statement>,
    /// Where its text begins: line and column, from 1.
    pub start: (u64, u64),
}

/// One option of a list in parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct WithOption {
    /// One of the names that the statement knows, upper case.
    pub name: &'static str,
    /// Its value.
    pub value: OptionValue,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// None given.
    None,
    /// A string or number.
    Text(String),
    /// A name or word.
    Name(ObjectName),
    /// `SECRET name`
    Secret(ObjectName),
    /// `(…, …)`
    List(Vec<OptionValue>),
}
