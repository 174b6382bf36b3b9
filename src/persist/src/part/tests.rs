//! Rows come back byte for byte, whatever they hold.

use super::{PartReader, encode};
use crate::{PersistError, Update};
use bigdecimal::BigDecimal;
use repr::{Datum, Interval, Numeric, NumericRef, RelationDesc, Row, SqlError, SqlState, SqlType};
use std::str::FromStr;

fn roundtrip(desc: &RelationDesc, updates: &[Update]) -> bytes::Bytes {
    let encoded = encode("s1/n1/p1".into(), desc, updates).unwrap();
    let mut reader = PartReader::open(&encoded.part, encoded.bytes.clone(), 3).unwrap();
    let mut back = Vec::new();
    while let Some(chunk) = reader.next().unwrap() {
        assert!(chunk.len() <= 3);
        back.extend(chunk);
    }
    assert_eq!(back, updates);
    encoded.bytes
}

fn number(text: &str) -> Vec<u8> {
    match text {
        "NaN" => Numeric::NaN.encode(),
        "Infinity" => Numeric::Infinity.encode(),
        _ => Numeric::Finite(BigDecimal::from_str(text).unwrap()).encode(),
    }
}

fn one_column(ty: SqlType, cells: Vec<Datum<'_>>) -> (RelationDesc, Vec<Update>) {
    let desc = RelationDesc::empty().with("c", ty, true);
    let nulls = [Datum::Null];
    let all = cells.into_iter().chain(nulls);
    (desc, all.map(|cell| Update::row(Row::pack([cell]), 7, -3)).collect())
}

#[test]
fn every_type() {
    let cases = vec![
        (SqlType::Bool, vec![Datum::Bool(true), Datum::Bool(false)]),
        (SqlType::Int2, vec![Datum::Int2(i16::MIN), Datum::Int2(i16::MAX)]),
        (SqlType::Int4, vec![Datum::Int4(i32::MIN), Datum::Int4(0), Datum::Int4(i32::MAX)]),
        (SqlType::Int8, vec![Datum::Int8(i64::MIN), Datum::Int8(-1), Datum::Int8(i64::MAX)]),
        (SqlType::Float4, vec![Datum::Float4(-0.0), Datum::Float4(f32::NAN), Datum::Float4(f32::NEG_INFINITY)]),
        (SqlType::Float8, vec![Datum::Float8(-0.0), Datum::Float8(f64::NAN), Datum::Float8(f64::INFINITY)]),
        (SqlType::Text, vec![Datum::Text(""), Datum::Text("naïve"), Datum::Text("x")]),
        (SqlType::Char(Some(4)), vec![Datum::Text("ab  ")]),
        (SqlType::Bytea, vec![Datum::Bytes(b""), Datum::Bytes(b"\0\xFF")]),
        (SqlType::Date, vec![Datum::Date(i32::MAX), Datum::Date(i32::MIN), Datum::Date(-1)]),
        (SqlType::Time, vec![Datum::Time(0), Datum::Time(86_400_000_000)]),
        (SqlType::TIMESTAMP, vec![Datum::Timestamp(i64::MAX), Datum::Timestamp(i64::MIN), Datum::Timestamp(1)]),
        (SqlType::TIMESTAMPTZ, vec![Datum::Timestamptz(i64::MAX), Datum::Timestamptz(-5)]),
        (SqlType::Interval, vec![Datum::Interval(Interval { months: -1, days: 30, micros: 5 })]),
        (SqlType::Uuid, vec![Datum::Uuid([7; 16])]),
        (SqlType::Oid, vec![Datum::Oid(u32::MAX)]),
        (SqlType::MzTimestamp, vec![Datum::MzTimestamp(u64::MAX)]),
        (SqlType::Int8, vec![Datum::Int4(5), Datum::Int8(6)]), // not as declared: still not lost
    ];
    for (ty, cells) in cases {
        let (desc, updates) = one_column(ty, cells);
        roundtrip(&desc, &updates);
    }
}

#[test]
fn numerics_keep_their_scale() {
    for texts in [vec!["1.00", "-12345678.90", "0.00"], vec!["1.0", "1.00"], vec!["NaN", "1.00"], vec!["Infinity"]] {
        let encoded: Vec<Vec<u8>> = texts.iter().map(|text| number(text)).collect();
        let cells = || encoded.iter().map(|bytes| Datum::Numeric(NumericRef::from_encoded(bytes))).collect();
        for ty in [SqlType::Numeric(Some((10, 2))), SqlType::NUMERIC, SqlType::Numeric(Some((1000, 2)))] {
            let (desc, updates) = one_column(ty, cells());
            roundtrip(&desc, &updates);
        }
    }
}

#[test]
fn errors_odd_names_and_no_columns() {
    let desc = RelationDesc::empty()
        .with("a", SqlType::Int4, false)
        .with("a", SqlType::Text, true)
        .with("", SqlType::Bool, true)
        .with("__time", SqlType::Bool, true);
    let row = Row::pack([Datum::Int4(1), Datum::Text("x"), Datum::Bool(true), Datum::Null]);
    let error = SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero").hint("don't");
    let updates = [Update::row(row, 3, 1), Update::error(error, u64::MAX, i64::MIN)];
    roundtrip(&desc, &updates);
    roundtrip(&RelationDesc::empty(), &[Update::row(Row::empty(), 1, 5)]);
    assert!(matches!(encode("k".into(), &RelationDesc::empty(), &updates), Err(PersistError::Usage(_))));
}

#[test]
fn statistics() {
    let desc = RelationDesc::empty().with("c", SqlType::Int4, true);
    let cells = [Datum::Int4(5), Datum::Null, Datum::Int4(-3), Datum::Int4(4)];
    let updates = cells.map(|cell| Update::row(Row::pack([cell]), 1, 1));
    let stats = &encode("k".into(), &desc, &updates).unwrap().part.stats[0];
    assert_eq!(stats.min, Row::pack([Datum::Int4(-3)]).encoded());
    assert_eq!(stats.max, Row::pack([Datum::Int4(5)]).encoded());
    assert_eq!(stats.nulls, 1);
}

#[test]
fn damage_is_noticed() {
    let desc = RelationDesc::empty().with("c", SqlType::Int4, true);
    let encoded = encode("k".into(), &desc, &[Update::row(Row::pack([Datum::Int4(1)]), 1, 1)]).unwrap();
    let mut damaged = encoded.bytes.to_vec();
    damaged[20] ^= 1;
    let error = PartReader::open(&encoded.part, damaged.into(), 10).err().unwrap();
    assert!(matches!(error, PersistError::Corrupt { .. }), "{error}");
}
