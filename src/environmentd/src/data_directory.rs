//! The data directory: one environmentd at a time, and what is kept there beside the stores.

use anyhow::{Context, bail};
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A locked data directory; dropping it releases the lock.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is not there, and locks it.
    pub fn lock(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data directory {shown}"))?;
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("environmentd.lock"))
            .with_context(|| format!("cannot write to the data directory {shown}"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder)?;
                bail!("the data directory {shown} is in use by another environmentd (pid {})", holder.trim());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock the data directory {shown}"));
            }
        }
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(DataDirectory { path: path.to_path_buf(), _lock: lock })
    }

    /// Where secrets are.
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }

    /// Where records and output of services are.
    pub fn services(&self) -> PathBuf {
        self.path.join("services")
    }

    /// The file with the token that all processes of the environment share.
    pub fn token_file(&self) -> PathBuf {
        self.path.join("controller-token")
    }

    /// The shared token; made at first.
    pub fn token(&self) -> anyhow::Result<String> {
        let path = self.token_file();
        let failed = || format!("cannot use {}", path.display());
        if let Ok(token) = fs::read_to_string(&path)
            && !token.trim().is_empty()
        {
            return Ok(token.trim().to_string());
        }
        let token = uuid::Uuid::new_v4().simple().to_string();
        let mut file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&path).with_context(failed)?;
        file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).with_context(failed)?;
        Ok(token)
    }
}
