//! The law of [`super::FuncDef::monotone`], on values of all kinds.

use super::{ArgType, FuncDef, all};
use repr::text::{TextSettings, parse};
use repr::{Arena, Datum, Row, RowPacker, SqlType};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Random values of a type, and those at its edges.
fn values(ty: &SqlType, count: u64) -> Vec<Row> {
    let edges: &[&str] = match ty {
        SqlType::Text => {
            &["", "day", "month", "hour", "century", "2024-02-29T23:59:59.999Z", "2024-03-01T00:00:00.000Z"]
        }
        SqlType::Interval => &["0", "1 mon", "-1 mon", "30 days", "36:00", "1 year 2 mons -3 days", "1 day"],
        SqlType::Timestamp(_) | SqlType::Timestamptz(_) => &["infinity", "-infinity", "2024-01-31 10:00", "2024-02-29"],
        SqlType::Date => &["infinity", "-infinity", "2024-01-31", "0001-01-01 BC", "2024-02-29"],
        SqlType::Numeric(_) => {
            &["NaN", "Infinity", "-Infinity", "0.5", "-0.5", "1.50", "123456789012345678901234567890"]
        }
        SqlType::Float4 | SqlType::Float8 => &["NaN", "Infinity", "-Infinity", "-0", "0", "0.5", "1e30"],
        SqlType::Int2 => &["-32768", "32767"],
        SqlType::Int4 => &["-2147483648", "2147483647"],
        SqlType::Int8 => &["-9223372036854775808", "9223372036854775807"],
        _ => &[],
    };
    let random = (0..count).map(|n| random_text(ty, n));
    let read = |text: String| {
        let mut packer = RowPacker::new();
        parse(&text, ty, &TextSettings::DEFAULT, &mut packer).ok()?;
        Some(packer.finish())
    };
    edges.iter().map(ToString::to_string).chain(random).filter_map(read).collect()
}

/// Some text that is often a value of a type.
fn random_text(ty: &SqlType, n: u64) -> String {
    let mut hasher = DefaultHasher::new();
    (n, format!("{ty}")).hash(&mut hasher);
    let (word, small) = (hasher.finish(), hasher.finish() % 200);
    match ty {
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 => format!("{}", small as i64 - 100),
        SqlType::Numeric(_) | SqlType::Float4 | SqlType::Float8 => {
            format!("{}.{:02}", word as i64 >> (word % 60), word % 100)
        }
        SqlType::Date => format!("{:04}-{:02}-{:02}", 1 + word % 3000, 1 + word % 12, 1 + word % 28),
        SqlType::Time => format!("{:02}:{:02}:{:02}", word % 24, word % 60, word % 59),
        SqlType::Timestamp(_) | SqlType::Timestamptz(_) => {
            format!(
                "{:04}-{:02}-{:02} {:02}:{:02}",
                1990 + word % 60,
                1 + word % 12,
                1 + word % 31,
                word % 24,
                word % 60
            )
        }
        SqlType::Text => {
            format!("{:04}-{:02}-{:02}T01:02:03.{:03}Z", 1 + word % 9999, 1 + word % 14, 1 + word % 31, word % 1000)
        }
        SqlType::Interval => format!("{} mons {} days {} hours", word % 30, small, word % 50),
        _ => format!("{}", word >> 20),
    }
}

fn check(def: &FuncDef) {
    let pools: Vec<Vec<Row>> = def
        .args
        .iter()
        .map(|arg| match arg {
            ArgType::Exact(ty) => values(ty, 40),
            other => panic!("{} is monotone in {other:?}", def.name),
        })
        .collect();
    let arena = Arena::new();
    let datum = |at: usize, n: usize| pools[at][n % pools[at].len()].iter().next().unwrap_or(Datum::Null);
    for (at, _) in def.monotone.iter().enumerate().filter(|(_, monotone)| **monotone) {
        for fixed in 0..12 {
            let result = |n: usize| {
                let args: Vec<Datum<'_>> =
                    (0..pools.len()).map(|i| datum(i, if i == at { n } else { fixed * 7 + i })).collect();
                let value = def.call(&args, &arena).ok().filter(|value| !value.is_null())?;
                Some((args[at], value))
            };
            let mut results: Vec<_> = (0..pools[at].len()).filter_map(result).collect();
            results.sort_by_key(|(arg, _)| *arg);
            for pair in results.windows(2) {
                assert!(pair[0].1 <= pair[1].1, "{} is not monotone: {pair:?}", def.name);
            }
        }
    }
}

#[test]
fn monotone_functions_are() {
    let monotone: Vec<_> = all().into_iter().filter(|func| func.0.monotone.contains(&true)).collect();
    assert!(monotone.len() > 40, "only {}", monotone.len());
    monotone.iter().for_each(|func| check(func.0));
}
