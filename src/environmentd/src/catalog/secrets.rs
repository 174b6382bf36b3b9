//! Values of secrets: one file each, readable by the owner alone, never part of the catalog and never shown.

use repr::{GlobalId, SqlError, SqlState};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where secrets are kept.
#[derive(Clone, Debug)]
pub enum SecretStore {
    /// In files of this directory, named by the secret's identifier.
    Directory(PathBuf),
    /// In memory, for tests.
    Memory(Arc<Mutex<BTreeMap<GlobalId, Vec<u8>>>>),
}

impl SecretStore {
    /// A store that forgets.
    pub fn memory() -> Self {
        SecretStore::Memory(Arc::default())
    }

    /// Keeps a value; durable on return.
    pub fn put(&self, id: GlobalId, value: &[u8]) -> Result<(), SqlError> {
        match self {
            SecretStore::Directory(directory) => write_file(directory, id, value).map_err(failed),
            SecretStore::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).insert(id, value.to_vec());
                Ok(())
            }
        }
    }

    /// A value.
    pub fn get(&self, id: GlobalId) -> Result<Vec<u8>, SqlError> {
        match self {
            SecretStore::Directory(directory) => fs::read(directory.join(id.to_string())).map_err(failed),
            SecretStore::Memory(map) => {
                let map = map.lock().unwrap_or_else(PoisonError::into_inner);
                map.get(&id).cloned().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
            }
        }
    }

    /// A value that must be text.
    pub fn get_text(&self, id: GlobalId) -> Result<String, SqlError> {
        String::from_utf8(self.get(id)?).map_err(|_| {
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "the secret is used as text, but it is not valid UTF-8")
        })
    }

    /// Forgets a value; one that is not there is fine.
    pub fn remove(&self, id: GlobalId) -> Result<(), SqlError> {
        match self {
            SecretStore::Directory(directory) => match fs::remove_file(directory.join(id.to_string())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            },
            SecretStore::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                Ok(())
            }
        }
    }

    /// Forgets every secret that is not in `live`: left over by a crash between the file and the catalog.
    pub fn retain(&self, live: &dyn Fn(GlobalId) -> bool) -> Result<(), SqlError> {
        let SecretStore::Directory(directory) = self else { return Ok(()) };
        let listing = match fs::read_dir(directory) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for file in listing {
            let file = file.map_err(failed)?;
            let id = file.file_name().to_str().and_then(|name| name.parse::<GlobalId>().ok());
            if id.is_some_and(|id| !live(id)) {
                fs::remove_file(file.path()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Writes beside, syncs, renames, and syncs the directory: a crash leaves the old value or the new one.
fn write_file(directory: &PathBuf, id: GlobalId, value: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let (path, draft) = (directory.join(id.to_string()), directory.join(format!(".{id}.new")));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(value)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    fs::File::open(directory)?.sync_all()
}

fn failed(error: io::Error) -> SqlError {
    SqlError::new(SqlState::IO_ERROR, format!("cannot reach the secret's file: {error}"))
}
