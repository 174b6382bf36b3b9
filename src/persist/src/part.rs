//! Parts: batches of updates as Parquet files that other programs can read as well.
//!
//! A part has the shard's columns under their names, then `__time`, `__diff` and `__error`, the JSON of an error in place of a row
//! (its columns are null then). Each column has the Arrow type nearest to its SQL type, if all values of the part
//! survive the round trip; else it holds the values' encodings. Rows come back byte for byte.

mod columns;
#[cfg(test)]
mod tests;

use crate::format::{FORMAT, check_version};
use crate::state::{ColumnStats, Part};
use crate::update::{decode_error, encode_error};
use crate::{PersistError, Update};
use arrow_array::builder::{Int64Builder, StringBuilder, UInt64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use columns::{Column, ColumnKind, Values};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use repr::{Datum, RelationDesc, Row, RowPacker};
use std::collections::HashSet;
use std::sync::Arc;

const TIME: &str = "__time";
const DIFF: &str = "__diff";
const ERROR: &str = "__error";
const FORMAT_KEY: &str = "freshet.format";
const COLUMNS_KEY: &str = "freshet.columns";
/// Rows of a row group: bounds the memory of whoever reads the file.
const ROW_GROUP_ROWS: usize = 1 << 17;
/// A least or greatest value longer than this is not worth its place in the state.
const STATS_BYTES_MAX: usize = 64;

/// A part, ready to be written.
pub(crate) struct EncodedPart {
    pub bytes: Bytes,
    pub part: Part,
}

/// Encodes updates, which are sorted, as the part that will stand at `key`.
pub(crate) fn encode(key: String, desc: &RelationDesc, updates: &[Update]) -> Result<EncodedPart, PersistError> {
    let (columns, stats) = build_columns(desc, updates)?;
    let kinds: Vec<ColumnKind> = columns.iter().map(Column::kind).collect();
    let mut arrays: Vec<ArrayRef> = columns.into_iter().map(Column::finish).collect();
    arrays.extend(bookkeeping(updates));
    let schema = Arc::new(Schema::new(fields(desc, &arrays)));
    let written = RecordBatch::try_new(Arc::clone(&schema), arrays)
        .map_err(|e| ParquetError::General(e.to_string()))
        .and_then(|batch| write_file(&schema, &kinds, &batch));
    let bytes = Bytes::from(written.map_err(|e| PersistError::Usage(format!("cannot encode a part: {e}")))?);
    let checksum = crc32c::crc32c(&bytes);
    let part = Part { key, bytes: bytes.len() as u64, checksum, updates: updates.len() as u64, stats };
    Ok(EncodedPart { bytes, part })
}

/// One pass over the rows fills all columns; those whose values do not fit their natural type are filled again with encodings.
fn build_columns(desc: &RelationDesc, updates: &[Update]) -> Result<(Vec<Column>, Vec<ColumnStats>), PersistError> {
    let kinds = desc.typ.columns.iter().map(|column| ColumnKind::natural(&column.ty));
    let mut columns: Vec<Column> = kinds.map(|kind| Column::new(kind, updates.len())).collect();
    let mut stats: Vec<Extent<'_>> = columns.iter().map(|_| Extent::default()).collect();
    let mut unfit = HashSet::new();
    for update in updates {
        let mut cells = update.data.as_ref().ok().map(Row::iter);
        for (i, (column, extent)) in columns.iter_mut().zip(&mut stats).enumerate() {
            let cell = match &mut cells {
                Some(cells) => cells.next().ok_or_else(|| wrong_arity(desc))?,
                None => Datum::Null,
            };
            extent.add(cell);
            if !column.push(cell) {
                unfit.insert(i);
                column.push(Datum::Null);
            }
        }
        if cells.is_some_and(|mut rest| rest.next().is_some()) {
            return Err(wrong_arity(desc));
        }
    }
    for i in unfit {
        columns[i] = encoded_column(i, updates);
    }
    Ok((columns, stats.into_iter().map(Extent::finish).collect()))
}

fn wrong_arity(desc: &RelationDesc) -> PersistError {
    PersistError::Usage(format!("a row does not have the {} columns of its shard", desc.arity()))
}

/// Column `i` as the values' encodings.
fn encoded_column(i: usize, updates: &[Update]) -> Column {
    let mut column = Column::new(ColumnKind::Encoded, updates.len());
    for update in updates {
        let cell = update.data.as_ref().ok().and_then(|row| row.iter().nth(i));
        column.push(cell.unwrap_or(Datum::Null));
    }
    column
}

/// Least and greatest value of a column.
#[derive(Default)]
struct Extent<'a> {
    range: Option<(Datum<'a>, Datum<'a>)>,
    nulls: u64,
}

impl<'a> Extent<'a> {
    fn add(&mut self, cell: Datum<'a>) {
        match &mut self.range {
            _ if cell.is_null() => self.nulls += 1,
            None => self.range = Some((cell, cell)),
            Some((min, _)) if cell < *min => *min = cell,
            Some((_, max)) if cell > *max => *max = cell,
            Some(_) => {}
        }
    }

    fn finish(self) -> ColumnStats {
        let encoded = |datum: Datum<'_>| Bytes::copy_from_slice(Row::pack([datum]).encoded());
        let short = |bytes: Bytes| if bytes.len() <= STATS_BYTES_MAX { bytes } else { Bytes::new() };
        let (min, max) = match self.range {
            Some((min, max)) => (short(encoded(min)), short(encoded(max))),
            None => Default::default(),
        };
        ColumnStats { min, max, nulls: self.nulls }
    }
}

/// The three columns that every part has.
fn bookkeeping(updates: &[Update]) -> [ArrayRef; 3] {
    let mut times = UInt64Builder::with_capacity(updates.len());
    let mut diffs = Int64Builder::with_capacity(updates.len());
    let mut errors = StringBuilder::with_capacity(updates.len(), 0);
    for update in updates {
        times.append_value(update.time);
        diffs.append_value(update.diff);
        errors.append_option(update.data.as_ref().err().map(encode_error));
    }
    [Arc::new(times.finish()), Arc::new(diffs.finish()), Arc::new(errors.finish())]
}

/// Fields named like the shard's columns; a name that is empty or taken gets a number.
fn fields(desc: &RelationDesc, arrays: &[ArrayRef]) -> Vec<Field> {
    let mut taken: HashSet<String> = [TIME, DIFF, ERROR].map(str::to_string).into();
    let mut unique = |i: usize, name: &str| {
        let mut name = if name.is_empty() { format!("column{}", i + 1) } else { name.to_string() };
        while !taken.insert(name.clone()) {
            name = format!("{name}_{}", i + 1);
        }
        name
    };
    let names: Vec<String> = desc.names.iter().enumerate().map(|(i, name)| unique(i, name)).collect();
    let bookkeeping = [(TIME, false), (DIFF, false), (ERROR, true)];
    let all = names.iter().map(|name| (name.as_str(), true)).chain(bookkeeping);
    all.zip(arrays).map(|((name, nullable), array)| Field::new(name, array.data_type().clone(), nullable)).collect()
}

fn write_file(schema: &Arc<Schema>, kinds: &[ColumnKind], batch: &RecordBatch) -> Result<Vec<u8>, ParquetError> {
    let kinds = serde_json::to_string(kinds).map_err(|e| ParquetError::General(e.to_string()))?;
    let metadata =
        vec![KeyValue::new(FORMAT_KEY.to_string(), FORMAT.to_string()), KeyValue::new(COLUMNS_KEY.to_string(), kinds)];
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata(Some(metadata))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?;
    writer.write(batch)?;
    writer.into_inner()
}

/// Reads a part, chunk by chunk.
pub(crate) struct PartReader {
    key: String,
    kinds: Vec<ColumnKind>,
    batches: ParquetRecordBatchReader,
}

impl PartReader {
    /// Checks a blob's bytes against what the state knows of it, and prepares to read them.
    pub fn open(part: &Part, bytes: Bytes, chunk_rows: usize) -> Result<Self, PersistError> {
        if bytes.len() as u64 != part.bytes || crc32c::crc32c(&bytes) != part.checksum {
            return Err(corrupt(&part.key, "length or checksum differ from those in the shard's state"));
        }
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|e| corrupt(&part.key, e))?;
        let metadata = builder.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            let found = metadata.into_iter().flatten().find(|entry| entry.key == key);
            found.and_then(|entry| entry.value.as_deref()).ok_or_else(|| corrupt(&part.key, "not written by Freshet"))
        };
        check_version(&part.key, value(FORMAT_KEY)?.parse().map_err(|e| corrupt(&part.key, e))?)?;
        let kinds = serde_json::from_str(value(COLUMNS_KEY)?).map_err(|e| corrupt(&part.key, e))?;
        let batches = builder.with_batch_size(chunk_rows).build().map_err(|e| corrupt(&part.key, e))?;
        Ok(PartReader { key: part.key.clone(), kinds, batches })
    }

    /// The next updates; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Vec<Update>>, PersistError> {
        let Some(batch) = self.batches.next() else { return Ok(None) };
        let batch = batch.map_err(|e| corrupt(&self.key, e))?;
        self.decode(&batch).ok_or_else(|| corrupt(&self.key, "columns have unexpected types")).map(Some)
    }

    fn decode(&self, batch: &RecordBatch) -> Option<Vec<Update>> {
        let arity = self.kinds.len();
        if batch.num_columns() != arity + 3 {
            return None;
        }
        let columns: Vec<Values<'_>> = self
            .kinds
            .iter()
            .zip(batch.columns())
            .map(|(kind, array)| Values::of(kind, array))
            .collect::<Option<_>>()?;
        let times: &UInt64Array = batch.column(arity).as_primitive_opt::<UInt64Type>()?;
        let diffs: &Int64Array = batch.column(arity + 1).as_primitive_opt::<Int64Type>()?;
        let errors: &StringArray = batch.column(arity + 2).as_string_opt::<i32>()?;
        let mut packer = RowPacker::new();
        let update = |i: usize| {
            let data = if errors.is_valid(i) {
                Err(decode_error(errors.value(i)).ok()?)
            } else {
                columns.iter().for_each(|column| column.push(i, &mut packer));
                Ok(packer.take())
            };
            Some(Update { data, time: times.value(i), diff: diffs.value(i) })
        };
        (0..batch.num_rows()).map(update).collect()
    }
}

fn corrupt(key: &str, reason: impl std::fmt::Display) -> PersistError {
    PersistError::Corrupt { what: key.to_string(), reason: reason.to_string() }
}
