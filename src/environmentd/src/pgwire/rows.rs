//! Rows as a client wants them: DataRow messages and COPY lines.

use super::codec::{Encoder, Field};
use crate::catalog::SessionCatalogView;
use bytes::{BufMut, BytesMut};
use repr::text::TextSettings;
use repr::{Datum, RelationDesc, Row, SqlError, SqlState, SqlType};
use sql::plan::{CopyFormat, CopyHeader};

/// The formats of a result's columns, 0 text and 1 binary, from a Bind's codes: none, one for all, or one each.
pub fn expand_formats(codes: &[i16], columns: usize) -> Result<Vec<i16>, SqlError> {
    if let Some(code) = codes.iter().find(|c| !matches!(c, 0 | 1)) {
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("unsupported format code: {code}")));
    }
    match codes {
        [] => Ok(vec![0; columns]),
        [one] => Ok(vec![*one; columns]),
        each if each.len() == columns => Ok(each.to_vec()),
        each => Err(SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!("bind message has {} result formats but query has {columns} columns", each.len()),
        )),
    }
}

/// The RowDescription of a result.
pub fn describe(out: &mut BytesMut, desc: &RelationDesc, formats: &[i16]) {
    let fields: Vec<_> =
        desc.iter().enumerate().map(|(i, (name, column))| field(name, &column.ty, formats, i)).collect();
    Encoder(out).row_description(fields.into_iter());
}

fn field<'a>(name: &'a str, ty: &repr::SqlType, formats: &[i16], column: usize) -> Field<'a> {
    Field {
        name,
        oid: repr::pg::oid(ty),
        typlen: repr::pg::typlen(ty),
        typmod: repr::pg::typmod(ty),
        format: formats.get(column).copied().unwrap_or(0),
    }
}

/// Encodes rows of one result; keeps its scratch space between rows.
pub struct RowEncoder {
    desc: RelationDesc,
    formats: Vec<i16>,
    settings: TextSettings,
    /// Tells names of oids, if a column's type shows them so.
    names: Option<SessionCatalogView>,
    text: String,
    binary: Vec<u8>,
}

impl RowEncoder {
    /// For rows of `desc`, in these formats.
    pub fn new(desc: RelationDesc, formats: Vec<i16>, settings: TextSettings) -> Self {
        RowEncoder { desc, formats, settings, names: None, text: String::new(), binary: Vec::new() }
    }

    /// With names for the oids of `regclass` and its like.
    pub fn with_names(mut self, names: impl FnOnce() -> SessionCatalogView) -> Self {
        let named = |ty: &SqlType| matches!(ty, SqlType::Regclass | SqlType::Regproc | SqlType::Regtype);
        self.names = self.desc.typ.columns.iter().any(|c| named(&c.ty)).then(names);
        self
    }

    /// Leaves a value's text in `self.text`.
    fn format(&mut self, column: usize, datum: Datum<'_>) {
        let ty = &self.desc.typ.columns[column].ty;
        self.text.clear();
        if let (Some(names), Datum::Oid(oid)) = (&self.names, datum)
            && let Some(name) = names.oid_name(ty, oid)
        {
            self.text.push_str(&name);
            return;
        }
        repr::text::format(datum, ty, &self.settings, &mut self.text);
    }

    /// Appends a DataRow.
    pub fn data_row(&mut self, row: &Row, out: &mut BytesMut) -> Result<(), SqlError> {
        let start = out.len();
        out.put_u8(b'D');
        out.put_i32(0);
        out.put_u16(self.desc.arity() as u16);
        for (column, datum) in row.iter().enumerate() {
            self.value(column, datum, out)?;
        }
        let len = (out.len() - start - 1) as i32;
        out[start + 1..start + 5].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }

    fn value(&mut self, column: usize, datum: Datum<'_>, out: &mut BytesMut) -> Result<(), SqlError> {
        if datum.is_null() {
            out.put_i32(-1);
            return Ok(());
        }
        if self.formats[column] == 1 {
            let ty = &self.desc.typ.columns[column].ty;
            self.binary.clear();
            repr::binary::encode(datum, ty, &mut self.binary);
            out.put_i32(self.binary.len() as i32);
            out.put_slice(&self.binary);
        } else {
            self.format(column, datum);
            out.put_i32(self.text.len() as i32);
            out.put_slice(self.text.as_bytes());
        }
        Ok(())
    }

    /// Appends one line (or binary tuple) of a COPY TO as a CopyData message.
    pub fn copy_row(&mut self, row: &Row, format: &CopyFormat, out: &mut BytesMut) -> Result<(), SqlError> {
        let start = out.len();
        out.put_u8(b'd');
        out.put_i32(0);
        match format {
            CopyFormat::Text { delimiter, null, .. } => self.copy_text(row, *delimiter, null, out),
            CopyFormat::Csv { .. } => self.copy_csv(row, format, out),
            CopyFormat::Binary => {
                out.put_u16(self.desc.arity() as u16);
                for (column, datum) in row.iter().enumerate() {
                    self.value(column, datum, out)?;
                }
            }
        }
        let len = (out.len() - start - 1) as i32;
        out[start + 1..start + 5].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }

    fn copy_text(&mut self, row: &Row, delimiter: u8, null: &str, out: &mut BytesMut) {
        for (column, datum) in row.iter().enumerate() {
            if column > 0 {
                out.put_u8(delimiter);
            }
            if datum.is_null() {
                out.put_slice(null.as_bytes());
                continue;
            }
            self.format(column, datum);
            text_value(&self.text, delimiter, out);
        }
        out.put_u8(b'\n');
    }

    fn copy_csv(&mut self, row: &Row, format: &CopyFormat, out: &mut BytesMut) {
        let CopyFormat::Csv { delimiter, null, force_quote, .. } = format else { return };
        for (column, datum) in row.iter().enumerate() {
            if column > 0 {
                out.put_u8(*delimiter);
            }
            if datum.is_null() {
                out.put_slice(null.as_bytes());
                continue;
            }
            self.format(column, datum);
            // Alone on its line it would end the data.
            let forced = force_quote.contains(&column) || (self.text == "\\." && self.desc.arity() == 1);
            csv_value(&self.text, format, forced, out);
        }
        out.put_u8(b'\n');
    }

    /// Appends the header line, if the format wants one, or the header of the binary format, as CopyData.
    pub fn copy_header(&self, format: &CopyFormat, out: &mut BytesMut) {
        match format {
            CopyFormat::Csv { delimiter, header: CopyHeader::Present, .. }
            | CopyFormat::Text { delimiter, header: CopyHeader::Present, .. } => Encoder(out).message(b'd', |b| {
                for (column, name) in self.desc.names.iter().enumerate() {
                    if column > 0 {
                        b.put_u8(*delimiter);
                    }
                    match format {
                        CopyFormat::Csv { .. } => csv_value(name, format, false, b),
                        _ => text_value(name, *delimiter, b),
                    }
                }
                b.put_u8(b'\n');
            }),
            CopyFormat::Binary => Encoder(out).message(b'd', |b| {
                b.put_slice(b"PGCOPY\n\xff\r\n\0");
                b.put_u64(0); // no flags, no header extension
            }),
            _ => (),
        }
    }

    /// Appends what ends a COPY TO's data.
    pub fn copy_trailer(&self, format: &CopyFormat, out: &mut BytesMut) {
        if matches!(format, CopyFormat::Binary) {
            Encoder(out).message(b'd', |b| b.put_i16(-1));
        }
    }
}

/// A value of the text format, with what could be taken for something else escaped.
fn text_value(text: &str, delimiter: u8, out: &mut BytesMut) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.put_slice(b"\\\\"),
            b'\n' => out.put_slice(b"\\n"),
            b'\r' => out.put_slice(b"\\r"),
            b'\t' => out.put_slice(b"\\t"),
            0x08 => out.put_slice(b"\\b"),
            0x0B => out.put_slice(b"\\v"),
            0x0C => out.put_slice(b"\\f"),
            b if b == delimiter => out.put_slice(&[b'\\', b]),
            b => out.put_u8(b),
        }
    }
}

fn csv_value(text: &str, format: &CopyFormat, forced: bool, out: &mut BytesMut) {
    let CopyFormat::Csv { delimiter, quote, escape, null, .. } = format else { return };
    let special = |b: u8| b == *delimiter || b == *quote || b == b'\n' || b == b'\r';
    if !forced && text != null && !text.bytes().any(special) {
        out.put_slice(text.as_bytes());
        return;
    }
    out.put_u8(*quote);
    for byte in text.bytes() {
        if byte == *quote || byte == *escape {
            out.put_u8(*escape);
        }
        out.put_u8(byte);
    }
    out.put_u8(*quote);
}
