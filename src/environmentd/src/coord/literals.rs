//! Replaces what belongs to a session or a moment by literals, before anything runs.

use crate::catalog::SessionCatalogView;
use crate::coord::EnvironmentInfo;
use crate::session::SessionContext;
use expr::{RelExpr, ScalarExpr, Unmaterializable};
use repr::{Datum, Row, Timestamp};
use sql::catalog::SessionCatalog;

/// What the values depend on.
pub struct Moment<'a> {
    /// The session.
    pub cx: &'a SessionContext,
    /// Its view of the catalog.
    pub catalog: &'a SessionCatalogView,
    /// The environment.
    pub info: &'a EnvironmentInfo,
    /// The logical time of the read; none where there is no one such time: then `mz_now()` stays, and nothing can run that has it.
    pub timestamp: Option<Timestamp>,
}

impl Moment<'_> {
    /// Replaces all of them in a plan.
    pub fn replace_in_plan(&self, plan: &mut RelExpr) {
        plan.visit_scalars_mut(&mut |scalar| self.replace(scalar));
    }

    /// Replaces all of them in an expression.
    pub fn replace(&self, scalar: &mut ScalarExpr) {
        scalar.visit_mut(&mut |node| {
            if let ScalarExpr::Unmaterializable(what) = node
                && let Some(value) = self.value(what)
            {
                *node = ScalarExpr::Literal(Ok(value), what.typ());
            }
        });
    }

    fn value(&self, what: &Unmaterializable) -> Option<Row> {
        use Unmaterializable::*;
        let names = |names: Vec<String>| {
            let array = repr::array::encode_list(names.iter().map(|name| Datum::Text(name)));
            Row::pack([Datum::Array(repr::ArrayRef::from_encoded(&array))])
        };
        Some(match what {
            MzNow => Row::pack([Datum::MzTimestamp(self.timestamp?)]),
            CurrentTimestamp => Row::pack([Datum::Timestamptz(self.cx.now_us)]),
            StatementTimestamp => Row::pack([Datum::Timestamptz(self.cx.statement_us)]),
            RandomSeed => Row::pack([Datum::Int8(rand::random())]),
            CurrentDatabase => Row::pack([Datum::Text(&self.cx.database)]),
            CurrentSchema => {
                let path = self.catalog.search_path();
                Row::pack([path.first().map_or(Datum::Null, |schema| Datum::Text(schema))])
            }
            CurrentSchemasWithSystem => names(self.catalog.search_path_with_implicit()),
            CurrentSchemasWithoutSystem => names(self.catalog.search_path()),
            CurrentUser => Row::pack([Datum::Text(&self.cx.user)]),
            Version => Row::pack([Datum::Text(&self.info.pg_version())]),
            MzVersion => Row::pack([Datum::Text(&self.info.version())]),
            MzEnvironmentId => Row::pack([Datum::Text(&self.info.environment_id)]),
            PgBackendPid => Row::pack([Datum::Int4(self.cx.connection_id as i32)]),
            PgPostmasterStartTime => Row::pack([Datum::Timestamptz(self.info.started_us)]),
            TransactionId => Row::pack([Datum::Int8(self.cx.now_us)]),
            Parameter(..) => return None,
        })
    }
}
