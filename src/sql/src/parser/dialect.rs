//! How sqlparser reads Freshet's SQL: as PostgreSQL's, with a few words that end an expression or a table reference here.

use super::keywords::{is_bare_label, may_name_column};
use sqlparser::ast::{BinaryOperator, Expr, Interval, UnaryOperator};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;
use std::any::TypeId;

/// Freshet's dialect: PostgreSQL's, except where said below.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreshetDialect;

const PG: PostgreSqlDialect = PostgreSqlDialect {};

impl Dialect for FreshetDialect {
    /// sqlparser asks for PostgreSQL in many places; for all of those this is it.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    /// Grouping sets, VALUES as a subquery, set operations after ANY and ALL, `NOT EXISTS`, and signs, which bind closer than `^` as in
    /// PostgreSQL: `-2 ^ 2` is 4.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        if let Some(element) = super::grouping::element(parser) {
            return Some(element);
        }
        if let Some(values) = super::grouping::values(parser) {
            return Some(values);
        }
        if let Some(query) = quantified_query(parser) {
            return Some(query);
        }
        if let Some(made) = super::made_literals::literal(parser) {
            return Some(made);
        }
        if let [Keyword::NOT, Keyword::EXISTS] = parser.peek_tokens_ref().map(|t| keyword(&t.token)) {
            return Some(not_exists(parser));
        }
        if let Some(interval) = limited_interval(parser) {
            return Some(interval);
        }
        if keyword(&parser.peek_token_ref().token) == Keyword::VARIADIC {
            parser.advance_token();
            let value = parser.parse_expr();
            let prefix = sqlparser::ast::Ident::new("VARIADIC");
            return Some(value.map(|value| Expr::Prefixed { prefix, value: Box::new(value) }));
        }
        let op = match parser.peek_token_ref().token {
            Token::Minus => UnaryOperator::Minus,
            Token::Plus => UnaryOperator::Plus,
            _ => return None,
        };
        parser.advance_token();
        Some(parser.parse_subexpr(SIGN_PRECEDENCE).map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
    }

    /// `x [NOT] BETWEEN SYMMETRIC a AND b`; `x [NOT] IN ((SELECT …), …)`
    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        let [first, second, third] = parser.peek_tokens_ref().map(|t| keyword(&t.token));
        let (negated, symmetric) = match (first, second, third) {
            (Keyword::BETWEEN, word @ (Keyword::SYMMETRIC | Keyword::ASYMMETRIC), _) => (false, word),
            (Keyword::NOT, Keyword::BETWEEN, word @ (Keyword::SYMMETRIC | Keyword::ASYMMETRIC)) => (true, word),
            (Keyword::IN, ..) => return in_parentheses(parser, expr, false),
            (Keyword::NOT, Keyword::IN, _) => return in_parentheses(parser, expr, true),
            _ => return None,
        };
        (0..2 + usize::from(negated)).for_each(|_| parser.advance_token());
        Some(between(parser, expr, negated, symmetric == Keyword::SYMMETRIC))
    }

    /// SET and QUALIFY begin what may follow a table.
    fn is_table_alias(&self, keyword: &Keyword, _: &mut Parser) -> bool {
        !matches!(keyword, Keyword::SET | Keyword::QUALIFY) && may_name_column(&format!("{keyword:?}"))
    }

    fn is_column_alias(&self, keyword: &Keyword, _: &mut Parser) -> bool {
        !AFTER_SELECT_ITEM.contains(keyword) && is_bare_label(&format!("{keyword:?}"))
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        PG.identifier_quote_style(identifier)
    }
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        PG.is_delimited_identifier_start(ch)
    }
    fn is_identifier_start(&self, ch: char) -> bool {
        PG.is_identifier_start(ch)
    }
    fn is_identifier_part(&self, ch: char) -> bool {
        PG.is_identifier_part(ch)
    }
    fn is_custom_operator_part(&self, ch: char) -> bool {
        PG.is_custom_operator_part(ch)
    }
    /// What begins like an expression of such a word's own is none if that cannot be read.
    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        PG.is_reserved_for_identifier(keyword) || matches!(keyword, Keyword::ARRAY | Keyword::CASE | Keyword::CAST)
    }
    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        PG.get_next_precedence(parser)
    }
    fn prec_value(&self, precedence: Precedence) -> u8 {
        PG.prec_value(precedence)
    }
    fn supports_unicode_string_literal(&self) -> bool {
        true
    }
    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }
    /// sqlparser's own grouping sets do not nest; `parser::grouping` reads them.
    fn supports_group_by_expr(&self) -> bool {
        false
    }
    fn allow_extract_custom(&self) -> bool {
        true
    }
    fn allow_extract_single_quotes(&self) -> bool {
        true
    }
    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }
    fn supports_empty_projections(&self) -> bool {
        true
    }
    fn supports_nested_comments(&self) -> bool {
        true
    }
    fn supports_string_escape_constant(&self) -> bool {
        true
    }
    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }
    fn supports_order_by_using_operator(&self) -> bool {
        true
    }
    fn supports_left_associative_joins_without_parens(&self) -> bool {
        false
    }
    fn supports_notnull_operator(&self) -> bool {
        true
    }
    fn supports_interval_options(&self) -> bool {
        true
    }
    fn supports_insert_table_alias(&self) -> bool {
        true
    }
    fn supports_comma_separated_trim(&self) -> bool {
        true
    }
    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }
    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }
}

/// `INTERVAL(2) '1.234'`: the parser would forget the digits.
fn limited_interval(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let [word, open, digits] = parser.peek_tokens_ref().map(|t| &t.token);
    let (Keyword::INTERVAL, Token::LParen, Token::Number(digits, _)) = (keyword(word), open, digits) else {
        return None;
    };
    let (Token::RParen, Token::SingleQuotedString(_)) =
        (&parser.peek_nth_token_ref(3).token, &parser.peek_nth_token_ref(4).token)
    else {
        return None;
    };
    let digits = digits.parse().ok()?;
    (0..4).for_each(|_| parser.advance_token());
    let literal = parser.parse_value();
    Some(literal.map(|value| {
        Expr::Interval(Interval {
            value: Box::new(Expr::Value(value)),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: Some(digits),
        })
    }))
}

/// Between `[]` and COLLATE; see `prec_value`.
const SIGN_PRECEDENCE: u8 = 125;

fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// `NOT` before `EXISTS` is the operator that it is elsewhere, and binds as loosely.
fn not_exists(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    Ok(match parser.parse_subexpr(PG.prec_value(Precedence::UnaryNot))? {
        Expr::Exists { subquery, negated } => Expr::Exists { subquery, negated: !negated },
        other => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(other) },
    })
}

/// After `ANY (`: a query that begins with a parenthesis, `(SELECT 1) UNION …`. sqlparser takes the first part for all of it.
fn quantified_query(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    // An expression by itself has nothing before it.
    let inside = parser.index() >= 2;
    if !inside || [parser.get_current_token(), parser.peek_token_ref()].iter().any(|t| t.token != Token::LParen) {
        return None;
    }
    // Two tokens back and forth again: the current one may be a blank.
    (0..2).for_each(|_| parser.prev_token());
    let before = keyword(&parser.peek_token_ref().token);
    (0..2).for_each(|_| parser.advance_token());
    if !matches!(before, Keyword::ANY | Keyword::ALL | Keyword::SOME) {
        return None;
    }
    let query = parser.maybe_parse(|p| {
        let query = p.parse_query()?;
        if p.peek_token_ref().token == Token::RParen { Ok(query) } else { p.expected_ref(")", p.peek_token_ref()) }
    });
    query.map(|query| query.map(Expr::Subquery)).transpose()
}

/// `IN ((`: a query, or a list that begins with a value in parentheses. sqlparser takes `(SELECT 1), 2` for the former.
fn in_parentheses(parser: &mut Parser, expr: &Expr, negated: bool) -> Option<Result<Expr, ParserError>> {
    let open = usize::from(negated) + 1;
    if (open..open + 2).any(|n| parser.peek_nth_token_ref(n).token != Token::LParen) {
        return None;
    }
    (0..=open).for_each(|_| parser.advance_token());
    Some(in_query_or_list(parser, expr, negated))
}

fn in_query_or_list(parser: &mut Parser, expr: &Expr, negated: bool) -> Result<Expr, ParserError> {
    let expr = Box::new(expr.clone());
    let query = parser.maybe_parse(|p| {
        let query = p.parse_query()?;
        p.expect_token(&Token::RParen)?;
        Ok(query)
    })?;
    if let Some(subquery) = query {
        return Ok(Expr::InSubquery { expr, subquery, negated });
    }
    let list = parser.parse_comma_separated(Parser::parse_expr)?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::InList { expr, list, negated })
}

/// The bounds of BETWEEN; symmetric ones may come in either order.
fn between(parser: &mut Parser, expr: &Expr, negated: bool, symmetric: bool) -> Result<Expr, ParserError> {
    let bound = PG.prec_value(Precedence::Between);
    let low = parser.parse_subexpr(bound)?;
    parser.expect_keyword(Keyword::AND)?;
    let high = parser.parse_subexpr(bound)?;
    let test = |low: &Expr, high: &Expr| Expr::Between {
        expr: Box::new(expr.clone()),
        negated,
        low: Box::new(low.clone()),
        high: Box::new(high.clone()),
    };
    if !symmetric {
        return Ok(test(&low, &high));
    }
    let op = if negated { BinaryOperator::And } else { BinaryOperator::Or };
    let (left, right) = (Box::new(test(&low, &high)), Box::new(test(&high, &low)));
    Ok(Expr::Nested(Box::new(Expr::BinaryOp { left, op, right })))
}

/// Words that end a select item where sqlparser asks for its alias; PostgreSQL's grammar knows them from what stands before.
const AFTER_SELECT_ITEM: &[Keyword] = &[
    Keyword::QUALIFY,
    Keyword::ON,
    Keyword::USING,
    Keyword::FOR,
    Keyword::WINDOW,
    Keyword::AND,
    Keyword::OR,
    Keyword::WHEN,
    Keyword::THEN,
    Keyword::ELSE,
];
