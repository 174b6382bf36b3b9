//! `mz_catalog`: the objects of the environment, as Materialize documents these relations.

use super::rows::*;
use super::{SystemRelation, SystemState};
use crate::catalog::{Entry, SYSTEM_ROLE};
use repr::{Datum, GlobalId, Row};
use sql::catalog::{CatalogItem, ItemDetails};
use sql::plan::ConnectionDetails;

/// The relations of this schema.
pub const RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        id: 1001,
        name: "mz_databases",
        columns: "id text, oid oid, name text, owner_id text, privileges text[]",
        rows: databases,
    },
    SystemRelation {
        id: 1002,
        name: "mz_schemas",
        columns: "id text, oid oid, database_id text?, name text, owner_id text, privileges text[]",
        rows: schemas,
    },
    SystemRelation {
        id: 1003,
        name: "mz_roles",
        columns: "id text, oid oid, name text, inherit bool, rolcanlogin bool?, rolsuper bool?",
        rows: roles,
    },
    SystemRelation {
        id: 1004,
        name: "mz_clusters",
        columns: "id text, name text, owner_id text, privileges text[], managed bool, size text?, replication_factor int8?, disk bool?, availability_zones text[]?, introspection_debugging bool?, introspection_interval interval?",
        rows: clusters,
    },
    SystemRelation {
        id: 1005,
        name: "mz_cluster_replicas",
        columns: "id text, name text, cluster_id text, size text?, availability_zone text?, owner_id text, disk bool?",
        rows: replicas,
    },
    SystemRelation {
        id: 1006,
        name: "mz_cluster_replica_sizes",
        columns: "size text, processes int8, workers int8, cpu_nano_cores int8?, memory_bytes int8?, disk_bytes int8?, credits_per_hour numeric?",
        rows: sizes,
    },
    SystemRelation {
        id: 1007,
        name: "mz_objects",
        columns: "id text, oid oid, schema_id text?, name text, type text, owner_id text, cluster_id text?, privileges text[]?",
        rows: objects,
    },
    SystemRelation {
        id: 1008,
        name: "mz_relations",
        columns: "id text, oid oid, schema_id text, name text, type text, owner_id text, cluster_id text?, privileges text[]",
        rows: relations,
    },
    SystemRelation {
        id: 1009,
        name: "mz_columns",
        columns: "id text, name text, position int8, nullable bool, type text, default text?, type_oid oid, type_mod int4",
        rows: columns,
    },
    SystemRelation {
        id: 1010,
        name: "mz_tables",
        columns: "id text, oid oid, schema_id text, name text, owner_id text, privileges text[], create_sql text?, redacted_create_sql text?, source_id text?",
        rows: tables,
    },
    SystemRelation {
        id: 1011,
        name: "mz_sources",
        columns: "id text, oid oid, schema_id text, name text, type text, connection_id text?, size text?, envelope_type text?, key_format text?, value_format text?, cluster_id text?, owner_id text, privileges text[], create_sql text?, redacted_create_sql text?",
        rows: sources,
    },
    SystemRelation {
        id: 1012,
        name: "mz_views",
        columns: "id text, oid oid, schema_id text, name text, definition text, owner_id text, privileges text[], create_sql text?, redacted_create_sql text?",
        rows: views,
    },
    SystemRelation {
        id: 1013,
        name: "mz_materialized_views",
        columns: "id text, oid oid, schema_id text, name text, cluster_id text, definition text, owner_id text, privileges text[], create_sql text, redacted_create_sql text",
        rows: materialized_views,
    },
    SystemRelation {
        id: 1014,
        name: "mz_indexes",
        columns: "id text, oid oid, name text, on_id text, cluster_id text, owner_id text, create_sql text?, redacted_create_sql text?",
        rows: indexes,
    },
    SystemRelation {
        id: 1015,
        name: "mz_index_columns",
        columns: "index_id text, index_position int8, on_position int8?, on_expression text?, nullable bool",
        rows: index_columns,
    },
    SystemRelation {
        id: 1016,
        name: "mz_connections",
        columns: "id text, oid oid, schema_id text, name text, type text, owner_id text, privileges text[], create_sql text, redacted_create_sql text",
        rows: connections,
    },
    SystemRelation {
        id: 1017,
        name: "mz_secrets",
        columns: "id text, oid oid, schema_id text, name text, owner_id text, privileges text[]",
        rows: secrets,
    },
    SystemRelation {
        id: 1018,
        name: "mz_types",
        columns: "id text, oid oid, schema_id text, name text, category text, owner_id text, privileges text[], create_sql text?, redacted_create_sql text?",
        rows: types,
    },
    SystemRelation {
        id: 1019,
        name: "mz_sinks",
        columns: "id text, oid oid, schema_id text, name text, type text, connection_id text?, size text?, envelope_type text?, format text?, cluster_id text, owner_id text, create_sql text, redacted_create_sql text",
        rows: no_rows,
    },
    SystemRelation {
        id: 1020,
        name: "mz_role_members",
        columns: "role_id text, member text, grantor text",
        rows: no_rows,
    },
    SystemRelation {
        id: 1021,
        name: "mz_cluster_replica_frontiers",
        columns: "object_id text, replica_id text, write_frontier mz_timestamp?",
        rows: replica_frontiers,
    },
];

/// An array of privileges: everything belongs to everyone so far.
fn no_privileges() -> Vec<u8> {
    repr::array::encode_list([])
}

fn array(bytes: &[u8]) -> Datum<'_> {
    Datum::Array(repr::ArrayRef::from_encoded(bytes))
}

fn databases(state: &SystemState) -> Vec<Row> {
    let privileges = no_privileges();
    let row = |d: &crate::catalog::Database| {
        let (id, owner) = (format!("u{}", d.id), role_id(&state.catalog, &d.owner));
        Row::pack([Datum::Text(&id), Datum::Oid(d.oid), Datum::Text(&d.name), Datum::Text(&owner), array(&privileges)])
    };
    state.catalog.databases().map(row).collect()
}

fn schemas(state: &SystemState) -> Vec<Row> {
    let privileges = no_privileges();
    let row = |s: &crate::catalog::Schema| {
        let database = s.database.as_deref().and_then(|name| state.catalog.database(name));
        let database = database.map(|d| format!("u{}", d.id));
        let owner = role_id(&state.catalog, &s.owner);
        Row::pack([
            Datum::Text(&s.display_id()),
            Datum::Oid(s.oid),
            text_or_null(database.as_ref()),
            Datum::Text(&s.name),
            Datum::Text(&owner),
            array(&privileges),
        ])
    };
    state.catalog.schemas().map(row).collect()
}

fn roles(state: &SystemState) -> Vec<Row> {
    let system = (String::from("s1"), SYSTEM_ROLE_OID, SYSTEM_ROLE.to_string(), true);
    let users = state.catalog.roles().map(|r| (format!("u{}", r.id), r.oid, r.name.clone(), true));
    let row = |(id, oid, name, superuser): (String, u32, String, bool)| {
        let yes = Datum::Bool(true);
        Row::pack([Datum::Text(&id), Datum::Oid(oid), Datum::Text(&name), yes, yes, Datum::Bool(superuser)])
    };
    std::iter::once(system).chain(users).map(row).collect()
}

fn clusters(state: &SystemState) -> Vec<Row> {
    let privileges = no_privileges();
    let row = |c: &crate::catalog::Cluster| {
        let owner = role_id(&state.catalog, &c.owner);
        let factor = state.catalog.replicas_of(c.id).count() as u64;
        Row::pack([
            Datum::Text(&c.id.to_string()),
            Datum::Text(&c.name),
            Datum::Text(&owner),
            array(&privileges),
            Datum::Bool(true),
            Datum::Text(&c.size),
            count(factor),
            Datum::Bool(false),
            Datum::Null,
            Datum::Bool(false),
            Datum::Null,
        ])
    };
    state.catalog.clusters().map(row).collect()
}

fn replicas(state: &SystemState) -> Vec<Row> {
    let row = |r: &crate::catalog::Replica| {
        let owner = state.catalog.cluster(r.cluster).map_or(SYSTEM_ROLE, |c| c.owner.as_str());
        Row::pack([
            Datum::Text(&r.id.to_string()),
            Datum::Text(&r.name),
            Datum::Text(&r.cluster.to_string()),
            Datum::Text(&r.size),
            Datum::Null,
            Datum::Text(&role_id(&state.catalog, owner)),
            Datum::Bool(false),
        ])
    };
    state.catalog.replicas().map(row).collect()
}

fn sizes(state: &SystemState) -> Vec<Row> {
    let row = |(name, size): (&str, &crate::catalog::sizes::ReplicaSize)| {
        let cpu = size.cpu_limit.map_or(Datum::Null, |cpus| Datum::Int8((cpus * 1e9) as i64));
        let (scale, workers) = (count(size.scale as u64), count(size.workers as u64));
        Row::pack([Datum::Text(name), scale, workers, cpu, Datum::Null, Datum::Null, Datum::Null])
    };
    state.sizes.iter().map(row).collect()
}

fn object_row(state: &SystemState, entry: &Entry) -> Row {
    let item = &entry.item;
    let cluster = cluster_id(item);
    Row::pack([
        Datum::Text(&item.id.to_string()),
        Datum::Oid(item.oid),
        Datum::Text(&schema_id(&state.catalog, item)),
        Datum::Text(&item.name.item),
        Datum::Text(item.details.kind()),
        Datum::Text(&role_id(&state.catalog, &item.owner)),
        text_or_null(cluster.as_ref()),
        array(&no_privileges()),
    ])
}

fn objects(state: &SystemState) -> Vec<Row> {
    state.catalog.entries().map(|entry| object_row(state, entry)).collect()
}

fn relations(state: &SystemState) -> Vec<Row> {
    let relations = state
        .catalog
        .entries()
        .filter(|entry| is_relation(&entry.item) || matches!(entry.item.details, ItemDetails::Source { .. }));
    relations.map(|entry| object_row(state, entry)).collect()
}

fn columns(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        let Some(desc) = entry.item.details.desc() else { continue };
        let id = entry.item.id.to_string();
        for (position, (name, column)) in desc.iter().enumerate() {
            let default = super::pg_catalog::default_text(&entry.item, position);
            rows.push(Row::pack([
                Datum::Text(&id),
                Datum::Text(name),
                count(position as u64 + 1),
                Datum::Bool(column.nullable),
                Datum::Text(&column.ty.without_modifier().to_string()),
                text_or_null(default.as_ref()),
                Datum::Oid(repr::pg::oid(&column.ty)),
                Datum::Int4(repr::pg::typmod(&column.ty)),
            ]));
        }
    }
    rows
}

/// The columns that most relations about items begin with.
fn head<'a>(id: &'a str, item: &'a CatalogItem, schema: &'a str) -> [Datum<'a>; 4] {
    [Datum::Text(id), Datum::Oid(item.oid), Datum::Text(schema), Datum::Text(&item.name.item)]
}

/// One row for each item that `more` accepts: the head, then what `more` gives.
fn items<const N: usize>(
    state: &SystemState,
    more: impl for<'a> Fn(&'a CatalogItem, &'a Texts) -> Option<[Datum<'a>; N]>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        let texts = Texts::new(state, &entry.item);
        if let Some(tail) = more(&entry.item, &texts) {
            let head = head(&texts.id, &entry.item, &texts.schema);
            rows.push(Row::pack(head.into_iter().chain(tail)));
        }
    }
    rows
}

/// Texts that several relations show of an item.
struct Texts {
    id: String,
    schema: String,
    owner: String,
    cluster: String,
    create_sql: Option<String>,
    definition: String,
    reference: Option<String>,
    privileges: Vec<u8>,
}

impl Texts {
    fn new(state: &SystemState, item: &CatalogItem) -> Self {
        let create_sql = (!item.create_sql.is_empty()).then(|| super::pg_catalog::create_sql(state, item));
        let definition = super::pg_catalog::query_text(state, item);
        let reference = match &item.details {
            ItemDetails::Source { ingestion: sql::catalog::Ingestion::Postgres { connection, .. }, .. } => {
                Some(connection.to_string())
            }
            ItemDetails::SourceTable { source, .. } => Some(source.to_string()),
            _ => None,
        };
        Texts {
            id: item.id.to_string(),
            schema: schema_id(&state.catalog, item),
            owner: role_id(&state.catalog, &item.owner),
            cluster: cluster_id(item).unwrap_or_default(),
            create_sql,
            definition,
            reference,
            privileges: no_privileges(),
        }
    }

    fn sql(&self) -> Datum<'_> {
        text_or_null(self.create_sql.as_ref())
    }
}

fn tables(state: &SystemState) -> Vec<Row> {
    items(state, |item, t| match item.details {
        ItemDetails::Table { .. } | ItemDetails::SourceTable { .. } => {
            let source = text_or_null(t.reference.as_ref());
            Some([Datum::Text(&t.owner), array(&t.privileges), t.sql(), t.sql(), source])
        }
        _ => None,
    })
}

fn sources(state: &SystemState) -> Vec<Row> {
    items(state, |item, t| match &item.details {
        ItemDetails::Source { ingestion, .. } => Some([
            Datum::Text(source_type(ingestion)),
            text_or_null(t.reference.as_ref()),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Text(&t.cluster),
            Datum::Text(&t.owner),
            array(&t.privileges),
            t.sql(),
            t.sql(),
        ]),
        _ => None,
    })
}

fn views(state: &SystemState) -> Vec<Row> {
    items(state, |item, t| match item.details {
        ItemDetails::View { .. } | ItemDetails::SystemRelation { .. } => {
            Some([Datum::Text(&t.definition), Datum::Text(&t.owner), array(&t.privileges), t.sql(), t.sql()])
        }
        _ => None,
    })
}

fn materialized_views(state: &SystemState) -> Vec<Row> {
    items(state, |item, t| match item.details {
        ItemDetails::MaterializedView { .. } => Some([
            Datum::Text(&t.cluster),
            Datum::Text(&t.definition),
            Datum::Text(&t.owner),
            array(&t.privileges),
            t.sql(),
            t.sql(),
        ]),
        _ => None,
    })
}

fn indexes(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        let ItemDetails::Index { on, cluster, .. } = &entry.item.details else { continue };
        let t = Texts::new(state, &entry.item);
        rows.push(Row::pack([
            Datum::Text(&t.id),
            Datum::Oid(entry.item.oid),
            Datum::Text(&entry.item.name.item),
            Datum::Text(&on.to_string()),
            Datum::Text(&cluster.to_string()),
            Datum::Text(&t.owner),
            t.sql(),
            t.sql(),
        ]));
    }
    rows
}

fn index_columns(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        let ItemDetails::Index { on, keys, .. } = &entry.item.details else { continue };
        let Some(desc) = state.catalog.item(*on).and_then(|item| item.details.desc()) else { continue };
        for (position, key) in keys.iter().enumerate() {
            let (column, expression) = match key {
                expr::ScalarExpr::Column(c) => (count(*c as u64 + 1), None),
                other => (Datum::Null, Some(super::pg_catalog::expression_text(other, desc))),
            };
            rows.push(Row::pack([
                Datum::Text(&entry.item.id.to_string()),
                count(position as u64 + 1),
                column,
                text_or_null(expression.as_ref()),
                Datum::Bool(key.typ(&desc.typ.columns).nullable),
            ]));
        }
    }
    rows
}

fn connections(state: &SystemState) -> Vec<Row> {
    items(state, |item, t| match &item.details {
        ItemDetails::Connection(ConnectionDetails::Postgres(_)) => {
            Some([Datum::Text("postgres"), Datum::Text(&t.owner), array(&t.privileges), t.sql(), t.sql()])
        }
        _ => None,
    })
}

fn secrets(state: &SystemState) -> Vec<Row> {
    items(state, |item, t| match item.details {
        ItemDetails::Secret => Some([Datum::Text(&t.owner), array(&t.privileges)]),
        _ => None,
    })
}

fn types(state: &SystemState) -> Vec<Row> {
    let schema = state.catalog.schema(None, "pg_catalog").map_or_else(String::new, |s| s.display_id());
    let privileges = no_privileges();
    let row = |t: &super::pg_types::PgType| {
        Row::pack([
            Datum::Text(&GlobalId::System(u64::from(t.oid)).to_string()),
            Datum::Oid(t.oid),
            Datum::Text(&schema),
            Datum::Text(t.name),
            Datum::Text(t.category_name()),
            Datum::Text("s1"),
            array(&privileges),
            Datum::Null,
            Datum::Null,
        ])
    };
    super::pg_types::TYPES.iter().map(row).collect()
}

fn replica_frontiers(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for collection in &state.collections {
        for (replica, _) in &collection.hydrated {
            rows.push(Row::pack([
                Datum::Text(&collection.id.to_string()),
                Datum::Text(&replica.to_string()),
                frontier(collection.upper),
            ]));
        }
    }
    rows
}
