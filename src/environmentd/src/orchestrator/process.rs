//! Services as child processes on this machine.
//!
//! Binaries are found next to environmentd's own. A child gets a process group of its own, so that Ctrl-C reaches environmentd alone, and its
//! output goes to a file, so that it can outlive environmentd. The next environmentd adopts it if process, build and arguments are those on
//! record; else it is stopped and started anew. A child that exits is started again on the same ports, unless someone else has taken one of
//! them: then all of its ports are chosen anew, and those who watch the service hear where it is.

use super::record::{self, ProcessRecord};
use super::{Orchestrator, ServiceKind, ServiceSpec, ServiceStatus};
use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a child may take to end before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(4);
/// Between two looks at a process that is not our child.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// Before a child that exited is started again: the first and the longest wait.
const RESTART_MIN: Duration = Duration::from_millis(100);
/// See above.
const RESTART_MAX: Duration = Duration::from_secs(10);
/// The service of storaged.
const STORAGE: &str = "storage";
/// A child that ran for so long starts again without delay.
const RAN_WELL: Duration = Duration::from_secs(30);

/// What children are told.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// Where the binaries are.
    pub binaries: PathBuf,
    /// Where records and output go.
    pub directory: PathBuf,
    /// The file with the shared token.
    pub token_file: PathBuf,
    /// Consensus.
    pub metadata_url: String,
    /// Blobs.
    pub blob_url: String,
}

/// See the module.
pub struct ProcessOrchestrator {
    config: Arc<ProcessConfig>,
    services: Mutex<BTreeMap<String, Service>>,
}

struct Service {
    status: watch::Receiver<ServiceStatus>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl ProcessOrchestrator {
    /// Children of this configuration; fails with one clear line if a binary is missing.
    pub fn new(config: ProcessConfig) -> Result<Self, String> {
        for binary in ["computed", "storaged"] {
            let path = config.binaries.join(binary);
            if !path.is_file() {
                return Err(format!("cannot find {}: build or install {binary} next to environmentd", path.display()));
            }
        }
        fs::create_dir_all(&config.directory).map_err(|e| format!("{}: {e}", config.directory.display()))?;
        Ok(ProcessOrchestrator { config: Arc::new(config), services: Mutex::default() })
    }

    /// The services on record, of this environmentd or an earlier one.
    fn recorded(&self) -> Vec<String> {
        let Ok(listing) = fs::read_dir(&self.config.directory) else { return Vec::new() };
        let paths = listing.flatten().map(|file| file.path());
        let records = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        records.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string())).collect()
    }
}

#[async_trait]
impl Orchestrator for ProcessOrchestrator {
    fn ensure_service(&self, spec: ServiceSpec) -> watch::Receiver<ServiceStatus> {
        if let Some(running) = self.watch(&spec.name) {
            return running;
        }
        let path = record::path(&self.config.directory, &spec.name);
        // The process on record may run still and be adopted, so that its ports are not tried.
        let ports = record::read(&path).map_or_else(choose_ports, |record| record.ports);
        let (sender, receiver) = watch::channel(ServiceStatus::default());
        let stop = CancellationToken::new();
        // A replica is told where the hub of push is; without one it finds changes by itself.
        let storage = if spec.kind == ServiceKind::Storage { None } else { self.watch(STORAGE) };
        let (config, spec_of) = (self.config.clone(), spec.clone());
        let supervisor = Supervisor { config, spec: spec_of, path, ports, storage, status: sender };
        supervisor.tell_where();
        let task = tokio::spawn(supervisor.run(stop.clone()));
        let service = Service { status: receiver.clone(), stop, task };
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(spec.name, service);
        receiver
    }

    async fn drop_service(&self, name: &str) {
        let service = self.services.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(service) = service {
            service.stop.cancel();
            let _ = service.task.await;
            return;
        }
        let path = record::path(&self.config.directory, name);
        if let Some(record) = record::read(&path) {
            stop_process(&record).await;
            let _ = fs::remove_file(path);
        }
    }

    fn list_services(&self) -> Vec<String> {
        let running: Vec<_> = self.services.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        let recorded = self.recorded().into_iter().filter(|name| !running.contains(name));
        running.iter().cloned().chain(recorded).collect()
    }

    fn watch(&self, name: &str) -> Option<watch::Receiver<ServiceStatus>> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.get(name).map(|service| service.status.clone())
    }

    async fn shutdown(&self) {
        let services = std::mem::take(&mut *self.services.lock().unwrap_or_else(PoisonError::into_inner));
        for service in services.values() {
            service.stop.cancel();
        }
        for service in services.into_values() {
            let _ = service.task.await;
        }
    }
}

/// Keeps one service running.
struct Supervisor {
    config: Arc<ProcessConfig>,
    spec: ServiceSpec,
    path: PathBuf,
    ports: [u16; 3],
    /// Where storaged is, for a replica.
    storage: Option<watch::Receiver<ServiceStatus>>,
    status: watch::Sender<ServiceStatus>,
}

/// A process that runs: our child, or one of an earlier environmentd.
enum Running {
    Child(Child),
    Adopted,
}

impl Supervisor {
    async fn run(mut self, stop: CancellationToken) {
        let mut wait = RESTART_MIN;
        loop {
            let started = Instant::now();
            let (mut running, record) = match self.start().await {
                Ok(running) => running,
                Err(error) => {
                    self.report(Some(error));
                    if stop.run_until_cancelled(tokio::time::sleep(RESTART_MAX)).await.is_none() {
                        return;
                    }
                    continue;
                }
            };
            self.report(None);
            let ended = stop.run_until_cancelled(self.outlive(&mut running, &record)).await;
            let Some(how) = ended else {
                stop_process(&record).await;
                running.reap().await;
                let _ = fs::remove_file(&self.path);
                return;
            };
            tracing::warn!(service = %self.spec.name, "{how}; see {}", self.log_path().display());
            self.report(Some(how));
            wait = if started.elapsed() > RAN_WELL { RESTART_MIN } else { (wait * 2).min(RESTART_MAX) };
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Waits until the process has ended, and says how. One that was told of a storaged that is elsewhere by now is made to end.
    async fn outlive(&mut self, running: &mut Running, record: &ProcessRecord) -> String {
        loop {
            let moved = async {
                let changed = match &mut self.storage {
                    Some(storage) => storage.changed().await.is_ok(),
                    None => false,
                };
                if !changed {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                how = running.wait(record) => return how,
                () = moved => (),
            }
            if self.arguments() != record.args {
                stop_process(record).await;
            }
        }
    }

    /// Adopts the process on record, or starts one.
    async fn start(&mut self) -> Result<(Running, ProcessRecord), String> {
        let args = self.arguments();
        if let Some(record) = record::read(&self.path)
            && record.is_alive()
        {
            if record.build == proto::build_id() && record.args == args && record.ports == self.ports {
                tracing::info!(service = %self.spec.name, pid = record.pid, "adopted");
                return Ok((Running::Adopted, record));
            }
            stop_process(&record).await;
        }
        if !self.ports.iter().all(|port| TcpListener::bind(local(*port)).is_ok()) {
            self.ports = choose_ports();
            self.tell_where();
        }
        let child = self.spawn(&args).map_err(|error| format!("cannot start {}: {error}", self.binary().display()))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or("the process ended at once")?;
        let record = ProcessRecord {
            pid,
            start_time: record::start_time(pid).unwrap_or_default(),
            build: proto::build_id().to_string(),
            args,
            ports: self.ports,
        };
        record::write(&self.path, &record).map_err(|error| format!("{}: {error}", self.path.display()))?;
        tracing::info!(service = %self.spec.name, pid, "started");
        Ok((Running::Child(child), record))
    }

    fn arguments(&self) -> Vec<String> {
        let storage_addr = self.storage.as_ref().and_then(|storage| storage.borrow().storage_addr.clone());
        arguments(&self.config, &self.spec.kind, storage_addr)
    }

    /// Tells those who watch which ports are the service's.
    fn tell_where(&self) {
        let is_storage = self.spec.kind == ServiceKind::Storage;
        self.status.send_modify(|status| {
            status.controller_addr = Some(local(self.ports[0]));
            status.storage_addr = is_storage.then(|| local(self.ports[2]));
        });
    }

    fn spawn(&self, args: &[String]) -> io::Result<Child> {
        let output = fs::OpenOptions::new().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new(self.binary());
        // Our own flags' variables would be taken for the child's.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("MZ_") && name != "MZ_LOG_FILTER" {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .args(port_arguments(&self.spec.kind, self.ports))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
    }

    fn binary(&self) -> PathBuf {
        let name = match self.spec.kind {
            ServiceKind::Storage => "storaged",
            ServiceKind::Compute { .. } => "computed",
        };
        self.config.binaries.join(name)
    }

    fn log_path(&self) -> PathBuf {
        self.config.directory.join(format!("{}.log", self.spec.name))
    }

    fn report(&self, reason: Option<String>) {
        self.status.send_if_modified(|status| {
            let changed = status.reason != reason;
            status.reason = reason;
            changed
        });
    }
}

impl Running {
    /// Waits for the process to end; says how it did.
    async fn wait(&mut self, record: &ProcessRecord) -> String {
        match self {
            Running::Child(child) => match child.wait().await {
                Ok(status) => format!("the process ended ({status})"),
                Err(error) => format!("the process cannot be waited for: {error}"),
            },
            Running::Adopted => {
                while record.is_alive() {
                    tokio::time::sleep(WATCH_INTERVAL).await;
                }
                "the process ended".to_string()
            }
        }
    }

    async fn reap(&mut self) {
        if let Running::Child(child) = self {
            let _ = child.wait().await;
        }
    }
}

/// Asks a process to end, and makes it.
async fn stop_process(record: &ProcessRecord) {
    if !record.is_alive() {
        return;
    }
    let pid = Pid::from_raw(record.pid);
    let _ = kill(pid, Signal::SIGTERM);
    // A stopped process acts on signals only when it goes on.
    let _ = kill(pid, Signal::SIGCONT);
    let deadline = Instant::now() + STOP_GRACE;
    while record.is_alive() {
        if Instant::now() > deadline {
            let _ = kill(pid, Signal::SIGKILL);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Arguments but for ports.
fn arguments(config: &ProcessConfig, kind: &ServiceKind, storage_addr: Option<String>) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let mut args = vec![
        "--metadata-backend-url".to_string(),
        config.metadata_url.clone(),
        "--persist-blob-url".to_string(),
        config.blob_url.clone(),
        "--token-file".to_string(),
        path(&config.token_file),
    ];
    if let ServiceKind::Compute { workers, .. } = kind {
        args.extend(["--workers".to_string(), workers.to_string()]);
        args.extend(storage_addr.into_iter().flat_map(|addr| ["--storage-addr".to_string(), addr]));
    }
    args
}

fn port_arguments(kind: &ServiceKind, ports: [u16; 3]) -> Vec<String> {
    let mut args = vec![
        "--controller-listen-addr".to_string(),
        local(ports[0]),
        "--internal-http-listen-addr".to_string(),
        local(ports[1]),
    ];
    if *kind == ServiceKind::Storage {
        args.extend(["--storage-listen-addr".to_string(), local(ports[2])]);
    }
    args
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Free ports; 0 where there are none.
fn choose_ports() -> [u16; 3] {
    // All three are held until all are known, so that they differ.
    let listeners: Vec<_> = (0..3).filter_map(|_| TcpListener::bind("127.0.0.1:0").ok()).collect();
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr().map_or(0, |addr| addr.port());
    }
    ports
}
