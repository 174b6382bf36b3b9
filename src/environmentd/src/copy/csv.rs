//! COPY's CSV format: fields between delimiters, in quotes where they hold one.

use super::Field;
use repr::{SqlError, SqlState};

/// How a CSV is written.
pub struct Csv {
    /// Between fields.
    pub delimiter: u8,
    /// Around fields.
    pub quote: u8,
    /// Before a quote inside quotes.
    pub escape: u8,
    /// For NULL.
    pub null: Vec<u8>,
    /// Columns whose quoted null string is NULL too.
    pub force_null: Vec<usize>,
    /// Columns whose null string is no NULL.
    pub force_not_null: Vec<usize>,
}

impl Csv {
    /// The fields of a record.
    pub fn fields(&self, line: &[u8]) -> Result<Vec<Field>, SqlError> {
        let mut fields = Vec::new();
        let mut rest = line;
        loop {
            let (value, quoted, after) = self.field(rest)?;
            fields.push(self.value(fields.len(), value, quoted));
            match after {
                Some(after) => rest = after,
                None => return Ok(fields),
            }
        }
    }

    fn value(&self, column: usize, value: Vec<u8>, quoted: bool) -> Field {
        let counts = match quoted {
            true => self.force_null.contains(&column),
            false => !self.force_not_null.contains(&column),
        };
        (!(counts && value == self.null)).then_some(value)
    }

    /// The first field, whether any of it was quoted, and what follows its delimiter.
    #[allow(clippy::type_complexity)] // three parts of one thing
    fn field<'a>(&self, line: &'a [u8]) -> Result<(Vec<u8>, bool, Option<&'a [u8]>), SqlError> {
        let (mut value, mut quoted, mut inside, mut at) = (Vec::new(), false, false, 0);
        while let Some(byte) = line.get(at).copied() {
            let next = line.get(at + 1).copied();
            if inside {
                if byte == self.escape && next.is_some_and(|next| next == self.quote || next == self.escape) {
                    value.extend(next);
                    at += 1;
                } else if byte == self.quote {
                    inside = false;
                } else {
                    value.push(byte);
                }
            } else if byte == self.delimiter {
                return Ok((value, quoted, Some(&line[at + 1..])));
            } else if byte == self.quote {
                (inside, quoted) = (true, true);
            } else {
                value.push(byte);
            }
            at += 1;
        }
        if inside {
            return Err(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field"));
        }
        Ok((value, quoted, None))
    }
}
