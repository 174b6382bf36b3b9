//! Privilege inquiries, `has_table_privilege` and its kin: every role may do all there is to do with what exists.

use super::SqlFunction;
use repr::{SqlError, SqlState};

/// Inquiries by the type of their object, with the relation and column where it is looked up as what; each for the current role, and for a
/// role that is named first.
macro_rules! inquiries {
    ($($name:literal: $($object:literal in $relation:literal by $column:literal as $cast:literal),+;)+) => {
        &[$($(
            (
                $name,
                concat!($object, ", text"),
                "bool",
                concat!("(SELECT true FROM pg_catalog.", $relation, " WHERE ", $column, " = $1", $cast, ")"),
            ),
            (
                $name,
                concat!("any, ", $object, ", text"),
                "bool",
                concat!("(SELECT true FROM pg_catalog.", $relation, " WHERE ", $column, " = $2", $cast, ")"),
            ),
        )+)+]
    };
}

/// What stands without a type is read as the first that is given here.
#[rustfmt::skip]
pub(super) const INQUIRIES: &[SqlFunction] = inquiries! {
    "has_table_privilege":
        "regclass" in "pg_class" by "oid" as "", "oid" in "pg_class" by "oid" as "", "text" in "pg_class" by "oid" as "::regclass";
    "has_any_column_privilege":
        "regclass" in "pg_class" by "oid" as "", "oid" in "pg_class" by "oid" as "", "text" in "pg_class" by "oid" as "::regclass";
    "has_sequence_privilege":
        "regclass" in "pg_class" by "oid" as "", "oid" in "pg_class" by "oid" as "", "text" in "pg_class" by "oid" as "::regclass";
    "has_type_privilege":
        "regtype" in "pg_type" by "oid" as "", "oid" in "pg_type" by "oid" as "", "text" in "pg_type" by "oid" as "::regtype";
    "has_schema_privilege": "text" in "pg_namespace" by "nspname" as "", "oid" in "pg_namespace" by "oid" as "";
    "has_database_privilege": "text" in "pg_database" by "datname" as "", "oid" in "pg_database" by "oid" as "";
    "has_function_privilege":
        "regproc" in "pg_proc" by "oid" as "", "oid" in "pg_proc" by "oid" as "", "text" in "pg_proc" by "oid" as "::regproc";
    "has_language_privilege": "text" in "pg_language" by "lanname" as "", "oid" in "pg_language" by "oid" as "";
    "has_tablespace_privilege": "text" in "pg_tablespace" by "spcname" as "", "oid" in "pg_tablespace" by "oid" as "";
    "has_server_privilege": "text" in "pg_foreign_server" by "srvname" as "", "oid" in "pg_foreign_server" by "oid" as "";
    "has_foreign_data_wrapper_privilege":
        "text" in "pg_foreign_data_wrapper" by "fdwname" as "", "oid" in "pg_foreign_data_wrapper" by "oid" as "";
    "pg_has_role": "text" in "pg_roles" by "rolname" as "", "oid" in "pg_roles" by "oid" as "";
};

/// Inquiries about a column: by the types of table and column, with how the table is read and where the column is looked up.
macro_rules! column_inquiries {
    ($($table:literal as $cast:literal, $column:literal by $attribute:literal;)+) => {
        &[$(
            (
                "has_column_privilege",
                concat!($table, ", ", $column, ", text"),
                "bool",
                concat!("(SELECT true FROM pg_catalog.pg_attribute WHERE attrelid = $1", $cast, " AND ", $attribute, " = $2)"),
            ),
            (
                "has_column_privilege",
                concat!("any, ", $table, ", ", $column, ", text"),
                "bool",
                concat!("(SELECT true FROM pg_catalog.pg_attribute WHERE attrelid = $2", $cast, " AND ", $attribute, " = $3)"),
            ),
        )+]
    };
}

/// Those about columns.
pub(super) const COLUMN_INQUIRIES: &[SqlFunction] = column_inquiries! {
    "regclass" as "", "text" by "attname";
    "regclass" as "", "int4" by "attnum";
    "oid" as "", "text" by "attname";
    "oid" as "", "int4" by "attnum";
    "text" as "::regclass", "text" by "attname";
    "text" as "::regclass", "int4" by "attnum";
};

/// Words that name privileges.
#[rustfmt::skip]
const PRIVILEGES: &[&str] = &[
    "select", "insert", "update", "delete", "truncate", "references", "trigger", "usage", "create", "connect", "temporary", "temp", "execute",
    "member",
];

/// Refuses a list with a word that names no privilege.
pub(super) fn check_words(list: &str) -> Result<(), SqlError> {
    let word = |part: &str| {
        let part = part.trim().to_ascii_lowercase();
        part.strip_suffix(" with grant option").unwrap_or(&part).to_string()
    };
    match list.split(',').find(|part| !PRIVILEGES.contains(&word(part).as_str())) {
        None => Ok(()),
        Some(part) => {
            let message = format!("unrecognized privilege type: \"{}\"", part.trim());
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}
