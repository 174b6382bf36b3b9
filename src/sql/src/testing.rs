//! A catalog in memory, for tests of planning: [`TestCatalog::new`] has some tables, [`TestCatalog::execute`] makes more items from SQL.
//!
//! It keeps the promises of [`SessionCatalog`] for one database, `materialize`, with the schemas `public` and `other`, and one cluster,
//! `quickstart`. Items that SQL makes are planned twice, as typed and from their canonical text, as they are when a server starts again.

#[cfg(test)]
pub(crate) mod database;

use crate::canonical::ID_MARK;
use crate::catalog::{CatalogItem, ItemDetails, ItemName, SessionCatalog};
use crate::plan::{CreateItemPlan, DropTarget, NewItem, Params, Plan};
use expr::ScalarExpr;
use repr::{ClusterId, ColumnType, Datum, GlobalId, RelationDesc, RelationType, Row, SqlError, SqlState, SqlType};

const DATABASE: &str = "materialize";
const SCHEMAS: &[&str] = &["public", "other"];
const SYSTEM_SCHEMAS: &[&str] = &["mz_catalog", "pg_catalog", "mz_internal", "information_schema"];
const CLUSTER: &str = "quickstart";
const FIRST_OID: u32 = 20_000;

/// A catalog in memory.
#[derive(Clone, Debug, Default)]
pub struct TestCatalog {
    items: Vec<CatalogItem>,
    next_user: u64,
    next_system: u64,
}

impl TestCatalog {
    /// The tables of the tests, and the system relations that SHOW reads.
    ///
    /// ```text
    /// t (a int, b int)    u (a int, c text)    other.t (x int)
    /// users (id int not null, name text, org_id int, created_at timestamptz)    orgs (id int not null, name text not null, plan varchar(10))
    /// items (id int8 not null, user_id int, price numeric(10,2), qty int2, ratio float8, note text, attrs jsonb, tags text[], day date, done bool)
    /// ```
    pub fn new() -> Self {
        let mut catalog = TestCatalog::empty();
        for (name, columns) in TABLES {
            catalog.add_table(name, columns);
        }
        catalog
    }

    /// The system relations that SHOW reads, and nothing else.
    pub fn empty() -> Self {
        let mut catalog = TestCatalog::default();
        for (name, columns) in SYSTEM_RELATIONS {
            catalog.add_system_relation(name, columns);
        }
        catalog
    }

    /// Adds a table: `schema.name` or `name`, and its columns as `name type [not null], …`.
    pub fn add_table(&mut self, name: &str, columns: &str) -> GlobalId {
        let desc = desc(columns);
        let null = |typ: &ColumnType| ScalarExpr::Literal(Ok(Row::pack([Datum::Null])), typ.ty.clone().nullable(true));
        let defaults = desc.typ.columns.iter().map(null).collect();
        let (schema, item) = name.split_once('.').unwrap_or(("public", name));
        let name = ItemName { database: Some(DATABASE.into()), schema: schema.into(), item: item.into() };
        self.add(name, ItemDetails::Table { desc, defaults }, String::new(), Vec::new())
    }

    fn add_system_relation(&mut self, item: &str, columns: &str) {
        self.next_system += 1;
        let id = GlobalId::System(self.next_system);
        let name = ItemName { database: None, schema: "mz_catalog".into(), item: item.into() };
        self.push(id, name, ItemDetails::SystemRelation { desc: desc(columns) }, String::new(), Vec::new());
    }

    /// Adds an item.
    pub fn add(
        &mut self,
        name: ItemName,
        details: ItemDetails,
        create_sql: String,
        depends_on: Vec<GlobalId>,
    ) -> GlobalId {
        self.next_user += 1;
        let id = GlobalId::User(self.next_user);
        self.push(id, name, details, create_sql, depends_on);
        id
    }

    fn push(
        &mut self,
        id: GlobalId,
        name: ItemName,
        details: ItemDetails,
        create_sql: String,
        depends_on: Vec<GlobalId>,
    ) {
        let oid = FIRST_OID + self.items.len() as u32;
        let owner = self.current_user().to_string();
        self.items.push(CatalogItem { id, oid, name, owner, create_sql, depends_on, details: details.with_oid(oid) });
    }

    /// Gives an item another name.
    pub fn rename(&mut self, id: GlobalId, to: &str) {
        for item in self.items.iter_mut().filter(|item| item.id == id) {
            item.name.item = to.to_string();
        }
    }

    /// Plans all statements of a text; those that create or drop items take effect.
    pub fn execute(&mut self, sql: &str) -> Result<Vec<Plan>, SqlError> {
        let mut plans = Vec::new();
        for statement in crate::parse(sql)? {
            let plan = crate::statement::plan(&*self, &statement, &Params::default())?;
            match &plan {
                Plan::CreateItem(create) => self.create(create)?,
                Plan::Drop(drop) => self.items.retain(|item| !drop.targets.contains(&DropTarget::Item(item.id))),
                _ => {}
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Adds what a plan creates, from its canonical text.
    fn create(&mut self, plan: &CreateItemPlan) -> Result<(), SqlError> {
        self.items.retain(|item| Some(item.id) != plan.replace);
        let none = || SqlError::internal("canonical text is not a statement");
        let stored = crate::parse(&plan.create_sql)?.pop().ok_or_else(none)?;
        let again = crate::statement::plan(&*self, &stored, &Params::default())?;
        let Plan::CreateItem(again) = again else {
            return Err(SqlError::internal(format!("canonical text creates nothing: {}", plan.create_sql)));
        };
        assert_eq!(again.create_sql, plan.create_sql, "canonical text is a fixed point");
        assert_eq!(again.name, plan.name, "canonical text has the same name");
        assert_eq!(again.depends_on, plan.depends_on, "canonical text has the same dependencies");
        self.add(plan.name.clone(), details(again.item), plan.create_sql.clone(), plan.depends_on.clone());
        Ok(())
    }

    fn by_name(&self, schema: &str, item: &str) -> Option<&CatalogItem> {
        self.items.iter().find(|i| i.name.schema == schema && i.name.item == item)
    }
}

/// What a new item becomes.
fn details(item: NewItem) -> ItemDetails {
    match item {
        NewItem::Table { desc, defaults, .. } => ItemDetails::Table { desc, defaults },
        NewItem::View { expr, desc } => ItemDetails::View { expr, desc },
        NewItem::MaterializedView { expr, desc, cluster } => ItemDetails::MaterializedView { expr, desc, cluster },
        NewItem::Index { on, keys, cluster, unique } => ItemDetails::Index { on, keys, cluster, unique },
        NewItem::Secret { .. } => ItemDetails::Secret,
        NewItem::Connection { details, .. } => ItemDetails::Connection(details),
        NewItem::Source { ingestion, desc, cluster, .. } => ItemDetails::Source { desc, ingestion, cluster },
        NewItem::SourceTable { source, export } => ItemDetails::SourceTable { source, export },
        NewItem::Type(ty) => ItemDetails::Type(ty),
        NewItem::Function(function) => ItemDetails::Function(function),
    }
}

/// Columns written as in CREATE TABLE.
fn desc(columns: &str) -> RelationDesc {
    let column = |desc: RelationDesc, column: &str| {
        let (column, nullable) = match column.strip_suffix(" not null") {
            Some(column) => (column, false),
            None => (column, true),
        };
        let (name, ty) = column.split_once(' ').expect("a name and a type");
        desc.with(name, sql_type(ty), nullable)
    };
    columns.split(", ").fold(RelationDesc::new(Vec::new(), RelationType::default()), column)
}

fn sql_type(ty: &str) -> SqlType {
    if let Some(element) = ty.strip_suffix("[]") {
        return SqlType::Array(Box::new(sql_type(element)));
    }
    match ty {
        "bool" => SqlType::Bool,
        "int2" => SqlType::Int2,
        "int" | "int4" => SqlType::Int4,
        "int8" => SqlType::Int8,
        "float4" => SqlType::Float4,
        "float8" => SqlType::Float8,
        "numeric" => SqlType::NUMERIC,
        "numeric(10,2)" => SqlType::Numeric(Some((10, 2))),
        "varchar(10)" => SqlType::Varchar(Some(10)),
        "bytea" => SqlType::Bytea,
        "date" => SqlType::Date,
        "timestamp" => SqlType::TIMESTAMP,
        "timestamptz" => SqlType::TIMESTAMPTZ,
        "interval" => SqlType::Interval,
        "jsonb" => SqlType::Jsonb,
        "uuid" => SqlType::Uuid,
        "oid" => SqlType::Oid,
        "text" => SqlType::Text,
        other => panic!("the fixture does not know the type {other}"),
    }
}

const TABLES: &[(&str, &str)] = &[
    ("t", "a int, b int"),
    ("u", "a int, c text"),
    ("other.t", "x int"),
    ("users", "id int not null, name text, org_id int, created_at timestamptz"),
    ("orgs", "id int not null, name text not null, plan varchar(10)"),
    (
        "items",
        "id int8 not null, user_id int, price numeric(10,2), qty int2, ratio float8, note text, attrs jsonb, tags text[], day date, \
         done bool",
    ),
];

const SYSTEM_RELATIONS: &[(&str, &str)] = &[
    ("mz_databases", "id text not null, oid oid not null, name text not null, owner_id text not null"),
    ("mz_schemas", "id text not null, oid oid not null, database_id text, name text not null, owner_id text not null"),
    (
        "mz_objects",
        "id text not null, oid oid not null, schema_id text not null, name text not null, type text not null, owner_id text not null, \
         cluster_id text",
    ),
    (
        "mz_tables",
        "id text not null, oid oid not null, schema_id text not null, name text not null, owner_id text not null",
    ),
    (
        "mz_views",
        "id text not null, oid oid not null, schema_id text not null, name text not null, owner_id text not null",
    ),
    (
        "mz_materialized_views",
        "id text not null, oid oid not null, schema_id text not null, name text not null, cluster_id text not null",
    ),
    (
        "mz_secrets",
        "id text not null, oid oid not null, schema_id text not null, name text not null, owner_id text not null",
    ),
    (
        "mz_connections",
        "id text not null, oid oid not null, schema_id text not null, name text not null, type text not null",
    ),
    (
        "mz_sources",
        "id text not null, oid oid not null, schema_id text not null, name text not null, type text not null, connection_id text, \
         size text, cluster_id text",
    ),
    (
        "mz_indexes",
        "id text not null, oid oid not null, name text not null, on_id text not null, cluster_id text not null",
    ),
    (
        "mz_index_columns",
        "index_id text not null, index_position int8 not null, on_position int8, on_expression text, nullable bool not null",
    ),
    (
        "mz_columns",
        "id text not null, name text not null, position int8 not null, nullable bool not null, type text not null, default text",
    ),
    ("mz_clusters", "id text not null, name text not null, size text, replication_factor int8"),
    ("mz_cluster_replicas", "id text not null, name text not null, cluster_id text not null, size text"),
];

impl SessionCatalog for TestCatalog {
    fn resolve(&self, name: &[String]) -> Option<&CatalogItem> {
        match name {
            [mark, id] if mark == ID_MARK => self.item(id.parse().ok()?),
            [item] => ["mz_catalog", "pg_catalog", "public"].iter().find_map(|schema| self.by_name(schema, item)),
            [schema, item] => self.by_name(schema, item),
            [database, schema, item] if database == DATABASE => self.by_name(schema, item),
            _ => None,
        }
    }

    fn item(&self, id: GlobalId) -> Option<&CatalogItem> {
        self.items.iter().find(|item| item.id == id)
    }

    fn qualify(&self, name: &[String]) -> Result<ItemName, SqlError> {
        let (database, schema, item) = match name {
            [item] => (DATABASE, "public", item),
            [schema, item] => (DATABASE, schema.as_str(), item),
            [database, schema, item] => (database.as_str(), schema.as_str(), item),
            _ => return Err(SqlError::new(SqlState::SYNTAX_ERROR, "improper qualified name")),
        };
        if SYSTEM_SCHEMAS.contains(&schema) {
            let message = format!("permission denied for schema {schema}");
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        if database != DATABASE {
            let message = format!("database \"{database}\" does not exist");
            return Err(SqlError::new(SqlState::INVALID_CATALOG_NAME, message));
        }
        if !SCHEMAS.contains(&schema) {
            let message = format!("schema \"{schema}\" does not exist");
            return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        Ok(ItemName { database: Some(database.into()), schema: schema.into(), item: item.clone() })
    }

    fn exists(&self, name: &ItemName) -> bool {
        self.items.iter().any(|item| item.name == *name)
    }

    fn cluster(&self, name: &str) -> Option<ClusterId> {
        (name == CLUSTER).then_some(ClusterId(1))
    }

    fn active_cluster(&self) -> Result<ClusterId, SqlError> {
        Ok(ClusterId(1))
    }

    fn cluster_name(&self, id: ClusterId) -> Option<&str> {
        (id == ClusterId(1)).then_some(CLUSTER)
    }

    fn current_database(&self) -> &str {
        DATABASE
    }

    fn search_path(&self) -> Vec<String> {
        vec!["public".to_string()]
    }

    fn current_user(&self) -> &str {
        "materialize"
    }

    fn text_settings(&self) -> repr::text::TextSettings {
        repr::text::TextSettings::DEFAULT
    }

    fn setting(&self, name: &str) -> Option<String> {
        (name == "server_version").then(|| "15.0".to_string())
    }
}
