//! environmentd: sessions, catalog, timestamps, controllers.
//!
//! ```text
//!  pgwire, http ─▶ session ─▶ coord ─┬▶ catalog
//!                                    └▶ controller ─▶ orchestrator, computed, storaged
//! ```

pub mod catalog;
pub mod config;
pub mod controller;
pub mod coord;
pub mod copy;
mod data_directory;
pub mod http;
pub mod orchestrator;
pub mod pgwire;
pub mod session;
#[cfg(test)]
mod tests;

use anyhow::Context;
use catalog::secrets::SecretStore;
use config::Config;
use coord::{Environment, EnvironmentConfig};
use data_directory::DataDirectory;
use orchestrator::Orchestrator;
use orchestrator::process::{ProcessConfig, ProcessOrchestrator};
use persist::{PersistClient, PersistConfig, Settings};
use pgwire::Security;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A running environmentd.
pub struct Server {
    environment: Environment,
    sql_addr: SocketAddr,
    http_addr: SocketAddr,
    listeners: JoinSet<()>,
    // Declared last: the lock is released when all else has ended.
    _data_directory: DataDirectory,
}

/// Starts environmentd. Errors are one line each, for the operator.
pub async fn serve(config: Config) -> anyhow::Result<Server> {
    let tls = config.tls.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()));
    let security = Security::new(tls, config.admin_password.as_deref())?;
    let data_directory = DataDirectory::lock(&config.data_directory)?;
    // Ports before anything that takes long or changes something.
    let sql = listen(config.sql_listen_addr, "--sql-listen-addr").await?;
    let http = listen(config.http_listen_addr, "--http-listen-addr").await?;
    let internal_sql = listen(config.internal_sql_listen_addr, "--internal-sql-listen-addr").await?;
    let internal_http = listen(config.internal_http_listen_addr, "--internal-http-listen-addr").await?;
    let (sql_addr, http_addr) = (sql.local_addr()?, http.local_addr()?);
    let environment = open(&config, &data_directory).await?;
    let mut listeners = JoinSet::new();
    listeners.spawn(pgwire::serve(sql, environment.clone(), security));
    listeners.spawn(pgwire::serve(internal_sql, environment.clone(), Security::default()));
    listeners.spawn(http::serve(http, environment.clone()));
    listeners.spawn(http::serve(internal_http, environment.clone()));
    Ok(Server { environment, sql_addr, http_addr, listeners, _data_directory: data_directory })
}

async fn listen(addr: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr} (choose another with {flag})"))
}

async fn open(config: &Config, data_directory: &DataDirectory) -> anyhow::Result<Environment> {
    let (metadata_url, blob_url) = (config.metadata_url.clone(), config.blob_url.clone());
    let settings = Settings::default();
    let persist = PersistClient::open(PersistConfig { metadata_url, blob_url, settings }).await?;
    let token = data_directory.token()?;
    let orchestrator: Option<Arc<dyn Orchestrator>> = match &config.binaries {
        Some(binaries) => {
            let process = ProcessConfig {
                binaries: binaries.clone(),
                directory: data_directory.services(),
                token_file: data_directory.token_file(),
                metadata_url: config.metadata_url.clone(),
                blob_url: config.blob_url.clone(),
            };
            Some(Arc::new(ProcessOrchestrator::new(process).map_err(anyhow::Error::msg)?))
        }
        None => None,
    };
    let environment = EnvironmentConfig {
        persist,
        secrets: SecretStore::Directory(data_directory.secrets()),
        sizes: config.sizes.clone(),
        environment_id: config.environment_id.clone(),
        orchestrator,
        token,
        max_result_bytes: config.max_result_bytes,
    };
    Ok(Environment::open(environment).await?)
}

impl Server {
    /// Where SQL clients connect.
    pub fn sql_addr(&self) -> SocketAddr {
        self.sql_addr
    }

    /// Where HTTP clients connect.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// The environment itself.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Waits until it cannot go on, and says why.
    pub async fn failed(&self) -> String {
        self.environment.failed().await
    }

    /// Stops listening, and all services.
    pub async fn shutdown(mut self) {
        self.listeners.abort_all();
        self.environment.shutdown().await;
    }
}
