//! Threads that run timely.

use crate::timely_config;
use std::thread::Thread;

/// One worker: steps its dataflows.
pub type Worker = timely::worker::Worker;

/// Running workers. Dropping it waits for them to end.
pub struct Workers {
    _guards: timely::communication::WorkerGuards<()>,
    /// To wake them: unpark after a command was queued.
    pub threads: Vec<Thread>,
}

/// Starts `count` threads that each run `body`, which ends when it is told to by other means.
pub fn run_workers(count: usize, body: impl Fn(&mut Worker) + Send + Sync + 'static) -> Result<Workers, String> {
    let guards = timely::execute(timely_config(count), move |worker| body(worker))?;
    let threads = guards.guards().iter().map(|guard| guard.thread().clone()).collect();
    Ok(Workers { _guards: guards, threads })
}
