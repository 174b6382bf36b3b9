//! The functions of PostgreSQL that read the catalog, by their bodies over system relations.
//!
//! One line each: name, argument types, result, body. Of several of one name the first that takes the arguments is meant. What a name looks like
//! to the session that asks is known to `mz_internal.mz_described_objects`.

use super::SqlFunction;
use super::privileges::{COLUMN_INQUIRIES, INQUIRIES};

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
    ("pg_table_is_visible", "oid", "bool", visible!("pg_class")),
    ("pg_type_is_visible", "oid", "bool", visible!("pg_type")),
    ("pg_function_is_visible", "oid", "bool", visible!("pg_proc")),
    ("pg_operator_is_visible", "oid", "bool", visible!("pg_operator")),
    ("pg_collation_is_visible", "oid", "bool", visible!("pg_collation")),
    ("pg_opclass_is_visible", "oid", "bool", visible!("pg_opclass")),
    ("pg_opfamily_is_visible", "oid", "bool", visible!("pg_opfamily")),
    ("pg_conversion_is_visible", "oid", "bool", visible!("pg_conversion")),
    ("pg_statistics_obj_is_visible", "oid", "bool", visible!("pg_statistic_ext")),
    ("pg_ts_config_is_visible", "oid", "bool", visible!("pg_ts_config")),
    ("pg_ts_dict_is_visible", "oid", "bool", visible!("pg_ts_dict")),
    ("pg_ts_parser_is_visible", "oid", "bool", visible!("pg_ts_parser")),
    ("pg_ts_template_is_visible", "oid", "bool", visible!("pg_ts_template")),
    // Names of oids, and oids of names.
    ("pg_get_userbyid", "oid", "name", "coalesce((SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1), ('unknown (OID=' || $1::text || ')')::name)"),
    ("mz_regclass_out", "oid", "text", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = $1), $1::text) END"),
    ("mz_regproc_out", "oid", "text", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_proc' AND oid = $1), $1::text) END"),
    ("mz_regtype_out", "oid", "text", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_type' AND oid = $1), $1::text) END"),
    ("mz_regnamespace_out", "oid", "text", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_namespace' AND oid = $1), $1::text) END"),
    ("mz_regrole_out", "oid", "text", "CASE WHEN $1 = 0::oid THEN '-' ELSE coalesce((SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_authid' AND oid = $1), $1::text) END"),
    ("to_regclass", "text", "regclass", concat!(lookup!("pg_class"), "::regclass")),
    ("to_regproc", "text", "regproc", concat!(lookup!("pg_proc"), "::regproc")),
    ("to_regtype", "text", "regtype", "coalesce((SELECT oid FROM pg_catalog.pg_type WHERE typname = lower($1)), (SELECT min(oid::int8)::oid FROM mz_internal.mz_described_objects WHERE class = 'pg_type' AND shown = lower($1)))::regtype"),
    ("to_regnamespace", "text", "oid", lookup!("pg_namespace")),
    ("to_regrole", "text", "oid", lookup!("pg_authid")),
    ("format_type", "oid, int4", "text", "coalesce(mz_format_type($1, $2), (SELECT shown FROM mz_internal.mz_described_objects WHERE class = 'pg_type' AND oid = $1), CASE WHEN $1 IS NOT NULL THEN '???' END)"),
    ("pg_encoding_to_char", "int4", "name", "(CASE $1 WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END)::name"),
    ("pg_char_to_encoding", "name", "int4", "CASE WHEN upper($1::text) IN ('UTF8', 'UTF-8', 'UNICODE') THEN 6 WHEN upper($1::text) = 'SQL_ASCII' THEN 0 ELSE -1 END"),
    ("getdatabaseencoding", "", "name", "'UTF8'::name"),
    ("pg_client_encoding", "", "name", "'UTF8'::name"),
    // Definitions.
    ("pg_get_expr", "text, oid", "text", "$1"),
    ("pg_get_expr", "text, oid, bool", "text", "$1"),
    ("pg_get_viewdef", "oid", "text", described!("pg_class", "viewdef")),
    ("pg_get_viewdef", "oid, bool", "text", described!("pg_class", "viewdef")),
    ("pg_get_viewdef", "oid, int4", "text", described!("pg_class", "viewdef")),
    ("pg_get_viewdef", "text", "text", "(SELECT viewdef FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = to_regclass($1)::oid)"),
    ("pg_get_viewdef", "text, bool", "text", "(SELECT viewdef FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = to_regclass($1)::oid)"),
    ("pg_get_indexdef", "oid", "text", described!("pg_class", "indexdef")),
    ("pg_get_indexdef", "oid, int4, bool", "text", "CASE WHEN $2 = 0 THEN (SELECT indexdef FROM mz_internal.mz_described_objects WHERE class = 'pg_class' AND oid = $1) ELSE (SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum = $2) END"),
    ("pg_get_constraintdef", "oid", "text", "(SELECT conbin FROM pg_catalog.pg_constraint WHERE oid = $1)"),
    ("pg_get_constraintdef", "oid, bool", "text", "(SELECT conbin FROM pg_catalog.pg_constraint WHERE oid = $1)"),
    ("pg_get_ruledef", "oid", "text", "NULL::text"),
    ("pg_get_ruledef", "oid, bool", "text", "NULL::text"),
    ("pg_get_triggerdef", "oid", "text", "NULL::text"),
    ("pg_get_triggerdef", "oid, bool", "text", "NULL::text"),
    ("pg_get_partkeydef", "oid", "text", "NULL::text"),
    ("pg_get_statisticsobjdef", "oid", "text", "NULL::text"),
    ("pg_get_statisticsobjdef_columns", "oid", "text", "NULL::text"),
    ("pg_get_serial_sequence", "text, text", "text", "NULL::text"),
    ("pg_get_functiondef", "oid", "text", described!("pg_proc", "viewdef")),
    ("pg_get_function_arguments", "oid", "text", described!("pg_proc", "arguments")),
    ("pg_get_function_identity_arguments", "oid", "text", described!("pg_proc", "arguments")),
    ("pg_get_function_result", "oid", "text", described!("pg_proc", "result")),
    ("pg_get_function_sqlbody", "oid", "text", "NULL::text"),
    // Comments.
    ("obj_description", "oid", "text", comment!("objsubid = 0")),
    ("obj_description", "oid, name", "text", comment!("objsubid = 0 AND classoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = $2 AND relnamespace = 11::oid)")),
    ("col_description", "oid, int4", "text", comment!("objsubid = $2 AND objsubid <> 0")),
    ("shobj_description", "oid, name", "text", "(SELECT min(description) FROM pg_catalog.pg_shdescription WHERE objoid = $1 AND classoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = $2 AND relnamespace = 11::oid))"),
    // Settings.
    ("current_setting", "text, bool", "text", "coalesce((SELECT setting FROM pg_catalog.pg_settings WHERE lower(name) = lower($1)), CASE WHEN NOT $2 THEN mz_internal.mz_unknown_setting($1) END)"),
    ("current_setting", "text", "text", "coalesce((SELECT setting FROM pg_catalog.pg_settings WHERE lower(name) = lower($1)), mz_internal.mz_unknown_setting($1))"),
    // Privileges: every role may do all there is to do with what exists.
    ("has_cluster_privilege", "text, text", "bool", "(SELECT true FROM mz_catalog.mz_clusters WHERE name = $1 LIMIT 1)"),
    ("has_cluster_privilege", "any, text, text", "bool", "(SELECT true FROM mz_catalog.mz_clusters WHERE name = $2 LIMIT 1)"),
    ("has_connection_privilege", "text, text", "bool", "(SELECT true FROM mz_catalog.mz_connections WHERE name = $1 LIMIT 1)"),
    ("has_connection_privilege", "any, text, text", "bool", "(SELECT true FROM mz_catalog.mz_connections WHERE name = $2 LIMIT 1)"),
    ("has_secret_privilege", "text, text", "bool", "(SELECT true FROM mz_catalog.mz_secrets WHERE name = $1 LIMIT 1)"),
    ("has_secret_privilege", "any, text, text", "bool", "(SELECT true FROM mz_catalog.mz_secrets WHERE name = $2 LIMIT 1)"),
    ("has_system_privilege", "text", "bool", "true"),
    ("has_system_privilege", "any, text", "bool", "true"),
    ("has_role", "text, text", "bool", "pg_has_role($1, $2)"),
    ("has_role", "any, text, text", "bool", "pg_has_role($1, $2, $3)"),
    // The session and the environment.
    ("mz_uptime", "", "interval", "clock_timestamp() - pg_postmaster_start_time()"),
    ("mz_is_superuser", "", "bool", "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)"),
    ("mz_version_num", "", "int4", "(SELECT split_part(v, '.', 1)::int4 * 100000 + split_part(v, '.', 2)::int4 * 100 + split_part(v, '.', 3)::int4 FROM (SELECT substring(mz_version() from '[0-9]+\\.[0-9]+\\.[0-9]+')) AS version (v))"),
    ("connection_id", "", "int4", "pg_backend_pid()"),
    ("pg_conf_load_time", "", "timestamptz", "pg_postmaster_start_time()"),
    ("inet_client_addr", "", "text", "(SELECT client_addr::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid())"),
    ("pg_current_xact_id", "", "int8", "txid_current()"),
    ("timeofday", "", "text", "to_char(clock_timestamp(), 'Dy Mon DD HH24:MI:SS.US YYYY TZ')"),
    ("pg_blocking_pids", "int4", "int4[]", "ARRAY[]::int4[]"),
    // What Freshet has none of, or does not measure.
    ("pg_relation_is_publishable", "oid", "bool", "false"),
    ("pg_advisory_unlock_all", "", "text", "NULL::text"),
    ("pg_is_in_recovery", "", "bool", "false"),
    ("pg_is_other_temp_schema", "oid", "bool", "false"),
    ("pg_my_temp_schema", "", "oid", "0::oid"),
    ("pg_table_size", "oid", "int8", "NULL::int8"),
    ("pg_relation_size", "oid", "int8", "NULL::int8"),
    ("pg_relation_size", "oid, text", "int8", "NULL::int8"),
    ("pg_total_relation_size", "oid", "int8", "NULL::int8"),
    ("pg_indexes_size", "oid", "int8", "NULL::int8"),
    ("pg_database_size", "oid", "int8", "NULL::int8"),
    ("pg_database_size", "name", "int8", "NULL::int8"),
    ("pg_tablespace_size", "oid", "int8", "NULL::int8"),
    ("pg_tablespace_location", "oid", "text", "''"),
    ("pg_index_column_has_property", "oid, int4, text", "bool", "NULL::bool"),
    ("pg_indexam_has_property", "oid, text", "bool", "NULL::bool"),
    ("inet_server_addr", "", "text", "NULL::text"),
    ("inet_server_port", "", "int4", "NULL::int4"),
    ("pg_stat_get_numscans", "oid", "int8", "0::int8"),
];

/// Functions that give rows.
pub(super) const TABLE_FUNCTIONS: &[SqlFunction] = &[
    (
        "pg_options_to_table",
        "text[]",
        "option_name text, option_value text",
        "SELECT split_part(o, '=', 1) AS option_name, nullif(substr(o, strpos(o, '=') + 1), o) AS option_value FROM unnest($1) AS o",
    ),
    ("pg_partition_ancestors", "oid", "relid regclass", "SELECT $1::regclass AS relid"),
    (
        "pg_partition_tree",
        "oid",
        "relid regclass, parentrelid regclass, isleaf bool, level int4",
        "SELECT $1::regclass AS relid, NULL::regclass AS parentrelid, true AS isleaf, 0 AS level WHERE false",
    ),
    ("pg_get_keywords", "", "record", "SELECT * FROM mz_internal.mz_keywords"),
    ("pg_show_all_settings", "", "record", "SELECT * FROM pg_catalog.pg_settings"),
    ("pg_listening_channels", "", "pg_listening_channels text", "SELECT ''::text AS pg_listening_channels WHERE false"),
    ("pg_extension_config_dump", "", "oid oid", "SELECT 0::oid AS oid WHERE false"),
    ("pg_get_publication_tables", "text", "relid oid", "SELECT 0::oid AS relid WHERE false"),
    (
        "date_bin_hopping",
        "interval, interval, timestamp",
        "date_bin_hopping timestamp",
        "SELECT * FROM date_bin_hopping($1, $2, $3, timestamp '1970-01-01')",
    ),
    (
        "date_bin_hopping",
        "interval, interval, timestamptz",
        "date_bin_hopping timestamptz",
        "SELECT * FROM date_bin_hopping($1, $2, $3, timestamptz '1970-01-01 00:00:00+00')",
    ),
    (
        "date_bin_hopping",
        "interval, interval, timestamp, timestamp",
        "date_bin_hopping timestamp",
        "SELECT * FROM generate_series(date_bin($1, $3 - $2, $4) + $1, $3, $1) AS date_bin_hopping",
    ),
    (
        "date_bin_hopping",
        "interval, interval, timestamptz, timestamptz",
        "date_bin_hopping timestamptz",
        "SELECT * FROM generate_series(date_bin($1, $3 - $2, $4) + $1, $3, $1) AS date_bin_hopping",
    ),
];

/// Those that give a value, and those that give rows.
pub fn all() -> (Vec<&'static SqlFunction>, &'static [SqlFunction]) {
    ([FUNCTIONS, INQUIRIES, COLUMN_INQUIRIES].into_iter().flatten().collect(), TABLE_FUNCTIONS)
}
