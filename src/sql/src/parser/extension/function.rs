//! `CREATE FUNCTION … LANGUAGE SQL`, in its three forms of a body.

use super::ast::*;
use super::words::*;
use super::{Parsed, unsupported};
use sqlparser::ast::{Expr, Query};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// `[OR REPLACE] FUNCTION` are read: `name ([[mode] [name] type [DEFAULT value], …]) RETURNS result …`
pub(super) fn create_function(parser: &mut Parser<'_>, or_replace: bool) -> Parsed<Statement> {
    let name = name(parser)?;
    parser.expect_token(&Token::LParen)?;
    let args = match parser.peek_token_ref().token {
        Token::RParen => Vec::new(),
        _ => parser.parse_comma_separated(parameter)?,
    };
    parser.expect_token(&Token::RParen)?;
    expect(parser, "RETURNS")?;
    let returns = returns(parser)?;
    let mut options = Options::default();
    while !at_end(parser) {
        if let Some(refused) = options.read(parser)? {
            return Ok(refused);
        }
    }
    let Some(body) = options.body else { return unexpected(parser, "a function's body") };
    let (volatility, strict) = (options.volatility, options.strict);
    Ok(Statement::CreateFunction(CreateFunction { or_replace, name, args, returns, volatility, strict, body }))
}

/// `[IN] [name] type [DEFAULT | = value]`
fn parameter(parser: &mut Parser<'_>) -> Parsed<FunctionParameter> {
    if eat_one_of(parser, &["OUT", "INOUT", "VARIADIC"]).is_some() {
        return unexpected(parser, "an argument of mode IN");
    }
    eat(parser, "IN");
    let unnamed = parser.maybe_parse(|p| {
        let data_type = p.parse_data_type()?;
        let ends = [Token::Comma, Token::RParen, Token::Eq].contains(&p.peek_token_ref().token);
        match ends || peek_words(p, "DEFAULT") {
            true => Ok(data_type),
            false => Err(ParserError::ParserError("a name comes first".to_string())),
        }
    })?;
    let (name, data_type) = match unnamed {
        Some(data_type) => (None, data_type),
        None => (Some(ident(parser)?), parser.parse_data_type()?),
    };
    let has_default = eat(parser, "DEFAULT") || eat_token(parser, Token::Eq);
    let default = if has_default { Some(parser.parse_expr()?) } else { None };
    Ok(FunctionParameter { name, data_type, default })
}

/// `type | SETOF type | TABLE (name type, …)`
fn returns(parser: &mut Parser<'_>) -> Parsed<FunctionReturns> {
    if eat(parser, "SETOF") {
        return parser.parse_data_type().map(FunctionReturns::SetOf);
    }
    if !eat(parser, "TABLE") {
        return parser.parse_data_type().map(FunctionReturns::Value);
    }
    parser.expect_token(&Token::LParen)?;
    let columns = parser.parse_comma_separated(|p| Ok((ident(p)?, p.parse_data_type()?)))?;
    parser.expect_token(&Token::RParen)?;
    Ok(FunctionReturns::Table(columns))
}

/// What follows the result, in any order.
#[derive(Default)]
struct Options {
    volatility: FunctionVolatility,
    strict: bool,
    body: Option<Box<Query>>,
}

impl Options {
    /// Reads one; what is not served is the whole statement.
    fn read(&mut self, parser: &mut Parser<'_>) -> Parsed<Option<Statement>> {
        if eat(parser, "LANGUAGE") {
            let language = ident(parser)?;
            if !language.value.eq_ignore_ascii_case("sql") {
                return Ok(Some(unsupported(parser, &format!("functions in the language {language}"))));
            }
        } else if let Some(word) = eat_one_of(parser, &["IMMUTABLE", "STABLE", "VOLATILE"]) {
            self.volatility = FunctionVolatility::of(word);
        } else if eat(parser, "STRICT") || eat(parser, "RETURNS NULL ON NULL INPUT") {
            self.strict = true;
        } else if eat(parser, "CALLED ON NULL INPUT") {
            self.strict = false;
        } else if eat_one_of(parser, &["PARALLEL", "COST", "ROWS", "SUPPORT"]).is_some() {
            parser.advance_token();
        } else if eat(parser, "SECURITY INVOKER") || eat(parser, "LEAKPROOF") || eat(parser, "NOT LEAKPROOF") {
            // Nothing depends on it.
        } else if eat(parser, "AS") {
            let text = match &parser.peek_token_ref().token {
                Token::DollarQuotedString(quoted) => {
                    let text = quoted.value.clone();
                    parser.advance_token();
                    text
                }
                _ => parser.parse_literal_string()?,
            };
            self.body = Some(body_of_text(&text)?);
        } else if eat(parser, "RETURN") {
            self.body = Some(query_of(parser.parse_expr()?)?);
        } else if eat(parser, "BEGIN ATOMIC") {
            self.body = Some(query(parser)?);
            eat_token(parser, Token::SemiColon);
            expect(parser, "END")?;
        } else {
            return unexpected(parser, "an option of a function");
        }
        Ok(None)
    }
}

/// The last statement of a body, which must be the only one, and a query.
fn body_of_text(text: &str) -> Parsed<Box<Query>> {
    let wrong = |message: String| ParserError::ParserError(message);
    let mut statements = crate::parser::parse(text).map_err(|e| wrong(e.message))?;
    match (statements.pop().map(|statement| statement.ast), statements.is_empty()) {
        (Some(Statement::Select(select)), true) => Ok(select.query),
        _ => Err(wrong("a function's body that is not one query".to_string())),
    }
}

/// `SELECT expr`
fn query_of(expr: Expr) -> Parsed<Box<Query>> {
    body_of_text(&format!("SELECT {expr}"))
}
