//! A session's view of a catalog snapshot: what `sql` resolves names against.

use super::{Catalog, Cluster, SYSTEM_SCHEMAS};
use crate::session::SessionContext;
use repr::text::TextSettings;
use repr::{ClusterId, GlobalId, SqlError, SqlState, SqlType};
use sql::catalog::{CatalogItem, ItemDetails, ItemName, SessionCatalog, TEMPORARY_PREFIX, quote_ident};
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
        let own = temporary_schema(self.cx.connection_id);
        let own = Some(own).filter(|own| self.catalog.schema(Some(&self.cx.database), own).is_some());
        own.into_iter().chain(implicit.map(|s| s.to_string())).chain(explicit.iter().cloned()).collect()
    }

    /// What an oid of `regclass` and its like is called; none if it is of another type, or unknown.
    pub fn oid_name(&self, ty: &SqlType, oid: u32) -> Option<String> {
        match ty {
            _ if oid == 0 => None,
            SqlType::Regclass => {
                let item = &self.catalog.entries().find(|entry| entry.item.oid == oid)?.item;
                let visible =
                    self.resolve(std::slice::from_ref(&item.name.item)).is_some_and(|found| found.id == item.id);
                let (schema, own) = (quote_ident(&item.name.schema), quote_ident(&item.name.item));
                Some(if visible { own } else { format!("{schema}.{own}") })
            }
            SqlType::Regtype => repr::pg::from_oid(oid).map(|ty| ty.to_string()),
            SqlType::Regproc => super::system::function_name(oid).map(str::to_string),
            _ => None,
        }
    }

    /// The oid that a name stands for where `regclass` or its like is expected; none if it is not expected, or a number.
    pub fn oid_of(&self, ty: &SqlType, name: &str) -> Option<u32> {
        match ty {
            SqlType::Regclass => self.resolve(&sql::catalog::split_name(name)).map(|item| item.oid),
            SqlType::Regtype => SqlType::from_format(&name.to_lowercase()).map(|ty| repr::pg::oid(&ty)),
            SqlType::Regproc => super::system::function_oid(name),
            _ => None,
        }
    }

    fn in_schema(&self, database: &str, schema: &str, item: &str) -> Option<&CatalogItem> {
        let own = temporary_schema(self.cx.connection_id);
        let schema = if is_temporary_alias(schema) { &own } else { schema };
        let database = (!is_system_schema(schema)).then(|| database.to_string());
        self.catalog.by_name(&ItemName { database, schema: schema.to_string(), item: item.to_string() })
    }

    fn active(&self) -> Option<&Cluster> {
        self.catalog.cluster_by_name(&self.cx.cluster)
    }

    fn creatable(&self, database: &str, schema: &str, item: &str) -> Result<ItemName, SqlError> {
        if is_temporary_alias(schema) {
            return self.temporary(&[item.to_string()]);
        }
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

/// The schema of a session's temporary objects.
pub fn temporary_schema(connection_id: u32) -> String {
    format!("{TEMPORARY_PREFIX}{connection_id}")
}

/// The names by which every session knows its own.
fn is_temporary_alias(schema: &str) -> bool {
    matches!(schema, "pg_temp" | "mz_temp")
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

    fn temporary(&self, name: &[String]) -> Result<ItemName, SqlError> {
        let schema = temporary_schema(self.cx.connection_id);
        match name {
            [item] => Ok(ItemName { database: Some(self.cx.database.clone()), schema, item: item.clone() }),
            [named, item] if is_temporary_alias(named) || *named == schema => {
                Ok(ItemName { database: Some(self.cx.database.clone()), schema, item: item.clone() })
            }
            _ => {
                let what = "cannot create temporary relation in non-temporary schema";
                Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, what))
            }
        }
    }

    fn exists(&self, name: &ItemName) -> bool {
        self.catalog.by_name(name).is_some()
    }

    fn unique_indexes(&self, table: GlobalId) -> Vec<&CatalogItem> {
        let is_unique = |item: &&CatalogItem| matches!(item.details, ItemDetails::Index { unique: Some(_), .. });
        self.catalog.used_by(table).filter_map(|id| self.catalog.item(id)).filter(is_unique).collect()
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
