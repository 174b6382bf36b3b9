//! Databases, schemas and clusters.

use super::{Change, DdlOutcome, Environment, done, skipped};
use crate::catalog::record::{Cluster, Database, Record, Replica, Schema};
use crate::catalog::store::CatalogStore;
use crate::catalog::view::is_system_schema;
use crate::catalog::{DEFAULT_SCHEMA, SYSTEM_SCHEMAS, view};
use crate::orchestrator::{ServiceKind, ServiceSpec};
use crate::session::SessionContext;
use repr::{SqlError, SqlState};
use sql::plan::{CreateClusterPlan, CreateDatabasePlan, CreateSchemaPlan};

/// Replicas that a cluster can have.
const REPLICAS_MAX: u32 = 16;

impl Environment {
    pub(super) async fn create_database(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        plan: CreateDatabasePlan,
    ) -> Result<DdlOutcome, SqlError> {
        let mut change = self.begin(store);
        if change.catalog.has_database(&plan.name) {
            let error =
                SqlError::new(SqlState::DUPLICATE_DATABASE, format!("database \"{}\" already exists", plan.name));
            return if plan.if_not_exists { skipped("CREATE DATABASE", error) } else { Err(error) };
        }
        change.add_database(&plan.name, &cx.user);
        self.finish(store, change).await?;
        done("CREATE DATABASE")
    }

    pub(super) async fn create_schema(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        plan: CreateSchemaPlan,
    ) -> Result<DdlOutcome, SqlError> {
        let mut change = self.begin(store);
        if !change.catalog.has_database(&plan.database) {
            return Err(view::no_database(&plan.database));
        }
        if is_system_schema(&plan.name) || plan.name.starts_with("pg_") || plan.name.starts_with("mz_") {
            let what = format!("unacceptable schema name \"{}\"", plan.name);
            let detail = "The prefixes \"mz_\" and \"pg_\" are reserved for system schemas.";
            return Err(SqlError::new(SqlState::INVALID_NAME, what).detail(detail));
        }
        if change.catalog.schema(Some(&plan.database), &plan.name).is_some() {
            let error = SqlError::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{}\" already exists", plan.name));
            return if plan.if_not_exists { skipped("CREATE SCHEMA", error) } else { Err(error) };
        }
        change.add_schema(&plan.database, &plan.name, &cx.user);
        self.finish(store, change).await?;
        done("CREATE SCHEMA")
    }

    pub(super) async fn create_cluster(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        plan: CreateClusterPlan,
    ) -> Result<DdlOutcome, SqlError> {
        let mut change = self.begin(store);
        if change.catalog.cluster_by_name(&plan.name).is_some() {
            let error = SqlError::new(SqlState::DUPLICATE_OBJECT, format!("cluster \"{}\" already exists", plan.name));
            return if plan.if_not_exists { skipped("CREATE CLUSTER", error) } else { Err(error) };
        }
        if plan.name.starts_with("mz_") || SYSTEM_SCHEMAS.contains(&plan.name.as_str()) {
            let what = format!("cluster name \"{}\" is reserved", plan.name);
            return Err(SqlError::new(SqlState::INVALID_NAME, what));
        }
        self.0.sizes.get(&plan.size)?;
        if plan.replication_factor > REPLICAS_MAX {
            let what = format!("a cluster can have at most {REPLICAS_MAX} replicas");
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, what));
        }
        let replicas = change.add_cluster(&plan.name, &plan.size, plan.replication_factor, &cx.user);
        self.finish(store, change).await?;
        for replica in &replicas {
            self.start_replica(replica);
        }
        done("CREATE CLUSTER")
    }

    /// Lets a replica's service run, and keeps a connection to it.
    pub(in crate::coord) fn start_replica(&self, replica: &Replica) {
        let Some(orchestrator) = &self.0.orchestrator else { return };
        let workers = self.0.sizes.get(&replica.size).map_or(1, |size| size.workers);
        let kind = ServiceKind::Compute { replica: replica.id, workers };
        let service = orchestrator.ensure_service(ServiceSpec { name: service_name(replica), kind });
        self.0.controller.start_replica(replica.id, replica.cluster, service, self.0.hello.clone());
    }
}

/// The name of a replica's service.
pub(in crate::coord) fn service_name(replica: &Replica) -> String {
    format!("compute-{}", replica.id)
}

impl Change {
    /// A database with its default schema.
    pub(in crate::coord) fn add_database(&mut self, name: &str, owner: &str) {
        let (id, oid) = (self.transaction.next_container(), self.transaction.next_oid());
        self.put(Record::Database(Database { id, oid, name: name.to_string(), owner: owner.to_string() }));
        self.add_schema(name, DEFAULT_SCHEMA, owner);
    }

    /// A schema.
    pub(in crate::coord) fn add_schema(&mut self, database: &str, name: &str, owner: &str) {
        let (id, oid) = (self.transaction.next_container(), self.transaction.next_oid());
        let (database, name, owner) = (Some(database.to_string()), name.to_string(), owner.to_string());
        self.put(Record::Schema(Schema { id, oid, database, name, owner }));
    }

    /// A cluster with replicas `r1`, `r2` …
    pub(in crate::coord) fn add_cluster(&mut self, name: &str, size: &str, replicas: u32, owner: &str) -> Vec<Replica> {
        let id = self.transaction.next_cluster();
        let (name, size, owner) = (name.to_string(), size.to_string(), owner.to_string());
        self.put(Record::Cluster(Cluster { id, name, size: size.clone(), owner }));
        let mut added = Vec::new();
        for number in 1..=replicas {
            let replica = Replica {
                id: self.transaction.next_replica(),
                cluster: id,
                name: format!("r{number}"),
                size: size.clone(),
            };
            self.put(Record::Replica(replica.clone()));
            added.push(replica);
        }
        added
    }
}
