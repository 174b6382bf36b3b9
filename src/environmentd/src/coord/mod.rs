//! The coordinator: what sessions ask of the environment. Sessions call [`Environment`] concurrently; only DDL and group commits are serialized.

use crate::catalog::Catalog;
use crate::session::SessionContext;
use expr::{RelExpr, RowSetFinishing};
use repr::{GlobalId, SqlError, Timestamp};
use sql::plan::{ExplainPlan, Plan, SubscribePlan, When};
use std::sync::Arc;

pub mod result;
pub mod sessions;
pub mod timestamp;
pub mod write;

pub use result::{RowStream, SubscribeStream};
pub use sessions::{SessionInfo, Sessions};
pub use timestamp::ReadTransaction;
pub use write::{CommitError, PendingWrite};

/// What a DDL statement did.
#[derive(Clone, Debug)]
pub struct DdlOutcome {
    /// The command tag.
    pub tag: String,
    /// Notices for the client, in order.
    pub notices: Vec<SqlError>,
}

/// The environment, shared by all sessions.
#[derive(Clone)]
pub struct Environment(Arc<Inner>);

struct Inner {
    catalog: arc_swap::ArcSwap<Catalog>,
    sessions: Sessions,
}

impl Environment {
    /// The present catalog; immutable.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.load_full()
    }

    /// The connected sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Reads: chooses a time (or takes the transaction's), computes, and applies the finishing.
    pub async fn select(
        &self,
        _cx: &SessionContext,
        _source: &RelExpr,
        _when: &When,
        _finishing: &RowSetFinishing,
        _txn: Option<&mut ReadTransaction>,
    ) -> Result<RowStream, SqlError> {
        Err(SqlError::internal("not connected"))
    }

    /// Follows a relation or query; rows look as the plan's `output_desc` says.
    pub async fn subscribe(
        &self,
        _cx: &SessionContext,
        _plan: &SubscribePlan,
        _txn: Option<&mut ReadTransaction>,
    ) -> Result<SubscribeStream, SqlError> {
        Err(SqlError::internal("not connected"))
    }

    /// Computes what an `Insert` or `ReadThenWrite` plan changes, without changing it.
    pub async fn prepare_write(
        &self,
        _cx: &SessionContext,
        _plan: &Plan,
        _txn: Option<&mut ReadTransaction>,
    ) -> Result<PendingWrite, SqlError> {
        Err(SqlError::internal("not connected"))
    }

    /// Makes writes durable and visible, all at one time.
    pub async fn commit(&self, _cx: &SessionContext, _writes: Vec<PendingWrite>) -> Result<Timestamp, CommitError> {
        Err(SqlError::internal("not connected").into())
    }

    /// Runs a `CREATE` or `DROP` plan; returns when its effect is durable and visible.
    pub async fn execute_ddl(&self, _cx: &SessionContext, _plan: Plan) -> Result<DdlOutcome, SqlError> {
        Err(SqlError::internal("not connected"))
    }

    /// The text of an `EXPLAIN`.
    pub async fn explain(&self, _cx: &SessionContext, _plan: &ExplainPlan) -> Result<String, SqlError> {
        Err(SqlError::internal("not connected"))
    }

    /// An item's name and its definition, with identifiers turned back to names.
    pub fn show_create(&self, _cx: &SessionContext, _id: GlobalId) -> Result<(String, String), SqlError> {
        Err(SqlError::internal("not connected"))
    }

    /// The environment's identifier, as `mz_environment_id()` tells it.
    pub fn environment_id(&self) -> &str {
        ""
    }
}
