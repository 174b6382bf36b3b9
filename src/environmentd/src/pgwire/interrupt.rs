//! What stops a statement from outside: a cancel request, its time-out, a session that is ended, or a client that went away.

use repr::{SqlError, SqlState};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the client of a session that is ended is told.
pub fn terminated() -> SqlError {
    SqlError::new(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}

/// Armed for one statement.
pub struct Interrupt(Pin<Box<dyn Future<Output = SqlError> + Send>>);

impl Interrupt {
    /// Fires on the first of them.
    pub fn new(
        cancel: Arc<Notify>,
        gone: CancellationToken,
        terminate: CancellationToken,
        timeout: Option<Duration>,
    ) -> Self {
        let canceled = |why: &str| SqlError::new(SqlState::QUERY_CANCELED, format!("canceling statement due to {why}"));
        Interrupt(Box::pin(async move {
            let expired = async {
                match timeout {
                    Some(timeout) => tokio::time::sleep(timeout).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cancel.notified() => canceled("user request"),
                () = expired => canceled("statement timeout"),
                () = terminate.cancelled() => terminated(),
                () = gone.cancelled() => SqlError::new(SqlState::CONNECTION_EXCEPTION, "connection to client lost"),
            }
        }))
    }

    /// Runs `work`, unless interrupted.
    pub async fn run<T>(&mut self, work: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        tokio::select! {
            biased;
            error = &mut self.0 => {
                // A future that has fired must not be polled again; it goes on firing.
                let again = error.clone();
                self.0 = Box::pin(std::future::ready(again));
                Err(error)
            }
            result = work => result,
        }
    }
}
