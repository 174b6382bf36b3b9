//! All functions and operators of SQL in one list, whatever kind of table has them: what `pg_proc` and the reference are made from.
//!
//! ```text
//! expr::func               scalar functions and operators          expr::aggregate::table    aggregates
//! expr::table_func::table  table functions                         expr::window::table       window functions
//! query::session_value     values of the session and the moment    query::inline             functions whose body is SQL
//! ```

mod describe;
mod planned;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::query::{inline, session_value};
use expr::func::{ArgType, FuncDef, Nulls, Volatility};
use expr::{aggregate, table_func, window};
use repr::SqlType;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What kind of function one is (`pg_proc.prokind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value for each call, or rows.
    Function,
    /// An operator of one or two operands; not in `pg_proc` by its own name.
    Operator,
    /// A value for a group.
    Aggregate,
    /// The same with `WITHIN GROUP`; so many arguments come before the ordered ones.
    OrderedSet(usize),
    /// The same, where the arguments before are a hypothetical row.
    HypotheticalSet(usize),
    /// A value for a row of a window.
    Window,
}

/// One function.
#[derive(Clone, Debug)]
pub struct Routine {
    /// Unique, and the same in every version that has it.
    pub id: String,
    /// What SQL calls it.
    pub name: String,
    /// What kind it is.
    pub kind: Kind,
    /// What the reference lists it under.
    pub family: &'static str,
    /// Argument types.
    pub args: Vec<ArgType>,
    /// Whether the last argument may repeat.
    pub variadic: bool,
    /// The result: one column without a name, or the columns of its rows.
    pub ret: Vec<(Option<&'static str>, ArgType)>,
    /// Whether it gives rows.
    pub set: bool,
    /// Whether a NULL argument gives NULL, or no rows.
    pub strict: bool,
    /// Whether the same arguments always give the same value.
    pub volatility: Volatility,
    /// The body of one that is written in SQL.
    pub body: Option<&'static str>,
}

impl Routine {
    /// What it does, in a few words; none where its name and types say it all.
    pub fn description(&self) -> Option<&'static str> {
        describe::description(&self.name)
    }
}

/// What a table's entries have in common, with defaults for the rest.
fn routine(kind: Kind, family: &'static str, name: &str, args: &[ArgType], ret: ArgType) -> Routine {
    Routine {
        id: format!("{kind:?} {name} {args:?}"),
        name: name.to_string(),
        kind,
        family,
        args: args.to_vec(),
        variadic: false,
        ret: vec![(None, ret)],
        set: false,
        strict: kind == Kind::Function,
        volatility: Volatility::Immutable,
        body: None,
    }
}

/// Whether this is a function's name rather than an operator's.
pub(crate) fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Whether a function of the system has this name.
pub(crate) fn is_known(name: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| all().into_iter().map(|r| r.name).collect());
    NAMES.contains(name)
}

/// All of them.
pub fn all() -> Vec<Routine> {
    let scalars = expr::func::callable().into_iter().filter(|func| !is_quantified(func.0.sql_name));
    let mut all: Vec<Routine> = scalars.map(|func| scalar(func.0)).collect();
    all.extend(planned::all());
    all.extend(aggregates());
    all.extend(windows());
    all.extend(table_functions());
    all.extend(session_values());
    all.extend(inlined());
    all
}

/// Whether SQL writes it as `x = ANY (y)` or `x = ALL (y)`: only the planner calls it by this name.
fn is_quantified(name: &str) -> bool {
    name.starts_with("any_") || name.starts_with("all_")
}

fn scalar(def: &'static FuncDef) -> Routine {
    let kind = if is_word(def.sql_name) { Kind::Function } else { Kind::Operator };
    Routine {
        id: def.name.to_string(),
        variadic: def.variadic,
        strict: matches!(def.nulls, Nulls::Strict | Nulls::StrictMayReturnNull),
        volatility: def.volatility,
        ..routine(kind, def.family, def.sql_name, def.args, def.declared.clone())
    }
}

fn aggregates() -> Vec<Routine> {
    let plain = aggregate::table::all().iter();
    let plain = plain.map(|def| routine(Kind::Aggregate, "Aggregates", def.sql_name, def.args, def.ret.clone()));
    let ordered = aggregate::table::ordered_sets().iter().map(|def| {
        let kind = if def.hypothetical { Kind::HypotheticalSet(def.direct) } else { Kind::OrderedSet(def.direct) };
        let variadic = def.hypothetical;
        Routine { variadic, ..routine(kind, "Aggregates", def.sql_name, &def.args, def.ret.clone()) }
    });
    plain.chain(ordered).collect()
}

fn windows() -> Vec<Routine> {
    let entries = window::table::all().iter();
    entries.map(|def| routine(Kind::Window, "Window functions", def.sql_name, def.args, def.ret.clone())).collect()
}

fn table_functions() -> Vec<Routine> {
    let of = |def: &table_func::table::TableFuncDef| Routine {
        set: true,
        ret: def.ret.iter().map(|ty| (None, ty.clone())).collect(),
        ..routine(Kind::Function, "Table functions", def.sql_name, def.args, ArgType::Any)
    };
    table_func::table::all().iter().map(of).collect()
}

fn session_values() -> Vec<Routine> {
    let of = |value: &session_value::SessionValue| Routine {
        volatility: if value.is_volatile() { Volatility::Volatile } else { Volatility::Stable },
        ..routine(Kind::Function, "Session and moment", value.name, &[], ArgType::Exact(value.ret.clone()))
    };
    session_value::SESSION_VALUES.iter().map(of).collect()
}

fn inlined() -> Vec<Routine> {
    let (values, rows) = inline::all();
    let values = values.into_iter().filter(|f| !f.0.starts_with("mz_reg")).map(|f| sql_function(f, false));
    values.chain(rows.iter().map(|f| sql_function(f, true))).collect()
}

fn sql_function(function: &inline::SqlFunction, set: bool) -> Routine {
    let (name, args, ret, body) = *function;
    let args: Vec<ArgType> = args.split(", ").filter(|arg| !arg.is_empty()).map(argument).collect();
    let ret = match set {
        true => ret.split(", ").map(column).collect(),
        false => vec![(None, argument(ret))],
    };
    let family = if set { "Table functions" } else { "Catalog and environment" };
    let volatility = Volatility::Stable;
    Routine { set, ret, volatility, body: Some(body), ..routine(Kind::Function, family, name, &args, ArgType::Any) }
}

fn argument(name: &str) -> ArgType {
    inline::argument_type(name).map_or(ArgType::Any, ArgType::Exact)
}

fn column(declared: &'static str) -> (Option<&'static str>, ArgType) {
    match declared.split_once(' ') {
        Some((name, ty)) => (Some(name), argument(ty)),
        None => (None, ArgType::Exact(SqlType::Record(Vec::new()))),
    }
}
