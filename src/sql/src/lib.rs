//! Freshet's SQL: text → AST → names → types → relational plan. Pure: the catalog comes as a snapshot.
//!
//! ```text
//! text ─parser─▶ AST ─query─▶ hir (typed, with subqueries) ─lower─▶ RelExpr (without)
//! ```

pub mod canonical;
pub mod catalog;
mod coerce;
mod hir;
mod lower;
mod overload;
pub mod parser;
pub mod plan;
pub mod query;
pub mod routines;
mod scope;
pub mod statement;
#[doc(hidden)]
pub mod testing;
pub mod types;

pub use catalog::{CatalogItem, ItemDetails, ItemName, SessionCatalog};
pub use parser::{ParsedStatement, Statement, parse};
pub use plan::Plan;
pub use query::{Lifetime, PlannedQuery, QueryContext, plan_query, plan_scalar};
pub use statement::{describe, plan, plan_generic};

/// The stack that walking the deepest admitted statement may need; see the limits in [`parser`].
const STACK_BYTES: usize = 512 << 20;
/// How much of the present stack must be left for a statement to be walked on it.
const STACK_RESERVE_BYTES: usize = 256 << 20;

/// Runs `f` with room for recursion as deep as the parser admits.
pub(crate) fn with_deep_stack<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_RESERVE_BYTES, STACK_BYTES, f)
}
