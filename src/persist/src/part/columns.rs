//! Columns of parts: SQL values as Arrow arrays, and back without loss.

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
};
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use repr::{Datum, Numeric, NumericRef, RowPacker, RowRef, SqlType};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Days from 1970, where Arrow counts from, to 2000, where PostgreSQL does.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_US: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// Decimal digits that an `i128` holds.
const DECIMAL_DIGITS_MAX: u16 = 38;

/// How a column's values are held; written into each part by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColumnKind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// Precision and scale; values of another scale, NaN and the infinities do not fit.
    Decimal(u8, i8),
    Text,
    Bytea,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Uuid,
    Oid,
    MzTimestamp,
    /// Encoded values of any type.
    Encoded,
}

impl ColumnKind {
    /// The kind for a SQL type.
    pub fn natural(ty: &SqlType) -> Self {
        match ty {
            SqlType::Bool => ColumnKind::Bool,
            SqlType::Int2 => ColumnKind::Int2,
            SqlType::Int4 => ColumnKind::Int4,
            SqlType::Int8 => ColumnKind::Int8,
            SqlType::Float4 => ColumnKind::Float4,
            SqlType::Float8 => ColumnKind::Float8,
            SqlType::Numeric(Some((precision, scale))) => decimal(*precision, *scale),
            SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) | SqlType::Name | SqlType::InternalChar => {
                ColumnKind::Text
            }
            SqlType::Bytea => ColumnKind::Bytea,
            SqlType::Date => ColumnKind::Date,
            SqlType::Time => ColumnKind::Time,
            SqlType::Timestamp(_) => ColumnKind::Timestamp,
            SqlType::Timestamptz(_) => ColumnKind::Timestamptz,
            SqlType::Uuid => ColumnKind::Uuid,
            SqlType::Oid | SqlType::Regclass | SqlType::Regproc | SqlType::Regtype => ColumnKind::Oid,
            SqlType::MzTimestamp => ColumnKind::MzTimestamp,
            _ => ColumnKind::Encoded,
        }
    }
}

fn decimal(precision: u16, scale: i16) -> ColumnKind {
    let fits = (1..=DECIMAL_DIGITS_MAX).contains(&precision) && (0..=precision as i16).contains(&scale);
    if fits { ColumnKind::Decimal(precision as u8, scale as i8) } else { ColumnKind::Encoded }
}

/// A column under construction.
pub(crate) enum Column {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Decimal(u8, i8, Decimal128Builder),
    Text(StringBuilder),
    Bytea(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Timestamptz(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Oid(UInt32Builder),
    MzTimestamp(UInt64Builder),
    Encoded(BinaryBuilder, RowPacker),
}

/// Runs `$body` with the builder of any column as `$builder`.
macro_rules! with_builder {
    ($column:expr, $builder:ident => $body:expr) => {
        match $column {
            Column::Bool($builder) => $body,
            Column::Int2($builder) => $body,
            Column::Int4($builder) => $body,
            Column::Int8($builder) => $body,
            Column::Float4($builder) => $body,
            Column::Float8($builder) => $body,
            Column::Decimal(_, _, $builder) => $body,
            Column::Text($builder) => $body,
            Column::Bytea($builder) => $body,
            Column::Date($builder) => $body,
            Column::Time($builder) => $body,
            Column::Timestamp($builder) => $body,
            Column::Timestamptz($builder) => $body,
            Column::Uuid($builder) => $body,
            Column::Oid($builder) => $body,
            Column::MzTimestamp($builder) => $body,
            Column::Encoded($builder, _) => $body,
        }
    };
}

impl Column {
    /// An empty column with room for `rows` values.
    pub fn new(kind: ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Bool => Column::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnKind::Int2 => Column::Int2(Int16Builder::with_capacity(rows)),
            ColumnKind::Int4 => Column::Int4(Int32Builder::with_capacity(rows)),
            ColumnKind::Int8 => Column::Int8(Int64Builder::with_capacity(rows)),
            ColumnKind::Float4 => Column::Float4(Float32Builder::with_capacity(rows)),
            ColumnKind::Float8 => Column::Float8(Float64Builder::with_capacity(rows)),
            ColumnKind::Decimal(p, s) => match Decimal128Builder::with_capacity(rows).with_precision_and_scale(p, s) {
                Ok(builder) => Column::Decimal(p, s, builder),
                Err(_) => Column::new(ColumnKind::Encoded, rows),
            },
            ColumnKind::Text => Column::Text(StringBuilder::with_capacity(rows, rows * 8)),
            ColumnKind::Bytea => Column::Bytea(BinaryBuilder::with_capacity(rows, rows * 8)),
            ColumnKind::Date => Column::Date(Date32Builder::with_capacity(rows)),
            ColumnKind::Time => Column::Time(Time64MicrosecondBuilder::with_capacity(rows)),
            ColumnKind::Timestamp => Column::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows)),
            ColumnKind::Timestamptz => {
                Column::Timestamptz(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC"))
            }
            ColumnKind::Uuid => Column::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            ColumnKind::Oid => Column::Oid(UInt32Builder::with_capacity(rows)),
            ColumnKind::MzTimestamp => Column::MzTimestamp(UInt64Builder::with_capacity(rows)),
            ColumnKind::Encoded => Column::Encoded(BinaryBuilder::with_capacity(rows, rows * 8), RowPacker::new()),
        }
    }

    /// How the values are held.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Column::Bool(_) => ColumnKind::Bool,
            Column::Int2(_) => ColumnKind::Int2,
            Column::Int4(_) => ColumnKind::Int4,
            Column::Int8(_) => ColumnKind::Int8,
            Column::Float4(_) => ColumnKind::Float4,
            Column::Float8(_) => ColumnKind::Float8,
            Column::Decimal(precision, scale, _) => ColumnKind::Decimal(*precision, *scale),
            Column::Text(_) => ColumnKind::Text,
            Column::Bytea(_) => ColumnKind::Bytea,
            Column::Date(_) => ColumnKind::Date,
            Column::Time(_) => ColumnKind::Time,
            Column::Timestamp(_) => ColumnKind::Timestamp,
            Column::Timestamptz(_) => ColumnKind::Timestamptz,
            Column::Uuid(_) => ColumnKind::Uuid,
            Column::Oid(_) => ColumnKind::Oid,
            Column::MzTimestamp(_) => ColumnKind::MzTimestamp,
            Column::Encoded(..) => ColumnKind::Encoded,
        }
    }

    /// Appends a value; `false`, and nothing appended, if it does not survive the round trip through this kind.
    pub fn push(&mut self, datum: Datum<'_>) -> bool {
        match (self, datum) {
            (column, Datum::Null) => with_builder!(column, builder => builder.append_null()),
            (Column::Bool(b), Datum::Bool(v)) => b.append_value(v),
            (Column::Int2(b), Datum::Int2(v)) => b.append_value(v),
            (Column::Int4(b), Datum::Int4(v)) => b.append_value(v),
            (Column::Int8(b), Datum::Int8(v)) => b.append_value(v),
            (Column::Float4(b), Datum::Float4(v)) => b.append_value(v),
            (Column::Float8(b), Datum::Float8(v)) => b.append_value(v),
            (Column::Decimal(precision, scale, b), Datum::Numeric(v)) => match to_decimal(v, *precision, *scale) {
                Some(value) => b.append_value(value),
                None => return false,
            },
            (Column::Text(b), Datum::Text(v)) => b.append_value(v),
            (Column::Bytea(b), Datum::Bytes(v)) => b.append_value(v),
            (Column::Date(b), Datum::Date(v)) => b.append_value(v.wrapping_add(EPOCH_DAYS)),
            (Column::Time(b), Datum::Time(v)) => b.append_value(v),
            (Column::Timestamp(b), Datum::Timestamp(v)) => b.append_value(v.wrapping_add(EPOCH_US)),
            (Column::Timestamptz(b), Datum::Timestamptz(v)) => b.append_value(v.wrapping_add(EPOCH_US)),
            (Column::Uuid(b), Datum::Uuid(v)) => return b.append_value(v).is_ok(),
            (Column::Oid(b), Datum::Oid(v)) => b.append_value(v),
            (Column::MzTimestamp(b), Datum::MzTimestamp(v)) => b.append_value(v),
            (Column::Encoded(b, packer), datum) => {
                packer.clear();
                packer.push(datum);
                b.append_value(packer.encoded());
            }
            _ => return false,
        }
        true
    }

    /// The array.
    pub fn finish(mut self) -> ArrayRef {
        with_builder!(&mut self, builder => Arc::new(builder.finish()))
    }
}

/// The unscaled value, if a decimal column of this precision and scale gives back the very bytes.
fn to_decimal(number: NumericRef<'_>, precision: u8, scale: i8) -> Option<i128> {
    let Numeric::Finite(decimal) = number.to_numeric() else { return None };
    let (unscaled, own_scale) = decimal.into_bigint_and_exponent();
    let value = i128::try_from(unscaled).ok()?;
    let fits = own_scale == i64::from(scale) && value.unsigned_abs() < 10u128.pow(u32::from(precision));
    (fits && from_decimal(value, scale) == number.encoded()).then_some(value)
}

fn from_decimal(value: i128, scale: i8) -> Vec<u8> {
    Numeric::Finite(BigDecimal::new(BigInt::from(value), i64::from(scale))).encode()
}

/// A column of a part that is read.
pub(crate) enum Values<'a> {
    Bool(&'a BooleanArray),
    Int2(&'a Int16Array),
    Int4(&'a Int32Array),
    Int8(&'a Int64Array),
    Float4(&'a Float32Array),
    Float8(&'a Float64Array),
    Decimal(i8, &'a Decimal128Array),
    Text(&'a StringArray),
    Bytea(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
    Timestamptz(&'a TimestampMicrosecondArray),
    Uuid(&'a FixedSizeBinaryArray),
    Oid(&'a UInt32Array),
    MzTimestamp(&'a UInt64Array),
    Encoded(&'a BinaryArray),
}

impl<'a> Values<'a> {
    /// The values of an array; `None` if it is of another type.
    pub fn of(kind: &ColumnKind, array: &'a ArrayRef) -> Option<Self> {
        Some(match kind {
            ColumnKind::Bool => Values::Bool(array.as_boolean_opt()?),
            ColumnKind::Int2 => Values::Int2(array.as_primitive_opt::<Int16Type>()?),
            ColumnKind::Int4 => Values::Int4(array.as_primitive_opt::<Int32Type>()?),
            ColumnKind::Int8 => Values::Int8(array.as_primitive_opt::<Int64Type>()?),
            ColumnKind::Float4 => Values::Float4(array.as_primitive_opt::<Float32Type>()?),
            ColumnKind::Float8 => Values::Float8(array.as_primitive_opt::<Float64Type>()?),
            ColumnKind::Decimal(_, scale) => Values::Decimal(*scale, array.as_primitive_opt::<Decimal128Type>()?),
            ColumnKind::Text => Values::Text(array.as_string_opt::<i32>()?),
            ColumnKind::Bytea => Values::Bytea(array.as_binary_opt::<i32>()?),
            ColumnKind::Date => Values::Date(array.as_primitive_opt::<Date32Type>()?),
            ColumnKind::Time => Values::Time(array.as_primitive_opt::<Time64MicrosecondType>()?),
            ColumnKind::Timestamp => Values::Timestamp(array.as_primitive_opt::<TimestampMicrosecondType>()?),
            ColumnKind::Timestamptz => Values::Timestamptz(array.as_primitive_opt::<TimestampMicrosecondType>()?),
            ColumnKind::Uuid => Values::Uuid(array.as_fixed_size_binary_opt()?),
            ColumnKind::Oid => Values::Oid(array.as_primitive_opt::<UInt32Type>()?),
            ColumnKind::MzTimestamp => Values::MzTimestamp(array.as_primitive_opt::<UInt64Type>()?),
            ColumnKind::Encoded => Values::Encoded(array.as_binary_opt::<i32>()?),
        })
    }

    /// Appends value `i` to a row.
    pub fn push(&self, i: usize, packer: &mut RowPacker) {
        let datum = match self {
            Values::Bool(a) => a.is_valid(i).then(|| Datum::Bool(a.value(i))),
            Values::Int2(a) => a.is_valid(i).then(|| Datum::Int2(a.value(i))),
            Values::Int4(a) => a.is_valid(i).then(|| Datum::Int4(a.value(i))),
            Values::Int8(a) => a.is_valid(i).then(|| Datum::Int8(a.value(i))),
            Values::Float4(a) => a.is_valid(i).then(|| Datum::Float4(a.value(i))),
            Values::Float8(a) => a.is_valid(i).then(|| Datum::Float8(a.value(i))),
            Values::Text(a) => a.is_valid(i).then(|| Datum::Text(a.value(i))),
            Values::Bytea(a) => a.is_valid(i).then(|| Datum::Bytes(a.value(i))),
            Values::Date(a) => a.is_valid(i).then(|| Datum::Date(a.value(i).wrapping_sub(EPOCH_DAYS))),
            Values::Time(a) => a.is_valid(i).then(|| Datum::Time(a.value(i))),
            Values::Timestamp(a) => a.is_valid(i).then(|| Datum::Timestamp(a.value(i).wrapping_sub(EPOCH_US))),
            Values::Timestamptz(a) => a.is_valid(i).then(|| Datum::Timestamptz(a.value(i).wrapping_sub(EPOCH_US))),
            Values::Uuid(a) => a.is_valid(i).then(|| Datum::Uuid(uuid(a.value(i)))),
            Values::Oid(a) => a.is_valid(i).then(|| Datum::Oid(a.value(i))),
            Values::MzTimestamp(a) => a.is_valid(i).then(|| Datum::MzTimestamp(a.value(i))),
            Values::Decimal(scale, a) if a.is_valid(i) => {
                let number = from_decimal(a.value(i), *scale);
                return packer.push(Datum::Numeric(NumericRef::from_encoded(&number)));
            }
            Values::Encoded(a) if a.is_valid(i) => return packer.extend_row(RowRef::from_encoded(a.value(i))),
            Values::Decimal(..) | Values::Encoded(_) => None,
        };
        packer.push(datum.unwrap_or(Datum::Null));
    }
}

/// Arrow's values have the 16 bytes that their type says.
fn uuid(bytes: &[u8]) -> [u8; 16] {
    bytes.try_into().unwrap_or_default()
}
