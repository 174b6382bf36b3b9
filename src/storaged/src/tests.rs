//! Sources against a real PostgreSQL, and the commands that run them.

mod command;
mod fixture;
mod postgres;
