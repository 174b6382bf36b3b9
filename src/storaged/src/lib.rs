//! storaged: brings the outside in. It runs the sources that environmentd asks for, writes them to persist, and is the hub of push.
//!
//! ```text
//!   environmentd ──2100──▶ server ──▶ ingestion ──┬─▶ postgres, counter        one task a source
//!                            ▲                    └─▶ ingestion::clock ──▶ persist
//!                            └──── report ◀── frontiers, statuses, statistics
//! ```
//!
//! storaged never decides what to run and keeps nothing that matters: killed at any moment, it goes on where persist says a source stands.

mod http;
mod ingestion;
mod postgres;
mod report;
mod server;

use persist::{PersistClient, PersistConfig};
use proto::Hello;
use proto::storage::{StorageCommand, StorageResponse};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What storaged needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where environmentd connects.
    pub controller_listen_addr: SocketAddr,
    /// Where the other processes connect for push.
    pub storage_listen_addr: SocketAddr,
    /// Metrics and health.
    pub internal_http_listen_addr: SocketAddr,
    /// The stores.
    pub persist: PersistConfig,
    /// Shared by the processes of one environment.
    pub token: String,
    /// Exit after this time without a controller.
    pub idle_timeout: Duration,
    /// Where old rows are kept that do not fit `state_bytes_max`; removed at exit.
    pub scratch_directory: PathBuf,
    /// Memory for the old rows of one source, which tables without full replica identity need.
    pub state_bytes_max: usize,
}

/// Why storaged cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Which.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The stores cannot be opened.
    #[error(transparent)]
    Persist(#[from] persist::PersistError),
}

/// A running storaged; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    controller_addr: SocketAddr,
    storage_addr: SocketAddr,
    http_addr: SocketAddr,
    main: JoinHandle<()>,
    http: JoinHandle<()>,
}

impl Server {
    /// Where environmentd connects.
    pub fn controller_addr(&self) -> SocketAddr {
        self.controller_addr
    }

    /// Where the hub listens.
    pub fn storage_addr(&self) -> SocketAddr {
        self.storage_addr
    }

    /// Where metrics and health are served.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Waits until no controller has been there for the idle timeout.
    pub async fn idle(&mut self) {
        // It ends by itself only when idle; a panic inside ends the process just as well.
        let _ = (&mut self.main).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.main.abort();
        self.http.abort();
    }
}

/// Starts storaged. Needs a multi-threaded runtime.
pub async fn serve(config: Config) -> Result<Server, StartError> {
    let persist = PersistClient::open(config.persist.clone()).await?;
    serve_with(config, persist).await
}

/// Starts storaged on stores that are already open.
pub async fn serve_with(config: Config, persist: PersistClient) -> Result<Server, StartError> {
    let controller = listen(config.controller_listen_addr).await?;
    let storage = listen(config.storage_listen_addr).await?;
    let http = listen(config.internal_http_listen_addr).await?;
    let at = |addr, result: std::io::Result<_>| result.map_err(|source| StartError::Listen { addr, source });
    let hello = Hello::new(config.token.clone(), 0);
    let http_addr = at(config.internal_http_listen_addr, http.local_addr())?;
    let hub = proto::push::serve_hub(storage, persist.clone(), hello.clone());
    let hub = hub.map_err(|source| StartError::Listen { addr: config.storage_listen_addr, source })?;
    let storage_addr = hub.local_addr();
    let sessions = proto::controller::serve::<StorageCommand, StorageResponse>(controller, hello);
    let sessions = sessions.map_err(|source| StartError::Listen { addr: config.controller_listen_addr, source })?;
    let controller_addr = sessions.local_addr();
    let reports = report::Reports::default();
    let http = tokio::spawn(http::serve(http, reports.clone()));
    let context = ingestion::Context {
        persist,
        reports: reports.clone(),
        scratch_directory: config.scratch_directory,
        state_bytes_max: config.state_bytes_max,
    };
    let main = tokio::spawn(async move {
        server::run(sessions, context, reports, config.idle_timeout).await;
        drop(hub);
    });
    Ok(Server { controller_addr, storage_addr, http_addr, main, http })
}

async fn listen(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|source| StartError::Listen { addr, source })
}

#[cfg(test)]
mod tests;
