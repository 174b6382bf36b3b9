//! Rows by key in a file: an embedded SQLite without a journal, in one transaction that is never committed. It is deleted with its owner.

use crate::ingestion::SourceError;
use repr::Row;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use tempfile::TempDir;

/// Pages that are held in memory, in KiB.
const CACHE_KIB: i64 = 64 << 10;

/// An open scratch file.
pub struct Scratch {
    connection: Connection,
    rows: u64,
    // Deleted after the connection is closed: fields are dropped in order.
    _folder: TempDir,
}

impl Scratch {
    /// An empty one below `folder`.
    pub fn create(folder: &Path) -> Result<Self, SourceError> {
        let made = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempdir_in(folder));
        let temporary = made.map_err(|error| failed(&error))?;
        let connection = Connection::open(temporary.path().join("rows.db")).map_err(|error| failed(&error))?;
        let prepare = format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -{CACHE_KIB};
             CREATE TABLE rows (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
             BEGIN;"
        );
        connection.execute_batch(&prepare).map_err(|error| failed(&error))?;
        Ok(Scratch { connection, rows: 0, _folder: temporary })
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// The row of a key, which is then gone.
    pub fn take(&mut self, key: &[u8]) -> Result<Option<Row>, SourceError> {
        let row = tokio::task::block_in_place(|| {
            let mut take = self.connection.prepare_cached("DELETE FROM rows WHERE key = ?1 RETURNING row")?;
            take.query_row([key], |row| Ok(Row::from_encoded(row.get_ref(0)?.as_blob()?))).optional()
        });
        let row = row.map_err(|error| failed(&error))?;
        self.rows -= u64::from(row.is_some());
        Ok(row)
    }

    /// For a key that has no row.
    pub fn put(&mut self, key: &[u8], row: &[u8]) -> Result<(), SourceError> {
        let put = tokio::task::block_in_place(|| {
            self.connection.prepare_cached("INSERT INTO rows VALUES (?1, ?2)")?.execute([key, row])
        });
        put.map_err(|error| failed(&error))?;
        self.rows += 1;
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Display) -> SourceError {
    SourceError::stalled(format!("cannot use the scratch directory: {error}"))
        .hint("free disk space, or set --scratch-directory or --source-state-mib")
}
