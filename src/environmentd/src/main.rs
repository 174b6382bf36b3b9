//! The environmentd process: flags → config → serve.

use clap::Parser;
use environmentd::config::{Args, Config};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    expr::stack::deepen_threads();
    let args = Args::parse();
    let filter = EnvFilter::try_new(&args.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Config::try_from(args).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("environmentd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: Config) -> anyhow::Result<()> {
    // Before anything is started: a signal during the start ends it like one afterwards.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let server = environmentd::serve(config).await?;
    let addr = server.sql_addr();
    println!("Freshet is ready: psql -h {} -p {} -U materialize materialize", addr.ip(), addr.port());
    let failed = tokio::select! {
        reason = server.failed() => Some(reason),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    server.shutdown().await;
    match failed {
        Some(reason) => Err(anyhow::Error::msg(reason)),
        None => Ok(()),
    }
}
