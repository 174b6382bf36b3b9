//! Upstream's text values to rows.
//!
//! A row that our column types cannot hold is an error in the collection instead: data, retracted like any other when the row goes away. It is
//! therefore a function of the row alone, and names the row's key, by which it is found again when upstream only tells the key.

use super::pgoutput::Value;
use super::table_name;
use crate::ingestion::Data;
use proto::storage::IngestionExport;
use repr::text::TextSettings;
use repr::{DataflowError, Datum, Row, RowPacker, SqlError, SqlState, SqlType};
use std::borrow::Cow;

/// Decodes the rows of one table.
pub struct Decoder {
    table: String,
    columns: Vec<Column>,
    /// Columns whose values name a row in errors; none if they are all there are.
    naming: Vec<usize>,
    settings: TextSettings,
}

struct Column {
    name: String,
    ty: SqlType,
    nullable: bool,
}

impl Decoder {
    /// For the rows of an export.
    pub fn new(export: &IngestionExport) -> Self {
        let column = |(name, column): (&String, &repr::ColumnType)| Column {
            name: name.clone(),
            ty: column.ty.clone(),
            nullable: column.nullable,
        };
        let columns: Vec<_> = export.columns.iter().zip(&export.desc.typ.columns).map(column).collect();
        let all = export.identity.len() >= columns.len();
        let in_range = |i: &usize| *i < columns.len();
        let naming = if all { Vec::new() } else { export.identity.iter().copied().filter(in_range).collect() };
        Decoder { table: table_name(&export.schema, &export.table), columns, naming, settings: TextSettings::default() }
    }

    /// How many columns there are.
    pub fn arity(&self) -> usize {
        self.columns.len()
    }

    /// A row of `values`, one for each of our columns; those that did not change are taken from the `old` row.
    pub fn row(&self, values: &[Value<'_>], old: Option<&Row>, packer: &mut RowPacker) -> Data {
        packer.clear();
        let old = if values.contains(&Value::Unchanged) { old.map(Row::unpack) } else { None };
        for (index, value) in values.iter().enumerate() {
            let kept = old.as_ref().filter(|_| *value == Value::Unchanged).and_then(|old| old.get(index));
            if let Some(datum) = kept {
                packer.push(*datum);
            } else if let Err(error) = self.push(index, *value, packer) {
                packer.clear();
                return Err(self.error(index, error, values));
            }
        }
        Ok(packer.take())
    }

    /// Appends one value.
    pub fn push(&self, index: usize, value: Value<'_>, packer: &mut RowPacker) -> Result<(), SqlError> {
        let column = &self.columns[index];
        match value {
            Value::Text(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| {
                    SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\"")
                })?;
                push_text(text, &column.ty, &self.settings, packer)
            }
            Value::Null if column.nullable => {
                packer.push(Datum::Null);
                Ok(())
            }
            Value::Null => Err(SqlError::new(SqlState::NOT_NULL_VIOLATION, "null value in a column that was NOT NULL")),
            Value::Unchanged => Err(SqlError::internal("a value that upstream did not send")),
        }
    }

    fn error(&self, index: usize, error: SqlError, values: &[Value<'_>]) -> DataflowError {
        let message = format!("source table {}, column {}: {}", self.table, self.columns[index].name, error.message);
        SqlError { detail: self.key_text(values), ..SqlError::new(error.code, message) }
    }

    /// How an error names its row: `Key (a, b)=(1, 2) of public.t.`
    pub fn key_text(&self, values: &[Value<'_>]) -> Option<String> {
        if self.naming.is_empty() {
            return None;
        }
        let text = |index: &usize| match values.get(*index) {
            Some(Value::Text(bytes)) => String::from_utf8_lossy(bytes),
            _ => Cow::Borrowed("null"),
        };
        let names: Vec<_> = self.naming.iter().map(|index| self.columns[*index].name.as_str()).collect();
        let texts: Vec<_> = self.naming.iter().map(text).collect();
        Some(format!("Key ({})=({}) of {}.", names.join(", "), texts.join(", "), self.table))
    }
}

/// The types that make up most of any table are read here, at a fraction of the cost; all others by `repr`.
fn push_text(text: &str, ty: &SqlType, settings: &TextSettings, packer: &mut RowPacker) -> Result<(), SqlError> {
    let datum = match ty {
        SqlType::Int2 => text.parse().ok().map(Datum::Int2),
        SqlType::Int4 => text.parse().ok().map(Datum::Int4),
        SqlType::Int8 => text.parse().ok().map(Datum::Int8),
        SqlType::Bool if text == "t" => Some(Datum::Bool(true)),
        SqlType::Bool if text == "f" => Some(Datum::Bool(false)),
        // Upstream has cut and padded them already. NUL cannot occur in PostgreSQL's text.
        SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) => Some(Datum::Text(text)),
        _ => None,
    };
    match datum {
        Some(datum) => {
            packer.push(datum);
            Ok(())
        }
        None => repr::text::parse(text, ty, settings, packer),
    }
}

/// Splits rows of COPY's text format into values.
#[derive(Default)]
pub struct CopyReader {
    /// The start of a row whose end has not come yet.
    partial: Vec<u8>,
    /// Values with escapes, unescaped: one after the other.
    unescaped: Vec<u8>,
}

/// A value of a COPY row: a range of the row, or of the unescaped bytes.
#[derive(Clone, Copy)]
enum Field {
    Null,
    Plain(usize, usize),
    Escaped(usize, usize),
}

impl CopyReader {
    /// Calls `row` for each complete row of the stream so far.
    pub fn feed<E>(&mut self, chunk: &[u8], mut row: impl FnMut(&[Value<'_>]) -> Result<(), E>) -> Result<(), E> {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (line, tail) = (&rest[..end], &rest[end + 1..]);
            if self.partial.is_empty() {
                self.line(line, &mut row)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.line(&whole, &mut row)?;
            }
            rest = tail;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    fn line<E>(&mut self, line: &[u8], row: &mut impl FnMut(&[Value<'_>]) -> Result<(), E>) -> Result<(), E> {
        if !line.contains(&b'\\') {
            let values: Vec<_> = line.split(|b| *b == b'\t').map(Value::Text).collect();
            return row(&values);
        }
        self.unescaped.clear();
        let mut fields = Vec::new();
        let mut start = 0;
        for field in line.split(|b| *b == b'\t') {
            let end = start + field.len();
            fields.push(self.field(field, start, end));
            start = end + 1;
        }
        let value = |field: &Field| match *field {
            Field::Null => Value::Null,
            Field::Plain(start, end) => Value::Text(&line[start..end]),
            Field::Escaped(start, end) => Value::Text(&self.unescaped[start..end]),
        };
        let values: Vec<_> = fields.iter().map(value).collect();
        row(&values)
    }

    fn field(&mut self, field: &[u8], start: usize, end: usize) -> Field {
        if field == b"\\N" {
            return Field::Null;
        }
        if !field.contains(&b'\\') {
            return Field::Plain(start, end);
        }
        let from = self.unescaped.len();
        let mut bytes = field.iter();
        while let Some(&byte) = bytes.next() {
            let escaped = if byte == b'\\' { bytes.next() } else { None };
            self.unescaped.push(match escaped {
                None => byte,
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(&other) => other,
            });
        }
        Field::Escaped(from, self.unescaped.len())
    }
}

#[cfg(test)]
mod tests;
