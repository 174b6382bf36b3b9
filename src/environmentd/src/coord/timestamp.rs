//! When a read happens.
//!
//! ```text
//!            since of each input          last committed time        upper of each input
//!  ───────────────┼──────────────────────────────┼───────────────────────────┼──────────▶ time
//!     cannot read │    AS OF may choose any      │ strict serializable       │ results wait
//! ```

use super::literals::Moment;
use super::{Environment, time};
use crate::controller::ReadHolds;
use crate::session::Isolation;
use expr::ScalarExpr;
use repr::{Arena, Datum, Frontier, GlobalId, SqlError, SqlState, SqlType, Timestamp};
use sql::plan::When;
use std::collections::BTreeSet;

/// The time that all reads of a transaction share, from its first read on, with the holds that keep it readable.
#[derive(Debug)]
pub struct ReadTransaction {
    timestamp: Timestamp,
    holds: ReadHolds,
}

impl ReadTransaction {
    /// The time of its reads.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }
}

/// The time that a statement asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// What the isolation level means by now.
    Present,
    /// This one.
    At(Timestamp),
    /// The present, or this one if that is later.
    AtLeast(Timestamp),
}

impl Asked {
    /// What `AS OF` says.
    pub(super) fn of(when: &When, moment: &Moment<'_>) -> Result<Self, SqlError> {
        Ok(match when {
            When::Immediately => Asked::Present,
            When::AtTimestamp(expr) => Asked::At(constant_time(moment, expr)?),
            When::AtLeastTimestamp(expr) => Asked::AtLeast(constant_time(moment, expr)?),
        })
    }
}

/// A time, with holds on what is read at it.
pub struct ReadAt {
    /// When.
    pub timestamp: Timestamp,
    /// What keeps it readable.
    pub holds: ReadHolds,
}

impl Environment {
    /// Chooses the time of a read of `inputs` (shards), or takes the transaction's; the first read of a transaction chooses for all.
    pub(super) async fn choose_time(
        &self,
        isolation: Isolation,
        asked: Asked,
        inputs: &BTreeSet<GlobalId>,
        txn: Option<&mut Option<ReadTransaction>>,
    ) -> Result<ReadAt, SqlError> {
        let Some(txn) = txn else { return self.choose(isolation, asked, inputs).await };
        if let Some(chosen) = txn {
            return chosen.time_for(self, asked, inputs);
        }
        let mut all = self.0.controller.hold_all_shards();
        let read = self.choose(isolation, asked, inputs).await?;
        all.downgrade(read.timestamp);
        *txn = Some(ReadTransaction { timestamp: read.timestamp, holds: all });
        Ok(read)
    }

    async fn choose(
        &self,
        isolation: Isolation,
        asked: Asked,
        inputs: &BTreeSet<GlobalId>,
    ) -> Result<ReadAt, SqlError> {
        let mut holds = self.0.controller.hold(inputs)?;
        let since = holds.since();
        let timestamp = match asked {
            Asked::At(asked) if asked < since => return Err(too_old(asked, since)),
            Asked::At(asked) => asked,
            Asked::Present => self.present(isolation, inputs).await.max(since),
            Asked::AtLeast(asked) => self.present(isolation, inputs).await.max(since).max(asked),
        };
        holds.downgrade(timestamp);
        Ok(ReadAt { timestamp, holds })
    }

    /// The time that the session's isolation level means by now.
    async fn present(&self, isolation: Isolation, inputs: &BTreeSet<GlobalId>) -> Timestamp {
        if inputs.is_empty() {
            return self.0.oracle.last();
        }
        match isolation {
            Isolation::StrictSerializable => self.0.oracle.read().await,
            Isolation::Serializable => {
                self.0.oracle.touch();
                let uppers = inputs.iter().map(|id| self.0.controller.upper(*id));
                let complete = uppers.min().unwrap_or(Frontier::DONE).last_complete().unwrap_or(0);
                complete.min(self.0.oracle.last())
            }
        }
    }
}

impl ReadTransaction {
    fn time_for(&self, env: &Environment, asked: Asked, inputs: &BTreeSet<GlobalId>) -> Result<ReadAt, SqlError> {
        if asked != Asked::Present {
            let what = "AS OF in a transaction block that has already read";
            return Err(SqlError::unsupported(what).hint("Use AS OF in the transaction's first statement."));
        }
        // Ours keep the inputs readable at the transaction's time, except those that are newer than the transaction.
        let holds = env.0.controller.hold(inputs)?;
        let unreadable = |id: &GlobalId| {
            let ours = self.holds.time(*id).is_some_and(|time| time <= self.timestamp);
            !ours && holds.time(*id).is_none_or(|since| since > self.timestamp)
        };
        if inputs.iter().any(unreadable) {
            let what = "the transaction reads at a time before the relation could be read";
            return Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, what));
        }
        let mut holds = holds;
        holds.downgrade(self.timestamp);
        Ok(ReadAt { timestamp: self.timestamp, holds })
    }
}

/// The value of an AS OF or UP TO expression, in milliseconds since 1970.
pub(super) fn constant_time(moment: &Moment<'_>, expr: &ScalarExpr) -> Result<Timestamp, SqlError> {
    let mut expr = expr.clone();
    moment.replace(&mut expr);
    let arena = Arena::new();
    let datum = expr.eval(&[], &arena)?;
    let invalid = || SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "not a valid time for AS OF or UP TO");
    match datum {
        Datum::Null => Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "the time of AS OF or UP TO is NULL")),
        Datum::Int2(n) => u64::try_from(n).map_err(|_| invalid()),
        Datum::Int4(n) => u64::try_from(n).map_err(|_| invalid()),
        Datum::Int8(n) => u64::try_from(n).map_err(|_| invalid()),
        Datum::MzTimestamp(n) => Ok(n),
        Datum::Timestamp(us) | Datum::Timestamptz(us) => time::ms_of_us(us).ok_or_else(invalid),
        Datum::Numeric(_) | Datum::Text(_) => {
            let ty = if matches!(datum, Datum::Text(_)) { SqlType::Text } else { SqlType::NUMERIC };
            let mut text = String::new();
            repr::text::format(datum, &ty, &Default::default(), &mut text);
            text.trim().parse().map_err(|_| invalid())
        }
        _ => Err(invalid()),
    }
}

fn too_old(asked: Timestamp, since: Timestamp) -> SqlError {
    let what = format!("Timestamp ({asked}) is not valid for all inputs");
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, what)
        .detail(format!("The earliest time that can be read is {since}; history before it was compacted."))
}
