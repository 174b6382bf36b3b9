//! `mz_internal`: how the environment is doing, as Materialize documents these relations.

use super::rows::*;
use super::{SystemRelation, SystemState};
use repr::{Datum, Row};
use sql::catalog::ItemDetails;

/// The relations of this schema.
pub const RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        id: 2001,
        name: "mz_source_statuses",
        columns: "id text, name text, type text, last_status_change_at timestamptz?, status text, error text?, details jsonb?",
        rows: source_statuses,
    },
    SystemRelation {
        id: 2002,
        name: "mz_source_statistics",
        columns: "id text, replica_id text?, messages_received int8, bytes_received int8, updates_staged int8, updates_committed int8, records_indexed int8, bytes_indexed int8, rehydration_latency interval?, snapshot_records_known int8?, snapshot_records_staged int8?, snapshot_committed bool, offset_known int8?, offset_committed int8?",
        rows: source_statistics,
    },
    SystemRelation {
        id: 2003,
        name: "mz_object_dependencies",
        columns: "object_id text, referenced_object_id text",
        rows: object_dependencies,
    },
    SystemRelation {
        id: 2004,
        name: "mz_cluster_replica_statuses",
        columns: "replica_id text, process_id int8, status text, reason text?, updated_at timestamptz",
        rows: replica_statuses,
    },
    SystemRelation {
        id: 2005,
        name: "mz_sessions",
        columns: "id text, connection_id int8, role_id text, client_ip text?, connected_at timestamptz",
        rows: sessions,
    },
    SystemRelation {
        id: 2006,
        name: "mz_frontiers",
        columns: "object_id text, read_frontier mz_timestamp?, write_frontier mz_timestamp?",
        rows: frontiers,
    },
    SystemRelation {
        id: 2007,
        name: "mz_hydration_statuses",
        columns: "object_id text, replica_id text?, hydrated bool?",
        rows: hydration_statuses,
    },
    SystemRelation {
        id: 2008,
        name: "mz_sink_statuses",
        columns: "id text, name text, type text, last_status_change_at timestamptz?, status text, error text?, details jsonb?",
        rows: no_rows,
    },
    SystemRelation {
        id: 2009,
        name: "mz_comments",
        columns: "id text, object_type text, object_sub_id int4?, comment text",
        rows: no_rows,
    },
    SystemRelation {
        id: 2010,
        name: "mz_postgres_sources",
        columns: "id text, replication_slot text, timeline_id int8?",
        rows: postgres_sources,
    },
    SystemRelation {
        id: 2011,
        name: "mz_postgres_source_tables",
        columns: "id text, schema_name text, table_name text",
        rows: postgres_source_tables,
    },
];

fn source_statuses(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        let ItemDetails::Source { ingestion, .. } = &entry.item.details else { continue };
        let known = state.sources.iter().find(|s| s.id == entry.item.id);
        let hint = known.and_then(|s| s.hint.as_ref());
        let details = hint.and_then(|hint| details_json(hint));
        rows.push(Row::pack([
            Datum::Text(&entry.item.id.to_string()),
            Datum::Text(&entry.item.name.item),
            Datum::Text(source_type(ingestion)),
            known.map_or(Datum::Null, |s| timestamptz(s.changed_at)),
            Datum::Text(known.map_or("created", |s| s.status)),
            text_or_null(known.and_then(|s| s.error.as_ref())),
            details.as_ref().map_or(Datum::Null, |row| row.iter().next().unwrap_or(Datum::Null)),
        ]));
    }
    rows
}

/// `{"hints": [hint]}` as jsonb, in a row of its own.
fn details_json(hint: &str) -> Option<Row> {
    let text = serde_json::json!({ "hints": [hint] }).to_string();
    let mut packer = repr::RowPacker::new();
    repr::text::parse(&text, &repr::SqlType::Jsonb, &Default::default(), &mut packer).ok()?;
    Some(packer.finish())
}

fn source_statistics(state: &SystemState) -> Vec<Row> {
    let row = |s: &super::SourceState| {
        let n = &s.statistics;
        let committed = n.updates_committed > 0 || s.status == "running";
        Row::pack([
            Datum::Text(&s.id.to_string()),
            Datum::Null,
            count(n.messages_received),
            count(n.bytes_received),
            count(n.updates_committed),
            count(n.updates_committed),
            Datum::Int8(0),
            Datum::Int8(0),
            Datum::Null,
            Datum::Null,
            count(n.snapshot_rows),
            Datum::Bool(committed),
            count(n.offset_known),
            count(n.offset_committed),
        ])
    };
    state.sources.iter().map(row).collect()
}

fn object_dependencies(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        let id = entry.item.id.to_string();
        for dependency in &entry.item.depends_on {
            rows.push(Row::pack([Datum::Text(&id), Datum::Text(&dependency.to_string())]));
        }
    }
    rows
}

fn replica_statuses(state: &SystemState) -> Vec<Row> {
    let row = |r: &super::ReplicaState| {
        Row::pack([
            Datum::Text(&r.id.to_string()),
            Datum::Int8(0),
            Datum::Text(if r.online { "online" } else { "offline" }),
            text_or_null(r.reason.as_ref()),
            timestamptz(r.changed_at),
        ])
    };
    state.replicas.iter().map(row).collect()
}

fn sessions(state: &SystemState) -> Vec<Row> {
    let row = |(id, session, _): &(u32, crate::coord::SessionInfo, crate::coord::Activity)| {
        let role = role_id(&state.catalog, &session.user);
        let client_ip = session.client_addr.as_deref().map(|addr| addr.rsplit_once(':').map_or(addr, |(ip, _)| ip));
        Row::pack([
            Datum::Text(&id.to_string()),
            Datum::Int8(i64::from(*id)),
            Datum::Text(&role),
            text_or_null(client_ip),
            timestamptz(session.connected_at),
        ])
    };
    state.sessions.iter().map(row).collect()
}

fn frontiers(state: &SystemState) -> Vec<Row> {
    let row =
        |c: &super::CollectionState| Row::pack([Datum::Text(&c.id.to_string()), frontier(c.since), frontier(c.upper)]);
    state.collections.iter().map(row).collect()
}

fn hydration_statuses(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for collection in &state.collections {
        for (replica, hydrated) in &collection.hydrated {
            rows.push(Row::pack([
                Datum::Text(&collection.id.to_string()),
                Datum::Text(&replica.to_string()),
                Datum::Bool(*hydrated),
            ]));
        }
    }
    rows
}

fn postgres_sources(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        if let ItemDetails::Source { ingestion: sql::catalog::Ingestion::Postgres { slot, .. }, .. } =
            &entry.item.details
        {
            rows.push(Row::pack([Datum::Text(&entry.item.id.to_string()), Datum::Text(slot), Datum::Null]));
        }
    }
    rows
}

fn postgres_source_tables(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in state.catalog.entries() {
        if let ItemDetails::SourceTable { export, .. } = &entry.item.details {
            let id = entry.item.id.to_string();
            rows.push(Row::pack([Datum::Text(&id), Datum::Text(&export.schema), Datum::Text(&export.table)]));
        }
    }
    rows
}
