//! PostgreSQL's text form of every type: parsing input, printing output.
//!
//! Called for query parameters and results, COPY, replicated columns and text casts; behaves as PostgreSQL 15's input and
//! output functions, errors included. One file for each family of types.

use crate::{Datum, RowPacker, SqlError, SqlState, SqlType};
use jiff::tz::TimeZone;
use std::borrow::Cow;

pub mod array;
pub mod bytes;
pub mod datetime;
pub mod interval;
pub mod json;
pub mod list;
pub mod map;
pub mod number;
pub mod range;
pub mod record;
pub mod string;

#[cfg(test)]
mod tests;

/// How a session wants dates printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// `2024-01-31`
    #[default]
    Iso,
    /// `01/31/2024`
    Sql,
    /// `Wed Jan 31 10:00:00 2024`
    Postgres,
    /// `31.01.2024`
    German,
}

/// In which order a date's numbers come where their form does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// How a session wants intervals printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

/// How a session wants `bytea` printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    /// `\x00ff`
    #[default]
    Hex,
    /// `\000\377`
    Escape,
}

/// The session variables that text forms depend on.
#[derive(Clone, Debug)]
pub struct TextSettings {
    /// `TimeZone`
    pub time_zone: TimeZone,
    /// What `time_zone` is called, so that [`crate::datetime::zone`] finds it again.
    pub zone_name: Cow<'static, str>,
    /// First part of `DateStyle`
    pub date_style: DateStyle,
    /// Second part of `DateStyle`
    pub date_order: DateOrder,
    /// `IntervalStyle`
    pub interval_style: IntervalStyle,
    /// `extra_float_digits`: above 0, the shortest digits that read back the same; else fewer.
    pub extra_float_digits: i32,
    /// `bytea_output`
    pub bytea_output: ByteaOutput,
}

impl TextSettings {
    /// UTC, ISO, MDY, postgres, 1, hex: what text casts inside views use.
    pub const DEFAULT: TextSettings = TextSettings {
        time_zone: TimeZone::UTC,
        zone_name: Cow::Borrowed("UTC"),
        date_style: DateStyle::Iso,
        date_order: DateOrder::Mdy,
        interval_style: IntervalStyle::Postgres,
        extra_float_digits: 1,
        bytea_output: ByteaOutput::Hex,
    };

    /// All of them in one word, which [`TextSettings::from_key`] reads: part of the names of functions that depend on a session.
    pub fn key(&self) -> String {
        format!(
            "{}|{:?}|{:?}|{:?}|{}|{:?}",
            self.zone_name,
            self.date_style,
            self.date_order,
            self.interval_style,
            self.extra_float_digits,
            self.bytea_output
        )
    }

    /// What [`TextSettings::key`] wrote.
    pub fn from_key(key: &str) -> Option<Self> {
        let [zone, style, order, interval, digits, bytea] = key.split('|').collect::<Vec<_>>()[..] else { return None };
        Some(TextSettings {
            time_zone: crate::datetime::zone(zone).ok()?,
            zone_name: Cow::Owned(zone.to_string()),
            date_style: [DateStyle::Iso, DateStyle::Sql, DateStyle::Postgres, DateStyle::German]
                .into_iter()
                .find(|s| format!("{s:?}") == style)?,
            date_order: [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd]
                .into_iter()
                .find(|o| format!("{o:?}") == order)?,
            interval_style: [
                IntervalStyle::Postgres,
                IntervalStyle::PostgresVerbose,
                IntervalStyle::SqlStandard,
                IntervalStyle::Iso8601,
            ]
            .into_iter()
            .find(|s| format!("{s:?}") == interval)?,
            extra_float_digits: digits.parse().ok()?,
            bytea_output: [ByteaOutput::Hex, ByteaOutput::Escape].into_iter().find(|o| format!("{o:?}") == bytea)?,
        })
    }
}

impl Default for TextSettings {
    fn default() -> Self {
        TextSettings::DEFAULT
    }
}

/// `invalid input syntax for type …` (22P02).
pub fn invalid_syntax(ty: &str, text: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {ty}: \"{text}\""))
}

/// Appends the value that `text` stands for, as the type's input function reads it; modifiers are applied as by an
/// assignment: too long a text is an error, numbers and times are rounded.
pub fn parse(text: &str, ty: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
    if text.contains('\0') {
        return Err(string::invalid_nul());
    }
    let datum = match ty {
        SqlType::Bool => Datum::Bool(string::parse_bool(text)?),
        SqlType::Int2 => Datum::Int2(number::parse_int(text, "smallint")?),
        SqlType::Int4 => Datum::Int4(number::parse_int(text, "integer")?),
        SqlType::Int8 => Datum::Int8(number::parse_int(text, "bigint")?),
        SqlType::Uint2 => Datum::Uint2(number::parse_int(text, "uint2")?),
        SqlType::Uint4 => Datum::Uint4(number::parse_int(text, "uint4")?),
        SqlType::Uint8 => Datum::Uint8(number::parse_int(text, "uint8")?),
        SqlType::Json => {
            json::check(text)?;
            Datum::Json(text)
        }
        SqlType::Float4 => Datum::Float4(number::parse_float4(text)?),
        SqlType::Float8 => Datum::Float8(number::parse_float8(text)?),
        SqlType::Date => Datum::Date(datetime::parse_date(text, settings)?),
        SqlType::Time => Datum::Time(datetime::parse_time(text)?),
        SqlType::Timestamp(digits) => {
            Datum::Timestamp(datetime::round_to(datetime::parse_timestamp(text, settings)?, *digits))
        }
        SqlType::Timestamptz(digits) => {
            Datum::Timestamptz(datetime::round_to(datetime::parse_timestamptz(text, settings)?, *digits))
        }
        SqlType::Interval => Datum::Interval(interval::parse(text, settings.interval_style)?),
        SqlType::Uuid => Datum::Uuid(string::parse_uuid(text)?),
        SqlType::Oid | SqlType::Regclass | SqlType::Regproc | SqlType::Regtype => {
            Datum::Oid(number::parse_oid(text, ty)?)
        }
        SqlType::MzTimestamp => Datum::MzTimestamp(datetime::parse_mz_timestamp(text, settings)?),
        SqlType::Text => Datum::Text(text),
        SqlType::Varchar(_) | SqlType::Char(_) => Datum::Text(string::fit(text, ty)?),
        SqlType::Name => Datum::Text(string::truncate_name(text)),
        SqlType::InternalChar => Datum::Text(string::first_char(text)),
        _ => return parse_made(text, ty, settings, out),
    };
    out.push(datum);
    Ok(())
}

/// The types whose values need memory of their own.
fn parse_made(text: &str, ty: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), SqlError> {
    match ty {
        SqlType::Numeric(modifier) => {
            let number = number::fit_numeric(number::parse_numeric(text)?, *modifier)?;
            out.push(Datum::Numeric(crate::NumericRef::from_encoded(&number.encode())));
        }
        SqlType::Bytea => out.push(Datum::Bytes(&bytes::parse(text)?)),
        SqlType::Jsonb => out.push(Datum::Jsonb(crate::JsonbRef::from_encoded(&json::parse(text)?))),
        SqlType::TimeTz => out.push(Datum::TimeTz(datetime::parse_timetz(text, settings)?)),
        SqlType::Range(kind) => range::parse(text, *kind, settings, out)?,
        SqlType::Enum(ty) => {
            let invalid = || {
                let message = format!("invalid input value for enum {}: \"{text}\"", ty.name);
                SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
            };
            out.push(Datum::Enum(ty.value(text).ok_or_else(invalid)?));
        }
        SqlType::Array(element) => array::parse(text, element, settings, out)?,
        SqlType::Vector(kind) => array::parse_vector(text, *kind, settings, out)?,
        SqlType::List(element) => list::parse(text, element, settings, out)?,
        SqlType::Map(value) => map::parse(text, value, settings, out)?,
        SqlType::Record(fields) => record::parse(text, fields, settings, out)?,
        SqlType::Composite(ty) => record::parse(text, &ty.fields, settings, out)?,
        other => return Err(SqlError::internal(format!("no text input for type {other}"))),
    }
    Ok(())
}

/// Appends the text form of a value that is not NULL, as the type's output function prints it; NULL prints nothing.
pub fn format(datum: Datum<'_>, ty: &SqlType, settings: &TextSettings, out: &mut String) {
    match datum {
        Datum::Null => {}
        Datum::Bool(v) => out.push(if v { 't' } else { 'f' }),
        Datum::Int2(v) => number::format_int(i64::from(v), out),
        Datum::Int4(v) => number::format_int(i64::from(v), out),
        Datum::Int8(v) => number::format_int(v, out),
        Datum::Uint2(v) => number::format_int(v.into(), out),
        Datum::Uint4(v) => number::format_int(v.into(), out),
        Datum::Uint8(v) => out.push_str(&v.to_string()),
        Datum::Json(v) => out.push_str(v),
        Datum::List(v) => list::format(v, ty, settings, out),
        Datum::Map(v) => map::format(v, ty, settings, out),
        Datum::Float4(v) => number::format_float4(v, settings.extra_float_digits, out),
        Datum::Float8(v) => number::format_float8(v, settings.extra_float_digits, out),
        Datum::Numeric(v) => number::format_numeric(v, out),
        Datum::Text(v) => string::format(v, ty, out),
        Datum::Bytes(v) => bytes::format(v, settings.bytea_output, out),
        Datum::Date(v) => datetime::format_date(v, settings, out),
        Datum::Time(v) => datetime::format_time(v, out),
        Datum::Timestamp(v) => datetime::format_timestamp(v, settings, out),
        Datum::Timestamptz(v) => datetime::format_timestamptz(v, settings, out),
        Datum::Interval(v) => interval::format(v, settings.interval_style, out),
        Datum::Uuid(v) => string::format_uuid(v, out),
        Datum::Jsonb(v) => json::format(v, out),
        Datum::Oid(v) => number::format_oid(v, ty, out),
        Datum::MzTimestamp(v) => out.push_str(&v.to_string()),
        Datum::TimeTz(v) => datetime::format_timetz(v, out),
        Datum::Enum(v) => out.push_str(v.label()),
        Datum::Range(v) => range::format(v, ty, settings, out),
        Datum::Array(v) => array::format(v, ty, settings, out),
        Datum::Record(v) => record::format(v, ty, settings, out),
    }
}

/// The text form of a value, under default settings.
pub fn to_string(datum: Datum<'_>, ty: &SqlType) -> String {
    let mut out = String::new();
    format(datum, ty, &TextSettings::DEFAULT, &mut out);
    out
}
