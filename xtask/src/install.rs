//! What the tests need beside the Rust toolchain: a PostgreSQL 15 server and psql, from Debian.

use crate::run::program;
use anyhow::bail;
use std::path::Path;

/// Where Debian keeps the server's programs.
const POSTGRES: &str = "/usr/lib/postgresql/15/bin/postgres";

/// Installs what is missing; does nothing where everything is there.
pub fn install() -> anyhow::Result<()> {
    if !Path::new(POSTGRES).exists() || !program("psql", &["--version"]).succeeds() {
        if !program("sh", &["-c", "test $(id -u) = 0 && command -v apt-get"]).succeeds() {
            bail!("the tests need PostgreSQL 15 (server and psql): install it, or run this as root on Debian");
        }
        program("apt-get", &["update", "-q"]).run()?;
        program(
            "apt-get",
            &["install", "-y", "-q", "--no-install-recommends", "postgresql-15", "postgresql-client-15"],
        )
        .run()?;
    }
    Ok(())
}
