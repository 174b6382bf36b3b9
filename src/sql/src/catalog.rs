//! What planning needs to know of the catalog: items, and a session's view of them.

use crate::plan::{ConnectionDetails, LoadGenerator, SourceExport};
use expr::func::Volatility;
use expr::{RelExpr, ScalarExpr};
use repr::text::TextSettings;
use repr::{ClusterId, GlobalId, RelationDesc, SqlError, SqlType};
use sqlparser::ast::{Expr, Query};
use std::fmt;
use std::sync::Arc;

/// A fully qualified name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ItemName {
    /// Database; none for system schemas.
    pub database: Option<String>,
    /// Schema.
    pub schema: String,
    /// The item itself.
    pub item: String,
}

impl fmt::Display for ItemName {
    /// As SQL reads it back, quoted where it must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{}.", quote_ident(database))?;
        }
        write!(f, "{}.{}", quote_ident(&self.schema), quote_ident(&self.item))
    }
}

/// What the names of schemas begin with that belong to one session each.
pub const TEMPORARY_PREFIX: &str = "pg_temp_";

impl ItemName {
    /// Whether it is of a session alone.
    pub fn is_temporary(&self) -> bool {
        self.schema.starts_with(TEMPORARY_PREFIX)
    }
}

/// An identifier as SQL reads it back: in double quotes unless it is plain lower case.
pub fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The parts of a name as text: folded unless quoted.
pub fn split_name(name: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted, mut chars) = (Vec::new(), String::new(), false, name.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                part.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c if quoted => part.push(c),
            c => part.extend(c.to_lowercase()),
        }
    }
    parts.push(part);
    parts
}
/// What is added to the oid of a type to get the oid of arrays of it.
pub const ARRAY_OIDS: u32 = 1 << 30;

/// An object of the catalog, as planning sees it.
#[derive(Clone, Debug)]
pub struct CatalogItem {
    /// Its identifier, for ever.
    pub id: GlobalId,
    /// PostgreSQL's oid for it.
    pub oid: u32,
    /// Its present name.
    pub name: ItemName,
    /// Owner role.
    pub owner: String,
    /// Canonical SQL; empty for built-in items.
    pub create_sql: String,
    /// What it refers to directly.
    pub depends_on: Vec<GlobalId>,
    /// What it is.
    pub details: ItemDetails,
}

/// What a catalog item is.
#[derive(Clone, Debug)]
pub enum ItemDetails {
    /// A table that SQL writes.
    Table {
        /// Columns.
        desc: RelationDesc,
        /// Default of each column: a constant-free-of-columns expression, NULL if not declared.
        defaults: Vec<ScalarExpr>,
    },
    /// A source: the ingestion itself. A generator's source is also a relation.
    Source {
        /// Its columns, if it is a relation itself.
        desc: Option<RelationDesc>,
        /// What it reads.
        ingestion: Ingestion,
        /// Where it runs.
        cluster: ClusterId,
    },
    /// A table that a source writes.
    SourceTable {
        /// The source.
        source: GlobalId,
        /// Which of its outputs.
        export: SourceExport,
    },
    /// A view: a name for a query.
    View {
        /// The query, in terms of other items.
        expr: RelExpr,
        /// Its columns.
        desc: RelationDesc,
    },
    /// A view whose answer is kept in a shard.
    MaterializedView {
        /// The query.
        expr: RelExpr,
        /// Its columns.
        desc: RelationDesc,
        /// Where it is maintained.
        cluster: ClusterId,
    },
    /// An arrangement kept in a cluster.
    Index {
        /// What it indexes.
        on: GlobalId,
        /// By what, over its columns.
        keys: Vec<ScalarExpr>,
        /// Where it is maintained.
        cluster: ClusterId,
        /// Whether no two rows may have the same key, and why.
        unique: Option<Uniqueness>,
    },
    /// A secret; its value is elsewhere.
    Secret,
    /// A connection.
    Connection(ConnectionDetails),
    /// A type; an enum or a composite type knows the item's oid.
    Type(SqlType),
    /// A function whose body is SQL.
    Function(Arc<FunctionItem>),
    /// A system relation, whose rows environmentd makes.
    SystemRelation {
        /// Its columns.
        desc: RelationDesc,
    },
}

/// A function that a user made; a call becomes its body.
#[derive(Clone, Debug)]
pub struct FunctionItem {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Vec<FunctionArgument>,
    /// What it gives.
    pub result: FunctionResult,
    /// What it promises of its results.
    pub volatility: Volatility,
    /// Whether a NULL argument gives NULL, or no rows.
    pub strict: bool,
    /// Its body, over `$1` … and the arguments' names.
    pub body: Box<Query>,
}

/// An argument of a function.
#[derive(Clone, Debug)]
pub struct FunctionArgument {
    /// What the body calls it.
    pub name: Option<String>,
    /// Its type.
    pub ty: SqlType,
    /// What it is if it is left out.
    pub default: Option<Expr>,
}

/// What a function gives.
#[derive(Clone, Debug)]
pub enum FunctionResult {
    /// A value: of the body's first row.
    Value(SqlType),
    /// Rows of one value.
    SetOf(SqlType),
    /// Rows of named values.
    Table(Vec<(String, SqlType)>),
}

/// What demands that a table's rows differ in an index's key. Keys with NULL in them differ from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// `CREATE UNIQUE INDEX`
    Index,
    /// A `UNIQUE` constraint.
    Constraint,
    /// The `PRIMARY KEY`.
    PrimaryKey,
}

/// What a source reads.
#[derive(Clone, Debug)]
pub enum Ingestion {
    /// A PostgreSQL publication.
    Postgres {
        /// The connection.
        connection: GlobalId,
        /// The publication.
        publication: String,
        /// The replication slot, made with the source.
        slot: String,
    },
    /// A generator.
    LoadGenerator(LoadGenerator),
}

impl ItemDetails {
    /// The columns, if the item is a relation.
    pub fn desc(&self) -> Option<&RelationDesc> {
        match self {
            ItemDetails::Table { desc, .. }
            | ItemDetails::View { desc, .. }
            | ItemDetails::MaterializedView { desc, .. }
            | ItemDetails::SystemRelation { desc } => Some(desc),
            ItemDetails::SourceTable { export, .. } => Some(&export.desc),
            ItemDetails::Source { desc, .. } => desc.as_ref(),
            ItemDetails::Index { .. } | ItemDetails::Secret | ItemDetails::Connection(_) => None,
            ItemDetails::Type(_) | ItemDetails::Function(_) => None,
        }
    }

    /// An enum of these values, in order; it has no oid yet.
    pub fn enum_type(name: &ItemName, labels: Vec<(f32, String)>) -> Self {
        ItemDetails::Type(SqlType::Enum(Arc::new(repr::EnumType::new(0, 0, name.item.clone(), &labels))))
    }

    /// As an item of this oid, which types know.
    pub fn with_oid(mut self, oid: u32) -> Self {
        match &mut self {
            ItemDetails::Type(SqlType::Enum(ty)) => {
                let ty = Arc::make_mut(ty);
                (ty.oid, ty.array_oid) = (oid, ARRAY_OIDS + oid);
            }
            ItemDetails::Type(SqlType::Composite(ty)) => {
                let ty = Arc::make_mut(ty);
                (ty.oid, ty.array_oid) = (oid, ARRAY_OIDS + oid);
            }
            _ => {}
        }
        self
    }

    /// What users call it: `table`, `materialized-view` and so on.
    pub fn kind(&self) -> &'static str {
        match self {
            ItemDetails::Table { .. } | ItemDetails::SourceTable { .. } => "table",
            ItemDetails::Source { .. } => "source",
            ItemDetails::View { .. } | ItemDetails::SystemRelation { .. } => "view",
            ItemDetails::MaterializedView { .. } => "materialized-view",
            ItemDetails::Index { .. } => "index",
            ItemDetails::Secret => "secret",
            ItemDetails::Connection(_) => "connection",
            ItemDetails::Type(_) => "type",
            ItemDetails::Function(_) => "function",
        }
    }
}

/// Positions of the columns of a table's primary key; none if it has none.
pub fn primary_key(catalog: &dyn SessionCatalog, table: GlobalId) -> Vec<usize> {
    let key = |index: &CatalogItem| match &index.details {
        ItemDetails::Index { keys, unique: Some(Uniqueness::PrimaryKey), .. } => {
            let column = |key: &ScalarExpr| if let ScalarExpr::Column(column) = key { Some(*column) } else { None };
            keys.iter().map(column).collect::<Option<Vec<usize>>>()
        }
        _ => None,
    };
    catalog.unique_indexes(table).into_iter().find_map(key).unwrap_or_default()
}

/// A session's view of a catalog snapshot. Names are case-folded already.
pub trait SessionCatalog {
    /// The item that a possibly partial name (one to three parts) refers to on the search path, if there is one.
    fn resolve(&self, name: &[String]) -> Option<&CatalogItem>;

    /// The item with this identifier.
    fn item(&self, id: GlobalId) -> Option<&CatalogItem>;

    /// The full name for a new item called so: completed by the current database and the first schema of the search path that exists;
    /// an error if the database or schema named does not exist.
    fn qualify(&self, name: &[String]) -> Result<ItemName, SqlError>;

    /// The full name for a new item of this session alone.
    fn temporary(&self, _name: &[String]) -> Result<ItemName, SqlError> {
        Err(SqlError::unsupported("a temporary object"))
    }

    /// Whether an item of this very name exists.
    fn exists(&self, name: &ItemName) -> bool;

    /// The unique indexes of a table.
    fn unique_indexes(&self, _table: GlobalId) -> Vec<&CatalogItem> {
        Vec::new()
    }

    /// The cluster of this name.
    fn cluster(&self, name: &str) -> Option<ClusterId>;

    /// The cluster that new objects and queries use unless they say otherwise.
    fn active_cluster(&self) -> Result<ClusterId, SqlError>;

    /// A cluster's name.
    fn cluster_name(&self, id: ClusterId) -> Option<&str>;

    /// The current database.
    fn current_database(&self) -> &str;

    /// The schemas of the search path that exist.
    fn search_path(&self) -> Vec<String>;

    /// The session's role.
    fn current_user(&self) -> &str;

    /// How the session reads and prints values.
    fn text_settings(&self) -> TextSettings;

    /// The value of a session variable; none if there is no such variable.
    fn setting(&self, name: &str) -> Option<String>;
}
