//! computed: maintains dataflows and answers peeks, as environmentd says. It never decides what to run.
//!
//! ```text
//!   environmentd ──commands──▶ process ──▶ worker threads (timely)
//!                ◀─responses── gather  ◀── frontiers, peek parts, subscribe batches
//! ```
//!
//! [`process`] takes one controller connection after the other and reconciles; each [`worker`] steps timely between commands and
//! slices of peeks; [`gather`] puts together what several workers say.

pub mod config;
mod gather;
mod http;
mod metrics;
mod peek;
mod process;
mod worker;

#[cfg(test)]
mod tests;

pub use config::Config;

use persist::{PersistClient, PersistConfig, Settings};
use proto::Hello;
use proto::push::PushClient;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running computed.
pub struct Server {
    /// Where it serves its controller.
    pub controller_addr: SocketAddr,
    /// Where it serves metrics and health.
    pub http_addr: SocketAddr,
    process: JoinHandle<process::Ended>,
    _push: Option<PushClient>,
    http: JoinHandle<()>,
}

impl Server {
    /// Waits until the process has no more to do: it was without a controller for too long, or its workers died.
    pub async fn ended(&mut self) -> process::Ended {
        (&mut self.process).await.unwrap_or(process::Ended::Failed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.abort();
        self.http.abort();
    }
}

/// Starts everything; returns once the ports are open.
pub async fn serve(config: Config) -> anyhow::Result<Server> {
    let stores = PersistConfig {
        metadata_url: config.metadata_url.clone(),
        blob_url: config.blob_url.clone(),
        settings: Settings::default(),
    };
    let persist = PersistClient::open(stores).await?;
    serve_with(config, persist).await
}

/// As [`serve`], over stores that are open already.
pub async fn serve_with(config: Config, persist: PersistClient) -> anyhow::Result<Server> {
    let hello = Hello::new(config.token.clone(), 0);
    let push = config.storage_addr.clone().map(|addr| PushClient::spawn_fixed(addr, persist.clone(), hello.clone()));
    let listener = TcpListener::bind(config.controller_listen_addr).await?;
    let sessions = proto::controller::serve(listener, hello)?;
    let controller_addr = sessions.local_addr();
    let http_listener = TcpListener::bind(config.internal_http_listen_addr).await?;
    let http_addr = http_listener.local_addr()?;
    let http = tokio::spawn(http::serve(http_listener));
    let process = process::Process::start(persist, config.workers)?;
    let process = tokio::spawn(process.run(sessions, config.idle_timeout));
    Ok(Server { controller_addr, http_addr, process, _push: push, http })
}
