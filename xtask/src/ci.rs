//! Tests, SQL files, random queries, benchmarks, and the sequence that a change must pass.
//!
//! One build profile serves all of them; tests that need processes find the binaries beside themselves.

use crate::install::install;
use crate::run::{cargo, program, target_dir};

/// Seconds of random queries in [`ci`], from each of its two seeds.
const FUZZ_SECONDS: u64 = 60;
/// The seed that is the same each time: what it finds was not there before.
const FUZZ_SEED: u64 = 15;

/// Format, lints, random queries from a fixed seed and from a fresh one, all tests; ends with the test runner's own line.
pub fn ci() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"]).run()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]).run()?;
    fuzz_sql(FUZZ_SECONDS, Some(FUZZ_SEED), None, false)?;
    fuzz_sql(FUZZ_SECONDS, None, None, false)?;
    test(None)
}

/// Random queries, answered by Freshet and by PostgreSQL; fails if answers differ. What it prints repeats it.
pub fn fuzz_sql(seconds: u64, seed: Option<u64>, round: Option<u64>, verbose: bool) -> anyhow::Result<()> {
    install()?;
    cargo(&["build", "--bins"]).run()?;
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = seed.unwrap_or(since_epoch.as_secs());
    let mut args = vec!["--seconds".to_string(), seconds.to_string(), "--seed".to_string(), seed.to_string()];
    args.extend(round.into_iter().flat_map(|round| ["--round".to_string(), round.to_string()]));
    args.extend(verbose.then(|| "--verbose".to_string()));
    cargo(&["run", "--quiet", "-p", "tests", "--bin", "fuzz", "--"]).args(args).run()
}

/// All tests. Unit tests first, then those that start processes, one after the other: each brings servers of its own.
pub fn test(filter: Option<&str>) -> anyhow::Result<()> {
    install()?;
    cargo(&["build", "--bins"]).run()?;
    cargo(&["test", "--workspace", "--exclude", "tests", "--exclude", "xtask", "--lib"]).args(filter).run()?;
    cargo(&["test", "-p", "proto", "-p", "xtask", "--tests"]).args(filter).run()?;
    cargo(&["test", "-p", "tests", "--tests"]).args(filter).args(["--", "--test-threads=1"]).run()
}

/// SQL files against an environment of their own.
pub fn slt(views: bool, files: &[String]) -> anyhow::Result<()> {
    cargo(&["build", "--bins"]).run()?;
    let views = views.then_some("--views");
    cargo(&["run", "--quiet", "-p", "tests", "--bin", "slt", "--"]).args(views).args(files).run()
}

/// Benchmarks, of the release build.
pub fn bench(filter: Option<&str>) -> anyhow::Result<()> {
    install()?;
    // What `cargo dev` builds, so that it is not built twice with other features.
    cargo(&["build", "--release", "--bins"]).run()?;
    cargo(&["build", "--release", "-p", "tests", "--bin", "bench"]).run()?;
    program(target_dir().join("release/bench"), &[]).args(filter).run()
}
