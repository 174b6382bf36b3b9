//! The shared language of plans: scalar expressions, relational plans, physical plans; their evaluation and explanation.
//!
//! `sql` produces [`RelExpr`], `transform` improves it and lowers it to [`Plan`], `dataflow` renders that. All of
//! it is pure: same input, same output.

pub mod aggregate;
pub mod dataflow;
pub mod explain;
pub mod extent;
pub mod func;
pub mod interpret;
pub mod mfp;
pub mod plan;
pub mod plan_key;
pub mod relation;
mod relation_build;
mod relation_promises;
mod relation_scalars;
mod relation_type;
pub mod scalar;
pub mod sort_key;
pub mod stack;
pub mod table_func;
pub mod temporal;
pub mod visit;
pub mod window;

pub use aggregate::{AggregateExpr, AggregateFunc};
pub use dataflow::{BuildDesc, DataflowDescription, IndexDesc, SinkConnection, SinkDesc, SourceImport};
pub use func::{Func, FuncDef};
pub use mfp::Mfp;
pub use plan::Plan;
pub use relation::{ColumnOrder, Id, RelExpr, RowSetFinishing};
pub use scalar::{ScalarExpr, Unmaterializable};
pub use table_func::TableFunc;
pub use visit::LocalIds;
pub use window::{WindowExpr, WindowFunc};
