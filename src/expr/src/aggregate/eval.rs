//! Computing an aggregate from scratch: the reference that maintained results must equal.

use super::{Accum, AggregateFunc, ordered_set};
use crate::func::array::stacked;
use crate::func::build::{
    RESULT_BYTES_MAX, arg, check_length, invalid_parameter, json_out, list_out, range_out, text_out,
};
use crate::func::json_text::{push_string, text_value};
use crate::func::list::list_value;
use crate::func::map::map_value;
use crate::func::range::intersection;
use repr::{
    Arena, Datum, Diff, EvalError, JsonbRef, RangeRef, Row, RowPacker, RowRef, SqlError, SqlState, SqlType, jsonb,
};
use std::cmp::Ordering;

impl AggregateFunc {
    /// The value over rows of arguments with their counts, in the order that order-sensitive aggregates see.
    ///
    /// A row with a negative count is an error of the plan (XX000), unless sums make up for it.
    pub fn eval<'a>(
        &self,
        rows: impl IntoIterator<Item = (Vec<Datum<'a>>, Diff)>,
        arena: &'a Arena,
    ) -> Result<Datum<'a>, EvalError> {
        if self.accumulable() {
            let mut accum = Accum::Zero;
            for (args, diff) in rows {
                accum.plus_equals(&self.accumulate(&args, diff)?);
            }
            return self.value(&accum, arena);
        }
        let rows: Vec<(Vec<Datum<'a>>, usize)> = rows.into_iter().map(counted).collect::<Result<_, _>>()?;
        let rows = rows.into_iter().filter(|(_, count)| *count > 0);
        match self {
            AggregateFunc::Min => Ok(extreme(rows, Ordering::Less)),
            AggregateFunc::Max => Ok(extreme(rows, Ordering::Greater)),
            AggregateFunc::StringAgg => string_agg(rows, arena),
            AggregateFunc::ArrayAgg(SqlType::Array(_)) => array_agg_of_arrays(rows, arena),
            AggregateFunc::ArrayAgg(_) => array_agg(rows, arena),
            AggregateFunc::JsonbAgg => jsonb_agg(rows, arena),
            AggregateFunc::JsonbObjectAgg => jsonb_object_agg(rows, arena),
            AggregateFunc::ListAgg(_) => list_agg(rows, arena),
            AggregateFunc::MapAgg(_) => map_agg(rows, arena),
            AggregateFunc::JsonAgg(lines) => json_agg(rows, if *lines { ", \n " } else { ", " }, arena),
            AggregateFunc::JsonObjectAgg => json_object_agg(rows, arena),
            AggregateFunc::ByteaAgg => bytea_agg(rows, arena),
            AggregateFunc::RangeIntersect => range_intersection(rows, arena),
            AggregateFunc::PercentileCont { many, .. } => ordered_set::percentiles(rows, *many, true, arena),
            AggregateFunc::PercentileDisc { many, .. } => ordered_set::percentiles(rows, *many, false, arena),
            AggregateFunc::Mode => Ok(ordered_set::mode(rows)),
            other => Err(SqlError::internal(format!("{other:?} is accumulable"))),
        }
    }
}

impl AggregateFunc {
    /// Appends the value over rows of arguments with their counts, in the order that order-sensitive aggregates see.
    pub fn eval_sorted(&self, rows: Vec<(RowRef<'_>, u64)>, out: &mut RowPacker) -> Result<(), EvalError> {
        let arena = Arena::new();
        let unpacked =
            rows.iter().map(|(row, count)| (row.iter().collect(), Diff::try_from(*count).unwrap_or(Diff::MAX)));
        out.push(self.eval(unpacked, &arena)?);
        Ok(())
    }
}

fn counted<'a>((args, diff): (Vec<Datum<'a>>, Diff)) -> Result<(Vec<Datum<'a>>, usize), EvalError> {
    let count = usize::try_from(diff).map_err(|_| SqlError::internal(format!("a row with count {diff}")))?;
    Ok((args, count))
}

/// The least or greatest value that is not NULL; of values that SQL calls equal, the one whose encoding is.
fn extreme<'a>(rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>, wanted: Ordering) -> Datum<'a> {
    let mut best = Datum::Null;
    for (args, _) in rows {
        let value = args.first().copied().unwrap_or(Datum::Null);
        if value.is_null() {
            continue;
        }
        let order = value.cmp(&best).then_with(|| Row::pack([value]).cmp(&Row::pack([best])));
        if best.is_null() || order == wanted {
            best = value;
        }
    }
    best
}

/// What all ranges that are not NULL have in common.
fn range_intersection<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut common: Option<Vec<u8>> = None;
    for (args, _) in rows.filter(|(args, _)| args.first().is_some_and(|range| !range.is_null())) {
        let range: RangeRef<'_> = arg(&args, 0)?;
        common = Some(match common {
            None => range.encoded().to_vec(),
            Some(common) => intersection(RangeRef::from_encoded(&common), range),
        });
    }
    Ok(common.map_or(Datum::Null, |common| range_out(common, arena)))
}

fn string_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut out: Option<String> = None;
    for (args, count) in rows {
        let Some(Datum::Text(value)) = args.first() else { continue };
        let delimiter = match args.get(1) {
            Some(Datum::Text(delimiter)) => *delimiter,
            _ => "",
        };
        let added = (value.len() + delimiter.len()).saturating_mul(count);
        check_length(out.as_ref().map_or(0, String::len).saturating_add(added).saturating_add(count))?;
        for _ in 0..count {
            match &mut out {
                None => out = Some((*value).to_string()),
                Some(text) => {
                    text.push_str(delimiter);
                    text.push_str(value);
                }
            }
        }
    }
    Ok(out.map_or(Datum::Null, |text| text_out(text, arena)))
}

fn bytea_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut out: Option<Vec<u8>> = None;
    for (args, count) in rows {
        let Some(Datum::Bytes(value)) = args.first() else { continue };
        let delimiter = match args.get(1) {
            Some(Datum::Bytes(delimiter)) => *delimiter,
            _ => &[],
        };
        let added = (value.len() + delimiter.len()).saturating_mul(count);
        check_length(out.as_ref().map_or(0, Vec::len).saturating_add(added).saturating_add(count))?;
        for _ in 0..count {
            match &mut out {
                None => out = Some(value.to_vec()),
                Some(bytes) => {
                    bytes.extend_from_slice(delimiter);
                    bytes.extend_from_slice(value);
                }
            }
        }
    }
    Ok(out.map_or(Datum::Null, |bytes| Datum::Bytes(arena.bytes(bytes))))
}

/// Each row's values, repeated, and bounded by what memory a result may take.
fn repeated<'a>(rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>) -> Result<Vec<Vec<Datum<'a>>>, EvalError> {
    let mut out = Vec::new();
    for (args, count) in rows {
        check_length((out.len().saturating_add(count)).saturating_mul(size_of::<Datum<'_>>()))?;
        out.extend(std::iter::repeat_n(args, count));
    }
    Ok(out)
}

fn array_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let rows = repeated(rows)?;
    if rows.is_empty() {
        return Ok(Datum::Null);
    }
    Ok(list_out(rows.iter().map(|args| args.first().copied().unwrap_or(Datum::Null)), arena))
}

fn list_agg<'a>(rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let rows = repeated(rows)?;
    if rows.is_empty() {
        return Ok(Datum::Null);
    }
    Ok(list_value(rows.iter().map(|args| args.first().copied().unwrap_or(Datum::Null)), arena))
}

fn map_agg<'a>(rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(Datum::Null);
    }
    // Without a key a value has no place.
    let pair = |(args, _): (Vec<Datum<'a>>, usize)| match args[..] {
        [Datum::Text(key), value] => Some((key, value)),
        _ => None,
    };
    Ok(map_value(rows.filter_map(pair), arena))
}

fn json_of<'a>(datum: Option<&Datum<'a>>) -> &'a str {
    if let Some(Datum::Json(value)) = datum { value } else { "null" }
}

fn json_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    separator: &str,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut out = String::new();
    for (args, count) in rows {
        let value = json_of(args.first());
        let added = (value.len() + separator.len()).saturating_mul(count);
        check_length(out.len().saturating_add(added))?;
        for _ in 0..count {
            out.push_str(if out.is_empty() { "[" } else { separator });
            out.push_str(value);
        }
    }
    if out.is_empty() {
        return Ok(Datum::Null);
    }
    out.push(']');
    Ok(text_value(out, arena))
}

fn json_object_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut out = String::new();
    for (args, count) in rows {
        let Some(Datum::Text(key)) = args.first() else {
            return Err(invalid_parameter("field name must not be null"));
        };
        for _ in 0..count {
            out.push_str(if out.is_empty() { "{ " } else { ", " });
            push_string(key, &mut out);
            out.push_str(" : ");
            out.push_str(json_of(args.get(1)));
            check_length(out.len())?;
        }
    }
    if out.is_empty() {
        return Ok(Datum::Null);
    }
    out.push_str(" }");
    Ok(text_value(out, arena))
}

/// An array of one more dimension; its elements must have one shape.
fn array_agg_of_arrays<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut arrays = Vec::new();
    for args in repeated(rows)? {
        let Some(Datum::Array(array)) = args.first() else {
            return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
        };
        if array.dimensions().is_empty() {
            return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays"));
        }
        arrays.push(*array);
    }
    if arrays.is_empty() {
        return Ok(Datum::Null);
    }
    let message = "cannot accumulate arrays of different dimensionality";
    stacked(&arrays, arena).ok_or_else(|| SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message))
}

fn push_json(datum: Option<&Datum<'_>>, out: &mut Vec<u8>) {
    match datum {
        Some(Datum::Jsonb(value)) => out.extend_from_slice(JsonbRef::encoded(*value)),
        _ => jsonb::push_null(out),
    }
}

fn jsonb_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let rows = repeated(rows)?;
    if rows.is_empty() {
        return Ok(Datum::Null);
    }
    let mut elements = Vec::new();
    for args in &rows {
        push_json(args.first(), &mut elements);
        check_length(elements.len())?;
    }
    let mut out = Vec::new();
    jsonb::push_array(rows.len(), &elements, &mut out);
    Ok(json_out(out, arena))
}

fn jsonb_object_agg<'a>(
    rows: impl Iterator<Item = (Vec<Datum<'a>>, usize)>,
    arena: &'a Arena,
) -> Result<Datum<'a>, EvalError> {
    let mut pairs = Vec::new();
    let mut bytes = 0usize;
    for (args, _) in rows {
        let Some(Datum::Text(key)) = args.first() else {
            return Err(invalid_parameter("field name must not be null"));
        };
        let mut value = Vec::new();
        push_json(args.get(1), &mut value);
        bytes = bytes.saturating_add(key.len() + value.len());
        check_length(bytes.min(RESULT_BYTES_MAX + 1))?;
        pairs.push((*key, value));
    }
    if pairs.is_empty() {
        return Ok(Datum::Null);
    }
    let mut out = Vec::new();
    jsonb::push_object(pairs, &mut out);
    Ok(json_out(out, arena))
}
