//! `pg_proc`, `pg_aggregate`, `pg_operator`, `pg_cast` and `pg_language`: made from the tables of functions and casts that queries are planned with.

use super::SystemState;
use super::pg_types::TYPES;
use super::rows::{SYSTEM_ROLE_OID, role_oid, schema_oid};
use expr::func::casts::{CastContext, CastImpl, lookup};
use expr::func::{ArgType, Volatility};
use repr::{Datum, Row, SqlType};
use sql::catalog::{CatalogItem, FunctionItem, FunctionResult, ItemDetails};
use sql::routines::{Kind, Routine};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// PostgreSQL's oids of pseudo-types and of what implements functions.
const ANY: u32 = 2276;
const ANYARRAY: u32 = 2277;
const ANYELEMENT: u32 = 2283;
const ANYENUM: u32 = 3500;
const ANYRANGE: u32 = 3831;
/// Materialize's pseudo-types of lists and maps.
const LIST: u32 = 16454;
const MAP: u32 = 16455;
const LANGUAGE_INTERNAL: u32 = 12;
const LANGUAGE_SQL: u32 = 14;

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
    /// `f` function, `a` aggregate, `w` window function.
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
        ArgType::ListOfElement => LIST,
        ArgType::MapOfElement => MAP,
        ArgType::Enum => ANYENUM,
    }
}

/// A result that `pg_proc` can say in one type.
fn result(columns: &[(Option<&str>, ArgType)]) -> u32 {
    match columns {
        [(_, ty)] => argument(ty),
        _ => repr::pg::oid(&SqlType::Record(Vec::new())),
    }
}

fn volatility(volatility: Volatility) -> &'static str {
    match volatility {
        Volatility::Immutable => "i",
        Volatility::Stable => "s",
        Volatility::Volatile => "v",
    }
}

fn procedure_of(routine: &Routine) -> Procedure {
    let args: Vec<u32> = routine.args.iter().map(argument).collect();
    Procedure {
        oid: oid_of(&routine.id),
        name: routine.name.clone(),
        ret: result(&routine.ret),
        kind: match routine.kind {
            Kind::Function | Kind::Operator => "f",
            Kind::Aggregate | Kind::OrderedSet(_) | Kind::HypotheticalSet(_) => "a",
            Kind::Window => "w",
        },
        set: routine.set,
        strict: routine.strict,
        volatility: volatility(routine.volatility),
        variadic: if routine.variadic { args.last().copied().unwrap_or(0) } else { 0 },
        language: if routine.body.is_some() { LANGUAGE_SQL } else { LANGUAGE_INTERNAL },
        args,
    }
}

/// The types that have casts.
fn base_types() -> impl Iterator<Item = SqlType> {
    TYPES.iter().filter(|t| t.element == 0).filter_map(|t| repr::pg::from_oid(t.oid))
}

/// PostgreSQL's own oids of the functions that read and write arrays: tools know types by them.
fn array_input() -> Procedure {
    let (args, strict, volatility) = (vec![2275, 26, 23], true, "s");
    let (name, kind, set, variadic, language) = ("array_in".to_string(), "f", false, 0, LANGUAGE_INTERNAL);
    Procedure { oid: 750, name, args, ret: ANYARRAY, kind, set, strict, volatility, variadic, language }
}

/// The functions under operators, which SQL calls by the operators only.
fn under_operators() -> impl Iterator<Item = Procedure> {
    all_operators().into_iter().map(|(_, routine)| Procedure { name: routine.id.clone(), ..procedure_of(&routine) })
}

/// All functions.
pub fn all() -> Vec<Procedure> {
    let routines = sql::routines::all();
    let named = routines.iter().filter(|routine| routine.kind != Kind::Operator).map(procedure_of);
    named.chain(under_operators()).chain([array_input()]).collect()
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
    let user = user_functions(state).map(|(item, function)| {
        let owner = role_oid(&state.catalog, &item.owner);
        procedure(&of_user(item, function), schema_oid(&state.catalog, item), owner, &function.body.to_string())
    });
    all().iter().map(|p| procedure(p, namespace, SYSTEM_ROLE_OID, &p.name)).chain(user).collect()
}

/// The functions that users made in the session's database.
pub fn user_functions(state: &SystemState) -> impl Iterator<Item = (&CatalogItem, &FunctionItem)> {
    state.catalog.entries().filter_map(|entry| match &entry.item.details {
        ItemDetails::Function(function) if entry.item.name.database.as_ref() == Some(&state.database) => {
            Some((&entry.item, &**function))
        }
        _ => None,
    })
}

/// A function that a user made.
pub fn of_user(item: &CatalogItem, function: &FunctionItem) -> Procedure {
    let (set, ret) = match &function.result {
        FunctionResult::Value(ty) => (false, repr::pg::oid(ty)),
        FunctionResult::SetOf(ty) => (true, repr::pg::oid(ty)),
        FunctionResult::Table(columns) => match &columns[..] {
            [(_, ty)] => (true, repr::pg::oid(ty)),
            _ => (true, repr::pg::oid(&SqlType::Record(Vec::new()))),
        },
    };
    Procedure {
        oid: item.oid,
        name: item.name.item.clone(),
        args: function.args.iter().map(|argument| repr::pg::oid(&argument.ty)).collect(),
        ret,
        kind: "f",
        set,
        strict: function.strict,
        volatility: volatility(function.volatility),
        variadic: 0,
        language: LANGUAGE_SQL,
    }
}

fn procedure(p: &Procedure, namespace: u32, owner: u32, source: &str) -> Row {
    let (args, none, null) = (oids(&p.args), Datum::Oid(0), Datum::Null);
    let (text, flag) = (Datum::Text, Datum::Bool);
    let head = [Datum::Oid(p.oid), text(&p.name), Datum::Oid(namespace), Datum::Oid(owner)];
    let costs = [Datum::Oid(p.language), Datum::Float4(1.0), Datum::Float4(if p.set { 1000.0 } else { 0.0 })];
    let kinds = [Datum::Oid(p.variadic), none, text(p.kind), flag(false), flag(false), flag(p.strict), flag(p.set)];
    let shape = [text(p.volatility), text("s"), Datum::Int2(p.args.len() as i16), Datum::Int2(0), Datum::Oid(p.ret)];
    let types = [Datum::Array(repr::ArrayRef::from_encoded(&args)), null, null, null, null, null];
    let rows = head.into_iter().chain(costs).chain(kinds).chain(shape).chain(types);
    Row::pack(rows.chain([text(source), null, null, null, null]))
}

/// `pg_operator`
pub fn operators(state: &SystemState) -> Vec<Row> {
    let namespace = state.catalog.schema(None, "pg_catalog").map_or(0, |s| s.oid);
    all_operators().iter().map(|(oid, routine)| operator(*oid, routine, namespace)).collect()
}

/// The operators of the function table, with their oids.
pub fn all_operators() -> Vec<(u32, Routine)> {
    let operators = sql::routines::all().into_iter().filter(|routine| routine.kind == Kind::Operator);
    operators.map(|routine| (oid_of(&format!("operator {}", routine.id)), routine)).collect()
}

fn operator(oid: u32, routine: &Routine, namespace: u32) -> Row {
    let (none, flag) = (Datum::Oid(0), Datum::Bool);
    let (left, right) = match &routine.args[..] {
        [left, right] => (argument(left), argument(right)),
        args => (0, args.first().map_or(0, argument)),
    };
    let kind = Datum::Text(if left == 0 { "l" } else { "b" });
    let (equality, ret) = (routine.name == "=", result(&routine.ret));
    let head = [Datum::Oid(oid), Datum::Text(&routine.name), Datum::Oid(namespace), Datum::Oid(SYSTEM_ROLE_OID), kind];
    let types = [flag(equality), flag(equality), Datum::Oid(left), Datum::Oid(right), Datum::Oid(ret), none, none];
    Row::pack(head.into_iter().chain(types).chain([Datum::Oid(oid_of(&routine.id)), none, none]))
}

/// `pg_aggregate`
pub fn aggregates(_: &SystemState) -> Vec<Row> {
    let row = |routine: &Routine| {
        let (kind, direct) = match routine.kind {
            Kind::Aggregate => ("n", 0),
            Kind::OrderedSet(direct) => ("o", direct),
            Kind::HypotheticalSet(direct) => ("h", direct),
            _ => return None,
        };
        let (none, no, text) = (Datum::Oid(0), Datum::Bool(false), Datum::Text);
        // How values are added up is none of SQL's functions.
        let head = [Datum::Oid(oid_of(&routine.id)), text(kind), Datum::Int2(direct as i16)];
        let flags = [no, no, text("r"), text("r"), none];
        let state = [none, Datum::Int4(0), none, Datum::Int4(0), Datum::Null, Datum::Null];
        Some(Row::pack(head.into_iter().chain([none; 8]).chain(flags).chain(state)))
    };
    sql::routines::all().iter().filter_map(row).collect()
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
