//! Every file of `tests/slt`, as it stands and as maintained views.

use std::path::PathBuf;
use tests::freshet::Freshet;
use tests::slt::{Mode, run_file};

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("slt");
    let entries = std::fs::read_dir(&folder).expect("tests/slt exists");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "slt"));
    files.sort();
    files
}

async fn run_all(mode: Mode) {
    let freshet = Freshet::start().await.expect("an environment starts");
    let files = files();
    assert!(files.len() > 10, "tests/slt holds the SQL files");
    let mut failures = Vec::new();
    for file in files {
        match run_file(&freshet, &file, mode).await {
            Ok(report) => failures.extend(report.failures),
            Err(error) => failures.push(format!("{}: {error:#}", file.display())),
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_files_give_their_answers() {
    run_all(Mode::Direct).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_files_give_the_same_answers_as_maintained_views() {
    run_all(Mode::Views).await;
}
