//! A session: its variables, prepared statements, cursors and transaction, and how it executes statements.
//!
//! `pgwire` and `http` own one [`Session`] per client and feed it statements; it plans them and calls
//! [`crate::coord::Environment`]. Nothing here is shared between sessions.

pub mod block;
pub mod context;
pub mod copy_in;
pub mod create_table_as;
pub mod cursor;
pub mod execute;
pub mod prepared;
pub mod signal;
pub mod transaction;
pub mod vars;
pub mod write;

pub use context::{Isolation, SessionContext};
pub use execute::{Outcome, Rows, Session};
pub use vars::Vars;
