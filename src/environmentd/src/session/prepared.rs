//! Prepared statements and portals.

use super::execute::{Rows, Tag};
use crate::coord::PreparedLookup;
use repr::{RelationDesc, Row, SqlType};
use sql::plan::{Params, StatementDesc};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// A parsed statement with what describing it told.
#[derive(Default)]
pub struct Prepared {
    /// None for an empty query string.
    pub statement: Option<sql::ParsedStatement>,
    /// Result columns and parameter types.
    pub desc: StatementDesc,
    /// Parameter types as the client declared them; missing ones were inferred.
    pub declared: Vec<Option<SqlType>>,
    lookup: Mutex<Uses>,
}

/// How often a statement ran, and its plan as a lookup once that pays.
#[derive(Default)]
enum Uses {
    #[default]
    None,
    Once,
    Planned(Arc<PreparedLookup>),
}

impl Prepared {
    /// A statement that never ran.
    pub fn new(
        statement: Option<sql::ParsedStatement>,
        desc: StatementDesc,
        declared: Vec<Option<SqlType>>,
    ) -> Arc<Self> {
        Arc::new(Prepared { statement, desc, declared, lookup: Mutex::default() })
    }

    /// The statement's plan as a lookup: the one kept, if `is_current`, else a new one. None the first time: many statements run only once.
    pub fn lookup(
        &self,
        is_current: impl FnOnce(&PreparedLookup) -> bool,
        plan: impl FnOnce(&sql::ParsedStatement, &[SqlType]) -> PreparedLookup,
    ) -> Option<Arc<PreparedLookup>> {
        let statement = self.statement.as_ref().filter(|_| self.desc.relation.is_some() && !self.desc.is_copy)?;
        let mut uses = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        match &*uses {
            Uses::None => {
                *uses = Uses::Once;
                None
            }
            Uses::Planned(lookup) if is_current(lookup) => Some(lookup.clone()),
            Uses::Once | Uses::Planned(_) => {
                let lookup = Arc::new(plan(statement, &self.desc.params));
                *uses = Uses::Planned(lookup.clone());
                Some(lookup)
            }
        }
    }
}

/// A bound statement, possibly halfway through its rows.
pub struct Portal {
    /// The statement.
    pub prepared: Arc<Prepared>,
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
