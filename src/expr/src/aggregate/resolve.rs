//! From SQL's name of an aggregate and its arguments' types to the function.

use super::{AggregateExpr, AggregateFunc, BitFunc, RegressionFunc};
use crate::relation_scalars::aggregate_type;
use repr::{ColumnType, SqlType};

impl AggregateFunc {
    /// The aggregate of this name (lower case) for arguments of these types, and the types they must be cast to.
    ///
    /// `jsonb_agg` and `jsonb_object_agg` want `jsonb`, which any type becomes by calling `to_jsonb`.
    pub fn resolve(name: &str, args: &[SqlType]) -> Option<(AggregateFunc, Vec<SqlType>)> {
        let types: Vec<SqlType> = args.iter().map(SqlType::without_modifier).collect();
        match (name, &types[..]) {
            ("count", []) => Some((AggregateFunc::Count, Vec::new())),
            ("count", [_]) => Some((AggregateFunc::Count, args.to_vec())),
            ("string_agg", [SqlType::Bytea, _]) => {
                Some((AggregateFunc::ByteaAgg, vec![SqlType::Bytea, SqlType::Bytea]))
            }
            ("string_agg", [_, _]) => Some((AggregateFunc::StringAgg, vec![SqlType::Text, SqlType::Text])),
            ("array_agg", [_]) => Some((AggregateFunc::ArrayAgg(args[0].clone()), args.to_vec())),
            ("jsonb_agg" | "json_agg", [_]) => Some((AggregateFunc::JsonbAgg, vec![SqlType::Jsonb])),
            ("jsonb_object_agg" | "json_object_agg", [_, _]) => {
                Some((AggregateFunc::JsonbObjectAgg, vec![SqlType::Text, SqlType::Jsonb]))
            }
            (_, [_, _]) => {
                let func = RegressionFunc::of(name)?;
                Some((AggregateFunc::Regression(func), vec![SqlType::Float8, SqlType::Float8]))
            }
            (_, [ty]) => unary(name, ty).map(|(func, ty)| (func, vec![ty])),
            _ => None,
        }
    }
}

/// Aggregates of one argument of a certain type.
fn unary(name: &str, ty: &SqlType) -> Option<(AggregateFunc, SqlType)> {
    use AggregateFunc::*;
    let same = |func| Some((func, ty.clone()));
    match (name, ty) {
        ("sum", SqlType::Int2 | SqlType::Int4) => same(SumInt),
        ("sum", SqlType::Int8) => same(SumInt8),
        ("sum", SqlType::Float4) => same(SumFloat4),
        ("sum", SqlType::Float8) => same(SumFloat8),
        ("sum", SqlType::Numeric(_)) => same(SumNumeric),
        ("sum", SqlType::Interval) => same(SumInterval),
        ("avg", SqlType::Int2 | SqlType::Int4 | SqlType::Int8) => same(AvgInt),
        ("avg", SqlType::Float4 | SqlType::Float8) => same(AvgFloat),
        ("avg", SqlType::Numeric(_)) => same(AvgNumeric),
        ("avg", SqlType::Interval) => same(AvgInterval),
        ("min" | "max", SqlType::Varchar(_)) => Some((extreme(name), SqlType::Text)),
        ("min" | "max", _) => same(extreme(name)),
        ("any_value", _) => same(Min),
        ("bit_and", ty) if is_integer(ty) => same(Bit(BitFunc::And, ty.clone())),
        ("bit_or", ty) if is_integer(ty) => same(Bit(BitFunc::Or, ty.clone())),
        ("bit_xor", ty) if is_integer(ty) => same(Bit(BitFunc::Xor, ty.clone())),
        ("bool_and" | "every", SqlType::Bool) => same(BoolAnd),
        ("bool_or", SqlType::Bool) => same(BoolOr),
        ("range_intersect_agg", SqlType::Range(_)) => same(RangeIntersect),
        _ => spread(name, ty),
    }
}

fn is_integer(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Int2 | SqlType::Int4 | SqlType::Int8)
}

fn extreme(name: &str) -> AggregateFunc {
    if name == "min" { AggregateFunc::Min } else { AggregateFunc::Max }
}

/// Variances and standard deviations: over `float8` or `numeric`.
fn spread(name: &str, ty: &SqlType) -> Option<(AggregateFunc, SqlType)> {
    use AggregateFunc::{StddevPop, StddevSamp, VarPop, VarSamp};
    let (float, target) = match ty {
        SqlType::Float4 | SqlType::Float8 => (true, SqlType::Float8),
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Numeric(_) => (false, SqlType::NUMERIC),
        _ => return None,
    };
    let func = match name {
        "stddev" | "stddev_samp" => StddevSamp(float),
        "stddev_pop" => StddevPop(float),
        "variance" | "var_samp" => VarSamp(float),
        "var_pop" => VarPop(float),
        _ => return None,
    };
    Some((func, target))
}

impl AggregateExpr {
    /// The result's type over an input with these columns.
    pub fn typ(&self, columns: &[ColumnType]) -> ColumnType {
        aggregate_type(self, columns)
    }
}
