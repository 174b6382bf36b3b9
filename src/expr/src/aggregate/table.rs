//! The table of aggregates: one entry is all it takes to add one.

use super::{AggregateExpr, AggregateFunc, BitFunc, RegressionFunc};
use crate::func::build::*;
use crate::func::{ArgType, Overload};
use crate::relation_scalars::aggregate_type;
use repr::{ColumnType, SqlType};
use std::sync::LazyLock;

/// Makes the function for arguments of these types.
type Make = Box<dyn Fn(&[SqlType]) -> AggregateFunc + Send + Sync>;

/// One entry of the table.
pub struct AggregateDef {
    /// What SQL calls it.
    pub sql_name: &'static str,
    /// Argument types.
    pub args: &'static [ArgType],
    /// The result's type, as it is declared.
    pub ret: ArgType,
    /// The type that all arguments are converted to after the choice, if that is another.
    pub over: Option<SqlType>,
    /// The function for arguments of the types chosen.
    pub make: Make,
}

impl Overload for &'static AggregateDef {
    fn args(self) -> &'static [ArgType] {
        self.args
    }
}

/// An aggregate with `WITHIN GROUP (ORDER BY …)`; the planner makes what computes it.
pub struct OrderedSetDef {
    /// What SQL calls it.
    pub sql_name: &'static str,
    /// Its direct arguments, then what it is ordered by.
    pub args: Vec<ArgType>,
    /// How many of them are direct.
    pub direct: usize,
    /// The result's type, as it is declared.
    pub ret: ArgType,
    /// Whether the direct arguments are a hypothetical row; then there are as many as there are to order by.
    pub hypothetical: bool,
}

fn entry(
    sql_name: &'static str,
    args: &[ArgType],
    ret: ArgType,
    make: impl Fn(&[SqlType]) -> AggregateFunc + Send + Sync + 'static,
) -> AggregateDef {
    AggregateDef { sql_name, args: args.to_vec().leak(), ret, over: None, make: Box::new(make) }
}

/// Types with a least and a greatest value.
const ORDERED: [ArgType; 29] = [
    BOOL,
    INT2,
    INT4,
    INT8,
    FLOAT4,
    FLOAT8,
    NUMERIC,
    TEXT,
    CHAR,
    NAME,
    BYTEA,
    DATE,
    TIME,
    TIMETZ,
    TIMESTAMP,
    TIMESTAMPTZ,
    INTERVAL,
    UUID,
    JSONB,
    OID,
    MZ_TIMESTAMP,
    UINT2,
    UINT4,
    UINT8,
    ARRAY,
    RANGE,
    ENUM,
    LIST,
    MAP,
];

static TABLE: LazyLock<Vec<AggregateDef>> = LazyLock::new(|| {
    let mut table = general();
    table.extend(sums());
    table.extend(extremes());
    table.extend(collections());
    table.extend(bits());
    table.extend(spreads());
    table.extend(pairs());
    table
});

fn general() -> Vec<AggregateDef> {
    let boolean = |name, func: AggregateFunc| entry(name, &[BOOL], BOOL, move |_| func.clone());
    vec![
        entry("count", &[], INT8, |_| AggregateFunc::Count),
        entry("count", &[ANY], INT8, |_| AggregateFunc::Count),
        entry("any_value", &[ELEMENT], ELEMENT, |_| AggregateFunc::Min),
        entry("range_intersect_agg", &[RANGE], RANGE, |_| AggregateFunc::RangeIntersect),
        boolean("bool_and", AggregateFunc::BoolAnd),
        boolean("every", AggregateFunc::BoolAnd),
        boolean("bool_or", AggregateFunc::BoolOr),
    ]
}

fn sums() -> Vec<AggregateDef> {
    use AggregateFunc::*;
    let of = |name, ty, ret, func: AggregateFunc| entry(name, &[ty], ret, move |_| func.clone());
    vec![
        of("sum", INT2, INT8, SumInt),
        of("sum", INT4, INT8, SumInt),
        of("sum", INT8, NUMERIC, SumInt8),
        of("sum", UINT2, UINT8, SumUint),
        of("sum", UINT4, UINT8, SumUint),
        of("sum", UINT8, NUMERIC, SumInt8),
        of("avg", UINT2, NUMERIC, AvgInt),
        of("avg", UINT4, NUMERIC, AvgInt),
        of("avg", UINT8, NUMERIC, AvgInt),
        of("sum", FLOAT4, FLOAT4, SumFloat4),
        of("sum", FLOAT8, FLOAT8, SumFloat8),
        of("sum", NUMERIC, NUMERIC, SumNumeric),
        of("sum", INTERVAL, INTERVAL, SumInterval),
        of("avg", INT2, NUMERIC, AvgInt),
        of("avg", INT4, NUMERIC, AvgInt),
        of("avg", INT8, NUMERIC, AvgInt),
        of("avg", FLOAT4, FLOAT8, AvgFloat),
        of("avg", FLOAT8, FLOAT8, AvgFloat),
        of("avg", NUMERIC, NUMERIC, AvgNumeric),
        of("avg", INTERVAL, INTERVAL, AvgInterval),
    ]
}

fn extremes() -> Vec<AggregateDef> {
    let both = |ty: ArgType| {
        [("min", AggregateFunc::Min), ("max", AggregateFunc::Max)]
            .map(|(name, func)| entry(name, std::slice::from_ref(&ty), ty.clone(), move |_| func.clone()))
    };
    ORDERED.into_iter().flat_map(both).collect()
}

fn collections() -> Vec<AggregateDef> {
    vec![
        entry("string_agg", &[TEXT, TEXT], TEXT, |_| AggregateFunc::StringAgg),
        entry("string_agg", &[BYTEA, BYTEA], BYTEA, |_| AggregateFunc::ByteaAgg),
        entry("array_agg", &[ELEMENT], ARRAY, |types| AggregateFunc::ArrayAgg(types[0].clone())),
        entry("list_agg", &[ELEMENT], LIST, |types| AggregateFunc::ListAgg(types[0].clone())),
        entry("map_agg", &[TEXT, ELEMENT], MAP, |types| AggregateFunc::MapAgg(types[1].clone())),
        entry("jsonb_agg", &[ELEMENT], JSONB, |_| AggregateFunc::JsonbAgg),
        entry("jsonb_object_agg", &[ANY, ANY], JSONB, |_| AggregateFunc::JsonbObjectAgg),
        entry("json_agg", &[ELEMENT], JSON, |types| AggregateFunc::JsonAgg(is_structured(&types[0]))),
        entry("json_object_agg", &[ANY, ANY], JSON, |_| AggregateFunc::JsonObjectAgg),
    ]
}

/// Whether a type's JSON is an array or an object.
fn is_structured(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Array(_) | SqlType::List(_) | SqlType::Map(_)) || ty.fields().is_some()
}

fn bits() -> Vec<AggregateDef> {
    let names = [("bit_and", BitFunc::And), ("bit_or", BitFunc::Or), ("bit_xor", BitFunc::Xor)];
    let of = |(name, func): (&'static str, BitFunc)| {
        [INT2, INT4, INT8].map(|ty| {
            entry(name, std::slice::from_ref(&ty), ty.clone(), move |types| AggregateFunc::Bit(func, types[0].clone()))
        })
    };
    names.into_iter().flat_map(of).collect()
}

/// Variances and standard deviations: over `float8` or `numeric`.
fn spreads() -> Vec<AggregateDef> {
    use AggregateFunc::{StddevPop, StddevSamp, VarPop, VarSamp};
    let names: [(_, fn(bool) -> AggregateFunc); 6] = [
        ("stddev", StddevSamp),
        ("stddev_samp", StddevSamp),
        ("stddev_pop", StddevPop),
        ("variance", VarSamp),
        ("var_samp", VarSamp),
        ("var_pop", VarPop),
    ];
    let mut table = Vec::new();
    for (name, make) in names {
        for (types, over, float) in
            [(vec![FLOAT4, FLOAT8], FLOAT8, true), (vec![INT2, INT4, INT8, NUMERIC], NUMERIC, false)]
        {
            let ArgType::Exact(ty) = &over else { continue };
            for arg in types {
                let def = entry(name, &[arg], over.clone(), move |_| make(float));
                table.push(AggregateDef { over: Some(ty.clone()), ..def });
            }
        }
    }
    table
}

/// Regression: over pairs of `float8`.
fn pairs() -> Vec<AggregateDef> {
    let of = |(name, func): (&'static str, RegressionFunc)| {
        let ret = if func == RegressionFunc::Count { INT8 } else { FLOAT8 };
        entry(name, &[FLOAT8, FLOAT8], ret, move |_| AggregateFunc::Regression(func))
    };
    RegressionFunc::NAMES.into_iter().map(of).collect()
}

static ORDERED_SETS: LazyLock<Vec<OrderedSetDef>> = LazyLock::new(|| {
    let fractions = array_of(SqlType::Float8);
    let set = |sql_name, args: &[ArgType], direct, ret| {
        let args = args.to_vec();
        OrderedSetDef { sql_name, args, direct, ret, hypothetical: false }
    };
    let mut table = vec![
        set("mode", &[ELEMENT], 0, ELEMENT),
        set("percentile_disc", &[FLOAT8, ELEMENT], 1, ELEMENT),
        set("percentile_disc", &[fractions.clone(), ELEMENT], 1, ARRAY),
    ];
    for ty in [SqlType::Float8, SqlType::Interval] {
        let one = ArgType::Exact(ty.clone());
        table.push(set("percentile_cont", &[FLOAT8, one.clone()], 1, one.clone()));
        table.push(set("percentile_cont", &[fractions.clone(), one], 1, array_of(ty)));
    }
    for (name, ret) in [("rank", INT8), ("dense_rank", INT8), ("percent_rank", FLOAT8), ("cume_dist", FLOAT8)] {
        table.push(OrderedSetDef { hypothetical: true, ..set(name, &[ANY], 1, ret) });
    }
    table
});

/// All entries.
pub fn all() -> &'static [AggregateDef] {
    &TABLE
}

/// All aggregates with `WITHIN GROUP`.
pub fn ordered_sets() -> &'static [OrderedSetDef] {
    &ORDERED_SETS
}

/// The aggregates that SQL knows by this name (lower case), in the table's order.
pub fn candidates(sql_name: &str) -> Vec<&'static AggregateDef> {
    TABLE.iter().filter(|def| def.sql_name == sql_name).collect()
}

/// Whether SQL knows an aggregate of this name (lower case) without `WITHIN GROUP`.
pub fn exists(sql_name: &str) -> bool {
    TABLE.iter().any(|def| def.sql_name == sql_name)
}

impl AggregateExpr {
    /// The result's type over an input with these columns.
    pub fn typ(&self, columns: &[ColumnType]) -> ColumnType {
        aggregate_type(self, columns)
    }
}
