//! Quoting, and `format`.

use super::super::FuncDef;
use super::super::build::*;
use repr::{Datum, EvalError, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    vec![
        func("quote_ident", "quote_ident", &[TEXT], TEXT, |a, arena| Ok(text_out(quote_ident(arg(a, 0)?), arena)))
            .infallible(),
        func("quote_literal", "quote_literal", &[TEXT], TEXT, |a, arena| {
            Ok(text_out(quote_literal(arg(a, 0)?), arena))
        })
        .infallible(),
        func("quote_nullable", "quote_nullable", &[TEXT], TEXT, |a, arena| {
            Ok(match optional::<&str>(a, 0)? {
                Some(text) => text_out(quote_literal(text), arena),
                None => Datum::Text("NULL"),
            })
        })
        .never_null()
        .infallible(),
        func("text_format", "format", &[TEXT, ANY], TEXT, |a, arena| {
            let Some(template) = optional::<&str>(a, 0)? else { return Ok(Datum::Null) };
            let text = format(template, &a[1..])?;
            check_length(text.len())?;
            Ok(text_out(text, arena))
        })
        .variadic()
        .called(),
        func("text_format1", "format", &[TEXT], TEXT, |a, arena| Ok(text_out(format(arg(a, 0)?, &[])?, arena))),
    ]
}

/// Words that SQL reads as something else than a name.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// A name as SQL reads it back.
fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as SQL reads it back.
fn quote_literal(text: &str) -> String {
    let prefix = if text.contains('\\') { "E" } else { "" };
    format!("{prefix}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// One `%…` of a template: which argument, how wide, of which kind.
struct Specifier {
    position: Option<usize>,
    left: bool,
    width: usize,
    kind: char,
}

fn specifier(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Specifier, EvalError> {
    let unterminated = || {
        let error = invalid_parameter("unterminated format() type specifier");
        error.hint("For a single \"%\" use \"%%\".")
    };
    let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut value = None;
        while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
            value = Some(value.unwrap_or(0usize).saturating_mul(10).saturating_add(digit as usize));
            chars.next();
        }
        value
    };
    let mut first = number(chars);
    let mut position = None;
    if chars.next_if_eq(&'$').is_some() {
        position = first.take();
    }
    let left = first.is_none() && chars.next_if_eq(&'-').is_some();
    let width = first.or_else(|| number(chars)).unwrap_or(0);
    let kind = chars.next().ok_or_else(unterminated)?;
    Ok(Specifier { position, left, width, kind })
}

fn format(template: &str, args: &[Datum<'_>]) -> Result<String, EvalError> {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let specifier = specifier(&mut chars)?;
        let at = match specifier.position {
            Some(0) => return Err(invalid_parameter("format specifies argument 0, but arguments are numbered from 1")),
            Some(position) => position - 1,
            None => next,
        };
        next = at + 1;
        let datum = *args.get(at).ok_or_else(|| invalid_parameter("too few arguments for format()"))?;
        let text = converted(datum, specifier.kind)?;
        check_length(out.len() + text.len() + specifier.width)?;
        let missing = " ".repeat(specifier.width.saturating_sub(text.chars().count()));
        let (before, after) = if specifier.left { ("", missing.as_str()) } else { (missing.as_str(), "") };
        out.extend([before, &text, after]);
    }
    Ok(out)
}

fn converted(datum: Datum<'_>, kind: char) -> Result<String, EvalError> {
    let text = repr::text::to_string(datum, &SqlType::Text);
    match kind {
        's' => Ok(text),
        'I' if datum.is_null() => {
            Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier"))
        }
        'I' => Ok(quote_ident(&text)),
        'L' if datum.is_null() => Ok("NULL".to_string()),
        'L' => Ok(quote_literal(&text)),
        other => {
            let error = invalid_parameter(format!("unrecognized format() type specifier \"{other}\""));
            Err(error.hint("For a single \"%\" use \"%%\"."))
        }
    }
}
