//! SHOW.

use super::ast::*;
use super::words::*;
use super::{Parsed, session, unsupported};
use sqlparser::parser::Parser;

/// The lists that SHOW knows; longer names before their prefixes.
const LISTS: &[(&str, ShowList)] = &[
    ("TABLES", ShowList::Tables),
    ("VIEWS", ShowList::Views),
    ("MATERIALIZED VIEWS", ShowList::MaterializedViews),
    ("INDEXES", ShowList::Indexes),
    ("INDICES", ShowList::Indexes),
    ("KEYS", ShowList::Indexes),
    ("SOURCES", ShowList::Sources),
    ("SECRETS", ShowList::Secrets),
    ("CONNECTIONS", ShowList::Connections),
    ("CLUSTER REPLICAS", ShowList::ClusterReplicas),
    ("CLUSTERS", ShowList::Clusters),
    ("DATABASES", ShowList::Databases),
    ("SCHEMAS", ShowList::Schemas),
    ("COLUMNS", ShowList::Columns),
    ("OBJECTS", ShowList::Objects),
];

/// Lists of things that Freshet does not have.
const UNSUPPORTED: &[&str] = &[
    "SINKS",
    "TYPES",
    "ROLES",
    "ROLE MEMBERSHIP",
    "PRIVILEGES",
    "DEFAULT PRIVILEGES",
    "NETWORK POLICIES",
    "SUBSOURCES",
];

/// `SHOW …`
pub(super) fn show(parser: &mut Parser<'_>) -> Parsed<Statement> {
    expect(parser, "SHOW")?;
    if eat(parser, "CREATE") {
        return show_create(parser);
    }
    if let Some((_, list)) = LISTS.iter().find(|(words, _)| eat(parser, words)) {
        return show_objects(parser, *list);
    }
    if let Some(words) = UNSUPPORTED.iter().find(|words| peek_words(parser, words)) {
        return Ok(unsupported(parser, &format!("SHOW {words}")));
    }
    if eat(parser, "ALL") {
        return Ok(Statement::ShowAll);
    }
    if eat(parser, "TIME ZONE") {
        return Ok(Statement::ShowVariable("timezone".to_string()));
    }
    if eat(parser, "TRANSACTION ISOLATION LEVEL") {
        return Ok(Statement::ShowVariable(crate::plan::ISOLATION_LEVEL.to_string()));
    }
    session::variable_name(parser).map(Statement::ShowVariable)
}

fn show_create(parser: &mut Parser<'_>) -> Parsed<Statement> {
    match ObjectKind::ALL.iter().copied().find(|kind| eat(parser, kind.words())) {
        Some(kind) => Ok(Statement::ShowCreate(kind, name(parser)?)),
        None => unexpected(parser, "a kind of object"),
    }
}

fn show_objects(parser: &mut Parser<'_>, list: ShowList) -> Parsed<Statement> {
    let mut show = ShowObjects { list, from: None, cluster: None, filter: None };
    loop {
        if eat(parser, "IN CLUSTER") {
            show.cluster = Some(ident(parser)?);
        } else if eat_one_of(parser, &["FROM", "IN", "ON"]).is_some() {
            show.from = Some(name(parser)?);
        } else {
            break;
        }
    }
    if eat(parser, "LIKE") {
        show.filter = Some(ShowFilter::Like(parser.parse_literal_string()?));
    } else if eat(parser, "WHERE") {
        show.filter = Some(ShowFilter::Where(parser.parse_expr()?));
    }
    Ok(Statement::ShowObjects(show))
}
