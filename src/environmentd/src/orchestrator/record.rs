//! What is known of a child process, in a file, so that the next environmentd can adopt it.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// Process id.
    pub pid: i32,
    /// When it started, in clock ticks since boot: a process of the same id but another start is not ours.
    pub start_time: u64,
    /// Build of the wire crates it was started with.
    pub build: String,
    /// Its arguments but for ports.
    pub args: Vec<String>,
    /// Ports: controller, internal HTTP, storage.
    pub ports: [u16; 3],
}

impl ProcessRecord {
    /// Whether the process runs still.
    pub fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.start_time)
    }
}

/// When a process started, if it runs (field 22 of `/proc/<pid>/stat`, see proc(5)); a zombie does not run.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may contain anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// Where the record of a service is.
pub fn path(directory: &Path, service: &str) -> PathBuf {
    directory.join(format!("{service}.json"))
}

/// Reads a record; none if there is none that can be understood.
pub fn read(path: &Path) -> Option<ProcessRecord> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a record; a crash leaves the old one or the new one.
pub fn write(path: &Path, record: &ProcessRecord) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec(record)?)?;
    file.sync_all()?;
    fs::rename(draft, path)
}
