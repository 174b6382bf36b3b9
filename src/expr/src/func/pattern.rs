//! LIKE and regular expressions.
//!
//! Regular expressions are those of the `regex` crate, which has PostgreSQL's usual syntax but for back references and look-around.

use super::FuncDef;
use super::build::*;
use regex::{Regex, RegexBuilder};
use repr::{Arena, Datum, EvalError, SqlError, SqlState};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Compiled expressions that a thread keeps; beyond it all are forgotten and compiled again as needed.
const COMPILED_MAX: usize = 64;
/// Memory that a compiled expression may take.
const COMPILED_BYTES_MAX: usize = 8 << 20;

thread_local! {
    /// Compiling costs far more than matching; a memo of a pure function.
    static COMPILED: RefCell<HashMap<(String, String), Rc<Regex>>> = RefCell::default();
}

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = likes();
    table.extend(matches());
    table.extend(regexes());
    table
}

/// Whether `text` matches a LIKE pattern with backslash as its escape; 22025 for a pattern that ends in an escape.
pub fn like(text: &str, pattern: &str) -> Result<bool, EvalError> {
    like_chars(text, pattern, |a, b| a == b)
}

/// The same in any case.
pub fn ilike(text: &str, pattern: &str) -> Result<bool, EvalError> {
    like_chars(text, pattern, |a, b| a == b || a.to_lowercase().eq(b.to_lowercase()))
}

/// Matches greedily, going back to the last `%` only: that is enough, as an earlier one could not match more.
fn like_chars(text: &str, pattern: &str, same: fn(char, char) -> bool) -> Result<bool, EvalError> {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before_text = text.clone();
        let matched = match pattern.next() {
            Some('%') => {
                retry = Some((before_text.clone(), pattern.clone()));
                text = before_text;
                continue;
            }
            Some('_') => text.next().is_some(),
            Some('\\') => match (pattern.next(), text.next()) {
                (Some(wanted), Some(c)) => same(c, wanted),
                (None, Some(_)) => {
                    let message = "LIKE pattern must not end with escape character";
                    return Err(SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, message));
                }
                (_, None) => false,
            },
            Some(wanted) => text.next().is_some_and(|c| same(c, wanted)),
            None if before_text.as_str().is_empty() => return Ok(true),
            None => false,
        };
        if matched {
            continue;
        }
        let Some((start, after)) = &mut retry else { return Ok(false) };
        if start.next().is_none() {
            return Ok(false);
        }
        (text, pattern) = (start.clone(), after.clone());
    }
}

/// A pattern with another escape character, rewritten to have a backslash; an empty escape switches escaping off.
fn like_escape(pattern: &str, escape: &str) -> Result<String, EvalError> {
    let mut escapes = escape.chars();
    let (escape, more) = (escapes.next(), escapes.next());
    if more.is_some() {
        let error = SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        return Err(error.hint("Escape string must be empty or one character."));
    }
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            out.push('\\');
            out.extend(chars.next());
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(out)
}

fn likes() -> Vec<FuncDef> {
    let two = [TEXT, TEXT];
    let mut table = vec![
        func("like_escape", "like_escape", &two, TEXT, |a, arena| {
            Ok(text_out(like_escape(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("similar_to_escape2", "similar_to_escape", &two, TEXT, |a, arena| {
            Ok(text_out(similar_to_regex(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
        func("similar_to_escape1", "similar_to_escape", &[TEXT], TEXT, |a, arena| {
            Ok(text_out(similar_to_regex(arg(a, 0)?, "\\")?, arena))
        }),
    ];
    for (stem, ty) in [("text", TEXT), ("name", NAME), ("bpchar", CHAR)] {
        let args = [ty, TEXT];
        table.extend([
            func(format!("{stem}like"), "~~", &args, BOOL, |a, _| Ok(Datum::Bool(like(arg(a, 0)?, arg(a, 1)?)?))),
            func(format!("{stem}nlike"), "!~~", &args, BOOL, |a, _| Ok(Datum::Bool(!like(arg(a, 0)?, arg(a, 1)?)?))),
            func(format!("{stem}iclike"), "~~*", &args, BOOL, |a, _| Ok(Datum::Bool(ilike(arg(a, 0)?, arg(a, 1)?)?))),
            func(format!("{stem}icnlike"), "!~~*", &args, BOOL, |a, _| {
                Ok(Datum::Bool(!ilike(arg(a, 0)?, arg(a, 1)?)?))
            }),
        ]);
    }
    table
}

/// A SIMILAR TO pattern as a regular expression that matches the whole text.
fn similar_to_regex(pattern: &str, escape: &str) -> Result<String, EvalError> {
    let escape = escape.chars().next();
    let mut out = String::from("^(?:");
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                if let Some(next) = chars.next() {
                    out.push_str(&regex::escape(&next.to_string()));
                }
            }
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            c if in_class => out.push(c),
            '%' => out.push_str("(?s:.)*"),
            '_' => out.push_str("(?s:.)"),
            '(' => out.push_str("(?:"),
            '|' | '*' | '+' | '?' | '{' | '}' | ')' => out.push(c),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out.push_str(")$");
    Ok(out)
}

/// The compiled expression; 2201B if it is none. Of PostgreSQL's flags `i`, `n`/`m`, `s`, `x`, `q` and `g` (the caller's) are known.
pub fn compile(pattern: &str, flags: &str) -> Result<Rc<Regex>, EvalError> {
    let key = (pattern.to_string(), flags.to_string());
    if let Some(found) = COMPILED.with_borrow(|compiled| compiled.get(&key).cloned()) {
        return Ok(found);
    }
    let literal = flags.contains('q');
    let source = if literal { regex::escape(pattern) } else { translate(pattern) };
    let mut builder = RegexBuilder::new(&source);
    builder.size_limit(COMPILED_BYTES_MAX).dot_matches_new_line(true);
    for flag in flags.chars() {
        match flag {
            'i' => _ = builder.case_insensitive(true),
            'c' => _ = builder.case_insensitive(false),
            'n' | 'm' => _ = builder.multi_line(true).dot_matches_new_line(false),
            's' => _ = builder.dot_matches_new_line(true),
            'p' => _ = builder.dot_matches_new_line(false),
            'w' => _ = builder.multi_line(true),
            'x' => _ = builder.ignore_whitespace(true),
            'e' | 't' | 'q' | 'g' => {}
            other => {
                return Err(invalid_parameter(format!("invalid regular expression option: \"{other}\"")));
            }
        }
    }
    let compiled = Rc::new(builder.build().map_err(|error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or("").trim_start_matches("error: ");
        SqlError::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {last}"))
    })?);
    COMPILED.with_borrow_mut(|all| {
        if all.len() >= COMPILED_MAX {
            all.clear();
        }
        all.insert(key, compiled.clone());
    });
    Ok(compiled)
}

/// PostgreSQL's escapes that `regex` spells otherwise: `\m`, `\M`, `\y`, `\Y`, `\Z`.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('m') => out.push_str("\\b{start}"),
            Some('M') => out.push_str("\\b{end}"),
            Some('y') => out.push_str("\\b"),
            Some('Y') => out.push_str("\\B"),
            Some('Z') => out.push_str("\\z"),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

fn is_match(args: &[Datum<'_>], flags: &str) -> Result<bool, EvalError> {
    Ok(compile(arg(args, 1)?, flags)?.is_match(arg(args, 0)?))
}

fn matches() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for (stem, ty) in [("text", TEXT), ("name", NAME), ("bpchar", CHAR)] {
        let args = [ty, TEXT];
        table.extend([
            func(format!("{stem}regexeq"), "~", &args, BOOL, |a, _| Ok(Datum::Bool(is_match(a, "")?))),
            func(format!("{stem}regexne"), "!~", &args, BOOL, |a, _| Ok(Datum::Bool(!is_match(a, "")?))),
            func(format!("{stem}icregexeq"), "~*", &args, BOOL, |a, _| Ok(Datum::Bool(is_match(a, "i")?))),
            func(format!("{stem}icregexne"), "!~*", &args, BOOL, |a, _| Ok(Datum::Bool(!is_match(a, "i")?))),
        ]);
    }
    table
}

fn flags_without_g<'a>(args: &[Datum<'a>], at: usize, function: &str) -> Result<&'a str, EvalError> {
    let flags: &str = optional(args, at)?.unwrap_or("");
    if flags.contains('g') {
        return Err(invalid_parameter(format!("{function}() does not support the \"global\" option")));
    }
    Ok(flags)
}

/// The groups of the first match, or the whole match if there are no groups.
fn first_match<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let regex = compile(arg(args, 1)?, flags_without_g(args, 2, "regexp_match")?)?;
    let Some(captures) = regex.captures(arg(args, 0)?) else {
        return Ok(Datum::Null);
    };
    let from = usize::from(captures.len() > 1);
    let groups = captures.iter().skip(from).map(|group| group.map_or(Datum::Null, |g| Datum::Text(g.as_str())));
    Ok(list_out(groups, arena))
}

/// A replacement in PostgreSQL's notation: `\1` to `\9`, `\&`, `\\`.
fn expand(replacement: &str, captures: &regex::Captures<'_>, out: &mut String) {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('&') => out.push_str(&captures[0]),
            Some('\\') => out.push('\\'),
            Some(digit @ '1'..='9') => {
                let group = captures.get(digit as usize - '0' as usize);
                out.push_str(group.map_or("", |g| g.as_str()));
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
}

fn replace<'a>(args: &[Datum<'a>], flags: &str, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let (text, replacement): (&str, &str) = (arg(args, 0)?, arg(args, 2)?);
    let regex = compile(arg(args, 1)?, flags)?;
    let limit = if flags.contains('g') { 0 } else { 1 };
    let replaced = regex.replacen(text, limit, |captures: &regex::Captures<'_>| {
        let mut out = String::new();
        expand(replacement, captures, &mut out);
        out
    });
    check_length(replaced.len())?;
    Ok(text_out(replaced.into_owned(), arena))
}

/// The parts of a text between matches.
pub fn split<'a>(text: &'a str, pattern: &str, flags: &str) -> Result<Vec<&'a str>, EvalError> {
    let regex = compile(pattern, flags)?;
    let mut parts = Vec::new();
    let mut from = 0;
    for found in regex.find_iter(text) {
        // An empty match splits between characters, but not at either end.
        if found.is_empty() && (found.start() == 0 || found.start() == text.len() || found.start() == from) {
            continue;
        }
        parts.push(&text[from..found.start()]);
        from = found.end();
    }
    parts.push(&text[from..]);
    Ok(parts)
}

fn regexes() -> Vec<FuncDef> {
    let text_array = array_of(repr::SqlType::Text);
    vec![
        func("regexp_match2", "regexp_match", &[TEXT, TEXT], text_array.clone(), first_match).may_be_null(),
        func("regexp_match3", "regexp_match", &[TEXT, TEXT, TEXT], text_array.clone(), first_match).may_be_null(),
        func("regexp_replace3", "regexp_replace", &[TEXT, TEXT, TEXT], TEXT, |a, arena| replace(a, "", arena)),
        func("regexp_replace4", "regexp_replace", &[TEXT, TEXT, TEXT, TEXT], TEXT, |a, arena| {
            replace(a, arg(a, 3)?, arena)
        }),
        func("regexp_split_to_array2", "regexp_split_to_array", &[TEXT, TEXT], text_array.clone(), |a, arena| {
            Ok(list_out(split(arg(a, 0)?, arg(a, 1)?, "")?.into_iter().map(Datum::Text), arena))
        }),
        func("regexp_split_to_array3", "regexp_split_to_array", &[TEXT, TEXT, TEXT], text_array, |a, arena| {
            Ok(list_out(split(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)?.into_iter().map(Datum::Text), arena))
        }),
        func("regexp_like2", "regexp_like", &[TEXT, TEXT], BOOL, |a, _| Ok(Datum::Bool(is_match(a, "")?))),
        func("regexp_like3", "regexp_like", &[TEXT, TEXT, TEXT], BOOL, |a, _| {
            Ok(Datum::Bool(is_match(a, flags_without_g(a, 2, "regexp_like")?)?))
        }),
        func("regexp_count", "regexp_count", &[TEXT, TEXT], INT4, |a, _| {
            Ok(Datum::Int4(compile(arg(a, 1)?, "")?.find_iter(arg(a, 0)?).count() as i32))
        }),
        func("regexp_substr", "regexp_substr", &[TEXT, TEXT], TEXT, |a, _| {
            let found = compile(arg(a, 1)?, "")?.find(arg::<&str>(a, 0)?).map(|found| found.as_str());
            Ok(found.map_or(Datum::Null, Datum::Text))
        })
        .may_be_null(),
    ]
}
