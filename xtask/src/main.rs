//! Everything that is done with the sources: run them, test them, measure them.

mod ci;
mod dev;
mod install;
mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the three binaries (release) and run an environment; also `cargo dev`
    Dev {
        /// Flags for environmentd
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Run all tests: unit, SQL files, end to end
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Run SQL files against an environment of their own
    Slt {
        /// Also maintain every query as a view while all data goes and comes back
        #[arg(long)]
        views: bool,
        /// Files
        files: Vec<String>,
    },
    /// Compare with PostgreSQL on random tables, changes and queries
    FuzzSql {
        /// How long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Where chance starts; another one each time if it is left out
        #[arg(long)]
        seed: Option<u64>,
        /// Only this round of the seed
        #[arg(long)]
        round: Option<u64>,
        /// Also say what both refuse and what is not compared
        #[arg(long)]
        verbose: bool,
    },
    /// Maintain TPC-H's queries through random batches of changes, and compare with PostgreSQL
    Tpch {
        /// Scale factor, batches, seed
        args: Vec<String>,
    },
    /// Measure, side by side with PostgreSQL
    Bench {
        /// Only benchmarks whose name contains this
        filter: Option<String>,
    },
    /// What a change must pass: format, lints, all tests
    Ci,
    /// Write the generated sources of `proto` again
    Codegen,
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Dev { flags } => dev::dev(&flags),
        Command::Test { filter } => ci::test(filter.as_deref()),
        Command::Slt { views, files } => ci::slt(views, &files),
        Command::FuzzSql { seconds, seed, round, verbose } => ci::fuzz_sql(seconds, seed, round, verbose),
        Command::Tpch { args } => ci::tpch(&args),
        Command::Bench { filter } => ci::bench(filter.as_deref()),
        Command::Ci => ci::ci(),
        Command::Codegen => run::cargo(&["test", "-p", "proto", "--test", "codegen"]).rewrite().run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
