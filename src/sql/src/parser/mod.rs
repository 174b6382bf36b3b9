//! Text → AST. [`parse`] splits a text into statements and parses each; sessions call it for every query that arrives.
//!
//! ```text
//! text ──tokenizer──▶ tokens ──`extension::try_parse`──▶ Statement (ours; queries and expressions inside are sqlparser's)
//! ```
//!
//! Promise: no text overflows the stack or takes time beyond linear in its length for a bounded nesting; what is too deep is refused
//! with 54001, what is not SQL with 42601 and the position of the first token that does not fit.

mod dialect;
mod error;
pub mod extension;
pub(crate) mod frame;
mod grouping;
pub mod keywords;
mod made_literals;
pub(crate) mod reserved;
pub(crate) mod respell;
#[cfg(test)]
mod tests;

pub use dialect::FreshetDialect;
pub use extension::Statement;
use repr::{SqlError, SqlState};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};
use std::sync::Arc;

/// How deep parentheses may nest.
const NESTING_MAX: usize = 1_000;
/// How deep the parser may recurse: a subquery in parentheses takes it four levels.
const RECURSION_MAX: usize = 4 * NESTING_MAX;
/// How many operators may follow each other in one statement: chains become trees of that depth, which are dropped recursively.
const OPERATORS_MAX: usize = 20_000;
/// Words that make a tree one level deeper, as operators do.
const CHAINING: &[Keyword] = &[
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::IS,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
    Keyword::JOIN,
];
/// The longest statement text in bytes; a large INSERT fits, and lines and columns stay within their integers.
const TEXT_MAX: usize = 64 << 20;

/// A statement and where it stood.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// What was said.
    pub ast: Statement,
    /// Its own text, without the semicolon.
    pub sql: String,
    /// Turns lines and columns of `ast` into positions in the whole text that was parsed.
    pub lines: LineIndex,
}

/// Where each line of a text begins, in characters from 0.
#[derive(Clone, Debug, Default)]
pub struct LineIndex(Arc<[u32]>);

impl LineIndex {
    /// The lines of `text`.
    pub fn new(text: &str) -> Self {
        let starts = text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at as u32 + 1);
        LineIndex(std::iter::once(0).chain(starts).collect())
    }

    /// A position in characters from 1, as an ErrorResponse reports it; none for the empty location.
    pub fn position(&self, location: Location) -> Option<u32> {
        let line = usize::try_from(location.line).ok()?.checked_sub(1)?;
        Some(self.0.get(line)? + u32::try_from(location.column).ok()?)
    }
}

/// Parses all statements of a text; empty ones are left out.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>, SqlError> {
    if sql.len() > TEXT_MAX {
        return Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("statement is longer than {TEXT_MAX} bytes"),
        ));
    }
    crate::with_deep_stack(|| parse_all(sql))
}

/// Parses one scalar expression: what configuration and canonical SQL keep as text.
pub fn parse_expr(sql: &str) -> Result<sqlparser::ast::Expr, SqlError> {
    crate::with_deep_stack(|| {
        let (lines, tokens) = tokenize(sql)?;
        check_size(&tokens)?;
        let mut parser = new_parser(&FreshetDialect, respell::respell(tokens));
        let parsed = parser.parse_expr();
        let expr = parsed.map_err(|e| error::syntax_error(e, &parser, sql, &lines))?;
        match parser.peek_token().token {
            Token::EOF => Ok(expr),
            _ => Err(error::unexpected(&parser, sql, &lines)),
        }
    })
}

/// Parses the name of a type.
pub fn parse_type(sql: &str) -> Result<sqlparser::ast::DataType, SqlError> {
    match parse_expr(&format!("CAST(NULL AS {sql})"))? {
        sqlparser::ast::Expr::Cast { data_type, .. } => Ok(data_type),
        _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{sql}\""))),
    }
}

/// Parses one query.
pub fn parse_query(sql: &str) -> Result<sqlparser::ast::Query, SqlError> {
    match parse(sql)?.pop().map(|statement| statement.ast) {
        Some(Statement::Select(select)) => Ok(*select.query),
        _ => Err(SqlError::internal("the body of a function is a query")),
    }
}

/// The tokens of each statement. The semicolons of a function's body, `BEGIN ATOMIC …; END`, end none.
fn statements_of(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    // How many END are still to come, once a body has begun.
    let (mut open, mut begins) = (0usize, false);
    for (at, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::SemiColon if open == 0 => {
                pieces.push(&tokens[start..at]);
                start = at + 1;
            }
            Token::Word(word) if word.quote_style.is_none() => {
                let is = |wanted: &str| word.value.eq_ignore_ascii_case(wanted);
                match () {
                    () if is("ATOMIC") && begins => open = 1,
                    () if is("CASE") && open > 0 => open += 1,
                    () if is("END") && open > 0 => open -= 1,
                    () => {}
                }
                begins = is("BEGIN");
            }
            _ => {}
        }
    }
    pieces.push(&tokens[start..]);
    pieces
}

fn parse_all(sql: &str) -> Result<Vec<ParsedStatement>, SqlError> {
    let (lines, tokens) = tokenize(sql)?;
    let ends = token_byte_offsets(sql, &tokens);
    let mut statements = Vec::new();
    let mut start = 0;
    for piece in statements_of(&tokens) {
        let first = piece.iter().position(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF));
        if let Some(first) = first {
            let last =
                piece.iter().rposition(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF)).unwrap_or(first);
            let text = sql.get(ends[start + first].0..ends[start + last].1).unwrap_or(sql).to_string();
            check_size(piece)?;
            let mut parser = new_parser(&FreshetDialect, respell::respell(piece.to_vec()));
            let ast = parse_one(&mut parser, sql, &lines)?;
            statements.push(ParsedStatement { ast, sql: text, lines: lines.clone() });
        }
        start += piece.len() + 1;
    }
    Ok(statements)
}

/// A parser of our dialect over tokens that know where they stood.
pub(crate) fn new_parser(dialect: &FreshetDialect, tokens: Vec<TokenWithSpan>) -> Parser<'_> {
    Parser::new(dialect).with_recursion_limit(RECURSION_MAX).with_tokens_with_locations(tokens)
}

fn tokenize(sql: &str) -> Result<(LineIndex, Vec<TokenWithSpan>), SqlError> {
    let lines = LineIndex::new(sql);
    if let Some(at) = sql.chars().position(|c| c == '\0') {
        let message = "invalid byte sequence for encoding \"UTF8\": 0x00";
        return Err(SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message).at(u32::try_from(at + 1).ok()));
    }
    let tokens = Tokenizer::new(&FreshetDialect, sql).tokenize_with_location();
    Ok((lines.clone(), frame::rewrite(tokens.map_err(|e| error::token_error(e, sql, &lines))?)))
}

fn parse_one(parser: &mut Parser<'_>, sql: &str, lines: &LineIndex) -> Result<Statement, SqlError> {
    let Some(parsed) = extension::try_parse(parser) else {
        return Err(error::unexpected(parser, sql, lines));
    };
    let statement = parsed.map_err(|e| error::syntax_error(e, parser, sql, lines))?;
    match parser.peek_token().token {
        Token::EOF => Ok(statement),
        _ => Err(error::unexpected(parser, sql, lines)),
    }
}

/// Byte offsets of each token's beginning and end; tokens' own locations count lines and characters.
fn token_byte_offsets(sql: &str, tokens: &[TokenWithSpan]) -> Vec<(usize, usize)> {
    let mut cursor = Cursor { rest: sql.char_indices(), byte: 0, line: 1, column: 1, len: sql.len() };
    tokens.iter().map(|t| (cursor.advance_to(t.span.start), cursor.advance_to(t.span.end))).collect()
}

struct Cursor<'a> {
    rest: std::str::CharIndices<'a>,
    byte: usize,
    line: u64,
    column: u64,
    len: usize,
}

impl Cursor<'_> {
    fn advance_to(&mut self, location: Location) -> usize {
        while (self.line, self.column) < (location.line, location.column) {
            let Some((at, c)) = self.rest.next() else { break };
            self.byte = at + c.len_utf8();
            (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.byte.min(self.len)
    }
}

/// Refuses statements whose tree would be too deep to walk: parentheses in parentheses, and long chains of operators.
fn check_size(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let (mut depth, mut deepest, mut operators) = (0usize, 0usize, 0usize);
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            Token::Comma => operators = 0,
            Token::Word(w) if CHAINING.contains(&w.keyword) => operators += 1,
            Token::Whitespace(_)
            | Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Period => {}
            _ => operators += 1,
        }
        if deepest > NESTING_MAX || operators > OPERATORS_MAX {
            return Err(error::too_complex());
        }
    }
    Ok(())
}
