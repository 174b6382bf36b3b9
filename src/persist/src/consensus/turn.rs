//! Turns: who may write to the SQLite file now.
//!
//! SQLite's own busy handler sleeps and tries again, so that a busy process starves the others. Here a writer takes the *queue* lock,
//! then, with it in hand, the *turn* lock, and lets the queue go. Whoever just had a turn and wants another one queues behind
//! those who wait, so nobody waits for more than a few turns. The kernel frees the locks of a process that dies.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The two lock files beside a database.
#[derive(Debug)]
pub(super) struct Turnstile {
    queue: File,
    turn: File,
}

/// The right to write; ends when dropped.
pub(super) struct Turn<'a>(&'a File);

impl Turnstile {
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let lock_file = |suffix: &str| {
            let mut path = database.as_os_str().to_os_string();
            path.push(suffix);
            OpenOptions::new().create(true).truncate(false).write(true).open(PathBuf::from(path))
        };
        Ok(Turnstile { queue: lock_file("-queue")?, turn: lock_file("-turn")? })
    }

    /// Waits for a turn.
    pub(super) fn take(&self) -> io::Result<Turn<'_>> {
        self.queue.lock()?;
        let turn = self.turn.lock().map(|()| Turn(&self.turn));
        self.queue.unlock()?;
        turn
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::error!(%error, "cannot unlock the metadata file");
        }
    }
}
