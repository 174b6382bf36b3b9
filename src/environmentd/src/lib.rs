//! environmentd: sessions, catalog, timestamps, controllers.

pub mod catalog;
pub mod coord;
pub mod session;
