//! Every row of a table by its key: in memory while the source's budget lasts, then in a scratch file.
//!
//! Nothing here is durable: it is read anew from persist at each start, and applied as changes come in.

mod scratch;

use super::table::key_of;
use crate::ingestion::{Data, SourceError};
use hashbrown::HashTable;
use repr::row::hash_encoded;
use repr::{DataflowError, Diff, Row, RowPacker};
use scratch::Scratch;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory that an entry takes beside its bytes: a slot of the table, and what an allocation costs.
const ENTRY_OVERHEAD: usize = 32;

/// What all tables of a source share.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes_max: usize,
    bytes: AtomicUsize,
    scratch: PathBuf,
}

impl Budget {
    /// So much memory, then files below `scratch`.
    pub fn new(bytes_max: usize, scratch: PathBuf) -> Self {
        Budget(Arc::new(Shared { bytes_max, bytes: AtomicUsize::new(0), scratch }))
    }
}

/// Rows by key.
pub struct KeyedRows {
    key: Vec<usize>,
    store: Store,
    /// Bytes that `store` takes of the budget.
    bytes: usize,
    budget: Budget,
    /// Rows that are errors, by the key that they name.
    errors: BTreeMap<String, DataflowError>,
    /// While loading: what could not be applied in the order it came.
    unsettled: BTreeMap<Data, Diff>,
    packer: RowPacker,
}

enum Store {
    Memory(HashTable<Entry>),
    Disk(Scratch),
}

/// Length of the key in four bytes, key, row.
struct Entry(Box<[u8]>);

impl Entry {
    fn new(key: &[u8], row: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(4 + key.len() + row.len());
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(row);
        Entry(bytes.into_boxed_slice())
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let (len, rest) = self.0.split_at(4);
        let len = len.iter().rev().fold(0, |len, byte| (len << 8) | usize::from(*byte));
        rest.split_at(len)
    }

    fn bytes(&self) -> usize {
        self.0.len() + ENTRY_OVERHEAD
    }
}

impl KeyedRows {
    /// No rows, keyed by these columns.
    pub fn new(key: Vec<usize>, budget: Budget) -> Self {
        let store = Store::Memory(HashTable::new());
        let (errors, unsettled) = (BTreeMap::new(), BTreeMap::new());
        KeyedRows { key, store, bytes: 0, budget, errors, unsettled, packer: RowPacker::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        match &self.store {
            Store::Memory(rows) => rows.len() as u64,
            Store::Disk(scratch) => scratch.len(),
        }
    }

    /// Takes in an update of a snapshot, in any order: a key may have a new row before the old one is gone.
    pub fn load(&mut self, data: Data, diff: Diff) -> Result<(), SourceError> {
        if let Ok(row) = &data {
            let mut packer = std::mem::take(&mut self.packer);
            key_of(row, &self.key, &mut packer);
            let settled = self.settle(packer.encoded(), row, diff)?;
            self.packer = packer;
            if settled {
                return Ok(());
            }
        }
        *self.unsettled.entry(data).or_default() += diff;
        Ok(())
    }

    fn settle(&mut self, key: &[u8], row: &Row, diff: Diff) -> Result<bool, SourceError> {
        match (diff, self.take(key)?) {
            (1, None) => {
                self.put_row(key, row)?;
                Ok(true)
            }
            (-1, Some(present)) if present == *row => Ok(true),
            (_, Some(present)) => {
                self.put_row(key, &present)?;
                Ok(false)
            }
            (_, None) => Ok(false),
        }
    }

    /// All updates of the snapshot have been loaded.
    pub fn finish_load(&mut self) -> Result<(), SourceError> {
        let mut unsettled: Vec<_> = std::mem::take(&mut self.unsettled).into_iter().filter(|(_, d)| *d != 0).collect();
        // ORDER: rows that went before those that came, so that each key is free for its newest row.
        unsettled.sort_by_key(|(_, diff)| *diff);
        for (data, diff) in unsettled {
            match data {
                Err(error) if diff > 0 => self.put(&Err(error))?,
                Ok(row) => {
                    let mut packer = std::mem::take(&mut self.packer);
                    key_of(&row, &self.key, &mut packer);
                    let settled = self.settle(packer.encoded(), &row, diff)?;
                    self.packer = packer;
                    if !settled {
                        return Err(inconsistent());
                    }
                }
                Err(_) => return Err(inconsistent()),
            }
        }
        Ok(())
    }

    /// The row of a key, which is then gone.
    pub fn take(&mut self, key: &[u8]) -> Result<Option<Row>, SourceError> {
        let rows = match &mut self.store {
            Store::Memory(rows) => rows,
            Store::Disk(scratch) => return scratch.take(key),
        };
        let Ok(found) = rows.find_entry(hash_encoded(key), |entry| entry.parts().0 == key) else {
            return Ok(None);
        };
        let entry = found.remove().0;
        self.bytes -= entry.bytes();
        self.budget.0.bytes.fetch_sub(entry.bytes(), Ordering::Relaxed);
        Ok(Some(Row::from_encoded(entry.parts().1)))
    }

    /// The error that names this key, which is then gone.
    pub fn take_error(&mut self, named: &str) -> Option<DataflowError> {
        self.errors.remove(named)
    }

    /// A row, or an error in place of one.
    pub fn put(&mut self, data: &Data) -> Result<(), SourceError> {
        match data {
            Ok(row) => {
                let mut packer = std::mem::take(&mut self.packer);
                key_of(row, &self.key, &mut packer);
                self.take(packer.encoded())?;
                self.put_row(packer.encoded(), row)?;
                self.packer = packer;
            }
            Err(error) => {
                let named = error.detail.clone().unwrap_or_default();
                self.errors.insert(named, error.clone());
            }
        }
        Ok(())
    }

    /// For a key that has no row.
    fn put_row(&mut self, key: &[u8], row: &Row) -> Result<(), SourceError> {
        let rows = match &mut self.store {
            Store::Memory(rows) => rows,
            Store::Disk(scratch) => return scratch.put(key, row.encoded()),
        };
        let entry = Entry::new(key, row.encoded());
        self.bytes += entry.bytes();
        let before = self.budget.0.bytes.fetch_add(entry.bytes(), Ordering::Relaxed);
        let full = before + entry.bytes() > self.budget.0.bytes_max;
        rows.insert_unique(hash_encoded(key), entry, |entry| hash_encoded(entry.parts().0));
        if full { self.spill() } else { Ok(()) }
    }

    /// Moves all rows to a file.
    fn spill(&mut self) -> Result<(), SourceError> {
        let mut scratch = Scratch::create(&self.budget.0.scratch)?;
        if let Store::Memory(rows) = &mut self.store {
            tracing::info!("{} rows by key move to a scratch file: {} MiB", rows.len(), self.bytes >> 20);
            let mut entries: Vec<_> = std::mem::take(rows).into_iter().collect();
            entries.sort_unstable_by(|a, b| a.parts().0.cmp(b.parts().0));
            for entry in entries {
                let (key, row) = entry.parts();
                scratch.put(key, row)?;
            }
        }
        self.give_back();
        self.store = Store::Disk(scratch);
        Ok(())
    }

    /// Forgets everything.
    pub fn clear(&mut self) -> Result<(), SourceError> {
        self.give_back();
        self.store = Store::Memory(HashTable::new());
        self.errors.clear();
        Ok(())
    }

    fn give_back(&mut self) {
        self.budget.0.bytes.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for KeyedRows {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn inconsistent() -> SourceError {
    SourceError::failed("the table holds several rows of one key")
        .hint("drop the source and create it again after its replica identity changed")
}

#[cfg(test)]
mod tests;
