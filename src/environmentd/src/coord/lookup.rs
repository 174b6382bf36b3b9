//! Prepared lookups: a SELECT that one index answers, planned once for all values of its parameters.
//!
//! A session keeps the plan with its prepared statement and uses it for as long as the catalog and its own variables are those that it was made
//! for. Whatever a lookup cannot serve falls back to planning anew.

use super::block::Block;
use super::read::{self, Read};
use super::result::RowStream;
use super::timestamp::Asked;
use super::{Environment, dataflows::Resolver};
use crate::catalog::Catalog;
use crate::session::{Isolation, SessionContext};
use expr::RowSetFinishing;
use repr::{ClusterId, GlobalId, RelationDesc, Row, SqlError, SqlType};
use sql::ParsedStatement;
use sql::catalog::SessionCatalog;
use sql::plan::{Plan, SelectPlan, When};
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use transform::dataflow::Lookup;

/// What planning a prepared statement as a lookup gave, also if it is none.
pub struct PreparedLookup {
    catalog: Weak<Catalog>,
    isolation: Isolation,
    /// The session's variables.
    settings: u64,
    found: Option<Found>,
}

struct Found {
    lookup: Lookup,
    shards: BTreeSet<GlobalId>,
    cluster: ClusterId,
    finishing: RowSetFinishing,
    desc: RelationDesc,
}

impl PreparedLookup {
    /// Whether it still means what the statement means.
    pub fn is_current(&self, env: &Environment, settings: u64) -> bool {
        self.settings == settings && std::ptr::eq(self.catalog.as_ptr(), Arc::as_ptr(&*env.0.catalog.load()))
    }

    /// The columns of its rows, if it is a lookup at all.
    pub fn desc(&self) -> Option<&RelationDesc> {
        self.found.as_ref().map(|found| &found.desc)
    }
}

impl Environment {
    /// Plans a statement with parameters of these types as a lookup. Errors are left to the ordinary path, which says them in its own words.
    /// `settings` is the version of the session's variables.
    pub fn plan_lookup(
        &self,
        cx: &SessionContext,
        settings: u64,
        statement: &ParsedStatement,
        types: &[SqlType],
    ) -> PreparedLookup {
        let catalog = self.catalog();
        let found = self.find_lookup(cx, &catalog, statement, types);
        PreparedLookup { catalog: Arc::downgrade(&catalog), isolation: cx.isolation, settings, found }
    }

    fn find_lookup(
        &self,
        cx: &SessionContext,
        catalog: &Arc<Catalog>,
        statement: &ParsedStatement,
        types: &[SqlType],
    ) -> Option<Found> {
        let view = catalog.for_session(cx);
        let Ok(Plan::Select(plan)) = sql::plan_generic(&view, statement, types) else { return None };
        let SelectPlan { source, finishing, desc, when: When::Immediately, signals, .. } = plan else { return None };
        if !signals.is_empty() {
            return None;
        }
        let shards = read::inputs(catalog, source.depends_on());
        let cluster = view.active_cluster().ok()?;
        let indexes = self.0.controller.readable_indexes();
        let resolver = Resolver { catalog, cluster, indexes, moment: None, system: None };
        let lookup = Lookup::plan(source, &resolver).ok()??;
        Some(Found { lookup, shards, cluster, finishing, desc })
    }

    /// Runs a lookup with these parameter values; none if they, or the index by now, ask for more than a lookup.
    pub async fn lookup(
        &self,
        prepared: &PreparedLookup,
        params: &Row,
        block: Option<Block<'_>>,
    ) -> Result<Option<RowStream>, SqlError> {
        let Some(found) = &prepared.found else { return Ok(None) };
        let Some((index, keys, mfp)) = found.lookup.bind(params.as_ref()) else { return Ok(None) };
        let txn = block.map(|block| {
            block.tables_read.extend(self.tables_among(&found.shards));
            block.read
        });
        let at = self.choose_time(prepared.isolation, Asked::Present, &found.shards, txn).await?;
        self.0.oracle.wait_for(at.timestamp).await;
        self.check_cluster(&self.catalog(), found.cluster)?;
        let read = Read { cluster: found.cluster, at };
        self.peek(&read, index, Some(keys), mfp, &found.finishing)
    }
}
