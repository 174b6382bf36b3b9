//! Flags, and what they mean. Every default is visible here.

use crate::catalog::sizes::ReplicaSizes;
use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The largest result of a SELECT.
const MAX_RESULT_BYTES: u64 = 1 << 30;

/// environmentd: sessions, catalog, timestamps, controllers.
#[derive(Debug, Parser)]
#[command(name = "environmentd", version, about)]
pub struct Args {
    /// Where the embedded defaults live.
    #[arg(long, env = "MZ_DATA_DIRECTORY", default_value = "./freshet-data")]
    data_directory: PathBuf,
    /// Catalog and consensus [default: sqlite://<data-directory>/metadata.db]
    #[arg(long, env = "MZ_METADATA_BACKEND_URL", hide_env_values = true)]
    metadata_backend_url: Option<String>,
    /// Data [default: file://<data-directory>/blob]
    #[arg(long, env = "MZ_PERSIST_BLOB_URL", hide_env_values = true)]
    persist_blob_url: Option<String>,
    /// SQL clients connect here.
    #[arg(long, env = "MZ_SQL_LISTEN_ADDR", default_value = "127.0.0.1:6875")]
    sql_listen_addr: SocketAddr,
    /// HTTP clients connect here.
    #[arg(long, env = "MZ_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:6876")]
    http_listen_addr: SocketAddr,
    /// Operators connect here with SQL.
    #[arg(long, env = "MZ_INTERNAL_SQL_LISTEN_ADDR", default_value = "127.0.0.1:6877")]
    internal_sql_listen_addr: SocketAddr,
    /// Metrics and health.
    #[arg(long, env = "MZ_INTERNAL_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:6878")]
    internal_http_listen_addr: SocketAddr,
    /// Who starts computed and storaged.
    #[arg(long, env = "MZ_ORCHESTRATOR", default_value = "process")]
    orchestrator: OrchestratorKind,
    /// A JSON map: name → workers, scale, cpu_limit, memory_limit [default: built in]
    #[arg(long, env = "MZ_CLUSTER_REPLICA_SIZES")]
    cluster_replica_sizes: Option<String>,
    /// Identifies the environment [default: made at first start]
    #[arg(long, env = "MZ_ENVIRONMENT_ID")]
    environment_id: Option<String>,
    /// PEM file of the certificate (chain) that SQL clients see.
    #[arg(long, env = "MZ_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of its private key.
    #[arg(long, env = "MZ_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The password of the role `materialize`, asked for at --sql-listen-addr.
    #[arg(long, env = "MZ_ADMIN_PASSWORD", hide_env_values = true)]
    admin_password: Option<String>,
    /// Listen beyond loopback although nobody is asked for a password.
    #[arg(long, env = "MZ_INSECURE")]
    insecure: bool,
    /// What is logged: `info`, `environmentd=debug` …
    #[arg(long, env = "MZ_LOG_FILTER", default_value = "info")]
    pub log_filter: String,
}

/// The orchestrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OrchestratorKind {
    /// Child processes on this machine.
    Process,
}

/// What [`crate::serve`] needs.
#[derive(Clone)]
pub struct Config {
    /// Lock, secrets, token and services' records are here.
    pub data_directory: PathBuf,
    /// Consensus.
    pub metadata_url: String,
    /// Blobs.
    pub blob_url: String,
    /// For SQL clients.
    pub sql_listen_addr: SocketAddr,
    /// For HTTP clients.
    pub http_listen_addr: SocketAddr,
    /// For operators, SQL.
    pub internal_sql_listen_addr: SocketAddr,
    /// For operators, HTTP.
    pub internal_http_listen_addr: SocketAddr,
    /// Certificate and key of the SQL listener.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The password of the role `materialize`.
    pub admin_password: Option<String>,
    /// The sizes that replicas can have.
    pub sizes: ReplicaSizes,
    /// The identifier that is expected.
    pub environment_id: Option<String>,
    /// Where computed and storaged are; without it nothing is started.
    pub binaries: Option<PathBuf>,
    /// The largest result of a SELECT, in bytes.
    pub max_result_bytes: u64,
}

impl Config {
    /// All defaults, on free ports, in a directory; without services: for tests.
    pub fn local(data_directory: PathBuf) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Config {
            metadata_url: sqlite_url(&data_directory),
            blob_url: blob_url(&data_directory),
            data_directory,
            sql_listen_addr: any,
            http_listen_addr: any,
            internal_sql_listen_addr: any,
            internal_http_listen_addr: any,
            tls: None,
            admin_password: None,
            sizes: ReplicaSizes::default(),
            environment_id: None,
            binaries: None,
            max_result_bytes: MAX_RESULT_BYTES,
        }
    }
}

impl TryFrom<Args> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Args) -> anyhow::Result<Self> {
        if args.admin_password.as_ref().is_some_and(String::is_empty) {
            bail!("--admin-password is empty");
        }
        let open = [(args.sql_listen_addr, args.admin_password.is_none()), (args.http_listen_addr, true)];
        for (addr, open) in open {
            if open && !addr.ip().is_loopback() && !args.insecure {
                bail!(
                    "nobody is asked for a password at {addr}: listen on 127.0.0.1, set --admin-password for SQL, or add --insecure"
                );
            }
        }
        let data_directory = std::path::absolute(&args.data_directory)
            .with_context(|| format!("data directory {}", args.data_directory.display()))?;
        let sizes = match &args.cluster_replica_sizes {
            Some(json) => ReplicaSizes::from_json(json).map_err(anyhow::Error::msg)?,
            None => ReplicaSizes::default(),
        };
        let binary = std::env::current_exe().context("cannot tell where environmentd is")?;
        let OrchestratorKind::Process = args.orchestrator;
        Ok(Config {
            metadata_url: args.metadata_backend_url.unwrap_or_else(|| sqlite_url(&data_directory)),
            blob_url: args.persist_blob_url.unwrap_or_else(|| blob_url(&data_directory)),
            data_directory,
            sql_listen_addr: args.sql_listen_addr,
            http_listen_addr: args.http_listen_addr,
            internal_sql_listen_addr: args.internal_sql_listen_addr,
            internal_http_listen_addr: args.internal_http_listen_addr,
            tls: args.tls_cert.zip(args.tls_key),
            admin_password: args.admin_password,
            sizes,
            environment_id: args.environment_id,
            binaries: binary.parent().map(PathBuf::from),
            max_result_bytes: MAX_RESULT_BYTES,
        })
    }
}

fn sqlite_url(data_directory: &std::path::Path) -> String {
    format!("sqlite://{}", data_directory.join("metadata.db").display())
}

fn blob_url(data_directory: &std::path::Path) -> String {
    format!("file://{}", data_directory.join("blob").display())
}
