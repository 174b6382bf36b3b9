//! The computed process: flags → config → serve.

use clap::Parser;
use computed::config::{Args, Config};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    expr::stack::deepen_threads();
    let args = Args::parse();
    let filter = EnvFilter::try_from_env("MZ_LOG_FILTER").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    abort_on_panic();
    match Config::try_from(args).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("computed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: Config) -> anyhow::Result<()> {
    let mut server = computed::serve(config).await?;
    let terminated = async {
        let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        signal.recv().await;
        anyhow::Ok(())
    };
    tokio::select! {
        ended = server.ended() => tracing::info!("ending: {ended}"),
        result = terminated => result?,
        result = tokio::signal::ctrl_c() => result?,
    }
    // Workers hold no state that must be saved; joining them would wait for their present step.
    std::process::exit(0)
}

/// A worker that panics leaves the others waiting for ever: the whole process goes, and its controller starts another.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::abort();
    }));
}
