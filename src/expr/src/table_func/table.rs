//! The table of table functions: one entry is all it takes to add one.

use super::{TableFunc, extract};
use crate::func::build::*;
use crate::func::{ArgType, Overload};
use crate::relation_scalars::table_func_columns;
use repr::{ColumnType, Datum, SqlError, SqlType};
use std::sync::LazyLock;

/// Makes the function for arguments of these types, of which some are constants.
type Make = Box<dyn Fn(&[SqlType], &[Option<Datum<'_>>]) -> Result<TableFunc, SqlError> + Send + Sync>;

/// One entry of the table.
pub struct TableFuncDef {
    /// What SQL calls it.
    pub sql_name: &'static str,
    /// Argument types.
    pub args: &'static [ArgType],
    /// The columns' types, as they are declared; one `Any` where the arguments' values decide.
    pub ret: Vec<ArgType>,
    /// The function for arguments of the types chosen.
    pub make: Make,
}

impl Overload for &'static TableFuncDef {
    fn args(self) -> &'static [ArgType] {
        self.args
    }
}

fn entry(
    sql_name: impl Into<String>,
    args: &[ArgType],
    ret: &[ArgType],
    make: impl Fn(&[SqlType]) -> TableFunc + Send + Sync + 'static,
) -> TableFuncDef {
    let make: Make = Box::new(move |types, _| Ok(make(types)));
    TableFuncDef { sql_name: sql_name.into().leak(), args: args.to_vec().leak(), ret: ret.to_vec(), make }
}

static TABLE: LazyLock<Vec<TableFuncDef>> = LazyLock::new(|| {
    let mut table = series();
    table.extend(unfolding());
    table.extend(json());
    table.extend(texts());
    table
});

fn series() -> Vec<TableFuncDef> {
    let mut table = Vec::new();
    for ty in [INT4, INT8, NUMERIC] {
        for args in 2..=3 {
            let wanted = vec![ty.clone(); args];
            let make = |types: &[SqlType]| TableFunc::GenerateSeries(types[0].clone());
            table.push(entry("generate_series", &wanted, std::slice::from_ref(&ty), make));
        }
    }
    for ty in [TIMESTAMP, TIMESTAMPTZ] {
        let make = |types: &[SqlType]| TableFunc::GenerateSeriesTimestamp(types[0].clone());
        table.push(entry("generate_series", &[ty.clone(), ty.clone(), INTERVAL], &[ty], make));
    }
    table
}

fn unfolding() -> Vec<TableFuncDef> {
    vec![
        entry("unnest", &[ARRAY], &[ELEMENT], |types| TableFunc::Unnest(innermost(&types[0]))),
        entry("unnest", &[LIST], &[ELEMENT], |types| TableFunc::Unnest(element_of(&types[0]))),
        entry("unnest", &[MAP], &[TEXT, ELEMENT], |types| TableFunc::UnnestMap(element_of(&types[0]))),
        entry("_pg_expandarray", &[ARRAY], &[ELEMENT, INT4], |types| TableFunc::ExpandArray(innermost(&types[0]))),
        entry("generate_subscripts", &[ARRAY, INT4], &[INT4], |_| TableFunc::GenerateSubscripts),
        entry("generate_subscripts", &[ARRAY, INT4, BOOL], &[INT4], |_| TableFunc::GenerateSubscripts),
        entry("repeat_row_non_negative", &[INT8], &[], |_| TableFunc::RepeatNonNegative),
    ]
}

fn json() -> Vec<TableFuncDef> {
    let of = |name: &str, ty: ArgType, ret: &[ArgType], func: TableFunc| entry(name, &[ty], ret, move |_| func.clone());
    let path = |count: usize| {
        entry("jsonb_path_query", &[JSONB, TEXT, JSONB, BOOL][..count], &[JSONB], |_| TableFunc::JsonbPathQuery)
    };
    vec![
        path(2),
        path(3),
        path(4),
        of("jsonb_array_elements", JSONB, &[JSONB], TableFunc::JsonbArrayElements),
        of("jsonb_array_elements_text", JSONB, &[TEXT], TableFunc::JsonbArrayElementsText),
        of("jsonb_each", JSONB, &[TEXT, JSONB], TableFunc::JsonbEach),
        of("jsonb_each_text", JSONB, &[TEXT, TEXT], TableFunc::JsonbEachText),
        of("jsonb_object_keys", JSONB, &[TEXT], TableFunc::JsonbObjectKeys),
        of("json_array_elements", JSON, &[JSON], TableFunc::JsonArrayElements),
        of("json_array_elements_text", JSON, &[TEXT], TableFunc::JsonArrayElementsText),
        of("json_each", JSON, &[TEXT, JSON], TableFunc::JsonEach),
        of("json_each_text", JSON, &[TEXT, TEXT], TableFunc::JsonEachText),
        of("json_object_keys", JSON, &[TEXT], TableFunc::JsonObjectKeys),
    ]
}

fn texts() -> Vec<TableFuncDef> {
    let mut table = Vec::new();
    for count in 2..=3 {
        let args = vec![TEXT; count];
        table.extend([
            entry("regexp_split_to_table", &args, &[TEXT], |_| TableFunc::RegexpSplitToTable),
            entry("regexp_matches", &args, &[array_of(SqlType::Text)], |_| TableFunc::RegexpMatches),
            entry("string_to_table", &args, &[TEXT], |_| TableFunc::StringToTable),
        ]);
    }
    table.push(by_value("regexp_extract", &[TEXT, TEXT], regexp_extract));
    table.push(by_value("csv_extract", &[INT8, TEXT], csv_extract));
    table
}

/// An entry whose columns depend on the values of its arguments.
fn by_value(
    sql_name: &'static str,
    args: &[ArgType],
    make: fn(&[Option<Datum<'_>>]) -> Result<TableFunc, SqlError>,
) -> TableFuncDef {
    let make: Make = Box::new(move |_, constants| make(constants));
    TableFuncDef { sql_name, args: args.to_vec().leak(), ret: vec![ANY], make }
}

fn regexp_extract(constants: &[Option<Datum<'_>>]) -> Result<TableFunc, SqlError> {
    let Some(Some(Datum::Text(pattern))) = constants.first() else {
        return Err(SqlError::unsupported("regexp_extract with a pattern other than a constant"));
    };
    let (pattern, names) = extract::named_groups(pattern);
    let groups = extract::group_count(&pattern)?;
    if groups == 0 {
        return Err(invalid_parameter("regexp_extract needs a pattern with at least one group that captures"));
    }
    let name = |at: usize| names.get(at).cloned().flatten().unwrap_or_else(|| format!("column{}", at + 1));
    Ok(TableFunc::RegexpExtract { pattern, columns: (0..groups).map(name).collect() })
}

/// As many columns as a relation may have.
const COLUMNS_MAX: i64 = 1600;

fn csv_extract(constants: &[Option<Datum<'_>>]) -> Result<TableFunc, SqlError> {
    match constants.first() {
        Some(Some(Datum::Int8(columns @ 1..=COLUMNS_MAX))) => Ok(TableFunc::CsvExtract(*columns as usize)),
        Some(Some(_)) => {
            Err(invalid_parameter(format!("csv_extract needs a number of columns between 1 and {COLUMNS_MAX}")))
        }
        _ => Err(SqlError::unsupported("csv_extract with a number of columns other than a constant")),
    }
}

/// What a list or a map is of.
fn element_of(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::List(element) | SqlType::Map(element) => (**element).clone(),
        other => other.clone(),
    }
}

fn innermost(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Array(element) => innermost(element),
        other => other.clone(),
    }
}

/// All entries.
pub fn all() -> &'static [TableFuncDef] {
    &TABLE
}

/// The table functions that SQL knows by this name (lower case), in the table's order.
pub fn candidates(sql_name: &str) -> Vec<&'static TableFuncDef> {
    TABLE.iter().filter(|def| def.sql_name == sql_name).collect()
}

impl TableFunc {
    /// Whether SQL knows a table function of this name (lower case).
    pub fn exists(name: &str) -> bool {
        TABLE.iter().any(|def| def.sql_name == name)
    }

    /// Whether its one column has a name of its own, which an alias of the table does not replace.
    pub fn names_its_column(&self) -> bool {
        use TableFunc::{JsonArrayElements, JsonArrayElementsText, JsonbArrayElements, JsonbArrayElementsText};
        matches!(self, JsonbArrayElements | JsonbArrayElementsText | JsonArrayElements | JsonArrayElementsText)
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
            TableFunc::UnnestMap(_) => &["key", "value"],
            TableFunc::JsonbArrayElements | TableFunc::JsonbArrayElementsText => &["value"],
            TableFunc::JsonArrayElements | TableFunc::JsonArrayElementsText => &["value"],
            TableFunc::JsonbEach | TableFunc::JsonbEachText => &["key", "value"],
            TableFunc::JsonEach | TableFunc::JsonEachText => &["key", "value"],
            TableFunc::JsonbObjectKeys => &["jsonb_object_keys"],
            TableFunc::JsonObjectKeys => &["json_object_keys"],
            TableFunc::JsonbPathQuery => &["jsonb_path_query"],
            TableFunc::RegexpSplitToTable => &["regexp_split_to_table"],
            TableFunc::RegexpMatches => &["regexp_matches"],
            TableFunc::StringToTable => &["string_to_table"],
            TableFunc::RegexpExtract { columns, .. } => {
                return columns.iter().cloned().zip(table_func_columns(self)).collect();
            }
            TableFunc::CsvExtract(columns) => {
                let names = (1..=*columns).map(|n| format!("column{n}"));
                return names.zip(table_func_columns(self)).collect();
            }
            TableFunc::Repeat | TableFunc::RepeatNonNegative | TableFunc::GuardSubquerySize => &[],
        };
        names.iter().map(ToString::to_string).zip(table_func_columns(self)).collect()
    }
}
