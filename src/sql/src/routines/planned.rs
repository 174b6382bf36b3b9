//! Functions that the planner turns into something other than a call of a table's entry.

use super::{Kind, Routine, routine};
use expr::func::{ArgType, Volatility};
use repr::SqlType;

/// Their names, argument types, results and families.
const PLANNED: &[(&str, &str, &str, &str)] = &[
    ("coalesce", "any...", "any", "Logic"),
    ("grouping", "any...", "int4", "Aggregates"),
    ("pg_typeof", "any", "regtype", "Rows, types and sizes"),
    ("age", "timestamp", "interval", "Dates and times"),
    ("age", "timestamptz", "interval", "Dates and times"),
    ("set_config", "text, text, bool", "text", "Session and moment"),
    ("current_schemas", "bool", "name[]", "Session and moment"),
    ("pg_sleep", "float8", "text", "Session and moment"),
    ("pg_sleep_for", "interval", "text", "Session and moment"),
    ("pg_cancel_backend", "int4", "bool", "Session and moment"),
    ("pg_terminate_backend", "int4", "bool", "Session and moment"),
    ("jsonb_to_record", "jsonb", "record", "JSON"),
    ("jsonb_to_recordset", "jsonb", "setof record", "JSON"),
    ("jsonb_populate_record", "anyelement, jsonb", "anyelement", "JSON"),
    ("jsonb_populate_recordset", "anyelement, jsonb", "setof anyelement", "JSON"),
    ("json_to_record", "json", "record", "JSON"),
    ("json_to_recordset", "json", "setof record", "JSON"),
    ("json_populate_record", "anyelement, json", "anyelement", "JSON"),
    ("json_populate_recordset", "anyelement, json", "setof anyelement", "JSON"),
    ("enum_first", "anyenum", "anyenum", "Enums"),
    ("enum_last", "anyenum", "anyenum", "Enums"),
    ("enum_range", "anyenum", "anyarray", "Enums"),
    ("enum_range", "anyenum, anyenum", "anyarray", "Enums"),
];

fn argument(name: &str) -> ArgType {
    match name {
        "any" => ArgType::Any,
        "anyelement" => ArgType::Element,
        "anyenum" => ArgType::Enum,
        "anyarray" => ArgType::ArrayOfElement,
        name => SqlType::from_name(name).map_or(ArgType::Any, ArgType::Exact),
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = Routine> {
    PLANNED.iter().map(|(name, args, ret, family)| {
        let variadic = args.ends_with("...");
        let args: Vec<ArgType> = args.trim_end_matches("...").split(", ").map(argument).collect();
        let volatility = match *family {
            "Session and moment" => Volatility::Volatile,
            _ => Volatility::Immutable,
        };
        let (set, ret) = (ret.starts_with("setof "), argument(ret.trim_start_matches("setof ")));
        Routine { variadic, set, strict: false, volatility, ..routine(Kind::Function, family, name, &args, ret) }
    })
}
