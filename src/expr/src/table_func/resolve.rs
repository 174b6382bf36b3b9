//! From SQL's name of a table function and its arguments' types to the function.

use super::TableFunc;
use crate::relation_scalars::table_func_columns;
use repr::{ColumnType, SqlType};

/// Names that SQL calls table functions by.
const NAMES: [&str; 17] = [
    "generate_series",
    "unnest",
    "_pg_expandarray",
    "generate_subscripts",
    "jsonb_array_elements",
    "json_array_elements",
    "jsonb_array_elements_text",
    "json_array_elements_text",
    "jsonb_each",
    "json_each",
    "jsonb_each_text",
    "json_each_text",
    "jsonb_object_keys",
    "json_object_keys",
    "regexp_split_to_table",
    "regexp_matches",
    "string_to_table",
];

impl TableFunc {
    /// Whether SQL knows a table function of this name (lower case).
    pub fn exists(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// The function for arguments of these types (none: an open type), and the types they must be cast to.
    ///
    /// `generate_series` over numbers with two arguments wants a third: 1 of the same type.
    pub fn resolve(name: &str, args: &[Option<SqlType>]) -> Option<(TableFunc, Vec<SqlType>)> {
        let plain = |ty: &SqlType| ty.without_modifier().vector_as_array();
        let types: Vec<Option<SqlType>> = args.iter().map(|ty| ty.as_ref().map(plain)).collect();
        let fixed = |func, wanted: &[SqlType]| (types.len() == wanted.len()).then(|| (func, wanted.to_vec()));
        let texts = |func| (2..=3).contains(&types.len()).then(|| (func, vec![SqlType::Text; types.len()]));
        let name = name.strip_prefix("json_").map_or(name.to_string(), |rest| format!("jsonb_{rest}"));
        match name.as_str() {
            "generate_series" => series(&types),
            "unnest" => of_elements(&types, TableFunc::Unnest),
            "_pg_expandarray" => of_elements(&types, TableFunc::ExpandArray),
            "generate_subscripts" => match &types[..] {
                [Some(array @ SqlType::Array(_)), _] => {
                    Some((TableFunc::GenerateSubscripts, vec![array.clone(), SqlType::Int4]))
                }
                _ => None,
            },
            "jsonb_array_elements" => fixed(TableFunc::JsonbArrayElements, &[SqlType::Jsonb]),
            "jsonb_array_elements_text" => fixed(TableFunc::JsonbArrayElementsText, &[SqlType::Jsonb]),
            "jsonb_each" => fixed(TableFunc::JsonbEach, &[SqlType::Jsonb]),
            "jsonb_each_text" => fixed(TableFunc::JsonbEachText, &[SqlType::Jsonb]),
            "jsonb_object_keys" => fixed(TableFunc::JsonbObjectKeys, &[SqlType::Jsonb]),
            "regexp_split_to_table" => texts(TableFunc::RegexpSplitToTable),
            "regexp_matches" => texts(TableFunc::RegexpMatches),
            "string_to_table" => texts(TableFunc::StringToTable),
            _ => None,
        }
    }

    /// Whether its one column has a name of its own, which an alias of the table does not replace.
    pub fn names_its_column(&self) -> bool {
        matches!(self, TableFunc::JsonbArrayElements | TableFunc::JsonbArrayElementsText)
    }

    /// Names and types of the columns it appends.
    pub fn columns(&self) -> Vec<(String, ColumnType)> {
        let names: &[&str] = match self {
            TableFunc::RowsFrom(parts) => {
                let names = parts.iter().flat_map(|(func, _)| func.columns()).map(|(name, _)| name);
                return names.zip(table_func_columns(self)).collect();
            }
            TableFunc::WithOrdinality(func) => {
                let names = func.columns().into_iter().map(|(name, _)| name);
                return names.chain(["ordinality".to_string()]).zip(table_func_columns(self)).collect();
            }
            TableFunc::Value(_) => &["value"],
            TableFunc::GenerateSeries(_) | TableFunc::GenerateSeriesTimestamp(_) => &["generate_series"],
            TableFunc::Unnest(_) => &["unnest"],
            TableFunc::ExpandArray(_) => &["x", "n"],
            TableFunc::GenerateSubscripts => &["generate_subscripts"],
            TableFunc::JsonbArrayElements | TableFunc::JsonbArrayElementsText => &["value"],
            TableFunc::JsonbEach | TableFunc::JsonbEachText => &["key", "value"],
            TableFunc::JsonbObjectKeys => &["jsonb_object_keys"],
            TableFunc::RegexpSplitToTable => &["regexp_split_to_table"],
            TableFunc::RegexpMatches => &["regexp_matches"],
            TableFunc::StringToTable => &["string_to_table"],
            TableFunc::Repeat | TableFunc::GuardSubquerySize => &[],
        };
        names.iter().map(ToString::to_string).zip(table_func_columns(self)).collect()
    }
}

/// A function of one array, which depends on the type of the elements.
fn of_elements(
    types: &[Option<SqlType>],
    func: impl FnOnce(SqlType) -> TableFunc,
) -> Option<(TableFunc, Vec<SqlType>)> {
    match types {
        [Some(array @ SqlType::Array(element))] => Some((func(innermost(element)), vec![array.clone()])),
        _ => None,
    }
}

fn innermost(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Array(element) => innermost(element),
        other => other.clone(),
    }
}

/// `generate_series`: over the narrowest of int4, int8 and numeric that holds all arguments, or over timestamps.
fn series(types: &[Option<SqlType>]) -> Option<(TableFunc, Vec<SqlType>)> {
    if !(2..=3).contains(&types.len()) {
        return None;
    }
    let bounds = || types[..2].iter().flatten();
    let timestamp = |ty: &SqlType| matches!(ty, SqlType::Timestamp(_) | SqlType::Timestamptz(_) | SqlType::Date);
    if bounds().next().is_some() && bounds().all(timestamp) {
        // Dates go to the preferred type of their category.
        let plain = bounds().all(|ty| matches!(ty, SqlType::Timestamp(_)));
        let ty = if plain { SqlType::TIMESTAMP } else { SqlType::TIMESTAMPTZ };
        let wanted = vec![ty.clone(), ty.clone(), SqlType::Interval];
        let step_fits = matches!(types.get(2), Some(None | Some(SqlType::Interval)));
        return step_fits.then_some((TableFunc::GenerateSeriesTimestamp(ty), wanted));
    }
    let rank = |ty: &SqlType| match ty {
        SqlType::Int2 | SqlType::Int4 => Some(0),
        SqlType::Int8 => Some(1),
        SqlType::Numeric(_) => Some(2),
        _ => None,
    };
    let ranks = types.iter().flatten().map(rank).collect::<Option<Vec<_>>>()?;
    let ty = match ranks.into_iter().max()? {
        0 => SqlType::Int4,
        1 => SqlType::Int8,
        _ => SqlType::NUMERIC,
    };
    Some((TableFunc::GenerateSeries(ty.clone()), vec![ty; types.len()]))
}
