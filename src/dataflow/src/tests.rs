//! Rendered plans against evaluation from scratch: at every time, with one and two workers, through inserts and deletes.

mod aggregates;
mod harness;
mod operators;
mod oracle;
mod peeks;
mod random;
mod recursion;
mod scalars;
mod temporal;
mod window_oracle;
mod windows;
