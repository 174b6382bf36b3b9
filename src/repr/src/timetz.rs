//! `time with time zone` values.

use crate::datetime::SECOND_US;
use crate::interval::DAY_US;
use std::cmp::Ordering;

/// A time of the day in a zone of a fixed offset.
#[derive(Clone, Copy, Debug)]
pub struct TimeTz {
    /// Microseconds since midnight on the zone's clock.
    pub micros: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

impl TimeTz {
    /// Microseconds since midnight UTC; may lie outside of the day.
    pub fn utc_micros(&self) -> i64 {
        self.micros - i64::from(self.offset) * SECOND_US
    }

    /// The same moment of the day on the clock of another offset.
    pub fn at_offset(&self, offset: i32) -> TimeTz {
        let micros = self.utc_micros() + i64::from(offset) * SECOND_US;
        TimeTz { micros: micros.rem_euclid(DAY_US), offset }
    }
}

impl Ord for TimeTz {
    /// By the moment; of equal ones the eastern zone comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        self.utc_micros().cmp(&other.utc_micros()).then(other.offset.cmp(&self.offset))
    }
}
impl PartialOrd for TimeTz {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for TimeTz {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for TimeTz {}
