//! Drivers that people use, doing what people do: `tests/drivers/`. They are installed into folders beside what cargo builds, once.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::freshet::Freshet;

const PYTHON: &[&str] = &["psycopg2-binary", "psycopg[binary]", "asyncpg", "sqlalchemy[asyncio]", "pg8000"];
const NODE: &[&str] = &["pg", "pg-query-stream"];
const PGJDBC: &str = "/usr/share/java/postgresql.jar";

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {text}");
    Ok(text)
}

/// A folder that has `packages`; `install` fills it unless it says that it has them.
fn installed(
    name: &str,
    packages: &[&str],
    install: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (list, wanted) = (folder.join("installed"), packages.join("\n"));
    if std::fs::read_to_string(&list).is_ok_and(|has| has == wanted) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)?;
    install(&folder)?;
    std::fs::write(list, wanted)?;
    Ok(folder)
}

/// Runs a Python driver's part of the script.
async fn python(driver: &str) -> anyhow::Result<()> {
    let venv = installed("drivers-python", PYTHON, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder)).context("apt-get install python3-venv")?;
        run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet"]).args(PYTHON)).map(drop)
    })?;
    let freshet = Freshet::start().await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/smoke.py");
    let python = venv.join("bin/python");
    run(Command::new(python).arg(script).args(["127.0.0.1", &freshet.sql_port.to_string(), driver]))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn psycopg2() -> anyhow::Result<()> {
    python("psycopg2").await
}

#[tokio::test(flavor = "multi_thread")]
async fn psycopg() -> anyhow::Result<()> {
    python("psycopg").await
}

#[tokio::test(flavor = "multi_thread")]
async fn asyncpg() -> anyhow::Result<()> {
    python("asyncpg").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pg8000() -> anyhow::Result<()> {
    python("pg8000").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlalchemy() -> anyhow::Result<()> {
    python("sqlalchemy").await
}

#[tokio::test(flavor = "multi_thread")]
async fn node_postgres() -> anyhow::Result<()> {
    let folder = installed("drivers-node", NODE, |folder| {
        // Without a package of its own npm would install into the next folder above that has one.
        std::fs::write(folder.join("package.json"), "{\"private\": true}")?;
        run(Command::new("npm").args(["install", "--silent"]).args(NODE).current_dir(folder))
            .context("apt-get install npm")
            .map(drop)
    })?;
    let freshet = Freshet::start().await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/smoke.mjs");
    let port = freshet.sql_port.to_string();
    run(Command::new("node").arg(script).args(["127.0.0.1", &port]).current_dir(&folder))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pgjdbc() -> anyhow::Result<()> {
    ensure!(Path::new(PGJDBC).is_file(), "apt-get install default-jdk-headless libpostgresql-jdbc-java");
    let freshet = Freshet::start().await?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/Smoke.java");
    let port = freshet.sql_port.to_string();
    run(Command::new("java").args(["-cp", PGJDBC]).arg(source).args(["127.0.0.1", &port]))?;
    Ok(())
}
