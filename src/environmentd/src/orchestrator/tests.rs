//! Child processes, played by a shell script that waits for a signal.

use super::process::{ProcessConfig, ProcessOrchestrator};
use super::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

fn orchestrator(directory: &Path) -> ProcessOrchestrator {
    for binary in ["computed", "storaged"] {
        let path = directory.join(binary);
        if !path.exists() {
            std::fs::write(&path, "#!/bin/sh\necho \"$@\"\nexec sleep 1000\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let config = ProcessConfig {
        binaries: directory.to_path_buf(),
        directory: directory.join("services"),
        token_file: directory.join("token"),
        metadata_url: "sqlite:///m".to_string(),
        blob_url: "file:///b".to_string(),
    };
    ProcessOrchestrator::new(config).unwrap()
}

fn replica() -> ServiceSpec {
    let kind = ServiceKind::Compute { replica: repr::ReplicaId(1), workers: 2 };
    ServiceSpec { name: "compute-r1".to_string(), kind }
}

/// The process on record, once it is another than `before`.
async fn running(directory: &Path, before: i32) -> i32 {
    let path = record::path(&directory.join("services"), "compute-r1");
    for _ in 0..500 {
        if let Some(record) = record::read(&path).filter(|record| record.pid != before && record.is_alive()) {
            return record.pid;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no process was started");
}

#[tokio::test]
async fn a_child_that_is_killed_starts_again_on_its_ports() {
    let directory = tempfile::tempdir().unwrap();
    let services = orchestrator(directory.path());
    let status = services.ensure_service(replica());
    let addr = status.borrow().controller_addr.clone();
    let first = running(directory.path(), 0).await;
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    running(directory.path(), first).await;
    assert_eq!(status.borrow().controller_addr, addr);
    services.shutdown().await;
    assert!(!directory.path().join("services/compute-r1.json").exists());
}

/// Starts a replica and dies without stopping it: its port and process.
fn left_behind(directory: &Path) -> (Option<String>, i32) {
    let directory = directory.to_path_buf();
    let life = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let started = runtime.block_on(async {
            let addr = orchestrator(&directory).ensure_service(replica()).borrow().controller_addr.clone();
            (addr, running(&directory, 0).await)
        });
        runtime.shutdown_background();
        started
    });
    life.join().unwrap()
}

#[tokio::test]
async fn the_next_orchestrator_adopts_and_stops() {
    let directory = tempfile::tempdir().unwrap();
    let (addr, pid) = left_behind(directory.path());
    let next = orchestrator(directory.path());
    assert_eq!(next.list_services(), ["compute-r1"]);
    assert_eq!(next.ensure_service(replica()).borrow().controller_addr, addr);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(running(directory.path(), 0).await, pid);
    next.drop_service("compute-r1").await;
    assert!(next.list_services().is_empty());
    assert!(record::start_time(pid).is_none());
}

#[tokio::test]
async fn what_nobody_wants_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let (_, pid) = left_behind(directory.path());
    orchestrator(directory.path()).drop_service("compute-r1").await;
    assert!(record::start_time(pid).is_none());
}

#[tokio::test]
async fn other_arguments_start_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let (_, pid) = left_behind(directory.path());
    let next = orchestrator(directory.path());
    let kind = ServiceKind::Compute { replica: repr::ReplicaId(1), workers: 4 };
    next.ensure_service(ServiceSpec { kind, ..replica() });
    running(directory.path(), pid).await;
    assert!(record::start_time(pid).is_none());
    next.shutdown().await;
}

#[test]
fn a_missing_binary_is_one_clear_line() {
    let directory = tempfile::tempdir().unwrap();
    let config = ProcessConfig {
        binaries: directory.path().to_path_buf(),
        directory: directory.path().join("services"),
        token_file: directory.path().join("token"),
        metadata_url: String::new(),
        blob_url: String::new(),
    };
    let error = ProcessOrchestrator::new(config).err().unwrap();
    assert!(error.starts_with("cannot find") && error.contains("computed"), "{error}");
}

#[tokio::test]
async fn a_port_that_someone_took_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let services = orchestrator(directory.path());
    let status = services.ensure_service(replica());
    let first = running(directory.path(), 0).await;
    let addr = status.borrow().controller_addr.clone().unwrap();
    let _taken = std::net::TcpListener::bind(&addr).unwrap();
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    running(directory.path(), first).await;
    assert_ne!(status.borrow().controller_addr.as_ref(), Some(&addr));
    services.shutdown().await;
}

#[tokio::test]
async fn a_replica_follows_the_hub_to_its_new_port() {
    let directory = tempfile::tempdir().unwrap();
    let services = orchestrator(directory.path());
    let storage = services.ensure_service(ServiceSpec { name: "storage".into(), kind: ServiceKind::Storage });
    services.ensure_service(replica());
    let first = running(directory.path(), 0).await;
    let addr = storage.borrow().storage_addr.clone().unwrap();
    let _taken = std::net::TcpListener::bind(&addr).unwrap();
    let record = record::path(&directory.path().join("services"), "storage");
    kill(Pid::from_raw(record::read(&record).unwrap().pid), Signal::SIGKILL).unwrap();
    let second = running(directory.path(), first).await;
    let replica = record::read(&record::path(&directory.path().join("services"), "compute-r1")).unwrap();
    assert_eq!(replica.pid, second);
    let moved = storage.borrow().storage_addr.clone().unwrap();
    assert!(moved != addr && replica.args.contains(&moved), "{replica:?}");
    services.shutdown().await;
}
