//! Types that `CREATE TYPE … AS (…)` makes: records with a name. Their values are records.

use crate::{ColumnName, ColumnType};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A composite type. Two are the same if their oids are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompositeType {
    /// Its oid.
    pub oid: u32,
    /// The oid of arrays of it.
    pub array_oid: u32,
    /// What it is called.
    pub name: String,
    /// Its fields, in order.
    pub fields: Vec<(ColumnName, ColumnType)>,
}

impl PartialEq for CompositeType {
    fn eq(&self, other: &Self) -> bool {
        self.oid == other.oid
    }
}
impl Eq for CompositeType {}
impl PartialOrd for CompositeType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for CompositeType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.oid.cmp(&other.oid)
    }
}
impl Hash for CompositeType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.oid.hash(state);
    }
}
