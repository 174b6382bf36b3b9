//! Functions of texts. Positions and lengths count characters.

use super::FuncDef;
use super::build::*;
use repr::text::TextSettings;
use repr::text::string::first_chars;
use repr::{Arena, Datum, EvalError, SqlError, SqlState};

mod format;
mod unicode;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = lengths();
    table.extend(cases());
    table.extend(pieces());
    table.extend(trims());
    table.extend(joins());
    table.extend(mixed_joins());
    table.extend(characters());
    table.extend(format::table());
    table.extend(unicode::table());
    table
}

fn count(text: &str) -> i32 {
    text.chars().count().try_into().unwrap_or(i32::MAX)
}

fn lengths() -> Vec<FuncDef> {
    let entry = |name: &str, sql: &str, eval| func(name, sql, &[TEXT], INT4, eval).infallible();
    vec![
        entry("textlen", "length", |a, _| Ok(Datum::Int4(count(arg(a, 0)?)))),
        entry("char_length", "char_length", |a, _| Ok(Datum::Int4(count(arg(a, 0)?)))),
        entry("character_length", "character_length", |a, _| Ok(Datum::Int4(count(arg(a, 0)?)))),
        entry("textoctetlen", "octet_length", |a, _| Ok(Datum::Int4(arg::<&str>(a, 0)?.len() as i32))),
        entry("textbitlen", "bit_length", |a, _| Ok(Datum::Int4((arg::<&str>(a, 0)?.len() * 8) as i32))),
        entry("ascii", "ascii", |a, _| Ok(Datum::Int4(arg::<&str>(a, 0)?.chars().next().map_or(0, |c| c as i32)))),
    ]
}

fn cases() -> Vec<FuncDef> {
    let entry = |name: &'static str, eval| func(name, name, &[TEXT], TEXT, eval).infallible();
    vec![
        entry("lower", |a, arena| Ok(text_out(arg::<&str>(a, 0)?.chars().map(lower).collect(), arena))),
        entry("upper", |a, arena| Ok(text_out(arg::<&str>(a, 0)?.chars().map(upper).collect(), arena))),
        entry("initcap", |a, arena| Ok(text_out(initcap(arg(a, 0)?), arena))),
        entry("reverse", |a, arena| Ok(text_out(arg::<&str>(a, 0)?.chars().rev().collect(), arena))),
    ]
}

/// The character in lower case; characters whose other case is not one character stay, as in PostgreSQL.
fn lower(c: char) -> char {
    let mut cased = c.to_lowercase();
    if cased.len() == 1 { cased.next().unwrap_or(c) } else { c }
}

/// The character in upper case; see [`lower`].
fn upper(c: char) -> char {
    let mut cased = c.to_uppercase();
    if cased.len() == 1 { cased.next().unwrap_or(c) } else { c }
}

fn initcap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        out.push(if inside { lower(c) } else { upper(c) });
        inside = c.is_alphanumeric();
    }
    out
}

/// The characters from position `from` (1 is the first), `len` of them if given.
fn substring(text: &str, from: i32, len: Option<i32>) -> Result<&str, EvalError> {
    if len.is_some_and(|len| len < 0) {
        return Err(SqlError::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let end = len.map_or(i64::MAX, |len| i64::from(from) + i64::from(len));
    let start = i64::from(from).max(1);
    if end <= start {
        return Ok("");
    }
    let tail = skip_chars(text, (start - 1) as usize);
    Ok(if end == i64::MAX { tail } else { first_chars(tail, (end - start) as usize) })
}

fn skip_chars(text: &str, count: usize) -> &str {
    &text[first_chars(text, count).len()..]
}

/// How many characters stay: as many as `n` says, or all but `-n`.
fn kept(text: &str, n: i32) -> usize {
    if n >= 0 { n as usize } else { text.chars().count().saturating_sub(n.unsigned_abs() as usize) }
}

fn pad<'a>(args: &[Datum<'a>], arena: &'a Arena, left: bool) -> Result<Datum<'a>, EvalError> {
    let (text, len): (&str, i32) = (arg(args, 0)?, arg(args, 1)?);
    let fill: &str = optional(args, 2)?.unwrap_or(" ");
    let len = usize::try_from(len).unwrap_or(0);
    check_length(len.saturating_mul(4))?;
    let cut = first_chars(text, len);
    let missing = len - cut.chars().count();
    if fill.is_empty() || missing == 0 {
        return Ok(Datum::Text(cut));
    }
    let filling: String = fill.chars().cycle().take(missing).collect();
    Ok(text_out(if left { filling + cut } else { cut.to_string() + &filling }, arena))
}

/// Position of the first occurrence in characters, from 1; 0 if there is none.
fn position(text: &str, wanted: &str) -> i32 {
    text.find(wanted).map_or(0, |at| count(&text[..at]) + 1)
}

fn split_part<'a>(text: &'a str, delimiter: &str, n: i32) -> Result<&'a str, EvalError> {
    if n == 0 {
        return Err(invalid_parameter("field position must not be zero"));
    }
    if delimiter.is_empty() {
        return Ok(if n == 1 || n == -1 { text } else { "" });
    }
    let at = n.unsigned_abs() as usize - 1;
    let found = if n > 0 { text.split(delimiter).nth(at) } else { text.rsplit(delimiter).nth(at) };
    Ok(found.unwrap_or(""))
}

fn overlay<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (text, with, from): (&str, &str, i32) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    let len = optional(args, 3)?.unwrap_or_else(|| count(with));
    if from <= 0 {
        return Err(SqlError::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let out_of_range = || SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    let end = from.checked_add(len).ok_or_else(out_of_range)?;
    let head = first_chars(text, from as usize - 1);
    let tail = skip_chars(text, (i64::from(end) - 1).max(0) as usize);
    Ok(text_out(format!("{head}{with}{tail}"), arena))
}

fn pieces() -> Vec<FuncDef> {
    vec![
        func("text_substr", "substr", &[TEXT, INT4, INT4], TEXT, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, Some(arg(a, 2)?)).map(Datum::Text)
        }),
        func("text_substr_no_len", "substr", &[TEXT, INT4], TEXT, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, None).map(Datum::Text)
        }),
        func("text_substring", "substring", &[TEXT, INT4, INT4], TEXT, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, Some(arg(a, 2)?)).map(Datum::Text)
        }),
        func("text_substring_no_len", "substring", &[TEXT, INT4], TEXT, |a, _| {
            substring(arg(a, 0)?, arg(a, 1)?, None).map(Datum::Text)
        }),
        func("text_left", "left", &[TEXT, INT4], TEXT, |a, _| {
            let text: &str = arg(a, 0)?;
            Ok(Datum::Text(first_chars(text, kept(text, arg(a, 1)?))))
        })
        .infallible(),
        func("text_right", "right", &[TEXT, INT4], TEXT, |a, _| {
            let text: &str = arg(a, 0)?;
            let skipped = text.chars().count().saturating_sub(kept(text, arg(a, 1)?));
            Ok(Datum::Text(skip_chars(text, skipped)))
        })
        .infallible(),
        func("lpad", "lpad", &[TEXT, INT4, TEXT], TEXT, |a, arena| pad(a, arena, true)),
        func("lpad2", "lpad", &[TEXT, INT4], TEXT, |a, arena| pad(a, arena, true)),
        func("rpad", "rpad", &[TEXT, INT4, TEXT], TEXT, |a, arena| pad(a, arena, false)),
        func("rpad2", "rpad", &[TEXT, INT4], TEXT, |a, arena| pad(a, arena, false)),
        func("textpos", "position", &[TEXT, TEXT], INT4, |a, _| Ok(Datum::Int4(position(arg(a, 0)?, arg(a, 1)?))))
            .infallible(),
        func("strpos", "strpos", &[TEXT, TEXT], INT4, |a, _| Ok(Datum::Int4(position(arg(a, 0)?, arg(a, 1)?))))
            .infallible(),
        func("split_part", "split_part", &[TEXT, TEXT, INT4], TEXT, |a, _| {
            split_part(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?).map(Datum::Text)
        }),
        func("textoverlay", "overlay", &[TEXT, TEXT, INT4, INT4], TEXT, overlay),
        func("textoverlay_no_len", "overlay", &[TEXT, TEXT, INT4], TEXT, overlay),
        func("starts_with", "starts_with", &[TEXT, TEXT], BOOL, |a, _| {
            Ok(Datum::Bool(arg::<&str>(a, 0)?.starts_with(arg::<&str>(a, 1)?)))
        })
        .infallible(),
        func("starts_with_operator", "^@", &[TEXT, TEXT], BOOL, |a, _| {
            Ok(Datum::Bool(arg::<&str>(a, 0)?.starts_with(arg::<&str>(a, 1)?)))
        })
        .infallible(),
    ]
}

fn trims() -> Vec<FuncDef> {
    let one = [TEXT];
    let two = [TEXT, TEXT];
    let set = |name: &str, sql: &str, eval| func(name, sql, &two, TEXT, eval).infallible();
    let blanks = |name: &str, sql: &str, eval| func(name, sql, &one, TEXT, eval).infallible();
    vec![
        blanks("btrim1", "btrim", |a, _| Ok(Datum::Text(arg::<&str>(a, 0)?.trim_matches(' ')))),
        blanks("ltrim1", "ltrim", |a, _| Ok(Datum::Text(arg::<&str>(a, 0)?.trim_start_matches(' ')))),
        blanks("rtrim1", "rtrim", |a, _| Ok(Datum::Text(arg::<&str>(a, 0)?.trim_end_matches(' ')))),
        set("btrim", "btrim", |a, _| {
            let set: &str = arg(a, 1)?;
            Ok(Datum::Text(arg::<&str>(a, 0)?.trim_matches(|c| set.contains(c))))
        }),
        set("ltrim", "ltrim", |a, _| {
            let set: &str = arg(a, 1)?;
            Ok(Datum::Text(arg::<&str>(a, 0)?.trim_start_matches(|c| set.contains(c))))
        }),
        set("rtrim", "rtrim", |a, _| {
            let set: &str = arg(a, 1)?;
            Ok(Datum::Text(arg::<&str>(a, 0)?.trim_end_matches(|c| set.contains(c))))
        }),
    ]
}

fn repeat<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (text, times): (&str, i32) = (arg(args, 0)?, arg(args, 1)?);
    let times = usize::try_from(times).unwrap_or(0);
    check_length(text.len().saturating_mul(times))?;
    Ok(text_out(text.repeat(times), arena))
}

fn replace<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (text, from, to): (&'a str, &str, &str) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    if from.is_empty() {
        return Ok(Datum::Text(text));
    }
    let growth = to.len().saturating_mul(text.matches(from).count());
    check_length(text.len().saturating_add(growth))?;
    Ok(text_out(text.replace(from, to), arena))
}

/// `||` of a text and another type's value, in both orders, which casts the value.
fn mixed_joins() -> Vec<FuncDef> {
    let types = [
        ("bool", BOOL),
        ("int2", INT2),
        ("int4", INT4),
        ("int8", INT8),
        ("float4", FLOAT4),
        ("float8", FLOAT8),
        ("numeric", NUMERIC),
        ("bytea", BYTEA),
        ("date", DATE),
        ("time", TIME),
        ("timetz", TIMETZ),
        ("timestamp", TIMESTAMP),
        ("timestamptz", TIMESTAMPTZ),
        ("interval", INTERVAL),
        ("uuid", UUID),
        ("jsonb", JSONB),
        ("oid", OID),
        ("mz_timestamp", MZ_TIMESTAMP),
    ];
    let mut table = Vec::new();
    for (stem, ty) in types {
        table.push(session(&format!("text{stem}cat"), "||", &[TEXT, ty.clone()], TEXT, concatenate));
        table.push(session(&format!("{stem}textcat"), "||", &[ty, TEXT], TEXT, concatenate));
    }
    for (stem, ty) in [("enum", ENUM), ("range", RANGE)] {
        table.push(session(&format!("text{stem}cat"), "||", &[TEXT, ty.clone()], TEXT, concatenate));
        table.push(session(&format!("{stem}textcat"), "||", &[ty, TEXT], TEXT, concatenate));
    }
    table
}

fn concatenate<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    let mut out = String::new();
    for datum in args {
        match datum {
            Datum::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            other => shown(*other, settings, &mut out),
        }
        check_length(out.len())?;
    }
    Ok(text_out(out, arena))
}

/// A value's text form; what `concat` joins.
fn shown(datum: Datum<'_>, settings: &TextSettings, out: &mut String) {
    repr::text::format(datum, &repr::SqlType::Text, settings, out);
}

fn joins() -> Vec<FuncDef> {
    vec![
        func("textcat", "||", &[TEXT, TEXT], TEXT, |a, arena| {
            let (left, right): (&str, &str) = (arg(a, 0)?, arg(a, 1)?);
            check_length(left.len() + right.len())?;
            Ok(text_out(format!("{left}{right}"), arena))
        }),
        session("concat", "concat", &[ANY], TEXT, |a, arena, settings| {
            let mut out = String::new();
            a.iter().for_each(|datum| shown(*datum, settings, &mut out));
            Ok(text_out(out, arena))
        })
        .variadic()
        .never_null()
        .infallible(),
        session("concat_ws", "concat_ws", &[TEXT, ANY], TEXT, |a, arena, settings| {
            let Some(separator) = optional::<&str>(a, 0)? else { return Ok(Datum::Null) };
            let mut out = String::new();
            for (i, datum) in a[1..].iter().filter(|datum| !datum.is_null()).enumerate() {
                out.push_str(if i > 0 { separator } else { "" });
                shown(*datum, settings, &mut out);
            }
            Ok(text_out(out, arena))
        })
        .variadic()
        .called()
        .infallible(),
        func("repeat", "repeat", &[TEXT, INT4], TEXT, repeat),
        func("replace", "replace", &[TEXT, TEXT, TEXT], TEXT, replace),
        func("translate", "translate", &[TEXT, TEXT, TEXT], TEXT, |a, arena| {
            let (from, to): (Vec<char>, Vec<char>) =
                (arg::<&str>(a, 1)?.chars().collect(), arg::<&str>(a, 2)?.chars().collect());
            let swap = |c: char| match from.iter().position(|f| *f == c) {
                Some(at) => to.get(at).copied(),
                None => Some(c),
            };
            Ok(text_out(arg::<&str>(a, 0)?.chars().filter_map(swap).collect(), arena))
        })
        .infallible(),
    ]
}

fn hex<'a>(value: u64, arena: &'a Arena) -> Datum<'a> {
    text_out(format!("{value:x}"), arena)
}

fn characters() -> Vec<FuncDef> {
    vec![
        func("chr", "chr", &[INT4], TEXT, |a, arena| {
            let code: i32 = arg(a, 0)?;
            if code <= 0 {
                let what = if code == 0 { "null character not permitted" } else { "character number must be positive" };
                return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, what));
            }
            let invalid = || {
                let message = format!("requested character not valid for encoding: {code}");
                SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            };
            Ok(text_out(char::from_u32(code as u32).ok_or_else(invalid)?.to_string(), arena))
        }),
        func("to_hex32", "to_hex", &[INT4], TEXT, |a, arena| Ok(hex(u64::from(arg::<i32>(a, 0)? as u32), arena)))
            .infallible(),
        func("to_hex64", "to_hex", &[INT8], TEXT, |a, arena| Ok(hex(arg::<i64>(a, 0)? as u64, arena))).infallible(),
    ]
}
