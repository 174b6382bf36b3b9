//! When a read happens.

use repr::Timestamp;

/// The time that all reads of a transaction share, from its first read on, with the holds that keep it readable.
#[derive(Debug, Default)]
pub struct ReadTransaction {
    timestamp: Option<Timestamp>,
}

impl ReadTransaction {
    /// The time, once there was a read.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
