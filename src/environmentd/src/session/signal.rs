//! `pg_cancel_backend` and `pg_terminate_backend`: the query gives process ids, which are signalled once all of them are known.

use super::execute::{Rows, Session};
use crate::coord::RowStream;
use repr::{Datum, Row, SqlError, SqlState};
use sql::plan::Signal;

impl Session {
    /// Rows with, in place of the process ids in these columns, whether there was a session to be signalled.
    pub(super) async fn send_signals(
        &mut self,
        rows: RowStream,
        signals: &[(usize, Signal)],
    ) -> Result<Rows, SqlError> {
        let rows = rows.collect().await?;
        Ok(Rows::Fixed(Some(rows.iter().map(|row| self.signalled(row, signals)).collect())))
    }

    fn signalled(&mut self, row: &Row, signals: &[(usize, Signal)]) -> Row {
        let mut datums = row.unpack();
        for (column, signal) in signals {
            if let Datum::Int4(pid) = datums[*column] {
                datums[*column] = Datum::Bool(self.send_signal(pid, *signal));
            }
        }
        Row::pack(datums)
    }

    fn send_signal(&mut self, pid: i32, signal: Signal) -> bool {
        let sent = self.env.sessions().signal(pid, signal);
        if !sent {
            let what = format!("PID {pid} is not a PostgreSQL backend process");
            self.notices.push(SqlError::new(SqlState::WARNING, what));
        }
        sent
    }
}
