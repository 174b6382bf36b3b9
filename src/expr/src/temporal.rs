//! Temporal filters: predicates that compare the present moment with a row's own values, so that time alone brings rows in and takes
//! them away.
//!
//! ```text
//! now() < sent + '1 hour'     ─▶  moment <  sent + 1 h          until  ⌈sent⌉ + 1 h
//! now()::date - due > 30      ─▶  ⌊moment⌋day - 30 days > due   from   ⌊due + 30 days⌋day + 1 day
//! ```
//!
//! [`bounds`] takes a predicate apart, for plans that are maintained; [`Bound::lifetime`] says for a value at which times the
//! predicate is true. `mz_now()` and `now()` are both the logical time there.

mod moment;
#[cfg(test)]
mod tests;

use crate::scalar::{ScalarExpr, Unmaterializable};
use moment::Moment;
use repr::datetime::UNIX_EPOCH_US;
use repr::interval::DAY_US;
use repr::{Datum, Frontier, Timestamp};
use serde::{Deserialize, Serialize};

/// How the moment compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `moment < value`
    Before,
    /// `moment <= value`
    UpTo,
    /// `moment = value`
    At,
    /// `moment >= value`
    From,
    /// `moment > value`
    After,
}

/// One comparison of the moment with a value of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bound {
    moment: Moment,
    comparison: Comparison,
}

/// The times at which something holds: from the first up to, but not including, the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The first time.
    pub from: Timestamp,
    /// Where it ends.
    pub until: Frontier,
}

impl Lifetime {
    /// At all times.
    pub const ALWAYS: Lifetime = Lifetime { from: 0, until: Frontier::DONE };
    /// At no time.
    pub const NEVER: Lifetime = Lifetime { from: 0, until: Frontier::MIN };

    /// When both hold.
    pub fn intersect(self, other: Self) -> Self {
        Lifetime { from: self.from.max(other.from), until: self.until.meet(other.until) }
    }

    /// Whether it holds at no time.
    pub fn is_empty(self) -> bool {
        self.until.less_equal(self.from)
    }
}

/// Whether an expression depends on the moment: `mz_now()` or `now()` is in it.
pub fn is_temporal(expr: &ScalarExpr) -> bool {
    expr.any(&is_moment)
}

fn is_moment(expr: &ScalarExpr) -> bool {
    matches!(expr, ScalarExpr::Unmaterializable(Unmaterializable::MzNow | Unmaterializable::CurrentTimestamp))
}

/// The bounds that a temporal predicate sets, each with the value that the moment is compared with; it is true where all are. None if the
/// predicate is not of this form.
pub fn bounds(predicate: &ScalarExpr) -> Option<Vec<(Bound, ScalarExpr)>> {
    match predicate {
        ScalarExpr::And(operands) => {
            let all = operands.iter().map(bounds).collect::<Option<Vec<_>>>()?;
            Some(all.into_iter().flatten().collect())
        }
        ScalarExpr::Call { func, args } if func.0.name == "not" => {
            let (comparison, left, right) = comparison(&args[0])?;
            bound(comparison.negated()?, left, right)
        }
        _ => {
            let (comparison, left, right) = comparison(predicate)?;
            bound(comparison, left, right)
        }
    }
}

/// A comparison's parts.
fn comparison(predicate: &ScalarExpr) -> Option<(Comparison, &ScalarExpr, &ScalarExpr)> {
    let ScalarExpr::Call { func, args } = predicate else { return None };
    let [left, right] = &args[..] else { return None };
    let comparison = match func.0.sql_name {
        "<" => Comparison::Before,
        "<=" => Comparison::UpTo,
        "=" => Comparison::At,
        ">=" => Comparison::From,
        ">" => Comparison::After,
        _ => return None,
    };
    Some((comparison, left, right))
}

/// The bound that `left comparison right` sets.
fn bound(comparison: Comparison, left: &ScalarExpr, right: &ScalarExpr) -> Option<Vec<(Bound, ScalarExpr)>> {
    let (comparison, temporal, other) = match (is_temporal(left), is_temporal(right)) {
        (true, false) => (comparison, left, right),
        (false, true) => (comparison.reversed(), right, left),
        _ => return None,
    };
    let (moment, comparison, value) = match Moment::of(temporal) {
        Some(moment) => (moment, comparison, other.clone()),
        None => {
            let (moment, reversed, value) = Moment::of_difference(temporal, other)?;
            (moment, if reversed { comparison.reversed() } else { comparison }, value)
        }
    };
    Some(vec![(Bound { moment, comparison }, value)])
}

impl Comparison {
    /// The same with its sides exchanged.
    fn reversed(self) -> Self {
        match self {
            Comparison::Before => Comparison::After,
            Comparison::UpTo => Comparison::From,
            Comparison::At => Comparison::At,
            Comparison::From => Comparison::UpTo,
            Comparison::After => Comparison::Before,
        }
    }

    /// What holds where this does not; `<>` is no bound.
    fn negated(self) -> Option<Self> {
        match self {
            Comparison::Before => Some(Comparison::From),
            Comparison::UpTo => Some(Comparison::After),
            Comparison::At => None,
            Comparison::From => Some(Comparison::Before),
            Comparison::After => Some(Comparison::UpTo),
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Comparison::Before => "<",
            Comparison::UpTo => "<=",
            Comparison::At => "=",
            Comparison::From => ">=",
            Comparison::After => ">",
        }
    }
}

impl Bound {
    /// The times at which the comparison with a value is true: a date, a timestamp of either kind or an `mz_timestamp`. None is with NULL.
    pub fn lifetime(&self, value: Datum<'_>) -> Lifetime {
        let Some(micros) = micros(value) else { return Lifetime::NEVER };
        // The first moments at which the stepping moment is at, and beyond, the value.
        let (at, beyond) = self.moment.steps(micros);
        let (from, until) = match self.comparison {
            Comparison::Before => (None, Some(at)),
            Comparison::UpTo => (None, Some(beyond)),
            Comparison::At => (Some(at), Some(beyond)),
            Comparison::From => (Some(at), None),
            Comparison::After => (Some(beyond), None),
        };
        let until = until.map_or(Frontier::DONE, first_time);
        match from.map_or(Some(0), |from| first_time(from).time()) {
            Some(from) => Lifetime { from, until },
            None => Lifetime::NEVER,
        }
    }

    /// As it is explained, with the value that the moment is compared with.
    pub fn explain(&self, value: &str) -> String {
        format!("{} {} {value}", self.moment, self.comparison.symbol())
    }
}

/// Microseconds since 2000; beyond all others for the infinite ones.
fn micros(value: Datum<'_>) -> Option<i128> {
    const INFINITY: i128 = 1 << 96;
    let finite = |value: i64, unit: i64, (least, most): (i64, i64)| match value {
        v if v == least => -INFINITY,
        v if v == most => INFINITY,
        v => i128::from(v) * i128::from(unit),
    };
    Some(match value {
        Datum::Timestamp(v) | Datum::Timestamptz(v) => finite(v, 1, (i64::MIN, i64::MAX)),
        Datum::Date(v) => finite(v.into(), DAY_US, (i32::MIN.into(), i32::MAX.into())),
        Datum::MzTimestamp(v) => i128::from(v) * 1000 - i128::from(UNIX_EPOCH_US),
        _ => return None,
    })
}

/// The first logical time at or after a moment, in microseconds since 2000; done if there is none.
fn first_time(micros: i128) -> Frontier {
    let since_1970 = micros + i128::from(UNIX_EPOCH_US);
    let milliseconds = since_1970.div_euclid(1000) + i128::from(since_1970.rem_euclid(1000) != 0);
    Timestamp::try_from(milliseconds.max(0)).map_or(Frontier::DONE, Frontier::at)
}
