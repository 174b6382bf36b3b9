//! The table of window functions: one entry is all it takes to add one. Every aggregate is a window function besides.

use super::WindowFunc;
use crate::func::build::*;
use crate::func::{ArgType, Overload};
use std::sync::LazyLock;

/// One entry of the table.
pub struct WindowDef {
    /// What SQL calls it.
    pub sql_name: &'static str,
    /// Argument types.
    pub args: &'static [ArgType],
    /// The result's type, as it is declared.
    pub ret: ArgType,
    /// What is computed.
    pub func: WindowFunc,
}

impl Overload for &'static WindowDef {
    fn args(self) -> &'static [ArgType] {
        self.args
    }
}

fn entry(sql_name: &'static str, args: &[ArgType], ret: ArgType, func: WindowFunc) -> WindowDef {
    WindowDef { sql_name, args: args.to_vec().leak(), ret, func }
}

static TABLE: LazyLock<Vec<WindowDef>> = LazyLock::new(|| {
    vec![
        entry("row_number", &[], INT8, WindowFunc::RowNumber),
        entry("rank", &[], INT8, WindowFunc::Rank),
        entry("dense_rank", &[], INT8, WindowFunc::DenseRank),
        entry("percent_rank", &[], FLOAT8, WindowFunc::PercentRank),
        entry("cume_dist", &[], FLOAT8, WindowFunc::CumeDist),
        entry("ntile", &[INT4], INT4, WindowFunc::Ntile),
        entry("lag", &[ELEMENT], ELEMENT, WindowFunc::Lag),
        entry("lag", &[ELEMENT, INT4], ELEMENT, WindowFunc::Lag),
        entry("lag", &[ELEMENT, INT4, ELEMENT], ELEMENT, WindowFunc::Lag),
        entry("lead", &[ELEMENT], ELEMENT, WindowFunc::Lead),
        entry("lead", &[ELEMENT, INT4], ELEMENT, WindowFunc::Lead),
        entry("lead", &[ELEMENT, INT4, ELEMENT], ELEMENT, WindowFunc::Lead),
        entry("first_value", &[ELEMENT], ELEMENT, WindowFunc::FirstValue),
        entry("last_value", &[ELEMENT], ELEMENT, WindowFunc::LastValue),
        entry("nth_value", &[ELEMENT, INT4], ELEMENT, WindowFunc::NthValue),
    ]
});

/// All entries.
pub fn all() -> &'static [WindowDef] {
    &TABLE
}

/// The functions that SQL knows by this name (lower case) and that are nothing but window functions, in the table's order.
pub fn candidates(sql_name: &str) -> Vec<&'static WindowDef> {
    TABLE.iter().filter(|def| def.sql_name == sql_name).collect()
}

/// Whether SQL knows a function of this name (lower case) that is nothing but a window function.
pub fn exists(sql_name: &str) -> bool {
    TABLE.iter().any(|def| def.sql_name == sql_name)
}

impl WindowFunc {
    /// Its name.
    pub fn name(&self) -> String {
        match self {
            WindowFunc::Aggregate(func) => format!("{func:?}").to_lowercase(),
            WindowFunc::IgnoringNulls(func) => format!("{}_ignoring_nulls", func.name()),
            other => {
                let mut name = String::new();
                for c in format!("{other:?}").chars() {
                    if c.is_ascii_uppercase() && !name.is_empty() {
                        name.push('_');
                    }
                    name.push(c.to_ascii_lowercase());
                }
                name
            }
        }
    }
}
