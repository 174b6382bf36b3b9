//! Blobs.
/// A store of immutable values.
pub trait Blob: Send + Sync + std::fmt::Debug {}
