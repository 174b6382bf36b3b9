//! Black-box tests: real servers, real clients, nothing of the engine linked.
//!
//! [`freshet`] starts an environment from the built binaries, [`pg`] a PostgreSQL 15, [`slt`] runs SQL files, [`fuzz`] compares random queries, [`tpch`] maintains TPC-H's.
//! The tests are in `tests/tests`.

pub mod bank;
pub mod freshet;
pub mod fuzz;
pub mod pg;
pub mod queries;
pub mod slt;
pub mod tpch;
