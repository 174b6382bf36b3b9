//! Tests, SQL files, random queries, benchmarks, and the sequence that a change must pass.
//!
//! One build profile and one selection of crates serve all of them (another selection has other features of the same dependencies, and
//! builds them again); tests that need processes find the binaries beside themselves.

use crate::install::install;
use crate::run::{Run, cargo, program, target_dir};

/// Random queries in [`ci`]: rounds of a seed in which nothing differed, in so many seconds at most. Other seeds are a command of their own for as
/// long as they find something.
const FUZZ: &[&str] = &["--seed", "15", "--rounds", "60", "--seconds", "120"];

/// Format, lints, random queries, all tests; ends with the test runner's own line.
pub fn ci() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"]).run()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]).run()?;
    install()?;
    build()?;
    built("fuzz").args(FUZZ).run()?;
    test(None)
}

/// Random queries, answered by Freshet and by PostgreSQL; fails if answers differ. What it prints repeats it.
pub fn fuzz_sql(seconds: u64, seed: Option<u64>, round: Option<u64>, verbose: bool) -> anyhow::Result<()> {
    install()?;
    build()?;
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = seed.unwrap_or(since_epoch.as_secs());
    let mut args = vec!["--seconds".to_string(), seconds.to_string(), "--seed".to_string(), seed.to_string()];
    args.extend(round.into_iter().flat_map(|round| ["--round".to_string(), round.to_string()]));
    args.extend(verbose.then(|| "--verbose".to_string()));
    built("fuzz").args(args).run()
}

/// All tests. Unit tests first, then those that start processes, one after the other: each brings servers of its own.
pub fn test(filter: Option<&str>) -> anyhow::Result<()> {
    install()?;
    build()?;
    cargo(&["test", "--workspace", "--lib"]).args(filter).run()?;
    cargo(&["test", "--workspace", "--test", "*"]).args(filter).args(["--", "--test-threads=1"]).run()
}

/// SQL files against an environment of their own.
pub fn slt(views: bool, files: &[String]) -> anyhow::Result<()> {
    build()?;
    built("slt").args(views.then_some("--views")).args(files).run()
}

/// The binaries, those of the tests too.
fn build() -> anyhow::Result<()> {
    cargo(&["build", "--workspace", "--bins"]).run()
}

/// One of them.
fn built(name: &str) -> Run {
    program(target_dir().join("debug").join(name), &[])
}

/// TPC-H's queries, maintained through random changes, of the release build.
pub fn tpch(args: &[String]) -> anyhow::Result<()> {
    install()?;
    release("tpch")?;
    program(target_dir().join("release/tpch"), &[]).args(args).run()
}

/// Benchmarks, of the release build.
pub fn bench(filter: Option<&str>) -> anyhow::Result<()> {
    install()?;
    release("bench")?;
    program(target_dir().join("release/bench"), &[]).args(filter).run()
}

/// What `cargo dev` builds, so that it is not built twice with other features, and one of the tests' programs.
fn release(program: &str) -> anyhow::Result<()> {
    cargo(&["build", "--release", "--bins"]).run()?;
    cargo(&["build", "--release", "-p", "tests", "--bin", program]).run()
}
