//! Types that sqlparser does not know, as a name with the type that they are of:
//!
//! ```text
//! int list             → "list of"("int")
//! map[text => int]     → "map of"("int")
//! ```

use super::super::extension::words::is_word;
use super::quoted;
use repr::SqlType;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// What stands for a list: its argument is the type of its elements.
pub(crate) const LIST_OF: &str = "list of";
/// What stands for a map: its argument is the type of its values.
pub(crate) const MAP_OF: &str = "map of";

/// The longest name of a type, in words: `timestamp without time zone`.
const WORDS_MAX: usize = 4;

fn is_blank(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

fn text_of(tokens: &[TokenWithSpan]) -> String {
    tokens.iter().map(|t| t.token.to_string()).collect::<String>().trim().to_string()
}

fn push(marker: &str, of: String, like: &TokenWithSpan, out: &mut Vec<TokenWithSpan>) {
    let tokens = [quoted(marker), Token::LParen, quoted(&of), Token::RParen];
    out.extend(tokens.map(|token| TokenWithSpan { token, span: like.span }));
}

/// `map[text => type]`
pub(super) fn map(rest: &[TokenWithSpan], out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let first = rest.first().filter(|t| is_word(&t.token, "MAP"))?;
    let mut words = rest.iter().enumerate().filter(|(_, t)| !is_blank(t)).skip(1);
    let opens = words.next()?.1.token == Token::LBracket;
    let key = is_word(&words.next()?.1.token, "TEXT");
    let (arrow, token) = words.next()?;
    if !opens || !key || token.token != Token::RArrow {
        return None;
    }
    let mut depth = 0;
    let close = rest[arrow..].iter().position(|t| match t.token {
        Token::LBracket => {
            depth += 1;
            false
        }
        Token::RBracket if depth > 0 => {
            depth -= 1;
            false
        }
        Token::RBracket => true,
        _ => false,
    });
    let close = arrow + close?;
    push(MAP_OF, text_of(&rest[arrow + 1..close]), first, out);
    Some(close + 1)
}

/// `list` behind a type, where a type may stand: in a cast, in a declaration, or in a type again.
pub(super) fn list(rest: &[TokenWithSpan], declares: bool, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let first = rest.first().filter(|t| is_word(&t.token, "LIST"))?;
    let start = type_start(out, declares)?;
    let of = text_of(&out[start..]);
    out.truncate(start);
    push(LIST_OF, super::restore(&of), first, out);
    Some(1)
}

/// Where the type begins that the tokens so far end with, if they do.
fn type_start(tokens: &[TokenWithSpan], declares: bool) -> Option<usize> {
    let solid: Vec<usize> = (0..tokens.len()).rev().take(64).filter(|at| !is_blank(&tokens[*at])).collect();
    let token = |n: usize| solid.get(n).map_or(&Token::EOF, |at| &tokens[*at].token);
    let mut n = 0;
    if *token(0) == Token::RParen {
        n = 1 + (0..solid.len()).position(|n| *token(n) == Token::LParen)?;
    }
    let before = |n: usize, word: &Token| {
        let declared = declares && matches!(token(n), Token::Word(_) if !is_word(token(n), "AS"));
        let cast = matches!(token(n), Token::DoubleColon | Token::RArrow | Token::Eq) || is_word(token(n), "AS");
        cast || declared && matches!(word, Token::Word(_))
    };
    for count in (1..=WORDS_MAX).rev() {
        let words: Vec<String> = (0..count).rev().map(|i| token(n + i).to_string()).collect();
        let all_words = (0..count).all(|i| matches!(token(n + i), Token::Word(_)));
        let marker = count == 1 && matches!(token(n), Token::Word(w) if [LIST_OF, MAP_OF].contains(&w.value.as_str()));
        let name = words.join(" ").to_lowercase();
        if all_words && (marker || SqlType::from_name(&name).is_some()) && before(n + count, token(n)) {
            return solid.get(n + count - 1).copied();
        }
    }
    None
}

/// What a marker and its argument at the head of printed SQL stand for, and what follows.
pub(super) fn restored(printed: &str) -> Option<(String, &str)> {
    let (marker, rest) = [LIST_OF, MAP_OF]
        .iter()
        .find_map(|marker| Some((*marker, printed.strip_prefix(&format!("\"{marker}\"(\""))?)))?;
    // A quote inside a name is doubled.
    let mut end = 0;
    loop {
        end += rest[end..].find('"')?;
        match rest[end..].starts_with("\"\"") {
            true => end += 2,
            false => break,
        }
    }
    let of = rest[..end].replace("\"\"", "\"");
    let text = if marker == LIST_OF { format!("{of} list") } else { format!("map[text=>{of}]") };
    Some((text, rest[end..].strip_prefix("\")")?))
}
