//! Compares Freshet with PostgreSQL on random queries: `fuzz [--seconds N] [--seed S] [--round R] [--rounds N] [--max N] [--verbose]`.
//!
//! What differs is printed as a script for psql, and the exit code says so. `--seed S --round R` repeats one round.

use anyhow::{Context, bail};
use std::process::ExitCode;
use tests::fuzz::{Config, run};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut config = Config { seconds: 60, seed: 0, round: 0, rounds_max: u64::MAX, differences_max: 10 };
    let mut verbose = false;
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        if flag == "--verbose" {
            verbose = true;
            continue;
        }
        let value: u64 = args.next().with_context(|| format!("{flag} takes a number"))?.parse()?;
        match flag.as_str() {
            "--seconds" => config.seconds = value,
            "--seed" => config.seed = value,
            "--round" => (config.round, config.rounds_max) = (value, 1),
            "--rounds" => config.rounds_max = value,
            "--max" => config.differences_max = value as usize,
            _ => bail!("unknown flag {flag}"),
        }
    }
    let summary = run(&config).await?;
    if verbose {
        summary.print_details();
    }
    println!("seed {}: {summary}", config.seed);
    Ok(if summary.differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
