//! `to_char`, `to_date`, `to_timestamp` and `to_number`: PostgreSQL's template patterns.

use super::FuncDef;
use super::build::*;
use super::casts::{at_local, micros_to_date};
use repr::datetime::{SECOND_US, check_timestamp};
use repr::{Arena, Datum, EvalError, Interval};

mod number;
mod number_template;
mod parse;
mod template;
mod time;

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let of_number = |name: &str, ty| func(name, "to_char", &[ty, TEXT], TEXT, number_to_char);
    vec![
        func("timestamp_to_char", "to_char", &[TIMESTAMP, TEXT], TEXT, |a, arena| {
            let shown = time::timestamp_to_char(arg(a, 0)?, arg(a, 1)?)?;
            Ok(shown.map_or(Datum::Null, |text| text_out(text, arena)))
        })
        .may_be_null(),
        session("timestamptz_to_char", "to_char", &[TIMESTAMPTZ, TEXT], TEXT, |a, arena, settings| {
            let shown = time::timestamptz_to_char(arg(a, 0)?, arg(a, 1)?, settings)?;
            Ok(shown.map_or(Datum::Null, |text| text_out(text, arena)))
        })
        .may_be_null(),
        func("interval_to_char", "to_char", &[INTERVAL, TEXT], TEXT, |a, arena| {
            let shown = time::interval_to_char(arg::<Interval>(a, 0)?, arg(a, 1)?)?;
            Ok(shown.map_or(Datum::Null, |text| text_out(text, arena)))
        })
        .may_be_null(),
        of_number("int4_to_char_template", INT4),
        of_number("int8_to_char", INT8),
        of_number("numeric_to_char", NUMERIC),
        of_number("float4_to_char", FLOAT4),
        of_number("float8_to_char", FLOAT8),
        session("to_timestamp", "to_timestamp", &[TEXT, TEXT], TIMESTAMPTZ, |a, _, settings| {
            let (local, offset) = parse::parse(arg(a, 0)?, arg(a, 1)?)?;
            match offset {
                None => at_local(local, settings).map(Datum::Timestamptz),
                Some(east) => check_timestamp(local - east * SECOND_US)
                    .map(Datum::Timestamptz)
                    .ok_or_else(repr::datetime::timestamp_out_of_range),
            }
        }),
        func("to_date", "to_date", &[TEXT, TEXT], DATE, |a, _| {
            Ok(Datum::Date(micros_to_date(parse::parse(arg(a, 0)?, arg(a, 1)?)?.0)))
        }),
        func("numeric_to_number", "to_number", &[TEXT, TEXT], NUMERIC, |a, arena| {
            let value = number::to_number(arg(a, 0)?, arg(a, 1)?)?;
            Ok(value.map_or(Datum::Null, |value| numeric_out(&value, arena)))
        })
        .may_be_null(),
    ]
}

fn number_to_char<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    Ok(text_out(number::to_char(args[0], arg(args, 1)?)?, arena))
}
