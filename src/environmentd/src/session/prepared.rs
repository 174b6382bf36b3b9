//! Prepared statements and portals.

use super::execute::{Rows, Tag};
use repr::{RelationDesc, Row, SqlType};
use sql::plan::{Params, StatementDesc};
use std::collections::VecDeque;
use std::sync::Arc;

/// A parsed statement with what describing it told.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// None for an empty query string.
    pub statement: Option<Arc<sql::ParsedStatement>>,
    /// Result columns and parameter types.
    pub desc: StatementDesc,
    /// Parameter types as the client declared them; missing ones were inferred.
    pub declared: Vec<Option<SqlType>>,
}

/// A bound statement, possibly halfway through its rows.
pub struct Portal {
    /// The statement.
    pub prepared: Prepared,
    /// Parameter values.
    pub params: Params,
    /// 0 text, 1 binary: none, one for all, or one each.
    pub result_formats: Vec<i16>,
    /// Rows still to be sent, once executed.
    pub running: Option<RunningPortal>,
    /// Whether it ran to its end.
    pub done: bool,
}

/// The rest of a portal's result.
pub struct RunningPortal {
    /// Columns.
    pub desc: RelationDesc,
    /// Where more rows come from.
    pub rows: Rows,
    /// Fetched and not yet sent.
    pub pending: VecDeque<Row>,
    /// The command tag.
    pub tag: Tag,
}
