//! From JSON to values of a type: `jsonb_populate_record`, `jsonb_to_recordset` and their like.

use super::{as_text, field};
use crate::func::build::invalid_parameter;
use repr::jsonb::JsonValue;
use repr::text::{self, TextSettings, json as text_form};
use repr::{Arena, ArrayRef, Datum, EvalError, JsonbRef, RowPacker, RowRef, SqlError, SqlState, SqlType, array};

/// Appends the value of a type that a JSON value stands for: objects are records, arrays are arrays, anything else is read as text.
pub fn push(value: JsonbRef<'_>, ty: &SqlType, settings: &TextSettings, out: &mut RowPacker) -> Result<(), EvalError> {
    match (value.value(), ty) {
        (JsonValue::Null, _) => out.push(Datum::Null),
        (_, SqlType::Jsonb) => out.push(Datum::Jsonb(value)),
        (_, SqlType::Json) => {
            let mut json = String::new();
            text_form::format(value, &mut json);
            out.push(Datum::Json(&json));
        }
        (JsonValue::Object(_), ty) if ty.fields().is_some() => {
            let mut values = RowPacker::new();
            for (name, column) in ty.fields().unwrap_or_default() {
                match field(value, name) {
                    Some(member) => push(member, &column.ty, settings, &mut values)?,
                    None => values.push(Datum::Null),
                }
            }
            out.push(Datum::Record(RowRef::from_encoded(values.encoded())));
        }
        (_, ty) if ty.fields().is_some() => {
            return Err(invalid_parameter("cannot call populate_composite on a scalar"));
        }
        (JsonValue::Array(elements), SqlType::Array(element)) => {
            let mut values = RowPacker::new();
            for value in elements {
                push(value, element, settings, &mut values)?;
            }
            let encoded = array::encode_list(RowRef::from_encoded(values.encoded()).iter());
            out.push(Datum::Array(ArrayRef::from_encoded(&encoded)));
        }
        (_, SqlType::Array(_)) => {
            let error = SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected JSON array");
            return Err(error);
        }
        _ => {
            let arena = Arena::new();
            if let Datum::Text(text) = as_text(value, &arena) {
                text::parse(text, ty, settings, out)?;
            }
        }
    }
    Ok(())
}
