//! Differential fuzzing: random tables, histories and queries, answered by Freshet and by PostgreSQL 15.
//!
//! A round makes tables with data ([`data`]) and queries over them ([`query`], [`expr`]), all from one seed. Each query runs on both servers; then it
//! becomes a materialized view of Freshet's, both servers apply the same random changes, and after each the view must hold what PostgreSQL answers.
//! [`compare`] says what counts as equal: what `docs/sql.md` explains, and nothing more. What differs is made small ([`minimize`]) and printed as a script.

mod changes;
mod compare;
mod data;
mod expr;
mod flat;
mod from;
mod functions;
mod minimize;
mod node;
mod query;
mod round;
mod select;
mod servers;
mod summary;
#[cfg(test)]
mod tests;
mod types;
mod values;
mod window;

pub use round::{Config, run};
pub use summary::Summary;
