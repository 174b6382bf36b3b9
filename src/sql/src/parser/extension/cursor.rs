//! Cursors and prepared statements.

use super::ast::*;
use super::words::*;
use super::{Parsed, statement};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// `DECLARE name CURSOR [WITHOUT HOLD] FOR statement`
pub(super) fn declare(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "DECLARE")?;
    let name = ident(parser)?;
    while eat_one_of(parser, &["BINARY", "ASENSITIVE", "INSENSITIVE", "NO SCROLL"]).is_some() {}
    expect(parser, "CURSOR")?;
    if peek_words(parser, "WITH HOLD") {
        return Ok(super::unsupported(parser, "WITH HOLD"));
    }
    eat(parser, "WITHOUT HOLD");
    expect(parser, "FOR")?;
    Ok(Statement::Declare(name, Box::new(statement(parser)?)))
}

/// `FETCH [FORWARD] [n | ALL | NEXT] [FROM | IN] name [WITH (TIMEOUT …)]`
pub(super) fn fetch(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "FETCH")?;
    if eat_one_of(parser, &["BACKWARD", "PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE"]).is_some() {
        return Ok(super::unsupported(parser, "FETCH in any direction but forward"));
    }
    eat(parser, "FORWARD");
    let count = if eat(parser, "ALL") {
        None
    } else if eat(parser, "NEXT") || !matches!(parser.peek_token_ref().token, Token::Number(..)) {
        Some(1)
    } else {
        Some(parser.parse_literal_uint()?)
    };
    eat_one_of(parser, &["FROM", "IN"]);
    let name = ident(parser)?;
    let options = with_options(parser, &["TIMEOUT"])?;
    Ok(Statement::Fetch(FetchStatement { name, count, options }))
}

/// `CLOSE name | ALL`
pub(super) fn close(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "CLOSE")?;
    Ok(Statement::Close(if eat(parser, "ALL") { None } else { Some(ident(parser)?) }))
}

/// `PREPARE name [(types)] AS statement`
pub(super) fn prepare(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "PREPARE")?;
    let name = ident(parser)?;
    let mut param_types = Vec::new();
    if eat_token(parser, Token::LParen) {
        param_types = parser.parse_comma_separated(|p| p.parse_data_type())?;
        parser.expect_token(&Token::RParen)?;
    }
    expect(parser, "AS")?;
    let start = parser.peek_token_ref().span.start;
    let statement = Box::new(statement(parser)?);
    Ok(Statement::Prepare(PrepareStatement { name, param_types, statement, start: (start.line, start.column) }))
}

/// `EXECUTE name [(values)]`
pub(super) fn execute(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "EXECUTE")?;
    let name = ident(parser)?;
    let mut values = Vec::new();
    if eat_token(parser, Token::LParen) && !eat_token(parser, Token::RParen) {
        values = parser.parse_comma_separated(|p| p.parse_expr())?;
        parser.expect_token(&Token::RParen)?;
    }
    Ok(Statement::Execute(name, values))
}

/// `DEALLOCATE [PREPARE] name | ALL`
pub(super) fn deallocate(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "DEALLOCATE")?;
    eat(parser, "PREPARE");
    Ok(Statement::Deallocate(if eat(parser, "ALL") { None } else { Some(ident(parser)?) }))
}
