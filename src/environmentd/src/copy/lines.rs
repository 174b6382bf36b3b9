//! Cuts text and CSV input into records. The first end of line decides which kind all have; another kind in data is an error, as in PostgreSQL.

use bytes::{Buf, BytesMut};
use repr::{SqlError, SqlState};

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eol {
    Lf,
    Cr,
    CrLf,
}

/// One record.
pub enum Line {
    /// Without its end of line.
    Data(Vec<u8>),
    /// `\.`: no data follows.
    End,
}

/// Where in the input the cutting stands.
#[derive(Default)]
pub struct Lines {
    /// The number of the line that was cut last, from 1.
    pub number: u64,
    eol: Option<Eol>,
    /// How far the present record was looked at: a long one comes in many pieces.
    scan: Scan,
}

/// A position in a record.
#[derive(Clone, Copy, Default)]
struct Scan {
    at: usize,
    /// Ends of lines before it that are data.
    inner_lines: u64,
    quoted: bool,
    /// Whether an escape stands before it.
    escaped: bool,
}

/// What a byte that ends a line means where it stands.
enum Found {
    /// The line ends before it, with an end of so many bytes.
    End(Eol, usize),
    /// Data.
    Data,
    /// The next byte decides, and is not there yet.
    Unknown,
}

impl Lines {
    /// Cuts the next record off `buffer`; none if it is not there whole. `quote` are a CSV's quote and escape.
    pub fn next(
        &mut self,
        buffer: &mut BytesMut,
        end: bool,
        quote: Option<(u8, u8)>,
    ) -> Result<Option<Line>, SqlError> {
        if buffer.is_empty() {
            return Ok(None);
        }
        let Scan { mut at, mut inner_lines, mut quoted, mut escaped } = self.scan;
        while let Some(byte) = buffer.get(at).copied() {
            if let (true, Some((quote, escape))) = (quoted, quote) {
                // A quoted part may hold ends of lines. An escape before a quote keeps it from ending the part.
                inner_lines += u64::from(byte == self.eol_byte());
                match byte {
                    b if b == quote && !escaped => quoted = false,
                    _ => {}
                }
                escaped = byte == escape && escape != quote && !escaped;
            } else if quote.is_some_and(|(quote, _)| quote == byte) {
                (quoted, escaped) = (true, false);
            } else if byte == b'\\' && quote.is_none() {
                // What is escaped is data, ends of lines too.
                let Some(next) = buffer.get(at + 1) else { break };
                inner_lines += u64::from(*next == b'\n');
                at += 1;
            } else if matches!(byte, b'\n' | b'\r') {
                match self.found(byte, buffer.get(at + 1).copied(), end, quote.is_some()) {
                    Ok(Found::End(eol, len)) => {
                        self.eol = Some(eol);
                        return Ok(Some(self.cut(buffer, at, len, inner_lines)));
                    }
                    Ok(Found::Data) => {}
                    Ok(Found::Unknown) => break,
                    Err(error) => {
                        self.number += 1;
                        return Err(error);
                    }
                }
            }
            at += 1;
        }
        if !end {
            self.scan = Scan { at, inner_lines, quoted, escaped };
            return Ok(None);
        }
        let len = buffer.len();
        Ok(Some(self.cut(buffer, len, 0, inner_lines)))
    }

    /// What counts as a line inside quotes: before the first end of line, a carriage return, as in PostgreSQL.
    fn eol_byte(&self) -> u8 {
        if self.eol == Some(Eol::Lf) { b'\n' } else { b'\r' }
    }

    fn cut(&mut self, buffer: &mut BytesMut, len: usize, eol: usize, inner_lines: u64) -> Line {
        let line = buffer.split_to(len).to_vec();
        buffer.advance(eol);
        self.number += 1 + inner_lines;
        self.scan = Scan::default();
        if line == b"\\." { Line::End } else { Line::Data(line) }
    }

    fn found(&self, byte: u8, next: Option<u8>, end: bool, csv: bool) -> Result<Found, SqlError> {
        let after = |eol: Eol, len| Ok(Found::End(eol, len));
        match (byte, self.eol, next) {
            (b'\r', None | Some(Eol::CrLf), None) if !end => Ok(Found::Unknown),
            (b'\r', None | Some(Eol::CrLf), Some(b'\n')) => after(Eol::CrLf, 2),
            (b'\r', None | Some(Eol::Cr), _) => after(Eol::Cr, 1),
            (b'\n', None | Some(Eol::Lf), _) => after(Eol::Lf, 1),
            (b'\r', Some(_), _) => Err(stray("carriage return", "\\r", csv)),
            (b'\n', Some(_), _) => Err(stray("newline", "\\n", csv)),
            _ => Ok(Found::Data),
        }
    }
}

fn stray(what: &str, escape: &str, csv: bool) -> SqlError {
    let (message, hint) = match csv {
        true => (format!("unquoted {what} found in data"), format!("Use quoted CSV field to represent {what}.")),
        false => (format!("literal {what} found in data"), format!("Use \"{escape}\" to represent {what}.")),
    };
    SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message).hint(hint)
}
