//! ALTER, COMMENT, roles and privileges.

use super::ast::*;
use super::words::*;
use super::{Parsed, unsupported};
use sqlparser::ast::Ident;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// `ALTER kind [IF EXISTS] name action`
pub(super) fn alter(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "ALTER")?;
    if eat_one_of(parser, &["ROLE", "USER"]).is_some() {
        let role = ident(parser)?;
        skip(parser);
        return Ok(Statement::AlterRole(role));
    }
    let Some(kind) = ObjectKind::ALL.iter().copied().find(|kind| eat(parser, kind.words())) else {
        return Ok(unsupported(parser, "this form of ALTER"));
    };
    let if_exists = eat(parser, "IF EXISTS");
    eat(parser, "ONLY");
    let name = name(parser)?;
    let has_columns = matches!(kind, ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView);
    let action = if eat(parser, "RENAME TO") {
        AlterAction::Rename(ident(parser)?)
    } else if has_columns && !peek_words(parser, "RENAME CONSTRAINT") && eat(parser, "RENAME") {
        eat(parser, "COLUMN");
        let column = ident(parser)?;
        expect(parser, "TO")?;
        AlterAction::RenameColumn(column, ident(parser)?)
    } else if kind == ObjectKind::Table && eat(parser, "ALTER") {
        match column_default(parser)? {
            Some(action) => action,
            None => return Ok(unsupported(parser, "this change of a column")),
        }
    } else if eat(parser, "OWNER TO") {
        AlterAction::Owner(ident(parser)?)
    } else if eat(parser, "SET SCHEMA") {
        AlterAction::Schema(super::words::name(parser)?)
    } else if kind == ObjectKind::Secret && eat(parser, "AS") {
        AlterAction::Secret(parser.parse_expr()?)
    } else if kind == ObjectKind::Type && eat(parser, "ADD VALUE") {
        AlterAction::AddValue(add_value(parser)?)
    } else if eat_one_of(parser, &["SET", "RESET"]).is_some() && parser.peek_token_ref().token == Token::LParen {
        skip(parser);
        AlterAction::Storage
    } else if kind == ObjectKind::Table
        && eat(parser, "ADD")
        && let Some(constraint) = parser.parse_optional_table_constraint()?
    {
        AlterAction::AddConstraint(constraint)
    } else {
        return Ok(unsupported(parser, &format!("this form of ALTER {}", kind.words())));
    };
    Ok(Statement::Alter(AlterStatement { kind, if_exists, name, action }))
}

/// `[COLUMN] a SET DEFAULT e | DROP DEFAULT`
fn column_default(parser: &mut Parser<'_>) -> Parsed<Option<AlterAction>> {
    eat(parser, "COLUMN");
    let column = ident(parser)?;
    if eat(parser, "DROP DEFAULT") {
        return Ok(Some(AlterAction::Default(column, None)));
    }
    if eat(parser, "SET DEFAULT") {
        return Ok(Some(AlterAction::Default(column, Some(parser.parse_expr()?))));
    }
    Ok(None)
}

/// `[IF NOT EXISTS] 'label' [BEFORE 'other' | AFTER 'other']`
fn add_value(parser: &mut Parser<'_>) -> Parsed<AddValue> {
    let if_not_exists = if_not_exists(parser);
    let label = parser.parse_literal_string()?;
    let beside = match eat_one_of(parser, &["BEFORE", "AFTER"]) {
        Some("BEFORE") => Some((Side::Before, parser.parse_literal_string()?)),
        Some(_) => Some((Side::After, parser.parse_literal_string()?)),
        None => None,
    };
    Ok(AddValue { label, if_not_exists, beside })
}

/// `COMMENT ON kind name IS 'text' | NULL`
pub(super) fn comment(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "COMMENT ON")?;
    let on = if eat(parser, "COLUMN") {
        CommentOn::Column(name(parser)?)
    } else if eat_one_of(parser, &["ROLE", "USER"]).is_some() {
        CommentOn::Role(ident(parser)?)
    } else {
        match ObjectKind::ALL.iter().copied().find(|kind| eat(parser, kind.words())) {
            Some(kind) => CommentOn::Object(kind, name(parser)?),
            None => return Ok(unsupported(parser, "COMMENT on this kind of object")),
        }
    };
    expect(parser, "IS")?;
    let text = if eat(parser, "NULL") { None } else { Some(parser.parse_literal_string()?) };
    Ok(Statement::Comment(CommentStatement { on, text }))
}

/// After `CREATE ROLE`, `CREATE USER`: its name; attributes are accepted and not kept.
pub(super) fn create_role(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let role = ident(parser)?;
    while !at_end(parser) {
        if eat(parser, "ENCRYPTED PASSWORD") || eat(parser, "PASSWORD") {
            return Ok(unsupported(parser, "the password of a role"));
        }
        parser.advance_token();
    }
    Ok(Statement::CreateRole(role))
}

/// After `DROP ROLE`, `DROP USER`.
pub(super) fn drop_roles(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_exists = eat(parser, "IF EXISTS");
    let roles = parser.parse_comma_separated(|p| ident(p))?;
    Ok(Statement::DropRoles(roles, if_exists))
}

/// `GRANT … TO roles`, `REVOKE … FROM roles`: only the roles are looked at.
pub(super) fn grant(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let granted = eat(parser, "GRANT");
    if !granted {
        expect(parser, "REVOKE")?;
    }
    let word = if granted { "TO" } else { "FROM" };
    while !peek_words(parser, word) {
        if at_end(parser) {
            return unexpected(parser, word);
        }
        parser.advance_token();
    }
    expect(parser, word)?;
    let roles = parser.parse_comma_separated(grantee)?;
    skip(parser);
    Ok(Statement::Grant(granted, roles.into_iter().flatten().collect()))
}

/// A role; none for PUBLIC.
fn grantee(parser: &mut Parser<'_>) -> Parsed<Option<Ident>> {
    eat(parser, "GROUP");
    if eat(parser, "PUBLIC") { Ok(None) } else { ident(parser).map(Some) }
}

fn skip(parser: &mut Parser<'_>) {
    while !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
        parser.advance_token();
    }
}
