//! LIKE, SIMILAR TO, and the functions of regular expressions.

use super::FuncDef;
use super::build::*;
use super::regex::{Groups, Options, Regex, compile};
use repr::{Arena, Datum, EvalError, SqlError, SqlState, SqlType};
use std::rc::Rc;

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

/// A SIMILAR TO pattern as a regular expression that matches the whole text. `escape "` divides it into three parts, of which
/// the middle one is captured and the first as short as can be: what SUBSTRING … SIMILAR takes.
fn similar_to_regex(pattern: &str, escape: &str) -> Result<String, EvalError> {
    let mut escapes = escape.chars();
    let (escape, more) = (escapes.next(), escapes.next());
    if more.is_some() {
        let error = SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        return Err(error.hint("Escape string must be empty or one character."));
    }
    let mut out = String::from("^(?:");
    let mut chars = pattern.chars();
    let (mut in_class, mut separators) = (false, 0);
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => match chars.next() {
                Some('"') if !in_class => {
                    separators += 1;
                    out.push_str(match separators {
                        1 => "){1,1}?(",
                        2 => "){1,1}(?:",
                        _ => return Err(too_many_separators()),
                    });
                }
                Some(next) => push_literal(next, &mut out),
                None => {}
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '\\' if in_class => out.push_str("\\\\"),
            c if in_class => out.push(c),
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '|' | '*' | '+' | '?' | '{' | '}' | ')' => out.push(c),
            c => push_literal(c, &mut out),
        }
    }
    out.push_str(")$");
    Ok(out)
}

fn too_many_separators() -> EvalError {
    let message = "SQL regular expression may not contain more than two escape-double-quote separators";
    SqlError::new(SqlState([b'2', b'2', b'0', b'0', b'C']), message)
}

/// A character that stands for itself in a regular expression.
fn push_literal(c: char, out: &mut String) {
    if !c.is_alphanumeric() {
        out.push('\\');
    }
    out.push(c);
}

/// The compiled expression under flags; `g` is the caller's.
fn with_flags(pattern: &str, flags: &str) -> Result<Rc<Regex>, EvalError> {
    let mut options = Options::default();
    for flag in flags.chars().filter(|flag| *flag != 'g') {
        if !options.set(flag) {
            return Err(invalid_parameter(format!("invalid regular expression option: \"{flag}\"")));
        }
    }
    compile(pattern, options)
}

fn is_match(args: &[Datum<'_>], flags: &str) -> Result<bool, EvalError> {
    with_flags(arg(args, 1)?, flags)?.is_match(arg(args, 0)?)
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

/// What a match shows: its groups, or itself if there are none.
fn shown<'a>(text: &'a str, groups: &Groups) -> Vec<Datum<'a>> {
    let shown = if groups.len() > 1 { &groups[1..] } else { &groups[..] };
    shown.iter().map(|group| group.map_or(Datum::Null, |(start, end)| Datum::Text(&text[start..end]))).collect()
}

fn first_match<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let text: &'a str = arg(args, 0)?;
    let flags = optional::<&str>(args, 2)?.unwrap_or("");
    if flags.contains('g') {
        let error = invalid_parameter("regexp_match() does not support the \"global\" option");
        return Err(error.hint("Use the regexp_matches function instead."));
    }
    let found = with_flags(arg(args, 1)?, flags)?.find_at(text, 0)?;
    Ok(found.map_or(Datum::Null, |groups| list_out(shown(text, &groups), arena)))
}

/// What each match shows, or the first alone unless the flags say `g`: the rows of `regexp_matches`.
pub fn all_matches<'a>(text: &'a str, pattern: &str, flags: &str) -> Result<Vec<Vec<Datum<'a>>>, EvalError> {
    let regex = with_flags(pattern, flags)?;
    let limit = if flags.contains('g') { usize::MAX } else { 1 };
    regex.find_all(text, 0).take(limit).map(|groups| Ok(shown(text, &groups?))).collect()
}

/// A replacement in PostgreSQL's notation: `\1` to `\9`, `\&`, `\\`.
fn expand(replacement: &str, text: &str, groups: &Groups, out: &mut String) {
    let group = |n: usize| groups.get(n).copied().flatten().map_or("", |(start, end)| &text[start..end]);
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('&') => out.push_str(group(0)),
            Some('\\') => out.push('\\'),
            Some(digit @ '1'..='9') => out.push_str(group(digit as usize - '0' as usize)),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
}

/// Replaces the `nth` match from byte `from` on, or all of them if it is 0.
fn replace<'a>(
    args: &[Datum<'a>],
    flags: &str,
    from: usize,
    nth: usize,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let (text, replacement): (&str, &str) = (arg(args, 0)?, arg(args, 2)?);
    let regex = with_flags(arg(args, 1)?, flags)?;
    let (mut out, mut copied) = (String::new(), 0);
    for (i, groups) in regex.find_all(text, from).enumerate() {
        let groups = groups?;
        if nth > 0 && i + 1 < nth {
            continue;
        }
        let (start, end) = groups[0].unwrap_or((copied, copied));
        out.push_str(&text[copied..start]);
        expand(replacement, text, &groups, &mut out);
        check_length(out.len())?;
        copied = end;
        if nth > 0 {
            break;
        }
    }
    out.push_str(&text[copied..]);
    check_length(out.len())?;
    Ok(text_out(out, arena))
}

fn replace_by_flags<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let flags: &str = arg(args, 3)?;
    if flags.starts_with(|c: char| c.is_ascii_digit()) {
        let error = invalid_parameter(format!("invalid regular expression option: \"{}\"", &flags[..1]));
        let hint = "If you meant to use regexp_replace() with a start parameter, \
                    cast the fourth argument to integer explicitly.";
        return Err(error.hint(hint));
    }
    replace(args, flags, 0, if flags.contains('g') { 0 } else { 1 }, arena)
}

/// `regexp_replace(text, pattern, replacement, start [, n [, flags]])`
fn replace_from<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let flags: &str = optional(args, 5)?.unwrap_or("");
    let default = if flags.contains('g') { 0 } else { 1 };
    let nth = at_least(args, 4, "n", 0)?.unwrap_or(default);
    let from = start(args, 3)?;
    match from {
        Some(from) => replace(args, flags, from, nth, arena),
        None => Ok(args[0]),
    }
}

/// The parts of a text between matches; an empty match divides between characters, but not at either end.
pub fn split<'a>(text: &'a str, pattern: &str, flags: &str, function: &str) -> Result<Vec<&'a str>, EvalError> {
    if flags.contains('g') {
        return Err(invalid_parameter(format!("{function}() does not support the \"global\" option")));
    }
    let regex = with_flags(pattern, flags)?;
    let (mut parts, mut from) = (Vec::new(), 0);
    for groups in regex.find_all(text, 0) {
        let Some((start, end)) = groups?[0] else { continue };
        if start < text.len() && end > from {
            parts.push(&text[from..start]);
            from = end;
        }
    }
    parts.push(&text[from..]);
    Ok(parts)
}

/// An argument that must not be less; none if it is left out.
fn at_least(args: &[Datum<'_>], at: usize, name: &str, least: i32) -> Result<Option<usize>, EvalError> {
    let Some(value) = optional::<i32>(args, at)? else { return Ok(None) };
    if value < least {
        return Err(invalid_parameter(format!("invalid value for parameter \"{name}\": {value}")));
    }
    Ok(usize::try_from(value).ok())
}

/// The byte at which the character with this number, from 1, starts; none beyond the text's end.
fn start(args: &[Datum<'_>], at: usize) -> Result<Option<usize>, EvalError> {
    let text: &str = arg(args, 0)?;
    let skipped = at_least(args, at, "start", 1)?.unwrap_or(1) - 1;
    Ok(text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(skipped))
}

/// The `nth` match from the start on that the arguments name, or a group of it.
fn nth_group(
    args: &[Datum<'_>],
    function: &str,
    flags_at: usize,
    group_at: usize,
) -> Result<Option<(usize, usize)>, EvalError> {
    let flags = flags_without_g(args, flags_at, function)?;
    let nth = at_least(args, 3, "n", 1)?.unwrap_or(1);
    let group = at_least(args, group_at, "subexpr", 0)?.unwrap_or(0);
    let Some(from) = start(args, 2)? else { return Ok(None) };
    let regex = with_flags(arg(args, 1)?, flags)?;
    let found = regex.find_all(arg(args, 0)?, from).nth(nth - 1).transpose()?;
    Ok(found.and_then(|groups| groups.get(group).copied().flatten()))
}

fn instr<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let text: &str = arg(args, 0)?;
    let end = match optional::<i32>(args, 4)? {
        None | Some(0) => false,
        Some(1) => true,
        Some(other) => return Err(invalid_parameter(format!("invalid value for parameter \"endoption\": {other}"))),
    };
    let found = nth_group(args, "regexp_instr", 5, 6)?;
    let position = |(from, to): (usize, usize)| text[..if end { to } else { from }].chars().count() as i32 + 1;
    Ok(Datum::Int4(found.map_or(0, position)))
}

fn substr<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let text: &'a str = arg(args, 0)?;
    let found = nth_group(args, "regexp_substr", 4, 5)?;
    Ok(found.map_or(Datum::Null, |(from, to)| Datum::Text(&text[from..to])))
}

fn count<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let flags = flags_without_g(args, 3, "regexp_count")?;
    let regex = with_flags(arg(args, 1)?, flags)?;
    let Some(from) = start(args, 2)? else { return Ok(Datum::Int4(0)) };
    let mut count = 0;
    for groups in regex.find_all(arg(args, 0)?, from) {
        groups?;
        count += 1;
    }
    Ok(Datum::Int4(count))
}

/// `substring(text from pattern)`: the first group, or the match if there are none.
fn substring<'a>(text: &'a str, pattern: &str) -> Result<Datum<'a>, EvalError> {
    let regex = compile(pattern, Options::default())?;
    let found = regex.find_at(text, 0)?;
    let group = found.and_then(|groups| groups[usize::from(regex.groups() > 0)]);
    Ok(group.map_or(Datum::Null, |(from, to)| Datum::Text(&text[from..to])))
}

/// The same function with ever more arguments.
fn overloads(
    sql: &str,
    args: &[super::ArgType],
    least: usize,
    ret: super::ArgType,
    eval: super::EvalFn,
) -> Vec<FuncDef> {
    (least..=args.len()).map(|n| func(format!("{sql}{n}"), sql, &args[..n], ret.clone(), eval)).collect()
}

fn regexes() -> Vec<FuncDef> {
    let text_array = array_of(SqlType::Text);
    let mut table = vec![
        func("textregexsubstr", "substring", &[TEXT, TEXT], TEXT, |a, _| substring(arg(a, 0)?, arg(a, 1)?))
            .may_be_null(),
        func("textregexsubstr_similar", "substring", &[TEXT, TEXT, TEXT], TEXT, |a, _| {
            substring(arg(a, 0)?, &similar_to_regex(arg(a, 1)?, arg(a, 2)?)?)
        })
        .may_be_null(),
        func("regexp_replace3", "regexp_replace", &[TEXT, TEXT, TEXT], TEXT, |a, arena| replace(a, "", 0, 1, arena)),
        func("regexp_replace_flags", "regexp_replace", &[TEXT, TEXT, TEXT, TEXT], TEXT, replace_by_flags),
    ];
    table.extend(
        overloads("regexp_match", &[TEXT, TEXT, TEXT], 2, text_array.clone(), first_match)
            .into_iter()
            .map(FuncDef::may_be_null),
    );
    table.extend(overloads("regexp_replace", &[TEXT, TEXT, TEXT, INT4, INT4, TEXT], 4, TEXT, replace_from));
    table.extend(overloads("regexp_split_to_array", &[TEXT, TEXT, TEXT], 2, text_array, |a, arena| {
        let parts = split(arg(a, 0)?, arg(a, 1)?, optional(a, 2)?.unwrap_or(""), "regexp_split_to_array")?;
        Ok(list_out(parts.into_iter().map(Datum::Text), arena))
    }));
    table.extend(overloads("regexp_like", &[TEXT, TEXT, TEXT], 2, BOOL, |a, _| {
        Ok(Datum::Bool(is_match(a, flags_without_g(a, 2, "regexp_like")?)?))
    }));
    table.extend(overloads("regexp_count", &[TEXT, TEXT, INT4, TEXT], 2, INT4, count));
    table.extend(overloads("regexp_instr", &[TEXT, TEXT, INT4, INT4, INT4, TEXT, INT4], 2, INT4, instr));
    let substrings = overloads("regexp_substr", &[TEXT, TEXT, INT4, INT4, TEXT, INT4], 2, TEXT, substr);
    table.extend(substrings.into_iter().map(FuncDef::may_be_null));
    table
}
