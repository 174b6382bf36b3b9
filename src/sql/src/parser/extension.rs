//! Our statements: everything that a client may send, parsed on sqlparser's tokens, types, expressions and queries.
//!
//! `crate::parser` calls [`try_parse`] with a parser that stands at the first token of a statement; it is left at the end of the statement
//! (`;` or the end of input). Which words begin which statement is a table: [`STATEMENTS`]. Words that PostgreSQL knows and Freshet does not
//! become [`Statement::Unsupported`], so that users are told so rather than being shown a syntax error.

mod alter;
pub mod ast;
mod create;
mod cursor;
mod dml;
mod function;
pub mod print;
mod query;
mod session;
mod show;
#[cfg(test)]
mod tests;
mod utility;
pub(crate) mod words;

pub use ast::Statement;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;
use words::{eat, peek_words};

/// The outcome of parsing.
type Parsed<T> = Result<T, ParserError>;

/// First words of a statement, and what parses it; the parser stands at those words. Longer beginnings come first.
const STATEMENTS: &[(&str, fn(&mut Parser<'_>) -> Parsed<Statement>)] = &[
    ("SELECT", query::select),
    ("WITH", query::select),
    ("VALUES", query::select),
    ("TABLE", query::select),
    ("SUBSCRIBE", query::subscribe),
    ("EXPLAIN", query::explain),
    ("COPY", query::copy),
    ("INSERT", dml::insert),
    ("UPDATE", dml::update),
    ("DELETE", dml::delete),
    ("TRUNCATE", dml::truncate),
    ("CREATE", create::create),
    ("DROP", create::drop),
    ("ALTER", alter::alter),
    ("COMMENT ON", alter::comment),
    ("GRANT", alter::grant),
    ("REVOKE", alter::grant),
    ("SHOW", show::show),
    ("SET", session::set),
    ("RESET", session::reset),
    ("DISCARD", session::discard),
    ("BEGIN", session::begin),
    ("START TRANSACTION", session::begin),
    ("COMMIT", session::end),
    ("END", session::end),
    ("ROLLBACK", session::end),
    ("ABORT", session::end),
    ("SAVEPOINT", session::savepoint),
    ("RELEASE", session::release),
    ("VACUUM", utility::vacuum),
    ("ANALYZE", utility::analyze),
    ("UNLISTEN", utility::unlisten),
    ("DECLARE", cursor::declare),
    ("FETCH", cursor::fetch),
    ("CLOSE", cursor::close),
    ("PREPARE", cursor::prepare),
    ("EXECUTE", cursor::execute),
    ("DEALLOCATE", cursor::deallocate),
];

/// First words of statements that PostgreSQL or Materialize know and Freshet does not.
const UNSUPPORTED: &[&str] = &[
    "CALL",
    "CHECKPOINT",
    "CLUSTER",
    "DO",
    "IMPORT",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "SECURITY",
    "VALIDATE",
];

/// Parses the statement at which `parser` stands; none if it does not begin like a statement.
pub fn try_parse(parser: &mut Parser<'_>) -> Option<Parsed<Statement>> {
    if let Token::LParen = parser.peek_token_ref().token {
        return Some(query::select(parser));
    }
    if let Some((_, parse)) = STATEMENTS.iter().find(|(words, _)| peek_words(parser, words)) {
        return Some(parse(parser));
    }
    let words = UNSUPPORTED.iter().find(|words| eat(parser, words))?;
    Some(Ok(unsupported(parser, words)))
}

/// Parses a statement inside another one.
fn statement(parser: &mut Parser<'_>) -> Parsed<Statement> {
    match try_parse(parser) {
        Some(parsed) => parsed,
        None => words::unexpected(parser, "a statement"),
    }
}

/// A statement that is known by its first words only; the rest of it is skipped.
fn unsupported(parser: &mut Parser<'_>, what: &str) -> Statement {
    while !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
        parser.advance_token();
    }
    Statement::Unsupported(what.to_string())
}
