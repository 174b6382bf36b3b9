//! Statements that read: SELECT and its kin with `AS OF`, SUBSCRIBE, EXPLAIN, COPY.

use super::ast::*;
use super::words::*;
use super::{Parsed, statement};
use crate::parser::FreshetDialect;
use crate::plan::ExplainStage;
use sqlparser::ast::{Expr, ObjectName, Query, SelectInto, SetExpr};
use sqlparser::keywords;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// `SELECT … [AS OF [AT LEAST] t]`
pub(super) fn select(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let mut query = query_before_as_of(parser)?;
    if let Some(SelectInto { targets, temporary, .. }) = take_into(&mut query) {
        let name = match targets.into_iter().next() {
            Some(Expr::Identifier(name)) => ObjectName::from(vec![name]),
            Some(Expr::CompoundIdentifier(parts)) => ObjectName::from(parts),
            _ => return unexpected(parser, "a table after INTO"),
        };
        let (columns, if_not_exists, with_data) = (Vec::new(), false, true);
        let made = CreateTableAs { name, if_not_exists, temporary, columns, query, with_data };
        return Ok(Statement::CreateTableAs(made));
    }
    let as_of = as_of(parser)?;
    Ok(Statement::Select(SelectStatement { query, as_of }))
}

/// `SELECT … INTO name`: in the first SELECT of a query, as in PostgreSQL.
fn take_into(query: &mut Query) -> Option<SelectInto> {
    let mut body = query.body.as_mut();
    loop {
        match body {
            SetExpr::Select(select) => return select.into.take(),
            SetExpr::SetOperation { left, .. } => body = left,
            _ => return None,
        }
    }
}

/// Parses a query that `AS OF` may follow. sqlparser would take `FROM t AS OF` for an alias, so it is shown the tokens before only.
fn query_before_as_of(parser: &mut Parser<'_>) -> Parsed<Box<Query>> {
    let Some(end) = find_as_of(parser) else { return query(parser) };
    let tokens: Vec<TokenWithSpan> = (parser.index()..end).map(|index| parser.token_at(index).clone()).collect();
    let mut before = crate::parser::new_parser(&FreshetDialect, tokens);
    let query = query(&mut before)?;
    if !at_end(&before) {
        return unexpected(&before, "AS OF");
    }
    let words =
        (parser.index()..end).filter(|index| !matches!(parser.token_at(*index).token, Token::Whitespace(_))).count();
    (0..words).for_each(|_| parser.advance_token());
    Ok(query)
}

/// The index of the `AS OF` that ends this query, if there is one: it is outside parentheses and a time follows it, where an alias called
/// `of` is followed by a keyword, a comma or nothing.
fn find_as_of(parser: &Parser<'_>) -> Option<usize> {
    let mut depth = 0usize;
    // The last two tokens that are not whitespace, with their places.
    let (mut as_at, mut of_at) = (None, None);
    for index in parser.index().. {
        let token = &parser.token_at(index).token;
        match (token, depth) {
            (Token::Whitespace(_), _) => continue,
            (token, 0) if of_at.is_some() && begins_time(token) => return of_at,
            (Token::SemiColon | Token::EOF, _) | (Token::RParen, 0) => return None,
            (Token::LParen, _) => depth += 1,
            (Token::RParen, _) => depth -= 1,
            _ => {}
        }
        of_at = if depth == 0 && is_word(token, "OF") { as_at } else { None };
        as_at = if depth == 0 && is_word(token, "AS") { Some(index) } else { None };
    }
    None
}

fn begins_time(token: &Token) -> bool {
    match token {
        Token::Word(w) => w.quote_style.is_some() || !keywords::RESERVED_FOR_TABLE_ALIAS.contains(&w.keyword),
        Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) | Token::LParen | Token::Minus => true,
        _ => false,
    }
}

fn as_of(parser: &mut Parser<'_>) -> Parsed<Option<AsOf>> {
    if !eat(parser, "AS OF") {
        return Ok(None);
    }
    let at_least = eat(parser, "AT LEAST");
    let time = parser.parse_expr()?;
    Ok(Some(if at_least { AsOf::AtLeast(time) } else { AsOf::At(time) }))
}

/// `SUBSCRIBE [TO] relation | (query) [WITH (…)] [AS OF …] [UP TO …]`
pub(super) fn subscribe(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "SUBSCRIBE")?;
    eat(parser, "TO");
    let from = subscribe_relation(parser)?;
    let options = with_options(parser, &["SNAPSHOT", "PROGRESS"])?;
    let as_of = as_of(parser)?;
    let up_to = if eat(parser, "UP TO") { Some(parser.parse_expr()?) } else { None };
    Ok(Statement::Subscribe(SubscribeStatement { from, options, as_of, up_to }))
}

fn subscribe_relation(parser: &mut Parser<'_>) -> Parsed<SubscribeRelation> {
    if !eat_token(parser, Token::LParen) {
        return Ok(SubscribeRelation::Name(name(parser)?));
    }
    let query = query(parser)?;
    parser.expect_token(&Token::RParen)?;
    Ok(SubscribeRelation::Query(query))
}

const STAGES: &[(&str, ExplainStage)] = &[
    ("RAW", ExplainStage::Raw),
    ("DECORRELATED", ExplainStage::Decorrelated),
    ("OPTIMIZED", ExplainStage::Optimized),
    ("PHYSICAL", ExplainStage::Physical),
];

/// `EXPLAIN [stage PLAN] [AS TEXT|JSON] [FOR] statement | VIEW v | …`, `EXPLAIN FILTER PUSHDOWN FOR …`
pub(super) fn explain(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "EXPLAIN")?;
    if ["ANALYZE", "TIMESTAMP", "KEY SCHEMA", "VALUE SCHEMA"].iter().any(|w| peek_words(parser, w)) {
        return Ok(super::unsupported(parser, "EXPLAIN of this kind"));
    }
    if eat(parser, "FILTER PUSHDOWN") {
        expect(parser, "FOR")?;
        let of = explained(parser)?;
        return Ok(Statement::Explain(ExplainStatement { stage: ExplainStage::FilterPushdown, json: false, of }));
    }
    let stage = STAGES.iter().find(|(words, _)| eat(parser, words)).map(|(_, stage)| *stage);
    if stage.is_some() {
        expect(parser, "PLAN")?;
    } else {
        eat(parser, "PLAN");
    }
    let json = eat_one_of(parser, &["AS TEXT", "AS JSON"]) == Some("AS JSON");
    eat(parser, "FOR");
    let of = explained(parser)?;
    Ok(Statement::Explain(ExplainStatement { stage: stage.unwrap_or(ExplainStage::Optimized), json, of }))
}

fn explained(parser: &mut Parser<'_>) -> Parsed<Explained> {
    for kind in [ObjectKind::View, ObjectKind::MaterializedView, ObjectKind::Index] {
        if eat(parser, kind.words()) {
            return Ok(Explained::Object(kind, name(parser)?));
        }
    }
    Ok(Explained::Statement(Box::new(statement(parser)?)))
}

const COPY_OPTIONS: &[&str] = &[
    "FORMAT",
    "DELIMITER",
    "NULL",
    "HEADER",
    "QUOTE",
    "ESCAPE",
    "ENCODING",
    "FREEZE",
    "FORCE_QUOTE",
    "FORCE_NOT_NULL",
    "FORCE_NULL",
];

/// `COPY relation [(columns)] | (statement) TO STDOUT | FROM STDIN [[WITH] options]`
pub(super) fn copy(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "COPY")?;
    let relation = copy_relation(parser)?;
    let from_stdin = eat(parser, "FROM");
    if !from_stdin {
        expect(parser, "TO")?;
    }
    if !eat(parser, if from_stdin { "STDIN" } else { "STDOUT" }) {
        return Ok(super::unsupported(parser, "COPY to or from files and URLs"));
    }
    let with = eat(parser, "WITH");
    let options = match parser.peek_token_ref().token {
        Token::LParen => option_list(parser, COPY_OPTIONS)?,
        _ => old_copy_options(parser, with)?,
    };
    let selection = if eat(parser, "WHERE") { Some(parser.parse_expr()?) } else { None };
    Ok(Statement::Copy(CopyStatement { relation, from_stdin, options, selection }))
}

fn copy_relation(parser: &mut Parser<'_>) -> Parsed<CopyRelation> {
    if eat_token(parser, Token::LParen) {
        let inner = statement(parser)?;
        parser.expect_token(&Token::RParen)?;
        return Ok(CopyRelation::Statement(Box::new(inner)));
    }
    let table = name(parser)?;
    let columns = match parser.peek_token_ref().token {
        Token::LParen => ident_list(parser)?,
        _ => Vec::new(),
    };
    Ok(CopyRelation::Table(table, columns))
}

/// `*`, or columns without parentheses.
fn forced_columns(parser: &mut Parser<'_>) -> Parsed<OptionValue> {
    if eat_token(parser, Token::Mul) {
        return Ok(OptionValue::Text("*".to_string()));
    }
    let columns = parser.parse_comma_separated(|p| name(p))?;
    Ok(OptionValue::List(columns.into_iter().map(OptionValue::Name).collect()))
}

/// The options of PostgreSQL before 9.0: `CSV HEADER DELIMITER AS ','`.
fn old_copy_options(parser: &mut Parser<'_>, after_with: bool) -> Parsed<Vec<WithOption>> {
    let mut options = Vec::new();
    loop {
        let text = |name, value: &str| WithOption { name, value: OptionValue::Text(value.to_string()) };
        if eat(parser, "CSV") {
            options.push(text("FORMAT", "csv"));
        } else if eat(parser, "BINARY") {
            options.push(text("FORMAT", "binary"));
        } else if eat(parser, "HEADER") {
            options.push(text("HEADER", "true"));
        } else if let Some(name) = eat_one_of(parser, &["DELIMITER", "NULL", "QUOTE", "ESCAPE", "ENCODING"]) {
            eat(parser, "AS");
            options.push(WithOption { name, value: OptionValue::Text(parser.parse_literal_string()?) });
        } else if let Some(words) = eat_one_of(parser, &["FORCE QUOTE", "FORCE NOT NULL", "FORCE NULL"]) {
            let name = match words {
                "FORCE QUOTE" => "FORCE_QUOTE",
                "FORCE NOT NULL" => "FORCE_NOT_NULL",
                _ => "FORCE_NULL",
            };
            options.push(WithOption { name, value: forced_columns(parser)? });
        } else if after_with && options.is_empty() {
            return unexpected(parser, "an option of COPY");
        } else {
            return Ok(options);
        }
    }
}
