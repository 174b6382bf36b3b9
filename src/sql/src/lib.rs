//! Freshet's SQL: text → AST → names → types → relational plan. Pure: the catalog comes as a snapshot.

pub mod catalog;
pub mod plan;

pub use catalog::{CatalogItem, ItemDetails, ItemName, SessionCatalog};
pub use plan::Plan;
