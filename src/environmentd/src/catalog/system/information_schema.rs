//! `information_schema`, as the SQL standard and PostgreSQL define it; limited to the session's database and the system schemas.

use super::rows::*;
use super::{SystemRelation, SystemState, constraints};
use crate::catalog::Entry;
use repr::{Datum, Row, SqlType};
use sql::catalog::ItemDetails;

/// The relations of this schema.
pub const RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        id: 4001,
        name: "tables",
        columns: "table_catalog text, table_schema text, table_name text, table_type text, self_referencing_column_name text?, reference_generation text?, user_defined_type_catalog text?, user_defined_type_schema text?, user_defined_type_name text?, is_insertable_into text, is_typed text, commit_action text?",
        rows: tables,
    },
    SystemRelation {
        id: 4002,
        name: "columns",
        columns: "table_catalog text, table_schema text, table_name text, column_name text, ordinal_position int4, column_default text?, is_nullable text, data_type text, character_maximum_length int4?, character_octet_length int4?, numeric_precision int4?, numeric_precision_radix int4?, numeric_scale int4?, datetime_precision int4?, interval_type text?, interval_precision int4?, character_set_catalog text?, character_set_schema text?, character_set_name text?, collation_catalog text?, collation_schema text?, collation_name text?, domain_catalog text?, domain_schema text?, domain_name text?, udt_catalog text, udt_schema text, udt_name text, scope_catalog text?, scope_schema text?, scope_name text?, maximum_cardinality int4?, dtd_identifier text, is_self_referencing text, is_identity text, identity_generation text?, identity_start text?, identity_increment text?, identity_maximum text?, identity_minimum text?, identity_cycle text, is_generated text, generation_expression text?, is_updatable text",
        rows: columns,
    },
    SystemRelation {
        id: 4003,
        name: "schemata",
        columns: "catalog_name text, schema_name text, schema_owner text, default_character_set_catalog text?, default_character_set_schema text?, default_character_set_name text?, sql_path text?",
        rows: schemata,
    },
    SystemRelation {
        id: 4004,
        name: "views",
        columns: "table_catalog text, table_schema text, table_name text, view_definition text, check_option text, is_updatable text, is_insertable_into text, is_trigger_updatable text, is_trigger_deletable text, is_trigger_insertable_into text",
        rows: views,
    },
    SystemRelation {
        id: 4005,
        name: "table_constraints",
        columns: "constraint_catalog text, constraint_schema text, constraint_name text, table_catalog text, table_schema text, table_name text, constraint_type text, is_deferrable text, initially_deferred text, enforced text, nulls_distinct text?",
        rows: constraints::table_constraints,
    },
    SystemRelation {
        id: 4006,
        name: "key_column_usage",
        columns: "constraint_catalog text, constraint_schema text, constraint_name text, table_catalog text, table_schema text, table_name text, column_name text, ordinal_position int4, position_in_unique_constraint int4?",
        rows: constraints::key_columns,
    },
    SystemRelation {
        id: 4007,
        name: "referential_constraints",
        columns: "constraint_catalog text, constraint_schema text, constraint_name text, unique_constraint_catalog text, unique_constraint_schema text, unique_constraint_name text, match_option text, update_rule text, delete_rule text",
        rows: no_rows,
    },
    SystemRelation {
        id: 4008,
        name: "information_schema_catalog_name",
        columns: "catalog_name text",
        rows: catalog_name,
    },
    SystemRelation {
        id: 4115,
        name: "constraint_column_usage",
        columns: "table_catalog text, table_schema text, table_name text, column_name text, constraint_catalog text, constraint_schema text, constraint_name text",
        rows: constraints::column_usage,
    },
    SystemRelation { id: 4009, name: "enabled_roles", columns: "role_name text", rows: enabled_roles },
];

fn catalog_name(state: &SystemState) -> Vec<Row> {
    vec![Row::pack([Datum::Text(&state.database)])]
}

fn enabled_roles(state: &SystemState) -> Vec<Row> {
    state.catalog.roles().map(|role| Row::pack([Datum::Text(&role.name)])).collect()
}

/// The relations a session sees here: those of its database and of the system schemas.
fn visible(state: &SystemState) -> impl Iterator<Item = &Entry> {
    let in_database = |entry: &&Entry| entry.item.name.database.as_ref().is_none_or(|d| *d == state.database);
    state.catalog.entries().map(AsRef::as_ref).filter(|e| is_relation(&e.item)).filter(in_database)
}

fn yes_or_no(yes: bool) -> Datum<'static> {
    Datum::Text(if yes { "YES" } else { "NO" })
}

fn tables(state: &SystemState) -> Vec<Row> {
    let row = |entry: &Entry| {
        let kind = match entry.item.details {
            ItemDetails::Table { .. } | ItemDetails::SourceTable { .. } => "BASE TABLE",
            ItemDetails::MaterializedView { .. } => "MATERIALIZED VIEW",
            ItemDetails::Source { .. } => "SOURCE",
            _ => "VIEW",
        };
        let insertable = matches!(entry.item.details, ItemDetails::Table { .. });
        Row::pack([
            Datum::Text(&state.database),
            Datum::Text(&entry.item.name.schema),
            Datum::Text(&entry.item.name.item),
            Datum::Text(kind),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            yes_or_no(insertable),
            yes_or_no(false),
            Datum::Null,
        ])
    };
    visible(state).map(row).collect()
}

/// Precision, radix and scale of a number type.
fn number_shape(ty: &SqlType) -> (Option<i32>, Option<i32>, Option<i32>) {
    match ty {
        SqlType::Int2 => (Some(16), Some(2), Some(0)),
        SqlType::Int4 => (Some(32), Some(2), Some(0)),
        SqlType::Int8 => (Some(64), Some(2), Some(0)),
        SqlType::Float4 => (Some(24), Some(2), None),
        SqlType::Float8 => (Some(53), Some(2), None),
        SqlType::Numeric(Some((p, s))) => (Some(i32::from(*p)), Some(10), Some(i32::from(*s))),
        SqlType::Numeric(None) => (None, Some(10), None),
        _ => (None, None, None),
    }
}

fn columns(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in visible(state) {
        let Some(desc) = entry.item.details.desc() else { continue };
        for position in 0..desc.arity() {
            rows.push(column(state, entry, position));
        }
    }
    rows
}

fn column(state: &SystemState, entry: &Entry, position: usize) -> Row {
    let desc = entry.item.details.desc().expect("only relations have columns");
    let ty = &desc.typ.columns[position].ty;
    let default = super::pg_catalog::default_text(&entry.item, position);
    let int = |n: Option<i32>| n.map_or(Datum::Null, Datum::Int4);
    let length = match ty {
        SqlType::Varchar(Some(n)) | SqlType::Char(Some(n)) => i32::try_from(*n).ok(),
        _ => None,
    };
    let seconds_digits = match ty {
        SqlType::Timestamp(p) | SqlType::Timestamptz(p) => Some(i32::from(p.unwrap_or(6))),
        SqlType::Time | SqlType::Interval => Some(6),
        SqlType::Date => Some(0),
        _ => None,
    };
    let data_type = match ty {
        SqlType::Array(_) | SqlType::Vector(_) => "ARRAY".to_string(),
        SqlType::Char(_) => "character".to_string(),
        SqlType::Timestamp(_) => SqlType::TIMESTAMP.to_string(),
        other => other.without_modifier().to_string(),
    };
    let (precision, radix, scale) = number_shape(ty);
    let number = (position + 1).to_string();
    let nulls = |count| std::iter::repeat_n(Datum::Null, count);
    let known = [
        Datum::Text(&state.database),
        Datum::Text(&entry.item.name.schema),
        Datum::Text(&entry.item.name.item),
        Datum::Text(&desc.names[position]),
        Datum::Int4(position as i32 + 1),
        text_or_null(default.as_ref()),
        yes_or_no(desc.typ.columns[position].nullable),
        Datum::Text(&data_type),
        int(length),
        int(length.map(|n| n.saturating_mul(4))),
        int(precision),
        int(radix),
        int(scale),
        int(seconds_digits),
    ];
    let type_name = super::pg_types::name_of(repr::pg::oid(ty));
    let of_type = [Datum::Text(&state.database), Datum::Text("pg_catalog"), Datum::Text(type_name)];
    let references = [Datum::Text(&number), yes_or_no(false), yes_or_no(false)];
    let updatable = matches!(entry.item.details, ItemDetails::Table { .. });
    let generation = [yes_or_no(false), Datum::Text("NEVER"), Datum::Null, yes_or_no(updatable)];
    // Between them: how intervals, texts and domains are declared; where a reference points, and how long an array may be; identity.
    let parts = known.into_iter().chain(nulls(11)).chain(of_type).chain(nulls(4)).chain(references);
    Row::pack(parts.chain(nulls(5)).chain(generation))
}

fn schemata(state: &SystemState) -> Vec<Row> {
    let in_database = |s: &&crate::catalog::Schema| s.database.as_ref().is_none_or(|d| *d == state.database);
    let row = |s: &crate::catalog::Schema| {
        let (database, null) = (Datum::Text(&state.database), Datum::Null);
        Row::pack([database, Datum::Text(&s.name), Datum::Text(&s.owner), null, null, null, null])
    };
    state.catalog.schemas().filter(in_database).map(row).collect()
}

fn views(state: &SystemState) -> Vec<Row> {
    let is_view = |entry: &&Entry| matches!(entry.item.details, ItemDetails::View { .. });
    let row = |entry: &Entry| {
        let definition = super::pg_catalog::query_text(state, &entry.item);
        Row::pack([
            Datum::Text(&state.database),
            Datum::Text(&entry.item.name.schema),
            Datum::Text(&entry.item.name.item),
            Datum::Text(&definition),
            Datum::Text("NONE"),
            yes_or_no(false),
            yes_or_no(false),
            yes_or_no(false),
            yes_or_no(false),
            yes_or_no(false),
        ])
    };
    visible(state).filter(is_view).map(row).collect()
}
