//! `regexp_extract`: the groups of a pattern as columns, which have the groups' names.

use crate::func::regex::{self, Options};
use repr::{Datum, EvalError};

/// A pattern whose groups have no names, and the names that they had: `(?<year>…)`, `(?P<year>…)`.
///
/// PostgreSQL's expressions know no names, so that the pattern without them is one of theirs.
pub fn named_groups(pattern: &str) -> (String, Vec<Option<String>>) {
    let (mut out, mut names) = (String::with_capacity(pattern.len()), Vec::new());
    let (mut rest, mut in_class) = (pattern, false);
    while let Some(c) = rest.chars().next() {
        let name = if c == '(' && !in_class { group_name(rest) } else { None };
        if let Some((name, length)) = name {
            names.push(Some(name.to_string()));
            out.push('(');
            rest = &rest[length..];
            continue;
        }
        let length = if c == '\\' { rest.chars().take(2).map(char::len_utf8).sum() } else { c.len_utf8() };
        match c {
            '(' if !in_class && !rest.starts_with("(?") => names.push(None),
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    (out, names)
}

/// The name of the group that opens at the head of `text`, and how many bytes open it.
fn group_name(text: &str) -> Option<(&str, usize)> {
    let open = ["(?P<", "(?<"].into_iter().find(|open| text.starts_with(open))?;
    let (name, _) = text[open.len()..].split_once('>')?;
    let word = |c: char| c.is_alphanumeric() || c == '_';
    // `(?<=` and `(?<!` look behind.
    (!name.is_empty() && name.chars().all(word)).then_some((name, open.len() + name.len() + 1))
}

/// How many groups of a pattern capture.
pub fn group_count(pattern: &str) -> Result<usize, EvalError> {
    Ok(regex::compile(pattern, Options::default())?.groups())
}

/// The groups of the first match; none without a match.
pub fn first_groups<'a>(pattern: &str, text: &'a str) -> Result<Option<Vec<Datum<'a>>>, EvalError> {
    let found = regex::compile(pattern, Options::default())?.find_at(text, 0)?;
    let group =
        |group: &Option<(usize, usize)>| group.map_or(Datum::Null, |(start, end)| Datum::Text(&text[start..end]));
    Ok(found.map(|groups| groups[1..].iter().map(group).collect()))
}
