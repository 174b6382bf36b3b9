//! Blobs as files of a directory: a key is a relative path.
//!
//! A value is written to `.tmp/`, synced, and renamed into place, and then its directory is synced: after a crash at any point
//! the file is either absent or complete. Directories that become empty are removed with the last file in them.

use super::{Blob, BlobInfo};
use crate::{ExternalError, PersistError};
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

const TMP: &str = ".tmp";
/// A write that was begun this long ago is not going to end.
const TMP_AGE: Duration = Duration::from_secs(24 * 3600);
/// A directory can be removed between its creation and the rename into it; that often in a row, it is not.
const RENAME_ATTEMPTS: usize = 16;

/// Blobs as files of a directory.
#[derive(Clone, Debug)]
pub struct FileBlob {
    root: PathBuf,
}

impl FileBlob {
    /// Uses a directory, which is created if need be.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, PersistError> {
        let root = root.into();
        let failed = |e: io::Error| ExternalError::determinate(format!("blob directory {}: {e}", root.display()));
        fs::create_dir_all(root.join(TMP)).map_err(failed)?;
        remove_old(&root.join(TMP)).map_err(failed)?;
        Ok(FileBlob { root })
    }

    fn path(&self, key: &str) -> Result<PathBuf, ExternalError> {
        let plain = Path::new(key).components().all(|c| matches!(c, Component::Normal(name) if name != TMP));
        if key.is_empty() || !plain {
            return Err(ExternalError::determinate(format!("not a blob key: {key:?}")));
        }
        Ok(self.root.join(key))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        key: &str,
        f: impl FnOnce(&FileBlob, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ExternalError> {
        let (blob, path, what) = (self.clone(), self.path(key)?, key.to_string());
        let done = tokio::task::spawn_blocking(move || f(&blob, &path)).await;
        let result = done.map_err(|e| ExternalError::indeterminate(format!("blob {what}: {e}")))?;
        result.map_err(|e| ExternalError::indeterminate(format!("blob {what}: {e}")))
    }

    fn write(&self, path: &Path, value: &[u8]) -> io::Result<()> {
        let tmp = self.root.join(TMP).join(uuid::Uuid::new_v4().to_string());
        let mut file = File::create_new(&tmp)?;
        file.write_all(value)?;
        file.sync_all()?;
        let directory = path.parent().unwrap_or(&self.root);
        let place = || -> io::Result<Vec<PathBuf>> {
            let created = self.create_directory(directory)?;
            fs::rename(&tmp, path)?;
            Ok(created)
        };
        for _ in 1..RENAME_ATTEMPTS {
            match place() {
                Ok(created) => return sync_directories(directory, created),
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            }
        }
        place().map(|_| ())
    }

    /// Creates a directory; the directories above it whose entries changed.
    fn create_directory(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        if directory.is_dir() {
            return Ok(Vec::new());
        }
        fs::create_dir_all(directory)?;
        let above = directory.ancestors().skip(1).take_while(|d| d.starts_with(&self.root));
        Ok(above.map(Path::to_path_buf).collect())
    }

    /// Removes a directory and those above it as long as they are empty.
    fn prune(&self, path: &Path) {
        let directories = path.ancestors().skip(1).take_while(|d| d.starts_with(&self.root) && *d != self.root);
        for directory in directories {
            if fs::remove_dir(directory).is_err() {
                return;
            }
        }
    }
}

fn sync_directories(directory: &Path, created: Vec<PathBuf>) -> io::Result<()> {
    let sync = |directory: &Path| File::open(directory).and_then(|d| d.sync_all()).or_else(not_found_is_fine);
    sync(directory)?;
    created.iter().try_for_each(|above| sync(above))
}

/// A directory that is gone again held nothing that anybody needs.
fn not_found_is_fine(e: io::Error) -> io::Result<()> {
    if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) }
}

fn remove_old(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let modified = entry.metadata().and_then(|m| m.modified()).unwrap_or_else(|_| SystemTime::now());
        if modified.elapsed().is_ok_and(|age| age > TMP_AGE) {
            fs::remove_file(entry.path()).or_else(not_found_is_fine)?;
        }
    }
    Ok(())
}

/// Adds all files below `directory`.
fn walk(root: &Path, directory: &Path, prefix: &str, found: &mut Vec<BlobInfo>) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let path = entry?.path();
        let Some(key) = path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_string) else { continue };
        let on_the_way = key.starts_with(prefix) || prefix.starts_with(&key);
        if key == TMP || !on_the_way {
            continue;
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        if metadata.is_dir() {
            walk(root, &path, prefix, found)?;
        } else if key.starts_with(prefix) {
            found.push(BlobInfo { key, bytes: metadata.len(), modified: metadata.modified()? });
        }
    }
    Ok(())
}

#[async_trait]
impl Blob for FileBlob {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, ExternalError> {
        self.blocking(key, |_, path| match fs::read(path) {
            Ok(value) => Ok(Some(Bytes::from(value))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        })
        .await
    }

    async fn put(&self, key: &str, value: Bytes) -> Result<(), ExternalError> {
        self.blocking(key, move |blob, path| blob.write(path, &value)).await
    }

    async fn delete(&self, key: &str) -> Result<bool, ExternalError> {
        self.blocking(key, |blob, path| match fs::remove_file(path) {
            Ok(()) => {
                blob.prune(path);
                Ok(true)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>, ExternalError> {
        let (root, prefix) = (self.root.clone(), prefix.to_string());
        let listing = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            walk(&root, &root, &prefix, &mut found)?;
            found.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(found)
        });
        let result: io::Result<Vec<BlobInfo>> = listing.await.map_err(ExternalError::determinate)?;
        result.map_err(ExternalError::determinate)
    }
}
