//! One table of the source: upstream's changes become updates of our shard.
//!
//! An update retracts the old row, so the old row must be known. With full replica identity upstream sends it; otherwise it sends the key, or
//! nothing if the key stays, and the row comes from [`KeyedRows`], which holds every row of the table.

use super::decode::Decoder;
use super::pgoutput::{Malformed, Old, Relation, Tuple, Value};
use super::state::{Budget, KeyedRows};
use super::upstream::{Identity, map_columns};
use crate::ingestion::{Context, Data, SourceError};
use proto::storage::IngestionExport;
use repr::{Diff, Frontier, GlobalId, Row, RowPacker};

/// Updates of a shard, as they come.
pub type Updates = Vec<(Data, Diff)>;

/// A table of the source.
pub struct Table {
    pub export: IngestionExport,
    id: GlobalId,
    decoder: Decoder,
    identity: Identity,
    /// Positions of the replica identity's columns; empty unless it is a key.
    key: Vec<usize>,
    /// Every row, if upstream does not send whole old rows.
    rows: Option<KeyedRows>,
    /// For each of our columns its place in upstream's tuples, once upstream has described the table.
    indexes: Option<Vec<usize>>,
    packer: RowPacker,
}

impl Table {
    /// A table without its rows.
    pub fn new(id: GlobalId, export: &IngestionExport, identity: Identity) -> Result<Self, SourceError> {
        let key = key_positions(export, &identity)?;
        let (export, decoder) = (export.clone(), Decoder::new(export));
        Ok(Table { export, id, decoder, identity, key, rows: None, indexes: None, packer: RowPacker::new() })
    }

    /// Reads the rows that are durable before `upper`, if they will be needed.
    pub async fn load(&mut self, context: &Context, budget: &Budget, upper: Frontier) -> Result<(), SourceError> {
        // A key of all columns is the row.
        if self.key.is_empty() || self.key.len() == self.decoder.arity() {
            return Ok(());
        }
        let mut rows = KeyedRows::new(self.key.clone(), budget.clone());
        if let Some(as_of) = upper.last_complete() {
            let mut snapshot = context.persist.snapshot(self.export.shard, as_of).await?;
            while let Some(updates) = snapshot.next().await? {
                for update in updates {
                    rows.load(update.data, update.diff)?;
                }
                tokio::task::yield_now().await;
            }
        }
        rows.finish_load()?;
        tracing::debug!("table {}: {} rows by key", self.id, rows.len());
        self.rows = Some(rows);
        Ok(())
    }

    /// Upstream describes the table. Gives the replica identity if it is another than the one the table was loaded for.
    pub fn describe(&mut self, relation: &Relation) -> Result<Option<Identity>, SourceError> {
        self.indexes = Some(map_columns(&self.export, &relation.columns)?);
        let identity = match relation.identity {
            b'f' => Identity::Full,
            b'd' | b'i' if !relation.key.is_empty() => Identity::Key(relation.key.clone()),
            _ => Identity::Nothing,
        };
        Ok((identity != self.identity).then_some(identity))
    }

    /// A row comes.
    pub fn insert(&mut self, new: &Tuple<'_>, out: &mut Updates) -> Result<(), SourceError> {
        let new = self.decoder.row(&self.project(new)?, None, &mut self.packer);
        self.remember(&new)?;
        out.push((new, 1));
        Ok(())
    }

    /// A row goes.
    pub fn delete(&mut self, old: &Old<'_>, out: &mut Updates) -> Result<(), SourceError> {
        let (Old::Key(tuple) | Old::Full(tuple)) = old;
        let values = self.project(tuple)?;
        out.push((self.forget(&values, matches!(old, Old::Full(_)))?, -1));
        Ok(())
    }

    /// A row changes.
    pub fn update(&mut self, old: Option<&Old<'_>>, new: &Tuple<'_>, out: &mut Updates) -> Result<(), SourceError> {
        let mut new = self.project(new)?;
        let old = match old {
            Some(Old::Full(tuple)) => {
                let values = self.project(tuple)?;
                fill(&mut new, &values);
                self.forget(&values, true)?
            }
            Some(Old::Key(tuple)) => {
                let values = self.project(tuple)?;
                fill(&mut new, &values);
                self.forget(&values, false)?
            }
            None => self.forget(&new, false)?,
        };
        let new = self.decoder.row(&new, old.as_ref().ok(), &mut self.packer);
        self.remember(&new)?;
        if old != new {
            out.push((old, -1));
            out.push((new, 1));
        }
        Ok(())
    }

    /// All rows are gone.
    pub fn truncated(&mut self) -> Result<(), SourceError> {
        self.rows.as_mut().map_or(Ok(()), KeyedRows::clear)
    }

    /// A tuple's values in the order of our columns.
    fn project<'a>(&self, tuple: &Tuple<'a>) -> Result<Vec<Value<'a>>, SourceError> {
        let indexes = self.indexes.as_ref().ok_or(Malformed)?;
        let values = indexes.iter().map(|index| tuple.get(*index).copied().ok_or(Malformed));
        Ok(values.collect::<Result<_, _>>()?)
    }

    fn remember(&mut self, data: &Data) -> Result<(), SourceError> {
        match &mut self.rows {
            Some(rows) => rows.put(data),
            None => Ok(()),
        }
    }

    /// The old row of which upstream sent `values`: all of them, or those of the key.
    fn forget(&mut self, values: &[Value<'_>], full: bool) -> Result<Data, SourceError> {
        let all = full || self.key.len() == self.decoder.arity();
        if self.rows.is_none() && !all {
            return Err(SourceError::restart(format!("table {} needs its old rows", self.id)));
        }
        let stored = self.take(values)?;
        if all {
            return Ok(self.decoder.row(values, None, &mut self.packer));
        }
        stored.ok_or_else(|| {
            let named = self.decoder.key_text(values).unwrap_or_else(|| self.export.table.clone());
            SourceError::failed(format!("upstream changed a row that is not here: {named}"))
                .hint("drop the source and create it again")
        })
    }

    fn take(&mut self, values: &[Value<'_>]) -> Result<Option<Data>, SourceError> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        self.packer.clear();
        let pushed = self.key.iter().try_for_each(|i| self.decoder.push(*i, values[*i], &mut self.packer));
        if pushed.is_ok()
            && let Some(row) = rows.take(self.packer.encoded())?
        {
            return Ok(Some(Ok(row)));
        }
        let named = self.decoder.key_text(values);
        Ok(named.and_then(|named| rows.take_error(&named)).map(Err))
    }
}

/// Puts old values where upstream says that nothing changed.
fn fill<'a>(new: &mut [Value<'a>], old: &[Value<'a>]) {
    for (new, old) in new.iter_mut().zip(old) {
        // A key's tuple has NULL for all other columns.
        if *new == Value::Unchanged && *old != Value::Null {
            *new = *old;
        }
    }
}

fn key_positions(export: &IngestionExport, identity: &Identity) -> Result<Vec<usize>, SourceError> {
    let Identity::Key(names) = identity else { return Ok(Vec::new()) };
    let position = |name: &String| {
        export.columns.iter().position(|column| column == name).ok_or_else(|| {
            let message = format!("column \"{name}\" of {}'s replica identity is not part of the source", export.table);
            SourceError::failed(message).hint("include the column, or set REPLICA IDENTITY FULL upstream")
        })
    };
    names.iter().map(position).collect()
}

/// The values of a row's key.
pub fn key_of(row: &Row, key: &[usize], packer: &mut RowPacker) {
    packer.clear();
    let datums = row.unpack();
    packer.extend(key.iter().filter_map(|index| datums.get(*index).copied()));
}
