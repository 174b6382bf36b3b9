//! The functions of PostgreSQL that read the catalog, by their bodies over system relations.
//!
//! One line each: name, argument types, body. Of several of one name the first that takes the arguments is meant. What a name looks like
//! to the session that asks is known to `mz_internal.mz_described_objects`.

use super::privileges::{COLUMN_INQUIRIES, INQUIRIES};
use super::{SqlFunction, argument_type};
use repr::SqlType;

/// Whether an object of a class is in sight.
macro_rules! visible {
    ($class:literal) => {
        concat!("(SELECT visible FROM mz_internal.mz_described_objects WHERE class = '", $class, "' AND oid = $1)")
    };
}

/// What is known of an object of a class.
macro_rules! described {
    ($class:literal, $column:literal) => {
        concat!(
            "(SELECT ",
            $column,
            " FROM mz_internal.mz_described_objects WHERE class = '",
            $class,
            "' AND oid = $1)"
        )
    };
}

/// A name or a number as the oid of an object of a class.
macro_rules! lookup {
    ($class:literal) => {
        concat!(
            "(SELECT min(oid::int8)::oid FROM mz_internal.mz_described_objects WHERE class = '", $class, "' AND ",
            "CASE WHEN $1 LIKE '%\"%' THEN $1 = shown OR $1 = full_name ELSE lower($1) = shown OR lower($1) = full_name END)"
        )
    };
}

/// The comment on an object: its oid, its catalog, its column.
macro_rules! comment {
    ($condition:literal) => {
        concat!("(SELECT min(description) FROM pg_catalog.pg_description WHERE objoid = $1 AND ", $condition, ")")
    };
}

/// Functions that give a value.
#[rustfmt::skip]
pub(super) const FUNCTIONS: &[SqlFunction] = &[
    // What is in sight.
    ("pg_table_is_visible", "oid", visible!("pg_class")),
    ("pg_type_is_visible", "oid", visible!("pg_type")),
    ("pg_function_is_visible", "oid", visible!("pg_proc")),
    ("pg_operator_is_visible", "oid", visible!("pg_operator")),
    ("pg_collation_is_visible", "oid", visible!("pg_collation")),
    ("pg_opclass_is_visible", "oid", visible!("pg_opclass")),
    ("pg_opfamily_is_visible", "oid", visible!("pg_opfamily")),
    ("pg_conversion_is_visible", "oid", visible!("pg_conversion")),
    ("pg_statistics_obj_is_visible", "oid", visible!("pg_statistic_ext")),
    ("pg_ts_config_is_visible", "oid", visible!("pg_ts_config")),
    ("pg_ts_dict_is_visible", "oid", visible!("pg_ts_dict")),
    ("pg_ts_parser_is_visible", "oid", visible!("pg_ts_parser")),
    ("pg_ts_template_is_visible", "oid", visible!("pg_ts_template")),
    // Names of oids, and oids of names.
    ("pg_get_userbyid", "oid", "coalesce((SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1), ('unknown (OID=' || $1::text || ')')::name)"),
    ("mz_regclass_out", "oid", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = $1), $1::text) END"),
    ("mz_regproc_out", "oid", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_proc' AND oid = $1), $1::text) END"),
    ("mz_regtype_out", "oid", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_type' AND oid = $1), $1::text) END"),
    ("mz_regnamespace_out", "oid", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_namespace' AND oid = $1), $1::text) END"),
    ("mz_regrole_out", "oid", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_authid' AND oid = $1), $1::text) END"),
    ("to_regclass", "text", concat!(lookup!("pg_class"), "::regclass")),
    ("to_regproc", "text", concat!(lookup!("pg_proc"), "::regproc")),
    ("to_regtype", "text", "coalesce((SELECT oid FROM pg_catalog.pg_type WHERE typname = lower($1)), (SELECT min(oid::int8)::oid FROM mz_internal.mz_described_objects WHERE class = 'pg_type' AND shown = lower($1)))::regtype"),
    ("to_regnamespace", "text", lookup!("pg_namespace")),
    ("to_regrole", "text", lookup!("pg_authid")),
    ("format_type", "oid, int4", "coalesce(mz_format_type($1, $2), (SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_type' AND oid = $1), CASE WHEN $1 IS NOT NULL THEN '???' END)"),
    ("pg_encoding_to_char", "int4", "(CASE $1 WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END)::name"),
    ("pg_char_to_encoding", "name", "CASE WHEN upper($1::text) IN ('UTF8', 'UTF-8', 'UNICODE') THEN 6 WHEN upper($1::text) = 'SQL_ASCII' THEN 0 ELSE -1 END"),
    ("getdatabaseencoding", "", "'UTF8'::name"),
    ("pg_client_encoding", "", "'UTF8'::name"),
    // Definitions.
    ("pg_get_expr", "text, oid", "$1"),
    ("pg_get_expr", "text, oid, bool", "$1"),
    ("pg_get_viewdef", "oid", described!("pg_class", "viewdef")),
    ("pg_get_viewdef", "oid, bool", described!("pg_class", "viewdef")),
    ("pg_get_viewdef", "oid, int4", described!("pg_class", "viewdef")),
    ("pg_get_viewdef", "text", "(SELECT viewdef FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = to_regclass($1)::oid)"),
    ("pg_get_viewdef", "text, bool", "(SELECT viewdef FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = to_regclass($1)::oid)"),
    ("pg_get_indexdef", "oid", described!("pg_class", "indexdef")),
    ("pg_get_indexdef", "oid, int4, bool", "CASE WHEN $2 = 0 THEN (SELECT indexdef FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = $1) ELSE (SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum = $2) END"),
    ("pg_get_constraintdef", "oid", "(SELECT conbin FROM pg_catalog.pg_constraint WHERE oid = $1)"),
    ("pg_get_constraintdef", "oid, bool", "(SELECT conbin FROM pg_catalog.pg_constraint WHERE oid = $1)"),
    ("pg_get_ruledef", "oid", "NULL::text"),
    ("pg_get_ruledef", "oid, bool", "NULL::text"),
    ("pg_get_triggerdef", "oid", "NULL::text"),
    ("pg_get_triggerdef", "oid, bool", "NULL::text"),
    ("pg_get_partkeydef", "oid", "NULL::text"),
    ("pg_get_statisticsobjdef", "oid", "NULL::text"),
    ("pg_get_statisticsobjdef_columns", "oid", "NULL::text"),
    ("pg_get_serial_sequence", "text, text", "NULL::text"),
    ("pg_get_functiondef", "oid", described!("pg_proc", "viewdef")),
    ("pg_get_function_arguments", "oid", described!("pg_proc", "arguments")),
    ("pg_get_function_identity_arguments", "oid", described!("pg_proc", "arguments")),
    ("pg_get_function_result", "oid", described!("pg_proc", "result")),
    ("pg_get_function_sqlbody", "oid", "NULL::text"),
    // Comments.
    ("obj_description", "oid", comment!("objsubid = 0")),
    ("obj_description", "oid, name", comment!("objsubid = 0 AND classoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = $2 AND relnamespace = 11::oid)")),
    ("col_description", "oid, int4", comment!("objsubid = $2 AND objsubid <> 0")),
    ("shobj_description", "oid, name", "(SELECT min(description) FROM pg_catalog.pg_shdescription WHERE objoid = $1 AND classoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = $2 AND relnamespace = 11::oid))"),
    // Settings.
    ("current_setting", "text, bool", "coalesce((SELECT setting FROM pg_catalog.pg_settings WHERE lower(name) = lower($1)), CASE WHEN NOT $2 THEN mz_internal.mz_unknown_setting($1) END)"),
    ("current_setting", "text", "coalesce((SELECT setting FROM pg_catalog.pg_settings WHERE lower(name) = lower($1)), mz_internal.mz_unknown_setting($1))"),
    // What Freshet has none of, or does not measure.
    ("pg_relation_is_publishable", "oid", "false"),
    ("pg_advisory_unlock_all", "", "NULL::text"),
    ("pg_is_in_recovery", "", "false"),
    ("pg_is_other_temp_schema", "oid", "false"),
    ("pg_my_temp_schema", "", "0::oid"),
    ("pg_table_size", "oid", "NULL::int8"),
    ("pg_relation_size", "oid", "NULL::int8"),
    ("pg_relation_size", "oid, text", "NULL::int8"),
    ("pg_total_relation_size", "oid", "NULL::int8"),
    ("pg_indexes_size", "oid", "NULL::int8"),
    ("pg_database_size", "oid", "NULL::int8"),
    ("pg_database_size", "name", "NULL::int8"),
    ("pg_tablespace_size", "oid", "NULL::int8"),
    ("pg_tablespace_location", "oid", "''"),
    ("pg_index_column_has_property", "oid, int4, text", "NULL::bool"),
    ("pg_indexam_has_property", "oid, text", "NULL::bool"),
    ("inet_server_addr", "", "NULL::text"),
    ("inet_server_port", "", "NULL::int4"),
    ("pg_stat_get_numscans", "oid", "0::int8"),
];

/// Functions that give rows.
pub(super) const TABLE_FUNCTIONS: &[SqlFunction] = &[
    (
        "pg_options_to_table",
        "text[]",
        "SELECT split_part(o, '=', 1) AS option_name, nullif(substr(o, strpos(o, '=') + 1), o) AS option_value FROM unnest($1) AS o",
    ),
    ("pg_partition_ancestors", "oid", "SELECT $1::regclass AS relid"),
    (
        "pg_partition_tree",
        "oid",
        "SELECT $1::regclass AS relid, NULL::regclass AS parentrelid, true AS isleaf, 0 AS level WHERE false",
    ),
    ("pg_get_keywords", "", "SELECT * FROM mz_internal.mz_keywords"),
    ("pg_show_all_settings", "", "SELECT * FROM pg_catalog.pg_settings"),
    ("pg_listening_channels", "", "SELECT ''::text AS pg_listening_channels WHERE false"),
    ("pg_extension_config_dump", "", "SELECT 0::oid AS oid WHERE false"),
    ("pg_get_publication_tables", "text", "SELECT 0::oid AS relid WHERE false"),
];

/// Names and argument types of all of them, for `pg_proc`; the last says whether it gives rows.
pub fn signatures() -> Vec<(&'static str, Vec<SqlType>, bool)> {
    let types = |f: &SqlFunction| f.1.split(", ").filter_map(argument_type).collect();
    let values = [FUNCTIONS, INQUIRIES, COLUMN_INQUIRIES]
        .into_iter()
        .flatten()
        .filter(|f| !f.0.starts_with("mz_"))
        .map(|f| (f.0, types(f), false));
    values.chain(TABLE_FUNCTIONS.iter().map(|f| (f.0, types(f), true))).collect()
}
