//! The real pgbench: it fills its tables here, and runs its built-in scripts in each of its query modes.

use anyhow::ensure;
use std::process::Command;
use tests::freshet::Freshet;

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {text}");
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn built_in_scripts() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    run(freshet.program("pgbench")?.args(["-i", "-q", "-s", "1", "-I", "dtgv"]))?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE INDEX ON pgbench_accounts (aid)").await?;
    for script in ["select-only", "simple-update", "tpcb-like"] {
        for mode in ["simple", "extended", "prepared"] {
            let mut pgbench = freshet.program("pgbench")?;
            pgbench.args(["-b", script, "-M", mode, "-c", "2", "-t", "20", "--max-tries=100"]);
            let report = run(&mut pgbench)?;
            ensure!(report.contains("number of transactions actually processed: 40/40"), "{script}, {mode}: {report}");
            ensure!(report.contains("number of failed transactions: 0 "), "{script}, {mode}: {report}");
        }
    }
    let books = "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(delta) FROM pgbench_history), \
                 (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(bbalance) FROM pgbench_branches), \
                 (SELECT count(*) FROM pgbench_history)";
    let row = client.query_one(books, &[]).await?;
    // pgbench empties the history before each run, and only tpcb-like writes tellers and branches.
    let (tellers, branches, rows): (i64, i64, i64) = (row.get(2), row.get(3), row.get(4));
    ensure!(tellers == branches && rows == 40, "tellers {tellers}, branches {branches}, {rows} rows of history");
    Ok(())
}
