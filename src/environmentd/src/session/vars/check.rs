//! What a value of a variable must be like, and the form in which it is kept.

use super::{Def, Kind};
use repr::datetime::zone;
use repr::text::IntervalStyle;
use repr::{SqlError, SqlState};

pub(super) fn split_list(value: &str) -> Vec<String> {
    let entries = value.split(',').map(|e| e.trim().trim_matches('"').to_string());
    entries.filter(|e| !e.is_empty()).collect()
}

fn invalid(def: &Def, value: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{}\": \"{value}\"", def.shown),
    )
}

/// The value to store, in canonical form.
pub(super) fn check(def: &'static Def, values: &[String], before: &str) -> Result<String, SqlError> {
    if let Kind::List = def.kind {
        return if def.name == "datestyle" {
            date_style(def, &values.join(","), before)
        } else {
            Ok(values.join(", "))
        };
    }
    let [value] = values else {
        let what = format!("SET {} takes only one argument", def.shown);
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, what));
    };
    let lower = value.to_ascii_lowercase();
    match def.kind {
        Kind::Text | Kind::List => Ok(value.clone()),
        Kind::Bool => match lower.as_str() {
            "on" | "true" | "t" | "yes" | "y" | "1" => Ok("on".into()),
            "off" | "false" | "f" | "no" | "n" | "0" => Ok("off".into()),
            _ => Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("parameter \"{}\" requires a Boolean value", def.shown),
            )),
        },
        Kind::Int(min, max) => match lower.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            Ok(number) => Err(outside(def, &number.to_string(), min, max)),
            Err(_) => Err(invalid(def, value)),
        },
        Kind::Duration => duration(def, value),
        Kind::Words(words) if def.name == "client_encoding" => {
            // As PostgreSQL reads names of encodings: letters and digits only.
            let plain: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
            if words.contains(&plain.as_str()) { Ok("UTF8".into()) } else { Err(invalid(def, value)) }
        }
        Kind::Words(words) if words.contains(&lower.as_str()) => Ok(lower),
        Kind::Words(words) => Err(invalid(def, value).hint(format!("Available values: {}.", words.join(", ")))),
        Kind::TimeZone => time_zone(value).ok_or_else(|| invalid(def, value)),
        Kind::Fixed => Err(SqlError::new(
            SqlState::CANT_CHANGE_RUNTIME_PARAM,
            format!("parameter \"{}\" cannot be changed", def.shown),
        )),
    }
}

/// A time zone as it is kept: a name; for hours or an interval east of UTC the POSIX name of that offset.
fn time_zone(value: &str) -> Option<String> {
    let seconds = match value.strip_prefix("interval ") {
        Some(text) => {
            let interval = repr::text::interval::parse(text, IntervalStyle::Postgres).ok()?;
            (interval.months == 0 && interval.days == 0).then_some(interval.micros as f64 / 1e6)?
        }
        None => match value.trim().parse::<f64>() {
            Ok(hours) => hours * 3600.0,
            Err(_) => return zone(value).is_ok().then(|| value.to_string()),
        },
    };
    if seconds.is_nan() || seconds.abs() > MAX_OFFSET {
        return None;
    }
    let (seconds, east) = (seconds.abs() as u32, seconds >= 0.0);
    let clock = match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (hours, 0, 0) => format!("{hours:02}"),
        (hours, minutes, 0) => format!("{hours:02}:{minutes:02}"),
        (hours, minutes, seconds) => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    };
    Some(if east { format!("<+{clock}>-{clock}") } else { format!("<-{clock}>+{clock}") })
}

/// Seconds that a zone may be away from UTC.
const MAX_OFFSET: f64 = 15.0 * 3600.0 + 3599.0;

/// What is not said of style and order stays as `before`; a style may imply an order.
fn date_style(def: &Def, value: &str, before: &str) -> Result<String, SqlError> {
    let (mut style, mut order) = before.split_once(", ").unwrap_or(("ISO", "MDY"));
    let mut order_said = false;
    for word in split_list(value) {
        match word.to_ascii_lowercase().as_str() {
            "iso" => style = "ISO",
            "sql" => style = "SQL",
            word if word.starts_with("postgres") => style = "Postgres",
            "german" => {
                style = "German";
                order = if order_said { order } else { "DMY" };
            }
            "mdy" | "us" | "noneuro" | "noneuropean" => (order, order_said) = ("MDY", true),
            "dmy" | "euro" | "european" => (order, order_said) = ("DMY", true),
            "ymd" => (order, order_said) = ("YMD", true),
            "default" => (style, order) = ("ISO", "MDY"),
            _ => return Err(invalid(def, value)),
        }
    }
    Ok(format!("{style}, {order}"))
}

/// Units of times, in milliseconds, as PostgreSQL names them; the largest first.
const UNITS: [(&str, f64); 6] =
    [("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0), ("ms", 1.0), ("us", 0.001)];

/// `250`, `250ms`, `1.5s`, `2min`, `1h`, `1d`: milliseconds, of which there may be as many as an int4 holds.
pub(super) fn duration_ms(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..split].trim().parse().ok()?;
    let unit = match &text[split..] {
        "" => 1.0,
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms)?,
    };
    Some((number * unit).round_ties_even())
}

/// A time as SHOW prints it: in the largest unit that leaves a whole number.
fn duration_text(ms: f64) -> String {
    let whole = |(_, unit): &&(&str, f64)| *unit >= 1.0 && ms % unit == 0.0;
    match UNITS.iter().find(whole).filter(|_| ms != 0.0) {
        Some((name, unit)) => format!("{}{name}", ms / unit),
        None => "0".to_string(),
    }
}

fn duration(def: &Def, value: &str) -> Result<String, SqlError> {
    let invalid = || {
        let hint = "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
        invalid(def, value).hint(hint)
    };
    let ms = duration_ms(value).ok_or_else(invalid)?;
    if (0.0..=f64::from(i32::MAX)).contains(&ms) {
        return Ok(duration_text(ms));
    }
    Err(outside(def, &format!("{ms} ms"), 0, i64::from(i32::MAX)))
}

fn outside(def: &Def, value: &str, min: i64, max: i64) -> SqlError {
    let message = format!("{value} is outside the valid range for parameter \"{}\" ({min} .. {max})", def.shown);
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
