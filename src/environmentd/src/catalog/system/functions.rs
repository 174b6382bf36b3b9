//! `pg_proc`, `pg_operator`, `pg_cast` and `pg_language`: made from the tables of functions and casts that queries are planned with.

use super::SystemState;
use super::pg_types::TYPES;
use super::rows::SYSTEM_ROLE_OID;
use expr::func::casts::{CastContext, CastImpl, lookup};
use expr::func::{ArgType, FuncDef, Nulls, Return, Volatility};
use expr::{AggregateExpr, AggregateFunc, ScalarExpr, TableFunc};
use repr::{ColumnType, Datum, Row, SqlType};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// PostgreSQL's oids of pseudo-types and of what implements functions.
const ANY: u32 = 2276;
const ANYARRAY: u32 = 2277;
const ANYELEMENT: u32 = 2283;
const ANYENUM: u32 = 3500;
const ANYRANGE: u32 = 3831;
const LANGUAGE_INTERNAL: u32 = 12;
const LANGUAGE_SQL: u32 = 14;

/// Aggregates by the names SQL has for them.
const AGGREGATES: &[&str] = &[
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "jsonb_agg",
    "jsonb_object_agg",
    "max",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// One row of `pg_proc`.
pub struct Procedure {
    /// Made from its unique name: the same in every version that has it.
    pub oid: u32,
    /// What SQL calls it; for an operator the function under it.
    pub name: String,
    /// Types of its arguments.
    pub args: Vec<u32>,
    /// The type of its result.
    pub ret: u32,
    /// `f` function, `a` aggregate.
    pub kind: &'static str,
    /// Whether it gives rows.
    pub set: bool,
    strict: bool,
    volatility: &'static str,
    variadic: u32,
    language: u32,
}

impl Procedure {
    /// What `pg_get_functiondef` shows; none of an aggregate.
    pub fn definition(&self, arguments: &str, result: &str) -> Option<String> {
        if self.kind != "f" {
            return None;
        }
        let language = if self.language == LANGUAGE_SQL { "sql" } else { "internal" };
        let volatility = match self.volatility {
            "i" => " IMMUTABLE",
            "s" => " STABLE",
            _ => "",
        };
        let strict = if self.strict { " STRICT" } else { "" };
        let name = sql::catalog::quote_ident(&self.name);
        Some(format!(
            "CREATE OR REPLACE FUNCTION pg_catalog.{name}({arguments})\n RETURNS {result}\n LANGUAGE {language}\n{volatility} \
             PARALLEL SAFE{strict}\nAS $function${}$function$\n",
            self.name
        ))
    }
}

/// A number from 2³⁰ that belongs to a name.
fn oid_of(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811C_9DC5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash & 0x3FFF_FFFF | 0x4000_0000
}

fn argument(arg: &ArgType) -> u32 {
    match arg {
        ArgType::Exact(ty) => repr::pg::oid(ty),
        ArgType::Any => ANY,
        ArgType::Element => ANYELEMENT,
        ArgType::ArrayOfElement => ANYARRAY,
        ArgType::RangeOfElement => ANYRANGE,
        ArgType::Enum => ANYENUM,
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn of_function(def: &FuncDef) -> Procedure {
    let name = if is_word(def.sql_name) { def.sql_name } else { def.name };
    let args: Vec<u32> = def.args.iter().map(argument).collect();
    let polymorphic = args.iter().find(|arg| matches!(**arg, ANYELEMENT | ANYARRAY | ANYRANGE | ANYENUM)).copied();
    Procedure {
        oid: oid_of(def.name),
        name: name.to_string(),
        ret: match &def.ret {
            Return::Type(ty) => repr::pg::oid(ty),
            Return::From(_) => polymorphic.unwrap_or(ANY),
        },
        kind: "f",
        set: false,
        strict: matches!(def.nulls, Nulls::Strict | Nulls::StrictMayReturnNull),
        volatility: match def.volatility {
            Volatility::Immutable => "i",
            Volatility::Stable => "s",
            Volatility::Volatile => "v",
        },
        variadic: if def.variadic { args.last().copied().unwrap_or(0) } else { 0 },
        language: LANGUAGE_INTERNAL,
        args,
    }
}

fn other(name: &str, kind: &'static str, args: Vec<u32>, ret: u32, set: bool) -> Procedure {
    let unique = format!("{kind} {name} {args:?}");
    let (oid, name, language) = (oid_of(&unique), name.to_string(), LANGUAGE_INTERNAL);
    Procedure { oid, name, args, ret, kind, set, strict: kind == "f", volatility: "s", variadic: 0, language }
}

/// The types that an aggregate may have as its argument.
fn base_types() -> impl Iterator<Item = SqlType> {
    TYPES.iter().filter(|t| t.element == 0).filter_map(|t| repr::pg::from_oid(t.oid))
}

fn aggregates() -> Vec<Procedure> {
    let mut all = vec![other("count", "a", Vec::new(), repr::pg::oid(&SqlType::Int8), false)];
    let any = repr::pg::oid;
    for name in AGGREGATES {
        match *name {
            "count" => all.push(other(name, "a", vec![ANY], any(&SqlType::Int8), false)),
            "array_agg" => all.push(other(name, "a", vec![ANYELEMENT], ANYARRAY, false)),
            "jsonb_agg" => all.push(other(name, "a", vec![ANYELEMENT], any(&SqlType::Jsonb), false)),
            "jsonb_object_agg" => all.push(other(name, "a", vec![ANY, ANY], any(&SqlType::Jsonb), false)),
            "string_agg" => all.push(other(name, "a", vec![any(&SqlType::Text); 2], any(&SqlType::Text), false)),
            _ => all.extend(base_types().filter_map(|ty| aggregate(name, &ty))),
        }
    }
    all
}

/// The aggregate of this name for one argument of this very type.
fn aggregate(name: &str, ty: &SqlType) -> Option<Procedure> {
    let (func, wanted) = AggregateFunc::resolve(name, std::slice::from_ref(ty))?;
    if wanted != [ty.clone()] && !matches!(name, "stddev" | "variance") && !name.contains('_') {
        return None;
    }
    let column = [wanted.first()?.clone().nullable(true)];
    let aggregate = AggregateExpr {
        func,
        args: vec![ScalarExpr::Column(0)],
        filter: None,
        distinct: false,
        order: Vec::new(),
        order_exprs: Vec::new(),
    };
    let ret = aggregate.typ(&column).ty;
    Some(other(name, "a", vec![repr::pg::oid(ty)], repr::pg::oid(&ret), false))
}

fn table_functions() -> Vec<Procedure> {
    let text = SqlType::Text;
    let calls: &[(&str, &[SqlType])] = &[
        ("generate_series", &[SqlType::Int4, SqlType::Int4]),
        ("generate_series", &[SqlType::Int8, SqlType::Int8]),
        ("generate_series", &[SqlType::NUMERIC, SqlType::NUMERIC]),
        ("generate_series", &[SqlType::TIMESTAMP, SqlType::TIMESTAMP, SqlType::Interval]),
        ("generate_series", &[SqlType::TIMESTAMPTZ, SqlType::TIMESTAMPTZ, SqlType::Interval]),
        ("jsonb_array_elements", &[SqlType::Jsonb]),
        ("jsonb_array_elements_text", &[SqlType::Jsonb]),
        ("jsonb_each", &[SqlType::Jsonb]),
        ("jsonb_each_text", &[SqlType::Jsonb]),
        ("jsonb_object_keys", &[SqlType::Jsonb]),
        ("regexp_split_to_table", &[text.clone(), text]),
    ];
    let call = |(name, types): &(&str, &[SqlType])| {
        let open: Vec<_> = types.iter().cloned().map(Some).collect();
        let (func, _) = TableFunc::resolve(name, &open)?;
        let columns: Vec<(String, ColumnType)> = func.columns();
        let ret = match &columns[..] {
            [(_, column)] => repr::pg::oid(&column.ty),
            _ => repr::pg::oid(&SqlType::Record(Vec::new())),
        };
        Some(other(name, "f", types.iter().map(repr::pg::oid).collect(), ret, true))
    };
    let unnest = other("unnest", "f", vec![ANYARRAY], ANYELEMENT, true);
    let subscripts = other("generate_subscripts", "f", vec![ANYARRAY, 23], 23, true);
    calls.iter().filter_map(call).chain([unnest, subscripts]).collect()
}

/// The functions that read the catalog; their results' types follow from their names.
fn inlined() -> Vec<Procedure> {
    let call = |(name, args, set): (&'static str, Vec<SqlType>, bool)| {
        let ret = match name {
            _ if set => SqlType::Record(Vec::new()),
            "to_regclass" => SqlType::Regclass,
            "to_regproc" => SqlType::Regproc,
            "to_regtype" => SqlType::Regtype,
            "to_regnamespace" | "to_regrole" | "pg_my_temp_schema" => SqlType::Oid,
            "pg_get_userbyid" | "getdatabaseencoding" | "pg_encoding_to_char" | "pg_client_encoding" => SqlType::Name,
            _ if name.ends_with("_size") => SqlType::Int8,
            "pg_has_role" => SqlType::Bool,
            _ if name.contains("_is_") || name.ends_with("_property") || name.ends_with("_privilege") => SqlType::Bool,
            "pg_char_to_encoding" | "inet_server_port" => SqlType::Int4,
            _ => SqlType::Text,
        };
        let args = args.iter().map(repr::pg::oid).collect();
        Procedure { language: LANGUAGE_SQL, ..other(name, "f", args, repr::pg::oid(&ret), set) }
    };
    sql::query::inline::signatures().into_iter().map(call).collect()
}

/// The functions that belong to the session or the moment.
fn moments() -> Vec<Procedure> {
    let calls = [
        ("now", SqlType::TIMESTAMPTZ),
        ("transaction_timestamp", SqlType::TIMESTAMPTZ),
        ("statement_timestamp", SqlType::TIMESTAMPTZ),
        ("mz_now", SqlType::MzTimestamp),
        ("current_database", SqlType::Name),
        ("current_schema", SqlType::Name),
        ("version", SqlType::Text),
        ("mz_version", SqlType::Text),
        ("mz_environment_id", SqlType::Text),
        ("pg_backend_pid", SqlType::Int4),
        ("pg_postmaster_start_time", SqlType::TIMESTAMPTZ),
    ];
    let signal = |name| other(name, "f", vec![repr::pg::oid(&SqlType::Int4)], repr::pg::oid(&SqlType::Bool), false);
    let signals = ["pg_cancel_backend", "pg_terminate_backend"].map(signal);
    let values = calls.iter().map(|(name, ret)| other(name, "f", Vec::new(), repr::pg::oid(ret), false));
    values.chain(signals).collect()
}

/// PostgreSQL's own oids of the functions that read and write arrays: tools know types by them.
fn array_input() -> Procedure {
    Procedure { oid: 750, ..other("array_in", "f", vec![2275, 26, 23], ANYARRAY, false) }
}

/// All functions.
pub fn all() -> Vec<Procedure> {
    let plain = expr::func::all().into_iter().filter(|f| !f.0.sql_name.is_empty()).map(|f| of_function(f.0));
    let rest = [aggregates(), table_functions(), inlined(), moments(), vec![array_input()]];
    plain.chain(rest.into_iter().flatten()).collect()
}

/// Names of all functions by oid.
static NAMES: LazyLock<BTreeMap<u32, String>> = LazyLock::new(|| all().into_iter().map(|p| (p.oid, p.name)).collect());

/// The name of a function.
pub fn function_name(oid: u32) -> Option<&'static str> {
    NAMES.get(&oid).map(String::as_str)
}

/// The oid of the only or first function of a name.
pub fn function_oid(name: &str) -> Option<u32> {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    NAMES.iter().find(|(_, known)| *known == name).map(|(oid, _)| *oid)
}

fn oids(list: &[u32]) -> Vec<u8> {
    repr::array::encode_list(list.iter().map(|oid| Datum::Oid(*oid)))
}

/// `pg_proc`
pub fn procedures(state: &SystemState) -> Vec<Row> {
    let namespace = state.catalog.schema(None, "pg_catalog").map_or(0, |s| s.oid);
    all().iter().map(|p| procedure(p, namespace)).collect()
}

fn procedure(p: &Procedure, namespace: u32) -> Row {
    let (args, none, null) = (oids(&p.args), Datum::Oid(0), Datum::Null);
    let (text, flag) = (Datum::Text, Datum::Bool);
    let head = [Datum::Oid(p.oid), text(&p.name), Datum::Oid(namespace), Datum::Oid(SYSTEM_ROLE_OID)];
    let costs = [Datum::Oid(p.language), Datum::Float4(1.0), Datum::Float4(if p.set { 1000.0 } else { 0.0 })];
    let kinds = [Datum::Oid(p.variadic), none, text(p.kind), flag(false), flag(false), flag(p.strict), flag(p.set)];
    let shape = [text(p.volatility), text("s"), Datum::Int2(p.args.len() as i16), Datum::Int2(0), Datum::Oid(p.ret)];
    let types = [Datum::Array(repr::ArrayRef::from_encoded(&args)), null, null, null, null, null];
    let rows = head.into_iter().chain(costs).chain(kinds).chain(shape).chain(types);
    Row::pack(rows.chain([text(&p.name), null, null, null, null]))
}

/// `pg_operator`
pub fn operators(state: &SystemState) -> Vec<Row> {
    let namespace = state.catalog.schema(None, "pg_catalog").map_or(0, |s| s.oid);
    all_operators().iter().map(|(oid, def)| operator(*oid, def, namespace)).collect()
}

/// The operators of the function table, with their oids.
pub fn all_operators() -> Vec<(u32, &'static FuncDef)> {
    let operators = expr::func::all().into_iter().map(|f| f.0);
    let operators =
        operators.filter(|d| !d.sql_name.is_empty() && !is_word(d.sql_name) && matches!(d.args.len(), 1 | 2));
    operators.map(|d| (oid_of(&format!("operator {}", d.name)), d)).collect()
}

fn operator(oid: u32, def: &FuncDef, namespace: u32) -> Row {
    let (none, flag) = (Datum::Oid(0), Datum::Bool);
    let (left, right) = match def.args {
        [right] => (0, argument(right)),
        [left, right] => (argument(left), argument(right)),
        _ => (0, 0),
    };
    let ret = match &def.ret {
        Return::Type(ty) => repr::pg::oid(ty),
        Return::From(_) => left.max(right),
    };
    let kind = Datum::Text(if left == 0 { "l" } else { "b" });
    let equality = def.sql_name == "=";
    let head = [Datum::Oid(oid), Datum::Text(def.sql_name), Datum::Oid(namespace), Datum::Oid(SYSTEM_ROLE_OID), kind];
    let types = [flag(equality), flag(equality), Datum::Oid(left), Datum::Oid(right), Datum::Oid(ret), none, none];
    Row::pack(head.into_iter().chain(types).chain([Datum::Oid(oid_of(def.name)), none, none]))
}

/// `pg_cast`
pub fn casts(_: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for from in base_types() {
        for to in base_types().filter(|to| *to != from) {
            let Some((context, cast)) = lookup(&from, &to) else { continue };
            // What goes through text is no cast of the catalog.
            let method = match cast {
                CastImpl::Relabel => "b",
                CastImpl::Function(_) => "f",
                _ => continue,
            };
            let context = match context {
                CastContext::Implicit => "i",
                CastContext::Assignment => "a",
                CastContext::Explicit => "e",
            };
            let (source, target) = (repr::pg::oid(&from), repr::pg::oid(&to));
            let oid = Datum::Oid(oid_of(&format!("cast {source} {target}")));
            let types = [Datum::Oid(source), Datum::Oid(target), Datum::Oid(0)];
            rows.push(Row::pack([oid].into_iter().chain(types).chain([Datum::Text(context), Datum::Text(method)])));
        }
    }
    rows
}

/// `pg_language`
pub fn languages(_: &SystemState) -> Vec<Row> {
    let row = |(oid, name): (u32, &str)| {
        let (none, flag) = (Datum::Oid(0), Datum::Bool);
        let head = [Datum::Oid(oid), Datum::Text(name), Datum::Oid(SYSTEM_ROLE_OID), flag(false), flag(name == "sql")];
        Row::pack(head.into_iter().chain([none, none, none, Datum::Null]))
    };
    [(LANGUAGE_INTERNAL, "internal"), (LANGUAGE_SQL, "sql")].into_iter().map(row).collect()
}
