//! What the tests need beside the Rust toolchain: a PostgreSQL 15 server, psql, and Python's venv for the drivers, from Debian.

use crate::run::program;
use anyhow::bail;
use std::path::Path;

/// Where Debian keeps the server's programs.
const POSTGRES: &str = "/usr/lib/postgresql/15/bin/postgres";

/// Installs what is missing; does nothing where everything is there.
pub fn install() -> anyhow::Result<()> {
    let python = program("python3", &["-c", "import ensurepip, venv"]);
    if !Path::new(POSTGRES).exists() || !program("psql", &["--version"]).succeeds() || !python.succeeds() {
        if !program("sh", &["-c", "test $(id -u) = 0 && command -v apt-get"]).succeeds() {
            bail!(
                "the tests need PostgreSQL 15 (server and psql) and python3-venv: install them, or run this as root on Debian"
            );
        }
        program("apt-get", &["update", "-q"]).run()?;
        program(
            "apt-get",
            &[
                "install",
                "-y",
                "-q",
                "--no-install-recommends",
                "postgresql-15",
                "postgresql-client-15",
                "python3-venv",
            ],
        )
        .run()?;
    }
    Ok(())
}
