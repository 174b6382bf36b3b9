//! CREATE and DROP.

use super::ast::*;
use super::words::*;
use super::{Parsed, unsupported};
use crate::catalog::Uniqueness;
use crate::parser::reserved;
use sqlparser::ast::{DataType, Expr, Ident, ObjectName};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// What may follow CREATE.
const CREATES: &[(&str, fn(&mut Parser<'_>) -> Parsed<Statement>)] = &[
    ("DATABASE", database),
    ("SCHEMA", schema),
    ("CLUSTER REPLICA", |p| Ok(unsupported(p, "CREATE CLUSTER REPLICA"))),
    ("CLUSTER", cluster),
    ("TABLE", |p| table(p, false)),
    ("TEMP TABLE", |p| table(p, true)),
    ("TEMPORARY TABLE", |p| table(p, true)),
    ("LOCAL TEMP TABLE", |p| table(p, true)),
    ("LOCAL TEMPORARY TABLE", |p| table(p, true)),
    ("UNLOGGED TABLE", |p| table(p, false)),
    ("OR REPLACE TEMP VIEW", |p| view(p, true, true)),
    ("OR REPLACE TEMPORARY VIEW", |p| view(p, true, true)),
    ("OR REPLACE VIEW", |p| view(p, true, false)),
    ("OR REPLACE MATERIALIZED VIEW", |p| materialized_view(p, true)),
    ("TEMP VIEW", |p| view(p, false, true)),
    ("TEMPORARY VIEW", |p| view(p, false, true)),
    ("VIEW", |p| view(p, false, false)),
    ("MATERIALIZED VIEW", |p| materialized_view(p, false)),
    ("DEFAULT INDEX", |p| index(p, true, None)),
    ("UNIQUE INDEX", |p| index(p, false, Some(Uniqueness::Index))),
    ("INDEX", |p| index(p, false, None)),
    ("ROLE", super::alter::create_role),
    ("USER", super::alter::create_role),
    ("SECRET", secret),
    ("CONNECTION", connection),
    ("SOURCE", source),
    ("TYPE", new_type),
    ("FUNCTION", |p| super::function::create_function(p, false)),
    ("OR REPLACE FUNCTION", |p| super::function::create_function(p, true)),
];

/// Other things that PostgreSQL or Materialize create.
const UNSUPPORTED: &[&str] = &[
    "ACCESS METHOD",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONTINUAL TASK",
    "DOMAIN",
    "EVENT TRIGGER",
    "EXTENSION",
    "FOREIGN",
    "LANGUAGE",
    "NETWORK POLICY",
    "OPERATOR",
    "OR REPLACE PROCEDURE",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "RECURSIVE VIEW",
    "RULE",
    "SEQUENCE",
    "SERVER",
    "SINK",
    "STATISTICS",
    "SUBSCRIPTION",
    "TABLESPACE",
    "TEXT SEARCH",
    "TRIGGER",
    "WEBHOOK",
];

/// `CREATE …`
pub(super) fn create(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "CREATE")?;
    if let Some((_, parse)) = CREATES.iter().find(|(words, _)| eat(parser, words)) {
        return parse(parser);
    }
    match UNSUPPORTED.iter().find(|words| peek_words(parser, words)) {
        Some(words) => Ok(unsupported(parser, &format!("CREATE {words}"))),
        None => unexpected(parser, "a kind of object"),
    }
}

fn database(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    Ok(Statement::CreateDatabase(CreateContainer { name: name(parser)?, if_not_exists }))
}

fn schema(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    Ok(Statement::CreateSchema(CreateContainer { name: name(parser)?, if_not_exists }))
}

const CLUSTER_OPTIONS: &[&str] = &["SIZE", "REPLICATION FACTOR", "MANAGED"];

/// `name [=] (SIZE …)` or `name SIZE …, …`
fn cluster(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = ident(parser)?;
    let options = match parser.peek_token_ref().token {
        Token::LParen => option_list(parser, CLUSTER_OPTIONS)?,
        _ => parser.parse_comma_separated(|p| option(p, CLUSTER_OPTIONS))?,
    };
    Ok(Statement::CreateCluster(CreateCluster { name, if_not_exists, options }))
}

fn table(parser: &mut Parser<'_>, temporary: bool) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = name(parser)?;
    if peek_words(parser, "AS") || lists_names_only(parser) {
        return table_as(parser, name, if_not_exists, temporary);
    }
    let listed = parser.peek_token_ref().token == Token::LParen;
    let (columns, constraints) = parser.parse_columns()?;
    columns.iter().try_for_each(|column| reserved::check_ident(&column.name))?;
    if eat(parser, "FROM SOURCE") {
        return table_from_source(parser, name, if_not_exists, columns);
    }
    if !listed {
        return unexpected(parser, "(");
    }
    storage(parser)?;
    if temporary && !eat(parser, "ON COMMIT PRESERVE ROWS") && peek_words(parser, "ON COMMIT") {
        return Ok(unsupported(parser, "ON COMMIT DROP and DELETE ROWS"));
    }
    Ok(Statement::CreateTable(CreateTable { name, if_not_exists, temporary, columns, constraints }))
}

/// How PostgreSQL would store a table, which changes nothing here.
const STORAGE: &[&str] = &["FILLFACTOR", "TOAST_TUPLE_TARGET", "PARALLEL_WORKERS", "AUTOVACUUM_ENABLED"];

/// `[USING heap] [WITH (parameters) | WITHOUT OIDS]`
fn storage(parser: &mut Parser<'_>) -> Parsed<()> {
    eat(parser, "USING HEAP");
    if !eat(parser, "WITHOUT OIDS") {
        with_options(parser, STORAGE)?;
    }
    Ok(())
}

/// Whether a list of columns has no types: what follows is `AS`.
fn lists_names_only(parser: &Parser<'_>) -> bool {
    let name = matches!(parser.peek_nth_token_ref(1).token, Token::Word(_));
    let end = matches!(parser.peek_nth_token_ref(2).token, Token::Comma | Token::RParen);
    parser.peek_token_ref().token == Token::LParen && name && end
}

fn table_as(parser: &mut Parser<'_>, name: ObjectName, if_not_exists: bool, temporary: bool) -> Parsed<Statement> {
    let columns = optional_columns(parser)?;
    expect(parser, "AS")?;
    if peek_words(parser, "EXECUTE") {
        return Ok(unsupported(parser, "CREATE TABLE AS EXECUTE"));
    }
    let query = query(parser)?;
    let with_data = eat_one_of(parser, &["WITH DATA", "WITH NO DATA"]) != Some("WITH NO DATA");
    Ok(Statement::CreateTableAs(CreateTableAs { name, if_not_exists, temporary, columns, query, with_data }))
}

fn table_from_source(
    parser: &mut Parser<'_>,
    table: ObjectName,
    if_not_exists: bool,
    columns: Vec<sqlparser::ast::ColumnDef>,
) -> Parsed<Statement> {
    let source = name(parser)?;
    parser.expect_token(&Token::LParen)?;
    expect(parser, "REFERENCE")?;
    eat_token(parser, Token::Eq);
    let reference = parser.parse_object_name(false)?;
    parser.expect_token(&Token::RParen)?;
    let options = with_options(parser, &["DETAILS"])?;
    Ok(Statement::CreateTableFromSource(CreateTableFromSource {
        name: table,
        if_not_exists,
        columns,
        source,
        reference,
        options,
    }))
}

fn view(parser: &mut Parser<'_>, or_replace: bool, temporary: bool) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = name(parser)?;
    let columns = optional_columns(parser)?;
    expect(parser, "AS")?;
    let query = query(parser)?;
    Ok(Statement::CreateView(CreateView {
        name,
        or_replace,
        if_not_exists,
        temporary,
        materialized: false,
        columns,
        cluster: None,
        query,
    }))
}

fn materialized_view(parser: &mut Parser<'_>, or_replace: bool) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = name(parser)?;
    let columns = optional_columns(parser)?;
    let cluster = in_cluster(parser)?;
    if peek_words(parser, "WITH") {
        return Ok(unsupported(parser, "WITH options of a materialized view"));
    }
    expect(parser, "AS")?;
    let query = query(parser)?;
    Ok(Statement::CreateView(CreateView {
        name,
        or_replace,
        if_not_exists,
        temporary: false,
        materialized: true,
        columns,
        cluster,
        query,
    }))
}

fn optional_columns(parser: &mut Parser<'_>) -> Parsed<Vec<Ident>> {
    if parser.peek_token_ref().token == Token::LParen { ident_list(parser) } else { Ok(Vec::new()) }
}

/// What `USING` may say: indexes are all of one kind.
const ACCESS_METHODS: &[&str] = &["ARRANGEMENT", "DEFAULT", "BTREE", "HASH"];

/// `[name] [IN CLUSTER c] ON relation [USING method] [(expressions)]`
fn index(parser: &mut Parser<'_>, default: bool, unique: Option<Uniqueness>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let unnamed = peek_words(parser, "ON") || peek_words(parser, "IN CLUSTER");
    let index_name = if unnamed { None } else { Some(ident(parser)?) };
    let cluster = in_cluster(parser)?;
    expect(parser, "ON")?;
    let on = name(parser)?;
    if eat(parser, "USING") && eat_one_of(parser, ACCESS_METHODS).is_none() {
        return Ok(unsupported(parser, "an index of this access method"));
    }
    let keys = if default { Vec::new() } else { index_keys(parser)? };
    let unique = unique.map(|unique| match eat_one_of(parser, &["AS PRIMARY KEY", "AS UNIQUE"]) {
        Some("AS PRIMARY KEY") => Uniqueness::PrimaryKey,
        Some(_) => Uniqueness::Constraint,
        None => unique,
    });
    Ok(Statement::CreateIndex(CreateIndex { name: index_name, if_not_exists, default, unique, cluster, on, keys }))
}

/// `(expression [ASC | DESC] [NULLS FIRST | NULLS LAST], …)`: an arrangement has no order that anyone sees.
fn index_keys(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    parser.expect_token(&Token::LParen)?;
    let keys = parser.parse_comma_separated(|p| {
        let key = p.parse_expr()?;
        eat_one_of(p, &["ASC", "DESC"]);
        eat_one_of(p, &["NULLS FIRST", "NULLS LAST"]);
        Ok(key)
    })?;
    parser.expect_token(&Token::RParen)?;
    Ok(keys)
}

fn secret(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = name(parser)?;
    expect(parser, "AS")?;
    let value = parser.parse_expr()?;
    Ok(Statement::CreateSecret(CreateSecret { name, if_not_exists, value }))
}

/// Options of a connection to PostgreSQL.
pub(crate) const POSTGRES_OPTIONS: &[&str] = &[
    "HOST",
    "PORT",
    "USER",
    "PASSWORD",
    "DATABASE",
    "SSL MODE",
    "SSL CERTIFICATE AUTHORITY",
    "SSL CERTIFICATE",
    "SSL KEY",
    "SSH TUNNEL",
    "AWS PRIVATELINK",
];

fn connection(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = name(parser)?;
    expect(parser, "TO")?;
    if !eat(parser, "POSTGRES") {
        return match parser.peek_token_ref().token {
            Token::Word(_) => Ok(unsupported(parser, "a connection to anything but POSTGRES")),
            _ => unexpected(parser, "POSTGRES"),
        };
    }
    let options = option_list(parser, POSTGRES_OPTIONS)?;
    let with = with_options(parser, &["VALIDATE"])?;
    Ok(Statement::CreateConnection(CreateConnection { name, if_not_exists, options, with }))
}

fn source(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let if_not_exists = if_not_exists(parser);
    let name = name(parser)?;
    let cluster = in_cluster(parser)?;
    if !eat(parser, "FROM") {
        return unexpected(parser, "FROM");
    }
    let Some(from) = source_from(parser)? else {
        return Ok(unsupported(parser, "a source from anything but POSTGRES and LOAD GENERATOR COUNTER"));
    };
    let tables = source_tables(parser)?;
    if peek_words(parser, "EXPOSE PROGRESS") || peek_words(parser, "WITH") {
        return Ok(unsupported(parser, "this option of CREATE SOURCE"));
    }
    Ok(Statement::CreateSource(CreateSource { name, if_not_exists, cluster, from, tables }))
}

fn source_from(parser: &mut Parser<'_>) -> Parsed<Option<SourceFrom>> {
    if eat(parser, "POSTGRES") {
        expect(parser, "CONNECTION")?;
        let connection = name(parser)?;
        let options = option_list(parser, &["PUBLICATION", "TEXT COLUMNS", "EXCLUDE COLUMNS", "SLOT"])?;
        return Ok(Some(SourceFrom::Postgres(connection, options)));
    }
    if !eat(parser, "LOAD GENERATOR COUNTER") {
        return Ok(None);
    }
    let options = match parser.peek_token_ref().token {
        Token::LParen => option_list(parser, &["TICK INTERVAL", "MAX CARDINALITY"])?,
        _ => Vec::new(),
    };
    Ok(Some(SourceFrom::Counter(options)))
}

fn source_tables(parser: &mut Parser<'_>) -> Parsed<SourceTables> {
    if eat(parser, "FOR ALL TABLES") {
        return Ok(SourceTables::All);
    }
    if eat(parser, "FOR SCHEMAS") {
        return ident_list(parser).map(SourceTables::Schemas);
    }
    if !eat(parser, "FOR TABLES") {
        return Ok(SourceTables::None);
    }
    parser.expect_token(&Token::LParen)?;
    let tables = parser.parse_comma_separated(|p| {
        let upstream = p.parse_object_name(false)?;
        let here = if eat_one_of(p, &["AS", "INTO"]).is_some() { Some(name(p)?) } else { None };
        Ok((upstream, here))
    })?;
    parser.expect_token(&Token::RParen)?;
    Ok(SourceTables::Tables(tables))
}

/// `name AS ENUM (labels) | LIST (ELEMENT TYPE = type) | MAP (KEY TYPE = text, VALUE TYPE = type) | (name type, …)`
fn new_type(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let name = name(parser)?;
    expect(parser, "AS")?;
    let kind = eat_one_of(parser, &["ENUM", "LIST", "MAP"]);
    if kind.is_none() && *parser.peek_token_ref() != Token::LParen {
        return Ok(unsupported(parser, "this form of CREATE TYPE"));
    }
    parser.expect_token(&Token::LParen)?;
    let definition = match kind {
        Some("ENUM") => TypeDefinition::Enum(match parser.peek_token_ref().token {
            Token::RParen => Vec::new(),
            _ => parser.parse_comma_separated(enum_label)?,
        }),
        Some("LIST") => TypeDefinition::List(type_option(parser, "ELEMENT TYPE")?),
        Some(_) => {
            if type_option(parser, "KEY TYPE")? != DataType::Text {
                return unexpected(parser, "the key type text");
            }
            parser.expect_token(&Token::Comma)?;
            TypeDefinition::Map(type_option(parser, "VALUE TYPE")?)
        }
        None => TypeDefinition::Composite(match parser.peek_token_ref().token {
            Token::RParen => Vec::new(),
            _ => parser.parse_comma_separated(|p| Ok((ident(p)?, p.parse_data_type()?)))?,
        }),
    };
    parser.expect_token(&Token::RParen)?;
    Ok(Statement::CreateType(CreateType { name, definition }))
}

/// `words = type`
fn type_option(parser: &mut Parser<'_>, words: &str) -> Parsed<DataType> {
    expect(parser, words)?;
    parser.expect_token(&Token::Eq)?;
    parser.parse_data_type()
}

/// `'label' [AT place]`; the place stands in stored definitions only.
fn enum_label(parser: &mut Parser<'_>) -> Parsed<EnumLabel> {
    let text = parser.parse_literal_string()?;
    let place = if eat(parser, "AT") { Some(parser.parse_literal_string()?) } else { None };
    let place = place.map(|place| place.parse().or_else(|_| unexpected(parser, "a place"))).transpose()?;
    Ok(EnumLabel { text, place })
}

/// `DROP kind [IF EXISTS] names [CASCADE|RESTRICT]`
pub(super) fn drop(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "DROP")?;
    if eat_one_of(parser, &["ROLE", "USER"]).is_some() {
        return super::alter::drop_roles(parser);
    }
    let Some(kind) = ObjectKind::ALL.iter().copied().find(|kind| eat(parser, kind.words())) else {
        return match UNSUPPORTED.iter().chain(&["OWNED"]).find(|words| peek_words(parser, words)) {
            Some(words) => Ok(unsupported(parser, &format!("DROP {words}"))),
            None => unexpected(parser, "a kind of object"),
        };
    };
    let if_exists = eat(parser, "IF EXISTS");
    let names = parser.parse_comma_separated(|p| {
        let name = name(p)?;
        if kind == ObjectKind::Function && eat_token(p, Token::LParen) {
            // There is one function of a name: its arguments need not tell it from others.
            if *p.peek_token_ref() != Token::RParen {
                p.parse_comma_separated(Parser::parse_data_type)?;
            }
            p.expect_token(&Token::RParen)?;
        }
        Ok(name)
    })?;
    let cascade = eat_one_of(parser, &["CASCADE", "RESTRICT"]) == Some("CASCADE");
    Ok(Statement::Drop(DropStatement { kind, if_exists, names, cascade }))
}
