//! The coordinator: what sessions ask of the environment.
//!
//! ```text
//!  select, subscribe ─▶ read ─▶ timestamp (oracle, holds) ─▶ transform ─▶ interpret here, or peek a replica
//!  prepare_write, commit ─▶ write ─▶ committer (group commit) ─▶ persist
//!  execute_ddl ─▶ ddl ─▶ committer (catalog) ─▶ controller
//! ```
//!
//! Sessions call [`Environment`] concurrently; only DDL and group commits are serialized. Nothing that reads passes through a single loop.

use crate::catalog::secrets::SecretStore;
use crate::catalog::sizes::ReplicaSizes;
use crate::catalog::store::CatalogStore;
use crate::catalog::system::SystemState;
use crate::catalog::{Catalog, SessionCatalogView};
use crate::controller::Controller;
use crate::orchestrator::Orchestrator;
use crate::session::SessionContext;
use committer::CommitterHandle;
use literals::Moment;
use persist::PersistClient;
use proto::Hello;
use repr::{Arena, GlobalId, Row, SqlError, SqlState, SqlType, Timestamp};
use std::sync::Arc;
use time::Oracle;
use tokio::sync::watch;

pub mod block;
pub mod bootstrap;
mod committer;
mod copy;
mod dataflows;
mod ddl;
mod explain;
mod literals;
mod lookup;
mod maintenance;
mod metrics;
mod read;
pub mod result;
mod scan;
pub mod sessions;
mod subscribe;
#[cfg(test)]
mod tests;
pub mod time;
pub mod timestamp;
mod unique;
mod upsert;
pub mod write;

pub use block::Block;
pub use bootstrap::{EnvironmentConfig, StartError};
pub use copy::CopyWriter;
pub use lookup::PreparedLookup;
pub use result::RowStream;
pub use sessions::{Activity, SessionHandle, SessionInfo, Sessions};
pub use subscribe::SubscribeStream;
pub use timestamp::ReadTransaction;
pub use unique::KeyChanges;
pub use write::{CommitError, PendingWrite};

/// What a DDL statement did.
#[derive(Clone, Debug)]
pub struct DdlOutcome {
    /// The command tag.
    pub tag: String,
    /// Notices for the client, in order.
    pub notices: Vec<SqlError>,
}

/// What an environment is, from its start to its end.
#[derive(Clone, Debug)]
pub struct EnvironmentInfo {
    /// As `mz_environment_id()` tells it.
    pub environment_id: String,
    /// When environmentd started, in microseconds since 2000-01-01 UTC.
    pub started_us: i64,
}

impl EnvironmentInfo {
    /// As `mz_version()` tells it.
    pub fn version(&self) -> String {
        format!("v{} (freshet {})", env!("CARGO_PKG_VERSION"), proto::build_id())
    }

    /// As `version()` tells it: tools read PostgreSQL's version from it.
    pub fn pg_version(&self) -> String {
        format!("PostgreSQL 15.0 on {}-{} (Freshet {})", std::env::consts::ARCH, std::env::consts::OS, self.version())
    }
}

/// The environment, shared by all sessions.
#[derive(Clone)]
pub struct Environment(Arc<Inner>);

struct Inner {
    info: EnvironmentInfo,
    epoch: u64,
    catalog: Arc<arc_swap::ArcSwap<Catalog>>,
    sessions: Sessions,
    oracle: Arc<Oracle>,
    committer: CommitterHandle,
    controller: Controller,
    persist: PersistClient,
    secrets: SecretStore,
    sizes: ReplicaSizes,
    turns: write::Turns,
    /// Held by one DDL statement at a time.
    store: tokio::sync::Mutex<CatalogStore>,
    orchestrator: Option<Arc<dyn Orchestrator>>,
    hello: Hello,
    /// Kept for as long as changes are pushed.
    push: std::sync::OnceLock<proto::push::PushClient>,
    fatal: watch::Receiver<Option<String>>,
    max_result_bytes: u64,
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

    /// The environment's identifier, as `mz_environment_id()` tells it.
    pub fn environment_id(&self) -> &str {
        &self.0.info.environment_id
    }

    /// Wall time: milliseconds since 1970.
    pub fn now_ms(&self) -> Timestamp {
        time::now_ms()
    }

    /// Wall time: microseconds since 2000-01-01 UTC.
    pub fn now_us(&self) -> i64 {
        time::now_us()
    }

    /// Whether statements can be served; an environment that has started is, until it cannot go on.
    pub fn is_ready(&self) -> bool {
        self.0.fatal.borrow().is_none()
    }

    /// Waits until the environment cannot go on, and says why.
    pub async fn failed(&self) -> String {
        let mut fatal = self.0.fatal.clone();
        match fatal.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            Ok(None) | Err(_) => "the committing task ended".to_string(),
        }
    }

    /// The values of constant expressions as a row of these types, as EXECUTE takes its parameters.
    pub fn evaluate_constants(
        &self,
        cx: &SessionContext,
        exprs: &[expr::ScalarExpr],
        types: &[SqlType],
    ) -> Result<Row, SqlError> {
        let mut cast = Vec::new();
        for (position, (expr, ty)) in exprs.iter().zip(types).enumerate() {
            cast.push(assign(expr.clone(), ty, position)?);
        }
        self.with_moment(cx, self.0.oracle.last(), |moment| cast.iter_mut().for_each(|expr| moment.replace(expr)));
        write::evaluate(&cast, &[], &Arena::new())
    }

    /// An item's name and its definition, with identifiers turned back to names.
    pub fn show_create(&self, cx: &SessionContext, id: GlobalId) -> Result<(String, String), SqlError> {
        let catalog = self.catalog();
        let view = catalog.for_session(cx);
        let item = catalog.item(id);
        let item = item.ok_or_else(|| SqlError::new(SqlState::UNDEFINED_TABLE, "the object was dropped"))?;
        if item.create_sql.is_empty() {
            let what = format!("the definition of {} cannot be shown", item.name);
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, what));
        }
        let constraints = crate::catalog::system::constraints_of(&catalog, id);
        Ok((item.name.to_string(), sql::canonical::display_with(&item.create_sql, &constraints, &view)))
    }

    /// Ends what runs beside sessions. The environment's shards and catalog are complete at any moment, so that there is nothing to save.
    pub async fn shutdown(&self) {
        if let Some(orchestrator) = &self.0.orchestrator {
            orchestrator.shutdown().await;
        }
    }

    /// Runs `f` with what literals are made of.
    fn with_moment<R>(&self, cx: &SessionContext, timestamp: Timestamp, f: impl FnOnce(&Moment<'_>) -> R) -> R {
        let view = self.catalog().for_session(cx);
        f(&self.moment(cx, &view, Some(timestamp)))
    }

    fn moment<'a>(
        &'a self,
        cx: &'a SessionContext,
        view: &'a SessionCatalogView,
        timestamp: Option<Timestamp>,
    ) -> Moment<'a> {
        Moment { cx, catalog: view, info: &self.0.info, timestamp }
    }

    /// What system relations are made of, now.
    fn system_state(&self, catalog: &Arc<Catalog>, cx: &SessionContext) -> SystemState {
        SystemState {
            catalog: catalog.clone(),
            database: cx.database.clone(),
            search_path: catalog.for_session(cx).search_path_with_implicit(),
            settings: cx.vars.overrides(),
            environment_id: self.0.info.environment_id.clone(),
            sizes: self.0.sizes.clone(),
            sessions: self.0.sessions.list(),
            sources: self.0.controller.source_states(),
            replicas: self.0.controller.replica_states(),
            collections: self.0.controller.collection_states(),
        }
    }
}

/// An expression cast to a parameter's type, as an assignment would.
fn assign(expr: expr::ScalarExpr, ty: &SqlType, position: usize) -> Result<expr::ScalarExpr, SqlError> {
    use expr::func::casts::CastContext;
    let from = expr.typ(&[]).ty;
    if from == *ty {
        return Ok(expr);
    }
    match expr::func::casts::lookup(&from, ty) {
        // A string's type was not written: it is read as whatever is wanted.
        Some((context, cast)) if context != CastContext::Explicit || from == SqlType::Text => {
            Ok(cast.apply_in(expr, ty, CastContext::Assignment))
        }
        _ => {
            let what =
                format!("parameter ${} of type {ty} cannot be coerced to the expected type {from}", position + 1);
            Err(SqlError::new(SqlState::DATATYPE_MISMATCH, what))
        }
    }
}
