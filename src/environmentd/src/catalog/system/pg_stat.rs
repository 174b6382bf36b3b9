//! `pg_stat_activity`, and the tables that `pg_stat_user_tables` and its like list. Nothing is counted.

use super::pg_catalog::visible;
use super::rows::*;
use super::{SystemRelation, SystemState};
use crate::catalog::Entry;
use repr::{Datum, Row};

/// The columns of `pg_stat_all_tables` and its like.
const TABLE_STATISTICS: &str = "relid oid?, schemaname name?, relname name?, seq_scan int8?, seq_tup_read int8?, idx_scan int8?, idx_tup_fetch int8?, n_tup_ins int8?, n_tup_upd int8?, n_tup_del int8?, n_tup_hot_upd int8?, n_live_tup int8?, n_dead_tup int8?, n_mod_since_analyze int8?, n_ins_since_vacuum int8?, last_vacuum timestamptz?, last_autovacuum timestamptz?, last_analyze timestamptz?, last_autoanalyze timestamptz?, vacuum_count int8?, autovacuum_count int8?, analyze_count int8?, autoanalyze_count int8?";

/// The relations.
pub const RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        id: 3023,
        name: "pg_stat_activity",
        columns: "datid oid?, datname name?, pid int4, leader_pid int4?, usesysid oid?, usename name?, application_name text?, client_addr text?, client_hostname text?, client_port int4?, backend_start timestamptz?, xact_start timestamptz?, query_start timestamptz?, state_change timestamptz?, wait_event_type text?, wait_event text?, state text?, backend_xid oid?, backend_xmin oid?, query_id int8?, query text?, backend_type text?",
        rows: activity,
    },
    SystemRelation { id: 3150, name: "pg_stat_all_tables", columns: TABLE_STATISTICS, rows: table_statistics },
    SystemRelation { id: 3173, name: "pg_stat_user_tables", columns: TABLE_STATISTICS, rows: table_statistics },
];

fn activity(state: &SystemState) -> Vec<Row> {
    let row = |(id, session, now): &(u32, crate::coord::SessionInfo, crate::coord::Activity)| {
        let (database, null) = (state.catalog.database(&session.database), Datum::Null);
        let (address, port) = match session.client_addr.as_deref().and_then(|a| a.rsplit_once(':')) {
            Some((address, port)) => (Some(address), port.parse().ok()),
            None => (None, None),
        };
        let who = [
            database.map_or(null, |d| Datum::Oid(d.oid)),
            Datum::Text(&session.database),
            Datum::Int4(*id as i32),
            null,
            Datum::Oid(role_oid(&state.catalog, &session.user)),
            Datum::Text(&session.user),
            Datum::Text(&now.application_name),
            text_or_null(address),
            null,
            port.map_or(null, Datum::Int4),
            timestamptz(session.connected_at),
        ];
        let since = |us: Option<i64>| us.map_or(null, Datum::Timestamptz);
        let times = [since(now.transaction_since_us), since(now.query_since_us), since(Some(now.state_since_us))];
        let waits = match now.state {
            "active" => [null, null],
            _ => [Datum::Text("Client"), Datum::Text("ClientRead")],
        };
        let what = [Datum::Text(now.state), null, null, null, Datum::Text(&now.query), Datum::Text("client backend")];
        Row::pack(who.into_iter().chain(times).chain(waits).chain(what))
    };
    state.sessions.iter().map(row).collect()
}

/// Which tables there are; what happens in them is not counted.
fn table_statistics(state: &SystemState) -> Vec<Row> {
    let columns = TABLE_STATISTICS.split(", ").count();
    let row = |(entry, _): (&Entry, _)| {
        let (schema, name) = (Datum::Text(&entry.item.name.schema), Datum::Text(&entry.item.name.item));
        let uncounted = std::iter::repeat_n(Datum::Null, columns - 3);
        Row::pack([Datum::Oid(entry.item.oid), schema, name].into_iter().chain(uncounted))
    };
    visible(state).filter(|(_, kind)| matches!(*kind, "r" | "m")).map(row).collect()
}
