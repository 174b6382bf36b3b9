//! Reading CSV (RFC 4180) that stands in a value.

use crate::func::build::invalid_parameter;
use repr::{Datum, EvalError, Row, SqlError, SqlState};

/// The records of a text as rows of `columns` texts; one of another number of fields is an error (22023).
pub fn rows(text: &str, columns: usize) -> Result<Vec<Row>, EvalError> {
    let mut rows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (fields, tail) = record(rest)?;
        if fields.len() != columns {
            let message = format!("a CSV record has {} columns where {columns} are expected", fields.len());
            return Err(invalid_parameter(message));
        }
        rows.push(Row::pack(fields.iter().map(|field| Datum::Text(field))));
        rest = tail;
    }
    Ok(rows)
}

/// The fields of the first record, and what follows its end of line.
fn record(text: &str) -> Result<(Vec<String>, &str), EvalError> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, tail) = match rest.strip_prefix('"') {
            Some(quoted) => self::quoted(quoted)?,
            None => {
                let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
                (rest[..end].to_string(), &rest[end..])
            }
        };
        fields.push(field);
        match tail.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                let end = tail.strip_prefix('\r').unwrap_or(tail);
                return Ok((fields, end.strip_prefix('\n').unwrap_or(end)));
            }
        }
    }
}

/// A field after its opening quote: doubled quotes are one, what follows the closing one up to a comma is taken as it is.
fn quoted(text: &str) -> Result<(String, &str), EvalError> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let Some((head, tail)) = rest.split_once('"') else {
            return Err(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field"));
        };
        field.push_str(head);
        match tail.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => {
                let end = tail.find([',', '\n', '\r']).unwrap_or(tail.len());
                field.push_str(&tail[..end]);
                return Ok((field, &tail[end..]));
            }
        }
    }
}
