//! The table of scalar functions and operators: one entry is all it takes to add one.
//!
//! Each family of functions has a file with a `table()` of entries; names and behaviour are PostgreSQL's. The planner
//! picks among [`candidates`]; plans store a function's unique name. Some functions are made when they are first
//! named, because they belong to a type: `text_to(integer[])`, see [`typed`].

use repr::text::TextSettings;
use repr::{Arena, ColumnType, Datum, EvalError, SqlType};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

pub mod array;
pub mod boolean;
pub(crate) mod build;
pub mod bytes;
pub mod casts;
pub mod compare;
pub mod datetime;
pub mod enums;
pub mod interval;
pub mod json;
pub mod json_text;
pub mod jsonpath;
pub mod list;
pub mod map;
pub mod math;
pub mod misc;
pub mod number;
pub mod numeric;
pub mod pattern;
pub mod range;
pub mod regex;
pub mod session;
pub mod text;
pub mod to_char;
pub mod typed;
pub mod uint;
pub mod volatile;

#[cfg(test)]
mod monotone;
#[cfg(test)]
mod tests;

/// A function of the table; compared, ordered and stored by its unique name.
#[derive(Clone, Copy)]
pub struct Func(pub &'static FuncDef);

/// Evaluates a function on evaluated arguments; what it makes lives in the arena.
pub type EvalFn = for<'a> fn(&[Datum<'a>], &'a Arena) -> Result<Datum<'a>, EvalError>;

/// Evaluates a function that belongs to a type and knows it.
pub type TypedEval = Box<dyn for<'a> Fn(&[Datum<'a>], &'a Arena) -> Result<Datum<'a>, EvalError> + Send + Sync>;

/// Evaluates a function that depends on a session's settings.
pub type SessionEval =
    Box<dyn for<'a> Fn(&[Datum<'a>], &'a Arena, &TextSettings) -> Result<Datum<'a>, EvalError> + Send + Sync>;

/// An implementation.
pub enum Eval {
    /// Of an entry of the table.
    Plain(EvalFn),
    /// Of a function made for a type.
    Typed(TypedEval),
    /// Of a function that reads or prints as a session says; see [`session`].
    Session(SessionEval),
}

/// The settings of functions that no session has its own of: those of maintained plans.
pub(crate) static DEFAULT_SETTINGS: TextSettings = TextSettings::DEFAULT;

/// One entry of the table.
pub struct FuncDef {
    /// Unique and stable, as it is stored in plans: `int4pl`, `text_upper`.
    pub name: &'static str,
    /// What SQL calls it: an operator (`+`) or a function (`upper`); empty if SQL cannot call it by name.
    pub sql_name: &'static str,
    /// Argument types; the last repeats if `variadic`.
    pub args: &'static [ArgType],
    /// Whether the last argument may repeat (one or more times).
    pub variadic: bool,
    /// The result's type.
    pub ret: Return,
    /// The result's type as it is declared.
    pub declared: ArgType,
    /// What a NULL argument does.
    pub nulls: Nulls,
    /// Whether the same arguments always give the same value.
    pub volatility: Volatility,
    /// Whether it can return an error for arguments of its types.
    pub fallible: bool,
    /// By argument, whether a greater value there never gives a lesser result while the others stay; none beyond its end.
    ///
    /// LAW: of values that are not NULL, and where neither errs: a ≤ b ⇒ f(… a …) ≤ f(… b …), NULL results left out.
    pub monotone: &'static [bool],
    /// What the reference lists it under.
    pub family: &'static str,
    /// The implementation.
    pub eval: Eval,
}

/// What the choice among entries of one name needs to know of each, whatever kind of function it is.
pub trait Overload: Copy {
    /// Argument types; the last repeats if [`Overload::variadic`].
    fn args(self) -> &'static [ArgType];

    /// Whether the last argument may repeat (one or more times).
    fn variadic(self) -> bool {
        false
    }
}

impl Overload for Func {
    fn args(self) -> &'static [ArgType] {
        self.0.args
    }

    fn variadic(self) -> bool {
        self.0.variadic
    }
}

impl FuncDef {
    /// Calls the implementation, NULLs or not.
    pub fn call<'a>(&self, args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
        match &self.eval {
            Eval::Plain(f) => f(args, arena),
            Eval::Typed(f) => f(args, arena),
            Eval::Session(f) => f(args, arena, &DEFAULT_SETTINGS),
        }
    }
}

/// What an argument accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgType {
    /// This type, whatever its modifier.
    Exact(SqlType),
    /// Any type (`"any"`).
    Any,
    /// Any one type, the same for all arguments so marked (`anyelement`, and `anyarray` of it).
    Element,
    /// An array of the type that `Element` stands for.
    ArrayOfElement,
    /// A range of the type that `Element` stands for (`anyrange`).
    RangeOfElement,
    /// A list of the type that `Element` stands for.
    ListOfElement,
    /// A map to values of the type that `Element` stands for.
    MapOfElement,
    /// Any one enum, the same for all arguments so marked (`anyenum`).
    Enum,
}

/// A result's type.
pub enum Return {
    /// Always this type.
    Type(SqlType),
    /// Computed from the arguments' types.
    From(Box<dyn Fn(&[ColumnType]) -> SqlType + Send + Sync>),
}

/// What a NULL argument does to the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Any NULL argument gives NULL, without a call; no NULL argument gives no NULL.
    Strict,
    /// As `Strict`, but the result may be NULL without a NULL argument.
    StrictMayReturnNull,
    /// Called with NULLs; never returns NULL.
    NeverNull,
    /// Called with NULLs; may return NULL.
    Called,
}

/// Whether a function always gives the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatility {
    /// For ever.
    Immutable,
    /// Within one statement.
    Stable,
    /// Never.
    Volatile,
}

impl PartialEq for Func {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}
impl Eq for Func {}
impl PartialOrd for Func {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Func {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name.cmp(other.0.name)
    }
}
impl std::hash::Hash for Func {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}
impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}
impl Serialize for Func {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}
impl<'de> Deserialize<'de> for Func {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        by_name(&name).ok_or_else(|| serde::de::Error::custom(format!("no function {name}")))
    }
}

/// Generic comparisons over any one type: for plans that are made without overload resolution.
const HIDDEN: [&str; 6] = ["eq", "ne", "lt", "le", "gt", "ge"];

struct Table {
    by_name: HashMap<&'static str, Func>,
    by_sql_name: HashMap<&'static str, Vec<Func>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let families = [
        ("Comparison", compare::table()),
        ("Logic", boolean::table()),
        ("Numbers", number::table()),
        ("Numbers", numeric::table()),
        ("Numbers", math::table()),
        ("Numbers", uint::table()),
        ("Text", text::table()),
        ("Patterns", pattern::table()),
        ("Bytes and hashes", bytes::table()),
        ("Dates and times", datetime::table()),
        ("Dates and times", interval::table()),
        ("Dates and times", to_char::table()),
        ("JSON", json::table()),
        ("JSON", json_text::table()),
        ("JSON", jsonpath::table()),
        ("Arrays", array::table()),
        ("Lists and maps", list::table()),
        ("Lists and maps", map::table()),
        ("Ranges", range::table()),
        ("Enums", enums::table()),
        ("Rows, types and sizes", misc::table()),
        ("Casts", casts::table()),
        ("Session and moment", volatile::table()),
    ];
    let mut table = Table { by_name: HashMap::new(), by_sql_name: HashMap::new() };
    let entries = families.into_iter().flat_map(|(family, defs)| defs.into_iter().map(move |def| (family, def)));
    for (family, def) in entries {
        let func = Func(Box::leak(Box::new(FuncDef { family, ..def })));
        let previous = table.by_name.insert(func.0.name, func);
        assert!(previous.is_none(), "two functions are called {}", func.0.name);
        if !func.0.sql_name.is_empty() && !HIDDEN.contains(&func.0.name) {
            table.by_sql_name.entry(func.0.sql_name).or_default().push(func);
        }
    }
    table
});

/// The function with this unique name.
pub fn by_name(name: &str) -> Option<Func> {
    TABLE.by_name.get(name).copied().or_else(|| typed::by_name(name))
}

/// All functions and operators that SQL knows by this name (lower case), in the table's order.
pub fn candidates(sql_name: &str) -> Vec<Func> {
    TABLE.by_sql_name.get(sql_name).cloned().unwrap_or_default()
}

/// All functions and operators that SQL can call by a name, ordered by unique name.
pub fn callable() -> Vec<Func> {
    let mut all: Vec<Func> = TABLE.by_sql_name.values().flatten().copied().collect();
    all.sort();
    all
}

/// All functions of the table, ordered by unique name.
pub fn all() -> Vec<Func> {
    let mut all: Vec<Func> = TABLE.by_name.values().copied().collect();
    all.sort();
    all
}
