//! `timezone_offset`, `datediff`, and the texts that are timestamps in order.

use super::super::build::*;
use super::super::{ArgType, FuncDef};
use super::fields::Field;
use jiff::tz::{Dst, TimeZone};
use repr::datetime::{
    Civil, HOUR_US, MINUTE_US, SECOND_US, civil_from_micros, days_in_month, iso_weekday, micros_from_civil, zone,
};
use repr::interval::DAY_US;
use repr::{ColumnName, ColumnType, Datum, EvalError, Interval, Row, RowRef, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let mut table = vec![
        func("timezone_offset", "timezone_offset", &[TEXT, TIMESTAMPTZ], offset_columns(), |a, arena| {
            let row = offset_of(&zone(arg(a, 0)?)?, arg(a, 1)?);
            Ok(Datum::Record(RowRef::from_encoded(arena.bytes(row.encoded().to_vec()))))
        }),
        func(
            "try_parse_monotonic_iso8601_timestamp",
            "try_parse_monotonic_iso8601_timestamp",
            &[TEXT],
            TIMESTAMP,
            |a, _| Ok(iso8601(arg(a, 0)?).map_or(Datum::Null, Datum::Timestamp)),
        )
        .may_be_null()
        .infallible()
        .monotone(&[true]),
    ];
    for (stem, ty) in [("timestamp", TIMESTAMP), ("timestamptz", TIMESTAMPTZ), ("time", TIME)] {
        table.push(func(format!("datediff_{stem}"), "datediff", &[TEXT, ty.clone(), ty], INT8, |a, _| {
            difference(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)
        }));
    }
    table.push(func("datediff_date", "datediff", &[TEXT, DATE, DATE], INT8, |a, _| {
        let midnight = |at| super::date_to_micros(arg(a, at)?);
        difference(arg(a, 0)?, midnight(1)?, midnight(2)?)
    }));
    table
}

fn offset_columns() -> ArgType {
    let column = |name: &str, ty: SqlType| -> (ColumnName, ColumnType) { (name.to_string(), ty.nullable(false)) };
    ArgType::Exact(SqlType::Record(vec![
        column("abbrev", SqlType::Text),
        column("base_utc_offset", SqlType::Interval),
        column("dst_offset", SqlType::Interval),
    ]))
}

/// Abbreviation, offset without daylight saving, and what that adds.
fn offset_of(zone: &TimeZone, micros: i64) -> Row {
    let instant = repr::datetime::instant(micros);
    let info = zone.to_offset_info(instant);
    let seconds = i64::from(info.offset().seconds());
    // The offset of the nearest time without daylight saving.
    let standard = match info.dst() {
        Dst::No => seconds,
        Dst::Yes => {
            let mut around = zone.preceding(instant).chain(zone.following(instant).take(2));
            around.find(|t| t.dst() == Dst::No).map_or(seconds, |t| i64::from(t.offset().seconds()))
        }
    };
    let span = |seconds: i64| Datum::Interval(Interval { months: 0, days: 0, micros: seconds * SECOND_US });
    Row::pack([Datum::Text(info.abbreviation()), span(standard), span(seconds - standard)])
}

/// How many starts of a unit lie between two times.
fn difference<'a>(unit: &str, from: i64, to: i64) -> Result<Datum<'a>, EvalError> {
    let field = Field::of(unit, "timestamp without time zone")?;
    if super::is_infinite(from) || super::is_infinite(to) {
        return Err(out_of_range("timestamp"));
    }
    let number = |micros: i64| number_of_unit(field, micros);
    match (number(from), number(to)) {
        (Some(from), Some(to)) => Ok(Datum::Int8(to - from)),
        _ => Err(invalid_parameter(format!("unit \"{unit}\" not recognized for datediff"))),
    }
}

/// The number of the year, month, day … that a time is in, counted from anywhere.
fn number_of_unit(field: Field, micros: i64) -> Option<i64> {
    let days = micros.div_euclid(DAY_US);
    let civil = civil_from_micros(micros);
    let (year, month) = (i64::from(civil.year), i64::from(civil.month));
    Some(match field {
        Field::Millennium => (year - 1).div_euclid(1000),
        Field::Century => (year - 1).div_euclid(100),
        Field::Decade => year.div_euclid(10),
        Field::Year => year,
        Field::Quarter => year * 4 + (month - 1) / 3,
        Field::Month => year * 12 + month,
        Field::Week => (days - iso_weekday(days)).div_euclid(7),
        Field::Day => days,
        Field::Hour => micros.div_euclid(HOUR_US),
        Field::Minute => micros.div_euclid(MINUTE_US),
        Field::Second => micros.div_euclid(SECOND_US),
        Field::Milliseconds => micros.div_euclid(1000),
        Field::Microseconds => micros,
        _ => return None,
    })
}

/// The time of a text of exactly this form: `2015-09-18T23:56:04.123Z`. Such texts sort as their times do.
fn iso8601(text: &str) -> Option<i64> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0u32, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let (year, month, day) = (number(0..4)? as i32, number(5..7)?, number(8..10)?);
    let (hour, minute, second, milli) = (number(11..13)?, number(14..16)?, number(17..19)?, number(20..23)?);
    let valid = year > 0 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = i64::from(hour) * HOUR_US + i64::from(minute) * MINUTE_US + i64::from(second) * SECOND_US;
    micros_from_civil(&Civil { year, month, day, micros: micros + i64::from(milli) * 1000 })
}
