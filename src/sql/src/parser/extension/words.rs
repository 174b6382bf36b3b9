//! Small tools to parse by words: a "words" argument is upper-case words with one space between them, matched against unquoted words of any
//! case. `eat` consumes what it finds, `peek_words` does not, `expect` fails without it.

use super::Parsed;
use super::ast::{OptionValue, WithOption};
use crate::parser::reserved;
use sqlparser::ast::{Ident, ObjectName, Query};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// Whether the next tokens are these words.
pub(crate) fn peek_words(parser: &Parser<'_>, words: &str) -> bool {
    words.split(' ').enumerate().all(|(n, word)| is_word(&parser.peek_nth_token_ref(n).token, word))
}

/// Whether a token is this word, unquoted.
pub(crate) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// Consumes these words if they come next.
pub(crate) fn eat(parser: &mut Parser<'_>, words: &str) -> bool {
    let found = peek_words(parser, words);
    if found {
        words.split(' ').for_each(|_| parser.advance_token());
    }
    found
}

/// Consumes these words or fails.
pub(crate) fn expect(parser: &mut Parser<'_>, words: &str) -> Parsed<()> {
    if eat(parser, words) { Ok(()) } else { unexpected(parser, words) }
}

/// The first of several alternatives that comes next, consumed.
pub(crate) fn eat_one_of(parser: &mut Parser<'_>, alternatives: &[&'static str]) -> Option<&'static str> {
    alternatives.iter().copied().find(|words| eat(parser, words))
}

/// Consumes a token if it comes next.
pub(crate) fn eat_token(parser: &mut Parser<'_>, token: Token) -> bool {
    parser.consume_token(&token)
}

/// Fails at the next token.
pub(crate) fn unexpected<T>(parser: &Parser<'_>, expected: &str) -> Parsed<T> {
    parser.expected(expected, parser.peek_token())
}

/// Whether the statement ends here.
pub(crate) fn at_end(parser: &Parser<'_>) -> bool {
    matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF)
}

/// A possibly qualified name.
pub(crate) fn name(parser: &mut Parser<'_>) -> Parsed<ObjectName> {
    let name = parser.parse_object_name(false)?;
    reserved::check_name(&name)?;
    Ok(name)
}

/// A query.
pub(crate) fn query(parser: &mut Parser<'_>) -> Parsed<Box<Query>> {
    let query = parser.parse_query()?;
    reserved::check(&query)?;
    Ok(query)
}

/// One identifier.
pub(crate) fn ident(parser: &mut Parser<'_>) -> Parsed<Ident> {
    parser.parse_identifier()
}

/// `IF NOT EXISTS`
pub(crate) fn if_not_exists(parser: &mut Parser<'_>) -> bool {
    eat(parser, "IF NOT EXISTS")
}

/// `IN CLUSTER name`
pub(crate) fn in_cluster(parser: &mut Parser<'_>) -> Parsed<Option<Ident>> {
    if eat(parser, "IN CLUSTER") { ident(parser).map(Some) } else { Ok(None) }
}

/// `(a, b, …)`
pub(crate) fn ident_list(parser: &mut Parser<'_>) -> Parsed<Vec<Ident>> {
    parser.expect_token(&Token::LParen)?;
    let idents = parser.parse_comma_separated(|p| p.parse_identifier())?;
    parser.expect_token(&Token::RParen)?;
    Ok(idents)
}

/// `(name [=] value, …)` with known names, each of one or more words; longer names before their prefixes.
pub(crate) fn option_list(parser: &mut Parser<'_>, known: &[&'static str]) -> Parsed<Vec<WithOption>> {
    parser.expect_token(&Token::LParen)?;
    if eat_token(parser, Token::RParen) {
        return Ok(Vec::new());
    }
    let options = parser.parse_comma_separated(|p| option(p, known))?;
    parser.expect_token(&Token::RParen)?;
    Ok(options)
}

/// `WITH (…)`, if it comes next.
pub(crate) fn with_options(parser: &mut Parser<'_>, known: &[&'static str]) -> Parsed<Vec<WithOption>> {
    if eat(parser, "WITH") { option_list(parser, known) } else { Ok(Vec::new()) }
}

/// `name [=] value` with known names.
pub(crate) fn option(parser: &mut Parser<'_>, known: &[&'static str]) -> Parsed<WithOption> {
    let Some(name) = eat_one_of(parser, known) else {
        return unexpected(parser, "an option name");
    };
    eat_token(parser, Token::Eq);
    Ok(WithOption { name, value: option_value(parser)? })
}

fn option_value(parser: &mut Parser<'_>) -> Parsed<OptionValue> {
    if eat(parser, "SECRET") {
        return Ok(OptionValue::Secret(name(parser)?));
    }
    let token = parser.peek_token();
    match token.token {
        Token::Comma | Token::RParen => Ok(OptionValue::None),
        Token::Mul => {
            parser.advance_token();
            Ok(OptionValue::Text("*".to_string()))
        }
        Token::LParen => value_list(parser),
        Token::Word(_) => Ok(OptionValue::Name(parser.parse_object_name(false)?)),
        Token::Number(digits, _) => {
            parser.advance_token();
            Ok(OptionValue::Text(digits))
        }
        Token::Minus => {
            parser.advance_token();
            let number = parser.parse_number_value()?;
            Ok(OptionValue::Text(format!("-{number}")))
        }
        _ => Ok(OptionValue::Text(parser.parse_literal_string()?)),
    }
}

fn value_list(parser: &mut Parser<'_>) -> Parsed<OptionValue> {
    parser.expect_token(&Token::LParen)?;
    if eat_token(parser, Token::RParen) {
        return Ok(OptionValue::List(Vec::new()));
    }
    let values = parser.parse_comma_separated(option_value)?;
    parser.expect_token(&Token::RParen)?;
    Ok(OptionValue::List(values))
}
