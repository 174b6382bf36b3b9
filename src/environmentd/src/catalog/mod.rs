//! The catalog: which objects exist, as an immutable snapshot that statements share.

use crate::session::SessionContext;
use std::sync::Arc;

pub mod view;

pub use view::SessionCatalogView;

/// One version of the catalog; never changes, a DDL statement makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Catalog {}

impl Catalog {
    /// The catalog as a session sees it, for `sql::plan`.
    pub fn for_session(self: &Arc<Self>, cx: &SessionContext) -> SessionCatalogView {
        SessionCatalogView::new(self.clone(), cx)
    }
}
