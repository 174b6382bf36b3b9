//! Unicode normalization, escapes, and names as SQL writes them.

use super::super::FuncDef;
use super::super::build::*;
use repr::{Arena, Datum, EvalError, SqlError, SqlState, SqlType};
use unicode_normalization::{UnicodeNormalization, is_nfc, is_nfd, is_nfkc, is_nfkd};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let names = || array_of(SqlType::Text);
    vec![
        func("normalize", "normalize", &[TEXT], TEXT, |a, arena| {
            Ok(text_out(arg::<&str>(a, 0)?.nfc().collect(), arena))
        })
        .infallible(),
        func("normalize_form", "normalize", &[TEXT, TEXT], TEXT, |a, arena| {
            let text: &str = arg(a, 0)?;
            let normal: String = match form(arg(a, 1)?)?.as_str() {
                "nfc" => text.nfc().collect(),
                "nfd" => text.nfd().collect(),
                "nfkc" => text.nfkc().collect(),
                _ => text.nfkd().collect(),
            };
            Ok(text_out(normal, arena))
        }),
        func("is_normalized", "is_normalized", &[TEXT], BOOL, |a, _| Ok(Datum::Bool(is_nfc(arg(a, 0)?)))).infallible(),
        func("is_normalized_form", "is_normalized", &[TEXT, TEXT], BOOL, |a, _| {
            let text: &str = arg(a, 0)?;
            Ok(Datum::Bool(match form(arg(a, 1)?)?.as_str() {
                "nfc" => is_nfc(text),
                "nfd" => is_nfd(text),
                "nfkc" => is_nfkc(text),
                _ => is_nfkd(text),
            }))
        }),
        func("unistr", "unistr", &[TEXT], TEXT, |a, arena| Ok(text_out(unistr(arg(a, 0)?)?, arena))),
        func("parse_ident", "parse_ident", &[TEXT], names(), |a, arena| parse_ident(arg(a, 0)?, true, arena)),
        func("parse_ident_strict", "parse_ident", &[TEXT, BOOL], names(), |a, arena| {
            parse_ident(arg(a, 0)?, arg(a, 1)?, arena)
        }),
    ]
}

fn form(name: &str) -> Result<String, EvalError> {
    let lower = name.to_ascii_lowercase();
    if ["nfc", "nfd", "nfkc", "nfkd"].contains(&lower.as_str()) {
        return Ok(lower);
    }
    Err(invalid_parameter(format!("invalid normalization form: {name}")))
}

/// `\XXXX`, `\+XXXXXX`, `\uXXXX`, `\UXXXXXXXX` and `\\` become the characters that they stand for.
fn unistr(text: &str) -> Result<String, EvalError> {
    let invalid = || SqlError::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('\\') {
            out.push('\\');
            rest = tail;
            continue;
        }
        let (skipped, digits) = match rest.as_bytes().first() {
            Some(b'+') => (1, 6),
            Some(b'u') => (1, 4),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let code = rest.get(skipped..skipped + digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        let c = code.and_then(char::from_u32).filter(|c| *c != '\0').ok_or_else(invalid)?;
        out.push(c);
        rest = &rest[skipped + digits..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The parts of a qualified name, folded unless they are quoted; what follows it is an error if `strict`.
fn parse_ident<'a>(text: &str, strict: bool, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let invalid = |detail: Option<&str>| {
        let error = invalid_parameter(format!("string is not a valid identifier: \"{text}\""));
        detail.map_or(error.clone(), |detail| error.detail(detail))
    };
    let (mut parts, mut rest) = (Vec::new(), text.trim_start());
    loop {
        let (part, tail) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_part(quoted).ok_or_else(|| invalid(Some("String has unclosed double quotes.")))?
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            (rest[..end].to_lowercase(), &rest[end..])
        };
        if part.is_empty() || (!rest.starts_with('"') && part.starts_with(|c: char| c.is_numeric() || c == '$')) {
            let before = parts.is_empty().then_some("No valid identifier before \".\".");
            let what = if parts.is_empty() { before.filter(|_| rest.starts_with('.')) } else { None };
            return Err(invalid(what.or((!parts.is_empty()).then_some("No valid identifier after \".\"."))));
        }
        parts.push(part);
        rest = tail.trim_start();
        match rest.strip_prefix('.') {
            Some(tail) => rest = tail.trim_start(),
            None if rest.is_empty() || !strict => break,
            None => return Err(invalid(None)),
        }
    }
    let parts: Vec<Datum<'a>> = parts.into_iter().map(|part| text_out(part, arena)).collect();
    Ok(list_out(parts, arena))
}

fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if chars.next_if(|(_, c)| *c == '"').is_some() => part.push('"'),
            '"' => return Some((part, &text[at + 1..])),
            c => part.push(c),
        }
    }
    None
}
