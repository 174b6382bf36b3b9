//! What a dataflow is made of: imports, objects to build, exports.

use crate::mfp::Mfp;
use crate::plan::{Key, Plan};
use repr::{Frontier, GlobalId, RelationDesc, ShardId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One dataflow, complete: computed renders it without asking anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataflowDescription {
    /// For people.
    pub name: String,
    /// Shards that are read, by the object they hold.
    pub source_imports: BTreeMap<GlobalId, SourceImport>,
    /// Indexes of the same cluster that are read, by the index's id.
    pub index_imports: BTreeMap<GlobalId, IndexDesc>,
    /// Plans, in dependency order; each may `Get` imports and earlier ones.
    pub objects_to_build: Vec<BuildDesc>,
    /// Arrangements to keep, by the index's id.
    pub index_exports: BTreeMap<GlobalId, IndexDesc>,
    /// Outputs, by the sink's id.
    pub sink_exports: BTreeMap<GlobalId, SinkDesc>,
    /// From which time on contents are exact; earlier updates appear at it.
    pub as_of: Timestamp,
    /// Times at or after it are not needed: a one-off SELECT at t says t + 1.
    pub until: Frontier,
}

/// A shard that a dataflow reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceImport {
    /// The shard.
    pub shard: ShardId,
    /// Names and types of what it holds.
    pub desc: RelationDesc,
    /// Applied to each row as it is read, if anything can be pushed down; plans see its output.
    pub mfp: Option<Mfp>,
    /// Whether the collection only grows.
    pub monotonic: bool,
}

/// An arrangement of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDesc {
    /// The collection.
    pub on: GlobalId,
    /// By what it is arranged, already canonical.
    pub key: Key,
    /// The collection's columns.
    pub desc: RelationDesc,
}

/// A plan with the name others refer to it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildDesc {
    /// The name.
    pub id: GlobalId,
    /// The plan.
    pub plan: Plan,
}

/// An output of a dataflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkDesc {
    /// The collection that goes out.
    pub from: GlobalId,
    /// Its columns.
    pub desc: RelationDesc,
    /// Where to.
    pub connection: SinkConnection,
    /// Updates up to and including the as-of are left out, if false.
    pub with_snapshot: bool,
}

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SinkConnection {
    /// To environmentd, as subscribe responses.
    Subscribe,
    /// To the shard of a materialized view.
    MaterializedView {
        /// The shard.
        shard: ShardId,
        /// Fences older plans of the same view.
        plan_version: u64,
    },
}
