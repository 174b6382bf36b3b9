//! The storaged process: flags, logging, exit codes.

use clap::Parser;
use persist::{PersistConfig, Settings};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs sources and fans out commits. Started by environmentd, or by hand together with `environmentd --orchestrator static`.
#[derive(Parser)]
#[command(name = "storaged", version)]
struct Args {
    /// Where environmentd connects
    #[arg(long, env = "MZ_CONTROLLER_LISTEN_ADDR", default_value = "127.0.0.1:2100")]
    controller_listen_addr: SocketAddr,
    /// Where the other processes connect for push
    #[arg(long, env = "MZ_STORAGE_LISTEN_ADDR", default_value = "127.0.0.1:2101")]
    storage_listen_addr: SocketAddr,
    /// Metrics and health
    #[arg(long, env = "MZ_INTERNAL_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:6878")]
    internal_http_listen_addr: SocketAddr,
    /// Consensus and catalog: sqlite:///path/to/metadata.db
    #[arg(long, env = "MZ_METADATA_BACKEND_URL", hide_env_values = true)]
    metadata_backend_url: String,
    /// Data: file:///path/to/directory
    #[arg(long, env = "MZ_PERSIST_BLOB_URL", hide_env_values = true)]
    persist_blob_url: String,
    /// File with the token that the processes of one environment share
    #[arg(long, env = "MZ_TOKEN_FILE", conflicts_with = "controller_token")]
    token_file: Option<PathBuf>,
    /// The token itself
    #[arg(long, env = "MZ_CONTROLLER_TOKEN", hide_env_values = true)]
    controller_token: Option<String>,
    /// Seconds without a controller after which the process exits
    #[arg(long, env = "MZ_IDLE_TIMEOUT", default_value_t = 60)]
    idle_timeout: u64,
    /// Where rows are kept that do not fit memory
    #[arg(long, env = "MZ_SCRATCH_DIRECTORY")]
    scratch_directory: Option<PathBuf>,
    /// Memory in MiB for the old rows of one source
    #[arg(long, env = "MZ_SOURCE_STATE_MIB", default_value_t = 1024)]
    source_state_mib: usize,
    /// What is logged, as tracing's filter directives
    #[arg(long, env = "MZ_LOG_FILTER", default_value = "info")]
    log_filter: String,
}

impl Args {
    fn into_config(self) -> Result<storaged::Config, String> {
        let token = match (self.token_file, self.controller_token) {
            (Some(path), _) => std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read the token file {}: {error}", path.display()))?,
            (None, token) => token.unwrap_or_default(),
        };
        Ok(storaged::Config {
            controller_listen_addr: self.controller_listen_addr,
            storage_listen_addr: self.storage_listen_addr,
            internal_http_listen_addr: self.internal_http_listen_addr,
            persist: PersistConfig {
                metadata_url: self.metadata_backend_url,
                blob_url: self.persist_blob_url,
                settings: Settings::default(),
            },
            token: token.trim().to_string(),
            idle_timeout: Duration::from_secs(self.idle_timeout),
            scratch_directory: self.scratch_directory.unwrap_or_else(std::env::temp_dir),
            state_bytes_max: self.source_state_mib << 20,
        })
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_new(&args.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match args.into_config().map_err(anyhow::Error::msg).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("storaged: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: storaged::Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut server = storaged::serve(config).await?;
    tracing::info!(
        "storaged listens on {} (controller), {} (storage)",
        server.controller_addr(),
        server.storage_addr()
    );
    tokio::select! {
        () = server.idle() => tracing::info!("no controller: exiting"),
        _ = terminate.recv() => tracing::info!("terminated"),
        _ = tokio::signal::ctrl_c() => tracing::info!("interrupted"),
    }
    Ok(())
}
