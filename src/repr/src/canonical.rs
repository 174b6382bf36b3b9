//! One encoding for all values that SQL calls equal.
//!
//! Keys of arrangements, groups and distinct rows are compared by their bytes; values of types where
//! `SqlType::needs_canonical_key` holds are brought to this form first.

use crate::jsonb::{self, JsonValue};
use crate::range::{self, Bound};
use crate::{Arena, ArrayRef, Datum, JsonbRef, NumericRef, RangeRef, Row, RowRef, array};

/// The value that stands for all that are equal to this one: `1.00` becomes `1`, `-0` becomes `0`, `30 days` `1 mon`.
pub fn canonical<'a>(datum: Datum<'a>, arena: &'a Arena) -> Datum<'a> {
    match datum {
        Datum::Float4(v) => Datum::Float4(if v == 0.0 { 0.0 } else { v }),
        Datum::Float8(v) => Datum::Float8(if v == 0.0 { 0.0 } else { v }),
        Datum::Interval(v) => Datum::Interval(v.canonical()),
        Datum::Numeric(v) => Datum::Numeric(canonical_numeric(v, arena)),
        Datum::Jsonb(v) => {
            let mut out = Vec::with_capacity(v.encoded().len());
            push_canonical_json(v, &mut out);
            Datum::Jsonb(JsonbRef::from_encoded(arena.bytes(out)))
        }
        Datum::Array(v) => {
            let elements = v.elements().map(|element| canonical(element, arena));
            Datum::Array(ArrayRef::from_encoded(arena.bytes(array::encode(elements, &v.dimensions()))))
        }
        Datum::Record(v) => Datum::Record(canonical_row(v, arena)),
        Datum::List(v) => Datum::List(canonical_row(v, arena)),
        Datum::Map(v) => Datum::Map(canonical_row(v, arena)),
        Datum::Range(v) => match v.bounds() {
            None => Datum::Range(v),
            Some((lower, upper)) => {
                let bound = |b: Bound<'a>| Bound { value: b.value.map(|value| canonical(value, arena)), ..b };
                let encoded = range::encode(Some((bound(lower), bound(upper))));
                Datum::Range(RangeRef::from_encoded(arena.bytes(encoded)))
            }
        },
        other => other,
    }
}

fn canonical_row<'a>(row: RowRef<'a>, arena: &'a Arena) -> RowRef<'a> {
    let row = Row::pack(row.iter().map(|field| canonical(field, arena)));
    RowRef::from_encoded(arena.bytes(row.encoded().to_vec()))
}

fn canonical_numeric<'a>(value: NumericRef<'a>, arena: &'a Arena) -> NumericRef<'a> {
    if value.scale() == 0 {
        return value;
    }
    NumericRef::from_encoded(arena.bytes(value.to_numeric().canonical().encode()))
}

fn push_canonical_json(value: JsonbRef<'_>, out: &mut Vec<u8>) {
    match value.value() {
        JsonValue::Number(v) if v.scale() != 0 => jsonb::push_number(&v.to_numeric().canonical().encode(), out),
        JsonValue::Array(elements) => {
            let mut body = Vec::new();
            for element in &elements {
                push_canonical_json(*element, &mut body);
            }
            jsonb::push_array(elements.len(), &body, out);
        }
        JsonValue::Object(pairs) => {
            let canonical = |(key, value): (&str, JsonbRef<'_>)| {
                let mut body = Vec::new();
                push_canonical_json(value, &mut body);
                (key.to_string(), body)
            };
            jsonb::push_object(pairs.into_iter().map(canonical).collect(), out);
        }
        _ => out.extend_from_slice(value.encoded()),
    }
}
