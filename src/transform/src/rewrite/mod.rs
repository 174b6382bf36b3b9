//! The rewrites: each a file, each with its law.

pub mod eager;
pub mod fold;
pub mod fuse;
pub mod fuse_join;
pub mod lets;
pub mod monotonic;
pub mod narrow;
pub mod pushdown;
pub mod redundant;
pub mod share;
pub mod window;
