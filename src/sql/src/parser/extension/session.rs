//! Session variables and transactions.

use super::ast::*;
use super::words::*;
use super::{Parsed, unsupported};
use crate::plan::{Discard, TransactionModes};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// `SET [SESSION | LOCAL] name {= | TO} values | DEFAULT`, and its special forms.
pub(super) fn set(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "SET")?;
    if eat_one_of(parser, &["SESSION CHARACTERISTICS AS TRANSACTION", "TRANSACTION", "LOCAL TRANSACTION"]).is_some() {
        return modes(parser).map(Statement::SetTransaction);
    }
    if ["ROLE", "SESSION AUTHORIZATION", "CONSTRAINTS"].iter().any(|words| peek_words(parser, words)) {
        return Ok(unsupported(parser, "this form of SET"));
    }
    let local = eat_one_of(parser, &["LOCAL", "SESSION"]) == Some("LOCAL");
    let name = if eat(parser, "TIME ZONE") {
        "timezone".to_string()
    } else if eat(parser, "NAMES") {
        "client_encoding".to_string()
    } else {
        let name = variable_name(parser)?;
        if !eat_token(parser, Token::Eq) {
            expect(parser, "TO")?;
        }
        name
    };
    Ok(Statement::Set(SetStatement { name, values: values(parser)?, local }))
}

/// `a.b`, lower case.
pub(super) fn variable_name(parser: &mut Parser<'_>) -> Parsed<String> {
    let mut name = ident(parser)?.value.to_lowercase();
    while eat_token(parser, Token::Period) {
        name = format!("{name}.{}", ident(parser)?.value.to_lowercase());
    }
    Ok(name)
}

fn values(parser: &mut Parser<'_>) -> Parsed<Vec<String>> {
    if eat_one_of(parser, &["DEFAULT", "LOCAL"]).is_some() {
        return Ok(Vec::new());
    }
    parser.parse_comma_separated(value)
}

fn value(parser: &mut Parser<'_>) -> Parsed<String> {
    if eat(parser, "INTERVAL") {
        let text = parser.parse_literal_string()?;
        eat(parser, "HOUR TO MINUTE");
        return Ok(format!("interval {text}"));
    }
    let negative = eat_token(parser, Token::Minus);
    let token = parser.peek_token();
    let text = match token.token {
        Token::Word(word) => {
            parser.advance_token();
            if word.quote_style.is_some() { word.value } else { word.value.to_lowercase() }
        }
        Token::Number(digits, _) => {
            parser.advance_token();
            digits
        }
        _ => parser.parse_literal_string()?,
    };
    Ok(if negative { format!("-{text}") } else { text })
}

/// `RESET name | ALL`
pub(super) fn reset(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "RESET")?;
    if eat(parser, "ALL") {
        return Ok(Statement::Reset(None));
    }
    if eat(parser, "TIME ZONE") {
        return Ok(Statement::Reset(Some("timezone".to_string())));
    }
    variable_name(parser).map(|name| Statement::Reset(Some(name)))
}

/// `DISCARD ALL | PLANS | SEQUENCES | TEMP`
pub(super) fn discard(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "DISCARD")?;
    let what = [
        ("ALL", Discard::All),
        ("PLANS", Discard::Plans),
        ("SEQUENCES", Discard::Sequences),
        ("TEMPORARY", Discard::Temp),
        ("TEMP", Discard::Temp),
    ];
    match what.iter().find(|(words, _)| eat(parser, words)) {
        Some((_, what)) => Ok(Statement::Discard(*what)),
        None => unexpected(parser, "ALL, PLANS, SEQUENCES or TEMP"),
    }
}

/// `BEGIN [WORK | TRANSACTION] modes`, `START TRANSACTION modes`
pub(super) fn begin(parser: &mut Parser<'_>) -> Parsed<Statement> {
    if !eat(parser, "START TRANSACTION") {
        expect(parser, "BEGIN")?;
        eat_one_of(parser, &["WORK", "TRANSACTION"]);
    }
    modes(parser).map(Statement::Begin)
}

fn modes(parser: &mut Parser<'_>) -> Parsed<TransactionModes> {
    let mut modes = TransactionModes::default();
    let levels = ["SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED", "READ UNCOMMITTED", "STRICT SERIALIZABLE"];
    loop {
        if eat(parser, "ISOLATION LEVEL") {
            let Some(level) = eat_one_of(parser, &levels) else {
                return unexpected(parser, "an isolation level");
            };
            modes.isolation = Some(level.to_lowercase());
        } else if let Some(access) = eat_one_of(parser, &["READ ONLY", "READ WRITE"]) {
            modes.read_only = Some(access == "READ ONLY");
        } else if eat_one_of(parser, &["NOT DEFERRABLE", "DEFERRABLE"]).is_none() {
            return Ok(modes);
        }
        eat_token(parser, Token::Comma);
    }
}

/// `COMMIT`, `END`, `ROLLBACK`, `ABORT`, each `[WORK | TRANSACTION] [AND NO CHAIN]`; `ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] name`
pub(super) fn end(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let commit = matches!(eat_one_of(parser, &["COMMIT", "END", "ROLLBACK", "ABORT"]), Some("COMMIT" | "END"));
    let two_phase = peek_words(parser, "PREPARED");
    eat_one_of(parser, &["WORK", "TRANSACTION"]);
    if !commit && eat(parser, "TO") {
        eat(parser, "SAVEPOINT");
        return ident(parser).map(Statement::RollbackTo);
    }
    if two_phase || peek_words(parser, "AND CHAIN") {
        return Ok(unsupported(parser, "this way to end a transaction"));
    }
    eat(parser, "AND NO CHAIN");
    Ok(if commit { Statement::Commit } else { Statement::Rollback })
}

/// `SAVEPOINT name`
pub(super) fn savepoint(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "SAVEPOINT")?;
    ident(parser).map(Statement::Savepoint)
}

/// `RELEASE [SAVEPOINT] name`
pub(super) fn release(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "RELEASE")?;
    eat(parser, "SAVEPOINT");
    ident(parser).map(Statement::Release)
}
