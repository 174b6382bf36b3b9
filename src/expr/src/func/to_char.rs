//! `to_char`, `to_date`, `to_timestamp` and `to_number`: PostgreSQL's template patterns.

use super::FuncDef;
use super::build::*;
use super::casts::{at_local, micros_to_date, to_numeric};
use repr::datetime::{SECOND_US, check_timestamp};
use repr::{Arena, Datum, EvalError, Interval, Numeric};

mod number;
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
            Ok(text_out(time::interval_to_char(arg::<Interval>(a, 0)?, arg(a, 1)?)?, arena))
        }),
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
            Ok(numeric_out(&number::to_number(arg(a, 0)?, arg(a, 1)?)?, arena))
        }),
    ]
}

fn number_to_char<'a>(args: &[Datum<'a>], arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
    let infinite = |positive| if positive { Numeric::Infinity } else { Numeric::NegInfinity };
    let special = match args[0] {
        Datum::Float4(v) if v.is_infinite() => Some(infinite(v > 0.0)),
        Datum::Float8(v) if v.is_infinite() => Some(infinite(v > 0.0)),
        Datum::Float4(v) if v.is_nan() => Some(Numeric::NaN),
        Datum::Float8(v) if v.is_nan() => Some(Numeric::NaN),
        _ => None,
    };
    let value = special.map_or_else(|| to_numeric(args[0]), Ok)?;
    let digits = match args[0] {
        Datum::Float4(_) => Some(number::FLOAT4_DIGITS),
        Datum::Float8(_) => Some(number::FLOAT8_DIGITS),
        _ => None,
    };
    Ok(text_out(number::to_char(&value, arg(args, 1)?, digits)?, arena))
}
