//! Statements that write rows: INSERT, UPDATE, DELETE, TRUNCATE.

use super::ast::*;
use super::words::*;
use super::{Parsed, unsupported};
use sqlparser::ast::{Expr, Ident, SelectItem, TableWithJoins};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// `INSERT INTO table [AS alias] [(columns)] query | DEFAULT VALUES [RETURNING …]`
pub(super) fn insert(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "INSERT INTO")?;
    let table = name(parser)?;
    let alias = if eat(parser, "AS") { Some(ident(parser)?) } else { None };
    let columns = if begins_column_list(parser) { ident_list(parser)? } else { Vec::new() };
    if eat_one_of(parser, &["OVERRIDING SYSTEM VALUE", "OVERRIDING USER VALUE"]).is_some() {
        return Ok(unsupported(parser, "OVERRIDING VALUE"));
    }
    let source = if eat(parser, "DEFAULT VALUES") { None } else { Some(query(parser)?) };
    let on_conflict = if eat(parser, "ON CONFLICT") { Some(on_conflict(parser)?) } else { None };
    let returning = returning(parser)?;
    Ok(Statement::Insert(InsertStatement { table, alias, columns, source, on_conflict, returning }))
}

/// `[(keys) | ON CONSTRAINT name] DO NOTHING | DO UPDATE SET … [WHERE …]`
fn on_conflict(parser: &mut Parser<'_>) -> Parsed<OnConflict> {
    let target = if eat(parser, "ON CONSTRAINT") {
        ConflictTarget::Constraint(ident(parser)?)
    } else if eat_token(parser, Token::LParen) {
        let keys = parser.parse_comma_separated(|p| p.parse_expr())?;
        parser.expect_token(&Token::RParen)?;
        ConflictTarget::Keys(keys)
    } else {
        ConflictTarget::Any
    };
    if eat(parser, "DO NOTHING") {
        return Ok(OnConflict { target, update: None });
    }
    expect(parser, "DO UPDATE SET")?;
    let assignments = parser.parse_comma_separated(|p| p.parse_assignment())?;
    let selection = selection(parser)?;
    Ok(OnConflict { target, update: Some(ConflictUpdate { assignments, selection }) })
}

/// Whether a parenthesis opens a list of columns rather than a query.
fn begins_column_list(parser: &Parser<'_>) -> bool {
    let query = ["SELECT", "WITH", "VALUES", "TABLE"];
    matches!(parser.peek_nth_token_ref(0).token, Token::LParen)
        && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_))
        && !query.iter().any(|word| is_word(&parser.peek_nth_token_ref(1).token, word))
}

/// `UPDATE table [AS alias] SET … [FROM …] [WHERE …] [RETURNING …]`
pub(super) fn update(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "UPDATE")?;
    eat(parser, "ONLY");
    let table = name(parser)?;
    let alias = optional_alias(parser, &["SET"])?;
    expect(parser, "SET")?;
    let assignments = parser.parse_comma_separated(|p| p.parse_assignment())?;
    let from = tables_after(parser, "FROM")?;
    let selection = selection(parser)?;
    let returning = returning(parser)?;
    Ok(Statement::Update(UpdateStatement { table, alias, assignments, from, selection, returning }))
}

/// `DELETE FROM table [AS alias] [USING …] [WHERE …] [RETURNING …]`
pub(super) fn delete(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "DELETE FROM")?;
    eat(parser, "ONLY");
    let table = name(parser)?;
    let alias = optional_alias(parser, &["USING", "WHERE", "RETURNING"])?;
    let using = tables_after(parser, "USING")?;
    let selection = selection(parser)?;
    let returning = returning(parser)?;
    Ok(Statement::Delete(DeleteStatement { table, alias, using, selection, returning }))
}

/// `TRUNCATE [TABLE] table, …`
pub(super) fn truncate(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "TRUNCATE")?;
    eat(parser, "TABLE");
    let tables = parser.parse_comma_separated(|parser| {
        eat(parser, "ONLY");
        name(parser)
    })?;
    eat_one_of(parser, &["CONTINUE IDENTITY", "RESTART IDENTITY"]);
    eat_one_of(parser, &["CASCADE", "RESTRICT"]);
    Ok(Statement::Truncate(tables))
}

fn optional_alias(parser: &mut Parser<'_>, ends: &[&str]) -> Parsed<Option<Ident>> {
    if eat(parser, "AS") {
        return ident(parser).map(Some);
    }
    let is_alias =
        matches!(parser.peek_token_ref().token, Token::Word(_)) && !ends.iter().any(|end| peek_words(parser, end));
    if is_alias { ident(parser).map(Some) } else { Ok(None) }
}

fn tables_after(parser: &mut Parser<'_>, word: &str) -> Parsed<Vec<TableWithJoins>> {
    if eat(parser, word) { parser.parse_comma_separated(|p| p.parse_table_and_joins()) } else { Ok(Vec::new()) }
}

fn selection(parser: &mut Parser<'_>) -> Parsed<Option<Expr>> {
    if peek_words(parser, "WHERE CURRENT OF") {
        return unexpected(parser, "a condition without CURRENT OF");
    }
    if eat(parser, "WHERE") { parser.parse_expr().map(Some) } else { Ok(None) }
}

fn returning(parser: &mut Parser<'_>) -> Parsed<Vec<SelectItem>> {
    if eat(parser, "RETURNING") { parser.parse_comma_separated(|p| p.parse_select_item()) } else { Ok(Vec::new()) }
}
