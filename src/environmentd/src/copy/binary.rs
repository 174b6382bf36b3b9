//! COPY's binary format: a signature, then tuples of counted fields, then a trailer.

use super::{CopyError, Decoder};
use bytes::Buf;
use repr::{Datum, Row, RowPacker, SqlError, SqlState};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Flags that a reader must understand.
const CRITICAL_FLAGS: u32 = 0xFFFF_0000;

fn bad(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

impl Decoder {
    pub(super) fn next_tuple(&mut self, end: bool) -> Result<Option<Row>, CopyError> {
        if !self.signed && !self.signature(end)? {
            return Ok(None);
        }
        let Some(len) = self.tuple_len().map_err(|error| self.at_next(error))? else {
            return if !end {
                Ok(None)
            } else if self.buffer.is_empty() {
                // Old clients leave the trailer out.
                self.ended = true;
                Ok(None)
            } else {
                Err(self.at_next(bad("unexpected EOF in COPY data")))
            };
        };
        if self.ended {
            return Ok(None);
        }
        self.lines.number += 1;
        let mut tuple = self.buffer.split_to(len);
        let count = usize::from(tuple.get_u16());
        if count != self.desc.arity() {
            let message = format!("row field count is {count}, expected {}", self.desc.arity());
            return Err(self.at_line(bad(message)));
        }
        let mut values = RowPacker::new();
        for column in 0..count {
            let len = tuple.get_i32();
            let Ok(len) = usize::try_from(len) else {
                values.push(Datum::Null);
                continue;
            };
            let bytes = tuple.split_to(len);
            let ty = self.desc.typ.columns[column].ty.without_modifier();
            let read = self.fitted(column, &mut values, |values| repr::binary::decode(&bytes, &ty, values));
            read.map_err(|error| self.at_column(error, column, &None))?;
        }
        Ok(Some(values.finish()))
    }

    fn at_next(&self, error: SqlError) -> CopyError {
        CopyError { error, context: Some(format!("COPY {}, line {}", self.table, self.lines.number + 1)) }
    }

    /// Takes the header off the input; false if it is not there whole.
    fn signature(&mut self, end: bool) -> Result<bool, CopyError> {
        let here = self.buffer.len().min(SIGNATURE.len());
        if self.buffer[..here] != SIGNATURE[..here] || (end && here < SIGNATURE.len()) {
            return Err(bad("COPY file signature not recognized").into());
        }
        let head = SIGNATURE.len() + 8;
        if self.buffer.len() < head {
            return if end { Err(bad("invalid COPY file header (missing flags)").into()) } else { Ok(false) };
        }
        let mut fixed = &self.buffer[SIGNATURE.len()..head];
        let (flags, extension) = (fixed.get_u32(), fixed.get_i32());
        if flags & CRITICAL_FLAGS != 0 {
            return Err(bad("unrecognized critical flags in COPY file header").into());
        }
        let Ok(extension) = usize::try_from(extension) else {
            return Err(bad("invalid COPY file header (missing length)").into());
        };
        if self.buffer.len() < head + extension {
            return if end { Err(bad("invalid COPY file header (wrong length)").into()) } else { Ok(false) };
        }
        self.buffer.advance(head + extension);
        self.signed = true;
        Ok(true)
    }

    /// The length of the tuple that comes next; none if it is not there whole. At the trailer the input has ended.
    fn tuple_len(&mut self) -> Result<Option<usize>, SqlError> {
        let mut rest = &self.buffer[..];
        if rest.len() < 2 {
            return Ok(None);
        }
        let count = rest.get_i16();
        if count == -1 {
            self.ended = true;
            return Ok(Some(0));
        }
        for _ in 0..count.max(0) {
            if rest.len() < 4 {
                return Ok(None);
            }
            match rest.get_i32() {
                -1 => {}
                len if len < 0 => return Err(bad("invalid field size")),
                len if rest.len() < len as usize => return Ok(None),
                len => rest.advance(len as usize),
            }
        }
        Ok(Some(self.buffer.len() - rest.len()))
    }
}
