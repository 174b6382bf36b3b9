//! Statements that clients send as a matter of course and that leave nothing to do here: VACUUM, ANALYZE, UNLISTEN.

use super::Parsed;
use super::ast::Statement;
use super::words::*;
use sqlparser::ast::ObjectName;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// `VACUUM [(options) | FULL | FREEZE | VERBOSE | ANALYZE] [tables]`
pub(super) fn vacuum(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "VACUUM")?;
    skip_options(parser)?;
    while eat_one_of(parser, &["FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE"]).is_some() {}
    Ok(Statement::Maintain("VACUUM", tables(parser)?))
}

/// `ANALYZE [(options) | VERBOSE] [tables]`
pub(super) fn analyze(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "ANALYZE")?;
    skip_options(parser)?;
    eat(parser, "VERBOSE");
    Ok(Statement::Maintain("ANALYZE", tables(parser)?))
}

/// `(name [value], …)`: none of them changes anything here.
fn skip_options(parser: &mut Parser<'_>) -> Parsed<()> {
    if !eat_token(parser, Token::LParen) {
        return Ok(());
    }
    while !eat_token(parser, Token::RParen) {
        if at_end(parser) {
            return unexpected(parser, ")");
        }
        parser.advance_token();
    }
    Ok(())
}

/// `table [(columns)], …`
fn tables(parser: &mut Parser<'_>) -> Parsed<Vec<ObjectName>> {
    if at_end(parser) {
        return Ok(Vec::new());
    }
    parser.parse_comma_separated(|parser| {
        let table = name(parser)?;
        if parser.peek_token_ref().token == Token::LParen {
            ident_list(parser)?;
        }
        Ok(table)
    })
}

/// `UNLISTEN channel | *`
pub(super) fn unlisten(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "UNLISTEN")?;
    if !eat_token(parser, Token::Mul) {
        ident(parser)?;
    }
    Ok(Statement::Unlisten)
}
