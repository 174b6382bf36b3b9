//! Runs SQL files against an environment of its own: `slt [--views] FILE …`.

use std::path::PathBuf;
use std::process::ExitCode;
use tests::freshet::Freshet;
use tests::slt::{Mode, run_file};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (flags, files): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let mode = if flags.iter().any(|flag| flag == "--views") { Mode::Views } else { Mode::Direct };
    let freshet = Freshet::start().await?;
    let (mut passed, mut failed) = (0, 0);
    for file in files.iter().map(PathBuf::from) {
        let report = run_file(&freshet, &file, mode).await?;
        report.failures.iter().for_each(|failure| println!("{failure}\n"));
        passed += report.passed;
        failed += report.failures.len();
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
