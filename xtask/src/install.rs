//! What the tests need beside the Rust toolchain, from Debian: a PostgreSQL 15 server with its clients, and what the drivers run on.

use crate::run::program;
use anyhow::bail;
use std::path::Path;

/// Something that tests use, and the packages that bring it.
struct Need {
    is_there: fn() -> bool,
    packages: &'static [&'static str],
}

/// All of them. A server's programs are where Debian keeps them.
const NEEDS: &[Need] = &[
    Need {
        is_there: || Path::new("/usr/lib/postgresql/15/bin/postgres").exists(),
        packages: &["postgresql-15", "postgresql-client-15"],
    },
    Need { is_there: || runs("psql", &["--version"]), packages: &["postgresql-client-15"] },
    Need { is_there: || runs("python3", &["-c", "import ensurepip, venv"]), packages: &["python3-venv"] },
    Need { is_there: || runs("npm", &["--version"]), packages: &["nodejs", "npm"] },
    Need { is_there: || runs("javac", &["-version"]), packages: &["default-jdk-headless"] },
    Need { is_there: || Path::new("/usr/share/java/postgresql.jar").exists(), packages: &["libpostgresql-jdbc-java"] },
];

fn runs(name: &str, args: &[&str]) -> bool {
    program(name, args).succeeds()
}

/// Installs what is missing; does nothing where everything is there.
pub fn install() -> anyhow::Result<()> {
    let missing = NEEDS.iter().filter(|need| !(need.is_there)());
    let packages: Vec<&str> = missing.flat_map(|need| need.packages.iter().copied()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    if !runs("sh", &["-c", "test $(id -u) = 0 && command -v apt-get"]) {
        bail!(
            "the tests need what these packages of Debian have; install it, or run this as root on Debian: {}",
            packages.join(" ")
        );
    }
    program("apt-get", &["update", "-q"]).run()?;
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    program("apt-get", &install).args(packages).run()
}
