//! Flags, each with its environment variable, and what they mean.

use anyhow::Context;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Maintains and reads dataflows for environmentd.
#[derive(Parser, Debug)]
#[command(name = "computed", version)]
pub struct Args {
    /// Where the controller connects
    #[arg(long, env = "MZ_CONTROLLER_LISTEN_ADDR", default_value = "127.0.0.1:2100")]
    controller_listen_addr: SocketAddr,
    /// Where metrics and health are served
    #[arg(long, env = "MZ_INTERNAL_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:6878")]
    internal_http_listen_addr: SocketAddr,
    /// Consensus: sqlite:///path
    #[arg(long, env = "MZ_METADATA_BACKEND_URL")]
    metadata_backend_url: String,
    /// Blobs: file:///path
    #[arg(long, env = "MZ_PERSIST_BLOB_URL")]
    persist_blob_url: String,
    /// The storaged that pushes changes
    #[arg(long, env = "MZ_STORAGE_ADDR")]
    storage_addr: Option<String>,
    /// Worker threads
    #[arg(long, env = "MZ_WORKERS", default_value_t = 1)]
    workers: usize,
    /// File with the token that all processes of the environment share
    #[arg(long, env = "MZ_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The token itself
    #[arg(long, env = "MZ_CONTROLLER_TOKEN", hide_env_values = true)]
    controller_token: Option<String>,
    /// Seconds without a controller after which the process exits
    #[arg(long, env = "MZ_IDLE_TIMEOUT", default_value_t = 60)]
    idle_timeout: u64,
}

/// What the flags mean.
#[derive(Clone)]
pub struct Config {
    /// Where the controller connects.
    pub controller_listen_addr: SocketAddr,
    /// Where metrics and health are served.
    pub internal_http_listen_addr: SocketAddr,
    /// Consensus.
    pub metadata_url: String,
    /// Blobs.
    pub blob_url: String,
    /// The hub of pushes, `host:port`; without it clocks are polled.
    pub storage_addr: Option<String>,
    /// Worker threads.
    pub workers: usize,
    /// Shared by the environment's processes.
    pub token: String,
    /// How long the process lives without a controller.
    pub idle_timeout: Duration,
}

impl TryFrom<Args> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Args) -> anyhow::Result<Config> {
        let token = match (args.controller_token, args.token_file) {
            (Some(token), _) => token,
            (None, Some(path)) => {
                let read = std::fs::read_to_string(&path);
                read.with_context(|| format!("cannot read --token-file {}", path.display()))?.trim().to_string()
            }
            (None, None) => anyhow::bail!("give --token-file or --controller-token"),
        };
        anyhow::ensure!((1..=256).contains(&args.workers), "--workers must be between 1 and 256");
        Ok(Config {
            controller_listen_addr: args.controller_listen_addr,
            internal_http_listen_addr: args.internal_http_listen_addr,
            metadata_url: args.metadata_backend_url,
            blob_url: args.persist_blob_url,
            storage_addr: args.storage_addr,
            workers: args.workers,
            token,
            idle_timeout: Duration::from_secs(args.idle_timeout),
        })
    }
}
