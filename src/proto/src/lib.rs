//! What the processes say to each other: the controller, storage and compute protocols.

pub mod compute;
pub mod storage;
