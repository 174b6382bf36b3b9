//! The table of scalar functions and operators: one entry is all it takes to add one.

use repr::{Arena, ColumnType, Datum, EvalError, SqlType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A function of the table; compared, ordered and stored by its unique name.
#[derive(Clone, Copy)]
pub struct Func(pub &'static FuncDef);

/// Evaluates a function on evaluated arguments; what it makes lives in the arena.
pub type EvalFn = for<'a> fn(&[Datum<'a>], &'a Arena) -> Result<Datum<'a>, EvalError>;

/// One entry of the table.
pub struct FuncDef {
    /// Unique and stable, as it is stored in plans: `int4pl`, `text_upper`.
    pub name: &'static str,
    /// What SQL calls it: an operator (`+`), a function (`upper`), or a cast (see [`crate::func::casts`]).
    pub sql_name: &'static str,
    /// Argument types; the last repeats if `variadic`.
    pub args: &'static [ArgType],
    /// Whether the last argument may repeat (one or more times).
    pub variadic: bool,
    /// The result's type.
    pub ret: Return,
    /// What a NULL argument does.
    pub nulls: Nulls,
    /// Whether the same arguments always give the same value.
    pub volatility: Volatility,
    /// The implementation.
    pub eval: EvalFn,
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
}

/// A result's type.
pub enum Return {
    /// Always this type.
    Type(SqlType),
    /// Computed from the arguments' types.
    From(fn(&[ColumnType]) -> SqlType),
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

/// The function with this unique name.
pub fn by_name(_name: &str) -> Option<Func> {
    None
}

/// All functions and operators that SQL knows by this name (lower case), in the table's order.
pub fn candidates(_sql_name: &str) -> Vec<Func> {
    Vec::new()
}
