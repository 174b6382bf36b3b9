//! Rendered plans against oracles.
