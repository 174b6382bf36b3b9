//! What the types of relational plans need to know of the scalar expressions in them.

use crate::aggregate::{AggregateExpr, AggregateFunc, RegressionFunc};
use crate::func::{Nulls, Return};
use crate::scalar::ScalarExpr;
use crate::table_func::TableFunc;
use crate::visit::grow;
use repr::{ColumnType, SqlType};
use std::collections::BTreeSet;

/// The type of an expression over these columns.
pub(crate) fn scalar_type(expr: &ScalarExpr, columns: &[ColumnType]) -> ColumnType {
    grow(|| match expr {
        ScalarExpr::Column(c) => columns[*c].clone(),
        ScalarExpr::Literal(_, typ) => typ.clone(),
        ScalarExpr::Unmaterializable(f) => f.typ(),
        ScalarExpr::Call { func, args } => {
            let args: Vec<_> = args.iter().map(|arg| scalar_type(arg, columns)).collect();
            let ty = match &func.0.ret {
                Return::Type(ty) => ty.clone(),
                Return::From(f) => f(&args),
            };
            let nullable = match func.0.nulls {
                Nulls::Strict => args.iter().any(|a| a.nullable),
                Nulls::NeverNull => false,
                Nulls::StrictMayReturnNull | Nulls::Called => true,
            };
            ty.nullable(nullable)
        }
        ScalarExpr::If { then, otherwise, .. } => scalar_type(then, columns).union(&scalar_type(otherwise, columns)),
        ScalarExpr::And(operands) | ScalarExpr::Or(operands) => {
            SqlType::Bool.nullable(operands.iter().any(|o| scalar_type(o, columns).nullable))
        }
        ScalarExpr::Coalesce(operands) => {
            let types: Vec<_> = operands.iter().map(|o| scalar_type(o, columns)).collect();
            let nullable = types.iter().all(|t| t.nullable);
            let all = types.into_iter().reduce(|a, b| a.union(&b));
            ColumnType { nullable, ..all.unwrap_or(SqlType::Text.nullable(true)) }
        }
    })
}

/// The columns that an expression uses.
pub(crate) fn scalar_columns(expr: &ScalarExpr) -> BTreeSet<usize> {
    fn walk(expr: &ScalarExpr, out: &mut BTreeSet<usize>) {
        grow(|| {
            if let ScalarExpr::Column(c) = expr {
                out.insert(*c);
            }
            operands(expr).into_iter().for_each(|operand| walk(operand, out));
        });
    }
    let mut out = BTreeSet::new();
    walk(expr, &mut out);
    out
}

/// The direct operands of an expression, in order.
pub(crate) fn operands(expr: &ScalarExpr) -> Vec<&ScalarExpr> {
    match expr {
        ScalarExpr::Column(_) | ScalarExpr::Literal(..) | ScalarExpr::Unmaterializable(_) => Vec::new(),
        ScalarExpr::Call { args, .. } => args.iter().collect(),
        ScalarExpr::If { condition, then, otherwise } => vec![condition, then, otherwise],
        ScalarExpr::And(operands) | ScalarExpr::Or(operands) | ScalarExpr::Coalesce(operands) => {
            operands.iter().collect()
        }
    }
}

/// The type of an aggregate over an input with these columns.
pub(crate) fn aggregate_type(aggregate: &AggregateExpr, columns: &[ColumnType]) -> ColumnType {
    use AggregateFunc::*;
    let arg = || aggregate.args.first().map(|a| scalar_type(a, columns));
    // A filter may leave a group without rows, and then all but `count` give NULL.
    let nullable = aggregate.filter.is_some() || arg().is_none_or(|a| a.nullable);
    match &aggregate.func {
        Count => SqlType::Int8.nullable(false),
        SumInt => SqlType::Int8.nullable(nullable),
        SumUint => SqlType::Uint8.nullable(nullable),
        SumInt8 | SumNumeric | AvgInt | AvgNumeric => SqlType::NUMERIC.nullable(nullable),
        SumFloat4 => SqlType::Float4.nullable(nullable),
        SumFloat8 | AvgFloat => SqlType::Float8.nullable(nullable),
        SumInterval | AvgInterval => SqlType::Interval.nullable(nullable),
        Min | Max | RangeIntersect => arg().unwrap_or(SqlType::Text.nullable(true)).ty.nullable(nullable),
        BoolAnd | BoolOr => SqlType::Bool.nullable(nullable),
        StringAgg => SqlType::Text.nullable(true),
        ByteaAgg => SqlType::Bytea.nullable(true),
        Bit(_, ty) => ty.clone().nullable(nullable),
        Regression(RegressionFunc::Count) => SqlType::Int8.nullable(false),
        Regression(_) => SqlType::Float8.nullable(true),
        PercentileCont { ty, many } | PercentileDisc { ty, many } => {
            (if *many { SqlType::Array(Box::new(ty.clone())) } else { ty.clone() }).nullable(true)
        }
        Mode => arg().unwrap_or(SqlType::Text.nullable(true)).ty.nullable(true),
        ArrayAgg(array @ SqlType::Array(_)) => array.clone().nullable(aggregate.filter.is_some()),
        ArrayAgg(element) => SqlType::Array(Box::new(element.clone())).nullable(aggregate.filter.is_some()),
        ListAgg(element) => SqlType::List(Box::new(element.clone())).nullable(aggregate.filter.is_some()),
        MapAgg(value) => SqlType::Map(Box::new(value.clone())).nullable(aggregate.filter.is_some()),
        JsonAgg(_) | JsonObjectAgg => SqlType::Json.nullable(aggregate.filter.is_some()),
        JsonbAgg | JsonbObjectAgg => SqlType::Jsonb.nullable(aggregate.filter.is_some()),
        StddevSamp(float) | StddevPop(float) | VarSamp(float) | VarPop(float) => {
            (if *float { SqlType::Float8 } else { SqlType::NUMERIC }).nullable(true)
        }
    }
}

/// The columns that a table function appends.
pub(crate) fn table_func_columns(func: &TableFunc) -> Vec<ColumnType> {
    match func {
        TableFunc::GenerateSeries(ty) | TableFunc::GenerateSeriesTimestamp(ty) => vec![ty.clone().nullable(false)],
        TableFunc::Unnest(ty) => vec![ty.clone().nullable(true)],
        TableFunc::ExpandArray(ty) => vec![ty.clone().nullable(true), SqlType::Int4.nullable(false)],
        TableFunc::UnnestMap(ty) => vec![SqlType::Text.nullable(false), ty.clone().nullable(true)],
        TableFunc::GenerateSubscripts => vec![SqlType::Int4.nullable(false)],
        TableFunc::JsonbArrayElements => vec![SqlType::Jsonb.nullable(false)],
        TableFunc::JsonbArrayElementsText => vec![SqlType::Text.nullable(true)],
        TableFunc::JsonbEach => vec![SqlType::Text.nullable(false), SqlType::Jsonb.nullable(false)],
        TableFunc::JsonbEachText => vec![SqlType::Text.nullable(false), SqlType::Text.nullable(true)],
        TableFunc::JsonbObjectKeys | TableFunc::JsonObjectKeys => vec![SqlType::Text.nullable(false)],
        TableFunc::JsonbPathQuery => vec![SqlType::Jsonb.nullable(false)],
        TableFunc::JsonArrayElements => vec![SqlType::Json.nullable(false)],
        TableFunc::JsonArrayElementsText => vec![SqlType::Text.nullable(true)],
        TableFunc::JsonEach => vec![SqlType::Text.nullable(false), SqlType::Json.nullable(false)],
        TableFunc::JsonEachText => vec![SqlType::Text.nullable(false), SqlType::Text.nullable(true)],
        TableFunc::RegexpSplitToTable => vec![SqlType::Text.nullable(false)],
        TableFunc::StringToTable => vec![SqlType::Text.nullable(true)],
        TableFunc::RegexpMatches => vec![SqlType::Array(Box::new(SqlType::Text)).nullable(false)],
        TableFunc::Value(typ) => vec![typ.clone()],
        TableFunc::RowsFrom(parts) => {
            let columns = parts.iter().flat_map(|(func, _)| table_func_columns(func));
            columns.map(|column| column.ty.nullable(true)).collect()
        }
        TableFunc::WithOrdinality(func) => {
            let mut columns = table_func_columns(func);
            columns.push(SqlType::Int8.nullable(false));
            columns
        }
        TableFunc::RegexpExtract { columns, .. } => vec![SqlType::Text.nullable(true); columns.len()],
        TableFunc::CsvExtract(columns) => vec![SqlType::Text.nullable(false); *columns],
        TableFunc::Repeat | TableFunc::RepeatNonNegative | TableFunc::GuardSubquerySize => Vec::new(),
    }
}

impl ScalarExpr {
    /// Columns that are certainly not NULL where this expression's value is not NULL.
    pub fn non_null_if_non_null(&self) -> BTreeSet<usize> {
        grow(|| match self {
            ScalarExpr::Column(c) => BTreeSet::from([*c]),
            ScalarExpr::Call { func, args } if matches!(func.0.nulls, Nulls::Strict | Nulls::StrictMayReturnNull) => {
                args.iter().flat_map(ScalarExpr::non_null_if_non_null).collect()
            }
            _ => BTreeSet::new(),
        })
    }

    /// Columns that are certainly not NULL where this predicate is true.
    pub fn non_null_requirements(&self) -> BTreeSet<usize> {
        grow(|| match self {
            ScalarExpr::And(operands) => operands.iter().flat_map(ScalarExpr::non_null_requirements).collect(),
            ScalarExpr::Or(operands) => {
                let mut each = operands.iter().map(ScalarExpr::non_null_requirements);
                let first = each.next().unwrap_or_default();
                each.fold(first, |a, b| a.intersection(&b).copied().collect())
            }
            ScalarExpr::Call { func, args } if func.0.name == "not" => match &args[..] {
                [ScalarExpr::Call { func, args }] if func.0.name == "is_null" => {
                    args.iter().flat_map(ScalarExpr::non_null_if_non_null).collect()
                }
                _ => self.non_null_if_non_null(),
            },
            ScalarExpr::Call { func, args } if matches!(func.0.name, "is_not_null" | "is_true" | "is_false") => {
                args.iter().flat_map(ScalarExpr::non_null_if_non_null).collect()
            }
            _ => self.non_null_if_non_null(),
        })
    }

    /// The operands of an equality of one type, which is true only where both are equal and not NULL.
    pub fn as_equality(&self) -> Option<(&ScalarExpr, &ScalarExpr)> {
        match self {
            ScalarExpr::Call { func, args } if func.0.sql_name == "=" && func.0.nulls == Nulls::Strict => {
                let one_type = func.0.args.windows(2).all(|types| types[0] == types[1]);
                if let ([a, b], true) = (&args[..], one_type) { Some((a, b)) } else { None }
            }
            _ => None,
        }
    }

    /// The column that this predicate fixes to one constant, if it has that shape.
    pub fn fixed_column(&self) -> Option<usize> {
        match self.as_equality()? {
            (ScalarExpr::Column(c), ScalarExpr::Literal(..)) | (ScalarExpr::Literal(..), ScalarExpr::Column(c)) => {
                Some(*c)
            }
            _ => None,
        }
    }
}
