//! Aggregate functions and their use in a plan.

mod accum;
mod bits;
mod eval;
mod float_sum;
mod ordered_set;
mod regression;
pub mod table;
#[cfg(test)]
mod tests;
mod wide;

pub use accum::Accum;
pub use bits::BitFunc;
pub use regression::RegressionFunc;

use crate::relation::ColumnOrder;
use crate::scalar::ScalarExpr;
use repr::SqlType;
use serde::{Deserialize, Serialize};

/// One aggregate of a `Reduce`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AggregateExpr {
    /// What is computed.
    pub func: AggregateFunc,
    /// Its arguments; none for `count(*)`.
    pub args: Vec<ScalarExpr>,
    /// Only rows where this is true count (`FILTER (WHERE …)`).
    pub filter: Option<ScalarExpr>,
    /// Each distinct argument counts once.
    pub distinct: bool,
    /// The order in which order-sensitive aggregates see their input (over `order_exprs`' positions); ties break on the argument.
    pub order: Vec<ColumnOrder>,
    /// What `order` orders by.
    pub order_exprs: Vec<ScalarExpr>,
}

/// What an aggregate computes. Integers and floats widen as in PostgreSQL: `sum(int4)` is `int8`, `sum(int8)` is `numeric`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AggregateFunc {
    /// `count(*)` without arguments, `count(x)` with one.
    Count,
    /// `sum` of int2 or int4: int8.
    SumInt,
    /// `sum` of uint2 or uint4: uint8.
    SumUint,
    /// `sum` of int8 or uint8: numeric.
    SumInt8,
    /// `sum` of float4: float4, exact until the end.
    SumFloat4,
    /// `sum` of float8: float8, exact until the end, so that it does not depend on the order of arrival.
    SumFloat8,
    /// `sum` of numeric.
    SumNumeric,
    /// `sum` of interval.
    SumInterval,
    /// `avg` of any integer: numeric.
    AvgInt,
    /// `avg` of float4 and float8: float8.
    AvgFloat,
    /// `avg` of numeric.
    AvgNumeric,
    /// `avg` of interval.
    AvgInterval,
    /// `min` of any ordered type.
    Min,
    /// `max` of any ordered type.
    Max,
    /// `bool_and`, `every`
    BoolAnd,
    /// `bool_or`
    BoolOr,
    /// `string_agg(text, delimiter)`
    StringAgg,
    /// `string_agg(bytea, delimiter)`
    ByteaAgg,
    /// `array_agg` of this type; arrays become an array of one more dimension.
    ArrayAgg(SqlType),
    /// `list_agg` of this element type.
    ListAgg(SqlType),
    /// `map_agg(text, value)` of this value type; of several values of one key the last counts.
    MapAgg(SqlType),
    /// `json_agg`: its argument is JSON already; whether each element but the first begins a line.
    JsonAgg(bool),
    /// `json_object_agg(text, json)`
    JsonObjectAgg,
    /// `range_intersect_agg`
    RangeIntersect,
    /// `jsonb_agg`: its argument is jsonb already.
    JsonbAgg,
    /// `jsonb_object_agg(text, jsonb)`
    JsonbObjectAgg,
    /// `stddev_samp`, `stddev` over float8 (true) or numeric (false).
    StddevSamp(bool),
    /// `stddev_pop`
    StddevPop(bool),
    /// `var_samp`, `variance`
    VarSamp(bool),
    /// `var_pop`
    VarPop(bool),
    /// `bit_and`, `bit_or`, `bit_xor` of an integer type.
    Bit(BitFunc, SqlType),
    /// `regr_…`, `covar_…`, `corr` of pairs of float8.
    Regression(RegressionFunc),
    /// `percentile_cont(fraction) WITHIN GROUP (ORDER BY value)`: its arguments are the fraction and the value.
    PercentileCont {
        /// float8 or interval.
        ty: SqlType,
        /// Whether the fraction is an array, and so the result.
        many: bool,
    },
    /// `percentile_disc(fraction) WITHIN GROUP (ORDER BY value)`
    PercentileDisc {
        /// The value's type.
        ty: SqlType,
        /// Whether the fraction is an array, and so the result.
        many: bool,
    },
    /// `mode() WITHIN GROUP (ORDER BY value)`: its argument is the value.
    Mode,
}
