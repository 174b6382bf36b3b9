//! What the processes say to each other: the controller, storage and compute protocols.
//!
//! [`compute`] and [`storage`] are the words; [`controller`] carries them between environmentd and its replicas, [`push`] carries committed
//! transactions between all processes. Both travel in the envelope of `proto/freshet.proto`, see [`wire`].

pub mod compute;
pub mod controller;
pub mod push;
pub mod storage;
pub mod wire;

#[allow(missing_docs, clippy::all)]
#[rustfmt::skip]
mod generated {
    include!("generated/freshet.rs");
}

pub use wire::{Hello, ProtocolError};

/// Names the sources of everything that travels between processes; the handshake demands the same on both sides.
pub fn build_id() -> &'static str {
    env!("FRESHET_BUILD_ID")
}
