//! A session's view of a catalog snapshot: what `sql` resolves names against.

use super::Catalog;
use crate::session::SessionContext;
use repr::{ClusterId, GlobalId, SqlError};
use sql::catalog::{CatalogItem, ItemName, SessionCatalog};
use std::sync::Arc;

/// A snapshot of the catalog with a session's names.
#[derive(Clone, Debug)]
pub struct SessionCatalogView {
    _catalog: Arc<Catalog>,
    cx: SessionContext,
}

impl SessionCatalogView {
    pub(super) fn new(catalog: Arc<Catalog>, cx: &SessionContext) -> Self {
        SessionCatalogView { _catalog: catalog, cx: cx.clone() }
    }
}

impl SessionCatalog for SessionCatalogView {
    fn resolve(&self, _name: &[String]) -> Option<&CatalogItem> {
        None
    }
    fn item(&self, _id: GlobalId) -> Option<&CatalogItem> {
        None
    }
    fn qualify(&self, _name: &[String]) -> Result<ItemName, SqlError> {
        Err(SqlError::internal("the catalog is empty"))
    }
    fn exists(&self, _name: &ItemName) -> bool {
        false
    }
    fn cluster(&self, _name: &str) -> Option<ClusterId> {
        None
    }
    fn active_cluster(&self) -> Result<ClusterId, SqlError> {
        Err(SqlError::internal("the catalog is empty"))
    }
    fn cluster_name(&self, _id: ClusterId) -> Option<&str> {
        None
    }
    fn current_database(&self) -> &str {
        &self.cx.database
    }
    fn search_path(&self) -> Vec<String> {
        Vec::new()
    }
    fn current_user(&self) -> &str {
        &self.cx.user
    }
    fn time_zone(&self) -> &str {
        &self.cx.time_zone
    }
}
