//! What begins an expression here and not in sqlparser: `GROUPING SETS`, `ROLLUP`, `CUBE` and `()` in GROUP BY, which nest as PostgreSQL lets
//! them, and VALUES as a subquery.

use super::extension::words::{is_word, peek_words};
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

/// VALUES as a subquery: sqlparser takes for one what begins with SELECT or WITH.
pub(super) fn values(parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
    let begins = |n: usize| {
        is_word(&parser.peek_nth_token_ref(n).token, "VALUES")
            && parser.peek_nth_token_ref(n + 1).token == Token::LParen
    };
    let open = parser.peek_token_ref().token == Token::LParen;
    if !begins(usize::from(open)) {
        return None;
    }
    Some(subquery(parser, open))
}

fn subquery(parser: &mut Parser<'_>, open: bool) -> Parsed<Expr> {
    if open {
        parser.expect_token(&Token::LParen)?;
    }
    let query = parser.parse_query()?;
    if open {
        parser.expect_token(&Token::RParen)?;
    }
    Ok(Expr::Subquery(query))
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
