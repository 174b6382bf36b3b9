//! `extract` and `date_part`.

use super::super::FuncDef;
use super::super::build::*;
use super::is_infinite;
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use repr::datetime::{
    HOUR_US, JULIAN_EPOCH, MINUTE_US, UNIX_EPOCH_DAYS, UNIX_EPOCH_US, civil_from_micros, day_of_year, iso_week,
    iso_weekday, offset_at, to_local,
};
use repr::interval::DAY_US;
use repr::text::TextSettings;
use repr::{Arena, Datum, EvalError, Interval, Numeric, SqlError, SqlState, TimeTz};

/// A field of a date, time or interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    IsoYear,
    Decade,
    Century,
    Millennium,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Epoch,
    Julian,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

impl Field {
    /// The field of this name; 22023 if there is none.
    pub fn of(name: &str, ty: &str) -> Result<Field, EvalError> {
        let lower = name.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => Field::Microseconds,
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => Field::Milliseconds,
            "s" | "sec" | "secs" | "second" | "seconds" => Field::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Field::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Field::Hour,
            "d" | "day" | "days" => Field::Day,
            "w" | "week" | "weeks" => Field::Week,
            "mon" | "mons" | "month" | "months" => Field::Month,
            "qtr" | "quarter" => Field::Quarter,
            "y" | "yr" | "yrs" | "year" | "years" => Field::Year,
            "isoyear" => Field::IsoYear,
            "dec" | "decs" | "decade" | "decades" => Field::Decade,
            "c" | "cent" | "century" | "centuries" => Field::Century,
            "mil" | "mils" | "millennium" | "millennia" => Field::Millennium,
            "dow" => Field::DayOfWeek,
            "isodow" => Field::IsoDayOfWeek,
            "doy" => Field::DayOfYear,
            "epoch" => Field::Epoch,
            "j" | "jd" | "julian" => Field::Julian,
            "timezone" => Field::Timezone,
            "timezone_h" | "timezone_hour" => Field::TimezoneHour,
            "timezone_m" | "timezone_minute" => Field::TimezoneMinute,
            _ => return Err(invalid_parameter(format!("unit \"{name}\" not recognized for type {ty}"))),
        })
    }

    /// Whether it grows without bound with time, so that an infinite time has it.
    fn is_monotone(self) -> bool {
        use Field::*;
        matches!(self, Year | IsoYear | Decade | Century | Millennium | Epoch | Julian)
    }
}

/// 0A000 for a field that a type does not have.
pub(super) fn unsupported(name: &str, ty: &str) -> EvalError {
    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unit \"{name}\" not supported for type {ty}"))
}

/// The value of a field: an integer of units of `10^-scale`.
type FieldValue = (i128, i64);

fn whole(value: i64) -> FieldValue {
    (i128::from(value), 0)
}

/// The field of a time of the day.
fn of_clock(field: Field, micros: i64) -> Option<FieldValue> {
    Some(match field {
        Field::Microseconds => whole(micros % MINUTE_US),
        Field::Milliseconds => (i128::from(micros % MINUTE_US), 3),
        Field::Second => (i128::from(micros % MINUTE_US), 6),
        Field::Minute => whole(micros / MINUTE_US % 60),
        Field::Hour => whole(micros / HOUR_US),
        _ => return None,
    })
}

/// Centuries and millennia count from 1, there is no year 0, and BC counts backwards.
fn era(year: i64, length: i64) -> i64 {
    if year > 0 { (year + length - 1) / length } else { -((length - 1 - (year - 1)) / length) }
}

/// The field of a date.
fn of_date(field: Field, days: i64) -> Option<FieldValue> {
    let (year, month, day) = repr::datetime::civil_from_days(days);
    let year64 = i64::from(year);
    let shown = |year: i64| if year > 0 { year } else { year - 1 };
    Some(whole(match field {
        Field::Day => i64::from(day),
        Field::Week => iso_week(days).1,
        Field::Month => i64::from(month),
        Field::Quarter => i64::from((month - 1) / 3 + 1),
        Field::Year => shown(year64),
        Field::IsoYear => shown(i64::from(iso_week(days).0)),
        Field::Decade => year64.div_euclid(10),
        Field::Century => era(year64, 100),
        Field::Millennium => era(year64, 1000),
        Field::DayOfWeek => iso_weekday(days) % 7,
        Field::IsoDayOfWeek => iso_weekday(days),
        Field::DayOfYear => day_of_year(days),
        _ => return None,
    }))
}

/// The field of a date that is no part of a timestamp.
fn of_date_alone(field: Field, days: i64) -> Option<FieldValue> {
    match field {
        Field::Epoch => Some(whole((days + UNIX_EPOCH_DAYS) * 86_400)),
        Field::Julian => Some(whole(days + JULIAN_EPOCH)),
        _ => of_date(field, days),
    }
}

/// The field of a timestamp.
fn of_timestamp(field: Field, micros: i64) -> Option<FieldValue> {
    let days = micros.div_euclid(DAY_US);
    match field {
        Field::Epoch => Some((i128::from(micros) + i128::from(UNIX_EPOCH_US), 6)),
        Field::Julian => {
            // Days and the part of the day that has passed, with the digits of a quotient of numerics.
            let (passed, day) = (i128::from(micros.rem_euclid(DAY_US)), i128::from(DAY_US));
            let scale = julian_digits(passed);
            let part = (passed * 10i128.pow(scale) * 2 + day) / (day * 2);
            Some((i128::from(days + JULIAN_EPOCH) * 10i128.pow(scale) + part, scale.into()))
        }
        _ => of_clock(field, civil_from_micros(micros).micros).or_else(|| of_date(field, days)),
    }
}

/// How many digits a quotient by the microseconds of a day has: 16 significant ones, in groups of four.
fn julian_digits(micros: i128) -> u32 {
    let groups = (1..).take_while(|n| micros >= 10i128.pow(4 * n)).count() as u32;
    // The day's own first group is 864, its third.
    let below = micros / 10i128.pow(4 * groups) <= 864;
    16 + 4 * (2 - groups.min(2) + u32::from(below))
}

/// The field of an offset from UTC in seconds east.
fn of_offset(field: Field, seconds: i32) -> Option<FieldValue> {
    Some(whole(i64::from(match field {
        Field::Timezone => seconds,
        Field::TimezoneHour => seconds / 3600,
        Field::TimezoneMinute => seconds / 60 % 60,
        _ => return None,
    })))
}

/// The field of a time with zone, on a session's clock.
fn of_timestamptz(field: Field, micros: i64, settings: &TextSettings) -> Option<FieldValue> {
    if field == Field::Epoch {
        return of_timestamp(field, micros);
    }
    let offset = || of_offset(field, offset_at(&settings.time_zone, micros));
    offset().or_else(|| of_timestamp(field, to_local(&settings.time_zone, micros)))
}

/// The field of a time of the day in a zone.
fn of_timetz(field: Field, time: TimeTz) -> Option<FieldValue> {
    match field {
        Field::Epoch => Some((i128::from(time.utc_micros()), 6)),
        _ => of_offset(field, time.offset).or_else(|| of_clock(field, time.micros)),
    }
}

/// The field of an interval.
fn of_interval(field: Field, span: Interval) -> Option<FieldValue> {
    let (years, months) = (i64::from(span.months / 12), i64::from(span.months % 12));
    Some(match field {
        Field::Day => whole(span.days.into()),
        Field::Month => whole(months),
        Field::Quarter => whole(months / 3 + 1),
        Field::Year => whole(years),
        Field::Decade => whole(years / 10),
        Field::Century => whole(years / 100),
        Field::Millennium => whole(years / 1000),
        Field::Epoch => {
            // A year of 365.25 days, a month of 30.
            let quarter_days = i128::from(years) * 1461 + (i128::from(months) * 30 + i128::from(span.days)) * 4;
            (quarter_days * i128::from(DAY_US / 4) + i128::from(span.micros), 6)
        }
        _ => return of_clock(field, span.micros),
    })
}

fn numeric((value, scale): FieldValue) -> Numeric {
    Numeric::Finite(BigDecimal::new(BigInt::from(value), scale))
}

fn infinite(positive: bool) -> Numeric {
    if positive { Numeric::Infinity } else { Numeric::NegInfinity }
}

/// The field that the first argument names, of the second.
fn part(args: &[Datum<'_>], settings: &TextSettings) -> Result<Option<Numeric>, EvalError> {
    let name: &str = arg(args, 0)?;
    let ty = match args[1] {
        Datum::Timestamptz(_) => "timestamp with time zone",
        Datum::Timestamp(_) => "timestamp without time zone",
        Datum::Date(_) => "date",
        Datum::Time(_) => "time without time zone",
        Datum::TimeTz(_) => "time with time zone",
        _ => "interval",
    };
    let field = Field::of(name, ty)?;
    let value = match args[1] {
        Datum::Timestamp(micros) | Datum::Timestamptz(micros) if is_infinite(micros) => {
            return Ok(field.is_monotone().then(|| infinite(micros > 0)));
        }
        Datum::Date(days) if (days == i32::MAX || days == i32::MIN) && of_date_alone(field, 0).is_some() => {
            return Ok(field.is_monotone().then(|| infinite(days > 0)));
        }
        Datum::Timestamp(micros) => of_timestamp(field, micros),
        Datum::Timestamptz(micros) => of_timestamptz(field, micros, settings),
        Datum::TimeTz(time) => of_timetz(field, time),
        Datum::Date(days) => of_date_alone(field, days.into()),
        Datum::Time(micros) => match field {
            Field::Epoch => Some((i128::from(micros), 6)),
            _ => of_clock(field, micros),
        },
        Datum::Interval(span) => of_interval(field, span),
        other => return Err(SqlError::internal(format!("{other:?} has no fields"))),
    };
    value.map(numeric).map(Some).ok_or_else(|| unsupported(name, ty))
}

fn extract<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    Ok(part(args, settings)?.map_or(Datum::Null, |value| numeric_out(&value, arena)))
}

fn date_part<'a>(args: &[Datum<'a>], arena: &'a Arena, settings: &TextSettings) -> Result<Datum<'a>, EvalError> {
    // Unlike `extract` it takes a date for its midnight.
    let args = match args {
        [name, Datum::Date(days)] => &[*name, Datum::Timestamp(super::date_to_micros(*days)?)],
        args => args,
    };
    let Some(value) = part(args, settings)? else { return Ok(Datum::Null) };
    super::super::casts::to_float8(numeric_out(&value, arena)).map(Datum::Float8)
}

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let types = [
        ("timestamp", TIMESTAMP),
        ("timestamptz", TIMESTAMPTZ),
        ("date", DATE),
        ("time", TIME),
        ("timetz", TIMETZ),
        ("interval", INTERVAL),
    ];
    let mut table = Vec::new();
    for (stem, ty) in types {
        let args = [TEXT, ty];
        table.push(session(&format!("extract_{stem}"), "extract", &args, NUMERIC, extract).may_be_null());
        table.push(session(&format!("{stem}_part"), "date_part", &args, FLOAT8, date_part).may_be_null());
    }
    table
}
