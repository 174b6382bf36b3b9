//! Drivers that people use, doing what people do: `tests/drivers/`. They are installed into a folder outside the repository, once.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::freshet::Freshet;

const PYTHON: &[&str] = &["psycopg2-binary", "psycopg[binary]", "asyncpg", "sqlalchemy", "pg8000"];

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {text}");
    Ok(text)
}

/// The Python of an environment that has the drivers.
fn python() -> anyhow::Result<PathBuf> {
    let venv = std::env::temp_dir().join("freshet-drivers-venv");
    let python = venv.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).context("apt-get install python3-venv")?;
    }
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYTHON))?;
    Ok(python)
}

async fn smoke(driver: &str) -> anyhow::Result<()> {
    let python = python()?;
    let freshet = Freshet::start().await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/smoke.py");
    run(Command::new(python).arg(script).args(["127.0.0.1", &freshet.sql_port.to_string(), driver]))?;
    Ok(())
}

/// One after the other: they share an installation, and the machine.
#[tokio::test(flavor = "multi_thread")]
async fn python_drivers() -> anyhow::Result<()> {
    for driver in ["psycopg2", "psycopg", "pg8000"] {
        smoke(driver).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm; run with --ignored"]
async fn node_postgres() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join("freshet-drivers-node");
    std::fs::create_dir_all(&folder)?;
    run(Command::new("npm").args(["install", "--silent", "pg", "pg-query-stream"]).current_dir(&folder))
        .context("apt-get install npm")?;
    let freshet = Freshet::start().await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/smoke.mjs");
    let port = freshet.sql_port.to_string();
    run(Command::new("node").arg(script).args(["127.0.0.1", &port]).current_dir(&folder))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a JDK and libpostgresql-jdbc-java; run with --ignored"]
async fn pgjdbc() -> anyhow::Result<()> {
    let jar = Path::new("/usr/share/java/postgresql.jar");
    ensure!(jar.is_file(), "apt-get install default-jdk libpostgresql-jdbc-java");
    let freshet = Freshet::start().await?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/Smoke.java");
    let port = freshet.sql_port.to_string();
    run(Command::new("java").arg("-cp").arg(jar).arg(source).args(["127.0.0.1", &port]))?;
    Ok(())
}
