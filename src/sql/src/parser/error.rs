//! What PostgreSQL would say of a text that does not parse: 42601, `syntax error at or near "x"`, and where.
//!
//! sqlparser reports a message that ends in a line and a column; the token there is the one that does not fit.

use super::LineIndex;
use repr::{SqlError, SqlState};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, TokenizerError};

/// The error for a statement that ended too early, or a token that begins none.
pub(super) fn unexpected(parser: &Parser<'_>, sql: &str, lines: &LineIndex) -> SqlError {
    // GROUP and ORDER are left where BY does not follow: it is the word after them that does not fit.
    let first = parser.peek_token();
    let halves = matches!(&first.token, Token::Word(w) if matches!(w.keyword, Keyword::GROUP | Keyword::ORDER));
    let token = if halves { parser.peek_nth_token(1) } else { first };
    near(&token, sql, lines)
}

/// The error that `parser` returned.
pub(super) fn syntax_error(error: ParserError, parser: &Parser<'_>, sql: &str, lines: &LineIndex) -> SqlError {
    let message = match error {
        ParserError::RecursionLimitExceeded => return too_complex(),
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let Some(location) = location(&message) else {
        if message.contains("found: EOF") {
            return at_end(sql);
        }
        let hint = message.trim_start_matches("sql parser error: ").to_string();
        return unexpected(parser, sql, lines).hint(format!("{hint}."));
    };
    let Some(text) = token_text(sql, location) else { return at_end(sql) };
    SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{text}\"")).at(lines.position(location))
}

/// The error for text that is not even tokens.
pub(super) fn token_error(error: TokenizerError, sql: &str, lines: &LineIndex) -> SqlError {
    let near = token_text(sql, error.location).unwrap_or_default();
    let message = match error.message.as_str() {
        m if m.starts_with("Unterminated string literal") => {
            format!("unterminated quoted string at or near \"{near}\"")
        }
        m if m.starts_with("Unterminated dollar-quoted") => {
            format!("unterminated dollar-quoted string at or near \"{near}\"")
        }
        m if m.starts_with("Expected close delimiter") => {
            format!("unterminated quoted identifier at or near \"{near}\"")
        }
        m if m.contains("EOF while in a multi-line comment") => {
            let comment = sql.rfind("/*").map_or(near.as_str(), |at| &sql[at..]);
            format!("unterminated /* comment at or near \"{comment}\"")
        }
        _ => format!("syntax error at or near \"{near}\""),
    };
    SqlError::new(SqlState::SYNTAX_ERROR, message).at(lines.position(error.location))
}

/// The error for what would need too much stack.
pub(super) fn too_complex() -> SqlError {
    SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .hint("Simplify the statement: its expressions are nested too deeply or are too long.")
}

fn near(token: &TokenWithSpan, sql: &str, lines: &LineIndex) -> SqlError {
    let text = match token.token {
        Token::EOF => None,
        _ => token_text(sql, token.span.start).or_else(|| Some(token.token.to_string())),
    };
    let Some(text) = text else { return at_end(sql) };
    let error = SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{text}\""));
    error.at(lines.position(token.span.start))
}

fn at_end(sql: &str) -> SqlError {
    let position = u32::try_from(sql.chars().count() + 1).ok();
    SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at end of input").at(position)
}

/// The location at the end of sqlparser's message.
fn location(message: &str) -> Option<Location> {
    let (_, tail) = message.rsplit_once(" at Line: ")?;
    let (line, column) = tail.split_once(", Column: ")?;
    let location = Location { line: line.parse().ok()?, column: column.trim().parse().ok()? };
    (location.line > 0).then_some(location)
}

/// The token that begins at `location`, as written; none at the end of the text.
fn token_text(sql: &str, location: Location) -> Option<String> {
    let line = usize::try_from(location.line).ok()?.checked_sub(1)?;
    let start: usize = sql.split_inclusive('\n').take(line).map(str::len).sum();
    let column = usize::try_from(location.column).ok()?.checked_sub(1)?;
    let rest = sql.get(start..)?;
    let rest = &rest[rest.char_indices().nth(column)?.0..];
    let first = rest.chars().next()?;
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    let end = match first {
        '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |at| at + 2),
        c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
        c => c.len_utf8(),
    };
    Some(rest[..end].to_string())
}
