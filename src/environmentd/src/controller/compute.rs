//! Dataflows and replicas: what runs where, and the history that brings a replica to it.

use super::{Collection, CollectionKind, Controller, Dataflow, Replica, State};
use crate::catalog::system::ReplicaState;
use crate::coord::time::now_ms;
use expr::DataflowDescription;
use proto::compute::{ComputeCommand, ComputeResponse};
use repr::{ClusterId, Frontier, GlobalId, ReplicaId};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// What a dataflow is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataflowKind {
    /// Keeps an index.
    Index,
    /// Keeps a materialized view's shard.
    MaterializedView,
    /// Answers one SELECT through an index of its own.
    Peek,
    /// Feeds one SUBSCRIBE.
    Subscribe,
}

/// A dataflow that lives as long as this value.
pub struct DataflowGuard {
    controller: Controller,
    id: GlobalId,
}

impl Drop for DataflowGuard {
    fn drop(&mut self) {
        self.controller.drop_dataflow(self.id);
    }
}

impl Controller {
    /// Runs a dataflow on all replicas of a cluster, named by its only export. The caller holds its inputs at its as-of until this returns.
    pub fn create_dataflow(&self, cluster: ClusterId, kind: DataflowKind, desc: DataflowDescription) {
        let Some(id) = export_of(&desc) else { return };
        let mut state = self.lock();
        if matches!(kind, DataflowKind::Index | DataflowKind::Peek) {
            let kind = CollectionKind::Index { uppers: BTreeMap::new() };
            let since = Frontier::at(desc.as_of);
            state.collections.insert(id, Collection { kind, since, holds: BTreeMap::new() });
        }
        state.broadcast(cluster, &ComputeCommand::CreateDataflow(Box::new(desc.clone())));
        let dataflow = Dataflow { cluster, kind, desc, dropped: false, uppers: BTreeMap::new() };
        state.dataflows.insert(id, dataflow);
    }

    /// The same for a dataflow that ends with the returned value.
    pub fn run_dataflow(&self, cluster: ClusterId, kind: DataflowKind, desc: DataflowDescription) -> DataflowGuard {
        let id = export_of(&desc).unwrap_or(GlobalId::Transient(0));
        self.create_dataflow(cluster, kind, desc);
        DataflowGuard { controller: self.clone(), id }
    }

    /// Stops a dataflow, as soon as no other imports its index.
    pub fn drop_dataflow(&self, id: GlobalId) {
        let mut state = self.lock();
        if let Some(dataflow) = state.dataflows.get_mut(&id) {
            dataflow.dropped = true;
        }
        state.reap_dropped();
    }

    /// A replica exists from now on; `stop` ends its task.
    pub fn add_replica(&self, id: ReplicaId, cluster: ClusterId, stop: tokio_util::sync::DropGuard) {
        let changed_at = now_ms();
        let replica = Replica { cluster, commands: None, reason: None, changed_at, _stop: stop };
        self.lock().replicas.insert(id, replica);
    }

    /// A replica is gone from the catalog.
    pub fn remove_replica(&self, id: ReplicaId) {
        self.disconnected(id, "dropped");
        let mut state = self.lock();
        state.replicas.remove(&id);
        for collection in state.collections.values_mut() {
            if let CollectionKind::Index { uppers } = &mut collection.kind {
                uppers.remove(&id);
            }
        }
        for dataflow in state.dataflows.values_mut() {
            dataflow.uppers.remove(&id);
        }
    }

    /// Whether a cluster has replicas at all.
    pub fn has_replicas(&self, cluster: ClusterId) -> bool {
        self.lock().replicas.values().any(|replica| replica.cluster == cluster)
    }

    /// A replica answered: returns the queue of its commands, beginning with its history.
    pub(super) fn connected(&self, id: ReplicaId) -> Option<mpsc::UnboundedReceiver<ComputeCommand>> {
        let mut state = self.lock();
        let cluster = state.replicas.get(&id)?.cluster;
        let (commands, queue) = mpsc::unbounded_channel();
        // ORDER: history and queue are made under one lock, so that no command falls between them.
        for command in state.history(cluster) {
            let _ = commands.send(command);
        }
        let replica = state.replicas.get_mut(&id)?;
        replica.commands = Some(commands);
        (replica.reason, replica.changed_at) = (None, now_ms());
        Some(queue)
    }

    /// A replica does not answer.
    pub(super) fn disconnected(&self, id: ReplicaId, reason: &str) {
        let mut state = self.lock();
        let Some(replica) = state.replicas.get_mut(&id) else { return };
        if replica.commands.take().is_some() || replica.reason.is_none() {
            replica.changed_at = now_ms();
        }
        replica.reason = Some(reason.to_string());
        state.forget_partial_answers(id);
    }

    /// What a replica says.
    pub(super) fn respond(&self, replica: ReplicaId, response: ComputeResponse) {
        let mut state = self.lock();
        match response {
            ComputeResponse::Frontier { id, upper } => state.record_upper(replica, id, upper),
            ComputeResponse::Peek(id, response) => state.deliver_peek(replica, id, response),
            ComputeResponse::Subscribe(id, response) => state.deliver_subscribe(id, response),
            ComputeResponse::Status { id, error } => {
                tracing::warn!(%replica, %id, code = %error.code, "{}", error.message);
                state.fail_transient(id, error);
            }
        }
    }

    /// What system relations tell of replicas.
    pub fn replica_states(&self) -> Vec<ReplicaState> {
        let state = self.lock();
        let tell = |(id, replica): (&ReplicaId, &Replica)| ReplicaState {
            id: *id,
            online: replica.commands.is_some(),
            reason: replica.reason.clone(),
            changed_at: replica.changed_at,
        };
        state.replicas.iter().map(tell).collect()
    }
}

impl State {
    /// All commands that still matter to a replica of this cluster.
    fn history(&self, cluster: ClusterId) -> Vec<ComputeCommand> {
        let mut commands = Vec::new();
        for (id, dataflow) in self.dataflows.iter().filter(|(_, d)| d.cluster == cluster) {
            let mut desc = dataflow.desc.clone();
            desc.as_of = self.rebuild_at(*id, dataflow);
            commands.push(ComputeCommand::CreateDataflow(Box::new(desc)));
        }
        let peeks = self.peeks.values().filter(|p| p.cluster == cluster);
        commands.extend(peeks.map(|p| ComputeCommand::Peek(Box::new(p.peek.clone()))));
        commands.push(ComputeCommand::InitializationComplete);
        commands
    }

    fn record_upper(&mut self, replica: ReplicaId, id: GlobalId, upper: Frontier) {
        let index = self.collections.get_mut(&id).and_then(|collection| match &mut collection.kind {
            CollectionKind::Index { uppers } => Some(uppers),
            CollectionKind::Shard { .. } => None,
        });
        let uppers = index.or(self.dataflows.get_mut(&id).map(|dataflow| &mut dataflow.uppers));
        if let Some(uppers) = uppers {
            uppers.insert(replica, upper);
        }
    }

    pub(super) fn stop_dataflow(&mut self, id: GlobalId) {
        let Some(dataflow) = self.dataflows.remove(&id) else { return };
        if matches!(dataflow.kind, DataflowKind::Index | DataflowKind::Peek) {
            self.collections.remove(&id);
        }
        self.subscribes.remove(&id);
        self.broadcast(dataflow.cluster, &ComputeCommand::AllowCompaction { id, since: Frontier::DONE });
    }
}

/// The one export that names a dataflow.
fn export_of(desc: &DataflowDescription) -> Option<GlobalId> {
    desc.index_exports.keys().chain(desc.sink_exports.keys()).next().copied()
}
