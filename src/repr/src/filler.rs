//! Some value of each type, to stand where NULL was while keys are compared.

use crate::{ArrayRef, array, jsonb, range};
use crate::{Datum, Interval, JsonbRef, Numeric, NumericRef, RangeRef, Row, RowPacker, RowRef, SqlType, TimeTz};

/// A row of one value, the same for all modifiers of a type; none of an enum without labels.
pub fn filler(ty: &SqlType) -> Option<Row> {
    let datum = match ty {
        SqlType::Bool => Datum::Bool(false),
        SqlType::Int2 => Datum::Int2(0),
        SqlType::Int4 => Datum::Int4(0),
        SqlType::Int8 => Datum::Int8(0),
        SqlType::Uint2 => Datum::Uint2(0),
        SqlType::Uint4 => Datum::Uint4(0),
        SqlType::Uint8 => Datum::Uint8(0),
        SqlType::Float4 => Datum::Float4(0.0),
        SqlType::Float8 => Datum::Float8(0.0),
        SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) | SqlType::Name | SqlType::InternalChar => {
            Datum::Text("")
        }
        SqlType::Bytea => Datum::Bytes(&[]),
        SqlType::Date => Datum::Date(0),
        SqlType::Time => Datum::Time(0),
        SqlType::Timestamp(_) => Datum::Timestamp(0),
        SqlType::Timestamptz(_) => Datum::Timestamptz(0),
        SqlType::Interval => Datum::Interval(Interval::default()),
        SqlType::Uuid => Datum::Uuid([0; 16]),
        SqlType::TimeTz => Datum::TimeTz(TimeTz { micros: 0, offset: 0 }),
        SqlType::Enum(ty) => Datum::Enum(ty.values().next()?),
        SqlType::Json => Datum::Json("null"),
        SqlType::Oid | SqlType::Regclass | SqlType::Regproc | SqlType::Regtype => Datum::Oid(0),
        SqlType::MzTimestamp => Datum::MzTimestamp(0),
        SqlType::List(_) => Datum::List(RowRef::from_encoded(&[])),
        SqlType::Map(_) => Datum::Map(RowRef::from_encoded(&[])),
        made => return filler_made(made),
    };
    Some(Row::pack([datum]))
}

/// The types whose values need memory of their own.
fn filler_made(ty: &SqlType) -> Option<Row> {
    let row = |datum| Some(Row::pack([datum]));
    match ty {
        SqlType::Numeric(_) => row(Datum::Numeric(NumericRef::from_encoded(&Numeric::zero().encode()))),
        SqlType::Range(_) => row(Datum::Range(RangeRef::from_encoded(&range::encode(None)))),
        SqlType::Array(_) | SqlType::Vector(_) => row(Datum::Array(ArrayRef::from_encoded(&array::encode_list([])))),
        SqlType::Jsonb => {
            let mut null = Vec::new();
            jsonb::push_null(&mut null);
            row(Datum::Jsonb(JsonbRef::from_encoded(&null)))
        }
        _ => {
            let mut fields = RowPacker::new();
            for (_, column) in ty.fields()? {
                fields.extend_row(filler(&column.ty)?.as_ref());
            }
            row(Datum::Record(RowRef::from_encoded(fields.encoded())))
        }
    }
}
