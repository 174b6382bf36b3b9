//! COPY FROM: bytes of a client → rows, with PostgreSQL's errors and their contexts.
//!
//! ```text
//! CopyData ─feed─▶ Decoder: records (`text`, `csv`, `binary`) ─▶ values ─▶ Row of the input's columns
//! ```
//!
//! Pure: `session` feeds it and hands the rows on. Promise: no more is kept than the record that is being read.

mod binary;
mod csv;
mod lines;
#[cfg(test)]
mod tests;
mod text;

use bytes::BytesMut;
use expr::ScalarExpr;
use expr::func::casts::{CastContext, lookup};
use repr::text::TextSettings;
use repr::{Arena, Datum, RelationDesc, Row, RowPacker, SqlError, SqlState, SqlType};
use sql::plan::{CopyFormat, CopyHeader};

/// An error and where it happened: `COPY t, line 3, column a: "x"`.
#[derive(Debug, PartialEq, Eq)]
pub struct CopyError {
    /// What is wrong.
    pub error: SqlError,
    /// Where.
    pub context: Option<String>,
}

impl From<SqlError> for CopyError {
    fn from(error: SqlError) -> Self {
        CopyError { error, context: None }
    }
}

/// One field of a record: none for NULL.
type Field = Option<Vec<u8>>;

/// The rows of a COPY FROM's input.
pub struct Decoder {
    table: String,
    format: CopyFormat,
    desc: RelationDesc,
    settings: TextSettings,
    /// What brings a value of the bare type to a column's declared length or precision.
    casts: Vec<Option<ScalarExpr>>,
    buffer: BytesMut,
    lines: lines::Lines,
    header: CopyHeader,
    signed: bool,
    ended: bool,
    /// The present record, for contexts.
    record: String,
}

/// Longest record, in bytes; as long as the longest message.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// Characters of a line that a context shows.
const SHOWN_MAX: usize = 100;

impl Decoder {
    /// For input of these columns, to be written to the table of this name.
    pub fn new(table: &str, format: CopyFormat, desc: RelationDesc, settings: TextSettings) -> Self {
        let header = match &format {
            CopyFormat::Text { header, .. } | CopyFormat::Csv { header, .. } => *header,
            CopyFormat::Binary => CopyHeader::Absent,
        };
        let casts = desc.typ.columns.iter().map(|column| length_cast(&column.ty)).collect();
        Decoder {
            table: table.to_string(),
            format,
            desc,
            settings,
            casts,
            buffer: BytesMut::new(),
            lines: lines::Lines::default(),
            header,
            signed: false,
            ended: false,
            record: String::new(),
        }
    }

    /// More input. After the end of the data, input is ignored.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.ended {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next row; none if more input is needed, or, once `end` says that there is no more, if all are read.
    pub fn next_row(&mut self, end: bool) -> Result<Option<Row>, CopyError> {
        if self.ended {
            return Ok(None);
        }
        let row = self.decoded(end)?;
        if row.is_none() && self.buffer.len() > RECORD_BYTES_MAX {
            let what = format!("a record of COPY data is longer than {RECORD_BYTES_MAX} bytes");
            return Err(self.at_line_number(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, what)));
        }
        Ok(row)
    }

    fn decoded(&mut self, end: bool) -> Result<Option<Row>, CopyError> {
        match self.format.clone() {
            CopyFormat::Binary => self.next_tuple(end),
            CopyFormat::Text { delimiter, null, .. } => {
                self.next_line(end, None, |line| text::fields(line, delimiter, null.as_bytes()))
            }
            CopyFormat::Csv { delimiter, quote, escape, null, force_null, force_not_null, .. } => {
                let csv = csv::Csv { delimiter, quote, escape, null: null.into_bytes(), force_null, force_not_null };
                self.next_line(end, Some((quote, escape)), |line| csv.fields(line))
            }
        }
    }

    fn next_line(
        &mut self,
        end: bool,
        quote: Option<(u8, u8)>,
        split: impl Fn(&[u8]) -> Result<Vec<Field>, SqlError>,
    ) -> Result<Option<Row>, CopyError> {
        loop {
            let line = match self.lines.next(&mut self.buffer, end, quote) {
                Ok(Some(lines::Line::Data(line))) => line,
                Ok(Some(lines::Line::End)) => {
                    self.ended = true;
                    self.buffer.clear();
                    return Ok(None);
                }
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.at_line_number(error)),
            };
            self.record = shown(&line);
            let fields = split(&line).map_err(|error| self.at_line(error))?;
            match std::mem::replace(&mut self.header, CopyHeader::Absent) {
                CopyHeader::Absent => return self.row(&fields, line.is_empty()).map(Some),
                CopyHeader::Present => {}
                CopyHeader::Match => self.check_header(&fields)?,
            }
        }
    }

    fn check_header(&self, fields: &[Field]) -> Result<(), CopyError> {
        let bad = |message: String| self.at_line(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message));
        if fields.len() != self.desc.arity() {
            let (got, expected) = (fields.len(), self.desc.arity());
            return Err(bad(format!("wrong number of fields in header line: got {got}, expected {expected}")));
        }
        for (position, (field, name)) in fields.iter().zip(&self.desc.names).enumerate() {
            let got = field.as_ref().map(|f| String::from_utf8_lossy(f).into_owned());
            if got.as_ref() != Some(name) {
                let number = position + 1;
                let got = got.map_or_else(|| "null value (\"\")".to_string(), |got| format!("\"{got}\""));
                let message =
                    format!("column name mismatch in header line field {number}: got {got}, expected \"{name}\"");
                return Err(bad(message));
            }
        }
        Ok(())
    }

    fn row(&self, fields: &[Field], empty_line: bool) -> Result<Row, CopyError> {
        let arity = self.desc.arity();
        let bad = |message: String| self.at_line(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message));
        if arity == 0 && empty_line {
            return Ok(Row::default());
        }
        if fields.len() > arity {
            return Err(bad("extra data after last expected column".to_string()));
        }
        let mut values = RowPacker::new();
        // A value that cannot be read comes before one that is missing.
        for (column, name) in self.desc.names.iter().enumerate() {
            let field = fields.get(column).ok_or_else(|| bad(format!("missing data for column \"{name}\"")))?;
            self.value(column, field, &mut values).map_err(|error| self.at_column(error, column, field))?;
        }
        Ok(values.finish())
    }

    fn value(&self, column: usize, field: &Field, values: &mut RowPacker) -> Result<(), SqlError> {
        let Some(bytes) = field else {
            values.push(Datum::Null);
            return Ok(());
        };
        let text = std::str::from_utf8(bytes).map_err(|error| invalid_utf8(bytes, error))?;
        let ty = self.desc.typ.columns[column].ty.without_modifier();
        self.fitted(column, values, |values| repr::text::parse(text, &ty, &self.settings, values))
    }

    /// A value as read, brought to the column's declared length.
    fn fitted(
        &self,
        column: usize,
        values: &mut RowPacker,
        read: impl FnOnce(&mut RowPacker) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let Some(cast) = &self.casts[column] else { return read(values) };
        let mut bare = RowPacker::new();
        read(&mut bare)?;
        let (bare, arena) = (bare.finish(), Arena::new());
        values.push(cast.eval(&bare.unpack(), &arena)?);
        Ok(())
    }

    /// An error of the present line.
    pub fn at_line(&self, error: SqlError) -> CopyError {
        let (table, line) = (&self.table, self.lines.number);
        let context = match self.format {
            CopyFormat::Binary => format!("COPY {table}, line {line}"),
            _ => format!("COPY {table}, line {line}: \"{}\"", self.record),
        };
        CopyError { error, context: Some(context) }
    }

    fn at_line_number(&self, error: SqlError) -> CopyError {
        CopyError { error, context: Some(format!("COPY {}, line {}", self.table, self.lines.number)) }
    }

    fn at_column(&self, error: SqlError, column: usize, field: &Field) -> CopyError {
        let (table, line, name) = (&self.table, self.lines.number, &self.desc.names[column]);
        let value = match (field, &self.format) {
            (_, CopyFormat::Binary) => String::new(),
            (Some(bytes), _) => format!(": \"{}\"", shown(bytes)),
            (None, _) => ": null input".to_string(),
        };
        CopyError { error, context: Some(format!("COPY {table}, line {line}, column {name}{value}")) }
    }
}

/// Over one column of the bare type: the value with the length or precision of the declared one.
fn length_cast(ty: &SqlType) -> Option<ScalarExpr> {
    let base = ty.without_modifier();
    if base == *ty {
        return None;
    }
    let (_, cast) = lookup(&base, ty)?;
    Some(cast.apply_in(ScalarExpr::Column(0), ty, CastContext::Assignment))
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}

fn invalid_utf8(bytes: &[u8], error: std::str::Utf8Error) -> SqlError {
    let first = error.valid_up_to();
    let len = error.error_len().unwrap_or(bytes.len() - first).max(1);
    let shown: Vec<_> = bytes[first..first + len].iter().map(|byte| format!("0x{byte:02x}")).collect();
    let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
    SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}
