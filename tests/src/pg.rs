//! A PostgreSQL server of one's own, in a temporary directory, ready for logical replication.
//!
//! It needs the server's programs on the machine (`/usr/lib/postgresql/<version>/bin`, or on the path); where the tests run as root, it runs as
//! the user `postgres`, since the server refuses root.

use anyhow::{Context, bail};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server; dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// The superuser.
    pub const USER: &'static str = "postgres";
    /// Their password: it is asked for.
    pub const PASSWORD: &'static str = "secret";

    /// Makes a database cluster on a free port and starts it.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir()?;
        let owner = owner()?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let password = folder.path().join("password");
        std::fs::write(&password, Self::PASSWORD)?;
        let mut initdb = program("initdb")?;
        initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions"]);
        initdb.arg("--username").arg(Self::USER).arg("--pwfile").arg(&password);
        initdb.arg("--pgdata").arg(folder.path().join("data"));
        let made = initdb.output().context("cannot run initdb")?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut postgres = Postgres { folder, port, server: None };
        postgres.resume().await?;
        Ok(postgres)
    }

    /// Starts the server again after [`Postgres::stop`], on the same port.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut server = program("postgres")?;
        server.arg("-D").arg(self.folder.path().join("data")).arg("-k").arg(self.folder.path());
        server.args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "wal_level=logical",
            "max_wal_senders=20",
            "max_replication_slots=20",
            "max_connections=200",
            "fsync=off",
        ] {
            server.args(["-c", setting]);
        }
        self.server = Some(server.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).spawn()?);
        let started = Instant::now();
        loop {
            match self.client().await {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > START_TIMEOUT => return Err(error.context(self.log())),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Stops the server at once, as in a crash of the machine that it runs on.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // SIGQUIT: immediate shutdown; all children go with it.
        let quit = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
        if quit.is_err() {
            let _ = server.kill();
        }
        let _ = server.wait();
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection to the database `postgres`.
    pub async fn client(&self) -> anyhow::Result<Client> {
        self.client_of("postgres").await
    }

    /// A connection to a database.
    pub async fn client_of(&self, database: &str) -> anyhow::Result<Client> {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user(Self::USER).password(Self::PASSWORD).dbname(database);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs statements, each for its effect.
    pub async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.client().await?.batch_execute(sql).await?)
    }

    /// A client program such as `pgbench` or `psql`, with this server as its default.
    pub fn program(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(find(name)?);
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGDATABASE", "postgres");
        command.env("PGUSER", Self::USER).env("PGPASSWORD", Self::PASSWORD);
        Ok(command)
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server program, run as somebody who is not root.
fn program(name: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(find(name)?);
    command.current_dir("/");
    if let Some((user, group)) = owner()? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

/// User and group that the server runs as, if not as ourselves.
fn owner() -> anyhow::Result<Option<(u32, u32)>> {
    let id = |args: &[&str]| -> anyhow::Result<u32> {
        let output = Command::new("id").args(args).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().with_context(|| format!("there is no user for the server: id {}", args.join(" ")))
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    Ok(Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)))
}

/// The newest installed version of a program.
pub fn find(name: &str) -> anyhow::Result<PathBuf> {
    let version = |path: &Path| path.file_name().and_then(|v| v.to_str()?.parse::<u32>().ok());
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| version(&entry.path()).map(|version| (version, entry.path())))
        .collect();
    versions.sort();
    let installed = versions.into_iter().rev().map(|(_, folder)| folder.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = installed.chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    candidates
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not installed (apt-get install postgresql)"))
}
