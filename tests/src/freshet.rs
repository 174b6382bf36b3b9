//! An environment of its own: environmentd from the built binaries on free ports, data in a temporary directory.

use anyhow::{Context, bail};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running environment. Dropping it kills all its processes.
pub struct Freshet {
    data: PathBuf,
    _own: Option<TempDir>,
    environmentd: Child,
    /// SQL.
    pub sql_port: u16,
    /// HTTP.
    pub http_port: u16,
}

/// One of the three processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// environmentd
    Environmentd,
    /// storaged
    Storaged,
    /// computed
    Computed,
}

impl Process {
    /// All three.
    pub const ALL: [Process; 3] = [Process::Environmentd, Process::Storaged, Process::Computed];

    /// The executable's name.
    pub fn name(self) -> &'static str {
        match self {
            Process::Environmentd => "environmentd",
            Process::Storaged => "storaged",
            Process::Computed => "computed",
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The folder of the built binaries: beside the test's own executable, or as `FRESHET_BIN` says.
pub fn bin_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("FRESHET_BIN") {
        return Ok(dir.into());
    }
    let exe = std::env::current_exe()?;
    let dir = exe.ancestors().skip(1).find(|dir| dir.join("environmentd").is_file());
    Ok(dir.context("build the binaries first: cargo build --bins")?.to_path_buf())
}

impl Freshet {
    /// A new environment.
    pub async fn start() -> anyhow::Result<Self> {
        let own = TempDir::new()?;
        let data = own.path().to_path_buf();
        let mut freshet = Self::start_at(&data).await?;
        freshet._own = Some(own);
        Ok(freshet)
    }

    /// An environment on data that may exist; it is not deleted afterwards.
    pub async fn start_at(data: &Path) -> anyhow::Result<Self> {
        let (sql_port, http_port) = (free_port()?, free_port()?);
        let environmentd = spawn(data, sql_port, http_port)?;
        let mut freshet = Freshet { data: data.to_path_buf(), _own: None, environmentd, sql_port, http_port };
        freshet.wait_ready().await?;
        Ok(freshet)
    }

    /// Starts environmentd again after it was killed, on the same ports and data.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.environmentd.wait()?;
        self.environmentd = spawn(&self.data, self.sql_port, self.http_port)?;
        self.wait_ready().await
    }

    /// Ends environmentd as Ctrl-C does, and waits for it.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        signal(self.environmentd.id(), libc::SIGINT);
        self.environmentd.wait()?;
        Ok(())
    }

    async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.environmentd.try_wait()? {
                bail!(
                    "environmentd ended ({status}): {}",
                    std::fs::read_to_string(self.data.join("environmentd.log"))?
                );
            }
            match self.try_connect("materialize").await {
                Ok(client) if client.simple_query("SELECT 1").await.is_ok() => return Ok(()),
                Ok(_) | Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(50)).await,
                Ok(_) => bail!("environmentd does not answer"),
                Err(error) => bail!("environmentd does not start: {error}"),
            }
        }
    }

    async fn try_connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let config =
            format!("host=127.0.0.1 port={} user=materialize dbname={database} connect_timeout=5", self.sql_port);
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// A client on the default database.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        Ok(self.try_connect("materialize").await?)
    }

    /// A client on this database.
    pub async fn connect_to(&self, database: &str) -> anyhow::Result<Client> {
        Ok(self.try_connect(database).await?)
    }

    /// A client program such as `pgbench` or `psql`, with this environment as its default.
    pub fn program(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(crate::pg::find(name)?);
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.sql_port.to_string());
        command.env("PGDATABASE", "materialize").env("PGUSER", "materialize");
        Ok(command)
    }

    /// Process ids of this environment's processes of a kind.
    pub fn pids(&self, process: Process) -> Vec<u32> {
        if process == Process::Environmentd {
            return vec![self.environmentd.id()];
        }
        let data = self.data.to_string_lossy().into_owned();
        let of_ours = |pid: &u32| {
            let cmdline = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<_> = cmdline.split(|b| *b == 0).map(String::from_utf8_lossy).collect();
            words.first().is_some_and(|exe| exe.ends_with(process.name())) && words.iter().any(|w| w.contains(&data))
        };
        all_pids().into_iter().filter(of_ours).collect()
    }

    /// Sends a signal to all processes of a kind; says how many there were.
    pub fn signal(&self, process: Process, signal_number: i32) -> usize {
        let pids = self.pids(process);
        pids.iter().for_each(|pid| signal(*pid, signal_number));
        pids.len()
    }

    /// Bytes resident, all processes together.
    pub fn resident_bytes(&self) -> u64 {
        let pids = Process::ALL.into_iter().flat_map(|process| self.pids(process));
        let pages = pids.filter_map(|pid| {
            let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
            statm.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
        pages.sum::<u64>() * 4096
    }

    /// CPU seconds used so far, all processes together.
    pub fn cpu_seconds(&self) -> f64 {
        let pids = Process::ALL.into_iter().flat_map(|process| self.pids(process));
        let ticks = pids.filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let after = stat.rsplit_once(')')?.1;
            let fields: Vec<&str> = after.split_whitespace().collect();
            Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
        });
        ticks.sum::<u64>() as f64 / 100.0
    }
}

impl Drop for Freshet {
    fn drop(&mut self) {
        for process in Process::ALL {
            self.signal(process, libc::SIGKILL);
        }
        let _ = self.environmentd.wait();
        // A child that environmentd was just starting may have escaped the first round.
        for process in [Process::Storaged, Process::Computed] {
            self.signal(process, libc::SIGKILL);
        }
    }
}

fn spawn(data: &Path, sql_port: u16, http_port: u16) -> anyhow::Result<Child> {
    let local = |port: u16| format!("127.0.0.1:{port}");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(data.join("environmentd.log"))?;
    let child = Command::new(bin_dir()?.join("environmentd"))
        .arg("--data-directory")
        .arg(data)
        .args(["--sql-listen-addr", &local(sql_port), "--http-listen-addr", &local(http_port)])
        .args(["--internal-sql-listen-addr", &local(0), "--internal-http-listen-addr", &local(0)])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn();
    child.context("cannot start environmentd")
}

fn all_pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn signal(pid: u32, number: i32) {
    // SAFETY: sending a signal to a process that we or our child started touches no memory of ours.
    unsafe {
        libc::kill(pid as i32, number);
    }
}
