//! PostgreSQL's wire protocol, version 3: psql and drivers connect here.
//!
//! [`serve`] accepts connections; each runs on a task of its own (`connection`), with a reading task beside it, so that a cancel request
//! and a client that goes away are noticed while a statement runs.

mod codec;
mod connection;
mod copy_in;
mod extended;
mod interrupt;
mod registry;
mod respond;
mod rows;
mod scram;
mod security;
mod startup;
mod stream;
#[cfg(test)]
mod tests;

pub use security::Security;

use crate::coord::Environment;
use registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How many clients may be connected; each takes two tasks and a file descriptor.
const CONNECTIONS_MAX: usize = 5000;
/// A peer that does not answer for about this long is gone.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Accepts clients until the task is dropped.
pub async fn serve(listener: TcpListener, env: Environment, security: Security) {
    let registry = Arc::new(Registry::new(CONNECTIONS_MAX));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                prepare(&stream);
                tokio::spawn(connection::run(stream, peer, env.clone(), Arc::clone(&registry), security.clone()));
            }
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to be returned.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn prepare(stream: &TcpStream) {
    let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 2);
    let socket = socket2::SockRef::from(stream);
    // Both only help: a connection without them works.
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = stream.set_nodelay(true);
}
