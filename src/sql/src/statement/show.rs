//! SHOW of objects: queries over the system relations.

use super::Cx;
use super::names::*;
use super::select::plan_text;
use crate::catalog::SessionCatalog;
use crate::parser::extension::ast::{ObjectKind, ShowFilter, ShowList, ShowObjects};
use crate::parser::extension::print::quote_string;
use crate::plan::Plan;
use repr::{SqlError, SqlState};
use sqlparser::ast::ObjectName;

/// A list before it is filtered: a query with a place for the condition that `FROM`, `ON` and `IN CLUSTER` give.
struct List {
    /// Columns to show, of `q`.
    columns: &'static str,
    /// The rows, up to and including `WHERE`.
    rows: &'static str,
    /// Columns of `q` to order by.
    order: &'static str,
    /// What LIKE compares.
    like: &'static str,
}

/// Joins an object `o` with its schema and database.
macro_rules! in_schema {
    ($columns:literal, $relation:literal, $more:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $relation,
            " o JOIN mz_catalog.mz_schemas s ON o.schema_id = s.id",
            " LEFT JOIN mz_catalog.mz_databases d ON s.database_id = d.id ",
            $more,
            " WHERE "
        )
    };
}

fn list(list: ShowList) -> List {
    let (columns, rows) = match list {
        ShowList::Tables => ("name, comment", in_schema!("o.name, '' AS comment", "mz_catalog.mz_tables", "")),
        ShowList::Views => ("name, comment", in_schema!("o.name, '' AS comment", "mz_catalog.mz_views", "")),
        ShowList::Secrets => ("name, comment", in_schema!("o.name, '' AS comment", "mz_catalog.mz_secrets", "")),
        ShowList::Objects => {
            ("name, type, comment", in_schema!("o.name, o.type, '' AS comment", "mz_catalog.mz_objects", ""))
        }
        ShowList::Connections => {
            ("name, type, comment", in_schema!("o.name, o.type, '' AS comment", "mz_catalog.mz_connections", ""))
        }
        ShowList::MaterializedViews => (
            "name, cluster, comment",
            in_schema!(
                "o.name, c.name AS cluster, '' AS comment",
                "mz_catalog.mz_materialized_views",
                "JOIN mz_catalog.mz_clusters c ON o.cluster_id = c.id"
            ),
        ),
        ShowList::Sources => (
            "name, type, cluster, comment",
            in_schema!(
                "o.name, o.type, c.name AS cluster, '' AS comment",
                "mz_catalog.mz_sources",
                "LEFT JOIN mz_catalog.mz_clusters c ON o.cluster_id = c.id"
            ),
        ),
        ShowList::Indexes => ("name, \"on\", cluster, key, comment", INDEXES),
        ShowList::Columns => ("name, nullable, type, comment", COLUMNS),
        ShowList::Clusters => ("name, replicas, comment", CLUSTERS),
        ShowList::ClusterReplicas => ("cluster, replica, size, ready, comment", REPLICAS),
        ShowList::Databases => ("name, comment", "SELECT d.name, '' AS comment FROM mz_catalog.mz_databases d WHERE "),
        ShowList::Schemas => ("name, comment", SCHEMAS),
    };
    let (order, like) = match list {
        ShowList::Columns => ("position", "name"),
        ShowList::Indexes => ("\"on\", name", "name"),
        ShowList::ClusterReplicas => ("cluster, replica", "replica"),
        _ => ("name", "name"),
    };
    List { columns, rows, order, like }
}

const INDEXES: &str = "SELECT i.name, o.name AS \"on\", c.name AS cluster, k.key, '' AS comment \
    FROM mz_catalog.mz_indexes i JOIN mz_catalog.mz_objects o ON i.on_id = o.id \
    JOIN mz_catalog.mz_clusters c ON i.cluster_id = c.id \
    JOIN mz_catalog.mz_schemas s ON o.schema_id = s.id LEFT JOIN mz_catalog.mz_databases d ON s.database_id = d.id \
    LEFT JOIN (SELECT ic.index_id, array_agg(coalesce(col.name, ic.on_expression) ORDER BY ic.index_position) AS key \
        FROM mz_catalog.mz_index_columns ic JOIN mz_catalog.mz_indexes i ON ic.index_id = i.id \
        LEFT JOIN mz_catalog.mz_columns col ON i.on_id = col.id AND ic.on_position::int8 = col.position::int8 \
        GROUP BY ic.index_id) k ON k.index_id = i.id \
    WHERE ";
const COLUMNS: &str = "SELECT col.name, col.nullable, col.type, '' AS comment, col.position \
    FROM mz_catalog.mz_columns col WHERE ";
const CLUSTERS: &str = "SELECT c.name, r.replicas, '' AS comment FROM mz_catalog.mz_clusters c \
    LEFT JOIN (SELECT cluster_id, string_agg(name || ' (' || size || ')', ', ' ORDER BY name) AS replicas \
        FROM mz_catalog.mz_cluster_replicas GROUP BY cluster_id) r ON r.cluster_id = c.id \
    WHERE ";
const REPLICAS: &str = "SELECT c.name AS cluster, r.name AS replica, r.size, true AS ready, '' AS comment \
    FROM mz_catalog.mz_cluster_replicas r JOIN mz_catalog.mz_clusters c ON r.cluster_id = c.id WHERE ";
const SCHEMAS: &str = "SELECT s.name, '' AS comment FROM mz_catalog.mz_schemas s \
    LEFT JOIN mz_catalog.mz_databases d ON s.database_id = d.id WHERE ";

/// `SHOW TABLES` and its like.
pub(super) fn show_objects(cx: &mut Cx<'_>, s: &ShowObjects) -> Result<Plan, SqlError> {
    let parts = list(s.list);
    let mut conditions = vec![scope_condition(cx.catalog, s)?];
    if let Some(name) = &s.cluster {
        let name = fold(name);
        cx.catalog.cluster(&name).ok_or_else(|| undefined_cluster(&name))?;
        conditions.push(format!("c.name = {}", quote_string(&name)));
    }
    let filter = match &s.filter {
        None => "true".to_string(),
        Some(ShowFilter::Like(pattern)) => format!("{} LIKE {}", parts.like, quote_string(pattern)),
        Some(ShowFilter::Where(expr)) => expr.to_string(),
    };
    let List { columns, rows, order, .. } = parts;
    let conditions = conditions.join(" AND ");
    plan_text(cx, &format!("SELECT {columns} FROM ({rows}{conditions}) q WHERE {filter} ORDER BY {order}"))
}

/// The condition that `FROM` and `ON` give, or the current schema's without them.
fn scope_condition(catalog: &dyn SessionCatalog, s: &ShowObjects) -> Result<String, SqlError> {
    match (s.list, &s.from) {
        (ShowList::Columns, Some(relation)) => {
            let id = resolve_relation(catalog, relation)?.id.to_string();
            Ok(format!("col.id = {}", quote_string(&id)))
        }
        (ShowList::Columns, None) => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, "SHOW COLUMNS needs FROM and a relation"))
        }
        (ShowList::Indexes, Some(relation)) => indexes_condition(catalog, relation),
        (ShowList::Databases | ShowList::Clusters | ShowList::ClusterReplicas, None) => Ok("true".to_string()),
        (ShowList::Databases | ShowList::Clusters | ShowList::ClusterReplicas, Some(_)) => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, "this SHOW takes no FROM"))
        }
        (ShowList::Schemas, database) => schemas_condition(catalog, database.as_ref()),
        (ShowList::Indexes, None) if s.cluster.is_some() => Ok("i.id LIKE 'u%'".to_string()),
        (_, from) => schema_condition(catalog, from.as_ref()),
    }
}

/// `SHOW INDEXES FROM x`: the indexes of a relation, or those of a schema.
fn indexes_condition(catalog: &dyn SessionCatalog, name: &ObjectName) -> Result<String, SqlError> {
    match resolve_any(catalog, name)? {
        Some(_) => {
            let id = resolve_relation(catalog, name)?.id.to_string();
            Ok(format!("i.on_id = {}", quote_string(&id)))
        }
        None if name.0.len() < 3 => match schema_condition(catalog, Some(name)) {
            Err(_) if name.0.len() == 1 => Err(undefined_relation(name)),
            condition => condition,
        },
        None => Err(undefined_relation(name)),
    }
}

fn schemas_condition(catalog: &dyn SessionCatalog, database: Option<&ObjectName>) -> Result<String, SqlError> {
    let database = match database {
        None => catalog.current_database().to_string(),
        Some(name) => dotted(name),
    };
    if !has_database(catalog, &database) {
        let message = format!("database \"{database}\" does not exist");
        return Err(SqlError::new(SqlState::INVALID_CATALOG_NAME, message));
    }
    Ok(format!("(d.name = {} OR d.name IS NULL)", quote_string(&database)))
}

fn schema_condition(catalog: &dyn SessionCatalog, schema: Option<&ObjectName>) -> Result<String, SqlError> {
    let (database, schema) = match schema {
        Some(name) => schema_name(catalog, name)?,
        None => {
            let first = catalog.search_path().into_iter().next();
            let none = || SqlError::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected");
            (catalog.current_database().to_string(), first.ok_or_else(none)?)
        }
    };
    if !has_schema(catalog, &database, &schema) {
        let message = format!("schema \"{schema}\" does not exist");
        return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, message));
    }
    let (database, schema) = (quote_string(&database), quote_string(&schema));
    Ok(format!("s.name = {schema} AND (d.name = {database} OR d.name IS NULL)"))
}

/// `SHOW CREATE`
pub(super) fn show_create(cx: &Cx<'_>, kind: ObjectKind, name: &ObjectName) -> Result<Plan, SqlError> {
    match kind {
        ObjectKind::Database | ObjectKind::Schema | ObjectKind::Cluster | ObjectKind::ClusterReplica => {
            Err(SqlError::unsupported(format!("SHOW CREATE {}", kind.words())))
        }
        ObjectKind::Secret => Err(SqlError::unsupported("SHOW CREATE SECRET").hint("Secrets are never shown.")),
        kind => {
            let item = resolve_kind(cx.catalog, name, kind)?;
            if !item.id.is_user() {
                return Err(SqlError::unsupported("SHOW CREATE of a system relation"));
            }
            Ok(Plan::ShowCreate(item.id))
        }
    }
}
