//! Functions of `bytea`, digests and encodings.

use super::FuncDef;
use super::build::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use repr::text::bytes;
use repr::{Arena, Datum, EvalError, SqlError, SqlState};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

mod bits;
mod hash;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = pieces();
    table.extend(bits::table());
    table.extend(digests());
    table.extend(hash::table());
    table.extend(encodings());
    table
}

fn bytes_out<'a>(value: Vec<u8>, arena: &'a Arena) -> Datum<'a> {
    Datum::Bytes(arena.bytes(value))
}

fn substring<'a>(value: &'a [u8], from: i32, len: Option<i32>) -> Result<Datum<'a>, EvalError> {
    if len.is_some_and(|len| len < 0) {
        return Err(SqlError::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let size = value.len() as i64;
    let start = (i64::from(from) - 1).clamp(0, size);
    let end = len.map_or(size, |len| i64::from(from) - 1 + i64::from(len)).clamp(start, size);
    Ok(Datum::Bytes(&value[start as usize..end as usize]))
}

fn pieces() -> Vec<FuncDef> {
    vec![
        func("bytealen", "length", &[BYTEA], INT4, |a, _| Ok(Datum::Int4(arg::<&[u8]>(a, 0)?.len() as i32)))
            .infallible(),
        func("byteaoctetlen", "octet_length", &[BYTEA], INT4, |a, _| Ok(Datum::Int4(arg::<&[u8]>(a, 0)?.len() as i32)))
            .infallible(),
        func("byteabitlen", "bit_length", &[BYTEA], INT4, |a, _| {
            Ok(Datum::Int4((arg::<&[u8]>(a, 0)?.len() * 8) as i32))
        })
        .infallible(),
        func("byteacat", "||", &[BYTEA, BYTEA], BYTEA, |a, arena| {
            let (left, right): (&[u8], &[u8]) = (arg(a, 0)?, arg(a, 1)?);
            check_length(left.len() + right.len())?;
            Ok(bytes_out([left, right].concat(), arena))
        }),
        func("bytea_substr", "substr", &[BYTEA, INT4, INT4], BYTEA, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, Some(arg(a, 2)?))
        }),
        func("bytea_substr_no_len", "substr", &[BYTEA, INT4], BYTEA, |a, _| substring(arg(a, 0)?, arg(a, 1)?, None)),
        func("bytea_substring", "substring", &[BYTEA, INT4, INT4], BYTEA, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, Some(arg(a, 2)?))
        }),
        func("bytea_substring_no_len", "substring", &[BYTEA, INT4], BYTEA, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, None)
        }),
        func("byteapos", "position", &[BYTEA, BYTEA], INT4, |a, _| {
            let (value, wanted): (&[u8], &[u8]) = (arg(a, 0)?, arg(a, 1)?);
            if wanted.is_empty() {
                return Ok(Datum::Int4(1));
            }
            let at = value.windows(wanted.len()).position(|window| window == wanted);
            Ok(Datum::Int4(at.map_or(0, |at| at as i32 + 1)))
        })
        .infallible(),
        func("get_byte", "get_byte", &[BYTEA, INT4], INT4, |a, _| {
            let (value, at): (&[u8], i32) = (arg(a, 0)?, arg(a, 1)?);
            let byte = usize::try_from(at).ok().and_then(|at| value.get(at));
            let invalid = || {
                let message = format!("index {at} out of valid range, 0..{}", value.len() as i64 - 1);
                SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
            };
            byte.map(|byte| Datum::Int4(i32::from(*byte))).ok_or_else(invalid)
        }),
    ]
}

fn digests() -> Vec<FuncDef> {
    vec![
        func("md5_text", "md5", &[TEXT], TEXT, |a, arena| {
            Ok(text_out(hex::encode(Md5::digest(arg::<&str>(a, 0)?.as_bytes())), arena))
        })
        .infallible(),
        func("md5_bytea", "md5", &[BYTEA], TEXT, |a, arena| {
            Ok(text_out(hex::encode(Md5::digest(arg::<&[u8]>(a, 0)?)), arena))
        })
        .infallible(),
        func("sha224", "sha224", &[BYTEA], BYTEA, |a, arena| {
            Ok(bytes_out(Sha224::digest(arg::<&[u8]>(a, 0)?).to_vec(), arena))
        })
        .infallible(),
        func("sha256", "sha256", &[BYTEA], BYTEA, |a, arena| {
            Ok(bytes_out(Sha256::digest(arg::<&[u8]>(a, 0)?).to_vec(), arena))
        })
        .infallible(),
        func("sha384", "sha384", &[BYTEA], BYTEA, |a, arena| {
            Ok(bytes_out(Sha384::digest(arg::<&[u8]>(a, 0)?).to_vec(), arena))
        })
        .infallible(),
        func("sha512", "sha512", &[BYTEA], BYTEA, |a, arena| {
            Ok(bytes_out(Sha512::digest(arg::<&[u8]>(a, 0)?).to_vec(), arena))
        })
        .infallible(),
    ]
}

fn unknown_encoding(name: &str) -> EvalError {
    invalid_parameter(format!("unrecognized encoding: \"{name}\""))
}

fn encode(value: &[u8], encoding: &str) -> Result<String, EvalError> {
    match encoding.to_ascii_lowercase().as_str() {
        "hex" => Ok(hex::encode(value)),
        "base64" => {
            // A line break after every 76 characters, as MIME has it.
            let whole = STANDARD.encode(value);
            let lines: Vec<&str> =
                whole.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
            Ok(lines.join("\n"))
        }
        "escape" => {
            let mut out = String::new();
            for byte in value {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
                    _ => out.push(char::from(*byte)),
                }
            }
            Ok(out)
        }
        _ => Err(unknown_encoding(encoding)),
    }
}

fn decode(text: &str, encoding: &str) -> Result<Vec<u8>, EvalError> {
    match encoding.to_ascii_lowercase().as_str() {
        "hex" => bytes::parse_hex(text),
        "base64" => {
            let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            STANDARD.decode(plain).map_err(|_| invalid_parameter("invalid base64 end sequence"))
        }
        "escape" => bytes::parse_escape(text),
        _ => Err(unknown_encoding(encoding)),
    }
}

fn encodings() -> Vec<FuncDef> {
    vec![
        func("binary_encode", "encode", &[BYTEA, TEXT], TEXT, |a, arena| {
            Ok(text_out(encode(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("binary_decode", "decode", &[TEXT, TEXT], BYTEA, |a, arena| {
            Ok(bytes_out(decode(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("convert_from", "convert_from", &[BYTEA, TEXT], TEXT, |a, _| {
            let (value, encoding): (&[u8], &str) = (arg(a, 0)?, arg(a, 1)?);
            if !matches!(encoding.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode") {
                return Err(invalid_parameter(format!("invalid source encoding name \"{encoding}\"")));
            }
            let text = std::str::from_utf8(value).ok().filter(|text| !text.contains('\0'));
            let invalid = || {
                let message = "invalid byte sequence for encoding \"UTF8\"";
                SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
            };
            text.map(Datum::Text).ok_or_else(invalid)
        }),
        func("convert_to", "convert_to", &[TEXT, TEXT], BYTEA, |a, _| {
            let (text, encoding): (&str, &str) = (arg(a, 0)?, arg(a, 1)?);
            if !matches!(encoding.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode") {
                return Err(invalid_parameter(format!("invalid destination encoding name \"{encoding}\"")));
            }
            Ok(Datum::Bytes(text.as_bytes()))
        }),
    ]
}
