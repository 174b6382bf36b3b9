//! `interval` values.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

/// A span of time in PostgreSQL's three independent parts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Months, which differ in length.
    pub months: i32,
    /// Days, which differ in length where daylight saving time begins or ends.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Interval {
    /// Microseconds with a month taken as 30 days and a day as 24 hours: what SQL compares by.
    pub fn total_us(&self) -> i128 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        days * i128::from(DAY_US) + i128::from(self.micros)
    }

    /// The form that stands for all intervals SQL calls equal to this one: months and days filled up.
    pub fn canonical(&self) -> Interval {
        let total = self.total_us();
        let day = i128::from(DAY_US);
        let (days, micros) = (total / day, (total % day) as i64);
        Interval { months: (days / 30) as i32, days: (days % 30) as i32, micros }
    }
}

impl PartialEq for Interval {
    fn eq(&self, other: &Self) -> bool {
        self.total_us() == other.total_us()
    }
}
impl Eq for Interval {}
impl Ord for Interval {
    fn cmp(&self, other: &Self) -> Ordering {
        self.total_us().cmp(&other.total_us())
    }
}
impl PartialOrd for Interval {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
