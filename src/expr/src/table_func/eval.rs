//! Computing table functions.

use super::{TableFunc, csv, extract};
use crate::func::build::{arg, invalid_parameter, list_out, numeric_out, optional};
use crate::func::json::as_text;
use crate::func::json_text as text;
use crate::func::jsonpath;
use crate::func::numeric::add;
use crate::func::pattern;
use jiff::tz::TimeZone;
use repr::datetime::{add_interval, add_interval_in, zone};
use repr::jsonb::JsonValue;
use repr::{
    Arena, ArrayRef, Datum, Diff, EvalError, Interval, JsonbRef, Numeric, Row, RowPacker, SqlError, SqlState, SqlType,
};

/// Rows with their counts, as they are asked for.
pub type Rows<'a> = Box<dyn Iterator<Item = (Row, Diff)> + 'a>;

impl TableFunc {
    /// The rows that the function returns for these arguments, with their counts.
    pub fn eval<'a>(&self, args: &[Datum<'a>], arena: &'a Arena) -> Result<Rows<'a>, EvalError> {
        match self {
            TableFunc::Value(_) => return Ok(one_column(args.first().copied().into_iter())),
            TableFunc::RowsFrom(parts) => return side_by_side(parts, args, arena),
            TableFunc::WithOrdinality(func) => return numbered(func.eval(args, arena)?),
            TableFunc::StringToTable => {}
            _ if args.iter().any(Datum::is_null) => return Ok(Box::new(std::iter::empty())),
            _ => {}
        }
        match self {
            TableFunc::GenerateSeries(SqlType::Numeric(_)) => numeric_series(args),
            TableFunc::GenerateSeries(ty) => integer_series(args, ty),
            TableFunc::GenerateSeriesTimestamp(ty) => timestamp_series(args, ty),
            TableFunc::Unnest(_) => {
                if let Some(Datum::List(list)) = args.first() {
                    return Ok(one_column(list.iter()));
                }
                let array: ArrayRef<'a> = arg(args, 0)?;
                Ok(one_column(array.elements()))
            }
            TableFunc::ExpandArray(_) => {
                let array: ArrayRef<'a> = arg(args, 0)?;
                let rows = array.elements().zip(1..).map(|(element, n)| (Row::pack([element, Datum::Int4(n)]), 1));
                Ok(Box::new(rows))
            }
            TableFunc::UnnestMap(_) => {
                let pairs = repr::map::pairs(arg(args, 0)?);
                Ok(Box::new(pairs.map(|(key, value)| (Row::pack([Datum::Text(key), value]), 1))))
            }
            TableFunc::GenerateSubscripts => subscripts(args),
            TableFunc::JsonbArrayElements => Ok(one_column(elements(args)?.into_iter().map(Datum::Jsonb))),
            TableFunc::JsonbArrayElementsText => {
                Ok(one_column(elements(args)?.into_iter().map(move |element| as_text(element, arena))))
            }
            TableFunc::JsonbEach => {
                let rows = pairs(args)?.into_iter();
                Ok(Box::new(rows.map(|(key, value)| (Row::pack([Datum::Text(key), Datum::Jsonb(value)]), 1))))
            }
            TableFunc::JsonbEachText => {
                let rows = pairs(args)?.into_iter();
                Ok(Box::new(rows.map(|(key, value)| (Row::pack([Datum::Text(key), as_text(value, arena)]), 1))))
            }
            TableFunc::JsonbObjectKeys => {
                let JsonValue::Object(pairs) = arg::<JsonbRef<'a>>(args, 0)?.value() else {
                    let kind = if matches!(arg::<JsonbRef<'a>>(args, 0)?.value(), JsonValue::Array(_)) {
                        "an array"
                    } else {
                        "a scalar"
                    };
                    return Err(invalid_parameter(format!("cannot call jsonb_object_keys on {kind}")));
                };
                Ok(one_column(pairs.into_iter().map(|(key, _)| Datum::Text(key))))
            }
            TableFunc::JsonbPathQuery => Ok(one_column(jsonpath::query(args, arena)?.into_iter().map(Datum::Jsonb))),
            TableFunc::JsonArrayElements
            | TableFunc::JsonArrayElementsText
            | TableFunc::JsonEach
            | TableFunc::JsonEachText
            | TableFunc::JsonObjectKeys => json_text(self, args, arena),
            TableFunc::RegexpSplitToTable => {
                let flags: &str = optional(args, 2)?.unwrap_or("");
                let parts = pattern::split(arg(args, 0)?, arg(args, 1)?, flags, "regexp_split_to_table")?;
                Ok(one_column(parts.into_iter().map(Datum::Text)))
            }
            TableFunc::RegexpMatches => {
                let flags: &str = optional(args, 2)?.unwrap_or("");
                let rows = pattern::all_matches(arg(args, 0)?, arg(args, 1)?, flags)?;
                Ok(one_column(rows.into_iter().map(|row| list_out(row, arena))))
            }
            TableFunc::StringToTable => Ok(match crate::func::array::split_text(args)? {
                Some(parts) => one_column(parts.into_iter()),
                None => Box::new(std::iter::empty()),
            }),
            TableFunc::Value(_) | TableFunc::RowsFrom(_) | TableFunc::WithOrdinality(_) => {
                Err(SqlError::internal("a table function of functions"))
            }
            TableFunc::Repeat => Ok(Box::new(std::iter::once((Row::empty(), arg::<i64>(args, 0)?)))),
            TableFunc::RepeatNonNegative => match arg::<i64>(args, 0)? {
                count @ 0.. => Ok(Box::new(std::iter::once((Row::empty(), count)))),
                count => Err(invalid_parameter(format!("repeat_row_non_negative got {count}"))),
            },
            TableFunc::RegexpExtract { pattern, .. } => {
                let row = extract::first_groups(pattern, arg(args, 1)?)?;
                Ok(Box::new(row.map(|row| (Row::pack(row), 1)).into_iter()))
            }
            TableFunc::CsvExtract(columns) => {
                let rows = csv::rows(arg(args, 1)?, *columns)?;
                Ok(Box::new(rows.into_iter().map(|row| (row, 1))))
            }
            TableFunc::GuardSubquerySize => guard(arg(args, 0)?),
        }
    }
}

/// The parts of a JSON text.
fn json_text<'a>(func: &TableFunc, args: &[Datum<'a>], arena: &'a Arena) -> Result<Rows<'a>, EvalError> {
    let mut rows = Vec::new();
    match func {
        TableFunc::JsonArrayElements => {
            let elements = text::elements(args, "json_array_elements")?;
            return Ok(one_column(elements.into_iter().map(Datum::Json)));
        }
        TableFunc::JsonArrayElementsText => {
            for element in text::elements(args, "json_array_elements_text")? {
                rows.push((Row::pack([text::as_text(element, arena)?]), 1));
            }
        }
        TableFunc::JsonEach => {
            for (key, value) in text::members(args, "json_each")? {
                rows.push((Row::pack([Datum::Text(&key), Datum::Json(value)]), 1));
            }
        }
        TableFunc::JsonEachText => {
            for (key, value) in text::members(args, "json_each_text")? {
                rows.push((Row::pack([Datum::Text(&key), text::as_text(value, arena)?]), 1));
            }
        }
        _ => {
            for (key, _) in text::members(args, "json_object_keys")? {
                rows.push((Row::pack([Datum::Text(&key)]), 1));
            }
        }
    }
    Ok(Box::new(rows.into_iter()))
}

fn one_column<'a>(values: impl Iterator<Item = Datum<'a>> + 'a) -> Rows<'a> {
    Box::new(values.map(|value| (Row::pack([value]), 1)))
}

/// Rows of several functions as one row, until none has more.
fn side_by_side<'a>(
    parts: &[(TableFunc, usize)],
    mut args: &[Datum<'a>],
    arena: &'a Arena,
) -> Result<Rows<'a>, EvalError> {
    let mut all = Vec::new();
    for (func, count) in parts {
        let (own, rest) = args.split_at_checked(*count).ok_or_else(|| SqlError::internal("too few arguments"))?;
        all.push((func.eval(own, arena)?, func.columns().len()));
        args = rest;
    }
    let mut packer = RowPacker::new();
    Ok(Box::new(std::iter::from_fn(move || {
        let mut more = false;
        for (rows, width) in &mut all {
            match rows.next() {
                Some((row, _)) => {
                    more = true;
                    packer.extend_row(row.as_ref());
                }
                None => packer.extend(std::iter::repeat_n(Datum::Null, *width)),
            }
        }
        let row = packer.take();
        more.then_some((row, 1))
    })))
}

fn numbered<'a>(rows: Rows<'a>) -> Result<Rows<'a>, EvalError> {
    let mut packer = RowPacker::new();
    Ok(Box::new((1..).zip(rows).map(move |(number, (row, count))| {
        packer.extend_row(row.as_ref());
        packer.push(Datum::Int8(number));
        (packer.take(), count)
    })))
}

fn guard<'a>(count: i64) -> Result<Rows<'a>, EvalError> {
    if count > 1 {
        let message = "more than one row returned by a subquery used as an expression";
        return Err(SqlError::new(SqlState::CARDINALITY_VIOLATION, message));
    }
    Ok(Box::new(std::iter::once((Row::empty(), 1))))
}

fn zero_step() -> EvalError {
    invalid_parameter("step size cannot equal zero")
}

fn integer_series<'a>(args: &[Datum<'a>], ty: &SqlType) -> Result<Rows<'a>, EvalError> {
    let narrow = *ty == SqlType::Int4;
    let at = |i| if narrow { arg::<i32>(args, i).map(i64::from) } else { arg::<i64>(args, i) };
    let (start, stop) = (at(0)?, at(1)?);
    let step = if args.len() > 2 { at(2)? } else { 1 };
    if step == 0 {
        return Err(zero_step());
    }
    let within = move |value: &i64| if step > 0 { *value <= stop } else { *value >= stop };
    let series = std::iter::successors(Some(start).filter(within), move |value| value.checked_add(step).filter(within));
    Ok(one_column(series.map(move |value| if narrow { Datum::Int4(value as i32) } else { Datum::Int8(value) })))
}

fn numeric_series<'a>(args: &[Datum<'a>]) -> Result<Rows<'a>, EvalError> {
    let finite = |i: usize, what: &str| -> Result<Numeric, EvalError> {
        match arg::<Numeric>(args, i)? {
            Numeric::NaN => Err(invalid_parameter(format!("{what} cannot be NaN"))),
            Numeric::Infinity | Numeric::NegInfinity => Err(invalid_parameter(format!("{what} cannot be infinity"))),
            value => Ok(value),
        }
    };
    let (start, stop) = (finite(0, "start value")?, finite(1, "stop value")?);
    let step = if args.len() > 2 { finite(2, "step size")? } else { Numeric::Finite(1.into()) };
    let zero = Numeric::zero();
    if step == zero {
        return Err(zero_step());
    }
    let ascending = step > zero;
    let within = move |value: &Numeric| if ascending { *value <= stop } else { *value >= stop };
    let first = Some(start).filter(&within);
    let series = std::iter::successors(first, move |value| add(value.clone(), step.clone()).ok().filter(&within));
    Ok(Box::new(series.map(|value| {
        let arena = Arena::new();
        (Row::pack([numeric_out(&value, &arena)]), 1)
    })))
}

fn timestamp_series<'a>(args: &[Datum<'a>], ty: &SqlType) -> Result<Rows<'a>, EvalError> {
    let (start, stop, step): (i64, i64, Interval) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    if step.total_us() == 0 {
        return Err(zero_step());
    }
    let ascending = step.total_us() > 0;
    let zoned = matches!(ty, SqlType::Timestamptz(_));
    let zone = optional::<&str>(args, 3)?.map_or(Ok(TimeZone::UTC), zone)?;
    let within = move |value: &i64| if ascending { *value <= stop } else { *value >= stop };
    let next = move |value: &i64| {
        let sum = if zoned { add_interval_in(&zone, *value, step) } else { add_interval(*value, step) };
        sum.ok().filter(|sum| within(sum) && sum != value)
    };
    let series = std::iter::successors(Some(start).filter(within), next);
    Ok(one_column(series.map(move |value| if zoned { Datum::Timestamptz(value) } else { Datum::Timestamp(value) })))
}

fn subscripts<'a>(args: &[Datum<'a>]) -> Result<Rows<'a>, EvalError> {
    let backwards = optional(args, 2)?.unwrap_or(false);
    let (array, at): (ArrayRef<'a>, i32) = (arg(args, 0)?, arg(args, 1)?);
    let dimensions = array.dimensions();
    let dimension = usize::try_from(at).ok().and_then(|at| dimensions.get(at.checked_sub(1)?)).copied();
    let Some(dimension) = dimension else {
        return Ok(Box::new(std::iter::empty()));
    };
    let end = i64::from(dimension.lower) + i64::from(dimension.length);
    let subscripts = (i64::from(dimension.lower)..end).map(|value| Datum::Int4(value as i32));
    Ok(if backwards { one_column(subscripts.rev()) } else { one_column(subscripts) })
}

fn elements<'a>(args: &[Datum<'a>]) -> Result<Vec<JsonbRef<'a>>, EvalError> {
    match arg::<JsonbRef<'a>>(args, 0)?.value() {
        JsonValue::Array(elements) => Ok(elements),
        JsonValue::Object(_) => Err(invalid_parameter("cannot extract elements from an object")),
        _ => Err(invalid_parameter("cannot extract elements from a scalar")),
    }
}

fn pairs<'a>(args: &[Datum<'a>]) -> Result<Vec<(&'a str, JsonbRef<'a>)>, EvalError> {
    match arg::<JsonbRef<'a>>(args, 0)?.value() {
        JsonValue::Object(pairs) => Ok(pairs),
        _ => Err(invalid_parameter("cannot call jsonb_each on a non-object")),
    }
}
