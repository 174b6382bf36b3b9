//! What counts as the same answer.
//!
//! Columns have the same names and types, rows compare as multisets of text (as lists where the query orders them totally). Where the query groups
//! values that SQL calls equal (or does what groupings do), numbers of equal value and intervals of equal length count as the same, and where it sums
//! floats, their last digits do not count: `docs/sql.md` explains both. Of errors the SQLSTATEs must agree; data errors (classes 21 and 22) compare
//! only in flat queries, since elsewhere it depends on the order of evaluation whether the row that fails is reached.

use super::expr::Traits;
use super::servers::{Answer, Row, Rows};

/// Digits of floats that count where floats are summed.
const DIGITS: usize = 9;

/// What comparing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same.
    Same,
    /// Both fail, alike.
    BothFail(String),
    /// Not to be compared, and why.
    Skipped(String),
    /// Different, in this way.
    Different(Kind),
}

/// How answers differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both have rows, not the same.
    Rows,
    /// The columns have other names or types.
    Columns,
    /// Only Freshet fails, with this SQLSTATE.
    OnlyOurs(String),
    /// Only PostgreSQL fails, with this SQLSTATE.
    OnlyOracle(String),
    /// Both fail, with different SQLSTATEs: PostgreSQL's and ours.
    Errors(String, String),
    /// Freshet does not answer in time.
    Slow,
    /// Freshet's connection broke.
    Lost,
}

/// Compares PostgreSQL's answer with Freshet's.
pub fn compare(oracle: &Answer, ours: &Answer, traits: Traits) -> Verdict {
    match (oracle, ours) {
        (Answer::Timeout | Answer::Lost, _) => Verdict::Skipped("PostgreSQL takes too long".to_string()),
        (_, Answer::Timeout) => Verdict::Different(Kind::Slow),
        (_, Answer::Lost) => Verdict::Different(Kind::Lost),
        (Answer::Rows(expected), Answer::Rows(found)) => compare_rows(expected, found, traits),
        (Answer::Error(expected, message), Answer::Error(code, _)) => {
            let alike = expected == code || (!traits.flat && is_data_error(expected) && is_data_error(code));
            if alike {
                return Verdict::BothFail(format!("{expected}: {message}"));
            }
            Verdict::Different(Kind::Errors(expected.clone(), code.clone()))
        }
        (Answer::Error(code, _), _) | (_, Answer::Error(code, _)) if !traits.flat && is_data_error(code) => {
            Verdict::Skipped(format!("{code} depends on the order of evaluation"))
        }
        (Answer::Rows(_), Answer::Error(code, _)) => Verdict::Different(Kind::OnlyOurs(code.clone())),
        (Answer::Error(code, _), Answer::Rows(_)) => Verdict::Different(Kind::OnlyOracle(code.clone())),
    }
}

/// Whether an error is of the data: cardinality and data exceptions.
fn is_data_error(code: &str) -> bool {
    code.starts_with("21") || code.starts_with("22")
}

fn compare_rows(expected: &Rows, found: &Rows, traits: Traits) -> Verdict {
    if expected.header != found.header {
        return Verdict::Different(Kind::Columns);
    }
    let same = expected.affected == found.affected && normal(&expected.rows, traits) == normal(&found.rows, traits);
    if same { Verdict::Same } else { Verdict::Different(Kind::Rows) }
}

fn normal(rows: &[Row], traits: Traits) -> Vec<Row> {
    let cell = |cell: &Option<String>| cell.as_ref().map(|text| normal_cell(text, traits));
    let mut rows: Vec<Row> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    if !traits.ordered {
        rows.sort();
    }
    rows
}

/// A value in the form that all equal values have.
pub fn normal_cell(text: &str, traits: Traits) -> String {
    if !traits.loose && !traits.floats {
        return text.to_string();
    }
    if let Some(micros) = interval_micros(text) {
        return format!("{micros} us");
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside_word = out.chars().last().is_some_and(|c| c.is_alphanumeric() || c == '.');
        let length = if inside_word { 0 } else { number_length(rest) };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.push_str(&normal_number(&rest[..length], traits.floats));
            rest = &rest[length..];
        }
    }
    out
}

/// How many bytes at the start are a number: digits, perhaps with a sign, a fraction and an exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(bytes[0] == b'-');
    let mut end = sign + digits(sign);
    if end == sign {
        return 0;
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if bytes.get(end) == Some(&b'e') {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    end
}

fn normal_number(number: &str, floats: bool) -> String {
    if floats
        && number.contains(['.', 'e'])
        && let Ok(value) = number.parse::<f64>()
    {
        // What cancels out leaves a residue of its own.
        let value = if value.abs() < 1e-12 { 0.0 } else { value };
        return format!("{value:.DIGITS$e}");
    }
    if number.contains('.') && !number.contains('e') {
        let short = number.trim_end_matches('0').trim_end_matches('.');
        return if short == "-0" { "0".to_string() } else { short.to_string() };
    }
    if number == "-0" { "0".to_string() } else { number.to_string() }
}

/// The length of an interval, if that is what this is.
fn interval_micros(text: &str) -> Option<i128> {
    const DAY: i128 = 86_400_000_000;
    let words: Vec<&str> = text.split(' ').collect();
    let (time, pairs) =
        if words.len() % 2 == 1 { (words.last(), &words[..words.len() - 1]) } else { (None, &words[..]) };
    let mut total = 0;
    for pair in pairs.chunks(2) {
        let count: i128 = pair[0].parse().ok()?;
        let unit = match pair[1].trim_end_matches('s') {
            "year" => 360 * DAY,
            "mon" => 30 * DAY,
            "day" => DAY,
            _ => return None,
        };
        total += count * unit;
    }
    let Some(time) = time else { return Some(total) };
    let (sign, time) = time.strip_prefix('-').map_or((1, *time), |rest| (-1, rest));
    let parts: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return None };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let micros: i128 = format!("{fraction:0<6}").parse().ok()?;
    let whole =
        (hours.parse::<i128>().ok()? * 60 + minutes.parse::<i128>().ok()?) * 60 + seconds.parse::<i128>().ok()?;
    Some(total + sign * (whole * 1_000_000 + micros))
}
