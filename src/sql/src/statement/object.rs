//! CREATE DATABASE, CREATE SCHEMA, CREATE CLUSTER; VACUUM and ANALYZE, which look at their tables only.

use super::Cx;
use super::names::{fold, has_database, has_schema, name_parts, resolve_relation, schema_name};
use super::options::Options;
use crate::parser::extension::ast::{CreateCluster, CreateContainer};
use crate::plan::{CreateClusterPlan, CreateDatabasePlan, CreateSchemaPlan, Plan};
use repr::{SqlError, SqlState};
use sqlparser::ast::ObjectName;

/// The most replicas that a cluster may have: each holds all of its state.
const REPLICAS_MAX: u32 = 16;

/// `CREATE DATABASE`
pub(super) fn create_database(cx: &Cx<'_>, s: &CreateContainer) -> Result<Plan, SqlError> {
    let parts = name_parts(&s.name)?;
    let [name] = parts.as_slice() else {
        let message = format!("improper database name: {}", parts.join("."));
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    };
    if !s.if_not_exists && has_database(cx.catalog, name) {
        return Err(SqlError::new(SqlState::DUPLICATE_DATABASE, format!("database \"{name}\" already exists")));
    }
    Ok(Plan::CreateDatabase(CreateDatabasePlan { name: name.clone(), if_not_exists: s.if_not_exists }))
}

/// `CREATE SCHEMA`
pub(super) fn create_schema(cx: &Cx<'_>, s: &CreateContainer) -> Result<Plan, SqlError> {
    let (database, name) = schema_name(cx.catalog, &s.name)?;
    if name.starts_with("pg_") || name.starts_with("mz_") {
        let error = SqlError::new(SqlState::INVALID_NAME, format!("unacceptable schema name \"{name}\""));
        return Err(error.detail("The prefixes \"mz_\" and \"pg_\" are reserved for system schemas."));
    }
    if !has_database(cx.catalog, &database) {
        let message = format!("database \"{database}\" does not exist");
        return Err(SqlError::new(SqlState::INVALID_CATALOG_NAME, message));
    }
    if !s.if_not_exists && has_schema(cx.catalog, &database, &name) {
        return Err(SqlError::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{name}\" already exists")));
    }
    Ok(Plan::CreateSchema(CreateSchemaPlan { database, name, if_not_exists: s.if_not_exists }))
}

/// `CREATE CLUSTER`
pub(super) fn create_cluster(cx: &Cx<'_>, s: &CreateCluster) -> Result<Plan, SqlError> {
    let name = fold(&s.name);
    let mut options = Options::new("CREATE CLUSTER", &s.options)?;
    if options.bool("MANAGED")? == Some(false) {
        return Err(SqlError::unsupported("an unmanaged cluster").hint("Give the cluster a SIZE."));
    }
    let size = options.required("SIZE")?;
    let replication_factor = options.number::<u32>("REPLICATION FACTOR")?.unwrap_or(1);
    if replication_factor > REPLICAS_MAX {
        let message = format!("REPLICATION FACTOR cannot be greater than {REPLICAS_MAX}");
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if name.starts_with("mz_") {
        let error = SqlError::new(SqlState::INVALID_NAME, format!("unacceptable cluster name \"{name}\""));
        return Err(error.detail("The prefix \"mz_\" is reserved for system clusters."));
    }
    if !s.if_not_exists && cx.catalog.cluster(&name).is_some() {
        return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, format!("cluster \"{name}\" already exists")));
    }
    Ok(Plan::CreateCluster(CreateClusterPlan { name, size, replication_factor, if_not_exists: s.if_not_exists }))
}

/// `VACUUM`, `ANALYZE`: storage is compacted without being asked, and there are no statistics to gather.
pub(super) fn maintain(cx: &Cx<'_>, tag: &'static str, tables: &[ObjectName]) -> Result<Plan, SqlError> {
    for table in tables {
        resolve_relation(cx.catalog, table)?;
    }
    Ok(Plan::NothingToDo(tag))
}
