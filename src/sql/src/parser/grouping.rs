//! `GROUPING SETS`, `ROLLUP`, `CUBE` and `()` in GROUP BY: expressions to sqlparser, which nest as PostgreSQL lets them.

use super::extension::words::peek_words;
use sqlparser::ast::Expr;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

type Parsed<T> = Result<T, ParserError>;

/// The element of a GROUP BY clause that begins here, if it is one of these.
pub(super) fn element(parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
    let (words, make): (usize, fn(Vec<Vec<Expr>>) -> Expr) = match &parser.peek_token_ref().token {
        Token::LParen if parser.peek_nth_token_ref(1).token == Token::RParen => {
            (0..2).for_each(|_| parser.advance_token());
            return Some(Ok(Expr::Tuple(Vec::new())));
        }
        Token::Word(_) if peek_words(parser, "GROUPING SETS") => (2, Expr::GroupingSets),
        Token::Word(_) if peek_words(parser, "ROLLUP") => (1, Expr::Rollup),
        Token::Word(_) if peek_words(parser, "CUBE") => (1, Expr::Cube),
        _ => return None,
    };
    if parser.peek_nth_token_ref(words).token != Token::LParen {
        return None;
    }
    (0..=words).for_each(|_| parser.advance_token());
    Some(sets(parser).map(make))
}

fn sets(parser: &mut Parser<'_>) -> Parsed<Vec<Vec<Expr>>> {
    let sets = parser.parse_comma_separated(set)?;
    parser.expect_token(&Token::RParen)?;
    Ok(sets)
}

/// `a`, `(a, b)`, `()`
fn set(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    Ok(match parser.parse_expr()? {
        Expr::Tuple(keys) => keys,
        Expr::Nested(key) => vec![*key],
        key => vec![key],
    })
}
