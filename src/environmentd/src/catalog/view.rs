//! A session's view of a catalog snapshot: what `sql` resolves names against.

use super::{Catalog, Cluster, SYSTEM_SCHEMAS};
use crate::session::SessionContext;
use repr::text::TextSettings;
use repr::{ClusterId, GlobalId, SqlError, SqlState};
use sql::catalog::{CatalogItem, ItemName, SessionCatalog};
use std::sync::Arc;

/// The first part of a name that is an identifier: `"[id]"."u7"`, as canonical SQL has it.
const ID_MARK: &str = "[id]";

/// Schemas that are searched before those of the search path, unless it names them.
const IMPLICIT_SCHEMAS: [&str; 2] = ["mz_catalog", "pg_catalog"];

/// A snapshot of the catalog with a session's names.
#[derive(Clone, Debug)]
pub struct SessionCatalogView {
    catalog: Arc<Catalog>,
    cx: SessionContext,
}

impl SessionCatalogView {
    pub(super) fn new(catalog: Arc<Catalog>, cx: &SessionContext) -> Self {
        SessionCatalogView { catalog, cx: cx.clone() }
    }

    /// The snapshot.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The schemas that names are looked up in, with the implicit ones, as `current_schemas(true)` gives them.
    pub fn search_path_with_implicit(&self) -> Vec<String> {
        let explicit = self.search_path();
        let implicit = IMPLICIT_SCHEMAS.iter().filter(|schema| !explicit.iter().any(|s| s == *schema));
        implicit.map(|s| s.to_string()).chain(explicit.iter().cloned()).collect()
    }

    fn in_schema(&self, database: &str, schema: &str, item: &str) -> Option<&CatalogItem> {
        let database = (!is_system_schema(schema)).then(|| database.to_string());
        self.catalog.by_name(&ItemName { database, schema: schema.to_string(), item: item.to_string() })
    }

    fn active(&self) -> Option<&Cluster> {
        self.catalog.cluster_by_name(&self.cx.cluster)
    }

    fn creatable(&self, database: &str, schema: &str, item: &str) -> Result<ItemName, SqlError> {
        if is_system_schema(schema) {
            let message = format!("permission denied for schema {schema}");
            let detail = "System schemas cannot be changed.";
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message).detail(detail));
        }
        if self.catalog.database(database).is_none() {
            return Err(no_database(database));
        }
        if self.catalog.schema(Some(database), schema).is_none() {
            return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")));
        }
        Ok(ItemName { database: Some(database.to_string()), schema: schema.to_string(), item: item.to_string() })
    }
}

/// Whether a schema is built in; such names are reserved.
pub fn is_system_schema(name: &str) -> bool {
    SYSTEM_SCHEMAS.contains(&name)
}

pub(crate) fn no_database(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist"))
}

impl SessionCatalog for SessionCatalogView {
    fn resolve(&self, name: &[String]) -> Option<&CatalogItem> {
        match name {
            [mark, id] if mark == ID_MARK => self.catalog.item(id.parse().ok()?),
            [item] => self
                .search_path_with_implicit()
                .iter()
                .find_map(|schema| self.in_schema(&self.cx.database, schema, item)),
            [schema, item] => self.in_schema(&self.cx.database, schema, item),
            [database, schema, item] => {
                self.catalog.database(database)?;
                self.in_schema(database, schema, item)
            }
            _ => None,
        }
    }

    fn item(&self, id: GlobalId) -> Option<&CatalogItem> {
        self.catalog.item(id)
    }

    fn qualify(&self, name: &[String]) -> Result<ItemName, SqlError> {
        match name {
            [item] => match self.search_path().iter().find(|schema| !is_system_schema(schema)) {
                Some(schema) => self.creatable(&self.cx.database, schema, item),
                None if self.catalog.database(&self.cx.database).is_none() => Err(no_database(&self.cx.database)),
                None => Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in")),
            },
            [schema, item] => self.creatable(&self.cx.database, schema, item),
            [database, schema, item] => self.creatable(database, schema, item),
            _ => Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                format!("improper qualified name (too many dotted names): {}", name.join(".")),
            )),
        }
    }

    fn exists(&self, name: &ItemName) -> bool {
        self.catalog.by_name(name).is_some()
    }

    fn cluster(&self, name: &str) -> Option<ClusterId> {
        self.catalog.cluster_by_name(name).map(|cluster| cluster.id)
    }

    fn active_cluster(&self) -> Result<ClusterId, SqlError> {
        let missing = || {
            let message = format!("unknown cluster '{}'", self.cx.cluster);
            SqlError::new(SqlState::UNDEFINED_OBJECT, message).hint("Use SET cluster = … to choose another cluster.")
        };
        Ok(self.active().ok_or_else(missing)?.id)
    }

    fn cluster_name(&self, id: ClusterId) -> Option<&str> {
        self.catalog.cluster(id).map(|cluster| cluster.name.as_str())
    }

    fn current_database(&self) -> &str {
        &self.cx.database
    }

    fn search_path(&self) -> Vec<String> {
        let exists = |schema: &&String| {
            is_system_schema(schema) || self.catalog.schema(Some(&self.cx.database), schema).is_some()
        };
        self.cx.search_path.iter().filter(exists).cloned().collect()
    }

    fn current_user(&self) -> &str {
        &self.cx.user
    }

    fn text_settings(&self) -> TextSettings {
        self.cx.vars.text_settings()
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.cx.vars.get(name).ok().map(str::to_string)
    }
}
