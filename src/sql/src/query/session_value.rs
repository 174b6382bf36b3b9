//! Functions without arguments whose value belongs to the session or the moment: `now()`, `current_user`, `random()`.

use super::expr::call;
use super::planner::Planner;
use crate::coerce::{Context, constant};
use expr::{ScalarExpr, Unmaterializable};
use repr::{Datum, SqlError, SqlType};

/// One of them.
pub(crate) struct SessionValue {
    /// What SQL calls it.
    pub name: &'static str,
    /// The result's type.
    pub ret: SqlType,
    /// Whether SQL reserves the name, so that it stands without parentheses.
    pub reserved: bool,
    make: Make,
}

impl SessionValue {
    /// Whether it is another with every call.
    pub fn is_volatile(&self) -> bool {
        matches!(self.make, Make::Random)
    }
}

enum Make {
    /// The value itself.
    Value(Unmaterializable),
    /// The start of the transaction as a value of the result's type.
    Now,
    /// The text of the statement.
    Query,
    /// A function of the table that gives another value for every row.
    Random,
}

const fn value(name: &'static str, ret: SqlType, value: Unmaterializable) -> SessionValue {
    SessionValue { name, ret, reserved: false, make: Make::Value(value) }
}

const fn reserved(name: &'static str, ret: SqlType, value: Unmaterializable) -> SessionValue {
    SessionValue { name, ret, reserved: true, make: Make::Value(value) }
}

const fn now(name: &'static str, ret: SqlType) -> SessionValue {
    SessionValue { name, ret, reserved: true, make: Make::Now }
}

const fn random(name: &'static str, ret: SqlType) -> SessionValue {
    SessionValue { name, ret, reserved: false, make: Make::Random }
}

use SqlType::{Float8, Int4, Int8, MzTimestamp, Name, Text, Uuid};
use Unmaterializable as U;

/// All of them.
#[rustfmt::skip]
pub(crate) static SESSION_VALUES: [SessionValue; 27] = [
    value("now", SqlType::TIMESTAMPTZ, U::CurrentTimestamp),
    value("transaction_timestamp", SqlType::TIMESTAMPTZ, U::CurrentTimestamp),
    value("statement_timestamp", SqlType::TIMESTAMPTZ, U::StatementTimestamp),
    value("clock_timestamp", SqlType::TIMESTAMPTZ, U::StatementTimestamp),
    now("current_timestamp", SqlType::TIMESTAMPTZ),
    now("current_date", SqlType::Date),
    now("current_time", SqlType::TimeTz),
    now("localtimestamp", SqlType::TIMESTAMP),
    now("localtime", SqlType::Time),
    random("random", Float8),
    random("gen_random_uuid", Uuid),
    value("mz_now", MzTimestamp, U::MzNow),
    value("mz_logical_timestamp", MzTimestamp, U::MzNow),
    reserved("current_user", Name, U::CurrentUser),
    reserved("session_user", Name, U::CurrentUser),
    reserved("user", Name, U::CurrentUser),
    reserved("current_role", Name, U::CurrentUser),
    reserved("current_catalog", Name, U::CurrentDatabase),
    value("current_database", Name, U::CurrentDatabase),
    reserved("current_schema", Name, U::CurrentSchema),
    value("version", Text, U::Version),
    value("mz_version", Text, U::MzVersion),
    value("mz_environment_id", Text, U::MzEnvironmentId),
    value("pg_backend_pid", Int4, U::PgBackendPid),
    value("pg_postmaster_start_time", SqlType::TIMESTAMPTZ, U::PgPostmasterStartTime),
    value("txid_current", Int8, U::TransactionId),
    SessionValue { name: "current_query", ret: Text, reserved: false, make: Make::Query },
];

impl Planner<'_, '_> {
    /// The value of the one of this name, if there is one.
    pub(super) fn session_value(&mut self, name: &str) -> Result<Option<ScalarExpr>, SqlError> {
        let Some(found) = SESSION_VALUES.iter().find(|value| value.name == name) else { return Ok(None) };
        Ok(Some(match &found.make {
            Make::Value(value) => ScalarExpr::Unmaterializable(value.clone()),
            Make::Now => self.cast(ScalarExpr::Unmaterializable(U::CurrentTimestamp), &found.ret, Context::Explicit)?,
            Make::Query => {
                self.refuse_kept("current_query()")?;
                constant(Datum::Text(self.qcx.text), Text)
            }
            Make::Random => {
                let place = super::literal::number(&self.qcx.volatile_calls.to_string())?;
                self.qcx.volatile_calls += 1;
                call(name, vec![ScalarExpr::Unmaterializable(U::RandomSeed), place])?
            }
        }))
    }

    /// A bare word that SQL reserves for such a function: `current_date`.
    pub(super) fn bare_function(&mut self, name: &str) -> Result<Option<ScalarExpr>, SqlError> {
        let reserved = SESSION_VALUES.iter().any(|value| value.reserved && value.name == name);
        if reserved { self.session_value(name) } else { Ok(None) }
    }
}
