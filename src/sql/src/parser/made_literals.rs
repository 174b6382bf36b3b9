//! `LIST[a, b]` and `MAP[k => v]`, as calls of functions of these names.

use super::extension::words::is_word;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// The literal that begins here.
pub(super) fn literal(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let [first, second, third] = parser.peek_tokens_ref().map(|t| t.token.clone());
    let queries = ["SELECT", "VALUES", "WITH"].iter().any(|word| is_word(&third, word));
    if second == Token::LParen && queries && is_word(&first, "LIST") {
        return Some(list_of_query(parser));
    }
    if second != Token::LBracket {
        return None;
    }
    match () {
        () if is_word(&first, "LIST") => Some(list(parser)),
        () if is_word(&first, "MAP") => Some(map(parser)),
        () => None,
    }
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let arg = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let args = args.into_iter().map(arg).collect();
    let clauses = Vec::new();
    call_with(name, FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses }))
}

/// `LIST(query)`
fn list_of_query(parser: &mut Parser) -> Result<Expr, ParserError> {
    (0..2).for_each(|_| parser.advance_token());
    let query = parser.parse_query()?;
    parser.expect_token(&Token::RParen)?;
    Ok(call_with("list", FunctionArguments::Subquery(query)))
}

fn call_with(name: &str, args: FunctionArguments) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn list(parser: &mut Parser) -> Result<Expr, ParserError> {
    (0..2).for_each(|_| parser.advance_token());
    let elements = parser.parse_comma_separated0(Parser::parse_expr, Token::RBracket)?;
    parser.expect_token(&Token::RBracket)?;
    Ok(call("list", elements.into_iter().map(inner_list).collect()))
}

/// Inside a list, brackets without a word are a list too.
fn inner_list(expr: Expr) -> Expr {
    match expr {
        Expr::Array(array) if !array.named => call("list", array.elem.into_iter().map(inner_list).collect()),
        other => other,
    }
}

fn map(parser: &mut Parser) -> Result<Expr, ParserError> {
    (0..2).for_each(|_| parser.advance_token());
    let pairs = parser.parse_comma_separated0(pair, Token::RBracket)?;
    parser.expect_token(&Token::RBracket)?;
    Ok(call("map", pairs.into_iter().flatten().collect()))
}

fn pair(parser: &mut Parser) -> Result<[Expr; 2], ParserError> {
    let key = parser.parse_expr()?;
    parser.expect_token(&Token::RArrow)?;
    // As in a list, brackets without a word are a map inside a map.
    if *parser.peek_token_ref() == Token::LBracket {
        let mut inner = Vec::new();
        parser.advance_token();
        inner.extend(parser.parse_comma_separated0(pair, Token::RBracket)?.into_iter().flatten());
        parser.expect_token(&Token::RBracket)?;
        return Ok([key, call("map", inner)]);
    }
    Ok([key, parser.parse_expr()?])
}
