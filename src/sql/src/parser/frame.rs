//! What sqlparser does not know of windows' frames: EXCLUDE, and offsets that begin with a string.
//!
//! ```text
//! as written      over (w order by a groups 1 preceding exclude ties)     over (order by a range '1'::numeric preceding)
//! as parsed       over ("[exclude ties]w" order by a groups 1 preceding)  over (order by a range e'1'::numeric preceding)
//! ```
//!
//! The mark travels with the name of the window that is refined, so that it is in the tree and in what is stored. [`rewrite`] writes it
//! before parsing, [`show`] takes it back for people, [`split_name`] reads it. A string at the start of an offset the parser would take for
//! an interval, and stumble over what follows; one with escapes it takes for a string.

use super::{token_byte_offsets, tokenize};
use expr::window::Exclude;
use sqlparser::ast::Ident;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// Marks, what they stand for, and how that is written.
const MARKS: &[(&str, Exclude, &str)] = &[
    ("[exclude current row]", Exclude::CurrentRow, "EXCLUDE CURRENT ROW"),
    ("[exclude group]", Exclude::Group, "EXCLUDE GROUP"),
    ("[exclude ties]", Exclude::Ties, "EXCLUDE TIES"),
    ("[exclude no others]", Exclude::NoOthers, "EXCLUDE NO OTHERS"),
];

/// What a window's frame excludes, and the window that it refines.
pub fn split_name(name: Option<&Ident>) -> (Exclude, Option<String>) {
    let Some(name) = name else { return (Exclude::NoOthers, None) };
    for (mark, exclude, _) in MARKS {
        if let Some(rest) = name.value.strip_prefix(mark) {
            return (*exclude, (!rest.is_empty()).then(|| rest.to_string()));
        }
    }
    (Exclude::NoOthers, Some(crate::query::fold(name)))
}

/// Turns EXCLUDE at the end of a window into a mark at its start, and strings at the start of offsets into strings with escapes.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let in_frames = ["EXCLUDE", "PRECEDING", "FOLLOWING"];
    if !tokens.iter().any(|t| in_frames.iter().any(|word| is_word(&t.token, word))) {
        return tokens;
    }
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match (&token.token, open.last()) {
            (Token::LParen, _) => open.push(out.len()),
            (Token::RParen, _) => _ = open.pop(),
            (word, Some(start)) if is_word(word, "EXCLUDE") && is_window(&out, *start) => {
                if let Some((mark, length)) = exclusion(&tokens[at..]) {
                    put_mark(&mut out, *start, mark);
                    at += length;
                    continue;
                }
            }
            (Token::SingleQuotedString(value), Some(start))
                if is_window(&out, *start) && is_offset(&tokens[at + 1..]) =>
            {
                out.push(TokenWithSpan { token: Token::EscapedStringLiteral(value.clone()), span: token.span });
                at += 1;
                continue;
            }
            _ => {}
        }
        out.push(token.clone());
        at += 1;
    }
    out
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

/// Whether the parenthesis at `start` opens a window: `OVER (`, `AS (`.
fn is_window(tokens: &[TokenWithSpan], start: usize) -> bool {
    let before = tokens[..start].iter().rev().find(|t| !matches!(t.token, Token::Whitespace(_)));
    before.is_some_and(|t| is_word(&t.token, "OVER") || is_word(&t.token, "AS"))
}

/// Whether an offset goes on with a cast after its string, up to PRECEDING or FOLLOWING.
fn is_offset(rest: &[TokenWithSpan]) -> bool {
    let mut rest = rest.iter().map(|t| &t.token).filter(|t| !matches!(t, Token::Whitespace(_)));
    rest.next() == Some(&Token::DoubleColon)
        && rest
            .take_while(|t| !is_word(t, "AND") && !matches!(t, Token::RParen | Token::Comma))
            .any(|t| is_word(t, "PRECEDING") || is_word(t, "FOLLOWING"))
}

/// The mark for what these tokens begin with, up to a closing parenthesis, and how many tokens that is.
fn exclusion(tokens: &[TokenWithSpan]) -> Option<(&'static str, usize)> {
    let end = tokens.iter().position(|t| t.token == Token::RParen)?;
    let words: Vec<&Token> =
        tokens[..end].iter().map(|t| &t.token).filter(|t| !matches!(t, Token::Whitespace(_))).collect();
    let says = |text: &str| {
        let wanted: Vec<&str> = text.split(' ').collect();
        wanted.len() == words.len() && words.iter().zip(wanted).all(|(token, word)| is_word(token, word))
    };
    MARKS.iter().find(|(_, _, text)| says(text)).map(|(mark, _, _)| (*mark, end))
}

fn put_mark(tokens: &mut Vec<TokenWithSpan>, start: usize, mark: &str) {
    let word = |value: String| Token::Word(Word { value, quote_style: Some('"'), keyword: Keyword::NoKeyword });
    let after = start + 1;
    let first = tokens[after..].iter().position(|t| !matches!(t.token, Token::Whitespace(_))).map(|i| after + i);
    if let Some(token) = first.and_then(|at| tokens.get_mut(at))
        && let Token::Word(name) = &token.token
        && name.keyword == Keyword::NoKeyword
    {
        let folded = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() };
        token.token = word(format!("{mark}{folded}"));
        return;
    }
    let span = tokens[start].span;
    tokens.insert(after, TokenWithSpan { token: word(mark.to_string()), span });
}

/// A text with marks as people write it.
pub fn show(sql: String) -> String {
    if !MARKS.iter().any(|(mark, _, _)| sql.contains(mark)) {
        return sql;
    }
    let Ok((_, tokens)) = tokenize(&sql) else { return sql };
    let places = token_byte_offsets(&sql, &tokens);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut open: Vec<Option<&str>> = Vec::new();
    for (token, (start, end)) in tokens.iter().zip(places) {
        match &token.token {
            Token::LParen => open.push(None),
            Token::RParen => {
                if let Some(Some(text)) = open.pop() {
                    edits.push((start, start, format!(" {text}")));
                }
            }
            Token::Word(word) if word.quote_style.is_some() => {
                let found = MARKS.iter().find_map(|(mark, _, text)| Some((word.value.strip_prefix(mark)?, *text)));
                if let (Some((rest, text)), Some(last)) = (found, open.last_mut()) {
                    *last = Some(text);
                    let name = if rest.is_empty() { String::new() } else { crate::catalog::quote_ident(rest) };
                    let blank = usize::from(name.is_empty() && sql[end..].starts_with(' '));
                    edits.push((start, end + blank, name));
                }
            }
            _ => {}
        }
    }
    let mut out = sql;
    edits.into_iter().rev().for_each(|(start, end, text)| out.replace_range(start..end, &text));
    out
}
