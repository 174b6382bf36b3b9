//! Casts: which there are, in which context they apply (`pg_cast`), and the functions that do them.

use super::FuncDef;
use super::build::*;
use super::typed;
use crate::scalar::ScalarExpr;
use repr::datetime::{
    UNIX_EPOCH_US, check_timestamp, date_from_days, from_local, offset_at, timestamp_out_of_range, to_local,
};
use repr::interval::DAY_US;
use repr::jsonb::JsonValue;
use repr::text::{self, TextSettings, number};
use repr::{
    Arena, ColumnType, Datum, EvalError, Interval, JsonbRef, Numeric, SqlError, SqlState, SqlType, TimeTz, VectorKind,
};

/// Where a cast applies without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere.
    Implicit,
    /// In assignments to a column.
    Assignment,
    /// Only where it is written.
    Explicit,
}

/// How a cast is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CastImpl {
    /// The value stays, its type changes.
    Relabel,
    /// A function of the table.
    Function(String),
    /// The source is a text, which the target's input function reads.
    FromText,
    /// The source's output function prints it.
    ToText,
    /// Element by element, by a function of this stem, between these element types.
    Elements(&'static str, SqlType, SqlType),
    /// Field by field, between these records.
    Record(SqlType, SqlType),
}

impl CastImpl {
    /// The cast of `expr` to a type with its modifier, as an explicit cast does it: too long a text is cut.
    pub fn apply(&self, expr: ScalarExpr, to: &SqlType) -> ScalarExpr {
        self.apply_in(expr, to, CastContext::Explicit)
    }

    /// The same in a context: in an assignment too long a text is an error (22001).
    pub fn apply_in(&self, expr: ScalarExpr, to: &SqlType, context: CastContext) -> ScalarExpr {
        let base = to.without_modifier();
        let call =
            |stem: &str, ty: &SqlType, expr| ScalarExpr::call(&format!("{stem}({})", typed::type_key(ty)), vec![expr]);
        let converted = match self {
            // Names of fields are in the type only.
            CastImpl::Relabel if matches!(to, SqlType::Record(_)) => return expr,
            CastImpl::Relabel if *to != base || matches!(to, SqlType::Char(_)) => expr,
            CastImpl::Relabel => return call("relabel", to, expr),
            CastImpl::Function(name) => ScalarExpr::call(name, vec![expr]),
            CastImpl::FromText => call("text_to", &base, expr),
            CastImpl::ToText if base == SqlType::Text => return expr.call_unary("to_text"),
            CastImpl::ToText => call("relabel", &base, expr.call_unary("to_text")),
            CastImpl::Elements(stem, from, _) => {
                let (SqlType::Array(element) | SqlType::List(element) | SqlType::Map(element)) = to else {
                    return expr;
                };
                let (from, element) = (typed::type_key(from), typed::type_key(element));
                return ScalarExpr::call(&format!("{stem}({from}:{element})"), vec![expr]);
            }
            CastImpl::Record(from, to) => {
                let name = format!("record_cast({}:{})", typed::type_key(from), typed::type_key(to));
                return ScalarExpr::call(&name, vec![expr]);
            }
        };
        if *to == base && !matches!(to, SqlType::Char(_)) {
            return converted;
        }
        let stem = if context == CastContext::Explicit { "truncate" } else { "limit" };
        call(stem, to, converted)
    }
}

/// Whether a type's values are texts.
fn is_text(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) | SqlType::Name | SqlType::InternalChar)
}

fn is_reg(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Regclass | SqlType::Regproc | SqlType::Regtype)
}

/// The cast between two types, if there is one. Modifiers do not matter, except that between types which differ in nothing
/// else the cast is the one that applies the modifier.
pub fn lookup(from: &SqlType, to: &SqlType) -> Option<(CastContext, CastImpl)> {
    let (from, to) = (from.without_modifier(), to.without_modifier());
    if from == to {
        return Some((CastContext::Implicit, relabel_or_elements(&from)));
    }
    if let Some(context) = relabel(&from, &to) {
        return Some((context, CastImpl::Relabel));
    }
    if let Some((context, name)) = function(&from, &to) {
        return Some((context, CastImpl::Function(name)));
    }
    match (&from, &to) {
        (SqlType::Array(a), SqlType::Array(b)) => elements("array_cast", a, b),
        (SqlType::Vector(kind), SqlType::Array(b)) => elements("array_cast", kind.element(), b),
        (SqlType::List(a), SqlType::List(b)) => elements("list_cast", a, b),
        (SqlType::Map(a), SqlType::Map(b)) => elements("map_cast", a, b),
        (SqlType::Array(a), SqlType::List(b)) => {
            elements("array_to_list", a, b).map(|(_, cast)| (CastContext::Explicit, cast))
        }
        (_, SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) | SqlType::Name) => {
            Some((CastContext::Assignment, CastImpl::ToText))
        }
        (from, SqlType::Record(_) | SqlType::Composite(_)) if from.fields().is_some() => records(from, &to),
        (_, SqlType::Record(_)) => None,
        (from, _) if is_text(from) => Some((CastContext::Explicit, CastImpl::FromText)),
        _ => None,
    }
}

fn relabel_or_elements(ty: &SqlType) -> CastImpl {
    let (stem, element) = match ty {
        SqlType::Array(element) => ("array_cast", element),
        SqlType::List(element) => ("list_cast", element),
        SqlType::Map(value) => ("map_cast", value),
        _ => return CastImpl::Relabel,
    };
    CastImpl::Elements(stem, (**element).clone(), (**element).clone())
}

fn elements(stem: &'static str, from: &SqlType, to: &SqlType) -> Option<(CastContext, CastImpl)> {
    let (context, _) = lookup(from, to)?;
    Some((context, CastImpl::Elements(stem, from.clone(), to.clone())))
}

/// A record becomes another if each field does. `record` without fields is any of them.
fn records(from: &SqlType, to: &SqlType) -> Option<(CastContext, CastImpl)> {
    let (source, target) = (from.fields()?, to.fields()?);
    if *to == SqlType::Record(Vec::new()) {
        return Some((CastContext::Implicit, CastImpl::Relabel));
    }
    if source.len() != target.len() {
        return None;
    }
    let mut needed = CastContext::Implicit;
    for ((_, from), (_, to)) in source.iter().zip(target) {
        needed = needed.max(lookup(&from.ty, &to.ty)?.0);
    }
    Some((needed, CastImpl::Record(from.clone(), to.clone())))
}

/// Casts that leave the value as it is.
fn relabel(from: &SqlType, to: &SqlType) -> Option<CastContext> {
    use CastContext::{Assignment, Implicit};
    match (from, to) {
        (SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_), SqlType::Text | SqlType::Varchar(_)) => Some(Implicit),
        (SqlType::Text | SqlType::Varchar(_), SqlType::Char(_)) => Some(Implicit),
        (SqlType::Name | SqlType::InternalChar, SqlType::Text) => Some(Implicit),
        (SqlType::Name | SqlType::InternalChar, SqlType::Varchar(_) | SqlType::Char(_)) => Some(Assignment),
        (SqlType::Oid, to) if is_reg(to) => Some(Implicit),
        (from, SqlType::Oid) if is_reg(from) => Some(Implicit),
        // Without fields it is any record.
        (SqlType::Record(a), SqlType::Record(b)) if b.is_empty() || same_fields(a, b) => Some(Implicit),
        _ => None,
    }
}

/// Whether fields differ in their names only.
fn same_fields(a: &[(String, ColumnType)], b: &[(String, ColumnType)]) -> bool {
    let types = |fields: &[(String, ColumnType)]| -> Vec<_> {
        fields.iter().map(|(_, column)| column.ty.without_modifier()).collect()
    };
    a.len() == b.len() && types(a) == types(b)
}

/// Types between which numbers are converted, with their stems: from one to another further down the cast is implicit.
const NUMBERS: [(SqlType, &str); 9] = [
    (SqlType::Int2, "int2"),
    (SqlType::Uint2, "uint2"),
    (SqlType::Int4, "int4"),
    (SqlType::Uint4, "uint4"),
    (SqlType::Int8, "int8"),
    (SqlType::Uint8, "uint8"),
    (SqlType::Numeric(None), "numeric"),
    (SqlType::Float4, "float4"),
    (SqlType::Float8, "float8"),
];

fn stem(ty: &SqlType) -> Option<&'static str> {
    NUMBERS.iter().find(|(number, _)| number == ty).map(|(_, stem)| *stem)
}

/// Whether a number's type holds all values of another, as near as floats can.
fn widens(from: &SqlType, to: &SqlType) -> bool {
    let position = |ty: &SqlType| NUMBERS.iter().position(|(number, _)| number == ty);
    let signed = matches!(from, SqlType::Int2 | SqlType::Int4 | SqlType::Int8);
    let unsigned = matches!(to, SqlType::Uint2 | SqlType::Uint4 | SqlType::Uint8);
    position(from) < position(to) && !(signed && unsigned)
}

/// Casts that a function of the table does.
fn function(from: &SqlType, to: &SqlType) -> Option<(CastContext, String)> {
    use CastContext::{Assignment, Explicit, Implicit};
    if let (Some(source), Some(target)) = (stem(from), stem(to)) {
        let context = if widens(from, to) { Implicit } else { Assignment };
        return Some((context, format!("{source}_to_{target}")));
    }
    let (context, name) = match (from, to) {
        (SqlType::Int4, SqlType::Bool) => (Explicit, "int4_to_bool"),
        (SqlType::Bool, SqlType::Int4) => (Explicit, "bool_to_int4"),
        (SqlType::Bool, SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_)) => (Assignment, "bool_to_text"),
        (SqlType::Int4, SqlType::InternalChar) => (Explicit, "int4_to_char"),
        (SqlType::InternalChar, SqlType::Int4) => (Explicit, "char_to_int4"),
        (SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_), SqlType::Name) => (Implicit, "text_to_name"),
        (SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_), SqlType::InternalChar) => (Assignment, "text_to_char"),
        (SqlType::Text | SqlType::Varchar(_), SqlType::Regclass) => (Implicit, "text_to(regclass)"),
        (SqlType::Vector(_), SqlType::Text | SqlType::Varchar(_)) => (Assignment, "vector_to_text"),
        (SqlType::Int2, to) if *to == SqlType::Oid || is_reg(to) => (Implicit, "int2_to_oid"),
        (SqlType::Int4, to) if *to == SqlType::Oid || is_reg(to) => (Implicit, "int4_to_oid"),
        (SqlType::Int8, to) if *to == SqlType::Oid || is_reg(to) => (Implicit, "int8_to_oid"),
        (from, SqlType::Int4) if *from == SqlType::Oid || is_reg(from) => (Assignment, "oid_to_int4"),
        (from, SqlType::Int8) if *from == SqlType::Oid || is_reg(from) => (Assignment, "oid_to_int8"),
        (SqlType::Date, SqlType::Timestamp(_)) => (Implicit, "date_to_timestamp"),
        (SqlType::Date, SqlType::Timestamptz(_)) => (Implicit, "date_to_timestamptz"),
        (SqlType::Timestamp(_), SqlType::Timestamptz(_)) => (Implicit, "timestamp_to_timestamptz"),
        (SqlType::Timestamptz(_), SqlType::Timestamp(_)) => (Assignment, "timestamptz_to_timestamp"),
        (SqlType::Timestamp(_), SqlType::Date) => (Assignment, "timestamp_to_date"),
        (SqlType::Timestamptz(_), SqlType::Date) => (Assignment, "timestamptz_to_date"),
        (SqlType::Timestamp(_), SqlType::Time) => (Assignment, "timestamp_to_time"),
        (SqlType::Timestamptz(_), SqlType::Time) => (Assignment, "timestamptz_to_time"),
        (SqlType::Time, SqlType::Interval) => (Implicit, "time_to_interval"),
        (SqlType::Interval, SqlType::Time) => (Assignment, "interval_to_time"),
        (SqlType::Time, SqlType::TimeTz) => (Implicit, "time_to_timetz"),
        (SqlType::TimeTz, SqlType::Time) => (Assignment, "timetz_to_time"),
        (SqlType::Timestamptz(_), SqlType::TimeTz) => (Assignment, "timestamptz_to_timetz"),
        (SqlType::Json, SqlType::Jsonb) => (Assignment, "json_to_jsonb"),
        (SqlType::Jsonb, SqlType::Json) => (Assignment, "jsonb_to_json"),
        (SqlType::Oid, SqlType::Uint4) => (Assignment, "oid_to_uint4"),
        (SqlType::Uint4, SqlType::Oid) => (Assignment, "uint4_to_oid"),
        (SqlType::Uint8, SqlType::MzTimestamp) => (Implicit, "uint8_to_mz_timestamp"),
        (SqlType::Uint4, SqlType::MzTimestamp) => (Implicit, "uint4_to_mz_timestamp"),
        (SqlType::MzTimestamp, SqlType::Uint8) => (Explicit, "mz_timestamp_to_uint8"),
        (SqlType::Jsonb, SqlType::Bool) => (Explicit, "jsonb_to_bool"),
        (SqlType::Jsonb, to) => return stem(to).map(|target| (Explicit, format!("jsonb_to_{target}"))),
        (SqlType::Int2, SqlType::MzTimestamp) => (Implicit, "int2_to_mz_timestamp"),
        (SqlType::Int4, SqlType::MzTimestamp) => (Implicit, "int4_to_mz_timestamp"),
        (SqlType::Int8, SqlType::MzTimestamp) => (Implicit, "int8_to_mz_timestamp"),
        (SqlType::Numeric(_), SqlType::MzTimestamp) => (Implicit, "numeric_to_mz_timestamp"),
        (SqlType::Timestamp(_), SqlType::MzTimestamp) => (Implicit, "timestamp_to_mz_timestamp"),
        (SqlType::Timestamptz(_), SqlType::MzTimestamp) => (Implicit, "timestamptz_to_mz_timestamp"),
        (SqlType::Date, SqlType::MzTimestamp) => (Implicit, "date_to_mz_timestamp"),
        (SqlType::MzTimestamp, SqlType::Timestamp(_)) => (Assignment, "mz_timestamp_to_timestamp"),
        (SqlType::MzTimestamp, SqlType::Timestamptz(_)) => (Assignment, "mz_timestamp_to_timestamptz"),
        (SqlType::MzTimestamp, SqlType::Int8) => (Explicit, "mz_timestamp_to_int8"),
        (SqlType::MzTimestamp, SqlType::Numeric(_)) => (Explicit, "mz_timestamp_to_numeric"),
        _ => return None,
    };
    Some((context, name.to_string()))
}

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for (from, source) in &NUMBERS {
        for (to, target) in &NUMBERS {
            if from != to {
                let exact = |ty: &SqlType| super::ArgType::Exact(ty.clone());
                let entry = func(format!("{source}_to_{target}"), "", &[exact(from)], exact(to), number_cast(to));
                let entry = entry.monotone(&[true]);
                let wider = widens(from, to) && !matches!(from, SqlType::Numeric(_));
                table.push(if wider { entry.infallible() } else { entry });
            }
        }
        let entry =
            func(format!("jsonb_to_{source}"), "", &[JSONB], super::ArgType::Exact(from.clone()), json_cast(from));
        table.push(entry);
    }
    table.extend(text_casts());
    table.extend(time_casts());
    table.extend(mz_timestamp_casts());
    table
}

fn number_cast(to: &SqlType) -> super::EvalFn {
    match to {
        SqlType::Int2 => |a, _| int2_out(whole(a[0], "smallint")?.and_then(|v| v.try_into().ok())),
        SqlType::Int4 => |a, _| int4_out(whole(a[0], "integer")?.and_then(|v| v.try_into().ok())),
        SqlType::Int8 => |a, _| int8_out(whole(a[0], "bigint")?.and_then(|v| v.try_into().ok())),
        SqlType::Uint2 => |a, _| uint_out(whole(a[0], "uint2")?, Datum::Uint2, "uint2"),
        SqlType::Uint4 => |a, _| uint_out(whole(a[0], "uint4")?, Datum::Uint4, "uint4"),
        SqlType::Uint8 => |a, _| uint_out(whole(a[0], "uint8")?, Datum::Uint8, "uint8"),
        SqlType::Float4 => |a, _| to_float4(a[0]).map(Datum::Float4),
        SqlType::Float8 => |a, _| to_float8(a[0]).map(Datum::Float8),
        _ => |a, arena| Ok(numeric_out(&to_numeric(a[0])?, arena)),
    }
}

fn uint_out<'a, T: TryFrom<i128>>(
    value: Option<i128>,
    datum: fn(T) -> Datum<'a>,
    ty: &str,
) -> Result<Datum<'a>, EvalError> {
    value.and_then(|v| T::try_from(v).ok()).map(datum).ok_or_else(|| out_of_range(ty))
}

/// A number rounded to an integer; `None` far beyond all types of them.
fn whole(datum: Datum<'_>, ty: &str) -> Result<Option<i128>, EvalError> {
    let from_float = |v: f64| {
        let rounded = v.round_ties_even();
        // No integer has as many as a hundred bits.
        (rounded.abs() < 2f64.powi(100)).then_some(rounded as i128)
    };
    Ok(match datum {
        Datum::Int2(v) => Some(v.into()),
        Datum::Int4(v) => Some(v.into()),
        Datum::Int8(v) => Some(v.into()),
        Datum::Uint2(v) => Some(v.into()),
        Datum::Uint4(v) => Some(v.into()),
        Datum::Uint8(v) => Some(v.into()),
        Datum::Float4(v) => from_float(f64::from(v)),
        Datum::Float8(v) => from_float(v),
        Datum::Numeric(v) => match v.to_numeric() {
            Numeric::Finite(decimal) => {
                let (digits, _) = number::round(&decimal, 0).into_bigint_and_scale();
                i128::try_from(digits).ok()
            }
            Numeric::NaN => {
                return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert NaN to {ty}")));
            }
            _ => {
                let message = format!("cannot convert infinity to {ty}");
                return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        },
        other => return Err(SqlError::internal(format!("{other:?} is not a number"))),
    })
}

/// Any number as `float8`.
pub(crate) fn to_float8(datum: Datum<'_>) -> Result<f64, EvalError> {
    Ok(match datum {
        Datum::Int2(v) => f64::from(v),
        Datum::Int4(v) => f64::from(v),
        Datum::Int8(v) => v as f64,
        Datum::Uint2(v) => f64::from(v),
        Datum::Uint4(v) => f64::from(v),
        Datum::Uint8(v) => v as f64,
        Datum::Float4(v) => f64::from(v),
        Datum::Float8(v) => v,
        Datum::Numeric(v) => {
            let mut text = String::new();
            number::format_numeric(v, &mut text);
            text.parse().ok().filter(|f: &f64| f.is_finite() || text.ends_with(['y', 'N'])).ok_or_else(|| {
                let message = format!("\"{text}\" is out of range for type double precision");
                SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
            })?
        }
        other => return Err(SqlError::internal(format!("{other:?} is not a number"))),
    })
}

fn to_float4(datum: Datum<'_>) -> Result<f32, EvalError> {
    match datum {
        Datum::Int2(v) => return Ok(f32::from(v)),
        Datum::Int4(v) => return Ok(v as f32),
        Datum::Int8(v) => return Ok(v as f32),
        Datum::Uint2(v) => return Ok(f32::from(v)),
        Datum::Uint4(v) => return Ok(v as f32),
        Datum::Uint8(v) => return Ok(v as f32),
        _ => {}
    }
    let wide = to_float8(datum)?;
    let narrow = wide as f32;
    let lost = if narrow.is_infinite() && wide.is_finite() {
        "overflow"
    } else if narrow == 0.0 && wide != 0.0 {
        "underflow"
    } else {
        return Ok(narrow);
    };
    Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value out of range: {lost}")))
}

/// Any number as `numeric`; floats with the 15 or 6 digits that they hold for certain.
pub(crate) fn to_numeric(datum: Datum<'_>) -> Result<Numeric, EvalError> {
    let mut text = String::new();
    match datum {
        Datum::Numeric(v) => return Ok(v.to_numeric()),
        Datum::Int2(v) => return Ok(Numeric::Finite(v.into())),
        Datum::Int4(v) => return Ok(Numeric::Finite(v.into())),
        Datum::Int8(v) => return Ok(Numeric::Finite(v.into())),
        Datum::Uint2(v) => return Ok(Numeric::Finite(v.into())),
        Datum::Uint4(v) => return Ok(Numeric::Finite(v.into())),
        Datum::Uint8(v) => return Ok(Numeric::Finite(v.into())),
        Datum::Float4(v) => number::format_float4(v, 0, &mut text),
        Datum::Float8(v) => number::format_float8(v, 0, &mut text),
        other => return Err(SqlError::internal(format!("{other:?} is not a number"))),
    }
    number::parse_numeric(&text)
}

fn json_cast(to: &SqlType) -> super::EvalFn {
    match to {
        SqlType::Int2 => {
            |a, _| int2_out(whole(json_number(a, "smallint")?, "smallint")?.and_then(|v| v.try_into().ok()))
        }
        SqlType::Int4 => |a, _| int4_out(whole(json_number(a, "integer")?, "integer")?.and_then(|v| v.try_into().ok())),
        SqlType::Int8 => |a, _| int8_out(whole(json_number(a, "bigint")?, "bigint")?.and_then(|v| v.try_into().ok())),
        SqlType::Uint2 => |a, _| uint_out(whole(json_number(a, "uint2")?, "uint2")?, Datum::Uint2, "uint2"),
        SqlType::Uint4 => |a, _| uint_out(whole(json_number(a, "uint4")?, "uint4")?, Datum::Uint4, "uint4"),
        SqlType::Uint8 => |a, _| uint_out(whole(json_number(a, "uint8")?, "uint8")?, Datum::Uint8, "uint8"),
        SqlType::Float4 => |a, _| to_float4(json_number(a, "real")?).map(Datum::Float4),
        SqlType::Float8 => |a, _| to_float8(json_number(a, "double precision")?).map(Datum::Float8),
        _ => |a, _| json_number(a, "numeric"),
    }
}

fn json_number<'a>(args: &[Datum<'a>], ty: &str) -> Result<Datum<'a>, EvalError> {
    match arg::<JsonbRef<'a>>(args, 0)?.value() {
        JsonValue::Number(v) => Ok(Datum::Numeric(v)),
        other => Err(wrong_json(&other, ty)),
    }
}

fn wrong_json(value: &JsonValue<'_>, ty: &str) -> EvalError {
    let kind = match value {
        JsonValue::Null => "null",
        JsonValue::Bool(_) => "boolean",
        JsonValue::Number(_) => "numeric",
        JsonValue::String(_) => "string",
        JsonValue::Array(_) => "array",
        JsonValue::Object(_) => "object",
    };
    invalid_parameter(format!("cannot cast jsonb {kind} to type {ty}"))
}

fn text_casts() -> Vec<FuncDef> {
    vec![
        session("to_text", "", &[ANY], TEXT, |a, arena, settings| {
            Ok(match a[0] {
                Datum::Text(v) => Datum::Text(v),
                other => {
                    let mut out = String::new();
                    text::format(other, &SqlType::Text, settings, &mut out);
                    text_out(out, arena)
                }
            })
        })
        .infallible(),
        func("vector_to_text", "", &[ANY], TEXT, |a, arena| {
            let mut out = String::new();
            // One kind prints like the other.
            text::format(a[0], &SqlType::Vector(VectorKind::Oid), &TextSettings::DEFAULT, &mut out);
            Ok(text_out(out, arena))
        })
        .infallible(),
        func("bool_to_text", "", &[BOOL], TEXT, |a, _| Ok(Datum::Text(if arg(a, 0)? { "true" } else { "false" })))
            .infallible(),
        func("text_to_name", "", &[TEXT], NAME, |a, _| Ok(Datum::Text(text::string::truncate_name(arg(a, 0)?))))
            .infallible(),
        func("text_to_char", "", &[TEXT], super::ArgType::Exact(SqlType::InternalChar), |a, _| {
            Ok(Datum::Text(text::string::first_char(arg(a, 0)?)))
        })
        .infallible(),
        func("int4_to_bool", "", &[INT4], BOOL, |a, _| Ok(Datum::Bool(arg::<i32>(a, 0)? != 0))).infallible(),
        func("bool_to_int4", "", &[BOOL], INT4, |a, _| Ok(Datum::Int4(i32::from(arg::<bool>(a, 0)?)))).infallible(),
        func("int4_to_char", "", &[INT4], super::ArgType::Exact(SqlType::InternalChar), |a, arena| {
            let byte = u8::try_from(arg::<i32>(a, 0)?).ok().filter(u8::is_ascii);
            let byte = byte.ok_or_else(|| out_of_range("\"char\""))?;
            Ok(text_out(if byte == 0 { String::new() } else { char::from(byte).to_string() }, arena))
        }),
        func("char_to_int4", "", &[super::ArgType::Exact(SqlType::InternalChar)], INT4, |a, _| {
            let text: &str = arg(a, 0)?;
            Ok(Datum::Int4(text.bytes().next().map_or(0, |b| i32::from(b as i8))))
        })
        .infallible(),
        func("int2_to_oid", "", &[INT2], OID, |a, _| Ok(Datum::Oid(i32::from(arg::<i16>(a, 0)?) as u32))).infallible(),
        func("int4_to_oid", "", &[INT4], OID, |a, _| Ok(Datum::Oid(arg::<i32>(a, 0)? as u32))).infallible(),
        func("int8_to_oid", "", &[INT8], OID, |a, _| {
            u32::try_from(arg::<i64>(a, 0)?).map(Datum::Oid).map_err(|_| out_of_range("OID"))
        }),
        func("oid_to_int4", "", &[OID], INT4, |a, _| Ok(Datum::Int4(arg::<u32>(a, 0)? as i32))).infallible(),
        func("oid_to_int8", "", &[OID], INT8, |a, _| Ok(Datum::Int8(i64::from(arg::<u32>(a, 0)?)))).infallible(),
        func("oid_to_uint4", "", &[OID], UINT4, |a, _| Ok(Datum::Uint4(arg(a, 0)?))).infallible(),
        func("uint4_to_oid", "", &[UINT4], OID, |a, _| Ok(Datum::Oid(arg(a, 0)?))).infallible(),
        func("jsonb_to_bool", "", &[JSONB], BOOL, |a, _| match arg::<JsonbRef<'_>>(a, 0)?.value() {
            JsonValue::Bool(v) => Ok(Datum::Bool(v)),
            other => Err(wrong_json(&other, "boolean")),
        }),
    ]
}

/// Midnight of a date; infinities stay.
pub(crate) fn date_to_micros(days: i32) -> Result<i64, EvalError> {
    match days {
        i32::MAX => Ok(i64::MAX),
        i32::MIN => Ok(i64::MIN),
        days => repr::datetime::timestamp_from_parts(i64::from(days), 0)
            .ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp")),
    }
}

/// The date of a timestamp; infinities stay.
pub(crate) fn micros_to_date(micros: i64) -> i32 {
    match micros {
        i64::MAX => i32::MAX,
        i64::MIN => i32::MIN,
        micros => date_from_days(micros.div_euclid(DAY_US)).unwrap_or(i32::MAX),
    }
}

fn to_time<'a>(micros: i64) -> Datum<'a> {
    let infinite = micros == i64::MAX || micros == i64::MIN;
    if infinite { Datum::Null } else { Datum::Time(micros.rem_euclid(DAY_US)) }
}

/// The time at which a session's clock shows `local`, if a timestamp can hold it.
pub(crate) fn at_local(local: i64, settings: &TextSettings) -> Result<i64, EvalError> {
    let infinite = local == i64::MAX || local == i64::MIN;
    let time = from_local(&settings.time_zone, local);
    if infinite { Ok(time) } else { check_timestamp(time).ok_or_else(timestamp_out_of_range) }
}

fn time_casts() -> Vec<FuncDef> {
    vec![
        func("date_to_timestamp", "", &[DATE], TIMESTAMP, |a, _| date_to_micros(arg(a, 0)?).map(Datum::Timestamp))
            .monotone(&[true]),
        session("date_to_timestamptz", "", &[DATE], TIMESTAMPTZ, |a, _, settings| {
            let out_of_range = |_| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
            at_local(date_to_micros(arg(a, 0)?)?, settings).map_err(out_of_range).map(Datum::Timestamptz)
        }),
        session("timestamp_to_timestamptz", "", &[TIMESTAMP], TIMESTAMPTZ, |a, _, settings| {
            at_local(arg(a, 0)?, settings).map(Datum::Timestamptz)
        }),
        session("timestamptz_to_timestamp", "", &[TIMESTAMPTZ], TIMESTAMP, |a, _, settings| {
            Ok(Datum::Timestamp(to_local(&settings.time_zone, arg(a, 0)?)))
        })
        .infallible(),
        func("timestamp_to_date", "", &[TIMESTAMP], DATE, |a, _| Ok(Datum::Date(micros_to_date(arg(a, 0)?))))
            .monotone(&[true])
            .infallible(),
        session("timestamptz_to_date", "", &[TIMESTAMPTZ], DATE, |a, _, settings| {
            Ok(Datum::Date(micros_to_date(to_local(&settings.time_zone, arg(a, 0)?))))
        })
        .infallible(),
        func("timestamp_to_time", "", &[TIMESTAMP], TIME, |a, _| Ok(to_time(arg(a, 0)?))).may_be_null().infallible(),
        session("timestamptz_to_time", "", &[TIMESTAMPTZ], TIME, |a, _, settings| {
            Ok(to_time(to_local(&settings.time_zone, arg(a, 0)?)))
        })
        .may_be_null()
        .infallible(),
        session("time_to_timetz", "", &[TIME], TIMETZ, |a, _, settings| {
            // The zone's offset at that time of an arbitrary day: an expression has no today.
            let micros: i64 = arg(a, 0)?;
            let offset = offset_at(&settings.time_zone, from_local(&settings.time_zone, micros));
            Ok(Datum::TimeTz(TimeTz { micros, offset }))
        })
        .infallible(),
        func("timetz_to_time", "", &[TIMETZ], TIME, |a, _| Ok(Datum::Time(arg::<TimeTz>(a, 0)?.micros))).infallible(),
        session("timestamptz_to_timetz", "", &[TIMESTAMPTZ], TIMETZ, |a, _, settings| {
            let micros: i64 = arg(a, 0)?;
            let Datum::Time(local) = to_time(to_local(&settings.time_zone, micros)) else { return Ok(Datum::Null) };
            Ok(Datum::TimeTz(TimeTz { micros: local, offset: offset_at(&settings.time_zone, micros) }))
        })
        .may_be_null()
        .infallible(),
        func("time_to_interval", "", &[TIME], INTERVAL, |a, _| {
            Ok(Datum::Interval(Interval { months: 0, days: 0, micros: arg(a, 0)? }))
        })
        .infallible(),
        func("interval_to_time", "", &[INTERVAL], TIME, |a, _| {
            Ok(Datum::Time(arg::<Interval>(a, 0)?.micros.rem_euclid(DAY_US)))
        })
        .infallible(),
    ]
}

fn mz_out<'a>(milliseconds: Option<u64>) -> Result<Datum<'a>, EvalError> {
    milliseconds.map(Datum::MzTimestamp).ok_or_else(|| out_of_range("mz_timestamp"))
}

/// Milliseconds since 1970 of microseconds since 2000.
fn unix_ms(micros: i64) -> Option<u64> {
    u64::try_from(micros.checked_add(UNIX_EPOCH_US)?.div_euclid(1000)).ok()
}

fn micros_of_unix_ms<'a>(args: &[Datum<'a>]) -> Result<i64, EvalError> {
    let micros = i64::try_from(arg::<u64>(args, 0)?).ok().and_then(|ms| ms.checked_mul(1000));
    let micros = micros.and_then(|us| us.checked_sub(UNIX_EPOCH_US)).and_then(repr::datetime::check_timestamp);
    micros.ok_or_else(repr::datetime::timestamp_out_of_range)
}

fn int_to_mz<'a>(args: &[Datum<'a>], _: &'a Arena) -> Result<Datum<'a>, EvalError> {
    mz_out(whole(args[0], "mz_timestamp")?.and_then(|v| u64::try_from(v).ok()))
}

fn mz_timestamp_casts() -> Vec<FuncDef> {
    vec![
        func("uint8_to_mz_timestamp", "", &[UINT8], MZ_TIMESTAMP, int_to_mz),
        func("uint4_to_mz_timestamp", "", &[UINT4], MZ_TIMESTAMP, int_to_mz),
        func("mz_timestamp_to_uint8", "", &[MZ_TIMESTAMP], UINT8, |a, _| Ok(Datum::Uint8(arg(a, 0)?))).infallible(),
        func("int2_to_mz_timestamp", "", &[INT2], MZ_TIMESTAMP, int_to_mz),
        func("int4_to_mz_timestamp", "", &[INT4], MZ_TIMESTAMP, int_to_mz),
        func("int8_to_mz_timestamp", "", &[INT8], MZ_TIMESTAMP, int_to_mz),
        func("numeric_to_mz_timestamp", "", &[NUMERIC], MZ_TIMESTAMP, |a, _| {
            mz_out(match arg::<Numeric>(a, 0)? {
                Numeric::Finite(v) => u64::try_from(number::round(&v, 0).into_bigint_and_scale().0).ok(),
                _ => None,
            })
        }),
        func("timestamp_to_mz_timestamp", "", &[TIMESTAMP], MZ_TIMESTAMP, |a, _| mz_out(unix_ms(arg(a, 0)?)))
            .monotone(&[true]),
        func("timestamptz_to_mz_timestamp", "", &[TIMESTAMPTZ], MZ_TIMESTAMP, |a, _| mz_out(unix_ms(arg(a, 0)?)))
            .monotone(&[true]),
        func("date_to_mz_timestamp", "", &[DATE], MZ_TIMESTAMP, |a, _| mz_out(unix_ms(date_to_micros(arg(a, 0)?)?)))
            .monotone(&[true]),
        func("mz_timestamp_to_timestamp", "", &[MZ_TIMESTAMP], TIMESTAMP, |a, _| {
            micros_of_unix_ms(a).map(Datum::Timestamp)
        })
        .monotone(&[true]),
        func("mz_timestamp_to_timestamptz", "", &[MZ_TIMESTAMP], TIMESTAMPTZ, |a, _| {
            micros_of_unix_ms(a).map(Datum::Timestamptz)
        })
        .monotone(&[true]),
        func("mz_timestamp_to_int8", "", &[MZ_TIMESTAMP], INT8, |a, _| int8_out(arg::<u64>(a, 0)?.try_into().ok()))
            .monotone(&[true]),
        func("mz_timestamp_to_numeric", "", &[MZ_TIMESTAMP], NUMERIC, |a, arena: &Arena| {
            Ok(numeric_out(&Numeric::Finite(arg::<u64>(a, 0)?.into()), arena))
        })
        .monotone(&[true])
        .infallible(),
    ]
}
