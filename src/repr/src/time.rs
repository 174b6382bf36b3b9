//! Times, differences and frontiers.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01 00:00 UTC.
pub type Timestamp = u64;

/// How many copies of a row an update adds (positive) or removes (negative).
pub type Diff = i64;

/// A lower bound on the times that may still appear; over a totally ordered time it is one time, or none at all.
///
/// `since` and `upper` are frontiers. An *upper* is exclusive: times before it are final. A *since* is inclusive:
/// times at or after it can be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frontier(Option<Timestamp>);

impl Frontier {
    /// Before anything happened.
    pub const MIN: Frontier = Frontier(Some(0));
    /// Nothing more will happen: the empty frontier.
    pub const DONE: Frontier = Frontier(None);

    /// The frontier that stands at `time`.
    pub const fn at(time: Timestamp) -> Self {
        Frontier(Some(time))
    }

    /// The time of this frontier; `None` when it is done.
    pub const fn time(self) -> Option<Timestamp> {
        self.0
    }

    /// Whether nothing more will happen.
    pub const fn is_done(self) -> bool {
        self.0.is_none()
    }

    /// Whether updates at `time` may still appear: `frontier <= time`.
    pub fn less_equal(self, time: Timestamp) -> bool {
        self.0.is_some_and(|t| t <= time)
    }

    /// Whether all updates at `time` have appeared: `time < frontier`.
    pub fn is_beyond(self, time: Timestamp) -> bool {
        !self.less_equal(time)
    }

    /// The earlier of both.
    pub fn meet(self, other: Self) -> Self {
        self.min(other)
    }

    /// The later of both.
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }

    /// The latest time that is before this frontier: the last complete time of an upper.
    pub fn last_complete(self) -> Option<Timestamp> {
        match self.0 {
            Some(t) => t.checked_sub(1),
            None => Some(Timestamp::MAX),
        }
    }
}

impl PartialOrd for Frontier {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Frontier {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.0, other.0) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        }
    }
}

impl fmt::Debug for Frontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(t) => write!(f, "[{t}]"),
            None => f.write_str("[]"),
        }
    }
}

impl fmt::Display for Frontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
