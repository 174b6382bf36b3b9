//! Scalar expressions: from the columns of one row to one value.
//!
//! `eval` evaluates them, `build` makes and walks them, `reduce` simplifies them.

mod build;
mod eval;
mod reduce;

#[cfg(test)]
mod tests;

use crate::func::Func;
use repr::{ColumnType, EvalError, Row, SqlType};
use serde::{Deserialize, Serialize};

/// A scalar expression over the columns of its input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ScalarExpr {
    /// The input's column at this position.
    Column(usize),
    /// A constant, as a row of one value, or an error that evaluating it raises; and its type.
    Literal(Result<Row, EvalError>, ColumnType),
    /// A value that belongs to a session or a moment, not to the data; replaced by a literal before anything runs.
    Unmaterializable(Unmaterializable),
    /// A function or operator of [`crate::func`]'s table; arguments are evaluated first.
    Call {
        /// The function.
        func: Func,
        /// As many as it takes, of its types.
        args: Vec<ScalarExpr>,
    },
    /// Lazy choice: only the branch taken is evaluated. NULL counts as false.
    If {
        /// A boolean.
        condition: Box<ScalarExpr>,
        /// If true.
        then: Box<ScalarExpr>,
        /// Otherwise.
        otherwise: Box<ScalarExpr>,
    },
    /// Conjunction in three-valued logic: false if any operand is false, whatever the errors of the others.
    And(Vec<ScalarExpr>),
    /// Disjunction in three-valued logic: true if any operand is true, whatever the errors of the others.
    Or(Vec<ScalarExpr>),
    /// The first operand that is not NULL; later ones are not evaluated.
    Coalesce(Vec<ScalarExpr>),
}

/// Functions whose value depends on when and by whom they are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unmaterializable {
    /// `mz_now()`: the logical time of the read.
    MzNow,
    /// `now()`, `current_timestamp`: the start of the transaction.
    CurrentTimestamp,
    /// `statement_timestamp()`, `clock_timestamp()`: the start of the statement.
    StatementTimestamp,
    /// What `random()` and its like begin from: another number for every statement.
    RandomSeed,
    /// `current_database()`
    CurrentDatabase,
    /// `current_schema()`
    CurrentSchema,
    /// `current_schemas(true)`: the search path with the implicit schemas.
    CurrentSchemasWithSystem,
    /// `current_schemas(false)`: the search path.
    CurrentSchemasWithoutSystem,
    /// `current_user`, `user`, `session_user`
    CurrentUser,
    /// `version()`
    Version,
    /// `mz_version()`
    MzVersion,
    /// `mz_environment_id()`
    MzEnvironmentId,
    /// `pg_backend_pid()`
    PgBackendPid,
    /// `pg_postmaster_start_time()`
    PgPostmasterStartTime,
    /// `txid_current()`: the same number for a whole transaction, a greater one for a later.
    TransactionId,
    /// A parameter of a prepared statement, from 0, in a plan that serves all its values.
    Parameter(usize, SqlType),
}

impl Unmaterializable {
    /// The type of the value.
    pub fn typ(&self) -> ColumnType {
        use Unmaterializable::*;
        match self {
            MzNow => SqlType::MzTimestamp.nullable(false),
            RandomSeed | TransactionId => SqlType::Int8.nullable(false),
            CurrentTimestamp | StatementTimestamp | PgPostmasterStartTime => SqlType::TIMESTAMPTZ.nullable(false),
            CurrentSchemasWithSystem | CurrentSchemasWithoutSystem => {
                SqlType::Array(Box::new(SqlType::Name)).nullable(false)
            }
            CurrentDatabase | CurrentUser => SqlType::Name.nullable(false),
            CurrentSchema => SqlType::Name.nullable(true),
            Version | MzVersion | MzEnvironmentId => SqlType::Text.nullable(false),
            PgBackendPid => SqlType::Int4.nullable(false),
            Parameter(_, ty) => ty.clone().nullable(true),
        }
    }
}
