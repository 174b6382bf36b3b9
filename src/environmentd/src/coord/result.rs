//! What a read returns to its session: streams that stop their work when they are dropped.

use repr::{Row, SqlError};
use std::collections::VecDeque;

/// The rows of a SELECT, in chunks. Dropping it cancels what still runs.
pub struct RowStream {
    ready: VecDeque<Vec<Row>>,
}

impl RowStream {
    /// The next rows; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, SqlError> {
        Ok(self.ready.pop_front())
    }
}

/// The output of a SUBSCRIBE, in order of time. Dropping it ends the subscribe.
pub struct SubscribeStream {
    ready: VecDeque<Vec<Row>>,
}

impl SubscribeStream {
    /// The next rows, when there are some; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, SqlError> {
        Ok(self.ready.pop_front())
    }
}
